"""Sentences that compare what was trained: each holds for the committed results by a margin.

A number on a page comes from a run and cannot be wrong. A sentence about two of them can: the next
measurement may turn it round.
"""

import json
import re
import statistics
from itertools import combinations
from pathlib import Path

import pytest

from tutorial.lesson.project import Project
from tutorial.record.transcripts import Transcript

ROOT = Path(__file__).resolve().parents[1]
RESULTS = json.loads((ROOT / "outputs/cpu/results.json").read_text("utf-8"))["recipes"]


def values(recipe: str) -> list[float]:
    return RESULTS[recipe]["accuracy"]["values"]


def uncertainty(*recipes: str) -> float:
    """Standard error of a sum or difference of the mean accuracies of recipes."""
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


def output(section: str, cell: str) -> str:
    """What a cell printed, as it was committed."""
    return Transcript.read(Project(ROOT).transcript("cpu", section)).cells[cell].output


def numbers(section: str, cell: str, pattern: str) -> list[float]:
    """The number in each line of a committed output that begins with a pattern."""
    text = output(section, cell)
    return [float(n) for n in re.findall(rf"^ *{pattern}\D*(\d+\.\d+)", text, re.MULTILINE)]


def printed(section: str, cell: str, pattern: str) -> float:
    """The number in the only such line."""
    (number,) = numbers(section, cell, pattern)
    return number


def percentages(cell: str, line: str) -> list[float]:
    """All percentages of the lines in an output of debugging that begin with a text."""
    text = output("debugging", cell)
    lines = [
        each
        for each in text.replace("≈", " ").splitlines()
        if " ".join(each.split()).startswith(line)
    ]
    assert lines, line
    return [float(n) for each in lines for n in re.findall(r"(\d+)%", each)]


def figures(cell: str, line: str) -> list[float]:
    """All numbers behind the beginning of the one such line in an output of overfit."""
    text = output("overfit", cell)
    lines = [" ".join(each.split()) for each in text.replace("≈", "").splitlines()]
    (rest,) = (each.removeprefix(line) for each in lines if each.startswith(line + " "))
    return [float(n) for n in re.findall(r"[-+]?\d+(?:\.\d+)?", rest)]


def gain(way: str) -> tuple[float, float]:
    """Mean difference in accuracy to the plain training, and two standard errors."""
    mean, error, *_ = figures("differences", f"{way} accuracy")
    return mean, 2 * error


def loss_change(way: str) -> tuple[float, float]:
    *_, mean, error = figures("differences", f"{way} accuracy")
    return mean, 2 * error


def reached(cell: str, line: str) -> list[float]:
    """The percentages in the lines of an output of transfer that begin with these words."""
    text = output("transfer", cell)
    lines = re.findall(rf"^ *{line} (.*)$", text.replace("≈", ""), re.MULTILINE)
    assert lines, line
    return [float(n) for each in lines for n in re.findall(r"(\d+(?:\.\d+)?)%", each)]


# Ways to train that reuse the body.
REUSED = ("frozen", "one rate", "two rates")


def gap(images: int, way: str) -> float:
    """Points between a way and training from scratch, by the number of images of each class."""
    place = 2 * [5, 20, 100].index(images)
    return reached("curve", way)[place] - reached("curve", "from scratch")[place]


# Of ten classes of one size.
def guessing(cell: str, *lines: str) -> bool:
    return all(percentage < 20 for line in lines for percentage in percentages(cell, line))


def learned(cell: str, *lines: str) -> bool:
    return all(percentage > 50 for line in lines for percentage in percentages(cell, line))


def spread_of_seeds(recipe: str) -> tuple[float, float]:
    """Standard deviation over the seeds: of the total accuracy, and the mean of the classes'."""
    classes = [each["values"] for each in RESULTS[recipe]["classes"].values()]
    return statistics.stdev(values(recipe)), statistics.mean(map(statistics.stdev, classes))


