"""Measured numbers in the prose: `{{ accuracy("one-cycle") }}` becomes `57.2 ± 0.5 %`.

A Python-Markdown extension, `tutorial.page.numbers`. Between the braces stands a call of one of
the functions below, whose names and arguments messages list. Its arguments are strings and numbers
as they stand, so that nothing is computed there. Code on a page keeps its braces.

The same module finds the numbers that somebody wrote by hand.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.page import formats, study_time
from tutorial.page.context import NAMES, BuildContext, LastRun, page_of, render
from tutorial.page.formats import MINUS, SPACE
from tutorial.page.study_time import Part

# Code, comments and formulas, which have no placeholders, or one, whose expression is a group.
PLACEHOLDER = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??[ \t]*(?P=fence)[ \t]*$"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)(?P=ticks)(?!`)"
    r"|<!--.*?-->"
    r"|\$\$.+?\$\$|(?<!\\)\$(?!\s)[^$\n]+(?<![\s\\])\$"
    r"|\{\{(?P<expression>[^{}\x02\x03]*)\}\}",
    re.MULTILINE | re.DOTALL,
)
# Before a placeholder in its line: a heading or a title, the text of a link or image, an HTML tag.
NO_HTML = re.compile(r"\s*(?:#|!!!|\?\?\?|===)|.*(?:\[[^]]*|<[a-z][^>]*)$")
UNIT = (
    r"%|‰|per[ -]?cent\b|percentage points?\b|"
    r"(?:s|secs?|seconds?|ms|milliseconds?|[µμ]s|microseconds?|ns|mins?|minutes?|h|hours?)\b"
)
BY_HAND = re.compile(
    rf"(?<![\w./])(?!\d{{3}}0s\b)\d[\d.,]*[\s\u00a0\u202f-]?(?:{UNIT})"  # 1990s is no time
    r"|\baccurac(?:y|ies) (?:of|is|was|near|about|around|to|at) 0?\.\d+"
)
ADDRESS_OR_STYLE = re.compile(r"\]\(\S+|https?://\S+|\bstyle=(?:\"[^\"]*\"|'[^']*')")

# After fences, whose text is code (25), and before raw HTML (20), which can hold a number.
PRIORITY = 22


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
    it was measured on.
    """

    def __init__(self, context: BuildContext, beside: frozenset[str] = frozenset()) -> None:
        self._context, self._beside = context, beside

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
        title = ". ".join(filter(None, [meaning, provenance(result, device)]))
        measured_on = self._real_data(result) if marked else ""
        return Number(text, f"results.html#{recipe}", title, measured_on=measured_on)

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
        """Time of a cell, `classifier.py::train`, in this build's run."""
        section, named = self._context.find_cell(cell)
        device = self._context.device
        runs = [r for r in self._context.runs_of(section, named) if r.device == device]
        if not runs:
            raise TutorialError(f"{named.id} does not run on {device}")
        known = [NAMES[device], *filter(None, [runs[0].facts["Device"]])]
        return Number(
            formats.unbreakable(formats.run_seconds(runs[0].seconds)),
            f"{section.name}.html#{section.name}-{named.name}",
            f"Time of cell {named.name} in the run that this page shows: {', '.join(known)}",
        )

    def run_with(self) -> Number:
        """Versions and dates of this build's run."""
        words = self._last_run(self._context.device).words
        return Number(words.replace("-", "\u2011"))  # no break in a date

    def cells(self) -> Number:
        """How many cells the lessons have."""
        return Number(str(self._last_run(self._context.device).total))

    def cells_on_gpu(self) -> Number:
        """`12 of 470 cells`: those of which the pages show a current run on a GPU."""
        run = self._last_run("cuda")
        return Number(formats.unbreakable(f"{len(run.runs)} of {run.total} cells"))

    def _last_run(self, device: str) -> LastRun:
        return self._context.last_run(self._context.project.sections.values(), device)

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
        names = self._lessons([page.partition("#")[0] for page in pages])
        return [self._context.parts_of(page) for page in pages or names]

    def exercises(self, *pages: str) -> Number:
        """How many exercises pages, or all lessons, have."""
        names = self._lessons(pages)
        fences = self._context.project.fences
        count = sum(fence.kind == "exercise" and fence.page.name in names for fence in fences)
        text = f"{count}{SPACE}exercise{'s' if count != 1 else ''}"
        return Number(text, exercises_of=names[0].removesuffix(".md") if len(names) == 1 else "")

    def _lessons(self, pages: Sequence[str]) -> Sequence[str]:
        """The named pages, which have to be lessons. Without any, all that build on each other:
        not a session, which holds its own blanks and needs no other page.
        """
        lessons = {f"{section.name}.md": section for section in self._context.lessons}
        for page in pages:
            if page not in lessons:
                known = ", ".join(lessons) or "none yet"
                raise TutorialError(f"docs/{page} is no lesson: there are {known}")
        return pages or [
            page for page, lesson in lessons.items() if not any(c.has_blank for c in lesson.cells)
        ]

    def not_measured(self, text: str) -> Number:
        """A choice or a definition, `25 ms`."""
        return Number(formats.unbreakable(text))


