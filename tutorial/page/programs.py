"""What of a section can be downloaded as a program: its script, and each cell with all it needs."""

from pathlib import Path

from tutorial.lesson import files, labs, needs
from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.project import Project


def address(section: str, name: str) -> str:
    """Where the site has the program of a cell or a check, relative to the lessons."""
    return f"programs/{section}/{name}.py"


def exists(section: Section, cell: Cell) -> bool:
    """Whether a cell needs more than itself: only then a program says more than the cell."""
    return len(needs.pieces(section, cell.name, _device(cell))) > 2  # a docstring and itself


def script(section: Section) -> str:
    """The script of a section as the site offers it: it runs to its end, see needs.guarded()."""
    lines = files.lines(files.read(section.path))
    parts = ["\n".join(lines[: section.cells[0].line - 1]).strip()]
    parts += [f"{lines[cell.line - 1]}\n{needs.guarded(cell)}" for cell in section.cells]
    return "\n\n".join(filter(None, parts)) + "\n"


def write(project: Project, site: Path) -> None:
    """Put all scripts, and the programs of cells and checks, where the pages link to them."""
    texts = {}
    for section in project.sections.values():
        texts[f"{section.name}.py"] = script(section)
        for cell in section.cells:
            if exists(section, cell):
                program = needs.program(section, cell.name, _device(cell))
                texts[address(section.name, cell.name)] = program
    for lab in labs.labs(project):
        for name in lab.exercises:
            texts[address(lab.section, f"check-{name}")] = lab.check_to_copy(name)
    for name, text in texts.items():
        target = site / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())  # with the ends of line that cells hold


def _device(cell: Cell) -> str:
    return cell.options.get("device", "cpu")
