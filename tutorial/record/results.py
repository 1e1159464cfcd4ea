"""Numbers with a spread: `make results` trains each recipe with several seeds.

A recipe is a run of cells of a script that trains and tests a network: the cell that ends it says
`recipe="name"`. Afterwards its namespace holds

    test_logits  (N, classes), and test_labels, (N,), on the CPU
    classes      the names of the classes
    seconds      what the training took, by the script's own clock

They call `torch.manual_seed(0)`, and a measured seed is added to that. The network is made within
the recipe. What is too slow for a page may be a script in benchmarks/.

Outcomes on real data with five seeds or more are committed, in outputs/DEVICE/results.json; others
go to build/results/ and on no page. docs/results.md shows them: a line `recipe: what it is` in its
`results` fence describes a recipe, and `[title]` begins a group with a table and a scale of its
own. Times of two recipes are compared only if both were measured with one processor, threads and
torch.
"""

import json
import math
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.cells import DEVICES, Cell, Section, digest, read_section
from tutorial.lesson.needs import needed
from tutorial.lesson.project import Project

SEEDS = 5  # fewer are no spread, and are not committed
TEXTS = ("fingerprint", "data", "device", "torch", "torchvision", "python", "date", "revision")
READER = "(what reads the outcome)"  # no cell has such a name
HOLDS_RECIPES = re.compile(r"^# %% .*\brecipe=", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """A training whose outcome is repeated over seeds: `cell` ends it, `since` begins it."""

    name: str
    section: Section
    cell: Cell
    since: Cell

    def span(self, device: str) -> list[Cell]:
        """The cells that are run once per seed."""
        return [c for c in self.section.on(device) if self.since.line <= c.line <= self.cell.line]

    def needed(self, device: str) -> Section:
        """The section with the cells alone that the recipe takes, those of its span among them."""
        below = Cell(self.section.name, READER, self.cell.line + 1, "test_labels, classes")
        above = [cell for cell in self.section.on(device) if cell.line <= self.cell.line]
        section = replace(self.section, cells=(*above, below))
        names = {cell.name for cell in self.span(device)} | {READER}
        taken = {cell.name for name in names for cell in needed(section, name, device)}
        return replace(self.section, cells=tuple(cell for cell in above if cell.name in taken))

    def fingerprint(self, device: str) -> str:
        """8 hex digits that change with the code of any cell that the recipe takes."""
        own = self.section.fingerprints(device)
        return digest([own[cell.name] for cell in self.needed(device).cells])[:8]


def recipes(project: Project) -> dict[str, Recipe]:
    """Every recipe by name, in the order of the scripts: snippets/ first, then benchmarks/.

    Raises TutorialError, naming script and line, for one that is not as it should be.
    """
    sections = list(project.sections.values())
    for path in files.visible(project.root / "benchmarks", "*.py"):
        if HOLDS_RECIPES.search(files.read(path)):
            sections.append(read_section(path, project.root))
    by_name: dict[str, Recipe] = {}
    for recipe in (recipe for section in sections for recipe in _recipes_of(section)):
        if recipe.name in by_name:
            raise TutorialError(
                f"{recipe.cell.where}: a recipe named {recipe.name} ends at"
                f" {by_name[recipe.name].cell.where} already"
            )
        by_name[recipe.name] = recipe
    return by_name


def _recipes_of(section: Section) -> Iterator[Recipe]:
    cells = {cell.name: cell for cell in section.cells}
    for cell in section.cells:
        if "recipe" not in cell.options:
            continue
        since = cells.get(cell.options.get("since", cell.name))
        if since is None or since.line > cell.line:
            raise TutorialError(
                f"{cell.where}: since={cell.options['since']!r} names no cell above {cell.name}"
            )
        yield Recipe(cell.options["recipe"], section, cell, since)


class Results:
    """The recipes of a project and their committed results, read once."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        return recipes(self.project)

    @cached_property
    def committed(self) -> dict[str, dict[str, dict]]:
        """By device and recipe, also of recipes whose code has changed since."""
        return {device: read(path_of(self.project, device)) for device in DEVICES}

    @cached_property
    def _current(self) -> set[tuple[str, str]]:
        """Device and recipe of each result that is of the recipe's present code."""
        return {
            (device, name)
            for device, results in self.committed.items()
            for name, result in results.items()
            if name in self.recipes
            and result["fingerprint"] == self.recipes[name].fingerprint(device)
        }

    def is_current(self, device: str, name: str) -> bool:
        return (device, name) in self._current

    def current(self, name: str) -> dict[str, dict]:
        """A recipe's results by device; empty where it has none of its present code."""
        return {d: self.committed[d][name] for d in DEVICES if self.is_current(d, name)}

    def one(self, name: str) -> tuple[str, dict]:
        """A recipe's device and result: the CPU's, where it was measured there.

        TutorialError says what there is instead, or how it is measured.
        """
        if name not in self.recipes:
            known = ", ".join(self.recipes) or "none yet"
            raise TutorialError(f"there is no recipe {name}: there are {known}")
        for device in DEVICES:
            if self.is_current(device, name):
                return device, self.committed[device][name]
            if name in self.committed[device]:
                raise TutorialError(self._other_code(device, name))
        raise TutorialError(f"recipe {name} has not been measured: make results RECIPES={name}")

    def stale(self, device: str) -> list[str]:
        """A line for each recipe that was measured with other code."""
        return [
            self._other_code(device, name)
            for name in self.committed[device]
            if name in self.recipes and not self.is_current(device, name)
        ]

    def _other_code(self, device: str, name: str) -> str:
        where = self.project.relative(path_of(self.project, device))
        return f"{where}: recipe {name} was measured with other code; make results RECIPES={name}"


# The file


def path_of(project: Project, device: str) -> Path:
    """The committed results of a device."""
    return project.root / "outputs" / device / "results.json"


def uncommitted(project: Project, device: str) -> Path:
    """Results that prove that the recipes run, and nothing else."""
    return project.build / "results" / f"{device}.json"


def read(path: Path) -> dict[str, dict]:
    """The results in a file by recipe; none if there is no such file.

    TutorialError if one of them is not as Measurer writes it.
    """
    if not path.exists():
        return {}
    try:
        by_recipe = json.loads(files.read(path))["recipes"]
        for name, result in by_recipe.items():
            _check(name, result)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise TutorialError(
            f"{files.named(path)}: holds no results of recipes ({error}); bring it back with"
            f" git checkout, or delete it and measure all again: make results"
        ) from None
    return by_recipe


def _check(name: str, result: dict) -> None:
    """ValueError, TypeError or LookupError unless a result has what pages show of it."""
    texts = [result[key] for key in TEXTS]
    measured = [result["accuracy"], *result["classes"].values()]
    fractions = [spread[key] for spread in measured for key in ("mean", "sd", "min", "max")]
    fractions += [fraction for spread in measured for fraction in spread["values"]]
    seconds = [result["seconds"][key] for key in ("median", "min", "max")]
    seconds += result["seconds"]["values"]
    rows = [row for matrix in result["confusion"] for row in matrix]
    valid = (
        all(isinstance(text, str) for text in texts)
        and isinstance(result["threads"], int)
        and all(0 <= fraction <= 1 for fraction in fractions)
        and all(0 < time < math.inf for time in seconds)
        and all(isinstance(count, int) and count >= 0 for row in rows for count in row)
    )
    if not valid:
        raise ValueError(f"recipe {name} has a text or a number that no run measures")
    counts = {len(values["values"]) for values in (*measured, result["seconds"])}
    if len(result["seeds"]) < 2 or counts != {len(result["seeds"])}:
        raise ValueError(f"recipe {name} has {len(result['seeds'])} seeds, of values {counts}")
    size = len(result["classes"])
    shapes = {(len(matrix), *map(len, matrix)) for matrix in result["confusion"]}
    if len(result["confusion"]) not in counts or shapes != {(size,) * (size + 1)}:
        raise ValueError(f"recipe {name} has no matrix of {size} rows and columns for each seed")


def write(path: Path, name: str, result: dict, known: set[str]) -> None:
    """Put one recipe's result into a file, in one step; `known`: those that still exist."""
    results = {other: each for other, each in read(path).items() if other in known}
    results[name] = result
    text = json.dumps({"recipes": dict(sorted(results.items()))}, indent=1, ensure_ascii=False)
    # A list of numbers in one line: a reader compares lists, and a diff shows one line.
    text = re.sub(r"\[[-\d.,\s]+\]", lambda numbers: " ".join(numbers[0].split()), text)
    files.write(path, text.replace("[ ", "[").replace(" ]", "]") + "\n")


def spread(values: list[float]) -> dict:
    """Mean, sample standard deviation (n - 1) and range of fractions, to four decimals."""
    return {
        "mean": round(statistics.fmean(values), 4),
        "sd": round(statistics.stdev(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
        "values": [round(value, 4) for value in values],
    }


def times(values: list[float]) -> dict:
    """Median and range of times in seconds, to three digits."""
    short = [float(f"{value:.3g}") for value in values]
    middle = float(f"{statistics.median(values):.3g}")
    return {"median": middle, "min": min(short), "max": max(short), "values": short}
