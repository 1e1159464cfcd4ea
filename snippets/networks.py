"""Define a network, follow shapes and gradients through it, and train
it.
"""

# %% imports
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

print("layers come from:", nn.Conv2d.__module__)


# %% network
class Net(nn.Module):
    """Map grey images (N, 1, 32, 32) to scores (N, 10)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        # Has no weights, so one serves twice.
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, images):
        maps = self.pool(F.relu(self.conv1(images)))
        maps = self.pool(F.relu(self.conv2(maps)))
        features = F.relu(self.fc1(torch.flatten(maps, 1)))
        features = F.relu(self.fc2(features))
        return self.fc3(features)


torch.manual_seed(0)
net = Net()
print(net)

# %% parameters
for name, parameter in net.named_parameters():
    print(
        f"{name:12} {tuple(parameter.shape)!s:14} "
        f"{parameter.numel():6,}"
    )
total = sum(parameter.numel() for parameter in net.parameters())
print(
    f"{len(list(net.parameters()))} tensors, {total:,} numbers to learn"
)


# %% registered
class Example(nn.Module):
    def __init__(self):
        super().__init__()
        self.trained = nn.Parameter(torch.ones(2))
        self.register_buffer("kept", torch.ones(2))
        self.overlooked = torch.ones(2, requires_grad=True)


module = Example()
print("parameters:", [name for name, _ in module.named_parameters()])
print("saved:     ", list(module.state_dict()))
print(
    "a parameter is a tensor:", isinstance(module.trained, torch.Tensor)
)
module.to(torch.float64)
for name in ("trained", "kept", "overlooked"):
    print(f"{name:10} {getattr(module, name).dtype}")


# %% module-list
class Stack(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.layers = container(nn.Linear(4, 4) for _ in range(3))

    def forward(self, features):
        for layer in self.layers:
            features = layer(features)
        return features


for container in (list, nn.ModuleList):
    stack = Stack(container)
    shape = tuple(stack(torch.ones(1, 4)).shape)
    found = len(list(stack.parameters()))
    print(
        f"{container.__name__:10} output {shape}, parameter "
        f"tensors {found}"
    )

# %% empty-optimizer error="ValueError"
torch.optim.SGD(Stack(list).parameters(), lr=0.01)

# %% random-input
torch.manual_seed(0)
# One image, one channel, height, width.
image = torch.randn(1, 1, 32, 32)
scores = net(image)
print(scores)

# %% layer-by-layer
steps = [
    ("conv1", net.conv1),
    ("ReLU", F.relu),
    ("pool", net.pool),
    ("conv2", net.conv2),
    ("ReLU", F.relu),
    ("pool", net.pool),
    ("flatten", lambda maps: torch.flatten(maps, 1)),
    ("fc1", net.fc1),
    ("ReLU", F.relu),
    ("fc2", net.fc2),
    ("ReLU", F.relu),
    ("fc3", net.fc3),
]
values = image
for name, step in steps:
    before, values = values, step(values)
    print(
        f"{name:8} {tuple(before.shape)!s:16} -> {tuple(values.shape)}"
    )
print("as net(image):", torch.equal(values, net(image)))


# %% hooks
def note_layer(module, inputs, output):
    """Append name, shape, parameters and multiply-adds."""
    parameters = sum(p.numel() for p in module.parameters())
    # Each number that a layer puts out is one sum over one row of its
    # weight.
    adds = (
        module.weight[0].numel() * output[0].numel()
        if parameters
        else 0
    )
    layers.append(
        (names[module], tuple(output[0].shape), parameters, adds)
    )


layers = []
names = {child: name for name, child in net.named_children()}
handles = [
    child.register_forward_hook(note_layer) for child in net.children()
]
net(image)
for handle in handles:
    handle.remove()

print(
    f"{'layer':6} {'output':12} {'numbers':>8} "
    f"{'parameters':>11} multiply-adds"
)
for name, shape, parameters, adds in layers:
    numbers = np.prod(shape)
    print(
        f"{name:6} {shape!s:12} {numbers:8,} "
        f"{parameters:11,} {adds:13,}"
    )
print(
    f"{'all':28} {sum(r[2] for r in layers):11,} "
    f"{sum(r[3] for r in layers):13,}"
)

# %% flop-counter
from torch.utils.flop_counter import FlopCounterMode

with FlopCounterMode(display=False) as counter:
    net(image)
print(f"{counter.get_total_flops() // 2:,} multiply-adds")

# %% layer-bars alt="Three bar charts over the seven layers. Numbers put out shrink from conv1 on; almost all parameters are in fc1; most multiply-adds are in conv2 and conv1."
columns = {
    "numbers put out": [np.prod(shape) for _, shape, _, _ in layers],
    "parameters": [parameters for _, _, parameters, _ in layers],
    "multiply-adds": [adds for _, _, _, adds in layers],
}
places = range(len(layers))
figure, axes = plt.subplots(
    3, 1, figsize=(5, 7.5), layout="constrained"
)
for axis, (title, counts) in zip(axes, columns.items(), strict=True):
    axis.barh(places, np.array(counts) / 1000)
    axis.set_title(title)
    axis.set_xlabel("thousands")
    axis.set_yticks(places, [name for name, *_ in layers])
    axis.invert_yaxis()  # the first layer on top
plt.show()

# %% real-sizes
maps = torch.zeros(1, 1, 33, 33)
for layer in [
    nn.Conv2d(1, 1, 5),
    nn.Conv2d(1, 1, 5, padding=2),
    nn.Conv2d(1, 1, 3, dilation=2),
    nn.Conv2d(1, 1, 4, stride=2),
    nn.MaxPool2d(2),
    nn.MaxPool2d(2, stride=1),
]:
    print(f"33 -> {layer(maps).shape[-1]} {layer}")

# %% sizes-that-work
for height in (32, 33, 34, 35):
    for width in (32, 33, 34, 35):
        assert net(torch.zeros(1, 1, height, width)).shape == (1, 10)
print("all sixteen work, even 32 x 35")

# %% size-too-large error="RuntimeError"
net(torch.zeros(1, 1, 36, 36))

# %% view-or-flatten
torch.manual_seed(0)
maps = torch.randn(1, 1, 52, 52)  # one image
for _, step in steps[:6]:
    maps = step(maps)
print("maps:   ", tuple(maps.shape))
answers = maps.view(-1, 400)
for _, step in steps[7:]:
    answers = step(answers)
print("view:   ", tuple(answers.shape))  # four answers, no complaint
try:
    net.fc1(torch.flatten(maps, 1))
except RuntimeError as error:
    print("flatten:", error)

# %% unbatched
one = torch.randn(1, 32, 32)  # channel, height, width: no batch
print("Conv2d:   ", tuple(net.conv1(one).shape))
print("MaxPool2d:", tuple(net.pool(one).shape))
print("Linear:   ", tuple(net.fc1(torch.randn(400)).shape))
one_loss = nn.CrossEntropyLoss()(torch.randn(10), torch.tensor(3))
print("CrossEntropyLoss:", tuple(one_loss.shape))

# %% batch-norm-unbatched error="ValueError"
nn.BatchNorm2d(6)(net.conv1(one))

# %% one-value error="ValueError"
nn.BatchNorm1d(10)(net(image))  # a batch of one: no spread to divide by

# %% net-unbatched error="RuntimeError"
net(one)

# %% mini-batch
print("one as a batch:", tuple(net(one[None]).shape))
batch = torch.randn(64, 1, 32, 32)
print("a mini-batch:  ", tuple(net(batch).shape))
row_of_batch, alone = net(batch)[5], net(batch[5:6])[0]
print(
    "answers do not mix:",
    torch.allclose(row_of_batch, alone, atol=1e-5),
)

# %% mse
torch.manual_seed(0)
target = torch.randn(1, 10)  # stands for a real one
mse = nn.MSELoss()
loss = mse(net(image), target)
print("MSELoss:", loss)
print("by hand:", (net(image) - target).square().mean())

# %% float-labels error="RuntimeError"
torch.manual_seed(0)
logits = torch.randn(4, 10)
labels = torch.tensor([3.0, 1.0, 4.0, 1.0])
nn.CrossEntropyLoss()(logits, labels)

# %% integer-labels
loss_function = nn.CrossEntropyLoss()
print(
    labels.long().dtype, "loss:", loss_function(logits, labels.long())
)
# Float, one row for each example.
probabilities = torch.full((4, 10), 0.1)
print(
    probabilities.dtype, "loss:", loss_function(logits, probabilities)
)

# %% shapes-of-mse warns="UserWarning"
# Every guess is right.
guess, truth = torch.arange(10.0), torch.arange(10.0)
print("(10) and (10):   ", mse(guess, truth))
print("(1, 10) and (10):", mse(guess[None], truth))
print("(10, 1) and (10):", mse(guess[:, None], truth))

# %% sum-of-differences
for labels in (torch.tensor([3, 1]), torch.tensor([0, 9])):
    prediction = torch.zeros(2, requires_grad=True)
    (prediction - labels).sum().backward()
    print(
        "labels", labels.tolist(), "gradient", prediction.grad.tolist()
    )

prediction = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([prediction], lr=1.0)
for step in range(1001):
    optimizer.zero_grad()
    loss_so_far = (prediction - labels).sum()
    loss_so_far.backward()
    optimizer.step()
    if step in (0, 10, 100, 1000):
        print(f"step {step:4}: loss {loss_so_far.item():8,.0f}")


# %% first-branch
def kind(node):
    """Return the name of a node of the graph, such as ReluBackward0."""
    return type(node).__name__


last = loss.grad_fn
linear = last.next_functions[0][0]
print(kind(last), "<-", kind(linear))
print(
    "inputs of it:", [kind(node) for node, _ in linear.next_functions]
)
leaf = linear.next_functions[0][0]
print("the first is fc3's bias:", leaf.variable is net.fc3.bias)

# %% right-branch
node, parameter_side = loss.grad_fn, ("AccumulateGrad", "TBackward0")
while node is not None:
    print(kind(node))
    inputs = [
        earlier
        for earlier, _ in node.next_functions
        if earlier is not None
    ]
    computed = [
        each for each in inputs if kind(each) not in parameter_side
    ]
    node = computed[0] if computed else None

# %% backward
weights_before = copy.deepcopy(net.state_dict())
print("before:", net.conv1.bias.grad)
loss.backward()
print("after: ", net.conv1.bias.grad)
pairs = zip(
    weights_before.values(), net.state_dict().values(), strict=True
)
print(
    "parameters unchanged:",
    all(torch.equal(old, new) for old, new in pairs),
)

# %% accumulate needs="backward"
once = net.conv1.bias.grad.clone()
mse(net(image), target).backward()  # a new forward pass, so a new graph
print("twice as much:", torch.allclose(net.conv1.bias.grad, 2 * once))
net.zero_grad()
print("after zero_grad:", net.conv1.bias.grad)

# %% by-hand
by_hand, by_optimizer = copy.deepcopy(net), copy.deepcopy(net)
learning_rate = 0.01
loss = mse(by_hand(image), target)
loss.backward()
before = by_hand.fc3.bias.detach().clone()
with torch.no_grad():
    for parameter in by_hand.parameters():
        parameter -= learning_rate * parameter.grad
    after = by_hand.fc3.bias
    print("change / gradient:", ((after - before) / after.grad)[:3])
    print(f"loss: {loss:.3f} -> {mse(by_hand(image), target):.3f}")

# %% without-no-grad error="RuntimeError"
for parameter in by_hand.parameters():
    parameter -= learning_rate * parameter.grad

# %% by-optimizer
optimizer = torch.optim.SGD(by_optimizer.parameters(), lr=learning_rate)
optimizer.zero_grad()
mse(by_optimizer(image), target).backward()
optimizer.step()
pairs = zip(
    by_hand.parameters(), by_optimizer.parameters(), strict=True
)
print(
    "same parameters:",
    all(torch.allclose(hand, other) for hand, other in pairs),
)


# %% valley alt="Contour lines of a curved valley, four times, each with the path of one optimizer from the same start. The path of SGD drops into the valley and ends far from the cross at the minimum; the others get further along it."
def valley(x, y):
    return (1 - x) ** 2 + 5 * (y - x**2) ** 2


rules = {
    "SGD": (torch.optim.SGD, {"lr": 0.008}),
    "Nesterov": (
        torch.optim.SGD,
        {"lr": 0.008, "momentum": 0.9, "nesterov": True},
    ),
    "Adam": (torch.optim.Adam, {"lr": 0.1}),
    "RMSprop": (torch.optim.RMSprop, {"lr": 0.05}),
}
x, y = np.meshgrid(
    np.linspace(-1.6, 1.6, 100), np.linspace(-0.6, 2.4, 100)
)
levels = np.logspace(-1, 1.6, 8)
grid = {"sharex": True, "sharey": True, "layout": "constrained"}
figure, axes = plt.subplots(2, 2, figsize=(5, 4.2), **grid)
for axis, (name, (rule, options)) in zip(
    axes.flat, rules.items(), strict=True
):
    place = torch.tensor([-1.2, 2.0], requires_grad=True)
    optimizer, path = rule([place], **options), []
    for _ in range(120):
        path.append(place.tolist())
        optimizer.zero_grad()
        valley(*place).backward()
        optimizer.step()
    print(
        f"{name:8} height after 120 steps: {valley(*place).item():.3f}"
    )
    axis.contour(
        x, y, valley(x, y), levels=levels, colors="grey", linewidths=0.8
    )
    axis.plot(*zip(*path, strict=True), ".-", color="C1", linewidth=1)
    axis.plot(1, 1, "x", color="C0", markersize=12, markeredgewidth=3)
    axis.set_title(name)
plt.show()

# %% fake-data
import torchvision
from torchvision.transforms import v2

fake_set = torchvision.datasets.FakeData(size=8, image_size=(1, 28, 28))
photo, label = fake_set[0]
print("an item:", type(photo).__name__, "and", type(label).__name__)
print(
    "NumPy:",
    np.asarray(photo).shape,
    "PyTorch:",
    v2.functional.to_image(photo).shape,
)
print("loader:", DataLoader.__module__.split(".")[0])


# %% stripes alt="Ten grey squares of noisy stripes, labelled 0 to 9; from each to the next the stripes turn by 18 degrees."
def draw_stripes(count, seed):
    """Return striped images (count, 32, 32) and their directions."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    angles = (labels * np.pi / 10)[:, None, None]
    shifts = generator.uniform(0, 2 * np.pi, (count, 1, 1))
    y, x = np.mgrid[:32, :32]
    waves = np.sin(
        0.8 * (x * np.cos(angles) + y * np.sin(angles)) + shifts
    )
    noise = generator.normal(0, 0.5, waves.shape)
    return (waves + noise).astype(np.float32), labels


