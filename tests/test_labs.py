"""Every blank: the stub fails its check, the solution passes, typical mistakes get their hint."""

import importlib
import json
from functools import cache

import nbformat
import pytest
from bs4 import BeautifulSoup
from markdown import Markdown
from nbclient.exceptions import CellExecutionError

from tests import nightly
from tests.notebooks import execute, preamble, reading
from tutorial import TutorialError
from tutorial.data import cifar10
from tutorial.lesson import labs, needs
from tutorial.lesson.project import Project
from tutorial.page import fences
from tutorial.page.context import BuildContext
from tutorial.site import export
from tutorial.site import notebook_page as notebook_page_module
from tutorial.site.checks import check_pages

PROJECT = Project.find()
LABS = {lab.section: lab for lab in labs.labs(PROJECT)}
# The one that reads CIFAR-10 trains on all images until its accuracy passes.
IN_JUPYTER = nightly.parameters(LABS, lambda name: "CIFAR10" in LABS[name].path.read_text("utf-8"))
EXERCISES = [(section, name) for section, lab in LABS.items() for name in lab.exercises]


def wrong_answers(section):
    return importlib.import_module(f"tests.wrong_answers.{section}").WRONG_ANSWERS


def answer(section, name, source):
    """Run the lab's check on `source`, as a reader does who runs the two cells."""
    lab = LABS[section]
    namespace = {"__name__": "__main__"}
    for code in (preamble(lab), source, lab.exercises[name].check):
        exec(compile(code, f"{section}: {name}", "exec"), namespace)


def hint_of(section, name, source):
    with pytest.raises(AssertionError) as refused:
        answer(section, name, source)
    hint = str(refused.value)
    assert hint.count("\n") == 0 and len(hint.split()) >= 4, f"not a sentence: {hint!r}"
    return hint


def test_each_of_the_first_sections_has_two_exercises_or_more():
    for section in ("tensors", "autograd", "networks", "classifier"):
        assert len(LABS[section].exercises) >= 2


@pytest.mark.parametrize(("section", "name"), EXERCISES)
def test_the_untouched_stub_fails_and_is_told_that_it_is_empty(section, name):
    assert "empty" in hint_of(section, name, LABS[section].exercises[name].stub)


@pytest.mark.parametrize(("section", "name"), EXERCISES)
def test_the_solution_passes_and_shows_no_mark(section, name):
    exercise = LABS[section].exercises[name]
    answer(section, name, exercise.solution)
    assert "SOLUTION" not in exercise.solution + exercise.stub
    assert labs.YOURS.strip() in exercise.stub


@pytest.mark.parametrize(("section", "name"), EXERCISES)
def test_typical_wrong_answers_get_the_hint_meant_for_them(section, name):
    wrong = wrong_answers(section)[name]
    assert len(wrong) >= 3
    hints = set()
    for body, fragment in wrong:
        hint = hint_of(section, name, LABS[section].exercises[name].filled(body))
        assert fragment in hint, body
        hints.add(fragment)
    assert len(hints) >= 3, "each mistake has a hint of its own"


@pytest.mark.parametrize("section", LABS)
def test_wrong_answers_name_exercises_that_exist(section):
    assert wrong_answers(section).keys() == LABS[section].exercises.keys()


@pytest.mark.parametrize("section", IN_JUPYTER)
def test_a_lab_runs_with_its_solutions(section, tmp_path, monkeypatch):
    """With all images where it reads CIFAR-10: the lab has a gate on the accuracy."""
    before = "import torch; torch.set_num_threads(1)"
    if "CIFAR10" in LABS[section].path.read_text("utf-8"):
        source = cifar10.provide(PROJECT.root, lambda *_: None)
        before += reading(source, tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT.root))
    execute(LABS[section].notebook(solved=True), tmp_path, before)


@pytest.mark.parametrize("section", IN_JUPYTER)
def test_a_lab_with_its_blanks_stops_at_the_first_check(section, tmp_path):
    path = PROJECT.site / "labs" / f"{section}.ipynb"
    notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    with pytest.raises(CellExecutionError) as stopped:
        execute(notebook, tmp_path)
    assert stopped.value.ename == "AssertionError"
    (failed,) = [
        cell
        for cell in notebook.cells
        if any(out.output_type == "error" for out in cell.get("outputs", []))
    ]
    first = next(iter(LABS[section].exercises.values()))
    assert failed.source == first.check


