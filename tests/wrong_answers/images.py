"""Typical wrong answers to the lab of `images`, each with a part of the hint that it must get."""


def but(right, *changes):
    """A right answer with its (old, new) changes made; each must find its place."""
    for old, new in changes:
        assert old in right, old
        right = right.replace(old, new)
    return right


SUMS = """\
    count, total, squares = 0, 0, 0
    for batch in batches:
        values = batch.double().flatten(0, 2) / 255
        count += len(values)
        total = total + values.sum(dim=0)
        squares = squares + values.square().sum(dim=0)
    mean = total / count
    return mean, (squares / count - mean.square()).sqrt()"""

LISTS = """\
    means, stds, counts = [], [], []
    for batch in batches:
        values = batch.double().flatten(0, 2) / 255
        means.append(values.mean(dim=0))
        stds.append(values.std(dim=0))
        counts.append(len(values))
    means, stds, counts = torch.stack(means), torch.stack(stds), torch.tensor(counts)[:, None]
    return (counts * means).sum(dim=0) / counts.sum(), stds.mean(dim=0)"""

PICTURE = """\
    scaled = image * std[:, None, None] + mean[:, None, None]
    levels = (255 * scaled).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0)"""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "channel-statistics": [
        ("    ...", "blank is still empty"),
        (but(SUMS, ("return mean, (", "return (")), "two tensors"),
        (but(SUMS, (" / 255", "")), "scale 0 to 255"),
        (but(SUMS, ("flatten(0, 2)", "flatten(1).T")), "which come last"),
        (
            but(SUMS, ("flatten(0, 2)", "permute(0, 3, 1, 2).flatten(0, 2)")),
            "which come last",
        ),
        (
            but(SUMS, ("return mean, (squares", "return mean.mean(), (squares")),
            "which come last",
        ),
        (but(SUMS, ("count +=", "count ="), ("total + ", ""), ("squares + ", "")), "last batch"),
        (
            but(LISTS, ("(counts * means).sum(dim=0) / counts.sum()", "means.mean(dim=0)")),
            "A mean of means",
        ),
        (LISTS, "A mean of the batches' deviations"),
        (
            but(LISTS, ("stds.mean(dim=0)", "(counts * stds).sum(dim=0) / counts.sum()")),
            "Not even a weighted",
        ),
        (but(SUMS, (".sqrt()", "")), "That is the variance"),
        (
            but(
                SUMS,
                (
                    "values.square().sum(dim=0)",
                    "batch.square().flatten(0, 2).sum(dim=0) / 255**2",
                ),
                (".sqrt()", ".clamp(min=0).sqrt()"),
            ),
            "squares wrap around",
        ),
        (but(SUMS, (" - mean.square()", "")), "root of the mean square"),
        (but(SUMS, ("total / count", "total / (count + 100)")), "look at the formula"),
        (but(SUMS, ("- mean.square()", "- mean.square() / 2")), "look at the formula"),
    ],
    "to-picture": [
        ("    ...", "blank is still empty"),
        (but(PICTURE, (".to(torch.uint8)", "")), "convert it as the last step"),
        (but(PICTURE, (".permute(1, 2, 0)", ".permute(1, 2, 0).numpy()")), "convert it as"),
        (
            but(
                PICTURE,
                ("scaled = image * std", "scaled = image.mul_(std"),
                ("None] +", "None]) +"),
            ),
            "has changed `image`",
        ),
        (but(PICTURE, (".permute(1, 2, 0)", "")), "channels are still first"),
        (
            but(PICTURE, ("permute(1, 2, 0)", "reshape(*image.shape[1:], 3)")),
            "picture is scrambled",
        ),
        (
            but(PICTURE, ("permute(1, 2, 0)", "contiguous().view(*image.shape[1:], 3)")),
            "picture is scrambled",
        ),
        (but(PICTURE, ("permute(1, 2, 0)", "permute(2, 1, 0)")), "Height and width"),
        (
            but(
                PICTURE,
                (
                    "image * std[:, None, None] + mean[:, None, None]",
                    "(image + mean[:, None, None]) * std[:, None, None]",
                ),
            ),
            "Undo the last step first",
        ),
        (
            but(
                PICTURE,
                (
                    "image * std[:, None, None] + mean[:, None, None]",
                    "(image - mean[:, None, None]) / std[:, None, None]",
                ),
            ),
            "a second time",
        ),
        (but(PICTURE, ("[:, None, None]", "")), "follow the width"),
        (but(PICTURE, ("255 * scaled", "scaled")), "end at 1"),
        (
            but(PICTURE, ("image * std", "255 * image * std"), ("(255 * scaled)", "scaled")),
            "before you multiply",
        ),
        (but(PICTURE, (".round()", "")), "use round()"),
        (but(PICTURE, ("std[:, None, None] +", "std[:, None, None] -")), "undo the last step"),
        (but(PICTURE, (".clamp(0, 255)", ".int()")), "should become 0 or 255"),
        (
            but(
                PICTURE,
                (
                    "    levels",
                    "    low, high = scaled.min().clamp(max=0), scaled.max().clamp(min=1)\n"
                    "    scaled = (scaled - low) / (high - low)\n    levels",
                ),
            ),
            "should become 0 or 255",
        ),
        (
            but(PICTURE, ("permute(1, 2, 0)", "permute(1, 2, 0)[:, :3]")),
            "4 rows of 7",
        ),
    ],
}
