"""What a site is made of: whether it has changed since the last build, and the stand-ins in it.

Imports little, since it is all that `make site` needs where nothing has changed.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from tutorial.data import cifar10, weights
from tutorial.lesson import files
from tutorial.lesson.cells import DEVICES, digest
from tutorial.lesson.project import Project
from tutorial.record import records

STAND_INS = {  # name in a record -> what was to be had, what the pages show, how to try again
    cifar10.STAND_IN: ("CIFAR-10", "drawn pictures", "CIFAR10_RETRY=1"),
    weights.STAND_IN: ("pretrained weights", "random weights", "WEIGHTS_RETRY=1"),
}


def of_last_build(project: Project) -> dict:
    """What write() kept of it; empty unless there is a site with every file as it was built."""
    kept = files.remembered(_stamp(project))
    return kept if kept.get("site") == _state(project.site) else {}


def write(project: Project, kept: dict) -> None:
    """Keep this until the next build. What it was made of is `all`, a fingerprint."""
    files.write(_stamp(project), json.dumps(kept | {"site": _state(project.site)}))


def _stamp(project: Project) -> Path:
    return project.build / "site.inputs"


def _state(site: Path) -> str:
    return digest(_stamps(site.rglob("*")))


def unchanged(project: Project) -> bool:
    """Whether the site is a build of the present inputs, with every file as it was built."""
    return of_last_build(project).get("all") == fingerprint(project)


def fingerprint(project: Project, without: Iterable[Path] = (), with_records: bool = True) -> str:
    """Changes when anything that the site is made of changes; reads no file's content.

    without: files that do not count.
    """
    without = set(without)
    stamps = [stamp for path, stamp in project.stamps.items() if path not in without]
    if with_records:
        for device in DEVICES:
            stamps += _stamps((project.build / device).glob("*/*.json"))
    chosen = [os.environ.get(name) for name in ("SITE_URL", "REPO_URL")]
    return digest(*chosen, project.device, stamps)


def _stamps(paths: Iterable[Path]) -> list[str]:
    return [files.stamp(path) for path in sorted(paths, key=str) if path.is_file()]


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
