"""What does not fit between pages, scripts and labs: told before anything is built."""

import re
from itertools import pairwise

from mkdocs.utils.meta import get_data

from tutorial import TutorialError
from tutorial.lesson import files, labs
from tutorial.lesson.project import SHOWN_CELL, WRITTEN, Project
from tutorial.page import benches, fences, numbers, predict
from tutorial.page.context import BuildContext
from tutorial.page.numbers import Numbers
from tutorial.site import export

CONFLICT = re.compile(rb"^(?:<{7}|\|{7}|>{7}) ", re.MULTILINE)
# What MkDocs and Material take from the front matter of a page: without a message if it is wrong.
FACTS = dict.fromkeys(("title", "description", "template", "icon", "status", "subtitle"), str)
FACTS |= {"hide": list, "tags": list, "search": dict}
KINDS = {str: "text", list: "a list", dict: "a mapping"}
FENCE = re.compile(r"(?P<indent>[ >]*)(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)")


def check_pages(project: Project) -> list[str]:
    """What is wrong, a line each: `docs/x.md:12: ...`."""
    if conflicts := list(_conflicts(project)):
        return conflicts  # scripts and pages cannot be read before
    return [
        *_front_matter(project),
        *_unclosed_fences(project),
        *_shown_cells(project),
        *_unshown_cells(project),
        *_other_fences(project),
        *_unshown_exercises(project),
        *_unexplained_errors(project),
        *_recipes(project),
        *_variants(project),
        *_numbers_by_hand(project),
    ]


def _conflicts(project: Project):
    """What a merge has left for somebody to decide, wherever it could be published."""
    for name in WRITTEN:
        path = project.root / name
        for file in [path] if path.is_file() else files.visible(path, "**/*"):
            if file.is_file() and (found := CONFLICT.search(content := file.read_bytes())):
                line = content.count(b"\n", 0, found.start()) + 1
                yield (
                    f"{project.relative(file)}:{line}: a merge conflict is left here; keep what is"
                    " right of its two sides, without the marks of git"
                )


def _front_matter(project: Project):
    """Where MkDocs would show a page's facts as text, or leave text out as if it were facts."""
    for page, lines in project.pages.items():
        begins, facts = lines[0].rstrip() == "---", get_data("\n".join(lines))[1]
        if begins == bool(facts):
            for key, kind in FACTS.items():
                if key in facts and not isinstance(facts[key], kind):
                    line = next((n for n, text in enumerate(lines, 1) if text.startswith(key)), 1)
                    yield (
                        f"{project.relative(page)}:{line}: {key} is {facts[key]!r} in the front"
                        f" matter, where {KINDS[kind]} belongs"
                    )
            continue
        if begins:
            said = "the front matter is not closed by a line '---', or holds no YAML mapping"
        else:
            said = "MkDocs takes this line for front matter; begin the page with its heading"
        yield f"{project.relative(page)}:1: {said}"


def _unclosed_fences(project: Project):
    """The first fence of a page that is shown as text, or swallows what stands below it."""
    includes = files.visible(project.root / "includes", "**/*.md")
    texts = project.pages | {file: files.lines(files.read(file)) for file in includes}
    for file, lines in texts.items():
        if number := next(_unclosed(lines), 0):
            marks = FENCE.fullmatch(lines[number - 1].rstrip())["marks"]
            yield (
                f"{project.relative(file)}:{number}: this fence is not closed; end it with a line"
                f" {marks}, indented as it is"
            )


def _unclosed(lines: list[str]):
    """Lines of fences that are still open where their block ends or another fence begins."""
    opened, above = 0, None
    for number, line in enumerate(lines, 1):
        fence = FENCE.fullmatch(line.rstrip())
        if above:
            alike = fence and (fence["indent"], fence["marks"]) == (above["indent"], above["marks"])
            outside = line.strip(" >") and not line.startswith(above["indent"])
            if not alike and not outside:
                continue
            if outside or fence["info"]:
                yield opened
            else:
                fence = None  # the end
        opened, above = number, fence
    if above:
        yield opened


def _shown_cells(project: Project):
    for (script, name), places in project.shown.items():
        section = project.sections.get(script)
        if section is None:
            yield f"{places[0]}: there is no snippets/{script}.py"
        elif name not in {cell.name for cell in section.cells}:
            yield f"{places[0]}: snippets/{script}.py has no cell {name}"
        elif len(places) > 1:
            yield f"{places[1]}: {script}.py::{name} is shown at {places[0]} already"


def _unshown_cells(project: Project):
    for section in project.sections.values():
        lines = {cell.name: cell.line for cell in section.cells}
        for cell in section.cells:
            if (section.name, cell.name) not in project.shown:
                yield f"{cell.where}: no page shows cell {cell.name}; show it or remove it"
        page = project.root / "docs" / f"{section.name}.md"
        if page not in project.pages:
            yield f"snippets/{section.name}.py: has no page of its name, docs/{section.name}.md"
        own = {}  # by cell, in the order of the page
        for fence in project.fences:
            match = SHOWN_CELL.match(fence.named)
            if fence.page == page and fence.kind == "cell" and match and match["cell"] in lines:
                own.setdefault(match["cell"], fence.place)
        for (above, _), (below, place) in pairwise(own.items()):
            if lines[below] < lines[above]:
                yield f"{place}: shown below {above}, but runs before it; readers run the page"


