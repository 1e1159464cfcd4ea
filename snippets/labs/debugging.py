# %% [markdown]
# # Lab: when a network does not learn
#
# Three exercises: the first bias for classes of different sizes, an
# initialisation for deep networks, and clipping of gradients. Replace
# each `...` by your own code and run the cell, then run the check below
# it: it says in one sentence what is wrong. The lesson is
# [When a network does not learn](debugging.md).

# %% imports
import torch
from checking import run_check, words_in
from torch import nn

# %% [markdown]
# ## A bias for classes of different sizes
#
# If 900 of 1,000 examples are cats and 100 are dogs, a network that
# begins with equal probabilities spends its first steps on learning
# that cats are frequent. It need not: if the last layer begins with
# small weights and the right bias, the softmax of the logits is the
# share of each class from the first step on. Write a function that
# computes this bias from the number of examples of each class. In the
# lesson: [The first loss](debugging.md#the-first-loss).

# %% [markdown]
# - `counts`: int64 tensor (classes,), how many training examples each
#   class has, at least 1 each.
# - Returns a float32 tensor (classes,) whose softmax is the share of
#   each class.


# %% output-bias
def output_bias(counts):
    """Return the bias of the last layer for classes of these sizes."""
    ### BEGIN SOLUTION
    return (counts / counts.sum()).log()
    ### END SOLUTION


# %% check-output-bias
def check_output_bias(function):
    """Compare shares. Raises AssertionError with one hint."""
    for sizes in ([900, 100], [7, 1, 92], [5, 3, 11, 2]):
        counts = torch.tensor(sizes)
        bias = function(counts)
        if (
            not isinstance(bias, torch.Tensor)
            or bias.shape != counts.shape
        ):
            shape = tuple(getattr(bias, "shape", ()))
            raise AssertionError(
                f"For {len(sizes)} classes the bias is a tensor of"
                f" shape ({len(sizes)},), but you return"
                f" {type(bias).__name__} {shape}: one number for each"
                " class."
            )
        if bias.dtype != torch.float32:
            raise AssertionError(
                f"A bias is float32, but you return {bias.dtype}: `/`"
                " makes floats of whole numbers."
            )
        shares = counts / counts.sum()
        softmax = bias.softmax(dim=0)
        if torch.allclose(softmax, shares, atol=1e-5):
            continue
        mistakes = [
            (
                (
                    "Those are the shares themselves. The softmax of"
                    " the bias has to be the shares, so undo its"
                    " exponential."
                ),
                shares,
            ),
            (
                (
                    "Those are the counts. Softmax takes the"
                    " exponential of the bias, so the bias is a"
                    " logarithm."
                ),
                counts.float(),
            ),
            (
                (
                    "The sign is wrong: the largest class needs the"
                    " largest bias."
                ),
                -shares.log(),
            ),
            (
                (
                    "Softmax takes powers of e, so use the natural"
                    " logarithm, log()."
                ),
                shares.log2(),
            ),
            (
                (
                    "Softmax takes powers of e, so use the natural"
                    " logarithm, log()."
                ),
                shares.log10(),
            ),
            (
                (
                    "Those are the logits of one class against all"
                    " others, which sigmoid would undo. Softmax needs"
                    " the logarithm of the shares."
                ),
                shares.logit(),
            ),
        ]
        for hint, wrong in mistakes:
            if torch.allclose(softmax, wrong.softmax(dim=0), atol=1e-5):
                raise AssertionError(hint)
        raise AssertionError(
            f"For the counts {sizes}, the softmax of your bias is"
            f" {[round(s, 3) for s in softmax.tolist()]}, but the"
            f" shares are {[round(s, 3) for s in shares.tolist()]}:"
            " which function does the exponential of softmax undo?"
        )


run_check(
    check_output_bias,
    output_bias,
    errors={
        "be cast": (
            "A tensor of whole numbers cannot hold shares: divide with"
            " `/`, which makes a new tensor of floats."
        ),
        "one element": (
            "The functions of math take one number: use those of the"
            " tensor."
        ),
        "for 'Long'": (
            "Make floats of the counts first, and ask which function"
            " the exponential of softmax undoes."
        ),
    },
)
print("output_bias: right")

