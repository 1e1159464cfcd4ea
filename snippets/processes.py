"""Train in two processes with torchrun: what each sees, what they
share, what if one dies.
"""

# %% imports
import inspect
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import (
    DataLoader,
    DistributedSampler,
    TensorDataset,
)

print("torch can start process groups:", dist.is_available())

# %% write-program
IMPORTS = """\
import os
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
# Before there is a group: later, it would hold on to it.
import torch.distributed.nn
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import (
    DataLoader,
    DistributedSampler,
    TensorDataset,
)
"""


def write_program(file, *functions):
    """Write a program that holds functions and calls the last one."""
    sources = [inspect.getsource(function) for function in functions]
    start = (
        f'if __name__ == "__main__":\n    {functions[-1].__name__}()\n'
    )
    Path(file).write_text("\n\n".join([IMPORTS, *sources, start]))


# %% torchrun
def torchrun(program, *arguments, ranks=2, restarts=0):
    """Start a program in `ranks` processes, and wait for them.

    Returns subprocess.CompletedProcess with returncode, stdout and
    stderr (str).
    """
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
    ]
    command += [
        f"--nproc-per-node={ranks}",
        f"--max-restarts={restarts}",
    ]
    settings = {"OMP_NUM_THREADS": "1"}  # one core for each process
    # Explained further down.
    settings["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    if os.name == "nt":
        # PyTorch for Windows may be without libuv.
        settings["USE_LIBUV"] = "0"
    return subprocess.run(
        [*command, program, *arguments],
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )


def show(done):
    """Print what the processes printed; RuntimeError if one failed."""
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    print(done.stdout, end="")


# %% begin
def begin():
    """Join the process group; return the device of this process."""
    ranks_here = int(os.environ["LOCAL_WORLD_SIZE"])
    # NCCL: a GPU for each rank.
    if torch.cuda.device_count() >= max(ranks_here, 2):
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", device_id=device)
    else:
        device = torch.device("cpu")
        dist.init_process_group("gloo")
    return device


def print_in_order(text):
    """Print every rank's text in order; all ranks must call it."""
    texts = [None] * dist.get_world_size()
    dist.all_gather_object(texts, text)
    if dist.get_rank() == 0:
        print("\n".join(texts), flush=True)


# %% what-a-rank-sees timeout=300
def what_a_rank_sees():
    begin()
    rank, world_size = dist.get_rank(), dist.get_world_size()
    print_in_order(f"I am rank {rank} of {world_size}")
    sampler = DistributedSampler(range(10), seed=0)
    lines = [f"rank {rank}"]
    for epoch in range(2):
        lines.append(f"  epoch {epoch} as it is:      {list(sampler)}")
    for epoch in range(2):
        sampler.set_epoch(epoch)
        lines.append(f"  epoch {epoch} with set_epoch: {list(sampler)}")
    odd_one_out = DistributedSampler(range(9), shuffle=False)
    lines.append(f"  9 examples, in order:  {list(odd_one_out)}")
    print_in_order("\n".join(lines))
    dist.destroy_process_group()


write_program("ranks.py", begin, print_in_order, what_a_rank_sees)
show(torchrun("ranks.py"))

# %% the-file
lines = Path("ranks.py").read_text().splitlines()
for line in lines:
    if line.startswith(("def", "if")):
        print(line)
print(lines[-1])


# %% network
def make_net():
    """The lab network: images (N, 3, 32, 32) to logits (N, 10)."""
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 5 * 5, 120), nn.ReLU()),
        *(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def make_data(count):
    """Images (count, 3, 32, 32), brighter by label; labels (count,)."""
    # The same data in each process.
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (count,), generator=generator)
    images = torch.rand(count, 3, 32, 32, generator=generator)
    return images + labels.reshape(-1, 1, 1, 1) / 10 - 0.95, labels


parameters = sum(p.numel() for p in make_net().parameters())
print(f"{parameters:,} parameters")


# %% gradient-of
def gradient_of(net, images, labels, weight=1.0):
    """The gradient of weight times the mean loss, as a vector (P,)."""
    net.zero_grad()
    (weight * F.cross_entropy(net(images), labels)).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters()])


def of_all_ranks(vector):
    """The vectors (P,) of all ranks, as rows (ranks, P)."""
    rows = [
        torch.empty_like(vector) for _ in range(dist.get_world_size())
    ]
    dist.all_gather(rows, vector)
    return torch.stack(rows)


def near(gradient, other):
    """Whether no entry is off by over a thousandth of the largest."""
    difference = (gradient - other).abs().max().item()
    return difference < 1e-3 * other.abs().max().item()


