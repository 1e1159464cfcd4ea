# %% [markdown]
# # Lab: look inside
#
# Two exercises: the confusion matrix of a classifier, and its worst mistakes.
# Replace each `...` by your own code and run the cell, then run the check below it:
# it says in one sentence what is wrong. The lesson is
# [Look inside a trained network](inside.md).

# %% imports
import torch
from checking import run_check, words_in

# %% [markdown]
# ## A confusion matrix without a loop
#
# Row $t$, column $p$ of the confusion matrix counts the images of class $t$ for
# which the network predicted $p$. Give every image one number that stands for the
# pair $(t, p)$, count how often each number occurs, and you need no loop. To count, use
# `torch.bincount`, whose `minlength` is the smallest length of the result. In the
# lesson: [The confusion matrix](inside.md#the-confusion-matrix).

# %% [markdown]
# - `predictions`: the predicted class indices (N,), int64, from 0 to
#   `class_count - 1`.
# - `labels`: the true class indices, of the same shape and dtype.
# - `class_count`: the number of classes, an int. Some of them may occur
#   in neither tensor.
# - Returns int64 counts (`class_count`, `class_count`): the row is the
#   true class, the column the predicted one.


# %% confusion-matrix
def confusion_matrix(predictions, labels, class_count):
    """Count the images for each true and predicted class."""
    ### BEGIN SOLUTION
    pairs = labels * class_count + predictions
    counts = pairs.bincount(minlength=class_count**2)
    return counts.reshape(class_count, class_count)
    ### END SOLUTION


# %% check-confusion-matrix
def check_confusion_matrix(function):
    """Compare with counts made in a loop. Raises AssertionError with
    one hint.
    """
    generator = torch.Generator().manual_seed(0)

    def draw(size, class_count):
        labels = torch.randint(
            class_count, (size,), generator=generator
        )
        other = torch.randint(class_count, (size,), generator=generator)
        agree = torch.rand(size, generator=generator) < 0.6
        return torch.where(agree, labels, other), labels

    def in_loop(predictions, labels, class_count):
        counts = torch.zeros(
            class_count, class_count, dtype=torch.int64
        )
        for true, predicted in zip(
            labels.tolist(), predictions.tolist(), strict=True
        ):
            counts[true, predicted] += 1
        return counts

    def given(predictions, labels, class_count):
        answer = function(predictions, labels, class_count)
        if not isinstance(answer, torch.Tensor):
            raise AssertionError(
                "Return a tensor, not an object of type "
                f"{type(answer).__name__}."
            )
        return answer

    predictions, labels = draw(400, 5)
    right = in_loop(predictions, labels, 5)
    mine = given(predictions, labels, 5)
    if mine.shape == (25,):
        raise AssertionError(
            "These are 25 counts in a row: reshape them to "
            "(class_count, class_count)."
        )
    if mine.shape != right.shape:
        raise AssertionError(
            f"Five classes need a matrix of shape (5, 5), but yours is "
            f"{tuple(mine.shape)}."
        )
    if torch.equal(mine, right.T):
        raise AssertionError(
            "Your matrix is transposed: the row is the true class, the "
            "column the predicted one."
        )
    if torch.allclose(
        mine.double(), right.double() / right.sum(dim=1, keepdim=True)
    ):
        raise AssertionError(
            "These are shares of a row: return the counts themselves."
        )
    if mine.is_floating_point():
        raise AssertionError(
            "Counts are whole numbers, but your matrix "
            f"is {mine.dtype}."
        )
    if torch.equal(mine, (right > 0).to(mine.dtype)):
        raise AssertionError(
            "Every pair is counted once only: with an index that "
            "repeats, += keeps a single one of the additions."
        )
    if not torch.equal(mine, right):
        raise AssertionError(
            "The shape is right and the counts are not: two different "
            "pairs must never get the same number, so how far "
            "apart are the rows?"
        )
    if mine.dtype != torch.int64:
        raise AssertionError(
            f"The counts should be int64, but yours are {mine.dtype}."
        )

    # Classes 2, 4 and 5 of six are never true and never predicted.
    predictions, labels = (
        torch.tensor([0, 3, 3, 1]),
        torch.tensor([0, 3, 1, 1]),
    )
    mine = given(predictions, labels, 6)
    if mine.shape != (6, 6):
        raise AssertionError(
            "Only classes 0, 1 and 3 of six occur, and your matrix is "
            f"{tuple(mine.shape)}: it needs a row for each "
            "class all the same."
        )
    if not torch.equal(mine, in_loop(predictions, labels, 6)):
        raise AssertionError(
            "With classes that never occur the counts are wrong."
        )
    if "for" in words_in(function):
        raise AssertionError(
            "The matrix is right, but there is a loop in your code: on "
            "a million images bincount does the same in milliseconds."
        )


run_check(
    check_confusion_matrix,
    confusion_matrix,
    errors={
        "is invalid for input of size": "There are fewer counts than "
        "pairs of classes if the last classes never occur: see "
        "minlength, which is class_count**2.",
        "not implemented for 'Float'": "bincount counts whole numbers: "
        "keep the pairs int64.",
        "non-negative integral": "bincount takes one number for each "
        "image, (N,), 0 or more: join the pair to one number.",
        "'int' object is not callable": "class_count is a number, "
        "not a function.",
        "out of bounds": "A class index lies beyond your matrix: it "
        "has a row and a column for each of class_count classes.",
    },
)
print("confusion_matrix: right")

