"""The `results` fence: what was measured over several seeds, and how long every lesson runs.

A fence that holds `lessons` has the running times. In any other each line, `recipe: what it is`,
describes a recipe, and the recipes stand in the order of the lines. A line `[title]` begins a group
of recipes, which are compared with one another: each group has a picture with a scale of its own. A
recipe without a line comes after them, described by the heading under which its cell stands.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markdown import Markdown

from tutorial.lesson import files
from tutorial.lesson.project import SHOWN_CELL, Project
from tutorial.page import formats
from tutorial.page.context import NAMES, BuildContext, PageError, render
from tutorial.record.results import Recipe

FACTS = {
    "data": "Data",
    "device": "Machine",
    "threads": "Threads",
    "torch": "torch",
    "torchvision": "torchvision",
    "python": "Python",
    "date": "Date",
    "revision": "Sources",
}
# The picture's own units; its text is 11 of them, and so as large on a phone as beside it.
WIDTH, LABELS, ROW, TOP, EDGE = 360, 122, 22, 22, 16


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
    groups = _described(text, recipes)
    measured = {name: context.results.current(name) for name in recipes}
    devices = {device for by_device in measured.values() for device in by_device}
    rows = {
        title: [
            Row(
                recipes[name],
                words or _heading(context.project, recipes[name]),
                device,
                result,
                f"{name}, {NAMES[device]}" if len(devices) > 1 else name,
            )
            for name, words in described.items()
            for device, result in measured[name].items()
        ]
        for title, described in groups.items()
    }
    rows = {title: group for title, group in rows.items() if group}
    every = [row for group in rows.values() for row in group]
    facts = {
        "Device": [NAMES[row.device] for row in every],
        "Seeds": [str(len(row.result["seeds"])) for row in every],
        **{title: [str(row.result.get(key, "")) for row in every] for key, title in FACTS.items()},
    }
    # A column in which each row says the same or nothing, which sorts first, is a sentence.
    same = {title: max(said) for title, said in facts.items() if len({*said} - {""}) == 1}
    by_classes: dict[tuple[str, ...], list[Row]] = {}
    for row in every:
        by_classes.setdefault(tuple(row.result["classes"]), []).append(row)
    return render(
        "results.html",
        groups=rows,
        pictures={title: picture(group) for title, group in rows.items()},
        by_classes=by_classes,
        every=every,
        missing=[name for described in groups.values() for name in described if not measured[name]],
        facts={title: said for title, said in facts.items() if title not in same and any(said)},
        same=same,
        some_without_data="" in facts["Data"],
    )


def _described(text: str, recipes: Iterable[str]) -> dict[str, dict[str, str]]:
    """By title of their group the recipes and their descriptions, in order; others come last."""
    groups: dict[str, dict[str, str]] = {"": {}}
    described = groups[""]
    for line in filter(str.strip, text.splitlines()):
        if line.startswith("[") and line.rstrip().endswith("]"):
            described = groups.setdefault(line.strip()[1:-1], {})
            continue
        name, colon, words = line.partition(":")
        if not colon or name.strip() not in recipes:
            known = ", ".join(recipes) or "none yet"
            raise PageError(
                f"docs/results.md: the results fence holds {line.strip()!r}; a line is"
                f" 'recipe: what it is', or '[title]' of a group, and the recipes are {known}"
            )
        described[name.strip()] = words.strip()
    named = {name for group in groups.values() for name in group}
    rest = groups.setdefault("Others" if len(groups) > 1 else "", {})
    rest |= {name: "" for name in recipes if name not in named}
    return groups


def _heading(project: Project, recipe: Recipe) -> str:
    """The nearest heading above the cell on its page; for a benchmark what its script says."""
    if recipe.cell.folder != "snippets":
        text = files.read(recipe.section.path)
        return (text.removeprefix('"""').splitlines() or [""])[0].removesuffix('"""').rstrip(".")
    for fence in project.fences:
        match = SHOWN_CELL.match(fence.named)
        if match and match.groups() == (recipe.section.name, recipe.cell.name):
            above = project.pages[fence.page][: int(fence.place.rpartition(":")[2])]
            heads = [line.lstrip("# ") for line in above if line.startswith(("# ", "## ", "### "))]
            return heads[-1] if heads else ""
    return ""


def picture(rows: list[Row]) -> dict:
    """Places of what results.html draws: beside each label a dot per seed, on one scale."""
    values = [value * 100 for row in rows for value in row.result["accuracy"]["values"]]
    step = _step(max(values) - min(values))
    # Room beside the outermost dots, as far as there can be an accuracy.
    low = max(0, math.floor(min(values) / step - 0.2) * step)
    high = min(100, math.ceil(max(values) / step + 0.2) * step)
    left, right = LABELS + EDGE, WIDTH - EDGE

    def x(percent: float) -> float:
        percent = min(max(percent, 0), 100)
        return round(left + (percent - low) / (high - low) * (right - left), 1)

    ticks = [low + number * step for number in range(round((high - low) / step) + 1)]
    spoken = "; ".join(
        f"{row.label}: {formats.low_to_high(accuracy)}, mean"
        f" {formats.percent(accuracy['mean'], accuracy)}"
        for row, accuracy in ((row, row.result["accuracy"]) for row in rows)
    )
    return {
        "width": WIDTH,
        "height": TOP + ROW * len(rows),
        "top": TOP,
        "label": f"Test accuracy of every seed. {spoken}.".replace(formats.SPACE, " "),
        "ticks": [{"x": x(value), "text": f"{value:g}{formats.SPACE}%"} for value in ticks],
        "rows": [
            {
                "label": row.label,
                "kind": "cpu" if row.device == "cpu" else "other",
                "y": TOP + ROW * number + ROW / 2,
                "left": x((accuracy["mean"] - accuracy["sd"]) * 100),
                "mean": x(accuracy["mean"] * 100),
                "right": x((accuracy["mean"] + accuracy["sd"]) * 100),
                "dots": [x(value * 100) for value in accuracy["values"]],
            }
            for number, (row, accuracy) in enumerate((r, r.result["accuracy"]) for r in rows)
        ],
    }


def _step(span: float) -> float:
    """Between the lines of the scale: about four of them, at round numbers."""
    raw = max(span, 0.4) / 4
    power = 10 ** math.floor(math.log10(raw))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)


def _lessons(context: BuildContext) -> str:
    """A row per lesson, in the order of the navigation."""
    rows, machines = [], {}
    for section in context.sections:
        seconds: dict[str, list] = {}
        steps, data = [(0.0, "")], ""
        for cell in section.cells:
            for run in context.runs_of(section, cell):
                seconds.setdefault(run.device, []).append(run.seconds)
                machines.setdefault(run.device, run.facts)
                data = run.data or data
                if run.device == context.device and run.seconds:
                    steps.append((run.seconds, cell.name))
        rows.append(
            {
                "name": section.name,
                "title": context.title_of(section.name),
                "totals": {d: sum(each) for d, each in seconds.items() if None not in each},
                "longest": max(steps),
                "data": data,
            }
        )
    timed = {device for row in rows for device in row["totals"]}
    return render("lessons.html", rows=rows, machines={d: machines[d] for d in NAMES if d in timed})
