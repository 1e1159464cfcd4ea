"""Every page with JavaScript switched off: all that is to be read is there, and can be reached."""

import pytest

from tests.browser import visits
from tutorial.lesson.project import Project

# In page.evaluate, which works although the page's own scripts do not.
LOOK = """() => {
  const rendered = (e) => {
    const box = e.getBoundingClientRect();
    return e.checkVisibility({ visibilityProperty: true, opacityProperty: true })
      && box.width > 0 && box.height > 0;
  };
  const name = (e) => e.cloneNode().outerHTML.slice(0, 100) + e.textContent.trim().slice(0, 40);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const reachable = (e) => {
    for (let at = e.closest("details"); at; at = at.parentElement.closest("details")) {
      at.open = true;  // a browser opens it without a script
    }
    const block = e.closest(".tabbed-block");
    if (block) {  // a tab is a radio button with a label
      const set = block.closest(".tabbed-set");
      set.querySelectorAll(":scope > input")[[...block.parentElement.children].indexOf(block)]
        .checked = true;
    }
    return rendered(e);
  };
  const style = document.createElement("style");
  style.textContent = "* { content-visibility: visible !important; transition: none !important }";
  document.head.append(style);
  const code = all("article pre > code").filter((e) => !e.closest(".predict"));  // of scripts
  const text = all("article :is(h1, h2, h3, p, li, dt, dd, td, th, summary, figcaption)")
    .filter((e) => e.textContent.trim()
      && !e.closest(".remembered, .bench, dt:has(+ dd > p.keys), p.keys"));  // of scripts
  const formulas = all("article .katex");
  const twins = all("article img[src*='#only-']");
  return {
    scripted: document.documentElement.classList.contains("js"),
    code: code.map((e) => e.textContent.trim().length),
    text: text.length,
    links: (all("input.md-nav__toggle").forEach((e) => { e.checked = true; }), // labels do it
      new Set(all("nav.md-nav--primary a[href]").filter(rendered).map((e) => e.pathname)).size),
    hidden: [...code, ...text, ...formulas].filter((e) => !reachable(e)).map(name),
    empty: formulas.filter((e) => !e.querySelector("math")).map(name),
    twins: twins.length,
    pairs: twins.filter((e) => reachable(e)).length,
    unsized: all("article img").filter((e) => !e.width || !e.height).map(name),
  };
}"""


@pytest.fixture(scope="module", params=visits.pages(Project.find()))
def plain(request, new_page):
    """A page of the site and what is found in it, without JavaScript."""
    page = new_page(request.param, java_script_enabled=False)
    found = page.evaluate(LOOK)
    page.context.close()
    assert not found["scripted"]
    return found


def test_all_text_code_and_formulas_are_shown(plain):
    assert plain["text"] > 0
    assert plain["hidden"] == []
    assert plain["empty"] == []
    assert all(plain["code"])


def test_one_picture_of_each_figure_is_shown(plain):
    assert plain["pairs"] * 2 == plain["twins"]
    assert plain["unsized"] == []


def test_the_other_pages_can_be_reached(plain):
    assert plain["links"] >= 20
