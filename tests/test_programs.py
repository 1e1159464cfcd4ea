"""What a reader gets who copies a cell as a program: it runs, and prints what the page shows."""

import os
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from PIL import Image, ImageChops

from tests import nightly, program_tree
from tutorial.lesson import needs
from tutorial.lesson.project import Project
from tutorial.record import drift, records, transcripts
from tutorial.run.replies import printed
from tutorial.run.runner import Runner

PROJECT = Project(Path(__file__).resolve().parents[1])

needs_fork = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="run from nothing, each program would train again: POSIX only"
)


def disagreements(project, name: str, folder: Path, long: bool) -> list[str]:
    """What the programs of a section print or draw otherwise than the record of their last cells.

    long: those that hold a long training, or those that hold none.
    """
    section, runner = project.sections[name], Runner(project)
    runner.provide(section.downloads("cpu"))
    if stale := runner.stale(section):  # of other code, versions or data
        pytest.fail(f"snippets/{name}.py: {stale}; run 'make site'")
    recorded = dict(
        zip(section.keys("cpu"), drift.section_records(project, section, "cpu"), strict=True)
    )
    accepted = transcripts.Transcript.read(project.transcript("cpu", name)).cells
    chosen, programs = {}, {}
    for cell in section.on("cpu"):
        if needs.lacks(section, cell.name):  # its item in pytest is skipped
            continue
        programs[cell.name] = needs.needed(section, cell.name)
        if any(map(nightly.is_long, programs[cell.name])) == long:
            # Without the docstring, which holds the name, programs begin alike.
            chosen[cell.name] = needs.pieces(section, cell.name)[1:]
    home = runner.weights.home if runner.weights else None
    wrong = []
    for cell_name, reply in program_tree.run(chosen, folder, runner.source, home).items():
        *above, cell = programs[cell_name]
        record, told = recorded[cell_name], ""
        if "broken" in reply:
            wrong.append(f"{cell.id}: {reply['broken']}")
            continue
        said = printed(reply, Path(reply["folder"]), PROJECT.root)
        if runner.threads > 1:  # than a program here; then the last digits may differ
            told = drift.drift(project, section, cell, "cpu", replace(record, text=said))
        elif accepted[cell_name].whole:  # other words each time
            told = "" if said else "prints nothing"
        elif not transcripts.agrees(expected := transcripts.mark(record.text, []), said):
            told = f"prints something else\n{transcripts.diff(expected, said)}"
        # With other threads a long training ends elsewhere; times are never the same.
        comparable = not (long and runner.threads > 1) and "seconds" not in cell.source
        if not told and comparable:
            there, here = records.folder(project, "cpu", name), folder / "replies"
            drawn = [there / each["light"] for each in record.figures]
            if not same_pictures(drawn, [here / each["light"] for each in reply["figures"]]):
                told = "draws something else"
        if told:
            wrong.append(
                f"{cell.id}, as a program with {[each.name for each in above]}: {told}\n"
                'if it depends on another cell, write needs="..." into its marker line'
            )
    return wrong


def same_pictures(expected: list[Path], drawn: list[Path]) -> bool:
    """Whether the figures agree but for what another processor's rounding may change."""
    for one, other in zip_longest(expected, drawn):
        if not (one and other):
            return False
        with Image.open(one) as before, Image.open(other) as after:
            if before.size != after.size:
                return False
            pair = before.convert("RGB"), after.convert("RGB")
        levels = ImageChops.difference(*pair).convert("L").histogram()
        if sum(levels[32:]) > 0.005 * sum(levels):
            return False
    return True


@needs_fork
@pytest.mark.parametrize("name", PROJECT.sections)
def test_every_program_without_a_long_training_prints_what_the_record_says(name, tmp_path):
    wrong = disagreements(PROJECT, name, tmp_path, long=False)
    assert not wrong, "\n\n".join(wrong)


@needs_fork
@nightly.mark
@pytest.mark.parametrize(
    "name", [name for name, section in PROJECT.sections.items() if nightly.has_long(section)]
)
def test_every_program_with_a_long_training_prints_what_the_record_says(name, tmp_path):
    wrong = disagreements(PROJECT, name, tmp_path, long=True)
    assert not wrong, "\n\n".join(wrong)


