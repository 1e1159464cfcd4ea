"""Sentences that compare what was trained: each holds for the committed results by a margin.

A number on a page comes from a run and cannot be wrong. A sentence about two of them can: the next
measurement may turn it round.
"""

import json
import re
import statistics
from pathlib import Path

import pytest

from tutorial.lesson.project import Project
from tutorial.record.transcripts import Transcript

ROOT = Path(__file__).resolve().parents[1]
RESULTS = json.loads((ROOT / "outputs/cpu/results.json").read_text("utf-8"))["recipes"]


def values(recipe: str) -> list[float]:
    return RESULTS[recipe]["accuracy"]["values"]


def uncertainty(*recipes: str) -> float:
    """Standard error of the difference between the mean accuracies of two recipes."""
    return sum(statistics.variance(values(r)) / len(values(r)) for r in recipes) ** 0.5


def better(recipe: str, other: str) -> bool:
    """Whether the mean accuracy is higher by two standard errors."""
    gain = statistics.mean(values(recipe)) - statistics.mean(values(other))
    return gain > 2 * uncertainty(recipe, other)


def alike(recipe: str, other: str) -> bool:
    gain = statistics.mean(values(recipe)) - statistics.mean(values(other))
    return abs(gain) < 2 * uncertainty(recipe, other)


def faster(recipe: str, other: str, times: float) -> bool:
    seconds = [RESULTS[r]["seconds"]["median"] for r in (recipe, other)]
    return seconds[1] > times * seconds[0]


def share_of_seeds(recipe: str) -> float:
    """Which part of the variance of class accuracies comes from the seed."""
    classes = [each["values"] for each in RESULTS[recipe]["classes"].values()]
    within = statistics.mean(map(statistics.variance, classes))
    return within / statistics.variance([value for row in classes for value in row])


def printed(section: str, cell: str, pattern: str) -> float:
    """The number in the line of a committed output that begins with a pattern."""
    text = Transcript.read(Project(ROOT).transcript("cpu", section)).cells[cell].output
    (number,) = re.findall(rf"^{pattern}\D*(\d+\.\d+)", text, re.MULTILINE)
    return float(number)


def images(way: str) -> float:
    """Accuracy in per cent on test images that were prepared in some way; one seed."""
    return printed("images", "wrong-ways", re.escape(way))


CLAIMS = [
    (
        "faster",
        "The accuracy is the same within its spread",
        lambda: alike("one-tensor", "plain-loop"),
    ),
    (
        "faster",
        "One cycle reaches",
        lambda: better("one-cycle", "blitz") and faster("one-cycle", "blitz", times=2),
    ),
    ("faster", "above the shorter cycle", lambda: better("longer", "one-cycle")),
    ("faster", "above one view", lambda: better("both-views", "wide")),
    (
        "inside",
        "the weaker a recipe, the larger the part of the seed",
        lambda: (
            share_of_seeds("wide")
            < share_of_seeds("one-cycle")
            < share_of_seeds("plain-loop")
            < share_of_seeds("one-tensor")
        ),
    ),
    (
        "images",
        "Too small is worse than too large",
        lambda: images("scaled twice") + 10 < images("normalised, not scaled"),
    ),
    (
        "images",
        "is as bad: the scrambled image",
        lambda: abs(images("reshape for permute") - images("scaled twice")) < 5,
    ),
    (
        "images",
        "Wrong colours are worse than none",
        lambda: images("blue first") + 5 < images("grey"),
    ),
    (
        "images",
        "Nearly right statistics cost little",
        lambda: abs(images("statistics of ImageNet") - images("right")) < 2,
    ),
    (
        "images",
        "Mirroring costs little or nothing",
        lambda: images("right") - images("mirrored") < 2,
    ),
    ("images", "They do know up from down", lambda: images("right") - images("upside down") > 10),
    (
        "images",
        "this network does worse on it",
        lambda: images("coarse, antialias") + 2 < images("coarse, no antialias"),
    ),
]


@pytest.mark.parametrize(
    ("page", "sentence", "holds"), CLAIMS, ids=[sentence for _, sentence, _ in CLAIMS]
)
def test_what_a_page_says_of_trained_numbers_holds(page, sentence, holds):
    text = " ".join((ROOT / "docs" / f"{page}.md").read_text("utf-8").split())
    assert sentence in text, f"docs/{page}.md no longer says this: remove or change the row"
    assert holds(), f'docs/{page}.md says "{sentence}", and the results do not'
