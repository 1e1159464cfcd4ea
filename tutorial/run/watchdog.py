"""A process that ends what a run has started, should the run itself be killed.

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

_lock = threading.Lock()
_process: subprocess.Popen | None = None


def watch(group: int) -> None:
    """Kill this process group, if it is still there when the present process ends."""
    _tell(f"+{group}")


def forget(group: int) -> None:
    """The process group has ended: its number may be another's from now on."""
    _tell(f"-{group}")


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
        with suppress(OSError):  # somebody has killed it
            _process.stdin.write(f"{line}\n")
            _process.stdin.flush()


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it on Windows
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    for group in groups:
        with suppress(OSError):
            if os.name == "nt":
                os.kill(group, signal.SIGTERM)
            else:
                os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    _main()
