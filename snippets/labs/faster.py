# %% [markdown]
# # Lab: faster, then better
#
# Three exercises, each a part of the recipe: random flips, the learning rate of
# each step, and batch normalisation. Replace each `...` by your own code and run
# the cell, then run the check below it: it says in one sentence what is wrong. The
# lesson is [Faster, then better](faster.md).

# %% imports
import math

import torch
from checking import run_check, words_in
from torch.nn import functional as F

# %% [markdown]
# ## Random flips, by index
#
# Mirror each image of a batch left to right with probability 1/2: toss one coin for
# each image, and new coins in each call. The lesson does it with `torch.where`, but
# here you do it with an index: copy the batch, `flipped = images.clone()`, then assign
# to the chosen images alone, `flipped[chosen] = ...`. The batch that you were given
# stays as it is. In the lesson:
# [Augmentation and more epochs](faster.md#augmentation-and-more-epochs).

# %% [markdown]
# - `images`: a batch (N, C, H, W) of any dtype, on any device, which
#   stays as it is.
# - Returns a new tensor (N, C, H, W) of the same dtype, on the same
#   device.


# %% random-flips
def random_flips(images):
    """Mirror each image left to right with probability 1/2."""
    ### BEGIN SOLUTION
    # (N,), a mask.
    chosen = torch.rand(len(images), device=images.device) < 0.5
    flipped = images.clone()
    flipped[chosen] = images[chosen].flip(3)
    return flipped
    ### END SOLUTION


# %% check-random-flips
def check_random_flips(function):
    """Look at many coins of `function`. Raises AssertionError with one
    hint.
    """
    # No two pixels are alike, so it can be told where each one comes
    # from.
    images = torch.arange(64 * 3 * 4 * 6).float().reshape(64, 3, 4, 6)
    coins = torch.stack(
        [_coins_of(function, images) for _ in range(40)]
    )
    share, numbers = coins.float().mean().item(), coins.sum(dim=1)
    mistakes = {
        "No image was mirrored: assign "
        "what flip returns.": not coins.any(),
        "Every image is mirrored: leave half "
        "of them alone.": coins.all(),
        "One coin decides for the whole batch: draw one for each "
        "image, len(images) of them.": (coins == coins[:, :1]).all(),
        "The same images are mirrored in each call: draw new coins "
        "each time, as a mask of bools, "
        "and set no seed.": (coins == coins[0]).all(),
        f"About {share:.0%} of the images are mirrored, not half: "
        "choose them by a mask of bools, "
        "torch.rand(...) < 0.5.": abs(share - 0.5) > 0.08,
        f"Each call mirrors exactly {numbers[0]} images: with a coin "
        "for each that number varies.": (numbers == numbers[0]).all(),
    }
    for hint, seen in mistakes.items():
        assert not seen, hint
    for _ in range(20):
        _coins_of(function, images[:1].to(torch.uint8))
    device = torch.accelerator.current_accelerator(check_available=True)
    _coins_of(function, images.to(device or "cpu"))


def _coins_of(function, images):
    """Return which images it has mirrored, bools (N,)."""
    mirrored, answer = images.flip(3), function(images)
    assert (
        isinstance(answer, torch.Tensor)
        and answer.shape == images.shape
    ), (
        "Return a tensor of the shape of the batch, "
        f"{tuple(images.shape)}."
    )
    assert (answer.dtype, answer.device) == (
        images.dtype,
        images.device,
    ), (
        f"A batch of {images.dtype} on {images.device} has to stay so: "
        "choose images by a mask, and do not multiply "
        "them by the coins."
    )

    def same(other):
        return (answer == other).flatten(1).all(dim=1)  # (N,)

    # So value % size is a pixel's place in its image.
    size = images[0].numel()
    coins, good = same(mirrored), same(images) | same(mirrored)
    mistakes = {
        "Some images are upside down: dimension 2 is the height, so "
        "flip dimension 3 alone.": good
        | same(images.flip(2))
        | same(images.flip(2, 3)),
        "Images have changed their places in the batch: dimension 0 "
        "counts the images, so "
        "flip dimension 3.": answer % size == images % size,
        "Parts of one image are mirrored and others are not: draw one "
        "coin for an image, not for each pixel.": (answer == images)
        | (answer == mirrored),
    }
    for hint, explained in mistakes.items():
        assert good.all() or not explained.all(), hint
    assert good.all(), (
        f"Image {int(good.int().argmin())} is neither as it was nor "
        "mirrored: flip dimension 3 and change no value."
    )
    assert answer.data_ptr() != images.data_ptr(), (
        "You return the batch itself if no image is flipped: always "
        "return a new tensor, because the caller may change it."
    )
    return coins.cpu()


