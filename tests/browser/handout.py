"""Print the session for handing out: build/site/session.pdf, and the link to it on its page.

`make handout`, on a site that is built. A site without the file has no link to it.
"""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Route, sync_playwright

from tests.browser.install import provide, start
from tutorial import TutorialError
from tutorial.lesson.project import Project

PAGE, FILE = "session.html", "session.pdf"
LINK = f'<li><a href="{FILE}" download>PDF to print</a></li>\n'
BESIDE = '<li><a class="copy-page"'
LOAD_PICTURES = """() => {
  for (const image of document.images) image.loading = "eager";
  const shown = [...document.images].filter((image) => image.checkVisibility());
  return Promise.all(shown.map((image) => image.decode()));
}"""


def write(site: Path, address: str, browser: Browser) -> None:
    """Print the session of a built site, whose links lead to `address`, and link to the file.

    TutorialError if the site has no session.
    """
    path = site / PAGE
    if not path.is_file():
        raise TutorialError(f"{path} is missing; 'make site' builds it")
    page = browser.new_page(color_scheme="light")

    def from_disk(route: Route) -> None:
        file = site / urlsplit(route.request.url.removeprefix(address)).path
        route.fulfill(path=file) if file.is_file() else route.abort()

    page.route("**", from_disk)
    page.goto(address + PAGE)
    page.evaluate(LOAD_PICTURES)
    page.pdf(path=site / FILE, format="A4", tagged=True, outline=True)
    page.close()
    html = path.read_text(encoding="utf-8")
    if LINK not in html:
        if BESIDE not in html:
            raise TutorialError(f"{path} has no place for the link to {FILE}: no {BESIDE}")
        path.write_text(html.replace(BESIDE, LINK + BESIDE, 1), encoding="utf-8")


def main() -> None:
    address = os.environ.get("SITE_URL", "http://127.0.0.1:8000/").rstrip("/") + "/"
    with sync_playwright() as playwright:
        browser = start(playwright, provide())
        write(Project.find().site, address, browser)
        browser.close()


if __name__ == "__main__":
    try:
        main()
    except TutorialError as error:
        sys.exit(str(error))
