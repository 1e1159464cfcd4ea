"""Answers that nobody foresaw, by what a check could do wrong with them.

Each is a kind of fault, an exercise, what stands in its blank, and a part of the right hint.
"""

from tests.wrong_answers.classifier import HEAD, LOSS, MOVE, RETURN, SGD, blank, network, set_up
from tests.wrong_answers.faster import CYCLE, FLIPS, NORM, but
from tests.wrong_answers.images import PICTURE, SUMS
from tests.wrong_answers.inside import PAIRS, SQUARE, TOP, WRONG
from tests.wrong_answers.processes import AVERAGE, SAVE
from tests.wrong_answers.quick import CROPS, SMOOTHED, SUM
from tests.wrong_answers.tensors import GAPS, PER_CHANNEL

TANH = (
    "    p = torch.tanh(x @ w)\n"
    "    gradient = 2 / len(x) * x.T @ ((p - y) * (1 - p**2))\n"
    "    return gradient"
)
FREEZE = (
    "    model.requires_grad_(False)\n"
    "    model.layer4[1].requires_grad_(True)\n"
    "    model.fc.requires_grad_(True)\n"
    "    return sum(p.numel() for p in model.parameters() if p.requires_grad)"
)
SIZE = (
    "    for kernel, stride, padding, dilation in layers:\n"
    "        size = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1\n"
    "    return size"
)
MOMENTUM = (
    "    with torch.no_grad():\n"
    "        for parameter, velocity in zip(parameters, velocities):\n"
    "            velocity.mul_(momentum).add_(parameter.grad)\n"
    "            parameter -= learning_rate * velocity"
)
STEP = blank("""
    network.train()
    loss = loss_function(network(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()
""")
ACCURACY = blank("""
    was_training = network.training
    network.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in batches:
            right += (network(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    network.train(was_training)
    return right / total
""")
ALIAS = "    return (frequencies - rate * torch.round(frequencies / rate)).abs()"
FRAMES = (
    "    later = max(0, -(-(signals.shape[1] - length) // hop))\n"
    "    zeros = later * hop + length - signals.shape[1]\n"
    "    return F.pad(signals, (0, zeros)).unfold(1, length, hop)"
)
DECIBELS = (
    "    decibels = 10 * torch.log10(power.clamp(min=1e-30))\n"
    "    top = decibels.amax(dim=(1, 2), keepdim=True)\n"
    "    return torch.where(power > 0, (decibels - top).clamp(min=-span), -span)"
)
MERGE = (
    "    merged, at = [], 0\n"
    "    while at < len(ids):\n"
    "        if tuple(ids[at : at + 2]) == pair:\n"
    "            merged.append(new_id)\n"
    "            at += 2\n"
    "        else:\n"
    "            merged.append(ids[at])\n"
    "            at += 1\n"
    "    return merged"
)
PERPLEXITY = "    return F.cross_entropy(logits.transpose(1, 2), targets).exp()"
TIME = (
    "    function()\n    synchronize()\n    start = clock()\n"
    "    for _ in range(repeats):\n        function()\n"
    "    synchronize()\n    return (clock() - start) / repeats"
)
MOVE_BATCH = (
    "    if isinstance(batch, torch.Tensor):\n"
    "        return batch.to(device)\n"
    "    if isinstance(batch, dict):\n"
    "        return {key: move_batch(part, device) for key, part in batch.items()}\n"
    "    if isinstance(batch, (tuple, list)):\n"
    "        return type(batch)(move_batch(part, device) for part in batch)\n"
    "    return batch"
)
SHARE = (
    "    length = math.ceil(count / world_size)\n"
    "    return [card % count for card in range(rank, length * world_size, world_size)]"
)
RING = "    one = 2 * (ranks - 1) * parameters * bytes_each / ranks\n    return one, ranks * one"
WORST = f"{TOP}{WRONG}    return wrong[confidence[wrong].argsort(descending=True)[:count]]"
CONFUSION = f"{PAIRS}    return pairs.bincount(minlength=class_count**2){SQUARE}"
NORMALISE = PER_CHANNEL + "    return (images - mean) / std"
DISTANCES = GAPS + "    return gaps.square().sum(dim=-1).sqrt()"
SET_UP = set_up(HEAD, MOVE, LOSS, SGD, RETURN)
NETWORK = network()

