"""What opens over a page, by all rules of axe: the search with its results, a phone's drawer."""

import pytest

from tests.browser.visits import COMBINATIONS, SIZES, show

# One page of each kind: the panels are the same on all.
PAGES = ["index.html", "404.html", "gpu.html", "notebook/session.html"]


@pytest.fixture(scope="module", params=PAGES)
def panels(request, new_page, prepare) -> dict[tuple, list[str]]:
    """What axe says with each panel open, in each palette, by (panel, scheme, device)."""
    page, found = new_page(request.param), {}
    prepare(page)
    page.evaluate("checks.expose()")
    for scheme, device in COMBINATIONS:
        show(page, scheme, SIZES[device])
        page.evaluate("checks.remember('')")
    page.evaluate("checks.thin()")  # what lies below is tested as a whole elsewhere
    for scheme, device in COMBINATIONS:
        if device == "phone":
            show(page, scheme, SIZES[device])
            page.locator("header label[for=__drawer]").click()
            page.locator(".md-sidebar--primary").get_by_text("Glossary").wait_for()
            found["drawer", scheme, device] = page.evaluate("checks.audit(true)")
            page.evaluate("document.querySelector('#__drawer').click()")
    page.keyboard.press("/")
    page.keyboard.type("tensor")
    page.locator(".md-search-result__item:nth-child(5)").wait_for()
    for scheme, device in COMBINATIONS:
        show(page, scheme, SIZES[device])
        assert page.locator(".md-search-result__item mark").first.is_visible()
        found["search", scheme, device] = page.evaluate("checks.audit(true)")
    page.context.close()
    return found


@pytest.mark.parametrize("combination", COMBINATIONS, ids=" ".join)
def test_axe_finds_nothing_while_the_search_shows_results(panels, combination):
    assert panels["search", *combination] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_the_drawer_is_open(panels, scheme):
    assert panels["drawer", scheme, "phone"] == []
