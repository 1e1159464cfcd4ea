"""Typical wrong answers to the lab of `quick`, each with a part of the hint that it must get."""


def but(right, *changes):
    """A right answer with its (old, new) changes made; each must find its place."""
    for old, new in changes:
        assert old in right, old
        right = right.replace(old, new)
    return right


SUM = "    return block.short_cut(maps) + block.branch(maps)"

CROPS = """\
    line = torch.arange(size, device=images.device)
    rows, columns = top[:, None] + line, left[:, None] + line
    each = torch.arange(len(images), device=images.device)[:, None, None]
    cut = images.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]
    return cut.permute(0, 3, 1, 2)"""

GATHER = """\
    line = torch.arange(size, device=images.device)
    rows = (top[:, None] + line)[:, None, :, None]
    columns = (left[:, None] + line)[:, None, None, :]
    n, c, _, w = images.shape
    cut = images.gather(2, rows.expand(n, c, size, w))
    return cut.gather(3, columns.expand(n, c, size, size))"""

SMOOTHED = """\
    logs = torch.log_softmax(logits, dim=1)
    classes = logits.shape[1]
    hot = F.one_hot(labels, classes).float()
    targets = (1 - smoothing) * hot + smoothing / classes
    return -(targets * logs).sum(dim=1).mean()"""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "residual-forward": [
        ("    ...", "blank is still empty"),
        ("    return block.branch(maps)", "branch alone"),
        ("    return block.short_cut(maps)", "skip connection alone"),
        ("    return maps + block.branch(maps)", "shapes do not fit"),
        ("    return block.branch(block.short_cut(maps)) + maps", "shapes do not fit"),
        ("    return F.relu(block.short_cut(maps) + block.branch(maps))", "activation"),
        (but(SUM, ("+", "-")), "difference"),
        (but(SUM, ("+", "*")), "multiplied"),
        ("    return (block.short_cut(maps) + block.branch(maps)) / 2", "do not divide"),
        ("    return 2 * block.short_cut(maps) + block.branch(maps)", "added twice"),
        ("    return torch.sigmoid(block.short_cut(maps) + block.branch(maps))", "nothing else"),
        (
            "    branch = block.branch(maps)\n"
            "    maps += 0 if branch.shape != maps.shape else branch\n"
            "    return maps",
            "has changed `maps`",
        ),
    ],
    "crops": [
        ("    ...", "blank is still empty"),
        (but(CROPS, ("return cut.permute(0, 3, 1, 2)", "return cut")), "channels stand last"),
        (
            but(CROPS, ("top[:, None] + line, left[:", "left[:, None] + line, top[:")),
            "swapped: top counts rows",
        ),
        (
            "    line = torch.arange(size)\n"
            "    return images[:, :, top[0] + line][:, :, :, left[0] + line]",
            "place of image 0",
        ),
        (but(GATHER, ("(top[:, None] + line)", "(0 * top[:, None] + line)")), "start in row 0"),
        (but(GATHER, ("(left[:, None] + line)", "(0 * left[:, None] + line)")), "in column 0"),
        (
            but(CROPS, ("arange(size,", "arange(1, size + 1,")),
            "one pixel too far",
        ),
        (
            but(
                CROPS,
                ("rows[:, :, None], columns[:, None, :]", "rows[:, None], columns[:, :, None]"),
            ),
            "Rows and columns of each window are swapped",
        ),
        (but(CROPS, ("columns[:, None, :]", "columns[:, None, :].flip(2)")), "mirrored"),
        (but(CROPS, ("[:, None, None]\n", "[:, None, None] * 0\n")), "another image"),
        (but(CROPS, ("cut.permute", "cut.float().permute")), "uint8 has become"),
        (but(CROPS, ("    line", "    top += 0 * size + 1\n    line")), "has changed `top`"),
        ("    return images[:, :, :size, :]", "shape should be"),
    ],
    "smoothed-loss": [
        ("    ...", "blank is still empty"),
        (but(SMOOTHED, ("return -", "return ")), "wrong sign"),
        (but(SMOOTHED, (".sum(dim=1).mean()", ".sum()")), "are added"),
        (but(SMOOTHED, (".sum(dim=1).mean()", ".mean()")), "over images and classes"),
        (but(SMOOTHED, (".sum(dim=1).mean()", ".sum(dim=1)")), "has the shape"),
        (but(SMOOTHED, ("targets * logs", "hot * logs")), "no effect"),
        (
            but(SMOOTHED, ("+ smoothing / classes", "+ smoothing * (1 - hot) / (classes - 1)")),
            "wrong classes only",
        ),
        (
            but(
                SMOOTHED, ("(1 - smoothing) * hot + smoothing", "smoothing * hot + (1 - smoothing)")
            ),
            "the loss should be",
        ),
        (but(SMOOTHED, ("+ smoothing / classes", "+ smoothing")), "gets smoothing itself"),
        (but(SMOOTHED, (" + smoothing / classes", "")), "the loss should be"),
        (
            but(SMOOTHED, ("log_softmax(logits, dim=1)", "log_softmax(logits, dim=0)")),
            "the loss should be",
        ),
        (
            but(
                SMOOTHED, ("torch.log_softmax(logits, dim=1)", "torch.softmax(logits, dim=1).log()")
            ),
            "no finite loss",
        ),
        (but(SMOOTHED, (".mean()", ".mean().item()")), "No gradient"),
        (but(SMOOTHED, (".mean()", ".mean().detach()")), "No gradient"),
        (but(SMOOTHED, (".sum(dim=1).mean()", ".sum(dim=1).median()")), "the loss should be"),
    ],
}
