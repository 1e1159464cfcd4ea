# %% [markdown]
# # Lab: from the loop to a quick recipe
#
# Three exercises, each a part of the quick recipe: a residual block, random crops of
# a whole batch, and label smoothing by hand. Replace each `...` by your own code and
# run the cell, then run the check below it: it says in one sentence what is wrong.
# The lesson is [From the loop to a quick recipe](quick.md).

# %% imports
import torch
from checking import run_check, words_in
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## A block with the right skip connection
#
# Finish the forward pass of a residual block. Where `branch` changes the shape, the
# maps cannot be added as they are: then the block's `short_cut`, a 1 x 1 convolution,
# brings them into the new shape. Where it does not, `short_cut` is an `nn.Identity`.
# The block adds both paths, and no activation comes after the sum. In the lesson:
# [A residual network](quick.md#a-residual-network).

# %% [markdown]
# - `block`: a module with two parts, `block.branch` and
#   `block.short_cut`.
# - `maps`: a batch of feature maps (N, C, H, W), which stays as it is.
# - Returns maps (N, D, H', W'), the shape in which both parts agree.


# %% residual-forward
def residual_forward(block, maps):
    """Return what a residual block makes of its maps."""
    ### BEGIN SOLUTION
    return block.short_cut(maps) + block.branch(maps)
    ### END SOLUTION


# %% check-residual-forward
def check_residual_forward(function):
    """Try blocks with and without a change of shape. Raises
    AssertionError.
    """
    torch.manual_seed(0)
    for channels, stride in ((4, 1), (6, 2)):
        block = nn.Module()
        block.branch = nn.Conv2d(
            4, channels, 3, stride=stride, padding=1
        )
        same = stride == 1
        cut = (
            nn.Identity()
            if same
            else nn.Conv2d(4, channels, 1, stride=stride)
        )
        block.short_cut = cut
        maps = torch.randn(2, 4, 8, 8)
        branch, cut = block.branch(maps), block.short_cut(maps)
        answer = function(block, maps)
        assert isinstance(answer, torch.Tensor), (
            "Return the sum of the two paths, a tensor, and not a "
            f"{type(answer).__name__}."
        )
        mistakes = {
            "You return the branch alone: add the skip "
            "connection to it.": branch,
            "You return the skip connection alone: add "
            "the branch to it.": cut,
            "An activation comes after the sum, and no negative number "
            "gets past it: return "
            "the sum as it is.": F.relu(cut + branch),
            "The maps are added twice: add the skip connection once.": (
                2 * cut + branch
            ),
            "You return the difference, but the branch learns what is "
            "to be added: use +.": cut - branch,
            "The two paths are multiplied: add them, so that the "
            "gradient of the sum reaches each of "
            "them unchanged.": cut * branch,
            "You return the mean of the two paths: add them, and "
            "do not divide.": (cut + branch) / 2,
        }
        for hint, wrong in mistakes.items():
            assert not _close(answer, wrong), hint
        assert _close(answer, cut + branch), (
            "Return block.short_cut(maps) plus block.branch(maps), "
            "and nothing else."
        )
        given, mine = (
            maps.clone().requires_grad_(),
            maps.clone().requires_grad_(),
        )
        sums = (
            block.short_cut(given) + block.branch(given),
            function(block, mine),
        )
        for leaf, total in zip((given, mine), sums, strict=True):
            if total.requires_grad:
                total.square().sum().backward()
            assert leaf.grad is not None and torch.allclose(
                leaf.grad, given.grad, atol=1e-3
            ), (
                "The sum is right and its gradient is not: let it flow "
                "through both paths, without detach() or no_grad()."
            )


def _close(answer, other):
    other = torch.as_tensor(other)
    return answer.shape == other.shape and torch.allclose(
        answer, other, atol=1e-5
    )


run_check(
    check_residual_forward,
    residual_forward,
    errors={
        "must match the size": "The shapes do not fit where the branch "
        "changes them: give the maps to both parts, and add what "
        "the two return.",
        "to have 4 channels": "The shapes do not fit where the branch "
        "changes them: give the maps themselves to both parts, and add "
        "what the two return.",
        "output with shape": "The shapes do not fit in place: add with "
        "+, which makes a new tensor.",
        "is not callable": "block.branch and block.short_cut are "
        "called with the maps; the block itself has no forward yet.",
        "missing the required": "The block itself has no forward, "
        "which is what you write here: call block.branch and "
        "block.short_cut.",
        "an inplace operation": "Add with +, not with +=: backward "
        "still needs what you change.",
    },
)
print("residual_forward: right")

# %% [markdown]
# ## Random crops of a whole batch
#
# Cut one window out of each image, without a loop. The lesson cuts from a tensor with
# the channels last; here they come second, as in most code. The windows' upper left
# corners are given, so that the check can know the answer. There are two ways that
# work: index with tensors that broadcast, or take the rows with `torch.gather` and
# then the columns. In the lesson: [Augment on the device](quick.md#augment-on-the-device).

