"""A lesson by keyboard alone."""

import pytest

from tests.browser import clipboard
from tests.browser.visits import DESKTOP, PHONE

# Whether the focused element can be seen to have the focus: itself, or what stands for it.
FOCUSED = """() => {
  const e = document.activeElement;
  const drawn = [e, ...(e.labels ?? []), e.nextElementSibling, e.parentElement].filter(Boolean);
  const outlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const box = e.getBoundingClientRect();
  return {
    name: checks.name(e),
    at: `${e.tagName} ${e.className}`.trim(),
    body: e === document.body,
    outlined: drawn.some((each) => [null, "::before", "::after"].some(
      (part) => outlined(getComputedStyle(each, part)))),
    inView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


@pytest.fixture
def page(new_page, prepare):
    page = new_page("tensors.html", permissions=["clipboard-read", "clipboard-write"])
    prepare(page)
    yield page
    page.context.close()


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_the_first_tab_offers_to_skip_to_the_content(page):
    press(page, "Tab")
    focused = page.evaluate(FOCUSED)
    assert "md-skip" in focused["at"] and focused["inView"]
    page.wait_for_function("() => getComputedStyle(document.activeElement).opacity === '1'")
    press(page, "Enter", "Tab")
    assert page.evaluate("document.activeElement.closest('article') !== null")


@pytest.mark.parametrize("key", ["/", "s"])
def test_a_key_opens_the_search_and_another_follows_a_result(page, key):
    press(page, key)
    page.keyboard.type("strides")
    page.locator(".md-search-result__item mark").first.wait_for()
    press(page, "ArrowDown")
    assert page.evaluate("document.activeElement.matches('.md-search-result__link')")
    press(page, "Enter")
    page.wait_for_url("**/*.html?h=*")


def test_escape_closes_the_search(page):
    press(page, "/")
    page.wait_for_function("() => document.querySelector('#__search').checked")
    press(page, "Escape")
    page.wait_for_function("() => !document.querySelector('#__search').checked")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", ["gpu.html", "index.html", "notebook/session.html"])
def test_every_stop_of_the_tab_key_is_seen(new_page, prepare, path, size):
    page = new_page(path, *size)
    prepare(page)
    wrong, stops = [], 0
    while True:
        press(page, "Tab")
        focused = page.evaluate(FOCUSED)
        if focused["body"]:
            break
        stops += 1
        assert stops < 1000, "the focus does not leave the page"
        if not focused["outlined"] or not focused["inView"]:
            wrong.append(focused)
    page.context.close()
    assert stops > 5 and not wrong, wrong  # on a phone little scrolls


@pytest.mark.parametrize("selector", ["details.run-record", ".exercise details"])
def test_enter_opens_what_is_folded(page, selector):
    page.locator(f"{selector} > summary").first.focus()
    press(page, "Enter")
    assert page.locator(selector).first.evaluate("each => each.open")


def test_the_palette_is_switched(page):
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for _ in range(2):  # to light, which it may be already, then to dark
        page.locator("[data-md-component=palette] label:not([hidden])").focus()
        press(page, "Enter")
    page.wait_for_function("() => document.body.dataset.mdColorScheme === 'slate'")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_a_block_is_copied(page):
    cell = page.locator(".cell").first
    cell.scroll_into_view_if_needed()  # it then gets its button
    clipboard.clear(page)
    cell.locator(".md-code__button").focus()
    press(page, "Enter")
    assert clipboard.copied(page).strip() == cell.locator(".highlight code").inner_text().strip()


def test_a_wide_output_is_scrolled(page):
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.evaluate("checks.expose()")
    index = page.evaluate(
        "[...document.querySelectorAll('.cell-output')]"
        ".findIndex((each) => each.scrollWidth > each.clientWidth + 40)"
    )
    assert index >= 0, "no output of this page is wide"
    output = page.locator(".cell-output").nth(index)
    output.focus()
    press(page, "ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_the_arrows_change_the_tab(new_page):
    page = new_page("index.html")
    page.locator(".tabbed-set > input:checked").first.focus()
    before = page.locator(".tabbed-set .tabbed-block:visible").first.inner_text()
    press(page, "ArrowRight")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.tabbed-set .tabbed-block')]"
        ".find((each) => each.checkVisibility()).innerText !== before",
        arg=before,
    )
    page.context.close()


def test_the_drawer_of_a_phone_is_opened(new_page):
    page = new_page("tensors.html", *PHONE)
    stops = 0
    while not page.evaluate("document.activeElement.matches('header [for=__drawer]')"):
        press(page, "Tab")
        stops += 1
        assert stops < 10, "the button of the drawer cannot be reached with the Tab key"
    press(page, "Enter")
    page.wait_for_function("() => document.querySelector('#__drawer').checked")
    page.context.close()
