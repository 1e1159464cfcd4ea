"""The lab session: a notebook that runs from an empty folder, with blanks that are checked."""

import ast
import contextlib
import io
import json
import signal
from collections.abc import Callable, Iterator
from functools import partial
from operator import setitem

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests import nightly
from tests.notebooks import execute_in_empty_folder
from tutorial.lesson import labs, needs
from tutorial.lesson.labs import Lab
from tutorial.lesson.project import Project

PROJECT = Project.find()
SECTION = PROJECT.sections["session"]
LAB = Lab(PROJECT, "session")

COLOUR = (
    "        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)\n"
    "        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 84)\n"
    "        self.fc3 = nn.Linear(84, 10)"
)
ADAM = "    return nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=0.01)"

# For each blank: somebody's lines, and what the check says about them.
WRONG = {
    "net-for-28": [
        ("    pass", "still empty"),
        ("    net.fc1 = nn.Linear(16 * 5 * 5, 120)", "still empty"),
        ("    net.fc1.in_features = 256", "assign a new layer"),
        ("    net.fc1 = nn.Linear(28 * 28, 120)", "how many features come in"),
        ("    net.conv1 = nn.Conv2d(28, 6, 5)", "still grey, with one channel"),
        ("    net.fc1 = nn.Linear(16 * 8 / 2 * 8 / 2, 120)", "divide with //"),
        ("    net.fc1 = nn.Linear(16 * 4 * 4, 100)", "mat1 and mat2"),
        ("    net.fc1 = nn.Linear(16 * 4 * 4, 120)\n    net.fc3 = nn.Linear(84, 5)", "(2, 5)"),
        ("    net.fc1 = nn.Linear(16 * 4 * 4)", "TypeError"),
        ("    net.fc1 = nn.Linear(16, 4, 4, 120)", "becomes its device"),
        ("    net.fc1 = nn.linear(16 * 4 * 4, 120)", "AttributeError"),
        ("    return nn.Linear(16 * 4 * 4, 120)", "do not fit"),
        ("    return net.fc1.in_features", "Return the network"),
        ("    net.conv2 = nn.Conv2d(6, 16, 17)", "smaller than the kernel"),
        (
            "    net.requires_grad_(False)\n    net.fc1 = nn.Linear(16 * 4 * 4, 120)",
            "A layer is frozen",
        ),
        ("    while True:\n        net.fc1 = nn.Linear(16 * 4 * 4, 120)", "never ends"),
    ],
    "colour-net": [
        ("        pass", "still empty"),
        ("        self.conv1 = nn.Conv2d(3, 6, 5)", "A layer is missing"),
        (COLOUR.replace("self.fc3", "self.fc4"), "no attribute 'fc3'"),
        (COLOUR.replace("self.", ""), "`self.` is missing"),
        (COLOUR.replace("nn.Linear(84", "nn.linear(84"), "stops with AttributeError"),
        (COLOUR.replace("400", "16 * 10 / 2 * 10 / 2"), "divide with //"),
        (
            COLOUR.replace("nn.Linear(84, 10)", "nn.Sequential(nn.Linear(84, 10), nn.Softmax(1))"),
            "Leave out the softmax",
        ),
        (COLOUR.replace("Conv2d(3,", "Conv2d(1,"), "as many channels or features as the one"),
        (COLOUR.replace("Conv2d(6, 16", "Conv2d(3, 16"), "as many channels or features as the one"),
        (COLOUR.replace("400", "256"), "Follow the shape from layer to layer"),
        (COLOUR.replace("84, 10", "84, 3"), "needs ten"),
        (COLOUR.replace("(84, 10)", "(84)"), "TypeError"),
        (COLOUR.replace("(400, 120)", "(16, 5, 5, 120)"), "becomes its device"),
        (f"        pass\n\n    def __init__(self):\n{COLOUR}", "super().__init__() is the first"),
        (COLOUR + "\n        self.conv1.requires_grad_(False)", "gets no gradient"),
        (COLOUR + "\n        self.conv3 = nn.Conv2d(16, 16, 3)", "gets no gradient"),
        ("        while True:\n            print('x' * 80)", "never ends"),
    ],
    "set-up": [
        ("    pass", "still empty"),
        ("    loss_function = nn.CrossEntropyLoss()", "`return` is missing"),
        ("    return nn.CrossEntropyLoss()", "Return two things"),
        (ADAM + ", 0.01", "Return two things"),
        ("    return torch.optim.SGD(net.parameters(), lr=0.01), nn.CrossEntropyLoss()", "first"),
        (ADAM.replace("Loss()", "Loss"), "with brackets"),
        (ADAM.replace("net.parameters()", "net"), "not from the network"),
        (ADAM.replace("net.parameters()", "net.parameters"), "with its brackets"),
        (ADAM.replace("net.parameters()", "nn.Linear(2, 2).parameters()"), "other parameters"),
        (ADAM.replace("net.parameters()", "[net[0].weight]"), "other parameters"),
        (ADAM.replace("net.parameters()", "net.fc3.parameters()"), "layers of its own"),
        (
            "    images, labels = torch.randn(4, 3, 32, 32), torch.zeros(4).long()\n"
            "    return F.cross_entropy(net(images), labels), torch.optim.Adam(net.parameters())",
            "return the loss function itself",
        ),
        ("    net.requires_grad_(False)\n" + ADAM, "You freeze the network"),
        (ADAM.replace("lr=0.01", "lr=0.01, maximize=True"), "maximize"),
        (ADAM.replace("nn.CrossEntropyLoss", "nn.MSELoss"), "does not take logits"),
        (ADAM.replace("nn.CrossEntropyLoss()", "lambda z, y: F.cross_entropy(y, z)"), "this order"),
        (
            ADAM.replace("nn.CrossEntropyLoss()", "lambda z, y: F.cross_entropy(z, y).item()"),
            "no item()",
        ),
        (
            ADAM.replace("nn.CrossEntropyLoss()", "lambda z, y: F.cross_entropy(z.detach(), y)"),
            "detach()",
        ),
        (
            ADAM.replace("nn.CrossEntropyLoss()", "lambda z, y: nn.CrossEntropyLoss(z, y)"),
            "with empty brackets",
        ),
        (
            ADAM.replace("nn.CrossEntropyLoss()", "lambda z, y: F.cross_entropy(z, y)[None]"),
            "mean over the batch",
        ),
        (
            ADAM.replace("nn.CrossEntropyLoss()", "lambda z, y: F.cross_entropy(z.softmax(1), y)"),
            "without softmax",
        ),
        (ADAM.replace("Loss()", "Loss(reduction='sum')"), "mean over the batch"),
        (ADAM.replace("Loss()", "Loss(reduction='none')"), "mean over the batch"),
        (ADAM.replace("0.01", "1e-7"), "a larger learning rate"),
        (ADAM.replace("0.01", "0.1"), "a smaller learning rate"),
        (ADAM.replace("Adam", "SGD").replace("0.01", "10"), "a smaller learning rate"),
        (ADAM.replace("Adam", "SGD").replace("0.01", "0.01, momentum=9"), "a smaller learning"),
        (ADAM.replace("Adam", "SGD").replace("0.01", "0.001, momentum=0.9"), "a larger learning"),
        (ADAM.replace("0.01", "0.01, weight_decay=1"), "leave out weight_decay"),
        (ADAM.replace("Adam", "SGD").replace("0.01", "0.1, weight_decay=1"), "leave out weight"),
        (ADAM.replace("Adam(", "AdamW(").replace("0.01", "1e-7"), "a larger learning"),
        ("    while True:\n        pass", "never ends"),
    ],
}

