"""What another generator leaves out of a page is told; and without it nothing fails."""

import pytest

from tutorial.site import portable

PAGE = """<nav><table></table></nav><article><h1>One</h1>
<div class="cell"><div class="highlight"></div><pre class="cell-output"></pre></div>
<div class="admonition note"><p>2 <abbr title="a word">words</abbr> $x$</p></div>
<details class="run-record"></details>
{}</article>"""
FORMULA = '<span class="katex">x</span>'


@pytest.fixture
def sites(tmp_path):
    for name in ("ours", "theirs"):
        (tmp_path / name / "labs").mkdir(parents=True)
        for page in ("index.html", "labs/one.html"):
            (tmp_path / name / page).write_text(PAGE.format(FORMULA * 2))
    return tmp_path / "ours", tmp_path / "theirs"


def test_equal_pages_miss_nothing_nor_what_they_have_more(sites):
    ours, theirs = sites
    assert portable.compare(ours, theirs) == []
    (theirs / "index.html").write_text(PAGE.format(FORMULA * 3))
    (theirs / "more.html").write_text(PAGE)
    assert portable.compare(ours, theirs) == []


def test_what_is_missing_is_told_for_each_page(sites):
    ours, theirs = sites
    text = PAGE.format(FORMULA).replace("abbr", "span").replace("admonition note", "note")
    (theirs / "index.html").write_text(text.replace("</h1>", "</h1><table></table>"))
    (theirs / "labs" / "one.html").unlink()
    assert portable.compare(ours, theirs) == [
        "index.html: formulas: 1 of 2",
        "index.html: boxes: 0 of 1",
        "index.html: tooltips: 0 of 1",
        "labs/one.html: no such page",
    ]


@pytest.fixture
def project(sites, monkeypatch, tmp_path):
    monkeypatch.setenv("TUTORIAL_ROOT", str(tmp_path))
    (tmp_path / "build").mkdir()
    sites[0].rename(tmp_path / "build" / "site")
    monkeypatch.setattr(portable, "install", lambda folder: ("zensical", ""))
    monkeypatch.setattr(portable, "build", lambda *_: (sites[1], ["No issues found"]))
    return sites[1]


def test_only_a_strict_check_fails_where_something_is_missing(project, capsys):
    assert portable.main(["--strict"]) == 0
    (project / "index.html").write_text(PAGE.format(FORMULA))
    assert portable.main([]) == 0
    assert portable.main(["--strict"]) == 1
    assert "zensical: No issues found\nindex.html: formulas: 1 of 2\n" in capsys.readouterr().out


def test_a_generator_that_cannot_be_had_is_told_in_a_line_and_fails_nothing(
    project, monkeypatch, capsys
):
    monkeypatch.setattr(portable, "install", lambda folder: (None, "no such package"))
    assert portable.main(["--strict"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.endswith("no such package\n")
