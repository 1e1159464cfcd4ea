# %% [markdown]
# # Lab: text
#
# Two exercises: the heart of byte-pair encoding, and the perplexity of a batch with
# padding. Replace each `...` by your own code and run the cell, then run the check
# below it: it says in one sentence what is wrong. The lesson is [Text](text.md).

# %% imports
import math

import torch
from checking import run_check
from torch.nn import functional as F

# %% [markdown]
# ## Merge a pair
#
# Put one new id in the place of each occurrence of a pair of neighbours, going from
# left to right. Occurrences may overlap, as in 7, 7, 7 with the pair (7, 7): then the
# first two are merged and the third stays. The list that you are given stays as it is.
# In the lesson: [Count, merge, repeat](text.md#count-merge-repeat).

# %% [markdown]
# - `ids`: a list of ints of any length, also empty, which stays as it
#   is.
# - `pair`: a tuple of two ints, the left one and the right one.
# - `new_id`: an int.
# - Returns a new list.


# %% merge
def merge(ids, pair, new_id):
    """Return a new list with new_id in place of each pair."""
    ### BEGIN SOLUTION
    merged, at = [], 0
    while at < len(ids):
        if at + 1 < len(ids) and (ids[at], ids[at + 1]) == pair:
            merged.append(new_id)
            at += 2
        else:
            merged.append(ids[at])
            at += 1
    return merged
    ### END SOLUTION


# %% check-merge
def check_merge(function):
    """Try it on lists of ids. Raises AssertionError with one hint."""
    pair, twins = (1, 2), (7, 7)
    cases = [  # ids, pair, what is right with 9 as the new id, hint
        (
            [4, 5],
            pair,
            [4, 5],
            "a list without the pair stays, to its last id.",
        ),
        (
            [3, 1, 2, 4],
            pair,
            [3, 9, 4],
            "one 9 stands for both ids of the pair.",
        ),
        (
            [3, 1, 2],
            pair,
            [3, 9],
            "the last two ids can be a pair too.",
        ),
        (
            [1, 2, 1, 2],
            pair,
            [9, 9],
            "merge each occurrence, not the first alone.",
        ),
        (
            [2, 1, 3],
            pair,
            [2, 1, 3],
            "the pair has an order: (2, 1) is another one.",
        ),
        ([1, 3, 2], pair, [1, 3, 2], "only neighbours are a pair."),
        (
            [7, 7, 7],
            twins,
            [9, 7],
            "an id is used up once merged; go left to right.",
        ),
        (
            [7, 7, 7, 7],
            twins,
            [9, 9],
            "after a pair, go on by two places.",
        ),
        (
            [1, 1, 2, 2],
            pair,
            [1, 9, 2],
            "where there is no match, go on by one.",
        ),
        ([1], pair, [1], "one id is no pair, so it stays."),
        ([], pair, [], "an empty list stays empty."),
        (
            [9, 2, 2],
            (9, 2),
            [9, 2],
            "do not merge again what you have just merged.",
        ),
    ]
    for ids, wanted, right, hint in cases:
        answer = function(ids, wanted, 9)
        assert answer is not ids, (
            "You return the list that you were given: build a new one, "
            "because the caller may change it."
        )
        kind = type(answer).__name__
        assert kind == "list", (
            f"You return a {kind}: it should be a list."
        )
        assert answer == right, (
            f"{ids} with the pair {wanted} becomes {right}, you give "
            f"{answer}: {hint}"
        )
    answer = function([3, 1, 2], pair, 256)
    assert answer == [3, 256], (
        "With 256 as the new id [3, 1, 2] becomes [3, 256], you give "
        f"{answer}: use new_id."
    )


run_check(
    check_merge,
    merge,
    errors={
        "list index out of range": "Look at the right neighbour only "
        "where there is one.",
        "IndexError": "Look at the right neighbour only "
        "where there is one.",
        "to unpack": "After the last id there is no pair: look at the "
        "right neighbour only where there is one.",
        "StopIteration": "next() finds no neighbour after the last id.",
        "has no attribute 'append'": "Make a new list, [], and "
        "append to that.",
    },
)
print("merge: right")