run_check(
    check_random_flips,
    random_flips,
    errors={
        "shape mismatch": "The two sides of the = have different "
        "numbers of images: index both with `chosen`.",
        "does not match the shape of the indexed": "The mask has one "
        "bool for each image, (N,), where it stands alone "
        "between [ and ].",
        "must match the size": "A coin for each image lines up with "
        "the width: index with a mask (N,), or give torch.where "
        "coins (N, 1, 1, 1).",
        "tensors used as indices": "Choose with a mask of bools or "
        "with indices, int64: torch.rand(...) < 0.5 is a mask.",
        "out of bounds": "These numbers are taken as indices of "
        "images: compare the random numbers with 0.5, which makes a "
        "mask of bools.",
    },
)
print("random_flips: right")

# %% [markdown]
# ## The learning rate of each step
#
# Write the schedule yourself, with two straight lines. With $T$ steps, counted from
# 0, and the highest rate $\eta$:
#
# - step $0$ has the rate $\eta / 25$;
# - the rate is highest, $\eta$, at $p = 0.3\,T - 1$, which ends the first three tenths of
#   the steps; $p$ may lie between two steps, so do not round it;
# - step $T - 1$, the last, has the rate $0$.
#
# In between the rate follows the straight line from one point to the next. That is
# `torch.optim.lr_scheduler.OneCycleLR` with `anneal_strategy="linear"` and
# `final_div_factor=float("inf")`. The check compares yours with it, step by step.
# In the lesson:
# [A schedule for the learning rate](faster.md#a-schedule-for-the-learning-rate).

# %% [markdown]
# - `step`: an int from 0 to `total_steps - 1`; one step is one batch.
# - `total_steps`: steps of the whole training, an int of 10 or more.
# - `max_rate`: the highest learning rate, a float.
# - Returns a float.


# %% one-cycle-rate
def one_cycle_rate(step, total_steps, max_rate):
    """Return the learning rate of one step."""
    ### BEGIN SOLUTION
    peak, last = 0.3 * total_steps - 1, total_steps - 1
    if step <= peak:
        first_rate = max_rate / 25
        return first_rate + (max_rate - first_rate) * step / peak
    return max_rate * (last - step) / (last - peak)
    ### END SOLUTION


# %% check-one-cycle-rate
def check_one_cycle_rate(function):
    """Compare with OneCycleLR. Raises AssertionError with one hint."""
    cycles = ((100, 0.5), (10, 2.0), (64, 0.1))
    mine = [
        [_rate_of(function, s, *each) for s in range(each[0])]
        for each in cycles
    ]
    right = [_rates_of_pytorch(*each) for each in cycles]
    (total, top), rates, expected = cycles[0], mine[0], right[0]
    highest, peak = (
        rates.index(max(rates)),
        expected.index(max(expected)),
    )
    case = f"With {total} steps and max_rate {top}"
    mistakes = {
        "The rate starts at 0, so the first step changes nothing: "
        "start at max_rate / 25.": rates[0] == 0,
        "The rate never comes down: after the peak a second "
        "line leads to 0.": rates[-1] == max(rates),
        "The rate stays the same for many steps: divide with /, "
        "because // rounds down.": len(set(rates)) < 0.8 * total,
        f"{case}, step 0 should have the rate max_rate / 25, "
        f"{expected[0]:.4f}; you give "
        f"{rates[0]:.4f}.": abs(rates[0] - expected[0]) > 1e-5,
        f"{case}, the rate is highest at step {highest}, not at step "
        f"{peak}: steps count from 0, so the peak is at 0.3 "
        "total_steps - 1.": highest != peak,
        f"{case}, the last step should have the rate 0; you give "
        f"{rates[-1]:.4f}: steps count from 0 to "
        "total_steps - 1.": abs(rates[-1]) > 1e-5,
    }
    for hint, seen in mistakes.items():
        assert not seen, hint
    assert "OneCycleLR" not in words_in(function), (
        "The rates are right, but they are PyTorch's: write the two "
        "lines yourself."
    )
    for (total, top), *curves in zip(cycles, mine, right, strict=True):
        for step, (rate, other) in enumerate(zip(*curves, strict=True)):
            assert math.isclose(rate, other, abs_tol=1e-5 * top), (
                f"With {total} steps and max_rate {top}, step {step} "
                f"should have the rate {other:.5f}, on a straight "
                f"line; you give {rate:.5f}."
            )