# %% [markdown]
# ## The worst mistakes
#
# The worst mistakes are the wrong predictions in which the network was most confident.
# Its confidence in a prediction is the probability, by softmax, of the class that it
# predicts. In the lesson: [The worst as pictures](inside.md#the-worst-as-pictures).

# %% [markdown]
# - `logits`: floats (N, classes).
# - `labels`: the true class indices (N,), int64.
# - `count`: how many to return at most, an int.
# - Returns the indices, int64 of shape (`count`,), of the images that
#   were classified wrongly with the greatest confidence, the most
#   confident mistake first. If there are fewer mistakes, it returns all
#   of them.


# %% worst-mistakes
def worst_mistakes(logits, labels, count):
    """Return the indices of the most confident mistakes."""
    ### BEGIN SOLUTION
    confidence, predictions = logits.softmax(dim=1).max(dim=1)
    wrong = (predictions != labels).nonzero().squeeze(1)
    order = confidence[wrong].argsort(descending=True)
    return wrong[order[:count]]
    ### END SOLUTION


# %% check-worst-mistakes
def check_worst_mistakes(function):
    """Compare with a search in a loop. Raises AssertionError with one
    hint.
    """
    generator = torch.Generator().manual_seed(1)
    logits = 2 * torch.randn(60, 4, generator=generator)
    # Softmax does not see it.
    logits += 3 * torch.randn(60, 1, generator=generator)
    labels = torch.where(
        torch.rand(60, generator=generator) < 0.5,
        logits.argmax(dim=1),
        torch.randint(4, (60,), generator=generator),
    )
    is_wrong = logits.argmax(dim=1) != labels
    by_row, by_column = logits.softmax(dim=1), logits.softmax(dim=0)

    def ranked(scores, among):
        """The indices of the five largest scores among those marked."""
        indices = [i for i in range(len(scores)) if among[i]]
        return sorted(indices, key=lambda i: -scores[i].item())[:5]

    def given(logits, labels, count):
        answer = function(logits, labels, count)
        if (
            not isinstance(answer, torch.Tensor)
            or answer.is_floating_point()
        ):
            raise AssertionError(
                "Return a tensor of indices, which are whole numbers: "
                "where the images stand, not how confident "
                "the answers are."
            )
        if answer.dtype == torch.bool:
            raise AssertionError(
                "Return indices, not a mask: nonzero() turns one "
                "into the other."
            )
        if answer.ndim != 1:
            raise AssertionError(
                "Return a flat list of indices, but yours has the "
                f"shape {tuple(answer.shape)}."
            )
        if answer.dtype != torch.int64:
            raise AssertionError(
                f"Indices are int64, but yours are {answer.dtype}."
            )
        return answer.tolist()

    everything = torch.ones_like(is_wrong)
    top = by_row.max(dim=1).values
    losses = -by_row[torch.arange(60), labels].log()
    right = ranked(top, is_wrong)
    positions = is_wrong.nonzero().squeeze(1).tolist()
    mistakes = {
        "These are the most confident of all answers: leave out "
        "the right ones.": (ranked(top, everything)),
        "These are the most confident of the right answers: invert "
        "the comparison.": ranked(top, ~is_wrong),
        "The order is ascending: sort descending, with the most "
        "confident first.": (ranked(-top, is_wrong)),
        "Logits of different images cannot be compared: take the "
        "softmax first.": (ranked(logits.max(dim=1).values, is_wrong)),
        "The probabilities of one image should add up to 1: softmax "
        "over the classes, dim=1.": ranked(
            by_column.max(dim=1).values, is_wrong
        ),
        "You sort by the probability of the true class, which ranks by "
        "loss: take that of the answer.": ranked(losses, is_wrong),
        "These are places in the list of mistakes: use them to pick "
        "from the indices "
        "of the mistakes.": [positions.index(i) for i in right],
        "You take the first mistakes as they come: sort them "
        "by confidence.": (positions[:5]),
    }
    mine = given(logits, labels, 5)
    if mine != right:
        for hint, answer in mistakes.items():
            if mine == answer:
                raise AssertionError(hint)
        if len(mine) > 5:
            raise AssertionError(
                f"Asked for 5, you return {len(mine)} indices: keep "
                "the first count."
            )
        if any(not is_wrong[i] for i in mine):
            raise AssertionError(
                "Some of these images were classified correctly: keep "
                "only the mistakes, judged by the largest "
                "logit of each row."
            )
        raise AssertionError(
            "These are mistakes, but not the five with the greatest "
            "confidence in the right order."
        )
    few = labels.clone()
    few[is_wrong] = logits.argmax(dim=1)[is_wrong]
    few[right[:2]] = labels[right[:2]]  # two mistakes are left
    mine = given(logits, few, 5)
    if mine != right[:2]:
        raise AssertionError(
            f"With 2 mistakes and count=5 you return {len(mine)} "
            "indices: return these two, and no right "
            "answers to fill up."
        )
    mine = given(logits, labels, 3)
    if mine != right[:3]:
        raise AssertionError(
            f"With count=3 you return {len(mine)} indices: keep "
            "the first count."
        )


run_check(
    check_worst_mistakes,
    worst_mistakes,
    errors={
        "selected index k out of range": "It fails where there are "
        "fewer mistakes than count: return those that there are.",
        "must match the size": "Compare the labels with the class of "
        "the largest logit, argmax(dim=1), which has "
        "their shape, (N,).",
        "out of bounds": "Your code looks for more mistakes than there "
        "are, or takes places in the list of mistakes for "
        "image indices.",
    },
)
print("worst_mistakes: right")
