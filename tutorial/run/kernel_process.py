"""The process that runs one section's cells, from outside; kernel.py is what runs in it."""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import asdict
from pathlib import Path

from tutorial import TutorialError
from tutorial.data import cifar10
from tutorial.lesson.cells import Cell, Section
from tutorial.run import watchdog

OUTPUT_LIMIT = 256 * 1024  # bytes that a cell may print
START_LIMIT = 180.0  # seconds to import torch on a cold disk
END_LIMIT = 5.0  # seconds to end once the pipe of replies is closed
# What a training step frees, the next one needs again: glibc is not to give it back in between.
KEEP_FREED_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),  # the most that glibc accepts
}
TIMEOUT = "(timeout=... in the marker line)"
CUT_OFF = "it closed a file descriptor that it had not opened, or wrote to it"
TOO_MUCH = f"it printed more than {OUTPUT_LIMIT // 1024} KB; print less, or a part of it"
# What stands in for the reply of a kernel that gave none.
NO_REPLY = {
    "text": "",
    "seconds": 0.0,
    "error": None,
    "warnings": [],
    "figures": [],
    "unshown": 0,
}


class Stopped(Exception):
    """The kernel was ended on purpose: nothing has failed."""


def environment_of(device: str, threads: int, torch_home: Path | None) -> dict[str, str]:
    """The environment variables of a process that runs cells.

    What libraries keep between runs has a folder here: a home that cannot be written to would make
    them say so in the middle of a lesson.
    """
    package = Path(__file__).parents[2]
    caches = package / "build" / "caches"
    environment = {
        **os.environ,
        **KEEP_FREED_MEMORY,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")])),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "",
        "PYTHONOPTIMIZE": "",  # which leaves out assertions
        "MPLBACKEND": "module://tutorial.run.figures",
        "MATPLOTLIBRC": str(Path(__file__).with_name("matplotlibrc")),
        "MPLCONFIGDIR": str(caches / "matplotlib"),
        "XDG_CACHE_HOME": str(caches),
        "OMP_NUM_THREADS": str(threads),
        "KINETO_LOG_LEVEL": "99",  # the profiler's own log
        "COLUMNS": "80",
        "TERM": "dumb",
    }
    if torch_home:
        environment["TORCH_HOME"] = str(torch_home)
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