def _rate_of(function, step, total_steps, max_rate):
    rate = function(step, total_steps, max_rate)
    assert hasattr(rate, "__float__"), (
        "One step has one rate, a number: you return a "
        f"{type(rate).__name__}."
    )
    return float(rate)


def _rates_of_pytorch(total_steps, max_rate):
    optimizer = torch.optim.SGD(
        [torch.zeros(1, requires_grad=True)], lr=max_rate
    )
    settings = {
        "anneal_strategy": "linear",
        "final_div_factor": float("inf"),
    }
    schedule = torch.optim.lr_scheduler
    schedule = schedule.OneCycleLR(
        optimizer, max_rate, total_steps, **settings
    )
    rates = []
    for _ in range(total_steps):
        rates += schedule.get_last_lr()
        optimizer.step()
        schedule.step()
    return rates


run_check(
    check_one_cycle_rate,
    one_cycle_rate,
    errors={
        "UnboundLocalError": "For some steps your variable gets no "
        "value: both lines need one, and so does the "
        "peak between them.",
        "ZeroDivisionError": "You divide by 0 at some step: divide by "
        "the number of steps from one end of a line to the other.",
        "to multiply sequence": "One step has one rate: compute a "
        "number, not a list.",
    },
)
print("one_cycle_rate: right")

# %% [markdown]
# ## Batch normalisation by hand
#
# In training, each channel is normalised with the mean $m$ and the variance $v$ of
# all its $n = N H W$ values in the batch, then scaled and shifted by what the layer
# has learnt:
#
# $$
# y = \gamma\,\frac{x - m}{\sqrt{v + \varepsilon}} + \beta
# $$
#
# Here $v$ divides by $n$. Two running statistics follow from batch to batch, with
# the momentum $\mu$:
#
# $$
# r_m \leftarrow (1 - \mu)\, r_m + \mu\, m, \qquad
# r_v \leftarrow (1 - \mu)\, r_v + \mu\, \frac{n}{n - 1}\, v
# $$
#
# so the running variance takes the variance that divides by $n - 1$. In evaluation,
# $r_m$ and $r_v$ are used in place of $m$ and $v$, and stay as they are. Write it
# without PyTorch's own batch normalisation. The check compares yours with
# `torch.nn.functional.batch_norm`, gradients included. In the lesson:
# [Batch norm and a wider network](faster.md#batch-norm-and-a-wider-network).

# %% [markdown]
# - `maps`: a batch of feature maps (N, C, H, W).
# - `gamma`, `beta`: scale and shift of each channel, (C,).
# - `running_mean`, `running_var`: statistics of each channel, (C,).
#   They are changed in place in training, without recording a gradient,
#   and used as they are in evaluation.
# - `training`: a bool; False means evaluation.
# - `momentum`: the weight of the new batch in the running statistics, a
#   float.
# - `eps`: a float that is added to the variance below the root.
# - Returns a tensor (N, C, H, W).


# %% batch-norm
def batch_norm(
    maps,
    gamma,
    beta,
    running_mean,
    running_var,
    training,
    momentum=0.1,
    eps=1e-5,
):
    """Normalise each channel, then scale and shift it."""
    ### BEGIN SOLUTION
    if training:
        mean = maps.mean(dim=(0, 2, 3))  # (C,)
        var = maps.var(dim=(0, 2, 3), correction=0)
        with torch.no_grad():
            unbiased = maps.var(dim=(0, 2, 3))
            running_mean += momentum * (mean - running_mean)
            running_var += momentum * (unbiased - running_var)
    else:
        mean, var = running_mean, running_var
    scale = gamma / (var + eps).sqrt()
    shift = beta - scale * mean
    return scale[:, None, None] * maps + shift[:, None, None]
    ### END SOLUTION


