"""Where things live, and which sections exist."""

import os
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.cells import Section, check_device, read_section
from tutorial.lesson.variants import Question, questions, variants

SHOWN_CELL = re.compile(r"^\s*(?P<section>[\w-]+)\.py::(?P<cell>[\w-]+)\s*$")
MODULES = {*sys.stdlib_module_names, "torch", "torchvision", "numpy", "matplotlib", "PIL"}
WRITTEN = ("docs", "includes", "snippets", "outputs", "theme", "mkdocs.yml")  # by authors
INPUTS = (*WRITTEN, "tutorial", "package-lock.json", "requirements.txt", "constraints.txt")
INPUTS += (".github/preview.png",)
OUR_FENCE = re.compile(r"^\s*```\s*(?P<kind>cell|figure|section|exercise|error|bench)\s*$")


@dataclass(frozen=True)
class Fence:
    """A fence of a page: `named` is its body's first line, which stands at `place`."""

    kind: str
    named: str
    page: Path
    place: str


@dataclass(frozen=True)
class Project:
    """A checkout: `root` holds docs/, snippets/, outputs/ and mkdocs.yml.

    device: the one whose runs the pages must show. folder: of records and site, below root.
    """

    root: Path
    device: str = "cpu"
    folder: str = "build"

    @classmethod
    def find(cls, device: str = "cpu") -> "Project":
        """The checkout this package lies in, or TUTORIAL_ROOT (the tests build small ones).

        TutorialError for a device that snippets cannot run on.
        """
        check_device(device)
        root = Path(os.environ.get("TUTORIAL_ROOT") or Path(__file__).parents[2])
        return cls(root.resolve(), device)

    @property
    def build(self) -> Path:
        return self.root / self.folder

    @property
    def site(self) -> Path:
        return self.build / "site"

    def transcript(self, device: str, section: str) -> Path:
        return self.root / "outputs" / device / f"{section}.txt"

    def relative(self, path: Path) -> str:
        """The path as messages have it: from the root, unless it lies elsewhere."""
        inside = path.is_relative_to(self.root)
        return (path.relative_to(self.root) if inside else path).as_posix()

    @cached_property
    def stamps(self) -> dict[Path, str]:
        """A stamp of each file that the site is made of, as it was when this was first asked for.

        To be asked for before anything is read: what is saved later then counts as changed. What
        Python, linters and editors put beside it, hidden or in __pycache__, is no part of it.
        """
        stamps = {}
        for place in (self.root / name for name in INPUTS):
            for path in sorted(place.rglob("*"), key=str) if place.is_dir() else [place]:
                parts = path.relative_to(place).parts
                ignored = any(part.startswith((".", "__pycache__")) for part in parts)
                if not ignored and path.is_file():
                    stamps[path] = files.stamp(path)
        return stamps

    @cached_property
    def sections(self) -> dict[str, Section]:
        """Every section by name, in alphabetical order. TutorialError names what is amiss."""
        scripts = files.visible(self.root / "snippets", "*.py")
        for script in scripts:
            if script.stem in MODULES:
                raise TutorialError(
                    f"{self.relative(script)}: cells that import the module {script.stem} would"
                    " get this script in its place; give it another name"
                )
        return {script.stem: read_section(script, self.root) for script in scripts}

    def choose(self, names: list[str]) -> list[Section]:
        """The named sections (`tensors` or `snippets/tensors.py`); all for an empty list."""
        unknown = [name for name in names if Path(name).stem not in self.sections]
        if unknown:
            known = ", ".join(self.sections)
            raise TutorialError(f"no section is called {unknown[0]}: there are {known}")
        wanted = {Path(name).stem for name in names} or self.sections.keys()
        return [section for name, section in self.sections.items() if name in wanted]

    @cached_property
    def variants(self) -> dict[tuple[str, str], list[Section]]:
        """By section and cell: what the question below the cell offers beside its output."""
        return variants(self.root, self.sections)

    @cached_property
    def questions(self) -> dict[tuple[str, str], Question]:
        """By section and cell: the question why something is so, below the cell."""
        return questions(self.root, self.sections, self.variants)

    @cached_property
    def pages(self) -> dict[Path, list[str]]:
        """The lines of every page."""
        pages = files.visible(self.root / "docs", "**/*.md")
        return {page: files.lines(files.read(page)) for page in pages}

    @cached_property
    def fences(self) -> list[Fence]:
        """Every fence of ours on the pages, in order."""
        found = []
        for page, lines in self.pages.items():
            for number, line in enumerate(lines, 1):
                if match := OUR_FENCE.match(line):
                    named = "".join(lines[number : number + 1]).strip()
                    place = f"{self.relative(page)}:{number + 1}"
                    found.append(Fence(match["kind"], named, page, place))
        return found

    @cached_property
    def shown(self) -> dict[tuple[str, str], list[str]]:
        """For (section, cell): the `docs/page.md:line` places that show it in a cell fence.

        Or in an exercise fence, with its check, if the blank stands in the section's script.
        """
        places: dict[tuple[str, str], list[str]] = {}
        for fence in self.fences:
            match = SHOWN_CELL.match(fence.named)
            if not match:
                continue
            section, name = match["section"], match["cell"]
            names = [name] if fence.kind == "cell" else []
            if fence.kind == "exercise" and section in self.sections:
                cells = self.sections[section].cells
                if any(cell.has_blank and cell.name == name for cell in cells):
                    names = [name, f"check-{name}"]
            for each in names:
                places.setdefault((section, each), []).append(fence.place)
        return places

    def where(self, section: str, cell: str) -> str:
        """`shown at docs/tensors.md:31`, for messages about a cell."""
        places = self.shown.get((section, cell))
        return f"shown at {', '.join(places)}" if places else "shown on no page"
