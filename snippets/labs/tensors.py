# %% [markdown]
# # Lab: tensors
#
# Two exercises in choosing dimensions: which one a reduction removes, and where a
# dimension of size 1 lets two tensors broadcast. Replace each `...` by your own
# code and run the cell, then run the check below it: it says in one sentence what
# is wrong. The lesson is [Tensors](tensors.md).

# %% imports
import torch
from checking import run_check, words_in

# %% [markdown]
# ## Normalise a batch per channel, without a loop
#
# Each channel of a batch of images has its own scale. Give every channel mean 0 and
# standard deviation 1 over all images and pixels, without a loop. Which dimensions
# disappear, and which have to stay for the broadcast? In the lesson:
# [Reductions](tensors.md#reductions) and [Broadcasting](tensors.md#broadcasting).

# %% [markdown]
# - `images`: a batch (N, C, H, W), which stays as it is.
# - Returns a tensor (N, C, H, W), in which each channel has mean 0 and
#   standard deviation 1 over the whole batch.


# %% normalise
def normalise(images):
    """Give every channel mean 0 and standard deviation 1."""
    ### BEGIN SOLUTION
    mean = images.mean(dim=(0, 2, 3), keepdim=True)  # (1, C, 1, 1)
    std = images.std(dim=(0, 2, 3), keepdim=True)
    return (images - mean) / std
    ### END SOLUTION


# %% check-normalise
def check_normalise(function):
    """Raise AssertionError with one sentence if `function` does
    something else.
    """
    generator = torch.Generator().manual_seed(0)
    for shape in ((4, 3, 5, 6), (2, 5, 3, 7)):
        scale = torch.linspace(2, 20, shape[1]).reshape(-1, 1, 1)
        images = 10 + scale * torch.randn(shape, generator=generator)
        answer = function(images)
        if not isinstance(answer, torch.Tensor):
            raise AssertionError(
                f"A tensor is expected, not a {type(answer).__name__}: "
                "compute with the whole batch at once."
            )
        if answer.shape != shape:
            raise AssertionError(
                f"The shape is {tuple(answer.shape)}, but normalised "
                f"images have the shape of the images, {shape}."
            )
        _compare_normalised(answer, images)
    if "for" in words_in(function):
        raise AssertionError(
            "The result is right, but there is a loop in your code: "
            "mean and std take all three dimensions at once, as "
            "dim=(0, 2, 3)."
        )


def _compare_normalised(answer, images):
    def same(other):
        return torch.allclose(
            answer.to(other.dtype), other, rtol=1e-3, atol=1e-3
        )

    # To divide by the count or by one less is the reader's choice.
    versions = [
        _normalised_in_loops(images, correction)
        for correction in (1, 0)
    ]
    if any(same(expected) for expected, _ in versions):
        return
    for _, mistakes in versions:
        for hint, wrong in mistakes.items():
            if same(wrong):
                raise AssertionError(hint)
    for number, channel in enumerate(answer.double().unbind(dim=1)):
        mean, std = channel.mean().item(), channel.std().item()
        if not (abs(mean) < 0.01 and abs(std - 1) < 0.01):
            raise AssertionError(
                f"Channel {number} now has mean {mean:z.2f} and "
                f"standard deviation {std:.2f}, not 0 and 1."
            )
    raise AssertionError(
        "Every channel has mean 0 and standard deviation 1, and yet "
        "the values are not (images - mean) / std of their channel."
    )


def _normalised_in_loops(images, correction):
    """The right result, and that of each typical mistake by hint."""

    def each(parts, rule, dim):
        return torch.stack(
            [rule(part) for part in parts.unbind(dim)], dim
        )

    def std(part):
        return part.std(correction=correction)

    def standard(part):
        return (part - part.mean()) / std(part)

    def each_map(image):
        return each(image, standard, 0)

    def each_column(pixels):
        return each(pixels, standard, 1)

    at_once = standard(images)
    pixels = images.flatten(start_dim=2)  # (N, C, H * W)
    over_images = each(pixels, each_column, 1).reshape(images.shape)
    over_channels = each(pixels, each_column, 0).reshape(images.shape)
    mistakes = {
        "You normalise the whole batch at once: each channel needs a "
        "mean and a standard deviation of its own, so leave "
        "dimension 1 out of dim.": at_once,
        "You normalise each image by itself, all channels together: "
        "dimension 1 has to stay and dimension 0 has to go.": each(
            images, standard, 0
        ),
        "You normalise each channel of each image by itself: reduce "
        "dimension 0, the images, as well.": each(images, each_map, 0),
        "You normalise each pixel over the images: reduce height and "
        "width as well.": over_images,
        "You normalise each pixel over its channels: dimension 1 is "
        "the one that has to stay.": over_channels,
    }
    rules = {
        "You divide by the variance: the standard deviation is "
        "its square root.": lambda c: (c - c.mean()) / std(c) ** 2,
        "The means are 0, but the scales are still there: divide by "
        "the standard deviation.": lambda c: c - c.mean(),
        "The standard deviations are 1, but the means are still there: "
        "subtract them before you divide.": lambda c: c / std(c),
        "Only the mean is divided, because / comes before -: put "
        "brackets around "
        "the difference.": lambda c: c - c.mean() / std(c),
        "You multiply by the standard "
        "deviation: divide by it.": lambda c: (c - c.mean()) * std(c),
        "You stretch each channel from 0 to 1: use its mean and "
        "standard deviation, not its smallest and "
        "largest value.": lambda c: (c - c.min()) / (c.max() - c.min()),
    }
    mistakes |= {
        hint: each(images, rule, 1) for hint, rule in rules.items()
    }
    return each(images, standard, 1), mistakes


