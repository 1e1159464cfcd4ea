"""The theme: what it has taken over from Material, and colours that can be read."""

import re
from itertools import product
from pathlib import Path

import material
import pytest
import yaml

from tutorial.lesson import files

THEME = Path(__file__).resolve().parent.parent / "theme"
UPSTREAM = Path(material.__file__).parent / "templates"


def inline_scripts(folder, name):
    text = (folder / "partials" / "javascripts" / f"{name}.html").read_text("utf-8")
    return re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("base", {
            '(e,_=localStorage,t=__md_scope)=>JSON.parse(_.getItem(t.pathname+"."+e))':
            '(e,_,t=__md_scope)=>{try{return JSON.parse((_||localStorage)'
            '.getItem(t.pathname+"."+e))}catch(e){return null}}',
            "(e,_,t=localStorage,a=__md_scope)=>{try{t.":
            "(e,_,t,a=__md_scope)=>{try{(t||localStorage).",
        }),
        ("palette", {
            '__md_get("__palette");':
            '__md_get("__palette")||{color:{media:"(prefers-color-scheme)"}};',
        }),
    ],
)  # fmt: skip
def test_scripts_are_those_of_the_installed_material(name, changes):
    (*others, last) = inline_scripts(UPSTREAM, name)
    for theirs, ours in changes.items():
        assert theirs in last
        last = last.replace(theirs, ours)
    assert inline_scripts(THEME, name) == [*others, last]


@pytest.mark.parametrize(
    ("partial", "text"),
    [("search", 'role="dialog"'), ("source", ' data-md-component="source"')],
)
def test_what_our_template_replaces_is_in_the_installed_material(partial, text):
    assert text in (THEME / "main.html").read_text("utf-8")
    assert text in (UPSTREAM / "partials" / f"{partial}.html").read_text("utf-8")


DOCS = THEME.parent / "docs"


@pytest.mark.parametrize("page", [page.name for page in files.visible(DOCS, "*.md")])
def test_a_page_says_in_a_line_what_it_brings(page):
    _, front, _ = (DOCS / page).read_text("utf-8").split("---\n", 2)
    assert 60 <= len(yaml.safe_load(front)["description"]) < 150


def palettes():
    css = (THEME / "style" / "colours.css").read_text("utf-8")
    for scheme in ("default", "slate"):
        block = css.split(f'[data-md-color-scheme="{scheme}"] {{', 1)[1].split("}", 1)[0]
        yield scheme, dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("scheme", "colours"), list(palettes()), ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(scheme, colours):
    grounds = {name: colours[f"site-{name}"] for name in ("page", "code", "output")}
    texts = {
        name: colour
        for name, colour in colours.items()
        if name.removeprefix("site-") not in {*grounds, "line", "md-typeset-mark-color"}
    }
    assert len(texts) == 9
    low = {
        (text, ground): round(contrast(texts[text], grounds[ground]), 2)
        for text, ground in product(texts, grounds)
        if contrast(texts[text], grounds[ground]) < 4.5
    }
    assert not low
    assert contrast(colours["site-ink"], colours["md-typeset-mark-color"]) >= 4.5
