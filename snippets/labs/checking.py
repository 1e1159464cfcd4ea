"""How a check tries your code.

It ends within seconds, and says in one sentence what is wrong.
"""

import _thread
import dis
import functools
import inspect
import io
import signal
import sys
import threading
import traceback
from time import process_time

import torch

SECONDS, CHARACTERS = 4, 5_000  # that your code may take, and may print
ERRORS = "errors.html"  # the tutorial's page of error messages

# The first optimizer loads a large part of PyTorch, which takes
# seconds: not in a check.
torch.optim.SGD([torch.zeros(1)])


def run_check(check, function, errors=None, changes=(), returns=True):
    """Let `check` try `function`. Raises AssertionError with one
    sentence if it is wrong.

    errors: what an error means in this exercise, by a part of its
        message.
    changes: names of the arguments that the function is meant to
        change.
    returns: whether it is meant to return anything.
    """
    is_late, is_running, is_done = [], [True], threading.Event()

    def watch():
        started = process_time()
        while not is_done.wait(SECONDS):
            used = process_time() - started
            if not 0.02 * SECONDS < used < 0.7 * SECONDS:
                # Busy or waiting; in between, the computer does other
                # things too.
                break
        is_late.append(True)
        # Your code may catch all exceptions.
        while not is_done.wait(0.02):
            _thread.interrupt_main()

    def interrupt(*_):
        if is_running:
            raise KeyboardInterrupt

    problem, streams = "", (sys.stdout, sys.stderr)
    usual = signal.signal(signal.SIGINT, interrupt)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        try:
            sys.stdout = sys.stderr = _Brief(sys.stdout)
            check(_guarded(function, errors or {}, changes, returns))
        finally:
            is_running.clear()
    except AssertionError as wrong:
        problem = str(wrong)
    except KeyboardInterrupt:
        if not is_late:
            raise
        problem = (
            f"Your code was stopped after {SECONDS} seconds: look for "
            "a loop that never ends, because nothing in it changes "
            "its condition."
        )
    except Exception as error:
        problem = (
            "The check cannot use what your code returns; compare it "
            "with what the exercise asks for. "
            f"{explained(error, errors, who='The check')}"
        )
    finally:
        is_done.set()
        watcher.join()
        signal.signal(signal.SIGINT, usual)
        sys.stdout, sys.stderr = streams
    if problem:
        raise AssertionError(_shortened(problem, 1000))


def explained(error, errors=None, lines=(), who="Your code"):
    """What an error means in this exercise, and where to read on."""
    said = _shortened(f"{type(error).__name__}: {error}", 300)
    meanings = [
        hint for part, hint in (errors or {}).items() if part in said
    ]
    frames = traceback.walk_tb(error.__traceback__)
    if any(type(f.f_locals.get("device")) is int for f, _ in frames):
        # PyTorch's own words are about a GPU that is not there.
        meanings = [
            "A layer gets more numbers than it takes, and the last one "
            "becomes its device: nn.Linear takes two, how many "
            "features come in and how many go out."
        ]
    meaning = f"{meanings[0]} " if meanings else ""
    place = f" in the line `{lines[-1]}`" if lines else ""
    return f"{meaning}{who} stops{place} with {said} (see {ERRORS})"


def words_in(function):
    """The names in a function's code, and "for" if it has a loop."""
    codes = [
        getattr(
            inspect.unwrap(function), "__code__", run_check.__code__
        )
    ]
    words = set()
    for code in codes:
        codes += [
            part for part in code.co_consts if inspect.iscode(part)
        ]
        words.update(code.co_names)
        steps = {step.opname for step in dis.get_instructions(code)}
        # The end of a with or a try.
        steps.discard("JUMP_BACKWARD_NO_INTERRUPT")
        if any(
            step == "FOR_ITER" or "JUMP_BACKWARD" in step
            for step in steps
        ):
            words.add("for")
    return words


def _guarded(function, errors, changes, returns):
    """The function, with a sentence for what goes wrong in it."""

    names = inspect.signature(function).parameters
    words = words_in(function)
    # torch.utils.data is a module.
    has_data = "data" in words and "utils" not in words

    @functools.wraps(function)
    def call(*args, **options):
        kept = [_copied(argument) for argument in args]
        try:
            answer = function(*args, **options)
        except Exception as error:
            file = getattr(
                function, "__code__", call.__code__
            ).co_filename
            trace = traceback.extract_tb(error.__traceback__)[1:]
            lines = [
                frame.line
                for frame in trace
                if frame.filename == file and frame.line
            ]
            raise AssertionError(
                explained(error, errors, lines)
            ) from None
        for name, before, now in zip(names, kept, args, strict=False):
            if name not in changes and not _is_same(before, now):
                raise AssertionError(
                    f"Your code has changed `{name}`, which has to "
                    "stay as it is: make something new, as in x = x - "
                    "1, because x -= 1 and x.append(1) change what "
                    "you were given."
                )
        if returns and any(
            answer is nothing for nothing in (None, ..., NotImplemented)
        ):
            raise AssertionError(_empty(function))
        if has_data:
            raise AssertionError(
                "Leave out `.data`: autograd does not see what happens "
                "to it, and cannot warn you. Use detach(), or "
                "torch.no_grad() for a change in place."
            )
        return answer

    return call


def _empty(function):
    def nothing(): ...

    if hasattr(function, "__code__") and (
        _operations(function) <= _operations(nothing) | {"NOP"}
    ):
        return (
            "The blank is still empty: put your own code in the "
            "place of the dots."
        )
    return (
        "Your function returns nothing: a `return` is missing at its "
        "end, or after an if."
    )


def _operations(function):
    return {step.opname for step in dis.get_instructions(function)}


class _Brief(io.TextIOBase):
    """Hands on the beginning of what is printed."""

    def __init__(self, stream):
        self.stream, self.left = stream, CHARACTERS

    def write(self, text):
        self.stream.write(text[: self.left])
        if 0 < self.left <= len(text):
            self.stream.write("\n... and more, which is left out\n")
        self.left = max(0, self.left - len(text))
        return len(text)


def _shortened(text, length):
    text = " ".join(text.split())
    half = length // 2
    return (
        text
        if len(text) <= length
        else f"{text[:half]} ... {text[-half:]}"
    )


def _copied(value):
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(part) for part in value]
    return value


def _is_same(before, now):
    if isinstance(before, torch.Tensor):
        if (
            not isinstance(now, torch.Tensor)
            or before.device != now.device
        ):
            return False
        return before.is_meta or torch.equal(before, now)
    if isinstance(before, dict):
        return list(before) == list(now) and _is_same(
            [*before.values()], [*now.values()]
        )
    if isinstance(before, list):
        return len(before) == len(now) and all(
            map(_is_same, before, now)
        )
    return before is now or before == now
