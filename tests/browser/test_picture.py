"""The network of a page answers in the browser as torch does, and a reader can ask it."""

import base64
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.browser.visits import COMBINATIONS, SIZES, show
from tutorial.data.cifar10 import CLASSES
from tutorial.lesson.project import Project
from tutorial.record import records

SHAPES = [
    *[(6, 3, 5, 5), (6,), (16, 6, 5, 5), (16,)],
    *[(120, 400), (120,), (84, 120), (84,), (10, 84), (10,)],
]
COUNT = sum(math.prod(shape) for shape in SHAPES)
LOGITS = "(pictures) => pictures.map((picture) => benches.logits(Uint8Array.from(picture)))"


@pytest.fixture(scope="module")
def kept() -> tuple[nn.Module, torch.Tensor]:
    """The network and the ten pictures (10, 3, 32, 32) that the run has written."""
    project = Project.find()
    record = records.read(project, "cpu", "inside", "rounded")
    content = (records.folder(project, "cpu", "inside") / record.kept[0]).read_bytes()
    numbers = torch.from_numpy(np.frombuffer(content[: 2 * COUNT], "<f2").astype(np.float32))
    network = nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    ).eval()
    pieces = numbers.split([math.prod(shape) for shape in SHAPES])
    with torch.no_grad():
        for weight, piece in zip(network.parameters(), pieces, strict=True):
            weight.copy_(piece.view(weight.shape))
    pictures = torch.from_numpy(np.frombuffer(content[2 * COUNT :], np.uint8).copy())
    return network, pictures.view(-1, 3, 32, 32)


@pytest.fixture
def bench(new_page):
    """Opens the bench: bench(width=390)."""
    pages = []

    def bench(**options):
        page = new_page("inside.html", **options)
        pages.append(page)
        element = page.locator("details[data-bench=picture]")
        element.locator("summary").click()
        element.locator(".bench-maps canvas").first.wait_for()
        return element

    yield bench
    for page in pages:
        assert page.complaints == []
        page.context.close()


