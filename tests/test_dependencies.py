"""What a cell needs: each rule on small cells, and every program of real sections, which runs."""

import contextlib
import io
import os
import re
import signal
import sys
import types
import warnings
from pathlib import Path

import pytest

from tutorial import transcripts, weights
from tutorial.cells import Cell, Section
from tutorial.dependencies import affected, effects, needed, program
from tutorial.project import Project
from tutorial.transcripts import Transcript

PROJECT = Project(Path(__file__).resolve().parents[1])


def lesson(*sources: str, **options: dict) -> Section:
    """A section of cells a, b, c and so on; `options` are those of the cell of that name."""
    cells = [
        Cell("lesson", name, 0, source, options.get(name, {}))
        for name, source in zip("abcdefgh", sources, strict=False)
    ]
    return Section("lesson", Path("lesson.py"), Path(), tuple(cells))


def names(section: Section, name: str) -> str:
    return "".join(cell.name for cell in needed(section, name))


TORCH = "import torch\nfrom torch import nn\nimport matplotlib.pyplot as plt\nimport numpy as np"

RULES = {
    "what binds a name": ("abd", "x = torch.ones(3)", "y = 1", "print(x)"),
    "the last binding counts": ("acd", "x = 1\ntorch", "x = 2\ntorch", "print(x, torch)"),
    "looking changes nothing": (
        "abd",
        "x = torch.ones(3)",
        "print(x.shape, len(x), x.sum(), torch.cat([x]), x.T[0])",
        "print(x)",
    ),
    "underscore": ("abcd", "x = torch.ones(3)", "x.add_(1)", "print(x)"),
    "an item": ("abcd", "x = torch.ones(3)", "x[0] = 1", "print(x)"),
    "an attribute": ("abcd", "x = torch.ones(3)", "x.requires_grad = True", "print(x)"),
    "augmented": ("abcd", "x = torch.ones(3)", "x += 1", "print(x)"),
    "deleted": ("abc", "x = torch.ones(3)", "del x"),
    "a view": ("abcd", "x = torch.ones(3)", "y = x[1:]\ny.zero_()", "print(x)"),
    "shared with NumPy": (
        "abcde",
        "n = np.ones(3)",
        "x = torch.from_numpy(n)",
        "n += 1",
        "print(x)",
    ),
    "a copy is no view": ("abd", "x = torch.ones(3)", "y = x.clone()\ny.zero_()", "print(x)"),
    "another name": ("abcd", "x = torch.ones(3)\ny = x", "y.add_(1)", "print(x)"),
    "a list grows": ("abcd", "x = [torch]", "x.append(1)", "print(x)"),
    "in a list": (
        "abcd",
        "x = torch.ones(3)\nxs = [x]",
        "for v in xs:\n    v.add_(1)",
        "print(x)",
    ),
    "a mode": ("abcd", "net = nn.Linear(2, 2)", "net.train()", "print(net.training)"),
    "an optimizer steps": (
        "abcde",
        "net = nn.Linear(2, 2)",
        "opt = torch.optim.SGD(net.parameters())",
        "opt.step()",
        "print(net.weight)",
    ),
    "backward": (
        "abcd",
        "w = torch.ones(1, requires_grad=True)\nloss = (w * 2).sum()",
        "loss.backward()",
        "print(w.grad)",
    ),
    "a figure": (
        "abd",
        "x = torch.ones(3)",
        "_, axes = plt.subplots(1, 2)\nfor a, v in zip(axes, x):\n    a.imshow(v)\nplt.show()",
        "print(x)",
    ),
    "a function's globals, when it is called": (
        "abcd",
        "def f():\n    return torch.ones(n)",
        "n = 3",
        "print(f())",
    ),
    "a function that changes what it is given": (
        "abcde",
        "def f(v):\n    v.add_(1)",
        "x = torch.ones(3)",
        "f(x)",
        "print(x)",
    ),
    "a function that changes a global": (
        "abce",
        "total = [torch]\ndef f():\n    total.append(1)",
        "f()",
        "y = 1",
        "print(total)",
    ),
    "a function that changes nothing": (
        "abce",
        "def f(v):\n    return v + 1",
        "x = torch.ones(3)",
        "f(x)",
        "print(f(x))",
    ),
    "unknown libraries may change what they get": (
        "abcd",
        "x = torch.ones(3)",
        "import mystery\nmystery.work(x)",
        "print(x)",
    ),
    "a method of a class": (
        "abcd",
        "class C:\n    def __init__(self):\n        self.xs = torch.ones(3)\n"
        "    def up(self):\n        self.xs.add_(1)\nc = C()",
        "c.up()",
        "print(c.xs)",
    ),
    "a seed ends what went before": (
        "ad",
        "torch.rand(3)",
        "torch.manual_seed(0)\ntorch.rand(3)",
        "torch.manual_seed(0)\nprint(torch.rand(3))",
    ),
    "draws since the seed": (
        "acde",
        "torch.rand(3)",
        "torch.manual_seed(0)",
        "torch.rand(3)",
        "print(torch.rand(3))",
    ),
    "layers draw": ("abcd", "torch.manual_seed(0)", "nn.Linear(2, 2)", "print(torch.rand(3))"),
    "pooling does not": ("abd", "torch.manual_seed(0)", "nn.MaxPool2d(2)", "print(torch.rand(3))"),
    "only the shape of what was drawn": (
        "ac",
        "torch.manual_seed(0)",
        "print(torch.rand(3).shape)",
    ),
    "a shape that follows from values": (
        "abc",
        "torch.manual_seed(0)",
        "x = torch.rand(3)\nprint(x[x > 0.5].shape)",
    ),
    "a count that follows from values": (
        "abc",
        "torch.manual_seed(0)",
        "x = torch.rand(3)\nprint(x[x > 0.5].numel())",
    ),
    "a hook is called until it is taken off": (
        "abcde",
        "net = nn.ReLU()\nseen = []\ndef note(module, given, output):\n    seen.append(1)",
        "handle = net.register_forward_hook(note)",
        "net(torch.ones(1))",
        "print(seen)",
    ),
    "a hook that is taken off is not called": (
        "abe",
        "net = nn.ReLU()\nseen = []\ndef note(module, given, output):\n    seen.append(1)",
        "handle = net.register_forward_hook(note)\nhandle.remove()",
        "net(torch.ones(1))",
        "print(seen)",
    ),
    "an own generator": (
        "ac",
        "torch.manual_seed(0)",
        "g = torch.Generator().manual_seed(0)\nprint(torch.rand(3, generator=g))",
    ),
    "a loader draws": (
        "abcd",
        "torch.manual_seed(0)\nloader = torch.utils.data.DataLoader(range(9))",
        "for batch in loader:\n    pass",
        "print(torch.rand(3))",
    ),
    "NumPy draws from its own": (
        "ac",
        "torch.rand(3)",
        "np.random.seed(0)\nprint(np.random.rand(3))",
    ),
    "a file": (
        "abd",
        "torch.save(torch.ones(3), 'x.pt')",
        "torch.save(torch.ones(3), 'y.pt')",
        "print(torch.load('x.pt'))",
    ),
    "a setting": ("abc", "torch.set_num_threads(1)", "print(torch.ones(3))"),
    "a setting put back": (
        "ac",
        "n = torch.get_num_threads()\ntorch.set_num_threads(1)\ntorch.set_num_threads(n)",
        "print(torch.ones(3))",
    ),
    "a monkeypatch": ("abc", "nn.Linear = None", "print(torch.ones(3))"),
    "settings of figures": ("abd", "plt.rcParams['a'] = 1", "print(torch)", "plt.plot()"),
    "exec": ("abcd", "x = 1", "exec('x = 2')", "print(torch)"),
    "a star": ("abcd", "x = 1", "from os import *", "print(torch)"),
    "either branch": (
        "abcd",
        "x = torch.ones(1)",
        "if torch.cuda.is_available():\n    x = torch.ones(2)",
        "print(x)",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule):
    expected, *sources = RULES[rule]
    section = lesson(TORCH, *sources)
    assert names(section, section.cells[-1].name) == expected


def test_effects_of_one_cell():
    done = effects(Cell("lesson", "a", 0, "y = x\nx.add_(1)\nprint(z)"))
    assert done.binds == {"y"}
    assert {"x", "z"} <= done.reads
    assert done.changes <= {"x", "z"}
    assert effects(Cell("lesson", "a", 0, "import torch\ntorch.manual_seed(0)")).seeds == {"torch"}
    saved = effects(Cell("lesson", "a", 0, "import torch\ntorch.save(1, 'x.pt')"))
    assert (saved.saves, saved.loads) == ({"x.pt"}, frozenset())


def test_affected_are_those_below_that_need_it():
    section = lesson("x = [1]", "y = 2", "x.append(3)", "print(x)", "print(y)")
    assert [cell.name for cell in affected(section, "a")] == ["a", "c", "d"]
    assert [cell.name for cell in affected(section, "b")] == ["b", "e"]


def test_a_cell_of_another_device_is_not_needed():
    section = lesson("x = 1", "x = 2", "print(x)", b={"device": "cuda"})
    assert names(section, "c") == "ac"
    assert [cell.name for cell in needed(section, "c", "cuda")] == ["b", "c"]


def test_unknown_name():
    with pytest.raises(KeyError, match="no cell z"):
        needed(lesson("x = 1"), "z")


def test_what_raises_has_not_changed_anything_but_binds_what_stands_above():
    error = {"error": "RuntimeError"}
    section = lesson("import torch\nx = torch.ones(3)", "x.add_('b')", "print(x)", b=error)
    assert names(section, "c") == "ac"
    section = lesson("import torch", "x = torch.ones(3)\nx @ torch.ones(4)", "print(x)", b=error)
    assert names(section, "c") == "abc"


def test_a_needed_cell_that_raises_is_guarded_and_the_named_one_is_not(capsys):
    text = 'x = """two\nlines"""\nraise ValueError(x)'
    section = lesson(text, "print(x)", a={"error": "ValueError"})
    exec(program(section, "b"), {})
    assert capsys.readouterr().out == "two\nlines\n" * 2
    with pytest.raises(ValueError, match="two\nlines"):
        exec(program(section, "a"), {})


def test_a_program_is_seeded_as_the_section_is_if_it_draws_unseeded():
    section = lesson(
        "import torch\nx = torch.rand(2)", "print(x)", "torch.manual_seed(1)\nprint(1)"
    )
    assert "torch.manual_seed(0)" in program(section, "b")
    assert "torch.manual_seed(0)" not in program(section, "c")
    assert program(section, "b").startswith('"""b, from the section lesson')


CELLS = [
    pytest.param(section, cell, id=cell.id)
    for section in PROJECT.sections.values()
    for cell in section.on("cpu")
]


@pytest.mark.parametrize(("section", "cell"), CELLS)
def test_of_every_cell_the_needed_ones_are_above_it_in_order(section, cell):
    cells = section.on("cpu")
    found = [cells.index(each) for each in needed(section, cell.name)]
    assert found == sorted(set(found))
    assert cells[found[-1]] == cell
    compile(program(section, cell.name), cell.id, "exec")


# The proof: run every program of these sections in an empty folder, in a process of its own.

RUN = ("tensors", "autograd", "networks", "index")
LIMIT = 60  # seconds for one program


def _said(cell: Cell, text: str, folder: Path, pipe) -> None:
    """Run a program in this process; into the pipe goes what its last cell prints and raises."""
    signal.alarm(LIMIT)
    os.chdir(folder)
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    above, _, last = text.rpartition(f"# {cell.name}\n")
    printed, caught, raised = io.StringIO(), [], []
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exec(compile(above, "above", "exec"), vars(module))
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
            warnings.simplefilter("always")
            exec(compile(last, "last", "exec"), vars(module))
    except BaseException as error:
        raised = [f"{type(error).__name__}: {error}"]
    given = [f"{w.category.__name__}: {w.message}" for w in caught if "warns" in cell.options]
    given = [re.sub(r" ?\(Triggered internally at [^)]*\)", "", each) for each in given]
    lines = [*printed.getvalue().split("\n"), *given, *raised]
    pipe.write("\n".join(line.rstrip() for line in lines).strip("\n"))


def _in_a_child(cell: Cell, text: str, folder: Path) -> str:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(write, "w") as pipe:
                _said(cell, text, folder, pipe)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.mark.skipif(not hasattr(os, "fork"), reason="one import of torch for all programs")
@pytest.mark.parametrize("name", RUN)
def test_every_program_prints_what_the_record_says(name, tmp_path, monkeypatch):
    section = PROJECT.sections[name]
    enums = section.needs("cpu") - {"CIFAR10"}
    if enums:
        home = weights.provide(PROJECT.root, set(enums), lambda *_: None).home
        monkeypatch.setenv("TORCH_HOME", str(home))
    monkeypatch.setenv("MPLBACKEND", "agg")
    import matplotlib.pyplot  # noqa: F401  before the forks: once for all
    import torch
    import torchvision  # noqa: F401

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a kernel; and threads do not survive a fork
    recorded = Transcript.read(PROJECT.transcript("cpu", name)).cells
    wrong = []
    try:
        for cell in section.on("cpu"):
            folder = tmp_path / cell.name
            folder.mkdir()
            said = _in_a_child(cell, program(section, cell.name), folder)
            tolerance = cell.options.get("tolerance")
            if not transcripts.same(recorded[cell.name].text, said, tolerance):
                wrong.append(f"{cell.id}\n{transcripts.diff(recorded[cell.name].text, said)}")
    finally:
        torch.set_num_threads(threads)
    assert not wrong, "\n\n".join(wrong)
