"""Committed outputs: one text file per section and device, and how a new run differs from it."""

import difflib
import math
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

CELL = re.compile(r"^# %% (?P<name>[\w-]+) (?P<fingerprint>[0-9a-f]{8})(?: (?P<s>[\d.e+-]+) s)?$")
FACT = re.compile(r"^# (?P<key>[\w ]+): (?P<value>.*)$")
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TIME = re.compile(
    r"\b\d+(?:\.\d+)?(?:e[-+]?\d+)?(?= ?(?:s|ms|µs|us|ns|seconds|minutes|min(?!\W*\d))\b)"
)
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
TOKEN = re.compile(
    rf"(?P<time>{TIME.pattern})|(?P<address>{ADDRESS.pattern})|(?P<number>{NUMBER.pattern})"
    r"|\w+|[^\w\s]|\n"
)


@dataclass(frozen=True)
class Entry:
    """One cell's output. `seconds` is kept where runs are rare (accelerators), else None."""

    fingerprint: str
    text: str
    seconds: float | None = None


@dataclass
class Transcript:
    """`facts`: device, versions, data set, in order; `cells`: their entries by name, in order."""

    facts: dict[str, str] = field(default_factory=dict)
    cells: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Transcript":
        """An empty one if there is no such file."""
        return cls.parse(path.read_text(encoding="utf-8") if path.exists() else "")

    @classmethod
    def parse(cls, content: str) -> "Transcript":
        """What `write` wrote."""
        transcript = cls()
        opened, lines = None, []
        for line in [*content.split("\n"), "# %% end 00000000"]:
            if match := CELL.match(line):
                if opened:
                    seconds = float(opened["s"]) if opened["s"] else None
                    text = "\n".join(lines).strip("\n")
                    transcript.cells[opened["name"]] = Entry(opened["fingerprint"], text, seconds)
                opened, lines = match, []
            elif opened is None and (match := FACT.match(line)):
                transcript.facts[match["key"]] = match["value"]
            else:
                lines.append(line)
        return transcript

    def write(self, path: Path) -> None:
        parts = ["\n".join(f"# {key}: {value}" for key, value in self.facts.items())]
        for name, entry in self.cells.items():
            seconds = "" if entry.seconds is None else f" {entry.seconds:.3g} s"
            head = f"# %% {name} {entry.fingerprint}{seconds}"
            parts.append(f"{head}\n{entry.text}" if entry.text else head)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")

    def current(self, fingerprints: dict[str, str]) -> dict[str, Entry]:
        """The cells that, with all cells before them, are as they were when recorded."""
        entries = {}
        for name, fingerprint in fingerprints.items():
            entry = self.cells.get(name)
            if entry is None or entry.fingerprint != fingerprint:
                break
            entries[name] = entry
        return entries


def same(old: str, new: str, tolerance: float | None = None) -> bool:
    """Whether two outputs agree: words exactly, numbers within `tolerance`, times not at all.

    `tolerance` is relative or absolute, whichever is larger. Without one, two numbers may differ
    by one unit of the last digit printed.
    """
    shapes, numbers = zip(*map(_split, (old, new)), strict=True)
    return shapes[0] == shapes[1] and all(
        _close(a, b, tolerance) for a, b in zip(*numbers, strict=True)
    )


def same_to_a_reader(old: str, new: str) -> bool:
    """As same(), but for somebody who compares two devices, whose times are what matters."""
    return same(old, new) and TIME.findall(old) == TIME.findall(new)


