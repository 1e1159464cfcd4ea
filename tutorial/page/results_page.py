"""The `results` fence: what was measured over several seeds, and how long every lesson runs.

A fence that holds `lessons` has the running times. In any other each line, `recipe: what it is`,
describes a recipe, and the recipes stand in the order of the lines. One without a line comes after
them, described by the heading under which its cell stands.
"""

import math
from collections.abc import Iterable

from markdown import Markdown

from tutorial.lesson import files
from tutorial.lesson.project import SHOWN_CELL, Project
from tutorial.page import formats
from tutorial.page.context import NAMES, BuildContext, PageError, render
from tutorial.record.results import Recipe

FACTS = {
    "data": "Data",
    "device": "Device",
    "threads": "Threads",
    "torch": "torch",
    "torchvision": "torchvision",
    "python": "Python",
    "date": "Date",
    "revision": "Sources",
}
# The picture's own units; its text is 11 of them, and so as large on a phone as beside it.
WIDTH, ROW, TOP, EDGE = 360, 40, 22, 10


def show_results(context: BuildContext, text: str, md: Markdown) -> str:
    """Tables and a picture of all results, or the lessons' times."""
    if text == "lessons":
        return _lessons(context)
    recipes = context.results.recipes
    described = _described(text, recipes)
    order = [*described, *(name for name in recipes if name not in described)]
    measured = {name: context.results.current(name) for name in order}
    measured = {name: by_device for name, by_device in measured.items() if by_device}
    every = [result for by_device in measured.values() for result in by_device.values()]
    # A column in which each row says the same or nothing, which sorts first, is a sentence.
    columns = {
        "Seeds": {str(len(result["seeds"])) for result in every},
        "Data": {result["data"] for result in every},
        "Machine": {result["device"] for result in every},
    }
    same = {
        title: max(texts, default="") for title, texts in columns.items() if len(texts - {""}) <= 1
    }
    return render(
        "results.html",
        measured=measured,
        missing=[name for name in order if name not in measured],
        recipes=recipes,
        described={
            name: described.get(name) or _heading(context.project, recipes[name])
            for name in measured
        },
        columns=[title for title in columns if title not in same],
        same=same,
        some_without_data="" in columns["Data"],
        facts=FACTS,
        picture=picture(measured) if measured else None,
    )


def _described(text: str, recipes: Iterable[str]) -> dict[str, str]:
    described = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, words = line.partition(":")
        if not colon or name.strip() not in recipes:
            known = ", ".join(recipes) or "none yet"
            raise PageError(
                f"docs/results.md: the results fence holds {line.strip()!r}; a line is"
                f" 'recipe: what it is', and the recipes are {known}"
            )
        described[name.strip()] = words.strip()
    return described


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


def picture(measured: dict[str, dict[str, dict]]) -> dict:
    """Places of what results.html draws: a dot per seed, on one scale for all recipes."""
    rows = [
        (f"{name}, {NAMES[device]}", device, result["accuracy"])
        for name, by_device in measured.items()
        for device, result in by_device.items()
    ]
    values = [value * 100 for *_, accuracy in rows for value in accuracy["values"]]
    step = _step(max(values) - min(values))
    # Room beside the outermost dots, as far as there can be an accuracy.
    low = max(0, math.floor(min(values) / step - 0.2) * step)
    high = min(100, math.ceil(max(values) / step + 0.2) * step)

    def x(percent: float) -> float:
        percent = min(max(percent, 0), 100)
        return round(EDGE + (percent - low) / (high - low) * (WIDTH - 2 * EDGE), 1)

    ticks = [low + number * step for number in range(round((high - low) / step) + 1)]
    spoken = "; ".join(
        f"{label}: {formats.low_to_high(accuracy)}, mean"
        f" {formats.percent(accuracy['mean'], accuracy)}"
        for label, _, accuracy in rows
    )
    return {
        "width": WIDTH,
        "height": TOP + ROW * len(rows),
        "top": TOP,
        "edge": EDGE,
        "label": f"Test accuracy of every seed. {spoken}.".replace(formats.SPACE, " "),
        "ticks": [{"x": x(value), "text": f"{value:g}{formats.SPACE}%"} for value in ticks],
        "rows": [
            {
                "label": label,
                "kind": "cpu" if device == "cpu" else "other",
                "y": TOP + ROW * number + 27,
                "left": x((accuracy["mean"] - accuracy["sd"]) * 100),
                "mean": x(accuracy["mean"] * 100),
                "right": x((accuracy["mean"] + accuracy["sd"]) * 100),
                "dots": [x(value * 100) for value in accuracy["values"]],
            }
            for number, (label, device, accuracy) in enumerate(rows)
        ],
    }


def _step(span: float) -> float:
    """Between the lines of the scale: about four of them, at round numbers."""
    raw = max(span, 0.4) / 4
    power = 10 ** math.floor(math.log10(raw))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)


def _lessons(context: BuildContext) -> str:
    """A row per lesson, in the order of the navigation."""
    project = context.project
    order = files.read(project.root / "mkdocs.yml")
    rows, machines = [], {}
    for section in sorted(project.sections.values(), key=lambda s: order.find(f"{s.name}.md")):
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
