"""Variants of cells: what a student may take a cell for, in snippets/predict/SECTION.py.

A variant replaces a cell, and prints what a student may expect of it:

    # %% slice-copied instead="view-or-copy"
    original = torch.arange(5)
    part = original[1:3].clone()

It runs as a program, the cells that it needs and then itself, on the CPU, without any data set, in
a process of its own: as a section does, so that it has a record. Its output is an option of the
question below the cell, *What does it print?*, and whoever chooses it sees the lines in which it
differs: change few. Choose a cell that prints few lines, the same on every machine; neither a
comment in it nor the sentence above it should give the answer away. One question for eight cells is
enough.

A question why something is so is a comment. The right answer comes first, and each begins with the
cell that proves it or speaks against it, to which the page then links:

    # %% why-none-before below="bias-gradient"
    # Why is there no gradient before `backward()`?
    # bias-gradient: The forward pass only records what it computes.
    # mse: The parameters do not require gradients until somebody says so.

Notebooks, Markdown copies and paper leave the questions out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files, needs
from tutorial.lesson.cells import DEFAULT_TIMEOUT, Cell, Section, read_section

FOLDER = "predict"
ANSWER = re.compile(r"(?P<cell>[\w-]+(?:\.py::[\w-]+)?): (?P<sentence>.+)")
FORM = """\
a question is a comment: '# Why ...?' in its first line, then a line for each answer, first the
right one, with the cell that proves it or speaks against it: '# in-place: += writes ...'\
""".replace("\n", " ")


@dataclass(frozen=True)
class Question:
    """Why something is so; its answers, the right one first, are pairs of a cell and a sentence.

    The cell, `in-place` or `tensors.py::in-place`, proves the sentence or speaks against it.
    """

    where: str
    asks: str
    answers: tuple[tuple[str, str], ...]


def questions(
    root: Path, sections: dict[str, Section], varied: dict[tuple[str, str], list[Section]]
) -> dict[tuple[str, str], Question]:
    """By section and cell: the question why, below that cell. TutorialError names a wrong line.

    varied: what variants() has found, since a cell has one question alone.
    """
    asked: dict[tuple[str, str], Question] = {}
    taken = {place: programs[0].cells[-1].where for place, programs in varied.items()}
    for section, cell in _cells(root, sections):
        if "below" in cell.options:
            place = section.name, _place(section, cell, "below").name
            if place in taken:
                raise TutorialError(
                    f"{cell.where}: below {place[1]} stands another question, that of"
                    f" {taken[place]}; ask below another cell"
                )
            asked[place], taken[place] = _question(cell), cell.where
    return asked


def _question(cell: Cell) -> Question:
    text = re.sub(r"\n#  +", " ", cell.source.strip())  # a line that begins further right goes on
    asks, *lines = [line.removeprefix("# ") for line in text.split("\n")]
    answers = [ANSWER.fullmatch(line) for line in lines]
    if not all(answers) or not 2 <= len(answers) <= 4 or not asks.endswith("?"):
        raise TutorialError(f"{cell.where}: {FORM}")
    return Question(cell.where, asks, tuple((each["cell"], each["sentence"]) for each in answers))


def variants(root: Path, sections: dict[str, Section]) -> dict[tuple[str, str], list[Section]]:
    """The variants of each cell that has any, by section and cell.

    A variant is the last cell of a Section that holds what it needs. TutorialError names file and
    line of one that varies no cell, or needs a cell that takes minutes.
    """
    asked: dict[tuple[str, str], list[Section]] = {}
    for section, cell in _cells(root, sections):
        if "below" not in cell.options:
            varied = _place(section, cell, "instead")
            program = _program(section, varied, cell)
            asked.setdefault((section.name, varied.name), []).append(program)
    return asked


def _cells(root: Path, sections: dict[str, Section]) -> Iterator[tuple[Section, Cell]]:
    """What stands in the files of variants, with the section that it is about."""
    for path in files.visible(root / "snippets" / FOLDER, "*.py"):
        if path.stem not in sections:
            lacks = f"there is no snippets/{path.name} whose cells it could vary"
            raise TutorialError(f"{path.relative_to(root).as_posix()}:1: {lacks}")
        for cell in read_section(path, root).cells:
            yield sections[path.stem], cell


def _place(section: Section, cell: Cell, option: str) -> Cell:
    """The cell of the section that an option of a variant or a question names."""
    name = cell.options.get(option)
    cells = {other.name: other for other in section.cells}
    if name not in cells:
        raise TutorialError(
            f'{cell.where}: write {option}="CELL" with a cell of snippets/{section.name}.py'
            f" that this stands for or below; there are {', '.join(cells)}"
        )
    return cells[name]


def _program(section: Section, varied: Cell, variant: Cell) -> Section:
    """The cells that the variant needs in the place of the cell `varied`, and the variant."""
    if variant.name in {cell.name for cell in section.cells}:
        taken = f"snippets/{section.name}.py has a cell {variant.name}, too"
        raise TutorialError(f"{variant.where}: {taken}; give the variant another name")
    marks = {key: varied.options[key] for key in ("needs",) if key in varied.options}
    variant = replace(variant, options=marks | variant.options)
    cells = (*section.cells[: section.cells.index(varied)], variant)
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
