"""`make results`: train each recipe with several seeds, and write what came of it."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

from filelock import FileLock

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson.cells import Cell
from tutorial.record import results
from tutorial.record.results import SEEDS, Recipe
from tutorial.run.kernel_process import KernelProcess, Stopped
from tutorial.run.runner import Outcome, Runner, revision

VERSIONS = ("threads", "python", "torch", "torchvision")


class Measurer:
    """Measures recipes as the runner runs sections: same threads, data, environment and limits."""

    def __init__(self, runner: Runner, seeds: int = SEEDS) -> None:
        if seeds < 2:
            raise TutorialError(f"SEEDS={seeds}: a spread takes two seeds or more")
        self.project, self.runner, self.seeds = runner.project, runner, list(range(seeds))
        self.all = results.recipes(self.project)
        self.notes: list[str] = []  # why what was measured is not committed

    def choose(self, names: list[str]) -> list[Recipe]:
        """The named recipes that run on the device; all for an empty list."""
        unknown = [name for name in names if name not in self.all]
        if unknown:
            known = ", ".join(self.all) or "none yet"
            raise TutorialError(f"no recipe is called {unknown[0]}: there are {known}")
        device = self.runner.device
        here = [recipe for recipe in self.all.values() if recipe.cell in recipe.span(device)]
        chosen = [recipe for recipe in here if not names or recipe.name in names]
        if not chosen:
            raise TutorialError(f'no script has a cell with recipe="..." that runs on {device}')
        return chosen

    def run(self, chosen: list[Recipe]) -> list[Outcome]:
        """Measure the recipes and write their results; an interrupt keeps what has finished."""
        device = self.runner.device
        for path_of in (results.path_of, results.uncommitted):
            results.read(path_of(self.project, device))  # to be written to: not after the training
        downloads = [recipe.needed(device).downloads(device) for recipe in chosen]
        self.runner.provide(frozenset().union(*downloads))
        store = self.project.build / "results"
        store.mkdir(parents=True, exist_ok=True)
        # Two at a time would spoil each other's times.
        with FileLock(store / "lock"):
            return self.runner.in_turn(self._measure, chosen)

    def _measure(self, recipe: Recipe) -> Outcome:
        runner, section = self.runner, recipe.needed(self.runner.device)
        span = recipe.span(runner.device)
        before = [cell for cell in section.cells if cell not in span]
        repeated = [
            [replace(cell, name=f"{cell.name}-seed-{seed}") for cell in span] for seed in self.seeds
        ]
        # What the progress display counts.
        plan = replace(section, name=recipe.name, cells=(*before, *chain.from_iterable(repeated)))
        outcome, folder = Outcome(plan), self.project.build / "results" / "work" / recipe.name
        folder.mkdir(parents=True, exist_ok=True)
        runner.listener.cell_started(plan, None)
        try:
            with runner.kernel(section, folder) as kernel:
                facts, measured = kernel.start(), []
                for cell in before:
                    self._run(kernel, cell, outcome)
                for seed, cells in zip(self.seeds, repeated, strict=True):
                    self._ask(kernel, recipe, {"seed": seed})
                    for cell in cells:
                        self._run(kernel, cell, outcome)
                    measured.append(self._ask(kernel, recipe, {"outcome": True}))
                    _refuse_unrepeatable(recipe, measured[0])
            self._keep(recipe, measured, facts)
            outcome.status = "ran"
        except Stopped:
            return outcome
        except TutorialError as error:
            outcome.status, outcome.problems = "failed", [str(error)]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        runner.listener.section_ended(outcome)
        return outcome

    def _run(self, kernel: KernelProcess, cell: Cell, outcome: Outcome) -> None:
        self.runner.listener.cell_started(outcome.section, cell)
        reply = kernel.run(cell)
        error, fatal = reply["error"], reply.get("fatal")
        if fatal:
            raise TutorialError(f"{cell.where}: {cell.name}: {fatal}")
        if error and cell.options.get("error") not in error["types"]:
            where = f"{cell.script}:{error['line'] or cell.line}"
            raise TutorialError(f"{where}: {cell.name}: {error['message']}\n{error['traceback']}")
        outcome.cells += 1

    def _ask(self, kernel: KernelProcess, recipe: Recipe, request: dict) -> dict:
        reply = kernel.ask(request, recipe.cell.timeout)
        if reply is None or "error" in reply:
            said = kernel.fate() if reply is None else reply["error"]
            raise TutorialError(
                f"{recipe.cell.where}: after recipe {recipe.name}, test_logits, test_labels,"
                f" classes and seconds cannot be read: {said}"
            )
        return reply

    def _keep(self, recipe: Recipe, measured: list[dict], facts: dict) -> None:
        device = self.runner.device
        sources = self.runner.data_for(recipe.needed(device).downloads(device))
        data = [source.name for source in sources]
        result = {
            "script": recipe.cell.script,
            "cell": recipe.cell.name,
            "fingerprint": recipe.fingerprint(device),
            "data": ", ".join(data),
            "device": facts["device_name"],
            **{key: facts[key] for key in VERSIONS},
            "date": datetime.now(UTC).date().isoformat(),
            "revision": revision(self.project.root),
            "seeds": self.seeds,
            "accuracy": results.spread([outcome["accuracy"] for outcome in measured]),
            "classes": {
                name: results.spread([outcome["classes"][name] for outcome in measured])
                for name in measured[0]["classes"]
            },
            "confusion": [outcome["confusion"] for outcome in measured],
            "seconds": results.times([outcome["seconds"] for outcome in measured]),
        }
        path = results.path_of(self.project, device)
        if reason := self._not_to_be_committed(data):
            path = results.uncommitted(self.project, device)
            self.notes.append(
                f"{recipe.name}: {reason}, therefore in {self.project.relative(path)}"
                " and not in outputs/, which no page may take for the real thing"
            )
        with FileLock(self.project.build / "results" / "file.lock"):
            results.write(path, recipe.name, result, set(self.all))

    def _not_to_be_committed(self, data: list[str]) -> str:
        stand_ins = [name for name in data if name in (cifar10.STAND_IN, weights.STAND_IN)]
        if stand_ins:
            return f"measured on {', '.join(stand_ins)}"
        few = len(self.seeds) < SEEDS
        return f"{len(self.seeds)} seeds are fewer than {SEEDS}" if few else ""


def _refuse_unrepeatable(recipe: Recipe, outcome: dict) -> None:
    if not outcome["calls"]:
        raise TutorialError(
            f"{recipe.cell.where}: recipe {recipe.name} calls no torch.manual_seed(0) from cell"
            f" {recipe.since.name} to cell {recipe.cell.name}: all seeds would be the same"
        )
    if outcome["trained_further"]:
        names = ", ".join(outcome["trained_further"])
        raise TutorialError(
            f"{recipe.cell.where}: recipe {recipe.name} trains {names}, which a cell before"
            f" {recipe.since.name} makes: the next seed would go on where this one ended. Begin the"
            ' recipe where the network is made: since="..."'
        )
