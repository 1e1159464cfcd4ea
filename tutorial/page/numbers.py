"""Measured numbers in the prose: `{{ accuracy("one-cycle") }}` becomes `57.2 ± 0.5 %`.

A Python-Markdown extension, `tutorial.page.numbers`. Between the braces stands a jinja2 expression
that calls one of the functions below, whose names and arguments messages list. The whole page is
no template: jinja2 would take `{#anchor}` for a comment, and code keeps its braces.

The same module finds the numbers that somebody wrote by hand.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element

from bs4 import BeautifulSoup
from jinja2 import Environment, StrictUndefined
from markdown import Markdown, markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson import files
from tutorial.lesson.cells import Cell, Section
from tutorial.page import formats, study_time
from tutorial.page.context import NAMES, BuildContext, LastRun, PageError, render
from tutorial.page.formats import MINUS, SPACE
from tutorial.page.study_time import Part

# Code and comments, which have no placeholders, or a placeholder, whose expression is a group.
PLACEHOLDER = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??[ \t]*(?P=fence)[ \t]*$"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)(?P=ticks)(?!`)"
    r"|<!--.*?-->"
    r"|\{\{\s(?P<expression>[^{}\x02\x03]*)\s\}\}",
    re.MULTILINE | re.DOTALL,
)
UNIT = (
    r"%|‰|per[ -]?cent\b|percentage points?\b|"
    r"(?:s|secs?|seconds?|ms|milliseconds?|[µμ]s|microseconds?|ns|mins?|minutes?|h|hours?)\b"
)
BY_HAND = re.compile(
    rf"(?<![\w./])(?!\d{{3}}0s\b)\d[\d.,]*[\s\u00a0\u202f-]?(?:{UNIT})"  # 1990s is no time
    r"|\baccurac(?:y|ies) (?:of|is|was|near|about|around|to|at) 0?\.\d+"
)
PROSE = ["attr_list", "md_in_html", "tables", "pymdownx.arithmatex", "pymdownx.superfences"]
SPOKEN = ("alt", "title", "aria-label")  # attributes that are read to somebody

PLAIN = {"h1", "h2", "h3", "h4", "h5", "h6", "a", "summary", "label"}  # no link within these
# After inline Markdown (20); before attr_list (8), which would take the braces for its own.
PRIORITY = 15

EXPRESSIONS = Environment(undefined=StrictUndefined)
EXPRESSIONS.globals.clear()


@dataclass(frozen=True)
class Number:
    """A number as the prose has it; `target`: page and anchor that tell where it comes from.

    `exercises_of`: the page whose exercises these are, where the reader's own count is added.
    `measured_on`: the data, on a page whose own cells had a stand-in for it.
    """

    text: str
    target: str = ""
    title: str = ""
    exercises_of: str = ""
    measured_on: str = ""

    def __str__(self) -> str:
        return self.text + (f" ({self.measured_on})" if self.measured_on else "")


class Numbers:
    """Its public methods are what an expression can call.

    A wrong argument is a TutorialError that says what there is.

    beside: the data whose outputs stand on the same page; an accuracy beside a stand-in says what
    it was measured on. time_of_run: stands for each time of this build's run, if that need not
    have been yet.
    """

    def __init__(
        self, context: BuildContext, beside: frozenset[str] = frozenset(), time_of_run: str = ""
    ) -> None:
        self._context, self._beside, self._time_of_run = context, beside, time_of_run

    # Of recipes, from outputs/DEVICE/results.json

    def accuracy(self, recipe: str, of_class: str = "") -> Number:
        """Mean ± standard deviation over the seeds."""
        meaning = "Mean ± standard deviation of the test accuracy"
        return self._accuracy(recipe, of_class, meaning, formats.mean_and_sd)

    def accuracy_range(self, recipe: str, of_class: str = "") -> Number:
        """Lowest to highest accuracy."""
        return self._accuracy(
            recipe, of_class, "Lowest to highest test accuracy", formats.low_to_high
        )

    def accuracy_spread(self, recipe: str, of_class: str = "") -> Number:
        """Standard deviation, in percentage points."""
        meaning = "Standard deviation of the test accuracy, in percentage points"
        return self._accuracy(recipe, of_class, meaning, formats.spread)

    def _accuracy(self, recipe: str, of_class: str, meaning: str, written: Callable) -> Number:
        _, result = self._context.results.one(recipe)
        meaning += f" of {of_class}" if of_class else ""
        return self._measured(recipe, written(_values(result, of_class)), meaning, marked=True)

    def accuracy_difference(self, recipe: str, minus: str, of_class: str = "") -> Number:
        """Percentage points between the means of two recipes."""
        result, other = self._comparable(recipe, minus)
        points = 100 * (_values(result, of_class)["mean"] - _values(other, of_class)["mean"])
        text = f"{MINUS if points < -0.05 else ''}{abs(points):.1f}{SPACE}points"
        return self._measured(recipe, text, marked=True)

    def training_time(self, recipe: str) -> Number:
        """Median training time over the seeds."""
        _, result = self._context.results.one(recipe)
        text = formats.training_seconds(result["seconds"]["median"])
        return self._measured(recipe, text, "Median training time")

    def time_ratio(self, recipe: str, to: str) -> Number:
        """How many times as long the first recipe trains as the second, on one machine."""
        result, other = self._comparable(recipe, to)
        if _machine(result) != _machine(other):
            raise TutorialError(
                f"{recipe} and {to} were timed on other machines ({_machine(result)};"
                f' {_machine(other)}): make results RECIPES="{recipe} {to}"'
            )
        ratio = result["seconds"]["median"] / other["seconds"]["median"]
        return self._measured(recipe, f"{ratio:.{1 if ratio < 9.95 else 0}f}{SPACE}times")

    def seeds(self, recipe: str) -> Number:
        """How many seeds the recipe was measured with."""
        _, result = self._context.results.one(recipe)
        return self._measured(recipe, str(len(result["seeds"])))

    def _comparable(self, *recipes: str) -> tuple[dict, dict]:
        (device, result), (other_device, other) = map(self._context.results.one, recipes)
        if (device, result["data"]) != (other_device, other["data"]):
            raise TutorialError(
                f"{' and '.join(recipes)} were measured on other devices or data ({device},"
                f" {result['data']}; {other_device}, {other['data']})"
            )
        return result, other

    def _measured(self, recipe: str, text: str, meaning: str = "", marked: bool = False) -> Number:
        device, result = self._context.results.one(recipe)
        return Number(
            text,
            f"results.html#{recipe}" if self._context.has_results_page else "",
            f"{meaning}. {provenance(result, device)}" if meaning else provenance(result, device),
            measured_on=self._real_data(result) if marked else "",
        )

    def _real_data(self, result: dict) -> str:
        """Of the data of a result, in short, those whose stand-in is beside it."""
        names = [
            name.partition(" (")[0]
            for name in result["data"].split(", ")
            if (weights.STAND_IN if name == weights.PRETRAINED else cifar10.STAND_IN)
            in self._beside
        ]
        return ", ".join(filter(None, names))

    # Of this build's run

    def measured_time(self, cell: str) -> Number:
        """Time of a cell, `classifier.py::train`, or of a whole script, in this build's run."""
        section, named = self._context.find_cell(cell)
        if self._time_of_run:
            return Number(self._time_of_run)
        seconds, facts = self._seconds(section, named)
        what, device = f"cell {named.name}" if named else "all cells", facts.get("Device", "")
        return Number(
            formats.unbreakable(formats.run_seconds(seconds)),
            f"{section.name}.html" + (f"#{section.name}-{named.name}" if named else ""),
            f"Time of {what} in the run that this page shows: {NAMES[self._context.device]}"
            + (f", {device}" if device else ""),
        )

    def _seconds(self, section: Section, named: Cell | None = None) -> tuple[float, dict]:
        """What the cells of a section, or the named one, took on this device, and facts of it."""
        device = self._context.device
        cells = [cell for cell in section.on(device) if named in (None, cell)]
        if not cells:
            raise TutorialError(f"{named.id if named else section.name} does not run on {device}")
        runs = [run for cell in cells for run in self._context.runs_of(section, cell)]
        runs = [run for run in runs if run.device == device]
        return sum(run.seconds for run in runs), runs[-1].facts

    def run_with(self, *pages: str) -> Number:
        """Versions and dates of this build's run, of pages or of all."""
        run = self._last_run(pages, self._context.device)
        words = run.words.replace("-", "\u2011") if run else self._time_of_run  # no break in a date
        return Number(words)

    def cells(self, *pages: str) -> Number:
        """How many cells pages, or all, have."""
        run = self._last_run(pages, self._context.device)
        return Number(str(run.total) if run else self._time_of_run)

    def cells_on_gpu(self, *pages: str) -> Number:
        """`12 of 470 cells`: those of which the pages show a current run on a GPU."""
        run = self._last_run(pages, "cuda")
        text = f"{len(run.runs)} of {run.total} cells" if run else self._time_of_run
        return Number(formats.unbreakable(text))

    def _last_run(self, pages: tuple[str, ...], device: str) -> LastRun | None:
        """None where no run need have been yet."""
        sections = self._context.project.choose([page.removesuffix(".md") for page in pages])
        return None if self._time_of_run else self._context.last_run(sections, device)

    # Of lessons: to plan with

    def study_time(self, *pages: str) -> Number:
        """What a student needs for pages, `tensors.md`, or a section of one, `tensors.md#compute`;
        without a page, for all lessons. See study_time.py.
        """
        return Number(formats.rounded_minutes(sum(map(study_time.minutes, self._parts(pages)))))

    def core_time(self, *pages: str) -> Number:
        """The same, without what is marked `More`."""
        minutes = sum(study_time.minutes(parts, core=True) for parts in self._parts(pages))
        return Number(formats.rounded_minutes(minutes))

    def _parts(self, pages: tuple[str, ...]) -> list[list[Part]]:
        self._lessons(tuple(page.partition("#")[0] for page in pages))
        pages = pages or [f"{lesson.name}.md" for lesson in self._lessons(())]
        return [self._context.parts_of(page) for page in pages]

    def running_time(self, *pages: str) -> Number:
        """Time of this build's run of pages, or of all lessons, rounded."""
        lessons = self._lessons(pages)
        if self._time_of_run:
            return Number(self._time_of_run)
        return Number(formats.rounded_seconds(sum(self._seconds(each)[0] for each in lessons)))

    def exercises(self, *pages: str) -> Number:
        """How many exercises pages, or all lessons, have."""
        lessons = self._lessons(pages)
        names = {f"{lesson.name}.md" for lesson in lessons}
        fences = self._context.project.fences
        count = sum(fence.kind == "exercise" and fence.page.name in names for fence in fences)
        text = f"{count}{SPACE}exercise{'s' if count != 1 else ''}"
        return Number(text, exercises_of=lessons[0].name if len(lessons) == 1 else "")

    def _lessons(self, pages: tuple[str, ...]) -> list[Section]:
        """The sections of the named pages; a lesson is a page with a `section` fence.

        All lessons are those that build on each other: without a session, which holds its own
        blanks and needs no other page.
        """
        sections = self._context.project.sections
        lessons = {
            fence.page.name: sections[fence.page.stem]
            for fence in self._context.project.fences
            if fence.kind == "section" and fence.page.stem in sections
        }
        for page in pages:
            if page not in lessons:
                known = ", ".join(lessons) or "none yet"
                raise TutorialError(f"docs/{page} is no lesson: there are {known}")
        if not pages:
            return [each for each in lessons.values() if not any(c.has_blank for c in each.cells)]
        return [lessons[page] for page in pages]

    def not_measured(self, text: str) -> Number:
        """A choice or a definition, `25 ms`."""
        return Number(formats.unbreakable(text))


