"""Train on any device, time it honestly, and see what a GPU is good
for.
"""

# %% imports
import math
import statistics
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

cpu = torch.device("cpu")
device = (
    torch.accelerator.current_accelerator(check_available=True) or cpu
)
print("device:", device.type)


# %% network
class Net(nn.Module):
    """Images (N, 3, 32, 32) to logits (N, 10); the lab has 6 maps."""

    def __init__(self, maps=6):
        super().__init__()
        self.conv1 = nn.Conv2d(3, maps, kernel_size=5)
        self.conv2 = nn.Conv2d(maps, maps * 8 // 3, kernel_size=5)
        self.fc1 = nn.Linear(maps * 8 // 3 * 5 * 5, maps * 20)
        self.fc2 = nn.Linear(maps * 20, maps * 14)
        self.fc3 = nn.Linear(maps * 14, 10)

    def forward(self, images):
        maps = F.max_pool2d(F.relu(self.conv1(images)), 2)
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        features = F.relu(self.fc1(torch.flatten(maps, 1)))
        return self.fc3(F.relu(self.fc2(features)))


for maps in (6, 12, 24, 48):
    count = sum(p.numel() for p in Net(maps).parameters())
    print(f"{maps:2} maps in the first layer: {count:9,} parameters")

# %% random-data
torch.manual_seed(0)
all_labels = torch.randint(10, (1024,))
brightness = all_labels.reshape(-1, 1, 1, 1) / 10  # something to learn
all_images = torch.rand(1024, 3, 32, 32) + brightness - 0.95
print("images:", tuple(all_images.shape), all_images.device.type)

# %% train-anywhere
loader = DataLoader(
    TensorDataset(all_images, all_labels),
    batch_size=128,
    shuffle=True,
    pin_memory=device.type == "cuda",  # explained further down
)
torch.manual_seed(0)
net = Net().to(device)  # 1. the network
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)  # 2. optimizer
for epoch in range(9):
    losses = []
    for images, labels in loader:
        images = images.to(device, non_blocking=True)  # 3. every batch
        labels = labels.to(device, non_blocking=True)
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())  # stays on the device
    if epoch % 4 == 0:
        print(
            f"epoch {epoch + 1}: loss {torch.stack(losses).mean():.2f}"
        )

# %% to-in-place
layer, batch = nn.Linear(4, 2), torch.rand(8, 4)
layer.to("meta")
batch.to("meta")
print("layer:", layer.weight.device.type)
print("batch:", batch.device.type)
batch = batch.to("meta")
print("batch, assigned:", batch.device.type)

# %% forgotten-batch
images, labels = all_images[:128], all_labels[:128]  # on the CPU
for place in (device, "meta"):
    model = Net().to(place)
    try:
        print(f"model on {place}:", tuple(model(images).shape))
    except RuntimeError as error:
        print(f"model on {place}:", error)

# %% optimizer-first
for place in (device, "meta"):
    model = nn.Linear(4, 2)
    early = torch.optim.SGD(model.parameters(), lr=0.1)
    model.to(place)
    held = early.param_groups[0]["params"][0]
    print(
        f"moved to {place}: optimizer holds its weight:",
        held is model.weight,
    )

# %% new-network
old_net = Net().to(device)
optimizer = torch.optim.SGD(old_net.parameters(), lr=0.1)
new_net = Net().to(device)  # say, to start again with other weights
before = new_net.fc3.weight.clone()
F.cross_entropy(
    new_net(images.to(device)), labels.to(device)
).backward()
optimizer.step()
print("has a gradient:", new_net.fc3.weight.grad is not None)
print("has changed:   ", not torch.equal(before, new_net.fc3.weight))


# %% wait
def wait(place):
    """Return when the device `place` has done all its work."""
    # The CPU has no queue, and synchronize() would raise.
    if place.type != "cpu":
        torch.accelerator.synchronize()


# %% launch-and-finish
matrix = torch.rand(1200, 1200, device=device)
matrix @ matrix  # warm-up
wait(device)

start = time.perf_counter()
for _ in range(5):
    product = matrix @ matrix
launched = time.perf_counter() - start
wait(device)
finished = time.perf_counter() - start
print(f"Python was through after {launched * 1e3:8.3f} ms")
print(f"the products were there {finished * 1e3:9.3f} ms")


# %% make-step
def autocast(place, dtype):
    """Return a context that computes in dtype where that is safe."""
    lower = torch.bfloat16 if dtype == torch.float32 else dtype
    return torch.autocast(
        place.type, dtype=lower, enabled=dtype == lower
    )


def make_step(maps, batch_size, place, dtype=torch.float32):
    """Return a function that does one training step on `place`."""
    torch.manual_seed(0)
    net = Net(maps).to(place)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    images = all_images[:batch_size].to(place)
    labels = all_labels[:batch_size].to(place)

    def step():
        with autocast(place, dtype):
            loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