def _other_fences(project: Project):
    for fence in project.fences:
        if fence.kind == "cell" and not SHOWN_CELL.match(fence.named):
            yield f"{fence.place}: a cell fence holds one line such as tensors.py::squares"
        elif fence.kind == "section":
            if fence.named.removesuffix(".py") not in project.sections:
                yield f"{fence.place}: there is no snippets/{fence.named}"
        elif fence.kind in ("exercise", "bench"):
            try:
                if fence.kind == "bench":
                    benches.html(BuildContext(project, has_runs=False), fence.named)
                else:
                    fences.find_exercise(project, fence.named)
            except TutorialError as error:
                yield f"{fence.place}: {error}"


def _unshown_exercises(project: Project):
    shown = {fence.named for fence in project.fences if fence.kind == "exercise"}
    for lab in labs.labs(project):
        for name in lab.exercises:
            if f"{lab.section}.py::{name}" not in shown:
                path = project.relative(lab.path)
                yield f"{path}: no page shows exercise {name}; show it or remove it"


def _unexplained_errors(project: Project):
    """Where one page explains error messages, it explains those of all lessons.

    A cell of the page's own script is explained where it is shown.
    """
    explained = {fence.named: fence.place for fence in project.fences if fence.kind == "error"}
    raised = {
        f"{section.name}.py::{cell.name}": cell
        for section in project.sections.values()
        for cell in section.cells
        if "error" in cell.options
    }
    for name, place in explained.items():
        if name not in raised:
            yield f"{place}: {name} is no cell with error="
    for name, cell in raised.items():
        page = next(iter(explained.values()), "").partition(":")[0]
        if explained and name not in explained and page != f"docs/{cell.section}.md":
            yield f"{cell.where}: {page} does not explain the error of cell {cell.name}"


def _variants(project: Project):
    """What cannot stand for or below a cell in snippets/predict/."""
    try:
        context = BuildContext(project, has_runs=False)
        for section, cell in project.questions:
            predict.reasons(context, section, cell)
    except TutorialError as error:
        yield str(error)


def _recipes(project: Project):
    """Recipes that are not as they should be, and placeholders that stand for nothing."""
    context = BuildContext(project, has_runs=False)
    known = Numbers(context)
    try:
        context.results.recipes  # noqa: B018
    except TutorialError as error:
        yield str(error)
        return
    for page, lines in project.pages.items():
        text = "\n".join(lines)
        head = export.FRONT_MATTER.match(text)
        for line, match in numbers.placeholders(text):
            place = f"{project.relative(page)}:{line}"
            if head and match.start() < head.end():
                yield f"{place}: {match[0]} stands in the front matter, where no number can be put"
                continue
            try:
                numbers.evaluate(known, match["expression"])
            except TutorialError as error:
                yield f"{place}: {error}"
    for path, text in _not_rendered(project):
        for line, match in numbers.placeholders(text):
            yield (
                f"{project.relative(path)}:{line}: {match[0]} is put into pages alone; a choice"
                " stands here in words or as code, a measured number in the lesson"
            )


def _numbers_by_hand(project: Project):
    """Accuracies and times that no run has printed, wherever a reader meets them as prose."""
    texts = [(page, "\n".join(lines)) for page, lines in project.pages.items()]
    for path, text in [*texts, *_not_rendered(project)]:
        for line, found in numbers.by_hand(text):
            advice = f'a choice is {{{{ not_measured("{found}") }}}}'
            if path not in project.pages:
                advice = f"a choice is written in words or as code, `{found}`"
            yield _by_hand(f"{project.relative(path)}:{line}", found, advice)
    for section in project.sections.values():
        for cell in section.cells:
            for key, verb in (("alt", "seen"), ("heard", "heard")):
                for _, found in numbers.by_hand(cell.options.get(key, "")):
                    advice = f"say what is to be {verb} without it"
                    yield _by_hand(f"{cell.where}: {key} of cell {cell.name}", found, advice)


def _by_hand(place: str, found: str, advice: str) -> str:
    return (
        f'{place}: "{found}" is written by hand: a measured number is'
        f' {{{{ accuracy("RECIPE") }}}} or {{{{ measured_time("SCRIPT.py::CELL") }}}}, {advice}'
    )


def _not_rendered(project: Project):
    """Prose in which placeholders stay as they are: path and text, lines in their places."""
    paths = [project.root / name for name in ("README.md", "CONTRIBUTING.md")]
    for path in [*paths, *files.visible(project.root / "includes", "*.md")]:
        if path.is_file():
            yield path, files.read(path)
    for lab in labs.labs(project):
        prose, lines = False, []
        for line in files.lines(files.read(lab.path)):
            if line.startswith("# %%"):
                prose = "[markdown]" in line
                line = ""
            lines.append(line.removeprefix("#").removeprefix(" ") if prose else "")
        yield lab.path, "\n".join(lines)
