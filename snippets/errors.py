"""Error messages that no lesson comes across, each really raised."""

# %% grey-images error="RuntimeError"
import torch
from torch import nn

grey = torch.zeros(4, 1, 32, 32)
nn.Conv2d(3, 6, kernel_size=5)(grey)

# %% small-maps error="RuntimeError"
maps = torch.zeros(4, 16, 3, 3)
nn.Conv2d(16, 32, kernel_size=5)(maps)

# %% one-pixel-left error="RuntimeError"
maps = torch.zeros(4, 16, 1, 1)
nn.MaxPool2d(2)(maps)

# %% sizes-that-do-not-multiply error="RuntimeError"
images = torch.zeros(4, 3, 32, 32)
images.view(4, 1024)

# %% no-such-dimension error="IndexError"
scores = torch.zeros(4, 10)
scores.softmax(dim=2)

# %% target-out-of-bounds error="IndexError"
import torch
from torch import nn

scores = torch.zeros(4, 10)  # ten classes: labels go from 0 to 9
labels = torch.tensor([3, 9, 10, 1])
nn.functional.cross_entropy(scores, labels)

# %% cuda-out-of-memory error="OutOfMemoryError" device="cuda"
import torch

torch.empty(2**50, device="cuda")

# %% state-dict-sizes error="RuntimeError"
from torch import nn

saved = nn.Linear(84, 10).state_dict()
nn.Linear(84, 5).load_state_dict(saved)

# %% state-dict-names error="RuntimeError"
from torch import nn

network = nn.Sequential(nn.Linear(84, 10))
wrapped = nn.DataParallel(network)
network.load_state_dict(wrapped.state_dict())

# %% random-state error="TypeError"
import io

import torch

file = io.BytesIO()
torch.save(torch.get_rng_state(), file)
file.seek(0)
# As for a GPU: "meta" is a device that every computer has.
torch.set_rng_state(torch.load(file, map_location="meta"))
