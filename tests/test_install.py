"""Installing: which torch is fetched from where, and what is said when it cannot be."""

import ast
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from argparse import Namespace
from pathlib import Path

import pytest
from torch.torch_version import TorchVersion

from tutorial import __main__, install
from tutorial.lesson.project import Project

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("package.json", "package-lock.json")
PINNED = re.findall(
    r"^torch(?:vision)?==\S+", install.REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE
)


# Which torch


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes a checkout, on a machine of some kind, whose .venv takes down what it is asked to do.

    Gives its installer, and the arguments of each `pip install` so far.
    """
    if os.name == "nt":
        pytest.skip("the Python of .venv is a script for a shell here")
    for name in ("tutorial/install.py", "requirements.txt", "constraints.txt", *PACKAGES):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    asked, python = tmp_path / "asked", tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)

    def machine(system="Linux", nvidia=False, small=True):
        lacks = "" if small else 'case "$*" in *--index-url*) exit 1;; esac\n'
        python.write_text(f'#!/bin/sh\necho "$*" >> "{asked}"\n{lacks}')
        python.chmod(0o755)
        asked.write_text("")
        monkeypatch.setattr(platform, "system", lambda: system)
        monkeypatch.setattr(shutil, "which", lambda name: nvidia and name == "nvidia-smi")
        spec = importlib.util.spec_from_file_location("installer", tmp_path / "tutorial/install.py")
        installer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(installer)
        return installer, lambda: re.findall(r"^-m pip \S+ (install .+)$", asked.read_text(), re.M)

    return machine


def test_linux_without_a_gpu_gets_the_small_pair_from_one_index(machine, capfd):
    installer, asked = machine()
    installer.main()
    small, rest = asked()
    assert {"--isolated", "--no-deps"} <= set(small.split()), "another index's torch could come"
    assert f"--index-url {install.CPU_INDEX} " in small
    assert small.split()[-2:] == PINNED
    assert rest == f"install -r {installer.REQUIREMENTS} -c {installer.CONSTRAINTS}"
    assert "registry" not in capfd.readouterr().out
    assert installer.installed()


def test_without_npm_the_packaged_one_is_asked(machine, tmp_path):
    installer, _ = machine()
    installer.main()
    assert f"{installer.__file__} npm ci " in (tmp_path / "asked").read_text()


def test_of_two_installations_at_once_the_second_waits_and_finds_all_done(machine, capfd):
    fcntl = pytest.importorskip("fcntl")
    installer, asked = machine()
    second = threading.Thread(target=installer.main, daemon=True)
    with open(installer.REQUIREMENTS) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        second.start()
        second.join(0.5)
        assert second.is_alive() and not asked()
        (installer.VENV / "ready").touch()
    second.join(20)
    assert not second.is_alive() and not asked()
    assert capfd.readouterr().out == "waiting for another process that is installing\n"
    installer.main()
    assert asked(), "asked for by itself, it installs"


@pytest.mark.parametrize(
    "kind", [{"nvidia": True}, {"system": "Darwin"}, {"system": "Windows"}], ids=str
)
def test_other_machines_get_the_registrys_wheels(machine, capfd, kind):
    installer, asked = machine(**kind)
    installer.main()
    (all_at_once,) = asked()
    assert "--index-url" not in all_at_once
    assert "torch: the registry's pair" in capfd.readouterr().out


def test_an_index_that_fails_is_told_and_passed_over(machine, capfd):
    installer, asked = machine(small=False)
    installer.main()
    assert ["--index-url" in command for command in asked()] == [True, False]
    said = capfd.readouterr().out
    assert "index of CPU-only wheels does not have it" in said
    assert "the registry's pair" in said


def test_another_torch_is_the_newest_or_last_nights(machine):
    installer, asked = machine()
    installer.other_torch("newest")
    installer.other_torch("nightly")
    newest, nightly = asked()
    assert install.CPU_INDEX in newest and install.NIGHTLY_INDEX in nightly
    assert "--pre" in nightly
    with pytest.raises(SystemExit, match="TORCH=latest: it is newest or nightly"):
        installer.other_torch("latest")


# Which Python


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 10, 14), (3, 15, 0)])
def test_a_python_that_does_not_fit_is_told_in_one_line(machine, monkeypatch, version):
    installer, asked = machine()
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as told:
        patch.setattr(sys, "version_info", version)
        installer.main()
    assert not asked(), "it went on"
    assert "3.11 to 3.14" in str(told.value)
    assert "PYTHON=python3" in str(told.value)
    assert "\n" not in str(told.value)


def test_an_old_python_can_read_the_installer_far_enough_to_say_so():
    for name in ("__init__.py", "install.py"):
        text = (ROOT / "tutorial" / name).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 7))


def test_a_failing_command_is_named_in_one_message(tmp_path):
    (tmp_path / "tutorial").mkdir()
    script = shutil.copy(install.__file__, tmp_path / "tutorial")
    (tmp_path / "requirements.txt").write_text("no-such-package-of-that-name==1\n")
    (tmp_path / "constraints.txt").touch()
    offline = {"PIP_NO_INDEX": "1", "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, script], env=offline, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search(r"installing failed \(exit code 1\): .*pip.* install -r", done.stderr)
    assert "Traceback" not in done.stderr


# A .venv that is there already


@pytest.fixture
def clone(tmp_path):
    """Runs make in a clone whose .venv is one of this Python and says what it is asked to run."""
    if os.name == "nt" or not shutil.which("make"):
        pytest.skip("the programs here are scripts for a shell")
    (tmp_path / "tutorial").mkdir()
    shutil.copy(install.__file__, tmp_path / "tutorial")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "constraints.txt", *PACKAGES):
        (tmp_path / name).touch()
    for place in ("other/python3", ".venv/bin/python"):
        program = tmp_path / place
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\necho "{place} runs $*"\n')
        program.chmod(0o755)
    version = platform.python_version()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text(f"home = /usr\nversion = {version}\n")
    (tmp_path / ".venv" / "ready").touch()

    def make(*arguments: str) -> subprocess.CompletedProcess:
        # As from a shell, also where make runs the tests.
        ours = ("PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
        known = {key: value for key, value in os.environ.items() if key not in ours}
        path = f"{tmp_path / 'other'}{os.pathsep}{known['PATH']}"
        return subprocess.run(
            ["make", "check", *arguments],
            cwd=tmp_path,
            env=known | {"PATH": path},
            capture_output=True,
            text=True,
        )

    return tmp_path, make


def test_a_venv_that_works_is_used(clone):
    _, make = clone
    assert make().stdout == ".venv/bin/python runs -m tutorial check\n"
    assert make(f"PYTHON={sys.executable}").stdout == ".venv/bin/python runs -m tutorial check\n"


def test_a_named_python_that_is_not_the_one_of_the_venv_is_told(clone):
    root, make = clone
    (root / ".venv" / "pyvenv.cfg").write_text("home = /usr\nversion = 3.9.1\n")
    assert make().returncode == 0
    done = make(f"PYTHON={sys.executable}")
    assert done.returncode != 0 and not done.stdout
    named = ".".join(platform.python_version_tuple()[:2])
    assert f".venv has Python 3.9, and PYTHON names {named}: remove the folder" in done.stderr


def test_a_venv_whose_python_is_gone_is_made_anew(clone):
    root, make = clone
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/usr/bin/python3.2")
    assert make().stdout.startswith("other/python3 runs -m tutorial.install\n")


def test_a_venv_that_lacks_a_package_is_told_with_a_remedy_that_works(monkeypatch, capsys):
    def lacks(**_):
        raise ModuleNotFoundError("No module named 'filelock'", name="filelock")

    monkeypatch.setattr(__main__.parser, "parse_args", lambda _: Namespace(function=lacks))
    said = []
    for prefix in ("/clone/.venv", "/usr"):
        monkeypatch.setattr(sys, "prefix", prefix)
        assert __main__.main([]) == 1
        said.append(capsys.readouterr().err)
    assert "has no filelock; remove the folder .venv, which is damaged, then make" in said[0]
    assert "has no filelock; make install, or name one that has it: PYTHON=" in said[1]


# What is pinned


def pins(name: str) -> dict[str, set[str]]:
    """{package: versions} of a file of requirements; a marker may give one package several."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)==([\w.+]+)", line):
            package = re.sub(r"[-_.]+", "-", match[1]).lower()
            found.setdefault(package, set()).add(match[2])
    return found


