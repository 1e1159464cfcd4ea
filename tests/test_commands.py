"""A forked command ends, prints and finds its modules as one that was started."""

import os
import subprocess
import sys

import pytest

from tests import commands

WAYS = {
    "to its end": "print('said')",
    "with a code": "import sys; print('said'); sys.exit(3)",
    "with words": "import sys; sys.exit('why')",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "with arguments": "import sys; print(sys.argv[1:])",
    "in its folder": "import os; print(os.getcwd(), sorted(os.listdir()))",
    "with its environment": "import os; print(os.environ['ONLY'], 'PATH' in os.environ)",
    "with modules of its own": "import torch; print(torch.__file__)",
    "without input": "import sys; print(repr(sys.stdin.read()))",
}


@pytest.mark.parametrize("code", WAYS.values(), ids=WAYS)
def test_a_forked_command_is_like_one_that_was_started(tmp_path, code):
    (tmp_path / "said.py").write_text(code + "\n")
    (tmp_path / "light").mkdir()
    (tmp_path / "light" / "torch.py").write_text("")
    command = ("said", "one", "two")
    environment = {"ONLY": "this", "PYTHONPATH": str(tmp_path / "light")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    forked = commands.run(tmp_path, command, environment)
    started = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    both = [(each.returncode, each.stdout, each.stderr) for each in (forked, started)]
    assert both[0] == both[1]
