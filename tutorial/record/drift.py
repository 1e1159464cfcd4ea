"""The committed transcripts in outputs/: compare a run with them, and rewrite them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tutorial import TutorialError
from tutorial.data import cifar10
from tutorial.lesson import files
from tutorial.lesson.cells import DEVICES, Cell, Section
from tutorial.lesson.needs import lacks, needed
from tutorial.lesson.project import Project
from tutorial.record import records, results, transcripts
from tutorial.record.records import Record
from tutorial.record.transcripts import Entry, Transcript

VERSIONS = ("device", "data", "python", "torch", "torchvision", "numpy")
PRINTED_VERSION = re.compile(rf"\b({'|'.join(VERSIONS[2:])}) (\d+(?:\.\d+)+)", re.IGNORECASE)


def section_records(project: Project, section: Section, device: str) -> list[Record]:
    """The records of all cells, in order. TutorialError if one is missing or is not current.

    On the CPU, whose transcripts are complete, none may be of a failure, but of a skipped cell.
    """
    keys, found = section.keys(device), []
    for name in keys:
        record = records.read(project, device, section.name, name)
        failed = device == "cpu" and record and record.failure != lacks(section, name, device)
        if record is None or record.key != keys[name] or failed:
            what = "no record" if record is None else record.failure or "a stale record"
            raise TutorialError(
                f"snippets/{section.name}.py: cell {name} has {what}; run 'make site'"
            )
        found.append(record)
    return found


def facts(records: list[Record], device: str) -> dict[str, str]:
    """Provenance of a run, as it stands at the head of a transcript."""
    last = records[-1]
    known = {"device": device, "data": last.data}
    known |= {key: last.environment.get(key) for key in VERSIONS[2:]}
    if device != "cpu":
        known["device"] = last.environment.get("device_name")
        known |= {"date": last.date, "revision": last.revision}
    return {key: value for key, value in known.items() if value}


def on_stand_in(record: Record) -> bool:
    return cifar10.STAND_IN in _names(record.data)


def _names(data: str) -> set[str]:
    return set(filter(None, data.split(", ")))


def _other_data(entry: Entry, record: Record, facts: dict[str, str]) -> bool:
    """Whether the two were made on different data: then only the form of numbers is compared."""
    others = _names(record.data) - {cifar10.STAND_IN}
    return entry.stand_in != on_stand_in(record) or not others <= _names(facts.get("data", ""))


def agrees(entry: Entry, record: Record, facts: dict[str, str]) -> bool:
    """Whether a run printed what a transcript with these `facts` says."""
    entry = _with_versions(entry, record, facts)
    return entry.agrees(record.text, _other_data(entry, record, facts))


def _with_versions(entry: Entry, record: Record, facts: dict[str, str]) -> Entry:
    """The entry as a run with the record's versions has to print it, where it names its own."""

    def version(printed: re.Match) -> str:
        name, number = printed.groups()
        theirs, ours = (known.get(name.lower(), "") for known in (facts, record.environment))
        length = number.count(".") + 1
        return f"{name} {_short(ours, length)}" if number == _short(theirs, length) else printed[0]

    return replace(entry, text=PRINTED_VERSION.sub(version, entry.text))


def _short(version: str, length: int) -> str:
    """2.14 of 2.14.1+cpu, if `length` is 2."""
    return ".".join(version.partition("+")[0].split(".")[:length])


def drift(project: Project, section: Section, cell: Cell, device: str, record: Record) -> str:
    """How a cell's output differs from the committed transcript; '' where it agrees."""
    if record.failure:  # it was skipped
        return ""
    path = project.transcript(device, section.name)
    where = f"{cell.where}: cell {cell.name}, {project.where(section.name, cell.name)}"
    advice = f"if it is right: make outputs SECTIONS={section.name}"
    if not path.exists():
        return f"{where}: no transcript {project.relative(path)}; {advice}"
    transcript = Transcript.read(path)
    entry = transcript.cells.get(cell.name)
    if entry is None:
        return f"{where}: not in {project.relative(path)}; {advice}"
    if not agrees(entry, record, transcript.facts):
        other_data = _other_data(entry, record, transcript.facts)
        entry = _with_versions(entry, record, transcript.facts)
        said = transcripts.diff(entry.text, record.text, other_data)
        return f"{where}: the output has changed; {advice}\n{said}"
    if entry.fingerprint != section.fingerprints(device)[cell.name]:
        return f"{where}: same output, but {project.relative(path)} is of other code; {advice}"
    error, _ = unusual_accuracy(project, cell, device, record)
    return f"{where}: {error}" if error else ""


def note(project: Project, section: Section, cell: Cell, device: str, record: Record) -> str:
    """What is no fault, but whoever has the real images should know; '' if there is nothing."""
    _, said = unusual_accuracy(project, cell, device, record)
    entry = Transcript.read(project.transcript(device, section.name)).cells.get(cell.name)
    if entry and entry.stand_in and not on_stand_in(record):
        said = f"was recorded on the stand-in; make outputs SECTIONS={section.name}"
    return said and f"{cell.where}: cell {cell.name}: {said}"


