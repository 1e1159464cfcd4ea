"""A picture or a saved copy of a whole page, with what lies far below the window."""

import io

import pytest
from PIL import Image

from tests.browser.visits import SIZES

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
