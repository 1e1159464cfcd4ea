"""The `results` fence: what was measured over several seeds, and how long every lesson runs.

A fence that holds `lessons` has the running times. In any other each line, `recipe: what it is`,
describes a recipe, and the recipes stand in the order of the lines. A line `[title]` begins a group
of recipes, which are compared with one another: each group has a picture with a scale of its own. A
recipe without a line comes after them.
"""

import configparser
from collections.abc import Callable, Collection
from configparser import ConfigParser
from dataclasses import dataclass
from itertools import chain

from markdown import Markdown

from tutorial.page.context import FACTS, NAMES, BuildContext, PageError, render
from tutorial.record.results import Recipe

# Ends of a picture's scale, in its own units: see results.html.
LEFT, RIGHT = 138, 344


@dataclass(frozen=True)
class Row:
    """What one recipe reached on one device."""

    recipe: Recipe
    words: str
    device: str
    result: dict
    label: str  # the recipe's name, with the device where there are several


def show_results(context: BuildContext, text: str, md: Markdown) -> str:
    """Tables and pictures of all results, or the lessons' times."""
    if text == "lessons":
        return _lessons(context)
    recipes = context.results.recipes
    measured = {name: context.results.current(name) for name in recipes}
    described = _described(text, recipes)
    of_several = len({*chain(*measured.values())}) > 1
    groups = {
        title: [
            Row(
                recipes[name],
                words,
                device,
                result,
                f"{name}, {NAMES[device]}" if of_several else name,
            )
            for name, words in group.items()
            for device, result in measured[name].items()
        ]
        for title, group in described.items()
    }
    groups = {title: rows for title, rows in groups.items() if rows}
    every = [*chain(*groups.values())]
    facts = {
        "Device": [NAMES[row.device] for row in every],
        "Seeds": [str(len(row.result["seeds"])) for row in every],
    }
    for key, title in ({"data": "Data"} | FACTS | {"device": "Machine"}).items():
        facts[title] = [str(row.result.get(key, "")) for row in every]
    # A column in which each row says the same or nothing, which sorts first, is a sentence.
    same = {title: max(said) for title, said in facts.items() if len({*said} - {""}) == 1}
    by_classes: dict[tuple[str, ...], list[Row]] = {}
    for row in every:
        by_classes.setdefault(tuple(row.result["classes"]), []).append(row)
    return render(
        "results.html",
        groups=groups,
        scales={title: scale(rows) for title, rows in groups.items()},
        by_classes=by_classes,
        every=every,
        missing=[name for name in chain(*described.values()) if not measured[name]],
        facts={title: said for title, said in facts.items() if title not in same and any(said)},
        same=same,
        some_without_data="" in facts["Data"],
    )


def _described(text: str, recipes: Collection[str]) -> dict[str, dict[str, str]]:
    """By title of their group the recipes and their descriptions, in order; others come last."""
    fence = ConfigParser(delimiters=[":"], allow_no_value=True, interpolation=None)
    fence.optionxform = str  # keeps capital letters
    try:
        fence.read_string(f"[ ]\n{text}")
    except configparser.Error as error:
        raise PageError(f"docs/results.md: the results fence: {error}") from None
    groups = {title.strip(): dict(fence[title]) for title in fence.sections()}
    named = {name for group in groups.values() for name in group}
    if unknown := named - {*recipes}:
        known = ", ".join(recipes) or "none yet"
        raise PageError(
            f"docs/results.md: the results fence holds {min(unknown)!r}; a line is"
            f" 'recipe: what it is', or '[title]' of a group, and the recipes are {known}"
        )
    rest = {name: "" for name in recipes if name not in named}
    groups.setdefault("Others" if len(groups) > 1 else "", {}).update(rest)
    return groups


def scale(rows: list[Row]) -> tuple[list[float], Callable[[float], float]]:
    """The lines of a picture's scale, in percent, and where in its width a percentage lies."""
    from matplotlib.ticker import MaxNLocator

    values = [value * 100 for row in rows for value in row.result["accuracy"]["values"]]
    # Room beside the outermost dots, as far as there can be an accuracy.
    room = 0.05 * (max(values) - min(values)) + 0.05
    ends = max(0, min(values) - room), min(100, max(values) + room)
    lines = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(*ends).round(6).tolist()

    def x(percent: float) -> float:
        part = (min(max(percent, lines[0]), lines[-1]) - lines[0]) / (lines[-1] - lines[0])
        return round(LEFT + part * (RIGHT - LEFT), 1)

    return lines, x


def _lessons(context: BuildContext) -> str:
    """A row per lesson, in the order of the navigation."""
    rows = [
        {
            "name": section.name,
            "title": context.title_of(section.name),
            "runs": {device: context.last_run([section], device) for device in NAMES},
        }
        for section in context.sections
    ]
    timed = [d for d in NAMES if any(row["runs"][d].seconds is not None for row in rows)]
    return render("lessons.html", rows=rows, devices=timed, of_build=context.device)
