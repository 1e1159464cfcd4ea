"""Cut a section's script (jupytext percent format) into named cells, and key what they run."""

import ast
import hashlib
import json
import re
import shlex
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files

DEVICES = ("cpu", "cuda", "mps", "xpu")

MARKER = re.compile(r"^\s*#\s*%%")  # whatever some editor takes for one
NAME = re.compile(r"# %% +([a-z0-9][a-z0-9-]*)(?=\s|$)")
DOWNLOADS = re.compile(r"\b(?:CIFAR10|\w+_Weights)\b")

# The options of a marker line: what each has to match, and what that is.
OPTIONS = {
    "alt": (".+", "what is to be seen in the figure that the cell draws"),
    "sound": (r"[a-z0-9][a-z0-9-]*\.wav", "a WAV file such as chirp.wav, which the cell writes"),
    "heard": (".+", "what is to be heard in it"),
    "file": (
        r"[a-z0-9][a-z0-9-]*\.(?:bin|py)",
        "a file such as network.bin, which a bench reads, or a program such as train.py",
    ),
    "error": (r"\w+", "the class of the exception that the cell is meant to raise"),
    "warns": (r"\w+", "the class of the warning that the cell is meant to give"),
    "device": ("|".join(DEVICES), f"the only device that the cell runs on: {', '.join(DEVICES)}"),
    "timeout": (r"(?=.*[1-9])\d*\.?\d+", "a number of seconds"),
    "recipe": (r"[a-z0-9][a-z0-9-]*", "the training that the cell ends, in lower case and dashes"),
    "since": (".+", "the cell in which that training begins, if it is another one"),
    "alone": (".+", "why nothing may run beside its section on a GPU: what it times"),
    "cores": ("all", "all: on a CPU its section has all cores, and nothing runs beside it"),
    "instead": (
        r"[a-z0-9][a-z0-9-]*",
        "the cell that a variant in snippets/predict/ replaces",
    ),
    "below": (r"[a-z0-9][a-z0-9-]*", "the cell below which a question in snippets/predict/ stands"),
    "needs": (".+", "cells above on which it depends though no name shows it: see needs.py"),
    "requires": (
        r"[\w+.]+(?:, ?[\w+.]+)*",
        "modules of Python, or c++ for a compiler, without which it is skipped: see needs.py",
    ),
}
RUN_OPTIONS = ("error", "warns", "device")  # these change what running the cell means
DEFAULT_TIMEOUT = 60.0
DEEPEST = 100  # levels of the syntax tree: what reads it later on calls itself at each of them
TOO_DEEP = (
    "the code here or below is nested too deeply, as a long chain of elif, calls or operators is,"
    " too; split it into several statements"
)

# What executes, reads what was printed, or draws, in tutorial/run/, beside its matplotlibrc.
ENGINE = ("kernel.py", "kernel_process.py", "replies.py", "figures.py")


def check_device(device: str) -> None:
    """TutorialError unless it is one of DEVICES."""
    if device not in DEVICES:
        raise TutorialError(f"DEVICE={device}: unknown; it is one of {', '.join(DEVICES)}")


@dataclass(frozen=True)
class Cell:
    """One cell: `source` starts in line `line + 1` of the script, after its marker."""

    section: str
    name: str
    line: int
    source: str
    options: dict = field(default_factory=dict)
    folder: str = "snippets"

    @property
    def script(self) -> str:
        return f"{self.folder}/{self.section}.py"

    @property
    def id(self) -> str:
        return f"{self.script}::{self.name}"

    @property
    def where(self) -> str:
        return f"{self.script}:{self.line}"

    @property
    def has_blank(self) -> bool:
        """Whether readers are to fill something in here: see labs.py."""
        return "### BEGIN SOLUTION" in self.source

    @property
    def timeout(self) -> float:
        return self.options.get("timeout", DEFAULT_TIMEOUT)

    @cached_property
    def downloads(self) -> frozenset[str]:
        """What it takes from the network: CIFAR10, and weight classes such as ResNet18_Weights."""
        words = set(DOWNLOADS.findall(self.source))  # also those in strings and comments
        nodes = ast.walk(self.tree) if words else ()
        return frozenset(getattr(n, "attr", getattr(n, "id", None)) for n in nodes) & words

    @property
    def marked_needs(self) -> tuple[str, ...]:
        """Cells above that it depends on in a way that no name shows, as its author says."""
        return tuple(re.findall(r"[^\s,]+", self.options.get("needs", "")))

    @cached_property
    def tree(self) -> ast.Module:
        return _parse(self.source, self.script, self.line)

    @cached_property
    def fingerprint(self) -> str:
        """8 hex digits that change with its code and with what it is meant to do.

        Comments and layout are no part of it: they change nothing that the cell prints.
        """
        return digest(
            structure(self.tree),
            {key: self.options.get(key) for key in RUN_OPTIONS},
            "alt" in self.options,  # whether a figure is expected
            *(self.options[key] for key in ("sound", "file") if key in self.options),
        )[:8]