def unusual_accuracy(project: Project, cell: Cell, device: str, record: Record) -> tuple[str, str]:
    """(error, note) about a recipe's accuracy: is it one that the measured seeds let expect?

    Numbers of a training are compared in form alone, so that a training that has gone bad would
    pass. On other CIFAR-10 images than the measured ones it is a note; on the stand-in, nothing.
    """
    if record.accuracy is None:
        return "", ""
    recipe = cell.options["recipe"]
    for each in dict.fromkeys((device, "cpu")):
        path = results.path_of(project, each)
        if measured := results.read(path).get(recipe):
            break
    else:
        return "", ""
    mean, sd = measured["accuracy"]["mean"], measured["accuracy"]["sd"]
    margin = max(4 * sd, 0.02)
    if abs(record.accuracy - mean) <= margin or on_stand_in(record):
        return "", ""
    said = (
        f"recipe {recipe} reached {record.accuracy:.1%}, but {project.relative(path)} has"
        f" {mean:.1%} ± {sd:.1%}, so that {mean - margin:.1%} to {mean + margin:.1%} is expected;"
        f" mend the training or, if it is meant: make results RECIPES={recipe}"
    )
    if _names(record.data) == _names(measured["data"]):
        return said, ""
    return "", f"{said} (on {record.data}; measured on {measured['data'] or 'none'})"


def stale(project: Project) -> tuple[list[str], list[str]]:
    """(errors, notes): transcripts of other code, told without a run.

    A device that is not at hand cannot be run again, so that only the CPU's are errors.
    """
    errors, notes = [], []
    for device, section, path, entries in _transcripts(project):
        name, remedy = project.relative(path), f"make outputs SECTIONS={section.name}"
        remedy += "" if device == "cpu" else f" DEVICE={device}"
        if not path.exists():
            if device == "cpu" and section.on(device):
                errors.append(f"{name}: there is no such transcript; {remedy}")
            continue
        prints = section.fingerprints(device)
        differ = [
            cell
            for cell in [*prints, *sorted(entries.keys() - prints.keys())]
            if cell not in entries or entries[cell].fingerprint != prints.get(cell)
        ]
        if differ:
            (errors if device == "cpu" else notes).append(
                f"{name}: is of other code than snippets/{section.name}.py:"
                f" {', '.join(differ)}; {remedy}"
            )
        if failed := [cell for cell, entry in entries.items() if entry.failed]:
            notes.append(f"{name}: failed there: {', '.join(failed)}; {remedy}")
    for path in files.visible(project.root / "outputs", "*/*.txt"):
        if path.stem not in project.sections:
            errors.append(f"{project.relative(path)}: no script is named so; delete it")
    return errors, notes


def recorded_on_stand_in(project: Project) -> list[str]:
    """A line for each transcript with cells that were recorded without the real images."""
    return [
        f"{project.relative(path)}: recorded on the {cifar10.STAND_IN}: {', '.join(names)}; where"
        f" CIFAR-10 is at hand: make outputs SECTIONS={section.name}"
        for _, section, path, entries in _transcripts(project)
        if (names := [name for name, entry in entries.items() if entry.stand_in])
    ]


def _transcripts(project: Project) -> Iterator[tuple[str, Section, Path, dict[str, Entry]]]:
    """Device, section, file and cells of each transcript that there is or could be."""
    for device in DEVICES:
        for section in project.sections.values():
            path = project.transcript(device, section.name)
            yield device, section, path, Transcript.read(path).cells


def update(project: Project, section: Section, device: str, again: Project | None = None) -> bool:
    """Write the transcript anew; True if the file changed.

    again: has records of the same cells, run in another way: a cell whose numbers differ there
    varies, and so does each cell that needs it. Other devices run once, and what varies on the CPU
    varies there. Cells that agree with the committed ones keep their text, so that a diff shows
    what matters.
    """
    fresh = section_records(project, section, device)
    path = project.transcript(device, section.name)
    old, new = Transcript.read(path), Transcript(facts(fresh, device))
    if "data" in old.facts and any(map(on_stand_in, fresh)):
        new.facts["data"] = old.facts["data"]  # of the cells that are kept
    same_versions = all(old.facts.get(key) == new.facts.get(key) for key in VERSIONS)
    fingerprints = section.fingerprints(device)
    vary = set() if device == "cpu" else _varying(project, section)
    others = section_records(again, section, device) if again else [None] * len(fresh)
    for cell, record, other in zip(section.on(device), fresh, others, strict=True):
        if transcripts.unmarked(record.text) != record.text:
            raise TutorialError(
                f"{cell.where}: cell {cell.name} prints {transcripts.MARK} before a number: this"
                " marks varying numbers in transcripts; print a blank between the two"
            )
        entry = old.cells.get(cell.name)
        if entry and (entry.failed or entry.fingerprint != fingerprints[cell.name]):
            entry = None
        if record.failure and entry and device == "cpu":  # skipped here, recorded elsewhere
            new.cells[cell.name] = entry
            continue
        if record.failure:
            said = record.failure.partition("\n")[0]  # below it, paths of the machine
            new.cells[cell.name] = Entry(fingerprints[cell.name], said, failed=True)
            continue
        if entry and _other_data(entry, record, old.facts):
            if on_stand_in(record) and agrees(entry, record, old.facts):
                new.cells[cell.name] = entry
                continue
            entry = None
        kept = entry is not None and entry.agrees(record.text)
        seen = [record.text, *([other.text] if other else [])]
        if entry and (kept or same_versions):  # what differed once varies
            seen.append(entry.text)
        text = entry.output if kept else record.text
        below = not vary.isdisjoint(need.name for need in needed(section, cell.name, device))
        marked = transcripts.mark(text, seen, below)
        whole = marked is None or (entry is not None and (kept or same_versions) and entry.whole)
        new.cells[cell.name] = Entry(
            fingerprints[cell.name],
            text if whole else marked,
            None if device == "cpu" else record.seconds,
            whole,
            on_stand_in(record),
        )
        if new.cells[cell.name].varies:
            vary.add(cell.name)
    before = path.read_bytes() if path.exists() else b""
    new.write(path)
    return path.read_bytes() != before


def _varying(project: Project, section: Section) -> set[str]:
    """The cells whose numbers differ between two runs on the CPU."""
    entries = Transcript.read(project.transcript("cpu", section.name)).cells
    return {name for name, entry in entries.items() if entry.varies}
