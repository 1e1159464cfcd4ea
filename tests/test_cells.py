"""Scripts are cut into named cells; a key changes with all that an output follows from."""

import textwrap
from pathlib import Path

import jupytext
import pytest

from tutorial import TutorialError
from tutorial.lesson import files, labs
from tutorial.lesson.cells import read_section

ROOT = Path(__file__).resolve().parents[1]

SCRIPT = '''
"""A section of four cells."""

# %% imports
import math


# %% a-figure alt="Two \\"bars\\", 3 = high" timeout=2.5
def draw():
    pass

draw()
# %% mistake error="ValueError" warns="UserWarning"
# a comment of its own
print(math.pi)

# %% on-gpu device="cuda" timeout=90

text = """
no marker: %% inside
"""
'''


@pytest.fixture
def read(tmp_path):
    """Parse a script that stands in snippets/lesson.py."""

    def read(text):
        path = tmp_path / "snippets" / "lesson.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return read_section(path, tmp_path.resolve())

    return read


def test_cells_have_names_lines_sources_and_ids(read):
    section = read(SCRIPT)
    assert [(cell.name, cell.line) for cell in section.cells] == [
        ("imports", 3),
        ("a-figure", 7),
        ("mistake", 12),
        ("on-gpu", 16),
    ]
    assert [cell.source for cell in section.cells] == [
        "import math",
        "def draw():\n    pass\n\ndraw()",
        "# a comment of its own\nprint(math.pi)",
        '\ntext = """\nno marker: %% inside\n"""',
    ]
    assert section.cells[1].id == "snippets/lesson.py::a-figure"
    assert section.cells[1].where == "snippets/lesson.py:7"


def test_source_starts_in_the_line_after_the_marker(read):
    lines = textwrap.dedent(SCRIPT).lstrip("\n").splitlines()
    for cell in read(SCRIPT).cells:
        source = cell.source.splitlines()
        assert lines[cell.line : cell.line + len(source)] == source


def test_options_have_their_types(read):
    options = {cell.name: cell.options for cell in read(SCRIPT).cells}
    assert options == {
        "imports": {},
        "a-figure": {"alt": 'Two "bars", 3 = high', "timeout": 2.5},
        "mistake": {"error": "ValueError", "warns": "UserWarning"},
        "on-gpu": {"device": "cuda", "timeout": 90},
    }


def test_time_limit_is_a_minute_unless_the_marker_says_otherwise(read):
    assert [cell.timeout for cell in read(SCRIPT).cells] == [60, 2.5, 60, 90]


def test_a_cell_for_one_device_runs_on_that_device_only(read):
    section = read(SCRIPT)
    assert [cell.name for cell in section.on("cpu")] == ["imports", "a-figure", "mistake"]
    assert [cell.name for cell in section.on("cuda")][-1] == "on-gpu"
    assert "on-gpu" not in section.keys("cpu")
    assert "on-gpu" in section.keys("cuda")


def as_jupytext_reads(path: Path) -> list[tuple[str, str]]:
    """(title, source) of every code cell, by the reference implementation of the format."""
    notebook = jupytext.read(path, fmt="py:percent")
    cells = [cell for cell in notebook.cells if "title" in cell.metadata]
    assert {cell.cell_type for cell in cells} == {"code"}
    return [(cell.metadata["title"], cell.source.strip("\n")) for cell in cells]


def test_sample_has_the_cells_that_jupytext_reads(read):
    section = read(SCRIPT)
    assert as_jupytext_reads(section.path) == [
        (cell.name, cell.source.strip("\n")) for cell in section.cells
    ]


@pytest.mark.parametrize(
    "script", files.visible(ROOT / "snippets", "*.py"), ids=lambda path: path.name
)
def test_every_section_has_the_cells_that_jupytext_reads(script):
    section = read_section(script, ROOT)
    assert as_jupytext_reads(script) == [
        (cell.name, cell.source.strip("\n")) for cell in section.cells
    ]