# %% [markdown]
# ## An initialisation for deep networks
#
# Kaiming initialisation draws the weights of a layer with $n$ inputs
# from a normal distribution of mean 0 and standard deviation
# $\sqrt{2/n}$, so that the signal keeps its size through any number of
# layers with ReLU. Write a function that does this for every
# `nn.Linear` in a network, wherever it stands in it, and sets its bias
# to zero if it has one. All other layers stay as they are. Do it
# without `kaiming_normal_`. In the lesson:
# [Signals through the depth](debugging.md#signals-through-the-depth).

# %% [markdown]
# - `net`: an nn.Module with linear and other layers, nested in any way.
# - Weights get mean 0 and standard deviation sqrt(2 / inputs), normally
#   distributed; biases become 0. Returns nothing.


# %% initialise
def initialise(net):
    """Initialise each nn.Linear of a network, in place."""
    ### BEGIN SOLUTION
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(
                layer.weight, std=(2 / layer.in_features) ** 0.5
            )
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    ### END SOLUTION


# %% check-initialise
def check_initialise(function):
    """Look at the weights. Raises AssertionError with one hint."""
    if {"kaiming_normal_", "kaiming_uniform_"} & words_in(function):
        raise AssertionError(
            "Leave out kaiming_normal_: draw the weights with "
            "nn.init.normal_ and a standard deviation of your own."
        )
    torch.manual_seed(0)
    first, second = nn.Linear(400, 300), nn.Linear(300, 900, bias=False)
    inner, last = nn.Linear(900, 200), nn.Linear(200, 250)
    other = nn.Conv1d(20, 50, 9)
    norm = nn.LayerNorm(250)
    block = nn.Sequential(second, nn.ReLU(), nn.ModuleList([inner]))
    net = nn.Sequential(first, nn.ReLU(), block, last, norm, other)
    before = other.weight.detach().clone()
    nn.init.constant_(norm.bias, 0.5)
    parameters = list(net.parameters())
    old = [parameter.detach().clone() for parameter in parameters]
    function(net)
    if any(
        a is not b
        for a, b in zip(parameters, net.parameters(), strict=True)
    ):
        raise AssertionError(
            "A parameter has been replaced by a new one, which no"
            " optimizer knows that was made before: change it in place."
        )
    for parameter in parameters:
        if not parameter.requires_grad or not parameter.is_leaf:
            raise AssertionError(
                "A parameter can no longer be trained: change it with "
                "nn.init, or within torch.no_grad()."
            )
    if not torch.equal(other.weight, before) or norm.bias.mean() != 0.5:
        raise AssertionError(
            "A layer that is no nn.Linear has changed: ask with"
            " isinstance."
        )
    if norm.weight.ne(1).any():
        raise AssertionError(
            "The weight of a normalisation has changed: ask with"
            " isinstance."
        )
    now = net.parameters()
    if all(torch.equal(a, b) for a, b in zip(old, now, strict=True)):
        raise AssertionError(
            "The blank is still empty, or finds no layer: no parameter"
            " has changed. isinstance(layer, nn.Linear) asks for one."
        )
    if torch.equal(first.weight, old[0]):
        raise AssertionError(
            "The first layer has the weights that it had before: draw"
            " new ones, in place."
        )
    for layer in (second, inner, last, first):
        weight = layer.weight.detach()
        right = (2 / layer.in_features) ** 0.5
        std, mean = weight.std().item(), weight.mean().item()
        if abs(std - right) < 0.03 * right:
            if abs(mean) > 0.05 * right:
                raise AssertionError(
                    f"The mean of the weights is {mean:.3f}, but should"
                    " be 0."
                )
            if weight.abs().max() < 2.5 * right:
                raise AssertionError(
                    "No weight is far from 0, so you do not draw from a"
                    " normal distribution, but from a uniform one."
                )
            if layer.bias is not None and layer.bias.ne(0).any():
                raise AssertionError("Set the biases to zero, too.")
            continue
        start = 1 / (3 * layer.in_features) ** 0.5
        if abs(std - start) < 0.03 * start:
            raise AssertionError(
                "A layer that stands inside another module still has "
                "PyTorch's own initialisation: net.modules() finds all "
                "layers, at any depth."
            )
        inputs, outputs = layer.in_features, layer.out_features
        mistakes = [
            (
                (
                    "The number of inputs counts, not that of outputs:"
                    " the weight has the shape (outputs, inputs)."
                ),
                2 / outputs,
            ),
            (
                (
                    "2 / inputs is the variance; the standard deviation"
                    " is its square root."
                ),
                (2 / inputs) ** 2,
            ),
            (
                (
                    "That is 1 / inputs under the root. ReLU drops half"
                    " of the signal, so it has to be 2 / inputs."
                ),
                1 / inputs,
            ),
            (
                (
                    "That is Xavier's initialisation, for layers"
                    " without ReLU. Kaiming counts the inputs alone."
                ),
                2 / (inputs + outputs),
            ),
        ]
        for hint, variance in mistakes:
            if abs(std / variance**0.5 - 1) < 0.03:
                raise AssertionError(hint)
        raise AssertionError(
            f"The weights of a layer with {layer.in_features} inputs"
            f" have the standard deviation {std:.4f}, but should have"
            f" {right:.4f}."
        )


