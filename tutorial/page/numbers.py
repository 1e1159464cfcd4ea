"""Measured numbers in the prose: `{{ one-cycle accuracy }}` becomes `57.2 ± 0.5 %`.

A Python-Markdown extension, `tutorial.page.numbers`. What stands between the braces:

    RECIPE accuracy|range|spread [CLASS]   from outputs/DEVICE/results.json: see results.py
    RECIPE seconds|seeds
    RECIPE - RECIPE accuracy [CLASS]       points between the means; also seconds
    RECIPE / RECIPE seconds                how many times as long
    SCRIPT.py::CELL seconds                from the record of this build's run
    SCRIPT.py seconds                      of all its cells
    PAGE.md ... reading|running|exercises  of one page or several; `lessons` are all of them
    given TEXT                             a choice or a definition: no measurement

Where a page's own cells ran on a stand-in, an accuracy says what it was measured on:
`57.2 ± 0.5 % (CIFAR-10)`. The same module finds the numbers that somebody wrote by hand.
"""

import math
import os
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson.cells import DEVICES, Section
from tutorial.lesson.project import Project
from tutorial.page import fences
from tutorial.record import records, results

SPACE = "\u00a0"  # a number and its unit stay in one line
MINUS = "\u2212"

PLACEHOLDER = re.compile(r"\{\{([^{}\x02\x03]*)\}\}")
NAME = r"[a-z0-9][a-z0-9-]*"
GIVEN = re.compile(r"given (?P<text>.+)")
RECORD = re.compile(r"(?P<section>[\w-]+)\.py(?:::(?P<cell>[\w-]+))? seconds")
LESSONS = re.compile(
    r"(?P<pages>lessons|[\w-]+\.md(?: [\w-]+\.md)*) (?P<what>reading|running|exercises)"
)
RESULT = re.compile(
    rf"(?P<name>{NAME})(?: ?(?P<sign>/|(?<= )-(?= )) ?(?P<other>{NAME}))?"
    r" (?P<what>accuracy|range|spread|seconds|seeds)(?: (?P<of>.+))?"
)

# What is no prose: code, comments, formulas, addresses, tags, attributes.
NO_PROSE = [
    re.compile(pattern, re.MULTILINE | re.DOTALL)
    for pattern in (
        r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??[ \t]*(?P=fence)[ \t]*$",
        r"<!--.*?-->",
        r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).)+?(?<!`)(?P=ticks)(?!`)",
        r"\$\$.+?\$\$",
        r"(?<![\\$])\$(?=\S)(?:[^$\n]|\n(?!\s*\n))+?(?<=\S)\$(?!\d)",
        r"(?<=\])\([^)\s]*",
        r"<https?://[^>]*>",
        r"^[ \t]*\[[^\]\n]+\]:[ \t]*\S+",
        r"(?<!\{)\{:?[^{}\n]*\}(?!\})",
    )
]
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
SPOKEN = re.compile(r'\b(?:alt|title|aria-label)="([^"]*)"')

UNIT = (
    r"%|‰|per[ -]?cent\b|percentage points?\b|"
    r"(?:s|secs?|seconds?|ms|milliseconds?|[µμ]s|microseconds?|ns|mins?|minutes?|h|hours?)\b"
)
BARE = re.compile(
    rf"(?<![\w.])(?!\d{{3}}0s\b)\d[\d.,]*[\s\u00a0\u202f-]?(?:{UNIT})"  # 1990s is no time
    r"|\baccurac(?:y|ies) (?:of|is|was|near|about|around|to|at) 0?\.\d+"
)