def decoded(url: str) -> np.ndarray:
    """The pixels (height, width, 4) of a canvas's data URL."""
    return np.array(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_it_computes_what_torch_computes(bench, kept):
    network, test_pictures = kept
    assert test_pictures.shape == (10, 3, 32, 32)
    torch.manual_seed(0)
    # The pictures of the run turned, mirrored and mixed are as varied as a thousand others.
    mixed = []
    for _ in range(990):
        one, other = test_pictures[torch.randint(10, (2,))].float()
        share = torch.rand(3, 1, 1)
        both = share * one + (1 - share) * other.flip(2)
        mixed.append(both.roll(int(torch.randint(32, ())), 1))
    pictures = torch.cat([test_pictures, torch.stack(mixed).round().to(torch.uint8)])
    with torch.inference_mode():
        expected = network((pictures / 255 - 0.5) / 0.5)
    page = bench().page
    answers = torch.tensor(page.evaluate(LOGITS, pictures.flatten(1).tolist()))
    assert (answers - expected).abs().max() < 1e-3
    best = expected.topk(2).values
    clear = best[:, 0] - best[:, 1] > 1e-3
    assert torch.equal(answers.argmax(1)[clear], expected.argmax(1)[clear])
    assert len(expected.argmax(1).unique()) >= 8, "pictures that are too much alike"


def test_a_test_picture_a_file_and_a_drawing_are_answered(bench, kept, tmp_path):
    network, pictures = kept
    element = bench()
    said = element.locator("output")

    def expected(picture: torch.Tensor) -> str:
        with torch.inference_mode():
            shares = network((picture[None] / 255 - 0.5) / 0.5).softmax(1)[0]
        name = CLASSES[shares.argmax()]
        return f"The network answers {name}, with a probability of {shares.max():.0%}"

    for label in (0, 8):
        element.get_by_role("button", name=f"Test picture: {CLASSES[label]}").click()
        assert said.inner_text().startswith(expected(pictures[label]))
    # A picture of 32 by 32 pixels comes through as it is.
    file = tmp_path / "mine.png"
    Image.fromarray(pictures[5].permute(1, 2, 0).numpy()).save(file)
    element.get_by_label("A picture of yours").set_input_files(file)
    words = expected(pictures[5])
    said.get_by_text(words).wait_for()
    # The middle of a wide one; what is transparent is white.
    wide = Image.new("RGBA", (300, 100))
    file = tmp_path / "wide.png"
    wide.save(file)
    element.get_by_label("A picture of yours").set_input_files(file)
    white = torch.full((3, 32, 32), 255, dtype=torch.uint8)
    said.get_by_text(expected(white)).wait_for()
    before = element.locator("table").inner_text()
    canvas = element.locator(".bench-drawn")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    mouse = element.page.mouse
    mouse.move(box["x"] + 30, box["y"] + 30)
    mouse.down()
    mouse.move(box["x"] + 130, box["y"] + 130, steps=20)
    mouse.up()
    assert element.locator("table").inner_text() != before
    element.get_by_role("button", name="Empty square").click()
    assert element.locator("table").inner_text() == before
    (tmp_path / "text.png").write_text("no picture")
    element.get_by_label("A picture of yours").set_input_files(tmp_path / "text.png")
    said.get_by_text("text.png is no picture that this browser can show.").wait_for()


def test_the_maps_are_those_of_the_network(bench, kept):
    network, pictures = kept
    element = bench()
    element.get_by_role("button", name=f"Test picture: {CLASSES[0]}").click()
    for stage, end in (("conv1", 1), ("pool1", 3), ("pool2", 6)):
        element.locator("select").select_option(stage)
        with torch.inference_mode():
            maps = network[:end]((pictures[:1] / 255 - 0.5) / 0.5)[0]
        shown = element.locator(".bench-maps canvas:not(.filter)")
        assert shown.count() == len(maps) == element.locator(".bench-maps .filter").count()
        for number in (0, len(maps) - 1):
            url = shown.nth(number).evaluate("(canvas) => canvas.toDataURL()")
            pixels = torch.from_numpy(decoded(url)).float()
            assert pixels.shape[:2] == maps.shape[1:]
            # Red above pale where the value is positive, as large as its share of the largest.
            share = maps[number] / maps.abs().max()
            red = 221 + (180 - 221) * share.clamp(min=0) + (59 - 221) * (-share).clamp(min=0)
            assert (pixels[..., 0] - red).abs().max() <= 1


def test_hiding_parts_shows_where_the_probability_falls(bench):
    element = bench()
    element.get_by_role("button", name="Hide each part in turn").click()
    element.get_by_text("Hiding a square of 8 × 8 changes the probability of").wait_for()
    size = element.locator(".bench-covered canvas").evaluate("(c) => [c.width, c.height]")
    assert size == [13, 13]


def test_axe_finds_nothing_and_it_fits_a_narrow_phone(bench, prepare):
    element = bench(width=320)
    page = element.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    prepare(page)
    for scheme, device in COMBINATIONS:
        show(page, scheme, SIZES[device])
        assert page.evaluate("checks.audit(true)") == []


def test_weights_are_loaded_for_whoever_opens_it(new_page):
    page, asked = new_page("inside.html"), []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.locator("details[data-bench=picture] summary").click()
    page.locator("details[data-bench=picture] canvas").first.wait_for()
    scripts = [name.partition(".")[0] for name in asked if name.endswith(".js")]
    assert scripts == ["picture", "rounded"]
    page.context.close()


def test_it_works_in_a_page_that_was_opened_from_the_disk(browser, server):
    page = browser.new_page()
    page.goto((server.folder / "inside.html").as_uri())
    page.locator("details[data-bench=picture] summary").click()
    page.locator("details[data-bench=picture] .bench-maps canvas").first.wait_for()
    page.close()
