"""Every blank: the stub fails its check, the solution passes, typical mistakes get their hint."""

import ast
import contextlib
import importlib
import io
import json
import os
import re
import signal
from functools import cache
from itertools import groupby

import jupytext
import nbformat
import pytest
from bs4 import BeautifulSoup
from markdown import Markdown
from nbclient.exceptions import CellExecutionError

from tests import nightly
from tests.notebooks import execute, reading
from tests.wrong_answers.kinds import KINDS
from tests.wrong_answers.right import UNUSUAL
from tests.wrong_answers.tensors import PER_CHANNEL
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


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """More of them only wait for each other in networks as small as these."""
    import torch  # not above: every worker imports every file of tests

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def wrong_answers(section):
    return importlib.import_module(f"tests.wrong_answers.{section}").WRONG_ANSWERS


def answer(section, name, source, seconds=60):
    """Run the lab's check on `source`, as a reader does who runs the two cells.

    seconds: as long may it take; more than a reader has to wait, since other tests run beside it.
    """
    lab = LABS[section]
    namespace = {"__name__": "__main__"}
    for code in (lab.preamble(), f"SECONDS = {seconds}", source, lab.exercises[name].check):
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
def test_what_to_write_stands_as_text_above_the_blank(section, name):
    exercise = LABS[section].exercises[name]
    (function,) = (n for n in ast.parse(exercise.solution).body if isinstance(n, ast.FunctionDef))
    assert "\n" not in ast.get_docstring(function), "a phone cuts it: the text above has it"
    for argument in function.args.args:
        assert f"`{argument.arg}`" in exercise.task, "the text above the blank names it"
    assert "eturns" in exercise.task, "the text above the blank says 'Returns ...'"

    md = Markdown(extensions=["pymdownx.superfences"])
    md.convert("text")  # makes it ready to highlight
    page = fences.show_exercise(BuildContext(PROJECT), f"{section}.py::{name}", md)
    text, _, code = page.partition('<div class="highlight"')
    assert exercise.task.split()[-1].strip("`.") in text
    assert f"def {function.name}" in BeautifulSoup(code, "html.parser").text

    cells = [cell.source for cell in LABS[section].notebook().cells]
    assert cells[cells.index(exercise.stub) - 1] == exercise.task


@pytest.mark.parametrize(("section", "name"), EXERCISES)
def test_typical_wrong_answers_get_the_hint_meant_for_them(section, name):
    wrong = wrong_answers(section).get(name, [])
    assert len(wrong) >= 3, f"tests/wrong_answers/{section}.py has three or more for {name}"
    hints = set()
    for body, fragment in wrong:
        hint = hint_of(section, name, LABS[section].exercises[name].filled(body))
        assert fragment in hint, body
        hints.add(fragment)
    assert len(hints) >= 3, "each mistake has a hint of its own"


def by_exercise(rows):
    """Of (section, exercise, answer, ...): a parameter for each exercise, with its answers."""
    ordered = sorted(rows, key=lambda row: row[:2])
    for exercise, answers in groupby(ordered, key=lambda row: row[:2]):
        yield pytest.param(*exercise, [row[2:] for row in answers], id="-".join(exercise))


@pytest.mark.parametrize(
    ("section", "name", "answers"),
    [
        pytest.param(*case.values, id=f"{kind.replace(' ', '-')}-{case.id}")
        for kind, rows in KINDS.items()
        for case in by_exercise(rows)
    ],
)
def test_unforeseen_answers_get_the_hint_that_helps(section, name, answers):
    for body, fragment in answers:
        hint = hint_of(section, name, LABS[section].exercises[name].filled(body))
        assert fragment in hint, body


@pytest.mark.parametrize(("section", "name", "answers"), list(by_exercise(UNUSUAL)))
def test_right_answers_pass_in_whatever_way_they_are_written(section, name, answers):
    for (body,) in answers:
        answer(section, name, LABS[section].exercises[name].filled(body))


@pytest.fixture
def stopped(monkeypatch):
    """Run a body in a blank that never ends by itself; what its check says and has printed."""
    # A program that a shell starts in the background gets a SIGINT that is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(section, name, body):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            source = LABS[section].exercises[name].filled(body)
            with pytest.raises(AssertionError) as refused:
                answer(section, name, source, seconds=0.2)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        return str(refused.value), printed.getvalue()

    return run


@pytest.mark.parametrize(("section", "name"), EXERCISES)
def test_a_loop_without_end_is_stopped_and_prints_little(section, name, stopped):
    hint, printed = stopped(section, name, "    while True:\n        print('x' * 80)")
    assert "loop that never ends" in hint
    assert 4_000 < len(printed) < 10_000 and "left out" in printed


