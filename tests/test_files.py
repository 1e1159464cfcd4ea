"""Files and systems that are not as they should be: one message with file and remedy, no traceback;
and what was there before is there still.
"""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tutorial import TutorialError, __main__
from tutorial.lesson import files
from tutorial.record import drift
from tutorial.record.transcripts import Entry, Transcript

ROOT = Path(__file__).resolve().parents[1]
LESSON = "# %% one\nprint('printed')\n"


@pytest.fixture
def lesson(light):
    light.script("lesson", LESSON)
    return light


@pytest.fixture
def here(lesson, monkeypatch):
    """Runs a command for the light sample in this process."""
    for name, value in lesson.environment(DEVICE="cpu").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(lesson.root)
    return lesson


# Hidden files


def test_what_begins_with_a_dot_is_no_script_no_page_no_lab(lesson):
    (lesson.root / "snippets" / "labs").mkdir()
    (lesson.root / "includes").mkdir()
    (lesson.root / "docs" / ".ipynb_checkpoints").mkdir()
    (lesson.root / "docs" / ".ipynb_checkpoints" / "lesson.md").write_text("```cell\nno.py::no\n")
    for place in ("snippets/.#lesson.py", "snippets/labs/.#lesson.py", "docs/.#lesson.md"):
        (lesson.root / place).symlink_to("user@host.1:2")  # the lock of Emacs
    for place in ("snippets/._lesson.py", "docs/._lesson.md", "includes/._words.md"):
        (lesson.root / place).write_bytes(b"\x00\x05\x16\x07\xff")  # a copy from macOS
    for command in (["outputs"], ["site"], ["check"]):
        done = lesson.do("tutorial", *command)
        assert done.returncode == 0, done.stderr
    done = lesson.do("pytest", "-q", "snippets")
    assert "1 passed" in done.stdout, done.stdout
    done = lesson.do("ruff", "check", "--no-cache", ".")
    assert done.returncode == 0, done.stdout
    assert [path.name for path in lesson.site.rglob(".*")] == []


# What cannot be read


def test_a_script_may_be_a_symbolic_link(lesson, tmp_path):
    script = lesson.root / "snippets" / "lesson.py"
    script.rename(tmp_path / "elsewhere.py")
    script.symlink_to(tmp_path / "elsewhere.py")
    page = lesson.root / "docs" / "lesson.md"
    page.rename(tmp_path / "elsewhere.md")
    page.symlink_to(tmp_path / "elsewhere.md")
    assert lesson.do("tutorial", "site").returncode == 0
    assert "printed" in (lesson.site / "lesson.html").read_text(encoding="utf-8")
    assert (lesson.site / "lesson.py").read_text() == LESSON


LATIN = "Café".encode("latin-1")


@pytest.mark.parametrize(
    "place",
    ["docs/lesson.md", "snippets/lesson.py", "snippets/labs/lesson.py", "outputs/cpu/lesson.txt"],
)
def test_a_file_in_another_encoding_is_named_with_its_line(here, capsys, place):
    path = here.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"# above\n\n# " + LATIN)
    assert __main__.main(["check"]) == 1
    said = capsys.readouterr().err
    assert said.strip().startswith(f"{place}:3: the byte 0xe9 is not UTF-8; save the file"), said


@pytest.mark.parametrize("name", ["torch", "json"])
def test_a_script_with_the_name_of_a_module_is_refused(here, capsys, name):
    (here.root / "snippets" / f"{name}.py").write_text(LESSON)
    assert __main__.main(["run"]) == 1
    assert capsys.readouterr().err.strip() == (
        f"snippets/{name}.py: cells that import the module {name} would get this script in its"
        " place; give it another name"
    )


def test_a_script_that_leads_nowhere_is_named(here, capsys):
    (here.root / "snippets" / "gone.py").symlink_to("nowhere")
    assert __main__.main(["site"]) == 1
    assert "snippets/gone.py: cannot be read: No such file" in capsys.readouterr().err


# What cannot be written


def test_a_file_is_replaced_in_one_step_or_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "made" / "file.txt"
    files.write(path, "∂old\n")
    assert path.read_bytes() == "∂old\n".encode()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space") as told:
            files.write(path, "new")
    assert told.value.filename == str(path)
    with pytest.raises(UnicodeError):
        files.write(path, "half of a pair: \ud800")
    assert [(file.name, file.read_text("utf-8")) for file in path.parent.iterdir()] == [
        ("file.txt", "∂old\n")
    ]


@pytest.mark.skipif(os.name == "nt", reason="no limit on the size of files")
def test_a_disk_that_is_full_leaves_the_transcript_as_it_was(lesson):
    assert lesson.do("tutorial", "outputs").returncode == 0
    path = lesson.root / "outputs" / "cpu" / "lesson.txt"
    before = path.read_bytes()
    lesson.edit("snippets/lesson.py", "'printed'", "'printed' * 40")
    assert lesson.do("tutorial", "run").returncode == 0
    program = (
        "import resource, signal\n"
        "from tutorial.lesson.project import Project\n"
        "from tutorial.record import drift\n"
        "project = Project.find()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "drift.update(project, project.sections['lesson'], 'cpu')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=lesson.environment(), capture_output=True, text=True
    )
    assert "File too large" in done.stderr
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["lesson.txt"]


