"""Committed outputs: one text file per section and device, and how a new run differs from it.

In a transcript `≈` stands before each number, or name of a class, that varies from machine to
machine: the cell, or one that it needs, was measured to print others when run in another way; or it
is a time. It is compared in form: any other may stand in its place. Of other numbers, a decimal may
differ by one in its last digit, because what lies between two digits is rounded up on one processor
and down on the next. All else is compared as it was printed, except blanks: they pad numbers to
columns.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path

from tutorial.data.cifar10 import CLASSES
from tutorial.lesson import files

MARK = "≈"
WHOLE = "(varies)"  # at the head of a cell that does not always print the same words or lines
STAND_IN = "(stand-in)"  # at the head of a cell that was recorded without CIFAR-10
FAILED = "(failed)"  # at the head of one that failed on an accelerator: the text says how

CELL = re.compile(
    r"# %% (?P<name>[\w-]+) (?P<fingerprint>[0-9a-f]{8})(?: (?P<s>\d+\.?\d*(?:e[+-]?\d+)?) s)?"
    rf"(?P<whole> {re.escape(WHOLE)})?(?P<stand_in> {re.escape(STAND_IN)})?"
    rf"(?P<failed> {re.escape(FAILED)})?"
)
ESCAPED = re.compile(r"\\*# %%")  # a printed line that looks like the head of a cell
FACT = re.compile(r"^# (?P<key>[\w ]+): (?P<value>.*)$")
# With thousands in one number: 999 and 1,000 are of one form.
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
NUMBER = re.compile(rf"(?<![\w.])[-+]?{DIGITS}")
UNIT = r"(?:s|ms|µs|us|ns|(?:milli|micro|nano)?seconds?|minutes?|min(?!\W*\d))\b"
TIME = re.compile(rf"(?<![\w.,]){DIGITS}(?= ?{UNIT})")
SHAPE = re.compile(r"\(\d+(?:,|(?:, \d+)+)\)|torch\.Size\(\[[\d, ]*\]\)")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
TOKEN = re.compile(
    rf"{MARK}?(?:(?P<time>{TIME.pattern})|(?P<address>{ADDRESS.pattern})"
    rf"|(?P<number>{NUMBER.pattern})|\b(?P<class>{'|'.join(CLASSES)})\b)"
    r"|\w+|[^\w\s]|\n"
)


@dataclass(frozen=True)
class Entry:
    """One cell's output. `text` has the marks, `output` is what was printed.

    seconds: kept where runs are rare (accelerators), else None. whole: only whether it prints
    anything is compared. stand_in: recorded on the drawn stand-in for CIFAR-10. failed: the text
    is not an output, but says why there is none.
    """

    fingerprint: str
    text: str
    seconds: float | None = None
    whole: bool = False
    stand_in: bool = False
    failed: bool = False

    @property
    def output(self) -> str:
        return unmarked(self.text)

    @property
    def varies(self) -> bool:
        """Whether it printed other numbers, times aside, or words when run in another way."""
        marked = (token for token in _tokens(self.text) if token[0] != _value(token))
        return self.whole or any(token["number"] or token["class"] for token in marked)

    def agrees(self, output: str, in_form: bool = False) -> bool:
        """Whether a run printed this. in_form: on other data, so that any number may differ."""
        if self.failed:
            return False
        if self.whole:
            return bool(self.text) == bool(output)
        return agrees(self.text, output, in_form)


@dataclass
class Transcript:
    """`facts`: device, versions, data set, in order; `cells`: their entries by name, in order."""

    facts: dict[str, str] = field(default_factory=dict)
    cells: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Transcript":
        """An empty one if there is no such file. Not to be changed: a page asks for each cell."""
        return _read(path, files.stamp(path)) if path.exists() else cls()

    @classmethod
    def parse(cls, content: str) -> "Transcript":
        """What `write` wrote."""
        transcript = cls()
        opened, lines = None, []
        for line in [*content.split("\n"), "# %% end 00000000"]:
            if match := CELL.fullmatch(line):
                if opened:
                    transcript.cells[opened["name"]] = Entry(
                        opened["fingerprint"],
                        "\n".join(lines).strip("\n"),
                        float(opened["s"]) if opened["s"] else None,
                        bool(opened["whole"]),
                        bool(opened["stand_in"]),
                        bool(opened["failed"]),
                    )
                opened, lines = match, []
            elif opened is None and (match := FACT.match(line)):
                transcript.facts[match["key"]] = match["value"]
            else:
                lines.append(line.removeprefix("\\") if ESCAPED.match(line) else line)
        return transcript

    def write(self, path: Path) -> None:
        parts = ["\n".join(f"# {key}: {value}" for key, value in self.facts.items())]
        for name, entry in self.cells.items():
            head = f"# %% {name} {entry.fingerprint}"
            head += "" if entry.seconds is None else f" {entry.seconds:.3g} s"
            head += f" {WHOLE}" * entry.whole + f" {STAND_IN}" * entry.stand_in
            head += f" {FAILED}" * entry.failed
            lines = [f"\\{s}" if ESCAPED.match(s) else s for s in entry.text.split("\n")]
            parts.append("\n".join([head, *lines]) if entry.text else head)
        files.write(path, "\n\n".join(parts) + "\n")

    def current(self, fingerprints: dict[str, str]) -> dict[str, Entry]:
        """The cells that, with all cells before them, are as they were when recorded."""
        entries = {}
        for name, fingerprint in fingerprints.items():
            entry = self.cells.get(name)
            if entry is None or entry.fingerprint != fingerprint:
                break
            entries[name] = entry
        return entries


@lru_cache(maxsize=64)
def _read(path: Path, stamp: str) -> Transcript:
    return Transcript.parse(files.read(path))


# What varies


def _tokens(text: str) -> list[re.Match]:
    return list(TOKEN.finditer(text))


def _kind(token: re.Match) -> str:
    """Tokens of one kind may stand for each other where they are compared in form."""
    return f"<{token.lastgroup}>" if token.lastgroup else token[0]


def _value(token: re.Match) -> str:
    return token[token.lastgroup] if token.lastgroup else token[0]


def unmarked(text: str) -> str:
    """A transcript's text as it was printed."""
    return TOKEN.sub(_value, text)


