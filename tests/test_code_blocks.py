"""Each block of code says how many lines it has."""

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

<pre class="cell-output"><code>printed</code></pre>
"""


@pytest.fixture(scope="module")
def page():
    extensions = ["pymdownx.highlight", "pymdownx.superfences", "tutorial.page.code_blocks"]
    options = {"pymdownx.highlight": {"pygments_lang_class": True}}
    text = Markdown(extensions=extensions, extension_configs=options).convert(TEXT)
    return BeautifulSoup(text, "html.parser")


def test_each_block_says_how_many_lines_it_has(page):
    blocks = page.select(".highlight code")
    assert [block["style"] for block in blocks] == [
        "--lines:3;--on-phone:3",
        "--lines:1;--on-phone:1",
        "--lines:1;--on-phone:1",
    ]
    assert [block.get_text() for block in blocks] == [
        "one = 1\n\ntwo = 2\n",
        "<b>not bold</b>\n",
        "by indent\n",
    ]


def test_what_is_no_block_of_code_stays_as_it_is(page):
    output = str(page.select_one(".cell-output"))
    assert output == '<pre class="cell-output"><code>printed</code></pre>'