# %% warm-up
step = make_step(36, 100, device)  # a width and a batch not used before
for call in range(1, 5):
    wait(device)
    start = time.perf_counter()
    step()
    wait(device)
    print(f"step {call}: {(time.perf_counter() - start) * 1e3:9.3f} ms")


# %% seconds-per-call
def seconds_per_call(function, place, calls=1, rounds=3):
    """Return the median of the mean times of a call, in seconds."""
    function()  # warm-up
    times = []
    for _ in range(rounds):
        wait(place)  # nothing older is left in the queue
        start = time.perf_counter()
        for _ in range(calls):
            function()
        wait(place)  # and now all of it is done
        times.append((time.perf_counter() - start) / calls)
    return statistics.median(times)


# %% hidden-wait
step = make_step(6, 128, device)
habits = {
    "after each step": lambda: [step().item() for _ in range(10)],
    "once at the end": lambda: torch.stack(
        [step() for _ in range(10)]
    ).tolist(),
}
for habit, ten_steps in habits.items():
    seconds = seconds_per_call(ten_steps, device)
    print(f"losses read {habit}: {seconds * 1e3:8.2f} ms for 10 steps")

# %% transfer
step_time = seconds_per_call(step, device, calls=3)
print(f"one training step:   {step_time * 1e3:8.3f} ms")

pixels = torch.randint(256, images.shape, dtype=torch.uint8)
kinds = {"float32": images, "uint8": pixels}
if device.type == "cuda":
    kinds["float32, pinned"] = images.pin_memory()
for name, tensor in kinds.items():
    seconds = seconds_per_call(
        lambda t=tensor: t.to(device), device, calls=20
    )
    megabytes = tensor.nbytes / 1e6
    print(
        f"moving {name:15} {seconds * 1e3:6.3f} ms for "
        f"{megabytes:.2f} MB"
    )
print("the same tensor afterwards:", images.to(device) is images)

# %% time-against-width timeout=120 alone="the CPU's times beside the GPU's"
runs = [
    (cpu, torch.float32),
    (device, torch.float32),
    (device, torch.bfloat16),
]
# Without an accelerator two are the same.
runs = list(dict.fromkeys(runs))
widths = [6, 12, 24, 48]
if device != cpu:
    widths += [96, 192]

epoch_times = {}  # seconds for 50,000 images, for each run and width
for place, dtype in runs:
    name = f"{place.type} {str(dtype).removeprefix('torch.')}"
    most = 192 if place != cpu else 48 if dtype == torch.float32 else 12
    for maps in (maps for maps in widths if maps <= most):
        step = make_step(maps, 128, place, dtype)
        calls = 1 if place == cpu else 30
        seconds = seconds_per_call(step, place, calls) * 50_000 / 128
        epoch_times.setdefault(name, {})[maps] = seconds

print(
    "an epoch of 50,000 images, batch 128; CPU threads:",
    torch.get_num_threads(),
)
print(f"{'width':>5}", *(f"{name:>15}" for name in epoch_times))
for maps in widths:
    cells = [
        f"{times[maps]:13.2f} s" if maps in times else " " * 15
        for times in epoch_times.values()
    ]
    print(f"{maps:5}", *cells)

# %% width-picture alt="Seconds per epoch of 50,000 images against the number of maps in the first layer, both axes logarithmic, one line of points for each device and number format that was timed."
plt.figure(figsize=(5, 3.6), layout="constrained")
for name, times in epoch_times.items():
    plt.plot(list(times), list(times.values()), "o-", label=name)
plt.xscale("log", base=2)
plt.yscale("log")
values = [
    seconds
    for times in epoch_times.values()
    for seconds in times.values()
]
lowest, highest = math.log10(min(values)), math.log10(max(values))
# Whole decades.
plt.ylim(10 ** math.floor(lowest), 10 ** math.ceil(highest))
plt.gca().yaxis.set_major_formatter("{x:g}")
plt.xticks(widths, [str(maps) for maps in widths])
plt.xlabel("maps in the first layer")
plt.ylabel("seconds per epoch")
plt.legend()
plt.show()


# %% operations
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode


class OperationCounter(TorchDispatchMode):
    """Counts every operation that reaches PyTorch's dispatcher."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


for maps in (6, 48):
    step = make_step(maps, 128, device)
    with (
        OperationCounter() as counter,
        FlopCounterMode(display=False) as flops,
    ):
        step()
    billions = flops.get_total_flops() / 1e9
    print(f"width {maps:2}: {counter.count} operations,", end=" ")
    print(f"{billions:.2f} billion multiplications and additions")

# %% batch-size
print("an epoch of 50,000 images, width 6")
for batch_size in (4, 16, 64, 256, 1024):
    step = make_step(6, batch_size, device)
    calls = 1024 // batch_size  # as many images each time
    seconds = (
        seconds_per_call(step, device, calls) * 50_000 / batch_size
    )
    print(f"batches of {batch_size:4}: {seconds:7.2f} s")

# %% formats
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    info = torch.finfo(dtype)
    print(f"{dtype!s:15} {info.bits} bits", end=", ")
    print(
        f"largest {info.max:.1e}, normal down to {info.tiny:.1e}",
        end=", ",
    )
    print(f"step at 1: {info.eps:.1e}")

# %% autocast
net = Net().to(device)
on_device = images.to(device), labels.to(device)
with torch.autocast(device.type, dtype=torch.bfloat16):
    logits = net(on_device[0])
    loss = F.cross_entropy(logits, on_device[1])
# Outside: each operation goes back in the dtype it came in.
loss.backward()
print("logits:    ", logits.dtype)
print("loss:      ", loss.dtype)
print("parameters:", net.fc1.weight.dtype)
print("gradients: ", net.fc1.weight.grad.dtype)

# %% how-close
with torch.no_grad():
    exact = net(on_device[0])
difference = (logits.float() - exact).abs().max() / exact.abs().max()
print("equal:", torch.equal(logits.float(), exact))
print(
    "largest difference below 2 % of the largest logit:",
    bool(difference < 0.02),
)

# %% underflow
for dtype in (torch.float16, torch.bfloat16):
    for scale in (1.0, 2.0**16):
        weight = torch.tensor(1.0, requires_grad=True)
        product = weight.to(dtype) * 1e-4
        loss = product.float() * 1e-4  # so the true gradient is 1e-8
        (loss * scale).backward()
        print(f"{dtype!s:15} loss times {scale:7.0f}:", end=" ")
        print(f"gradient {weight.grad / scale:.1e}")

# %% grad-scaler
weight = nn.Parameter(torch.tensor(1.0))
optimizer = torch.optim.SGD([weight], lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**15)
# The second one is too much for float16.
for factor in (1.0, 10.0, 1.0):
    loss = (weight.to(torch.float16) * factor).float()
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    found = weight.grad.item()
    # Unscales; leaves the step out if it finds inf or nan.
    scaler.step(optimizer)
    scaler.update()
    print(
        f"scaled gradient {found:7.0f}, weight {weight.item():.3f}",
        end=", ",
    )
    print(f"next scale {scaler.get_scale():.0f}")


# %% memory
def saved_bytes(net, images, dtype):
    """Return how many bytes a forward pass keeps for the way back."""
    own = {p.data_ptr() for p in net.parameters()}
    sizes = {}

    def note(tensor):
        if tensor.data_ptr() not in own:
            sizes[tensor.data_ptr()] = tensor.nbytes
        return tensor

    keep = torch.autograd.graph.saved_tensors_hooks(
        note, lambda tensor: tensor
    )
    with keep, autocast(device, dtype):
        # As long as it lives, so does what was saved.
        logits = net(images)
    return sum(sizes.values()) if logits.requires_grad else 0


weights = sum(p.nbytes for p in net.parameters()) / 1e6
print(f"parameters, gradients, momentum: {weights:.2f} MB each")
for dtype in (torch.float32, torch.bfloat16):
    for size in (128, 256):
        some = all_images[:size].to(device)
        megabytes = saved_bytes(net, some, dtype) / 1e6
        print(f"kept for {size} images, {dtype}: {megabytes:.1f} MB")
if device.type in ("cuda", "xpu"):
    peak = torch.accelerator.max_memory_allocated() / 1e6
    print(f"most that was in use on this page: {peak:.0f} MB")


# %% same-numbers
def train_briefly(place, threads):
    """Return how ten steps on `place` change the weights, a vector."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = Net().to(place)  # made on the CPU, so that all start alike
    start = (
        nn.utils.parameters_to_vector(net.parameters()).detach().cpu()
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for first in range(0, 640, 64):
        batch = slice(first, first + 64)
        logits = net(all_images[batch].to(place))
        loss = F.cross_entropy(logits, all_labels[batch].to(place))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    end = nn.utils.parameters_to_vector(net.parameters()).detach().cpu()
    return end - start


threads_before = torch.get_num_threads()
one, again, two = (train_briefly(cpu, threads) for threads in (1, 1, 2))
torch.set_num_threads(threads_before)
there = train_briefly(device, threads_before)
print("1 thread, twice: equal to the bit", torch.equal(one, again))
print(f"largest change of a weight: {one.abs().max():.2f}")
for name, other in (
    ("1 and 2 threads", two),
    (f"cpu and {device.type}", there),
):
    close = torch.allclose(one, other, rtol=0, atol=1e-3)
    print(
        f"{name}: largest difference {(one - other).abs().max():.0e}",
        end=", ",
    )
    print(f"within 0.001 {close}")
