"""Pages as PDF: the printer's own view of what facts.py asks of each page."""

import re
import shutil

import pytest

from tests.browser import handout, visits
from tutorial import TutorialError
from tutorial.lesson.project import Project

# A link is in a PDF only where it was painted, so that one around some text tells whether it is.
LINK_LAST_WORDS = """address => {
  const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  const seen = ({ data, parentElement }) => data.trim() && !parentElement.closest(".said")
    && parentElement.checkVisibility({ visibilityProperty: true });
  let last;
  while (walker.nextNode()) if (seen(walker.currentNode)) last = walker.currentNode;
  const link = Object.assign(document.createElement("a"), { href: address });
  last.replaceWith(link);
  link.append(last);
}"""
LINK_FOLDED = """address => {
  const folded = [...document.querySelectorAll(".exercise > details code")];
  for (const code of folded) {
    const link = Object.assign(document.createElement("a"), { href: address });
    link.append(...code.childNodes);
    code.append(link);
  }
  return folded.length;
}"""

# As on a site with a repository's address: see report_address in tutorial/page/fences.py.
ADD_REPORTS = """address => {
  const records = [...document.querySelectorAll("details.run-record")];
  for (const record of records) {
    record.insertAdjacentHTML("beforeend", `<p><a href="${address}">Does it not work?</a></p>`);
  }
  return records.length;
}"""


@pytest.mark.parametrize("path", visits.pages(Project.find()))
def test_a_page_prints_to_its_last_words_from_the_dark_palette(new_page, path):
    page = new_page(path, color_scheme="dark")
    page.wait_for_function("() => document.body.dataset.mdColorScheme === 'slate'")
    page.evaluate(LINK_LAST_WORDS, "https://example.org/last-words")
    pdf = page.pdf(format="A4")
    page.context.close()
    assert pdf.startswith(b"%PDF-")
    assert b"https://example.org/last-words" in pdf
    assert path == "404.html" or len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2


@pytest.mark.parametrize("add_links", [LINK_FOLDED, ADD_REPORTS], ids=["solutions", "reports"])
def test_solutions_and_links_to_report_a_cell_are_not_printed(new_page, add_links):
    page = new_page("session.html")
    assert page.evaluate(add_links, "https://example.org/folded")
    pdf = page.pdf(format="A4")
    page.context.close()
    assert b"https://example.org/folded" not in pdf


def test_the_session_is_linked_as_a_pdf_only_where_the_file_is(server, browser, tmp_path):
    site, address = tmp_path / "site", "https://example.org/course/"
    shutil.copytree(server.folder, site, ignore=shutil.ignore_patterns("*.zip", "programs"))
    (site / handout.FILE).unlink(missing_ok=True)
    page = site / handout.PAGE
    page.write_text(page.read_text("utf-8").replace(handout.LINK, ""), encoding="utf-8")
    before = page.read_text("utf-8")
    assert handout.FILE not in before
    for _ in range(2):
        handout.write(site, address, browser)
        assert page.read_text("utf-8").replace(handout.LINK, "", 1) == before
    pdf = (site / handout.FILE).read_bytes()
    assert address.encode() + b"tensors.html" in pdf and b"127.0.0.1" not in pdf
    drawn = page.read_text("utf-8").count('#only-light"')
    assert len(re.findall(rb"/Subtype\s*/Image\b", pdf)) >= drawn > 3


def test_a_handout_without_a_site_is_told(browser, tmp_path):
    with pytest.raises(TutorialError, match=r"session\.html is missing; 'make site'"):
        handout.write(tmp_path, "https://example.org/", browser)
