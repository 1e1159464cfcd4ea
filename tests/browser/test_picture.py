"""The network of a page answers in the browser as torch does, and a reader can ask it."""

import math
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from tests import nightly
from tests.browser.kept import kept, pixels
from tutorial.data import cifar10
from tutorial.data.cifar10 import CLASSES
from tutorial.lesson.project import Project

LAB = [
    *[(6, 3, 5, 5), (6,), (16, 6, 5, 5), (16,)],
    *[(120, 400), (120,), (84, 120), (84,), (10, 84), (10,)],
]
WIDE = [
    *[(3, 1, 1), (3, 1, 1)],
    *[(16, 3, 3, 3), (16, 1, 1), (16, 1, 1)],
    *[(32, 16, 3, 3), (32, 1, 1), (32, 1, 1)],
    *[(64, 32, 3, 3), (64, 1, 1), (64, 1, 1)],
    *[(10, 1024), (10,)],
]
LOGITS = """([number, pictures]) =>
    pictures.map((picture) => benches.logits(number, Uint8Array.from(picture)))"""


def weights(content: bytes, shapes: list[tuple]) -> list[torch.Tensor]:
    count = sum(math.prod(shape) for shape in shapes)
    numbers = torch.from_numpy(np.frombuffer(content[: 2 * count], "<f2").astype(np.float32))
    pieces = numbers.split([math.prod(shape) for shape in shapes])
    return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]


@pytest.fixture(scope="module")
def of_run() -> tuple[nn.Module, torch.Tensor]:
    """The network and the ten pictures (10, 3, 32, 32) that the run has written."""
    content = kept("inside", "rounded")
    network = nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    ).eval()
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights(content, LAB), strict=True):
            parameter.copy_(weight)
    pictures = np.frombuffer(content[-10 * 3 * 32 * 32 :], np.uint8).copy()
    return network, torch.from_numpy(pictures).view(-1, 3, 32, 32)


def expected_logits(of_run, number: int, pictures: torch.Tensor) -> torch.Tensor:
    """What torch computes with the rounded weights of the lab network, 0, or the wide one, 1."""
    maps = (pictures / 255 - 0.5) / 0.5
    if number == 0:
        return of_run[0](maps)
    mean, deviation, *layers, weight, bias = weights(kept("faster", "wide-rounded"), WIDE)
    maps = (maps - mean) / deviation
    for kernels, scale, shift in zip(layers[::3], layers[1::3], layers[2::3], strict=True):
        maps = F.relu(F.max_pool2d(F.conv2d(maps, kernels, padding=1), 2) * scale + shift)
    return F.linear(maps.flatten(1), weight, bias)


@torch.inference_mode()
def assert_same_answers(page, of_run, number: int, pictures: torch.Tensor) -> None:
    expected = expected_logits(of_run, number, pictures)
    answers = torch.tensor(page.evaluate(LOGITS, [number, pictures.flatten(1).tolist()]))
    assert (answers - expected).abs().max() < 1e-3
    best = expected.topk(2).values
    clear = best[:, 0] - best[:, 1] > 1e-3
    assert torch.equal(answers.argmax(1)[clear], expected.argmax(1)[clear])
    assert len(expected.argmax(1).unique()) >= 8, "pictures that are too much alike"


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


@pytest.mark.parametrize("number", [0, 1])
def test_it_computes_what_torch_computes(bench, of_run, number):
    test_pictures = of_run[1]
    assert test_pictures.shape == (10, 3, 32, 32)
    torch.manual_seed(0)
    # The pictures of the run, turned, mirrored and mixed.
    mixed = []
    for _ in range(90):
        one, other = test_pictures[torch.randint(10, (2,))].float()
        share = torch.rand(3, 1, 1)
        both = share * one + (1 - share) * other.flip(2)
        mixed.append(both.roll(int(torch.randint(32, ())), 1))
    pictures = torch.cat([test_pictures, torch.stack(mixed).round().to(torch.uint8)])
    assert_same_answers(bench().page, of_run, number, pictures)


@nightly.mark
@pytest.mark.parametrize("number", [0, 1])
def test_it_computes_what_torch_computes_for_a_thousand_test_images(bench, of_run, number):
    source = cifar10.provide(Project.find().root, lambda *said: None)
    with open(source.folder / cifar10.FOLDER / "test_batch", "rb") as file:
        pixels = pickle.load(file, encoding="latin1")["data"][:1000]
    pictures = torch.from_numpy(pixels).view(-1, 3, 32, 32)
    assert_same_answers(bench().page, of_run, number, pictures)


def percent(share: float) -> str:
    return "over 99%" if share > 0.995 else f"{share:.0%}"


def test_the_wide_network_answers_too(bench, of_run):
    element = bench()
    element.get_by_role("button", name=f"Test picture: {CLASSES[8]}").click()
    element.get_by_label("Network").select_option("1")
    with torch.inference_mode():
        shares = expected_logits(of_run, 1, of_run[1][8:9]).softmax(1)[0]
    words = f"The network answers {CLASSES[shares.argmax()]}, with a probability of"
    assert element.locator("output").inner_text().startswith(f"{words} {percent(shares.max())}")
    for stage, maps, size in (("conv1", 16, 32), ("block2", 32, 8), ("block3", 64, 4)):
        element.get_by_label("What becomes of it").select_option(stage)
        shown = element.locator(".bench-maps canvas:not(.filter)")
        assert shown.count() == maps
        assert pixels(shown.last).shape == (size, size, 4)


