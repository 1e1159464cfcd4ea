"""Which browser is taken, how the pinned one is unpacked, and what is said where there is none."""

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest

from tests.browser import install as browser
from tutorial import TutorialError
from tutorial.lesson import files

ROOT = Path(__file__).resolve().parents[2]
ONE_FILE = "tests/browser/test_whole_page.py"


@pytest.fixture
def bare(monkeypatch, tmp_path) -> Path:
    """A machine without a browser, for which none is pinned; the folder that its PATH names."""
    for name in (*browser.WINDOWS_FOLDERS, "BROWSER_PATH", "NO_BROWSER"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(browser, "MAC", ())
    monkeypatch.setattr(browser, "_pinned", lambda: None)
    monkeypatch.setattr(browser, "_of_playwright", lambda: None)
    return folder


class Registry:
    """Stands for npm: `fetched` counts how often the package came, `code` is what it brings."""

    def __init__(self) -> None:
        self.fetched, self.code, self.error = 0, b"a browser", None

    def npm(self, folder: Path) -> None:
        assert (folder / "package-lock.json").is_file()
        self.fetched += 1
        packed = folder / "node_modules" / browser.PACKAGE / "bin" / "chromium.br"
        packed.parent.mkdir(parents=True)
        packed.write_bytes(brotli.compress(self.code)[: None if self.error is None else 5])
        if self.error:
            raise self.error


@pytest.fixture
def registry(bare, monkeypatch, tmp_path) -> Registry:
    """A bare machine for which a browser is pinned."""
    registry = Registry()
    monkeypatch.undo()
    for name in ("BROWSER_PATH", "NO_BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(bare))
    monkeypatch.setattr(browser, "_of_playwright", lambda: None)
    monkeypatch.setattr(browser, "UNPACKED", tmp_path / "unpacked")
    monkeypatch.setattr(browser.sys, "platform", "linux")
    monkeypatch.setattr(browser.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(browser.install, "npm", registry.npm)
    return registry


def program(path: Path) -> Path:
    path = path.with_suffix(".exe") if os.name == "nt" else path
    path.touch(mode=0o755)
    return path


# Which


def test_the_one_that_is_named_comes_first(registry, bare, monkeypatch):
    program(bare / "chromium")
    named = program(bare / "another")
    monkeypatch.setenv("BROWSER_PATH", str(named))
    assert browser.provide() == browser.find_browser() == named
    assert not registry.fetched


def test_a_name_of_no_file_is_told(bare, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(bare / "missing"))
    with pytest.raises(TutorialError, match=r"BROWSER_PATH names .*missing"):
        browser.provide()


def test_the_pinned_one_comes_before_the_machines(registry, bare):
    program(bare / "chromium")
    found = browser.provide()
    assert found == browser.find_browser() != bare / "chromium"
    assert found.read_bytes() == registry.code and os.access(found, os.X_OK)


@pytest.mark.parametrize("name", ["chromium", "google-chrome", "msedge"])
def test_one_of_the_machine_is_found_and_none_downloaded(bare, monkeypatch, name):
    found = program(bare / name)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("downloaded"))
    assert browser.provide() == found


@pytest.mark.parametrize(("system", "processor"), [("linux", "aarch64"), ("darwin", "x86_64")])
def test_other_machines_have_no_pinned_one(registry, bare, monkeypatch, system, processor):
    monkeypatch.setattr(browser.sys, "platform", system)
    monkeypatch.setattr(browser.platform, "machine", lambda: processor)
    found = program(bare / "chromium")
    assert browser.provide() == found
    assert not registry.fetched


# The pinned one


def test_two_at_a_time_fetch_it_once(registry):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: browser.provide(), range(4)))
    assert len(set(found)) == 1 and registry.fetched == 1


def test_whoever_waits_for_another_process_is_told(registry, capsys):
    said = ""
    with ThreadPoolExecutor() as pool:
        with files.alone(browser.UNPACKED / ".lock", lambda: None):
            waiting = pool.submit(browser.provide)
            until = time.monotonic() + 60
            while "waiting for another process" not in said and time.monotonic() < until:
                time.sleep(0.05)
                said += capsys.readouterr().out
            assert not waiting.done() and not registry.fetched
        assert waiting.result().is_file()
    assert "waiting for another process" in said


