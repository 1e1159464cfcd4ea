"""A record is what a run wrote, or none: it may come from another machine, and goes onto pages."""

import json
from dataclasses import asdict

import pytest

from tutorial import TutorialError
from tutorial.record import records
from tutorial.record.records import Record
from tutorial.run.runner import Runner

FIGURE = {"light": "one-light.webp", "dark": "one-dark.webp", "width": 480, "height": 300}
RECORD = Record(
    "one",
    key="0" * 64,
    text="printed",
    seconds=0.25,
    figures=[FIGURE],
    environment={"digest": "0" * 64, "threads": 1, "data": []},
    date="2026-01-31",
    sounds=[{"file": "one.wav", "seconds": 0.5}],
    kept=["one.bin"],
    accuracy=0.5,
)


@pytest.fixture
def lesson(light):
    """A project with one cell, and the folder with that cell's record."""
    light.script("lesson", "# %% one\nprint('printed')\n")
    folder = records.folder(light.project, "cpu", "lesson")
    RECORD.write(folder)
    for _, name in RECORD.files():
        (folder / name).write_text("stands for a file")
    return light, folder


def read(lesson) -> Record | None:
    return records.read(lesson[0].project, "cpu", "lesson", "one")


def test_what_was_written_is_read(lesson):
    assert read(lesson) == RECORD
    assert [path.name for path in lesson[1].iterdir() if path.name.startswith(".")] == []


FORGED = [
    {"figures": [FIGURE | {"width": '1" onload="alert(1)'}]},
    {"figures": [FIGURE | {"height": 0}]},
    {"figures": [FIGURE | {"light": "../../lesson/one-light.webp"}]},
    {"figures": [{"light": "one-light.webp"}]},
    {"figures": None},
    {"figures": "one"},
    {"sounds": [{"file": '1"onplay="alert(1)', "seconds": 1}]},
    {"sounds": [{"file": ".", "seconds": 1}]},
    {"sounds": [{"file": "one.wav", "seconds": float("nan")}]},
    {"kept": ["../one.bin"]},
    {"kept": [5]},
    {"kept": "one.bin"},
    {"text": ["printed"]},
    {"text": None},
    {"text": "\x1b[2J"},
    {"text": "\ud800"},
    {"revision": "a\x07b"},
    {"seconds": 10**400},
    {"key": None},
    {"cell": "other"},
    {"seconds": "1"},
    {"seconds": None},
    {"seconds": float("nan")},
    {"seconds": float("inf")},
    {"failure": None},
    {"data": ["CIFAR-10"]},
    {"environment": []},
    {"environment": {"threads": None}},
    {"date": 20260131},
    {"accuracy": "high"},
    {"accuracy": 98.5},
    {"of a later version": 1},
]


@pytest.mark.parametrize("change", FORGED, ids=str)
def test_a_record_that_no_run_wrote_is_none(lesson, change):
    light, folder = lesson
    (folder / "one.json").write_text(json.dumps(asdict(RECORD) | change))
    with pytest.raises(TutorialError, match=r"build/cpu/lesson/one.json: the record cannot be"):
        read(lesson)
    runner = Runner(light.project)
    assert "'make site' runs the section again" in runner.stale(light.project.sections["lesson"])


@pytest.mark.parametrize("text", ["", "null", "[]", '{"cell": "one"}', '"one"', "\x00", 9**5 * "["])
def test_a_file_that_holds_no_record_is_none(lesson, text):
    (lesson[1] / "one.json").write_text(text)
    with pytest.raises(TutorialError, match="'make site' runs the section again"):
        read(lesson)


def test_what_is_no_record_is_told_and_run_again(lesson):
    light, folder = lesson
    (folder / "one.json").write_text(json.dumps(asdict(RECORD) | {"seconds": None}))
    done = light.do("tutorial", "assemble")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "build/cpu/lesson/one.json: the record cannot be read" in done.stderr
    done = light.do("tutorial", "run")
    assert done.returncode == 0 and "1 ran (1 cells)" in done.stdout, done.stderr
    assert read(lesson).text == "printed"


def test_a_damaged_record_of_another_device_is_told_with_a_remedy_that_works(lesson):
    light, _ = lesson
    path = records.folder(light.project, "cuda", "lesson") / "one.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    done = light.do("tutorial", "site")
    assert done.returncode == 1 and "build/cuda/lesson/one.json: the record" in done.stderr
    assert "delete it, or run the section again with DEVICE=cuda" in done.stderr
    path.unlink()
    assert light.do("tutorial", "site").returncode == 0


def test_a_damaged_mark_of_the_last_build_is_none(lesson):
    light, _ = lesson
    assert "built: " in light.do("tutorial", "site").stdout
    assert "up to date: " in light.do("tutorial", "site").stdout
    (light.root / "build" / "site.inputs").write_bytes(b"\xff\x00")
    done = light.do("tutorial", "site")
    assert "built: " in done.stdout, done.stderr
