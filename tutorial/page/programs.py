"""Each cell as a program of its own, with those above it that it needs: files of the site."""

from pathlib import Path

from tutorial.lesson import needs
from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.project import Project


def address(section: Section, cell: Cell) -> str:
    """Where the site has the program of a cell, relative to the lessons."""
    return f"programs/{section.name}/{cell.name}.py"


def exists(section: Section, cell: Cell) -> bool:
    """Whether a cell needs more than itself: only then a program says more than the cell."""
    return len(needs.pieces(section, cell.name, _device(cell))) > 2  # a docstring and itself


def write(project: Project, site: Path) -> None:
    """Put the programs of all sections where the pages link to them."""
    for section in project.sections.values():
        for cell in section.cells:
            if exists(section, cell):
                target = site / address(section, cell)
                target.parent.mkdir(parents=True, exist_ok=True)
                text = needs.program(section, cell.name, _device(cell))
                target.write_text(text, encoding="utf-8")


def _device(cell: Cell) -> str:
    return cell.options.get("device", "cpu")
