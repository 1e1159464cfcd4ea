"""Cut a section's script (jupytext percent format) into named cells, and key what they run."""

import ast
import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files

DEVICES = ("cpu", "cuda", "mps", "xpu")

MARKER = re.compile(r"^\s*#\s*%%")  # whatever some editor takes for one
NAME = re.compile(r"# %% +(?P<name>[a-z0-9][a-z0-9-]*)(?=\s|$)")
OPTION = re.compile(r'\s*(?P<key>\w+)=(?P<value>"(?:[^"\\]|\\.)*"|[^\s"]+)')
SOUND = re.compile(r"[a-z0-9][a-z0-9-]*\.wav")
DOWNLOADS = re.compile(r"\b(?:CIFAR10|\w+_Weights)\b")

# What each option of a marker line may hold.
OPTIONS = {
    "alt": str,  # what is to be seen in the figure that the cell draws
    "sound": str,  # name of the WAV file that the cell writes, to be played in the page
    "heard": str,  # what is to be heard in it
    "error": str,  # class of the exception that the cell is meant to raise
    "warns": str,  # class of the warning that the cell is meant to give
    "device": str,  # the only device on which the cell runs
    "timeout": float,  # seconds
    "recipe": str,  # name of the training that it ends: see results.py
    "since": str,  # the cell in which that training begins, itself unless named
    "alone": str,  # why nothing may run beside its section on a GPU: what it times
    "needs": str,  # cells above on which it depends though no name shows it: see needs.py
}
RUN_OPTIONS = ("error", "warns", "device")  # these change what running the cell means
DEFAULT_TIMEOUT = 60.0

# A change in what executes or draws makes every record stale.
ENGINE = tuple(
    Path(__file__).parents[1] / "run" / name for name in ("kernel.py", "figures.py", "matplotlibrc")
)


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

    @property
    def alone(self) -> bool:
        """Whether one of its cells compares times, which other sections beside it would spoil."""
        return any("alone" in cell.options for cell in self.cells)

    def downloads(self, device: str, upto: str | None = None) -> frozenset[str]:
        """What its cells take from the network, or those up to and including `upto`."""
        downloads: frozenset[str] = frozenset()
        for cell in self.on(device):
            downloads |= cell.downloads
            if cell.name == upto:
                break
        return downloads

    @cached_property
    def _own(self) -> dict[str, str]:
        return {
            cell.name: digest(
                cell.source,
                {key: cell.options.get(key) for key in RUN_OPTIONS},
                "alt" in cell.options,  # whether a figure is expected
                [files.read(file) for file in self.modules(cell)],
                *([cell.options["sound"]] if "sound" in cell.options else []),
            )[:8]
            for cell in self.cells
        }

    def fingerprints(self, device: str) -> dict[str, str]:
        """Per cell: hash of its own code, run options and the project modules it imports."""
        if device not in self._fingerprints:
            own = {cell.name: self._own[cell.name] for cell in self.on(device)}
            self._fingerprints[device] = own
        return dict(self._fingerprints[device])

    def keys(self, device: str) -> dict[str, str]:
        """Per cell: hash of everything up to it that its outputs follow from, versions apart."""
        if device not in self._keys:
            keys, sofar = {}, digest(self._engine, self.head)
            for name, own in self.fingerprints(device).items():
                keys[name] = sofar = digest(sofar, own)
            self._keys[device] = keys
        return dict(self._keys[device])

    @cached_property
    def _fingerprints(self) -> dict[str, dict[str, str]]:
        """By device, as are the keys; a page asks for them once a cell."""
        return {}

    @cached_property
    def _keys(self) -> dict[str, dict[str, str]]:
        return {}

    @cached_property
    def _engine(self) -> str:
        return digest([file.read_text(encoding="utf-8") for file in ENGINE])

    def modules(self, cell: Cell) -> list[Path]:
        """Files of this project that the cell imports, directly or through one another."""
        found: dict[Path, None] = {}

        def visit(tree: ast.Module, folder: Path) -> None:
            for file in self._imported(tree, folder):
                if file not in found:
                    found[file] = None
                    where = file.relative_to(self.root).as_posix()
                    visit(_parse(files.read(file), where, 0), file.parent)

        if "import" in cell.source:
            visit(cell.tree, self.path.parent)
        return sorted(found)

    def _imported(self, tree: ast.Module, folder: Path):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names, bases = [alias.name for alias in node.names], [self.path.parent, self.root]
            elif isinstance(node, ast.ImportFrom):
                prefix = f"{node.module}." if node.module else ""
                names = [prefix + alias.name for alias in node.names]
                up = [folder, *folder.parents]
                bases = [up[node.level - 1]] if node.level else [self.path.parent, self.root]
            else:
                continue
            for name in names:
                parts = name.split(".")
                for base in bases:
                    for depth in range(1, len(parts) + 1):
                        stem = base.joinpath(*parts[:depth])
                        candidates = (stem.with_name(stem.name + ".py"), stem / "__init__.py")
                        yield from (file for file in candidates if file.is_file())


