"""Find out why a network does not learn, by experiments of seconds."""

# %% imports
import itertools
import math
from functools import partial

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

print(f"logarithm of 10: {math.log(10):.3f}")


# %% stripes alt="Ten grey squares of very noisy stripes, labelled 0 to 9; the stripes turn from each to the next, and can hardly be seen."
def draw_stripes(count, seed):
    """Return images (count, 256) of 16 x 16 pixels, labels 0 to 9."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (count,), generator=generator)
    angles = (labels * math.pi / 10)[:, None, None]
    shifts = 2 * math.pi * torch.rand(count, 1, 1, generator=generator)
    pixels = torch.arange(16)
    y, x = torch.meshgrid(pixels, pixels, indexing="ij")
    waves = torch.sin(x * angles.cos() + y * angles.sin() + shifts)
    noise = 1.5 * torch.randn(waves.shape, generator=generator)
    return (waves + noise).flatten(1), labels


images, labels = draw_stripes(2000, seed=0)
unseen_images, unseen_labels = draw_stripes(1000, seed=1)
print(tuple(images.shape), tuple(labels.shape))
figure, axes = plt.subplots(
    2, 5, figsize=(5, 2.4), layout="constrained"
)
for label, axis in enumerate(axes.flat):
    axis.imshow(images[labels == label][0].view(16, 16), cmap="gray")
    axis.set_title(label)
    axis.axis("off")
plt.show()


# %% healthy
def make_net():
    return nn.Sequential(
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


def train(
    net,
    inputs,
    targets,
    steps=300,
    rate=0.05,
    loss_function=F.cross_entropy,
):
    """Train with batches of 50; return the loss of each step."""
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(steps):
        batch = torch.randint(len(inputs), (50,))
        loss = loss_function(net(inputs[batch]), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.inference_mode()
def accuracy(net, inputs=unseen_images, targets=unseen_labels):
    return (net(inputs).argmax(dim=1) == targets).float().mean().item()


torch.manual_seed(0)
net = make_net()
losses = train(net, images, labels)
print(f"first loss {losses[0]:.2f}, last {losses[-1]:.4f}")
print(f"accuracy on unseen images: {accuracy(net):.1%}")

# %% first-loss
scales = {
    "as drawn": images,
    "0 to 255": 127.5 + 40 * images,
    "divided by 255 twice": images / 255 / 255,
}
for name, inputs in scales.items():
    firsts = []
    for seed in range(5):
        torch.manual_seed(seed)
        loss = F.cross_entropy(make_net()(inputs), labels)
        firsts.append(loss.item())
    print(f"{name:21} {min(firsts):6.2f} to {max(firsts):6.2f}")


# %% one-batch
def softmax_first(logits, targets):
    return F.cross_entropy(logits.softmax(dim=1), targets)


def cut_off(logits, targets):
    return F.cross_entropy(logits.detach().requires_grad_(), targets)


def too_small(logits, targets):
    return F.cross_entropy(logits, targets) / 1000


trials = {
    "right": F.cross_entropy,
    "softmax in the network": softmax_first,
    "cut from the graph": cut_off,
    "loss divided by 1000": too_small,
}
few_images, few_labels = images[:20], labels[:20]
for name, loss_function in trials.items():
    torch.manual_seed(0)
    net = make_net()
    losses = train(
        net, few_images, few_labels, loss_function=loss_function
    )
    known = accuracy(net, few_images, few_labels)
    print(f"{name:23} loss {losses[-1]:.3f}, accuracy {known:4.0%}")

# %% zero-input
for name in ("as drawn", "divided by 255 twice"):
    for kind in ("images", "zeros"):
        inputs = scales[name] * (kind == "images")
        torch.manual_seed(0)
        losses = train(make_net(), inputs, labels)
        last = sum(losses[-50:]) / 50
        print(f"{name:21} {kind:7} loss {last:.2f}")

# %% shuffled-labels
torch.manual_seed(0)
shuffled = labels[torch.randperm(2000)]
twice = torch.cat([images, images]) + 0.1 * torch.randn(4000, 256)
twice_labels = torch.cat([shuffled, shuffled])
order = torch.randperm(4000)
is_known = order % 2000 < 1500  # both copies of an image, or none
parts = {
    "copied, then split": (order[:3000], order[3000:]),
    "split, then copied": (order[is_known], order[~is_known]),
}
for name, (known, held_out) in parts.items():
    torch.manual_seed(0)
    net = make_net()
    train(net, twice[known], twice_labels[known], steps=2000)
    result = accuracy(net, twice[held_out], twice_labels[held_out])
    print(f"{name}: {len(held_out)} held out, accuracy {result:.0%}")

# %% signals alt="Two charts against the layer, from 1 to 12, one line for each of five ways to initialise. Above: how large the outputs are. They shrink by many powers of ten with a standard deviation of 0.01 and with PyTorch's own way, grow as much with 0.5, shrink slowly with Xavier, and stay with Kaiming. Below: gradients do the same from the last layer to the first."
schemes = {
    "std 0.01": lambda weight: nn.init.normal_(weight, std=0.01),
    "std 0.5": lambda weight: nn.init.normal_(weight, std=0.5),
    "PyTorch": lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)),
    "Xavier": nn.init.xavier_normal_,
    "Kaiming": lambda w: nn.init.kaiming_normal_(
        w, nonlinearity="relu"
    ),
}


def deep_net(scheme, hidden=11, width=64):
    """Return a network of `hidden` + 1 linear layers with ReLU."""
    sizes = [256] + hidden * [width]
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(width, 10))
    for layer in net[::2]:
        scheme(layer.weight)
        nn.init.zeros_(layer.bias)
    return net


figure, axes = plt.subplots(
    2, 1, figsize=(5, 5.4), sharex=True, layout="constrained"
)
for name, scheme in schemes.items():
    torch.manual_seed(0)
    values, outputs = images, []
    for layer in deep_net(scheme):
        values = layer(values)
        if isinstance(layer, nn.Linear):
            values.retain_grad()
            outputs.append(values)
    F.cross_entropy(values, labels).backward()
    sizes = [output.std().item() for output in outputs]
    gradients = [output.grad.std().item() for output in outputs]
    print(
        f"{name:9} outputs {sizes[0]:.0e} -> {sizes[-1]:.0e}, "
        f"gradients {gradients[0]:.0e} <- {gradients[-1]:.0e}"
    )
    axes[0].plot(range(1, 13), sizes, ".-", label=name)
    axes[1].plot(range(1, 13), gradients, ".-", label=name)
axes[0].set_title("outputs of each layer")
axes[1].set_title("gradients of these outputs")
axes[1].set_xlabel("layer")
for axis in axes:
    axis.set_ylabel("standard deviation")
    axis.set_yscale("log")
axes[0].legend(ncols=2, fontsize=9)
plt.show()


# %% train-deep timeout=120
def over_seeds(make, steps=400, rate=0.01):
    """Train three networks; return what they reach on unseen images."""
    results = []
    for seed in range(3):
        torch.manual_seed(seed)
        net = make()
        train(net, images, labels, steps, rate)
        results.append(accuracy(net.eval()))
    return " ".join(f"{result:4.0%}" for result in results)


for name, scheme in schemes.items():
    print(f"{name:9}", over_seeds(partial(deep_net, scheme)))


# %% norm-or-skip timeout=120
class Skip(nn.Module):
    """Add the input of a layer to its output."""

    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, values):
        return values + F.relu(self.layer(values))


def deep_net_of(block, blocks=10, width=64):
    """Return a deep network with PyTorch's own initialisation."""
    first = [nn.Linear(256, width), nn.ReLU()]
    middle = [layer for _ in range(blocks) for layer in block(width)]
    return nn.Sequential(*first, *middle, nn.Linear(width, 10))


