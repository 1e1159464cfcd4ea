"""Run the sections whose records are not current, two at a time, each in a kernel of its own."""

import contextlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson.cells import DEVICES, Cell, Section, digest
from tutorial.lesson.project import Project
from tutorial.record import records
from tutorial.record.records import Record
from tutorial.run import sounds
from tutorial.run.forks import START_LIMIT, Forked, Forks, can_fork

# What a training step frees, the next one needs again: glibc is not to give it back in between.
KEEP_FREED_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),  # the most that glibc accepts
}
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PINNED = ("torch", "torchvision", "numpy", "matplotlib", "pillow")


@dataclass
class Outcome:
    """What became of one section: `status` is ran, reused, failed or interrupted."""

    section: Section
    status: str = "interrupted"
    problems: list[str] = field(default_factory=list)
    cells: int = 0  # current when the run ended; the next one is what failed


class Listener:
    """Told of every step; the progress display is one."""

    def preparing(self, message: str, fraction: float | None) -> None: ...
    def cell_started(self, section: Section, cell: Cell | None) -> None: ...
    def section_ended(self, outcome: Outcome) -> None: ...


def cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def wait_or_stop(futures: list[Future], owner) -> None:
    """Wait for all; an interrupt ends the owner's processes, and so what runs in them."""
    try:
        while wait(futures, timeout=0.2).not_done:
            pass
    except BaseException:
        owner._stopping = True
        for future in futures:
            future.cancel()
        for process in list(owner._processes):
            process.kill()
        raise