def digest(*parts) -> str:
    """Hexadecimal SHA-256 of anything JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


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
    inner = [node for node in body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    calls = (node for each in inner for node in ast.walk(each) if isinstance(node, ast.Call))
    return any(
        getattr(call.func, "attr", "") == "show" and ast.unparse(call.func) == "plt.show"
        for call in calls
    )


def _only_docstring(text: str, where: str) -> None:
    for node in _parse(text, where, 0).body:
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            raise TutorialError(
                f"{where}:{node.lineno}: code before the first cell; open a cell above it"
            )


def _parse(text: str, where: str, above: int) -> ast.Module:
    """`above`: how many lines of the file stand above the text, for the message."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise TutorialError(f"{where}:{above + (error.lineno or 1)}: {error.msg}") from None


def _marker(line: str, where: str) -> tuple[str, dict]:
    rest = line.rstrip()
    match = NAME.match(rest)
    if not match:
        raise TutorialError(
            f"{where}: a cell needs a name in lower case and dashes, such as '# %% from-data'"
        )
    options, at = {}, match.end()
    while at < len(rest):
        option = OPTION.match(rest, at)
        if not option or option["key"] not in OPTIONS:
            raise TutorialError(
                f"{where}: cannot read {rest[at:].strip()!r} in the marker line;"
                f' options are {", ".join(OPTIONS)}, written key="text" or key=number'
            )
        options[option["key"]] = _value(option["key"], option["value"], where)
        at = option.end()
    if "since" in options and "recipe" not in options:
        raise TutorialError(f"{where}: since= says where a recipe begins; here is no recipe=")
    if ("sound" in options) != ("heard" in options):
        raise TutorialError(
            f'{where}: a sound has sound="name.wav" and heard="...", which says what is to be heard'
        )
    return match["name"], options


def _value(key: str, text: str, where: str):
    quoted = text.startswith('"')
    try:
        if quoted != (OPTIONS[key] is str):
            raise ValueError
        value = json.loads(text) if quoted else float(text)
    except ValueError:
        kind = "text in double quotes" if OPTIONS[key] is str else "a number"
        raise TutorialError(f"{where}: {key}={text} must be {kind}") from None
    if key == "timeout" and not 0 < value < math.inf:
        raise TutorialError(f"{where}: timeout={text} must be a number of seconds")
    if value == "":
        raise TutorialError(f"{where}: {key}={text} says nothing")
    if key == "recipe" and not NAME.fullmatch(f"# %% {value}"):
        raise TutorialError(f"{where}: recipe={text} must be a name in lower case and dashes")
    if key == "sound" and not SOUND.fullmatch(value):
        raise TutorialError(f"{where}: sound={text} must name a WAV file such as chirp.wav")
    if key == "device" and value not in DEVICES:
        raise TutorialError(f"{where}: device={text} is none of {', '.join(DEVICES)}")
    return value