def agrees(committed: str, output: str, in_form: bool = False) -> bool:
    """Whether an output is what a transcript says, whose numbers may be marked.

    in_form: every number, and every name of a class, counts as marked.
    """
    ours, theirs = _tokens(committed), _tokens(output)
    return len(ours) == len(theirs) and all(
        _kind(a) == _kind(b) if in_form or a[0] != _value(a) else _equal(a, b)
        for a, b in zip(ours, theirs, strict=True)
    )


def _equal(token: re.Match, other: re.Match) -> bool:
    if token["number"] and other["number"]:
        a, b = token["number"], other["number"]
        return a == b or (_last_digit(a) == _last_digit(b) and _close(a, b))
    return _value(token) == _value(other)


def mark(text: str, others: Iterable[str], below: bool = False) -> str | None:
    """What a cell printed, with a mark before each number or class that `others` have otherwise.

    others: what the same cell printed in other runs, or a transcript's text with its marks. Where
    one of a cell varies, all its decimals and percentages do and all numbers and classes of that
    line: that two are equal by chance proves nothing. below: the cell needs one that varies; then
    all its numbers and classes do, even if none differs. A shape, `(8, 3, 32, 32)`, and a class
    that begins a line, as in a table, are marked only where they differ themselves. Times are
    always marked.
    Returns None where more than that varies: another word, another number of lines.
    """
    lines = [_tokens(line) for line in text.split("\n")]
    varies: list[set[int]] = [set() for _ in lines]  # where numbers and classes begin that differ
    for other in others:
        rows = [_tokens(line) for line in other.split("\n")]
        if [list(map(_kind, line)) for line in lines] != [list(map(_kind, row)) for row in rows]:
            return None
        for number, (line, row) in enumerate(zip(lines, rows, strict=True)):
            varies[number].update(
                a.start()
                for a, b in zip(line, row, strict=True)
                if (a["number"] or a["class"]) and b[0] != _value(a)
            )
    all_vary = below and not any(varies)

    def marked(token: re.Match, differ: set[int], same_shapes: list[range]) -> str:
        if not token.lastgroup:  # a word
            return token[0]
        exact = False
        if token["class"]:
            begins_line = not token.string[: token.start()].strip()
            exact = begins_line or not (differ or below)
        elif token["number"]:
            shape = any(token.start() in span for span in same_shapes)
            rounded = re.search(r"[.eE]", token[0]) or token.string[token.end() :].startswith("%")
            exact = shape or not (differ or all_vary or (any(varies) and rounded))
        if exact and token.start() not in differ:
            return token[0]
        return MARK + _value(token)

    result = []
    for line, differ in zip(text.split("\n"), varies, strict=True):
        shapes = (range(*match.span()) for match in SHAPE.finditer(line))
        same_shapes = [span for span in shapes if differ.isdisjoint(span)]
        result.append(TOKEN.sub(partial(marked, differ=differ, same_shapes=same_shapes), line))
    return "\n".join(result)


