"""Exercises: each blank stands once, between nbgrader's two marks.

From there come the stub that readers fill in, the solution folded into the page, the check that
says what is wrong, and the fill-in notebook. A lesson's blanks are in snippets/labs/SECTION.py. A
section that is worked through as a whole has them in its own script, and runs with the solutions.
"""

import os
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import jupytext
import nbformat

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.cells import digest
from tutorial.lesson.project import Project

BLANK = re.compile(
    r"^(?P<indent>[ ]*)### BEGIN SOLUTION\n(?P<body>.*?)^[ ]*### END SOLUTION\n?",
    re.MULTILINE | re.DOTALL,
)
YOURS = "...  # your code here\n"
GITHUB = re.compile(r"https://github\.com/(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/*")


@dataclass(frozen=True)
class Exercise:
    """A cell with a blank, and the cell below it that checks what is filled in."""

    name: str
    source: str
    check: str

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
    def cells(self) -> list[nbformat.NotebookNode]:
        return _read(self.path, self.path.stat().st_mtime_ns)

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        where, found = self.project.relative(self.path), {}
        code = [cell for cell in self.cells if cell.cell_type == "code"]
        for cell, below in zip(code, [*code[1:], None], strict=True):
            if not BLANK.search(cell.source + "\n"):
                if "SOLUTION" in cell.source:
                    raise TutorialError(
                        f"{where}: {name_of(cell)}: a blank lies between the lines"
                        " '### BEGIN SOLUTION' and '### END SOLUTION'"
                    )
                continue
            name = name_of(cell)
            if below is None or name_of(below) != f"check-{name}":
                raise TutorialError(
                    f"{where}: no cell check-{name} below the blank in {name}; every blank has one"
                )
            found[name] = Exercise(name, cell.source, below.source)
        return found

    def notebook(self, solved: bool = False) -> nbformat.NotebookNode:
        """The lab with its blanks, or with the solutions in them."""
        cells = []
        for cell in self.cells:
            exercise = self.exercises.get(name_of(cell))
            source = cell.source
            if exercise:
                source = exercise.solution if solved else exercise.stub
            cells.append((cell.cell_type, source))
        return make_notebook(cells)


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> list[nbformat.NotebookNode]:
    """The cells of a script as it is since `changed`: a page asks for them at each exercise."""
    text = files.read(path)
    for number, line in enumerate(files.lines(text), 1):
        if len(line.splitlines()) > 1:
            raise TutorialError(
                f"{files.named(path)}:{number}: Jupytext takes a character in this line, such as a"
                " form feed or U+2028, for the line's end; write '\\f' or '\\u2028' in its place"
            )
    return jupytext.reads(text, fmt="py:percent").cells


def name_of(cell: nbformat.NotebookNode) -> str:
    return cell.metadata.get("title", "")


def labs(project: Project) -> list[Lab]:
    scripts = files.visible(project.root / "snippets" / "labs", "*.py")
    return [Lab(project, path.stem) for path in scripts]


def make_notebook(cells: list[tuple[str, str]]) -> nbformat.NotebookNode:
    """A notebook without outputs from (cell type, source), the same bytes each time."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    for (kind, source), name in zip(cells, _ids(cells), strict=True):
        make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.append(make(source, id=name))
    return notebook


def _ids(cells: list[tuple[str, str]]) -> list[str]:
    """Of code by its text, of prose by the code below it: an edit changes few of them."""
    ids: list[str] = []
    below = "end"
    for kind, source in reversed(cells):
        if kind == "code":
            below = digest(source)[:8]
        name = below if kind == "code" else f"above-{below}"
        again = sum(each.partition("_")[0] == name for each in ids)
        ids.append(f"{name}_{again}" if again else name)
    return ids[::-1]


def colab(path: str) -> str:
    """A link that opens a published notebook in Colab; empty unless REPO_URL is on GitHub.

    path: in the site. The workflow puts the site's notebooks on the branch `notebooks`.
    """
    repository = GITHUB.fullmatch(os.environ.get("REPO_URL", ""))
    if not repository:
        return ""
    address = f"https://colab.research.google.com/github/{repository['name']}/blob/notebooks/{path}"
    return f'<a href="{address}">Open in Colab</a>'


def text_of(notebook: nbformat.NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"


def save(path: Path, text: str) -> None:
    """A file that has this text already stays as it is, and so does a page made from it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
