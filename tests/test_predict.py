"""Questions below cells: variants run once, each option was printed, and what is told otherwise."""

import json

import pytest
from bs4 import BeautifulSoup

from tests.test_pages import render
from tutorial.page.context import PageError
from tutorial.record import records
from tutorial.site.checks import check_pages

LESSON = """\
# %% start
start = 1
with open("{log}", "a") as log:
    print("start", file=log)

# %% unrelated
print("unrelated")

# %% sum
print(start + 1)
"""
VARIANTS = """\
# %% text instead="sum"
print(str(start) + "1")
with open("{log}", "a") as log:
    print("text", file=log)

# %% neither instead="sum" error="TypeError"
print(start + "1")

# %% why-two below="unrelated"
# Why is the sum not `11`, the two
#   numbers <b>side by side</b>?
# start: `start` is a number.
# lesson.py::unrelated: It is a text.
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Where cells write down that they were executed."""
    return tmp_path_factory.mktemp("log") / "executed.txt"


@pytest.fixture(scope="module")
def asked(new_light, log):
    """A project with a question, run and built. Do not change it."""
    sample = new_light()
    (sample.root / "snippets" / "predict").mkdir()
    variants = VARIANTS.format(log=log.as_posix())
    (sample.root / "snippets" / "predict" / "lesson.py").write_text(variants, encoding="utf-8")
    sample.script("lesson", LESSON.format(log=log.as_posix()))
    done = sample.do("tutorial", "site")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "variants of cells: 2 ran" in done.stdout
    assert executed(log) == ["start", "start", "start", "text"]
    return sample


@pytest.fixture
def lesson(asked, tmp_path, log):
    """A copy of it, with records and site, to change."""
    log.unlink(missing_ok=True)
    return asked.copy(tmp_path / "a copy")


def executed(log) -> list[str]:
    """What was executed since this was last asked, sorted."""
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(names)


def edit_variants(sample, old: str, new: str) -> str:
    """Change the variants; `snippets/predict/lesson.py:5` of the line that was changed."""
    sample.edit("snippets/predict/lesson.py", old, new)
    return sample.place("snippets/predict/lesson.py", new.partition("\n")[0])


def of_sum(html: BeautifulSoup):
    return html.select_one("#lesson-sum")


# Runs


@pytest.mark.parametrize(
    ("file", "old", "new", "runs"),
    [
        ("docs/lesson.md", "# lesson", "# lesson 2", []),
        ("snippets/predict/lesson.py", '+ "1")\nwith', '+ "2")\nwith', ["start", "text"]),
        ("snippets/predict/lesson.py", "print(str", "# Text.\nprint(str", []),
        ("snippets/lesson.py", "start + 1", "start + 2", ["start"]),
        ("snippets/lesson.py", '("unrelated")', '("not related")', ["start"]),
        ("snippets/lesson.py", "start = 1", "start = 2", ["start", "start", "start", "text"]),
    ],
    ids=["prose", "one variant", "a comment", "the cell", "another cell", "what all need"],
)
def test_a_variant_runs_again_when_it_or_what_it_needs_changes(lesson, log, file, old, new, runs):
    lesson.edit(file, old, new)
    done = lesson.do("tutorial", "run")
    assert done.returncode == 0, done.stderr
    assert executed(log) == runs
    # A log shows each as it ends.
    assert done.stderr.count("  lesson.text: ran\n") == runs.count("text")


def read(folder) -> dict:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def test_a_variant_changes_no_record_of_the_lesson(lesson):
    before = read(lesson.root / "build" / "cpu" / "lesson")
    edit_variants(lesson, 'print(str(start) + "1")', 'print("changed"); start = 5')
    assert lesson.do("tutorial", "run").returncode == 0
    assert read(lesson.root / "build" / "cpu" / "lesson") == before
    assert records.read(lesson.project, "cpu", "lesson.text", "text").text == "changed"


def test_a_variant_sees_nothing_of_the_one_that_ran_before_it(lesson):
    lesson.edit("snippets/lesson.py", "start = 1", 'start = globals().get("start", 0) + 1')
    edit_variants(
        lesson, 'print(str(start) + "1")', 'import sys; sys.seen = print(str(start) + "1")'
    )
    alone = 'import sys; assert start == 1 and not hasattr(sys, "seen"); start + "1"'
    edit_variants(lesson, 'print(start + "1")', alone)
    done = lesson.do("tutorial", "run")
    assert done.returncode == 0, done.stderr
    assert "variants of cells: 2 ran" in done.stdout