# One right answer to each exercise.
RIGHT = {
    ("tensors", "normalise"): NORMALISE,
    ("tensors", "pairwise-distances"): DISTANCES,
    ("autograd", "tanh-gradient"): TANH,
    ("autograd", "last-block"): FREEZE,
    ("networks", "output-size"): SIZE,
    ("networks", "momentum-step"): MOMENTUM,
    ("classifier", "build-network"): NETWORK,
    ("classifier", "set-up"): SET_UP,
    ("classifier", "training-step"): STEP,
    ("classifier", "accuracy"): ACCURACY,
    ("faster", "random-flips"): FLIPS,
    ("faster", "one-cycle-rate"): CYCLE,
    ("faster", "batch-norm"): NORM,
    ("inside", "confusion-matrix"): CONFUSION,
    ("inside", "worst-mistakes"): WORST,
    ("audio", "alias-of"): ALIAS,
    ("audio", "frame-signals"): FRAMES,
    ("audio", "relative-decibels"): DECIBELS,
    ("images", "channel-statistics"): SUMS,
    ("images", "to-picture"): PICTURE,
    ("text", "merge"): MERGE,
    ("text", "perplexity"): PERPLEXITY,
    ("gpu", "time-of"): TIME,
    ("gpu", "move-batch"): MOVE_BATCH,
    ("processes", "share-of"): SHARE,
    ("processes", "average-gradients"): AVERAGE,
    ("processes", "save-checkpoint"): SAVE,
    ("processes", "ring-bytes"): RING,
    ("quick", "residual-forward"): SUM,
    ("quick", "crops"): CROPS,
    ("quick", "smoothed-loss"): SMOOTHED,
}


def changed(exercise, old, new):
    """The right answer with one thing changed."""
    return but(RIGHT[exercise], (old, new))


def optimizer(code):
    return set_up(HEAD, MOVE, LOSS, f"optimizer = {code}", RETURN)