@pytest.mark.parametrize(
    "body",
    [
        "    while True:\n        pass",
        "    while True:\n        try:\n            sum([1])\n        except:\n            pass",
        "    import time\n    while True:\n        time.sleep(0.01)",
        "    import sys\n    while True:\n        print('x', file=sys.stderr)",
        "    merged, at = [], 0\n    while at < len(ids):\n        merged.append(ids[at])",
    ],
)
def test_other_loops_without_end_are_stopped(body, stopped, capsys):
    assert "loop that never ends" in stopped("text", "merge", body)[0]
    assert not capsys.readouterr().err


def test_a_forward_pass_without_end_is_stopped(stopped):
    body = wrong_answers("classifier")["build-network"][3][0]
    body = body.replace("def forward(self, images):", "def forward(self, images):\n" + 12 * " " +
                        "while True:\n" + 16 * " " + "pass\n")  # fmt: skip
    assert "loop that never ends" in stopped("classifier", "build-network", body)[0]


@pytest.mark.parametrize(("section", "name"), EXERCISES)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("np.mean(0)", "NameError"),
        ("None + 1", "TypeError"),
        ("[][0]", "IndexError"),
        ("{}['key']", "KeyError"),
        ("torch.zeros(2, 3) @ torch.zeros(2, 3)", "RuntimeError: mat1 and mat2"),
        ("(lambda again: again(again))(lambda again: again(again))", "RecursionError"),
    ],
)
def test_an_error_comes_in_a_sentence_with_the_way_to_the_page_of_errors(
    section, name, code, error
):
    hint = hint_of(section, name, LABS[section].exercises[name].filled(f"    return {code}"))
    assert "Your code stops" in hint and error in hint and "see errors.html" in hint


@pytest.mark.parametrize(
    ("body", "hints"),
    [
        (
            PER_CHANNEL.replace(", keepdim=True", "") + "    return (images - mean) / std",
            ["keepdim=True keeps them", "in the line `return (images - mean) / std`"],
        ),
        ("    while True:\n        print('x' * 80)", ["loop that never ends"]),
    ],
)
def test_a_check_in_jupyter_names_the_line_and_stops_a_loop(body, hints, tmp_path):
    exercise = LABS["tensors"].exercises["normalise"]
    notebook = LABS["tensors"].notebook()
    for cell in notebook.cells:
        if cell.source == exercise.stub:
            cell.source = exercise.filled(body)
    with pytest.raises(CellExecutionError) as stopped:
        execute(notebook, tmp_path)
    assert stopped.value.ename == "AssertionError"
    assert all(hint in stopped.value.evalue for hint in hints)


ODD = """
0 | 1.5 | True | "" | "x" * 10**6 | [] | () | {} | [None] | (1, 2) | {"a": 1} | object() | torch
torch.zeros(0) | torch.tensor(float("nan")) | torch.zeros(4, 3, 5, 6, dtype=torch.complex64)
torch.full((2, 3), float("nan")) | torch.empty(2, device="meta") | torch.nn.Module() | [torch, 1]
lambda *given: given | list(range(10**5)) | float("nan") | float | (torch.zeros(3), None)
"""


@pytest.mark.parametrize(("section", "name"), EXERCISES)
def test_whatever_comes_back_is_refused_in_a_sentence(section, name):
    for code in re.split(r" \| |\n", ODD.strip()):
        hint = hint_of(section, name, LABS[section].exercises[name].filled(f"    return {code}"))
        assert len(hint) < 1_100, code


@pytest.mark.parametrize(("section", "name"), EXERCISES)
def test_a_check_copied_from_the_page_runs_below_the_function(section, name):
    lab, namespace = LABS[section], {"__name__": "__main__"}
    # The lesson of gpu has imported time, which is part of the stub.
    code = f"import time\n\n{lab.exercises[name].solution}\n\n\n{lab.check_to_copy(name)}"
    exec(compile(code, "copied", "exec"), namespace)


@pytest.mark.parametrize("section", LABS)
def test_a_lab_leads_to_its_lesson_beside_each_exercise(section):
    notebook = LABS[section].notebook()
    prose = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose += cell.source
            continue
        if any(cell.source == each.stub for each in LABS[section].exercises.values()):
            links = re.findall(r"\]\(\.\./(\w+)\.html#([\w-]+)\)", prose)
            assert links, prose
            for page, anchor in links:
                html = (PROJECT.site / f"{page}.html").read_text("utf-8")
                assert f'id="{anchor}"' in html or f"id={anchor}" in html, anchor
            prose = ""


