# %% [markdown]
# # Lab: autograd
#
# Two exercises: derive a gradient on paper, then choose what backward may train.
# Replace each `...` by your own code and run the cell, then run the check below it:
# it says in one sentence what is wrong. The lesson is [Autograd](autograd.md).

# %% imports
import torch
import torchvision
from checking import run_check, words_in
from torch import nn

# %% [markdown]
# ## Derive a gradient, and check it
#
# A single neuron with weights $w$ gives the output $p_n = \tanh(x_n^T w)$ for example
# $x_n$. For $N$ examples with targets $y_n$ its loss is
#
# $$
# L(w) = \frac{1}{N} \sum_{n=1}^{N} (p_n - y_n)^2 .
# $$
#
# Derive $\partial L / \partial w$ on paper, with the chain rule and
# $\tanh'(z) = 1 - \tanh^2(z)$. Then write it for a matrix `x` whose rows are the
# examples, without autograd and without a loop. Which dimension has to disappear? The
# check compares your gradient with that of `backward`. In the lesson:
# [Gradients by hand and by machine](autograd.md#gradients-by-hand-and-by-machine).

# %% [markdown]
# - `x`: the examples (N, D), one a row.
# - `y`: their targets (N,).
# - `w`: the weights (D,).
# - Returns the gradient, a tensor (D,).


# %% tanh-gradient
def tanh_gradient(x, y, w):
    """Return the gradient of the loss with respect to w."""
    ### BEGIN SOLUTION
    p = torch.tanh(x @ w)  # (N,)
    return 2 / len(x) * x.T @ ((p - y) * (1 - p**2))
    ### END SOLUTION


# %% check-tanh-gradient
def check_tanh_gradient(function):
    """Raise AssertionError with one sentence if `function` is not the
    gradient.
    """
    generator = torch.Generator().manual_seed(0)
    for examples, size in ((7, 3), (5, 4)):
        x = torch.randn(
            examples, size, dtype=torch.float64, generator=generator
        )
        y = torch.randn(
            examples, dtype=torch.float64, generator=generator
        )
        w = torch.randn(size, dtype=torch.float64, generator=generator)
        leaf = w.clone().requires_grad_()
        ((torch.tanh(x @ leaf) - y) ** 2).mean().backward()
        expected = leaf.grad
        with torch.no_grad():
            answer = function(x, y, w)
        if not isinstance(answer, torch.Tensor):
            raise AssertionError(
                f"A tensor is expected, not a {type(answer).__name__}: "
                "compute with x, y and w."
            )
        if answer.shape != (size,):
            raise AssertionError(
                f"The shape is {tuple(answer.shape)}, but there is one "
                f"number for each weight, {(size,)}: the dimension of "
                "the examples has to disappear, as in x.T @ something."
            )
        _diagnose(answer, expected, x, y, w)
    words = words_in(function)
    if words & {
        "backward",
        "grad",
        "autograd",
        "jacobian",
        "vjp",
        "jvp",
    }:
        raise AssertionError(
            "This asks autograd for the gradient: write the formula "
            "that you derived."
        )
    if "for" in words:
        raise AssertionError(
            "The gradient is right, but there is a loop in your code: "
            "x.T @ ... adds up over the examples at once."
        )


def _diagnose(answer, expected, x, y, w):
    def same(other):
        return torch.allclose(answer.to(other.dtype), other)

    if same(expected):
        return
    count, p = len(x), torch.tanh(x @ w)
    if same(-expected):
        raise AssertionError(
            "Only the sign is wrong: the difference is p "
            "- y, not y - p."
        )
    if same(expected / 2):
        raise AssertionError(
            "This is half of the gradient: the square brings "
            "down a factor 2."
        )
    if same(expected * count) or same(expected * count / 2):
        raise AssertionError(
            "This is too large by the number of examples: the loss is "
            "a mean, not a sum."
        )
    outer = x.T @ (p - y)
    if any(
        same(factor * outer)
        for factor in (2 / count, 1 / count, 2.0, 1.0)
    ):
        raise AssertionError(
            "The derivative of tanh is missing: the chain rule "
            "multiplies by 1 - p**2 as well."
        )
    straight = x.T @ (x @ w - y)
    if any(
        same(factor * straight)
        for factor in (2 / count, 1 / count, 2.0, 1.0)
    ):
        raise AssertionError(
            "This is the gradient of a linear neuron: here p is tanh(x "
            "@ w), not x @ w."
        )
    once = 2 / count * x.T @ ((p - y) * (1 - p))
    if same(once):
        raise AssertionError(
            "The derivative of tanh is 1 - p**2: the square is missing."
        )
    if same(2 / count * x.T @ ((p - y) * p * (1 - p))):
        raise AssertionError(
            "p (1 - p) is the derivative of the sigmoid: that of "
            "tanh is 1 - p**2."
        )
    raise AssertionError(
        "The shape is right and the values are not: go through the "
        "chain rule once more, outer square, then tanh, then x @ w."
    )


