"""Run the sections whose records are not current, several at a time, each in its own kernel."""

import contextlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from filelock import FileLock

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson.cells import Cell, Section, digest
from tutorial.lesson.needs import lacks, needed
from tutorial.lesson.project import Project
from tutorial.record import records
from tutorial.record.records import Record
from tutorial.run import kept_files, replies
from tutorial.run.kernel_process import NO_REPLY, KernelProcess, Stopped, environment_of

version = cache(importlib.metadata.version)  # asked for once a section
PINNED = ("torch", "torchvision", "numpy", "matplotlib", "pillow")


@dataclass
class Outcome:
    """What became of one section: `status` is ran, reused, failed or interrupted."""

    section: Section
    status: str = "interrupted"
    problems: list[str] = field(default_factory=list)
    cells: int = 0  # that did what they announce
    failed: set[str] = field(default_factory=set)  # cells that did not; others may need these


NOT_RUN = "not run: it needs "  # how the failure of such a cell begins


class Listener:
    """Told of every step; the progress display is one."""

    def preparing(self, message: str, fraction: float | None) -> None: ...
    def cell_started(self, section: Section, cell: Cell | None) -> None: ...
    def section_ended(self, outcome: Outcome) -> None: ...


def cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Runner:
    """Runs sections on the device of their project.

    jobs: sections at a time; threads are shared out among them.
    """

    patience = 1  # times its time limit may a cell take

    def __init__(self, project: Project, jobs: int | None = None, listener=None):
        if jobs is not None and jobs < 1:
            raise TutorialError(f"--jobs {jobs}: a section at a time is the least")
        self.project, self.listener = project, listener or Listener()
        self.device = device = project.device
        self.jobs = jobs or (min(2, cores()) if device == "cpu" else max(2, cores() // 2))
        self.threads = max(1, cores() // self.jobs)
        self.device_name = "" if device == "cpu" else accelerator_name(device)
        self.source: cifar10.Source | None = None
        self.weights: weights.Weights | None = None
        self._kernels: set[KernelProcess] = set()
        self._stopping = False

    def run(self, sections: list[Section]) -> list[Outcome]:
        """Bring the records of `sections` up to date; an interrupt keeps what has finished.

        Sections beside which nothing may run come last, one after the other.
        """
        self.provide(frozenset().union(*(section.downloads(self.device) for section in sections)))
        outcomes = [Outcome(section) for section in sections]
        # What trains longest must not start last, and the time limits tell what trains.
        limits = {s.name: max((c.timeout for c in s.on(self.device)), default=0) for s in sections}
        first = sorted(outcomes, key=lambda outcome: limits[outcome.section.name], reverse=True)
        self.in_turn(self._run, first)
        return outcomes

    def in_turn(self, work: Callable, items: list) -> list:
        """The results of work(item): by itself each whose section runs alone, and these last."""
        alone = [item for item in items if item.section.alone(self.device)]
        beside = [item for item in items if not item.section.alone(self.device)]
        groups = (beside, *([item] for item in alone))
        return [result for group in groups for result in self._side_by_side(work, group)]

    def _side_by_side(self, work: Callable, items: list) -> list:
        """The results of work(item), as many at a time as there are jobs.

        An interrupt stops all kernels: work() then gets Stopped from its own.
        """
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(work, item) for item in items]
            try:
                while wait(futures, timeout=0.2).not_done:  # Windows interrupts no longer wait
                    pass
            except BaseException:
                self._stopping = True
                pool.shutdown(wait=False, cancel_futures=True)
                for kernel in list(self._kernels):
                    kernel.stop()
                raise
        return [future.result() for future in futures]

    def new_kernel(self, section: Section, folder: Path, kind=KernelProcess) -> KernelProcess:
        """A kernel for a section, not started yet."""
        return kind(
            section,
            self.device,
            self.threads_for(section),
            self.kernel_environment(self.threads_for(section)),
            folder,
            source=self.source if "CIFAR10" in section.downloads(self.device) else None,
            patience=self.patience,
        )

    @contextlib.contextmanager
    def kernel(self, section: Section, folder: Path):
        """A kernel for a section, not started yet; it ends with the block or an interrupt."""
        kernel = self.new_kernel(section, folder)
        self._kernels.add(kernel)
        try:
            if self._stopping:
                raise Stopped
            yield kernel
        finally:
            kernel.kill()
            self._kernels.discard(kernel)

    def threads_for(self, section: Section) -> int:
        return cores() if section.alone(self.device) else self.threads

    def kernel_environment(self, threads: int) -> dict[str, str]:
        """The environment variables of a process that runs cells."""
        home = self.weights.home if self.weights else None
        return environment_of(self.device, threads, home)

    def provide(self, downloads: frozenset[str]) -> None:
        root, tell = self.project.root, self.listener.preparing
        if "CIFAR10" in downloads and not self.source:
            self.source = cifar10.provide(root, tell)
        if downloads - {"CIFAR10"} and not self.weights:
            self.weights = weights.provide(root, set(downloads - {"CIFAR10"}), tell)

    def data_for(self, downloads: frozenset[str]) -> list[cifar10.Source | weights.Weights]:
        """Which of the data and weights at hand stand for these downloads; each has a name."""
        images = [self.source] if "CIFAR10" in downloads else []
        return images + ([self.weights] if downloads - {"CIFAR10"} else [])

    def environment(self, section: Section) -> dict:
        """What outputs follow from beside the code: part of each record, compared before reuse."""
        versions = {name: version(name) for name in PINNED}
        data = self.data_for(section.downloads(self.device))
        return {
            "device": self.device_name,
            "threads": self.threads_for(section),
            "data": [source.identity for source in data],
            "python": platform.python_version(),
            **versions,
        }

    def stale(self, section: Section) -> str:
        """Why the section must run, '' if its records can be used again."""
        expected = digest(self.environment(section))
        for name, key in section.keys(self.device).items():
            try:
                record = records.read(self.project, self.device, section.name, name)
            except TutorialError as damaged:
                self.listener.preparing(str(damaged), None)
                return str(damaged)
            if record is None:
                return f"{name} has no record"
            if record.failure != lacks(section, name, self.device):
                return f"{name} failed, or can run now, or can no longer run"
            if record.key != key:
                return f"{name} or what it needs has changed"
            if record.environment.get("digest") != expected:
                return "versions, device or data have changed"
        return ""

    def _run(self, outcome: Outcome) -> None:
        section = outcome.section
        folder = records.folder(self.project, self.device, section.name)
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):  # another process may be running it
            if not self.stale(section):
                outcome.status, outcome.cells = "reused", len(section.on(self.device))
            else:
                self.listener.cell_started(section, None)
                try:
                    self._run_cells(outcome, folder)
                except Stopped:
                    return
                except TutorialError as error:
                    outcome.status, outcome.problems = "failed", [str(error)]
        self.listener.section_ended(outcome)

    def _run_cells(self, outcome: Outcome, folder: Path) -> None:
        """Run all cells but those that need one which failed, or what this machine lacks; each gets
        a record.
        """
        section = outcome.section
        cells = section.on(self.device)
        ran: list[Cell] = []
        lost: dict[str, None] = {}  # in order: cells that failed, or need one that did
        with contextlib.ExitStack() as kernels:
            kernel = None
            for cell in cells:
                self.listener.cell_started(section, cell)
                if kernel is None or kernel.dead:
                    kernel = kernels.enter_context(self.kernel(section, folder))
                    shared = self._provenance(section, kernel.start())
                    for again in ran:  # what the next cells go on from
                        kernel.run(again)
                above = needed(section, cell.name, self.device) if lost else []
                missing = []
                if skipped := lacks(section, cell.name, self.device):
                    reply = NO_REPLY | {"not_run": skipped}
                    self.listener.preparing(f"{cell.where}: {skipped}", None)
                elif missing := [other.name for other in above if other.name in outcome.failed]:
                    reply = NO_REPLY | {"not_run": f"{NOT_RUN}{missing[0]}, which failed"}
                else:
                    reply = kernel.run(cell)
                    if cell is cells[-1] and "fatal" not in reply:
                        end = kernel.end(cell.timeout * self.patience)
                        reply |= end | {"text": reply["text"] + end["text"]}
                record = self.record(section, cell, reply, kernel, folder, **shared)
                record.write(folder)
                if not record.failure:
                    ran.append(cell)
                    continue
                if skipped:
                    continue
                lost[cell.name] = None
                if not missing:
                    outcome.failed.add(cell.name)
                    outcome.problems.append(record.failure)
                if "CUDA error" in record.failure:  # after one, every call of the process fails
                    kernel.kill()
        outcome.cells, outcome.status = len(ran), "failed" if lost else "ran"
        if left_out := [name for name in lost if name not in outcome.failed]:
            outcome.problems.append(
                f"{self.project.relative(section.path)}: not run, as they need a cell that failed:"
                f" {', '.join(left_out)}"
            )
        _forget(folder, {cell.name for cell in cells})

    def _provenance(self, section: Section, facts: dict) -> dict:
        """What all records of one run have in common; `facts` are the kernel's."""
        environment = self.environment(section)
        return {
            "environment": {"digest": digest(environment), **environment, **facts},
            "date": datetime.now(UTC).date().isoformat(),
            "revision": revision(self.project.root),
        }

    def record(
        self,
        section: Section,
        cell: Cell,
        reply: dict,
        kernel: KernelProcess,
        folder: Path,
        **shared,
    ) -> Record:
        """What a kernel's reply about a cell amounts to; figures and sounds go to `folder`.

        shared: environment, date and revision of the run. OSError if the disk is full.
        """
        if "unsaved" in reply:
            raise OSError(*reply["unsaved"], str(kernel.drawn))
        failure = replies.failure(self.project, cell, reply)
        seen, heard, kept = [], [], []
        if not failure:
            beside = folder, cell.name
            try:
                if name := cell.options.get("sound"):
                    heard = kept_files.take_sound(kernel.workdir, name, *beside)
                if name := cell.options.get("file"):
                    kept = kept_files.take_file(kernel.workdir, name, *beside)
            except ValueError as error:
                failure = replies.failure_message(self.project, cell, cell.line, str(error), reply)
        if not failure:
            seen = [_keep_figure(figure, kernel.drawn, folder) for figure in reply["figures"]]
        data = self.data_for(section.downloads(self.device, upto=cell.name))
        return Record(
            cell.name,
            section.keys(self.device)[cell.name],
            replies.printed(reply, kernel.workdir, self.project.root),
            reply["seconds"],
            seen,
            failure,
            ", ".join(source.name for source in data),
            **shared,
            sounds=heard,
            kept=kept,
            accuracy=reply.get("accuracy"),
        )


class OtherWay(Runner):
    """Runs sections as another processor would, to see which numbers follow from the machine.

    That is one without vector instructions, where torch can be told so, with another number of
    threads. The records go to a folder of their own. On two cores a convolutional network trains
    three times as slowly.
    """

    patience = 6
    OLD_PROCESSOR = {  # noqa: RUF012
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    }

    def __init__(self, project: Project, listener=None) -> None:
        super().__init__(replace(project, folder="build/other-way"), jobs=1, listener=listener)
        self.threads = 2 if Runner(project).threads == 1 else 1

    def kernel_environment(self, threads: int) -> dict[str, str]:
        x86 = platform.machine().lower() in ("x86_64", "amd64")
        return super().kernel_environment(threads) | (self.OLD_PROCESSOR if x86 else {})


def accelerator_name(device: str) -> str:
    """The accelerator's product name; TutorialError where there is none."""
    import torch

    module = getattr(torch, device, None)
    if module is None or not module.is_available():
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        raise TutorialError(
            f"DEVICE={device}: torch {torch.__version__} (built with {built}) finds no such device;"
            " leave DEVICE out to run on the CPU"
        )
    return module.get_device_name(0) if hasattr(module, "get_device_name") else platform.machine()


def revision(root: Path) -> str:
    """The commit the sources are at, '+' appended where they differ from it.

    Of the project's own repository alone, not of one that it happens to lie in.
    """
    ask = ["git", f"--git-dir={root / '.git'}", f"--work-tree={root}"]
    ask += ["describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("REVISION", "")


def _keep_figure(figure: dict, drawn: Path, folder: Path) -> dict:
    """What a record holds of a figure that the kernel has saved in `drawn`."""
    kept = {}
    for palette in ("light", "dark"):
        file = drawn / figure[palette]
        kept[palette] = records.keep(file, folder, file.stem)
        file.unlink()
    return figure | kept


def _forget(folder: Path, cells: set[str]) -> None:
    """Remove records of cells that the script no longer has, and files no record names."""
    named = set()
    for path in folder.glob("*.json"):
        if path.stem not in cells:
            path.unlink()
            continue
        named |= {name for _, name in records.load(path).files()}
    kinds = ("webp", "wav", "bin", "py")
    for path in (path for kind in kinds for path in folder.glob(f"*.{kind}")):
        if path.name not in named:
            path.unlink()
