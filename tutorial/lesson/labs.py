"""Exercises: each blank stands once, between nbgrader's two marks.

From there come the stub that readers fill in, the solution folded into the page, the check that
says what is wrong, and the fill-in notebook. A lesson's blanks are in snippets/labs/SECTION.py. A
section that is worked through as a whole has them in its own script, and runs with the solutions.
All checks call `run_check`, whose code in snippets/labs/checking.py each notebook holds above them.

A cell of text directly above a blank says what each argument is and what is returned; the docstring
is one line. The check, in a cell `check-NAME`, raises AssertionError with one sentence. It is
called by `run_check(check_it, it, errors={...})`, which ends within seconds whatever is filled in,
and refuses a function that returns nothing, changes what it was given (but for `changes=`), uses
`.data` or never ends. `errors` says what an error of PyTorch means in this exercise, by a part of
its message. Where a loop or a function is forbidden, the check asks `words_in(it)`.

No wrong answer can be right by chance if all sizes differ, fractions are such as 3 of 7, and an
argument has more than one value. tests/wrong_answers/SECTION.py holds at least three typical wrong
answers, each with a piece of the hint that is meant for it; kinds.py there has those that nobody
foresaw, right.py right ones in an unusual form.
"""

import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

import nbformat

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.project import Project

BLANK = re.compile(
    r"^(?P<indent>[ ]*)### BEGIN SOLUTION\n(?P<body>.*?)^[ ]*### END SOLUTION\n?",
    re.MULTILINE | re.DOTALL,
)
CELL = re.compile(
    r"^# %%(?P<prose> \[markdown\])? ?(?P<name>[\w-]*).*\n(?P<source>(?:(?!# %%).*\n)*)",
    re.MULTILINE,
)
YOURS = "...  # your code here\n"
CHECKING = Path(__file__).parents[2] / "snippets" / "labs" / "checking.py"
IMPORT = re.compile(r"^from checking import .*\n?", re.MULTILINE)
PAGE_LINK = re.compile(r"\]\((?P<page>[\w/-]+)\.(?:md|ipynb)(?P<anchor>#[\w-]*)?\)")
GITHUB = re.compile(r"https://github\.com/(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/*")


@dataclass(frozen=True)
class LabCell:
    """A cell of prose or code; of prose `source` is the Markdown."""

    cell_type: str  # markdown or code, as in a notebook
    name: str
    source: str


@dataclass(frozen=True)
class Exercise:
    """A cell with a blank, and the cell below it that checks what is filled in.

    task: what the arguments are and what is returned, in Markdown; stands directly above the blank.
    """

    name: str
    source: str
    check: str
    task: str = ""

    @property
    def stub(self) -> str:
        return BLANK.sub(lambda blank: blank["indent"] + YOURS, self.source + "\n").rstrip()

    @property
    def solution(self) -> str:
        return BLANK.sub(lambda blank: blank["body"], self.source + "\n").rstrip()

    def filled(self, body: str) -> str:
        """With somebody's own lines, indented as in the script, in the blank."""
        return BLANK.sub(lambda _: body.rstrip("\n") + "\n", self.source + "\n").rstrip()


