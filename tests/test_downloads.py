"""The scripts and notebooks that the site offers run to their end, each in an empty folder."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from tests import nightly
from tests.notebooks import execute_in_empty_folder, outfit
from tutorial.data import cifar10
from tutorial.lesson.needs import lacks
from tutorial.lesson.project import Project

PROJECT = Project.find()
LESSONS = [name for name in PROJECT.sections if name != "session"]  # see tests/test_session.py


def is_long(name: str) -> bool:
    return nightly.has_long(PROJECT.sections[name])


def images(name: str) -> cifar10.Source | None:
    """All of them: a lesson splits them in numbers that few have not."""
    if "CIFAR10" in PROJECT.sections[name].downloads("cpu"):
        return cifar10.provide(PROJECT.root, lambda *_: None)


def skip_what_is_missing(name: str) -> None:
    """A reader who lacks what a cell requires is told so by its error; here it is a skip."""
    section = PROJECT.sections[name]
    for cell in section.on("cpu"):
        if said := lacks(section, cell.name):
            pytest.skip(said)


@pytest.mark.parametrize("name", nightly.parameters(PROJECT.sections, is_long))
def test_a_downloaded_script_runs_to_its_end(name, tmp_path, monkeypatch):
    skip_what_is_missing(name)
    needs = PROJECT.sections[name].downloads("cpu")
    folder, before = outfit(needs, tmp_path, monkeypatch, images(name))
    shutil.copy(PROJECT.site / f"{name}.py", folder)
    # What a test needs and a reader does not: read by worker processes as well.
    (tmp_path / "sitecustomize.py").write_text(before, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(PROJECT.root)]))
    monkeypatch.setenv("MPLBACKEND", "agg")
    done = subprocess.run(
        [sys.executable, f"{name}.py"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.parametrize("name", LESSONS)
def test_a_downloaded_notebook_has_no_output_and_needs_no_tag(name):
    cells = downloaded(name).cells
    assert not any(cell.get("outputs") or cell.metadata.get("tags") for cell in cells)


@pytest.mark.parametrize("name", nightly.parameters(LESSONS, is_long))
def test_a_downloaded_notebook_runs_to_its_end(name, tmp_path, monkeypatch):
    skip_what_is_missing(name)
    needs = PROJECT.sections[name].downloads("cpu")
    execute_in_empty_folder(downloaded(name), needs, tmp_path, monkeypatch, images(name))


def downloaded(name: str) -> nbformat.NotebookNode:
    return nbformat.reads((PROJECT.site / f"{name}.ipynb").read_text("utf-8"), as_version=4)