PLAIN = {"h1", "h2", "h3", "h4", "h5", "h6", "a", "summary", "label"}  # no link within these
# After inline Markdown (20); before attr_list (8), which would take the braces for its own.
PRIORITY = 15


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

    @property
    def plain(self) -> str:
        return self.text + (f" ({self.measured_on})" if self.measured_on else "")

    def html(self, up: str = "") -> str:
        """`up`: the way to the folder of all pages."""
        if self.exercises_of:
            return f'<span class="exercises" data-page="{self.exercises_of}">{self.text}</span>'
        if not self.title:
            return escape(self.text, quote=False)
        title = f'title="{escape(self.title)}"'
        on = f" <small>({escape(self.measured_on)})</small>" if self.measured_on else ""
        if not self.target:
            return f'<span class="number" {title}>{self.text}{on}</span>'
        return f'<a class="number" href="{up}{self.target}" {title}>{self.text}{on}</a>'


# What a placeholder stands for


def number(project: Project, asked: str, beside: frozenset[str] = frozenset()) -> Number:
    """What `one-cycle accuracy` stands for. TutorialError says what there is instead.

    beside: the data whose outputs stand on the same page, as data_beside() says.
    """
    asked = " ".join(asked.split())
    if match := GIVEN.fullmatch(asked):
        return Number(match["text"].replace(" ", SPACE))
    if match := RECORD.fullmatch(asked):
        return _recorded(project, *_section_of(project, match))
    if match := LESSONS.fullmatch(asked):
        return _of_lessons(project, _lessons(project, match["pages"]), match["what"])
    if match := RESULT.fullmatch(asked):
        return _measured(project, match, beside)
    raise TutorialError(
        f"{{{{ {asked} }}}} cannot be read: write RECIPE accuracy, range, spread, seconds or seeds,"
        " SCRIPT.py::CELL seconds, PAGE.md reading, running or exercises, or given TEXT"
    )


def check(project: Project, asked: str) -> None:
    """As number(), but a record need not be there yet."""
    asked = " ".join(asked.split())
    if match := RECORD.fullmatch(asked):
        _section_of(project, match)
    elif match := LESSONS.fullmatch(asked):
        _lessons(project, match["pages"])
    else:
        number(project, asked)


def _section_of(project: Project, match: re.Match) -> tuple[Section, str | None]:
    section = project.sections.get(match["section"])
    if section is None:
        known = ", ".join(f"{name}.py" for name in project.sections)
        raise TutorialError(f"there is no snippets/{match['section']}.py; there are {known}")
    names = [cell.name for cell in section.cells]
    if match["cell"] and match["cell"] not in names:
        raise TutorialError(
            f"snippets/{section.name}.py has no cell {match['cell']}: it has {', '.join(names)}"
        )
    return section, match["cell"]


def _lessons(project: Project, pages: str) -> list[Section]:
    """The sections of the named pages; a lesson is a page with a `section` fence."""
    lessons = {
        fence.page.name: project.sections[fence.page.stem]
        for fence in project.fences
        if fence.kind == "section" and fence.page.stem in project.sections
    }
    if pages == "lessons":
        return list(lessons.values())
    for page in pages.split():
        if page not in lessons:
            known = ", ".join(lessons) or "none yet"
            raise TutorialError(f"docs/{page} is no lesson: there are {known}")
    return [lessons[page] for page in pages.split()]


def _of_lessons(project: Project, lessons: list[Section], what: str) -> Number:
    if what == "reading":
        return Number(
            rounded_minutes(sum(fences.reading_minutes(project, each) for each in lessons))
        )
    if what == "running":
        seconds = sum(sum(_runs(project, each)[0]) for each in lessons)
        return Number(rounded_seconds(seconds))
    names = {f"{each.name}.md" for each in lessons}
    count = sum(f.kind == "exercise" and f.page.name in names for f in project.fences)
    text = f"{count}{SPACE}exercise{'s' if count != 1 else ''}"
    return Number(text, exercises_of=lessons[0].name if len(lessons) == 1 else "")


def _runs(project: Project, section: Section, name: str | None = None):
    """Seconds of each cell, or of the named one, on this build's device; and the last run."""
    home, seconds, last = os.environ.get("DEVICE") or "cpu", [], None
    for cell in section.on(home):
        if name in (None, cell.name):
            runs = fences.runs_of(project, section, cell)
            last = next(run for run in runs if run.device == home)
            seconds.append(last.seconds)
    if last is None:
        raise TutorialError(f"snippets/{section.name}.py: cell {name} does not run on {home}")
    return seconds, last


