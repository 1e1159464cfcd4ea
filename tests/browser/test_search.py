"""The search finds what a learner types: Material's search, by way of the page's own script."""

from pathlib import Path

import pytest

FILE = Path(__file__).with_name("queries.txt")
# Asks the worker as the page does, without typing: the places that are found, best first. Of each
# page Material shows the best section.
ASK = """async (queries) => {
  const { search } = JSON.parse(document.getElementById("__config").textContent);
  const index = await (await fetch("search/search_index.json")).json();
  const worker = new Worker(new URL(search, location));
  const ask = (message) => new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data.data);
    worker.postMessage(message);
  });
  await ask({ type: 0, data: { ...index, options: { suggest: true } } });
  const found = {};
  for (const query of queries) {
    const { items } = await ask({ type: 2, data: query });
    found[query] = items.map(([best]) => best.location);
  }
  return found;
}"""


def queries() -> dict[str, list[str]]:
    """By what is typed, the places one of which should come first."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    pairs = [line.rpartition(" -> ") for line in lines if not line.startswith("#")]
    return {query: places.split(", ") for query, _, places in pairs}


@pytest.fixture(scope="module")
def found(new_page) -> dict[str, list[str]]:
    return new_page("glossary.html").evaluate(ASK, [*queries(), "¶"])


def test_every_place_of_the_table_is_one_that_the_search_can_find(new_page):
    address = "search/search_index.json"
    index = new_page("glossary.html").evaluate(f"async () => (await fetch('{address}')).json()")
    known = {entry["location"] for entry in index["docs"]}
    assert not {place for places in queries().values() for place in places} - known


def test_seven_of_eight_queries_have_the_right_place_first(found):
    wrong = {
        query: found[query][:3]
        for query, places in queries().items()
        if found[query][0] not in places
    }
    assert len(queries()) >= 60
    assert len(wrong) <= len(queries()) / 8, wrong


def test_every_query_has_the_right_place_among_the_first_three(found):
    wrong = {
        query: found[query][:3]
        for query, places in queries().items()
        if not {*found[query][:3]} & {*places}
    }
    assert not wrong


def test_what_is_typed_is_looked_up_and_marked(new_page):
    page = new_page("index.html")
    page.keyboard.press("/")
    page.keyboard.type("how to save a model")
    first = page.locator(".md-search-result__item").first
    first.get_by_text("Save and load a model").wait_for()
    assert {mark.lower() for mark in first.locator("mark").all_inner_texts()} >= {"save", "model"}


def test_what_comes_without_a_key_is_looked_up(new_page):
    """As a message does that is pasted with the mouse, or words that are dictated."""
    page = new_page("errors.html")
    page.locator("[data-md-component=search-query]").focus()
    page.get_by_text("Type to start searching").wait_for()  # the index has come
    page.keyboard.insert_text("mat1 and mat2 shapes cannot be multiplied")
    page.locator(".md-search-result__item").first.wait_for(timeout=5000)


def test_small_words_and_signs_alone_raise_nothing(found):
    assert found["¶"] == []
