# %% [markdown]
# # Lab: from cells to a program
#
# Three exercises: read options that cannot be misunderstood, train in a
# loop that can be interrupted, and compute the column *self* of a
# profile. Replace each `...` by your own code and run the cell, then
# run the check below it: it says in one sentence what is wrong. The
# lesson is [A project: from cells to a program](project.md).

# %% imports
import argparse
import contextlib
import io
import tempfile
from pathlib import Path

import torch
from checking import run_check
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## A switch and a positive number
#
# A program takes three options: `--augment` and its opposite
# `--no-augment`, without either of which it augments; `--rate`, a float
# above zero, 0.1 by default; and `--sizes`, one or more whole numbers,
# 32 alone by default. What is not allowed ends the program, with a
# message of argparse that names the option. In the lesson:
# [Arguments](project.md#arguments).

# %% [markdown]
# - `words`: a list of str, what stands on the command line.
# - Returns what `parse_args` returns, with the attributes `augment`, a
#   bool, `rate`, a float, and `sizes`, a list of ints.


# %% parse-options
def parse_options(words):
    """Return the options that the words stand for."""

    ### BEGIN SOLUTION
    def positive(word):
        number = float(word)
        if not number > 0:
            raise argparse.ArgumentTypeError(f"{word} is not above 0")
        return number

    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--augment",
        action=argparse.BooleanOptionalAction,
        default=True,
    )
    parser.add_argument("--rate", type=positive, default=0.1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32])
    return parser.parse_args(words)
    ### END SOLUTION