def test_a_half_of_it_is_never_taken_and_goes_with_the_next_run(registry, bare, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(browser.tempfile, "TemporaryDirectory", _kept)  # as after a kill
        registry.error = KeyboardInterrupt()
        browser.provide()
    assert browser.find_browser() is None
    assert list(browser.UNPACKED.rglob("chromium.br"))
    registry.error = None
    found = browser.provide()
    assert found.read_bytes() == registry.code
    assert [path for path in browser.UNPACKED.iterdir() if path.is_dir()] == [found.parent]


class _kept:
    """A temporary directory that nobody removes."""

    def __init__(self, dir: Path) -> None:
        self.name = dir / "half"

    def __enter__(self) -> str:
        self.name.mkdir()
        return str(self.name)

    def __exit__(self, *_) -> None: ...


def test_another_version_takes_the_place_of_the_old_one(registry, monkeypatch, tmp_path):
    old = browser.provide()
    for name in ("package.json", "package-lock.json"):
        text = (browser.PINS / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(old.parent.name, "999.0.0"))
    monkeypatch.setattr(browser, "PINS", tmp_path)
    new = browser.provide()
    assert new.parent.name == "999.0.0" and not old.exists()


@pytest.mark.parametrize(
    "error", [subprocess.CalledProcessError(1, ["npm", "ci"]), OSError("no space left")]
)
def test_where_it_cannot_be_had_another_is_taken_and_that_is_told(registry, bare, capsys, error):
    registry.error = error
    found = program(bare / "chromium")
    assert browser.provide() == found
    assert f"the pinned browser cannot be had: {error}" in capsys.readouterr().out


# None at all


def test_what_cannot_be_downloaded_is_told(bare, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command[1:])
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(TutorialError) as told:
        browser.provide()
    assert asked == [["-m", "playwright", "install", "chromium"]]
    for remedy in ("Install Chromium", "BROWSER_PATH", "make browser", "NO_BROWSER=1"):
        assert remedy in str(told.value)


@pytest.fixture
def without(tmp_path):
    """Runs `python -m COMMAND` in a copy of the project for which no browser can be had."""
    copied = ("conftest.py", "pyproject.toml", "mkdocs.yml", "tutorial", "tests/nightly.py")
    copied += ("tests/conftest.py", "tests/markdown_code.py", "tests/browser")
    for name in copied:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
        elif (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    known = {name: os.environ[name] for name in os.environ if "BROWSER" not in name}
    nowhere = {
        "PATH": str(tmp_path),
        "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path),
        "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9",  # nobody answers
        "PYTHONPATH": str(tmp_path),
    }

    def without(*command: str, **more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", *command]
        environment = known | nowhere | more
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return without


elsewhere = pytest.mark.skipif(sys.platform != "linux", reason="may have one elsewhere")


@elsewhere
def test_without_a_browser_make_stops_and_names_the_remedies(without):
    done = without("tests.browser.install")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == browser.MISSING
    assert "Traceback" not in done.stderr


@elsewhere
def test_without_a_browser_the_tests_fail(without):
    done = without("pytest", "-q", ONE_FILE)
    assert done.returncode == 1
    assert re.search(r"^2 errors in", done.stdout.splitlines()[-1]), done.stdout + done.stderr
    assert browser.MISSING in done.stdout


@elsewhere
@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o644, "which is not a program"), (0o755, "does not start as a browser")],
)
def test_what_is_named_and_is_no_browser_is_told_in_a_sentence(without, tmp_path, mode, said):
    named = tmp_path / "named"
    named.write_text("#!/bin/sh\necho libnss3.so is missing >&2\nexit 127\n")
    named.chmod(mode)
    done = without("tests.browser.install", BROWSER_PATH=str(named))
    assert done.returncode == 1
    assert f"{named}" in done.stderr and said in done.stderr
    assert ("libnss3.so is missing" in done.stderr) == (mode == 0o755)
    assert "Traceback" not in done.stderr
    done = without("pytest", "-q", ONE_FILE, BROWSER_PATH=str(named))
    assert re.search(r"^2 errors in", done.stdout.splitlines()[-1]), done.stdout + done.stderr
    assert said in done.stdout
    assert "raise TutorialError" not in done.stdout and "During handling" not in done.stdout


@elsewhere
def test_whoever_asks_for_no_browser_gets_one_line(without):
    done = without("tests.browser.install", NO_BROWSER="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, browser.LEFT_OUT + "\n", "")
    done = without("pytest", "-q", "-rs", ONE_FILE, NO_BROWSER="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("2 skipped in")
    assert done.stdout.count(browser.LEFT_OUT) == 1