def large_gaps_stay(recipe: str) -> bool:
    """Whether the order of two classes is turned round by nearly no seed if their means are far
    apart, and by many if they are close.
    """
    classes = [each["values"] for each in RESULTS[recipe]["classes"].values()]
    large, small = [], []  # for each pair and seed, whether the order is that of the means
    for pair in combinations(classes, 2):
        gaps = [one - other for one, other in zip(*pair, strict=True)]
        gap = statistics.mean(gaps)
        into = large if abs(gap) > 0.25 else small if abs(gap) < 0.1 else []
        into += [seed * gap > 0 for seed in gaps]
    return len(large) >= 50 and statistics.mean(large) > 0.95 and statistics.mean(small) < 0.75


def mean(recipe: str) -> float:
    return 100 * statistics.mean(values(recipe))


def images(way: str, cell: str = "wrong-ways") -> float:
    """Accuracy in per cent on test images that were prepared in some way; one seed."""
    return printed("images", cell, re.escape(way) + ".*accuracy")


def in_other_light(way: str) -> list[float]:
    """The same for the test images, and for those that were made darker."""
    return numbers("images", "darker", f"{way} +accuracy")


def noise(decibels: str) -> float:
    """Accuracy in per cent on sounds with that ratio of signal to noise."""
    return printed("audio", "noise-levels", rf"SNR +≈?{re.escape(decibels)} dB: accuracy")


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
    (
        "faster",
        "neither step alone brings a gain that is clear beside the spread",
        lambda: alike("only-schedule", "one-tensor") and alike("all-but-schedule", "one-tensor"),
    ),
    (
        "faster",
        "which is far more than the sum of the two",
        lambda: (
            mean("one-cycle")
            - mean("only-schedule")
            - mean("all-but-schedule")
            + mean("one-tensor")
            > 200 * uncertainty("one-cycle", "only-schedule", "all-but-schedule", "one-tensor")
        ),
    ),
    (
        "faster",
        "in both rows the accuracies of the seeds lie closer together with it",
        lambda: all(
            statistics.stdev(values(constant)) > 2 * statistics.stdev(values(cycle))
            for constant, cycle in (
                ("one-tensor", "only-schedule"),
                ("all-but-schedule", "one-cycle"),
            )
        ),
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
    (
        "faster",
        "the network stops far below what is possible",
        lambda: mean("wide") > 15 + mean("plain-loop"),
    ),
    ("quick", "it is slower by far", lambda: faster("quick-loop", "quick-residual", times=2)),
    (
        "quick",
        "In two epochs at a small constant rate it gains a few points",
        lambda: (
            better("quick-residual", "quick-loop")
            and mean("quick-residual") < mean("quick-loop") + 6
        ),
    ),
    (
        "quick",
        "this accuracy is the same within its spread",
        lambda: alike("quick-larger-batch", "quick-one-cycle"),
    ),
    (
        "quick",
        "the network and the one cycle are what pays",
        lambda: (
            better("quick-residual", "quick-loop")
            and better("quick-one-cycle", "quick-channels-last")
        ),
    ),
    (
        "quick",
        "by no more than a few points, mostly downwards",
        lambda: all(
            -5 < mean(later) - mean("quick-one-cycle") < 0
            for later in (
                "quick-larger-batch",
                "quick-augmentation",
                "quick-smoothing",
                "quick-bfloat16",
            )
        ),
    ),
    (
        "fast_cifar10",
        "the second epoch brings",
        lambda: better("fast-cifar10", "fast-cifar10-epoch"),
    ),
    (
        "fast_cifar10",
        "**Muon makes the difference**",
        lambda: (
            min(
                mean("fast-cifar10-epoch") - mean("minute-without-muon"),
                mean("fast-cifar10-epoch") - mean("minute-small-first"),
            )
            > 3
            and all(
                abs(mean("fast-cifar10-epoch") - mean(f"minute-without-{part}")) < 1
                for part in ("whitening", "smoothing", "augmentation", "bfloat16")
            )
        ),
    ),
    (
        "fast_cifar10",
        "The accuracy is the same, but on a processor that has instructions for the format",
        lambda: (
            alike("minute-without-bfloat16", "fast-cifar10-epoch")
            and faster("fast-cifar10-epoch", "minute-without-bfloat16", times=1.5)
        ),
    ),
    (
        "fast_cifar10",
        "They save time, and cost more accuracy than that time is worth",
        lambda: (
            faster("minute-small-first", "fast-cifar10-epoch", times=1.1)
            # The second epoch brings less than that, in more time.
            and mean("fast-cifar10-epoch") - mean("minute-small-first")
            > mean("fast-cifar10") - mean("fast-cifar10-epoch")
        ),
    ),
    (
        "fast_cifar10",
        "**Two views are cheap**",
        lambda: better("minute-two-views", "fast-cifar10-epoch"),
    ),
    (
        "fast_cifar10",
        "change little in one epoch, and most of it is within what the seeds do",
        lambda: (
            sum(
                alike("fast-cifar10-epoch", f"minute-without-{part}")
                for part in ("whitening", "smoothing", "augmentation")
            )
            >= 2
        ),
    ),
    (
        "fast_cifar10",
        "how accurate can a network become in about **one minute** on two cores",
        lambda: (
            mean("fast-cifar10") >= 82
            and mean("fast-cifar10-epoch") >= 77
            and RESULTS["fast-cifar10"]["seconds"]["median"] <= 60
            and RESULTS["fast-cifar10"]["threads"] == 2
        ),
    ),
    (
        "overfit",
        "most of this gain does not appear in the other column",
        lambda: (
            figures("rate", "rate 0.1")[0] - figures("rate", "rate 0.01")[0]
            > 3 * (figures("rate", "rate 0.1")[1] - figures("rate", "rate 0.01")[1])
        ),
    ),
    (
        "overfit",
        "on new images it is sure of its wrong answers too",
        lambda: (
            figures("sure", "train")[1] > 90
            and figures("sure", "of wrong answers to validation images")[0] > 50
        ),
    ),
    (
        "overfit",
        "each of the five networks does better on new points",
        lambda: all(
            some > none
            for none, some in zip(
                figures("moons", "weight decay 0: training")[1:],
                figures("moons", "weight decay 5: training")[1:],
                strict=True,
            )
        ),
    ),
    (
        "overfit",
        "the network is not even good at its training points",
        lambda: (
            figures("moons", "weight decay 20: training")[0]
            < figures("moons", "weight decay 5: training")[0] - 5
        ),
    ),
    (
        "overfit",
        "it is no worse than the network without weight decay",
        lambda: (
            statistics.mean(figures("moons", "weight decay 20: training")[1:])
            > statistics.mean(figures("moons", "weight decay 0: training")[1:]) - 1
        ),
    ),
    (
        "overfit",
        "turns and rises above that of guessing",
        lambda: (
            figures("curves", "validation loss")[1]
            < 2.2
            < 2.4
            < figures("curves", "validation loss")[0]
        ),
    ),
    (
        "overfit",
        "The strongest of these prevents the network from learning even its training images",
        lambda: figures("decay", "weight decay 0.1")[0] < 40,
    ),
    (
        "overfit",
        "so early that the accuracy still rises by several points",
        lambda: figures("no-copy", "copy: loss")[1] + 2 < figures("no-copy", "last epoch: loss")[1],
    ),
    (
        "overfit",
        "More data help most, and augmentation comes next",
        lambda: (
            gain("5,000 images")[0] > gain("augmentation")[0] + 1 > gain("dropout")[0] + 3
            and loss_change("5,000 images")[0] < loss_change("augmentation")[0] < -1
            and gain("augmentation")[0] > 3
        ),
    ),
    (
        "overfit",
        "Dropout raises the accuracy by a point or so, and weight decay leaves it as it is",
        lambda: (
            gain("dropout")[1] < gain("dropout")[0] < 2
            and abs(gain("weight decay")[0]) < 0.5
            and all(loss_change(way)[0] < -0.4 for way in ("dropout", "weight decay"))
        ),
    ),
    (
        "overfit",
        "The smaller network has a *lower* accuracy",
        lambda: sum(gain("smaller network")) < 0,
    ),
    (
        "overfit",
        "Early stopping by the loss costs accuracy",
        lambda: (
            sum(gain("stopped by loss")) < 0
            and sum(loss_change("stopped by loss")) < loss_change("weight decay")[0]
        ),
    ),
    (
        "overfit",
        "Stopping by the accuracy brings no accuracy",
        lambda: -1 < gain("stopped by accuracy")[0] < 0.2,
    ),
    (
        "overfit",
        "On others it is hardly better than the average",
        lambda: (
            figures("choosing", "100 validation images, best of 200:")[0]
            > figures("choosing", "100 validation images, best of 1:")[0] + 5
            and figures("choosing", "100 validation images, best of 200:")[1]
            < figures("choosing", "100 validation images, best of 1:")[1] + 1
        ),
    ),
    (
        "overfit",
        "the classifier chosen by them is the better one",
        lambda: (
            figures("choosing", "1,000 validation images, best of 200:")[1]
            > figures("choosing", "100 validation images, best of 200:")[1] + 0.2
        ),
    ),
    (
        "debugging",
        "yet the network predicts most of them",
        lambda: (
            learned("shuffled-labels", "copied, then split")
            and guessing("shuffled-labels", "split, then copied")
        ),
    ),
    (
        "debugging",
        "Three of the five ways stay at the level of guessing",
        lambda: (
            guessing("train-deep", "std 0.01", "std 0.5", "PyTorch")
            and min(percentages("train-deep", "Xavier")) > 20
            and max(percentages("train-deep", "Xavier")) < min(percentages("train-deep", "Kaiming"))
        ),
    ),
    (
        "debugging",
        "with which the plain one learnt nothing",
        lambda: (
            guessing("norm-or-skip", "plain")
            and learned("norm-or-skip", "layer norm", "batch norm", "skip")
        ),
    ),
    (
        "debugging",
        "but at −4 it is so close to zero",
        lambda: (
            min(percentages("dead-relu", "bias -4, LeakyReLU")[1:]) > 50
            and max(percentages("dead-relu", "bias -4, GELU")) < 20
        ),
    ),
    (
        "debugging",
        "Ten times too small is slow, and ten times too large destroys the network",
        lambda: (
            learned("rates", "rate 0.05")
            and max(percentages("rates", "rate 0.005")) < 50
            and guessing("rates", "rate 0.5")
        ),
    ),
    (
        "debugging",
        "With a limit of 1, the same data do no harm",
        lambda: guessing("clipping", "limit inf") and learned("clipping", "limit 1.0"),
    ),
    (
        "debugging",
        "which the network gives for all of them",
        lambda: percentages("binary", "sigmoid_first")[1::2] == [0, 0, 0],
    ),
    (
        "debugging",
        "The softmax finds fewer than half of the labels",
        lambda: (
            max(percentages("multi-label", "softmax: labels found")[::2]) < 50
            and min(percentages("multi-label", "sigmoid: labels found")) > 75
        ),
    ),
    (
        "debugging",
        "bring it close to guessing on unseen images",
        lambda: (
            guessing("batches", "batch norm batches of 50, sorted", "batch norm batches of 2")
            and learned("batches", "plain", "batch norm batches of 50, mixed")
        ),
    ),
    (
        "project",
        "The loss is the same in every digit only if nothing is forgotten",
        lambda: (
            (straight := printed("project", "forgotten", "without interruption"))
            == printed("project", "forgotten", "nothing forgotten")
            and straight not in numbers("project", "forgotten", "(?!nothing).*forgotten")
            and len(numbers("project", "forgotten", "(?!nothing).*forgotten")) == 4
        ),
    ),
    (
        "project",
        "The accuracy has to be that of the last epoch above",
        lambda: (
            re.findall(r"val (.*)", output("project", "uninterrupted"))[-1]
            == re.search(r"(\S+) are right", output("project", "predict"))[1]
        ),
    ),
    (
        "transfer",
        "a new head is enough to use what it knows",
        lambda: (
            printed("transfer", "frozen", "after")
            > 20 + max(numbers("transfer", "transplant", "before"))
        ),
    ),
    (
        "transfer",
        "it costs several points, from scratch as well as with a trained body",
        lambda: all(
            max(row := reached("search", way)) - row[-1] > 4 for way in ("from scratch", "one rate")
        ),
    ),
    (
        "transfer",
        "most of this loss is gone",
        lambda: (
            max(row := reached("search", "two rates")) - row[-1]
            < (max(full := reached("search", "one rate")) - full[-1]) / 2
        ),
    ),
    (
        "transfer",
        "unless the row is as flat as that of the frozen body",
        lambda: max(row := reached("search", "frozen")) - min(row) < 2,
    ),
    (
        "transfer",
        "better than training from scratch with the same seed, in all five trials",
        lambda: all(
            better > scratch + 1
            for way in REUSED
            for better, scratch in zip(
                reached("compare", way)[2:], reached("compare", "from scratch")[2:], strict=True
            )
        ),
    ),
    (
        "transfer",
        "Twice the steps change less than another seed does",
        lambda: (
            abs(reached("compare", "twice as long")[0] - reached("compare", "from scratch")[0])
            < reached("compare", "from scratch")[1]
        ),
    ),
    (
        "transfer",
        "much closer to each other than to training from scratch",
        lambda: (
            max(means := [reached("compare", way)[0] for way in REUSED]) - min(means)
            < (min(means) - reached("compare", "from scratch")[0]) / 2
        ),
    ),
    (
        "transfer",
        "two rates are not ahead of one",
        lambda: reached("compare", "two rates")[0] < 1 + reached("compare", "one rate")[0],
    ),
    (
        "transfer",
        "The frozen body, which is the cheapest, loses little",
        lambda: all(
            reached("compare", "frozen")[0] > reached("compare", way)[0] - 4 for way in REUSED
        ),
    ),
    (
        "transfer",
        "the gap is widest with five images of each class, and narrow with a hundred",
        lambda: all(
            gap(5, way) > 2 + gap(20, way) and gap(20, way) > 2 + gap(100, way)
            for way in ("frozen", "two rates")
        ),
    ),
    (
        "transfer",
        "The spread shrinks, too",
        lambda: all(
            reached("curve", way)[1] > 1.5 * reached("curve", way)[5]
            for way in ("from scratch", "frozen", "two rates")
        ),
    ),
    (
        "transfer",
        "vehicles and animals lie on different sides",
        lambda: min(reached("plane", "plane .*kind")) > 80,
    ),
    (
        "transfer",
        "With all 256 numbers more images are nearest to the centre of their own class",
        lambda: all(
            more > 5 + fewer
            for more, fewer in zip(
                reached("plane", "256 numbers")[::2], reached("plane", "plane")[::2], strict=True
            )
        ),
    ),
    (
        "transfer",
        "hardly easier to tell apart in this way",
        lambda: all(
            after < 4 + before
            for before, after in (
                reached("plane", "256 numbers")[::2],
                reached("plane", "plane")[::2],
            )
        ),
    ),
    (
        "transfer",
        "On average, the reused body is ahead",
        lambda: (
            statistics.mean(ahead := reached("own-pictures", "two rates +test"))
            - statistics.mean(behind := reached("own-pictures", "from scratch test"))
            > 2 * ((statistics.variance(ahead) + statistics.variance(behind)) / 5) ** 0.5
        ),
    ),
    (
        "classifier",
        "Nor did the first loss, as both start near",
        lambda: (
            abs(printed("classifier", "softmax-first", "logits +loss") - 2.303) < 0.1
            and abs(printed("classifier", "softmax-first", "softmax first loss") - 2.303) < 0.1
            and printed("classifier", "softmax-first", "logits +loss .* to") < 0.1
            and printed("classifier", "softmax-first", "softmax first loss .* to") > 1.461
        ),
    ),
    # Batches, optimizer and epochs of plain-loop are those of the session.
    (
        "session",
        "small differences between two classes are often reversed, and large ones hardly ever are",
        lambda: large_gaps_stay("plain-loop"),
    ),
    (
        "classifier",
        "Large differences come back with nearly every seed",
        lambda: large_gaps_stay("plain-loop"),
    ),
    (
        "inside",
        "Large differences between classes are real",
        lambda: share_of_seeds("one-cycle") < 0.1 and share_of_seeds("wide") < 0.1,
    ),
    (
        "inside",
        "The total moves less than most classes do",
        lambda: 2 * spread_of_seeds("one-cycle")[0] < spread_of_seeds("one-cycle")[1],
    ),
    ("inside", "it is wrong less often", lambda: better("wide", "longer")),
    (
        "results",
        "Its spread is far larger than that of all classes together",
        lambda: all(
            2 * total < single for total, single in map(spread_of_seeds, ("longer", "wide"))
        ),
    ),
    (
        "inside",
        "the accuracy is not that of the network you will use",
        lambda: (
            printed("inside", "without-eval", r"eval\(\)")
            > 3 + printed("inside", "without-eval", r"train\(\)")
        ),
    ),
    (
        "inside",
        "On other images its lead is gone",
        lambda: (
            printed("inside", "best-of-many", "on the images that chose it")
            > 1.5 + printed("inside", "best-of-many", "on other images")
        ),
    ),
    (
        "text",
        "It is somewhat above",
        lambda: 0 < printed("text", "first-loss", "loss") - 6.238 < 0.5,
    ),
    (
        "text",
        "The two curves part early",
        lambda: (
            printed("text", "train", "step 120: .*validation")
            > 0.5 + printed("text", "train", "step 120: training")
        ),
    ),
    (
        "text",
        "Bigram counts are no weak opponent",
        lambda: (
            printed("text", "perplexity", "trained model .*perplexity")
            < printed("text", "perplexity", "bigram counts .*perplexity")
            < 1.5 * printed("text", "perplexity", "trained model .*perplexity")
        ),
    ),
    (
        "text",
        "Perplexity says bytes, by far. Bits per byte say subwords, by far",
        lambda: (
            3 * printed("text", "bits-per-byte", "bytes +perplexity")
            < printed("text", "bits-per-byte", "subwords +perplexity")
            and printed("text", "bits-per-byte", "bytes .*bits per byte")
            > 1.2 * printed("text", "bits-per-byte", "subwords .*bits per byte")
        ),
    ),
    (
        "audio",
        "the accuracy goes down towards guessing",
        lambda: noise("-30") + 20 < noise("-10") + 10 < noise("+0"),
    ),
    (
        "audio",
        "To the right something subtler may happen",
        lambda: noise("+40") + 5 < noise("+10"),
    ),
    (
        "images",
        "accuracy is poor and the network surer than ever",
        lambda: (
            images("normalised, not scaled") + 15 < images("right")
            and printed("images", "wrong-ways", "normalised, not scaled .*confidence")
            > 30 + printed("images", "wrong-ways", "right .*confidence")
        ),
    ),
    (
        "images",
        "The scrambled images too are classified with high confidence, and mostly wrongly",
        lambda: (
            images("reshape for permute") + 25
            < printed("images", "wrong-ways", "reshape for permute .*confidence")
        ),
    ),
    (
        "images",
        "The dark images cost accuracy",
        lambda: in_other_light("the training set")[1] + 10 < in_other_light("the training set")[0],
    ),
    (
        "images",
        "the loss is gone from the *report*",
        lambda: abs(in_other_light("their own set")[1] - in_other_light("the training set")[0]) < 1,
    ),
    (
        "images",
        "for it they are one more wrong preprocessing",
        lambda: in_other_light("each image alone")[0] + 5 < in_other_light("the training set")[0],
    ),
    (
        "images",
        "No pixel changed, and yet many answers did",
        lambda: printed("images", "companions", "images with another answer") > 10,
    ),
    (
        "images",
        "Here it hardly matters",
        lambda: (
            abs(images("training set", "pooled") - images("training and test set", "pooled")) < 0.5
        ),
    ),
    (
        "images",
        "The second line is honest, and the third agrees with it",
        lambda: (
            abs(images("split first, then copies", "twins") - images("test", "twins")) < 4
            and images("copies first, then split", "twins") > 40 + images("test", "twins")
        ),
    ),
]


@pytest.mark.parametrize(
    ("page", "sentence", "holds"), CLAIMS, ids=[sentence for _, sentence, _ in CLAIMS]
)
def test_what_a_page_says_of_trained_numbers_holds(page, sentence, holds):
    text = " ".join((ROOT / "docs" / f"{page}.md").read_text("utf-8").split())
    assert sentence in text, f"docs/{page}.md no longer says this: remove or change the row"
    assert holds(), f'docs/{page}.md says "{sentence}", and the results do not'