# %% equal-gradients
def equal_gradients(net, images, labels):
    """Half of the images for each rank: first alone, then with DDP."""
    rank = dist.get_rank()
    before = of_all_ranks(
        nn.utils.parameters_to_vector(net.parameters()).detach()
    )
    ddp = DistributedDataParallel(net)
    after = of_all_ranks(
        nn.utils.parameters_to_vector(net.parameters()).detach()
    )
    joined = gradient_of(net, images, labels)
    half = slice(128 * rank, 128 * (rank + 1))
    alone = of_all_ranks(gradient_of(net, images[half], labels[half]))
    shared = of_all_ranks(gradient_of(ddp, images[half], labels[half]))
    return [
        f"weights equal before DDP: {before[0].equal(before[1])}",
        f"weights equal with DDP:   {after[0].equal(after[1])}",
        "length of the gradient",
        f"  each rank alone:  {alone[0].norm():.4f} and "
        f"{alone[1].norm():.4f}",
        f"  with DDP:         {shared[0].norm():.4f} and "
        f"{shared[1].norm():.4f}",
        f"  joined batch:     {joined.norm():.4f}",
        "with DDP, equal to the bit on both ranks: "
        f"{shared[0].equal(shared[1])}",
        "with DDP, near that of the joined batch:  "
        f"{near(shared[0], joined)}",
    ]


# %% uneven-batches
def uneven_batches(net, images, labels):
    """Three quarters of the images for rank 0, a quarter for rank 1."""
    ddp = DistributedDataParallel(net)
    joined = gradient_of(net, images, labels)
    mine = slice(192) if dist.get_rank() == 0 else slice(192, 256)
    images, labels = images[mine], labels[mine]
    weight = len(labels) * dist.get_world_size() / 256
    plain = gradient_of(ddp, images, labels)
    weighted = gradient_of(ddp, images, labels, weight)
    # Keeps the last mean.
    norm = nn.BatchNorm2d(3, momentum=1.0).to(images.device)
    norm(images)
    means = of_all_ranks(norm.running_mean)
    return [
        "192 and 64 images, near the joined batch: "
        f"{near(plain, joined)}",
        "the same, loss weighted by the images:    "
        f"{near(weighted, joined)}",
        f"batch norm's mean of a channel: {means[0, 0]:.3f} and "
        f"{means[1, 0]:.3f}",
    ]


# %% compare timeout=300
def compare():
    device = begin()
    data = [each.to(device) for each in make_data(256)]
    # Other weights on each rank, on purpose.
    torch.manual_seed(dist.get_rank())
    net = make_net().to(device)
    lines = equal_gradients(net, *data) + uneven_batches(net, *data)
    if dist.get_rank() == 0:
        print("\n".join(lines))
    dist.destroy_process_group()


write_program(
    "gradients.py",
    *(begin, make_net, make_data, gradient_of, of_all_ranks, near),
    *(equal_gradients, uneven_batches, compare),
)
show(torchrun("gradients.py"))


