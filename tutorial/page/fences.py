"""What a page shows of a run: the `cell`, `section`, `exercise` and `error` fences.

The `results` fence is in results_page.py.

They are ordinary SuperFences custom fences (see mkdocs.yml), so pages render the same in
any tool that uses Python-Markdown.
"""

import os
import re
from dataclasses import dataclass
from functools import cache, wraps
from html import escape
from itertools import groupby

from pymdownx.superfences import SuperFencesException

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson import labs
from tutorial.lesson.cells import DEVICES, Cell, Section
from tutorial.lesson.project import Project
from tutorial.page import programs
from tutorial.record import records, transcripts
from tutorial.record.transcripts import Transcript

NAMES = {"cpu": "CPU", "cuda": "GPU", "mps": "MPS", "xpu": "XPU"}
FACTS = {
    "device_name": "Device",
    "torch": "torch",
    "torchvision": "torchvision",
    "python": "Python",
    "threads": "Threads",
}
# Names, operators, punctuation, blanks: no colour of their own, and half the elements of a page.
UNSTYLED = re.compile(r'<span class="[nopw]">([^<]*)</span>')
WORDS_A_MINUTE, CODE_LINES_A_MINUTE = 200, 25
LONGEST_READ = 100  # lines; a longer cell holds data, which nobody reads line by line

# Said at the top of a page that was built without the real thing.
NOTES = {
    cifar10.STAND_IN: "This copy of the page was built where CIFAR-10 could not be downloaded. Its"
    " cells ran on a <strong>drawn stand-in</strong>: pictures of the same ten classes, drawn by a"
    " program. On CIFAR-10 they print other numbers. An accuracy that the text marks with"
    " (CIFAR-10) was measured on the real images, and so was the training time beside it.",
    weights.STAND_IN: "This copy of the page was built where the pretrained weights could not be"
    " downloaded. The network has <strong>random weights</strong> in their place: the steps are"
    " the same, your numbers will differ.",
}


class PageError(TutorialError, SuperFencesException):
    """A page asks for something that no current run has; SuperFences lets this class through."""


@dataclass(frozen=True)
class Run:
    """What a cell did on one device, from a record of this machine or a committed transcript."""

    device: str
    text: str
    figures: tuple[dict, ...]
    seconds: float | None
    facts: dict[str, str]
    data: str
    sounds: tuple[dict, ...] = ()

    @property
    def label(self) -> str:
        return NAMES[self.device]


def runs_of(project: Project, section: Section, cell: Cell) -> list[Run]:
    """One Run per device that has a current one. The device of this build must be among them."""
    home = os.environ.get("DEVICE") or "cpu"
    found = []
    for device in DEVICES:
        keys = section.keys(device)
        if cell.name not in keys:
            continue
        record = records.read(project, device, section.name, cell.name)
        if record and record.key == keys[cell.name] and not record.failure:
            environment = record.environment
            facts = {title: str(environment.get(key, "")) for key, title in FACTS.items()}
            facts |= {"Date": record.date, "Sources": record.revision}
            drawn, heard = tuple(record.figures), tuple(record.sounds)
            found.append(Run(device, record.text, drawn, record.seconds, facts, record.data, heard))
        elif device == home:
            what = "no record of a run" if record is None else "a stale record"
            if record and record.failure:
                what = f"a failed run: {record.failure}"
            raise PageError(
                f"{project.where(section.name, cell.name)}: {cell.id} has {what} on {device};"
                " 'make site' runs it"
            )
        else:
            found += _committed(project, section, cell, device)
    return found


def _committed(project: Project, section: Section, cell: Cell, device: str) -> list[Run]:
    """The cell's transcript, as a list of none or one, where it is of the present code."""
    path = project.transcript(device, section.name)
    transcript = Transcript.read(path)
    entry = transcript.current(section.fingerprints(device)).get(cell.name)
    if entry is None:
        return []
    given = transcript.facts
    facts = {title: given.get(key, "") for key, title in FACTS.items()}
    facts |= {"Device": given.get("device", ""), "Date": given.get("date", "")}
    facts |= {"Sources": given.get("revision", "")}
    data = given.get("data", "") if section.needs(device, upto=cell.name) else ""
    return [Run(device, entry.output, (), entry.seconds, facts, data)]


