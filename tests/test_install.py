"""Installing: which torch is fetched from where, and what is said when it cannot be."""

import ast
import platform
import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from torch.torch_version import TorchVersion

from tutorial import install
from tutorial.lesson.project import Project

ROOT = Path(__file__).resolve().parents[1]
PAIR = ["torch==2.14.1", "torchvision==0.29.1"]


# Whether the index of CPU-only wheels answers


@pytest.fixture
def serve(monkeypatch):
    """Make a server on this machine the index; `reply` is its status, or raw bytes it sends."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def serve(reply):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                if isinstance(reply, bytes):
                    self.wfile.write(reply)
                else:
                    self.send_response(reply)
                    self.end_headers()

            def log_message(self, *arguments): ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(install, "CPU_INDEX", f"http://127.0.0.1:{server.server_port}/cpu")
        return asked

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_index_that_has_torchvision_answers(serve, capsys):
    asked = serve(200)
    assert install.index_answers()
    assert asked == ["/cpu/torchvision/"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("reply", [403, 404, 500, b"", b"welcome to this hotel\r\n\r\n"])
def test_an_index_that_refuses_or_talks_nonsense_does_not_answer(serve, capsys, reply):
    serve(reply)
    assert not install.index_answers()
    assert "index of CPU-only wheels does not answer" in capsys.readouterr().out


def test_no_server_is_no_answer(monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(install, "CPU_INDEX", f"http://127.0.0.1:{port}")
    assert not install.index_answers()
    assert "does not answer" in capsys.readouterr().out


def test_a_silent_server_is_not_waited_for(monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(install, "CPU_INDEX", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(install, "ANSWERS_WITHIN", 0.2)
        assert not install.index_answers()
    assert "does not answer" in capsys.readouterr().out


# Which torch


@pytest.fixture
def machine(monkeypatch):
    """A machine of the given kind; the pip commands that were asked of it."""

    def machine(system="Linux", nvidia=False, index=True, wheels=True, installed=()):
        asked = []

        def pip(*arguments):
            asked.append([str(argument) for argument in arguments])
            if "--index-url" in arguments and not wheels:
                raise subprocess.CalledProcessError(1, ["pip", *arguments])

        def run(command, **options):
            known = [pin.partition("==")[0] for pin in installed]
            shown = "show" in command and set(command[-2:]) <= set(known)
            text = "\n".join(installed) + "\n" if "freeze" in command else ""
            code = 0 if shown or "freeze" in command else 1
            return subprocess.CompletedProcess(command, code, text, "")

        monkeypatch.setattr(platform, "system", lambda: system)
        monkeypatch.setattr(install, "has_nvidia", lambda: nvidia)
        monkeypatch.setattr(install, "index_answers", lambda: index)
        monkeypatch.setattr(install, "pip", pip)
        monkeypatch.setattr(install.subprocess, "run", run)
        return asked

    return machine


def test_linux_without_a_gpu_gets_the_small_wheels(machine, capsys):
    asked = machine()
    install.install_torch(PAIR)
    assert len(asked) == 1
    assert asked[0][asked[0].index("--index-url") + 1] == install.CPU_INDEX
    assert asked[0][-2:] == PAIR
    assert "CPU-only wheels from PyTorch's index" in capsys.readouterr().out


@pytest.mark.parametrize(
    "kind",
    [{"nvidia": True}, {"index": False}, {"system": "Darwin"}, {"system": "Windows"}],
    ids=["with a GPU", "index out of reach", "macOS", "Windows"],
)
def test_other_machines_get_the_registrys_wheels(machine, capsys, kind):
    asked = machine(**kind)
    install.install_torch(PAIR)
    assert len(asked) == 1
    assert "--index-url" not in asked[0]
    assert asked[0][:3] == ["install", *PAIR]
    assert asked[0][-2:] == ["-c", str(ROOT / "constraints.txt")]
    assert "torch: the registry's pair" in capsys.readouterr().out


def test_an_index_without_wheels_for_this_python_is_told_and_passed_over(machine, capsys):
    asked = machine(wheels=False)
    install.install_torch(PAIR)
    assert ["--index-url" in arguments for arguments in asked] == [True, False]
    said = capsys.readouterr().out
    assert "that index has no such wheels" in said
    assert "the registry's pair" in said


@pytest.mark.parametrize("build", ["", "+cpu", "+cu130"])
def test_a_pair_that_is_installed_is_left_alone_whatever_its_build(machine, build):
    asked = machine(installed=[f"{pin}{build}" for pin in PAIR])
    install.install_torch(PAIR)
    assert asked == []


@pytest.mark.parametrize(
    "installed",
    [["torch==2.13.0", "torchvision==0.29.1"], ["torch==2.14.1"], ["torch==2.14.10", PAIR[1]]],
    ids=["older", "half", "a longer number"],
)
def test_another_pair_is_replaced(machine, installed):
    asked = machine(installed=installed)
    install.install_torch(PAIR)
    assert len(asked) == 1


# Which Python


@pytest.mark.parametrize("version", [(3, 8, 18), (3, 10, 14), (3, 15, 0)])
def test_a_python_that_does_not_fit_is_told_in_one_line(monkeypatch, version):
    monkeypatch.setattr(install.sys, "version_info", version)
    monkeypatch.setattr(install, "make_venv", lambda *_: pytest.fail("went on"))
    with pytest.raises(SystemExit) as told:
        install.main()
    assert "3.11 to 3.14" in str(told.value)
    assert "PYTHON=python3" in str(told.value)
    assert "\n" not in str(told.value)


def test_an_old_python_can_read_the_installer_far_enough_to_say_so():
    for name in ("__init__.py", "install.py"):
        text = (ROOT / "tutorial" / name).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 7))


def test_a_failing_command_is_named_in_the_message(monkeypatch):
    def fail(*_):
        raise subprocess.CalledProcessError(7, ["pip", "install", "something"])

    monkeypatch.setattr(install, "make_venv", fail)
    monkeypatch.delenv("DEVICE", raising=False)
    with pytest.raises(SystemExit) as told:
        install.main()
    assert "exit code 7" in str(told.value)
    assert "pip install something" in str(told.value)


# What is pinned


def pins(name: str) -> dict[str, set[str]]:
    """{package: versions} of a file of requirements; a marker may give one package several."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)==([\w.+]+)", line):
            package = re.sub(r"[-_.]+", "-", match[1]).lower()
            found.setdefault(package, set()).add(match[2])
    return found


def test_requirements_are_all_pinned_and_all_read():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    read = install.requirements()
    assert len(read) == len(lines) >= 10
    assert read["torch"] and read["torchvision"]
    for line in lines:
        name, _, version = line.partition("#")[0].strip().partition("==")
        assert read[name] == version


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
