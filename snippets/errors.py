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

# %% rows-of-two-lengths error="RuntimeError"
import torch

torch.cat([torch.zeros(4, 3), torch.zeros(4, 5)])

# %% images-of-two-sizes error="RuntimeError"
import torch
from torch.utils.data import DataLoader

pictures = [torch.zeros(3, 32, 32), torch.zeros(3, 28, 28)]
next(iter(DataLoader(pictures, batch_size=2)))

# %% one-index-too-many error="IndexError"
import torch

scores = torch.zeros(4, 10)
scores[0, 0, 0]

# %% fewer-labels-than-images error="ValueError"
import torch
from torch import nn

scores = torch.zeros(4, 10)
labels = torch.tensor([3, 9, 1])
nn.functional.cross_entropy(scores, labels)

# %% column-of-labels error="RuntimeError"
import torch
from torch import nn

scores = torch.zeros(4, 10)
labels = torch.tensor([[3], [9], [0], [1]])
nn.functional.cross_entropy(scores, labels)

# %% target-out-of-bounds error="IndexError"
import torch
from torch import nn

scores = torch.zeros(4, 10)  # ten classes: labels go from 0 to 9
labels = torch.tensor([3, 9, 10, 1])
nn.functional.cross_entropy(scores, labels)

# %% logits-for-probabilities error="RuntimeError"
import torch
from torch import nn

logits = torch.tensor([2.0, -1.0])
targets = torch.tensor([1.0, 0.0])
nn.BCELoss()(logits, targets)

# %% truth-of-several error="RuntimeError"
import torch

predicted = torch.tensor([3, 8, 8, 0])
labels = torch.tensor([3, 8, 6, 0])
if predicted == labels:
    print("all right")

# %% list-at-several-places error="TypeError"
import torch

predicted = torch.tensor([3, 1, 1, 0])
classes = ["plane", "car", "bird", "cat"]
classes[predicted]

# %% item-of-several error="RuntimeError"
import torch

losses = torch.zeros(4)
losses.item()

# %% float-of-several error="ValueError"
import torch

losses = torch.zeros(4)
float(losses)

# %% cuda-out-of-memory error="OutOfMemoryError" device="cuda"
import torch

torch.empty(2**50, device="cuda")

# %% no-super-init error="AttributeError"
from torch import nn


class Net(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(84, 10)


Net()

# %% misspelt-forward error="NotImplementedError"
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(84, 10)

    def foward(self, x):
        return self.fc(x)


Net()(torch.zeros(4, 84))

# %% loader-with-an-index error="TypeError"
import torch
from torch.utils.data import DataLoader

examples = [(torch.zeros(3, 32, 32), label) for label in range(4)]
loader = DataLoader(examples, batch_size=2)
loader[0]

# %% batch-that-is-a-list error="AttributeError"
import torch
from torch.utils.data import DataLoader

examples = [(torch.zeros(3, 32, 32), label) for label in range(4)]
loader = DataLoader(examples, batch_size=2)
batch = next(iter(loader))
batch.to("cpu")

# %% pictures-in-a-batch error="TypeError"
from PIL import Image
from torch.utils.data import DataLoader

photos = [Image.new("RGB", (32, 32)) for _ in range(4)]
next(iter(DataLoader(photos, batch_size=2)))

# %% state-dict-sizes error="RuntimeError"
from torch import nn

saved = nn.Linear(84, 10).state_dict()
nn.Linear(84, 5).load_state_dict(saved)

# %% state-dict-names error="RuntimeError"
from torch import nn

network = nn.Sequential(nn.Linear(84, 10))
wrapped = nn.DataParallel(network)
network.load_state_dict(wrapped.state_dict())

# %% no-such-file error="FileNotFoundError"
import torch

torch.load("model.pt")

# %% random-state error="TypeError"
import io

import torch

file = io.BytesIO()
torch.save(torch.get_rng_state(), file)
file.seek(0)
# As for a GPU: "meta" is a device that every computer has.
torch.set_rng_state(torch.load(file, map_location="meta"))
