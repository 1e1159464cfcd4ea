"""What a reader tries in a page: shapes, computed from fields; a backward pass, step by step.

The scripts are those of theme/assets/bench/, loaded when a reader opens a bench.
"""

from tutorial.page.context import PageError, render

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

BENCHES = {
    "backward": {
        "title": "Go through it step by step",
        "task": (
            "What the cell above has printed, one line at a time: values forward, gradients"
            " backward."
        ),
        "script": "backward",
        "fields": [],
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


def html(kind: str) -> str:
    """The bench of a kind; PageError names those that there are."""
    if kind not in BENCHES:
        raise PageError(f"a bench fence holds {kind!r}; there are {', '.join(BENCHES)}")
    bench = {"script": "shapes", "explained": EXPLAINED} | BENCHES[kind]
    return render("bench.html", kind=kind, **bench)
