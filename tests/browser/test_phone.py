"""Code and outputs in the width of a phone."""

import pytest

from tests.browser import clipboard, visits

# Whether each element of a kind that is shown is wider than its place.
SCROLLS = """selector => [...document.querySelectorAll(selector)]
  .filter((each) => each.checkVisibility())
  .map((each) => [each.scrollWidth > each.clientWidth + 1, checks.name(each)])"""
# In how many lines the text of an element is shown.
LINES = """(element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  return new Set([...range.getClientRects()].map(({ top }) => Math.round(top / 10))).size;
}"""


@pytest.fixture(scope="module")
def phone(new_page, prepare):
    """All pages, one after the other: (code, outputs), each a list of what SCROLLS says."""
    page, code, outputs = new_page("index.html", *visits.PHONE), [], []
    for path in visits.pages(visits.Project.find()):
        page.goto(path)
        page.wait_for_function(visits.LISTENING)
        prepare(page)
        page.evaluate("checks.expose()")
        code += page.evaluate(SCROLLS, ".highlight pre > code")
        outputs += page.evaluate(SCROLLS, ".cell-output")
    page.context.close()
    return code, outputs


def test_no_code_scrolls_sideways(phone):
    code, _ = phone
    assert len(code) > 400
    assert [name for scrolls, name in code if scrolls] == []


def test_few_outputs_scroll_sideways(phone):
    _, outputs = phone
    assert len(outputs) > 300
    wide = [name for scrolls, name in outputs if scrolls]
    assert len(wide) <= 0.2 * len(outputs), f"{len(wide)} of {len(outputs)}: {wide}"


def test_a_line_that_is_wrapped_is_copied_as_one(new_page):
    page = new_page(
        "tensors.html", *visits.PHONE, permissions=["clipboard-read", "clipboard-write"]
    )
    cell = page.locator("#tensors-negative-step")
    cell.scroll_into_view_if_needed()
    clipboard.clear(page)
    cell.locator(".md-code__button").click()
    copied = clipboard.copied(page)
    lines = cell.locator("code").first.evaluate(LINES)
    page.context.close()
    assert copied.strip() == "grid[:, ::-1]  # NumPy can do this; PyTorch has grid.flip(1)"
    assert lines > 1, "the line is not wrapped"
