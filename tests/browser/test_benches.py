"""What holds for every bench that reads the file of a run."""

import pytest

from tests.browser.visits import COMBINATIONS, SIZES, show

# Page, bench, and the scripts and the cell's file that are loaded when it is opened.
BENCHES = [
    ("inside", "picture", ["drawing", "picture", "rounded", "wide-rounded"]),
    ("index", "small-picture", ["drawing", "picture", "rounded"]),
    ("inside", "confusion", ["drawing", "confusion", "examples"]),
    ("inside", "seeds", ["drawing", "confusion", "five-seeds"]),
    ("results", "recorded-seeds", ["drawing", "confusion", "results"]),
    ("classifier", "training", ["drawing", "training", "film"]),
]
pytestmark = pytest.mark.parametrize(("name", "kind", "scripts"), BENCHES)
# Controls that are cut; a table can be scrolled.
CUT = """(bench) => [...bench.querySelectorAll(":is(button, input, select):not(td *)")]
  .filter((control) => control.getBoundingClientRect().right > bench.getBoundingClientRect().right)
  .map((control) => control.outerHTML)"""


def opened(page, kind: str):
    element = page.locator(f"details[data-bench={kind}]")
    element.locator("summary").press("Enter")  # a mouse would stay above something
    page.locator(f"details[data-bench={kind}].ready").wait_for()
    return element


def test_axe_finds_nothing_and_it_fits_a_narrow_phone(new_page, prepare, name, kind, scripts):
    page = new_page(f"{name}.html", width=320)
    assert opened(page, kind).evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    prepare(page)
    for scheme, device in COMBINATIONS:
        show(page, scheme, SIZES[device])
        assert page.evaluate("checks.audit(true)") == []
    assert page.complaints == []
    page.context.close()


def test_its_scripts_are_loaded_for_whoever_opens_it(new_page, name, kind, scripts):
    page, asked = new_page(f"{name}.html"), []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    opened(page, kind)
    assert [name.partition(".")[0] for name in asked if name.endswith(".js")] == scripts
    page.context.close()


def test_it_works_in_a_page_that_was_opened_from_the_disk(browser, server, name, kind, scripts):
    page = browser.new_page()
    page.goto((server.folder / f"{name}.html").as_uri())
    opened(page, kind)
    page.close()


def test_it_is_printed_as_it_stands(new_page, name, kind, scripts):
    page = new_page(f"{name}.html")
    unopened = page.locator(f"details[data-bench={kind}]")
    page.emulate_media(media="print")
    assert not unopened.is_visible()
    page.emulate_media(media="screen")
    element = opened(page, kind)
    page.emulate_media(media="print")
    assert element.locator("output").is_visible()
    unused = element.locator("button:not(td *), input:not([type=range])").all()
    assert not any(control.is_visible() for control in unused)
    page.context.close()


def test_what_cannot_be_loaded_is_told(new_page, name, kind, scripts):
    page = new_page(f"{name}.html")
    page.route(f"**/{scripts[-1]}*.js", lambda route: route.abort())
    element = page.locator(f"details[data-bench={kind}]")
    element.locator("summary").press("Enter")
    element.get_by_role("status").get_by_text(
        "This could not be loaded. Reload the page"
    ).wait_for()
    assert page.complaints == []
    page.context.close()


def test_bars_are_seen_in_the_colours_of_the_system(new_page, name, kind, scripts):
    page = new_page(f"{name}.html", forced_colors="active")
    grounds = (
        opened(page, kind)
        .locator(".bench-bar")
        .evaluate_all("(bars) => bars.map((bar) => getComputedStyle(bar).backgroundColor)")
    )
    text, paper = page.evaluate("""() => {
      const style = getComputedStyle(document.body);
      return [style.color, style.backgroundColor];
    }""")
    assert text != paper
    assert set(grounds) <= {text}
    assert bool(grounds) == (kind not in ("confusion", "training"))
    page.context.close()