def _form(token: re.Match) -> str:
    return token[0] if token["class"] else _kind(token)


def diff(committed: str, output: str, in_form: bool = False) -> str:
    """A readable account of what changed: whole lines that do not agree, old and new."""
    lines, fresh = committed.split("\n"), output.split("\n")
    if len(lines) == len(fresh):  # keep lines that agree out of the account
        lines = [
            new_line if agrees(line, new_line, in_form) else line
            for line, new_line in zip(lines, fresh, strict=True)
        ]
    delta = difflib.unified_diff(lines, fresh, "committed", "this run", lineterm="", n=1)
    return "\n".join(delta)


# How two devices differ, for a reader


def same(old: str, new: str) -> bool:
    """Whether two outputs agree: words exactly, numbers to a unit of the last digit, times not."""
    ours, theirs = _tokens(old), _tokens(new)
    return list(map(_form, ours)) == list(map(_form, theirs)) and all(map(_alike, ours, theirs))


def _alike(token: re.Match, other: re.Match) -> bool:
    """Of two tokens of one form, whether they agree by same()."""
    return not token["number"] or _close(token["number"], other["number"])


def same_to_a_reader(old: str, new: str) -> bool:
    """As same(), but for somebody who compares two devices, whose times are what matters."""
    return same(old, new) and TIME.findall(old) == TIME.findall(new)


def differences(old: str, new: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where two outputs do not agree by same(): spans of either text. Times are in none."""
    ours, theirs = _tokens(old), _tokens(new)
    agree: tuple[set[int], set[int]] = (set(), set())
    for start, end, other, other_end in _regions(ours, theirs):
        for at, at_other, size in _matches(ours[start:end], theirs[other:other_end]):
            for step in range(size):
                a, b = start + at + step, other + at_other + step
                if _alike(ours[a], theirs[b]):
                    agree[0].add(a)
                    agree[1].add(b)
    return _spans(old, ours, agree[0]), _spans(new, theirs, agree[1])


def _regions(ours: list[re.Match], theirs: list[re.Match]) -> Iterator[tuple[int, int, int, int]]:
    """Which tokens to compare with which, (start, end) of either: by lines that are the same."""
    if list(map(_form, ours)) == list(map(_form, theirs)):
        yield 0, len(ours), 0, len(theirs)
        return
    lines, starts = [], []
    for tokens in (ours, theirs):
        ends = [number + 1 for number, token in enumerate(tokens) if token[0] == "\n"]
        starts.append([0, *ends, len(tokens)])
        values = [token["number"] or _form(token) for token in tokens]
        lines.append([tuple(values[a:b]) for a, b in pairwise(starts[-1])])
    for _, a, b, c, d in difflib.SequenceMatcher(None, *lines, autojunk=False).get_opcodes():
        yield starts[0][a], starts[0][b], starts[1][c], starts[1][d]


def _matches(ours: list[re.Match], theirs: list[re.Match]) -> list[tuple[int, int, int]]:
    """(start, other start, length) of tokens that are of the same form."""
    forms = [list(map(_form, ours)), list(map(_form, theirs))]
    if forms[0] == forms[1]:  # the usual case, and difflib is slow where many forms are the same
        return [(0, 0, len(ours))]
    blocks = difflib.SequenceMatcher(None, *forms, autojunk=False).get_matching_blocks()
    ends = [(0, 0), *((start + size, other + size) for start, other, size in blocks)]
    return [
        (start, other, size)
        for number, (start, other, size) in enumerate(blocks[:-1])
        # A bracket that two different words have beside them by chance is no agreement.
        if any(re.search(r"\w|\n", form) for form in forms[0][start : start + size])
        or ends[number] == (start, other)
        or ends[number + 1] == blocks[number + 1][:2]
    ]


def _spans(text: str, tokens: list[re.Match], agree: set[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number, token in enumerate(tokens):
        if number in agree or token[0] == "\n":
            continue
        start = token.start()
        if spans and number - 1 not in agree and "\n" not in text[spans[-1][1] : start]:
            start = spans.pop()[0]
        spans.append((start, token.end()))
    return spans


def _close(old: str, new: str) -> bool:
    a, b = (float(number.replace(",", "")) for number in (old, new))
    if a == b:
        return True
    units = [_last_digit(n) for n in (old, new) if re.search(r"\.\d|e", n, re.IGNORECASE)]
    return bool(units) and abs(a - b) <= 1.001 * max(units)  # whole numbers count: exact


def _last_digit(number: str) -> float:
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)