# What has to be refused although its result is right, or right for the usual examples.
FALSE_ACCEPT = [
    ("tensors", "normalise", """
    result = torch.empty_like(images)
    for channel in range(images.shape[1]):
        part = images[:, channel]
        result[:, channel] = (part - part.mean()) / part.std()
    return result""", "there is a loop"),
    ("tensors", "normalise", """
    parts = [(part - part.mean()) / part.std() for part in images.unbind(1)]
    return torch.stack(parts, 1)""", "there is a loop"),
    ("tensors", "normalise", PER_CHANNEL + "    return images.sub_(mean).div(std)",
     "has changed `images`"),
    ("tensors", "normalise", PER_CHANNEL + "    return (images.data - mean) / std", "`.data`"),
    ("tensors", "pairwise-distances", "    return torch.cdist(points, centres)", "torch.cdist"),
    ("tensors", "pairwise-distances", """
    rows = [(point - centres).square().sum(dim=1).sqrt() for point in points]
    return torch.stack(rows)""", "there is a loop"),
    ("tensors", "pairwise-distances", """
    k, rows = 0, []
    while k < len(points):
        rows.append((points[k] - centres).norm(dim=1))
        k += 1
    return torch.stack(rows)""", "there is a loop"),
    ("autograd", "tanh-gradient", """
    with torch.enable_grad():
        w = w.clone().requires_grad_()
        loss = ((torch.tanh(x @ w) - y) ** 2).mean()
        return torch.autograd.grad(loss, w)[0]""", "asks autograd"),
    ("autograd", "tanh-gradient", """
    return torch.func.grad(lambda v: ((torch.tanh(x @ v) - y) ** 2).mean())(w)""", "asks autograd"),
    ("autograd", "tanh-gradient", """
    total = torch.zeros_like(w)
    for row, target in zip(x, y):
        p = torch.tanh(row @ w)
        total = total + 2 * (p - target) * (1 - p**2) * row
    return total / len(x)""", "there is a loop"),
    ("autograd", "tanh-gradient", changed(("autograd", "tanh-gradient"), "return gradient",
     "w -= gradient\n    return gradient"), "has changed `w`"),
    ("autograd", "last-block", changed(("autograd", "last-block"), "return sum(",
     "return float(sum(") + ")", "not a float"),
    ("autograd", "last-block", """
    model.requires_grad_(False)
    model.layer4[1].requires_grad_(True)
    model.fc = nn.Linear(512, 10)
    return sum(p.numel() for p in model.parameters() if p.requires_grad)""", "other parameters"),
    ("networks", "output-size", """
    while layers:
        kernel, stride, padding, dilation = layers.pop(0)
        size = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    return size""", "has changed `layers`"),
    ("networks", "output-size", """
    for kernel, stride, padding, dilation in layers:
        size = round((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
    return size""", "use //"),
    ("networks", "momentum-step", """
    for parameter, velocity in zip(parameters, velocities):
        velocity.mul_(momentum).add_(parameter.grad)
        parameter.data -= learning_rate * velocity""", "`.data`"),
    ("networks", "momentum-step", changed(("networks", "momentum-step"), "mul_(momentum)",
     "mul_(0.9)"), "a later one differs"),
    ("networks", "momentum-step", MOMENTUM + "\n            parameter.grad.zero_()", "`.grad`"),
    ("networks", "momentum-step", MOMENTUM + "\n            parameter.grad = None", "`.grad`"),
    ("classifier", "build-network", NETWORK.replace("return Net()",
     "net = Net()\n    net.conv1.requires_grad_(False)\n    return net"), "conv1.weight is frozen"),
    ("classifier", "build-network", network("torch.flatten(maps, 1)",
     "torch.flatten(maps, 1).detach()"), "No gradient reaches conv1.weight"),
    ("classifier", "build-network", NETWORK.replace("return self.fc3(features)",
     "with torch.no_grad():\n                return self.fc3(features)"), "No gradient reaches"),
    ("classifier", "build-network", network("maps = F.max_pool2d(F.relu(self.conv1(images)), 2)",
     "maps = F.max_pool2d(F.relu(self.conv1(images.div_(2))), 2)"), "images have changed"),
    ("classifier", "build-network", network("return self.fc3(features)",
     "return self.fc3(features) / 10"), "the numbers are not"),
    ("classifier", "set-up", optimizer(
        "torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, maximize=True)"), "maximize"),
    ("classifier", "set-up", optimizer(
        "torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)"),
     "weight_decay is 0.0005"),
    ("classifier", "set-up", optimizer(
        "torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True)"), "nesterov"),
    ("classifier", "set-up", optimizer(
        "torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, dampening=0.9)"),
     "dampening"),
    ("classifier", "set-up", optimizer(
        "torch.optim.SGD([{'params': network.body.parameters(), 'lr': 0.1},"
        " {'params': network.head.parameters()}], lr=0.01, momentum=0.9)"), "lr=0.01"),
    ("classifier", "set-up", set_up("network.body.requires_grad_(False)", HEAD, MOVE, LOSS, SGD,
     RETURN), "body.1.weight is frozen"),
    ("classifier", "set-up", set_up(HEAD.replace("classes)", "classes, bias=False)"), MOVE, LOSS,
     SGD, RETURN), "no bias"),
    ("classifier", "set-up", set_up(HEAD, "for layer in network.modules():",
     "    if isinstance(layer, nn.Linear):", "        layer.reset_parameters()", MOVE, LOSS, SGD,
     RETURN), "learnt already"),
    ("classifier", "set-up", set_up(HEAD, MOVE, "loss_function = nn.CrossEntropyLoss("
     "weight=torch.tensor([1.0, 1, 1, 1, 2, 1, 1]))", SGD, RETURN), "differs from cross-entropy"),
    ("classifier", "set-up", set_up(HEAD, MOVE, "loss_function = nn.CrossEntropyLoss("
     "ignore_index=1)", SGD, RETURN), "differs from cross-entropy"),
    ("classifier", "set-up", set_up(HEAD, MOVE,
     "loss_function = lambda z, y: F.cross_entropy(z, y).item()", SGD, RETURN), "without item()"),
    ("classifier", "set-up", set_up(HEAD, MOVE,
     "loss_function = lambda z, y: F.cross_entropy(z, y).detach()", SGD, RETURN), "No gradient"),
    ("classifier", "training-step", changed(("classifier", "training-step"), "loss.detach()",
     "loss.item()"), "return loss.detach()"),
    ("classifier", "training-step", changed(("classifier", "training-step"), "loss.detach()",
     "loss.data"), "`.data`"),
    ("classifier", "training-step", changed(("classifier", "training-step"),
     "loss_function(network(images), labels)", "F.cross_entropy(network(images), labels)"),
     "that you are given"),
    ("classifier", "training-step", changed(("classifier", "training-step"), "loss.detach()",
     "loss.detach()[None]"), "has the shape (1,)"),
    ("classifier", "training-step", changed(("classifier", "training-step"), "    network.train()",
     "    images *= 1.5\n    network.train()"), "has changed `images`"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "return right / total",
     "return round(right / total, 1)"), "do not round"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "return right / total",
     "return round(right / total, 3)"), "do not round"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "network(images).argmax",
     "network(images).data.argmax"), "`.data`"),
    ("classifier", "accuracy", blank("""
     was_training = network.training
     network.eval()
     right = total = 0
     with torch.no_grad():
         for number in range(len(batches)):
             images, labels = batches[number]
             right += (network(images).argmax(dim=1) == labels).sum().item()
             total += len(labels)
     network.train(was_training)
     return right / total
     """), "go through it with for"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "return right / total",
     "return torch.tensor(right / total)"), "take .item()"),
    ("faster", "random-flips", """
    chosen = torch.rand(len(images), device=images.device) < 0.5
    if not chosen.any():
        return images
    flipped = images.clone()
    flipped[chosen] = images[chosen].flip(3)
    return flipped""", "always return a new tensor"),
    ("faster", "one-cycle-rate", """
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=max_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_rate, total_steps,
        anneal_strategy="linear", final_div_factor=float("inf"))
    for _ in range(step):
        optimizer.step()
        schedule.step()
    return schedule.get_last_lr()[0]""", "write the two lines yourself"),
    ("faster", "batch-norm", """
    return F.batch_norm(maps, running_mean, running_var, gamma, beta, training, momentum, eps)""",
     "write the formula yourself"),
    ("faster", "batch-norm", changed(("faster", "batch-norm"), "running_mean.mul_",
     "running_mean.data.mul_"), "`.data`"),
    ("inside", "confusion-matrix", f"{PAIRS}    labels.zero_()\n"
     f"    return pairs.bincount(minlength=class_count**2){SQUARE}", "has changed `labels`"),
    ("inside", "confusion-matrix", f"{PAIRS}"
     f"    return pairs.bincount(minlength=class_count**2){SQUARE}.int()", "should be int64"),
    ("inside", "worst-mistakes", WORST.replace("[:count]", "[:5]"), "With count=3"),
    ("inside", "worst-mistakes", WORST + ".int()", "Indices are int64"),
    ("inside", "worst-mistakes", "    logits -= logits.mean()\n" + WORST, "has changed `logits`"),
    ("audio", "alias-of", """
    whole = frequencies.int()
    return (whole - rate * torch.round(whole / rate)).abs().float()""", "Fractions of a hertz"),
    ("audio", "alias-of", ALIAS.replace(".abs()", ".abs().round()"), "Fractions of a hertz"),
    ("audio", "alias-of", ALIAS.replace("rate", "400"), "if the rate is 250"),
    ("audio", "alias-of", """
    heard = [abs(f - rate * round(f / rate)) for f in frequencies.flatten().tolist()]
    return torch.tensor(heard).reshape(frequencies.shape)""", "there is a loop"),
    ("audio", "alias-of", """
    frequencies %= rate
    return torch.minimum(frequencies, rate - frequencies)""", "has changed `frequencies`"),
    ("audio", "frame-signals", """
    if signals.shape[1] < length:
        return F.pad(signals, (0, length - signals.shape[1]))[:, None]
    signals[:, -1] = signals[:, -1] * 1.5
    return signals.unfold(1, length, hop)""", "has changed `signals`"),
    ("audio", "relative-decibels", DECIBELS.replace("1e-30", "1e-8"), "very quiet sound"),
    ("audio", "relative-decibels", "    power[power == 0] = 1e-30\n" + DECIBELS,
     "has changed `power`"),
    ("images", "channel-statistics", """
    pixels = torch.cat([batch.flatten(0, 2) for batch in list(batches)]).double() / 255
    return pixels.mean(dim=0), pixels.std(dim=0)""", "You keep the batches"),
    ("images", "channel-statistics", SUMS.replace("count, total, squares = 0, 0, 0",
     "count, total, squares = 0, torch.zeros(3), torch.zeros(3)"), "channels from the batch"),
    ("images", "to-picture", PICTURE.replace("    levels =", "    mean += 0.5\n    levels ="),
     "has changed `mean`"),
    ("text", "merge", MERGE.replace("new_id)", "9)"), "use new_id"),
    ("text", "merge", "    if pair not in zip(ids, ids[1:]):\n        return ids\n" + MERGE,
     "build a new one"),
    ("text", "merge", MERGE.replace("    return merged", "    ids.clear()\n    return merged"),
     "has changed `ids`"),
    ("text", "perplexity", "    targets[targets == -100] = 0\n" + PERPLEXITY,
     "has changed `targets`"),
    ("gpu", "time-of", "    function()\n" + TIME, "once to warm up"),
    ("gpu", "time-of", TIME.replace("(clock() - start) / repeats",
     "torch.tensor((clock() - start) / repeats)"), "as a float"),
    ("gpu", "move-batch", MOVE_BATCH.rpartition("\n")[0] + "\n    return str(batch)",
     "has become a str"),
    ("processes", "share-of", """
    return list(DistributedSampler(range(count), world_size, rank, shuffle=False))""",
     "deal yourself"),
    ("processes", "share-of", SHARE.replace("card % count", "float(card % count)"),
     "indices are ints"),
    ("processes", "average-gradients", "    counts.sort()\n" + AVERAGE, "has changed `counts`"),
    ("processes", "save-checkpoint", SAVE.replace("rank == 0", "rank != 1"), "Rank 2 writes too"),
    ("processes", "save-checkpoint", SAVE.replace("torch.save(", "state['rank'] = 0\n"
     "        torch.save("), "has changed `state`"),
    ("processes", "ring-bytes", RING.replace("bytes_each", "4"), "not always 4"),
    ("quick", "residual-forward", "    return block.short_cut(maps) + block.branch(maps).detach()",
     "its gradient is not"),
    ("quick", "residual-forward", """
    with torch.no_grad():
        return block.short_cut(maps) + block.branch(maps)""", "its gradient is not"),
    ("quick", "crops", CROPS.replace("arange(size,", "arange(4,"), "use size"),
    ("quick", "crops", """
    cut = zip(images, top.tolist(), left.tolist())
    return torch.stack([i[:, t : t + size, x : x + size] for i, t, x in cut])""",
     "there is a loop"),
    ("quick", "smoothed-loss", """
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)""", "computes it for you"),
    ("quick", "smoothed-loss", """
    return torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(logits, labels)""",
     "CrossEntropyLoss computes it"),
    ("quick", "smoothed-loss", SMOOTHED.replace("return -(targets * logs)",
     "logs = logs - (logs - logs.detach()) / 2\n    return -(targets * logs)"),
     "its gradient is not"),
    ("quick", "smoothed-loss", "    logits -= logits.amax(dim=1, keepdim=True)\n" + SMOOTHED,
     "has changed `logits`"),
]  # fmt: skip