# Answers that are right, and not the solution.
RIGHT = {
    "net-for-28": [
        "    net.conv1 = nn.Conv2d(1, 6, 5, padding=2)",
        "    net.fc1 = nn.LazyLinear(120)",
    ],
    "colour-net": [
        COLOUR,
        COLOUR.replace("3, 6", "3, 32").replace("(6, 16", "(32, 16"),
        "        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3)\n"
        "        self.fc1, self.fc2 = nn.LazyLinear(64), nn.Linear(64, 32)\n"
        "        self.fc3 = nn.Linear(32, 10)",
    ],
    "set-up": [
        ADAM,
        ADAM.replace(", lr=0.01", ""),
        ADAM.replace("Adam", "SGD").replace("0.01", "0.1"),
        "    return F.cross_entropy, torch.optim.SGD(net.parameters(), lr=0.1, nesterov=True,\n"
        "                                            momentum=0.9)",
    ],
}


def said(name: str, source: str, seconds: float = 60, check: str = "") -> str:
    """What the check below a blank, or `check` in its place, prints after the cells it needs."""
    cells = needs.needed(SECTION, f"check-{name}")
    changed = {name: source, f"check-{name}": check or LAB.exercises[name].check}
    namespace = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for cell in cells:
            code = changed.get(cell.name, cell.source)
            if cell.name == "checking":
                code += f"\nSECONDS = {seconds}"
            exec(compile(code, cell.where, "exec"), namespace)
    return printed.getvalue().splitlines()[-1]