run_check(
    check_initialise,
    initialise,
    errors={
        "'NoneType'": (
            "One of the layers has no bias: layer.bias is None."
        ),
        "a leaf Variable that requires grad": (
            "Change parameters within torch.no_grad(), or with nn.init."
        ),
        "Boolean value of Tensor": (
            "Ask whether the bias is None, not whether it is true."
        ),
        "as parameter": (
            "A parameter takes no ordinary tensor: change its numbers"
            " in place, with nn.init."
        ),
        "tuple index": (
            "Not every weight has two dimensions, nor belongs to an"
            " nn.Linear: ask with isinstance."
        ),
        "has no attribute 'in_features'": (
            "Not every layer is an nn.Linear: ask with isinstance."
        ),
        "has no attribute 'weight'": (
            "Not every layer is an nn.Linear: ask with isinstance."
        ),
    },
    changes=("net",),
    returns=False,
)
print("initialise: right")

# %% [markdown]
# ## Clip by the norm of all gradients
#
# Write what `nn.utils.clip_grad_norm_` does, without calling it: compute
# the norm of *all* gradients together, as if they stood in one long
# vector, and if it is larger than the limit, multiply every gradient by
# the same factor, in place, so that the norm becomes the limit. Return
# the norm from before. In the lesson:
# [Clip the gradient](debugging.md#clip-the-gradient).

# %% [markdown]
# - `parameters`: a list of tensors of any shapes. Each has its gradient
#   in `.grad`, which is None if it had no part in the loss.
# - `limit`: a float, the largest norm that is allowed.
# - Changes the gradients. Returns the norm before clipping, a tensor of
#   shape ().


# %% clip
def clip(parameters, limit):
    """Limit the norm of all gradients together, in place."""
    ### BEGIN SOLUTION
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = (
        torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
    )
    if norm > limit:
        for gradient in gradients:
            gradient *= limit / norm
    return norm
    ### END SOLUTION


