# %% [markdown]
# # Lab: networks
#
# Two exercises: the size of an image after a stack of layers, and one step of
# an optimizer. Replace each `...` by your own code and run the cell, then run the
# check below it: it says in one sentence what is wrong. The lesson is
# [Networks](networks.md).

# %% imports
import torch
from checking import run_check
from torch import nn

# %% [markdown]
# ## The size after a stack of layers
#
# For a convolution or a pooling with kernel size $K$, stride $S$, padding $P$ and
# dilation $D$, a height or width $H$ becomes
#
# $$
# H_\text{out} = \left\lfloor \frac{H + 2P - D\,(K - 1) - 1}{S} \right\rfloor + 1
# $$
#
# For one layer, the formula is all you need, but a network is a stack of layers. Write
# a function that takes the size of an image and a list of layers, each
# `(kernel, stride, padding, dilation)`, and returns the size after the last one. The
# check compares its results with real layers of PyTorch. In the lesson:
# [The size formula](networks.md#the-size-formula).

# %% [markdown]
# - `size`: height or width of the image in pixels, an int.
# - `layers`: a list of tuples (kernel, stride, padding, dilation) of
#   ints, one for each convolution or pooling, in the order of the
#   forward pass. It may be empty.
# - Returns an int.


# %% output-size
def output_size(size, layers):
    """Return the height or width after a stack of layers."""
    ### BEGIN SOLUTION
    for kernel, stride, padding, dilation in layers:
        size = (
            size + 2 * padding - dilation * (kernel - 1) - 1
        ) // stride + 1
    return size
    ### END SOLUTION


# %% check-output-size
def check_output_size(function):
    """Compare with real layers. Raises AssertionError with one hint."""

    def real(size, layers):
        maps = torch.zeros(1, 1, size, size)
        for kernel, stride, padding, dilation in layers:
            maps = nn.Conv2d(1, 1, kernel, stride, padding, dilation)(
                maps
            )
        return maps.shape[-1]

    def given(size, layers):
        answer = function(size, list(layers))
        if isinstance(answer, bool) or not isinstance(answer, int):
            raise AssertionError(
                f"A size is a whole number, but you return {answer!r}: "
                "round down with //."
            )
        return answer

    def compare(size, layers, hint):
        mine, right = given(size, layers), real(size, layers)
        if mine != right:
            raise AssertionError(
                f"Size {size}, layers {layers}: PyTorch gives {right}, "
                f"you give {mine}: {hint}"
            )

    plain = (5, 1, 0, 1)
    compare(
        32,
        [plain],
        "a kernel of 5 fits into 32 pixels at 28 places, so "
        "check the two 1s.",
    )
    compare(
        32,
        [(5, 1, 2, 1)],
        "padding is added on both sides, so it counts twice.",
    )
    compare(
        32,
        [(3, 1, 0, 4)],
        "dilation spreads the kernel over D (K - 1) + 1 pixels.",
    )
    compare(
        32,
        [(2, 2, 0, 1)],
        "the stride divides, and 1 is added after the division.",
    )
    compare(
        33,
        [(2, 2, 0, 1)],
        "a row that does not fill a whole stride is "
        "dropped, so use //.",
    )
    compare(
        32,
        [(3, 1, 0, 1), (4, 2, 0, 1)],
        "each layer starts from what the last one left.",
    )
    compare(
        33,
        [(3, 2, 1, 1), (3, 1, 2, 2), (2, 2, 0, 1)],
        "all four settings count each time.",
    )
    for size in (32, 33, 34, 35, 36, 52):
        compare(
            size,
            [plain, (2, 2, 0, 1)] * 2,
            "these are the lesson's layers.",
        )
    if given(32, []) != 32:
        raise AssertionError(
            "With no layers the size stays what it was: "
            "return it unchanged."
        )


run_check(
    check_output_size,
    output_size,
    errors={
        "ZeroDivisionError": "You divide by the padding, it seems, "
        "which may be 0: the order is (kernel, stride, "
        "padding, dilation).",
        "to unpack": "A layer is a tuple of four numbers, (kernel, "
        "stride, padding, dilation), and `layers` is a list "
        "of such tuples.",
        "UnboundLocalError": "With no layers the size stays what it "
        "was: give your variable a value before the loop.",
        "'list' and 'int'": "`layers` is a list of tuples: go "
        "through it with for.",
    },
)
print("output_size: right")

# %% [markdown]
# ## A step with momentum
#
# SGD with momentum $\mu$ keeps a velocity $v$ for each parameter, zero at the
# start. With gradient $g$ and learning rate $\eta$:
#
# $$
# v \leftarrow \mu\, v + g, \qquad w \leftarrow w - \eta\, v
# $$
#
# Write one such step, in place, for a list of parameters whose `.grad` is filled.
# The check runs several of your steps beside those of `torch.optim.SGD`. In the lesson:
# [The update](networks.md#the-update).

# %% [markdown]
# - `parameters`: a list of leaf tensors of any shape that require a
#   gradient. Each has its gradient, of the same shape, in `.grad`.
# - `velocities`: a list of tensors, one for each parameter and of its
#   shape, which are zeros before the first step.
# - `learning_rate`, `momentum`: floats.
# - Changes the tensors in both lists, and returns nothing.


