"""Autograd: one training step, the graph behind it, and what gets a
gradient.
"""

# %% imports
import matplotlib.pyplot as plt
import torch
import torchvision
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import nn

print("operations are recorded:", torch.is_grad_enabled())

# %% pretrained
weights = torchvision.models.ResNet18_Weights.DEFAULT
model = torchvision.models.resnet18(weights=weights)
print(f"parameters: {sum(p.numel() for p in model.parameters()):,}")
print("training mode:", model.training)

# %% old-spelling warns="UserWarning"
torchvision.models.resnet18(pretrained=False)

# %% preprocess
preprocess = weights.transforms()
print(preprocess)
# A stand-in.
photo = torch.randint(0, 256, (3, 300, 400), dtype=torch.uint8)
prepared = preprocess(photo)
print(tuple(photo.shape), photo.dtype)
print(tuple(prepared.shape), prepared.dtype)

# %% forward
torch.manual_seed(0)
# A real one: preprocess(photo)[None].
image = torch.rand(1, 3, 224, 224)
label = torch.tensor([7])  # the index of a class, one for each image
loss_function = nn.CrossEntropyLoss()
logits = model(image)
loss = loss_function(logits, label)
print("logits:", tuple(logits.shape))
print("loss:", loss)
print("gradient so far:", model.conv1.weight.grad)

# %% backward
weight = model.conv1.weight
weight_before = weight.detach().clone()
loss.backward()
print("weight:  ", tuple(weight.shape))
print("gradient:", tuple(weight.grad.shape))
print(weight.grad[0, 0, 0])
print(
    "all have one:", all(p.grad is not None for p in model.parameters())
)
print("weight as before:", torch.equal(weight, weight_before))

# %% step
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
optimizer.step()
print("before:", weight_before[0, 0, 0])
print("after: ", weight[0, 0, 0].detach())
by_hand = weight_before - 0.01 * weight.grad
print("weight - lr * gradient:", torch.allclose(weight, by_hand))
new_loss = loss_function(model(image), label)
print(f"loss on this image: {loss:.3f}, after the step {new_loss:.3f}")

# %% step-picture needs="step" alt="Heat maps of 7 by 7 boxes for one filter: its weights, their gradient, and the change made by the step. The change has the pattern of the gradient with red and blue exchanged."
change = weight.detach() - weight_before
_, axes = plt.subplots(1, 3, figsize=(5, 2))
panels = {
    "weight": weight_before,
    "gradient": weight.grad,
    "change": change,
}
for axis, (title, values) in zip(axes, panels.items(), strict=True):
    limit = values[0, 0].abs().max()
    axis.imshow(
        values[0, 0].numpy(), cmap="coolwarm", vmin=-limit, vmax=limit
    )
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% a-and-b
a = torch.tensor([1.0, 2.0], requires_grad=True)
b = torch.tensor([3.0, -4.0], requires_grad=True)
Q = 3 * a**3 - b**2
print(Q)

# %% only-scalars error="RuntimeError"
Q.backward()

# %% against-by-hand
Q.backward(gradient=torch.ones(2))
print("a.grad:", a.grad, "  9 a^2:", 9 * a.detach() ** 2)
print("b.grad:", b.grad, "  -2 b: ", -2 * b.detach())

# %% choose-v
for v in ([1.0, 1.0], [1.0, 0.0], [1.0, 10.0]):
    a.grad = None  # gradients add up: a section below is about that
    Q = 3 * a**3 - b**2  # a new graph: backward uses it up
    Q.backward(gradient=torch.tensor(v))
    print(f"v = {v!s:11}", a.grad)
a.grad = None
(3 * a**3 - b**2).sum().backward()
print("the sum:       ", a.grad)


# %% jacobian
def mix(x):
    """Map x (3,) to two values (2,), each made of two elements of x."""
    return torch.stack([x[0] * x[1], x[1] + x[2] ** 2])


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
v = torch.tensor([1.0, 10.0])
mix(x).backward(gradient=v)
J = torch.autograd.functional.jacobian(mix, x)
print(J)
print("v @ J:   ", v @ J)
print("backward:", x.grad)
print(
    "of Q:",
    torch.autograd.functional.jacobian(lambda a: 3 * a**3, a).tolist(),
)

# %% vjp-picture alt="Two products of a row v with the 2 by 3 Jacobian. With v = (1, 0) the result is the first row of the Jacobian; with v = (1, 10) it is the first row plus ten times the second."
_, axes = plt.subplots(2, 3, figsize=(5, 3), width_ratios=[2, 3, 3])
for row, v in zip(
    axes, torch.tensor([[1.0, 0.0], [1.0, 10.0]]), strict=True
):
    panels = {
        "$v^T$": v[None],
        "times  $J$": J,
        "=  $v^T J$": v[None] @ J,
    }
    for axis, (title, values) in zip(row, panels.items(), strict=True):
        axis.imshow(values.numpy(), alpha=0.3, vmin=-10, vmax=20)
        axis.set_title(title)
        axis.axis("off")
        for i, line in enumerate(values.tolist()):
            for j, value in enumerate(line):
                axis.text(j, i, f"{value:g}", ha="center", va="center")
