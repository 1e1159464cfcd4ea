"""The gate at the end of the lab on classifiers lets through what trains, and nothing else."""

import ast
import json
import math

import pytest

from tutorial.lesson import labs
from tutorial.lesson.project import Project

PROJECT = Project.find()
LAB = labs.Lab(PROJECT, "classifier")
CODE = [cell for cell in LAB.cells if cell.cell_type == "code"]
LINEAR = 0.41  # a well trained linear classifier of CIFAR-10 stays below


@pytest.fixture(scope="module")
def lab():
    """The lab with its solutions, down to the cell that downloads CIFAR-10 and trains on it."""
    import torch  # not above: every worker imports every file of tests

    namespace = {"__name__": "__main__"}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them only wait for each other in so small a network
    for cell in CODE:
        name = cell.name
        if name == "own-network":
            break
        source = LAB.exercises[name].solution if name in LAB.exercises else cell.source
        exec(compile(source, name, "exec"), namespace)
    yield namespace
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def measured():
    """Accuracies over seeds of the same training, from the committed results."""
    path = PROJECT.root / "outputs" / "cpu" / "results.json"
    return json.loads(path.read_text("utf-8"))["recipes"]["one-cycle"]["accuracy"]


@pytest.fixture
def easy():
    """Images (N, 3, 32, 32) and labels (N,): ten coarse patterns in noise."""
    import torch

    generator = torch.Generator().manual_seed(0)
    patterns = torch.randn(10, 3, 4, 4, generator=generator)
    patterns = torch.nn.functional.interpolate(patterns, size=32)
    labels = torch.arange(10).repeat(200)
    noise = torch.randn(len(labels), 3, 32, 32, generator=generator)
    return patterns[labels] + noise, labels


def settings(code):
    """The numbers that the calls in some code are given by keyword, each by its name."""
    return {
        keyword.arg: keyword.value.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if isinstance(keyword.value, ast.Constant)
    }


def test_the_measured_training_is_that_of_the_lab(lab):
    """Otherwise its spread would be the wrong one for the gate."""
    recipe = PROJECT.sections["faster"]
    (cell,) = [cell for cell in recipe.cells if cell.name == "one-cycle"]
    (train,) = [cell.source for cell in CODE if cell.name == "train-your-network"]
    epochs, batch_size = lab["train"].__defaults__
    names = ("lr", "momentum", "nesterov", "weight_decay", "max_lr")
    ours, theirs = settings(train), settings(cell.source)
    assert {name: ours[name] for name in names} == {name: theirs[name] for name in names}
    assert f"total_steps={epochs} * (len(train_images) // {batch_size})" in cell.source
    assert ("flip" in train) == ("flip" in cell.source)


def test_the_gate_is_three_standard_deviations_below_the_mean(lab, measured):
    assert len(measured["values"]) >= 5
    # Rounded first: 0.57 may come as 56.99999999999999 per cent.
    per_cent = math.floor(round(100 * (measured["mean"] - 3 * measured["sd"]), 6))
    assert lab["GATE"] == per_cent / 100


def test_the_gate_lets_every_measured_seed_through(lab, measured):
    for value in measured["values"]:
        lab["pass_gate"](value)


def test_the_gate_itself_is_enough(lab):
    lab["pass_gate"](lab["GATE"])


@pytest.mark.parametrize("accuracy", [0.0, 0.1, LINEAR, math.nan])
def test_what_has_not_trained_or_is_linear_is_refused_with_one_hint(lab, accuracy):
    with pytest.raises(AssertionError) as refused:
        lab["pass_gate"](accuracy)
    hint = str(refused.value)
    assert f"{accuracy:.1%}" in hint and f"{lab['GATE']:.0%}" in hint
    assert "\n" not in hint


def measure(lab, network, images, labels):
    return lab["accuracy"](network, list(zip(images.split(100), labels.split(100), strict=True)))


def test_the_solutions_learn_what_can_be_learnt_and_pass(lab, easy):
    lab["torch"].manual_seed(0)
    network = lab["build_network"](10)
    untrained = measure(lab, network, *easy)
    with pytest.raises(AssertionError):
        lab["pass_gate"](untrained)
    lab["train"](network, *easy)
    lab["pass_gate"](measure(lab, network, *easy))


def test_a_step_that_does_not_train_is_refused(lab, easy, monkeypatch):
    def no_step(network, optimizer, loss_function, images, labels):
        loss = loss_function(network(images), labels)
        loss.backward()
        return loss.detach()

    lab["torch"].manual_seed(0)
    monkeypatch.setitem(lab, "training_step", no_step)
    network = lab["build_network"](10)
    with pytest.warns(UserWarning, match="optimizer.step"):
        lab["train"](network, *easy)
    with pytest.raises(AssertionError):
        lab["pass_gate"](measure(lab, network, *easy))


def test_the_last_cell_uses_what_the_reader_wrote():
    (last,) = [cell.source for cell in CODE if cell.name == "own-network"]
    called = {
        node.func.id
        for node in ast.walk(ast.parse(last))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert {"build_network", "train", "accuracy", "pass_gate"} <= called