@dataclass(frozen=True)
class Section:
    """One script, its cells in order."""

    name: str
    path: Path
    root: Path
    cells: tuple[Cell, ...]
    head: str = ""  # what stands above the first cell: a docstring or nothing

    def on(self, device: str) -> list[Cell]:
        """The cells that run on `device`."""
        return [cell for cell in self.cells if cell.options.get("device", device) == device]

    def in_place(self, cell: Cell, device: str) -> str:
        """A cell's code in its lines of the script, to be compiled.

        In the first cell, as in the script, `from __future__` may stand, below the docstring.
        """
        is_first = cell.line == self.on(device)[0].line
        above = self.head if is_first else "pass"
        return above + "\n" * (cell.line - above.count("\n")) + cell.source

    def alone(self, device: str) -> bool:
        """Whether one of its cells says that no other section may run beside it on `device`."""
        option = "cores" if device == "cpu" else "alone"
        return any(option in cell.options for cell in self.cells)

    def downloads(self, device: str, upto: str | None = None) -> frozenset[str]:
        """What its cells take from the network, or those up to and including `upto`."""
        downloads: frozenset[str] = frozenset()
        for cell in self.on(device):
            downloads |= cell.downloads
            if cell.name == upto:
                break
        return downloads

    def fingerprints(self, device: str) -> dict[str, str]:
        """Per cell that runs on `device`: hash of its own code and run options."""
        return {cell.name: cell.fingerprint for cell in self.on(device)}

    def keys(self, device: str) -> dict[str, str]:
        """Per cell: hash of everything up to it that its outputs follow from, versions apart."""
        return self._keys[device]

    @cached_property
    def _keys(self) -> dict[str, dict[str, str]]:
        keys: dict[str, dict[str, str]] = {device: {} for device in DEVICES}
        for device, of_device in keys.items():
            sofar = digest(_engine(), self.head)
            for name, own in self.fingerprints(device).items():
                of_device[name] = sofar = digest(sofar, own)
        return keys


@cache
def _engine() -> str:
    """Changes with what the engine does, not with its comments, and makes every record stale."""
    folder = Path(__file__).parents[1] / "run"
    code = [structure(ast.parse(files.read(folder / name))) for name in ENGINE]
    return digest(code, files.read(folder / "matplotlibrc"))