def _recorded(project: Project, section: Section, name: str | None) -> Number:
    seconds, last = _runs(project, section, name)
    device = last.facts.get("Device", "")
    what = f"cell {name}" if name else "all cells"
    return Number(
        fences.readable_seconds(sum(seconds)).replace(" ", SPACE),
        f"{section.name}.html" + (f"#{section.name}-{name}" if name else ""),
        f"Time of {what} in the run that this page shows: {last.label}"
        + (f", {device}" if device else ""),
    )


def data_beside(project: Project, page: str) -> frozenset[str]:
    """Names of the data that the cells of a page were run on in this build, or those of any page
    where it has none of its own: its readers come from there.
    """
    home = os.environ.get("DEVICE") or "cpu"
    own = {page} & project.sections.keys()
    if not own or not project.sections[page].needs(home):
        own = project.sections.keys()
    return frozenset().union(*(records.data_of(project, home, name) for name in own))


def _real_thing(data: str, beside: frozenset[str]) -> str:
    """Of the data of a result, in short, those which have a stand-in beside it."""
    stand_ins = {
        name: weights.STAND_IN if name == weights.PRETRAINED else cifar10.STAND_IN
        for name in data.split(", ")
        if name
    }
    names = [name for name, stand_in in stand_ins.items() if stand_in in beside]
    return ", ".join(name.partition(" (")[0] for name in names)


def _measured(project: Project, match: re.Match, beside: frozenset[str]) -> Number:
    what, of, sign = match["what"], match["of"], match["sign"]
    if of and what not in ("accuracy", "range", "spread"):
        raise TutorialError(f"{what} is of the whole, not of {of}: leave {of!r} out")
    device, result = result_of(project, match["name"])
    target = f"results.html#{match['name']}" if has_page(project) else ""
    title = provenance(result, device)
    if sign:
        other_device, other = result_of(project, match["other"])
        if (device, result["data"]) != (other_device, other["data"]):
            raise TutorialError(
                f"{match['name']} and {match['other']} were measured on other devices or data"
                f" ({device}, {result['data']}; {other_device}, {other['data']})"
            )
        if what == "seconds" and _machine(result) != _machine(other):
            name, other_name = match["name"], match["other"]
            raise TutorialError(
                f"{name} and {other_name} were timed on other machines ({_machine(result)};"
                f' {_machine(other)}): make results RECIPES="{name} {other_name}"'
            )
        on = _real_thing(result["data"], beside) if what == "accuracy" else ""
        return Number(*_compared(result, other, what, of, sign), target, title, measured_on=on)
    if what == "seconds":
        return Number(clock(result["seconds"]["median"]), target, f"Median training time. {title}")
    if what == "seeds":
        return Number(str(len(result["seeds"])), target, title)
    values = _values(result, of)
    text = {
        "accuracy": mean_and_sd,
        "range": low_to_high,
        "spread": lambda each: f"{percent(each['sd'], each)}{SPACE}points",
    }[what](values)
    meaning = {
        "accuracy": "Mean ± standard deviation of the test accuracy",
        "range": "Lowest to highest test accuracy",
        "spread": "Standard deviation of the test accuracy, in percentage points",
    }[what]
    title = f"{meaning}{f' of {of}' if of else ''}. {title}"
    return Number(text, target, title, measured_on=_real_thing(result["data"], beside))


def _machine(result: dict) -> str:
    """What two times must have in common to be compared."""
    threads = f"{result['threads']} thread{'s' if result['threads'] != 1 else ''}"
    return f"{result['device']}, {threads}, torch {result['torch']}"


