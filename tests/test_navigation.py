"""The built site: one name for a page, Next by lessons, home at a glance, what is current."""

from functools import cache

import pytest
from bs4 import BeautifulSoup, Tag

from tutorial.lesson.project import Project

PROJECT = Project.find()
LESSONS = sorted({fence.page.stem for fence in PROJECT.fences if fence.kind == "section"})


@cache
def page(path: str) -> Tag:
    return BeautifulSoup((PROJECT.site / path).read_text(encoding="utf-8"), "html.parser")


def words(element: Tag) -> str:
    own = [
        text for text in element.find_all(string=True) if not text.find_parent(class_="headerlink")
    ]
    return " ".join("".join(own).split())


def test_a_page_is_called_by_its_title():
    links = page("index.html").select(".md-nav--primary a.md-nav__link[href$='.html']")
    names = {link["href"]: words(link) for link in links if link["href"] != "index.html"}
    assert len(names) >= 20
    assert names == {path: words(page(path).h1) for path in names}
    home = page("index.html").select(".path a[href]")
    on_home = {link["href"]: words(link) for link in home}
    assert on_home == {path: names[path] for path in on_home}


def test_next_leads_from_lesson_to_lesson():
    order = [link["href"] for link in page("index.html").select(".path a[href]")]
    assert len(order) == len(LESSONS) - 1  # all but the session, which needs no other page
    path = [order[0]]
    while len(path) < len(order):
        path.append(page(path[-1]).select_one(".md-footer__link--next")["href"])
    assert path == order


def test_home_shows_what_was_learnt_beside_one_sentence_and_one_button():
    home = page("index.html")
    (hero,) = home.select(".hero")
    pictures = {image["src"].partition("#")[0] for image in hero.select("img[alt]")}
    drawn = {image["src"].partition("#")[0] for image in home.select("#index-spirals img")}
    assert len(pictures) == 2 and pictures == drawn
    (button,) = home.select(".md-button")
    assert button in hero.select("a") and button["href"] == "tensors.html"
    assert hero.sourceline < home.select_one("h2, .highlight").sourceline
    told = home.select_one(".hero + ul").get_text()
    cells = sum(len(section.on("cpu")) for section in PROJECT.sections.values())
    on_gpu = sum(len(section.on("cuda")) for section in PROJECT.sections.values())
    assert f"All {cells} cells were run with torch " in told
    assert f" of {on_gpu} cells have a current run on a GPU" in told.replace("\u00a0", " ")


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_says_with_what_and_when_it_was_run(lesson):
    facts = [words(each) for each in page(f"{lesson}.html").select(".lesson-facts li")]
    run = next(each for each in facts if each.startswith("Run with torch "))
    records = page(f"{lesson}.html").select(".run-record dl")
    releases = {
        each.find("dt", string="torch").find_next("dd").get_text().partition("+")[0]
        for each in records
    }
    days = {each.find("dt", string="Date").find_next("dd").get_text()[:10] for each in records}
    assert run == f"Run with torch {' and '.join(sorted(releases))}, " + " to ".join(
        dict.fromkeys([min(days), max(days)])
    )
    assert any(each.startswith("On a GPU ") for each in facts)
