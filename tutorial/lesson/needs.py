"""Which cells of a section a cell needs: what each binds, reads and may change, never run.

The cells are walked in order, as an interpreter would, with sets of possible objects for values. A
name leads to things; a thing to those it holds (a view its tensor, an optimizer the network) and to
those it was computed from, where backward() goes. Functions and classes of the section are walked
where they are called. Each thing knows the cells that wrote to it, and a cell needs the writers of
all it reads. Random generators, files and settings are things too. Unknown code may change whatever
it can reach: in doubt, a cell is included. A cell with more possible calls than can be followed
needs all above, and may have changed everything.
"""

import ast
import builtins
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.needs_tables import (
    ASKED_BY_NAME,
    ASKS_FOR_SHAPE,
    CALLS_NETWORKS,
    CHANGED_IN_USE,
    CHANGES_FIRST,
    DRAWING_METHODS,
    DRAWS,
    DRAWS_IF_ITERATED,
    DRAWS_IN_USE,
    DUNDERS,
    FILES_READ,
    FILES_USED,
    FILES_WRITTEN,
    FIXED,
    FRESH,
    FRESH_METHODS,
    GIVES_PARTS,
    GRAPH_ATTRIBUTES,
    KNOWN,
    METHODS,
    MODULE,
    MODULE_CHANGES,
    MODULE_METHODS,
    MOST_CALLS,
    MOST_WALKS,
    NO_PARAMETERS,
    NOT_CALLED,
    PLAIN_ATTRIBUTES,
    PURE_METHODS,
    QUIET,
    RAGGED,
    RANDOM,
    SEEDING,
    SEEDS,
    SETTINGS,
    TENSOR_ATTRIBUTES,
    TENSOR_PURE,
    UNFORESEEABLE,
)


@dataclass(frozen=True)
class Effects:
    """What a cell does to the names of its section, and to what no name shows.

    binds, reads, changes: names of the namespace; reads are of what cells above have bound, and
    changes are to such objects (the reads include them).
    draws, seeds: of the random generators torch, numpy, python; draws go on from the state that
    cells above have left, so they are not those that follow a seed of the same cell.
    loads, saves: files of the working folder, "*" where the name is not known.
    sets: libraries whose settings or attributes it leaves changed, "*" if it may do anything.
    """

    binds: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    draws: frozenset[str] = frozenset()
    seeds: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()
    saves: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()


def effects(cell: Cell, above: Iterable[Cell] = ()) -> Effects:
    """What `cell` does, after the cells `above`; without them, unknown objects may do anything."""
    return _analyse(_key([*above, cell]))[-1].effects


def needed(section: Section, name: str, device: str = "cpu") -> list[Cell]:
    """The cells, in order, that give the named one what it reads; itself last. KeyError if none."""
    cells, found, at = _found(section, name, device)
    return [cells[index] for index in sorted(_closure(found, at))]


def affected(section: Section, name: str, device: str = "cpu") -> list[Cell]:
    """The named cell and those below it that may do something else once it has changed."""
    cells, found, at = _found(section, name, device)
    return [cell for index, cell in enumerate(cells) if at in _closure(found, index)]


def program(section: Section, name: str, device: str = "cpu") -> str:
    """A complete file: the cells that the named one needs, then itself.

    A needed cell that is meant to raise is guarded; the named one is not.
    """
    return "\n\n".join(pieces(section, name, device)) + "\n"


def pieces(section: Section, name: str, device: str = "cpu") -> list[str]:
    """What program() is put together from: a docstring, seeds if any, the cells; itself last."""
    cells, found, at = _found(section, name, device)
    indices = sorted(_closure(found, at))
    parts = [f'"""{name}, from the section {section.name}, with what it needs."""']
    unseeded = {kind for index in indices for kind in found[index].unseeded}
    if unseeded:
        modules = [SEEDING[kind].partition(".")[0] for kind in RANDOM if kind in unseeded]
        imports = [f"import {module}" for module in sorted(modules)]
        seeds = [SEEDING[kind] for kind in RANDOM if kind in unseeded]
        why = "# so that every run draws the same numbers"
        parts.append("\n".join([*imports, "", why, *seeds]))
    for index in indices:
        cell, source = cells[index], cells[index].source.strip("\n")
        error = cell.options.get("error")
        if error and index != at:
            source = _guarded(source, error)
        parts.append(f"# {cell.name}\n{source}")
    return parts


def _guarded(source: str, error: str) -> str:
    """The source in a try statement; the lines inside long strings stay where they are."""
    inside = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno > node.lineno
        for line in range(node.lineno + 1, node.end_lineno + 1)
    }
    lines = [
        line if number in inside else textwrap.indent(line, "    ")
        for number, line in enumerate(source.split("\n"), 1)
    ]
    known = error if hasattr(builtins, error) else "Exception"
    return "\n".join(["try:", *lines, f"except {known} as raised:", "    print(raised)"])


def _found(section: Section, name: str, device: str):
    cells = section.on(device)
    names = [cell.name for cell in cells]
    if name not in names:
        raise KeyError(f"snippets/{section.name}.py has no cell {name} on {device}")
    return cells, _analyse(_key(cells)), names.index(name)


def _closure(found: tuple["Found", ...], at: int) -> set[int]:
    indices, todo = set(), [at]
    while todo:
        index = todo.pop()
        if index not in indices:
            indices.add(index)
            todo += found[index].needs
    return indices


def _key(cells: Iterable[Cell]) -> tuple:
    return tuple((c.source, "error" in c.options, "warns" in c.options) for c in cells)


@lru_cache(maxsize=64)
def _analyse(cells: tuple) -> tuple["Found", ...]:
    walk = Walk()
    return tuple(walk.cell(*cell) for cell in cells)


@dataclass(frozen=True)
class Found:
    """One cell: which others it needs directly, and the generators it finds never seeded."""

    effects: Effects
    needs: frozenset[int]
    unseeded: frozenset[str]


@dataclass(eq=False)
class Thing:
    """An object that may exist. `origin`: dotted name of what made it, "" where unknown."""

    kind: str  # library, function, class, instance, result, view, list, tuple, iterator, unknown
    origin: str = ""
    node: ast.AST | None = None  # of a function or class
    frames: tuple = ()  # the namespaces around that
    holds: set["Thing"] = field(default_factory=set)
    made_from: set["Thing"] = field(default_factory=set)
    writers: set[int] = field(default_factory=set)
    ragged: bool = False  # its shape follows from values
    trains: bool = False  # code asks for its gradient
    columns: list = field(default_factory=list)  # values of a tuple's places
    fields: dict[str, set["Thing"]] = field(default_factory=dict)  # of an instance
    owner: "Thing | None" = None  # class of an instance or of super()


