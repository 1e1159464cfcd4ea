# %% [markdown]
# # Lab: images
#
# Two exercises: the statistics of a data set that does not fit into memory, and the
# way back from the input of a network to a picture. Replace each `...` by your own
# code and run the cell, then run the check below it: it says in one sentence what is
# wrong. The lesson is [Images](images.md).

# %% imports
import weakref

import torch
from checking import run_check

# %% [markdown]
# ## Statistics, batch by batch
#
# A data set of photographs does not fit into memory, so its pixels come in batches, as
# Pillow and NumPy have them: `(N, H, W, C)`, `uint8`. Batches differ in number and in
# size, and you can go through them only once. Return what `Normalize` needs: for each
# channel the mean and the standard deviation of *all* its values, on the scale from 0
# to 1.
#
# With $n$ values $x$ of a channel, two sums are enough:
#
# $$
# \bar{x} = \frac{1}{n} \sum x, \qquad
# s^2 = \frac{1}{n} \sum x^2 - \bar{x}^2
# $$
#
# Sums of squares get large, so compute them in `float64`. Whether you divide by $n$ or
# by $n - 1$ makes no difference here. In the lesson:
# [Whose statistics?](images.md#whose-statistics)

# %% [markdown]
# - `batches`: an iterable of tensors (N, H, W, C) of dtype uint8. C is
#   the same in all of them, N, H and W are not. You can iterate over it
#   only once.
# - Returns two tensors (C,) of a floating-point dtype, on the scale 0
#   to 1.


# %% channel-statistics
def channel_statistics(batches):
    """Return mean and standard deviation of each channel."""
    ### BEGIN SOLUTION
    count, total, squares = 0, 0, 0
    for batch in batches:
        values = batch.double().flatten(0, 2) / 255  # (N * H * W, C)
        count += len(values)
        total = total + values.sum(dim=0)
        squares = squares + values.square().sum(dim=0)
    mean = total / count
    return mean, (squares / count - mean.square()).sqrt()
    ### END SOLUTION


