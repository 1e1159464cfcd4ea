"""What of a section can be downloaded as a program: its script, and each cell with all it needs."""

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


def script(section: Section) -> str:
    """The script of a section as the site offers it: it runs to its end, see needs.guarded()."""
    lines = section.path.read_text(encoding="utf-8").splitlines()
    parts = ["\n".join(lines[: section.cells[0].line - 1]).strip()]
    parts += [f"{lines[cell.line - 1]}\n{needs.guarded(cell)}" for cell in section.cells]
    return "\n\n".join(filter(None, parts)) + "\n"


def write(project: Project, site: Path) -> None:
    """Put all scripts, and the programs of their cells, where the pages link to them."""
    for section in project.sections.values():
        (site / f"{section.name}.py").write_text(script(section), encoding="utf-8")
        for cell in section.cells:
            if exists(section, cell):
                target = site / address(section, cell)
                target.parent.mkdir(parents=True, exist_ok=True)
                text = needs.program(section, cell.name, _device(cell))
                target.write_text(text, encoding="utf-8")


def _device(cell: Cell) -> str:
    return cell.options.get("device", "cpu")