blocks = {
    "plain": lambda n: [nn.Linear(n, n), nn.ReLU()],
    "layer norm": lambda n: [
        nn.Linear(n, n),
        nn.LayerNorm(n),
        nn.ReLU(),
    ],
    "batch norm": lambda n: [
        nn.Linear(n, n),
        nn.BatchNorm1d(n),
        nn.ReLU(),
    ],
    "skip": lambda n: [Skip(n)],
}
for name, block in blocks.items():
    print(f"{name:10}", over_seeds(partial(deep_net_of, block)))


# %% dead-relu
def net_with(activation, bias):
    """Return the network with one activation; biases of layer two."""
    net = make_net()
    net[1] = net[3] = activation
    nn.init.constant_(net[2].bias, bias)
    return net


for bias in (0, -4):
    for activation in (nn.ReLU(), nn.GELU(), nn.LeakyReLU(0.1)):
        torch.manual_seed(0)
        values = net_with(activation, bias)[:4](images)
        dead = (values == 0).all(dim=0).float().mean()
        print(
            f"bias {bias:2}, {type(activation).__name__:9} dead"
            f" {dead:4.0%}, trained:",
            over_seeds(partial(net_with, activation, bias), 300, 0.05),
        )


# %% range-test alt="Loss against learning rate on a logarithmic axis, for three seeds. It stays at 2.3 up to about 0.02, falls to below 1 at about 0.4, and then shoots up."
def range_test(net, lowest=1e-3, highest=10, steps=100):
    """Raise the learning rate step by step; return rates and losses."""
    optimizer = torch.optim.SGD(
        net.parameters(), lr=lowest, momentum=0.9
    )
    rates = torch.logspace(
        math.log10(lowest), math.log10(highest), steps
    ).tolist()
    losses = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        batch = torch.randint(len(images), (50,))
        loss = F.cross_entropy(net(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if losses[-1] > 4 * losses[0]:
            break
    return rates[: len(losses)], losses


plt.figure(figsize=(5, 3), layout="constrained")
for seed in range(3):
    torch.manual_seed(seed)
    rates, losses = range_test(make_net())
    smooth = torch.tensor(losses).unfold(0, 5, 1).mean(dim=1)
    best = rates[smooth.argmin() + 2]
    print(f"seed {seed}: lowest loss at a rate of about {best:.1f}")
    plt.semilogx(rates[2:-2], smooth, label=f"seed {seed}")
plt.ylim(0, 5)
plt.xlabel("learning rate")
plt.ylabel("loss (mean of 5 steps)")
plt.legend()
plt.show()

# %% rates
for rate in (0.0005, 0.005, 0.05, 0.5, 5):
    print(f"rate {rate:6}:", over_seeds(make_net, steps=100, rate=rate))

# %% clipping
spoilt = images.clone()
spoilt[::200] *= 100  # ten of the 2,000 images


def train_clipped(net, limit, steps=300):
    """Train on the spoilt images; return the norm of each gradient."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    norms = []
    for _ in range(steps):
        batch = torch.randint(len(spoilt), (50,))
        loss = F.cross_entropy(net(spoilt[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), limit)
        optimizer.step()
        norms.append(norm.item())
    return torch.tensor(norms)


for limit in (math.inf, 1.0):
    for seed in range(3):
        torch.manual_seed(seed)
        net = make_net()
        norms = train_clipped(net, limit)
        print(
            f"limit {limit:3}: norm {norms.median():.1f} in the median,"
            f" {norms.max():6.0f} at most, accuracy {accuracy(net):.0%}"
        )

# %% binary
is_steep = (labels < 2).float()
unseen_steep = unseen_labels < 2


def binary_loss(logits, targets):
    return F.binary_cross_entropy_with_logits(
        logits.squeeze(1), targets
    )


def sigmoid_first(logits, targets):
    return binary_loss(logits.sigmoid(), targets)


for loss_function in (binary_loss, sigmoid_first):
    for seed in range(3):
        torch.manual_seed(seed)
        net = nn.Sequential(make_net(), nn.ReLU(), nn.Linear(10, 1))
        losses = train(
            net, images, is_steep, loss_function=loss_function
        )
        with torch.inference_mode():
            says_steep = net(unseen_images).squeeze(1) > 0
        found = (says_steep & unseen_steep).sum() / unseen_steep.sum()
        right = (says_steep == unseen_steep).float().mean()
        print(
            f"{loss_function.__name__:13} loss {losses[-1]:.2f}, "
            f"accuracy {right:.0%}, steep ones found {found:.0%}"
        )

# %% one-column error="ValueError"
F.binary_cross_entropy_with_logits(torch.zeros(4, 1), torch.ones(4))


# %% multi-label
def draw_pairs(count, seed):
    """Return sums of two images, and which directions are in them."""
    one, first = draw_stripes(count, seed)
    other, second = draw_stripes(count, seed + 1)
    targets = F.one_hot(first, 10) | F.one_hot(second, 10)
    return one + other, targets.float()


pairs, pair_labels = draw_pairs(4000, seed=2)
unseen_pairs, unseen_pair_labels = draw_pairs(1000, seed=4)


def shared_softmax(logits, targets):
    return F.cross_entropy(
        logits, targets / targets.sum(1, keepdim=True)
    )


print(f"labels an image: {unseen_pair_labels.sum(1).mean():.2f}")
for name, loss_function, activation in [
    ("softmax", shared_softmax, lambda logits: logits.softmax(1)),
    ("sigmoid", F.binary_cross_entropy_with_logits, torch.sigmoid),
]:
    for seed in range(3):
        torch.manual_seed(seed)
        net = make_net()
        train(net, pairs, pair_labels, 600, loss_function=loss_function)
        with torch.inference_mode():
            said = activation(net(unseen_pairs)) > 0.5
        found = said[unseen_pair_labels.bool()].float().mean()
        true = unseen_pair_labels[said].mean()
        print(
            f"{name}: labels found {found:.0%}, "
            f"labels said that are true {true:.0%}"
        )

# %% regression warns="UserWarning"
generator = torch.Generator().manual_seed(0)
features = torch.randn(3000, 8, generator=generator)
prices = (
    1000 + 50 * features[:, 0] * features[:, 1] + 50 * features[:, 2]
)
mean, std = prices[:2000].mean(), prices[:2000].std()


def column_loss(predictions, targets):
    return F.mse_loss(predictions, targets)  # (50, 1) and (50,)


def row_loss(predictions, targets):
    return F.mse_loss(predictions.squeeze(1), targets)


def explained(net, shift, scale):
    """Share of the variance of unseen prices that is predicted."""
    with torch.inference_mode():
        predicted = net(features[2000:]).squeeze(1) * scale + shift
    error = (predicted - prices[2000:]).square().mean()
    return 1 - error / prices[2000:].var()


for name, loss_function, shift, scale in [
    ("right", row_loss, mean, std),
    ("one column too many", column_loss, mean, std),
    ("prices as they are", row_loss, 0, 1),
]:
    results = []
    for seed in range(3):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1)
        )
        train(
            net,
            features[:2000],
            (prices[:2000] - shift) / scale,
            600,
            rate=0.01,
            loss_function=loss_function,
        )
        results.append(explained(net, shift, scale).item())
    print(
        f"{name:20}", " ".join(f"{result:5.2f}" for result in results)
    )


# %% batches timeout=120
def train_in_batches(net, batches, steps, rate):
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    order = torch.randperm(steps) % len(batches)
    for batch in [batches[place] for place in order]:
        loss = F.cross_entropy(net(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def with_norm():
    first, activation, second, _, last = make_net()
    norms = nn.BatchNorm1d(128), nn.BatchNorm1d(128)
    return nn.Sequential(
        first, norms[0], activation, second, norms[1], activation, last
    )


torch.manual_seed(0)
ways = {
    "50, mixed": (torch.randperm(2000).split(50), 400, 0.1),
    "50, sorted": (labels.argsort().split(50), 400, 0.1),
    "2, mixed": (torch.randperm(2000).split(2), 1500, 0.02),
}
for kind, make in {"plain": make_net, "batch norm": with_norm}.items():
    for name, (batches, steps, rate) in ways.items():
        results = []
        for seed in range(3):
            torch.manual_seed(seed)
            net = make()
            train_in_batches(net, batches, steps, rate)
            results.append(accuracy(net.eval()))
        reached = " ".join(f"{result:4.0%}" for result in results)
        print(f"{kind:10} batches of {name:10} {reached}")
