"""Home: what PyTorch is for, in two short programs, and whether it works on this computer."""

# %% pi-by-darts
import torch

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")

torch.manual_seed(0)
darts = torch.rand(1_000_000, 2, device=device)  # thrown at a square of side 1
hits = darts.square().sum(dim=1) < 1  # within 1 of the corner: a quarter circle
print(f"pi is about {4 * hits.float().mean():.3f}")

# %% root-by-descent
guess = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([guess], lr=0.05)
for _ in range(20):
    error = (guess**2 - 2) ** 2  # zero when guess is the square root of 2
    optimizer.zero_grad()
    error.backward()  # how does the error change with the guess?
    optimizer.step()  # a small step that makes it smaller
print(f"the square root of 2 is about {guess:.4f}")

# %% versions
import platform

import matplotlib
import torch
import torchvision

versions = {"Python": platform.python_version()}
for package in (torch, torchvision, matplotlib):
    versions[package.__name__] = package.__version__
for name, version in versions.items():
    print(name, ".".join(version.split(".")[:2]))  # without patch and build

least = "2.9"
if torch.__version__ < least:  # compared as versions: 2.10 is newer than 2.9
    print(f"The lessons need torch {least} or newer. To upgrade it:")
    print("pip install --upgrade torch torchvision")

# %% it-works
print("device that will be used:", device.type)
weights = torch.ones(2, 3, device=device, requires_grad=True)
(5 * weights).sum().backward()
expected = torch.full((2, 3), 5.0)
torch.testing.assert_close(weights.grad.cpu(), expected)  # raises if they differ
print("computes and differentiates")