def test_requirements_are_all_pinned():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) == len(pins("requirements.txt")) >= 10
    assert len(PINNED) == 2


def test_every_requirement_is_constrained_to_the_same_version():
    constrained = pins("constraints.txt")
    for package, versions in pins("requirements.txt").items():
        assert constrained.get(package) == versions, package


# The least torch that the lessons need


def does_it_work(torch_version: str, monkeypatch, capsys) -> str:
    """What the home page's cell about versions prints where torch is of this version."""
    monkeypatch.setattr("torch.__version__", TorchVersion(torch_version))
    (cell,) = (cell for cell in Project.find().sections["index"].cells if cell.name == "versions")
    exec(compile(cell.source, cell.id, "exec"), {})
    return capsys.readouterr().out


@pytest.mark.parametrize("version", ["2.9.0", "2.10.1+cu128", "3.0.0"])
def test_a_torch_that_is_new_enough_is_only_named(version, monkeypatch, capsys):
    assert "upgrade" not in does_it_work(version, monkeypatch, capsys)


@pytest.mark.parametrize("version", ["1.13.1", "2.8.0+cpu"])
def test_who_has_an_older_torch_is_told_which_one_the_lessons_need(version, monkeypatch, capsys):
    told = does_it_work(version, monkeypatch, capsys)
    (least,) = re.findall(r"need torch (\S+) or newer", told)
    assert "pip install --upgrade torch torchvision" in told
    for name in ("docs/index.md", "README.md"):
        stated = re.findall(r"torch`? (\d\S*)\s+or\s+newer", (ROOT / name).read_text("utf-8"))
        assert stated == [least], f"{name} names another torch than snippets/index.py"