@cache
def the_project() -> Project:
    """Read once per build: site.build() clears it."""
    return Project.find()


def find_cell(text: str) -> tuple[Project, Section, Cell | None]:
    """What `tensors.py::from-data` or `tensors.py` in a fence names."""
    project = the_project()
    script, _, name = text.strip().partition("::")
    section = project.sections.get(script.removesuffix(".py"))
    if section is None:
        raise PageError(f"the page shows {text.strip()!r}, but there is no snippets/{script}")
    cells = {cell.name: cell for cell in section.cells}
    if name and name not in cells:
        raise PageError(
            f"the page shows {text.strip()!r}, but snippets/{script} has no cell {name}:"
            f" it has {', '.join(cells)}"
        )
    return project, section, cells.get(name)


def never_silent(formatter):
    """SuperFences shows the fence's text in place of what raised, unless it is of its own class."""

    @wraps(formatter)
    def loud(source, *args, **kwargs) -> str:
        try:
            return formatter(source, *args, **kwargs)
        except PageError:
            raise
        except TutorialError as error:
            raise PageError(str(error)) from error
        except Exception as error:
            raise PageError(f"{source.strip()}: {type(error).__name__}: {error}") from error

    return loud


@never_silent
def show_cell(source, language, css_class, options, md, **kwargs) -> str:
    """SuperFences formatter: a cell's code, what it printed and drew, and the run's record."""
    project, section, cell = find_cell(source)
    if cell is None:
        raise PageError(f"a cell fence holds {source.strip()!r}; write script.py::cell")
    runs = runs_of(project, section, cell)
    drawn = next((run for run in runs if run.figures), None)
    if not runs:
        result = '<p class="cell-label">Needs a GPU: no current run to show</p>'
    elif agree(runs):
        result = _result(cell, drawn or runs[0], runs, drawn)
    else:
        result = _tabs(
            f"{section.name}-{cell.name}",
            [(run.label, _result(cell, run, [run], drawn, marked(run, runs))) for run in runs],
        )
    program = style = ""
    if cell.name in programs.of(project, section):
        first, _, _ = cell.source.strip().partition("\n")
        style = f' style="--first: {len(first)}"'  # a long one must keep clear of the buttons
        program = (
            f'<a class="copy-program" href="{programs.address(section, cell)}" download'
            f' title="Copy as a program: with all that it needs"'
            f' aria-label="Copy {cell.name} as a program"></a>'
        )
    return (
        f'<div class="cell" id="{section.name}-{cell.name}"{style}>'
        f"{program}{_code(cell.source, md)}"
        # Not a div: the search plugin takes the end of an inner element of the same name, such
        # as a tab's, for the end of what it leaves out.
        f'<section class="cell-run" data-search-exclude>{result}</section></div>'
    )


def _code(source: str, md, language: str = "python") -> str:
    highlight = md.preprocessors["fenced_code_block"].highlight
    asked = {"options": {}, "classes": None, "id_value": "", "attrs": None}
    return UNSTYLED.sub(r"\1", highlight(src=source.strip("\n"), language=language, md=md, **asked))


@never_silent
def show_exercise(source, language, css_class, options, md, **kwargs) -> str:
    """SuperFences formatter: a blank to fill in, its check, and the solution, folded."""
    exercise = find_exercise(the_project(), source.strip())
    section = source.strip().partition(".py")[0]
    return (
        f'<div class="exercise" id="{section}-exercise-{exercise.name}">'
        f"{_code(exercise.stub, md)}"
        # With ids: by the nearest one Material names what its copy button copies.
        f'<details class="example" id="{section}-exercise-{exercise.name}-check">'
        "<summary>Check your answer</summary><p>Run this below your function. It says in one"
        " sentence what is wrong, or that it is right."
        f' The <a href="labs/{section}.html">lab</a> has both in a notebook.</p>'
        # To be copied and run, hardly read: colours would be half the elements of the page.
        f"{_code(exercise.check, md, 'text')}</details>"
        f'<details class="success" id="{section}-exercise-{exercise.name}-solution">'
        f"<summary>Solution</summary>{_code(exercise.solution, md)}</details></div>"
    )


