"""Tensors: make, index and compute with them, share their memory, move
them.
"""

# %% imports
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

print("default float:", torch.get_default_dtype())

# %% from-data
table = torch.tensor([[1, 2, 3], [4, 5, 6]])
print(table)
print(table.dtype)

# %% inferred-dtype
for data in (
    [1, 2],
    [1.0, 2.0],
    [1, 2.5],
    [True, False],
    [True, 2],
    [1, 2j],
):
    print(f"{data!s:14} -> {torch.tensor(data).dtype}")
print(
    f"{'[1, 2], told':14} -> "
    f"{torch.tensor([1, 2], dtype=torch.float32).dtype}"
)

# %% tensor-or-class
print(torch.tensor(3).shape)  # one number: no dimension
print(torch.Tensor(3).shape)  # three numbers nobody has set

# %% from-numpy
array = np.array([[1.5, 2.5], [3.5, 4.5]])
print(torch.from_numpy(array).dtype)
print(torch.tensor(array).dtype)
print(torch.tensor(array, dtype=torch.float32).dtype)

# %% from-tensor
torch.manual_seed(0)
print(torch.ones_like(table))
print(torch.rand_like(table, dtype=torch.float32))

# %% shape-tuple
torch.manual_seed(0)
shape = (2, 3)
print(torch.rand(shape))
print(torch.randn(shape))
print(torch.ones(shape))
print(torch.full(shape, 7))
print(torch.arange(0, 10, 2))

# %% random-image alt="A coarse mosaic of 8 by 12 squares, each in a random colour"
torch.manual_seed(0)
noise = torch.rand(3, 8, 12)  # channels, height, width
# Matplotlib wants the channels last.
plt.imshow(noise.permute(1, 2, 0).numpy())
plt.title("torch.rand(3, 8, 12)")
plt.show()

# %% attributes
images = torch.rand(16, 3, 32, 32)
print(images.shape, images.ndim, images.numel())
print(images.dtype, images.element_size(), "bytes each")
print(images.device)

