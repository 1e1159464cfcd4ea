"""A training on a slider shows what its run has recorded."""

from dataclasses import dataclass

import numpy as np
import pytest

from tests.browser.kept import kept, on_stand_in, pixels
from tutorial.data.cifar10 import CLASSES

FILTERS, WATCHED = 6 * 3 * 5 * 5, 10
LARGEST = 120_000  # bytes


@dataclass
class Film:
    """What the run has written."""

    filters: np.ndarray  # (snapshots, 6, 3, 5, 5)
    probabilities: np.ndarray  # (snapshots, 10, 10): a picture of each class
    losses: np.ndarray  # (snapshots,)
    pictures: np.ndarray  # (10, 3, 32, 32)

    def said(self, number: int) -> str:
        right = (self.probabilities[number].argmax(1) == range(WATCHED)).sum()
        return (
            f"After {50 * number:,} steps: {right} of 10 images right. The next steps, 50 at most,"
            f" have a mean loss of {self.losses[number]:.2f}."
        )


@pytest.fixture(scope="module")
def film() -> Film:
    content = kept("classifier", "film")
    size = WATCHED * 3 * 32 * 32
    pictures, content = content[-size:], content[:-size]
    numbers = np.frombuffer(content, "<f2").astype(np.float64)
    count = len(numbers) // (FILTERS + 10 * WATCHED + 1)
    filters, probabilities, losses = np.split(
        numbers, [count * FILTERS, count * (FILTERS + 10 * WATCHED)]
    )
    return Film(
        filters.reshape(count, 6, 3, 5, 5),
        probabilities.reshape(count, WATCHED, 10),
        losses,
        np.frombuffer(pictures, np.uint8).reshape(WATCHED, 3, 32, 32),
    )


@pytest.fixture
def bench(new_page):
    page = new_page("classifier.html")
    element = page.locator("details[data-bench=training]")
    element.locator("summary").click()
    element.locator("canvas").first.wait_for()
    yield element
    assert page.complaints == []
    page.context.close()


def test_the_run_has_recorded_a_training(film):
    # Every 50th step of two epochs of 1,407, or of 282 on the drawn pictures.
    assert len(film.filters) == (12 if on_stand_in("classifier") else 57)
    assert np.allclose(film.probabilities.sum(2), 1, atol=0.01)
    assert film.losses[-5:].mean() < film.losses[:5].mean()
    steps = np.abs(np.diff(film.filters, axis=0)).reshape(len(film.filters) - 1, -1).max(1)
    assert steps.min() > 0, "two snapshots are the same tensor"


def test_each_step_shows_its_snapshot(bench, film):
    slider, said = bench.get_by_role("slider", name="Step"), bench.locator("output")
    limit = np.abs(film.filters).max()
    for number in (0, 7, len(film.filters) - 1):
        slider.fill(str(number))
        assert said.inner_text() == film.said(number)
        assert slider.evaluate("(slider) => slider.ariaValueText") == f"step {50 * number:,}"
        shown = pixels(bench.locator(".bench-maps canvas").nth(4))[..., :3]
        expected = 127.5 + 127.5 * film.filters[number, 4].transpose(1, 2, 0) / limit
        assert np.abs(shown - expected).max() <= 1
        for i, figure in enumerate(bench.locator("figure").all()):
            picture = film.pictures[i].transpose(1, 2, 0)
            assert (pixels(figure.locator("canvas"))[..., :3] == picture).all()
            answer = film.probabilities[number, i].argmax()
            mark = "✓" if answer == i else "✗"
            words = figure.inner_text().split("\n")
            assert words[0] == f"is {CLASSES[i]}"
            assert words[1].startswith(f"{mark} {CLASSES[answer]} ")


def test_the_keyboard_moves_it(bench, film):
    bench.get_by_role("slider").focus()
    last = len(film.filters) - 1
    for key, number in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", last)):
        bench.page.keyboard.press(key)
        assert bench.locator("output").inner_text() == film.said(number)


def test_the_curve_is_that_of_the_losses(bench, film):
    points = bench.locator("polyline").get_attribute("points").split()
    heights = np.array([float(point.partition(",")[2]) for point in points])
    assert len(heights) == len(film.losses)
    assert np.corrcoef(heights, film.losses)[0, 1] < -0.999  # downwards in a picture


def test_it_is_small():
    assert len(kept("classifier", "film")) <= LARGEST
