"""Numbers with a spread: `make results` trains each recipe with several seeds.

A recipe is a run of cells of a script that trains and tests a network: the cell that ends it says
`recipe="name"`. Afterwards its namespace holds

    test_logits  (N, classes), and test_labels, (N,), on the CPU
    classes      the names of the classes
    seconds      what the training took, by the script's own clock

Outcomes on real data are committed, in outputs/DEVICE/results.json.
"""

import ast
import json
import os
import re
import shutil
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path

from filelock import FileLock

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson.cells import Cell, Section, digest, read_section
from tutorial.lesson.needs import needed
from tutorial.lesson.project import Project
from tutorial.run.runner import Kernel, Listener, Outcome, Runner, revision, wait_or_stop

SEEDS = 5  # fewer are no spread, and are not committed
HOLDS_RECIPES = re.compile(r"^# %% .*\brecipe=", re.MULTILINE)
VERSIONS = ("threads", "python", "torch", "torchvision")

# Run before the first seed and after it: a network that was made before the span and is trained in
# it would start each seed where the last one ended.
WATCH = """
def _state_of_networks():
    state = {}
    for name, value in list(globals().items()):
        if isinstance(value, type) or not hasattr(value, "parameters"):
            continue
        try:
            numbers = [float(tensor.sum()) for tensor in value.state_dict().values()]
        except Exception:  # no network, or one whose parameters do not exist yet
            continue
        state[name] = (value, numbers)  # kept: its id must not become that of another
    return state


_networks = _state_of_networks()
"""
CHANGED = """
_now = _state_of_networks()
print(*[name for name, was in _networks.items()
        if name in _now and _now[name][0] is was[0] and str(_now[name][1]) != str(was[1])])
"""
DEFINE_OUTCOME = """
def _outcome(test_logits, test_labels, classes, seconds):
    import json

    rows, predicted = len(test_logits), test_logits.argmax(dim=1).tolist()
    labels, names = test_labels.tolist(), [str(name) for name in classes]
    assert rows == len(labels) > 0, f"{rows} rows of test_logits, {len(labels)} test_labels"
    assert test_logits.shape[1] == len(names), f"{test_logits.shape[1]} logits, {len(names)} names"
    assert seconds > 0, f"seconds is {seconds}"
    counts, right = [0] * len(names), [0] * len(names)
    for label, answer in zip(labels, predicted):
        counts[label] += 1
        right[label] += label == answer
    assert min(counts) > 0, "a class has no test image"
    print(json.dumps({
        "accuracy": sum(right) / rows,
        "classes": {name: r / n for name, r, n in zip(names, right, counts)},
        "seconds": float(seconds),
    }))
"""
READ = "_outcome(test_logits, test_labels, classes, seconds)"
# The recipe itself must bind these: those of another training would pass for its own.
FORGET = """
for _name in ("test_logits", "seconds"):
    globals().pop(_name, None)
"""


