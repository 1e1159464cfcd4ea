"""The committed transcripts in outputs/: compare a run with them, and rewrite them."""

from pathlib import Path

from tutorial import TutorialError, dataset, records, transcripts, weights
from tutorial.cells import Cell, Section
from tutorial.project import Project
from tutorial.records import Record
from tutorial.transcripts import Entry, Transcript


def images(data: str) -> str:
    """The data set among what a run was given. Cells announce by tolerance=inf what they print of
    pretrained weights, so that these need no transcript for each kind."""
    return ", ".join({*data.split(", ")} - {weights.PRETRAINED, weights.STAND_IN})


def variant(data: str) -> str:
    """Suffix of the transcript: what is printed on the stand-in is no drift of CIFAR-10's."""
    return ".stand-in" if images(data) == dataset.STAND_IN else ""


def section_records(project: Project, section: Section, device: str) -> list[Record]:
    """The records of all cells, in order. TutorialError if one is missing or is not current."""
    keys, found = section.keys(device), []
    for name in keys:
        record = records.read(project, device, section.name, name)
        if record is None or record.key != keys[name] or record.failure:
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
    known |= {key: last.environment[key] for key in ("python", "torch", "torchvision", "numpy")}
    if device != "cpu":
        known["device"] = last.environment["device_name"]
        known |= {"date": last.date, "revision": last.revision}
    return {key: value for key, value in known.items() if value}


def path_of(project: Project, section: Section, device: str, data: str) -> Path:
    return project.transcript(device, section.name, variant(data))


def has_transcript(project: Project, section: Section, device: str) -> bool:
    return path_of(project, section, device, _section_data(project, section, device)).exists()


def agree(cell: Cell, old: str, new: str) -> bool:
    """Whether what a cell prints is what it printed, by the measure of its marker line."""
    if cell.options.get("varies") == "words":
        return old.count("\n") == new.count("\n") and bool(old) == bool(new)
    return transcripts.same(old, new, cell.options.get("tolerance"))


def drift(project: Project, section: Section, cell: Cell, device: str, record: Record) -> str:
    """How a cell's output differs from the committed transcript; '' where it agrees.

    A section on another data set than the transcript's is compared only as far as no cell reads it.
    """
    data = _section_data(project, section, device)
    path = path_of(project, section, device, data)
    where = f"{cell.where}: cell {cell.name}, {project.where(section.name, cell.name)}"
    advice = f"if it is right: make outputs SECTIONS={section.name}"
    if not path.exists():
        return f"{where}: no transcript {project.relative(path)}; {advice}"
    transcript = Transcript.read(path)
    if images(record.data) and images(data) != images(transcript.facts.get("data", "")):
        return ""
    entry = transcript.cells.get(cell.name)
    if entry is None:
        return f"{where}: not in {project.relative(path)}; {advice}"
    if not agree(cell, entry.text, record.text):
        said = transcripts.diff(entry.text, record.text, cell.options.get("tolerance"))
        return f"{where}: the output has changed; {advice}\n{said}"
    if entry.fingerprint != section.fingerprints(device)[cell.name]:
        return f"{where}: same output, but {project.relative(path)} is of other code; {advice}"
    return ""


def update(project: Project, section: Section, device: str) -> bool:
    """Write the transcript anew; True if the file changed.

    Texts that agree with the committed ones stay as they are, so that a diff shows what matters.
    """
    fresh = section_records(project, section, device)
    path = path_of(project, section, device, fresh[-1].data)
    old, new = Transcript.read(path), Transcript(facts(fresh, device))
    fingerprints = section.fingerprints(device)
    kept = old.current(fingerprints)
    for cell, record in zip(section.on(device), fresh, strict=True):
        text, entry = record.text, kept.get(cell.name)
        if entry and agree(cell, entry.text, text):
            text = entry.text
        seconds = None if device == "cpu" else record.seconds
        new.cells[cell.name] = Entry(fingerprints[cell.name], text, seconds)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    new.write(path)
    return path.read_text(encoding="utf-8") != before


def _section_data(project: Project, section: Section, device: str) -> str:
    last = records.read(project, device, section.name, section.on(device)[-1].name)
    return last.data if last else ""