def _compared(result: dict, other: dict, what: str, of: str | None, sign: str) -> tuple[str]:
    if sign == "/" and what == "seconds":
        ratio = result["seconds"]["median"] / other["seconds"]["median"]
        return (f"{ratio:.1f}{SPACE}times" if ratio < 9.95 else f"{ratio:.0f}{SPACE}times",)
    if sign == "-" and what == "seconds":
        gap = result["seconds"]["median"] - other["seconds"]["median"]
        return ((MINUS if gap < 0 else "") + clock(abs(gap)),)
    if sign == "-" and what == "accuracy":
        gap = _values(result, of)["mean"] - _values(other, of)["mean"]
        return ((MINUS if gap < -0.0005 else "") + f"{abs(gap) * 100:.1f}{SPACE}points",)
    raise TutorialError(f"there is no 'a {sign} b {what}': seconds have - and /, accuracy has -")


def _values(result: dict, of: str | None) -> dict:
    if of is None:
        return result["accuracy"]
    if of not in result["classes"]:
        raise TutorialError(f"there is no class {of}: there are {', '.join(result['classes'])}")
    return result["classes"][of]


class _Read:
    """The results of the project that is being built: read once, and anew for the next build."""

    project: Project | None = None
    recipes: dict[str, results.Recipe]
    known: dict[str, dict]
    current: dict[str, dict]


def all_results(project: Project) -> dict[str, dict[str, dict]]:
    """By device, the results of recipes that are as they were when measured."""
    if _Read.project is not project:
        _Read.known = {each: results.read(results.path_of(project, each)) for each in DEVICES}
        _Read.current = {each: results.current(project, each) for each in DEVICES}
        _Read.recipes = results.recipes(project)
        _Read.project = project
    return _Read.current


def result_of(project: Project, name: str) -> tuple[str, dict]:
    """A recipe's device and result: the CPU's, where it was measured there."""
    current = all_results(project)
    if name not in _Read.recipes:
        known = ", ".join(_Read.recipes) or "none yet"
        raise TutorialError(f"there is no recipe {name}: there are {known}")
    for device in DEVICES:
        if name in current[device]:
            return device, current[device][name]
        if name in _Read.known[device]:
            raise TutorialError(results.other_code(project, device, name))
    raise TutorialError(f"recipe {name} has not been measured: make results RECIPES={name}")


def has_page(project: Project) -> bool:
    return (project.root / "docs" / "results.md").is_file()


def provenance(result: dict, device: str) -> str:
    """`CIFAR-10 (JPEG copy), 5 seeds, CPU: name, 2 threads, torch 2.14, 2026-11-23`."""
    data = f"{result['data']}, " if result["data"] else ""
    return (
        f"{data}{len(result['seeds'])} seeds, {fences.NAMES[device]}: {_machine(result)},"
        f" {result['date']}"
    )


# How numbers are written


def percent(fraction: float, values: dict) -> str:
    """Percentage points with one decimal, two where the spread shows in the second alone."""
    return f"{fraction * 100:.{1 if values['sd'] >= 0.0005 else 2}f}"


def mean_and_sd(values: dict) -> str:
    mean, sd = percent(values["mean"], values), percent(values["sd"], values)
    return f"{mean}{SPACE}±{SPACE}{sd}{SPACE}%"


def low_to_high(values: dict) -> str:
    low, high = percent(values["min"], values), percent(values["max"], values)
    return f"{low}{SPACE}to{SPACE}{high}{SPACE}%"


def clock(seconds: float) -> str:
    """Two digits or more: 25 ms, 0.52 s, 3.4 s, 118 s."""
    if 0 < seconds < 0.095:
        return f"{seconds * 1000:.{0 if seconds >= 0.0095 else 1}f}{SPACE}ms"
    return f"{seconds:.{max(0, 1 - math.floor(math.log10(seconds or 1)))}f}{SPACE}s"


def rounded_minutes(minutes: float) -> str:
    """As one plans with: 25 min, 4½ hours."""
    if minutes < 100:
        return f"{minutes:.0f}{SPACE}min"
    hours, half = divmod(round(minutes / 30), 2)
    return f"{hours}{'½' * half}{SPACE}hours"


