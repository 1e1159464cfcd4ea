# %% [markdown]
# # Lab: on the GPU
#
# Two exercises: a timer that is honest on every device, and a function that moves
# any batch. Neither needs a GPU. Replace each `...` by your own code and run the cell,
# then run the check below it: it says in one sentence what is wrong. The lesson is
# [On the GPU](gpu.md).

# %% imports
import time

import torch
from checking import run_check

# %% [markdown]
# ## An honest timer
#
# Write a timer for work that a device may only *queue*. Call the function once as
# a warm-up. Then measure `repeats` calls, from a moment at which the queue is empty
# to the moment at which it is empty again, and return the seconds per call. The
# check uses a toy device with a queue and a clock of its own, so it is exact on
# every computer. In the lesson: [Time it honestly](gpu.md#time-it-honestly).

# %% [markdown]
# - `function`: takes no arguments, and may return before its work is
#   done.
# - `repeats`: how many calls to measure, an int of 1 or more.
# - `synchronize`: takes no arguments, and returns when all work that
#   was queued is done.
# - `clock`: takes no arguments, and returns the time in seconds, a
#   float.
# - Returns the mean time of one call, in seconds, a float.


# %% time-of
def time_of(function, repeats, synchronize, clock=time.perf_counter):
    """Return the mean time of one call, in seconds."""
    ### BEGIN SOLUTION
    function()
    synchronize()
    start = clock()
    for _ in range(repeats):
        function()
    synchronize()
    return (clock() - start) / repeats
    ### END SOLUTION


# %% check-time-of
def check_time_of(function):
    """Time a toy device of known speed. Raises AssertionError with one
    hint.
    """
    launch, work, first_call, old_work = 0.003, 0.01, 1.0, 0.5

    class Device:
        """Queues work; its clock moves at each launch and each wait."""

        def __init__(self):
            self.now, self.queued, self.calls, self.looks = (
                100.0,
                old_work,
                0,
                0,
            )

        def launch(self):
            self.now += launch if self.calls else launch + first_call
            self.queued += work
            self.calls += 1

        def synchronize(self):
            self.now, self.queued = self.now + self.queued, 0.0

        def clock(self):
            self.looks += 1
            return self.now

    for repeats in (10, 1, 4):
        toy = Device()
        answer = function(
            toy.launch, repeats, toy.synchronize, toy.clock
        )
        if not isinstance(answer, float):
            raise AssertionError(
                "Return one time as a float, and not a "
                f"{type(answer).__name__}."
            )
        if not toy.looks:
            raise AssertionError(
                "Read the time from clock(), not from another clock."
            )
        if toy.calls == 0:
            raise AssertionError(
                "The function that is to be timed was never called."
            )

        right = launch + work
        if repeats > 1 and _near(answer, right * repeats):
            raise AssertionError(
                "That is the time of all calls together: "
                "divide by repeats."
            )
        if _near(answer, launch) or _near(answer, launch * repeats):
            raise AssertionError(
                "You measured how long the launch takes, not the work: "
                "synchronize before you stop the clock, too."
            )
        if answer * repeats > first_call:
            raise AssertionError(
                "The slow first call is in your measurement: call the "
                "function once, as a warm-up, before you "
                "start the clock."
            )
        if answer * repeats > old_work:
            raise AssertionError(
                "Work from before is in your measurement: synchronize "
                "between the warm-up and the start of the clock."
            )
        if toy.calls != repeats + 1:
            raise AssertionError(
                f"With repeats={repeats} the function was called "
                f"{toy.calls} times: once to warm up, then "
                "repeats times."
            )
        if not _near(answer, right):
            raise AssertionError(
                f"With repeats={repeats} a call takes {right:.3f} "
                "seconds on the toy device, and you "
                f"return {answer:.3f}."
            )


def _near(one, other):
    return abs(one - other) < 1e-6


run_check(
    check_time_of,
    time_of,
    errors={
        "'float' object is not callable": "clock() reads the time: "
        "what it returned is a number, which cannot be called.",
        "'method'": "Call the clock: clock(), with the brackets.",
        "'NoneType'": "function() and synchronize() return nothing: "
        "the time comes from clock().",
        "takes 1 positional argument": "function, synchronize and "
        "clock take no arguments.",
    },
)
print("time_of: right")