@dataclass(frozen=True)
class Binding:
    """What a name leads to, and the cells that may have bound it."""

    value: frozenset[Thing]
    cells: frozenset[int]


Value = frozenset[Thing]
NOTHING: Value = frozenset()


def _reach(value: Iterable[Thing], graph: bool = False) -> set[Thing]:
    """All that these things hold; with `graph` also what they were computed from."""
    seen, todo = set(), list(value)
    while todo:
        thing = todo.pop()
        if thing not in seen:
            seen.add(thing)
            todo += thing.holds
            if graph:
                todo += thing.made_from
    return seen


def _in_graph(value: Iterable[Thing]) -> set[Thing]:
    """What a backward pass from these things touches: what a gradient flows into or through.

    Data, devices and transforms flow into a loss as well, and stay as they are.
    """
    reach = _reach(value, graph=True)
    users: dict[Thing, set[Thing]] = {}
    for thing in reach:
        for source in (thing.holds | thing.made_from) & reach:
            users.setdefault(source, set()).add(thing)
    touched: set[Thing] = set()
    todo = [
        thing
        for thing in reach
        if thing.trains
        or thing.kind == "unknown"
        or (MODULE.fullmatch(thing.origin) and not NO_PARAMETERS.fullmatch(thing.origin))
    ]
    while todo:
        thing = todo.pop()
        if thing not in touched:
            touched.add(thing)
            todo += users.get(thing, ())
    return touched | set(value)


def _ragged(value: Iterable[Thing]) -> bool:
    return any(thing.ragged for thing in _reach(value, graph=True))


def _made_by(pattern: re.Pattern, things: Iterable[Thing]) -> bool:
    return any(pattern.fullmatch(thing.origin) for thing in things)


class TooMany(Exception):
    """More calls are possible in a cell than can be followed."""