run_check(
    check_normalise,
    normalise,
    errors={
        "must match the size": "The statistics do not broadcast "
        "against the images, because shapes are compared from the "
        "right, width first: keepdim=True keeps them (1, C, 1, 1).",
        "Dimension out of range": "A batch of images has the "
        "dimensions 0 to 3: (N, C, H, W).",
        "expected to be in range": "A batch of images has the "
        "dimensions 0 to 3: (N, C, H, W).",
    },
)
print("normalise: right")

# %% [markdown]
# ## All pairwise distances, by broadcasting
#
# Compute the Euclidean distance of every point from every centre, as one tensor
# with a row for each point and a column for each centre. Do it without a loop and
# without `torch.cdist`. Where must a dimension of size 1 go in each of the two? In the
# lesson:
# [Broadcasting](tensors.md#broadcasting).

# %% [markdown]
# - `points`: N points with D coordinates each, a tensor (N, D).
# - `centres`: K points, a tensor (K, D).
# - Returns a tensor (N, K) of Euclidean distances.


# %% pairwise-distances
def pairwise_distances(points, centres):
    """Return the distance of every point from every centre."""
    ### BEGIN SOLUTION
    gaps = points[:, None, :] - centres[None, :, :]  # (N, K, D)
    return gaps.square().sum(dim=-1).sqrt()
    ### END SOLUTION


# %% check-pairwise-distances
def check_pairwise_distances(function):
    """Raise AssertionError with one sentence if `function` does
    something else.
    """
    generator = torch.Generator().manual_seed(0)
    for count, groups, size in ((7, 4, 3), (5, 8, 2)):
        points = torch.randn(count, size, generator=generator)
        centres = torch.randn(groups, size, generator=generator)
        centres[1] = points[2]  # a distance of 0
        answer = function(points, centres)
        if not isinstance(answer, torch.Tensor):
            raise AssertionError(
                f"A tensor is expected, not a {type(answer).__name__}: "
                "compute with all points and centres at once."
            )
        _check_distances_shape(tuple(answer.shape), count, groups, size)
        _compare_distances(answer, points, centres)
    words = words_in(function)
    if "cdist" in words:
        raise AssertionError(
            "The distances are right, but torch.cdist computes them "
            "for you: subtract the two tensors, broadcast, and go "
            "on from there."
        )
    if "for" in words:
        raise AssertionError(
            "The distances are right, but there is a loop in your "
            "code: with a dimension of size 1 in each tensor, one "
            "subtraction does all pairs."
        )


def _check_distances_shape(shape, count, groups, size):
    wanted = (count, groups)
    if shape == wanted:
        return
    hints = {
        (groups, count): (
            "there is a row for each centre: the points belong in the "
            "rows, so swap the two new dimensions."
        ),
        (groups, size): (
            "the sum went over the points: add up the squares over the "
            "last dimension, the coordinates."
        ),
        (count, size): (
            "the sum went over the centres: add up the squares over "
            "the last dimension, the coordinates."
        ),
        (count, groups, size): (
            "each pair still has its coordinates: add up their squares "
            "over the last dimension."
        ),
        (count, groups, 1): (
            "a dimension of size 1 is left over: reduce the "
            "coordinates without keepdim."
        ),
        (): "everything was added up: reduce only the last "
        "dimension, dim=-1.",
    }
    hint = hints.get(
        shape, "a row for each point, a column for each centre."
    )
    raise AssertionError(f"The shape is {shape}, not {wanted}: {hint}")


def _compare_distances(answer, points, centres):
    def same(other):
        return torch.allclose(
            answer.to(other.dtype), other, rtol=1e-3, atol=2e-3
        )

    def distances(one, other, p=2.0):
        # Subtracting, where the faster matrix product would round
        # differently.
        mode = "donot_use_mm_for_euclid_dist"
        return torch.cdist(one, other, p=p, compute_mode=mode)

    expected = distances(points, centres)
    if same(expected):
        return
    if answer.isnan().any():
        raise AssertionError(
            "Some distances are nan, roots of negative numbers: square "
            "the differences before you add them up, and take the root "
            "last. (If you multiply out the square, rounding can make "
            "it negative: clamp at 0.)"
        )
    if same(expected**2):
        raise AssertionError(
            "These are squared distances: take the root at the end."
        )
    if same(distances(points, centres, p=1.0)):
        raise AssertionError(
            "These are sums of absolute differences: square first, "
            "then add up, and take the root last."
        )
    if same(distances(points, centres, p=torch.inf)):
        raise AssertionError(
            "This is the largest difference of each pair: add up the "
            "squares instead."
        )
    if same(expected / points.shape[1] ** 0.5):
        raise AssertionError(
            "This takes the mean of the squared differences: "
            "take their sum."
        )
    sums = [part.sum(dim=1, keepdim=True) for part in (points, centres)]
    cancelled = distances(*sums)
    if torch.allclose(
        answer.abs().to(cancelled.dtype), cancelled, atol=2e-3
    ):
        raise AssertionError(
            "The differences are added up with their signs, so that "
            "they cancel: square them before the sum."
        )
    worst = (answer - expected).abs().argmax().item()
    row, column = divmod(worst, expected.shape[1])
    raise AssertionError(
        f"The shape is right and the values are not: point {row} has "
        f"the distance {expected[row, column]:.3f} from centre "
        f"{column}, and you give {answer[row, column]:.3f}."
    )


run_check(
    check_pairwise_distances,
    pairwise_distances,
    errors={
        "must match the size": "The two tensors do not broadcast: give "
        "the points a middle dimension of size 1, (N, 1, D), and the "
        "centres a leading one, (1, K, D).",
        "mat1 and mat2": "A matrix product is not needed here: "
        "subtract the centres from the points, broadcast.",
    },
)
print("pairwise_distances: right")