def evaluate(numbers: Numbers, expression: str) -> Number:
    """The number that an expression stands for; TutorialError says what there is instead."""
    expression = " ".join(expression.split())
    functions = {
        name: method
        for name, method in inspect.getmembers(numbers, inspect.ismethod)
        if not name.startswith("_")
    }
    try:
        match ast.parse(expression, mode="eval").body:
            case ast.Call(ast.Name(name), arguments, options) if name in functions:
                return functions[name](
                    *map(_literal, arguments),
                    **{option.arg: _literal(option.value) for option in options},
                )
        reason = "it is no call of a function that there is"
    except TutorialError as error:
        raise TutorialError(f"{{{{ {expression} }}}}: {error}") from None
    except Exception as error:  # a number where a name belongs, say: its author has to know
        reason = getattr(error, "msg", str(error)).replace("Numbers.", "")
    known = [
        name + str(inspect.signature(method)).partition(" ->")[0]
        for name, method in functions.items()
    ]
    raise TutorialError(
        f"{{{{ {expression} }}}} cannot be read: {reason}; there are {', '.join(known)}"
    )


def _literal(argument: ast.expr) -> str | int | float:
    if isinstance(argument, ast.Constant):
        return argument.value
    raise ValueError(f"{ast.unparse(argument)} is no string or number as it stands")


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


def filled(text: str, numbers: Numbers, html: Callable[[Number], str] = str) -> str:
    """Markdown with numbers in place of its placeholders.

    html: makes what stands in running text; elsewhere, as in headings and links, it is the text.
    """

    def written(match: re.Match) -> str:
        if match["expression"] is None:
            return match[0]
        number = evaluate(numbers, match["expression"])
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        return str(number) if NO_HTML.match(line) else html(number)

    return PLACEHOLDER.sub(written, text)


def by_hand(text: str) -> Iterator[tuple[int, str]]:
    """Accuracies and times in Markdown that nothing but a hand has written, with their lines."""
    for pattern in (PLACEHOLDER, ADDRESS_OR_STYLE):
        text = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in BY_HAND.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


class NumberWriter(Preprocessor):
    """Puts numbers in place of placeholders."""

    def run(self, lines: list[str]) -> list[str]:
        if not any("{{" in line for line in lines):
            return lines
        context = self.md.build_context
        numbers = Numbers(context, context.data_beside(page_of(self.md).removesuffix(".md")))

        def html(number: Number) -> str:
            return self.md.htmlStash.store(render("number.html", number=number))

        return filled("\n".join(lines), numbers, html).split("\n")


class NumberExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(NumberWriter(md), "numbers", PRIORITY)


makeExtension = NumberExtension  # what Python-Markdown calls, given the name of this module
