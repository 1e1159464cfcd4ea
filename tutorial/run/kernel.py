"""The process that runs one section's cells, one after another, in one namespace.

Requests and replies are JSON lines on stdin and stdout; what the cells (and their child processes)
print goes to a file, so that a loud or dying snippet cannot break the conversation. It needs
nothing but Python, torch, torchvision and matplotlib: it also runs on a GPU machine where nothing
can be installed, and code, file name and line numbers are the script's own.
"""

import __future__

import contextlib
import gc
import importlib.metadata
import logging
import os
import platform
import random
import re
import statistics
import sys
import threading
import traceback
import types
import warnings

# Imported by name, because a cell may replace `time.perf_counter` with a clock of its own.
from json import dumps, loads
from pathlib import Path
from time import perf_counter

# The bits by which compiled code tells what it imports from __future__.
FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


def serve() -> None:
    """Answer requests until stdin closes."""
    # Not closed before the process ends, which is how the other side sees the end.
    requests = os.fdopen(os.dup(0), closefd=False)
    replies = os.fdopen(os.dup(1), "w", closefd=False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    start = loads(requests.readline())
    printed = os.open(start["printed"], os.O_RDWR | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):  # as if they were a terminal's
        os.dup2(printed, stream.fileno())
        stream.reconfigure(encoding="utf-8", errors=stream.errors, line_buffering=True)
    # What Matplotlib says when it first lists the fonts of a machine is no output of a lesson.
    logging.getLogger("matplotlib.font_manager").addHandler(logging.NullHandler())
    kernel = Kernel(start)
    _send(replies, kernel.start())
    for line in requests:
        request = loads(line)
        if request.pop("copy", 0) != kernel.copies:
            continue  # it was for a copy that has ended before it read this
        if "end" in request:
            break
        _send(replies, kernel.answer(request))


def _send(replies, reply: dict) -> None:
    replies.write(dumps(reply) + "\n")
    replies.flush()


class Kernel:
    """One section's namespace. `start`: script, device, threads, figures, source."""

    def __init__(self, start: dict) -> None:
        self.request = start
        self.script = start["script"]
        self.process = os.getpid()
        self.copies = 0  # up to this one
        self.seeds = None  # of a recipe that is measured
        self.future = 0  # what its cells have imported from __future__
        self.warned: list[dict] = []
        self.backend = os.environ.get("MPLBACKEND")
        self.main = types.ModuleType("__main__")
        self.main.__file__ = self.script

    def start(self) -> dict:
        """Make the machine ready for the first cell; answer with what it is."""
        sys.path[0] = str(Path(self.script).parent)
        sys.modules["__main__"] = self.main
        sys.argv = [self.script]
        import numpy
        import torch
        import torchvision

        device = self.request["device"]
        if device == "cpu":
            name = _processor()
            if torch.accelerator.is_available():  # MPS, XPU: no environment variable hides them
                torch.accelerator.current_accelerator = lambda check_available=False: None
                torch.accelerator.is_available = lambda: False
        else:
            name = getattr(torch, device).get_device_name(0) if device != "mps" else _processor()
        torch.set_num_threads(self.request["threads"])
        if self.request["source"]:
            from tutorial.data import cifar10

            cifar10.teach_torchvision(cifar10.Source(**self.request["source"]))
        gc.freeze()  # or Python's end takes seconds to look through all that torch has made
        random.seed(0)
        numpy.random.seed(0)
        torch.manual_seed(0)
        warnings.showwarning, warnings.formatwarning = self._show_warning, _as_on_a_page
        return {
            "device_name": name,
            "threads": torch.get_num_threads(),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "numpy": numpy.__version__,
            "matplotlib": importlib.metadata.version("matplotlib"),  # imported if it is needed
        }

    def answer(self, request: dict) -> dict:
        """The reply to a request: a cell to run, unless one of its keys says otherwise."""
        if "fork" in request:
            return self.fork()
        if "seed" in request:
            return self.begin_recipe(request["seed"])
        return self.outcome() if "outcome" in request else self.run(**request)

    def begin_recipe(self, offset: int) -> dict:
        """Make ready for the cells of a recipe, with this offset of its seeds: see seeds.py."""
        from tutorial.run.seeds import Seeds

        self.seeds = self.seeds or Seeds(self.main.__dict__)
        self.seeds.begin(offset)
        return {"seed": offset}

    def outcome(self) -> dict:
        """What came of the recipe whose cells have run, or the `error` by which nobody knows."""
        try:
            return self.seeds.outcome()
        except Exception as error:  # what a recipe leaves behind can be anything
            return {"error": "".join(traceback.format_exception_only(error)).strip()}

    def run(self, name: str, source: str, recipe: bool = False) -> dict:
        """Run one cell; all that came of it, except what it printed.

        source: in the lines in which it stands in the script, see Section.in_place().
        recipe: it leaves test_logits and test_labels, whose accuracy is part of the reply.
        """
        error, accuracy, started = None, None, perf_counter()
        try:
            code = compile(source, self.script, "exec", self.future, dont_inherit=True)
            self.future |= code.co_flags & FUTURE
            exec(code, self.main.__dict__)
            accuracy = self._accuracy() if recipe else None
        except BaseException as raised:  # SystemExit must not end the section in silence
            if os.getpid() != self.process:
                self._end_fork(raised)
            error = self._describe(raised)
        if os.getpid() != self.process:
            sys.exit()  # what the cell has forked does not run the next ones
        seconds = perf_counter() - started
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # a cell may have closed or replaced it
                stream.flush()
        warned, self.warned = self.warned, []
        return {
            "error": error,
            "warnings": warned,
            "other_backend": self._other_backend(),
            **self._figures(name),
            "seconds": seconds,
            "accuracy": accuracy,
        }

    def _figures(self, name: str) -> dict:
        """What the cell has drawn; `unsaved`: the error if the disk, say, is full."""
        figures = sys.modules.get("tutorial.run.figures")  # a backend, loaded when used
        if not figures:
            return {"unshown": 0, "figures": []}
        reply = {"unshown": figures.unshown(), "figures": []}
        try:
            reply["figures"] = figures.collect(Path(self.request["figures"]), name)
        except OSError as error:
            reply["unsaved"] = [error.errno, error.strerror or str(error)]
        return reply

    def fork(self) -> dict:
        """Keep the present state: a copy of this process goes on, and this one when that has ended.

        The copy replies with its process `group`, None if there is none: threads and child
        processes are not copied. When it has ended, this process replies with its exit code.
        """
        import multiprocessing

        if threading.active_count() > 1 or multiprocessing.active_children():
            return {"group": None}
        drawn = random.getstate()  # Python draws a new seed in a copy
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's threads, of which one alone is in use
            copy = os.fork()
        if copy:
            _, status = os.waitpid(copy, 0)
            return {"ended": os.waitstatus_to_exitcode(status)}
        random.setstate(drawn)
        os.setpgid(0, 0)
        self.process = os.getpid()
        self.copies += 1
        return {"group": os.getpid()}

    def _end_fork(self, raised: BaseException) -> None:
        """End a process that a cell has forked, by what it has raised."""
        if not isinstance(raised, SystemExit):
            sys.excepthook(type(raised), raised, raised.__traceback__.tb_next)
            raised = SystemExit(1)
        raise raised

    def _show_warning(self, message, category, filename, lineno, file=None, line=None) -> None:
        self.warned.append({"type": category.__name__, "message": str(message)})
        text = warnings.formatwarning(message, category, filename, lineno, line)
        (file or sys.stderr).write(text)

    def _other_backend(self) -> str:
        """The Matplotlib backend that the last cell has chosen, if any."""
        matplotlib = sys.modules.get("matplotlib")
        before = self.backend
        self.backend = getattr(matplotlib, "get_backend", lambda: before)()
        return "" if self.backend == before else self.backend

    def _accuracy(self) -> float | None:
        logits, labels = (self.main.__dict__.get(n) for n in ("test_logits", "test_labels"))
        if logits is None or labels is None:
            return None
        answers = zip(logits.argmax(dim=1).tolist(), labels.tolist(), strict=True)
        return statistics.fmean(answer == label for answer, label in answers)

    def _describe(self, raised: BaseException) -> dict:
        frames = traceback.extract_tb(raised.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == self.script]
        if isinstance(raised, SyntaxError) and raised.filename == self.script:
            lines.append(raised.lineno)
        own = [frame for frame in frames if frame.filename != __file__]
        return {
            "types": [cls.__name__ for cls in type(raised).__mro__],
            "message": "".join(traceback.format_exception_only(raised)).strip(),
            "line": lines[0] if lines else None,
            "traceback": "".join(traceback.format_list(own)),
        }


def _as_on_a_page(message, category, filename, lineno, line=None) -> str:
    """A warning without path and line: those of this machine say nothing to a reader."""
    return f"{category.__name__}: {message}\n"


def _processor() -> str:
    """Name and widest vectors, `AMD EPYC, AVX512`: of one name, some take twice as long."""
    import torch

    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(errors="replace")
        name = re.search(r"^model name\s*: (.*)", cpuinfo, re.MULTILINE)[1]
    except (OSError, TypeError):  # there is no such file, or no such line
        name = platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


if __name__ == "__main__":
    serve()