def differences(old: str, new: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where two outputs do not agree by same(): spans of either text. Times are in none."""
    ours, theirs = _tokens(old), _tokens(new)
    agree: tuple[set[int], set[int]] = (set(), set())
    for start, end, other, other_end in _regions(ours, theirs):
        for at, at_other, size in _matches(ours[start:end], theirs[other:other_end]):
            for a in range(start + at, start + at + size):
                b = a - start - at + other + at_other
                if ours[a][0] != "<number>" or _close(ours[a][1][0], theirs[b][1][0], None):
                    agree[0].add(a)
                    agree[1].add(b)
    return _spans(old, ours, agree[0]), _spans(new, theirs, agree[1])


def _regions(ours: list, theirs: list) -> list[tuple[int, int, int, int]]:
    """Which tokens to compare with which, (start, end) of either: by lines that are the same."""
    if [kind for kind, _ in ours] == [kind for kind, _ in theirs]:
        return [(0, len(ours), 0, len(theirs))]
    lines, starts = [], []
    for tokens in (ours, theirs):
        ends = [number + 1 for number, (kind, _) in enumerate(tokens) if kind == "\n"]
        starts.append([0, *ends, len(tokens)])
        values = [match[0] if kind == "<number>" else kind for kind, match in tokens]
        lines.append([tuple(values[a:b]) for a, b in pairwise(starts[-1])])
    matcher = difflib.SequenceMatcher(None, *lines, autojunk=False)
    return [
        (starts[0][a], starts[0][b], starts[1][c], starts[1][d])
        for _, a, b, c, d in matcher.get_opcodes()
    ]


def _matches(ours: list, theirs: list) -> list[tuple[int, int, int]]:
    """(start, other start, length) of tokens that are of the same shape."""
    kinds = [[kind for kind, _ in tokens] for tokens in (ours, theirs)]
    if kinds[0] == kinds[1]:  # the usual case, and difflib is slow where many kinds are the same
        return [(0, 0, len(ours))]
    found = difflib.SequenceMatcher(None, *kinds, autojunk=False).get_matching_blocks()
    ends = [(0, 0), *((start + size, other + size) for start, other, size in found)]
    return [
        (start, other, size)
        for number, (start, other, size) in enumerate(found[:-1])
        # A bracket that two different words have beside them by chance is no agreement.
        if any(re.search(r"\w|\n", kind) for kind in kinds[0][start : start + size])
        or ends[number] == (start, other)
        or ends[number + 1] == found[number + 1][:2]
    ]


def _tokens(text: str) -> list[tuple[str, re.Match]]:
    """(kind, match): names, signs, and what same() compares in another way, of one kind each."""
    return [
        (f"<{match.lastgroup}>" if match.lastgroup else match[0], match)
        for match in TOKEN.finditer(text)
    ]


def _spans(text: str, tokens: list[tuple[str, re.Match]], agree: set[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number, (kind, match) in enumerate(tokens):
        if number in agree or kind == "\n":
            continue
        start = match.start()
        if spans and number - 1 not in agree and "\n" not in text[spans[-1][1] : start]:
            start = spans.pop()[0]
        spans.append((start, match.end()))
    return spans


def diff(old: str, new: str, tolerance: float | None = None) -> str:
    """A readable account of what changed: whole lines that do not agree, old and new."""
    lines, fresh = old.split("\n"), new.split("\n")
    if len(lines) == len(fresh):  # keep lines that agree within the tolerance out of the account
        lines = [
            new_line if same(line, new_line, tolerance) else line
            for line, new_line in zip(lines, fresh, strict=True)
        ]
    delta = difflib.unified_diff(lines, fresh, "committed", "this run", lineterm="", n=1)
    return "\n".join(delta)


def _split(text: str) -> tuple[str, list[str]]:
    text = ADDRESS.sub("<address>", TIME.sub("<time>", text))
    shape = re.sub(r"[ \t]+", " ", NUMBER.sub("<number>", text))
    # What pads a number to its column is gone once the number has more digits.
    shape = re.sub(r"(?<=[\[(]) |(?m:^ (?=<(?:number|time)>))", "", shape)
    return shape.strip(), NUMBER.findall(text)


def _close(old: str, new: str, tolerance: float | None) -> bool:
    a, b = float(old), float(new)
    if a == b:
        return True
    if tolerance is not None:
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    units = [_last_digit(n) for n in (old, new) if re.search(r"\.\d|e", n, re.IGNORECASE)]
    return bool(units) and abs(a - b) <= 1.001 * max(units)  # whole numbers count: exact


def _last_digit(number: str) -> float:
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)