@cache
def _compiled(expression: str) -> Callable:
    """Kept, since several forms of a page have the same expressions."""
    return EXPRESSIONS.compile_expression(expression, undefined_to_none=False)


def evaluate(numbers: Numbers, expression: str) -> Number:
    """The number that an expression stands for; TutorialError says what there is instead."""
    expression = in_one_line(expression)
    functions = {
        name: method
        for name, method in inspect.getmembers(numbers, inspect.ismethod)
        if not name.startswith("_")
    }
    try:
        number = _compiled(expression)(functions)
        if isinstance(number, Number):
            return number
        reason = "it calls no function"
    except TutorialError as error:
        raise TutorialError(f"{{{{ {expression} }}}}: {error}") from None
    except Exception as error:  # `1/0` or a number where a name belongs: its author has to know
        reason = str(error).replace("Numbers.", "")
    known = [
        name + str(inspect.signature(method)).partition(" ->")[0]
        for name, method in functions.items()
    ]
    raise TutorialError(
        f"{{{{ {expression} }}}} cannot be read: {reason}; there are {', '.join(known)}"
    )


def _values(result: dict, of_class: str) -> dict:
    if not of_class:
        return result["accuracy"]
    if of_class not in result["classes"]:
        known = ", ".join(result["classes"])
        raise TutorialError(f"there is no class {of_class}: there are {known}")
    return result["classes"][of_class]


