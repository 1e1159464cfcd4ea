"""Keep tooltips rare: the first use of a term below each heading of level 2, and in running text.

A Python-Markdown extension, `tutorial.page.tooltips`. `abbr` marks every use of a term, and a page
full of dotted lines is hard to read. Headings, links and terms to be defined stay plain.
"""

from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

PLAIN = {"h1", "h2", "h3", "h4", "h5", "h6", "a", "dt", "summary", "label", "th"}
# After the table of contents (5), which takes each element for one with a tag.
PRIORITY = 3


class TooltipThinner(Treeprocessor):
    """Leaves of an `abbr` element the text alone, unless it is the first of its kind."""

    def run(self, root: Element) -> None:
        plain, seen = set(), set()
        for element in root.iter():
            if element.tag in PLAIN or element.get("class") == "admonition-title":
                plain.update(element.iter("abbr"))
            if element.tag == "h2":
                seen.clear()
            elif element.tag == "abbr":
                if element in plain or element.get("title") in seen:
                    element.tag = None  # written without its tags
                else:
                    seen.add(element.get("title"))


class TooltipExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.treeprocessors.register(TooltipThinner(md), "tooltips", PRIORITY)


makeExtension = TooltipExtension  # what Python-Markdown calls, given the name of this module