class KernelProcess:
    """A process of its own for a section: started as a reader starts `python S.py`.

    folder: figures are saved in `drawn` in it; the cells run in `work` in it. Both are empty.
    source: of the CIFAR-10 that the section reads. patience: times its limit may a cell take.
    """

    def __init__(
        self,
        section: Section,
        device: str,
        threads: int,
        environment: dict[str, str],
        folder: Path,
        source: cifar10.Source | None = None,
        patience: float = 1,
    ) -> None:
        self.section, self.device, self.patience = section, device, patience
        self.mark = uuid.uuid4().hex
        self.environment = environment | {watchdog.MARK: self.mark}
        self.workdir, self.drawn = folder / "work", folder / "drawn"
        for place in (self.workdir, self.drawn):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
        if source:
            cifar10.link(source, self.workdir)
        self.printed = folder / "printed.txt"
        self.read = 0  # bytes of what is printed
        self.first_request = {
            "script": str(section.path),
            "device": device,
            "threads": threads,
            "figures": str(self.drawn),
            "printed": str(self.printed),
            "source": {**asdict(source), "folder": str(source.folder)} if source else None,
        }
        self.process: subprocess.Popen | None = None
        self.replies: queue.SimpleQueue = queue.SimpleQueue()  # None when it has ended
        self.reason = ""  # why it was ended
        self.stopped = self.cancelled = False

    @property
    def dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def start(self) -> dict:
        """Start the process; the facts about its versions and device.

        Raises TutorialError if it does not start.
        """
        with open(self.printed, "w") as early:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tutorial.run.kernel"],
                cwd=self.workdir,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=early,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # on Windows, the next line
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        watchdog.watch(self.process.pid, self.mark)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._bury, daemon=True).start()
        if self.stopped:  # while it was being started
            self.kill()
        facts = self.ask(self.first_request, START_LIMIT)
        if facts is None:
            tail = self.newly_printed().strip()[-2000:]
            raise TutorialError(
                f"snippets/{self.section.name}.py: the kernel did not start"
                f" ({self.fate()})\n{tail}".rstrip()
            )
        self.newly_printed()  # by imports: not a cell's
        return facts

    def run(self, cell: Cell) -> dict:
        """Run one cell and wait for it, no longer than its time limit; see kernel.py for the reply.

        Where the process died or was killed in the cell, the reply has a reason, `fatal`.
        """
        request = {"name": cell.name, "source": self.section.in_place(cell, self.device)}
        request["recipe"] = "recipe" in cell.options
        limit = cell.timeout * self.patience
        reply = self.ask(request, limit) or NO_REPLY | {"fatal": self.fate()}
        return reply | {"text": self.newly_printed()}

    def end(self, limit: float) -> dict:
        """Let the process end as a script does; what it prints then, of the reply to a last cell.

        That is, threads are waited for, no longer than `limit` seconds, and exit handlers run.
        """
        self.ask({"end": True}, limit)
        reply = {"text": self.newly_printed()}
        if self.reason:
            thread = "a thread that it or a cell above has started does not end"
            reply["fatal"] = f"{thread}: {self.reason}"
        return reply

    def ask(self, request: dict, limit: float) -> dict | None:
        """The reply; None if the process dies, or is killed as it takes more than `limit` seconds,
        prints more than OUTPUT_LIMIT bytes or is cancelled.

        Raises Stopped if stop() was called.
        """
        with contextlib.suppress(OSError):  # its end is told below
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        end = time.monotonic() + limit
        while True:
            try:
                reply = self.next_reply(min(0.1, max(0.0, end - time.monotonic())))
                break
            except queue.Empty:
                runs = "fork" not in request  # which takes no time and prints nothing
                flooded = self.printed.stat().st_size > self.read + OUTPUT_LIMIT
                if runs and flooded:
                    self.reason = f"stopped: {TOO_MUCH}"
                elif time.monotonic() >= end:
                    self.reason = f"stopped at its time limit of {limit:g} s {TIMEOUT}"
                elif not (runs and self.cancelled):
                    continue
                reply = self.cut_short()
                if flooded:
                    os.truncate(self.printed, self.read + OUTPUT_LIMIT)
                break
        if self.stopped:
            raise Stopped
        return reply

    def next_reply(self, limit: float | None = None) -> dict | None:
        reply = self.replies.get(timeout=limit)
        if reply is None:
            self.replies.put(None)  # nothing follows
        return reply

    def cut_short(self) -> None:
        """End what does not reply in time."""
        self.kill()

    def stop(self) -> None:
        """End the process from another thread: who waits for its reply gets Stopped."""
        self.stopped = True
        self.kill()

    def kill(self) -> None:
        """End the process and all it has started."""
        if self.process is not None:
            watchdog.end(self.process.pid, self.mark)
            self.process.wait()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the last line may be half a reply
            for line in self.process.stdout:
                reply = json.loads(line)
                if not (isinstance(reply, dict) and reply):
                    break
                self.replies.put(reply)
        try:
            self.process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:  # a cell has closed the pipe, or written to it
            self.reason = f"stopped: {CUT_OFF}"
            watchdog.end(self.process.pid, self.mark)
        self.replies.put(None)

    def _bury(self) -> None:
        """When the process dies, end its children: they would keep the pipe of replies open."""
        self.process.wait()
        watchdog.end(self.process.pid, self.mark)
        watchdog.forget(self.process.pid, self.mark)

    def newly_printed(self) -> str:
        """What was printed since the last call: also by threads, between two cells."""
        with open(self.printed, "rb") as file:  # no text file: those lose carriage returns
            file.seek(self.read)
            text = file.read(OUTPUT_LIMIT + 1)
        self.read += len(text)
        return text.decode(errors="replace")

    def fate(self) -> str:
        """How the process ended that gave no reply."""
        if self.reason:
            return self.reason
        code = self.exit_code()
        if code < 0:
            why = " (as systems do when memory runs out)" if code == -signal.SIGKILL else ""
            return f"the kernel died: killed by {signal.Signals(-code).name}{why}"
        return f"the kernel died with exit code {code}"

    def exit_code(self) -> int:
        """The negative number of the signal, if one ended it."""
        return self.process.wait()