# %% checkpoint
def save(file, net, optimizer, **facts):
    """Write a checkpoint on rank 0; the other ranks wait for it."""
    if dist.get_rank() == 0:
        state = {
            "net": net.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        torch.save(state | facts, f"{file}.new")
        # In one step: never half a checkpoint.
        os.replace(f"{file}.new", file)
    dist.barrier()


def load(file, net, optimizer, device):
    """Fill network and optimizer; return what else was saved."""
    if not Path(file).exists():
        return {"epoch": 0, "losses": [], "seconds": []}
    state = torch.load(file, map_location=device, weights_only=True)
    net.load_state_dict(state.pop("net"))
    optimizer.load_state_dict(state.pop("optimizer"))
    return state


# %% train
@record
def train(epochs=6, batch_size=256):
    """Arguments: the checkpoint, the epoch in which rank 1 dies."""
    file, dies = sys.argv[1], int(sys.argv[2])
    device = begin()
    rank, world_size = dist.get_rank(), dist.get_world_size()
    restart = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    torch.manual_seed(0)
    net = make_net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    state = load(file, net, optimizer, device)
    first, losses, seconds = (
        state[key] for key in ("epoch", "losses", "seconds")
    )
    ddp = DistributedDataParallel(net)
    data = TensorDataset(*make_data(2048))
    sampler = DistributedSampler(data, seed=0)
    loader = DataLoader(data, batch_size // world_size, sampler=sampler)
    if rank == 0:
        print(f"restarts: {restart}, epochs done: {first}", flush=True)

    for epoch in range(first, epochs):
        if (rank, restart, epoch) == (1, 0, dies):
            raise RuntimeError("rank 1 ends here, on purpose")
        sampler.set_epoch(epoch)
        total = torch.zeros((), device=device)
        started = time.perf_counter()
        for images, labels in loader:
            loss = F.cross_entropy(
                ddp(images.to(device)), labels.to(device)
            )
            optimizer.zero_grad()
            loss.backward()  # averages the gradients on the way
            optimizer.step()
            total += loss.detach() / len(loader)
        # A sum, and a wait for all ranks and devices.
        dist.all_reduce(total)
        losses.append(total.item() / world_size)
        seconds.append(time.perf_counter() - started)
        if rank == 0:
            print(f"epoch {epoch}: loss {losses[-1]:.3f}", flush=True)
        facts = {
            "epoch": epoch + 1,
            "losses": losses,
            "seconds": seconds,
        }
        save(file, net, optimizer, **facts)
    dist.destroy_process_group()


# %% two-processes timeout=300
write_program("train.py", begin, make_net, make_data, save, load, train)
show(torchrun("train.py", "two.pt", "-1"))  # -1: nobody dies

# %% one-process timeout=300
show(torchrun("train.py", "one.pt", "-1", ranks=1))
one, two = (
    torch.load(f"{each}.pt", map_location="cpu")
    for each in ("one", "two")
)
pairs = zip(one["losses"], two["losses"], strict=True)
print(
    "losses agree within 0.02:",
    all(abs(a - b) < 0.02 for a, b in pairs),
)

# %% rank-dies timeout=300
# What an earlier run of this cell has left.
Path("dies.pt").unlink(missing_ok=True)
done = torchrun("train.py", "dies.pt", "3")
print(done.stdout, end="")
for line in done.stderr.splitlines():
    if line.startswith("[rank1]: RuntimeError"):
        print(line)
# The report's.
failure = re.search(r"rank +: 1 .*\n +exitcode +: \d+", done.stderr)
print("in torchrun's report:", " ".join(failure[0].split()))
print("torchrun itself ends with", done.returncode)

# %% restart timeout=300
show(torchrun("train.py", "dies.pt", "3", restarts=1))
recovered = torch.load("dies.pt", map_location="cpu")["net"]
same = all(
    weight.equal(two["net"][name]) for name, weight in recovered.items()
)
print(
    "weights equal to those of the undisturbed training, to the bit:",
    same,
)

# %% scaling alt="Two bars, the time of an epoch with one process and with two. A dashed line marks half the time of one process, the best that two could do."
medians = {
    # The first one warms up.
    "1 process": statistics.median(one["seconds"][1:]),
    "2 processes": statistics.median(two["seconds"][1:]),
}
for name, seconds in medians.items():
    print(f"{name + ':':12} {1000 * seconds:.0f} ms for an epoch")
print(f"speed-up: {medians['1 process'] / medians['2 processes']:.2f}")

plt.bar(list(medians), list(medians.values()), width=0.5)
half = medians["1 process"] / 2
plt.axhline(
    half, color="C1", linestyle="--", label="half of one process"
)
plt.ylabel("seconds for an epoch")
plt.ylim(top=1.3 * max(medians.values()))  # room for the legend
plt.legend(loc="upper right")
plt.show()


# %% all-reduce-bytes
def bytes_sent(parameters, ranks, bytes_each=4):
    """Bytes that each rank sends in a ring all-reduce, a float."""
    return 2 * (ranks - 1) / ranks * parameters * bytes_each


sizes = {
    "the lab's network": parameters,
    "a large model": 7_000_000_000,
}
# Bytes/s, assumed.
bandwidths = {"10 Gbit/s": 10e9 / 8, "400 Gbit/s": 400e9 / 8}
for name, size in sizes.items():
    print(f"{name}, {size:,} parameters")
    for ranks in (2, 8, 64):
        sent = bytes_sent(size, ranks)
        slow, fast = (
            f"{sent / each:8.2g}" for each in bandwidths.values()
        )
        print(
            f"{ranks:4} ranks: {sent / 1e6:9.2f} MB, seconds: "
            f"{slow} or {fast}"
        )

# %% bound alt="Speed-up against the number of processes, both axes logarithmic. The ideal is a straight line. The curve for the fast network leaves it later than that for the slow one, and both become flat."
# Seconds for a step of the large model in one process: assumed.
alone = 60.0
ranks = [2**k for k in range(13)]
plt.plot(ranks, ranks, "--", color="C3", label="ideal")
for name, bandwidth in bandwidths.items():
    steps = [alone / n + bytes_sent(7e9, n) / bandwidth for n in ranks]
    plt.plot(ranks, [alone / step for step in steps], "o-", label=name)
    limit = alone * bandwidth / (2 * 7e9 * 4)
    print(f"{name}: never more than {limit:.3g} times as fast")
plt.loglog()
plt.xlabel("processes")
plt.ylabel("speed-up of a step")
plt.legend()
plt.show()

# %% memory
# For each parameter: itself, its gradient, two of Adam's.
numbers = 1 + 1 + 2
total = 7e9 * numbers * 4 / 1e9  # in GB, as float32
print("on each rank, without activations:")
for ranks in (1, 8, 64):
    print(
        f"{ranks:4} ranks: DDP {total:6.1f} GB, FSDP "
        f"{total / ranks:6.1f} GB"
    )