class Runner:
    """Runs sections of a project on one device.

    device: cpu, cuda, mps or xpu. jobs: sections at a time; threads are shared out among them.
    """

    patience = 1  # times its time limit may a cell take

    def __init__(self, project: Project, device="cpu", jobs: int | None = None, listener=None):
        if device not in DEVICES:
            raise TutorialError(f"DEVICE={device}: unknown; it is one of {', '.join(DEVICES)}")
        self.project, self.device, self.listener = project, device, listener or Listener()
        # One section at a time on an accelerator: two would spoil each other's times.
        self.jobs = jobs or (min(2, cores()) if device == "cpu" else 1)
        self.threads = max(1, cores() // self.jobs)
        self.device_name = "" if device == "cpu" else accelerator_name(device)
        self.source: cifar10.Source | None = None
        self.weights: weights.Weights | None = None
        self.forks: Forks | None = None  # where several sections run, and kernels can be forked
        self._processes: set[Kernel | Forks] = set()
        self._stopping = False

    def run(self, sections: list[Section]) -> list[Outcome]:
        """Bring the records of `sections` up to date; an interrupt keeps what has finished."""
        try:
            return self._run_stale(sections)
        finally:
            if self.forks:
                self.forks.close()
                self._processes.discard(self.forks)
                self.forks = None

    def _run_stale(self, sections: list[Section]) -> list[Outcome]:
        folders = [records.folder(self.project, self.device, section.name) for section in sections]
        # They import torch while the data and weights are provided.
        self._fork_kernels_of(sum(not folder.exists() for folder in folders))
        self.provide(frozenset().union(*(section.needs(self.device) for section in sections)))
        outcomes = {section.name: Outcome(section) for section in sections}
        waiting = []
        for section in sections:
            stale = self.stale(section)
            if stale:
                waiting.append(section)
            else:
                outcome = outcomes[section.name]
                outcome.status, outcome.cells = "reused", len(section.on(self.device))
                self.listener.section_ended(outcome)
        waiting.sort(key=self._last_seconds, reverse=True)  # the longest must not start last
        self._fork_kernels_of(len(waiting))
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self._run, outcomes[section.name]) for section in waiting]
            wait_or_stop(futures, self)
        for future in futures:
            future.result()
        return list(outcomes.values())

    def _fork_kernels_of(self, sections: int) -> None:
        """Fork the kernels of so many sections from one process, if that is worth it."""
        if self.forks is None and sections > 1 and can_fork(self.device):
            self.forks = Forks("tutorial.run.kernel", self.kernel_environment())
            self._processes.add(self.forks)

    def kernel_environment(self) -> dict[str, str]:
        """The environment variables of a process that runs cells."""
        home = self.weights.home if self.weights else None
        environment = environment_of(
            self.device, self.threads, "module://tutorial.run.figures", home
        )
        return environment | {"MATPLOTLIBRC": str(Path(__file__).with_name("matplotlibrc"))}

    def provide(self, needs: frozenset[str]) -> None:
        root, tell = self.project.root, self.listener.preparing
        if "CIFAR10" in needs and not self.source:
            self.source = cifar10.provide(root, tell)
        if needs - {"CIFAR10"} and not self.weights:
            self.weights = weights.provide(root, set(needs - {"CIFAR10"}), tell)

    def given(self, needs: frozenset[str]) -> list[cifar10.Source | weights.Weights]:
        """Which of the data and weights at hand meet these needs; each has a name."""
        given = [self.source] if "CIFAR10" in needs else []
        return given + ([self.weights] if needs - {"CIFAR10"} else [])

    def environment(self, section: Section) -> dict:
        """What outputs follow from beside the code: part of each record, compared before reuse."""
        versions = {name: importlib.metadata.version(name) for name in PINNED}
        given = self.given(section.needs(self.device))
        return {
            "device": self.device_name,
            "threads": self.threads,
            "data": [each.identity for each in given],
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
            if record.failure:
                return f"{name} failed"
            if record.key != key:
                return f"{name} or what it needs has changed"
            if record.environment.get("digest") != expected:
                return "versions, device or data have changed"
        return ""

    def _last_seconds(self, section: Section) -> tuple:
        folder = records.folder(self.project, self.device, section.name)
        total = 0.0
        for path in folder.glob("*.json"):
            try:
                total += json.loads(path.read_text(encoding="utf-8"))["seconds"]
            except (ValueError, KeyError, TypeError, OSError):
                continue
        # Without records, the time limits tell which sections train.
        return total, sum(cell.timeout for cell in section.on(self.device))

    def _run(self, outcome: Outcome) -> None:
        section = outcome.section
        folder = records.folder(self.project, self.device, section.name)
        folder.mkdir(parents=True, exist_ok=True)
        self.listener.cell_started(section, None)
        with FileLock(folder / ".lock"):
            if self.stale(section):  # another process may have run it meanwhile
                self._run_cells(outcome, folder)
            else:
                outcome.status, outcome.cells = "reused", len(section.on(self.device))
        if not self._stopping:
            self.listener.section_ended(outcome)

    def _run_cells(self, outcome: Outcome, folder: Path) -> None:
        section = outcome.section
        cells = section.on(self.device)
        environment = self.environment(section)
        kernel = Kernel(self, section, folder)
        self._processes.add(kernel)
        try:
            if self._stopping:
                return
            facts = kernel.start()
            if self._stopping:
                return
            shared = {
                "environment": {"digest": digest(environment), **environment, **facts},
                "date": datetime.now(UTC).date().isoformat(),
                "revision": revision(self.project.root),
            }
            for cell in cells:
                self.listener.cell_started(section, cell)
                reply = kernel.run(cell)
                if self._stopping:
                    return
                record = self.record(section, cell, reply, kernel.workdir, folder, **shared)
                record.write(folder)
                if record.failure:
                    outcome.status, outcome.problems = "failed", [record.failure]
                    return
                outcome.cells += 1
        except TutorialError as error:
            if not self._stopping:
                outcome.status, outcome.problems = "failed", [str(error)]
            return
        finally:
            kernel.kill()
            self._processes.discard(kernel)
        outcome.status = "ran"
        _forget(folder, {cell.name for cell in cells})

    def record(
        self, section: Section, cell: Cell, reply: dict, workdir: Path, folder: Path, **shared
    ) -> Record:
        """What a kernel's reply about a cell amounts to; a sound is copied to `folder`.

        shared: environment, date and revision of the run.
        """
        failure = self._judge(cell, reply)
        heard: list[dict] = []
        if "sound" in cell.options and not failure:
            try:
                heard = sounds.take(workdir, cell.options["sound"], folder, cell.name)
            except ValueError as error:
                failure = self._tell(cell, cell.line, str(error), reply)
        given = self.given(section.needs(self.device, upto=cell.name))
        return Record(
            cell.name,
            section.keys(self.device)[cell.name],
            printed(reply, cell, workdir),
            reply["seconds"],
            reply["figures"],
            failure,
            ", ".join(each.name for each in given),
            **shared,
            sounds=heard,
            accuracy=reply.get("accuracy"),
        )

    def _judge(self, cell: Cell, reply: dict) -> str:
        """Why the cell failed, '' if it did what its marker line announces."""
        said, line = None, cell.line
        error, expected = reply["error"], cell.options.get("error")
        kinds = {warning["type"] for warning in reply["warnings"]}
        announced = {cell.options["warns"]} if "warns" in cell.options else set()
        figures = len(reply["figures"])
        if reply.get("fatal"):
            said = reply["fatal"]
        elif error and expected not in error["types"]:
            line = error["line"] or cell.line
            wanted = f" (announced: {expected})" if expected else ""
            said = f"{error['message']}{wanted}\n{error['traceback']}"
        elif expected and not error:
            said = f"raised nothing, although error={expected!r} is announced"
        elif kinds - announced:
            warning = next(w for w in reply["warnings"] if w["type"] not in announced)
            said = (
                f"unannounced warning: {warning['type']}: {warning['message']}\n"
                f'mend the code, or announce it: warns="{warning["type"]}"'
            )
        elif announced - kinds:
            said = f"gave no {cell.options['warns']}, although it is announced with warns="
        elif reply["unshown"]:
            said = "leaves a figure open: end the cell with plt.show()"
        elif figures > 1:
            said = f"shows {figures} figures; give each a cell of its own"
        elif figures and "alt" not in cell.options:
            said = 'shows a figure without alt="..." that says what is to be seen in it'
        elif not figures and "alt" in cell.options:
            said = "announces a figure with alt= and shows none"
        return "" if said is None else self._tell(cell, line, said, reply)

    def _tell(self, cell: Cell, line: int, said: str, reply: dict) -> str:
        """The message about a cell that failed: where it stands, what is amiss, what it printed."""
        where = f"snippets/{cell.section}.py:{line}"
        shown = self.project.where(cell.section, cell.name)
        said = said.replace(str(self.project.root) + os.sep, "").rstrip()
        printed = reply["text"].strip()
        if printed:
            tail = "\n".join(printed.splitlines()[-10:])
            said += f"\nprinted before that:\n{tail}"
        return f"{where}: cell {cell.name}, {shown}: {said}"


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
        super().__init__(OtherWayProject(project.root), jobs=1, listener=listener)
        self.threads = 2 if Runner(project).threads == 1 else 1

    def kernel_environment(self) -> dict[str, str]:
        x86 = platform.machine().lower() in ("x86_64", "amd64")
        return super().kernel_environment() | (self.OLD_PROCESSOR if x86 else {})


class OtherWayProject(Project):
    """The checkout with the records of OtherWay: build/other-way/cpu/."""

    @property
    def build(self) -> Path:
        return self.root / "build" / "other-way"


def environment_of(
    device: str, threads: int, backend: str, torch_home: Path | None
) -> dict[str, str]:
    """The environment variables of a process that runs cells; `backend` is matplotlib's."""
    package = str(Path(__file__).parents[2])
    environment = {
        **os.environ,
        **KEEP_FREED_MEMORY,
        "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")])),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": backend,
        "OMP_NUM_THREADS": str(threads),
        "COLUMNS": "80",
        "TERM": "dumb",
    }
    if torch_home:
        environment["TORCH_HOME"] = str(torch_home)
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