# What was refused with a hint that is about something else.
MISLEADING = [
    *(("classifier", "build-network", network("return self.fc3(features)",
       f"return {last}"), hint) for last, hint in [
        ("torch.sigmoid(self.fc3(features))", "you apply a sigmoid"),
        ("self.fc3(features).softmax(dim=1)", "you apply a softmax: "),
        ("self.fc3(features).softmax(dim=0)", "over the images of the batch"),
        ("torch.tanh(self.fc3(features))", "you apply a tanh"),
        ("F.log_softmax(self.fc3(features), dim=1)", "you apply a log-softmax"),
        ("F.relu(self.fc3(features))", "you apply a ReLU"),
        ("F.dropout(self.fc3(features))", "F.dropout drops always"),
    ]),
    ("classifier", "build-network", network("F.relu(self.fc1(torch.flatten(maps, 1)))",
     "F.dropout(F.relu(self.fc1(torch.flatten(maps, 1))))"), "training=self.training"),
    *(("classifier", "build-network", network("F.relu", rule), f"You use {name}")
      for rule, name in [("torch.sigmoid", "sigmoid"), ("torch.tanh", "tanh"),
                         ("F.gelu", "gelu"), ("F.leaky_relu", "leaky_relu")]),
    ("classifier", "training-step", changed(("classifier", "training-step"),
     "    return loss", "    network.eval()\n    return loss"), "You leave the network in eval"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "argmax(dim=1)",
     "amax(dim=1)"), "says where the largest logit is"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "argmax(dim=1)",
     "max(dim=1).values"), "says where the largest logit is"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "== labels", "!= labels"),
     "share of wrong answers"),
    ("classifier", "accuracy", changed(("classifier", "accuracy"), "argmax(dim=1)",
     "argmin(dim=1)"), "largest logit"),
    ("tensors", "normalise", "    mean = images.mean(dim=(0, 2, 3), keepdim=True)",
     "`return` is missing"),
    ("tensors", "pairwise-distances", """
    squares = points.square().sum(1)[:, None] + centres.square().sum(1)
    return (squares - 2.001 * points @ centres.T).sqrt()""", "clamp at 0"),
    ("autograd", "tanh-gradient", "    p = torch.tanh(x @ w)", "`return` is missing"),
    ("autograd", "last-block", "    model.requires_grad_(False)", "`return` is missing"),
    ("faster", "one-cycle-rate", """
    peak = 0.3 * total_steps - 1
    if step < peak:
        return max_rate / 25 + (max_rate - max_rate / 25) * step / peak""", "after an if"),
    ("gpu", "move-batch", """
    if isinstance(batch, torch.Tensor):
        return batch.to(device)""", "`return` is missing"),
    ("inside", "confusion-matrix", PAIRS, "`return` is missing"),
    ("text", "merge", "    merged = []", "`return` is missing"),
    ("processes", "ring-bytes", "    one = 2 * parameters", "`return` is missing"),
    ("audio", "alias-of", ALIAS.replace("torch.round", "torch.ceil"), "is heard at"),
    ("quick", "smoothed-loss", "    hot = F.one_hot(labels)", "`return` is missing"),
]  # fmt: skip