# %% [markdown]
# - `images`: a batch (N, C, H, W) of any dtype, on any device, which
#   stays as it is.
# - `top`, `left`: row and column of each window's first pixel, int64
#   tensors (N,).
# - `size`: height and width of the windows, an int. Every window lies
#   within its image.
# - Returns a tensor (N, C, `size`, `size`) of the images' dtype, on
#   their device.


# %% crops
def crops(images, top, left, size):
    """Return one square window of each image."""
    ### BEGIN SOLUTION
    line = torch.arange(size, device=images.device)
    rows = (top[:, None] + line)[:, :, None]  # (N, size, 1)
    columns = (left[:, None] + line)[:, None, :]  # (N, 1, size)
    each = torch.arange(len(images), device=images.device)
    each = each[:, None, None]  # (N, 1, 1)
    cut = images.permute(0, 2, 3, 1)[each, rows, columns]
    return cut.permute(0, 3, 1, 2)
    ### END SOLUTION


# %% check-crops
def check_crops(function):
    """Cut at known places. Raises AssertionError with one hint."""
    # No two pixels are alike, so it can be told where each one comes
    # from.
    images = torch.arange(5 * 3 * 12 * 13).reshape(5, 3, 12, 13)
    top, left = (
        torch.tensor([0, 5, 2, 3, 1]),
        torch.tensor([7, 0, 4, 6, 2]),
    )
    answer = function(images, top, left, 4)
    assert isinstance(answer, torch.Tensor), (
        "Return a tensor (N, C, size, size), and not a "
        f"{type(answer).__name__}."
    )
    assert answer.shape != (5, 4, 4, 3), (
        "The channels stand last: permute them back to dimension 1."
    )
    assert answer.shape == (5, 3, 4, 4), (
        "The shape should be (5, 3, 4, 4), but it is "
        f"{tuple(answer.shape)}: one window of 4 x 4 for each "
        "of the 5 images."
    )
    right = _windows(images, top, left, 4)
    mistakes = {
        "top and left are swapped: top counts rows, dimension 2.": (
            left,
            top,
        ),
        "Every window is cut at the place of image 0: let each image "
        "use its own corner.": (top[:1].expand(5), left[:1].expand(5)),
        "All windows start in row 0: add top to the rows.": (
            0 * top,
            left,
        ),
        "All windows start in column 0: add left to the columns.": (
            top,
            0 * left,
        ),
        "The windows start one pixel too far: the first row is top "
        "itself, so count from 0.": (top + 1, left + 1),
    }
    for hint, (rows, columns) in mistakes.items():
        assert not torch.equal(
            answer, _windows(images, rows, columns, 4)
        ), hint
    assert not torch.equal(answer, right.transpose(2, 3)), (
        "Rows and columns of each window are swapped: transpose it, or "
        "index rows first."
    )
    assert not torch.equal(answer, right.flip(3)), (
        "The windows are mirrored: count columns upwards from left."
    )
    assert torch.equal(answer, right), (
        "Pixels come from another image or channel: index dimension 0 "
        "with arange(N), shaped to broadcast, and leave the "
        "channels whole."
    )
    small = (images % 251).to(torch.uint8)
    answer = function(small, top, left, 3)
    assert answer.dtype == torch.uint8, (
        f"A batch of uint8 has become {answer.dtype}: only index, and "
        "do not compute."
    )
    assert torch.equal(
        answer, _windows(images % 251, top, left, 3).to(torch.uint8)
    ), (
        "Windows of 4 x 4 come out right, and those of 3 x 3 do "
        "not: use size."
    )
    assert "for" not in words_in(function), (
        "The windows are right, but there is a loop in your code: "
        "index all images at once, with tensors (N, 1, 1), (N, size, "
        "1) and (N, 1, size)."
    )


def _windows(images, top, left, size):
    """Cut in a loop, as it would be too slow in a training."""
    padded = F.pad(images, (0, 12, 0, 12), value=-1)
    corners = zip(padded, top.tolist(), left.tolist(), strict=True)
    return torch.stack(
        [i[:, t : t + size, x : x + size] for i, t, x in corners]
    )


run_check(
    check_crops,
    crops,
    errors={
        "could not be broadcast": "The index tensors do not broadcast: "
        "give image, row and column the shapes (N, 1, 1), (N, size, 1) "
        "and (N, 1, size).",
        "must match the size": "Two shapes do not broadcast: top[:, "
        "None] is (N, 1), and with arange(size) it gives the "
        "rows, (N, size).",
        "same number of dimensions": "gather wants an index of as many "
        "dimensions as the images, (N, C, size, W) for the "
        "rows: use expand.",
        "converted to an index": "A slice takes one number, the same "
        "for all images: index with tensors of rows and "
        "columns instead.",
        "out of bounds": "A window leaves its image: top counts rows, "
        "dimension 2, and left columns, dimension 3.",
        "only one element": "A slice takes one number, the same for "
        "all images: index with tensors of rows and columns instead.",
    },
)
print("crops: right")

# %% [markdown]
# ## Label smoothing by hand
#
# With $K$ classes and the smoothing $\varepsilon$, the target of an image is no longer
# one class but a distribution: each class gets $\varepsilon / K$, and the right one
# gets $1 - \varepsilon$ on top of that. The loss of an image is the cross-entropy
# against this target, and the loss of the batch is the mean over its images. Use
# `torch.log_softmax`, but no ready-made cross-entropy. In the lesson:
# [Label smoothing](quick.md#label-smoothing).

