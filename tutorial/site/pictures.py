"""Figures that look different from those of another run, on one HTML page side by side.

What a change prints otherwise shows in the diff of outputs/; a picture shows in no diff.
"""

import shutil
from pathlib import Path

from jinja2 import Environment
from PIL import Image, ImageChops, ImageStat

from tutorial import TutorialError
from tutorial.lesson.cells import DEVICES
from tutorial.lesson.project import Project
from tutorial.record import records

SAME_PICTURE = 1.0  # mean difference of two pictures' pixels, 0 to 255: an edge drawn otherwise
PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")


def compare(project: Project, others: Path, folder: Path) -> dict[str, str]:
    """How each picture, `cpu/audio/chirp-light.webp`, differs from that in `others`, a build/.

    Pictures of the light palette stand for both. Those that differ are copied into `folder`, beside
    an index.html that shows them. Raises TutorialError if `others` has no pictures at all.
    """
    before, after = _pictures(others), _pictures(project.build)
    if not before:
        raise TutorialError(f"{others}: there are no pictures to compare with")
    shutil.rmtree(folder, ignore_errors=True)
    changed = {}
    for name in sorted(before.keys() | after.keys()):
        if difference := _difference(before.get(name), after.get(name)):
            changed[name] = difference
            for side, pictures in (("before", before), ("after", after)):
                if name in pictures:
                    (folder / side / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(pictures[name], folder / side / name)
    if changed:
        page = Environment(autoescape=True).from_string(PAGE)
        text = page.render(changed=changed, folder=folder)
        (folder / "index.html").write_text(text, encoding="utf-8")
    return changed


def _pictures(build: Path) -> dict[str, Path]:
    """By a name that does not follow from the content, as the file's own does."""
    return {
        records.CONTENT.sub(path.suffix, path.relative_to(build).as_posix()): path
        for device in DEVICES
        for path in (build / device).glob("*/*-light.*webp")
        if "." not in path.parent.name  # a variant's, which no page shows
    }


def _difference(before: Path | None, after: Path | None) -> str:
    """In words; empty if two pictures look the same."""
    if before is None or after is None:
        return "removed" if after is None else "new"
    with Image.open(before) as one, Image.open(after) as other:
        if one.size != other.size:
            return f"{one.width} x {one.height} before, {other.width} x {other.height} now"
        difference = ImageChops.difference(one.convert("RGBA"), other.convert("RGBA"))
    mean = sum(ImageStat.Stat(difference).mean) / 4
    return f"pixels differ by {mean:.1f} of 255 on average" if mean > SAME_PICTURE else ""
