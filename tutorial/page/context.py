"""What the pages of a build have in common: the project, the device, runs of cells, results.

A Python-Markdown extension, `tutorial.page.context`, hands it to fences and numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown import Markdown
from markdown.extensions import Extension
from pymdownx.superfences import SuperFencesException

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.cells import DEVICES, Cell, Section
from tutorial.lesson.needs import lacks
from tutorial.lesson.project import Project
from tutorial.page import formats, study_time
from tutorial.page.study_time import Part
from tutorial.record import records, transcripts
from tutorial.record.results import Results
from tutorial.record.transcripts import Transcript

NAMES = {"cpu": "CPU", "cuda": "GPU", "mps": "MPS", "xpu": "XPU"}
FACTS = {
    "device": "Device",
    "torch": "torch",
    "torchvision": "torchvision",
    "python": "Python",
    "threads": "Threads",
    "preview": "Preview",  # see site/preview.py
    "date": "Date",
    "revision": "Sources",
}

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
TEMPLATES.globals |= {"NAMES": NAMES, "formats": formats}


class PageError(TutorialError, SuperFencesException):
    """A page asks for something that no current run has; SuperFences lets this class through."""


@dataclass(frozen=True)
class Run:
    """What a cell did on one device, from a record of this machine or a committed transcript."""

    cell: str
    device: str
    text: str
    seconds: float | None
    facts: dict[str, str]
    data: str
    figures: tuple[dict, ...] = ()
    sounds: tuple[dict, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return NAMES[self.device]


@dataclass(frozen=True)
class LastRun:
    """What is current of a run on one device: `total` cells could be."""

    total: int
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float | None:
        """None where a cell's time is not known."""
        times = [run.seconds for run in self.runs]
        return sum(times) if times and None not in times else None

    @property
    def data(self) -> str:
        return next((run.data for run in reversed(self.runs) if run.data), "")

    @property
    def words(self) -> str:
        """`torch 2.14.1, 2026-11-27`; with the first and the last day where they differ."""
        releases = sorted({run.facts["torch"].partition("+")[0] for run in self.runs})
        days = sorted({run.facts["Date"][:10] for run in self.runs} - {""})
        when = " to ".join(dict.fromkeys([days[0], days[-1]])) if days else ""
        return ", ".join(filter(None, [f"torch {' and '.join(releases)}", when]))


def agree(runs: list[Run]) -> bool:
    return all(transcripts.same_to_a_reader(runs[0].text, run.text) for run in runs[1:])


