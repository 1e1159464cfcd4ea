"""Style sheets of others, without the rules that no page of ours can use."""

import re
from itertools import pairwise
from pathlib import Path

import tinycss2

CLASSES = re.compile(r'\bclass="([^"]*)"')
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)|[\"'`](--[\w-]+)[\"'`]")
NAME = re.compile(r"[\w-]+")


def trim_theme(site: Path) -> None:
    """Leave out of the theme's style sheets what no page and no script of the site names.

    A class may be added by a script: every word in a script counts as one, and a word that ends
    with a hyphen stands for all classes that begin with it.
    """
    pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
    scripts = [script.read_text(encoding="utf-8") for script in site.glob("assets/**/*.js")]
    sheets = {path: path.read_text(encoding="utf-8") for path in site.glob("assets/**/*.css")}
    classes = classes_in(*pages).union(*(NAME.findall(script) for script in scripts))
    beginnings = tuple(word for word in classes if len(word) > 3 and word.endswith("-"))
    for path in site.glob("assets/stylesheets/*.css"):
        css = sheets[path]
        named = {word for word in NAME.findall(css) if word.startswith(beginnings)}
        elsewhere = [*pages, *scripts, *(sheets[other] for other in sheets if other != path)]
        path.write_text(trimmed(css, classes | named, *elsewhere), encoding="utf-8")


def _read_in(text: str) -> set[str]:
    """The custom properties that a sheet reads, or a script names."""
    return {name for found in VARIABLE.findall(text) for name in found if name}


def classes_in(*pages: str) -> set[str]:
    """Every class that an element of these pages has."""
    return {name for page in pages for names in CLASSES.findall(page) for name in names.split()}


def trimmed(css: str, classes: set[str], *elsewhere: str) -> str:
    """A style sheet without the rules for other classes, and without properties nobody reads.

    elsewhere: what else may read its custom properties, such as other sheets. In doubt a rule
    stays: elements, attributes and what stands in `:not()` are not looked at.
    """
    sheet = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    rules = list(_rules(sheet, classes))
    read = {name for text in elsewhere for name in _read_in(text)}
    while True:  # a custom property that only another unread one reads is unread as well
        text = "".join(_text(rule) for rule in rules)
        unread = {name for rule in rules for name in _own(rule)}
        unread -= read.union(_read_in(text))
        if not unread:
            return text
        rules = [_without(rule, unread) for rule in rules]


def selectors_for(rule, classes: set[str]) -> str:
    """Those selectors of a rule that can match with these classes, or nothing."""
    return ",".join(
        tinycss2.serialize(selector).strip()
        for selector in _split(rule.prelude)
        if classes.issuperset(_classes(selector))
    )


def _rules(nodes: list, classes: set[str], around: tuple[str, ...] = ()):
    """(at-rules around it, selectors, declarations) of each rule that stays, in order."""
    for node in nodes:
        if node.type == "at-rule" and node.lower_at_keyword in ("media", "supports"):
            inner = tinycss2.parse_blocks_contents(node.content, skip_whitespace=True)
            condition = f"@{node.at_keyword}{tinycss2.serialize(node.prelude)}"
            yield from _rules(inner, classes, (*around, condition))
        elif node.type == "at-rule" and node.content is not None:
            head = f"@{node.at_keyword}{tinycss2.serialize(node.prelude)}"
            yield around, head, tinycss2.serialize(node.content)
        elif node.type == "qualified-rule" and (selectors := selectors_for(node, classes)):
            yield around, selectors, _declarations(node)


def _declarations(rule) -> list[tuple[str, str]]:
    return [
        (each.name, tinycss2.serialize(each.value).strip() + " !important" * each.important)
        for each in tinycss2.parse_blocks_contents(
            rule.content, skip_comments=True, skip_whitespace=True
        )
        if each.type == "declaration"
    ]


def _own(rule) -> list[str]:
    """The custom properties that a rule sets."""
    content = rule[2]
    return [] if isinstance(content, str) else [name for name, _ in content if name[:2] == "--"]


def _without(rule, names: set[str]):
    around, head, content = rule
    if isinstance(content, str):
        return rule
    return around, head, [each for each in content if each[0] not in names]


def _text(rule) -> str:
    around, head, content = rule
    if not isinstance(content, str):
        content = ";".join(f"{name}:{value}" for name, value in content)
    if not content.strip():
        return ""
    opening = "".join(f"{condition}{{" for condition in around)
    return f"{opening}{head}{{{content}}}{'}' * len(around)}\n"


def _split(prelude: list) -> list[list]:
    """A rule's selectors; commas within parentheses belong to one of them."""
    found = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            found.append([])
        elif token.type != "comment":
            found[-1].append(token)
    return found


def _classes(selector: list) -> set[str]:
    return {
        name.value
        for dot, name in pairwise(selector)
        if dot.type == "literal" and dot.value == "." and name.type == "ident"
    }