class Walk:
    """The state after the cells so far. Frames map names to bindings, the section's first."""

    def __init__(self) -> None:
        self.globals: dict[str, Binding] = {}
        for kind in RANDOM:
            self.globals[f"<{kind}>"] = Binding(frozenset([Thing("random", kind)]), frozenset())
        self.unseeded_state = {k: next(iter(self.globals[f"<{k}>"].value)) for k in RANDOM}
        self.files: dict[str, set[int]] = {}
        self.settings: dict[str, set[int]] = {}
        self.things: dict[tuple, Thing] = {}
        self.trees: list[ast.AST] = []  # kept, as things are known by the nodes that made them
        self.index = -1

    # One cell

    def cell(self, source: str, fails: bool, warns: bool) -> Found:
        self.index += 1
        tree = ast.parse(source)
        self.trees.append(tree)
        before = dict(self.globals)
        self.frames: tuple = (self.globals,)
        self.needs: set[int] = set()
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.written: set[Thing] = set()
        self.draws: set[str] = set()
        self.seeds: set[str] = set()
        self.loads: set[str] = set()
        self.saves: set[str] = set()
        self.sets: dict[str, str] = {}  # setting -> library
        self.unseeded: set[str] = set()
        self.calls: list[ast.AST] = []
        self.walks: dict[ast.AST, int] = {}
        self.called = 0
        self.walked: dict[tuple, tuple[int, Value]] = {}
        self.returned: list[set[Thing]] = []
        self.scoped = self.failing = False
        self.doubtful = 0  # depth of branches, of which only one runs
        try:
            for place, statement in enumerate(tree.body, 1):
                # What raises has not changed anything; a loop may have.
                simple = isinstance(statement, (ast.Expr, ast.Assign))
                self.failing = fails and place == len(tree.body) and simple
                self.statement(statement)
        except TooMany:
            self.give_up(tree, before)
        for root in self.sets.values():
            self.settings.setdefault(root, set()).add(self.index)
        for root, writers in self.settings.items():
            if root not in (*ASKED_BY_NAME, "warnings") or (root == "warnings" and warns):
                self.needs |= writers
        changed = {
            name
            for name, binding in before.items()
            if name[0] != "<" and _reach(binding.value) & self.written
        }
        return Found(
            Effects(
                frozenset(self.binds),
                frozenset(self.reads | changed),
                frozenset(changed),
                frozenset(self.draws),
                frozenset(self.seeds),
                frozenset(self.loads),
                frozenset(self.saves),
                frozenset(self.sets.values()),
            ),
            frozenset(self.needs - {self.index}),
            frozenset(self.unseeded),
        )

    def give_up(self, tree: ast.Module, before: dict[str, Binding]) -> None:
        """As after code that nobody can foresee, and in a small world: cells below end soon.

        All names lead to one object, modules alone stay what they are.
        """
        bound: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.alias):
                bound.add(node.asname or node.name.partition(".")[0])
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            else:  # of a function, a class, an exception, a pattern
                found = (getattr(node, each, None) for each in ("name", "rest"))
                bound |= {name for name in found if isinstance(name, str)}
        known = {
            name: binding
            for name, binding in before.items()
            if name[0] == "<"
            or (name not in bound and {thing.kind for thing in binding.value} == {"library"})
        }
        unknown = Binding(frozenset([Thing("unknown")]), frozenset([self.index]))
        self.globals.clear()  # functions hold this very dictionary
        self.globals |= dict.fromkeys([*before, *bound], unknown) | known
        self.frames, self.calls, self.returned = (self.globals,), [], []
        self.failing = self.scoped = False
        self.doubtful = 0
        self.binds = bound
        self.reads = {name for name in before if name[0] != "<"}
        self.written = _reach(thing for binding in before.values() for thing in binding.value)
        self.anything()

    # Things, and what may happen to them

    def make(self, node: ast.AST, kind: str, origin="", holds=(), made_from=(), role="") -> Value:
        """The thing that this piece of code makes in this cell."""
        key = (self.index, id(node), role, kind, origin)
        thing = self.things.get(key)
        if thing is None:
            thing = self.things[key] = Thing(kind, origin, writers={self.index})
        thing.holds |= set(holds) - {thing}
        thing.made_from |= set(made_from) - {thing}
        return frozenset([thing])

    def library(self, path: str) -> Value:
        self.ask_for_settings(path)
        thing = self.things.setdefault(("library", path), Thing("library", path))
        return frozenset([thing])

    def read(self, value: Iterable[Thing], graph: bool = False) -> None:
        for thing in _reach(value, graph):
            self.needs |= thing.writers
            if thing.kind == "library":
                self.ask_for_settings(thing.origin)

    def ask_for_settings(self, path: str) -> None:
        """Of those libraries whose settings concern nobody who does not name them."""
        for root in ASKED_BY_NAME:
            if path.startswith(root):
                self.needs |= self.settings.get(root, set())

    def change(self, value: Iterable[Thing], source: Value = NOTHING, graph: bool = False) -> None:
        """These things, and all they hold, may change; with what `source` is."""
        value = [thing for thing in value if thing.kind != "library"]
        self.read(value, graph)
        if self.failing:
            return
        for thing in _in_graph(value) if graph else _reach(value):
            if thing.kind not in ("library", "function", "class") and not _made_by(FIXED, [thing]):
                thing.writers.add(self.index)
                thing.made_from |= source - {thing}
                self.written.add(thing)

    def observe(self, value: Iterable[Thing]) -> None:
        """The values of these things, not just their shapes, have a visible effect."""
        for thing in _reach(value, graph=True):
            if thing.kind == "drawn":
                self.needs |= thing.writers
                if thing.holds & set(self.unseeded_state.values()):
                    self.unseeded.add(thing.origin)
                if thing.writers - {self.index} or self.unseeded & {thing.origin}:
                    self.draws.add(thing.origin)

    def seed(self, kind: str) -> None:
        if len(self.frames) == 1 or not self.calls:
            self.seeds.add(kind)
        key = f"<{kind}>"
        thing = Thing("random", kind, writers={self.index})
        self.globals[key] = Binding(frozenset([thing]), frozenset())

    def draw(self, kind: str, into: Iterable[Thing] = ()) -> Value:
        """What is drawn follows from the last seed and all that was drawn since.

        Who only asks for its shape does not need those: see observe().
        """
        states = self.globals[f"<{kind}>"].value
        writers = set().union(*(state.writers for state in states))
        drawn = Thing("drawn", kind, holds=set(states), writers=writers)
        for state in states:
            state.writers.add(self.index)
        for thing in into:
            if thing.kind != "library":
                thing.made_from.add(drawn)
        return frozenset([drawn])

    def load(self, file: str) -> None:
        self.loads.add(file)
        for other, writers in self.files.items():
            if "*" in (file, other) or file == other:
                self.needs |= writers

    def save(self, file: str) -> None:
        self.saves.add(file)
        self.files.setdefault(file, set()).add(self.index)

    def anything(self) -> None:
        """Code that nobody can foresee: it needs all above, and all below needs it."""
        self.needs |= set(range(self.index))
        self.change({thing for binding in self.globals.values() for thing in binding.value})
        for kind in RANDOM:
            self.observe(self.draw(kind))
        self.load("*")
        self.save("*")
        self.sets["*"] = "*"

    # Names

    def look_up(self, name: str) -> Value:
        for frame in reversed(self.frames):
            if name in frame:
                binding = frame[name]
                if frame is self.globals:
                    self.needs |= binding.cells
                    if binding.cells != {self.index}:
                        self.reads.add(name)
                self.read(binding.value)
                return binding.value
        if hasattr(builtins, name):
            return self.library(f"builtins.{name}")
        self.reads.add(name)  # of a cell above that is not known
        unknown = frozenset([Thing("unknown")])
        self.globals[name] = Binding(unknown, frozenset())
        return unknown

    def bind(self, name: str, value: Iterable[Thing]) -> None:
        frame = self.frames[-1]
        for outer in ("global", "nonlocal"):
            if name in frame.get(f"<{outer}>", ()):
                inner = [f for f in self.frames[1:-1] if name in f]
                frame = inner[-1] if outer == "nonlocal" and inner else self.globals
        frame[name] = Binding(frozenset(value), frozenset([self.index]))
        if frame is self.globals:
            self.binds.add(name)

    def assign(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name():
                self.bind(target.id, value)
            case ast.Tuple() | ast.List():
                stars = any(isinstance(each, ast.Starred) for each in target.elts)
                for place, each in enumerate(target.elts):
                    part: set[Thing] = set()
                    for thing in value:
                        exact = len(thing.columns) == len(target.elts) and not stars
                        part |= thing.columns[place] if exact else self.elements([thing])
                    self.assign(each, frozenset(part))
            case ast.Starred():
                self.assign(target.value, self.make(target, "list", holds=value))
            case ast.Attribute() | ast.Subscript():
                base = self.expression(target.value)
                if isinstance(target, ast.Subscript):
                    value |= self.expression(target.slice)
                self.put(base, value)
                if isinstance(target, ast.Attribute) and target.attr == "requires_grad":
                    self.ask_for_gradients(base)
                for thing in base if isinstance(target, ast.Attribute) else ():
                    thing.fields.setdefault(target.attr, set()).update(value)

    def ask_for_gradients(self, value: Iterable[Thing]) -> None:
        for thing in _reach(value):
            thing.trains = True

    def put(self, base: Value, value: Iterable[Thing]) -> None:
        """An attribute or item of `base` becomes `value`."""
        self.invoke(base, value, DUNDERS)
        for thing in base:
            if thing.kind == "library":
                own = [root for root in ASKED_BY_NAME if thing.origin.startswith(root)]
                self.sets[thing.origin] = (own or thing.origin.split("."))[0]
            else:
                thing.holds |= set(value) - {thing}
                thing.made_from |= set(value) - {thing}
        self.change(base, frozenset(value))

    def elements(self, value: Iterable[Thing]) -> Value:
        """What iterating over these gives."""
        found: set[Thing] = set()
        for thing in value:
            if _made_by(DRAWS_IF_ITERATED, [thing]):  # a batch is a new tensor
                found |= self.make(self.trees[-1], "view", "torch.Tensor", (), [thing])
            else:
                shared = thing.kind in ("list", "tuple", "iterator") and thing.holds
                found |= thing.holds if shared else {thing}
        return frozenset(found)

    def iterate(self, value: Value) -> Value:
        self.use(value)
        if _made_by(DRAWS_IF_ITERATED, _reach(value)):
            self.draw("torch", value)
        self.observe(t for t in value if t.ragged or t.origin == "builtins.range")
        for thing in value:
            if thing.kind == "iterator":  # it moves on; what it goes over stays as it is
                thing.writers.add(self.index)
                self.written.add(thing)
        return self.elements(value)

    def use(self, value: Value, others: Iterable[Thing] = ()) -> None:
        """Call, index or iterate over: what objects do then."""
        reach = _reach(value)
        if _made_by(DRAWS_IN_USE, reach):
            self.draw("torch", value)
        loads = any(thing.origin.startswith("torch.utils.data") for thing in reach)
        self.invoke(reach, others, METHODS if loads else DUNDERS)

    def invoke(self, value: Iterable[Thing], others: Iterable[Thing], names: re.Pattern) -> Value:
        """Functions of the section among `value` may be called with `others`, and methods too."""
        results: set[Thing] = set()
        for thing in list(value):
            if thing.kind == "function" and names is not DUNDERS:
                results |= self.call_function(thing, None, frozenset({*others, *value}) - {thing})
            elif thing.kind == "instance":
                for method in self.methods(thing.owner, names):
                    everything = frozenset({*others})
                    results |= self.call_function(method, frozenset([thing]), everything)
        return frozenset(results)

    # Functions and classes of the section

    def methods(self, owner: Thing, names: re.Pattern) -> list[Thing]:
        found = {}
        for base in self.bases(owner):
            found |= {m.node.name: m for m in self.methods(base, names)}
        for node in owner.node.body:
            if isinstance(node, ast.FunctionDef) and names.match(node.name):
                found[node.name] = self.method_thing(owner, node)
        return list(found.values())

    def method_thing(self, owner: Thing, node: ast.FunctionDef) -> Thing:
        key = (owner, node.name)
        if key not in self.things:
            thing = Thing("function", node=node, frames=owner.frames, owner=owner)
            self.things[key] = thing
        return self.things[key]

    def bases(self, owner: Thing) -> list[Thing]:
        return [thing for thing in owner.holds if thing.kind == "class"]

    def method(self, owner: Thing, name: str) -> Thing | None:
        exact = re.compile(re.escape(name) + "$")
        return next(iter(self.methods(owner, exact)), None)

    def call_function(self, function: Thing, bound: Value | None, arguments) -> Value:
        """Walk a body. `arguments`: a Call, or a value that every parameter may have."""
        node = function.node
        call = arguments if isinstance(arguments, ast.Call) else None
        spread = isinstance(arguments, frozenset)
        if call is not None:
            places, keywords, rest = self.arguments(call)
        else:
            places, keywords, rest = [], {}, arguments if spread else NOTHING
        everything = frozenset().union(rest, *places, *keywords.values(), bound or ())
        self.called += 1
        if self.called > MOST_CALLS:
            raise TooMany
        if any(node is each for each in self.calls) or len(self.calls) > 12:
            self.change(everything, everything)
            return everything
        is_static = any(
            isinstance(d, ast.Name) and d.id == "staticmethod"
            for d in getattr(node, "decorator_list", [])
        )
        if bound is not None and not is_static:
            places = [bound, *places]
        frame: dict = {}
        if function.owner:
            frame["__class__"] = Binding(frozenset([function.owner]), frozenset())
        spec = node.args
        names = [each.arg for each in (*spec.posonlyargs, *spec.args)]
        defaults = function.columns or [NOTHING]
        for place, name in enumerate(names):
            given = places[place] if place < len(places) else keywords.pop(name, None)
            if given is None:
                given = rest | defaults[0]
            frame[name] = Binding(given, frozenset())
        for each in spec.kwonlyargs:
            given = keywords.pop(each.arg, defaults[0] | rest)
            frame[each.arg] = Binding(given, frozenset())
        more = frozenset().union(rest, *places[len(names) :])
        if spec.vararg:
            frame[spec.vararg.arg] = Binding(self.make(node, "list", holds=more, role="*"), NOTHING)
        if spec.kwarg:
            more = frozenset().union(rest, *keywords.values())
            held = self.make(node, "list", holds=more, role="**")
            frame[spec.kwarg.arg] = Binding(held, NOTHING)
        given = [(name, binding.value) for name, binding in frame.items()]
        key = (id(node), frozenset(given), self.failing)
        times, result = self.walked.get(key, (0, NOTHING))
        if times == 2:  # as often as a loop: nothing new comes of it
            return result
        self.walks[node] = self.walks.get(node, 0) + 1
        if self.walks[node] > MOST_WALKS:
            self.change(everything, everything)
            return everything
        frames, self.frames = self.frames, (*function.frames, frame)
        self.calls.append(node)
        self.returned.append(set())
        if isinstance(node, ast.Lambda):
            self.returned[-1] |= self.expression(node.body)
        else:
            self.block(node.body)
        self.calls.pop()
        self.frames = frames
        result = frozenset(self.returned.pop())
        self.walked[key] = times + 1, result
        return result

    def arguments(self, call: ast.Call) -> tuple[list[Value], dict[str, Value], Value]:
        """Of a call: by place, by name, and those that may be anywhere."""
        rest: set[Thing] = set()
        places, keywords = [], {}
        for each in call.args:
            if isinstance(each, ast.Starred):
                value = self.expression(each.value)
                rest |= self.iterate(value)
            elif not rest:
                places.append(self.expression(each))
            else:
                rest |= self.expression(each)
        for each in call.keywords:
            value = self.expression(each.value)
            if each.arg is None:
                rest |= value | self.elements(value)
            else:
                keywords[each.arg] = value
        return places, keywords, frozenset(rest)

    # Calls

    def call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self.super(node)
        if isinstance(node.func, ast.Attribute):
            base, name = self.expression(node.func.value), node.func.attr
            results: set[Thing] = set()
            for thing in base or self.make(node.func, "result", "plain"):
                results |= self.call_attribute(node, thing, name)
            return frozenset(results)
        results = set()
        for thing in self.expression(node.func):
            results |= self.call_thing(node, thing)
        return frozenset(results)

    def super(self, node: ast.Call) -> Value:
        frame = self.frames[-1]
        owner = next(iter(frame["__class__"].value), None) if "__class__" in frame else None
        first = next((b.value for n, b in frame.items() if n[0] not in "<_"), NOTHING)
        made = self.make(node, "super", "instance", holds=first)
        next(iter(made)).owner = owner
        return made

    def call_thing(self, node: ast.Call, thing: Thing) -> Value:
        if thing.kind == "library":
            return self.call_library(node, thing.origin)
        if thing.kind == "function":
            return self.call_function(thing, None, node)
        if thing.kind == "class":
            return self.instance(node, thing)
        if thing.kind == "instance":
            method = self.method(thing.owner, "__call__") or self.method(thing.owner, "forward")
            if method:
                hooks = {each for each in _reach([thing]) if each.kind == "function"}
                given = self.everything(node)
                self.invoke(hooks, given | {thing}, METHODS)
                self.in_use([thing])
                return self.call_function(method, frozenset([thing]), node)
        given = self.everything(node)
        self.invoke(_reach([thing]) | _reach(given), given, METHODS)
        self.in_use([thing])
        origin = thing.origin
        if origin.split(".")[0] in KNOWN or thing.kind in ("instance", "view"):
            return self.make(node, "result", "torch.Tensor", given, {thing, *given}, origin)
        self.change({thing, *given}, given)
        self.observe({thing, *given})
        if thing.kind == "unknown":
            for kind in RANDOM:
                self.observe(self.draw(kind, [thing]))
        return self.make(node, "result", "", {thing, *given}, role=str(id(thing)))

    def in_use(self, things: list[Thing]) -> None:
        reach = _reach(things)
        if _made_by(DRAWS_IN_USE, reach):
            self.draw("torch", things)
        if _made_by(CHANGED_IN_USE, reach):
            self.change(things)

    def everything(self, node: ast.Call) -> Value:
        places, keywords, rest = self.arguments(node)
        return frozenset().union(rest, *places, *keywords.values())

    def instance(self, node: ast.Call, owner: Thing) -> Value:
        made = self.make(node, "instance", "instance", role=str(id(owner)))
        thing = next(iter(made))
        thing.owner = owner
        constructor = self.method(owner, "__init__")
        if constructor:
            self.call_function(constructor, made, node)
        else:
            thing.holds |= self.everything(node) - made
        for base in owner.holds:
            if base.kind == "library" and base.origin != "torch.nn.Module":
                thing.holds |= self.call_library(node, base.origin) - made
        after = self.method(owner, "__post_init__")
        if after:
            self.call_function(after, made, NOTHING)
        return made

    def call_attribute(self, node: ast.Call, thing: Thing, name: str) -> Value:
        if thing.kind == "library":
            return self.call_library(node, f"{thing.origin}.{name}")
        if thing.kind == "super":
            found: set[Thing] = set()
            for base in self.bases(thing.owner) if thing.owner else ():
                if method := self.method(base, name):
                    return self.call_function(method, frozenset(thing.holds), node)
            if name == "__init__":
                for base in thing.owner.holds if thing.owner else ():
                    if base.kind == "library" and base.origin != "torch.nn.Module":
                        found |= self.call_library(node, base.origin)
                return NOTHING
        if thing.kind == "class" and (method := self.method(thing, name)):
            bound = frozenset([thing])
            as_class = any(
                isinstance(d, ast.Name) and d.id == "classmethod"
                for d in method.node.decorator_list
            )
            return self.call_function(method, bound if as_class else None, node)
        if thing.kind == "instance" and (method := self.method(thing.owner, name)):
            return self.call_function(method, frozenset([thing]), node)
        if thing.kind == "instance" and thing.fields.get(name):
            held = list(thing.fields[name])
            return frozenset().union(*(self.call_thing(node, each) for each in held))
        module = MODULE.fullmatch(thing.origin) and not name.endswith("_")
        if module and name not in PURE_METHODS | MODULE_CHANGES | MODULE_METHODS:
            # a layer that it holds
            given = self.everything(node)
            self.in_use([thing])
            return self.make(node, "result", "torch.Tensor", given, {thing, *given}, "layer")
        return self.call_method(node, thing, name)

    def call_method(self, node: ast.Call, thing: Thing, name: str) -> Value:
        """A method of an object that no class of the section describes."""
        places, keywords, rest = self.arguments(node)
        generator = keywords.pop("generator", NOTHING)
        self.change(generator)
        given = frozenset().union(rest, *places, *keywords.values())
        base = frozenset([thing])
        origin = thing.origin
        if name.startswith("register_") and name.endswith("_hook"):
            self.change(base)
            thing.holds |= given - base
            hook = self.make(node, "hook", "", base | given)
            next(iter(hook)).fields = {"on": {thing}, "calls": set(given - base)}
            return hook
        if thing.kind == "hook" and name == "remove":
            self.change(base)
            if isinstance(node.func.value, ast.Name) and not self.doubtful:
                for each in thing.fields["on"]:
                    each.holds -= thing.fields["calls"]
            return NOTHING
        drawn: Value = NOTHING
        if name in DRAWING_METHODS and not generator:
            drawn = self.draw("torch", base)
        if name == "backward":
            self.change(base, base | given, graph=True)
            return NOTHING
        if name == "requires_grad_":
            self.ask_for_gradients(base)
        if origin.startswith("matplotlib"):
            self.observe(given)
            self.change(base)  # its arguments stay as they are
            return self.make(node, "result", "matplotlib.result", base)
        if origin.startswith("pathlib"):
            self.observe(given)
            self.load("*")
            if not re.match(r"read|exists|is_|stat|iterdir|glob|resolve|absolute|with_|as_", name):
                self.save("*")
            return self.make(node, "result", origin, base)
        if origin.startswith("torch.utils.data.") and name in ("__iter__", "__next__"):
            self.iterate(base)
        tensor = origin.startswith("torch") and not MODULE.fullmatch(origin)
        plain = origin == "plain"
        changes = name.endswith("_") and not name.endswith("__")
        module = bool(MODULE.fullmatch(origin))
        moves = name in MODULE_CHANGES and (module or thing.kind in ("view", "tuple", "list"))
        if name in PURE_METHODS or plain or (name in TENSOR_PURE and tensor):
            pass
        elif changes or moves:
            self.change(base, given)
        elif thing.kind in ("list", "tuple"):  # it only takes what it is given
            thing.holds |= given - base
            self.change(base, given)
        else:
            known = origin.startswith("torch.")
            self.invoke(_reach(base | given), given, NOT_CALLED if known else METHODS)
            self.observe(given)
            self.change(base | given, given)
            thing.holds |= given - base
        self.invoke(_reach(given), given, NOT_CALLED if tensor else METHODS)
        if name == "copy" and thing.kind in ("list", "tuple"):
            return self.make(node, "list", "", thing.holds, base)
        if name in ("items", "values", "keys") and thing.kind == "list":
            return self.items(node, thing, name)
        if name in ASKS_FOR_SHAPE and not _ragged(base):
            return self.make(node, "result", "plain", role=name)
        if name in FRESH_METHODS:
            made = "torch.Tensor" if tensor else ""
            made = self.make(node, "result", made, (), base | given | drawn, name)
            next(iter(made)).ragged = name in RAGGED
            return made
        if name in GIVES_PARTS:
            return self.make(node, "iterator", "", base, base)
        if changes or (module and (moves or name in ("train", "eval"))):
            return base
        kind = "view" if name in PURE_METHODS | TENSOR_PURE and tensor else "result"
        made = "torch.Tensor" if name in ("detach", "numpy", "view") or tensor else origin
        given |= base
        return self.make(node, kind, made, given, given | drawn, str(id(thing)))

    def items(self, node: ast.AST, thing: Thing, name: str) -> Value:
        keys, values = thing.columns or [frozenset(thing.holds)] * 2
        if len(thing.columns) != 2:
            keys = values = frozenset(thing.holds)
        if name != "items":
            return self.make(node, "iterator", "", keys if name == "keys" else values)
        extra = thing.holds - keys - values  # put in later
        pair = self.make(node, "tuple", "", keys | values | extra, role="pair")
        next(iter(pair)).columns = [keys | extra, values | extra]
        return self.make(node, "iterator", "", pair)

    def call_library(self, node: ast.Call, path: str) -> Value:
        root, _, _ = path.partition(".")
        name = path.rpartition(".")[2]
        if (root == "builtins" and name in UNFORESEEABLE) or root in (
            "importlib",
            "ctypes",
            "runpy",
        ):
            self.anything()
        places, keywords, rest = self.arguments(node)
        generator = keywords.pop("generator", NOTHING)
        self.change(generator)
        given = frozenset().union(rest, *places, *keywords.values())
        drawn = self.randomness(path, bool(generator))
        self.set_something(path, given)
        self.use_files(node, path, given)
        if root not in ("torch", "numpy") and name not in QUIET:
            self.observe(given)
        if root == "builtins":
            special = self.call_builtin(node, name, places, given)
            if special is not None:
                return special
        calls = root not in ("torch", "torchvision") or CALLS_NETWORKS.fullmatch(path)
        looks = root in ("builtins", "inspect")
        pattern = DUNDERS if looks else METHODS if calls else NOT_CALLED
        results = self.invoke(_reach(given), given, pattern)
        if root == "torch" and not name[:1].isupper():
            for thing in given:
                if _made_by(DRAWS_IF_ITERATED, [thing]):
                    self.iterate(frozenset([thing]))
        if root not in KNOWN:
            self.change(given, given)
            for kind in RANDOM:
                drawn |= self.draw(kind, given)
            self.observe(drawn)
        first = places[0] if places else rest
        in_place = name.endswith("_") and not name.endswith("__")
        if in_place or CHANGES_FIRST.fullmatch(path):
            self.change(first, given | drawn, graph=path.startswith("torch.autograd"))
        for option in ("out", "inplace"):
            if option in keywords:
                self.change(keywords[option], given | drawn)
        inplace = next((k.value for k in node.keywords if k.arg == "inplace"), None)
        if isinstance(inplace, ast.Constant) and inplace.value and not name[:1].isupper():
            self.change(first, given | drawn)
        if path.startswith("matplotlib") and not name[:1].isupper():
            path = "matplotlib.result"
        if FRESH.fullmatch(path) and not in_place:
            if path == "builtins.len" and not _ragged(given):
                given = NOTHING
            made = self.make(node, "result", path, (), given | results | drawn)
            next(iter(made)).ragged = name in RAGGED or name in ("where", "argwhere")
        else:
            given |= results
            made = self.make(node, "result", path, given, given | drawn)
        if "requires_grad" in keywords or path.endswith(".Parameter"):
            next(iter(made)).trains = True
        return made

    def call_builtin(self, node: ast.Call, name: str, places, given: Value) -> Value | None:
        if name == "zip":
            columns = [self.iterate(each) for each in places]
            starred = any(isinstance(each, ast.Starred) for each in node.args)
            pair = self.make(node, "tuple", "", frozenset().union(given, *columns), role="row")
            next(iter(pair)).columns = [] if starred else columns
            return self.make(node, "iterator", "", pair)
        if name == "enumerate" and places:
            column = self.iterate(places[0])
            pair = self.make(node, "tuple", "", column, role="row")
            next(iter(pair)).columns = [NOTHING, column]
            return self.make(node, "iterator", "", pair)
        if name in ("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "dict"):
            held: set[Thing] = set()
            for each in places:
                held |= self.iterate(each)
            if name == "sorted":
                self.invoke(given, held, METHODS)
            kind = "iterator" if name in ("reversed", "iter") else "list"
            return self.make(node, kind, "", held, given)
        if name == "next" and places:
            self.iterate(places[0])
            return self.elements(places[0])
        if name in ("map", "filter"):
            held = set().union(*(self.iterate(each) for each in places[1:])) if places else set()
            results = self.invoke(places[0] if places else (), held, METHODS)
            if places:
                self.in_use(list(places[0]))
            return self.make(node, "iterator", "", given | held | results, given | results)
        if name in ("sum", "min", "max", "any", "all"):
            held = set().union(*(self.iterate(each) for each in places)) if places else set()
            self.invoke(given, held, METHODS)
            extremes = held | given if name in ("min", "max") else ()
            return self.make(node, "result", "", extremes, given | held)
        if name == "getattr":
            # Which attribute is not known: a method that is called may change the object.
            return self.make(node, "result", "", given, given)
        if name in ("setattr", "delattr") and places:
            self.put(places[0], given - places[0])
            return NOTHING
        return None

    def randomness(self, path: str, own_generator: bool) -> Value:
        if path in SEEDS:
            self.seed(SEEDS[path])
            return NOTHING
        drawn: set[Thing] = set()
        for kind, pattern in DRAWS.items():
            if pattern.fullmatch(path) and not own_generator:
                drawn |= self.draw(kind)
        return frozenset(drawn)

    def set_something(self, path: str, given: Value) -> None:
        if not SETTINGS.fullmatch(path) or self.scoped or path in SEEDS:
            return
        getter = path.replace(".set_", ".get_")
        if {thing.origin for thing in given} == {getter} and getter in self.got_before_set():
            self.sets.pop(getter, None)  # put back
        else:
            self.sets[getter] = path.split(".")[0]

    def got_before_set(self) -> set[str]:
        """Settings that this cell asks for at its top, before it may set them."""
        found = set()
        for statement in self.trees[-1].body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                continue
            match statement:
                case ast.Assign(value=ast.Call(func=ast.Attribute(attr=name, value=ast.Name()))):
                    found.add(f"torch.{name}")
                case _:
                    break
        return found

    def use_files(self, node: ast.Call, path: str, given: Value) -> None:
        names = [
            each.value
            for each in (*node.args, *(k.value for k in node.keywords))
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
        file = names[0] if len(names) == 1 else "*"
        if FILES_READ.fullmatch(path):
            self.load(file)
        elif FILES_WRITTEN.fullmatch(path):
            self.observe(given)
            self.save(file)
        elif FILES_USED.fullmatch(path):
            self.load("*")
            self.save("*")

    # Expressions

    def expression(self, node: ast.expr | None) -> Value:
        """The things that an expression may give; numbers and words are none."""
        match node:
            case None | ast.Constant():
                return NOTHING
            case ast.Name():
                return self.look_up(node.id)
            case ast.Attribute():
                return self.attribute(node)
            case ast.Call():
                return self.call(node)
            case ast.Subscript():
                base, place = self.expression(node.value), self.expression(node.slice)
                return self.item(node, base, place)
            case ast.Starred():
                return self.iterate(self.expression(node.value))
            case ast.Tuple() | ast.List() | ast.Set():
                columns = [self.expression(each) for each in node.elts]
                kind = "tuple" if isinstance(node, ast.Tuple) else "list"
                made = self.make(node, kind, "", frozenset().union(*columns))
                if kind == "tuple" and not any(isinstance(e, ast.Starred) for e in node.elts):
                    next(iter(made)).columns = columns
                return made
            case ast.Dict():
                keys = frozenset().union(*map(self.expression, node.keys))
                values = frozenset().union(*map(self.expression, node.values))
                made = self.make(node, "list", "", keys | values)
                next(iter(made)).columns = [keys, values]
                return made
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self.comprehension(node)
            case ast.Lambda():
                return self.function(node)
            case ast.NamedExpr():
                value = self.expression(node.value)
                self.assign(node.target, value)
                return value
            case ast.IfExp():
                self.observe(self.expression(node.test))
                return self.expression(node.body) | self.expression(node.orelse)
            case ast.BoolOp():
                value = frozenset().union(*map(self.expression, node.values))
                self.observe(value)
                return value
            case ast.Yield() | ast.YieldFrom() | ast.Await():
                value = self.expression(node.value)
                if self.returned:
                    self.returned[-1] |= value
                return value
            case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.JoinedStr():
                parts = [self.expression(n) for n in ast.iter_child_nodes(node) if _is_value(n)]
                value = frozenset().union(*parts)
                self.invoke(value, value, DUNDERS)
                if isinstance(node, ast.JoinedStr):
                    self.observe(value)
                held = {t for v in value if v.kind in ("list", "tuple") for t in v.holds}
                origin = next((t.origin for t in value if t.origin.startswith("torch")), "")
                origin = "torch.Tensor" if origin else "plain" if not value else ""
                if held:
                    return self.make(node, "list", "", held, value)
                return self.make(node, "result", origin, (), value)
            case _:
                parts = [self.expression(n) for n in ast.iter_child_nodes(node) if _is_value(n)]
                return frozenset().union(*parts)

    def attribute(self, node: ast.Attribute) -> Value:
        base, name = self.expression(node.value), node.attr
        results: set[Thing] = set()
        for thing in base:
            if thing.kind == "library":
                results |= self.library(f"{thing.origin}.{name}")
                continue
            if thing.fields.get(name) and thing.kind == "instance":
                results |= thing.fields[name]
                continue
            own = frozenset([thing])
            method = None
            if thing.kind == "instance":
                method = self.method(thing.owner, name)
            if method and method.node.decorator_list:
                results |= self.call_function(method, own, NOTHING)
            elif name in GRAPH_ATTRIBUTES or name.startswith("_saved"):
                self.read(own, graph=True)
                graph = _reach(own, graph=True)
                results |= self.make(node, "view", "torch.Tensor", graph, graph)
            elif name in PLAIN_ATTRIBUTES:
                values = own if _ragged(own) else ()
                results |= self.make(node, "result", "plain", (), values)
            elif name in TENSOR_ATTRIBUTES:
                results |= self.make(node, "view", "torch.Tensor", own, own, str(id(thing)))
            else:
                results |= own
        return frozenset(results)

    def item(self, node: ast.AST, base: Value, place: Value) -> Value:
        self.use(base, place)
        results: set[Thing] = set()
        for thing in base:
            if thing.kind in ("list", "tuple"):
                results |= self.elements([thing])
            elif thing.kind == "instance" or MODULE.fullmatch(thing.origin):
                results.add(thing)
            elif thing.kind != "library":
                part = self.make(node, "view", thing.origin, [thing], base | place, "item")
                next(iter(part)).ragged |= bool(place)
                results |= part
            else:
                results.add(thing)
        return frozenset(results)

    def comprehension(self, node) -> Value:
        frames, self.frames = self.frames, (*self.frames, {})
        for generator in node.generators:
            self.assign(generator.target, self.iterate(self.expression(generator.iter)))
            for condition in generator.ifs:
                self.observe(self.expression(condition))
        kind = "iterator" if isinstance(node, ast.GeneratorExp) else "list"
        if isinstance(node, ast.DictComp):
            columns = [self.expression(node.key), self.expression(node.value)]
            made = self.make(node, "list", "", columns[0] | columns[1])
            next(iter(made)).columns = columns
        else:
            made = self.make(node, kind, "", self.expression(node.elt))
        self.frames = frames
        return made

    def function(self, node) -> Value:
        made = self.make(node, "function")
        thing = next(iter(made))
        thing.node, thing.frames = node, self.frames
        defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        thing.columns = [frozenset().union(*map(self.expression, defaults))]
        return made

    # Statements

    def block(self, statements: list[ast.stmt]) -> None:
        for each in statements:
            self.statement(each)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr():
                self.expression(node.value)
            case ast.Assign():
                if _pairwise(node):
                    pairs = [self.expression(each) for each in node.value.elts]
                    for target, value in zip(node.targets[0].elts, pairs, strict=True):
                        self.assign(target, value)
                else:
                    value = self.expression(node.value)
                    for target in node.targets:
                        self.assign(target, value)
            case ast.AnnAssign():
                if node.value:
                    self.assign(node.target, self.expression(node.value))
            case ast.AugAssign():
                self.augment(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                value = self.function(node)
                for decorator in node.decorator_list:
                    for each in self.expression(decorator):
                        if each.kind == "function":
                            value |= self.call_function(each, None, value)
                        elif each.kind == "library" and each.origin.split(".")[0] not in KNOWN:
                            self.change(each.holds)
                self.bind(node.name, value)
            case ast.ClassDef():
                self.class_definition(node)
            case ast.Return():
                value = self.expression(node.value)
                if self.returned:
                    self.returned[-1] |= value
            case ast.For() | ast.AsyncFor():
                self.loop(node, self.expression(node.iter))
            case ast.While():
                self.loop(node, None)
            case ast.If():
                self.observe(self.expression(node.test))
                self.branches([node.body, node.orelse])
            case ast.With() | ast.AsyncWith():
                self.with_block(node)
            case ast.Try() | ast.TryStar():
                bodies = [[*node.body, *node.orelse], *(h.body for h in node.handlers)]
                for handler in node.handlers:
                    self.expression(handler.type)
                    if handler.name:
                        self.bind(handler.name, NOTHING)
                self.branches([*bodies, []] if node.handlers else bodies)
                self.block(node.finalbody)
            case ast.Match():
                subject = self.expression(node.subject)
                self.observe(subject)
                for each in node.cases:
                    for part in ast.walk(each.pattern):
                        name = getattr(part, "name", None) or getattr(part, "rest", None)
                        if isinstance(name, str):
                            self.bind(name, subject)
                self.branches([*(each.body for each in node.cases), []])
            case ast.Import():
                for alias in node.names:
                    path = alias.name if alias.asname else alias.name.split(".")[0]
                    self.bind(alias.asname or path, self.library(path))
            case ast.ImportFrom():
                for alias in node.names:
                    if alias.name == "*":
                        self.anything()
                    else:
                        path = f"{node.module or ''}.{alias.name}"
                        self.bind(alias.asname or alias.name, self.library(path))
            case ast.Global() | ast.Nonlocal():
                kind = "<global>" if isinstance(node, ast.Global) else "<nonlocal>"
                known = self.frames[-1].get(kind, ())
                if len(self.frames) > 1:
                    self.frames[-1][kind] = (*known, *node.names)
            case ast.Delete():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.look_up(target.id)
                        self.bind(target.id, NOTHING)
                    elif isinstance(target, (ast.Attribute, ast.Subscript)):
                        self.put(self.expression(target.value), NOTHING)
            case _:
                for each in ast.iter_child_nodes(node):
                    if _is_value(each):
                        self.observe(self.expression(each))

    def augment(self, node: ast.AugAssign) -> None:
        value = self.expression(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            old = self.look_up(target.id)
            self.invoke(old, value, DUNDERS)
            self.put(frozenset(t for t in old if t.kind != "library"), value)
            self.bind(target.id, old or self.make(node, "result", "", (), value))
        else:
            self.put(self.expression(target.value), value)

    def class_definition(self, node: ast.ClassDef) -> None:
        made = self.make(node, "class")
        thing = next(iter(made))
        thing.node, thing.frames = node, self.frames
        thing.holds = set().union(*map(self.expression, node.bases))
        for keyword in node.keywords:
            self.expression(keyword.value)
        for decorator in node.decorator_list:
            self.expression(decorator)
        frames, self.frames = self.frames, (*self.frames, {})
        for each in node.body:
            self.statement(each)
        shared = [b.value for n, b in self.frames[-1].items() if n[0] != "<"]
        self.frames = frames
        thing.holds |= {t for value in shared for t in value if t.kind != "function"} - {thing}
        self.bind(node.name, made)

    def with_block(self, node: ast.With) -> None:
        state = {kind: self.globals[f"<{kind}>"] for kind in RANDOM}
        forked = False
        for item in node.items:
            outer, self.scoped = self.scoped, True
            value = self.expression(item.context_expr)
            self.scoped = outer
            forked |= any(thing.origin.endswith("fork_rng") for thing in value)
            self.invoke(value, NOTHING, DUNDERS)
            if item.optional_vars:
                self.assign(item.optional_vars, value)
        self.block(node.body)
        if forked:
            for kind, before in state.items():
                after = self.globals[f"<{kind}>"]
                self.globals[f"<{kind}>"] = Binding(before.value | after.value, frozenset())

    def loop(self, node: ast.For | ast.While, value: Value | None) -> None:
        before = self.state()
        for _ in range(2):  # the second time, with what the first has left
            if isinstance(node, ast.While):
                self.observe(self.expression(node.test))
            else:
                self.assign(node.target, self.iterate(value))
            self.block(node.body)
        if not _runs_at_least_once(node):
            self.join([before, self.state()])
        self.block(node.orelse)

    def branches(self, bodies: list[list[ast.stmt]]) -> None:
        before, after = self.state(), []
        self.doubtful += 1
        for body in bodies:
            self.restore(before)
            self.block(body)
            after.append(self.state())
        self.doubtful -= 1
        self.join(after)

    def state(self) -> list[dict]:
        return [dict(frame) for frame in self.frames]

    def restore(self, state: list[dict]) -> None:
        for frame, saved in zip(self.frames, state, strict=True):
            frame.clear()
            frame.update(saved)

    def join(self, states: list[list[dict]]) -> None:
        """A name leads to all that it may lead to."""
        for place, frame in enumerate(self.frames):
            names = {name for state in states for name in state[place]}
            for name in names:
                found = [state[place][name] for state in states if name in state[place]]
                if isinstance(found[0], Binding):
                    value = frozenset().union(*(each.value for each in found))
                    cells = frozenset().union(*(each.cells for each in found))
                    frame[name] = Binding(value, cells)
                else:
                    frame[name] = found[0]


def _is_value(node: ast.AST) -> bool:
    return isinstance(node, (ast.expr, ast.FormattedValue))


def _pairwise(node: ast.Assign) -> bool:
    """Whether this is `a, b = x, y`."""
    both = (node.targets[0], node.value)
    return (
        len(node.targets) == 1
        and all(isinstance(each, ast.Tuple) for each in both)
        and len(both[0].elts) == len(both[1].elts)
        and not any(isinstance(e, ast.Starred) for each in both for e in each.elts)
    )


def _runs_at_least_once(node: ast.For | ast.While) -> bool:
    match getattr(node, "iter", None):
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return bool(elts)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))]):
            return count > 0
        case _:
            return False
