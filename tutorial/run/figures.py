"""A Matplotlib backend: plt.show() saves each figure twice, for the light and the dark palette.

Chosen with MPLBACKEND=module://tutorial.run.figures; the style is that of matplotlibrc. The
finished figure is saved as it is and then recoloured: a snippet runs once and never mentions a
palette.
"""

import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colors
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas  # noqa: F401
from matplotlib.collections import Collection
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

DPI = 200  # twice the size shown, for screens of high density
LARGE = 60_000  # bytes
WIDEST = 5.0  # inches, as 500 pixels of a page: a phone shows it at seven tenths of its size
MOST = 20  # figures that are kept in memory; a cell is to show one

# Light colour, as in matplotlibrc -> dark colour, each at least 4.5:1 on its own ground.
INK = {"#1f2328": "#e6edf3", "#59636e": "#9da7b3", "#d1d9e0": "#3d444d"}
SERIES = {
    "#0072b2": "#56b4e9",
    "#c44e00": "#e69f00",
    "#007a5e": "#2bd4a5",
    "#a8458a": "#f0a0d0",
    "#6f5f00": "#f0e442",
    "#6e56cf": "#b8a7f5",
}
DARK = INK | SERIES | {"#000000": "#e6edf3"}  # Matplotlib's own black, of arrows and quivers
GROUND = "#121418"  # behind a figure in the dark palette
# Text that would be hard to read on what is behind it, a bar or a picture, takes one of these.
READABLE = ("#e6edf3", "#1f2328")
LEAST_TEXT, LEAST_LINE = 3.0, 1.5  # contrast

_shown: list[Image.Image] = []  # pairs, light and dark, waiting to be collected


def show(*_args, **_kwargs) -> None:
    """What plt.show() calls: draw every open figure in both palettes and close it.

    ValueError for one that is too wide, or has a line that could not be seen in the dark.
    """
    for number in plt.get_fignums():
        if len(_shown) == MOST:
            raise RuntimeError(f"shows more than {MOST} figures; give each a cell of its own")
        figure = plt.figure(number)
        if (width := figure.get_figwidth()) > WIDEST:
            raise ValueError(
                f"a figure is {width:g} inches wide, so that a phone shows its text too small to be"
                f" read; make it {WIDEST:g} inches wide at most, or stack its panels"
            )
        light = _draw(figure)
        _recolour(figure)
        _shown.append((light, _draw(figure)))
        plt.close(figure)


def collect(folder: Path, stem: str) -> list[dict]:
    """Write the figures shown since the last call; file names and CSS size in pixels of each."""
    saved = []
    for number, pair in enumerate(_shown, 1):
        base = stem if number == 1 else f"{stem}-{number}"
        names = [
            _write(image, folder / f"{base}-{palette}.webp")
            for image, palette in zip(pair, ("light", "dark"), strict=True)
        ]
        width, height = (side * 100 // DPI for side in pair[0].size)
        saved.append({"light": names[0], "dark": names[1], "width": width, "height": height})
    _shown.clear()
    return saved


def unshown() -> int:
    """How many figures a cell left open without plt.show(); they are closed."""
    count = len(plt.get_fignums())
    plt.close("all")
    return count


def _draw(figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, pil_kwargs={"compress_level": 0})
    return Image.open(buffer).convert("RGBA")


def _write(image: Image.Image, path: Path) -> str:
    """Without loss, unless photographs make that large."""
    image.save(path, lossless=True, method=4)
    if path.stat().st_size > LARGE:
        image.save(path, quality=90, method=4)
    return path.name


def _recolour(figure) -> None:
    """Bring a figure into the dark palette. ValueError for a line that could not be seen there."""
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    light = [text.get_color() for text in texts]
    for artist in _artists(figure):
        for name in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
            getter, setter = (getattr(artist, f"{verb}_{name}", None) for verb in ("get", "set"))
            if not getter or not setter:
                continue
            if isinstance(artist, Collection):
                if artist.get_array() is None and name != "color":
                    setter([_dark(colour) for colour in getter()])
            elif not isinstance(getter(), str) or getter() not in ("auto", "none", "inherit"):
                setter(_dark(getter()))
        if isinstance(artist, Line2D) and artist.get_visible() and artist.get_linestyle() != "None":
            _check_line(artist.get_color())
    for text, colour, ground in zip(texts, light, _grounds(figure, texts), strict=True):
        choices = (text.get_color(), colour, *READABLE)
        legible = [each for each in choices if _contrast(each, ground) >= LEAST_TEXT]
        text.set_color(legible[0])  # there is one: READABLE are far apart


def _artists(figure) -> list:
    """All parts of a figure, those too that Matplotlib does not count among the parts of a text."""
    artists = figure.findobj()
    hidden = [getattr(text, "arrow_patch", None) for text in artists]
    hidden += [text.get_bbox_patch() for text in artists if isinstance(text, Text)]
    return artists + [artist for artist in hidden if artist]


def _check_line(colour) -> None:
    if colors.to_rgba(colour)[3] and _contrast(colour, colors.to_rgb(GROUND)) < LEAST_LINE:
        raise ValueError(
            f"a line of the colour {colors.to_hex(colour)} cannot be seen in the dark palette;"
            ' use a colour of the cycle, such as "C0", which has a twin there'
        )


def _grounds(figure, texts: list[Text]) -> list[tuple[float, float, float]]:
    """What colour lies behind each text: the median within its box."""
    alphas = [text.get_alpha() for text in texts]
    for text in texts:
        text.set_alpha(0)  # invisible, and yet the layout stays as it is
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba()) / 255
    opacity = pixels[..., 3:]
    pixels = pixels[..., :3] * opacity + np.array(colors.to_rgb(GROUND)) * (1 - opacity)
    grounds = []
    for text, alpha in zip(texts, alphas, strict=True):
        text.set_alpha(alpha)
        box = text.get_window_extent()
        left, right = (round(max(x, 0)) for x in (box.x0, box.x1))
        top, bottom = (round(max(len(pixels) - y, 0)) for y in (box.y1, box.y0))
        behind = pixels[top : bottom + 1, left : right + 1].reshape(-1, 3)
        grounds.append(tuple(np.median(behind, 0)) if len(behind) else colors.to_rgb(GROUND))
    return grounds


def _contrast(one, other) -> float:
    """Contrast of two colours as WCAG defines it, from 1 to 21."""
    lights = []
    for colour in (one, other):
        rgb = np.array(colors.to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    return max(lights) / min(lights)


def _dark(colour):
    red, green, blue, alpha = colors.to_rgba(colour)
    light = colors.to_hex((red, green, blue))
    return (*colors.to_rgb(DARK[light]), alpha) if light in DARK else colour
