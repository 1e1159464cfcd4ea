"""Code and outputs in the width of a phone."""

import pytest

from tests.browser import clipboard, visits

# In how many lines the text of an element is shown.
LINES = """(element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  return new Set([...range.getClientRects()].map(({ top }) => Math.round(top / 10))).size;
}"""
# The buttons that lie on text of their block.
COVERING = """() => {
  const covering = [], buttons = "article :is(.md-code__button, .copy-program, .enlarge)";
  for (const button of document.querySelectorAll(buttons)) {
    if (!button.checkVisibility()) continue;
    const { left, top, right, bottom } = button.getBoundingClientRect();
    const block = button.closest(".cell, .check, .highlight");
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      if (text.parentElement.closest("button, .copy-program") || !text.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      // The edge of a letter's box is empty.
      const isCovered = [...range.getClientRects()].some((box) => box.right > left + 1
        && box.left < right - 1 && box.bottom > top + 3 && box.top < bottom - 3);
      if (isCovered) covering.push(`${button.className} on ${text.data.trim().slice(0, 40)}`);
    }
  }
  return covering;
}"""


@pytest.fixture(scope="module")
def phone(new_page, prepare):
    """All pages, one after the other: what scrolls of (code, outputs), and COVERING."""
    page, code, outputs, covering = new_page("index.html", *visits.PHONE), [], [], []
    for path in visits.pages(visits.Project.find()):
        page.goto(path)
        page.wait_for_function(visits.LISTENING)
        prepare(page)
        page.evaluate("checks.expose()")
        code += page.evaluate("checks.scrollsSideways('.highlight pre > code')")
        outputs += page.evaluate("checks.scrollsSideways('.cell-output')")
        page.evaluate("checks.scrollThrough()")  # gives each block its button
        for width in (visits.PHONE[0], 320):
            page.set_viewport_size({"width": width, "height": visits.PHONE[1]})
            covering += [f"{path}, {width} px: {each}" for each in page.evaluate(COVERING)]
        page.set_viewport_size({"width": visits.PHONE[0], "height": visits.PHONE[1]})
    page.context.close()
    return code, outputs, covering


def test_no_code_scrolls_sideways(phone):
    code, _, _ = phone
    assert len(code) > 400
    assert [name for scrolls, name in code if scrolls] == []


def test_no_button_lies_on_text(phone):
    _, _, covering = phone
    assert covering == []


def test_few_outputs_scroll_sideways(phone):
    _, outputs, _ = phone
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
