"""Buttons and heights of code, and frames of tables, are in the page before a script runs."""

import pytest
from bs4 import BeautifulSoup
from markdown import Markdown

TEXT = """\
```python
one = 1

two = 2
```

- in a list

    ```text
    <b>not bold</b>
    ```

`inline` and

    by indent

| a | b |
|---|---|
| 1 | 2 |

<pre class="cell-output"><code>printed</code></pre>

<table class="own"><tr><td>1</td></tr></table>
"""


@pytest.fixture(scope="module")
def page():
    extensions = ["pymdownx.highlight", "pymdownx.superfences", "tables"]
    extensions.append("tutorial.page.code_blocks")
    options = {"pymdownx.highlight": {"pygments_lang_class": True}}
    text = Markdown(extensions=extensions, extension_configs=options).convert(TEXT)
    return BeautifulSoup(text, "html.parser")


def test_each_block_has_a_button_that_copies_it(page):
    buttons = page.select("pre .md-code__button[data-md-type=copy]")
    targets = [page.select_one(button["data-clipboard-target"]) for button in buttons]
    assert [target.get_text() for target in targets] == [
        "one = 1\n\ntwo = 2\n",
        "<b>not bold</b>\n",
        "by indent\n",
    ]
    assert len({button["title"] for button in buttons}) == 3
    for button, target in zip(buttons, targets, strict=True):
        assert button.find_parent("pre") is target.parent


def test_each_block_says_how_many_lines_it_has(page):
    assert [code["style"] for code in page.select(".highlight code")] == [
        "--lines:3",
        "--lines:1",
        "--lines:1",
    ]


def test_what_is_no_block_of_code_stays_as_it_is(page):
    assert (
        str(page.select_one(".cell-output"))
        == '<pre class="cell-output"><code>printed</code></pre>'
    )


def test_a_table_can_be_scrolled_unless_it_has_a_class(page):
    framed = page.select(".md-typeset__scrollwrap > .md-typeset__table > table")
    assert [table.get_text(" ", strip=True) for table in framed] == ["a b 1 2"]
    assert page.select_one("table.own").parent.name != "div"


def test_pages_are_numbered_from_one_each():
    markdown = Markdown(
        extensions=["pymdownx.highlight", "pymdownx.superfences", "tutorial.page.code_blocks"]
    )
    for _ in range(2):
        assert 'id="__code_1"' in markdown.reset().convert("```text\nx\n```")
