"""The theme: what its content security policy names, and colours that can be read."""

import base64
import hashlib
import re
from itertools import product
from pathlib import Path

import material
import pytest

THEME = Path(__file__).resolve().parent.parent / "theme"
UPSTREAM = Path(material.__file__).parent / "templates"
PARTIALS = ("base", "palette", "content")


def inline_scripts(folder, name):
    text = (folder / "partials" / "javascripts" / f"{name}.html").read_text("utf-8")
    return re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)


def test_policy_names_the_digest_of_every_inline_script():
    named = re.findall(r'"(sha256-[^"]+)"', (THEME / "main.html").read_text("utf-8"))
    scripts = [script for name in PARTIALS for script in inline_scripts(THEME, name)]
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert named == [f"sha256-{base64.b64encode(digest).decode()}" for digest in digests]


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("base", 'new URL("{{ config.extra.scope | d(base_url) }}",location)',
         "new URL(document.currentScript.dataset.base,location)"),
        ("palette", '__md_get("__palette");',
         '__md_get("__palette")||{color:{media:"(prefers-color-scheme)"}};'),
        ("content", "", ""),
    ],
)  # fmt: skip
def test_scripts_are_those_of_the_installed_material(name, theirs, ours):
    upstream = [script.replace(theirs, ours) for script in inline_scripts(UPSTREAM, name)]
    assert inline_scripts(THEME, name) == upstream


def test_search_form_is_that_of_the_installed_material():
    def lines(folder):
        text = (folder / "partials" / "search.html").read_text("utf-8")
        return re.sub(r"\{#-.*?-#\}", "", text, flags=re.DOTALL).strip().splitlines()

    name = """ aria-label="{{ lang.t('search') }}\""""
    assert [line.replace('role="dialog"' + name, 'role="dialog"') for line in lines(THEME)] == (
        lines(UPSTREAM)
    )


def palettes():
    css = (THEME / "assets" / "site.css").read_text("utf-8")
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
        if name.startswith("md-code-hl-")
        or name.removeprefix("site-") in
        {"ink", "quiet", "ember", "ember-strong", "blue", "green", "amber", "violet", "red", "grey"}
    }  # fmt: skip
    assert len(texts) >= 20
    low = {
        (text, ground): round(contrast(texts[text], grounds[ground]), 2)
        for text, ground in product(texts, grounds)
        if contrast(texts[text], grounds[ground]) < 4.5
    }
    assert not low
    assert contrast(colours["site-ink"], colours["md-typeset-mark-color"]) >= 4.5
