"""Typical wrong answers to the lab on tensors, each with a part of the hint that it must get."""

PER_CHANNEL = (
    "    mean = images.mean(dim=(0, 2, 3), keepdim=True)\n"
    "    std = images.std(dim=(0, 2, 3), keepdim=True)\n"
)
GAPS = "    gaps = points[:, None, :] - centres[None, :, :]\n"

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "normalise": [
        ("    ...", "still empty"),
        ("    mean = images.mean(dim=(0, 2, 3), keepdim=True)", "`return` is missing"),
        (
            "    mean, std = images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3))\n"
            "    return (images - mean) / std",
            "keepdim=True",
        ),
        ("    return (images - images.mean()) / images.std()", "whole batch at once"),
        (
            "    mean = images.mean(dim=(1, 2, 3), keepdim=True)\n"
            "    std = images.std(dim=(1, 2, 3), keepdim=True)\n"
            "    return (images - mean) / std",
            "each image by itself",
        ),
        (
            "    mean = images.mean(dim=(2, 3), keepdim=True)\n"
            "    std = images.std(dim=(2, 3), keepdim=True)\n"
            "    return (images - mean) / std",
            "each channel of each image",
        ),
        (
            "    mean = images.mean(dim=0)\n"
            "    std = images.std(dim=0)\n"
            "    return (images - mean) / std",
            "each pixel over the images",
        ),
        (
            "    mean = images.mean(dim=1, keepdim=True)\n"
            "    std = images.std(dim=1, keepdim=True)\n"
            "    return (images - mean) / std",
            "each pixel over its channels",
        ),
        (
            "    mean = images.mean(dim=(0, 2, 3), keepdim=True)\n"
            "    var = images.var(dim=(0, 2, 3), keepdim=True)\n"
            "    return (images - mean) / var",
            "divide by the variance",
        ),
        (PER_CHANNEL + "    return images - mean", "scales are still there"),
        (PER_CHANNEL + "    return images / std", "means are still there"),
        (PER_CHANNEL + "    return images - mean / std", "brackets"),
        (PER_CHANNEL + "    return (images - mean) * std", "You multiply"),
        (
            "    low = images.amin(dim=(0, 2, 3), keepdim=True)\n"
            "    high = images.amax(dim=(0, 2, 3), keepdim=True)\n"
            "    return (images - low) / (high - low)",
            "from 0 to 1",
        ),
        (
            PER_CHANNEL + "    return (images - mean) / images.std()",
            "Channel 0 now has mean",
        ),
        (PER_CHANNEL + "    return (mean - images) / std", "and yet the values"),
        (PER_CHANNEL + "    return mean", "shape of the images"),
        (PER_CHANNEL + "    return mean, std", "not a tuple"),
        (
            PER_CHANNEL + "    images -= mean\n    images /= std\n    return images",
            "has changed `images`",
        ),
        ("    return images.view(7, -1)", "Your code stops with RuntimeError"),
    ],
    "pairwise-distances": [
        ("    ...", "still empty"),
        ("    points[:, None] - centres", "`return` is missing"),
        (GAPS + "    distances = gaps.square().sum(dim=-1).sqrt()", "`return` is missing"),
        (
            "    return (points - centres).square().sum(dim=-1).sqrt()",
            "do not broadcast",
        ),
        (
            "    gaps = points[:, :, None] - centres[None, :, :]\n"
            "    return gaps.square().sum(dim=-1).sqrt()",
            "do not broadcast",
        ),
        (
            "    gaps = points[None, :, :] - centres[:, None, :]\n"
            "    return gaps.square().sum(dim=-1).sqrt()",
            "row for each centre",
        ),
        (GAPS + "    return gaps.square().sum(dim=0).sqrt()", "went over the points"),
        (GAPS + "    return gaps.square().sum(dim=1).sqrt()", "went over the centres"),
        (GAPS + "    return gaps.square().sqrt()", "still has its coordinates"),
        (
            GAPS + "    return gaps.square().sum(dim=-1, keepdim=True).sqrt()",
            "without keepdim",
        ),
        (GAPS + "    return gaps.square().sum().sqrt()", "everything was added up"),
        (GAPS + "    return gaps.square().sum(dim=(0, 1)).sqrt()", "a row for each point"),
        (GAPS + "    return gaps.square().sum(dim=-1)", "squared distances"),
        (GAPS + "    return gaps.abs().sum(dim=-1)", "absolute differences"),
        (GAPS + "    return gaps.square().sqrt().sum(dim=-1)", "absolute differences"),
        (GAPS + "    return gaps.abs().amax(dim=-1)", "largest difference"),
        (GAPS + "    return gaps.square().mean(dim=-1).sqrt()", "takes the mean"),
        (GAPS + "    return gaps.sum(dim=-1)", "with their signs"),
        (GAPS + "    return gaps.sum(dim=-1).abs()", "with their signs"),
        (GAPS + "    return gaps.sum(dim=-1).square().sqrt()", "with their signs"),
        (GAPS + "    return gaps.sum(dim=-1).sqrt()", "roots of negative numbers"),
        (
            "    gaps = points[:, None, :] + centres[None, :, :]\n"
            "    return gaps.square().sum(dim=-1).sqrt()",
            "and you give",
        ),
        (
            "    return [[(p - c).square().sum().sqrt() for c in centres] for p in points]",
            "not a list",
        ),
    ],
}
