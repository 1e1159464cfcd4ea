"""A browser for the tests: one that the machine has, else the one that Playwright downloads.

`python -m tutorial.browser` downloads that one where there is none.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tutorial import TutorialError

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
    "no browser: the site was not tested in one. Install Chromium, Chrome or Edge, or name one with"
    " BROWSER_PATH, or run: python -m playwright install chromium"
)


def find_browser() -> Path | None:
    """The program of a browser that Playwright can drive, BROWSER_PATH's first; None: none here.

    Raises TutorialError if BROWSER_PATH names no file.
    """
    if named := os.environ.get("BROWSER_PATH"):
        if not Path(named).is_file():
            raise TutorialError(f"BROWSER_PATH names {named}, and there is no such file")
        return Path(named)
    return _of_the_machine() or _of_playwright()


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


def provide() -> Path | None:
    """A browser's program; downloads one if the machine has none. None, and says so, if it can't.

    A machine without a network still tests the rest, so that this is no error.
    """
    if found := find_browser():
        return found
    print("no browser here: downloading Chromium", flush=True)
    download = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(download).returncode == 0 and (found := find_browser()):
        return found
    print(MISSING, flush=True)
    return None


if __name__ == "__main__":
    try:
        provide()
    except TutorialError as error:
        sys.exit(str(error))