@dataclass(frozen=True)
class Lab:
    """The script with a section's blanks. TutorialError where a blank or its check is missing."""

    project: Project
    section: str

    @property
    def path(self) -> Path:
        snippets = self.project.root / "snippets"
        return (snippets if self.is_lesson else snippets / "labs") / f"{self.section}.py"

    @cached_property
    def is_lesson(self) -> bool:
        """Whether the blanks stand in the script of the section itself."""
        section = self.project.sections.get(self.section)
        return section is not None and any(cell.has_blank for cell in section.cells)

    @cached_property
    def cells(self) -> list[LabCell]:
        """Those of the script, with the code of checking.py in place of its import."""
        cells = []
        for cell in _read(self.path):
            source = IMPORT.sub("", cell.source)
            if source != cell.source:
                cells.append(LabCell("code", "checking", run_check()))
                cell = replace(cell, source=source.strip())
            cells.append(cell)
        return cells

    @cached_property
    def folded(self) -> dict[str, str]:
        """The code that a notebook folds, each with a title: it is run and need not be read."""
        checks = {each.check.strip(): "Check your answer" for each in self.exercises.values()}
        code = [cell.source.strip() for cell in self.cells if cell.name == "checking"]
        return dict.fromkeys(code, "The code of run_check") | checks

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        where, found = self.project.relative(self.path), {}
        code = [cell for cell in self.cells if cell.cell_type == "code"]
        texts = {cell.name: above for above, cell in pairwise(self.cells)}
        for cell, below in zip(code, [*code[1:], None], strict=True):
            if not BLANK.search(cell.source + "\n"):
                if "SOLUTION" in cell.source:
                    raise TutorialError(
                        f"{where}: {cell.name}: a blank lies between the lines"
                        " '### BEGIN SOLUTION' and '### END SOLUTION'"
                    )
                continue
            name = cell.name
            if below is None or below.name != f"check-{name}":
                raise TutorialError(
                    f"{where}: no cell check-{name} below the blank in {name}; every blank has one"
                )
            above = texts.get(name)
            is_task = above and above.cell_type == "markdown" and not above.source.startswith("#")
            task = above.source if is_task else ""
            found[name] = Exercise(name, cell.source, below.source, task)
        return found

    def preamble(self) -> str:
        """The code above the last exercise that belongs to none: imports and helpers.

        What stands below it may use what the reader filled in.
        """
        own = {*self.exercises, *(f"check-{name}" for name in self.exercises)}
        code = [cell for cell in self.cells if cell.cell_type == "code"]
        end = max(number for number, cell in enumerate(code) if cell.name in own)
        return "\n\n".join(cell.source for cell in code[:end] if cell.name not in own)

    def check_to_copy(self, name: str) -> str:
        """A check with all that it needs, to be run below the function."""
        return published(f"{self.preamble()}\n\n\n{self.exercises[name].check}\n")

    def notebook(self, solved: bool = False) -> nbformat.NotebookNode:
        """The lab with its blanks, or with the solutions in them."""
        cells = []
        for cell in self.cells:
            exercise = self.exercises.get(cell.name)
            source = cell.source
            if exercise:
                source = exercise.solution if solved else exercise.stub
            if cell.cell_type == "markdown":
                source = link_pages(source, "../{}.html{}".format)
            cells.append((cell.cell_type, source))
        return make_notebook(cells, self.folded)


def _read(path: Path) -> list[LabCell]:
    cells = []
    for cell in CELL.finditer(files.read(path).rstrip("\n") + "\n"):
        kind, source = "code", cell["source"].strip("\n")
        if cell["prose"]:
            kind, source = "markdown", re.sub("^# ?", "", source, flags=re.MULTILINE)
        cells.append(LabCell(kind, cell["name"], source))
    return cells


def labs(project: Project) -> list[Lab]:
    scripts = files.visible(project.root / "snippets" / "labs", "*.py")
    return [Lab(project, path.stem) for path in scripts if path.name != CHECKING.name]


def link_pages(text: str, local: Callable[[str, str], str]) -> str:
    """Markdown whose links between pages lead to the published site, if its address is known.

    local: where they lead otherwise, from a page's name and an anchor, `#place` or empty.
    """
    site = os.environ.get("SITE_URL", "").rstrip("/")
    address = f"{site}/{{}}.html{{}}".format if site else local
    return PAGE_LINK.sub(lambda link: f"]({address(link['page'], link['anchor'] or '')})", text)


@cache
def run_check() -> str:
    """The code that every check calls."""
    return CHECKING.read_text(encoding="utf-8").rstrip()


def published(code: str) -> str:
    """Code in which run_check knows the address of the page of errors, if there is one."""
    if site := os.environ.get("SITE_URL", "").rstrip("/"):
        return code.replace('ERRORS = "errors.html"', f'ERRORS = "{site}/errors.html"')
    return code


def make_notebook(
    cells: list[tuple[str, str]], folded: Collection[str] = ()
) -> nbformat.NotebookNode:
    """A notebook without outputs from (cell type, source), the same bytes each time.

    folded: code of which Jupyter and Colab show one line until the reader opens it.
    """
    notebook = nbformat.v4.new_notebook()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.kernelspec = kernel
    for number, (kind, source) in enumerate(cells, 1):
        make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        cell = make(published(source), id=f"cell-{number}")
        if source.strip() in folded:
            cell.metadata.update(jupyter={"source_hidden": True}, cellView="form")
        notebook.cells.append(cell)
    return notebook


def colab(path: str) -> str:
    """Where a published notebook opens in Colab; empty unless REPO_URL is on GitHub.

    path: in the site. The workflow puts the site's notebooks on the branch `notebooks`.
    """
    repository = GITHUB.fullmatch(os.environ.get("REPO_URL", ""))
    if not repository:
        return ""
    return f"https://colab.research.google.com/github/{repository['name']}/blob/notebooks/{path}"


def text_of(notebook: nbformat.NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"


def save(path: Path, text: str) -> None:
    """A file that has this text already stays as it is, and so does a page made from it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
