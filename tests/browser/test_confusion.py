"""Confusion matrices of a run: the images in a cell, and what another seed changes."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.browser.kept import kept, on_stand_in, pixels
from tutorial.data.cifar10 import CLASSES
from tutorial.lesson.project import Project
from tutorial.record import records
from tutorial.record.results import Results


@pytest.fixture
def bench(new_page):
    """Opens a bench of the page: bench("seeds")."""
    pages = []

    def bench(kind: str, name: str = "inside"):
        page = new_page(f"{name}.html")
        pages.append(page)
        element = page.locator(f"details[data-bench={kind}]")
        element.locator("summary").click()
        element.locator("table").first.wait_for()
        return element

    yield bench
    for page in pages:
        assert page.complaints == []
        page.context.close()


def counts_in(table) -> np.ndarray:
    rows = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    return np.array(rows, int)


def test_a_cell_shows_its_images(bench):
    content = kept("inside", "examples")
    counts = np.frombuffer(content[:200], "<i2").reshape(10, 10)
    sheet = np.array(Image.open(io.BytesIO(content[200:])))
    assert counts.sum() == (2_000 if on_stand_in("inside") else 10_000)
    element = bench("confusion")
    assert (counts_in(element.locator("table")) == counts).all()
    rare = np.argwhere((counts > 0) & (counts < 6))[0]
    for row, column in ((2, 4), (9, 9), rare):
        count = counts[row, column]
        name = f"{count}: {CLASSES[row]}, answer {CLASSES[column]}"
        element.get_by_role("button", name=name, exact=True).click()
        said = element.locator("output").inner_text()
        words = f"{count} of {counts[row].sum()} images: the class is {CLASSES[row]}, the answer"
        assert said.startswith(f"{words} {CLASSES[column]}.")
        shown = pixels(element.locator(".bench-sheet canvas"))[..., :3].astype(int)
        assert shown.shape == (32, 32 * min(count, 6), 3)
        top = 32 * (10 * row + column)
        expected = sheet[top : top + 32, : shown.shape[1]]
        assert np.abs(shown - expected).mean() < 1  # two decoders of JPEG


def test_arrow_keys_go_from_cell_to_cell(bench):
    element = bench("confusion")
    page, said = element.page, element.locator("output")
    stops = element.locator("table button[tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert "the class is bird, the answer deer." in said.inner_text()
    assert page.evaluate("document.activeElement.ariaLabel").endswith("bird, answer deer")
    for _ in range(12):  # no further than the border
        page.keyboard.press("ArrowRight")
    assert "the class is bird, the answer truck." in said.inner_text()
    assert stops.count() == 1
    assert element.locator("button[aria-pressed=true]").count() == 1


def test_another_seed_is_one_of_the_run(bench):
    content = kept("inside", "five-seeds")
    matrices = np.frombuffer(content, "<i2").reshape(-1, 10, 10)
    assert len(matrices) == 5 and len({matrix.tobytes() for matrix in matrices}) == 5
    accuracies = np.einsum("sii->s", matrices) / matrices.sum((1, 2))
    accuracies = accuracies.astype(np.float32).astype(float)  # as PyTorch's mean() rounds
    by_class = np.einsum("sii->si", matrices) / matrices.sum(2)
    element = bench("seeds")
    said, seen = element.locator("output"), 0
    for draw in range(8):
        if draw:
            element.get_by_role("button", name="Draw another seed").click()
        number = int(re.match(r"Seed (\d):", said.inner_text())[1])
        assert (number != seen) == (draw > 0)
        assert said.inner_text().startswith(
            f"Seed {number}: a test accuracy of {100 * accuracies[number]:.1f}%."
        )
        assert (counts_in(element.locator(".bench-confusion")) == matrices[number]).all()
        rows = element.locator(".bench-scores tr").all()
        for i in (0, 9):
            cells = rows[i].locator("td").all_inner_texts()
            assert cells[0] == f"{100 * by_class[number, i]:.1f}%"
            if draw:
                change = 100 * (by_class[number, i] - by_class[seen, i])
                assert float(cells[1].replace("−", "-")) == pytest.approx(change, abs=0.051)
        seen = number
    element.get_by_label("Seed").select_option("2")
    assert said.inner_text().startswith("Seed 2:")


def test_the_accuracies_are_those_that_the_page_prints(bench):
    text = records.read(Project.find(), "cpu", "inside", "five-seeds").text
    element = bench("seeds")
    for seed, printed in re.findall(r"seed (\d): ([\d.]+%)", text):
        element.get_by_label("Seed").select_option(seed)
        assert (
            element.locator("output")
            .inner_text()
            .startswith(f"Seed {seed}: a test accuracy of {printed}")
        )


def test_the_seeds_of_a_recipe_are_those_of_the_results(bench):
    results = Results(Project.find())
    element = bench("recorded-seeds", "results")
    shown = element.get_by_label("Recipe").locator("option").all_inner_texts()
    assert shown == sorted(name for name in results.recipes if results.current(name))
    for name in ("plain-loop", "instruments"):
        _, result = results.one(name)
        element.get_by_label("Recipe").select_option(name)
        for seed in (0, 4):
            element.get_by_label("Seed").select_option(str(seed))
            accuracy = result["accuracy"]["values"][seed]
            said = element.locator("output").inner_text()
            (shown,) = re.findall(rf"^Seed {seed}: a test accuracy of ([\d.]+)%\.", said)
            assert float(shown) == pytest.approx(100 * accuracy, abs=0.051)  # rounded otherwise
            rows = element.locator(".bench-scores tr").all()
            assert [row.locator("th").inner_text() for row in rows] == list(result["classes"])
            matrix = element.locator(".bench-confusion tbody tr").all()
            counts = [list(map(int, row.locator("td").all_inner_texts())) for row in matrix]
            assert counts == result["confusion"][seed]
            last = list(result["classes"].values())[-1]["values"][seed]
            of_last = rows[-1].locator("td").first.inner_text()
            assert float(of_last.removesuffix("%")) == pytest.approx(100 * last, abs=0.051)
