"""Home: a network that learns, and whether PyTorch works on this
computer.
"""

# %% spirals alt="Two spirals of dots, one blue and one red, wound around each other. The network has coloured the plane: the blue region follows the blue spiral and the red region the red one."
import matplotlib.pyplot as plt
import torch
from torch import nn

torch.manual_seed(0)
angle = 3 * torch.pi * torch.rand(400).sqrt()
arm = (
    torch.stack([angle * angle.cos(), angle * angle.sin()], dim=1) / 10
)
points = torch.cat([arm, -arm]) + 0.02 * torch.randn(800, 2)
labels = torch.arange(800) // 400  # 0 for one spiral, 1 for the other

net = nn.Sequential(
    nn.Linear(2, 64),
    nn.Tanh(),
    nn.Linear(64, 64),
    nn.Tanh(),
    nn.Linear(64, 2),
)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for step in range(301):
    loss = nn.functional.cross_entropy(net(points), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step:3}: loss {loss.item():.3f}")

axis = torch.linspace(-1.1, 1.1, 200)
with torch.no_grad():
    plane = net(torch.cartesian_prod(axis, axis)).softmax(dim=1)[:, 1]
plt.figure(figsize=(4.2, 4), layout="constrained")
plt.imshow(
    plane.reshape(200, 200).T.numpy(),
    cmap="coolwarm",
    origin="lower",
    extent=(-1.1, 1.1, -1.1, 1.1),
    alpha=0.6,
)
plt.scatter(*points.T.numpy(), c=labels.numpy(), cmap="coolwarm", s=8)
plt.axis("off")
plt.show()

# %% versions
import platform

import matplotlib
import torch
import torchvision

versions = {"Python": platform.python_version()}
for package in (torch, torchvision, matplotlib):
    versions[package.__name__] = package.__version__
for name, version in versions.items():
    # Without patch and build.
    print(name, ".".join(version.split(".")[:2]))

least = "2.9"
# Compared as versions: 2.10 is newer than 2.9.
if torch.__version__ < least:
    print(f"The lessons need torch {least} or newer. To upgrade it:")
    print("pip install --upgrade torch torchvision")

# %% it-works
device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("device that will be used:", device.type)
weights = torch.ones(2, 3, device=device, requires_grad=True)
(5 * weights).sum().backward()
expected = torch.full((2, 3), 5.0)
# Raises if they differ.
torch.testing.assert_close(weights.grad.cpu(), expected)
print("computes and differentiates")