def test_what_is_long_is_a_training_and_no_download():
    long = [cell.name for cell in PROJECT.sections["classifier"].cells if nightly.is_long(cell)]
    assert "train" in long and "raw-image" not in long
    assert not nightly.has_long(PROJECT.sections["tensors"])


# The tree of processes


def said(tmp_path, **each: list[str]) -> dict[str, dict]:
    return program_tree.run(each, tmp_path)


@needs_fork
def test_programs_part_where_they_differ_and_leave_one_another_alone(tmp_path):
    start = "import os\nx = [os.getpid()]\nopen('start', 'w').close()"
    show = "print(x[1:], sorted(os.listdir()), x[0])"
    replies = said(
        tmp_path,
        a=[start, "x.append('a')\nopen('a', 'w').close()", show],
        b=[start, "x.append('b')", show],
        c=[start, show],
        d=[start],
    )
    texts = {name: reply["text"].rpartition(" ") for name, reply in replies.items()}
    assert {name: text[0] for name, text in texts.items()} == {
        "a": "['a'] ['a', 'start']",
        "b": "['b'] ['start']",
        "c": "[] ['start']",
        "d": "",
    }
    assert len({texts[name][2] for name in "abc"}) == 1  # one process ran the first piece, once


@needs_fork
def test_what_a_last_piece_prints_warns_of_and_raises_is_replied(tmp_path):
    loud = "import os, sys, warnings\nprint('above')"
    replies = said(
        tmp_path,
        a=[loud, "os.write(1, b'one\\n')\nprint('two', file=sys.stderr)\nwarnings.warn('three')"],
        b=[loud, "import subprocess\nsubprocess.run(['echo', 'child'])\n{}['four']"],
        c=[loud, "import inspect\ndef f():\n    return 5\nprint(inspect.getsource(f))"],
    )
    assert replies["a"]["text"] == "one\ntwo\nUserWarning: three\n"
    assert replies["b"]["text"] == "child\n"
    assert replies["b"]["error"] == {"message": "KeyError: 'four'"}
    assert replies["c"]["text"] == "def f():\n    return 5\n\n"


@needs_fork
def test_a_program_that_breaks_is_told_and_the_others_go_on(tmp_path):
    replies = said(
        tmp_path,
        a=["x = 1", "# middle\nprint(y)", "print('a')"],
        b=["x = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "print('b')"],
        c=["x = 1", "print('c')"],
    )
    assert replies["a"]["broken"] == "above it, in # middle: NameError: name 'y' is not defined"
    assert replies["b"]["broken"] == "killed by SIGKILL"
    assert replies["c"]["text"] == "c\n"


@needs_fork
def test_nothing_is_seeded_but_by_the_programs(tmp_path):
    draw = "import torch\nprint(torch.initial_seed())"
    replies = said(tmp_path, a=[draw], b=["import torch\ntorch.manual_seed(7)", draw])
    assert replies["a"]["text"].strip() not in ("0", "7")
    assert replies["b"]["text"] == "7\n"


# In the site


def test_a_cell_that_needs_others_links_to_its_program_and_one_that_does_not_has_no_link(built):
    html = BeautifulSoup((built.site / "basics.html").read_text("utf-8"), "html.parser")
    section = built.project.sections["basics"]
    linked = []
    for cell in section.cells:
        shown = html.select_one(f'.cell[id="basics-{cell.name}"]')
        links = shown.select("a.copy-program")
        if len(needs.needed(section, cell.name)) > 1:
            (link,) = links
            assert link.has_attr("download") and link.get_text() == "Copy, runs alone"
            assert link["aria-label"] == f"Copy, runs alone: {cell.name}"
            assert link.find_next("code").parent.parent.parent == shown, "not the first button"
            text = (built.site / link["href"]).read_text("utf-8")
            assert text == needs.program(section, cell.name)
            linked.append(cell.name)
        else:
            assert not links
    assert "tensor" in linked and "imports" not in linked
    assert sorted(file.stem for file in (built.site / "programs").rglob("*.py")) == sorted(linked)


def test_the_link_is_in_no_search_result_and_not_in_the_markdown(built):
    for file in ("search/search_index.json", "basics.md"):
        text = (built.site / file).read_text("utf-8")
        assert "torch.tensor" in text
        assert "runs alone" not in text and "programs/basics" not in text