@dataclass(frozen=True)
class BuildContext:
    """Made once per build, so that results are read once.

    has_runs: False for a check, which takes each cell for one that has run.
    """

    project: Project
    has_runs: bool = True

    @property
    def device(self) -> str:
        return self.project.device

    @cached_property
    def results(self) -> Results:
        return Results(self.project)

    @cached_property
    def sections(self) -> list[Section]:
        """In the order of the navigation."""
        order = files.read(self.project.root / "mkdocs.yml")
        return sorted(self.project.sections.values(), key=lambda s: order.find(f"{s.name}.md"))

    @cached_property
    def lessons(self) -> list[Section]:
        """Those whose page begins with a `section` fence, in the order of the navigation."""
        pages = {fence.page.stem for fence in self.project.fences if fence.kind == "section"}
        return [section for section in self.sections if section.name in pages]

    def find_section(self, script: str) -> Section:
        """What `tensors.py` names; PageError says what there is."""
        section = self.project.sections.get(script.removesuffix(".py"))
        if section is None:
            known = ", ".join(f"{name}.py" for name in self.project.sections)
            raise PageError(f"{script}: there is no snippets/{script}; there are {known}")
        return section

    def find_cell(self, text: str) -> tuple[Section, Cell]:
        """What `tensors.py::from-data` names, with its section; PageError says what there is."""
        script, _, name = text.partition("::")
        section = self.find_section(script)
        cells = {cell.name: cell for cell in section.cells}
        if name not in cells:
            said = f"snippets/{script} has no cell {name}" if name else "write script.py::cell"
            raise PageError(f"{text}: {said}: it has {', '.join(cells)}")
        return section, cells[name]

    @cached_property
    def _runs(self) -> dict[tuple[str, str], list[Run]]:
        """By section and cell: numbers and several pages ask for the same ones."""
        return {}

    def runs_of(self, section: Section, cell: Cell) -> list[Run]:
        """One Run per device that has a current one. The build's device must be among them."""
        if not self.has_runs:
            return [Run(cell.name, self.device, "", 0.0, _facts({}), "")]
        name = section.name, cell.name
        if name not in self._runs:
            self._runs[name] = self._read_runs(section, cell)
        return self._runs[name]

    def _read_runs(self, section: Section, cell: Cell) -> list[Run]:
        runs = []
        for device in DEVICES:
            keys = section.keys(device)
            if cell.name not in keys:
                continue
            record = records.read(self.project, device, section.name, cell.name)
            skipped = lacks(section, cell.name, device)
            if record and record.key == keys[cell.name] and not record.failure:
                known = {"date": record.date, "revision": record.revision} | record.environment
                facts = _facts(known | {"device": known.get("device_name", "")})
                ran = record.text, record.seconds, facts, record.data
                drawn = tuple(record.figures), tuple(record.sounds), tuple(record.kept)
                runs.append(Run(cell.name, device, *ran, *drawn))
            elif record and record.failure and record.failure == skipped:
                continue
            elif device == self.device:
                what = "no record of a run" if record is None else "a stale record"
                if record and record.failure:
                    what = f"a failed run: {record.failure}"
                raise PageError(
                    f"{self.project.where(section.name, cell.name)}: {cell.id} has {what} on"
                    f" {device}; 'make site' runs it"
                )
            else:
                runs += self._committed(section, cell, device)
        return runs

    def last_run(self, sections: Iterable[Section], device: str) -> LastRun:
        """How many of the cells that run on a device have a current run there, and of when."""
        total, runs = 0, []
        for section in sections:
            cells = section.on(device)
            total += len(cells)
            runs += [r for cell in cells for r in self.runs_of(section, cell) if r.device == device]
        return LastRun(total, tuple(runs))

    def _committed(self, section: Section, cell: Cell, device: str) -> list[Run]:
        """The cell's transcript, as a list of none or one, where it is of the present code."""
        transcript = Transcript.read(self.project.transcript(device, section.name))
        entry = transcript.current(section.fingerprints(device)).get(cell.name)
        if entry is None or entry.failed:
            return []
        reads = section.downloads(device, upto=cell.name)
        data = transcript.facts.get("data", "") if reads else ""
        facts = _facts(transcript.facts)
        return [Run(cell.name, device, entry.output, entry.seconds, facts, data)]

    def data_beside(self, page: str) -> frozenset[str]:
        """Names of the data that the cells of a page were run on in this build, or those of any
        page where it has none of its own: its readers come from there.
        """
        sections = self.project.sections
        own = {page} & sections.keys()
        if not own or not sections[page].downloads(self.device):
            own = sections.keys()
        return frozenset().union(
            *(records.data_of(self.project, self.device, name) for name in own)
        )

    @cached_property
    def _parts(self) -> dict[str, list[Part]]:
        pages = self.project.pages.items()
        return {page.name: study_time.parts(lines) for page, lines in pages}

    def title_of(self, page: str) -> str:
        """The page's heading of level 1."""
        lines = self.project.pages.get(self.project.root / "docs" / f"{page}.md", [])
        return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), page)

    def parts_of(self, page: str) -> list[Part]:
        """The parts of `session.md`, or those under one heading of it, `session.md#1-tensors`."""
        name, _, anchor = page.partition("#")
        parts = self._parts[name]
        if not anchor:
            return parts
        if not (section := study_time.section(parts, anchor)):
            known = ", ".join(f"#{part.anchor}" for part in parts[1:])
            raise PageError(f"docs/{name} has no #{anchor}: there are {known}")
        return section


def _facts(known: dict) -> dict[str, str]:
    return {title: str(known.get(key, "")) for key, title in FACTS.items()}


def page_of(md: Markdown) -> str:
    """The page that MkDocs converts, `tensors.md`; empty for text of another origin."""
    in_mkdocs = "relpath" in md.treeprocessors
    return md.treeprocessors["relpath"].file.src_uri if in_mkdocs else ""


def render(template: str, **values) -> str:
    """HTML from a file in templates/."""
    return TEMPLATES.get_template(template).render(**values)


@cache
def _of_this_checkout() -> BuildContext:
    """For a tool that reads mkdocs.yml by itself."""
    return BuildContext(Project.find())


class ContextExtension(Extension):
    def __init__(self, **options) -> None:
        self.config = {"context": ["", "a BuildContext; that of this checkout where there is none"]}
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:
        md.build_context = self.getConfig("context") or _of_this_checkout()


makeExtension = ContextExtension  # what Python-Markdown calls, given the name of this module