# %% [markdown]
# - `logits`: raw outputs (N, K), float32.
# - `labels`: the index of the right class (N,), int64.
# - `smoothing`: a float from 0, which is the usual cross-entropy, to 1,
#   which is no label at all.
# - Returns a tensor of shape (), through which gradients flow.


# %% smoothed-loss
def smoothed_loss(logits, labels, smoothing):
    """Return the mean cross-entropy against smoothed labels."""
    ### BEGIN SOLUTION
    logs = torch.log_softmax(logits, dim=1)
    right = logs.gather(1, labels[:, None]).squeeze(1)  # (N,)
    all_classes = logs.mean(dim=1)
    return -((1 - smoothing) * right + smoothing * all_classes).mean()
    ### END SOLUTION


# %% check-smoothed-loss
def check_smoothed_loss(function):
    """Compare with PyTorch's own; AssertionError with one hint."""
    torch.manual_seed(0)
    logits, labels = (
        3 * torch.randn(6, 5),
        torch.tensor([0, 4, 2, 2, 1, 3]),
    )
    logs, some = torch.log_softmax(logits, dim=1), 0.3
    hot = F.one_hot(labels, 5).float()

    def cost(targets):
        return -(targets * logs).sum(1).mean()

    mine = _loss_of(function, logits, labels, some)
    right = F.cross_entropy(logits, labels, label_smoothing=some)
    mistakes = {
        "The loss has the wrong sign: it is minus the sum of target "
        "times logarithm.": -right,
        "The losses of the images are added: take their mean.": 6
        * right,
        "That is the mean over images and classes: add over the "
        "classes, and take the mean over the images alone.": right / 5,
        "The smoothing has no effect: that is the usual "
        "cross-entropy.": (F.cross_entropy(logits, labels)),
        "You share smoothing among the K - 1 wrong classes only: the "
        "right class gets smoothing / K as well.": cost(
            (1 - some) * hot + some * (1 - hot) / 4
        ),
        "Each class gets smoothing itself: divide it by the number of "
        "classes, so that the "
        "target sums to 1.": cost((1 - some) * hot + some),
    }
    for hint, wrong in mistakes.items():
        assert not torch.isclose(mine, wrong, rtol=1e-4), hint
    for smoothing in (some, 0.0, 1.0):
        mine = _loss_of(function, logits, labels, smoothing)
        right = F.cross_entropy(
            logits, labels, label_smoothing=smoothing
        )
        assert torch.isclose(mine, right, rtol=1e-4), (
            f"With smoothing {smoothing} the loss should be "
            f"{right:.4f}, but it is {mine:.4f}."
        )
    _check_extremes(function, logits, labels)


def _check_extremes(function, logits, labels):
    large = logits.clone()
    large[0, 1] = 200.0  # its probability is 1, all others underflow
    assert _loss_of(function, large, labels, 0.3).isfinite(), (
        "A logit of 200 gives no finite loss: do not take "
        "log(softmax(...)), whose softmax may be 0; "
        "log_softmax is safe."
    )
    mine = logits.clone().requires_grad_()
    theirs = logits.clone().requires_grad_()
    loss = _loss_of(function, mine, labels, 0.3)
    assert loss.requires_grad, (
        "No gradient flows through your loss: stay with tensors, "
        "without item()."
    )
    loss.backward()
    F.cross_entropy(theirs, labels, label_smoothing=0.3).backward()
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-5), (
        "The loss is right and its gradient is not: a part of it is "
        "cut off from the logits, by detach() or no_grad()."
    )
    ready_made = {"cross_entropy", "CrossEntropyLoss"} & words_in(
        function
    )
    assert not ready_made, (
        f"The loss is right, but {min(ready_made, default='')} "
        "computes it for you: write the formula, from "
        "torch.log_softmax on."
    )


def _loss_of(function, logits, labels, smoothing):
    loss = function(logits, labels, smoothing)
    assert isinstance(loss, torch.Tensor), (
        "No gradient flows through your loss: stay with tensors, "
        "without item()."
    )
    assert loss.shape == (), (
        f"The loss has the shape {tuple(loss.shape)}: take the mean "
        "over the images."
    )
    return loss


run_check(
    check_smoothed_loss,
    smoothed_loss,
    errors={
        "must match the size": "Labels are class indices, (N,), and "
        "the logarithms (N, K): F.one_hot makes (N, K) of them, gather "
        "picks with (N, 1).",
        "same number of dimensions": "gather picks with an index of "
        "two dimensions: labels[:, None].",
        "tensors used as indices": "The labels index as "
        "they are: int64.",
        "applicable to index tensor": "one_hot takes the labels as "
        "they are: int64.",
        "Boolean value of Tensor": "nn.CrossEntropyLoss is a class, "
        "and ready-made besides: write the formula.",
        "unexpected keyword argument": "A function of PyTorch has no "
        "such argument: look it up in its reference.",
    },
)
print("smoothed_loss: right")
