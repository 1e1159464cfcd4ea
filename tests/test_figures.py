"""The dark twin of each figure: what can be seen in the light one can be seen there too."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tutorial.run import figures

STYLE = Path(figures.__file__).with_name("matplotlibrc")


@pytest.fixture
def dark(tmp_path):
    """Shows what a function draws; the pixels of its dark twin, (height, width, RGBA)."""
    backend = plt.get_backend()
    plt.switch_backend("module://tutorial.run.figures")

    def dark(draw) -> np.ndarray:
        draw()
        plt.show()
        (saved,) = figures.collect(tmp_path, "figure")
        return np.asarray(Image.open(tmp_path / saved["dark"]).convert("RGBA")).astype(int)

    with plt.rc_context(fname=STYLE):
        yield dark
    plt.close("all")
    plt.switch_backend(backend)


DRAWINGS = {
    "boxplot": lambda: plt.boxplot([[1, 2, 3, 4, 9], [2, 3, 4]]),
    "arrow": lambda: plt.annotate("a", (0.5, 0.5), (0.2, 0.8), arrowprops={"arrowstyle": "->"}),
    "arrow of its own": lambda: plt.annotate("a", (0.5, 0.5), (0.2, 0.8), arrowprops={}),
    "quiver": lambda: plt.quiver([0, 1], [0, 1], [1, 1], [1, -1]),
    "edges": lambda: plt.bar([1, 2], [3, 4], edgecolor="black"),
    "box around a text": lambda: plt.text(0.5, 0.5, "a", bbox={"facecolor": "none"}),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_stays_black(dark, name):
    pixels = dark(DRAWINGS[name])
    black = (pixels[..., :3].max(-1) < 16) & (pixels[..., 3] > 200)
    assert black.sum() == 0


def test_the_walls_of_a_cube_are_no_brighter_than_what_is_in_it(dark):
    pixels = dark(lambda: plt.figure().add_subplot(projection="3d"))
    walls = (pixels[..., 3] > 64) & (pixels[..., 3] < 160)
    assert walls.mean() < 0.05


@pytest.mark.parametrize("colour", ["white", "C1"])
def test_text_on_a_filled_shape_is_read(dark, colour):
    def draw():
        plt.bar([0], [1], color="C0")
        plt.text(0, 0.5, "MMMM", color=colour, ha="center", fontsize=30)

    pixels = dark(draw)
    ink = np.abs(pixels[..., :3] - (0x1F, 0x23, 0x28)).max(-1) < 6
    assert (ink & (pixels[..., 3] > 250)).sum() > 200


def test_a_line_that_cannot_be_seen_in_the_dark_is_told(dark):
    with pytest.raises(ValueError, match=r"#000080 cannot be seen in the dark palette; use .*C0"):
        dark(lambda: plt.plot([0, 1], color="navy"))


def test_a_figure_too_wide_for_a_phone_is_told(dark):
    dark(lambda: plt.figure(figsize=(5, 2)))
    with pytest.raises(ValueError, match=r"6.5 inches wide, .*; make it 5 inches wide at most"):
        dark(lambda: plt.figure(figsize=(6.5, 2)))