pictures, directions = draw_stripes(500, seed=0)
print(
    pictures.shape, pictures.dtype, directions.shape, directions.dtype
)
figure, axes = plt.subplots(
    2, 5, figsize=(5, 2.4), layout="constrained"
)
for axis, picture, label in zip(
    axes.flat, pictures, directions, strict=False
):
    axis.imshow(picture, cmap="gray")
    axis.set_title(label)
    axis.axis("off")
plt.show()


# %% dataset
class Stripes(Dataset):
    """Pairs of an image (1, 32, 32) and its label, from arrays."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = torch.from_numpy(self.images[index])[None]
        return image, self.labels[index]


train_set = Stripes(pictures, directions)
first_image, first_label = train_set[0]
print(
    len(train_set),
    "items; the first:",
    tuple(first_image.shape),
    first_label,
)

# %% loader
torch.manual_seed(0)
loader = DataLoader(train_set, batch_size=16, shuffle=True)
for epoch in range(2):
    batches = list(loader)  # one pass over the data set: an epoch
    print(
        f"epoch {epoch} begins with labels {batches[0][1][:8].tolist()}"
    )
images, labels = batches[0]
print(
    "a batch:",
    tuple(images.shape),
    images.dtype,
    tuple(labels.shape),
    labels.dtype,
)
print(
    len(batches), "batches; the last has", len(batches[-1][1]), "items"
)
dropping = DataLoader(
    train_set, batch_size=16, shuffle=True, drop_last=True
)
print("drop_last:", len(dropping), "batches")

# %% main-guard timeout=120
import subprocess
import sys
from pathlib import Path

Path("bare.py").write_text("""
from torch.utils.data import DataLoader

