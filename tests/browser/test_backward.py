"""A forward and a backward pass, step by step, are those that the cell above has printed."""

import re

import pytest

from tests.browser.visits import COMBINATIONS, SIZES, show
from tutorial.lesson.project import Project
from tutorial.record import records

LAST = 20


@pytest.fixture
def steps(new_page):
    page = new_page("autograd.html", width=320)
    element = page.locator("details[data-bench=backward]")
    element.locator("summary").click()
    element.locator("svg").wait_for()
    yield element
    assert page.complaints == []
    page.context.close()


def go(steps, button: str, times: int) -> None:
    for _ in range(times):
        steps.get_by_role("button", name=button).click(force=True)  # at either end too


def boxes(steps) -> dict[str, str]:
    """What stands in the second line of each box, by its first."""
    texts = steps.locator("svg text:not(.sign)").all_text_contents()
    return dict(zip(texts[::2], texts[1::2], strict=True))


def test_each_step_is_a_line_of_the_run(steps):
    text = records.read(Project.find(), "cpu", "autograd", "two-passes").text
    lines = [line for line in text.split("\n")[1:] if not line.startswith("pass")]
    said = []
    for _ in lines:
        go(steps, "Next", 1)
        said.append(steps.locator("output").inner_text())
    assert [words.partition(": ")[2] for words in said] == lines
    go(steps, "Next", 1)  # there is no more
    assert steps.locator("output").inner_text() == said[-1]
    assert steps.get_by_role("button", name="Next").get_attribute("aria-disabled") == "true"
    go(steps, "Back", 1)
    assert steps.locator("output").inner_text() == said[-2]


def test_values_come_forward_and_gradients_backward(steps):
    assert boxes(steps) == {
        **dict.fromkeys(["u", "y", "e", "loss"], ""),
        **dict.fromkeys(["w = 2", "b = -1", "x = 3", "target = 2"], ""),
    }
    go(steps, "Next", 4)
    assert "loss = 9" in boxes(steps)
    go(steps, "Next", 1)
    assert boxes(steps)["loss = 9"] == "gradient 1"
    assert boxes(steps)["e = 3"] == "gradient 3 + 3"
    assert steps.locator("line.now").count() == 2
    go(steps, "Next", 4)
    assert boxes(steps)["w = 2"] == "gradient 18"


def test_a_second_pass_has_a_new_graph_and_adds_to_the_gradients(steps):
    go(steps, "Next", 11)
    assert boxes(steps)["u = 6"] == ""
    assert boxes(steps)["y"] == boxes(steps)["loss"] == ""
    assert boxes(steps)["w = 2"] == ".grad = 18"
    go(steps, "Next", LAST - 11)
    assert boxes(steps)["w = 2"] == ".grad = 36"
    assert boxes(steps)["b = -1"] == ".grad = 12"
    assert boxes(steps)["x = 3"] == ""


def test_the_keyboard_goes_through_it(steps):
    steps.get_by_role("button", name="Next").focus()
    for _ in range(LAST + 2):
        steps.page.keyboard.press("Enter")
    assert re.match(f"Step {LAST} of {LAST}", steps.locator("output").inner_text())
    assert steps.page.evaluate("document.activeElement.textContent") == "Next"


def test_axe_finds_nothing_and_it_fits_a_narrow_phone(steps, prepare):
    page = steps.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    prepare(page)
    go(steps, "Next", 5)
    for scheme, device in COMBINATIONS:
        show(page, scheme, SIZES[device])
        assert page.evaluate("checks.audit(true)") == []


def test_the_present_step_is_printed(steps):
    steps.page.emulate_media(media="print")
    assert steps.locator("svg").is_visible()