ERRORS = {
    errno.ENOSPC: "make room there and try again",
    errno.EROFS: "allow yourself to write there",
    errno.EACCES: "allow yourself to write there",
    errno.EIO: "mend that and try again",
}


@pytest.mark.parametrize("number", ERRORS)
def test_what_the_system_refuses_is_told_with_file_and_remedy(here, capsys, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number), str(here.root / "outputs/cpu/lesson.txt"))

    monkeypatch.setattr(drift, "stale", refuse)
    assert __main__.main(["check"]) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"outputs/cpu/lesson.txt: {os.strerror(number)}; {ERRORS[number]}")


@pytest.mark.parametrize("command", ["outputs", "site"])
def test_a_folder_in_which_nothing_can_be_written_is_named(lesson, command):
    folder = {"outputs": "outputs/cpu", "site": "build/cpu"}[command]
    path = lesson.root / folder
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file, where a folder should be")
    done = lesson.do("tutorial", command)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{folder}" in done.stderr.strip().splitlines()[-1]
    assert "what had finished is kept" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows ends no writer with its reader")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_ends_the_command_without_a_traceback(lesson, unbuffered):
    read_end, write_end = os.pipe()
    os.close(read_end)  # as `make site | true` leaves it
    done = subprocess.run(
        [sys.executable, "-m", "tutorial", "site"],
        cwd=lesson.root,
        env=lesson.environment(PYTHONUNBUFFERED=unbuffered),
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write_end)
    assert done.returncode == 141, done.stderr
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert (lesson.site / "lesson.html").is_file() != bool(unbuffered)


# What a cell prints that UTF-8 cannot hold


def test_half_of_a_pair_is_written_as_python_writes_it_to_a_terminal(lesson):
    code = 'print("fine")\nraise ValueError("half: \\ud800")\n'
    lesson.script("lesson", f'# %% one error="ValueError"\n{code}')
    done = lesson.do("tutorial", "outputs")
    assert done.returncode == 0, done.stderr
    transcript = Transcript.read(lesson.root / "outputs" / "cpu" / "lesson.txt")
    assert transcript.cells["one"].text == "fine\n\nValueError: half: \\ud800"


# Caches and transcripts that something else wrote


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\x00", "[" * 100_000])
def test_a_damaged_cache_is_an_empty_one(tmp_path, text):
    path = tmp_path / "cache.json"
    path.write_text(text)
    assert files.remembered(path) == files.remembered(tmp_path / "none.json") == {}
    path.write_text(json.dumps({"key": 1}))
    assert files.remembered(path) == {"key": 1}


def test_a_head_with_a_number_that_is_none_belongs_to_the_cell_above():
    text = "# device: a\n\n# %% one 01234567 1.5e-05 s\nprinted\n\n# %% two 01234567 1.2.3 s\n"
    cells = Transcript.parse(text).cells
    assert cells == {"one": Entry("01234567", "printed\n\n# %% two 01234567 1.2.3 s", 1.5e-05)}


# Settings


@pytest.mark.parametrize("command", ["run", "site", "check", "outputs", "results", "assemble"])
def test_a_device_that_does_not_exist_is_told_before_anything_runs(here, capsys, command):
    assert __main__.main([command, "--device", "nonsense"]) == 1
    assert capsys.readouterr().err.strip() == (
        "DEVICE=nonsense: unknown; it is one of cpu, cuda, mps, xpu"
    )


@pytest.mark.parametrize("command", ["run", "site", "outputs"])
def test_a_section_that_does_not_exist_is_told_with_those_that_do(here, capsys, command):
    assert __main__.main([command, "lessen"]) == 1
    assert "no section is called lessen: there are lesson" in capsys.readouterr().err


def test_a_command_needs_neither_docstrings_nor_a_standard_output(here, monkeypatch):
    done = here.do("tutorial", "run", PYTHONOPTIMIZE="2")
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(sys, "stdout", None)  # as Python has it where a shell has closed it
    assert __main__.main(["run"]) == 0


def test_reading_names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TutorialError, match=r"none\.txt: cannot be read"):
        files.read(tmp_path / "none.txt")


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "1e308"])
def test_minutes_that_no_clock_can_be_set_to_are_refused(here, capsys, minutes):
    assert __main__.main(["gpu", f"--minutes={minutes}", "--device=cpu"]) == 1
    assert capsys.readouterr().err.strip().startswith("MINUTES=")


@pytest.mark.parametrize("jobs", ["0", "-1"])
def test_no_sections_at_a_time_are_refused(here, capsys, jobs):
    assert __main__.main(["run", f"--jobs={jobs}"]) == 1
    assert capsys.readouterr().err.strip().startswith(f"--jobs {jobs}: ")