# %% check-channel-statistics
def check_channel_statistics(function):
    """Compare with the statistics of all pixels. Raises AssertionError
    with one hint.
    """
    generator = torch.Generator().manual_seed(0)
    batches = []
    for top, *shape in (
        (255, 5, 14, 16, 4),
        (90, 1, 20, 12, 4),
        (160, 7, 6, 9, 4),
    ):
        batch = torch.randint(top // 3, top, shape, generator=generator)
        batches.append(
            (batch // torch.tensor([1, 2, 3, 4])).to(torch.uint8)
        )
    four, batches = (
        batches,
        [batch[..., :3].contiguous() for batch in batches],
    )
    for count in (1, 3):
        answer = function(_one_by_one(batches[:count]))
        assert isinstance(answer, (tuple, list, torch.Tensor)), (
            "Return two tensors, the means and the deviations: two "
            f"tensors (3,), and not a {type(answer).__name__}."
        )
        shapes = [tuple(getattr(part, "shape", ())) for part in answer]
        assert shapes == [(3,), (3,)], (
            "Three channels, which come last, have three means and "
            "three deviations: return two tensors (3,), not "
            f"{len(shapes)} of the shapes {shapes}."
        )
        assert all(part.is_floating_point() for part in answer), (
            "The statistics are fractions: yours are "
            f"{answer[0].dtype}."
        )
        values = [
            batch.double().flatten(0, 2) / 255
            for batch in batches[:count]
        ]
        right = (
            torch.cat(values).mean(dim=0),
            torch.cat(values).std(dim=0),
        )
        mine = [part.double() for part in answer]
        if not _close(mine, right):
            for hint, wrong in _wrong_statistics(
                batches, values, *right
            ).items():
                assert not _close(mine, wrong), hint
            raise AssertionError(
                f"For {count} batches channel 0 has the mean "
                f"{right[0][0]:.3f} and the deviation "
                f"{right[1][0]:.3f}; you give {mine[0][0]:.3f} and "
                f"{mine[1][0]:.3f}: look at the formula again."
            )
    shapes = [tuple(part.shape) for part in function(_one_by_one(four))]
    assert shapes == [(4,), (4,)], (
        f"Images of four channels give the shapes {shapes}: take the "
        "number of channels from the batch."
    )


def _one_by_one(batches):
    """Make each batch when it is asked for, and see whether the ones
    before are kept.
    """
    made = []
    for batch in batches:
        assert sum(ref() is not None for ref in made) < 2, (
            "You keep the batches, and a real data set would not fit "
            "into memory: add up counts and sums, and "
            "forget each batch."
        )
        copy = batch.clone()
        made.append(weakref.ref(copy))
        yield copy
        del copy
    assert sum(ref() is not None for ref in made) < 2, (
        "You keep the batches, and a real data set would not fit into "
        "memory: add up counts and sums, and forget each batch."
    )


def _close(mine, right):
    # N or n - 1 makes less than rtol.
    pairs = zip(mine, right, strict=True)
    return all(
        r is None or torch.allclose(m, r, rtol=5e-3) for m, r in pairs
    )


def _wrong_statistics(batches, values, mean, std):
    pixels = torch.cat(
        [batch.flatten(0, 2) for batch in batches[: len(values)]]
    )
    wrapped = (
        pixels.square().double().mean(dim=0) / 255**2 - mean.square()
    )
    mistakes = {
        "You are on the scale 0 to 255: divide by 255.": (
            255 * mean,
            None,
        ),
        "That is the variance: take its square root.": (
            mean,
            std.square(),
        ),
        "The squares wrap around, as uint8 ends at 255: convert "
        "before you square.": (mean, wrapped.clamp(min=0).sqrt()),
        "That is the root of the mean square: first subtract the "
        "square "
        "of the mean.": (mean, (std.square() + mean.square()).sqrt()),
    }
    if len(values) > 1:
        means = torch.stack([part.mean(dim=0) for part in values])
        stds = torch.stack([part.std(dim=0) for part in values])
        counts = torch.tensor([len(part) for part in values])[:, None]
        late = (
            "add up counts and sums over all batches, and divide once."
        )
        mistakes |= {
            f"This is the last batch alone: {late}": (means[-1], None),
            "A mean of means is wrong if batches differ "
            f"in size: {late}": ((means.mean(dim=0), None)),
            "A mean of the batches' deviations misses how far the "
            f"batches lie apart: {late}": (mean, stds.mean(dim=0)),
            "Not even a weighted mean of deviations is right, because "
            f"it misses how far the batches lie apart: {late}": (
                (mean, (counts * stds).sum(dim=0) / counts.sum())
            ),
        }
    return mistakes


run_check(
    check_channel_statistics,
    channel_statistics,
    errors={
        "could not infer output dtype": "A mean needs floats: convert "
        "each batch, by double(), before you compute.",
        "must match the size": "Batches differ in size, and data sets "
        "in channels: sum over all dimensions but the last, and take "
        "the number of channels from the batch.",
        "Sizes of tensors must match": "Batches differ in size and "
        "cannot be joined: add up counts and sums instead.",
        "stack expects each tensor": "Batches differ in size and "
        "cannot be stacked: add up counts and sums instead.",
        "has no len()": "The batches come one by one, in a for loop: "
        "their number is not known beforehand.",
        "subscriptable": "The batches come one by one, in a for loop: "
        "they have no index.",
        "ZeroDivisionError": "No batch was left: go through the "
        "batches once only.",
        "cast to the desired output type": "A uint8 tensor cannot hold "
        "fractions: convert the batch by double() first.",
    },
)
print("channel_statistics: right")

# %% [markdown]
# ## Back to a picture
#
# You want to look at what a network gets: a tensor `(C, H, W)` that was scaled to 0..1
# and normalised with $(x - m) / s$. Undo every step, and return what Pillow and
# Matplotlib take: an array of pixels `(H, W, C)` of type `uint8`. Round to the nearest
# level. What lies outside of 0 to 255, for instance after adding noise, becomes the
# nearer of the two. In the lesson:
# [Undo it before you look](images.md#undo-it-before-you-look).

# %% [markdown]
# - `image`: a normalised image (C, H, W) of dtype float32, which stays
#   as it is.
# - `mean`, `std`: tensors (C,) of dtype float32, on the scale 0 to 1.
# - Returns a tensor (H, W, C) of dtype uint8.


# %% to-picture
def to_picture(image, mean, std):
    """Undo scaling and normalising."""
    ### BEGIN SOLUTION
    scaled = image * std[:, None, None] + mean[:, None, None]
    levels = (255 * scaled).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0)
    ### END SOLUTION


# %% check-to-picture
def check_to_picture(function):
    """Compare with the pixels that it began with. Raises AssertionError
    with one hint.
    """
    generator = torch.Generator().manual_seed(0)
    mean, std = (
        torch.tensor([0.3, 0.5, 0.6]),
        torch.tensor([0.2, 0.25, 0.3]),
    )

    def draw(height, width, low, high):
        """Return levels (3, H, W), also normalised, up to 0.4 added."""
        levels = torch.randint(
            low, high, (3, height, width), generator=generator
        )
        noise = (
            0.8 * torch.rand(levels.shape, generator=generator) - 0.4
        )
        scaled = (levels + noise) / 255
        return levels, (scaled - mean[:, None, None]) / std[
            :, None, None
        ]

    # As wide as there are channels: a vector (C,) then lines up with
    # the width.
    levels, image = draw(5, 3, 20, 236)
    answer = function(image, mean, std)
    assert getattr(answer, "dtype", None) == torch.uint8, (
        "The picture should be a tensor of dtype uint8, and yours is "
        "not: convert it as the last step."
    )
    right = levels.permute(1, 2, 0).to(torch.uint8)
    for hint, wrong in {
        "": right,
        **_wrong_pictures(image, mean, std),
    }.items():
        if answer.shape == wrong.shape and torch.equal(answer, wrong):
            assert not hint, hint
            break
    else:
        raise AssertionError(
            "The pixels are not those that it began with: undo the "
            "last step first, so multiply by std, add mean, then "
            "multiply by 255, channel by channel."
        )
    levels, image = draw(4, 7, -100, 356)
    expected = levels.clamp(0, 255).permute(1, 2, 0).to(torch.uint8)
    answer = function(image, mean, std)
    assert answer.shape == expected.shape, (
        "It fails for 4 rows of 7 pixels."
    )
    assert torch.equal(answer, expected), (
        "Values below 0 or above 255 should become 0 or 255, and no "
        "others change: clamp them before you convert."
    )


def _wrong_pictures(image, mean, std):
    m, s = mean[:, None, None], std[:, None, None]
    scaled = image * s + m

    def finish(scaled, factor=255.0):
        levels = (factor * scaled).round().clamp(0, 255).to(torch.uint8)
        return levels.permute(1, 2, 0)

    good = finish(scaled).permute(2, 0, 1)
    return {
        "The channels are still first: permute(1, 2, 0) moves "
        "them to the end.": good,
        "The picture is scrambled: reshape and view only divide the "
        "row of numbers anew, while permute "
        "moves dimensions.": good.reshape(5, 3, 3),
        "Height and width are swapped: use "
        "permute(1, 2, 0).": good.permute(2, 1, 0),
        "Undo the last step first: multiply by std, "
        "then add mean.": finish((image + m) * s),
        "You normalise a second time: multiply by std, "
        "then add mean.": finish((image - m) / s),
        "mean and std follow the width: make them (C, 1, 1), by "
        "[:, None, None].": (finish(image * std + mean)),
        "The levels end at 1: multiply by 255.": finish(scaled, 1.0),
        "mean is on the scale 0 to 1: add it before you "
        "multiply by 255.": finish(255 * image * s + m, 1.0),
        "The levels are truncated: use round() before you convert.": (
            finish((255 * scaled).floor(), 1.0)
        ),
    }


run_check(
    check_to_picture,
    to_picture,
    errors={
        "must match the size": "mean and std line up with the width: "
        "make them (C, 1, 1), by [:, None, None], while the "
        "channels stand first.",
        "number of dimensions": "An image has three dimensions, 0 "
        "to 2: (C, H, W).",
        "Dimension out of range": "An image has three dimensions, 0 "
        "to 2: (C, H, W).",
        "has no attribute 'astype'": "That is NumPy's method: a tensor "
        "has .to(torch.uint8).",
        "has no attribute 'transpose'": "Convert and permute with "
        "PyTorch's methods.",
    },
)
print("to_picture: right")
