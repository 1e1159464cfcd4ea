"""The offline copy, unpacked and opened from the disk: it works, and asks nobody for anything."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from tests.browser import clipboard


@dataclass
class Reader:
    """A browser with the copy, and all that went on in it."""

    root: Path
    page: object
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def open(self, name: str) -> None:
        self.page.goto((self.root / name).as_uri())

    def failed(self, request) -> None:
        if request.failure != "net::ERR_ABORTED":  # by leaving the page
            self.said.append(f"{request.url}: {request.failure}")

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reader(browser, server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("a disk")
    with zipfile.ZipFile(server.folder / "learn-pytorch-offline.zip") as bundle:
        bundle.extractall(folder)
    context = browser.new_context(accept_downloads=True, color_scheme="light")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(30_000)
    reader = Reader(folder / "learn-pytorch-offline", context.new_page())
    reader.page.on("request", lambda request: reader.requests.append(request.url))
    reader.page.on("requestfailed", reader.failed)
    reader.page.on("pageerror", lambda error: reader.said.append(str(error)))
    reader.page.on("console", lambda message: reader.said.append(message.text))
    yield reader
    context.close()


@pytest.fixture(autouse=True)
def nobody_is_asked(reader):
    reader.requests.clear()
    reader.said.clear()
    yield
    asked = [url for url in reader.requests if not url.startswith(("file:", "data:", "blob:"))]
    assert reader.requests and not asked
    assert not reader.said


def test_search_finds_a_word_and_leads_to_it(reader):
    reader.open("index.html")
    page = reader.page
    page.get_by_role("textbox", name="Search").fill("perplexity")
    first = page.locator(".md-search-result__item a").first
    first.wait_for()
    first.click()
    page.wait_for_url("**/text.html?h=perplexity*")
    assert page.locator("article mark", has_text="perplexity").count()


def test_a_page_has_its_formulas_figures_sounds_and_colours(reader):
    reader.open("audio.html")
    page = reader.page
    formula = page.locator(".katex").first
    assert "KaTeX" in formula.evaluate("element => getComputedStyle(element).fontFamily")
    assert page.evaluate(
        "document.fonts.load('16px KaTeX_Main', 'x').then((found) => found.length)"
    )
    image = page.locator(".cell-figure img:visible").first
    image.scroll_into_view_if_needed()
    page.wait_for_function("image => image.naturalWidth > 0", arg=image.element_handle())
    seconds = page.locator("audio").first.evaluate(
        """audio => new Promise((resolve, reject) => {
          audio.addEventListener("loadedmetadata", () => resolve(audio.duration));
          audio.addEventListener("error", () => reject(audio.error));
          audio.preload = "metadata";
          audio.load();
        })"""
    )
    assert seconds > 0.1
    for choice in (1, 2):  # from what the system has to light, then to dark
        page.locator(f"label[for=__palette_{choice}]").click()
    page.wait_for_selector("body[data-md-color-scheme=slate]")
    reader.open("images.html")
    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"


@pytest.mark.parametrize(
    ("button", "file"),
    [("a.copy-page", "autograd.md"), ("a.copy-program", None)],
    ids=["page", "program"],
)
def test_what_is_not_in_the_page_is_copied_too(reader, button, file):
    reader.open("autograd.html")
    page = reader.page
    clipboard.clear(page)
    link = page.locator(button).first
    link.click()
    file = file or link.get_attribute("href")
    assert clipboard.copied(page) == reader.text(file)


def test_code_is_copied(reader):
    reader.open("tensors.html")
    page = reader.page
    clipboard.clear(page)
    block = page.locator(".highlight", has=page.locator("pre > code")).first
    block.scroll_into_view_if_needed()  # it then gets its button
    block.locator("[data-clipboard-target]").click()
    assert clipboard.copied(page).strip() == block.locator("code").inner_text().strip()


def test_files_are_downloaded_in_place_of_being_shown(reader, tmp_path):
    reader.open("tensors.html")
    address = reader.page.url
    for path in ("tensors.py", "tensors.ipynb", "labs/tensors.ipynb"):
        with reader.page.expect_download() as download:
            reader.page.locator(f'.lesson-facts a[download][href="{path}"]').click()
        assert download.value.suggested_filename == path.rpartition("/")[2]
        download.value.save_as(tmp_path / "file")
        assert (tmp_path / "file").read_text(encoding="utf-8") == reader.text(path)
    assert reader.page.url == address


def test_every_page_opens_and_links_to_nothing_that_is_not_there(reader):
    missing = []
    for path in sorted(reader.root.rglob("*.html")):
        reader.open(path.relative_to(reader.root).as_posix())
        links = (
            "[...document.querySelectorAll('a[href]')].map((link) => link.href.split(/[?#]/)[0])"
        )
        for url in set(reader.page.evaluate(links)):
            if url.startswith("file:") and not Path(url2pathname(urlsplit(url).path)).is_file():
                missing.append(f"{path.name}: {url}")
    assert not missing


def test_what_a_cell_prints_is_guessed_and_remembered(reader):
    reader.open("tensors.html")
    cell = reader.page.locator("#tensors-broadcast-trap")
    assert not cell.locator(".cell-run").is_visible()
    cell.locator("[data-right]").click()
    reader.page.reload()
    assert cell.locator(".cell-run").is_visible()
    assert cell.locator("output").inner_text() == "Right: this is what it prints."