plt.show()

# %% never-built
maps = model.conv1(image)
print(f"J of the first layer: {maps.numel():,} x {image.numel():,}")
print(f"that is {maps.numel() * image.numel() * 4 / 1e9:,.0f} GB")

# %% leaves
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
inputs, targets = torch.rand(8, 3), torch.rand(8, 1)
loss = nn.MSELoss()(net(inputs), targets)
tensors = {"inputs": inputs, "0.weight": net[0].weight, "loss": loss}
for name, tensor in tensors.items():
    node = tensor.grad_fn.name() if tensor.grad_fn else None
    print(f"{name:8} leaf {tensor.is_leaf!s:5} grad_fn {node}")

# %% what-is-a-grad-fn
print("a Node:", isinstance(loss.grad_fn, torch.autograd.graph.Node))
print("no input requires a gradient:", (inputs * 2).grad_fn)
with torch.no_grad():
    print("grad mode is off:", net(inputs).grad_fn)

# %% walk-back
last_linear = loss.grad_fn.next_functions[0][0]
for node, _ in last_linear.next_functions:
    print(last_linear.name(), "->", node.name())
first, relu, _ = (node for node, _ in last_linear.next_functions)
print("the first is that of the bias:", first.variable is net[2].bias)
print(relu.name(), "->", relu.next_functions[0][0].name())


# %% draw-graph alt="A graph drawn from top to bottom. The node of the loss leads to that of the last linear layer. It leads to the bias, to the ReLU and to the transposed weight; the ReLU leads on to the first linear layer with its bias and weight. Four nodes accumulate gradients: those of the parameters."
def draw_graph(root, names):
    """Draw what `root`, a grad_fn, leads to, with parameters' names."""
    depth, nodes = {root: 0}, [root]
    for node in nodes:  # grows as we go
        for child, _ in node.next_functions:
            # None: an input that needs no gradient.
            if child is not None:
                depth[child] = max(depth.get(child, 0), depth[node] + 1)
                nodes.append(child)
    place = {}
    for level in range(max(depth.values()) + 1):
        row = [node for node in depth if depth[node] == level]
        place |= {
            n: (k - len(row) / 2, -level) for k, n in enumerate(row)
        }

    arrow = {"arrowstyle": "->", "mutation_scale": 12, "color": "C0"}
    arrow |= {"shrinkA": 0, "shrinkB": 0}
    axis = plt.figure(figsize=(5, 4.5)).gca()
    for node, (x, y) in place.items():
        label, colour = node.name().split("::")[-1], "C0"
        if hasattr(node, "variable"):
            label, colour = f"{label}\n{names[node.variable]}", "C1"
        box = (x - 0.43, y - 0.2), 0.86, 0.4, "round,pad=0.01"
        axis.add_patch(
            FancyBboxPatch(*box, alpha=0.2, fc=colour, ec=colour)
        )
        axis.text(x, y, label, ha="center", va="center", fontsize=10)
        for child, _ in node.next_functions:
            if child is not None:
                ends = (
                    (x, y - 0.21),
                    (place[child][0], place[child][1] + 0.21),
                )
                axis.add_patch(FancyArrowPatch(*ends, **arrow))
    axis.margins(0.01)
    axis.axis("off")


draw_graph(
    loss.grad_fn, {p: name for name, p in net.named_parameters()}
)
plt.show()

# %% saved-and-freed
t = torch.tensor([0.0, 1.0], requires_grad=True)
e = t.exp()  # its derivative is its result, so the result is saved
print(e.grad_fn.name(), "has saved", e.grad_fn._saved_result.detach())
e.sum().backward()
try:
    print(e.grad_fn._saved_result)
except RuntimeError:
    print("freed by backward")

# %% backward-twice error="RuntimeError"
loss.backward()
loss.backward()

# %% keep-the-graph
# A new forward pass, a new graph.
loss = nn.MSELoss()(net(inputs), targets)
loss.backward(retain_graph=True)
loss.backward()
sums = (a + b).sum()  # a sum has nothing to save
sums.backward()
sums.backward()
print("no error")


# %% control-flow
def shrink(x):
    """Halve x (2,) to a norm of at most 1; then sum, or the largest."""
    while x.norm() > 1:
        x = x / 2
    return x.sum() if x[0] > 0 else x.max()