def test_a_variant_that_is_saved_while_the_site_is_made_is_in_the_next_one(lesson):
    variants = lesson.root / "snippets" / "predict" / "lesson.py"
    saves = f"""
from pathlib import Path
variants = Path({str(variants)!r})
variants.write_text(variants.read_text().replace('str(start) + "1"', 'str(start) + "2"'))
"""
    lesson.edit("snippets/lesson.py", 'print("unrelated")', saves)
    assert lesson.do("tutorial", "site").returncode == 0
    done = lesson.do("tutorial", "site")
    assert "variants of cells: 1 ran" in done.stdout, done.stdout + done.stderr
    assert "<code>12</code>" in (lesson.root / "build" / "site" / "lesson.html").read_text()


def test_a_variant_that_fails_is_told_with_its_line_and_that_of_the_page(lesson):
    place = edit_variants(lesson, 'print(str(start) + "1")', "print(missing)")
    done = lesson.do("tutorial", "site")
    shown = lesson.place("docs/lesson.md", "lesson.py::sum").partition(":")[2]
    said = f"{place}: cell text, shown at docs/lesson.md:{shown}: NameError: name 'missing'"
    assert done.returncode == 1 and said in done.stderr
    assert 'predict/lesson.py", line 2' in done.stderr and "print(missing)" in done.stderr
    assert "variants of cells: 0 ran, 1 reused, 1 failed" in done.stdout
    assert "the site is as it was" in done.stderr


def test_variants_run_on_the_cpu_wherever_the_lesson_runs(lesson, log):
    (lesson.root / "build" / "cpu" / "lesson.text" / "text.json").unlink()
    gpu = {"DEVICE": "cuda", "LIGHT_GPU": "Light GPU"}
    assert lesson.do("tutorial", "run", **gpu).returncode == 0
    assert executed(log) == ["start"], "a machine with a GPU is lent for minutes"
    for command in ("site", "assemble"):
        done = lesson.do("tutorial", command, **gpu)
        assert done.returncode == 0, done.stderr
        assert len(of_sum(html_of(lesson)).select(".predict:not(.why) > [data-name]")) == 3
    assert executed(log) == ["start", "text"]
    assert not [*lesson.root.glob("build/cuda/*.text")]


# The page


def html_of(sample) -> BeautifulSoup:
    text = (sample.site / "lesson.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser")


