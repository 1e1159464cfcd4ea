"""The picture of a shared link and of README.md: what the network on the home page has learnt.

README.md needs it as a committed file, and the site has a copy. `make outputs` makes it from the
figure of that cell's run. It carries the fingerprint of the cell, so that `make check` can tell one
that other code has drawn.
"""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson.cells import Section
from tutorial.lesson.project import Project
from tutorial.page.context import BuildContext
from tutorial.record import records

SECTION, CELL = "index", "spirals"
COMMITTED = ".github/preview.png"
SIZE = 1200, 630  # what sites that show the picture of a link ask for
MARGIN = 60
PAGE, INK = "#fdfcfa", "#24272e"  # as in theme/style/colours.css
DRAWN_BY = "drawn by"  # a text within the file


def write(project: Project) -> None:
    """Make the picture, from the cell's record; TutorialError if there is none."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont
    from PIL.PngImagePlugin import PngInfo

    record = records.read(project, project.device, SECTION, CELL)
    if record is None or not record.figures:
        raise TutorialError(f"{COMMITTED}: {SECTION}.py::{CELL} has drawn nothing: make site")
    figure = Image.open(
        records.folder(project, project.device, SECTION) / record.figures[0]["light"]
    ).convert("RGBA")
    side = SIZE[1] - MARGIN
    figure = figure.resize((side * figure.width // figure.height, side), Image.Resampling.LANCZOS)
    picture = Image.new("RGBA", SIZE, PAGE)
    picture.alpha_composite(figure, (SIZE[0] - figure.width - MARGIN // 2, MARGIN // 2))
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif-Bold.ttf"
    title = textwrap.fill(BuildContext(project).title_of(SECTION), width=13)
    ImageDraw.Draw(picture).text(
        (MARGIN, SIZE[1] // 2), title, INK, ImageFont.truetype(font, 58), anchor="lm", spacing=18
    )
    about = PngInfo()
    about.add_text(DRAWN_BY, _fingerprint(project))
    picture.convert("RGB").quantize(128).save(
        project.root / COMMITTED, optimize=True, pnginfo=about
    )


def stale(project: Project) -> Iterator[str]:
    """What is amiss with the committed picture, in a line, if anything is."""
    from PIL import Image

    if not is_drawn_by(project.sections.values()) or not (project.root / COMMITTED).is_file():
        return
    with Image.open(project.root / COMMITTED) as picture:
        if picture.text.get(DRAWN_BY) != _fingerprint(project):
            yield (
                f"{COMMITTED}: drawn by other code than snippets/{SECTION}.py::{CELL}:"
                f" make outputs SECTIONS={SECTION}"
            )


def is_drawn_by(sections: Iterable[Section]) -> bool:
    """Whether the cell is in one of the sections; small projects of the tests have none."""
    return any(cell.name == CELL for s in sections if s.name == SECTION for cell in s.cells)


def _fingerprint(project: Project) -> str:
    return project.sections[SECTION].fingerprints(project.device)[CELL]
