"""Pages as PDF: the printer's own view of what facts.py asks of each page."""

import re

import pytest

from tests.browser import visits
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


def test_exercises_print_without_their_solutions(new_page):
    page = new_page("session.html")
    assert page.evaluate(LINK_FOLDED, "https://example.org/folded")
    pdf = page.pdf(format="A4")
    page.context.close()
    assert b"https://example.org/folded" not in pdf
