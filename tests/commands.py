"""Commands of samples, forked from one process that has imported what they all need.

To start Python, MkDocs and pytest takes most of a second, some hundred times in all tests. What
must not be imported is torch: samples have a light one of their own.
"""

import os
import runpy
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tutorial.run.forks import Forks, can_fork

ROOT = Path(__file__).resolve().parents[1]
# Not pytest's plugins themselves: it wants to import them, to rewrite what they assert.
HEAVY = (
    *("pytest", "execnet", "markdown_it", "rich.progress", "filelock", "PIL.Image", "jupytext"),
    *("material.plugins.search.plugin", "mkdocs.commands.build", "mkdocs.livereload"),
    *("pymdownx.superfences", "pymdownx.highlight", "pymdownx.tabbed", "bs4"),
    *("tutorial.site.build", "tutorial.site.pictures", "tutorial.run.runner"),
    "tutorial.run.progress",
)
LIMIT = 300.0  # seconds for a command


def run(folder: Path, command: tuple[str, ...], environment: dict[str, str]):
    """Run `python -m COMMAND` in a folder; a subprocess.CompletedProcess."""
    forks = _forks() if can_fork("cpu") else None
    if forks is None:
        process = [sys.executable, "-m", *command]
        return subprocess.run(
            process, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT
        )
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with open(os.devnull) as nothing:
            streams = (nothing.fileno(), out.fileno(), err.fileno())
            process = forks.fork(folder, environment, *streams, command)
        if process is None:
            raise RuntimeError("the process that forks the samples' commands has failed")
        try:
            code = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess(command, code, *said)


@cache
def _forks() -> Forks:
    """One for all tests of this process, with which it ends."""
    return Forks("tests.commands", os.environ | {"PYTHONPATH": str(ROOT)})


def serve() -> None:
    """Run the module that the arguments name, as `python -m` does."""
    if found := {"torch", "torchvision", "numpy"} & sys.modules.keys():
        raise RuntimeError(f"imported already: {found}")
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [os.getcwd(), *path, *(each for each in sys.path if each not in path)]
    command = sys.argv[1]
    del sys.argv[1]
    runpy.run_module(command, run_name="__main__", alter_sys=True)