@dataclass(frozen=True)
class Recipe:
    """A training whose outcome is repeated over seeds: `cell` ends it, `since` begins it."""

    name: str
    section: Section
    cell: Cell
    since: Cell

    @property
    def script(self) -> str:
        return self.cell.script

    def span(self, device: str) -> list[Cell]:
        """The cells that are run once per seed."""
        return [c for c in self.section.on(device) if self.since.line <= c.line <= self.cell.line]

    @cached_property
    def seed(self) -> tuple[Cell, ast.Constant]:
        """The 0 in the span's one `torch.manual_seed(0)`. TutorialError if it is not just one."""
        calls = [
            (cell, node)
            for cell in self.section.cells
            if self.since.line <= cell.line <= self.cell.line
            for node in ast.walk(cell.tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.manual_seed"
        ]
        if len(calls) != 1:
            lines = ", ".join(f"line {cell.line + node.lineno}" for cell, node in calls) or "none"
            raise TutorialError(
                f"{self.cell.where}: recipe {self.name} needs exactly one torch.manual_seed(0)"
                f" from cell {self.since.name} to cell {self.cell.name}; there is {lines}"
            )
        ((cell, node),) = calls
        if ast.unparse(node) != "torch.manual_seed(0)":
            raise TutorialError(
                f"{cell.script}:{cell.line + node.lineno}: recipe {self.name} must write"
                f" torch.manual_seed(0), not {ast.unparse(node)}: 'make results' puts other seeds"
            )
        return cell, node.args[0]

    def seeded(self, cell: Cell, seed: int) -> str:
        """The cell's code with another seed: nothing else differs, no line moves."""
        holder, zero = self.seed
        if cell != holder:
            return cell.source
        lines = cell.source.split("\n")
        line = lines[zero.lineno - 1].encode()  # ast counts bytes
        line = line[: zero.col_offset] + str(seed).encode() + line[zero.end_col_offset :]
        lines[zero.lineno - 1] = line.decode()
        return "\n".join(lines)

    def needed(self, device: str) -> Section:
        """The section with the cells alone that the recipe takes, those of its span among them."""
        section = _with_readers(self.section)
        names = {cell.name for cell in self.span(device)}
        for name in (*names, _reader(self.cell).name):
            names |= {each.name for each in needed(section, name, device)}
        return replace(
            self.section, cells=tuple(c for c in self.section.on(device) if c.name in names)
        )

    def fingerprint(self, device: str) -> str:
        """8 hex digits that change with the code of any cell that the recipe takes."""
        return digest(list(self.needed(device).fingerprints(device).values()))[:8]


def _reader(cell: Cell) -> Cell:
    """Stands for what reads the outcome of the recipe that `cell` ends."""
    source = "test_labels, classes"
    return replace(cell, name=f"reader of {cell.name}", source=source, options={})


def _with_readers(section: Section) -> Section:
    """The section with a reader below the end of each recipe: it is analysed once for them all."""
    ends = [(c, _reader(c)) if "recipe" in c.options else (c,) for c in section.cells]
    return replace(section, cells=tuple(cell for end in ends for cell in end))


def recipes(project: Project) -> dict[str, Recipe]:
    """Every recipe by name, in the order of the scripts: snippets/ first, then benchmarks/.

    Raises TutorialError, naming script and line, for one that is not as it should be.
    """
    sections = list(project.sections.values())
    for path in sorted((project.root / "benchmarks").glob("*.py")):
        if HOLDS_RECIPES.search(path.read_text(encoding="utf-8")):
            sections.append(read_section(path, project.root))
    found: dict[str, Recipe] = {}
    for section in sections:
        for recipe in _recipes_of(section):
            if recipe.name in found:
                raise TutorialError(
                    f"{recipe.cell.where}: a recipe named {recipe.name} ends at"
                    f" {found[recipe.name].cell.where} already"
                )
            recipe.seed  # noqa: B018  a wrong number of seeds is told here
            found[recipe.name] = recipe
    return found


def _recipes_of(section: Section) -> list[Recipe]:
    cells = {cell.name: cell for cell in section.cells}
    found = []
    for cell in section.cells:
        if "recipe" not in cell.options:
            continue
        since = cells.get(cell.options.get("since", cell.name))
        if since is None or since.line > cell.line:
            raise TutorialError(
                f"{cell.where}: since={cell.options['since']!r} names no cell above {cell.name}"
            )
        found.append(Recipe(cell.options["recipe"], section, cell, since))
    return found


# The file


def path_of(project: Project, device: str) -> Path:
    """The committed results of a device."""
    return project.root / "outputs" / device / "results.json"


def uncommitted(project: Project, device: str) -> Path:
    """Results that prove that the recipes run, and nothing else."""
    return project.build / "results" / f"{device}.json"


def read(path: Path) -> dict[str, dict]:
    """The results in a file by recipe; none if there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["recipes"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise TutorialError(f"{path}: cannot be read ({error!r}); make results") from None


def current(project: Project, device: str) -> dict[str, dict]:
    """The committed results of the recipes as they are now, in the order of the scripts."""
    known = read(path_of(project, device))
    return {
        name: known[name]
        for name, recipe in (recipes(project) if known else {}).items()
        if name in known and known[name]["fingerprint"] == recipe.fingerprint(device)
    }


def stale(project: Project, device: str) -> dict[str, str]:
    """By name: recipes that were measured with other code, and a line that says so."""
    now, exist = current(project, device), recipes(project)
    return {
        name: other_code(project, device, name)
        for name in read(path_of(project, device))
        if name in exist and name not in now
    }


def other_code(project: Project, device: str, name: str) -> str:
    where = project.relative(path_of(project, device))
    return f"{where}: recipe {name} was measured with other code; make results RECIPES={name}"


def write(path: Path, name: str, result: dict, known: set[str]) -> None:
    """Put one recipe's result into a file, in one step; `known`: those that still exist."""
    results = {other: each for other, each in read(path).items() if other in known}
    results[name] = result
    text = json.dumps({"recipes": dict(sorted(results.items()))}, indent=1, ensure_ascii=False)
    # A list of numbers in one line: a reader compares lists, and a diff shows one line.
    text = re.sub(r"\[[-\d.,\s]+\]", lambda numbers: " ".join(numbers[0].split()), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text.replace("[ ", "[").replace(" ]", "]") + "\n", encoding="utf-8")
    os.replace(new, path)


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


# Measuring


class Measurer:
    """Measures recipes as the runner runs sections: same threads, data, environment and limits."""

    def __init__(self, project: Project, runner: Runner, seeds: int = SEEDS) -> None:
        if seeds < 2:
            raise TutorialError(f"SEEDS={seeds}: a spread takes two seeds or more")
        self.project, self.runner, self.seeds = project, runner, list(range(seeds))
        self.all = recipes(project)
        self.said: list[str] = []  # why what was measured is not committed
        self._processes: set[Kernel] = set()
        self._stopping = False

    def choose(self, names: list[str]) -> list[Recipe]:
        """The named recipes that run on the device; all for an empty list."""
        unknown = [name for name in names if name not in self.all]
        if unknown:
            known = ", ".join(self.all) or "none yet"
            raise TutorialError(f"no recipe is called {unknown[0]}: there are {known}")
        return [
            recipe
            for name, recipe in self.all.items()
            if (not names or name in names) and recipe.cell in recipe.span(self.runner.device)
        ]

    def run(self, chosen: list[Recipe]) -> list[Outcome]:
        """Measure the recipes and write their results; an interrupt keeps what has finished."""
        device = self.runner.device
        needs = [recipe.needed(device).needs(device) for recipe in chosen]
        self.runner.provide(frozenset().union(*needs))
        store = self.project.build / "results"
        store.mkdir(parents=True, exist_ok=True)
        # Two at a time would spoil each other's times.
        with FileLock(store / "lock"), ThreadPoolExecutor(self.runner.jobs) as pool:
            futures = [pool.submit(self._measure, recipe) for recipe in chosen]
            wait_or_stop(futures, self)
        return [future.result() for future in futures]

    def _measure(self, recipe: Recipe) -> Outcome:
        runner, section = self.runner, recipe.needed(self.runner.device)
        span = recipe.span(runner.device)
        before = [cell for cell in section.cells if cell not in span]
        runs = [
            [replace(c, name=f"{c.name}-seed-{seed}", source=recipe.seeded(c, seed)) for c in span]
            for seed in self.seeds
        ]
        # What the progress display counts.
        plan = replace(section, name=recipe.name, cells=(*before, *chain.from_iterable(runs)))
        outcome, folder = Outcome(plan), self.project.build / "results" / "work" / recipe.name
        folder.mkdir(parents=True, exist_ok=True)
        runner.listener.cell_started(plan, None)
        kernel = Kernel(runner, section, folder)
        self._processes.add(kernel)
        try:
            facts = {} if self._stopping else kernel.start()
            for cell in before:
                self._run(kernel, cell, outcome)
            self._ask(kernel, recipe, WATCH + DEFINE_OUTCOME)
            found = []
            for cells in runs:
                self._ask(kernel, recipe, FORGET)
                for cell in cells:
                    self._run(kernel, cell, outcome)
                if not found:
                    self._refuse_trained_further(kernel, recipe)
                found.append(json.loads(self._ask(kernel, recipe, READ)))
            self._keep(recipe, section, found, facts)
            outcome.status = "ran"
        except TutorialError as error:
            outcome.status, outcome.problems = "failed", [str(error)]
        finally:
            kernel.kill()
            self._processes.discard(kernel)
            shutil.rmtree(folder, ignore_errors=True)
        if not self._stopping:
            runner.listener.section_ended(outcome)
        return outcome

    def _run(self, kernel: Kernel, cell: Cell, outcome: Outcome) -> None:
        if self._stopping:
            raise TutorialError("interrupted")
        self.runner.listener.cell_started(outcome.section, cell)
        reply = kernel.run(cell)
        error, fatal = reply["error"], reply.get("fatal")
        if fatal:
            raise TutorialError(f"{cell.where}: {cell.name}: {fatal}")
        if error and cell.options.get("error") not in error["types"]:
            where = f"{cell.script}:{error['line'] or cell.line}"
            raise TutorialError(f"{where}: {cell.name}: {error['message']}\n{error['traceback']}")
        outcome.cells += 1

    def _ask(self, kernel: Kernel, recipe: Recipe, source: str) -> str:
        """What a piece of our own code prints in the recipe's namespace."""
        if self._stopping:
            raise TutorialError("interrupted")
        reply = kernel.run(replace(recipe.cell, name="outcome", source=source, options={}))
        if reply["error"] or reply.get("fatal"):
            said = reply.get("fatal") or reply["error"]["message"]
            raise TutorialError(
                f"{recipe.cell.where}: after recipe {recipe.name}, test_logits, test_labels,"
                f" classes and seconds cannot be read: {said}"
            )
        return reply["text"]

    def _refuse_trained_further(self, kernel: Kernel, recipe: Recipe) -> None:
        names = self._ask(kernel, recipe, CHANGED).split()
        if names:
            raise TutorialError(
                f"{recipe.cell.where}: recipe {recipe.name} trains {', '.join(names)}, which a cell"
                f" before {recipe.since.name} makes: the next seed would go on where this one"
                ' ended. Begin the recipe where the network is made: since="..."'
            )

    def _keep(self, recipe: Recipe, section: Section, found: list[dict], facts: dict) -> None:
        device = self.runner.device
        given = [each.name for each in self.runner.given(section.needs(device))]
        names = list(found[0]["classes"])
        result = {
            "script": recipe.script,
            "cell": recipe.cell.name,
            "fingerprint": recipe.fingerprint(device),
            "data": ", ".join(given),
            "device": facts["device_name"],
            **{key: facts[key] for key in VERSIONS},
            "date": datetime.now(UTC).date().isoformat(),
            "revision": revision(self.project.root),
            "seeds": self.seeds,
            "accuracy": spread([each["accuracy"] for each in found]),
            "classes": {name: spread([each["classes"][name] for each in found]) for name in names},
            "seconds": times([each["seconds"] for each in found]),
        }
        path, reason = path_of(self.project, device), ""
        stand_ins = [name for name in given if name in (cifar10.STAND_IN, weights.STAND_IN)]
        if stand_ins:
            reason = f"measured on {', '.join(stand_ins)}"
        elif len(self.seeds) < SEEDS:
            reason = f"{len(self.seeds)} seeds are fewer than {SEEDS}"
        if reason:
            path = uncommitted(self.project, device)
            self.said.append(
                f"{recipe.name}: {reason}, therefore in {self.project.relative(path)}"
                " and not in outputs/, which no page may take for the real thing"
            )
        with FileLock(self.project.build / "results" / "file.lock"):
            write(path, recipe.name, result, set(self.all))


def measure(
    project: Project,
    device: str,
    names: list[str],
    seeds: int = SEEDS,
    jobs: int | None = None,
    listener: Listener | None = None,
) -> tuple[list[Outcome], list[str]]:
    """Measure recipes; what became of each, and the reasons why some are not committed."""
    measurer = Measurer(project, Runner(project, device, jobs, listener), seeds)
    chosen = measurer.choose(names)
    if not chosen:
        raise TutorialError(f'no script has a cell with recipe="..." that runs on {device}')
    return measurer.run(chosen), measurer.said