# What came as PyTorch's or Python's own error, and here as a sentence about the exercise.
RAW_TRACEBACK = [
    ("tensors", "normalise", PER_CHANNEL.replace(", keepdim=True", "")
     + "    return (images - mean) / std", "keepdim=True keeps them"),
    ("tensors", "normalise", "    return images / images.std(dim=(0, 2, 4))", "0 to 3"),
    ("tensors", "normalise", "    return np.std(images)", "NameError"),
    ("tensors", "pairwise-distances", "    return points @ centres", "product is not needed"),
    ("tensors", "pairwise-distances", "    return (points - centres).norm()", "do not broadcast"),
    ("autograd", "tanh-gradient", "    return x @ w @ y @ w", "matrix product does not fit"),
    ("autograd", "tanh-gradient", "    return (torch.tanh(x @ w) - y) * w", "Two shapes"),
    ("autograd", "last-block", FREEZE.replace("layer4[1]", "layer4[2]"), "indices 0 and 1"),
    ("autograd", "last-block", FREEZE.replace("p.numel()", "p.numel"), "numel is a method"),
    ("autograd", "last-block", FREEZE.replace("model.fc", "model.classifier"), "AttributeError"),
    ("networks", "output-size", SIZE.replace("stride, padding", "padding, stride"),
     "order is (kernel, stride, padding, dilation)"),
    ("networks", "output-size", SIZE.replace("kernel, stride, padding, dilation in",
     "kernel, stride, padding in"), "tuple of four numbers"),
    ("networks", "output-size", "    kernel, stride, padding, dilation = layers\n    return size",
     "list of such tuples"),
    ("networks", "momentum-step", MOMENTUM.replace("torch.no_grad()", "torch.enable_grad()"),
     "with torch.no_grad()"),
    ("networks", "momentum-step", "    velocities = momentum * velocities + parameters.grad",
     "lists of tensors"),
    ("classifier", "build-network", network("super().__init__()", "pass"), "super().__init__()"),
    ("classifier", "build-network", network("def forward", "def foward"), "no method forward"),
    ("classifier", "build-network", network("self.fc2(features)", "self.fc9(features)"),
     "compare the names"),
    ("classifier", "build-network", network("nn.Linear(84, classes)", "nn.Linear(84)"),
     "TypeError"),
    ("classifier", "build-network", network("self.conv2(maps)", "self.conv2(maps[0, 0, 0])"),
     "does not get through"),
    ("classifier", "set-up", set_up(HEAD, MOVE, LOSS, SGD.replace(".parameters()", ""), RETURN),
     "call network.parameters()"),
    ("classifier", "set-up", set_up(HEAD, MOVE,
     "loss_function = lambda z, y: F.cross_entropy(y, z)", SGD, RETURN), "the other way round"),
    ("classifier", "set-up", set_up(HEAD, MOVE,
     "loss_function = lambda z, y: F.cross_entropy(z.argmax(1), y)", SGD, RETURN),
     "does not take logits"),
    ("classifier", "set-up", set_up(HEAD, MOVE,
     "loss_function = lambda z, y: F.cross_entropy(z, y.float())", SGD, RETURN),
     "does not take logits"),
    ("classifier", "set-up", set_up(HEAD, MOVE, "loss_function = nn.BCELoss()", SGD, RETURN),
     "does not take logits"),
    ("classifier", "set-up", set_up("head = nn.Linear(classes)", LOSS, SGD, RETURN), "TypeError"),
    *(("classifier", "training-step", changed(("classifier", "training-step"), old, new), hint)
      for old, new, hint in [
        ("    loss = loss_function(network(images), labels)",
         "    with torch.no_grad():\n        loss = loss_function(network(images), labels)",
         "no graph to go back through"),
        ("(network(images), labels)", "(network(images).argmax(dim=1), labels)", "no argmax"),
        ("(network(images), labels)", "(network(images), labels.float())", "int64: leave them"),
        ("(network(images), labels)", "(labels, network(images))", "come first, then the labels"),
        ("(network(images), labels)", "(network(images), F.one_hot(labels, 4))", "class indices"),
        ("(network(images), labels)", "(network(images), labels[:, None])", "as they are"),
        ("labels)\n", "labels).item()\n", "item() makes a plain number"),
        ("labels)\n", "labels).detach()\n", "no graph to go back through"),
        ("    loss.backward()", "    loss.backward()\n    loss.backward()", "backward() once"),
        ("network(images)", "network(images.T)", "as they are"),
        ("optimizer.step()", "optimizer()", "Two names are mixed up"),
        ("loss_function(network(images), labels)", "network(images)", "not on the logits"),
    ]),
    *(("classifier", "accuracy", changed(("classifier", "accuracy"), old, new), hint)
      for old, new, hint in [
        (".argmax(dim=1)", "", "differ in shape"),
        (".argmax(dim=1)", ".argmax(dim=2)", "differ in shape"),
        (".sum().item()", ".item()", "sum first"),
    ]),
    ("classifier", "accuracy", """
    images = torch.stack([images for images, _ in batches])
    return 0.0""", "cannot be stacked"),
    ("faster", "random-flips", FLIPS.replace("images[chosen].flip(3)", "images.flip(3)"),
     "different numbers of images"),
    ("faster", "random-flips", """
    coins = torch.rand(len(images)) < 0.5
    return torch.where(coins, images.flip(3), images)""", "coins (N, 1, 1, 1)"),
    ("faster", "random-flips", FLIPS.replace(" < 0.5", ""), "mask of bools"),
    ("faster", "random-flips", FLIPS.replace("flip(3)", "flip(4)"), "IndexError"),
    ("faster", "one-cycle-rate", CYCLE.replace("/ (last - peak)", "/ (last - step)"),
     "divide by 0"),
    ("faster", "one-cycle-rate", """
    peak = 0.3 * total_steps - 1
    if step < peak:
        rate = max_rate / 25 + (max_rate - max_rate / 25) * step / peak
    return rate""", "gets no value"),
    ("faster", "batch-norm", NORM.replace("gamma * (maps - mean)", "gamma * maps.sub_(mean)"),
     "in place"),
    ("faster", "batch-norm", NORM.replace(", keepdim=True", "").replace("[:, None, None]", ""),
     "F.batch_norm"),
    ("faster", "batch-norm", "    maps -= running_mean[:, None, None]\n" + NORM, "in place"),
    ("inside", "confusion-matrix", CONFUSION.replace("minlength=class_count**2", ""), "minlength"),
    ("inside", "confusion-matrix", CONFUSION.replace("pairs.bin", "pairs.float().bin"),
     "keep the pairs int64"),
    ("inside", "confusion-matrix", CONFUSION.replace("pairs.bin", "pairs[:, None].bin"),
     "one number for each image"),
    ("inside", "worst-mistakes", WORST.replace(".argsort(descending=True)[:count]",
     ".topk(count).indices"), "fewer mistakes than count"),
    ("inside", "worst-mistakes", WORST.replace("predictions != labels", "logits != labels"),
     "argmax(dim=1)"),
    ("audio", "alias-of", """
    if frequencies > rate / 2:
        return rate - frequencies
    return frequencies""", "torch.where decides"),
    ("audio", "alias-of", ALIAS.replace("torch.round", "round"), "torch.round"),
    ("audio", "alias-of", ALIAS.replace("rate * torch", "torch.abs(rate) * torch"),
     "Torch's functions take tensors"),
    ("audio", "frame-signals", "    zeros = -(signals.shape[1] - length) % hop\n"
     "    return F.pad(signals, (0, zeros)).unfold(1, length, hop)", "shorter than a frame"),
    ("audio", "frame-signals", """
    parts = [signals[:, at : at + length] for at in range(0, signals.shape[1], hop)]
    return torch.stack(parts, dim=1)""", "last frame is shorter"),
    ("audio", "frame-signals", """
    starts = range(0, signals.shape[1] - length + 1, hop)
    return torch.stack([signals[:, at : at + length] for at in starts], dim=1)""",
     "samples at the end"),
    ("audio", "relative-decibels", """
    top = power.amax(dim=(1, 2))
    return (10 * torch.log10(power / top)).clamp(min=-span)""", "keepdim=True"),
    ("audio", "relative-decibels", """
    top = power.max(dim=1, keepdim=True)
    return (10 * torch.log10(power / top)).clamp(min=-span)""", "a pair"),
    ("images", "channel-statistics", SUMS.replace(".double()", "").replace(" / 255", "")
     .replace("values.sum", "values.mean"), "could not infer"),
    ("images", "channel-statistics", """
    pixels = torch.stack(list(batches))
    return pixels, pixels""", "which come last"),
    ("images", "channel-statistics", """
    return batches[0].double().mean((0, 1, 2)), batches[0].double().std((0, 1, 2))""", "no index"),
    ("images", "channel-statistics", "    number = len(batches)\n" + SUMS, "not known before"),
    ("images", "channel-statistics", "    for batch in batches:\n        batch.div_(255)\n" + SUMS,
     "cannot hold fractions"),
    ("images", "channel-statistics", "    number = sum(1 for _ in batches)\n" + SUMS.replace(
     "total / count", "total.sum() / count"), "AttributeError"),
    ("images", "to-picture", PICTURE.replace("std[:, None, None]", "std[:, None]"), "(C, 1, 1)"),
    ("images", "to-picture", PICTURE.replace("permute(1, 2, 0)", "permute(0, 2, 3, 1)"),
     "three dimensions"),
    ("images", "to-picture", PICTURE.replace(".to(torch.uint8)", ".astype('uint8')"),
     "NumPy's method"),
    ("text", "merge", MERGE.replace("tuple(ids[at : at + 2])", "(ids[at], ids[at + 1])"),
     "only where there is one"),
    ("text", "merge", "    return ids.replace(pair, new_id)", "AttributeError"),
    ("text", "perplexity", "    return F.cross_entropy(logits, targets).exp()", "dimension 1"),
    ("text", "perplexity", "    return F.cross_entropy(logits.flatten(0, 1), targets).exp()",
     "both flattened"),
    ("text", "perplexity", """
    logs = logits.log_softmax(dim=2).gather(2, targets[..., None])
    return (-logs.mean()).exp()""", "leave the padding out"),
    ("text", "perplexity", "    return torch.exp(float(F.cross_entropy(\n"
     "        logits.transpose(1, 2), targets)))", "math.exp takes a number"),
    ("text", "perplexity", "    return 'perplexity'", "not a str"),
    ("gpu", "time-of", TIME.replace("start = clock()", "start = clock"), "with the brackets"),
    ("gpu", "time-of", TIME.replace("return (clock() - start)", "return (start() - start)"),
     "cannot be called"),
    ("gpu", "time-of", "    return function() / repeats", "return nothing"),
    ("gpu", "move-batch", "    return batch.to(device)", "look at its type first"),
    ("gpu", "move-batch", """
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: move_batch(part, device) for key, part in batch.items()}
    return type(batch)([move_batch(part, device) for part in batch])""",
     "calls itself without end"),
    ("gpu", "move-batch", """
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    for number in range(len(batch)):
        batch[number] = move_batch(batch[number], device)
    return batch""", "cannot be changed"),
    ("processes", "share-of", SHARE.replace("math.ceil(count / world_size)", "count / world_size"),
     "range takes whole numbers"),
    ("processes", "share-of", """
    deck = list(range(count))
    return [deck[rank + k * world_size] for k in range(math.ceil(count / world_size))]""",
     "deck is too short"),
    ("processes", "average-gradients", "    return gradients * counts / sum(counts)",
     "go through gradients and counts"),
    ("processes", "average-gradients", "    return gradients / len(gradients)",
     "go through gradients and counts"),
    ("processes", "save-checkpoint", SAVE.replace('file.with_suffix(".new"), file)',
     'file.with_suffix(".old"), file)'), "was just written"),
    ("processes", "save-checkpoint", SAVE.replace('file.with_suffix(".new")', 'file + ".new"'),
     "pathlib.Path"),
    ("processes", "save-checkpoint", """
    if rank == 0:
        beside = file.with_suffix(".new")
        beside.write_text(str(state))
        os.replace(beside, file)""", "torch.load cannot read"),
    ("processes", "ring-bytes", RING.replace("ranks\n", "ranks * (ranks - 1) / (ranks - 1)\n"),
     "divide by ranks - 1"),
    ("processes", "ring-bytes", "    return 'one', 'all'", "two numbers"),
    ("quick", "residual-forward", "    return maps + block.branch(maps)", "do not fit"),
    ("quick", "residual-forward", "    return block(maps)", "has no forward"),
    ("quick", "residual-forward", "    return block.shortcut(maps) + block.branch(maps)",
     "AttributeError"),
    ("quick", "crops", "    return images[:, :, top : top + size, left : left + size]",
     "A slice takes one number"),
    ("quick", "crops", CROPS.replace("columns[:, None, :]", "columns[:3, None, :]"),
     "(N, size, 1)"),
    ("quick", "crops", "    return images.gather(2, top)", "as many dimensions"),
    ("quick", "smoothed-loss", SMOOTHED.replace("targets * logs", "labels * logs"),
     "F.one_hot makes"),
    ("quick", "smoothed-loss", """
    logs = torch.log_softmax(logits, dim=1)
    return -logs.gather(1, labels).mean()""", "labels[:, None]"),
    ("quick", "smoothed-loss", "    return nn.CrossEntropyLoss(logits, labels)",
     "ready-made besides"),
]  # fmt: skip

