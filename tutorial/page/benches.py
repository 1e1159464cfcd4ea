"""What a reader tries in a page: shapes, a backward pass step by step, a picture of one's own.

The scripts are those of theme/assets/bench/, loaded when a reader opens a bench. In a `bench` fence
stands `layers`, `broadcast` or `strides`, which tests compare with torch; `backward`, which goes
through the lines that the cell above has printed; or one such as `confusion inside.py::examples`,
which reads the files that these cells have written (`file=`).
"""

import json
from itertools import chain
from pathlib import PurePath

from tutorial.data.cifar10 import CLASSES
from tutorial.page.context import NAMES, BuildContext, PageError, render
from tutorial.record.results import Results

# Messages that docs/errors.md explains, by what they have in common.
EXPLAINED = {
    "mat1 and mat2 shapes cannot be multiplied": "mat1-and-mat2-shapes-cannot-be-multiplied",
    "The size of tensor a": "the-size-of-tensor-a-must-match-the-size-of-tensor-b",
    "view size is not compatible": "view-size-is-not-compatible-with-input-tensors-size-and-stride",
    "channels, but got": "expected-input-to-have-3-channels-but-got-1-channels-instead",
    "than actual input size": "kernel-size-cant-be-greater-than-actual-input-size",
    "Output size is too small": "kernel-size-cant-be-greater-than-actual-input-size",
    "is invalid for input of size": "shape-is-invalid-for-input-of-size",
    "expected 4D input": "expected-4d-input-got-3d-input",
    "Expected more than 1 value": "expected-more-than-1-value-per-channel-when-training",
    "Dimension out of range": "dimension-out-of-range",
}

NETWORK = """\
nn.Conv2d(1, 6, 5)
nn.ReLU()
nn.MaxPool2d(2)
nn.Conv2d(6, 16, 5)
nn.ReLU()
nn.MaxPool2d(2)
nn.Flatten()
nn.Linear(16 * 5 * 5, 120)
nn.ReLU()
nn.Linear(120, 84)
nn.ReLU()
nn.Linear(84, 10)"""

RECORDED = "assets/files/results.js"

BENCHES = {
    "backward": {
        "title": "Go through it step by step",
        "task": (
            "What the cell above has printed, one line at a time: values forward, gradients"
            " backward."
        ),
        "scripts": ["drawing", "backward"],
    },
    "picture": {
        "title": "Show it a picture",
        "task": "Choose a test picture or a picture of yours, or draw into the square.",
        "scripts": ["drawing", "picture"],
        "classes": CLASSES,
    },
    "small-picture": {
        "title": "Show a trained network a picture",
        "task": "Choose a test picture or a picture of yours, or draw into the square.",
        "scripts": ["drawing", "picture"],
        "classes": CLASSES,
    },
    "training": {
        "title": "Watch it learn",
        "task": "Move the slider from the untrained network to the trained one.",
        "scripts": ["drawing", "training"],
        "classes": CLASSES,
    },
    "confusion": {
        "title": "See the images in a cell",
        "task": (
            "Choose a cell of the matrix, with a click or the arrow keys: a row is the true class,"
            " a column the answer."
        ),
        "scripts": ["drawing", "confusion"],
        "classes": CLASSES,
    },
    "seeds": {
        "title": "Draw another seed",
        "task": "The same training, from another seed: what changes, and what does not?",
        "scripts": ["drawing", "confusion"],
        "classes": CLASSES,
    },
    "recorded-seeds": {
        "title": "Draw another seed",
        "task": "Choose a recipe and draw its seeds: what changes, and what does not?",
        "scripts": ["drawing", "confusion"],
        "files": [RECORDED],
    },
    "layers": {
        "title": "Try it: the shape after each layer",
        "task": (
            "Change the size of the input or the numbers of a layer, or paste the layers of your"
            " own network, one in a line."
        ),
        "fields": [
            {"name": "input", "label": "Shape of the input", "value": "4, 1, 32, 32"},
            {"name": "program", "label": "Layers", "value": NETWORK},
        ],
    },
    "broadcast": {
        "title": "Try it: do two shapes fit?",
        "task": (
            "Change the shapes of the tensors a and b, which are added. An arrow shows what a size"
            " is stretched to, and a dash a dimension that is not there."
        ),
        "fields": [
            {"name": "a", "label": "Shape of a", "value": "8, 1, 3"},
            {"name": "b", "label": "Shape of b", "value": "5, 1"},
        ],
    },
    "strides": {
        "title": "Try it: view, reshape and permute",
        "task": (
            "Change the shape, or the lines below it, and see how the same elements are read"
            " in another order."
        ),
        "fields": [
            {"name": "input", "label": "Shape of x", "value": "3, 4"},
            {"name": "program", "label": "Lines", "value": "x = x.t()\nx = x.reshape(2, 6)"},
        ],
    },
}


def html(context: BuildContext, text: str) -> str:
    """The bench that a fence names, such as `layers` or, with the cells whose files it reads,
    `confusion inside.py::examples`. PageError says what there is.
    """
    kind, *cells = text.split()
    if kind not in BENCHES:
        raise PageError(f"a bench fence holds {kind!r}; there are {', '.join(BENCHES)}")
    if "classes" in BENCHES[kind] and not cells:
        raise PageError(f"{text}: write {kind} script.py::cell: the bench reads a cell's file")
    addresses = []
    for name in cells:
        section, cell = context.find_cell(name)
        if "file" not in cell.options:
            raise PageError(f"{text}: the bench reads the file of a cell with file=")
        runs = [run for run in context.runs_of(section, cell) if run.kept]
        for run in runs[:1]:
            address = PurePath("assets/files", run.device, section.name, run.kept[0])
            addresses.append(address.with_suffix(".js").as_posix())
    common = {"scripts": ["shapes"], "fields": (), "classes": ()}
    common |= {"explained": EXPLAINED, "files": addresses}
    return render("bench.html", kind=kind, **common | BENCHES[kind])


def recorded(results: Results) -> str:
    """The script at RECORDED: the matrix of each seed of each recipe, row by row."""
    seeds = {}
    for name in sorted(results.recipes):
        for device, result in results.current(name).items():
            seeds[name if device == "cpu" else f"{name}, {NAMES[device]}"] = {
                "classes": list(result["classes"]),
                "matrices": [list(chain(*matrix)) for matrix in result["confusion"]],
            }
    return f"window.benches.file = {json.dumps(seeds)};"
