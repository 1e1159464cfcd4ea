"""What a reader's browser remembers, large type and solutions for a class, figures at full size."""

import json

import pytest
import yaml
from bs4 import BeautifulSoup

from tests.browser import visits
from tutorial.lesson import files
from tutorial.lesson.labs import labs
from tutorial.lesson.project import Project

DOCS = Project.find().root / "docs"
KEY = "/.progress"
STATE = {
    "pages": {
        "tensors": {"read": True, "done": ["tensors-exercise-normalise"]},
        "autograd": {"at": "views", "heading": "Views"},
        "text": {"read": True},
        "renamed-since": {"read": True, "at": "somewhere", "heading": "Somewhere"},
    },
    "last": "autograd",
}
REFUSED = """
Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("Access is denied for this document.", "SecurityError"); },
});
"""


def storing(state) -> str:
    """A script that keeps a state before a page reads it."""
    text = state if isinstance(state, str) else json.dumps(state)
    return f"localStorage.setItem({KEY!r}, {json.dumps(text)});"


@pytest.fixture
def opened(new_page):
    """Opens pages that are closed at the end of the test: opened("index.html", storing(STATE))."""
    pages = []

    def opened(path: str, before: str = "", **options):
        pages.append(new_page(path, before=before, **options))
        return pages[-1]

    yield opened
    for page in pages:
        page.context.close()


def read_to_the_end(page) -> None:
    page.locator(".md-footer").scroll_into_view_if_needed()
    page.locator("a.md-nav__link--active.read").wait_for(state="attached")


@pytest.fixture(scope="module")
def reader(new_page):
    """Somebody who ticks an exercise of tensors, reads it to the end, and stops in autograd."""
    page = new_page("index.html")
    page.facts = page.locator(".resume").inner_text()
    page.goto("tensors.html")
    page.locator(".exercise .done input").first.focus()
    page.keyboard.press("Space")
    page.reload()
    page.ticked = page.get_by_role("checkbox", name="Done").evaluate_all(
        "boxes => boxes.map((box) => box.checked)"
    )
    read_to_the_end(page)
    page.goto("autograd.html")
    page.heading = page.locator("article h2[id], article h3[id]").nth(4)
    page.stopped_at = page.heading.get_attribute("id")
    page.heading.evaluate("heading => heading.scrollIntoView()")
    page.goto("index.html")
    yield page
    page.context.close()


def test_a_ticked_exercise_is_ticked_after_a_reload(reader):
    assert reader.ticked == [True] + [False] * (len(reader.ticked) - 1)
    assert len(reader.ticked) >= 2


def test_home_counts_what_was_ticked(reader):
    counts = dict(
        reader.locator(".exercises").evaluate_all(
            "all => all.map((one) => [one.dataset.page, one.textContent])"
        )
    )
    assert counts["tensors"] == f"1 of {len(reader.ticked)}\u00a0exercises"
    assert counts["autograd"][0].isdigit() and " of " not in counts["autograd"]
    assert counts.keys() == {lab.section for lab in labs(Project.find())}


def test_home_and_navigation_tick_the_pages_that_were_read(reader):
    for place in (".path", ".md-nav--primary"):
        links = reader.locator(f"{place} a.read")
        assert [link.split("/")[-1] for link in links.evaluate_all("a => a.map(e => e.href)")] == [
            "tensors.html"
        ]
        assert links.inner_text().strip().endswith("(read)")
    stations = reader.locator(".path > ol > li")
    assert stations.count() == 5
    assert [*map(lambda one: "read" in (one.get_attribute("class") or ""), stations.all())] == [
        True, False, False, False, False
    ]  # fmt: skip


def test_home_leads_back_to_the_last_heading_seen(reader):
    link = reader.locator(".resume a")
    assert link.get_attribute("href") == f"autograd.html#{reader.stopped_at}"
    where = "Continue where you stopped: Autograd and the training step, "
    assert link.inner_text().startswith(where)
    link.click()
    reader.wait_for_url("**/autograd.html*")
    assert reader.locator(f"h2#{reader.stopped_at}, h3#{reader.stopped_at}").count() == 1
    reader.go_back()
    reader.wait_for_url("**/index.html*")
    reader.locator(".resume a").wait_for()