# %% [markdown]
# ## Perplexity of a padded batch
#
# Perplexity is $e$ to the power of the mean cross-entropy *of all real tokens*. With
# $M$ real tokens in the whole batch and $p_i$ the probability that the model gave to
# the right one:
#
# $$
# \text{perplexity} = \exp\Big(-\frac{1}{M} \sum_{i=1}^{M} \ln p_i\Big)
# $$
#
# The sequences differ in length: where one has ended, the target is `-100`, and the
# logits there mean nothing. In the lesson: [Perplexity](text.md#perplexity) and
# [In a loss](text.md#in-a-loss).

# %% [markdown]
# - `logits`: a float tensor (N, L, C), with a score for each of C
#   tokens at each position.
# - `targets`: an int64 tensor (N, L) of ids below C, with -100 at the
#   padding.
# - Returns a float of 1 or more, or a tensor of one such number.


# %% perplexity
def perplexity(logits, targets):
    """Return the perplexity of a batch of padded sequences."""
    ### BEGIN SOLUTION
    loss = F.cross_entropy(
        logits.transpose(1, 2), targets, ignore_index=-100
    )
    return loss.exp()
    ### END SOLUTION


# %% check-perplexity
def check_perplexity(function):
    """Compare with the formula on random logits. Raises AssertionError
    with one hint.
    """
    generator = torch.Generator().manual_seed(0)
    N, L, C = 3, 6, 5
    logits = 2 * torch.randn(N, L, C, generator=generator)
    targets = torch.randint(C, (N, L), generator=generator)
    targets[1, 4:] = targets[2, 2:] = -100
    real = targets != -100
    chosen = targets.clamp(min=0)[..., None]

    def nats(scores):
        # (N, L)
        return -F.log_softmax(scores, dim=2).gather(2, chosen)[..., 0]

    loss, soft = nats(logits), nats(logits.softmax(dim=2))
    each = torch.stack(
        [row[keep].mean() for row, keep in zip(loss, real, strict=True)]
    )
    mean, total = loss[real].mean(), loss[real].sum()
    mixed = F.cross_entropy(logits.reshape(N, C, L), targets)
    mistakes = {  # hint: what the mistake gives
        "That is the mean loss in nats: take exp of it.": mean,
        "The loss is in nats, so the base is e, not 2.": 2**mean,
        "That is below 1: take exp of plus the mean loss.": (
            -mean
        ).exp(),
        "That is exp of the sum: divide by the number of "
        "real tokens first.": total.exp(),
        "You divide by all positions: only real tokens count.": (
            total / (N * L)
        ).exp(),
        "Padding takes part, as if its "
        "target were token 0.": loss.mean().exp(),
        "You average the perplexities of sequences: "
        "take exp last.": each.exp().mean(),
        "A short sequence counts as much "
        "as a long one.": each.mean().exp(),
        "You average exp of the losses: average first.": loss[real]
        .exp()
        .mean(),
        "cross_entropy takes logits, not probabilities.": soft[real]
        .mean()
        .exp(),
        "reshape swaps no dimensions: use "
        "transpose(1, 2).": mixed.exp(),
    }
    answer = function(logits, targets)
    assert isinstance(answer, (float, int, torch.Tensor)), (
        "Return one number for the batch, and not a "
        f"{type(answer).__name__}."
    )
    shape = tuple(torch.as_tensor(answer).shape)
    assert math.prod(shape) == 1, (
        f"Return one number for the batch, not {shape}."
    )
    number, right = float(answer), math.exp(mean)
    if math.isclose(number, right, rel_tol=1e-3):
        return
    for hint, value in mistakes.items():
        assert not math.isclose(number, value.item(), rel_tol=1e-3), (
            hint
        )
    raise AssertionError(
        f"For these logits the perplexity is {right:.3f}, you give "
        f"{number:.3f}: exp of the mean loss of the real tokens."
    )


run_check(
    check_perplexity,
    perplexity,
    errors={
        "target size": "cross_entropy wants the classes in dimension "
        "1: (N, C, L) and (N, L).",
        "batch_size": "cross_entropy wants the classes in dimension 1: "
        "(N, C, L) and (N, L), or both flattened: (N * L, "
        "C) and (N * L,).",
        "out of bounds": "-100 is no token: leave the padding out "
        "before you pick the logarithms of the targets.",
        "must be non-negative": "-100 is no token: leave the "
        "padding out first.",
        "must be Tensor, not float": "math.exp takes a number and "
        "torch.exp a tensor.",
        "must be real number, not": "math.exp takes a number and "
        "torch.exp a tensor.",
    },
)
print("perplexity: right")
