"""Processes that are forked from one, which has imported for all of them what takes long.

Every section's kernel would wait seconds for torch, half of a minute in all sections together.
The forked process is like one that was started: of its own session, in its own folder, with
nothing drawn from its random numbers and no thread begun.
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
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TextIO

START_LIMIT = 180.0  # seconds to import torch on a cold disk


def can_fork(device: str) -> bool:
    """Linux and the CPU only: elsewhere torch or the system's libraries do not survive a fork."""
    return device == "cpu" and sys.platform == "linux"


class Forks:
    """The process that forks, as its owner sees it.

    module: imported with `environment`, and what its list HEAVY names; a fork runs its serve().
    """

    def __init__(self, module: str, environment: dict[str, str]) -> None:
        # Each message whole, however long: with the environment it can have many kilobytes.
        self.connection, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tutorial.run.forks", module, str(theirs.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a kernel that is started after all will tell
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._one_at_a_time = threading.Lock()

    def fork(
        self,
        workdir: Path,
        environment: dict[str, str],
        stdin: int,
        stdout: int,
        stderr: int,
        arguments: Sequence[str] = (),
    ) -> "Forked | None":
        """Fork a process with these descriptors as its streams; None if the owner's has failed.

        The first call waits until what takes long has been imported.
        """
        life, report = os.pipe()
        streams = [stdin, stdout, stderr]
        request = {"workdir": str(workdir), "environment": environment, "arguments": arguments}
        with self._one_at_a_time:
            with contextlib.suppress(OSError):
                message = json.dumps(request).encode()
                socket.send_fds(self.connection, [message], [*streams, report])
            os.close(report)
            if not select.select([life], [], [], START_LIMIT)[0]:
                self.kill()
        forked = Forked(life)
        return forked if forked.pid else None

    def kill(self) -> None:
        """End it at once; who waits for a fork gets none."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, after its forks: how one of them ends later is not known."""
        self.kill()
        self.process.wait()
        self.connection.close()


class Forked:
    """A forked process: what of subprocess.Popen its owner uses."""

    def __init__(self, life: int) -> None:
        self.stdin: TextIO | None = None  # the owner's ends of pipes, if it made some
        self.stdout: TextIO | None = None
        self._life = os.fdopen(life)
        self.pid = int(self._life.readline() or 0)
        self.returncode: int | None = None
        self._waiting = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or the negative number of the signal that ended it.

        Raises subprocess.TimeoutExpired if it runs on after `timeout` seconds.
        """
        with self._waiting:
            if timeout and not select.select([self._life], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked process", timeout)
            if self.returncode is None:
                self.returncode = int(self._life.readline() or -signal.SIGKILL)
            return self.returncode


def serve(module: ModuleType, connection: socket.socket) -> None:
    """Fork a process for each request, until the owner is gone."""
    for name in module.HEAVY:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch over forks
    while True:
        request, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 4)
        if not request:
            return
        if not _fork():
            connection.close()
            _watch(module, json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # native threads: with nothing computed none takes part
        return os.fork()


def _watch(module: ModuleType, request: dict, *descriptors: int) -> None:
    """Run a child and report how it ended: its owner, no parent of it, cannot ask."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = _fork()
    if not child:
        _become(module, request, *descriptors)
    *streams, report = descriptors
    for descriptor in streams:
        os.close(descriptor)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(module: ModuleType, request: dict, *descriptors: int) -> None:
    os.setsid()
    *streams, report = descriptors
    os.write(report, b"%d\n" % os.getpid())  # not before it can be ended with all it starts
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.close(report)
    code = 1
    try:
        os.chdir(request["workdir"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv[1:] = request["arguments"]
        code = module.serve() or 0
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(importlib.import_module(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
