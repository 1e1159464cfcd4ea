"""How long a student needs for a page: by its words, its cells and its exercises.

A section whose heading begins with `More: ` can be left out at first, with all that stands under
it. The rest is the core; none of its cells needs one that can be left out, which a test checks.
"""

import re
from dataclasses import dataclass, field

from markdown.extensions.toc import slugify

from tutorial.lesson.project import OUR_FENCE

WORDS_A_MINUTE = 200  # with formulas and figures between them
MINUTES = {"cell": 0.75, "exercise": 10}  # to run a cell and look at what it prints; to solve one
MORE = "More: "

HEADING = re.compile(r"(?P<level>#{1,6})\s+(?P<title>.+?)\s*(?:\{\s*#(?P<id>[\w-]+)\s*\})?")
FENCE = re.compile(r"\s*(?P<marks>`{3,}|~{3,})")


@dataclass
class Part:
    """A heading and what stands below it, up to the next heading of any level.

    fences: the kind of each, and what it names, as in ("cell", "tensors.py::from-data").
    """

    level: int
    anchor: str
    is_more: bool
    words: int = 0
    fences: list[tuple[str, str]] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        return self.words / WORDS_A_MINUTE + sum(MINUTES.get(kind, 0) for kind, _ in self.fences)


def parts(lines: list[str]) -> list[Part]:
    """The parts of a page, in order. In front of all headings stands one of level 0."""
    page, more_level, end_of_fence = [Part(0, "", False)], 7, ""
    end_of_facts = lines.index("---", 1) if lines[:1] == ["---"] else -1
    for number, line in enumerate(lines[end_of_facts + 1 :], end_of_facts + 1):
        if end_of_fence:
            end_of_fence = "" if line.strip() == end_of_fence else end_of_fence
        elif fence := FENCE.match(line):
            end_of_fence = fence["marks"]
            if (ours := OUR_FENCE.match(line)) and number + 1 < len(lines):
                page[-1].fences.append((ours["kind"], lines[number + 1].strip()))
        elif heading := HEADING.fullmatch(line):
            level = len(heading["level"])
            if level <= more_level:
                more_level = level if heading["title"].startswith(MORE) else 7
            anchor = heading["id"] or slugify(heading["title"], "-")
            page.append(Part(level, anchor, level >= more_level))
        else:
            page[-1].words += len(line.split())
    return page


def section(page: list[Part], anchor: str) -> list[Part]:
    """The part with that anchor, and those that stand under it; empty if there is none."""
    parts: list[Part] = []
    for part in page:
        if parts and part.level <= parts[0].level:
            break
        if parts or part.anchor == anchor:
            parts.append(part)
    return parts


def minutes(page: list[Part], core: bool = False) -> float:
    """What the parts take together, or those of them that belong to the core."""
    return sum(part.minutes for part in page if not (core and part.is_more))