def _machine(result: dict) -> str:
    """What two times must have in common to be compared."""
    threads = f"{result['threads']} thread{'s' if result['threads'] != 1 else ''}"
    return f"{result['device']}, {threads}, torch {result['torch']}"


def provenance(result: dict, device: str) -> str:
    """`CIFAR-10 (JPEG copy), 5 seeds, CPU: name, 2 threads, torch 2.14, 2026-11-23`."""
    data = f"{result['data']}, " if result["data"] else ""
    seeds = len(result["seeds"])
    return f"{data}{seeds} seeds, {NAMES[device]}: {_machine(result)}, {result['date']}"


# Where placeholders and numbers stand in a text


def placeholders(text: str) -> Iterator[tuple[int, re.Match]]:
    """Every placeholder with its line; its match has the place in the text."""
    for match in PLACEHOLDER.finditer(text):
        if match["expression"] is not None:
            yield text.count("\n", 0, match.start()) + 1, match


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def substitute(text: str, written: Callable[[str], str]) -> str:
    """Put text in place of the placeholders: what `written` makes of each expression."""

    def replaced(match: re.Match) -> str:
        return match[0] if match["expression"] is None else written(match["expression"])

    return PLACEHOLDER.sub(replaced, text)


def by_hand(text: str) -> Iterator[tuple[int, str]]:
    """Accuracies and times in Markdown that nothing but a hand has written, with their lines."""
    if not BY_HAND.search(PLACEHOLDER.sub("", text)):
        return
    page = BeautifulSoup(markdown(text, extensions=PROSE), "html.parser")
    for element in page.select("code, pre, .arithmatex"):
        element.decompose()
    strings = [str(string) for string in page.find_all(string=True)]
    strings += [tag[key] for key in SPOKEN for tag in page.select(f"[{key}]")]
    for string in strings:
        bare = PLACEHOLDER.sub(lambda match: " " * len(match[0]), string)
        for match in BY_HAND.finditer(bare):
            yield _line_of(text, string, match), " ".join(match[0].split())