def test_each_option_is_what_a_run_printed(asked):
    html = html_of(asked)
    options = of_sum(html).select(".predict:not(.why) > [data-name]")
    assert {option["data-name"]: option.text for option in options} == {
        "sum": "2",
        "text": "11",
        "neither": "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    }
    assert [option["data-name"] for option in options if option.has_attr("data-right")] == ["sum"]
    (wrong,) = (option for option in options if option["data-name"] == "neither")
    assert wrong.find_next_sibling(class_="whose").code.text.strip() == 'print(start + "1")'
    assert len(html.select(".predict:not(.why)")) == 1, "other cells have no question"


def test_a_question_why_leads_to_the_cell_that_proves_each_answer(asked):
    (why,) = html_of(asked).select(".predict.why")
    assert why.find_parent(class_="cell")["id"] == "lesson-unrelated"
    legend = "Why is the sum not <code>11</code>, the two numbers &lt;b&gt;side by side&lt;/b&gt;?"
    assert why.legend.decode_contents() == legend
    answers = {}
    for button in why.select("[data-name]"):
        whose = button.find_next_sibling(class_="whose")
        said = " ".join(whose.text.split())
        answers[button.text] = button.has_attr("data-right"), said, whose.a["href"]
    assert answers == {
        "start is a number.": (True, "Right: start shows it.", "lesson.html#lesson-start"),
        "It is a text.": (
            False,
            "No: unrelated shows that it is not so.",
            "lesson.html#lesson-unrelated",
        ),
    }


def test_what_is_read_or_run_elsewhere_has_no_question(asked):
    for name in ("lesson.md", "lesson.ipynb", "search/search_index.json"):
        text = (asked.site / name).read_text(encoding="utf-8")
        assert "unrelated" in text
        assert "TypeError" not in text and "What does it print" not in text, name
        assert "side by side" not in text, name


def test_the_right_option_is_not_always_the_first():
    from tutorial.lesson.project import Project
    from tutorial.page.context import BuildContext
    from tutorial.page.predict import options

    context = BuildContext(Project.find())
    places = set()
    for name, cell in context.project.variants:
        shown = options(context, *context.find_cell(f"{name}.py::{cell}"))
        places.add(next(at for at, option in enumerate(shown) if not option.code))
    assert {0, 1} < places


# What is told


PLACE, SCRIPT = "snippets/predict/lesson.py", "snippets/lesson.py"


FORM = "a question is a comment: '# Why ...?' in its first line, then a line for each answer"
UNKNOWN = 'write instead="CELL" with a cell of snippets/lesson.py'
DATA = "images = torchvision.datasets.CIFAR10\nstart = 1"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (PLACE, 'instead="sum"', 'instead="some"', UNKNOWN),
        (PLACE, ' instead="sum"', "", UNKNOWN),
        (PLACE, "%% text", "%% unrelated", "has a cell unrelated, too; give the variant another"),
        (PLACE, ' below="unrelated"', ' below="some"', 'write below="CELL" with a cell of'),
        (PLACE, ' below="unrelated"', ' below="sum"', f"another question, that of {PLACE}:1"),
        (PLACE, "# start: ", "# start ", FORM),
        (PLACE, "# lesson.py::unrelated: It is a text.", "", FORM),
        (PLACE, "side</b>?", "side</b>", FORM),
        (PLACE, "# start: ", "# stop: ", "lesson.py::stop: snippets/lesson.py has no cell stop"),
        (SCRIPT, "start = 1", DATA, "needs the cell start, which reads a data set or weights"),
        (SCRIPT, "start", "start timeout=300", "needs the cell start, which takes minutes"),
    ],
    ids=[
        *("unknown cell", "no cell", "same name", "below no cell", "twice", "no colon"),
        *("one answer", "no question", "no proof", "data", "slow"),
    ],
)
def test_a_variant_or_question_that_is_not_as_it_should_be_is_told(lesson, file, old, new, said):
    text = (lesson.root / file).read_text(encoding="utf-8")
    (lesson.root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    (problem,) = check_pages(lesson.project)
    line = 9 if file == PLACE and "instead" not in old and "text" not in old[:8] else 1
    assert problem.startswith(f"{PLACE}:{line}: ") and said in problem


def test_variants_of_no_script_are_told(lesson):
    (lesson.root / PLACE).rename(lesson.root / "snippets" / "predict" / "lessen.py")
    assert check_pages(lesson.project) == [
        "snippets/predict/lessen.py:1: there is no snippets/lessen.py whose cells it could vary"
    ]


def test_a_variant_that_prints_what_the_cell_prints_is_told(lesson):
    place = edit_variants(lesson, 'print(str(start) + "1")', "print(2 * start)")
    done = lesson.do("tutorial", "site")
    assert done.returncode == 1
    number = int(place.rpartition(":")[2]) - 1
    said = f"{PLACE}:{number}: the variant text prints the same as sum; a question needs options"
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("file", "old", "silent"),
    [(PLACE, 'print(str(start) + "1")', "text"), (SCRIPT, "print(start + 1)", "sum")],
)
def test_an_option_of_no_words_is_told(lesson, file, old, silent):
    lesson.edit(file, old, "pass")
    done = lesson.do("tutorial", "site")
    assert done.returncode == 1
    assert f"{PLACE}:1: {silent} prints nothing, which nobody can choose" in done.stderr


def remove(lesson):
    (lesson.root / "build" / "cpu" / "lesson.text" / "text.json").unlink()


def change(lesson):
    edit_variants(lesson, '+ "1")\nwith', '+ "2")\nwith')


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (remove, f"build/cpu/lesson.text/text.json: missing: {PLACE}:1 has no record"),
        (change, f"build/cpu/lesson.text/text.json: stale: made from other code than {PLACE}:1"),
    ],
)
def test_an_option_that_was_not_run_is_on_no_page(lesson, harm, said):
    harm(lesson)
    with pytest.raises(PageError, match=rf"{PLACE}:1: the variant text has no run of its present"):
        render(lesson, "```cell\nlesson.py::sum\n```")
    done = lesson.do("tutorial", "assemble")
    assert done.returncode == 1 and said in done.stderr
    assert "make run SECTIONS=lesson DEVICE=cpu" in done.stderr


def test_a_variant_that_never_ends_is_stopped(lesson):
    place = edit_variants(lesson, 'text instead="sum"', 'text timeout=0.5 instead="sum"')
    edit_variants(lesson, 'print(str(start) + "1")', "while True: pass")
    done = lesson.do("tutorial", "run")
    assert done.returncode == 1
    assert f"{place}: cell text, shown at" in done.stderr and "time limit" in done.stderr
    record = json.loads((lesson.root / "build/cpu/lesson.text/text.json").read_text())
    assert record["failure"]
