# %% [markdown]
# # Lab: many processes
#
# Four exercises: deal out the examples, average the gradients, save a checkpoint in
# one step, and count the bytes of an all-reduce. One process is enough for all of
# them. Replace each `...` by your own code and run the cell, then run the check
# below it: it says in one sentence what is wrong. The lesson is
# [Many processes](processes.md).

# %% imports
import inspect
import math
import os
import tempfile
from pathlib import Path

import torch
from checking import explained, run_check, words_in
from torch.utils.data import DistributedSampler

# %% [markdown]
# ## Deal out the indices
#
# Each of `world_size` ranks gets its share of the indices $0, \dots,$ `count - 1`,
# dealt like cards: rank $r$ has the cards $r$, $r$ + `world_size`, and so on. All
# shares are equally long. If `world_size` does not divide `count`, the deck is made
# longer first: it begins again from index 0, as often as necessary. Nothing is
# shuffled, and the check compares yours with `DistributedSampler`. In the lesson:
# [What each rank sees](processes.md#what-each-rank-sees).

# %% [markdown]
# - `count`: the number of examples, an int of 1 or more.
# - `rank`: an int from 0 to `world_size - 1`.
# - `world_size`: the number of ranks, an int of 1 or more.
# - Returns a list of ints.


# %% share-of
def share_of(count, rank, world_size):
    """Return the indices of one rank."""
    ### BEGIN SOLUTION
    length = math.ceil(count / world_size)  # of each share
    cards = range(rank, length * world_size, world_size)
    return [card % count for card in cards]
    ### END SOLUTION


# %% check-share-of
def check_share_of(function):
    """Compare with DistributedSampler. Raises AssertionError with one
    hint.
    """
    for count, ranks in (
        (8, 2),
        (8, 3),
        (10, 3),
        (7, 1),
        (2, 5),
        (1, 4),
    ):
        mine = [function(count, rank, ranks) for rank in range(ranks)]
        right = [
            list(
                DistributedSampler(
                    range(count), ranks, rank, shuffle=False
                )
            )
            for rank in range(ranks)
        ]
        case = f"With {count} examples and {ranks} ranks"
        hint = (
            "Each rank gets a list of ints, and your function does not "
            "return a list."
        )
        assert all(isinstance(each, list) for each in mine), hint
        hint = (
            "The indices are ints: choose whole numbers from "
            "0 to count - 1."
        )
        assert all(
            type(index) is int for each in mine for index in each
        ), hint
        if mine == right:
            continue
        length, own, each_rank = len(right[0]), mine[0], range(ranks)
        deck = list(range(count)) + [count - 1] * (
            length * ranks - count
        )
        short = count // ranks * ranks
        beyond = any(max(each, default=0) >= count for each in mine)
        mistakes = {
            "All ranks have the same share: begin with the "
            "card of the rank.": all(each == own for each in mine),
            "Each rank has a block of neighbours: deal like cards, in "
            "steps of world_size.": own == list(range(len(own)))
            and length > 1 < ranks,
            f"{case}, some shares are longer, and their ranks would "
            "wait for ever: go on from index 0.": mine
            == [list(range(r, count, ranks)) for r in each_rank],
            f"{case}, examples are left out: make the deck "
            "longer, not shorter.": mine
            == [list(range(r, short, ranks)) for r in each_rank],
            f"{case}, the last example is repeated: begin again from "
            "index "
            "0, with %.": mine == [deck[r::ranks] for r in each_rank],
            f"{case}, some indices lie beyond the last "
            "example: use %.": beyond,
            "Ranks count from 0: rank 0 begins with 0.": own
            == right[1 % ranks],
        }
        for hint, seen in mistakes.items():
            assert not seen, hint
        rank = next(r for r in range(ranks) if mine[r] != right[r])
        raise AssertionError(
            f"{case}, rank {rank} should have {right[rank]}, "
            f"not {mine[rank]}."
        )
    hint = (
        "The shares are right, but DistributedSampler made them: "
        "deal yourself."
    )
    assert "DistributedSampler" not in words_in(function), hint