# %% check-clip
def check_clip(function):
    """Compare with PyTorch. Raises AssertionError with one hint."""
    if any("clip_grad" in word for word in words_in(function)):
        raise AssertionError(
            "Do without the functions of nn.utils that clip: that is"
            " the exercise."
        )
    generator = torch.Generator().manual_seed(0)
    shapes = [(5, 7), (7,), (3, 1, 4), (2,)]
    gradients = [
        3 * torch.randn(s, generator=generator) for s in shapes
    ]
    gradients[1] /= 10  # on its own below the limit
    right = (
        torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
    )
    each = [g.norm() for g in gradients]

    def clipped(limit):
        parameters = [
            torch.zeros(s, requires_grad=True) for s in shapes
        ]
        for parameter, gradient in zip(
            parameters, gradients, strict=True
        ):
            parameter.grad = gradient.clone()
        idle = torch.zeros(3, requires_grad=True)
        parameters.insert(2, idle)
        norm = function(parameters, limit)
        if idle.grad is not None:
            raise AssertionError(
                "A parameter without a gradient has got one: leave it"
                " out."
            )
        return norm, [p.grad for p in parameters if p is not idle]

    def same(mine, theirs):
        return all(
            torch.allclose(a, b, atol=1e-5)
            for a, b in zip(mine, theirs, strict=True)
        )

    limit = 2.0
    norm, mine = clipped(limit)
    if any(
        g is None or g.shape != s
        for g, s in zip(mine, shapes, strict=True)
    ):
        raise AssertionError("A gradient is gone or has another shape.")
    scaled = [g * limit / right for g in gradients]
    if same(mine, gradients) and torch.equal(norm, torch.zeros(())):
        raise AssertionError(
            "Your norm is 0, as that of the parameters here: compute "
            "it from their gradients, p.grad."
        )
    if not same(mine, scaled):
        absolutes = sum(g.abs().sum() for g in gradients)
        mistakes = [
            (
                "The gradients are as before: change them in place.",
                gradients,
            ),
            (
                (
                    "You leave gradients as they are whose own norm is"
                    " below the limit: all of them get the same factor."
                ),
                [
                    g * limit / right if n > limit else g
                    for g, n in zip(gradients, each, strict=True)
                ],
            ),
            (
                (
                    "You limit each gradient on its own, which turns"
                    " the direction of the step: use one norm and one"
                    " factor for all."
                ),
                [
                    g * min(1, limit / n)
                    for g, n in zip(gradients, each, strict=True)
                ],
            ),
            (
                (
                    "You limit each number on its own, which turns the"
                    " direction of the step: use one norm and one"
                    " factor for all."
                ),
                [g.clamp(-limit, limit) for g in gradients],
            ),
            (
                (
                    "Your norm is the sum of the norms. Add the squares"
                    " of all numbers, then take one square root."
                ),
                [g * limit / sum(each) for g in gradients],
            ),
            (
                (
                    "Your norm is a sum of squares: the square root is"
                    " missing."
                ),
                [g * limit / right**2 for g in gradients],
            ),
            (
                (
                    "Your norm adds absolute values: add squares, then"
                    " take the square root."
                ),
                [g * limit / absolutes for g in gradients],
            ),
            (
                (
                    "You divide by the norm and forget to multiply by"
                    " the limit."
                ),
                [g / right for g in gradients],
            ),
        ]
        for hint, wrong in mistakes:
            if same(mine, wrong):
                raise AssertionError(hint)
        after = (
            torch.stack([g.square().sum() for g in mine]).sum().sqrt()
        )
        raise AssertionError(
            f"With the limit {limit}, the norm of all your gradients is"
            f" {after:.3f} afterwards: multiply each by limit / norm."
        )
    if not isinstance(norm, torch.Tensor) or norm.shape != ():
        raise AssertionError("Return the norm as a tensor of shape ().")
    if not torch.isclose(norm, right, rtol=1e-4):
        hint = "compute it before you change the gradients."
        if not torch.isclose(norm, torch.tensor(limit), rtol=1e-4):
            hint = (
                "add the squares of all gradients, then take the root."
            )
        raise AssertionError(
            f"The norm before clipping is {right:.3f}, but you return "
            f"{norm:.3f}: {hint}"
        )
    norm, mine = clipped(1000.0)
    if not same(mine, gradients):
        raise AssertionError(
            "The norm was below the limit, and yet the gradients have "
            "changed: only gradients that are too large are scaled."
        )
    if not torch.isclose(norm, right, rtol=1e-4):
        raise AssertionError(
            "Below the limit, too, the norm is returned as it was."
        )


run_check(
    check_clip,
    clip,
    errors={
        "'NoneType'": (
            "A parameter that had no part in the loss has no "
            "gradient: leave out those whose .grad is None."
        ),
        "Boolean value of Tensor": (
            "Ask about one number, the norm of all "
            "gradients, not about a tensor of many."
        ),
        "of tensor a": (
            "The gradients have different shapes: make one number of"
            " each, the sum of its squares, before you add them."
        ),
        "number of dimensions": (
            "The gradients have different shapes: flatten each one"
            " before you join them."
        ),
    },
    changes=("parameters",),
)
print("clip: right")
