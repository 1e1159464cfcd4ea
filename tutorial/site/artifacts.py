"""Records that other machines made: cut the work into shards, and check what came back.

A site may be built from records that were brought from elsewhere, without running anything. Then
nothing but these checks stands between a page and the run of other code.
"""

import heapq
import importlib.metadata
import os
import platform
import re

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson.cells import DEVICES, Section, digest
from tutorial.lesson.project import Project
from tutorial.record import drift, records
from tutorial.run.runner import PINNED

STAND_INS = (cifar10.STAND_IN, weights.STAND_IN)


def shard(project: Project, which: str) -> str:
    """The names of the sections in `which`, such as 2/4: each is in exactly one of the four.

    The shares are of about the same work: time limits tell, before anything has run, how long a
    section may take.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", which)
    number, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= count:
        raise TutorialError(f"SHARD={which}: write which share of how many, such as 2/4")
    shares: list[tuple[float, int, list[str]]] = [(0.0, at, []) for at in range(count)]
    work = {s.name: sum(cell.timeout for cell in s.cells) for s in project.sections.values()}
    for name in sorted(work, key=lambda name: (-work[name], name)):
        total, at, names = heapq.heappop(shares)  # the one with the least work so far
        heapq.heappush(shares, (total + work[name], at, [*names, name]))
    return " ".join(next(sorted(names) for _, at, names in shares if at == number - 1))


def key(sections: list[Section], device: str) -> str:
    """Names the records that these sections need on a machine like this one: 16 hex digits."""
    versions = {name: importlib.metadata.version(name) for name in PINNED}
    system = [platform.system(), platform.machine(), platform.python_version(), versions]
    return digest(system, device, {s.name: s.keys(device) for s in sections})[:16]


def problems(project: Project, publish: bool = False) -> list[str]:
    """What is amiss with the records in build/: each line names a file and what to do.

    On the device of this build (DEVICE, else cpu) every section needs them; on others those
    sections that have any. publish: what was made with a stand-in is amiss too.
    """
    home = os.environ.get("DEVICE") or "cpu"
    found = []
    for device in DEVICES:
        for section in project.sections.values():
            folder = records.folder(project, device, section.name)
            if device == home or any(folder.glob("*.json")):
                found += _problems(project, section, device, publish)
    return found + (drift.recorded_on_stand_in(project) if publish else [])


def _problems(project: Project, section: Section, device: str, publish: bool) -> list[str]:
    keys = section.keys(device)
    place = project.relative(records.folder(project, device, section.name))
    again = f"run it again there: make run SECTIONS={section.name} DEVICE={device}"
    made_with, found = set(), []
    for cell in section.on(device):
        path = f"{place}/{cell.name}.json"
        record = records.read(project, device, section.name, cell.name)
        if record is None:
            found.append(f"{path}: missing: {cell.where} has no record; {again}")
            continue
        made_with.add(record.environment.get("digest"))
        if record.failure:
            found.append(f"{path}: the cell failed: {record.failure}")
        elif record.key != keys[cell.name]:
            found.append(
                f"{path}: stale: made from other code than {cell.where} or what it needs; {again}"
            )
        elif publish and (named := [name for name in STAND_INS if name in record.data]):
            found.append(
                f"{path}: made with the {named[0]}: a page with it is not published; run it where"
                " the network has the real one"
            )
            break
    if len(made_with) > 1:
        found.append(f"{place}: records of several runs with other versions or data; {again}")
    return found
