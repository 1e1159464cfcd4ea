"""A whole page in a picture, with what lies far below the window; a page that comes in parts."""

import io

import pytest
from PIL import Image

from tests.browser.visits import SIZES, WATCH_SHIFTS

PLACES = """() => [...document.querySelectorAll("article .highlight > pre > code")]
  .filter((code) => code.checkVisibility())
  .map((code) => {
    const { left, top, right, bottom } = code.getBoundingClientRect();
    return [[left, top + scrollY, right, bottom + scrollY].map(Math.round), code.textContent];
  })"""


@pytest.mark.parametrize("device", SIZES)
def test_a_picture_of_the_whole_page_has_all_code_in_it(new_page, device):
    page = new_page("quick.html", *SIZES[device])
    page.wait_for_timeout(4000)  # as somebody does who wants a picture
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L")
    blank = [
        text[:60] for box, text in page.evaluate(PLACES) if len(picture.crop(box).getcolors()) < 20
    ]
    page.context.close()
    assert not blank


@pytest.mark.parametrize("device", SIZES)
@pytest.mark.parametrize("path", ["calls.html", "glossary.html", "results.html", "tensors.html"])
def test_nothing_moves_while_a_slow_network_brings_the_page(new_page, server, path, device):
    server.pause = 0.1
    try:
        page = new_page(path, *SIZES[device], before=WATCH_SHIFTS)
    finally:
        server.pause = 0.0
    shifts = page.evaluate("shifts")
    page.context.close()
    # A line that the network has cut in two may grow: two thousandths have been seen.
    assert [shift for shift in shifts if float(shift.partition(":")[0]) > 0.005] == []