# %% promotion
whole = torch.tensor([7, 8])
print((whole + 0.5).dtype, (whole / 2).dtype, (whole // 2).dtype)
# A Python number does not widen a tensor.
print((torch.rand(2) + 0.5).dtype)
# Nor does a tensor of no dimensions.
print((torch.rand(2) + torch.tensor(0.5, dtype=torch.float64)).dtype)
# Any other tensor does.
print((torch.rand(2) + torch.rand(2, dtype=torch.float64)).dtype)

# %% indexing
grid = torch.arange(12).reshape(3, 4)
print(grid)
print("row 0:", grid[0])
print("column 1:", grid[:, 1])
print(
    "last element:",
    grid[-1, -1],
    "as a Python number:",
    grid[-1, -1].item(),
)
print("every other column, from row 1:", grid[1:, ::2].tolist())


# %% selections alt="Four copies of a 3 by 4 grid holding 0 to 11; the chosen boxes are coloured"
def draw_grid(axis, values, title, filled=None, highest=None):
    """Draw a 2-D tensor as boxes, coloured where `filled`."""
    colours = values.float()
    if filled is not None:
        colours = torch.where(filled, colours, torch.nan)
    highest = highest or values.max()
    axis.imshow(
        colours.numpy(), alpha=0.3, vmin=-highest / 2, vmax=highest
    )
    for (row, column), value in np.ndenumerate(values.numpy()):
        axis.text(column, row, f"{value:g}", ha="center", va="center")
    axis.set_xticks(np.arange(values.shape[1] + 1) - 0.5, labels=[])
    axis.set_yticks(np.arange(values.shape[0] + 1) - 0.5, labels=[])
    axis.tick_params(length=0)
    axis.grid(True)
    axis.set_title(title)


filled = torch.zeros(4, 3, 4, dtype=torch.bool)
filled[0][0] = True
filled[1][:, 1] = True
filled[2][1:, ::2] = True
filled[3][grid > 6] = True
titles = ["grid[0]", "grid[:, 1]", "grid[1:, ::2]", "grid[grid > 6]"]
figure, axes = plt.subplots(2, 2, layout="constrained")
for axis, title, chosen in zip(axes.flat, titles, filled, strict=True):
    draw_grid(axis, grid, title, chosen)
plt.show()

# %% negative-step error="ValueError"
grid[:, ::-1]  # NumPy can do this; PyTorch has grid.flip(1)

# %% masks-and-lists
print("mask:", grid[grid > 6])
print("rows 2 and 0:", grid[[2, 0]].tolist())
print("pairs (0, 3) and (2, 1):", grid[[0, 2], [3, 1]])
print(torch.where(grid > 6, grid, 0))

# %% view-or-copy
original = torch.arange(5)
part = original[1:3]
picked = original[[1, 2]]
cloned = original[1:3].clone()
part[0] = 100
print(original)
print(picked, cloned)

# %% elementwise
left = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
right = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
print(left * right)
print(torch.mul(left, right))

# %% matrix-product
features = torch.rand(5, 3)
weights = torch.rand(3, 2)
print(
    features.shape, "@", weights.shape, "->", (features @ weights).shape
)
print("spelled out:", torch.matmul(features, weights).shape)
print("a batch of 10:", (torch.rand(10, 5, 3) @ weights).shape)

# %% matrix-mismatch error="RuntimeError"
features @ features  # the inner sizes, 3 and 5, differ

# %% transpose warns="UserWarning"
print((features @ features.T).shape)
batch = torch.rand(10, 5, 3)
print("mT:", batch.mT.shape)  # swaps the last two dimensions
print("T: ", batch.T.shape)  # reverses all of them

# %% broadcast
column = torch.tensor([[0], [10], [20]])
row = torch.tensor([[1, 2, 3, 4]])
print(column.shape, "+", row.shape, "->", (column + row).shape)
print(column + row)

# %% broadcast-picture alt="A column of 3 plus a row of 4 gives a 3 by 4 grid; copies are unfilled"
figure, axes = plt.subplots(
    1, 3, figsize=(5, 1.9), layout="constrained"
)
first_column, first_row = torch.zeros(2, 3, 4, dtype=torch.bool)
first_column[:, 0] = True
first_row[0] = True
draw_grid(axes[0], column.expand(3, 4), "(3, 1)", first_column)
draw_grid(axes[1], row.expand(3, 4), "+  (1, 4)", first_row)
draw_grid(axes[2], column + row, "=  (3, 4)")
plt.show()

# %% broadcast-fails error="RuntimeError"
torch.ones(3, 4) + torch.ones(3)  # from the right: 4 against 3

# %% broadcast-trap
predictions = torch.tensor([[1.0], [2.0], [3.0]])
targets = torch.tensor([1.0, 2.0, 3.0])
print((predictions - targets).shape)
print((predictions.squeeze(1) - targets).shape)

# %% painting alt="Three planes, a ramp to the right, a ramp down and a disc, make a colour image"
down = torch.linspace(0, 1, 30).reshape(30, 1)
across = torch.linspace(0, 1, 40).reshape(1, 40)
disc = ((down - 0.4) ** 2 + (across - 0.3) ** 2 < 0.05).float()
picture = torch.stack(
    [across.expand(30, 40), down.expand(30, 40), disc]
)

panels = [*picture, picture.permute(1, 2, 0)]
titles = [
    "red: picture[0]",
    "green: picture[1]",
    "blue: picture[2]",
    "all: picture",
]
figure, axes = plt.subplots(2, 2, layout="constrained")
for axis, panel, title in zip(axes.flat, panels, titles, strict=True):
    axis.imshow(panel.numpy(), vmin=0, vmax=1)
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% in-place
counts = torch.zeros(3)
same = counts
counts.add_(1)
counts += 1
print(same)
counts = counts + 1
print(same, counts)

# %% in-place-dtype error="RuntimeError"
torch.tensor([1, 2]).add_(0.5)

# %% convolution
image = torch.arange(16.0).reshape(4, 4) ** 2
kernel = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
slid = F.conv2d(image[None, None], kernel[None, None])[0, 0]

by_hand = torch.empty(3, 3)
for i in range(3):
    for j in range(3):
        by_hand[i, j] = (image[i : i + 2, j : j + 2] * kernel).sum()
print("kernel as it is:", torch.allclose(slid, by_hand))

turned = kernel.flip(0, 1)
flipped = F.conv2d(image[None, None], turned[None, None])[0, 0]
print("kernel flipped: ", torch.allclose(slid, flipped))

# %% cat-and-stack alt="cat makes one taller or one wider grid; stack keeps two grids as layers"
ones, fives = torch.full((2, 3), 1), torch.full((2, 3), 5)
tall = torch.cat([ones, fives], dim=0)
wide = torch.cat([ones, fives], dim=1)
layers = torch.stack([ones, fives], dim=0)
print(tall.shape, wide.shape, layers.shape)

sizes = {"width_ratios": [3, 6], "height_ratios": [4, 2]}
figure, axes = plt.subplots(
    2, 2, figsize=(4.8, 3.5), layout="constrained", **sizes
)
draw_grid(axes[0, 0], tall, "cat, dim=0")
draw_grid(axes[0, 1], wide, "cat, dim=1")
draw_grid(axes[1, 0], layers[0], "stack, layer [0]", highest=5)
draw_grid(axes[1, 1], layers[1], "stack, layer [1]", highest=5)
plt.show()

# %% reductions
scores = torch.tensor([[1.0, 5, 2, 0], [4, 3, 6, 2], [0, 1, 1, 8]])
print("all:  ", scores.sum())
print("dim=0:", scores.sum(dim=0))
print("dim=1:", scores.sum(dim=1))
print("two dimensions at once:", images.mean(dim=(2, 3)).shape)

totals = scores.sum(dim=1, keepdim=True)
print("kept:", totals.shape)
shares = scores / totals  # (3, 4) / (3, 1): each row by its own sum
print("shares add up to:", shares.sum(dim=1))

# %% reduction-picture alt="A 3 by 4 grid, its column sums below it and its row sums at its right"
sizes = {"width_ratios": [4, 1], "height_ratios": [3, 1]}
figure, axes = plt.subplots(
    2, 2, figsize=(4.8, 3.6), layout="constrained", **sizes
)
draw_grid(axes[0, 0], scores, "scores (3, 4)")
draw_grid(axes[0, 1], scores.sum(dim=1, keepdim=True), "dim=1")
draw_grid(axes[1, 0], scores.sum(dim=0, keepdim=True), "dim=0")
axes[1, 1].axis("off")
plt.show()

# %% argmax
print(scores.argmax(dim=1))
best = scores.max(dim=1)
print(best.values, best.indices)
print(scores.argmax())

# %% integer-mean error="RuntimeError"
torch.tensor([1, 2]).mean()

# %% reshape
flat = torch.arange(6)
matrix = flat.reshape(2, 3)
print(matrix)
print(flat.reshape(-1, 2).shape)  # -1: as many as are left
print(
    flat.unsqueeze(0).shape,
    flat[None].shape,
    flat[None].squeeze(0).shape,
)
print(torch.rand(16, 3, 8, 8).flatten(start_dim=1).shape)

# %% strides
turned = matrix.T
print(matrix.stride(), matrix.is_contiguous())
print(turned.stride(), turned.is_contiguous())
print("same memory:", matrix.data_ptr() == turned.data_ptr())

# %% strides-picture alt="Memory holds 0 to 5; the matrix reads it by rows, its transpose by columns"
mosaic = [["memory", "memory"], ["matrix", "turned"]]
figure, axes = plt.subplot_mosaic(
    mosaic, height_ratios=[1, 2.6], layout="constrained"
)
draw_grid(axes["memory"], flat[None], "one memory")
draw_grid(axes["matrix"], matrix, f"matrix, stride {matrix.stride()}")
draw_grid(axes["turned"], turned, f"matrix.T, stride {turned.stride()}")
plt.show()

# %% view-fails error="RuntimeError"
turned.view(6)

# %% reshape-copies
straight = matrix.reshape(6)
reordered = turned.reshape(6)
matrix[0, 0] = 100
print("view:", straight)
print("copy:", reordered)

# %% permute-picture alt="permute shows the colour picture; reshape shows grey bands and three small discs"
permuted = picture.permute(1, 2, 0)
reshaped = picture.reshape(30, 40, 3)
print(permuted.shape == reshaped.shape)

figure, axes = plt.subplots(
    1, 2, figsize=(4.8, 2.2), layout="constrained"
)
axes[0].imshow(permuted.numpy())
axes[0].set_title("permute")
axes[1].imshow(reshaped.numpy())
axes[1].set_title("reshape")
plt.setp(axes, xticks=[], yticks=[])
plt.show()

# %% shared-both-ways
tensor = torch.ones(3)
seen_by_numpy = tensor.numpy()
tensor.add_(1)
print("the array sees: ", seen_by_numpy)

array = np.zeros(3)
seen_by_torch = torch.from_numpy(array)
array[0] = 5
seen_by_torch[2] = -5
print("the tensor sees:", seen_by_torch)
print("and the array:  ", array)

# %% shared-or-rebound
n = np.ones(3)
t = torch.from_numpy(n)
n += 1
print(t)
n = n + 1
print(t, n)

# %% copy-or-share
source = np.array([1.0, 2.0])
made = {
    "from_numpy(a)": torch.from_numpy(source),
    "as_tensor(a)": torch.as_tensor(source),
    "as_tensor(a, float32)": torch.as_tensor(
        source, dtype=torch.float32
    ),
    "tensor(a)": torch.tensor(source),
}
source[0] = 99
for call, result in made.items():
    print(f"{call:22} {'shares' if result[0] == 99 else 'copied'}")

# %% float64-linear error="RuntimeError"
layer = nn.Linear(2, 1)
rows = torch.from_numpy(np.ones((4, 2)))
layer(rows)

# %% float32-linear
outputs = layer(rows.float())  # short for rows.to(torch.float32)
print(rows.dtype, outputs.dtype, outputs.shape)

# %% needs-detach error="RuntimeError"
outputs.numpy()

# %% device
device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("device:", device.type)

# %% named-or-usable
import subprocess
import sys

check = """
import os
# From here on, this is a computer without a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch
named = torch.accelerator.current_accelerator()
usable = torch.accelerator.current_accelerator(check_available=True)
built = torch.backends.cuda.is_built()
names_cuda = named == torch.device("cuda")
print("named exactly if built for it:", names_cuda == built)
print("usable:", usable)
"""
command = [sys.executable, "-c", check]
run = subprocess.run(
    command, capture_output=True, text=True, check=True
)
print(run.stdout, end="")

# %% move
examples = torch.rand(4, 3)
moved = examples.to(device)
print(examples.device.type, "->", moved.device.type)
model = nn.Linear(3, 2).to(device)
answers = model(moved)
print("computed on", answers.device.type)
print("back in NumPy:", answers.detach().cpu().numpy().shape)

# %% two-devices
on_device = torch.ones(3, device=device)  # made there, no copy
try:
    print((on_device + torch.ones(3)).device.type)
except RuntimeError as mixed:
    print(mixed)

# %% same-seed
torch.manual_seed(0)
first = torch.randn(300, 300) @ torch.randn(300, 300)
torch.manual_seed(0)
second = torch.randn(300, 300) @ torch.randn(300, 300)
print(torch.equal(first, second))

# %% summation-order
torch.manual_seed(0)
numbers = torch.rand(20, 200_000)
forwards = numbers.sum(dim=1)
backwards = numbers.flip(1).sum(dim=1)
print("equal:", torch.equal(forwards, backwards))
print("allclose:", torch.allclose(forwards, backwards))


# %% thread-count
def row_sums(threads):
    """Sum row by row: the threads share the work of each sum."""
    torch.set_num_threads(threads)
    return torch.stack([row.sum() for row in numbers])


threads_before = torch.get_num_threads()
once, again, four = row_sums(1), row_sums(1), row_sums(4)
torch.set_num_threads(threads_before)
print("1 and 1 thread:  equal", torch.equal(once, again))
print("1 and 4 threads: equal", torch.equal(once, four))
print("1 and 4 threads: allclose", torch.allclose(once, four))

# %% cpu-and-device
there = numbers.to(device).sum(dim=1).cpu()
print(
    f"sums on cpu and {device.type}: equal",
    torch.equal(forwards, there),
)
print(
    f"sums on cpu and {device.type}: allclose",
    torch.allclose(forwards, there),
)
torch.manual_seed(0)
drawn = torch.rand(20, 200_000, device=device).cpu()
print("same seed, same random numbers:", torch.equal(numbers, drawn))

# %% photos
torch.manual_seed(0)
scale = torch.tensor([1.0, 5.0, 20.0]).reshape(3, 1, 1)
photos = 10 + scale * torch.randn(8, 3, 16, 16)
print("first channel:", photos[:, 0].mean(), photos[:, 0].std())
print("last channel: ", photos[:, 2].mean(), photos[:, 2].std())

# %% nearest-centre alt="200 points in three colours, each in the colour of the nearest of 3 crosses"
torch.manual_seed(0)
points = torch.rand(200, 2)
centres = torch.tensor([[0.2, 0.3], [0.5, 0.8], [0.8, 0.2]])
distances = torch.cdist(points, centres)
print(points.shape, centres.shape, "->", distances.shape)

nearest = distances.argmin(dim=1)
for k, centre in enumerate(centres):
    own = points[nearest == k]
    plt.scatter(own[:, 0], own[:, 1], s=12, color=f"C{k}")
    plt.scatter(*centre, s=150, marker="x", linewidth=3, color=f"C{k}")
plt.gca().set_aspect("equal")
plt.title("argmin over dim=1")
plt.show()
