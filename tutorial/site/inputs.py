"""What a site is made of: whether it has changed since the last build, and the stand-ins in it.

Imports little, since it is all that `make site` needs where nothing has changed.
"""

import hashlib
import os
from pathlib import Path

from tutorial.data import cifar10, weights
from tutorial.lesson import files
from tutorial.lesson.cells import DEVICES
from tutorial.lesson.project import Project
from tutorial.record import records

WATCHED = ("docs", "includes", "snippets", "outputs", "theme", "mkdocs.yml")
INPUTS = (*WATCHED, "tutorial", "package-lock.json", "requirements.txt", "constraints.txt")
STAND_INS = {  # name in a record -> what was to be had, what the pages show, how to try again
    cifar10.STAND_IN: ("CIFAR-10", "drawn pictures", "CIFAR10_RETRY=1"),
    weights.STAND_IN: ("pretrained weights", "random weights", "WEIGHTS_RETRY=1"),
}


def stamp(project: Project) -> Path:
    """The file with the fingerprints of what the site was made of, and of the site."""
    return project.build / "site.inputs"


def state(project: Project, inputs: str) -> str:
    """What is to stand in the stamp for a site that is made of these inputs."""
    hasher = hashlib.sha256()
    _add(hasher, sorted(project.site.rglob("*")))
    return f"{inputs}\n{hasher.hexdigest()}\n"


def unchanged(project: Project) -> bool:
    """Whether the site is a build of the present inputs, with every file as it was built."""
    file = stamp(project)
    return file.is_file() and file.read_bytes() == state(project, fingerprint(project)).encode()


def fingerprint(project: Project, without: list[Path] | None = None) -> str:
    """Changes when anything that the site is made of changes; reads no file's content.

    What Python, linters and editors put beside it, hidden or in __pycache__, is no part of it.
    without: files that do not count; nor do the records then.
    """
    paths = []
    for name in INPUTS:
        path = project.root / name
        paths += [path] if path.is_file() else sorted(path.rglob("*"))
    if without is None:
        for device in DEVICES:
            paths += sorted((project.build / device).glob("*/*.json"))
    chosen = [os.environ.get(name) for name in ("SITE_URL", "REPO_URL")]
    hasher = hashlib.sha256(str([*chosen, project.device]).encode())
    for path in paths:
        parts = path.relative_to(project.root).parts
        aside = any(part.startswith((".", "__pycache__")) for part in parts)
        if not aside and path not in (without or ()):
            _add(hasher, [path])
    return hasher.hexdigest()


def _add(hasher, paths: list[Path]) -> None:
    for path in paths:
        if path.is_file():
            hasher.update(f"{files.stamp(path)}\n".encode())


def stand_ins(project: Project, device: str) -> str:
    """In one line which stand-ins the site shows and how to get the real thing; empty if none."""
    read = {name for each in project.sections for name in records.data_of(project, device, each)}
    found = [words for name, words in STAND_INS.items() if name in read]
    if not found:
        return ""
    wanted, shown, retry = zip(*found, strict=True)
    said = f"note: {' and '.join(wanted)} could not be downloaded: the pages show"
    said += (
        f" {' and '.join(shown)} instead, and say so. To try again: {' '.join(retry)} make site."
    )
    if cifar10.STAND_IN in read:
        said += " If you have the images: CIFAR10_DIR=FOLDER make site, as README.md says."
    return said
