"""Which cells above a cell needs, by the names in its bytecode, and the program that they make.

A cell needs the last cell above it that binds a name which it loads before it binds that name
itself, and all that this one needs. What a function or class loads is looked up twice: from the
cell that defines it, and from each cell that comes to it, since a function may use what is bound
below its definition. To assign to a part of an object (`x[0] = 1`, `CIFAR10.url = "..."`) binds
the object's name anew. A file name in quotes, such as "net.pt", counts as a name.

What else calls change, no analysis finds reliably: gradients that `backward()` leaves, weights
that a training moves. The author marks the cell that depends on it, with `needs="backward"`;
tests/test_programs.py runs all programs and tells where a mark is missing.
"""

import ast
import builtins
import dis
import inspect
import re
import shutil
import sysconfig
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import CodeType

from tutorial.lesson.cells import Cell, Section, parsed

LOADS = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS", "DELETE_NAME")
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
FILE = re.compile(r"[\w./-]+\.[a-z]\w{1,3}")
DRAWS = re.compile(r"\b(rand\w*|nn\.[A-Z]\w*)\(")  # layers draw their weights
FUTURE = re.compile(r"^from __future__ import", re.MULTILINE)  # in a section's first cell
SEED = "import torch\n\n# so that every run draws the same numbers\ntorch.manual_seed(0)"

indented = partial(textwrap.indent, prefix="    ")


def needed(section: Section, name: str, device: str = "cpu") -> list[Cell]:
    """The cells, in order, that the named one needs; itself last. KeyError if there is none."""
    cells = section.on(device)
    needs = _needs(tuple((cell.name, cell.source, cell.marked_needs) for cell in cells))
    if name not in needs:
        raise KeyError(f"snippets/{section.name}.py has no cell {name} on {device}")
    return [cell for cell in cells if cell.name in needs[name]]


def lacks(section: Section, name: str, device: str = "cpu") -> str:
    """Why a cell is skipped on this machine: what it, or a cell that it needs, requires is not
    there. Empty if nothing is missing.
    """
    if not any("requires" in cell.options for cell in section.cells):
        return ""
    for cell in needed(section, name, device):
        for thing in re.findall(r"[^\s,]+", cell.options.get("requires", "")):
            if not (_has_compiler() if thing == "c++" else find_spec(thing)):
                return f"skipped: {cell.name} requires {thing}, which is not here"
    return ""


def _has_compiler() -> bool:
    """What torch.compile needs on a CPU: a compiler, and the headers of this Python."""
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return headers.is_file() and any(map(shutil.which, ("g++", "clang++", "cl")))


@lru_cache(maxsize=256)
def _needs(cells: tuple[tuple[str, str, tuple[str, ...]], ...]) -> dict[str, set[str]]:
    """By cell, of which name, source and marks are given: all that it needs, itself among them."""
    names: dict[str, Names] = {}
    binder: dict[str, str] = {}  # name -> the last cell so far that binds it
    needs: dict[str, set[str]] = {}
    for cell, source, marks in cells:
        own = names[cell] = names_of(source)
        needs[cell] = {cell}.union(*(needs[mark] for mark in marks if mark in needs))
        needs[cell] |= {first for first, code, _ in cells[:1] if FUTURE.search(code)}
        todo, done = own.loads, own.binds
        while todo:
            new = set().union(*(needs[binder[name]] for name in todo if name in binder))
            done |= todo
            todo = frozenset().union(*(names[other].later for other in new)) - done
            needs[cell] |= new
        binder |= dict.fromkeys(own.binds, cell)
    return needs


@dataclass(frozen=True)
class Names:
    """loads: not bound by the cell itself until then. later: loaded when its functions run."""

    loads: frozenset[str]
    binds: frozenset[str]
    later: frozenset[str]


@lru_cache(maxsize=1024)
def names_of(source: str) -> Names:
    """The names in the code of one cell; none in code such as `return 1`, which cannot run."""
    tree = parsed(source)
    try:
        code = compile(tree, "", "exec")
    except SyntaxError:
        return Names(frozenset(), frozenset(), frozenset())
    loads, binds, later = set(), set(), set()
    for instruction in dis.get_instructions(code):
        value = instruction.argval
        if instruction.opname == "STORE_NAME":
            binds.add(value)
        elif instruction.opname in LOADS:
            loads |= {value} - binds
        elif isinstance(value, CodeType):
            loads |= set(_inner(value)) - binds
            later |= set(_inner(value, called=False))
    changed = {
        re.match(r"\w*", ast.unparse(node))[0]
        for node in _outside_functions(tree)
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load)
    }
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    files = {text for text in constants if isinstance(text, str) and FILE.fullmatch(text)}
    loads |= changed - binds | files
    return Names(frozenset(loads), frozenset(binds | changed | files), frozenset(later))


def _inner(code: CodeType, called: bool = True) -> Iterator[str]:
    """Names that inner code takes from the cells; unless `called`, only those in functions."""
    is_function = code.co_flags & inspect.CO_OPTIMIZED and code.co_name not in COMPREHENSIONS
    for instruction in dis.get_instructions(code):
        if isinstance(instruction.argval, CodeType):
            yield from _inner(instruction.argval, called or is_function)
        elif (called or is_function) and instruction.opname in LOADS:
            yield instruction.argval


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def program(section: Section, name: str, device: str = "cpu") -> str:
    """A complete file: the cells that the named one needs, then itself.

    A needed cell that is meant to raise is guarded; the named one is not.
    """
    return "\n\n".join(pieces(section, name, device)) + "\n"


def pieces(section: Section, name: str, device: str = "cpu") -> list[str]:
    """What program() is put together from: a docstring, perhaps a seed, the cells; itself last."""
    cells = needed(section, name, device)
    code = "\n".join(cell.source for cell in cells)
    parts = [f'"""{name}, from the section {section.name}, with what it needs."""']
    for cell in cells:
        source = cell.source.strip("\n") if cell.name == name else guarded(cell, device)
        parts.append(f"# {cell.name}\n{source}")
    if DRAWS.search(code) and "torch.manual_seed" not in code:
        parts.insert(2 if FUTURE.search(cells[0].source) else 1, SEED)
    return parts


def guarded(cell: Cell, device: str = "cpu") -> str:
    """The code of a cell, so that what stands below it runs as well, on any machine.

    A cell that is meant to raise stands in a try statement, and one for another device than the
    given one under a condition. A string of several lines in it would be indented, too.
    """
    source = cell.source.strip("\n")
    if error := cell.options.get("error"):
        known = error if hasattr(builtins, error) else "Exception"
        source = f"try:\n{indented(source)}\nexcept {known} as raised:\n    print(raised)"
    if (only := cell.options.get("device", device)) != device:
        source = f"if torch.{only}.is_available():\n{indented(source)}"
    return source