@pytest.mark.parametrize(
    ("script", "line", "says"),
    [
        ("import math\n", 1, "no cell"),
        ("", 1, "no cell"),
        ("# %%\nprint()\n", 1, "needs a name"),
        ("# %% one\nprint()\n# %% [markdown]\n# text\n", 3, "needs a name"),
        ("# %% Upper\nprint()\n", 1, "needs a name"),
        ("# %% under_score\nprint()\n", 1, "needs a name"),
        ("# %% one colour=3\nprint()\n", 1, "cannot read 'colour'"),
        ("# %% one two\nprint()\n", 1, "'two'"),
        ('# %% one alt="open\nprint()\n', 1, "alt="),
        ('# %% one error="Not this"\nprint()\n', 1, "the class of the exception"),
        ("# %% one timeout=few\nprint()\n", 1, "a number of seconds"),
        ("# %% one timeout=inf\nprint()\n", 1, "timeout='inf'"),  # no clock can be set to it
        ("# %% one timeout=0.0\nprint()\n", 1, "timeout='0.0'"),
        ('# %% one recipe="One"\nprint()\n', 1, "recipe='One'"),
        ('# %% one since="one"\nprint()\n', 1, "since= needs recipe="),
        ('# %% one alt=""\nprint()\n', 1, "alt="),
        ('# %% one device="gpu"\nprint()\n', 1, "gpu"),
        ('# %% one sound="a.wav"\nprint()\n', 1, "what is to be heard"),
        ('# %% one heard="A bell"\nprint()\n', 1, "a WAV file such as"),
        ('# %% one file="a.js"\nprint()\n', 1, "a file such as network.bin"),
        ('# %% one sound="a.mp3" heard="A bell"\nprint()\n', 1, "a WAV file such as"),
        ('# %% one sound="../a.wav" heard="A bell"\nprint()\n', 1, "a WAV file such as"),
        ("# %% one\nprint()\n# %% one\nprint()\n", 3, "line 1"),
        ("# %% one\nfor _ in [1]:\n    plt.show()\n", 1, "shows a figure without alt="),
        ('"""Text."""\n\nimport math\n\n# %% one\nprint()\n', 3, "before the first cell"),
        ("def (:\n\n# %% one\nprint()\n", 1, "invalid syntax"),
        ("# %% one\nprint()\n\n# %% two\nx = 1\nx = = 2\n", 6, "invalid syntax"),
        ("# %% one\nif True:\n    x = (1,\n# %% two\nprint()\n", 3, "never closed"),
        # Python's parser gives up with a MemoryError or a RecursionError, ast.unparse later on.
        (f"# %% one\n\nx = {'-' * 20_000}1\n", 2, "nested too deeply"),
        (f"# %% one\n\nx = 1{' + 1' * 6_000}\n", 2, "nested too deeply"),
        (f"# %% one\n\nx = plt{'.show()' * 900}\n", 3, "nested too deeply"),
        ("# %% one\nif x:\n    pass\n" + "elif x: pass\n" * 300, 101, "nested too deeply"),
        # VS Code and Jupytext take these for cells, so they must not hide in the cell above.
        ("# %% one\nprint()\n#%% two\nprint()\n", 3, "# %%"),
        ("# %% one\nprint()\n#  %% two\nprint()\n", 3, "# %%"),
        ("# %% one\nif True:\n    # %% two\n    print()\n", 3, "# %%"),
        # And these not.
        ("# %% one\nprint()\n# %%two\nprint()\n", 3, "# %%"),
    ],
)
def test_what_is_wrong_with_a_script_is_told_with_its_line(read, script, line, says):
    with pytest.raises(TutorialError) as told:
        read(script)
    assert str(told.value).startswith(f"snippets/lesson.py:{line}: ")
    assert says in str(told.value)


def test_lines_are_those_of_python(read):
    section = read("# %% one\ntext = 'form\x0cfeed, separator\u2028'\n\n# %% two\nprint(text)\n")
    assert [(cell.name, cell.line) for cell in section.cells] == [("one", 1), ("two", 4)]
    assert section.cells[0].source == "text = 'form\x0cfeed, separator\u2028'"


def test_a_script_may_begin_with_a_byte_order_mark(read):
    assert read("\ufeff# %% one\nimport math\n").cells[0].source == "import math"


@pytest.mark.parametrize("control", ["\x00", "\x08", "\x1b", "\x7f", "\x9b"])
def test_a_control_character_in_a_script_is_told_with_its_line(read, control):
    with pytest.raises(TutorialError) as told:
        read(f"# %% one\ntext = '{control}'\n")
    assert f"snippets/lesson.py:2: holds the control character U+{ord(control):04X}" in str(
        told.value
    )
    assert f"in a string, write {control!a}" in str(told.value)


# Keys


KEYED = """
# %% first
a = 1

# %% second alt="A line"
b = a

# %% third
print(b)
"""


def changed(old, new, device="cpu") -> list[str]:
    """Names of the cells whose keys differ."""
    before, after = old.keys(device), new.keys(device)
    return [name for name in after if before.get(name) != after[name]]


def test_a_cells_key_changes_with_its_code_and_that_of_those_above(read):
    old = read(KEYED)
    assert changed(old, read(KEYED)) == []
    assert changed(old, read(KEYED.replace("a = 1", "a = 2"))) == ["first", "second", "third"]
    assert changed(old, read(KEYED.replace("b = a", "b = 0"))) == ["second", "third"]
    assert changed(old, read(KEYED.replace("print(b)", "print(a)"))) == ["third"]