def test_a_test_picture_a_file_and_a_drawing_are_answered(bench, of_run, tmp_path):
    network, pictures = of_run
    element = bench()
    said = element.locator("output")

    def expected(picture: torch.Tensor) -> str:
        with torch.inference_mode():
            shares = network((picture[None] / 255 - 0.5) / 0.5).softmax(1)[0]
        name = CLASSES[shares.argmax()]
        return f"The network answers {name}, with a probability of {percent(shares.max())}"

    for label in (0, 8):
        element.get_by_role("button", name=f"Test picture: {CLASSES[label]}").click()
        assert said.inner_text().startswith(expected(pictures[label]))
        assert said.inner_text().endswith(f"The picture's class is {CLASSES[label]}.")
    # A picture of 32 by 32 pixels comes through as it is.
    file = tmp_path / "mine.png"
    Image.fromarray(pictures[5].permute(1, 2, 0).numpy()).save(file)
    element.get_by_label("A picture of yours").set_input_files(file)
    words = expected(pictures[5])
    said.get_by_text(words).wait_for()
    assert "class is" not in said.inner_text()
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
    said.get_by_text("text.png cannot be read as a picture.").wait_for()
    with element.page.expect_file_chooser():
        element.get_by_label("A picture of yours").click()
    # A browser tells of a file only if it is another one than before.
    assert element.get_by_label("A picture of yours").evaluate("(input) => input.files.length") == 0


def test_a_fast_pen_leaves_no_gaps_and_only_the_main_button_draws(bench):
    element = bench()
    element.get_by_role("button", name="Empty square").click()
    canvas, mouse = element.locator(".bench-drawn"), element.page.mouse

    def stroke(button: str) -> np.ndarray:
        """Whether a column has a pixel that is not white."""
        canvas.hover(position={"x": 10, "y": 100})
        mouse.down(button=button)
        canvas.hover(position={"x": 190, "y": 100})
        mouse.up(button=button)
        return (pixels(canvas)[..., :3] < 255).any((0, 2))

    assert not stroke("middle").any()
    assert stroke("left")[2:30].all()


def test_the_maps_are_those_of_the_network(bench, of_run):
    network, pictures = of_run
    element = bench()
    element.get_by_role("button", name=f"Test picture: {CLASSES[0]}").click()
    for stage, end in (("conv1", 1), ("pool1", 3), ("pool2", 6)):
        element.get_by_label("What becomes of it").select_option(stage)
        with torch.inference_mode():
            maps = network[:end]((pictures[:1] / 255 - 0.5) / 0.5)[0]
        shown = element.locator(".bench-maps canvas:not(.filter)")
        assert shown.count() == len(maps) == element.locator(".bench-maps .filter").count()
        for number in (0, len(maps) - 1):
            colours = torch.from_numpy(pixels(shown.nth(number))).float()
            assert colours.shape[:2] == maps.shape[1:]
            # Red above pale where the value is positive, as large as its share of the largest.
            share = maps[number] / maps.abs().max()
            red = 221 + (180 - 221) * share.clamp(min=0) + (59 - 221) * (-share).clamp(min=0)
            assert (colours[..., 0] - red).abs().max() <= 1


def test_what_was_hidden_in_another_picture_is_never_shown(bench, of_run):
    network, pictures = of_run
    with torch.inference_mode():
        answers = network((pictures / 255 - 0.5) / 0.5).argmax(1)
    other = int((answers != answers[0]).nonzero()[0])
    element = bench()
    hide = element.get_by_role("button", name="Hide each part in turn")
    element.locator(".bench-covered").evaluate("""(covered) => {
      window.seen = [];
      const see = () => window.seen.push(covered.textContent);
      new MutationObserver(see).observe(covered, { childList: true });
    }""")
    chosen = [element.get_by_role("button", name=f"Test picture: {CLASSES[i]}") for i in (0, other)]
    clicks = [click for picture in chosen for click in (picture, hide)]
    # At once: a busy machine would have hidden all of the first picture before the second click.
    element.page.evaluate(
        "(buttons) => buttons.forEach((button) => button.click())",
        [button.element_handle() for button in clicks],
    )
    name = CLASSES[answers[other]]
    element.get_by_role("status").get_by_text(f"the probability of {name}").wait_for()
    told = [text for text in element.page.evaluate("seen") if "changes" in text]
    assert len(told) == 1 and f"the probability of {name}" in told[0]


def test_hiding_parts_shows_where_the_probability_falls(bench):
    element = bench()
    element.get_by_role("button", name="Hide each part in turn").click()
    element.get_by_text("Hiding a square of 8 × 8 changes the probability of").wait_for()
    size = element.locator(".bench-covered canvas").evaluate("(c) => [c.width, c.height]")
    assert size == [13, 13]
