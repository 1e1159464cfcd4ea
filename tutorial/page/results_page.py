"""The `results` fence: what was measured over several seeds, and how long every lesson runs.

A fence that holds `lessons` has the running times. In any other each line, `recipe: what it is`,
describes a recipe, and the recipes stand in the order of the lines. One without a line comes after
them, described by the heading under which its cell stands.
"""

import math
import os
from collections.abc import Iterable
from html import escape

from tutorial.lesson.cells import DEVICES
from tutorial.lesson.project import SHOWN_CELL, Project
from tutorial.page import fences, numbers
from tutorial.page.fences import NAMES, PageError
from tutorial.page.numbers import SPACE
from tutorial.record import results
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


@fences.never_silent
def show_results(source, language, css_class, options, md, **kwargs) -> str:
    """SuperFences formatter: tables and a picture of all results, or the lessons' times."""
    project = fences.the_project()
    if source.strip() == "lessons":
        return f'<section class="results" data-search-exclude>{_lessons(project)}</section>'
    current, recipes = numbers.all_results(project), results.recipes(project)
    described = _described(source, recipes)
    recipes = {name: recipes[name] for name in (*described, *recipes)}  # in the page's order
    measured = {
        name: {device: current[device][name] for device in DEVICES if name in current[device]}
        for name in recipes
    }
    measured = {name: found for name, found in measured.items() if found}
    missing = [name for name in recipes if name not in measured]
    parts = []
    if measured:
        parts += [_overview(project, recipes, measured, described), _picture(measured)]
        parts += [_details(name, found) for name, found in measured.items()]
    else:
        parts.append("<p>No recipe has been measured yet: <code>make results</code> does it.</p>")
    if missing:
        names = ", ".join(missing)
        parts.append(f"<p>Not measured with their present code: {names}.</p>" if measured else "")
    return f'<section class="results" data-search-exclude>{"".join(parts)}</section>'


def _described(source: str, recipes: Iterable[str]) -> dict[str, str]:
    described = {}
    for line in filter(str.strip, source.splitlines()):
        name, colon, text = line.partition(":")
        if not colon or name.strip() not in recipes:
            known = ", ".join(recipes) or "none yet"
            raise PageError(
                f"docs/results.md: the results fence holds {line.strip()!r}; a line is"
                f" 'recipe: what it is', and the recipes are {known}"
            )
        described[name.strip()] = text.strip()
    return described


