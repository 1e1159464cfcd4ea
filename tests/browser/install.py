"""The browser in which the site is tested: on Linux x64 one pinned Chromium for everybody.

`python -m tests.browser.install` unpacks it into .venv/browser/VERSION. Elsewhere it is a
browser that the machine has, else the one that Playwright downloads.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tutorial import TutorialError, install
from tutorial.lesson import files

PACKAGE = "@sparticuz/chromium"
PINS = install.ROOT / "tests" / "browser"  # its package.json
UNPACKED = install.VENV / "browser"
PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "chrome",
    "msedge",
)
# Where macOS and Windows put what is not on the PATH.
MAC = ("Google Chrome", "Chromium", "Microsoft Edge")
WINDOWS = (r"Google\Chrome\Application\chrome.exe", r"Microsoft\Edge\Application\msedge.exe")
WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
MISSING = (
    "There is no browser to test the site in. Install Chromium, Chrome or Edge, or name one with"
    " BROWSER_PATH, or run 'make browser' with a network; NO_BROWSER=1 leaves these tests out."
)
BROKEN = (
    "{program} does not start as a browser. Name another with BROWSER_PATH; where it is the one in"
    " .venv/browser, remove that folder, and 'make browser' fetches it anew.\n{said}"
)
LEFT_OUT = "NO_BROWSER=1: the site is not tested in a browser"


def left_out() -> bool:
    """Whether somebody asked for no tests in a browser."""
    return os.environ.get("NO_BROWSER") == "1"


def find_browser() -> Path | None:
    """The program of a browser that Playwright can drive, BROWSER_PATH's first; None: none here.

    Raises TutorialError if BROWSER_PATH names no program.
    """
    if named := os.environ.get("BROWSER_PATH"):
        program = Path(named)
        if not program.is_file():
            raise TutorialError(f"BROWSER_PATH names {named}, and there is no such file")
        if not os.access(program, os.X_OK):
            raise TutorialError(f"BROWSER_PATH names {named}, which is not a program")
        return program
    if (program := _pinned()) and program.is_file():
        return program
    return _of_the_machine() or _of_playwright()


def _pinned() -> Path | None:
    """Where the pinned browser is once it is unpacked; None: there is none for this machine."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    pins = json.loads((PINS / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    return UNPACKED / pins[PACKAGE] / "chromium"


def _of_the_machine() -> Path | None:
    for program in PROGRAMS:
        if path := shutil.which(program):
            return Path(path)
    places = []
    if sys.platform == "darwin":
        folders = (Path("/Applications"), Path.home() / "Applications")
        places = [f / f"{name}.app/Contents/MacOS/{name}" for f in folders for name in MAC]
    elif os.name == "nt":
        folders = [os.environ[name] for name in WINDOWS_FOLDERS if name in os.environ]
        places = [Path(folder, name) for name in WINDOWS for folder in folders]
    return next((path for path in places if path.is_file()), None)


def _of_playwright() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.is_file() else None


def provide() -> Path:
    """A browser's program, unpacked or downloaded if need be.

    Raises TutorialError if there is none to be had.
    """
    program = _pinned()
    if program and not os.environ.get("BROWSER_PATH"):
        try:
            _unpack(program)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"the pinned browser cannot be had: {error}", flush=True)
    if found := find_browser():
        return found
    print("no browser here: downloading Playwright's Chromium", flush=True)
    download = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(download).returncode == 0 and (found := find_browser()):
        return found
    raise TutorialError(MISSING)


def _unpack(program: Path) -> None:
    """Fetch the pinned browser, unless it is there. It appears at one stroke, whole or not at all.

    The package's own way of unpacking takes any $TMPDIR/chromium for it, however old or broken.
    """
    import brotli

    said = "waiting for another process that is fetching the browser"
    with files.alone(UNPACKED / ".lock", lambda: print(said, flush=True)):
        if program.is_file():
            return
        for left in filter(Path.is_dir, UNPACKED.iterdir()):  # other versions, and halves
            shutil.rmtree(left)
        print(f"fetching Chromium {program.parent.name} for the tests (67 MB)", flush=True)
        with tempfile.TemporaryDirectory(dir=UNPACKED) as name:
            folder = Path(name)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(PINS / file, folder)
            install.npm(folder)
            packed = (folder / "node_modules" / PACKAGE / "bin" / "chromium.br").read_bytes()
            whole = folder / "whole" / program.name
            whole.parent.mkdir()
            whole.write_bytes(brotli.decompress(packed))
            whole.chmod(0o755)
            whole.parent.rename(program.parent)


def start(playwright, program: Path, **options):
    """The Playwright browser of a program. TutorialError, with what it said, if it does not start.

    options: what Playwright's launch() takes.
    """
    from playwright.sync_api import Error

    try:
        return playwright.chromium.launch(executable_path=program, **options)
    except Error as error:
        first, *others = str(error).splitlines()
        said = [first, *(line for line in others if "[err]" in line)]
        raise TutorialError(BROKEN.format(program=program, said="\n".join(said))) from None


def main() -> None:
    """Provide a browser, and start it once: what is broken is told before a site is built."""
    if left_out():
        print(LEFT_OUT)
        return
    from playwright.sync_api import sync_playwright

    program = provide()
    with sync_playwright() as playwright:
        start(playwright, program).close()


if __name__ == "__main__":
    try:
        main()
    except TutorialError as error:
        sys.exit(str(error))