def find_exercise(project: Project, name: str) -> labs.Exercise:
    """What `tensors.py::normalise` in an exercise fence names."""
    section, _, exercise = name.partition(".py::")
    lab = labs.Lab(project, section)
    if not lab.path.is_file():
        raise PageError(f"the page shows {name!r}, but there is no {project.relative(lab.path)}")
    if exercise not in lab.exercises:
        known = ", ".join(lab.exercises)
        raise PageError(
            f"the page shows {name!r}, but {project.relative(lab.path)} has no exercise"
            f" {exercise}: it has {known}"
        )
    return lab.exercises[exercise]


@never_silent
def show_error(source, language, css_class, options, md, **kwargs) -> str:
    """SuperFences formatter: the real message of a cell that is meant to raise, and its place."""
    project, section, cell = find_cell(source)
    if cell is None or "error" not in cell.options:
        raise PageError(f"an error fence holds {source.strip()!r}, which is no cell with error=")
    message = runs_of(project, section, cell)[0].text.rpartition(f"{cell.options['error']}: ")[2]
    title = title_of(project, section.name)
    return (
        f'<div class="cell"><section class="cell-run" data-search-exclude>'
        f'<pre class="cell-output cell-error no-copy" tabindex="0" role="region"'
        f' aria-label="Message of {section.name}, {cell.name}"><code>{cell.options["error"]}:'
        f' {escape(message, quote=False)}</code></pre><p class="cell-label">'
        f'<a href="{section.name}.html#{section.name}-{cell.name}">In the lesson: {title}</a></p>'
        "</section></div>"
    )


def title_of(project: Project, page: str) -> str:
    """The page's heading of level 1."""
    lines = project.pages.get(project.root / "docs" / f"{page}.md", [])
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), page)


def marked(run: Run, runs: list[Run]) -> str:
    """The run's output, with marks around what others printed otherwise."""
    found = [transcripts.differences(run.text, other.text)[0] for other in runs]
    differs = {at for spans in found for span in spans for at in range(*span)}
    parts = []
    for is_marked, places in groupby(range(len(run.text)), differs.__contains__):
        text = escape("".join(run.text[at] for at in places), quote=False)
        parts.append(f'<mark class="differs">{text}</mark>' if is_marked else text)
    return "".join(parts)


def _result(cell: Cell, run: Run, runs: list[Run], drawn: Run | None, shown: str = "") -> str:
    """Output, figure and record.

    runs: all whose output is the same; drawn: has the figure; shown: the output, if as HTML.
    """
    parts = []
    if run.text:
        kind = " cell-error" if "error" in cell.options else ""
        label = "Error, as intended" if kind else "Output"
        if "<mark" in shown:
            label += '<span class="differs-note">what differs is marked</span>'
        spoken = f"{'Error' if kind else 'Output'} of {cell.name} on the {run.label}"
        parts.append(
            f'<p class="cell-label">{label}</p><pre class="cell-output no-copy{kind}"'
            f' tabindex="0" role="region" aria-label="{escape(spoken)}">'
            f"<code>{shown or escape(run.text, quote=False)}</code></pre>"
        )
    if run.figures or drawn:
        parts.append(_figure(cell, run if run.figures else drawn, own=bool(run.figures)))
    parts += [_sound(cell, each) for each in runs if each.sounds][:1]
    parts.append(_details(runs))
    return "".join(parts)


def _figure(cell: Cell, run: Run, own: bool) -> str:
    figure = run.figures[0]
    images = "".join(
        f'<img src="assets/figures/{run.device}/{cell.section}/{figure[palette]}#only-{palette}"'
        f' alt="{escape(cell.options["alt"])}" width="{figure["width"]}"'
        f' height="{figure["height"]}" loading="lazy" decoding="async">'
        for palette in ("light", "dark")
    )
    note = "" if own else f"<figcaption>Drawn by the run on the {run.label}</figcaption>"
    return f'<figure class="cell-figure">{images}{note}</figure>'


def _sound(cell: Cell, run: Run) -> str:
    address = f"assets/sounds/{run.device}/{cell.section}/{run.sounds[0]['file']}"
    return (
        f'<figure class="cell-sound"><audio controls preload="none" src="{address}"'
        f' aria-label="Sound of {cell.name}"></audio>'
        f"<figcaption>{escape(cell.options['heard'], quote=False)}</figcaption></figure>"
    )