def test_forgetting_can_be_taken_back(reader):
    button = reader.locator(".remembered button")
    before = reader.evaluate(f"localStorage.getItem({KEY!r})")
    button.click()
    assert reader.locator(".read").count() == 0
    assert reader.locator(".resume").inner_text() == reader.facts
    assert reader.locator(".said[role=status]").count() == 1
    button.click()
    assert reader.locator(".path a.read").count() == 1
    assert reader.evaluate(f"localStorage.getItem({KEY!r})") == before
    button.click()
    reader.reload()
    assert reader.locator(".read").count() == 0 and reader.locator(".resume a").count() == 0
    assert not button.is_visible()
    assert reader.complaints == []


def test_after_a_page_that_was_read_comes_the_next(opened):
    state = STATE | {"last": "tensors"}
    page = opened("index.html", storing(state))
    assert page.locator(".resume a").get_attribute("href") == "autograd.html#views"


@pytest.mark.parametrize(
    "state",
    ["nonsense", [1], {"pages": 3}, {"pages": {"tensors": None}, "last": "renamed-since"}],
    ids=str,
)
def test_what_it_cannot_read_is_as_nothing(opened, state):
    page = opened("index.html", storing(state))
    assert page.locator(".resume a").count() == 0
    assert (
        page.locator(".read").count() == 0 and "exercises" in page.locator(".resume").inner_text()
    )
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_progress_moves_nothing_and_axe_finds_nothing(opened, prepare, scheme):
    before = visits.WATCH_SHIFTS + storing(STATE)
    width = {"light": 1280, "dark": 390}[scheme]
    page = opened("index.html", before, color_scheme=scheme, width=width)
    assert page.locator(".path a.read").count() == 2
    page.locator(".remembered").scroll_into_view_if_needed()
    prepare(page)
    found = page.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))")
    assert found == []
    assert page.evaluate("shifts") == []


# Large type


def size_of(page) -> float:
    return page.locator("article h1").evaluate("h => parseFloat(getComputedStyle(h).fontSize)")


@pytest.mark.parametrize(
    ("scheme", "height", "width"), [("light", 720, 1280), ("dark", 1080, 1920)]
)
def test_large_type_is_remembered(opened, prepare, scheme, height, width):
    page = opened("index.html", color_scheme=scheme, width=width, height=height)
    ordinary, button = size_of(page), page.get_by_role("button", name="Large type, for a class")
    assert button.get_attribute("aria-pressed") == "false"
    page.locator("body").press("l")
    assert button.get_attribute("aria-pressed") == "true"
    page.goto("results.html")
    assert size_of(page) == pytest.approx(1.6 * ordinary)
    assert not page.locator(".md-sidebar").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    prepare(page)
    found = page.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))")
    assert found == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert not button.is_visible() and size_of(page) < ordinary
    page.set_viewport_size({"width": width, "height": height})
    button.click()
    assert size_of(page) == ordinary and page.locator(".md-sidebar").first.is_visible()
    page.reload()
    assert size_of(page) == ordinary


@pytest.mark.parametrize("width", [960, 1024, 1280, 1920])  # 1024: an old projector
def test_no_code_scrolls_sideways_in_large_type(opened, prepare, width):
    page = opened("text.html", width=width)
    ordinary = size_of(page)
    page.locator("body").press("l")
    assert size_of(page) >= 1.2 * ordinary
    prepare(page)
    page.evaluate("checks.expose()")
    code = page.evaluate("checks.scrollsSideways('article .highlight pre > code')")
    assert code and [name for scrolls, name in code if scrolls] == []


def test_large_type_is_there_before_any_script_of_ours(opened):
    page = opened("index.html")
    page.evaluate("__md_set('__large', true)")
    page.route("**/site.js", lambda route: route.abort())
    page.reload()
    assert page.evaluate("document.documentElement.matches('.large')")


def test_the_key_is_a_letter_where_one_types(opened):
    page = opened("index.html")
    page.locator("input[name=query]").press("l")
    assert page.locator("input[name=query]").input_value() == "l"
    assert not page.evaluate("document.documentElement.matches('.large')")


def test_single_keys_can_be_switched_off_and_on(opened):
    page = opened("index.html")
    box = page.get_by_role("checkbox", name="Single keys are shortcuts")
    is_large = "document.documentElement.matches('.large')"
    assert box.is_checked()
    box.uncheck()
    for path in ("index.html", "gpu.html"):  # and is remembered
        page.goto(path)
        for key in ("l", "/", "n"):
            page.locator("body").press(key)
        page.wait_for_timeout(300)
        assert not page.evaluate(is_large) and page.url.endswith(path)
        assert not page.evaluate("document.querySelector('#__search').checked")
    page.locator("input[name=query]").click()
    page.locator("input[name=query]").press_sequentially("loss")  # letters are still letters
    assert page.locator("input[name=query]").input_value() == "loss"
    page.goto("index.html")
    box.check()
    page.locator("body").press("l")
    assert page.evaluate(is_large)


