"""Formulas are rendered while the site is built, once, and a bad one stops the build."""

import base64
import io
import json
import re
from xml.etree import ElementTree

import pytest
import tinycss2
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from markdown import Markdown
from material.plugins.search.plugin import Parser

from tutorial.lesson.project import Project
from tutorial.page import formulas
from tutorial.page.formulas import FormulaError

# The extensions of mkdocs.yml that touch the same text.
EXTENSIONS = [
    "abbr",
    "admonition",
    "attr_list",
    "footnotes",
    "md_in_html",
    "tables",
    "toc",
    "pymdownx.highlight",
    "pymdownx.inlinehilite",
    "pymdownx.superfences",
    "tutorial.page.formulas",
]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "not-made-yet" / "katex.json"


@pytest.fixture
def convert(cache):
    def convert(text):
        options = {"tutorial.page.formulas": {"cache": str(cache)}}
        return Markdown(extensions=EXTENSIONS, extension_configs=options).convert(text)

    return convert


def mathml(page):
    """The MathML trees of a page, one for each formula."""
    found = re.findall(r"<math .*?</math>", page.replace(" data-search-exclude", ""), re.DOTALL)
    return [ElementTree.fromstring(tree) for tree in found]


def tex(page):
    """The TeX that every formula of a page carries as its MathML annotation."""
    return [tree.findtext(".//{*}annotation") for tree in mathml(page)]


def test_inline_formula_is_html_and_mathml(convert):
    page = convert("The slope is $2x$ here.")
    assert tex(page) == ["2x"]
    assert [item.text for item in mathml(page)[0].iter() if item.tag.endswith("}mi")] == ["x"]
    assert 'class="katex-html"' in page
    assert page.startswith("<p>The slope is <span ") and page.endswith("</span> here.</p>")
    assert "katex-display" not in page


@pytest.mark.parametrize(
    "text", ["$$\na < b \\\\ c & d\n$$", "Before\n\n$$a < b \\\\ c & d$$\n\nAfter"]
)
def test_display_formula_keeps_ampersands_and_signs(convert, text):
    text = text.replace("a <", r"\begin{aligned} a <").replace("& d", r"& d \end{aligned}")
    page = convert(text)
    assert tex(page) == [r"\begin{aligned} a < b \\ c & d \end{aligned}"]
    assert 'class="katex-display"' in page
    assert mathml(page)[0].get("display") == "block"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("| a | b |\n|---|---|\n| $x_1$ | $y^2$ |", ["x_1", "y^2"]),
        ("!!! note\n    $a_i$ and\n\n    $$\n    b_j\n    $$", ["a_i", "b_j"]),
        ("- first $w$\n\n    $$v$$\n", ["w", "v"]),
        ("Text.[^1]\n\n[^1]: A note on $n!$.", ["n!"]),
        ('<div markdown="1">\n$a<b$ and $c>d$\n</div>', ["a<b", "c>d"]),
        ("$a_1$ *and* $a_2$ and $\\mathbf{W}\\in\\mathbb{R}^{m\\times n}$",
         ["a_1", "a_2", r"\mathbf{W}\in\mathbb{R}^{m\times n}"]),
    ],
    ids=["table", "admonition", "list", "footnote", "md-in-html", "paragraph"],
)  # fmt: skip
def test_formulas_inside_other_syntax(convert, text, expected):
    assert tex(convert(text)) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It costs $5 and $6 a piece.", "<p>It costs $5 and $6 a piece.</p>"),
        (r"Write \$x\$ for it.", "<p>Write $x$ for it.</p>"),
        ("Write `$x$` or `$$x$$`.", "<p>Write <code>$x$</code> or <code>$$x$$</code>.</p>"),
        ("    echo $$HOME$$", "echo $$HOME$$"),
        ("```\n$x$ and $$y$$\n```", "$x$ and $$y$$"),
    ],
    ids=["amounts", "escaped", "code span", "indented code", "fence"],
)
def test_other_dollars_are_left_alone(convert, cache, text, shown):
    page = convert(text)
    assert shown in re.sub("</?span[^>]*>", "", page)
    assert "katex" not in page
    assert not cache.exists()