def rounded_seconds(seconds: float) -> str:
    """As one plans with: 1 s for anything shorter, 25 s, 2 min."""
    if seconds < 90:
        return f"{max(1, seconds):.0f}{SPACE}s"
    return f"{seconds / 60:.0f}{SPACE}min" if seconds < 5970 else rounded_minutes(seconds / 60)


# Where placeholders and numbers stand in a text


def prose(text: str) -> str:
    """The text with blanks in place of what is no prose: every other character stays in place."""
    text = "\n".join(text.splitlines())
    for pattern in NO_PROSE:
        text = pattern.sub(lambda found: _blank(found[0]), text)
    return TAG.sub(_blank_tag, text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _blank_tag(tag: re.Match) -> str:
    kept = list(_blank(tag[0]))
    for spoken in SPOKEN.finditer(tag[0]):
        kept[slice(*spoken.span(1))] = spoken[1]
    return "".join(kept)


def placeholders(text: str) -> list[tuple[int, re.Match]]:
    """Every placeholder with its line; its match has the place in the text."""
    return [
        (text.count("\n", 0, found.start()) + 1, found)
        for found in PLACEHOLDER.finditer(prose(text))
    ]


def by_hand(text: str) -> list[tuple[int, str]]:
    """Accuracies and times that nothing but a hand has written, with their lines."""
    bare = PLACEHOLDER.sub(lambda found: _blank(found[0]), prose(text))
    return [
        (bare.count("\n", 0, found.start()) + 1, " ".join(found[0].split()))
        for found in BARE.finditer(bare)
    ]


def substitute(project: Project, text: str, beside: frozenset[str] = frozenset()) -> str:
    """Put plain text in place of the placeholders of a page; `beside` as for number()."""
    text = "\n".join(text.splitlines())
    for _, found in reversed(placeholders(text)):
        text = text[: found.start()] + number(project, found[1], beside).plain + text[found.end() :]
    return text


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
        self.written: set[str] = set()
        self.beside: frozenset[str] | None = None
        self._write(root, plain=False)
        for line, found in placeholders(self.source.text):
            if " ".join(found[1].split()) not in self.written:
                raise fences.PageError(
                    f"{self._place(found[1], line)}: {found[0]} stands where no number can be put,"
                    " such as in raw HTML or in the text of an image"
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
        if not text or isinstance(text, AtomicString):
            return text

        def replaced(found: re.Match) -> str:
            self.written.add(" ".join(found[1].split()))
            project = fences.the_project()
            try:
                if self.beside is None:
                    file = self._file()
                    page = file.src_uri.removesuffix(".md") if file else ""
                    self.beside = data_beside(project, page)
                value = number(project, found[1], self.beside)
            except TutorialError as error:
                raise fences.PageError(f"{self._place(found[1])}: {error}") from error
            return value.plain if plain else self.md.htmlStash.store(value.html(self._up()))

        return PLACEHOLDER.sub(replaced, text)

    def _file(self):
        relpath = "relpath" in self.md.treeprocessors
        return self.md.treeprocessors["relpath"].file if relpath else None

    def _up(self) -> str:
        file = self._file()
        return "../" * file.src_uri.count("/") if file else ""

    def _place(self, asked: str, line: int = 0) -> str:
        """MkDocs takes the front matter away: lines are counted in the file."""
        file, text, page = self._file(), self.source.text, "line "
        if file:
            text = Path(file.abs_src_path).read_text(encoding="utf-8")
            page = f"docs/{file.src_uri}:"
        for number_, found in placeholders(text):
            if found[1].split() == asked.split():
                line = number_
                break
        return f"{page}{line}"


def makeExtension(**options) -> NumberExtension:
    """What Python-Markdown calls, given the name `tutorial.page.numbers`."""
    return NumberExtension(**options)
