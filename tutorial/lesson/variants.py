"""Variants of cells: what a student may take a cell for, in snippets/predict/SECTION.py.

Each runs as a program, the cells that it needs and then itself, in a process of its own: as a
section does, so that it has a record. Its output is an option of the question below the cell.
"""

from dataclasses import replace

from tutorial import TutorialError
from tutorial.lesson import files, needs
from tutorial.lesson.cells import DEFAULT_TIMEOUT, Cell, Section, read_section
from tutorial.lesson.project import Project

FOLDER = "predict"
LIMIT = 10.0  # seconds; those of lessons take milliseconds, but a machine may have much else to do


def variants(project: Project) -> dict[tuple[str, str], list[Section]]:
    """The variants of each cell that has any, by section and cell.

    A variant is the last cell of a Section that holds what it needs. TutorialError names file and
    line of one that varies no cell or cannot run within seconds.
    """
    asked: dict[tuple[str, str], list[Section]] = {}
    for path in files.visible(project.root / "snippets" / FOLDER, "*.py"):
        if path.stem not in project.sections:
            lacks = f"there is no snippets/{path.name} whose cells it could vary"
            raise TutorialError(f"{project.relative(path)}:1: {lacks}")
        section = project.sections[path.stem]
        for variant in read_section(path, project.root).cells:
            name = variant.options.get("instead", "")
            program = _program(section, name, variant)
            asked.setdefault((section.name, name), []).append(program)
    return asked


def _program(section: Section, name: str, variant: Cell) -> Section:
    """The cells that the variant needs in the place of the cell `name`, and the variant."""
    at = next((at for at, cell in enumerate(section.cells) if cell.name == name), None)
    if at is None:
        known = ", ".join(cell.name for cell in section.cells)
        raise TutorialError(
            f'{variant.where}: write instead="CELL" with a cell of snippets/{section.name}.py'
            f" that the variant stands for; there are {known}"
        )
    variant = replace(variant, options={"timeout": LIMIT} | variant.options)
    cells = (*section.cells[:at], variant)
    needed = needs.needed(replace(section, cells=cells), variant.name)
    for cell in needed:
        if cell.downloads or (cell is not variant and cell.timeout > DEFAULT_TIMEOUT):
            what = "reads a data set or weights" if cell.downloads else "takes minutes"
            raise TutorialError(
                f"{variant.where}: needs the cell {cell.name}, which {what}; ask about a cell that"
                " runs in a moment"
            )
    path = section.path.parent / FOLDER / section.path.name
    place = f"{section.name}.{variant.name}"
    return replace(section, name=place, path=path, cells=tuple(needed))