loader = DataLoader(
    range(6), num_workers=1, multiprocessing_context="spawn"
)
for batch in loader:
    print(batch)
""")
run = subprocess.run(
    [sys.executable, "bare.py"], capture_output=True, text=True
)
message = run.stderr.partition("RuntimeError:")[2]
message = message.partition('The "freeze')[0]
print("exit status", run.returncode, message.rstrip())


# %% whole-loop timeout=120
def train(net, forget_zeroing=False, epochs=10):
    """Train a network on the stripes; return the loss of each step."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    losses = []
    for _ in range(epochs):
        for images, labels in loader:
            loss = loss_function(net(images), labels)
            if not forget_zeroing:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


torch.manual_seed(0)
trained = Net()
losses = train(trained)
unseen, true_labels = draw_stripes(200, seed=1)
with torch.no_grad():
    predicted = trained(torch.from_numpy(unseen)[:, None]).argmax(dim=1)
right = (predicted == torch.from_numpy(true_labels)).float().mean()
print(
    f"loss of the first step {losses[0]:.3f}, of the last "
    f"{losses[-1]:.3f}"
)
print(f"right on unseen stripes: {right:.0%}")

# %% without-zeroing timeout=120 alt="Cross-entropy loss against step, with a dashed line at ln 10. With zeroing the loss falls to near 0. Without it the loss jumps about at first and stays near the dashed line or above."
torch.manual_seed(0)
losses_without = train(Net(), forget_zeroing=True)
plt.figure(layout="constrained")
for name, values in {"with": losses, "without": losses_without}.items():
    smooth = torch.tensor(values).unfold(0, 8, 8).mean(dim=1)
    steps_done = 8 * torch.arange(len(smooth)) + 4
    plt.plot(
        steps_done.numpy(), smooth.numpy(), label=f"{name} zero_grad()"
    )
plt.axhline(np.log(10), linestyle="--", color="C3", linewidth=1)
plt.xlabel("step (each point: mean of 8)")
plt.ylabel("cross-entropy loss")
plt.legend()
plt.show()
