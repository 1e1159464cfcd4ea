"""The processes behind a preview: one that waits before each cell, and one that runs on from it.

Asked to run a cell, a process forks. The child runs the cell and then waits itself; the parent
stays behind as the state before that cell, from which a changed cell can be run again and again.
Each has a socket to the server, on which requests and replies are JSON lines. When the server is
gone, however it ended, the first process reads the end of its socket, and all end with it.
"""

import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import sys
import threading
import warnings

from tutorial.run.kernel import Kernel

PR_SET_PDEATHSIG = 1


def receive(connection: socket.socket) -> tuple[dict | None, list[int]]:
    """The next line of the other side and the descriptors sent along; None at its end."""
    line, descriptors = b"", []
    while not line.endswith(b"\n"):
        try:
            part, sent, _, _ = socket.recv_fds(connection, 1 << 16, 1)
        except ConnectionError:
            part, sent = b"", []
        descriptors += sent
        if not part:
            return None, descriptors
        line += part
    return json.loads(line), descriptors


def send(connection: socket.socket, message: dict) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def serve(connection: socket.socket) -> None:
    connection.set_inheritable(False)
    start, _ = receive(connection)
    printed = os.open(start["printed"], os.O_RDWR | os.O_CREAT | os.O_APPEND)
    for stream, number in (("stdout", 1), ("stderr", 2)):
        os.dup2(printed, number)
        text = open(number, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, stream, text)
    kernel = Kernel(start, printed)
    send(connection, kernel.start())
    with contextlib.suppress(BrokenPipeError):
        _wait(connection, kernel, ctypes.CDLL(None))
    os._exit(0)


def _wait(connection: socket.socket, kernel: Kernel, libc) -> None:
    """Answer requests until the connection ends: this process, and each that it forks."""
    groups: set[int] = set()  # the first process only: what it ends when the server is gone
    child = 0
    while True:
        request, _ = receive(connection)
        if request is None:
            for group in groups:
                with contextlib.suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
            return
        if "group" in request:
            groups.add(request["group"])
            send(connection, {})
        elif "forget" in request:
            groups.discard(request["forget"])
            send(connection, {})
        elif "fate" in request:
            _, status = os.waitpid(child, 0)
            child = 0
            send(connection, {"code": os.waitstatus_to_exitcode(status)})
        elif not request.pop("fork"):
            send(connection, kernel.run(**request) | {"forks": False})
        else:
            if child:  # it was ended, to run another in its place
                os.waitpid(child, 0)
            child, own = _fork(connection, libc)
            if own:
                connection, groups, child = own, set(), 0
                send(connection, kernel.run(**request) | {"forks": _forks()})


def _fork(connection: socket.socket, libc) -> tuple[int, socket.socket | None]:
    """In the parent: the child's number. In the child: its own connection."""
    server_side, own = socket.socketpair()
    drawn = random.getstate()  # Python draws a new seed in a fork
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # native threads: with one torch thread none takes part
        child = os.fork()
    if child:
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        line = json.dumps({"pid": child}).encode() + b"\n"
        socket.send_fds(connection, [line], [server_side.fileno()])
        server_side.close()
        own.close()
        return child, None
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended in between
        os._exit(1)
    connection.close()
    server_side.close()
    random.setstate(drawn)
    return 0, own


def _forks() -> bool:
    """Whether a copy of this process would be whole: threads and child processes stay behind."""
    multiprocessing = sys.modules.get("multiprocessing")
    children = multiprocessing.active_children() if multiprocessing else []
    return threading.active_count() == 1 and not children


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