for values in ([0.3, 0.4], [3.0, 4.0], [-1.0, 1.0]):
    start = torch.tensor(values, requires_grad=True)
    result = shrink(start)
    node, names = result.grad_fn, []
    while node is not None:
        names.append(
            node.name().split("::")[-1].removesuffix("Backward0")
        )
        node = (
            node.next_functions[0][0] if node.next_functions else None
        )
    result.backward()
    print(values, " -> ".join(names), start.grad.tolist())

# %% in-place-on-saved error="RuntimeError"
e = t.exp()
e.add_(1)  # overwrites what exp has saved
e.sum().backward()

# %% nothing-to-do error="RuntimeError"
torch.ones(3).sum().backward()

# %% adds-up
w = torch.tensor(3.0, requires_grad=True)
for _ in range(2):
    (w**2).backward()
    print(w.grad)
w.grad = None
(w**2).backward()
print(w.grad)

# %% two-passes
x, target = torch.tensor(3.0), torch.tensor(2.0)
w = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(-1.0, requires_grad=True)
names = {w: "w", b: "b"}


def watch(node):
    """Let a node print the gradient it gets, and what it sends on."""

    def tell(sent, got):
        parents = [
            getattr(parent, "variable", parent)
            for parent, _ in node.next_functions
        ]
        to = [
            f"{gradient:g} to {names[parent]}"
            for parent, gradient in zip(parents, sent, strict=True)
            if parent is not None  # None: it needs no gradient
        ]
        print(f"{names[node]} gets {got[0]:g}, sends {', '.join(to)}")

    node.register_hook(tell)


for leaf in (w, b):
    leaf.register_post_accumulate_grad_hook(
        lambda leaf: print(f"{names[leaf]}.grad = {leaf.grad:g}")
    )
print(f"w = {w:g}, b = {b:g}, x = {x:g}, target = {target:g}")
for number in (1, 2):
    print(f"pass {number}")
    u = w * x
    y = u + b
    e = y - target
    loss = e * e
    print(f"u = w * x = {u:g}")
    print(f"y = u + b = {y:g}")
    print(f"e = y - target = {e:g}")
    print(f"loss = e * e = {loss:g}")
    for name, tensor in {"u": u, "y": y, "e": e, "loss": loss}.items():
        names[tensor.grad_fn] = name
        watch(tensor.grad_fn)
    loss.backward()


# %% where-to-zero
for order in (
    "zero_grad, forward, backward, step",
    "forward, zero_grad, backward, step",
    "forward, backward, zero_grad, step",
    "forward, backward, step",
):
    w = torch.tensor(3.0, requires_grad=True)
    w.grad = torch.tensor(100.0)  # left over from some step before
    optimizer = torch.optim.SGD([w], lr=0.01)
    for call in order.split(", "):
        if call == "forward":
            loss = w**2
        elif call == "backward":
            loss.backward()
        else:
            getattr(optimizer, call)()
    print(f"{order:36} w moved by {w.item() - 3:+.2f}")

# %% none-or-zero
w = torch.tensor(3.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01, momentum=0.9)
(w**2).backward()
optimizer.step()
for set_to_none in (False, True):
    before = w.item()
    # True is the default.
    optimizer.zero_grad(set_to_none=set_to_none)
    optimizer.step()
    print(f"gradient {w.grad}: moved by {w.item() - before:.3f}")

# %% x-y-z
x, y = torch.rand(3, 3), torch.rand(3, 3)
z = torch.rand(3, 3, requires_grad=True)
print("x + y:", (x + y).requires_grad)
print("x + z:", (x + z).requires_grad)
print("z > x:", (z > x).requires_grad)

# %% not-a-leaf warns="UserWarning"
doubled = z * 2
doubled.sum().backward()
print("leaf:    ", z.grad[0])
print("not leaf:", doubled.grad)

# %% retain-grad
doubled = z * 2
doubled.retain_grad()  # before backward
(doubled**2).sum().backward()
print("2 x doubled:", torch.equal(doubled.grad, 2 * doubled))

# %% frozen
frozen = nn.Linear(3, 1).requires_grad_(False)
print(
    [(name, p.requires_grad) for name, p in frozen.named_parameters()]
)
print("output for x:", frozen(x).requires_grad)
print("output for z:", frozen(z).requires_grad)
not_frozen = nn.Linear(3, 1)
not_frozen.requires_grad = False  # only a new attribute of the module
print("weight:", not_frozen.weight.requires_grad)

# %% grad-modes
with torch.no_grad():
    quiet = z * 2
with torch.inference_mode():
    quieter = z * 2
for result in (quiet, quieter):
    print(
        f"requires grad {result.requires_grad}, marked "
        f"{result.is_inference()}"
    )
print("no_grad, used later:", (quiet * z).requires_grad)

# %% inference-sum
(quieter + z).sum().backward()
print("gradient through the sum:", tuple(z.grad.shape))

# %% inference-and-later error="RuntimeError"
quieter * z  # the derivative for z would have to save `quieter`


