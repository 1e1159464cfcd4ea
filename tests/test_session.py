"""The lab session: a notebook that runs from an empty folder, with blanks that are checked."""

import contextlib
import io
import json

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests import nightly
from tests.notebooks import execute_in_empty_folder
from tutorial.lesson import needs
from tutorial.lesson.labs import Lab
from tutorial.lesson.project import Project

PROJECT = Project.find()
SECTION = PROJECT.sections["session"]
LAB = Lab(PROJECT, "session")

# For each blank: somebody's lines, and what the check says about them.
WRONG = {
    "net-for-28": [
        ("    net.fc1 = nn.Linear(16 * 5 * 4, 120)", "print the shape of the maps"),
        ("    net.fc1 = nn.Linear(16 * 4 * 4, 100)", "PyTorch says: mat1 and mat2"),
        ("    net.fc1 = nn.Linear(16 * 4 * 4, 120)\n    net.fc3 = nn.Linear(84, 5)", "(2, 5)"),
    ],
    "colour-net": [
        ("        self.conv1 = nn.Conv2d(3, 6, 5)", "a layer is missing"),
        (
            "        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)\n"
            "        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 84)\n"
            "        self.fc3 = nn.Linear(84, 10)",
            "as many channels or features as the one before it gives",
        ),
        (
            "        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)\n"
            "        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 84)\n"
            "        self.fc3 = nn.Linear(84, 3)",
            "needs ten",
        ),
    ],
    "set-up": [
        ("    return nn.CrossEntropyLoss()", "Return two things"),
        (
            "    other = nn.Linear(2, 2)\n"
            "    return nn.CrossEntropyLoss(), torch.optim.SGD(other.parameters(), lr=0.01)",
            "other parameters",
        ),
        (
            "    return nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.01)",
            "does not take logits and class labels",
        ),
        (
            "    return nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=1e-7)",
            "a larger learning rate",
        ),
    ],
}


def said(name: str, source: str) -> str:
    """What the check below a blank prints, after the cells above that it needs."""
    cells = needs.needed(SECTION, f"check-{name}")
    namespace = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for cell in cells:
            code = source if cell.name == name else cell.source
            exec(compile(code, cell.where, "exec"), namespace)
    return printed.getvalue().splitlines()[-1]


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
    with pytest.raises(AssertionError) as refused:
        said(name, LAB.exercises[name].filled(body))
    assert hint in str(refused.value)


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


def test_it_has_about_sixty_cells_and_needs_no_other_script():
    assert 55 <= len(SECTION.cells) <= 75
    assert all(not SECTION.modules(cell) for cell in SECTION.cells)