def test_comments_and_layout_are_in_no_key(read):
    old = read('# %% a\nprint(max(1, 2), "one" "two")\n')
    assert not changed(old, read('# %% a\n# Why.\nprint(\n    max(1, 2),\n    "onetwo",\n)\n'))
    assert changed(old, read('# %% a\nprint(max(1, 2.0), "onetwo")\n')) == ["a"]


@pytest.mark.parametrize("value", ["0", "''", "False", "()", "[]", "None", "...", "b''"])
def test_an_empty_value_is_in_the_key(read, value):
    others = {"0", "''", "False", "()", "[]", "None", "...", "b''"} - {value}
    old = read(f"# %% a\nx = {value}\n")
    assert all(changed(old, read(f"# %% a\nx = {other}\n")) for other in others)


def test_a_key_is_the_same_in_every_python(read):
    text = """# %% a
@print
def f(a, /, b=1, *c, d: int = 0, **e) -> None:
    "A docstring."
    return {**e, "x": None}, a[1:, ...], lambda: (yield), f"{a!r:>{b}} {b=}" "end"
class C(list, metaclass=type): x: int
try: [x async for x in y if z]
except* ValueError as e: pass
match f:
    case {"a": [1, *_], **rest} | C(x=None): pass
"""
    assert read(text).fingerprints("cpu") == {"a": "547884c7"}


def test_the_docstring_which_a_cell_may_print_is_in_all_keys(read):
    old, new = read('"""Old."""\n' + KEYED), read('"""New."""\n' + KEYED)
    assert changed(old, new) == ["first", "second", "third"]
    assert old.fingerprints("cpu") == new.fingerprints("cpu")  # those of transcripts


def test_a_new_or_a_moved_cell_changes_the_keys_below_it(read):
    old = read(KEYED)
    new = read(KEYED.replace("# %% third", "# %% new\na = 5\n\n# %% third"))
    assert changed(old, new) == ["new", "third"]


def test_what_a_cell_is_meant_to_do_is_in_its_key(read):
    old = read(KEYED)
    for option in ('error="ValueError"', 'warns="UserWarning"'):
        new = read(KEYED.replace('alt="A line"', f'alt="A line" {option}'))
        assert changed(old, new) == ["second", "third"]


def test_how_an_output_is_described_or_compared_is_in_no_key(read):
    old = read(KEYED)
    for options in ('alt="A rising line"', 'alt="A line" timeout=9'):
        assert changed(old, read(KEYED.replace('alt="A line"', options))) == []


def test_whether_a_figure_is_announced_is_in_the_key(read):
    # Else a record that was right for a cell with a figure passes for one without.
    assert changed(read(KEYED), read(KEYED.replace(' alt="A line"', ""))) == ["second", "third"]


def test_which_sound_is_announced_is_in_the_key_and_its_description_is_not(read):
    old = read(KEYED)
    texts = [
        KEYED.replace('alt="A line"', f'alt="A line" sound="{name}" heard="{heard}"')
        for name, heard in (("a.wav", "A bell"), ("b.wav", "A bell"), ("a.wav", "A gong"))
    ]
    a_bell, b_bell, a_gong = map(read, texts)
    assert changed(old, a_bell) == changed(a_bell, b_bell) == ["second", "third"]
    assert changed(a_bell, a_gong) == []


def test_which_file_is_announced_is_in_the_key(read):
    with_file = read(KEYED.replace('alt="A line"', 'alt="A line" file="network.bin"'))
    assert changed(read(KEYED), with_file) == ["second", "third"]


# Data


def test_the_cells_from_the_first_that_uses_cifar10_on_read_it(read):
    section = read(
        """
        # %% before
        import torchvision

        # %% load
        images = torchvision.datasets.CIFAR10(root="data", download=True)

        # %% after
        print(len(images))
        """
    )
    assert section.downloads("cpu") == {"CIFAR10"}
    reads = ["CIFAR10" in section.downloads("cpu", upto=cell.name) for cell in section.cells]
    assert reads == [False, True, True]
    assert not read("# %% one\nprint('CIFAR10')\n").downloads("cpu")
    weights = "# %% one\nmodel = resnet18(weights=models.ResNet18_Weights.DEFAULT)\n"
    assert read(weights).downloads("cpu") == {"ResNet18_Weights"}


SCRIPTS = sorted((Path(__file__).parents[1] / "snippets").rglob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_no_line_of_code_has_more_than_72_columns(script):
    cells = labs.CELL.finditer(script.read_text("utf-8"))
    code = "\n".join(cell["source"] for cell in cells if not cell["prose"])
    assert [line for line in code.splitlines() if len(line) > 72] == []
