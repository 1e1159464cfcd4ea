"""Ends what a run has started: while it runs, and in a process of its own should it be killed.

Each kernel has a session of its own: closing the terminal does not end it, and its time limit is
kept by the process that started it. The watchdog waits until that process is gone, however it
ended, and then kills the kernels that are left.
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

MARK = "TUTORIAL_KERNEL"  # an environment variable that all processes of a kernel inherit

_lock = threading.Lock()
_process: subprocess.Popen | None = None


def end(kernel: int, mark: str) -> None:
    """Kill a kernel and its process group; on Linux all processes with its mark as well.

    The workers of torchrun, for one, leave the group that they were started in.
    """
    with suppress(OSError):
        if os.name == "nt":
            os.kill(kernel, signal.SIGTERM)
        else:
            os.killpg(kernel, signal.SIGKILL)
    killed: set[int] = set()
    while left := _marked(f"{MARK}={mark}".encode()) - killed:  # a process may just have forked
        for process in left:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        killed |= left


def _marked(variable: bytes) -> set[int]:
    marked = set()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is another user's
            if variable in file.read_bytes().split(b"\0"):
                marked.add(int(file.parent.name))
    return marked


def watch(kernel: int, mark: str) -> None:
    """End this kernel, if it is still there when the present process ends."""
    _tell(f"+{kernel} {mark}")


def forget(kernel: int, mark: str) -> None:
    """The kernel has ended: its number may be another's from now on."""
    _tell(f"-{kernel} {mark}")


def _tell(line: str) -> None:
    global _process
    with _lock:
        if _process is None:
            _process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            atexit.register(_process.communicate)
        with suppress(OSError, ValueError):  # it has ended, or this process is about to
            _process.stdin.write(f"{line}\n")
            _process.stdin.flush()


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it on Windows
    kernels: set[str] = set()
    for line in sys.stdin:
        (kernels.add if line.startswith("+") else kernels.discard)(line[1:])
    for kernel, mark in map(str.split, kernels):
        end(int(kernel), mark)


if __name__ == "__main__":
    _main()