# %% who-is-reached alt="Four rows of four circles, one for each layer, filled where a gradient arrived. All trained: four filled. Layer 3 frozen: only the third is hollow. Layer 3 under no_grad: only the fourth is filled. Layers 1 to 3 frozen: only the fourth is filled."
def reached(frozen=(), under_no_grad=()):
    """Did backward leave a gradient in each of four layers?"""
    layers = [nn.Linear(2, 2) for _ in range(4)]
    hidden = torch.ones(1, 2)
    for number, layer in enumerate(layers, 1):
        layer.requires_grad_(number not in frozen)
        with torch.set_grad_enabled(number not in under_no_grad):
            hidden = layer(hidden)
    hidden.sum().backward()
    return [layer.weight.grad is not None for layer in layers]


cases = {"all trained": reached(), "3 frozen": reached(frozen=[3])}
cases["3 under no_grad"] = reached(under_no_grad=[3])
cases["1 to 3 frozen"] = reached(frozen=[1, 2, 3])
axis = plt.figure(figsize=(5, 2.8)).gca()
for row, (case, arrived) in enumerate(cases.items()):
    print(f"{case:16}", *(f"{has!s:6}" for has in arrived))
    for column, has in enumerate(arrived):
        fill = "full" if has else "none"
        axis.plot(
            column, row, "o", ms=16, mew=2, c="C0", fillstyle=fill
        )
axis.set(
    xticks=range(4), xticklabels=[f"layer {n}" for n in range(1, 5)]
)
axis.set(
    yticks=range(4),
    yticklabels=cases,
    ylim=(3.5, -0.5),
    xlim=(-0.5, 3.5),
)
plt.show()


# %% data-hides
def clipped(x, hide=False):
    """The sigmoid of x, cut off at 0.6; with `hide`, through .data."""
    p = torch.sigmoid(x)
    if hide:
        p.data.clamp_(max=0.6)
        return p
    return p.clamp(max=0.6)


at = torch.tensor(
    [-1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True
)
(right,) = torch.autograd.grad(clipped(at).sum(), at)
(wrong,) = torch.autograd.grad(clipped(at, hide=True).sum(), at)
with torch.no_grad():
    same_values = torch.equal(clipped(at), clipped(at, hide=True))
    slope = (clipped(at + 1e-6) - clipped(at - 1e-6)) / 2e-6
print("same values:", same_values)
for name, values in {
    "slope": slope,
    "clamp": right,
    ".data": wrong,
}.items():
    print(name, [round(value, 3) for value in values.tolist()])

# %% detach-does-not error="RuntimeError"
p = torch.sigmoid(at)
p.detach().clamp_(max=0.6)
p.sum().backward()

# %% freeze-and-replace
model = torchvision.models.resnet18(weights=weights)
model.requires_grad_(False)
# After freezing: it is to train.
model.fc = nn.Linear(model.fc.in_features, 10)
trainable = {
    name: p for name, p in model.named_parameters() if p.requires_grad
}
for name, p in trainable.items():
    print(name, tuple(p.shape), p.numel())
print(
    "to train:",
    f"{sum(p.numel() for p in trainable.values()):,}",
    end=" of ",
)
print(f"{sum(p.numel() for p in model.parameters()):,}")


# %% only-fc-moves
def snapshot():
    """Copy the model's state: its parameters and its buffers."""
    return {
        name: tensor.clone()
        for name, tensor in model.state_dict().items()
    }


def differing(before):
    """Names of what is not as in `before`."""
    now = snapshot()
    return [
        name for name in now if not torch.equal(now[name], before[name])
    ]


torch.manual_seed(0)
images, labels = torch.rand(4, 3, 224, 224), torch.tensor([0, 1, 2, 3])
optimizer = torch.optim.SGD(trainable.values(), lr=0.01, momentum=0.9)
before = snapshot()
loss_function(model(images), labels).backward()
optimizer.step()
parameters = dict(model.named_parameters())
print([name for name in differing(before) if name in parameters])

# %% statistics-move
others = [name for name in differing(before) if name not in parameters]
print(
    len(others), "others have changed, of", len(list(model.buffers()))
)
print(others[:3])
print("before:", before["bn1.running_mean"][:4])
print("after: ", model.bn1.running_mean[:4])

# %% eval-holds
model.eval()
before = snapshot()
with torch.no_grad():
    answer = model(images)
    print("changed in eval mode: ", len(differing(before)))
    model.train()(images)
    print("changed in train mode:", len(differing(before)))
    same = torch.allclose(model.eval()(images), answer)
print("same answer as before:", same)

# %% freeze-with-eval
model.train()  # what most training loops call in every epoch
for module in model.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.eval()
before = snapshot()
loss_function(model(images), labels).backward()
print("changed:", differing(before), " fc training:", model.fc.training)
