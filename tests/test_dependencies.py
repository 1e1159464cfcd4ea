"""What a cell needs: each rule on small cells; test_programs.py runs the programs of lessons."""

from pathlib import Path

import pytest

from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.needs import affected, effects, needed, program
from tutorial.lesson.project import Project

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

COUNTING = """\
calls = []
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
    def forward(self, x):
        calls.append(1)
        return self.layer(x)
net = Net()
"""

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
    "backward leaves data alone": (
        "abe",
        "x = torch.ones(3)",
        "w = torch.ones(3, requires_grad=True)\nloss = (w * x).sum()",
        "loss.backward()",
        "print(x)",
    ),
    "backward goes through what is computed from a parameter": (
        "abcd",
        "w = nn.Parameter(torch.ones(3))\nh = w * 2\nh.retain_grad()",
        "h.sum().backward()",
        "print(h.grad)",
    ),
    "backward reaches a network": (
        "abcde",
        "net = nn.Linear(2, 2)",
        "loss = net(torch.ones(2)).sum()",
        "loss.backward()",
        "print(net.weight.grad)",
    ),
    "backward leaves a network without parameters alone": (
        "abe",
        "flat = nn.Flatten()",
        "w = torch.ones(1, 3).requires_grad_()\nloss = flat(w).sum()",
        "loss.backward()",
        "print(flat)",
    ),
    "backward, if a gradient is asked for later": (
        "abcde",
        "w = torch.ones(3)",
        "w.requires_grad = True\nloss = (w * 2).sum()",
        "loss.backward()",
        "print(w.grad)",
    ),
    "backward, if a gradient is asked for by a method": (
        "abcd",
        "w = torch.ones(3)\nw.requires_grad_()\nloss = (w * 2).sum()",
        "loss.backward()",
        "print(w.grad)",
    ),
    "backward, of a parameter by its long name": (
        "abcd",
        "w = nn.parameter.Parameter(torch.ones(3))\nloss = (w * 2).sum()",
        "loss.backward()",
        "print(w.grad)",
    ),
    "an optimizer is made without a call of the network": (
        "abd",
        COUNTING,
        "torch.optim.SGD(net.parameters())",
        "print(calls)",
    ),
    "an optimizer steps without a call of the network": (
        "abe",
        COUNTING,
        "opt = torch.optim.SGD(net.parameters())",
        "opt.step()",
        "print(calls)",
    ),
    "an optimizer calls a closure": (
        "abcde",
        COUNTING + "\ndef closure():\n    calls.append(2)\n    return net(torch.ones(1))",
        "opt = torch.optim.LBFGS(net.parameters())",
        "opt.step(closure)",
        "print(calls)",
    ),
    "a tensor's method does not call the network of a weight": (
        "abd",
        COUNTING,
        "torch.ones(1, 1).add(next(net.parameters()))",
        "print(calls)",
    ),
    "a transformation of functions calls a network": (
        "abcd",
        COUNTING,
        "torch.func.functional_call(net, {}, torch.ones(1))",
        "print(calls)",
    ),
    "a device stays as it is": (
        "abd",
        "device = torch.device('cpu')",
        "import mystery\nmystery.work(device)",
        "print(device)",
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
    "the address of a data set, for other code": (
        "ac",
        "import torchvision\ntorchvision.datasets.CIFAR10.url = 'x'",
        "print(torch)",
    ),
    "the address of a data set": (
        "bcdf",
        "import torchvision",
        "torchvision.datasets.CIFAR10.url = 'x'",
        "def load():\n    return torchvision.datasets.CIFAR10('data', download=True)",
        "print(torch)",
        "print(load())",
    ),
    "the address of a class imported before it was set": (
        "bce",
        "from torchvision.datasets import CIFAR10",
        "import torchvision\ntorchvision.datasets.CIFAR10.url = 'x'",
        "print(torch)",
        "print(CIFAR10('data', download=True))",
    ),
    "who reads a function's source does not call it": (
        "cde",
        "x = [1]",
        "import inspect",
        "def f():\n    x.append(2)",
        "print(inspect.getsource(f))",
    ),
    "what stands before a star goes to its own parameter": (
        "cf",
        "x = [1]",
        "y = [2]",
        "def f(first, *others):\n    first.append(3)",
        "f(x, *[y])",
        "print(y)",
    ),
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


def test_a_cell_with_more_calls_than_can_be_followed_needs_all_above_and_all_below_need_it():
    many = range(8)  # which may call one another in any order, each time with something new
    body = "    made = [each(given) for each in given]\n    return [each(made) for each in made]"
    functions = "\n".join(f"def f{i}(*given):\n{body}" for i in many)
    call = f"import helper as h\ny, *z = h.use({', '.join(f'f{i}' for i in many)})"
    section = lesson(TORCH, "x = [1]", functions, call, "print(torch)", "y += 1", "print(z)")
    assert names(section, "d") == "abcd"
    assert names(section, "e") == "abcde"
    assert names(section, "g") == "abcdfg"
    found = effects(section.cells[3], section.cells[:3])
    assert {"h", "y", "z"} <= found.binds and {"x", "f0"} <= found.changes


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
