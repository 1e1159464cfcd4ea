"""A Matplotlib backend: plt.show() saves each figure twice, for the light and the dark palette.

Chosen with MPLBACKEND=module://tutorial.run.figures; the style is that of matplotlibrc. The
finished figure is saved as it is and then recoloured: a snippet runs once and never mentions a
palette.
"""

import io
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib import colors
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas  # noqa: F401
from matplotlib.collections import Collection
from PIL import Image

DPI = 200  # twice the size shown, for screens of high density
LARGE = 60_000  # bytes
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
DARK = INK | SERIES

_shown: list[Image.Image] = []  # pairs, light and dark, waiting to be collected


def show(*_args, **_kwargs) -> None:
    """What plt.show() calls: draw every open figure in both palettes and close it."""
    for number in plt.get_fignums():
        if len(_shown) == MOST:
            raise RuntimeError(f"shows more than {MOST} figures; give each a cell of its own")
        figure = plt.figure(number)
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
    for artist in figure.findobj():
        for name in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
            getter, setter = (getattr(artist, f"{verb}_{name}", None) for verb in ("get", "set"))
            if not getter or not setter:
                continue
            if isinstance(artist, Collection):
                if artist.get_array() is None and name != "color":
                    setter([_dark(colour) for colour in getter()])
            elif not isinstance(getter(), str) or getter() not in ("auto", "none", "inherit"):
                setter(_dark(getter()))


def _dark(colour):
    red, green, blue, alpha = colors.to_rgba(colour)
    light = colors.to_hex((red, green, blue))
    return (*colors.to_rgb(DARK[light]), alpha) if light in DARK else colour