run_check(
    check_share_of,
    share_of,
    errors={
        "list index out of range": "The deck is too short for the last "
        "ranks: begin again from index 0, as often as necessary.",
        "'float' object cannot be interpreted": "range takes whole "
        "numbers: divide with // or round up with math.ceil.",
        "must be integers or slices": "range and [...] take whole "
        "numbers: divide with // or round up with math.ceil.",
        "ZeroDivisionError": "You divide by 0: there may be fewer "
        "examples than ranks.",
    },
)
print("share_of: right")

# %% [markdown]
# ## Average the gradients
#
# Each rank has the gradient of the *mean* loss of its own batch. Return what each
# rank should have afterwards: the gradient of the mean loss of the joined batch.
# The batches may differ in size. As after a real all-reduce, each rank has a
# tensor of its own, and the gradients that you were given stay as they are. In the
# lesson: [The same gradient everywhere](processes.md#the-same-gradient-everywhere).

# %% [markdown]
# - `gradients`: a list with one tensor (P,) for each rank.
# - `counts`: a list with each rank's number of examples, ints of 1 or
#   more.
# - Returns a list of tensors (P,), one for each rank.


# %% average-gradients
def average_gradients(gradients, counts):
    """Return the averaged gradient of each rank."""
    ### BEGIN SOLUTION
    total = sum(counts)
    pairs = zip(gradients, counts, strict=True)
    average = sum(
        gradient * (count / total) for gradient, count in pairs
    )
    return [average.clone() for _ in gradients]
    ### END SOLUTION


# %% check-average-gradients
def check_average_gradients(function):
    """Compare with one process. Raises AssertionError with one hint."""
    generator = torch.Generator().manual_seed(0)
    for counts in ([4, 4], [5, 1], [3, 1, 2]):
        examples = torch.randn(
            sum(counts), 3, generator=generator
        )  # their gradients
        batches = examples.split(counts)
        given = [batch.mean(dim=0) for batch in batches]
        joined = examples.mean(dim=0)
        mine = function(given, list(counts))
        case = f"With {counts} examples on the ranks"
        hint = "Return a list of tensors, one for each rank."
        assert isinstance(mine, list) and len(mine) == len(counts), hint
        assert all(isinstance(each, torch.Tensor) for each in mine), (
            hint
        )
        hint = (
            "The ranks share one tensor: give each a copy of its "
            "own, by clone()."
        )
        assert len({each.data_ptr() for each in mine}) == len(mine), (
            hint
        )
        weighted = sum(
            g * n for g, n in zip(given, counts, strict=True)
        )
        mistakes = {
            "": joined,
            "You add the gradients up: divide, so that "
            "they are a mean.": sum(given),
            f"{case}, the mean of the means is not that of the joined "
            "batch: weight each gradient by its "
            "number of examples.": torch.stack(given).mean(0),
            "You weight by the examples, but do not divide "
            "by all of them.": weighted,
            "Divide by the number of all "
            "examples, not of ranks.": weighted / len(counts),
        }
        for each in mine:
            for hint, other in mistakes.items():
                if each.shape == other.shape and torch.allclose(
                    each, other, atol=1e-5
                ):
                    assert not hint, hint
                    break
            else:
                hint = (
                    "The ranks keep their own gradients: all "
                    "need the average."
                )
                assert not all(map(torch.equal, mine, given)), hint
                right, wrong = joined.tolist(), each.tolist()
                raise AssertionError(
                    f"{case}, one should have {right}, not {wrong}."
                )


run_check(
    check_average_gradients,
    average_gradients,
    errors={
        "must match the size": "One number weights a whole gradient: "
        "multiply each of them by its own count, a plain number.",
        "'list' and": "Lists are not multiplied or divided element by "
        "element: go through gradients and counts with zip.",
        "can't multiply sequence": "Lists are not multiplied element "
        "by element: go through gradients and counts with zip.",
        "unsupported operand": "Lists are not divided element by "
        "element: go through gradients and counts with zip.",
    },
)
print("average_gradients: right")