def test_heading_lists_its_formula_once(convert, cache):
    md = Markdown(
        extensions=EXTENSIONS, extension_configs={"tutorial.page.formulas": {"cache": str(cache)}}
    )
    page = md.convert("# The square $x^2$")
    assert tex(page) == ["x^2"]
    assert md.toc_tokens[0]["name"] == "The square x^2"


def test_search_index_gets_one_copy(convert):
    parser = Parser()
    parser.feed(convert("# Squares\n\nThe square $x^2$ grows\n\n$$x^2$$\n\nfast."))
    parser.close()
    (section,) = parser.data
    words = re.sub("<[^>]*>", " ", "".join(section.text)).split()
    assert words == ["The", "square", "x2", "grows", "x2", "fast."]


def test_bad_formula_is_named_with_the_reason(convert):
    with pytest.raises(FormulaError) as caught:
        convert("Good $x$, bad $\\frac{1}{$ formula.")
    message = str(caught.value)
    assert "$\\frac{1}{$" in message and "KaTeX: " in message and "$x$" not in message


def test_unknown_command_and_lax_tex_are_errors(convert):
    with pytest.raises(FormulaError, match=r"\\softmaks"):
        convert(r"$$\softmaks(x)$$")
    with pytest.raises(FormulaError, match="é"):
        convert("$é$")


def test_page_is_named_when_mkdocs_converts_it(cache):
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import _RelativePathTreeprocessor

    options = {"tutorial.page.formulas": {"cache": str(cache)}}
    md = Markdown(extensions=EXTENSIONS, extension_configs=options)
    file = File("autograd.md", "docs", "site", False)
    relative = _RelativePathTreeprocessor(file, Files([file]), MkDocsConfig())
    relative._register(md)
    with pytest.raises(FormulaError, match=r"^autograd\.md: bad formula \$\\nothing\$"):
        md.convert(r"$\nothing$")


@pytest.mark.parametrize("text", ["The loss is\n$$\nx\n$$", "The loss is $$x$$ here", "*so* $$x$$"])
def test_display_formula_inside_a_paragraph_is_an_error(convert, text):
    with pytest.raises(FormulaError, match="paragraph of its own"):
        convert(text)


def test_node_runs_once_for_a_page_and_not_again(convert, cache, monkeypatch):
    runs = []
    run = formulas.subprocess.run

    def counted(*args, **options):
        runs.append(args)
        return run(*args, **options)

    monkeypatch.setattr(formulas.subprocess, "run", counted)
    text = "$a$ and $b$\n\n$$a$$"
    cold = convert(text)
    assert len(runs) == 1
    monkeypatch.setattr(formulas, "find_node", lambda: None)
    assert convert(text) == cold
    assert len(runs) == 1
    with pytest.raises(FormulaError, match=r"Node\.js"):
        convert("$c$")


def test_cache_of_another_katex_is_not_used(convert, cache):
    convert("$a$")
    stored = json.loads(cache.read_text("utf-8"))
    stored["maker"] = "0.0.1 another"
    stored["formulas"] = {key: "stale" for key in stored["formulas"]}
    cache.write_text(json.dumps(stored), "utf-8")
    assert "stale" not in convert("$a$")


def test_unreadable_cache_is_made_again(convert, cache):
    cache.parent.mkdir()
    cache.write_text('{"maker": ', "utf-8")
    assert tex(convert("$a$")) == ["a"]


def test_installed_katex_is_the_one_asked_for():
    with pytest.raises(FormulaError, match="asks for KaTeX"):
        formulas.run_katex([("x", False)], "0.0.1")


def test_node_of_the_python_package_serves_when_there_is_no_other(monkeypatch):
    monkeypatch.setattr(formulas.shutil, "which", lambda name: None)
    (result,) = formulas.run_katex([("x", False)], katex_version())
    assert "katex-html" in result["html"]


def katex_version():
    package = json.loads((formulas.PROJECT / "package.json").read_text("utf-8"))
    return package["dependencies"]["katex"]


FACE = re.compile(r"@font-face\{([^}]*)\}")
DATA = re.compile(r"url\(data:font/woff2;base64,([^)]*)\)")
# KaTeX fills empty cells with it; it has no shape, and no font has it.
ZERO_WIDTH = "\u200b"


