"""One server and one browser for each worker, and one visit to a page for many tests of it."""

import os
from importlib.resources import files
from pathlib import Path

import matplotlib
import pytest
from playwright.sync_api import sync_playwright

from tests.browser import visits
from tests.browser.install import LEFT_OUT, MISSING, find_browser, left_out, start
from tests.browser.server import Server
from tutorial import TutorialError
from tutorial.lesson.project import Project

pytest.register_assert_rewrite("tests.browser.facts")
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# The fonts that matplotlib brings: on Linux all lay out the same text, a machine without fonts too.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <cachedir>{cache}</cachedir>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""
CHECKS = Path(__file__).with_name("page.js").read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def browser(tmp_path_factory):
    """Not for the session: while Playwright runs, no other test can use asyncio."""
    if left_out():
        pytest.skip(LEFT_OUT)
    try:
        program = find_browser()
    except TutorialError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if program is None:
        pytest.fail(MISSING, pytrace=False)
    fonts = tmp_path_factory.mktemp("fonts") / "fonts.conf"
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts.write_text(FONTS.format(folder=folder, cache=fonts.parent), encoding="utf-8")
    with sync_playwright() as playwright:
        try:
            browser = start(
                playwright,
                program,
                # Drawn by the processor anyway; by way of a GPU's interface that is slower.
                args=["--disable-gpu"],
                env=os.environ | {"FONTCONFIG_FILE": str(fonts)},
            )
        except TutorialError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server():
    folder = Path(os.environ.get("TUTORIAL_TESTED_SITE") or Project.find().site)
    if not (folder / "index.html").is_file():
        pytest.fail(f"there is no site in {folder}; run 'make site'", pytrace=False)
    with Server(folder) as server:
        yield server


@pytest.fixture(scope="package")
def new_page(browser, server):
    """Opens a page of the site in a context of its own: new_page("tensors.html", width=390).

    Returns when the theme listens to keys and clicks. `before`: a script that runs before any of
    the page. What the page's scripts raise is in page.complaints, a list of str.
    """

    def new_page(path: str, width: int = 1280, height: int = 900, before: str = "", **options):
        context = browser.new_context(
            base_url=server.origin, viewport={"width": width, "height": height}, **options
        )
        context.set_default_timeout(60_000)  # a machine may have much else to do
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        if before:
            page.add_init_script(before)
        page.goto(path)
        if options.get("java_script_enabled", True):
            page.wait_for_function(visits.LISTENING)
        return page

    return new_page


@pytest.fixture(scope="package")
def prepare():
    """Give a page the functions of page.js and axe."""

    def prepare(page) -> None:
        page.evaluate(AXE)
        page.evaluate(CHECKS)

    return prepare


@pytest.fixture(scope="module")
def visit(path, browser, server, prepare) -> visits.Visit:
    """All that the tests of facts.py want to know of a page; a module says which pages."""
    return visits.visit(browser, server, path, prepare)