# %% [markdown]
# ## Save in one step
#
# Rank 0 saves `state` with `torch.save`, and the others do nothing. If the process is
# stopped while it writes, the old checkpoint must still be there, and complete. So
# write to another file *in the same folder*, then put it in the place of the old one
# with `os.replace`, which is a single step only within one disk. No other file may stay
# behind. In the lesson:
# [Train with a checkpoint](processes.md#train-with-a-checkpoint).

# %% [markdown]
# - `state`: what `torch.save` takes, a dict.
# - `file`: where the checkpoint belongs, a `pathlib.Path`. The file may
#   exist already.
# - `rank`: the rank of this process, an int.
# - Returns nothing.


# %% save-checkpoint
def save_checkpoint(state, file, rank):
    """Write `state` to `file` in one step, on rank 0 only."""
    ### BEGIN SOLUTION
    if rank == 0:
        beside = file.with_name(file.name + ".new")
        torch.save(state, beside)
        os.replace(beside, file)
    ### END SOLUTION


# %% check-save-checkpoint
def check_save_checkpoint(function):
    """Save, and be stopped in between. Raises AssertionError with one
    hint.
    """
    with tempfile.TemporaryDirectory() as folder:
        _check_saving(function, Path(folder) / "training.pt")


class _Stopped(Exception):
    """Stands for the end of a process."""


def _check_saving(function, file):
    real_save, written = torch.save, {}

    def save(state, target, *rest, **options):
        real_save(state, target, *rest, **options)
        path = Path(target.name if hasattr(target, "write") else target)
        if path.exists():
            written["folder"], written["id"] = (
                path.parent,
                path.stat().st_ino,
            )

    def stop(state, target, *rest, **options):
        if not hasattr(target, "write"):
            Path(target).write_bytes(b"half a file")
        raise _Stopped

    try:
        torch.save = save
        for rank in (1, 2):
            function({"epoch": 7}, file, rank)
            hint = f"Rank {rank} writes too: only rank 0 may."
            assert not any(file.parent.iterdir()), hint
        for epoch in (1, 2):
            function({"epoch": epoch}, file, 0)
            hint = (
                "Rank 0 has written no checkpoint: perhaps the blank "
                "is still empty."
            )
            assert file.exists(), hint
            try:
                found = torch.load(file).get("epoch")
            except Exception as error:
                hint = (
                    "torch.load cannot read the checkpoint: write it "
                    "by torch.save."
                )
                raise AssertionError(
                    f"{hint} {explained(error)}"
                ) from None
            hint = (
                f"The checkpoint has epoch {found}, not {epoch}: "
                "replace the old."
            )
            assert found == epoch, hint
            hint = (
                "Another file stays behind: move it with "
                "os.replace, do not copy."
            )
            assert list(file.parent.iterdir()) == [file], hint
        hint = (
            "Write in file.parent: another folder may be "
            "on another disk."
        )
        where = written.get("folder", file.parent).resolve()
        assert where == file.parent.resolve(), hint
        hint = (
            "The data is copied to its place, in many steps: "
            "use os.replace."
        )
        assert (
            written.get("id", file.stat().st_ino) == file.stat().st_ino
        ), hint
        torch.save = stop
        try:
            # Without the guard of run_check, which would explain the
            # stop as an error.
            inspect.unwrap(function)({"epoch": 3}, file, 0)
        except _Stopped:
            pass
        else:
            hint = (
                "A failure goes unnoticed: call torch.save, and "
                "do not catch it."
            )
            raise AssertionError(hint)
        hint = (
            "If the process stops while it writes, the old checkpoint "
            "is gone: keep it."
        )
        assert file.exists(), hint
        hint = (
            "Stopped while it writes, it leaves half a checkpoint: "
            "write beside it."
        )
        assert file.read_bytes() != b"half a file", hint
    finally:
        torch.save = real_save