def shipped_fonts(css):
    """{(family, weight, style): characters} of the fonts in a style sheet."""
    fonts = {}
    for face in FACE.findall(css):
        properties = dict(each.split(":", 1) for each in face.split(";") if ":" in each)
        font = TTFont(io.BytesIO(base64.b64decode(DATA.search(face)[1])))
        names = (properties[f"font-{name}"].strip() for name in ("family", "weight", "style"))
        fonts[tuple(names)] = {chr(code) for code in font.getBestCmap()}
    return fonts


def missing_characters(site):
    """What the formulas of a site's pages draw and its fonts do not have."""
    fonts = shipped_fonts((site / "assets" / "katex" / "katex.min.css").read_text("utf-8"))
    sheet = tinycss2.parse_stylesheet(
        (formulas.KATEX / "dist" / "katex.min.css").read_text("utf-8"), True, True
    )
    found = {}
    for page in site.rglob("*.html"):
        visual = "".join(formulas.VISUAL.findall(page.read_text("utf-8")))
        soup = BeautifulSoup(f'<span class="katex">{visual}</span>', "html.parser")
        for face, drawn in formulas.characters_of_faces(soup, sheet).items():
            if missing := drawn - fonts.get(face, set()) - {ZERO_WIDTH}:
                found[page.name, face] = missing
    return found


@pytest.fixture
def site(tmp_path, convert):
    """Writes pages with these texts and the style sheet of their formulas."""

    def site(*texts):
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.html").write_text(convert(text), "utf-8")
        formulas.write_assets(tmp_path, tmp_path / "cache" / "katex.css")
        return tmp_path

    return site


def test_every_character_of_the_sites_formulas_is_in_its_fonts():
    built = Project.find().site
    assert built.is_dir(), "there is no site to look at: make site"
    assert missing_characters(built) == {}
    fonts = shipped_fonts((built / "assets" / "katex" / "katex.min.css").read_text("utf-8"))
    assert "x" in fonts["KaTeX_Math", "400", "italic"]
    assert "=" in fonts["KaTeX_Main", "400", "normal"]


def test_each_font_has_what_is_drawn_with_it_and_no_more(site):
    text = r"$x + \mathbf{W}\mathbb{R}$, $\text{so}$ and $$\sum_i \Bigl( q \Bigr)$$"
    built = site(text.replace(" and ", "\n\n"), "$y^2$")
    assert missing_characters(built) == {}
    css = (built / "assets" / "katex" / "katex.min.css").read_text("utf-8")
    assert shipped_fonts(css) == {
        ("KaTeX_Main", "400", "normal"): set("+so2"),
        ("KaTeX_Main", "700", "normal"): {"W"},
        ("KaTeX_Math", "400", "italic"): set("xiqy"),
        ("KaTeX_AMS", "400", "normal"): {"R"},
        ("KaTeX_Size2", "400", "normal"): set("∑()"),
    }
    assert "MIT" in (built / "assets" / "katex" / "LICENSE.txt").read_text("utf-8")
    assert "fonts/" not in css and ".mathfrak" not in css and ".mathbf" in css


def test_a_missing_character_is_found(site):
    built = site("$x$")
    (built / "0.html").write_text((built / "0.html").read_text("utf-8").replace(">x<", ">z<"))
    assert missing_characters(built) == {("0.html", ("KaTeX_Math", "400", "italic")): {"z"}}


def test_fonts_are_made_once_and_always_the_same(site, monkeypatch):
    style = site("$x$") / "assets" / "katex" / "katex.min.css"
    first = style.read_bytes()
    style.unlink()
    again = formulas.style_sheet(
        [formulas.VISUAL.search((style.parents[2] / "0.html").read_text("utf-8"))[0]],
        (formulas.KATEX / "dist" / "katex.min.css").read_text("utf-8"),
    )
    assert again.encode() == first
    monkeypatch.setattr(formulas, "style_sheet", None)
    site("$x$")
    assert style.read_bytes() == first
    with pytest.raises(TypeError):  # another formula: made anew
        site("$x$", "$y$")


def test_a_site_without_formulas_ships_no_fonts(site):
    assert not (site("Plain.") / "assets").exists()


def test_lock_file_names_no_registry():
    lock = (formulas.PROJECT / "package-lock.json").read_text("utf-8")
    packages = json.loads(lock)["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert packages["node_modules/katex"]["version"] == katex_version()