# What was refused, but without saying what to do.
WEAK = [
    ("classifier", "build-network", network("F.relu(self.conv1(images))", "self.conv1(images)"),
     "after conv 1"),
    ("classifier", "build-network", network("F.relu(self.conv2(maps))", "self.conv2(maps)"),
     "after conv 2"),
    ("classifier", "build-network", network("F.relu(self.fc1(torch.flatten(maps, 1)))",
     "self.fc1(torch.flatten(maps, 1))"), "after linear 1"),
    ("classifier", "build-network", network("F.relu(self.fc2(features))", "self.fc2(features)"),
     "after linear 2"),
    ("autograd", "tanh-gradient", TANH.replace("x.T @", "x @"), "x.T @ ..."),
    ("tensors", "normalise", PER_CHANNEL + "    return torch.stack([images, mean])",
     "Your code stops"),
    ("audio", "alias-of", ALIAS.replace("torch.round", "torch.floor"), "folded down"),
    ("audio", "alias-of", ALIAS.replace("frequencies - ", "frequencies + "), "is heard at"),
    ("audio", "frame-signals", FRAMES.replace("(0, zeros)", "(zeros, 0)"), "at the start"),
]  # fmt: skip

KINDS = {
    "false accept": FALSE_ACCEPT,
    "misleading hint": MISLEADING,
    "raw traceback": RAW_TRACEBACK,
    "weak": WEAK,
}
