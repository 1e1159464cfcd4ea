"""Which browser is taken, and what is said where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import chosen, commands
from tutorial import TutorialError, browser

ROOT = Path(__file__).resolve().parents[2]
ONE_TEST = "tests/browser/test_printing.py"


@pytest.fixture
def bare(monkeypatch, tmp_path) -> Path:
    """A machine without a browser; the folder that its PATH names."""
    for name in (*browser.WINDOWS_FOLDERS, "BROWSER_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "MAC", ())
    monkeypatch.setattr(browser, "_of_playwright", lambda: None)
    return tmp_path


def program(path: Path) -> Path:
    path = path.with_suffix(".exe") if os.name == "nt" else path
    path.touch(mode=0o755)
    return path


def test_the_one_that_is_named_comes_first(bare, monkeypatch):
    program(bare / "chromium")
    named = program(bare / "another")
    monkeypatch.setenv("BROWSER_PATH", str(named))
    assert browser.find_browser() == named


def test_a_name_of_no_file_is_told(bare, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(bare / "missing"))
    with pytest.raises(TutorialError, match=r"BROWSER_PATH names .*missing"):
        browser.find_browser()


@pytest.mark.parametrize("name", ["chromium", "google-chrome", "msedge"])
def test_one_of_the_machine_is_found_and_none_downloaded(bare, monkeypatch, name):
    found = program(bare / name)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("downloaded"))
    assert browser.provide() == found


def test_what_cannot_be_downloaded_is_told(bare, monkeypatch, capsys):
    asked = []

    def run(command, **_):
        asked.append(command[1:])
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", run)
    assert browser.provide() is None
    assert asked == [["-m", "playwright", "install", "chromium"]]
    assert browser.MISSING in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="may have one elsewhere")
@pytest.mark.parametrize(
    ("ci", "outcome"),
    [pytest.param("", "skipped", marks=chosen.needs_everything), ("true", "error")],
)
def test_without_a_browser_tests_are_skipped_but_fail_under_ci(tmp_path, ci, outcome):
    known = {name: value for name, value in os.environ.items() if name != "BROWSER_PATH"}
    none = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "CI": ci}
    done = commands.run(ROOT, ("pytest", "-q", "-rs", "-p", "no:xdist", ONE_TEST), known | none)
    assert f" {outcome}" in done.stdout.splitlines()[-1], done.stdout + done.stderr
    assert done.returncode == (1 if ci else 0)
    said = [line for line in done.stdout.splitlines() if browser.MISSING in line]
    assert len(said) == (2 if ci else 1)  # an error for each test, or one line for all
