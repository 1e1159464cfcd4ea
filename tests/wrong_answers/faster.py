"""Typical wrong answers to the lab of `faster`, each with a part of the hint that it must get."""


def but(right, *changes):
    """A right answer with its (old, new) changes made; each must find its place."""
    for old, new in changes:
        assert old in right, old
        right = right.replace(old, new)
    return right


FLIPS = """\
    chosen = torch.rand(len(images), device=images.device) < 0.5
    flipped = images.clone()
    flipped[chosen] = images[chosen].flip(3)
    return flipped"""

WHERE = """\
    coins = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(coins, images.flip(3), images)"""

CYCLE = """\
    peak, last, low = 0.3 * total_steps - 1, total_steps - 1, max_rate / 25
    if step <= peak:
        return low + (max_rate - low) * step / peak
    return max_rate * (last - step) / (last - peak)"""

NORM = """\
    if training:
        mean = maps.mean(dim=(0, 2, 3), keepdim=True)
        var = maps.var(dim=(0, 2, 3), keepdim=True, correction=0)
        with torch.no_grad():
            new_mean, new_var = maps.mean(dim=(0, 2, 3)), maps.var(dim=(0, 2, 3))
            running_mean.mul_(1 - momentum).add_(momentum * new_mean)
            running_var.mul_(1 - momentum).add_(momentum * new_var)
    else:
        mean, var = running_mean[:, None, None], running_var[:, None, None]
    gamma, beta = gamma[:, None, None], beta[:, None, None]
    return gamma * (maps - mean) / (var + eps).sqrt() + beta"""

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "random-flips": [
        ("    ...", "blank is still empty"),
        (
            "    if torch.rand(()) < 0.5:\n"
            "        return images.flip(3)\n"
            "    return images.clone()",
            "One coin decides",
        ),
        (but(FLIPS, ("flip(3)", "flip(2)")), "upside down"),
        (but(FLIPS, ("flip(3)", "flip(2, 3)")), "upside down"),
        (but(FLIPS, ("flip(3)", "flip(0)")), "changed their places"),
        ("    return images.flip(3)", "Every image is mirrored"),
        (
            but(FLIPS, ("flipped[chosen] = images[chosen].flip(3)", "flipped[chosen].flip(3)")),
            "No image was mirrored",
        ),
        (but(WHERE, ("len(images), 1, 1, 1", "images.shape")), "Parts of one image"),
        (but(WHERE, ("len(images), 1, 1, 1", "*images.shape[:2], 1, 1")), "Parts of one image"),
        (but(FLIPS, ("images.clone()", "images")), "has changed `images`"),
        (
            but(FLIPS, ("images.clone()", "images"), ("\n    return flipped", "")),
            "has changed `images`",
        ),
        (
            but(FLIPS, ("return flipped", "return flipped[chosen]")),
            "shape of the batch",
        ),
        (
            but(FLIPS, ("return flipped", "return list(flipped)")),
            "shape of the batch",
        ),
        (
            but(
                WHERE,
                ("coins = torch.rand", "coins = 1.0 * (torch.rand"),
                ("< 0.5", "< 0.5)"),
                (
                    "torch.where(coins, images.flip(3), images)",
                    "coins * images.flip(3) + (1 - coins) * images",
                ),
            ),
            "by a mask",
        ),
        ("    torch.manual_seed(0)\n" + FLIPS, "set no seed"),
        (but(FLIPS, ("< 0.5", "< 0.5 * torch.rand(())")), "not half"),
        (
            but(FLIPS, ("rand(len(images), ", "randint(0, 2, (len(images),), "), (" < 0.5", "")),
            "as a mask of bools",
        ),
        (
            "    chosen = torch.randperm(len(images))[: len(images) // 2]\n"
            "    flipped = images.clone()\n"
            "    flipped[chosen] = images[chosen].flip(3)\n"
            "    return flipped",
            "exactly 32 images",
        ),
        (but(FLIPS, ("images[chosen].flip(3)", "-images[chosen]")), "change no value"),
        (but(FLIPS, ("flip(3)", "flip(1)")), "neither as it was nor mirrored"),
    ],
    "one-cycle-rate": [
        ("    ...", "blank is still empty"),
        (but(CYCLE, ("low + (max_rate - low) *", "max_rate *")), "starts at 0"),
        (
            but(CYCLE, ("max_rate * (last - step) / (last - peak)", "max_rate")),
            "never comes down",
        ),
        ("    return max_rate", "never comes down"),
        (but(CYCLE, ("0.3 * total_steps - 1", "total_steps / 2")), "highest at step 50, not"),
        (but(CYCLE, ("0.3 * total_steps - 1", "0.3 * total_steps")), "highest at step 30, not"),
        (but(CYCLE, (", total_steps - 1,", ", total_steps,")), "should have the rate 0;"),
        (
            but(CYCLE, ("return max_rate * (last", "return low + (max_rate - low) * (last")),
            "should have the rate 0;",
        ),
        (but(CYCLE, ("* step / peak", "* (step // peak)")), "rounds down"),
        (
            "    step, total_steps = 10 * step // total_steps, 10  # epochs\n" + CYCLE,
            "rounds down",
        ),
        (but(CYCLE, ("max_rate / 25", "max_rate / 10")), "step 0 should have"),
        ("    max_rate = 1\n" + CYCLE, "step 0 should have"),
        (but(CYCLE, ("0.3 * total_steps", "round(0.3 * total_steps)")), "on a straight line"),
        ("    total_steps = 100\n" + CYCLE, "With 10 steps"),
        (CYCLE.rpartition("\n")[0], "`return` is missing"),
        ("    return [max_rate / 25] * total_steps", "a number"),
    ],
    "batch-norm": [
        ("    ...", "blank is still empty"),
        (but(NORM, ("+ beta", "+ beta, mean, var")), "the maps alone"),
        (but(NORM, ("(0, 2, 3), keep", "0, keep")), "You reduce the images alone"),
        (but(NORM, (", correction=0", "")), "correction=0"),
        (
            but(NORM, ("    else:\n        mean, var = running", "    mean, var = running")),
            "In training, take",
        ),
        (
            "    old = running_mean[:, None, None].clone(), running_var[:, None, None].clone()\n"
            + but(NORM, ("    gamma, beta =", "    mean, var = old\n    gamma, beta =")),
            "In training, take",
        ),
        ("    training = True\n" + NORM, "In evaluation, take"),
        (
            but(
                NORM,
                ("running_mean[:, None, None]", "maps.mean((0, 2, 3), keepdim=True)"),
                (
                    "running_var[:, None, None]",
                    "maps.var((0, 2, 3), correction=0, keepdim=True)",
                ),
            ),
            "In evaluation, take",
        ),
        (
            but(
                NORM,
                ("mul_(1 - momentum)", "mul_(momentum)"),
                ("add_(momentum *", "add_((1 - momentum) *"),
            ),
            "wrong way round",
        ),
        (but(NORM, ("maps.var(dim=(0, 2, 3))", "var.flatten()")), "yours divides by n"),
        (
            but(
                NORM,
                ("running_mean.mul_(1", "running_mean = running_mean.mul(1"),
                ("running_var.mul_(1", "running_var = running_var.mul(1"),
            ),
            "change them in place",
        ),
        (but(NORM, ("mul_(1 - momentum).", "")), "other running statistics"),
        (
            but(
                NORM,
                (
                    "    gamma, beta =",
                    "        mean, var = mean.clone(), var.clone()\n"
                    "        running_mean.mul_(1 - momentum)\n"
                    "    gamma, beta =",
                ),
            ),
            "Evaluation changes running",
        ),
        (but(NORM, ("(var + eps)", "var")), "eps is missing"),
        ("    eps = 1e-5\n" + NORM, "eps is missing"),
        (
            but(NORM, ("gamma, beta = gamma[:, None, None], beta[:, None, None]", "pass")),
            "follow the width",
        ),
        (but(NORM, ("(var + eps).sqrt()", "(var + eps)")), "each part of the formula"),
        (but(NORM, ("(maps - mean)", "(maps + mean)")), "each part of the formula"),
        (but(NORM, ("with torch.no_grad():", "if True:")), "no_grad"),
        (
            "    with torch.no_grad():\n" + "\n".join("    " + line for line in NORM.split("\n")),
            "no_grad",
        ),
        (
            but(NORM, ("(maps - mean) / (var", "(maps - mean.detach()) / (var.detach()")),
            "gradient is wrong",
        ),
    ],
}