def _overview(project: Project, recipes: dict, measured: dict, described: dict) -> str:
    every = [result for found in measured.values() for result in found.values()]
    # A column in which each row says the same or nothing, which sorts first, is a sentence.
    columns = {
        "Seeds": lambda result: str(len(result["seeds"])),
        "Data": lambda result: result["data"],
        "Machine": lambda result: result["device"],
    }
    said = {title: {of(result) for result in every} for title, of in columns.items()}
    same = {title: max(texts) for title, texts in said.items() if len(texts - {""}) <= 1}
    rows = []
    for name, found in measured.items():
        recipe = recipes[name]
        what = described.get(name) or _heading(project, recipe)
        title = f"<code>{name}</code>"
        if recipe.cell.folder == "snippets":
            section = recipe.section.name
            title = f'<a href="{section}.html#{section}-{recipe.cell.name}">{title}</a>'
        head = (
            f'<th scope="rowgroup" rowspan="{len(found)}" id="{name}">{title}'
            f"<span>{escape(what, quote=False)}</span></th>"
        )
        for device, result in found.items():
            accuracy, seconds = result["accuracy"], result["seconds"]
            cells = [
                NAMES[device],
                f"<b>{numbers.mean_and_sd(accuracy)}</b>",
                numbers.low_to_high(accuracy),
                numbers.clock(seconds["median"]),
                *(escape(of(result)) for title, of in columns.items() if title not in same),
            ]
            rows.append(f"<tr>{head}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
            head = ""
    titles = ("Recipe", "Device", "Test accuracy", "Range", "Training")
    titles += tuple(title for title in columns if title not in same)
    over = f"{same['Seeds']} seeds" if "Seeds" in same else "the seeds"
    start = "Data set, if any:" if "" in said["Data"] else "All on"
    on = f" {start} {escape(same['Data'])}." if same.get("Data") else ""
    by = f" of {escape(same['Machine'])}" if "Machine" in same else ""
    return (
        f"<p>Test accuracy: mean ± standard deviation over {over}, and the range. Training: the"
        f" median time{by}, by the recipe's own clock.{on}</p>"
        f"<table>{_head(titles)}<tbody>{''.join(rows)}</tbody></table>"
    )


def _head(titles: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return f"<thead><tr>{cells}</tr></thead>"


def _heading(project: Project, recipe: Recipe) -> str:
    """The nearest heading above the cell on its page; for a benchmark what its script says."""
    if recipe.cell.folder != "snippets":
        text = recipe.section.path.read_text(encoding="utf-8")
        return (text.removeprefix('"""').splitlines() or [""])[0].removesuffix('"""').rstrip(".")
    for fence in project.fences:
        match = SHOWN_CELL.match(fence.named)
        if match and match.groups() == (recipe.section.name, recipe.cell.name):
            above = project.pages[fence.page][: int(fence.place.rpartition(":")[2])]
            heads = [line.lstrip("# ") for line in above if line.startswith(("# ", "## ", "### "))]
            return heads[-1] if heads else ""
    return ""


def _picture(measured: dict) -> str:
    """A dot per seed, on one scale for all recipes: filled for the CPU, hollow for others."""
    rows = [(name, device, found[device]) for name, found in measured.items() for device in found]
    values = [value * 100 for *_, result in rows for value in result["accuracy"]["values"]]
    step = _step(max(values) - min(values))
    # Room beside the outermost dots, as far as there can be an accuracy.
    low = max(0, math.floor(min(values) / step - 0.2) * step)
    high = min(100, math.ceil(max(values) / step + 0.2) * step)

    def x(value: float) -> str:
        return f"{EDGE + (value - low) / (high - low) * (WIDTH - 2 * EDGE):.1f}"

    height, parts, said = TOP + ROW * len(rows), [], []
    for number in range(round((high - low) / step) + 1):
        value = low + number * step
        at = x(value)
        parts.append(f'<path class="grid" d="M{at} {TOP - 6}V{height}"/>')
        anchor = "start" if number == 0 else "end" if value > high - step / 2 else "middle"
        parts.append(f'<text x="{at}" y="11" text-anchor="{anchor}">{value:g}{SPACE}%</text>')
    for number, (name, device, result) in enumerate(rows):
        accuracy, middle = result["accuracy"], TOP + ROW * number + 27
        mean, sd = accuracy["mean"] * 100, accuracy["sd"] * 100
        label = f"{name}, {NAMES[device]}"
        parts.append(f'<text class="name" x="{EDGE}" y="{middle - 13}">{label}</text>')
        kind = "cpu" if device == "cpu" else "other"
        left, right = x(max(mean - sd, 0)), x(min(mean + sd, 100))
        parts.append(f'<path class="sd {kind}" d="M{left} {middle}H{right}"/>')
        parts.append(f'<path class="mean {kind}" d="M{x(mean)} {middle - 8}v16"/>')
        for seed, value in enumerate(accuracy["values"]):
            up = (seed % 5 - 2) * 2  # equal values would hide one another
            parts.append(
                f'<circle class="dot {kind}" cx="{x(value * 100)}" cy="{middle + up}" r="3"/>'
            )
        average = numbers.percent(accuracy["mean"], accuracy)
        said.append(f"{label}: {numbers.low_to_high(accuracy)}, mean {average}")
    label = f"Test accuracy of every seed. {'; '.join(said)}.".replace(SPACE, " ")
    return (
        f'<figure class="spread"><svg viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(label)}">{"".join(parts)}</svg><figcaption>A dot for each seed. The'
        " upright line is the mean, the bar reaches one standard deviation to either side."
        "</figcaption></figure>"
    )


def _step(span: float) -> float:
    """Between the lines of the scale: about four of them, at round numbers."""
    raw = max(span, 0.4) / 4
    power = 10 ** math.floor(math.log10(raw))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= raw * 0.999)


def _details(name: str, found: dict) -> str:
    heads = [NAMES[device] for device in found]
    classes = dict.fromkeys(each for result in found.values() for each in result["classes"])
    rows = []
    for each in classes:
        cells = [result["classes"].get(each) for result in found.values()]
        shown = "".join(
            f"<td>{numbers.mean_and_sd(cell)}</td><td>{numbers.low_to_high(cell)}</td>"
            if cell
            else "<td></td><td></td>"
            for cell in cells
        )
        rows.append(f'<tr><th scope="row">{escape(each)}</th>{shown}</tr>')
    titles = ["Class", *(t for head in heads for t in (f"Accuracy, {head}", f"Range, {head}"))]
    facts = "".join(
        f'<tr><th scope="row">{title}</th>'
        + "".join(f"<td>{escape(str(result.get(key, '')))}</td>" for result in found.values())
        + "</tr>"
        for key, title in FACTS.items()
    )
    return (
        f"<details><summary>{name}: every class, and how it was measured</summary>"
        f"<table>{_head(titles)}<tbody>{''.join(rows)}</tbody></table>"
        f"<table>{_head(['Fact', *heads])}<tbody>{facts}</tbody></table></details>"
    )


def _lessons(project: Project) -> str:
    """A row per lesson, in the order of the navigation."""
    order = (project.root / "mkdocs.yml").read_text(encoding="utf-8")
    home, rows, devices, machine = os.environ.get("DEVICE") or "cpu", [], set(), {}
    for section in sorted(project.sections.values(), key=lambda s: order.find(f"{s.name}.md")):
        totals: dict[str, list] = {}
        longest, data = (0.0, ""), ""
        for cell in section.cells:
            for run in fences.runs_of(project, section, cell):
                totals.setdefault(run.device, []).append(run.seconds)
                machine.setdefault(run.device, run.facts)
                data = run.data or data
                if run.device == home and run.seconds:
                    longest = max(longest, (run.seconds, cell.name))
        totals = {device: sum(s) for device, s in totals.items() if None not in s}
        devices |= totals.keys()
        step = ""
        if longest[1]:
            step = (
                f'<a href="{section.name}.html#{section.name}-{longest[1]}">{longest[1]}</a>,'
                f" {_time(longest[0])}"
            )
        rows.append((section, totals, step, data))
    shown = [device for device in DEVICES if device in devices]
    body = "".join(
        f'<tr><th scope="row"><a href="{section.name}.html">'
        f"{escape(fences.title_of(project, section.name), quote=False)}</a></th>"
        + "".join(f"<td>{_time(totals[d]) if d in totals else '–'}</td>" for d in shown)
        + f"<td>{step}</td><td>{escape(data)}</td></tr>"
        for section, totals, step, data in rows
    )
    if not body:
        return "<p>There is no lesson yet.</p>"
    titles = ["Lesson", *(NAMES[d] for d in shown), "Longest step", "Data"]
    told = "; ".join(
        f"{NAMES[d]}: {escape(machine[d].get('Device', ''))}, torch {machine[d].get('torch', '')}"
        for d in shown
    )
    return (
        f"<p>All cells of a lesson, in the run that its page shows. {told}.</p>"
        f"<table>{_head(titles)}<tbody>{body}</tbody></table>"
    )


def _time(seconds: float) -> str:
    return fences.readable_seconds(seconds).replace(" ", SPACE)
