"""Kernels that are forked from one process, which has imported torch for all of them.

Every section would wait seconds for its own imports, half of a minute in all sections together.
The forked kernel is a process like one that was started: of its own session, in its own folder,
with nothing drawn from its random numbers and no thread begun.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from pathlib import Path

from tutorial import kernel

START_LIMIT = 180.0  # seconds to import torch on a cold disk


def can_fork(device: str) -> bool:
    """Linux and the CPU only: elsewhere torch or the system's libraries do not survive a fork."""
    return device == "cpu" and sys.platform == "linux"


class Forks:
    """The process that forks, as its owner sees it; it imports with `environment`."""

    def __init__(self, environment: dict[str, str]) -> None:
        # Each message whole, however long: with the environment it can have many kilobytes.
        self.connection, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tutorial.forks", str(theirs.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a kernel that is started after all will tell
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._one_at_a_time = threading.Lock()

    def fork(self, workdir: Path, environment: dict[str, str], errors: int) -> "Forked | None":
        """A kernel whose first errors go to a descriptor; None if the process has failed.

        The first call waits until the process has imported what kernels need.
        """
        requests, to_kernel = os.pipe()
        from_kernel, replies = os.pipe()
        life, report = os.pipe()
        theirs = [requests, replies, errors, report]
        with self._one_at_a_time:
            request = {"workdir": str(workdir), "environment": environment}
            with contextlib.suppress(OSError):
                socket.send_fds(self.connection, [json.dumps(request).encode()], theirs)
            for descriptor in (requests, replies, report):
                os.close(descriptor)
            if not select.select([life], [], [], START_LIMIT)[0]:
                self.kill()
        forked = Forked(to_kernel, from_kernel, life)
        return forked if forked.pid else None

    def kill(self) -> None:
        """End it at once; who waits for a kernel gets none."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, after its kernels: how one of them ends later is not known."""
        self.kill()
        self.process.wait()
        self.connection.close()


class Forked:
    """A forked kernel: what of subprocess.Popen the owner of a kernel uses."""

    def __init__(self, to_kernel: int, from_kernel: int, life: int) -> None:
        self.stdin = os.fdopen(to_kernel, "w", encoding="utf-8")
        self.stdout = os.fdopen(from_kernel, encoding="utf-8")
        self._life = os.fdopen(life)
        self.pid = int(self._life.readline() or 0)
        self.returncode: int | None = None
        self._waiting = threading.Lock()

    def wait(self) -> int:
        """The exit code, or the negative number of the signal that ended it."""
        with self._waiting:
            if self.returncode is None:
                self.returncode = int(self._life.readline() or -signal.SIGKILL)
            return self.returncode


def serve(connection: socket.socket) -> None:
    """Fork a kernel for each request, until the owner is gone."""
    for module in kernel.HEAVY:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch over kernels
    while True:
        request, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 4)
        if not request:
            return
        if not _fork():
            connection.close()
            _watch(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # native threads: with nothing computed none takes part
        return os.fork()


def _watch(request: dict, requests: int, replies: int, errors: int, report: int) -> None:
    """Run a kernel in a child and report how it ended: its owner, no parent of it, cannot ask."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = _fork()
    if not child:
        _become_kernel(request, requests, replies, errors, report)
    for descriptor in (requests, replies, errors):
        os.close(descriptor)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become_kernel(request: dict, requests: int, replies: int, errors: int, report: int) -> None:
    os.setsid()
    os.write(report, b"%d\n" % os.getpid())  # not before it can be ended with all it starts
    for number, descriptor in enumerate((requests, replies, errors)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.close(report)
    code = 1
    try:
        os.chdir(request["workdir"])
        os.environ.clear()
        os.environ.update(request["environment"])
        kernel.serve()
        code = 0
    except BaseException:
        traceback.print_exc()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
