"""A term is explained where it is first used below a heading, and in running text only."""

import markdown
import pytest

TERMS = "\n\n*[loss]: what training makes small\n*[graph]: what backward walks through\n"


def abbreviations(text):
    html = markdown.markdown(
        text + TERMS, extensions=["abbr", "admonition", "tables", "toc", "tutorial.page.tooltips"]
    )
    return html, html.count("<abbr")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The loss falls.", 1),
        ("The loss falls, the loss rises.", 1),
        ("The loss and the graph.", 2),
        ("## One\n\nThe loss.\n\n## Two\n\nThe loss.", 2),
        ("### One\n\nThe loss.\n\n### Two\n\nThe loss.", 1),
        ("## The loss\n\nText.", 0),
        ("[the loss](https://example.org) falls", 0),
        ('!!! note "The loss"\n\n    Text.', 0),
        ("`loss`", 0),
        ("| the loss |\n|---|\n| loss |", 1),
    ],
)
def test_terms_are_explained_once_in_a_section(text, expected):
    html, count = abbreviations(text)
    assert count == expected, html


def test_no_word_is_lost_where_a_tooltip_goes():
    html, _ = abbreviations("The loss, *the* loss and **loss** loss loss.")
    assert html == (
        '<p>The <abbr title="what training makes small">loss</abbr>, <em>the</em> loss and'
        " <strong>loss</strong> loss loss.</p>"
    )