run_check(
    check_tanh_gradient,
    tanh_gradient,
    errors={
        "does not require grad": "This asks autograd for the gradient: "
        "write the formula that you derived.",
        "mat1 and mat2": "A matrix product does not fit: x is (N, D), "
        "so that x @ w needs a w of D numbers and x.T @ ... one of N.",
        "size mismatch": "A matrix product does not fit: x is (N, D), "
        "so that x @ w needs a w of D numbers and x.T @ ... one of N.",
        "at least 1D": "A matrix product does not fit: a number is "
        "left where it needs a vector.",
        "must match the size": "Two shapes do not fit: p and y have a "
        "number for each example, (N,), and the gradient has one for "
        "each weight, (D,).",
    },
)
print("tanh_gradient: right")

# %% [markdown]
# ## Freeze all but the last block
#
# Take a ResNet-18 whose `fc` has been replaced. Make the last residual block,
# `layer4[1]`, and `fc` trainable, and freeze everything else, whatever was frozen
# before. Return how many numbers are left to train. Before you start, estimate which
# has more of them, this block or `fc`. In the lesson:
# [Freeze, replace, count](autograd.md#freeze-replace-count).

# %% [markdown]
# - `model`: a ResNet-18 of torchvision, which is changed in place.
# - Returns how many numbers, in all parameters together, are left to
#   train, an int.


# %% last-block
def last_block(model):
    """Train only the last residual block and fc of a resnet18."""
    ### BEGIN SOLUTION
    model.requires_grad_(False)
    model.layer4[1].requires_grad_(True)
    model.fc.requires_grad_(True)
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
    ### END SOLUTION


# %% check-last-block
def check_last_block(function):
    """Raise AssertionError with one sentence if it freezes or counts
    wrongly.
    """
    for start_frozen in (False, True):
        model = torchvision.models.resnet18(weights=None)
        model.fc = nn.Linear(model.fc.in_features, 10)
        model.requires_grad_(not start_frozen)
        to_train = [
            *model.layer4[1].parameters(),
            *model.fc.parameters(),
        ]
        expected, all_before = (
            sum(p.numel() for p in to_train),
            {*model.parameters()},
        )
        answer = function(model)
        named = dict(model.named_parameters())
        left = {name for name, p in named.items() if p.requires_grad}
        wanted = {
            name
            for name in named
            if name.startswith(("layer4.1.", "fc."))
        }
        extra, missing = left - wanted, wanted - left
        if {*named.values()} != all_before:
            raise AssertionError(
                "The model has other parameters than before: keep its "
                "layers, and change only what requires a gradient."
            )
        if any(
            "requires_grad" in vars(module)
            for module in model.modules()
        ):
            raise AssertionError(
                "module.requires_grad = ... only sets an attribute on "
                "the module and freezes nothing: call "
                "module.requires_grad_(False), with the underscore."
            )
        if not left:
            raise AssertionError(
                "Nothing is left to train: unfreeze layer4[1] and "
                "fc at the end."
            )
        if any(name.startswith("fc.") for name in missing):
            raise AssertionError(
                "fc is frozen: the new last layer has to learn, so "
                "make it trainable as well."
            )
        if missing:
            raise AssertionError(
                f"{sorted(missing)[0]} is frozen: all of layer4[1] is "
                "to train, also if it was frozen before."
            )
        if extra and all(
            name.startswith("layer4.0.") for name in extra
        ):
            raise AssertionError(
                "layer4 has two blocks, and both are trainable: only "
                "layer4[1] is the last block."
            )
        if extra:
            raise AssertionError(
                f"{sorted(extra)[0]} is still trainable: freeze the "
                "whole model first, then unfreeze two parts."
            )
        if not isinstance(answer, int):
            raise AssertionError(
                "Return the count as an int, not a "
                f"{type(answer).__name__}: add up "
                "numel(), which is one."
            )
        if answer == len(wanted):
            raise AssertionError(
                "This counts tensors, not elements: add up p.numel() "
                "over the parameters."
            )
        if answer == sum(p.numel() for p in model.parameters()):
            raise AssertionError(
                "This counts the frozen parameters too: count those "
                "that require a gradient."
            )
        if answer != expected:
            raise AssertionError(
                f"The right parameters are trainable, but {answer} is "
                "not their number of elements."
            )


run_check(
    check_last_block,
    last_block,
    errors={
        "out of range": "layer4 has two blocks, with the "
        "indices 0 and 1.",
        "unsupported operand": "numel is a method: call it, "
        "as in p.numel().",
    },
)
print("last_block: right")
