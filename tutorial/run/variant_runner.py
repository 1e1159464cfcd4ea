"""Runs variants of cells. Most take less time than the import of torch, so that they share it."""

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.project import Project
from tutorial.run.kernel_process import Stopped
from tutorial.run.runner import Outcome, Runner
from tutorial.run.stepping import FORKS, SteppingKernel


class SharedKernel(SteppingKernel):
    """Runs one program after the other, each in copies of the process that has just started."""

    facts: dict | None = None

    def start(self) -> dict:
        self.facts = self.facts or super().start()
        return self.facts

    def run(self, cell: Cell) -> dict:
        reply = super().run(cell)
        if "fatal" not in reply:
            self.done.append(cell.name)
        return reply


class VariantRunner(Runner):
    """Runs the variants of a script one after the other, and several scripts at a time."""

    def __init__(self, project: Project, jobs: int | None = None, listener=None) -> None:
        super().__init__(project, jobs, listener)
        self.threads = 1  # others could not be copied
        self._shared: dict[Path, SharedKernel] = {}  # by script

    def run(self, sections: list[Section]) -> list[Outcome]:
        outcomes = [Outcome(section) for section in sections]
        of_scripts = groupby(outcomes, key=lambda outcome: outcome.section.path)
        self._side_by_side(self._run_script, [list(of_script) for _, of_script in of_scripts])
        return outcomes

    def _run_script(self, outcomes: list[Outcome]) -> None:
        try:
            for outcome in outcomes:
                self._run(outcome)
        finally:
            if kernel := self._shared.pop(outcomes[0].section.path, None):
                kernel.kill()
                self._kernels.discard(kernel)

    @contextmanager
    def kernel(self, section: Section, folder: Path):
        """The kernel of the section's script, in the state before the first cell."""
        if not FORKS:
            with super().kernel(section, folder) as kernel:
                yield kernel
            return
        kernel = self._shared.get(section.path)
        if kernel is None or kernel.dead:
            kernel = self._shared[section.path] = self.new_kernel(section, folder, SharedKernel)
            self._kernels.add(kernel)
        kernel.section = section
        try:
            if self._stopping:
                raise Stopped
            yield kernel
        finally:
            kernel.back(0)


def run_variants(
    project: Project, names: Iterable[str], jobs: int | None = None, counter=None
) -> list[Outcome]:
    """Bring the records of variants of the named sections' cells up to date, on the CPU.

    counter: a Listener that is told how many there are, in `total`.
    """
    programs = [
        program
        for (section, _), of_cell in project.variants.items()
        if section in names
        for program in of_cell
    ]
    if counter:
        counter.total = len(programs)
    return VariantRunner(replace(project, device="cpu"), jobs, counter).run(programs)
