"""Keep tooltips rare: the first use of a term below each heading of level 2, and in running text.

A Python-Markdown extension, `tutorial.page.tooltips`. `abbr` marks every use of a term, and a page
full of dotted lines is hard to read. Headings, links and terms to be defined stay plain.
"""

from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

PLAIN = {"h1", "h2", "h3", "h4", "h5", "h6", "a", "dt", "summary", "label", "th"}
# After abbr (7), before the table of contents (5).
PRIORITY = 6


class TooltipExtension(Extension):
    """Take away the `abbr` elements that TooltipThinner finds too many."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.treeprocessors.register(TooltipThinner(md), "tooltips", PRIORITY)


class TooltipThinner(Treeprocessor):
    """Replaces an `abbr` element by its text, unless it is the first of its kind in a section."""

    def run(self, root: Element) -> None:
        self._seen: set[str] = set()
        self._thin(root, plain=False)

    def _thin(self, parent: Element, plain: bool) -> None:
        plain = plain or parent.tag in PLAIN or parent.get("class") == "admonition-title"
        for child in list(parent):
            if child.tag == "h2":
                self._seen.clear()
            if child.tag != "abbr":
                self._thin(child, plain)
            elif plain or child.get("title") in self._seen:
                _unwrap(parent, child)
            else:
                self._seen.add(child.get("title"))


def _unwrap(parent: Element, child: Element) -> None:
    at = list(parent).index(child)
    text = (child.text or "") + (child.tail or "")
    if at:
        parent[at - 1].tail = (parent[at - 1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    parent.remove(child)


def makeExtension(**options) -> TooltipExtension:
    """What Python-Markdown calls, given the name `tutorial.page.tooltips`."""
    return TooltipExtension(**options)