class Kernel:
    """The process that runs one section's cells: see kernel.py for its side."""

    def __init__(self, runner: Runner, section: Section, folder: Path) -> None:
        self.section, self.runner = section, runner
        self.workdir = folder / "work"
        shutil.rmtree(self.workdir, ignore_errors=True)
        self.workdir.mkdir(parents=True)
        self.printed = folder / "printed.txt"
        self.printed.unlink(missing_ok=True)
        source = runner.source if "CIFAR10" in section.needs(runner.device) else None
        if source:
            cifar10.link(source, self.workdir)
        self.request = {
            "script": str(section.path),
            "device": runner.device,
            "threads": runner.threads,
            "figures": str(folder),
            "printed": str(self.printed),
            "source": {**asdict(source), "folder": str(source.folder)} if source else None,
        }
        self.process: subprocess.Popen | Forked | None = None
        self.timed_out = False

    def start(self) -> dict:
        """Start the process; the facts about its versions and device."""
        forks = self.runner.forks
        with open(self.printed, "w") as early:
            environment = self.runner.kernel_environment()
            if forks:
                self.process = self._forked(forks, environment, early)
            if self.runner._stopping:
                raise TutorialError("interrupted")
            self.process = self.process or self._started(environment, early)
        threading.Thread(target=self._bury, daemon=True).start()
        return self.facts(self._ask(self.request, START_LIMIT))

    def _forked(self, forks: Forks, environment: dict[str, str], early) -> Forked | None:
        requests, to_kernel = os.pipe()
        from_kernel, replies = os.pipe()
        forked = forks.fork(self.workdir, environment, requests, replies, early.fileno())
        os.close(requests)
        os.close(replies)
        stdin = os.fdopen(to_kernel, "w", encoding="utf-8")
        stdout = os.fdopen(from_kernel, encoding="utf-8")
        if forked is None:
            stdin.close()
            stdout.close()
        else:
            forked.stdin, forked.stdout = stdin, stdout
        return forked

    def _started(self, environment: dict[str, str], early) -> subprocess.Popen:
        own_group = (
            {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
            if os.name == "nt"
            else {"start_new_session": True}
        )
        return subprocess.Popen(
            [sys.executable, "-m", "tutorial.run.kernel"],
            cwd=self.workdir,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=early,
            text=True,
            encoding="utf-8",
            **own_group,
        )

    def facts(self, reply: dict | None) -> dict:
        """The process's first reply; TutorialError if it did not start or lacks the device."""
        if reply is None:
            tail = self._so_far().strip()[-2000:]
            raise TutorialError(
                f"snippets/{self.section.name}.py: the kernel did not start"
                f" ({self._fate(START_LIMIT)})\n{tail}".rstrip()
            )
        if "unavailable" in reply:
            raise TutorialError(
                f"DEVICE={self.runner.device}: {reply['unavailable']}; run 'make site' for the CPU"
            )
        return reply

    def run(self, cell: Cell) -> dict:
        """Run one cell and wait for it, no longer than its time limit."""
        request = {"name": cell.name, "source": cell.source, "line": cell.line + 1}
        request["recipe"] = "recipe" in cell.options
        limit = cell.timeout * self.runner.patience
        reply = self._ask(request, limit)
        return reply or self.lost(cell, self._fate(limit))

    def lost(self, cell: Cell, fate: str) -> dict:
        """What stands for the reply of a process that died or was stopped in a cell."""
        return {
            "fatal": fate,
            "text": self._so_far(),
            "seconds": cell.timeout if self.timed_out else 0.0,
            "error": None,
            "warnings": [],
            "figures": [],
            "unshown": 0,
        }

    def kill(self) -> None:
        """End the process and all it has started."""
        if self.process is not None:
            self._kill_group()
            self.process.wait()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "nt":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)

    def _bury(self) -> None:
        """When the kernel dies, end its children: they would keep the pipe of replies open."""
        self.process.wait()
        self._kill_group()

    def _ask(self, request: dict, limit: float) -> dict | None:
        """None if the process dies, or is killed because it takes longer than `limit` seconds."""

        def too_long() -> None:
            self.timed_out = True
            self.kill()

        timer = threading.Timer(limit, too_long)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        return json.loads(line) if line.endswith("\n") else None

    def _so_far(self) -> str:
        return self.printed.read_bytes().decode(errors="replace")

    def _fate(self, limit: float) -> str:
        if self.timed_out:
            return f"stopped at its time limit of {limit:g} s (timeout=... in the marker line)"
        return died(self.process.wait())