def test_links_of_a_lab_lead_to_the_published_site(monkeypatch):
    monkeypatch.setenv("SITE_URL", "https://lessons.example/")
    text = labs.text_of(LABS["tensors"].notebook())
    assert "(https://lessons.example/tensors.html#broadcasting)" in text
    assert r"ERRORS = \"https://lessons.example/errors.html\"" in text


@pytest.mark.parametrize("path", [*(f"labs/{name}.ipynb" for name in LABS), "session.ipynb"])
def test_notebooks_fold_what_only_has_to_be_run(path):
    notebook = nbformat.reads((PROJECT.site / path).read_text("utf-8"), as_version=4)
    folded = [cell.source for cell in notebook.cells if cell.metadata.get("cellView") == "form"]
    hidden = [cell.source for cell in notebook.cells if "jupyter" in cell.metadata]
    checks = [
        each.check for each in labs.Lab(PROJECT, os.path.basename(path)[:-6]).exercises.values()
    ]
    assert hidden == folded
    assert folded[0].startswith('"""How a check tries your code')
    assert folded[1:] == [check.strip() for check in checks]


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
    return export.notebook(BuildContext(PROJECT), PROJECT.root / "docs" / f"{section}.md")


@pytest.mark.parametrize("section", PROJECT.sections)
def test_the_notebook_of_a_lesson_has_the_code_of_its_exported_page(section):
    page = PROJECT.root / "docs" / f"{section}.md"
    flat = export.flat(BuildContext(PROJECT), page, outputs=False, solved=False)
    found = list(export.FENCED.finditer(flat))
    fences = [code["text"].rstrip() for code in found if code["info"].startswith("python")]
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


@pytest.mark.parametrize("section", LABS)
def test_a_lab_has_the_cells_that_jupytext_reads(section):
    lab = LABS[section]
    reference = jupytext.read(lab.path, fmt="py:percent").cells
    names = [cell.metadata.get("title", "") for cell in reference]
    ours = [cell for cell in lab.cells if cell.name != "checking"]
    assert [(cell.cell_type, cell.name) for cell in ours] == [
        (cell.cell_type, name) for cell, name in zip(reference, names, strict=True)
    ]
    assert [cell.source for cell in ours if cell.name != "imports"] == [
        cell.source for cell, name in zip(reference, names, strict=True) if name != "imports"
    ]


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
    assert "one is &lt; two" in index  # a message is pasted whole into the search


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
    checks = [exercise.check.strip() for exercise in lab.exercises.values()]
    assert folded[0].startswith('"""How a check tries your code')
    assert folded[1:] == checks
    assert notebook_page.select_one(f'a[download][href="../{name}.ipynb"]')


def test_the_page_of_a_notebook_looks_like_the_others_and_asks_nobody_else(notebook_page):
    assert notebook_page.select(".katex") and "$$" not in notebook_page.get_text()
    assert not notebook_page.select("script, style, [class*=jp-]")
    index = json.loads((PROJECT.site / "search" / "search_index.json").read_text("utf-8"))
    assert not [doc for doc in index["docs"] if doc["location"].startswith("notebook/")]


def test_amounts_of_money_in_a_notebook_are_no_formulas():
    html = '<div class="jp-MarkdownOutput"><p>It costs US$5 and US$6.</p></div>'
    assert "US$5 and US$6" in notebook_page_module.rendered(html, LABS["tensors"], "tensors")


@pytest.mark.parametrize("html", ["<p>Cost $5 &lt; <code>$x$</code> and $a_1 &lt; b$, then</p>"])
def test_formulas_of_a_notebook_are_rendered_and_code_is_not(html):
    page = notebook_page_module.rendered(
        f'<div class="jp-MarkdownOutput">{html}</div>', LABS["tensors"], "tensors"
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


def test_a_bench_that_there_is_not_is_told_with_those_that_there_are(light):
    (light.root / "docs" / "page.md").write_text("# Page\n\n```bench\nconv\n```\n")
    (problem,) = check_pages(light.project)
    assert problem.startswith("docs/page.md:4: a bench fence holds 'conv'; there are backward, ")


def test_a_bench_that_reads_no_file_is_told(light):
    light.script("lesson", "# %% one\nprint(1)\n")
    page = light.root / "docs" / "page.md"
    page.write_text("# Page\n\n```bench\npicture lesson.py::one\n```\n")
    assert check_pages(light.project) == [
        "docs/page.md:4: picture lesson.py::one: the bench reads the file of a cell with file="
    ]
