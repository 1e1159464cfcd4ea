"""Keeps a section at what its script says while its author changes it: behind a preview.

The state before each cell is kept, so that a changed cell and those below it run from there.
"""

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from tutorial import TutorialError
from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.project import Project
from tutorial.record import records
from tutorial.record.records import Record
from tutorial.run.kernel_process import START_LIMIT, KernelProcess, Stopped
from tutorial.run.runner import Runner, cores

FORKS = sys.platform == "linux"  # elsewhere torch or the system's libraries do not survive it
NOT_FROM_TOP = "preview, not run from the top"  # in the place of a revision


class SteppingKernel(KernelProcess):
    """A kernel that can go back: each cell runs in a copy of the process that ran those above it.

    What is left behind waits, with a copy of the working folder, until the copy has ended: see
    kernel.fork(). done: keys of the cells behind the present state.
    """

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.done: list[str] = []
        self.copies: list[tuple[int, int]] = []  # of each: the cells behind it, its process group
        self.states = self.workdir.with_name("states")
        shutil.rmtree(self.states, ignore_errors=True)
        self.code = 0  # with which the last copy ended

    def run(self, cell: Cell) -> dict | None:
        """Run one cell; if it was cancelled, None, and the state is one above it."""
        self.reason = ""
        copy = self.ask({"fork": True}, START_LIMIT)
        if copy and copy["group"]:
            folder = self.states / str(len(self.copies))
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self.workdir, folder, symlinks=True)
            self.copies.append((len(self.done), copy["group"]))
        before = len(self.copies)
        reply = super().run(cell)
        if not self.cancelled:
            return reply
        if len(self.copies) == before:  # it had just replied
            self.undo()
        return None

    def back(self, count: int) -> None:
        """Return to the last state that is kept and has no more than `count` cells behind it."""
        while count < len(self.done) and not self.dead:
            self.undo()

    def undo(self) -> None:
        """Return to the last state that is kept."""
        if not self.copies:
            self.kill()
            return
        end_group(self.copies[-1][1])
        while (reply := self.next_reply()) and "ended" not in reply:
            pass  # it had just replied
        self._go_on()

    def ask(self, request: dict, limit: float) -> dict | None:
        # Had a copy no time to read this before it was ended, nobody else answers it.
        reply = super().ask(request | {"copy": len(self.copies)}, limit)
        if reply and "ended" in reply:
            self.code = reply["ended"]
            self._go_on()
            return None
        return reply

    def cut_short(self) -> None:
        self.undo()

    def exit_code(self) -> int:
        return super().exit_code() if self.dead else self.code

    def _go_on(self) -> None:
        """A copy has ended: what it was made of goes on, in the working folder of then."""
        behind, group = self.copies.pop()
        end_group(group)  # child processes of its cells
        del self.done[behind:]
        for path in self.workdir.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        state = self.states / str(len(self.copies))
        shutil.copytree(state, self.workdir, symlinks=True, dirs_exist_ok=True)


def end_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


class Session(threading.Thread):
    """Runs a section's cells whenever another version is wanted, from the first that has changed.

    project: where the records go. told: called when a cell has ended, in this thread.
    """

    def __init__(
        self, project: Project, section: Section, told: Callable[[Section, Record], None]
    ) -> None:
        super().__init__(name=f"preview of {section.name}", daemon=True)
        self.runner = Runner(project, jobs=cores())  # one torch thread: others cannot be copied
        self.folder = records.folder(project, "cpu", section.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.wanted, self.told = section, told
        self.changed = threading.Condition()  # guards what follows
        self.closed = False
        self.running = self.failed = ""  # keys; a cell that failed is not tried again
        self.kernel: SteppingKernel | None = None
        self.started: float | None = None  # when it began to run the section as a whole

    def want(self, section: Section, project: Project) -> None:
        """Run this version; a cell that runs on is not disturbed if its key is the same."""
        with self.changed:
            self.wanted = section
            self.runner.project = replace(project, folder=self.runner.project.folder)
            if self.kernel and self.running not in section.keys("cpu").values():
                self.kernel.cancelled = True
            self.changed.notify_all()

    def idle(self) -> bool:
        """Whether it has run all that can be run of what is wanted."""
        with self.changed:
            return not self.running and self._next() is None

    def wait(self, seconds: float) -> None:
        """Wait until it is idle, no longer than this."""
        with self.changed:
            self.changed.wait_for(self.idle, seconds)

    def close(self) -> None:
        """End it, and all its processes."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
            if self.kernel:
                self.kernel.stop()

    def run(self) -> None:
        with suppress(Stopped):
            while True:
                with self.changed:
                    self.changed.wait_for(lambda: self.closed or self._next() is not None)
                    if self.closed:
                        break
                    section, count = self.wanted, self._next()
                    self.running = list(section.keys("cpu").values())[count]
                    if self.kernel:
                        self.kernel.cancelled = False
                record = self._run(section, count)
                if record:
                    record.write(self.folder)
                    self.told(section, record)
                with self.changed:
                    self.running = ""
                    if record:
                        self.failed = record.key if record.failure else ""
                    self.changed.notify_all()
                self._tell_ready()
        if self.kernel:
            self.kernel.kill()

    def _next(self) -> int | None:
        """How many cells stand above the next one to run."""
        keys = list(self.wanted.keys("cpu").values())
        done = self.kernel.done if self.kernel and not self.kernel.dead else []
        # The key of a cell follows from those above it: where two are equal, all above are.
        count = sum(key == ran for key, ran in zip(keys, done, strict=False))
        return None if count == len(keys) or self.failed in keys else count

    def _run(self, section: Section, count: int) -> Record | None:
        """Run a cell, or one above it where no later state is kept; None if it was cancelled."""
        cells, keys = section.on("cpu"), list(section.keys("cpu").values())
        try:
            if self.kernel:
                self.kernel.back(count)
            kernel = self._kernel_for(section)
            count = len(kernel.done)
            reply = kernel.run(cells[count])
            if reply is None:
                return None
            date = datetime.now(UTC).date().isoformat()
            record = self.runner.record(
                section, cells[count], reply, kernel, self.folder, **self.shared, date=date
            )
        except (TutorialError, OSError) as error:  # no kernel has started, or its folder is gone
            if self.kernel:
                self.kernel.kill()
            return Record(cells[count].name, keys[count], "", 0.0, failure=str(error))
        if not record.failure:
            kernel.done.append(record.key)
        elif "fatal" not in reply:
            kernel.undo()
        return record

    def _kernel_for(self, section: Section) -> SteppingKernel:
        if self.kernel and not self.kernel.dead:
            if self.kernel.section.downloads("cpu") == section.downloads("cpu"):
                return self.kernel
            self.kernel.kill()
        self.started = time.monotonic()
        self.runner.provide(section.downloads("cpu"))
        kernel = self.runner.new_kernel(section, self.folder, SteppingKernel)
        with self.changed:
            if self.closed:
                raise Stopped
            self.kernel = kernel
        environment = self.runner.environment(section) | kernel.start()
        self.shared = {"environment": environment, "revision": NOT_FROM_TOP}
        return kernel

    def _tell_ready(self) -> None:
        if self.started and self.idle() and not self.failed:
            seconds = time.monotonic() - self.started
            print(f"preview of {self.wanted.name}: all cells kept ({seconds:.1f} s)", flush=True)
            self.started = None
