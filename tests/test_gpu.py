"""A run on an accelerator that may end at any moment, and what it leaves behind."""

import shutil

import pytest

from tutorial.record import drift
from tutorial.record.transcripts import Transcript

FAILS = """
    # %% one
    print("first")

    # %% broken
    value = 1 / 0

    # %% needs-it
    print(value)

    # %% last
    print("last")
"""
GPU = {"DEVICE": "cuda", "LIGHT_GPU": "Light 1"}


def transcript(sample, section) -> Transcript:
    return Transcript.read(sample.project.transcript("cuda", section))


def test_a_transcript_of_an_accelerator_holds_all_cells_and_how_some_failed(light):
    light.script("lesson", FAILS)
    assert light.do("tutorial", "outputs", **GPU).returncode == 1
    cells = transcript(light, "lesson").cells
    assert [cell.failed for cell in cells.values()] == [False, True, True, False]
    assert cells["last"].output == "last"
    place = light.place("snippets/lesson.py", "1 / 0")
    assert cells["broken"].text.startswith(f"{place}: cell broken, ")
    assert cells["broken"].text.endswith("ZeroDivisionError: division by zero")
    assert cells["needs-it"].text == "not run: it needs broken, which failed"
    _, notes = drift.stale(light.project)
    assert [note for note in notes if "failed there: broken, needs-it" in note]
    # Mended, it is like any other.
    light.edit("snippets/lesson.py", "1 / 0", "1")
    assert light.do("tutorial", "outputs", **GPU).returncode == 0
    assert not any(cell.failed for cell in transcript(light, "lesson").cells.values())


def test_transcripts_are_made_of_records_that_were_brought_back(light, tmp_path):
    light.script("lesson", FAILS)
    light.do("tutorial", "outputs", **GPU)
    path = light.project.transcript("cuda", "lesson")
    written = path.read_text()
    shutil.move(light.project.build, tmp_path / "brought")
    path.unlink()
    done = light.do("tutorial", "outputs", "--records", str(tmp_path / "brought"), DEVICE="cuda")
    assert done.returncode == 0, done.stderr
    assert path.read_text() == written
    assert not (light.project.build / "cuda").exists()
    done = light.do("tutorial", "outputs", "--records", str(tmp_path / "none"), DEVICE="cuda")
    assert done.returncode == 1
    assert done.stderr.strip().startswith(f"FROM={tmp_path / 'none'}: there is no folder cuda")


def test_when_the_time_is_over_what_has_ended_is_written_and_nothing_runs_on(light):
    light.script("short", "# %% one\nprint(1)\n")
    light.script("long", "# %% one timeout=600\nimport time\n\ntime.sleep(600)\n")
    done = light.do("tutorial", "gpu", "--minutes", "0.2", **GPU)
    assert done.returncode == 1
    assert "the 0.2 minutes are over: what has finished is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert transcript(light, "short").cells["one"].output == "1"
    assert not light.project.transcript("cuda", "long").exists()


@pytest.mark.parametrize(
    ("option", "device"), [('alone="the time of a step"', "cuda"), ('cores="all"', "cpu")]
)
def test_sections_that_time_something_run_last_and_by_themselves(light, option, device):
    cell = """
        # %% one {option}
        import time

        print(time.time())
        time.sleep(0.5)
        print(time.time())
    """
    light.script("alone", cell.format(option=option))
    for name in ("one", "two"):
        light.script(name, cell.format(option=""))
    done = light.do("tutorial", "run", "--jobs", "3", **GPU | {"DEVICE": device})
    assert done.returncode == 0, done.stderr
    spans = {}
    for name in ("alone", "one", "two"):
        record = drift.section_records(light.project, light.project.sections[name], device)[0]
        spans[name] = [float(line) for line in record.text.split()]
    ends = max(spans["one"][1], spans["two"][1])
    assert spans["alone"][0] > ends


def test_a_machine_with_torch_and_little_else_can_record_and_measure(light):
    light.script("lesson", "# %% one\nprint(1)\n")
    for package in ("markdown", "mkdocs", "jinja2", "nbformat", "bs4", "pytest"):
        path = light.root / "light" / f"{package}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'raise ModuleNotFoundError("not here", name="{package}")\n')
    done = light.do("tutorial", "gpu", "--minutes", "5", **GPU)
    assert done.returncode == 0, done.stderr
    assert transcript(light, "lesson").cells["one"].output == "1"
    done = light.do("tutorial", "results", **GPU)
    assert 'no script has a cell with recipe="..."' in done.stderr