def digest(*parts) -> str:
    """Hexadecimal SHA-256 of anything JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def structure(part):
    """Code as JSON can hold it, the same in every Python: what a syntax tree has that is not empty.

    part: a syntax tree, or what a field of one holds.
    """
    if isinstance(part, ast.JoinedStr):  # Python 3.12 leaves empty pieces in some f-strings
        part = ast.JoinedStr([each for each in part.values if getattr(each, "value", "") != ""])
    if isinstance(part, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(part) if value not in (None, [])]
        return [type(part).__name__, {name: structure(value) for name, value in fields}]
    if isinstance(part, list):
        return [structure(each) for each in part]
    return None if part is None else repr(part)


def read_section(path: Path, root: Path) -> Section:
    """Parse a script. Raises TutorialError naming the line when it is not as it should be."""
    where = path.relative_to(root).as_posix()
    lines = files.lines(files.read(path))
    starts = [number for number, line in enumerate(lines, 1) if MARKER.match(line)]
    if not starts:
        raise TutorialError(f"{where}:1: no cell; a cell opens with a line such as '# %% imports'")
    head = "\n".join(lines[: starts[0] - 1])
    _only_docstring(head, where)
    cells, seen = [], {}
    for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        name, options = _marker(lines[start - 1], f"{where}:{start}")
        if name in seen:
            raise TutorialError(
                f"{where}:{start}: a cell named {name} stands in line {seen[name]} already"
            )
        seen[name] = start
        source = "\n".join(lines[start : end - 1]).rstrip()
        folder = where.rpartition("/")[0]
        cells.append(cell := Cell(path.stem, name, start, source, options, folder))
        for mark in cell.marked_needs:
            if mark not in seen or mark == name:
                raise TutorialError(f"{where}:{start}: needs={mark!r} names no cell above {name}")
    section = Section(path.stem, path, root, tuple(cells), head)
    for cell in section.cells:
        if _shows_figure(cell) and "alt" not in cell.options and "error" not in cell.options:
            raise TutorialError(
                f'{cell.where}: cell {cell.name} shows a figure without alt="..." in its marker'
                " line, which says what is to be seen in it"
            )
    return section


def _shows_figure(cell: Cell) -> bool:
    """Whether the cell itself calls plt.show(): a function that does may be called elsewhere."""
    body = cell.tree.body  # a syntax error is told before anything runs
    if "plt.show" not in cell.source:
        return False
    own = [node for node in body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    calls = (node for top in own for node in ast.walk(top) if isinstance(node, ast.Attribute))
    return any(call.attr == "show" and getattr(call.value, "id", "") == "plt" for call in calls)


def _only_docstring(text: str, where: str) -> None:
    for node in _parse(text, where, 0).body:
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            raise TutorialError(
                f"{where}:{node.lineno}: code before the first cell; open a cell above it"
            )


@lru_cache(maxsize=2048)
def parsed(text: str) -> ast.Module:
    """The syntax tree of code that several ask for, which none may change."""
    return ast.parse(text)


def _parse(text: str, where: str, above: int) -> ast.Module:
    """`above`: how many lines of the file stand above the text, for the message."""
    try:
        tree = parsed(text)
    except SyntaxError as error:
        raise TutorialError(f"{where}:{above + (error.lineno or 1)}: {error.msg}") from None
    except (RecursionError, MemoryError):  # of Python's own parser
        raise TutorialError(f"{where}:{above + 1}: {TOO_DEEP}") from None
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        if not level:
            break
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if lines := [node.lineno for node in level if hasattr(node, "lineno")]:
        raise TutorialError(f"{where}:{above + lines[0]}: {TOO_DEEP}")
    return tree


def _marker(line: str, where: str) -> tuple[str, dict]:
    """The cell's name and options from its first line."""
    match = NAME.match(line)
    if not match:
        raise TutorialError(
            f"{where}: a cell needs a name in lower case and dashes, such as '# %% from-data'"
        )
    rest = line[match.end() :].strip()
    try:
        options = dict(word.split("=", 1) for word in shlex.split(rest))
        unknown = [key for key in options if key not in OPTIONS]
    except ValueError:  # a word without =, or a quote without its other
        unknown = [rest]
    if unknown:
        raise TutorialError(
            f"{where}: cannot read {unknown[0]!r} in the marker line;"
            f' options are {", ".join(OPTIONS)}, written key="text" or key=number'
        )
    for key, value in options.items():
        pattern, meaning = OPTIONS[key]
        if not re.fullmatch(pattern, value):
            raise TutorialError(f"{where}: {key}={value!r} must be {meaning}")
    for one, other in (("since", "recipe"), ("sound", "heard"), ("heard", "sound")):
        if one in options and other not in options:
            raise TutorialError(f"{where}: {one}= needs {other}=: {OPTIONS[other][1]}")
    if "timeout" in options:
        options["timeout"] = float(options["timeout"])
    return match[1], options
