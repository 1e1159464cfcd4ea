"""Whether records that other machines made may be shown.

A site may be built from records that were brought from elsewhere, without running anything. Then
nothing but these checks stands between a page and the run of other code.
"""

from itertools import chain

from tutorial.data import cifar10, weights
from tutorial.lesson.cells import DEVICES, Section
from tutorial.lesson.project import Project
from tutorial.record import drift, records

STAND_INS = (cifar10.STAND_IN, weights.STAND_IN)


def problems(project: Project, publish: bool = False) -> list[str]:
    """What is amiss with the records in build/: each line names a file and what to do.

    On the device of this build every section needs them; on others those sections that have any.
    publish: what was made with a stand-in is amiss too.
    """
    found = []
    for device in DEVICES:
        for section in project.sections.values():
            folder = records.folder(project, device, section.name)
            if device == project.device or any(folder.glob("*.json")):
                found += _problems(project, section, device, publish)
    for program in chain(*project.variants.values()):
        found += _problems(project, program, "cpu", publish)
    return found + (drift.recorded_on_stand_in(project) if publish else [])


def _problems(project: Project, section: Section, device: str, publish: bool) -> list[str]:
    keys = section.keys(device)
    place = project.relative(records.folder(project, device, section.name))
    again = f"run it again there: make run SECTIONS={section.path.stem} DEVICE={device}"
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