# %% [markdown]
# ## Move any batch
#
# Batches come as tuples, lists and dictionaries of tensors, and as these inside
# each other, with a file name here and there. Write one function that moves them
# all. The check moves to the `meta` device, which every computer has: its tensors
# have a shape and a dtype, and no data. In the lesson:
# [Two kinds of .to](gpu.md#two-kinds-of-to).

# %% [markdown]
# - `batch`: a tensor of any shape, or a tuple, list or dict of batches,
#   nested to any depth. It stays as it is.
# - `device`: a `torch.device`, or its name.
# - Returns a batch of the same structure with every tensor on the
#   device. Anything else in it (a str, an int, None) is unchanged.


# %% move-batch
def move_batch(batch, device):
    """Return the batch with all its tensors on the device."""
    ### BEGIN SOLUTION
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {
            key: move_batch(part, device) for key, part in batch.items()
        }
    if isinstance(batch, (tuple, list)):
        return type(batch)(move_batch(part, device) for part in batch)
    return batch
    ### END SOLUTION


# %% check-move-batch
def check_move_batch(function):
    """Move batches to the meta device. Raises AssertionError with one
    hint.
    """

    def move(batch):
        return function(batch, "meta")

    images, labels = (
        torch.zeros(2, 3),
        torch.zeros(2, dtype=torch.int64),
    )
    answer = move(images)
    if (
        not isinstance(answer, torch.Tensor)
        or answer.device.type != "meta"
    ):
        raise AssertionError(
            "A tensor stayed where it was: .to(device) gives a new "
            "tensor, so return that one."
        )

    examples = {
        "a tuple": (images, labels),
        "a list": [images, labels],
        "a dict": {"images": images, "labels": labels},
        "a tuple with a file name": (images, "cat.png"),
        "a batch with None and a number": [images, None, 7],
        "a dict of lists": {
            "views": [images, images],
            "labels": labels,
        },
        "lists inside a tuple": ([images, (labels,)], [[images]]),
        "a file name alone": "cat.png",
        "an empty list": [],
    }
    for name, batch in examples.items():
        answer = move(batch)
        _compare(batch, answer, name)
        if (
            answer is batch
            and isinstance(batch, (tuple, list, dict))
            and batch
        ):
            raise AssertionError(
                f"You return the batch that was given ({name}): "
                "build a new one."
            )


def _compare(batch, answer, name):
    if isinstance(batch, torch.Tensor):
        if not isinstance(answer, torch.Tensor):
            kind = type(answer).__name__
            raise AssertionError(
                f"In {name} a tensor has become a {kind}."
            )
        if answer.device.type != "meta":
            raise AssertionError(
                f"In {name} a tensor stayed on the CPU: go through its "
                "parts, and use what .to(device) returns."
            )
        if answer.shape != batch.shape or answer.dtype != batch.dtype:
            raise AssertionError(
                f"In {name} a tensor has another shape or dtype."
            )
    elif type(answer) is not type(batch):
        raise AssertionError(
            f"In {name} a {type(batch).__name__} has become a "
            f"{type(answer).__name__}: keep the type of each container."
        )
    elif isinstance(batch, dict):
        if list(answer) != list(batch):
            raise AssertionError(
                f"The keys of {name} have changed: keep them."
            )
        for key in batch:
            _compare(batch[key], answer[key], name)
    elif isinstance(batch, (tuple, list)):
        if len(answer) != len(batch):
            raise AssertionError(
                f"The length of {name} has changed: keep all parts."
            )
        for part, moved in zip(batch, answer, strict=True):
            _compare(part, moved, name)
    elif answer != batch:
        raise AssertionError(
            f"In {name} {batch!r} has changed: return it unchanged."
        )


run_check(
    check_move_batch,
    move_batch,
    errors={
        "has no attribute 'to'": "Not everything in a batch can be "
        "moved: look at its type first, and return whatever is no "
        "tensor unchanged.",
        "RecursionError": "Your function calls itself without end: a "
        "str is made of strs, so go into tuples, lists and dicts only.",
        "is not iterable": "Not everything in a batch has parts: go "
        "into tuples, lists and dicts, and return the rest unchanged.",
        "does not support item assignment": "A tuple cannot be "
        "changed: build a new one.",
        "has no attribute": "Not everything in a batch can be moved: "
        "look at its type first, and return what is no "
        "tensor unchanged.",
    },
)
print("move_batch: right")