# %% momentum-step
def momentum_step(parameters, velocities, learning_rate, momentum):
    """Do one step of SGD with momentum, in place."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        for parameter, velocity in zip(
            parameters, velocities, strict=True
        ):
            velocity.mul_(momentum).add_(parameter.grad)
            parameter -= learning_rate * velocity
    ### END SOLUTION


# %% check-momentum-step
def check_momentum_step(function):
    """Compare with torch.optim.SGD; AssertionError with one hint."""
    rates, mu = (0.1, 0.1, 0.02, 0.02), 0.8
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 4), (4,)]

    def draw():
        return [
            torch.randn(shape, generator=generator) for shape in shapes
        ]

    gradients, start = [draw() for _ in rates], draw()

    def by_rule(rule):
        """Weights after each step of `rule(weight, gradient, velocity,
        rate)`.
        """
        weights, speeds, history = (
            start,
            [torch.zeros(s) for s in shapes],
            [],
        )
        for rate, step_gradients in zip(rates, gradients, strict=True):
            state = zip(weights, step_gradients, speeds, strict=True)
            done = [rule(*each, rate) for each in state]
            weights, speeds = [w for w, _ in done], [v for _, v in done]
            history.append(weights)
        return history

    def averaged(w, g, v, lr):
        v = mu * v + (1 - mu) * g
        return w - lr * v, v

    mistakes = {
        "That is plain SGD: change the velocities in place, so that "
        "they last to "
        "the next step.": (lambda w, g, v, lr: (w - lr * g, v)),
        "You walk uphill: subtract the learning rate "
        "times the velocity.": (
            lambda w, g, v, lr: (w + lr * (mu * v + g), mu * v + g)
        ),
        "Do not weight the gradient by 1 - "
        "momentum: v = mu v + g.": averaged,
        "That is Nesterov's rule: step along v itself, not "
        "along g + mu v.": (
            lambda w, g, v, lr: (
                w - lr * (g + mu * (mu * v + g)),
                mu * v + g,
            )
        ),
        "You step along the old velocity: update the velocity first, "
        "then "
        "the parameter.": (
            lambda w, g, v, lr: (w - lr * v, mu * v + g)
        ),
        "The learning rate belongs to the step, not into the "
        "velocity: v = mu v + g.": (
            lambda w, g, v, lr: (w - (mu * v + lr * g), mu * v + lr * g)
        ),
        "The velocity must fade: multiply its old value by momentum "
        "before "
        "you add g.": (lambda w, g, v, lr: (w - lr * (v + g), v + g)),
    }

    mine = [tensor.clone().requires_grad_() for tensor in start]
    velocities = [torch.zeros_like(tensor) for tensor in start]
    theirs = [tensor.clone().requires_grad_() for tensor in start]
    optimizer = torch.optim.SGD(theirs, lr=rates[0], momentum=mu)
    history, expected = [], []
    for rate, step_gradients in zip(rates, gradients, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        for weights in (mine, theirs):
            for weight, gradient in zip(
                weights, step_gradients, strict=True
            ):
                weight.grad = gradient.clone()
        # New lists each time: what is put in their places does not
        # count.
        function(list(mine), list(velocities), rate, mu)
        for weight, gradient in zip(mine, step_gradients, strict=True):
            if weight.grad is None or not torch.equal(
                weight.grad, gradient
            ):
                raise AssertionError(
                    "Your step has changed `.grad`: leave the "
                    "gradients as they are, and change the velocities "
                    "and the parameters."
                )
        optimizer.step()
        history.append([weight.detach().clone() for weight in mine])
        expected.append([weight.detach().clone() for weight in theirs])
    if all(_same([weights], [start]) for weights in history):
        if any(velocity.any() for velocity in velocities):
            raise AssertionError(
                "The velocities changed, the parameters did not: "
                "`parameter = ...` makes a new tensor, `parameter -= "
                "...` changes it."
            )
        raise AssertionError(
            "No parameter has changed: the blank is still empty, or it "
            "makes new tensors where it should change the old ones."
        )
    if _same(history, expected):
        return
    for hint, rule in mistakes.items():
        if _same(history, by_rule(rule)):
            raise AssertionError(hint)
    if not _same(history[:1], expected[:1]):
        raise AssertionError(
            "The first step, with zero velocities, already differs "
            "from torch.optim.SGD: it should be minus learning_rate "
            "times the gradient, for every parameter."
        )
    raise AssertionError(
        "The first step is right and a later one differs from "
        "torch.optim.SGD: look at how the velocity is kept "
        "from step to step."
    )


def _same(histories, others):
    return all(
        torch.allclose(one, other, rtol=1e-4, atol=1e-5)
        for history, expected in zip(histories, others, strict=True)
        for one, other in zip(history, expected, strict=True)
    )


run_check(
    check_momentum_step,
    momentum_step,
    errors={
        "a leaf Variable that requires grad": "PyTorch refuses to "
        "change a parameter in place: put the update below `with "
        "torch.no_grad():`.",
        "can't multiply sequence": "`parameters` and `velocities` are "
        "lists of tensors: go through both with zip.",
        "'list'": "`parameters` and `velocities` are lists of tensors: "
        "go through both with zip.",
    },
    changes=("parameters", "velocities"),
    returns=False,
)
print("momentum_step: right")
