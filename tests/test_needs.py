"""What a cell needs: small scripts, and the cells that the program of the last one holds.

test_programs.py runs the programs of the lessons.
"""

from pathlib import Path

import pytest

from tutorial import TutorialError
from tutorial.lesson.cells import Cell, Section, read_section
from tutorial.lesson.needs import needed, pieces, program
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


SCRIPTS = {  # the cells needed by the last, and all cells from a on
    "what binds a name": ("ac", "x = 1", "y = 2", "print(x)"),
    "the last binding counts": ("bc", "x = 1", "x = 2", "print(x)"),
    "what that needs in turn": ("abc", "x = 1", "y = x", "print(y)"),
    "a name of its own": ("b", "x = 1", "x = 2\nprint(x)"),
    "a name that it reads before it binds it": ("ab", "x = 1", "x = x + 1\nprint(x)"),
    "augmented": ("abc", "x = 1", "x += 1", "print(x)"),
    "deleted": ("ab", "x = 1", "del x"),
    "an import": ("ac", "import torch.nn as nn", "import torch", "nn.ReLU()"),
    "a loop": ("abc", "xs = [1]", "for x in xs:\n    last = x", "print(last, x)"),
    "a comprehension's variable is its own": ("bc", "x = 1", "xs = [2]", "[x for x in xs]"),
    "a name in a comprehension": ("ac", "n = 1", "n2 = 2", "[x + n for x in range(3)]"),
    "a parameter is no name of the section": ("b", "x = 1", "def f(x):\n    return x"),
    "an attribute is no name": ("ac", "x = 1", "real = 2", "print(x.real)"),
    "an item changes its list": ("abc", "x = [0]", "x[0] = 1", "print(x)"),
    "an attribute changes its module": (
        "abd",
        "import torchvision",
        "torchvision.datasets.CIFAR10.url = 'x'",
        "y = 1",
        "torchvision.datasets.CIFAR10('data', download=True)",
    ),
    "not what a function's own object gets": ("ac", "x = 1", "def f(x):\n    x.y = 1", "print(x)"),
    "a function's names, for whom defines it": ("ab", "n = 1", "def f():\n    return n"),
    "a function's names, as they are when it is called": (
        "abcd",
        "def f():\n    return n",
        "n = 3",
        "y = f",
        "print(y())",
    ),
    "of those, the last binding above the call": (
        "bcde",
        "x = 1",
        "n = 1",
        "def f():\n    return n",
        "n = 2",
        "print(f())",
    ),
    "a function in a function": (
        "abc",
        "def f():\n    return [lambda: n]",
        "n = 3",
        "print(f())",
    ),
    "a method": (
        "abcd",
        "class C:\n    def f(self):\n        return n",
        "n = 3",
        "c = C()",
        "print(c.f())",
    ),
    "the body of a class": ("ab", "n = 1", "class C:\n    m = n"),
    "a comprehension has run": ("abd", "n = 1", "xs = [n for _ in 'ab']", "n = 2", "print(xs)"),
    "a file": (
        "abd",
        "import torch",
        "torch.save(1, 'x.pt')",
        "torch.save(2, 'y.pt')",
        "torch.load('x.pt')",
    ),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_script(script):
    expected, *sources = SCRIPTS[script]
    section = lesson(*sources)
    assert names(section, section.cells[-1].name) == expected


def test_what_no_name_shows_is_marked_by_the_author():
    sources = ("x = [1]", "y = x", "y.append(2)", "print(x)", "print(x)")
    section = lesson(*sources, d={"needs": "c"})
    assert names(section, "d") == "abcd"
    assert names(section, "e") == "ae"
    assert names(lesson(*sources, e={"needs": "d, b"}), "e") == "abde"
    assert names(lesson(*sources, c={"needs": "b"}, e={"needs": "c"}), "e") == "abce"


@pytest.mark.parametrize("mark", ["c", "b", "nowhere", "a, nowhere"])
def test_a_mark_that_names_no_cell_above_is_told(tmp_path, mark):
    script = tmp_path / "lesson.py"
    script.write_text(f'# %% a\nx = 1\n\n# %% b needs="{mark}"\nprint(x)\n\n# %% c\n', "utf-8")
    wrong = mark.rpartition(" ")[2]
    with pytest.raises(TutorialError) as told:
        read_section(script, tmp_path)
    assert str(told.value) == f"lesson.py:4: needs='{wrong}' names no cell above b"


def test_a_mark_changes_no_key(tmp_path):
    script = tmp_path / "lesson.py"
    text = "# %% a\nx = 1\n\n# %% b{}\nprint(x)\n"
    keys = []
    for mark in ("", ' needs="a"'):
        script.write_text(text.format(mark), "utf-8")
        keys.append(read_section(script, tmp_path).keys("cpu"))
    assert keys[0] == keys[1]


def test_a_cell_of_another_device_is_not_needed():
    section = lesson("x = 1", "x = 2", "print(x)", b={"device": "cuda"}, c={"needs": "b"})
    assert names(section, "c") == "ac"
    assert [cell.name for cell in needed(section, "c", "cuda")] == ["b", "c"]


def test_unknown_name():
    with pytest.raises(KeyError, match="no cell z"):
        needed(lesson("x = 1"), "z")


def test_what_the_first_cell_imports_from_the_future_holds_in_each_program(capsys):
    section = lesson(
        "from __future__ import annotations",
        "def later(x: NotDefinedYet): return x",
        "from torch import nn",
        "print(later(nn.Linear(2, 2).in_features))",
    )
    assert names(section, "d") == "abcd"
    exec(compile(program(section, "d"), "", "exec", dont_inherit=True), {})
    assert capsys.readouterr().out == "2\n"
    assert pieces(section, "d")[2].endswith("torch.manual_seed(0)")


def test_a_needed_cell_that_raises_is_guarded_and_the_named_one_is_not(capsys):
    text = "x = 'one' + \\\n    ' line'\n\nraise ValueError(x)"
    section = lesson(text, "print(x)", a={"error": "ValueError"})
    exec(program(section, "b"), {})
    assert capsys.readouterr().out == "one line\n" * 2
    with pytest.raises(ValueError, match="one line"):
        exec(program(section, "a"), {})


def test_a_program_that_draws_is_seeded_unless_it_seeds():
    section = lesson(
        "import torch\nfrom torch import nn",
        "print(nn.Linear(2, 2))",
        "torch.manual_seed(1)\nprint(torch.rand(2))",
        "print(torch.ones(2))",
    )
    seeded = [name for name in "abcd" if "torch.manual_seed(0)" in program(section, name)]
    assert seeded == ["b"]
    assert program(section, "b").startswith('"""b, from the section lesson')
    assert "torch.manual_seed(0)" in pieces(section, "b")[1]


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