def refusal(name: str, body: str, check: str = "") -> str:
    """What is said about an answer; nothing if it passes, or the check itself cannot use it."""
    # A program that a shell starts in the background gets a SIGINT that is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    seconds = 0.2 if "while True" in body else 60
    try:
        said(name, LAB.exercises[name].filled(body), seconds, check)
    except AssertionError as refused:
        return "" if str(refused).startswith("The check cannot use") else str(refused)
    return ""


def conditions(tree: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each condition and each hint of a check, and a call that takes it out of the tree."""
    for node in ast.walk(tree):
        match node:
            case ast.Assert(test=ast.BoolOp(op=ast.And(), values=values)):
                for number, value in enumerate(values):
                    yield ast.unparse(value), partial(setitem, values, number, ast.Constant(True))
            case ast.Assert(test=test):
                yield ast.unparse(test), partial(setattr, node, "test", ast.Constant(True))
            case ast.If(test=test):
                yield ast.unparse(test), partial(setattr, node, "test", ast.Constant(False))
            case ast.ExceptHandler():
                nothing = ast.Tuple([], ast.Load())
                yield "except", partial(setattr, node, "type", nothing)
            case ast.Dict(keys=keys):
                for number, key in enumerate(keys):
                    unheard = ast.Constant("said by no error")
                    yield ast.unparse(key), partial(setitem, keys, number, unheard)


@pytest.mark.parametrize("name", LAB.exercises)
def test_the_solution_passes_and_the_empty_blank_is_told(name):
    exercise = LAB.exercises[name]
    assert said(name, exercise.solution).startswith("Right: ")
    with pytest.raises(AssertionError, match="The blank is still empty"):
        said(name, exercise.stub)


@pytest.mark.parametrize(
    ("name", "body", "hint"),
    [(name, *wrong) for name, answers in WRONG.items() for wrong in answers],
)
def test_a_wrong_answer_gets_its_hint(name, body, hint):
    told = refusal(name, body)
    assert hint in told and "\n" not in told


@pytest.mark.parametrize("name", LAB.exercises)
def test_without_any_of_its_conditions_a_check_would_let_a_wrong_answer_go(name):
    check = LAB.exercises[name].check
    answers = [answer for answer in WRONG[name] if "while True" not in answer[0]]
    idle = []
    for number, (condition, _) in enumerate(conditions(ast.parse(check))):
        tree = ast.parse(check)
        list(conditions(tree))[number][1]()
        weakened = ast.unparse(tree)
        if all(hint in refusal(name, body, weakened) for body, hint in answers):
            idle.append(condition)
    assert not idle


@pytest.mark.parametrize(
    ("name", "body"), [(name, body) for name, answers in RIGHT.items() for body in answers]
)
def test_a_right_answer_passes_in_whatever_way_it_is_written(name, body):
    assert said(name, LAB.exercises[name].filled(body)).startswith("Right: ")


def test_the_session_holds_the_code_that_checks_in_all_labs():
    (cell,) = [cell for cell in SECTION.cells if cell.name == "checking"]
    # torch has been imported above; as a second source of it, the cell would be in each program.
    assert cell.source.strip() == labs.run_check().replace("import torch\n\n", "")


def downloaded(name: str) -> nbformat.NotebookNode:
    return nbformat.reads((PROJECT.site / name).read_text("utf-8"), as_version=4)


def test_the_notebook_has_no_link_within_itself():
    """Jupyter, Colab and the site make other anchors of one heading."""
    prose = "".join(
        c.source for c in downloaded("session.ipynb").cells if c.cell_type == "markdown"
    )
    assert "Before you begin | 5 |" in prose and "](#" not in prose


def test_the_notebook_stops_at_the_first_check(tmp_path, monkeypatch):
    notebook = downloaded("session.ipynb")
    assert not any(cell.get("outputs") for cell in notebook.cells)
    with pytest.raises(CellExecutionError, match="The blank is still empty"):
        execute_in_empty_folder(notebook, SECTION.downloads("cpu"), tmp_path, monkeypatch)
    ran = [cell for cell in notebook.cells if cell.get("execution_count")]
    assert ran[-1].source.strip() == LAB.exercises["net-for-28"].check.strip()


@nightly.mark
def test_the_notebook_with_solutions_runs_to_its_end(tmp_path, monkeypatch):
    notebook = downloaded("session-solutions.ipynb")
    execute_in_empty_folder(notebook, SECTION.downloads("cpu"), tmp_path, monkeypatch)
    last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    assert "vectors:" in json.dumps(last.outputs)


def test_it_has_about_sixty_cells():
    assert 55 <= len(SECTION.cells) <= 75