@cache
def lesson(section: str) -> nbformat.NotebookNode:
    """The notebook of a lesson, for tests that do not change it: it takes half a second to make."""
    return export.notebook(PROJECT, PROJECT.root / "docs" / f"{section}.md")


@pytest.mark.parametrize("section", PROJECT.sections)
def test_the_notebook_of_a_lesson_has_the_code_of_its_exported_page(section):
    page = PROJECT.root / "docs" / f"{section}.md"
    flat = export.flat(PROJECT, page, outputs=False, solved=False)
    fences = [code["text"].rstrip() for code in export.FENCED.finditer(flat)]
    codes = [cell.source for cell in lesson(section).cells if cell.cell_type == "code"]
    assert codes == fences
    assert len(fences) >= len(PROJECT.sections[section].cells)


@pytest.mark.parametrize("section", PROJECT.sections)
def test_the_notebook_of_a_lesson_reads_well_in_jupyter(section):
    notebook = lesson(section)
    nbformat.validate(notebook)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for mark in ("!!! ", "???", "\n=== ", "```cell", "```section", "```exercise", "{ ."):
        assert mark not in prose
    codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    cells = [cell for cell in PROJECT.sections[section].cells if not cell.has_blank]
    shown = [needs.guarded(cell) for cell in cells]
    assert [code for code in codes if code in shown] == shown


def test_a_blank_without_a_check_is_told(sample):
    (sample.root / "snippets" / "labs").mkdir()
    script = sample.root / "snippets" / "labs" / "lesson.py"
    blank = "# %% twice\ndef twice(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n"
    script.write_text(blank + "    ### END SOLUTION\n")
    with pytest.raises(TutorialError, match=r"snippets/labs/lesson\.py: no cell check-twice"):
        _ = labs.Lab(sample.project, "lesson").exercises
    script.write_text(blank)
    with pytest.raises(TutorialError, match=r"snippets/labs/lesson\.py: twice: a blank lies"):
        _ = labs.Lab(sample.project, "lesson").exercises


@pytest.mark.parametrize("character", ["\x0c", "\u2028"])
def test_what_jupytext_takes_for_the_end_of_a_line_is_told(sample, character):
    (sample.root / "snippets" / "labs").mkdir()
    script = sample.root / "snippets" / "labs" / "lesson.py"
    script.write_text(f"# %% twice\nprint('{character}')\n", encoding="utf-8")
    with pytest.raises(TutorialError, match=r"snippets/labs/lesson\.py:2: Jupytext takes"):
        _ = labs.Lab(sample.project, "lesson").cells


def test_a_lab_may_begin_with_a_byte_order_mark(sample):
    (sample.root / "snippets" / "labs").mkdir()
    script = sample.root / "snippets" / "labs" / "lesson.py"
    script.write_text("\ufeff" + LAB, encoding="utf-8")
    assert list(labs.Lab(sample.project, "lesson").exercises) == ["twice"]


LAB = """\
# %% twice
def twice(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check-twice
assert twice(2) == 4, "Twice 2 is 4."
"""


def test_labs_and_pages_fit_or_are_told(sample):
    (sample.root / "snippets" / "labs").mkdir()
    (sample.root / "snippets" / "labs" / "lesson.py").write_text(LAB)
    page = "# lesson\n\n```cell\nlesson.py::one\n```\n\n```exercise\nlesson.py::{}\n```\n"
    sample.script("lesson", "# %% one\nprint(1)\n", page.format("thrice"))
    assert check_pages(sample.project) == [
        "docs/lesson.md:8: the page shows 'lesson.py::thrice', but snippets/labs/lesson.py has no"
        " exercise thrice: it has twice",
        "snippets/labs/lesson.py: no page shows exercise twice; show it or remove it",
    ]
    sample.script("lesson", "# %% one\nprint(1)\n", page.format("twice"))
    assert check_pages(sample.project) == []
    (lab,) = labs.labs(sample.project)
    assert "2 * x" not in labs.text_of(lab.notebook())
    assert "2 * x" in labs.text_of(lab.notebook(solved=True))


def test_ids_of_a_notebook_stay_where_others_change():
    def ids(*cells):
        made = labs.make_notebook(cells)
        nbformat.validate(made)
        return [cell.id for cell in made.cells]

    cells = [("markdown", "a"), ("code", "1"), ("code", "2"), ("markdown", "b"), ("code", "1")]
    before = ids(*cells, ("markdown", "c"))
    assert len(set(before)) == 6
    assert ids(("markdown", "other"), *cells[1:], ("markdown", "c")) == before
    assert ids(*cells[:2], ("code", "new"), *cells[2:], ("markdown", "c"))[3:] == before[2:]


