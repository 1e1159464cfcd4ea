"""The index of calls is made from the code: which names, where, and where they lead."""

import textwrap

import pytest
from bs4 import BeautifulSoup

from tutorial.lesson.project import Project
from tutorial.page.calls import names, reference

SCRIPT = """
# %% imports
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader as Loader

# %% use
class Net(nn.Module):
    def forward(self, images: torch.Tensor):
        return F.relu(images).flatten(1).softmax(1)


images = torch.rand(4, 3).sqrt()
torchvision.datasets.CIFAR10.url = "somewhere"
loaders = [Loader(each) for each in (images, images.torch)]
print(torch.__version__.split("."), [nn], images.cat)
"""


def test_names_are_those_of_the_packages_in_full(light):
    light.script("lesson", textwrap.dedent(SCRIPT))
    found = {(cell.name, name) for cell, name in names(light.project.sections["lesson"])}
    assert found == {
        ("use", "torch.nn.Module"),
        ("use", "torch.Tensor"),
        ("use", "torch.nn.functional.relu"),
        ("use", "torch.rand"),
        ("use", "torchvision.datasets.CIFAR10"),
        ("use", "torch.utils.data.DataLoader"),
    }


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("torch.cat", "docs/stable/generated/torch.cat.html"),
        ("torch.nn.Linear", "docs/stable/generated/torch.nn.Linear.html"),
        ("torch.float32", "docs/stable/tensor_attributes.html#torch.dtype"),
        ("torch.utils.data.Subset", "docs/stable/data.html#torch.utils.data.Subset"),
        (
            "torch.utils.data.DistributedSampler",
            "docs/stable/data.html#torch.utils.data.distributed.DistributedSampler",
        ),
        ("torch.nn.Flatten", "docs/stable/generated/torch.nn.modules.flatten.Flatten.html"),
        ("torch.autograd.graph.Node", "docs/stable/autograd.html#autograd-graph"),
        ("torch.distributed.destroy_process_group", "docs/stable/distributed.html#shutdown"),
        ("torch.nan", "docs/stable/torch.html#constants"),
        ("torch.pi", ""),
        (
            "torchvision.models.ResNet18_Weights",
            "vision/stable/models/generated/torchvision.models.resnet18.html",
        ),
        (
            "torchvision.transforms.v2.Resize",
            "vision/stable/generated/torchvision.transforms.v2.Resize.html",
        ),
    ],
)
def test_a_name_leads_to_its_page_of_the_reference(name, address):
    assert reference(name) == (address and f"https://docs.pytorch.org/{address}")


def test_every_cell_of_the_index_uses_the_name():
    project = Project.find()
    page = BeautifulSoup((project.site / "calls.html").read_text(encoding="utf-8"), "html.parser")
    sources = {
        f"{section.name}.html#{section.name}-{cell.name}": cell.source
        for section in project.sections.values()
        for cell in section.cells
    }
    rows = page.select(".calls tbody tr")
    assert len(rows) > 100
    for row in rows:
        last = row.th.get_text()
        links = row.td.select("a")
        assert links, last
        for link in links:
            assert last in sources[link["href"]], (last, link["href"])
