"""The parts of the program of a minute are compared with that program, and not with another one."""

import itertools
import time
from types import SimpleNamespace

import pytest
import torch
import torchvision

from tests.conftest import ROOT
from tutorial.lesson.cells import read_section


@pytest.fixture
def namespace_of(monkeypatch):
    """The names that a script has after its cell `training`, on 1,000 images of noise."""
    noise = torch.Generator().manual_seed(0)
    data = SimpleNamespace(
        data=torch.randint(256, (1000, 32, 32, 3), dtype=torch.uint8, generator=noise).numpy(),
        targets=torch.randint(10, (1000,), generator=noise).tolist(),
        classes=[],
    )
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", lambda *arguments, **options: data)
    # By the clock each program chooses the format of its numbers.
    monkeypatch.setattr(time, "process_time", itertools.count().__next__)

    def namespace(path):
        names = {"__name__": path.stem}
        for cell in read_section(path, ROOT).cells:
            exec(cell.source, names)
            if cell.name == "training":
                return names

    return namespace


def test_with_all_parts_in_place_it_trains_as_the_program_does(namespace_of):
    program = namespace_of(ROOT / "snippets" / "fast_cifar10.py")
    if program["full"]:
        pytest.skip("there is an accelerator, on which the program has another form")
    parts = namespace_of(ROOT / "benchmarks" / "minute.py")
    torch.manual_seed(0)
    expected, _ = program["train"](1)
    torch.manual_seed(0)
    net, _ = parts["train"]()
    weights = net.state_dict()
    assert weights.keys() == expected.state_dict().keys()
    for name, weight in expected.state_dict().items():
        assert torch.equal(weights[name], weight), name