run_check(
    check_save_checkpoint,
    save_checkpoint,
    errors={
        "No such file": "A file is not where your code looks for it: "
        "os.replace(new, old) takes the file that was just written, "
        "and `file` may not exist yet.",
        "has no attribute": "`file` is a pathlib.Path: file.parent is "
        "its folder, and file.with_suffix(...) or file.with_name(...) "
        "a file beside it.",
        "unsupported operand": "`file` is a pathlib.Path, to which no "
        "str can be added: use file.with_suffix(...) or "
        "file.with_name(...).",
        "PermissionError": "A file is still open: close it "
        "before os.replace.",
    },
    returns=False,
)
print("save_checkpoint: right")

# %% [markdown]
# ## The bytes of an all-reduce
#
# In a ring of $n$ ranks each cuts its gradient into $n$ pieces. In $n - 1$ rounds
# the pieces are added up, in $n - 1$ more the sums are passed on, and in each round
# every rank sends one piece. How many bytes does one rank send, and how many do all
# ranks together? The check counts them, round by round. In the lesson:
# [What bounds it](processes.md#what-bounds-it).

# %% [markdown]
# - `parameters`: how many entries the gradient has, an int that `ranks`
#   divides.
# - `ranks`: an int of 1 or more.
# - `bytes_each`: how many bytes an entry has, an int.
# - Returns two numbers: the bytes that one rank sends, and those of all
#   ranks together.


# %% ring-bytes
def ring_bytes(parameters, ranks, bytes_each=4):
    """Return the bytes that one rank sends, and those of all."""
    ### BEGIN SOLUTION
    of_one = 2 * (ranks - 1) * parameters * bytes_each / ranks
    return of_one, ranks * of_one
    ### END SOLUTION


# %% check-ring-bytes
def check_ring_bytes(function):
    """Count the bytes of a ring; AssertionError with one hint."""
    for parameters, ranks, size in (
        (600, 3, 4),
        (600, 2, 4),
        (64, 8, 2),
        (5, 1, 4),
    ):
        pieces = [
            [1] * ranks for _ in range(ranks)
        ]  # how many gradients are in each
        sent = [0] * ranks
        for turn in range(2 * (ranks - 1)):
            old = [list(each) for each in pieces]
            for rank in range(ranks):
                piece, to = (rank - turn) % ranks, (rank + 1) % ranks
                adds = old[to][piece] if turn < ranks - 1 else 0
                pieces[to][piece] = old[rank][piece] + adds
                sent[rank] += parameters // ranks * size
        assert all(each == [ranks] * ranks for each in pieces)
        right, total = sent[0], sum(sent)
        case = (
            f"With {parameters} parameters of {size} bytes "
            f"and {ranks} ranks"
        )
        answer = function(parameters, ranks, size)
        hint = (
            "Return two numbers: the bytes of one rank, "
            "then those of all."
        )
        assert isinstance(answer, (tuple, list)) and len(answer) == 2, (
            hint
        )
        assert all(isinstance(part, (int, float)) for part in answer), (
            hint
        )
        mine, of_all = answer
        mistakes = {
            "Only one half of the rounds is counted: sums "
            "travel as well.": right / 2,
            "In each half there are n - 1 rounds, not n.": 2
            * parameters
            * size,
            "These are entries, not bytes: take "
            "bytes_each of them.": right / size,
            "These are bits: leave out the factor 8.": 8 * right,
            "Each entry has bytes_each bytes, not always 4.": right
            * 4
            / size,
            "In a round a rank sends a piece, not the "
            "whole gradient.": right * ranks,
        }
        for hint, other in mistakes.items():
            wrong = other != right and math.isclose(mine, other)
            assert not wrong, hint
        hint = f"{case}, one rank sends {right} bytes, not {mine}."
        assert math.isclose(mine, right), hint
        hint = (
            f"{case}, all ranks together send {total} "
            f"bytes, not {of_all}."
        )
        assert math.isclose(of_all, total), hint


run_check(
    check_ring_bytes,
    ring_bytes,
    errors={
        "ZeroDivisionError": "You divide by ranks - 1, it seems: with "
        "one rank there is no round, and nothing is sent.",
    },
)
print("ring_bytes: right")