# %% check-batch-norm
def check_batch_norm(function, momentum=0.3, eps=0.5):
    """Compare with PyTorch's own; AssertionError with one hint."""
    generator = torch.Generator().manual_seed(0)
    # As wide as there are channels: a vector (C,) then lines up with
    # the width.
    shapes = ((4, 5, 3, 5), (5,), (5,), (5,), (5,))
    start = [
        torch.randn(shape, generator=generator).exp()
        for shape in shapes
    ]
    for training in (True, False):
        mine, theirs = (
            [tensor.clone() for tensor in start] for _ in range(2)
        )
        for leaf in (*mine[:3], *theirs[:3]):
            leaf.requires_grad_()
        maps, gamma, beta, *new = theirs
        right = F.batch_norm(
            maps, *new, gamma, beta, training, momentum, eps
        )
        answer = function(*mine, training, momentum=momentum, eps=eps)
        hint = (
            "Return the maps alone, a tensor of their shape, "
            f"{tuple(maps.shape)}."
        )
        assert (
            isinstance(answer, torch.Tensor)
            and answer.shape == maps.shape
        ), hint
        _explain(
            answer, right, *_wrong_maps(start, mine[3:], training, eps)
        )
        now, old, goal = (
            torch.cat(pair) for pair in (mine[3:], start[3:], new)
        )
        # What the formulas mix into old.
        batch = old + (goal - old) / momentum
        swapped = batch + momentum * (old - batch)
        # N is 60.
        biased = goal - momentum / 60 * batch * (torch.arange(10) >= 5)
        mistakes = {
            "The running statistics stay as they are: change "
            "them in place.": old,
            "Your momentum is the wrong way round: it "
            "weights the batch.": swapped,
            "The running variance divides by n - 1; "
            "yours divides by n.": biased,
        }
        assert training or now.equal(old), (
            "Evaluation changes running statistics."
        )
        _explain(
            now,
            goal,
            mistakes,
            "The formulas give other running statistics.",
        )
        hint = (
            "Only the update of the running statistics needs "
            "torch.no_grad()."
        )
        assert answer.requires_grad > now.requires_grad, hint
        (answer.pow(3).sum() + right.pow(3).sum()).backward()
        for leaf, other in zip(mine[:3], theirs[:3], strict=True):
            hint = (
                "The gradient is wrong: do not detach "
                "mean and variance."
            )
            assert leaf.grad is not None, hint
            _explain(leaf.grad, other.grad, {}, hint)
    own = {
        "batch_norm",
        "BatchNorm2d",
        "native_batch_norm",
        "instance_norm",
    }
    hint = (
        "The maps are right, but PyTorch made them: write the "
        "formula yourself."
    )
    assert not own & words_in(function), hint


def _explain(mine, right, mistakes, otherwise):
    for hint, other in {"": right, **mistakes, otherwise: mine}.items():
        if torch.allclose(
            mine, other, rtol=1e-4, atol=1e-4, equal_nan=True
        ):
            assert not hint, hint
            return


def _wrong_maps(start, changed, training, eps):
    maps, gamma, beta, mean, var = start
    running = var[:, None, None], mean[:, None, None]
    changed = [tensor[:, None, None] for tensor in changed[::-1]]

    def batch(dim=(0, 2, 3), correction=0):
        return torch.var_mean(
            maps, dim, correction=correction, keepdim=True
        )

    def norm(var, mean, eps=eps, shape=(5, 1, 1)):
        whitened = (maps - mean) / (var + eps).sqrt()
        return gamma.reshape(shape) * whitened + beta.reshape(shape)

    used = batch() if training else running
    return (
        {
            "You reduce the images alone: take dim=(0, 2, 3).": norm(
                *batch(0)
            ),
            "You normalise with the variance that divides by n - 1: "
            "take correction=0, "
            "which divides by n.": norm(*batch(correction=1)),
            "In training, take the statistics of the batch.": norm(
                *running
            ),
            "In training, take statistics of the batch.": norm(
                *changed
            ),
            "In evaluation, take the running statistics.": norm(
                *batch()
            ),
            "Your eps is missing, or not the one given.": norm(
                *used, eps=1e-5
            ),
            "gamma, beta follow the width: make them (C, 1, 1).": norm(
                *used, shape=5
            ),
        },
        "Your maps are not those of F.batch_norm: check each part "
        "of the formula.",
    )


run_check(
    check_batch_norm,
    batch_norm,
    errors={
        "a leaf Variable that requires grad": "You change maps, gamma "
        "or beta in place: they are parameters, so make new "
        "tensors of them.",
        "must match the size": "Statistics, gamma and beta have one "
        "number for each channel, (C,): make them (C, 1, 1), by [:, "
        "None, None], beside the maps.",
        "view of a leaf Variable": "You change maps, gamma or beta in "
        "place: they are parameters, so make new tensors of them.",
        "modified by an inplace operation": "You change in place what "
        "backward still needs: only the running statistics "
        "change in place.",
    },
    changes=("running_mean", "running_var"),
)
print("batch_norm: right")