# %% check-parse-options
def check_parse_options(function):
    """Try command lines. Raises AssertionError with one hint."""

    def ask(line):
        """Return the options, or what argparse says, as a str."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            try:
                return function(line.split())
            except SystemExit as stopped:
                if stopped.code == 2:
                    return said.getvalue().strip().split("\n")[-1]
                return f"exit code {stopped.code}"

    def must_be(line, name, value):
        options = ask(line)
        shown = f"`{line}`" if line else "Without any option,"
        if isinstance(options, str):
            raise AssertionError(
                f"{shown} is allowed, but the program ends: {options}"
            )
        if not hasattr(options, name):
            raise AssertionError(
                f"The result has no attribute {name}: add --{name} to"
                " the parser, and return what parse_args returns."
            )
        mine = getattr(options, name)
        if mine != value or type(mine) is not type(value):
            raise AssertionError(
                f"{shown} gives {name} {mine!r}, but {value!r} is"
                " right."
            )

    must_be("", "augment", True)
    must_be("", "rate", 0.1)
    must_be("", "sizes", [32])
    must_be("--augment", "augment", True)
    must_be("--no-augment", "augment", False)
    must_be("--rate 0.25", "rate", 0.25)
    must_be("--rate 3", "rate", 3.0)
    must_be("--sizes 48", "sizes", [48])
    must_be("--sizes 48 24 12", "sizes", [48, 24, 12])
    for line, option in {
        "--rate 0": "--rate",
        "--rate -0.5": "--rate",
        "--rate nan": "--rate",
        "--rate fast": "--rate",
        "--sizes": "--sizes",
        "--sizes 2.5": "--sizes",
    }.items():
        answer = ask(line)
        if not isinstance(answer, str):
            raise AssertionError(
                f"`{line}` must end the program, but is accepted:"
                f" {vars(answer)}."
            )
        if "error: " not in answer or option not in answer:
            raise AssertionError(
                f"`{line}` ends the program, but with {answer!r}, and"
                f" not with a message of argparse about {option}:"
                " raise argparse.ArgumentTypeError in a function that"
                " is the option's type."
            )
    if not isinstance(ask("--augment no"), str):
        raise AssertionError(
            "`--augment no` must end the program: a switch takes no"
            " word, use BooleanOptionalAction."
        )


run_check(
    check_parse_options,
    parse_options,
    errors={
        "ArgumentTypeError": (
            "argparse turns this error into a message only if the"
            " function that raises it is the `type=` of an option."
        ),
        "missing 1 required positional argument: 'words'": (
            "parse_args takes the words as its argument."
        ),
        "conflicting option": (
            "BooleanOptionalAction adds --no-augment by itself."
        ),
        "unexpected keyword argument 'type'": (
            "A switch takes no word, so it has no type."
        ),
    },
)
print("parse_options: right")

# %% [markdown]
# ## A loop that can be interrupted
#
# `step()` is a training step: it draws random numbers, for example for
# dropout, and changes the network by way of the optimizer. Call it
# until it has been called `count` times *in all*: if `file` exists, an
# earlier call of your function was interrupted, and the steps that it
# has saved are done. Save after each step, all that the next one
# depends on. An interrupted training must end with the same weights as
# one that was not interrupted. In the lesson:
# [A checkpoint with everything in it](project.md#checkpoint).

# %% [markdown]
# - `file`: a `pathlib.Path`, where the checkpoint is or will be.
# - `net`, `optimizer`: as they are at the start of the program, so new
#   also when an interrupted training goes on.
# - `step`: a function without arguments. It may raise: this is the
#   interruption, which is not to be caught.
# - `count`: an int, the number of steps in all.
# - Returns nothing.


# %% train-on
def train_on(file, net, optimizer, step, count):
    """Train up to `count` steps, going on from the checkpoint."""
    ### BEGIN SOLUTION
    done = 0
    if file.exists():
        state = torch.load(file, weights_only=True)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        done = state["done"]
    for number in range(done, count):
        step()
        state = {
            "net": net.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "done": number + 1,
        }
        torch.save(state, file)
    ### END SOLUTION


# %% check-train-on
class _Interrupted(Exception):
    """Stands for the end of a process."""


def check_train_on(function):
    """Interrupt and compare. Raises AssertionError with one hint."""
    with tempfile.TemporaryDirectory() as folder:
        _check_training(function, Path(folder))


def _start(file, function, count, stop=None, seed=0):
    """One start of the program; return network and calls of step."""
    torch.manual_seed(seed)
    # Batch norm has buffers, and dropout draws random numbers.
    net = nn.Sequential(
        nn.Linear(3, 5),
        nn.BatchNorm1d(5),
        nn.Dropout(0.5),
        nn.Linear(5, 2),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    calls = []

    def step():
        if len(calls) == stop:
            raise _Interrupted
        calls.append(len(calls))
        images, labels = torch.randn(6, 3), torch.randint(2, (6,))
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    try:
        function(file, net, optimizer, step, count)
        if stop is not None:
            raise AssertionError(
                "step() has raised, and your function goes on: do not"
                " catch the interruption."
            )
    except AssertionError as error:
        # The interruption comes back as the explanation of an error.
        if "_Interrupted" not in str(error):
            raise
    return net, calls


def _check_training(function, folder):
    straight, calls = _start(folder / "a.pt", function, count=7)
    if not calls:
        raise AssertionError(
            "step() was never called: perhaps the blank is still empty."
        )
    if len(calls) != 7:
        raise AssertionError(
            "Without an interruption and with count=7, step() is"
            f" called {len(calls)} times."
        )
    if not (folder / "a.pt").exists():
        raise AssertionError(
            "Nothing is saved: torch.save(state, file) after each step."
        )
    file = folder / "b.pt"
    _start(file, function, count=7, stop=4)
    if not file.exists():
        raise AssertionError(
            "Interrupted in step 5, the program has saved nothing: save"
            " after each step, not at the end."
        )
    resumed, calls = _start(file, function, count=7, seed=0)
    if len(calls) != 3:
        raise AssertionError(
            "Four of seven steps were done before the interruption, so"
            f" three are left, but step() is called {len(calls)} times:"
            " save how many are done, and save after the step."
        )
    one, other = straight.state_dict(), resumed.state_dict()
    different = [k for k in one if not torch.equal(one[k], other[k])]
    if different and _only_other_numbers(function, folder):
        raise AssertionError(
            "The resumed training draws other random numbers than the"
            " uninterrupted one: save torch.get_rng_state(), and set it"
            " again when all else is loaded."
        )
    if different:
        raise AssertionError(
            f"After the resumption, {len(different)} of {len(one)}"
            f" tensors are not those of the uninterrupted training,"
            f" {different[0]} for example: the network has buffers, and"
            " the optimizer a momentum, so save both state dicts."
        )
    _, calls = _start(file, function, count=7)
    if calls:
        raise AssertionError(
            "All seven steps are done, and yet a further start calls"
            " step() again."
        )
    _, calls = _start(file, function, count=9)
    if len(calls) != 2:
        raise AssertionError(
            "Seven steps are done, and with count=9 two are left, but"
            f" step() is called {len(calls)} times."
        )


def _only_other_numbers(function, folder):
    """Whether it resumes well where all steps draw the same numbers."""

    def seeded(file, net, optimizer, step, count):
        def same_numbers():
            torch.manual_seed(1)
            step()

        function(file, net, optimizer, same_numbers, count)

    straight, _ = _start(folder / "c.pt", seeded, count=7)
    _start(folder / "d.pt", seeded, count=7, stop=4)
    resumed, _ = _start(folder / "d.pt", seeded, count=7)
    pairs = zip(
        straight.state_dict().values(),
        resumed.state_dict().values(),
        strict=True,
    )
    return all(torch.equal(one, other) for one, other in pairs)


run_check(
    check_train_on,
    train_on,
    errors={
        "No such file": (
            "At the first start there is no checkpoint: ask"
            " file.exists() before you load it."
        ),
        "Weights only load failed": (
            "torch.load refuses objects with code of their own: save"
            " state dicts, tensors and numbers, not the network."
        ),
        "RNG state must be": (
            "torch.set_rng_state takes the tensor that"
            " torch.get_rng_state() has returned."
        ),
        "Missing key(s) in state_dict": (
            "load_state_dict takes what state_dict() has returned, and"
            " not the dictionary around it."
        ),
        "KeyError": "The checkpoint has no such entry: save it, too.",
    },
    changes=("net", "optimizer"),
    returns=False,
)
print("train_on: right")

# %% [markdown]
# ## Self time
#
# A profiler has recorded calls of functions, each with its start and
# its end. A call that lies within another one was made by it, or by
# something that it has called. The *self* time of a call is its
# duration without the calls that lie directly in it. Add it up for each
# name. In the lesson:
# [Where does the time go?](project.md#where-does-the-time-go).

# %% [markdown]
# - `calls`: a list of tuples (name, start, end) in any order: a str and
#   two ints, microseconds. Two calls are either one within the other or
#   apart. No two start at the same time, and none is empty.
# - Returns a dict from each name to its self time, an int.


# %% self-times
def self_times(calls):
    """Return the self time of each name, in microseconds."""
    ### BEGIN SOLUTION
    times, running = {}, []
    for name, start, end in sorted(calls, key=lambda call: call[1]):
        while running and running[-1][1] <= start:
            running.pop()
        times[name] = times.get(name, 0) + end - start
        if running:
            times[running[-1][0]] -= end - start
        running.append((name, end))
    return times
    ### END SOLUTION


# %% check-self-times
def check_self_times(function):
    """Compare small profiles. Raises AssertionError with one hint."""
    apart = [("load", 0, 3), ("step", 3, 10), ("load", 12, 17)]
    nested = [
        ("step", 0, 100),
        ("forward", 5, 45),
        ("conv", 10, 30),
        ("copy", 12, 17),
        ("relu", 30, 37),
        ("backward", 45, 90),
        ("conv", 50, 81),
    ]
    recursive = [("f", 0, 50), ("f", 10, 40), ("g", 20, 27)]
    profiles = {
        "calls apart from each other": (apart, {"load": 8, "step": 7}),
        "nested calls": (
            nested,
            {
                "step": 15,
                "forward": 13,
                "conv": 46,
                "copy": 5,
                "relu": 7,
                "backward": 14,
            },
        ),
        "nested calls in reverse order": (
            nested[::-1],
            {
                "step": 15,
                "forward": 13,
                "conv": 46,
                "copy": 5,
                "relu": 7,
                "backward": 14,
            },
        ),
        "a function that calls itself": (recursive, {"f": 43, "g": 7}),
        "no calls": ([], {}),
    }
    for case, (calls, right) in profiles.items():
        mine = function(list(calls))
        if not isinstance(mine, dict):
            raise AssertionError(
                f"Return a dict, not a {type(mine).__name__}."
            )
        if set(mine) != set(right):
            raise AssertionError(
                f"With {case}, the names are {sorted(mine)}, but should"
                f" be {sorted(right)}."
            )
        total = {name: 0 for name in right}
        for name, start, end in calls:
            total[name] += end - start
        if mine == total and mine != right:
            raise AssertionError(
                f"With {case}, these are total times: subtract what"
                " lies within a call."
            )
        wrong = [name for name in right if mine[name] != right[name]]
        if not wrong:
            continue
        name = wrong[0]
        if mine[name] < 0 or mine[name] < right[name]:
            hint = (
                "too much is subtracted, or only the last call of a"
                " name counts: only calls that lie *directly* in one"
                " are subtracted from it, once."
            )
        else:
            hint = (
                "too little is subtracted: a call may hold several"
                " others, in any order of the list."
            )
        raise AssertionError(
            f"With {case}, {name} has a self time of {right[name]}, but"
            f" yours is {mine[name]}: {hint}"
        )


run_check(
    check_self_times,
    self_times,
    errors={
        "KeyError": "A name comes up for the first time: begin at 0.",
        "pop from empty list": (
            "Ask whether the list holds anything before you take its"
            " last entry."
        ),
        "list index out of range": (
            "Ask whether the list holds anything before you look at its"
            " last entry."
        ),
        "unpack": "Each call has three parts: name, start and end.",
    },
)
print("self_times: right")
