"""A lesson in other forms: one flat Markdown file, and a notebook without outputs."""

import re
from pathlib import Path

import nbformat

from tutorial.lesson import files, labs, needs
from tutorial.lesson.project import OUR_FENCE
from tutorial.page import fences, numbers
from tutorial.page.context import BuildContext, agree
from tutorial.page.numbers import Numbers

BOX = re.compile(r'^(?:!!!|\?\?\?\+?|===)\s+(?P<kind>[\w -]*?)\s*(?:"(?P<title>[^"]*)")?\s*$')
# Attributes of a link or a paragraph: the theme's affair.
ATTRIBUTES = re.compile(r"\s*\{:? ?[.#][\w .#=\"-]*\}")
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)
FENCED = re.compile(
    r"^(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=fence)\n", re.MULTILINE | re.DOTALL
)
INCLUDE = re.compile(r'^--8<-- "(?P<file>[^"]+)"$', re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
OWN_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\(#[\w-]+\)")


def flat(context: BuildContext, page: Path, outputs: bool = True, solved: bool = True) -> str:
    """A page as plain Markdown: code and real output in place of cells, nothing indented.

    A code fence's info line says what it is meant to do: `python raises:ValueError`.
    Without `outputs` the code alone stands there, guarded so that it runs to its end. The blanks of
    exercises are left to the reader, but `solved` in a section whose own cells have them, or the
    cells below could not be run.
    """
    project = context.project
    text = FRONT_MATTER.sub("", "\n".join(project.pages[page]))
    text = INCLUDE.sub(lambda include: included(include["file"], project.root), text)
    text = numbers.filled(text, Numbers(context, context.data_beside(page.stem)))
    return "\n".join(_flat_lines(context, files.lines(text), outputs, solved)) + "\n"


def included(file: str, root: Path) -> str:
    """The text of a file that pages include, without its comments."""
    return COMMENT.sub("", files.read(root / file)).strip()


def _flat_lines(context: BuildContext, lines: list[str], outputs: bool, solved: bool) -> list[str]:
    result, at = [], 0
    while at < len(lines):
        line = lines[at]
        box = BOX.match(line)
        if box:
            end = at + 1
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith("    ")):
                end += 1
            result.append(f"**{box['title'] or box['kind'].capitalize()}**")
            inside = [inner[4:] for inner in lines[at + 1 : end]]
            result += _flat_lines(context, inside, outputs, solved)
            at = end
        elif fence := OUR_FENCE.match(line):
            named = lines[at + 1].strip()
            if fence["kind"] == "cell":
                result += _flat_cell(context, named, outputs)
            elif fence["kind"] == "exercise":
                result += _flat_exercise(context, named, solved)
            at += 3
        else:
            result.append(ATTRIBUTES.sub("", line))
            at += 1
    return result


def _flat_cell(context: BuildContext, name: str, outputs: bool) -> list[str]:
    section, cell = context.find_cell(name)
    if not outputs:
        return files.lines(_fence("python", needs.guarded(cell)))
    does = [
        f"{verb}:{cell.options[key]}"
        for key, verb in (("error", "raises"), ("warns", "warns"))
        if key in cell.options
    ]
    if "device" in cell.options or needs.lacks(section, cell.name):
        does.append("notest")
    parts = [_fence(" ".join(["python", *does]), cell.source.strip("\n"))]
    runs = context.runs_of(section, cell)
    for run in runs[:1] if agree(runs) else runs:
        if run.text:
            data = f", {run.data}" if run.data else ""
            parts += [f"Output ({run.label}{data}):", _fence("text", run.text)]
    if "alt" in cell.options:
        parts.append(f"*Figure: {cell.options['alt']}*")
    if any(run.sounds for run in runs):
        parts.append(f"*Sound, {cell.options['sound']}: {cell.options['heard']}*")
    return files.lines("\n\n".join(parts))


def _flat_exercise(context: BuildContext, name: str, solved: bool) -> list[str]:
    lab, exercise = fences.find_exercise(context.project, name)
    codes = [exercise.stub]
    if lab.is_lesson:
        codes = [exercise.solution if solved else exercise.stub, exercise.check]
    task = [exercise.task] if exercise.task else []
    return files.lines("\n\n".join([*task, *(_fence("python", code) for code in codes)]))


def _fence(info: str, text: str) -> str:
    """A fence longer than any in its text."""
    marks = max(["``", *re.findall("`{3,}", text)], key=len) + "`"
    return f"{marks}{info}\n{text}\n{marks}"


def notebook(context: BuildContext, page: Path, solved: bool = False) -> nbformat.NotebookNode:
    """The lesson as a notebook: prose and code, to be run by the reader. solved: as in flat()."""
    text, sections = flat(context, page, outputs=False, solved=solved), context.project.sections
    cells, at = [], 0

    def add_prose(end: int | None = None) -> None:
        prose = OWN_LINK.sub(r"\g<text>", text[at:end])  # programs make other anchors of a heading
        prose = labs.link_pages(
            prose, lambda other, _: f"{other}.{'ipynb' if other in sections else 'html'}"
        )
        cells.append(("markdown", prose.strip()))

    for code in FENCED.finditer(text):
        if code["info"].startswith("python"):
            add_prose(code.start())
            cells.append(("code", code["text"].rstrip()))
            at = code.end()
    add_prose()
    lab = labs.Lab(context.project, page.stem)
    folded = lab.folded if lab.is_lesson else ()
    return labs.make_notebook([cell for cell in cells if cell[1]], folded)
