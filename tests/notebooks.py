"""Run notebooks as Jupyter does, on the images and weights of the tests."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tutorial.data import cifar10, stand_in, weights
from tutorial.data.cifar10 import Source
from tutorial.lesson.project import Project


def execute(notebook: nbformat.NotebookNode, folder: Path, before: str = "") -> None:
    """Run a notebook in `folder`; `before` is what the test needs and a reader does not."""
    if before:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(before))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()


def reading(source: Source, folder: Path) -> str:
    """Link images into `folder`; the code with which a notebook there accepts them."""
    cifar10.link(source, folder)
    return f"""
from pathlib import Path
from tutorial.data.cifar10 import Source, teach_torchvision
teach_torchvision(Source({source.name!r}, Path({str(source.folder)!r}), {source.md5!r}))"""


def execute_in_empty_folder(
    notebook: nbformat.NotebookNode,
    needs: frozenset[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: Source | None = None,
) -> None:
    """Run one that takes `needs` from the network, on the images of `source`, else on few."""
    folder, before = outfit(needs, tmp_path, monkeypatch, source)
    execute(notebook, folder, f"%matplotlib agg\n{before}")


def outfit(
    needs: frozenset[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: Source | None = None,
) -> tuple[Path, str]:
    """A folder that is empty but for the images, if they are needed, and the code to run first.

    Without a source of images it has few of them, drawn: then it is the code that counts.
    """
    project, folder = Project.find(), tmp_path / "empty"
    folder.mkdir()
    before = "import torch; torch.set_num_threads(1)"
    if "CIFAR10" in needs:
        if source is None:
            md5 = stand_in.write(tmp_path / "images", train=5000, test=1000)
            source = Source(cifar10.STAND_IN, tmp_path / "images", md5)
        before += reading(source, folder)
    if enums := set(needs - {"CIFAR10"}):
        home = weights.provide(project.root, enums, lambda *_: None).home
        monkeypatch.setenv("TORCH_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", str(project.root))
    return folder, before
