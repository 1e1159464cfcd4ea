"""A tree of processes that runs programs which begin alike, each common piece once."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import types
import warnings
from dataclasses import asdict
from pathlib import Path

from tutorial.data import cifar10
from tutorial.run.kernel_process import environment_of

LONGEST = 600  # seconds for one cell; one that takes longer is killed


def run(
    programs: dict[str, list[str]],
    folder: Path,
    source: cifar10.Source | None = None,
    torch_home: Path | None = None,
) -> dict[str, dict]:
    """Run programs, each given as its pieces, and reply to each with what its last piece gave.

    Programs that begin alike share a process up to where they part (POSIX alone can fork), so a
    piece runs once for each way that leads to it. Each program has a namespace and a working folder
    of its own, empty but for data/ if there is a `source`. Nothing is seeded but by the programs.
    A reply holds text, error, figures and folder, as a kernel's does, or `broken`, which says why
    there is none. Writes below `folder`, which should be empty; figures into replies/.
    """
    work, replies = folder / "work", folder / "replies"
    work.mkdir()
    replies.mkdir()
    if source:
        cifar10.link(source, work)
    request = {
        "programs": programs,
        "folder": str(folder),
        "source": {**asdict(source), "folder": str(source.folder)} if source else None,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.program_tree"],
        input=json.dumps(request),
        cwd=work,
        env=environment_of("cpu", 1, torch_home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    broken = f"died with {done.returncode}: {done.stdout}" if done.returncode else "ended too early"
    found = {}
    for name in programs:
        reply = replies / f"{name}.json"
        found[name] = json.loads(reply.read_text()) if reply.exists() else {"broken": broken}
    return found


class Tree:
    """A piece of code, and the trees of what follows it in one program or another."""

    def __init__(self, above: str = "", piece: str = "") -> None:
        self.above, self.piece = above, piece  # above: all that the programs have before it
        self.name = ""  # of the program that ends with it
        self.below: dict[str, Tree] = {}

    def add(self, name: str, pieces: list[str]) -> None:
        tree = self
        for piece in pieces:
            text = f"{tree.above}{tree.piece}\n\n" if tree.piece else ""
            tree = tree.below.setdefault(piece, Tree(text, piece))
        tree.name = name

    def names(self) -> list[str]:
        """Of all programs that hold it."""
        return [name for name in [self.name] if name] + [
            name for tree in self.below.values() for name in tree.names()
        ]


class Grower:
    """The process that has run one piece after another, and forks where programs part."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.script = folder, folder / "program.py"
        self.printed = os.open(folder / "printed.txt", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        for stream, number in (("stdout", 1), ("stderr", 2)):
            os.dup2(self.printed, number)
            text = open(number, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, stream, text)
        self.main = types.ModuleType("__main__")
        self.main.__file__ = str(self.script)
        warnings.showwarning = warn_as_on_a_page
        sys.modules["__main__"] = self.main
        sys.path[0] = str(folder)

    def grow(self, tree: Tree) -> None:
        """Run what follows a piece that has run."""
        while len(tree.below) == 1:
            (tree,) = tree.below.values()
            if not self.run(tree):
                return
        for branch in tree.below.values():
            child = os.fork()
            if not child:
                try:
                    self.move()
                    if self.run(branch):
                        self.grow(branch)
                finally:
                    os._exit(0)
            _, status = os.waitpid(child, 0)
            if os.WIFSIGNALED(status):
                cause = signal.Signals(os.WTERMSIG(status)).name
                for name in branch.names():
                    if not (self.folder / "replies" / f"{name}.json").exists():
                        self.reply(name, {"broken": f"killed by {cause}"})

    def move(self) -> None:
        """To a copy of the working folder: what a branch writes is not for its neighbours."""
        new = tempfile.mkdtemp(dir=self.folder)
        shutil.copytree(os.getcwd(), new, symlinks=True, dirs_exist_ok=True)
        os.chdir(new)

    def run(self, tree: Tree) -> bool:
        """Run a piece, and reply if a program ends with it; False if it raised."""
        # The file is as it would be if the program had ended here: for inspect, and for workers.
        self.script.write_text(f"{tree.above}{tree.piece}\n", encoding="utf-8")
        os.ftruncate(self.printed, 0)
        error = None
        signal.alarm(LONGEST)
        try:
            lines_above = "\n" * tree.above.count("\n")
            code = compile(lines_above + tree.piece, self.main.__file__, "exec")
            exec(code, vars(self.main))
        except BaseException as raised:  # SystemExit must not end the tree in silence
            error = {"message": "".join(traceback.format_exception_only(raised)).strip()}
        signal.alarm(0)
        sys.stdout.flush()
        sys.stderr.flush()
        figures = sys.modules.get("tutorial.run.figures")  # a backend, loaded when used
        stem = tree.name or "above"
        drawn = figures.collect(self.folder / "replies", stem) if figures else []
        if tree.name:
            text = (self.folder / "printed.txt").read_bytes().decode(errors="replace")
            reply = {"text": text, "error": error, "folder": os.getcwd()}
            self.reply(tree.name, reply | {"figures": drawn})
        if error:
            what = tree.piece.split("\n")[0]
            for branch in tree.below.values():
                for name in branch.names():
                    self.reply(name, {"broken": f"above it, in {what}: {error['message']}"})
        return error is None

    def reply(self, name: str, reply: dict) -> None:
        path = self.folder / "replies" / f"{name}.json"
        path.write_text(json.dumps(reply), encoding="utf-8")


def warn_as_on_a_page(message, category, filename, lineno, file=None, line=None) -> None:
    """Without path and line, as the kernel shows a warning."""
    print(f"{category.__name__}: {message}", file=file or sys.stderr)


def _grow() -> None:
    request = json.loads(sys.stdin.read())
    if any("torch" in piece for pieces in request["programs"].values() for piece in pieces):
        import torch  # once for all branches

        torch.set_num_threads(1)  # as in a kernel; and threads do not survive a fork
        if torch.accelerator.is_available():  # MPS, XPU: no environment variable hides them
            torch.accelerator.current_accelerator = lambda check_available=False: None
            torch.accelerator.is_available = lambda: False
    if request["source"]:
        cifar10.teach_torchvision(cifar10.Source(**request["source"]))
    root = Tree()
    for name, pieces in request["programs"].items():
        root.add(name, pieces)
    Grower(Path(request["folder"])).grow(root)


if __name__ == "__main__":
    _grow()