def test_what_is_read_stays_in_place(opened):
    page = opened("networks.html", height=720)
    heading = page.locator("article h2[id]").nth(3)
    heading.evaluate("each => { each.scrollIntoView(); scrollBy(0, -60); }")
    before = heading.bounding_box()["y"]
    page.locator("body").press("l")
    assert abs(heading.bounding_box()["y"] - before) < 60


# Solutions, on or off by a link


@pytest.mark.parametrize("before", ["", REFUSED], ids=["", "storage refused"])
def test_a_link_hides_the_solutions_and_another_shows_them(opened, before):
    page = opened("teach.html", before)
    addresses = page.locator("a[href*='?solutions=']")
    off, on = addresses.evaluate_all("links => links.map((link) => link.href)")
    solution, notebook = (
        page.get_by_text("Solution", exact=True),
        page.locator("text=with solutions"),
    )
    page.goto(off)
    assert page.locator(".exercise").count() == 3
    assert not solution.or_(notebook).filter(visible=True).count()
    if not before:
        page.goto("tensors.html")
        assert not solution.filter(visible=True).count()
    page.goto(on)
    assert solution.filter(visible=True).count() == 3
    assert notebook.filter(visible=True).count() == 1


# Storage refused, no scripts


def test_where_storage_is_refused_the_page_works(opened):
    page = opened("tensors.html", REFUSED)
    box = page.locator(".done input").first
    box.check()
    assert box.is_checked()
    page.locator("body").press("l")
    assert page.evaluate("document.documentElement.matches('.large')")
    read_to_the_end(page)
    page.locator(".highlight").first.scroll_into_view_if_needed()
    page.locator(".md-code__button").first.wait_for()  # Material's script has run to its end
    assert page.complaints == []


def test_without_scripts_there_is_nothing_dead(opened):
    page = opened("tensors.html", java_script_enabled=False)
    assert page.locator(".exercise").count() >= 2
    assert page.locator(".done, .large-type, .enlarge").count() == 0
    page.goto("index.html")
    assert not page.locator(".remembered").is_visible()
    assert "hours" in page.locator(".resume").inner_text()


# Figures


def test_a_small_figure_opens_at_full_size(opened, prepare):
    page = opened("tensors.html", width=390, height=844, color_scheme="dark")
    figure = page.locator("#tensors-broadcast-picture .cell-figure")
    figure.scroll_into_view_if_needed()
    button = figure.get_by_role("button")
    assert button.bounding_box()["height"] >= 24
    button.press("Enter")
    image = page.locator("dialog img")
    full_size = image.evaluate("e => e.decode().then(() => [e.width, e.naturalWidth])")
    assert full_size[0] > figure.locator("img:visible").bounding_box()["width"]
    assert full_size[0] * 2 == full_size[1], "two dots of the file for each pixel"
    assert "dark" in image.get_attribute("src") and len(image.get_attribute("alt")) > 20
    prepare(page)
    asked = "axe.run('dialog').then(({ violations }) => violations.map(({ id }) => id))"
    assert page.evaluate(asked) == []
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert button.evaluate("each => each === document.activeElement")
    figure.locator("img:visible").click()
    page.get_by_role("button", name="Close").click()
    assert page.locator("dialog[open]").count() == 0
    page.set_viewport_size({"width": 1280, "height": 900})
    button.wait_for(state="hidden")


# What comes next


def test_footer_says_what_the_neighbours_bring(server):
    seen = 0
    for path in files.visible(DOCS, "*.md"):
        html = BeautifulSoup(
            (server.folder / f"{path.stem}.html").read_text("utf-8"), "html.parser"
        )
        for link in html.select("a.md-footer__link"):
            neighbour = DOCS / link["href"].replace(".html", ".md")
            if not neighbour.is_file():
                assert link["href"].startswith("notebook/") and not link.select_one(".brings").text
                continue
            front = yaml.safe_load(neighbour.read_text("utf-8").split("---\n")[1])
            assert link.select_one(".brings").text == front["description"]
            assert link["aria-label"].endswith(f". {front['description']}")
            seen += 1
    assert seen >= 20