def _line_of(text: str, string: str, match: re.Match) -> int:
    """The line of `text` from which a string of its HTML comes, up to a match in it."""
    for wanted in (string[: match.end()].rpartition("\n")[2], match[0], match[0].split()[0]):
        if wanted in text:
            return text.count("\n", 0, text.index(wanted)) + 1
    return 1


# The extension


class NumberExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        source = Source(md)
        md.preprocessors.register(source, "numbers_source", 200)  # before anything changes it
        md.treeprocessors.register(NumberWriter(md, source), "numbers", PRIORITY)


class Source(Preprocessor):
    """Keeps the text as it was written."""

    text = ""

    def run(self, lines: list[str]) -> list[str]:
        self.text = "\n".join(lines)
        return lines


class NumberWriter(Treeprocessor):
    """Replaces placeholders in running text; PageError names page and line of one it cannot."""

    def __init__(self, md: Markdown, source: Source) -> None:
        super().__init__(md)
        self.source = source

    def run(self, root: Element) -> None:
        if "{{" not in self.source.text:
            return
        in_mkdocs = "relpath" in self.md.treeprocessors
        file = self.md.treeprocessors["relpath"].file if in_mkdocs else None
        page = file.src_uri.removesuffix(".md") if file else ""
        self.up = "../" * page.count("/")
        self.text, self.place = self.source.text, "line "
        if file:  # MkDocs takes the front matter away: lines are counted in the file
            self.text = files.read(Path(file.abs_src_path))
            self.place = f"docs/{file.src_uri}:"
        context = self.md.build_context
        numbers = Numbers(context, context.data_beside(page))
        self.numbers: dict[str, Number] = {}
        for line, match in placeholders(self.text):
            try:
                number = evaluate(numbers, match["expression"])
            except TutorialError as error:
                raise PageError(f"{self.place}{line}: {error}") from error
            self.numbers[in_one_line(match["expression"])] = number
        self.written: set[str] = set()
        self._write(root, plain=False)
        for line, match in placeholders(self.text):
            if in_one_line(match["expression"]) not in self.written:
                raise PageError(
                    f"{self.place}{line}: {match[0]} stands where no number can be put, such as in"
                    " raw HTML or in the text of an image"
                )

    def _write(self, parent: Element, plain: bool) -> None:
        if parent.tag in ("code", "pre") or parent.get("class") == "arithmatex":
            return
        plain = plain or parent.tag in PLAIN
        parent.text = self._replaced(parent.text, plain)
        for child in parent:
            self._write(child, plain)
            child.tail = self._replaced(child.tail, plain)

    def _replaced(self, text: str | None, plain: bool) -> str | None:
        if not text or isinstance(text, AtomicString) or "{{" not in text:
            return text

        def written(expression: str) -> str:
            self.written.add(in_one_line(expression))
            number = self.numbers[in_one_line(expression)]
            html = render("number.html", number=number, up=self.up)
            return str(number) if plain else self.md.htmlStash.store(html)

        text = substitute(text, written)
        if braces := re.search("{{", text):
            raise PageError(
                f"{self.place}{_line_of(self.text, text, braces)}: a placeholder has blanks within"
                " its braces: {{ ... }}"
            )
        return text


def makeExtension(**options) -> NumberExtension:
    """What Python-Markdown calls, given the name `tutorial.page.numbers`."""
    return NumberExtension(**options)