def _details(runs: list[Run]) -> str:
    heads, tables = [], []
    for run in runs:
        seconds = "" if run.seconds is None else f" · {readable_seconds(run.seconds)}"
        heads.append(f"{run.label}{seconds}")
        facts = {**run.facts, "Data": run.data}
        rows = "".join(
            f"<dt>{title}</dt><dd>{escape(fact)}</dd>" for title, fact in facts.items() if fact
        )
        tables.append(f"<dl>{rows}</dl>")
    summary = " = ".join(heads) if len(runs) > 1 else heads[0]
    data = next((run.data for run in runs if run.data), "")
    summary += f" · {escape(data)}" if data else ""
    return f'<details class="run-record"><summary>{summary}</summary>{"".join(tables)}</details>'


def _tabs(stem: str, tabs: list[tuple[str, str]]) -> str:
    """The markup of Material's content tabs, whose choice it remembers over the site."""
    inputs, labels, blocks = [], [], []
    for number, (label, html) in enumerate(tabs, 1):
        target = f"__tabbed_{stem}_{number}"
        checked = ' checked="checked"' if number == 1 else ""
        inputs.append(f'<input{checked} id="{target}" name="__tabbed_{stem}" type="radio">')
        labels.append(f'<label for="{target}">{label}</label>')
        blocks.append(f'<div class="tabbed-block">{html}</div>')
    return (
        f'<div class="tabbed-set tabbed-alternate" data-tabs="{stem}:{len(tabs)}">'
        f'{"".join(inputs)}<div class="tabbed-labels">{"".join(labels)}</div>'
        f'<div class="tabbed-content">{"".join(blocks)}</div></div>'
    )


def readable_seconds(seconds: float) -> str:
    if seconds < 0.0095:
        return "under 0.01 s"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"


@never_silent
def show_section(source, language, css_class, options, md, **kwargs) -> str:
    """SuperFences formatter: how long a lesson takes, what it ran on, and its downloads."""
    project, section, _ = find_cell(source)
    facts = [f"<li><b>Reading</b> about {reading_minutes(project, section)} min</li>"]
    data = ""
    totals: dict[str, list] = {}
    for cell in section.cells:
        runs = runs_of(project, section, cell)
        for run in runs:
            totals.setdefault(run.label, []).append(run.seconds)
        data = (runs[0].data if runs else "") or data  # another device's block names its own
    for label, seconds in totals.items():
        if None not in seconds:
            facts.append(f"<li><b>Running</b> {readable_seconds(sum(seconds))} on the {label}</li>")
    if data:
        facts.append(f"<li><b>Data</b> {escape(data)}</li>")
    name = section.name
    for title, ending in (("Script", "py"), ("Notebook", "ipynb")):
        facts.append(f'<li><a href="{name}.{ending}" download>{title}</a></li>')
    if link := labs.colab(f"snippets/notebooks/{name}.ipynb"):
        facts.append(f"<li>{link}</li>")
    # Without a script it is a download as well.
    facts.append(f'<li><a class="copy-page" href="{name}.md" download>Copy as Markdown</a></li>')
    if labs.Lab(project, name).path.is_file():
        facts.append(f'<li class="lab"><a href="labs/{name}.html">Lab</a></li>')
    note = "".join(
        f'<p class="stand-in-note">{text}</p>' for name, text in NOTES.items() if name in data
    )
    return (
        f'<section class="lesson-facts" aria-label="About this lesson" data-search-exclude>'
        f"<ul>{''.join(facts)}</ul>{note}</section>"
    )


def reading_minutes(project: Project, section: Section) -> int:
    """Minutes to read the prose and the code, to the next five above ten."""
    page = project.root / "docs" / f"{section.name}.md"
    words = sum(len(line.split()) for line in project.pages.get(page, []))
    sizes = [len(cell.source.splitlines()) for cell in section.cells]
    code = sum(size for size in sizes if size <= LONGEST_READ)
    minutes = words / WORDS_A_MINUTE + code / CODE_LINES_A_MINUTE
    step = 5 if minutes > 10 else 1
    return max(1, round(minutes / step) * step)


def agree(runs: list[Run]) -> bool:
    return all(transcripts.same_to_a_reader(runs[0].text, run.text) for run in runs[1:])