ERRORS = "# errors\n\n```error\nlesson.py::{}\n```\n"


def test_the_page_of_errors_has_them_all_and_shows_their_real_messages(light):
    light.script(
        "lesson",
        """
        # %% one error="ValueError"
        raise ValueError("one is" + " < two")

        # %% two error="KeyError"
        {}["two"]

        # %% three
        print("three")
        """,
    )
    page = light.root / "docs" / "errors.md"
    page.write_text(ERRORS.format("three"))
    problems = check_pages(light.project)
    assert "docs/errors.md:4: lesson.py::three is no cell with error=" in problems
    page.write_text(ERRORS.format("one"))
    (problem,) = check_pages(light.project)
    assert problem == (
        "snippets/lesson.py:4: docs/errors.md does not explain the error of cell two"
    )
    page.write_text(ERRORS.format("one") + ERRORS.format("two"))
    done = light.do("tutorial", "site")
    assert done.returncode == 0, done.stderr
    html = (light.root / "build" / "site" / "errors.html").read_text()
    assert "ValueError: one is &lt; two" in html
    assert 'href="lesson.html#lesson-one"' in html
    index = (light.root / "build" / "site" / "search" / "search_index.json").read_text()
    assert "one is &lt; two" not in index and "one is < two" not in index


@pytest.fixture(scope="module")
def notebook_page() -> BeautifulSoup:
    page = PROJECT.site / notebook_page_module.PAGE.replace(".ipynb", ".html")
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").article


def test_the_page_of_a_notebook_has_its_cells_and_folds_the_checks(notebook_page):
    name = notebook_page_module.SECTION
    lab = labs.Lab(PROJECT, name)
    shown = [code.get_text().strip() for code in notebook_page.select("pre")]
    assert shown == [cell.source.strip() for cell in lesson(name).cells if cell.cell_type == "code"]
    folded = [each.select_one("pre").get_text().strip() for each in notebook_page.select("details")]
    assert folded == [exercise.check.strip() for exercise in lab.exercises.values()]
    assert notebook_page.select_one(f'a[download][href="../{name}.ipynb"]')


def test_the_page_of_a_notebook_looks_like_the_others_and_asks_nobody_else(notebook_page):
    assert notebook_page.select(".katex") and "$$" not in notebook_page.get_text()
    assert not notebook_page.select("script, style, [class*=jp-]")
    index = json.loads((PROJECT.site / "search" / "search_index.json").read_text("utf-8"))
    assert not [doc for doc in index["docs"] if doc["location"].startswith("notebook/")]


def test_amounts_of_money_in_a_notebook_are_no_formulas():
    html = '<div class="jp-MarkdownOutput"><p>It costs US$5 and US$6.</p></div>'
    assert "US$5 and US$6" in notebook_page_module.rendered(html, LABS["tensors"])


@pytest.mark.parametrize("html", ["<p>Cost $5 &lt; <code>$x$</code> and $a_1 &lt; b$, then</p>"])
def test_formulas_of_a_notebook_are_rendered_and_code_is_not(html):
    page = notebook_page_module.rendered(
        f'<div class="jp-MarkdownOutput">{html}</div>', LABS["tensors"]
    )
    assert page.count('class="katex"') == 1 and "<code>$x$</code>" in page and "$5 &lt;" in page


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("https://github.com/somebody/lessons", "somebody/lessons"),
        ("https://github.com/somebody/les.sons.git", "somebody/les.sons"),
        ("", None),
        ("https://github.com/somebody", None),
        ("https://elsewhere.example/somebody/lessons", None),
        ("https://elsewhere.example/https://github.com/somebody/lessons", None),
    ],
)
def test_a_lesson_opens_in_colab_where_the_repository_is_on_github(repository, name, monkeypatch):
    monkeypatch.setenv("REPO_URL", repository)
    monkeypatch.setattr(BuildContext, "runs_of", lambda *_: [])  # it need not have been run
    html = fences.show_section(BuildContext(PROJECT), "tensors.py", Markdown())
    assert ("colab" in html) == bool(name)
    for path in ("tensors.ipynb", "labs/tensors.ipynb") if name else ():
        address = f"https://colab.research.google.com/github/{name}/blob/notebooks/{path}"
        assert f'<a href="{address}">Open in Colab</a>' in html
        assert (PROJECT.site / path).is_file()
