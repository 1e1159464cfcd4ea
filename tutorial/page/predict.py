"""The questions below a cell. What does it print? Each option is what a run printed. Why? Each
answer has a cell that proves it or speaks against it.
"""

import textwrap
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from tutorial.lesson.cells import Cell, Section, digest
from tutorial.lesson.project import Project
from tutorial.page.context import BuildContext, PageError
from tutorial.record import records


@dataclass(frozen=True)
class Option:
    """`printed` by the variant `name`, of which the lines `code` are not those of the cell.

    The output of the cell itself has no `code`.
    """

    name: str
    printed: str
    code: str = ""
    is_left_out: bool = False  # the lines are those of the cell that the variant does without


def options(context: BuildContext, section: Section, cell: Cell) -> list[Option]:
    """What the reader chooses from, in an order that tells nothing; empty without variants.

    PageError names the line of a variant that has no current run, or prints what another does.
    """
    programs = context.project.variants.get((section.name, cell.name), [])
    if not programs:
        return []
    runs = context.runs_of(section, cell)
    right = next((run for run in runs if run.device == "cpu"), runs[0])
    if right.facts.get("Preview"):
        return []  # not run from the top
    project = replace(context.project, device="cpu", folder=Project.folder)
    found = {right.text: Option(cell.name, right.text)}
    for program in programs:
        variant = program.cells[-1]
        record = records.read(project, "cpu", program.name, variant.name)
        if record is None or record.key != program.keys("cpu")[variant.name] or record.failure:
            if context.project.folder != project.folder:
                return []  # the preview waits for no variant
            raise PageError(
                f"{variant.where}: the variant {variant.name} has no run of its present code, so"
                " what it prints is not known; 'make site' runs it"
            )
        if not record.text or not right.text:
            silent = variant.name if right.text else cell.name
            raise PageError(
                f"{variant.where}: {silent} prints nothing, which nobody can choose; print"
                " something or ask below another cell"
            )
        if record.text in found:
            raise PageError(
                f"{variant.where}: the variant {variant.name} prints the same as"
                f" {found[record.text].name}; a question needs options that differ"
            )
        code = lines_without(variant.source, cell.source)
        is_left_out = not code
        code = code or lines_without(cell.source, variant.source)
        found[record.text] = Option(variant.name, record.text, code, is_left_out)
    return sorted(found.values(), key=lambda option: digest(cell.id, option.name))


@dataclass(frozen=True)
class Reason:
    """An answer to a question why, and the cell that proves it or speaks against it."""

    name: str
    sentence: str
    cell: Cell
    is_right: bool


def reasons(context: BuildContext, section: str, cell: str) -> tuple[str, list[Reason]] | None:
    """The question why below a cell, and its answers in an order that tells nothing.

    PageError names the line of a question that names a cell which is not there.
    """
    question = context.project.questions.get((section, cell))
    if not question:
        return None
    answers = []
    for place, (name, sentence) in enumerate(question.answers):
        try:
            text = name if "::" in name else f"{section}.py::{name}"
            proof = context.find_cell(text)[1]
        except PageError as error:
            raise PageError(f"{question.where}: {error}") from None
        answers.append(Reason(digest(sentence)[:8], sentence, proof, is_right=place == 0))
    return question.asks, sorted(answers, key=lambda answer: answer.name)


def lines_without(source: str, other: str) -> str:
    """The lines of code that `source` has beside those of `other`, without indentation in common.

    A line that both have, but `source` more often, counts as often as it stands there in addition.
    """
    lines, known = source.split("\n"), other.split("\n")
    changes = SequenceMatcher(None, known, lines, autojunk=False).get_opcodes()
    own = [
        line for kind, _, _, start, end in changes if kind != "equal" for line in lines[start:end]
    ]
    return textwrap.dedent("\n".join(own)).strip("\n")