def died(code: int) -> str:
    """How a process ended, from its exit code or the negative number of a signal."""
    if code < 0:
        return f"the kernel died: killed by {signal.Signals(-code).name}"
    return f"the kernel died with exit code {code}"


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
    """The commit the sources are at, '+' appended where they differ from it."""
    ask = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("REVISION", "")


def printed(reply: dict, cell: Cell, workdir: Path) -> str:
    """A cell's output as a reader would see it in a terminal, without this machine's paths."""
    text = ANSI.sub("", reply["text"])
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    lines += [f"{w['type']}: {w['message']}" for w in reply["warnings"]]
    if reply["error"]:
        lines.append(reply["error"]["message"])
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    text = re.sub(r" ?\(Triggered internally at [^)]*\)", "", text)  # differs from build to build
    return text.replace(str(workdir) + os.sep, "").replace(str(workdir), ".")


def _forget(folder: Path, cells: set[str]) -> None:
    """Remove records of cells that the script no longer has, and files no record names."""
    named = set()
    for path in folder.glob("*.json"):
        if path.stem not in cells:
            path.unlink()
            continue
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
        named |= {name for _, name in record.files()}
    for path in (*folder.glob("*.webp"), *folder.glob("*.wav")):
        if path.name not in named:
            path.unlink()
