"""What a run left behind: one JSON file per cell in build/DEVICE/SECTION/, and its files."""

import hashlib
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.project import Project

CONTENT = re.compile(r"\.(?P<digits>[0-9a-f]{8})\.\w+$")  # in a file's name, from its content
FILE_NAME = re.compile(r"\w[\w.-]*")  # in the record's own folder


@dataclass(frozen=True)
class Record:
    """One executed cell. `environment` is equal for all records of one run."""

    cell: str
    key: str  # Section.keys() at the time
    text: str  # printed output, warnings and expected error included
    seconds: float
    figures: list[dict] = field(default_factory=list)  # light, dark: file names; width, height: px
    failure: str = ""  # why the cell is not shown: such a record is never reused
    data: str = ""  # name of the data set read by this cell or one before it
    environment: dict = field(default_factory=dict)  # device, versions, threads, data identity
    date: str = ""
    revision: str = ""
    sounds: list[dict] = field(default_factory=list)  # file: its name; seconds
    kept: list[str] = field(default_factory=list)  # names of files that a bench of the page reads
    accuracy: float | None = None  # of the recipe that the cell ends, on the test set

    def files(self) -> list[tuple[str, str]]:
        """Kind and name of each file beside the record that belongs to it."""
        figures = [("figure", each[key]) for each in self.figures for key in ("light", "dark")]
        sounds = [("sound", each["file"]) for each in self.sounds]
        return figures + sounds + [("file", name) for name in self.kept]

    def write(self, folder: Path) -> None:
        files.write(folder / f"{self.cell}.json", json.dumps(asdict(self), indent=1))


def folder(project: Project, device: str, section: str) -> Path:
    return project.build / device / section


def keep(file: Path, folder: Path, stem: str) -> str:
    """Put a copy of a file that a cell has made beside its record, and return the copy's name.

    The name follows from the content, `loss-light.1a2b3c4d.webp`: a run that is killed before it
    writes the record leaves the file that the old record names as it was.
    """
    name = f"{stem}.{_digits(file)}{file.suffix}"
    new = folder / f".{name}.new"
    shutil.copyfile(file, new)
    os.replace(new, folder / name)
    return name


def _digits(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def read(project: Project, device: str, section: str, cell: str) -> Record | None:
    """The record of a cell, None if there is none. TutorialError, with a remedy, if it or a file of
    it is damaged.
    """
    path = folder(project, device, section) / f"{cell}.json"
    if not path.exists():
        return None
    try:
        record = load(path)
        for kind, name in record.files():
            file, written = path.parent / name, CONTENT.search(name)
            wrong = "is missing" if not file.is_file() else ""
            if not wrong and written and written["digits"] != _digits(file):
                wrong = "has changed since"
            if wrong:
                raise TutorialError(f"{project.relative(path)}: its {kind} {name} {wrong}")
    except TutorialError as damage:
        remedy = "'make site' runs the section again"
        if device != project.device:  # for which 'make site' runs nothing
            remedy = f"delete it, or run the section again with DEVICE={device}"
        raise TutorialError(f"{damage}; {remedy}") from None
    return record


def load(path: Path) -> Record:
    """The record in a file. TutorialError unless it is as write() left it: it may come from another
    machine, and goes onto pages.
    """
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
        if not _is_valid(record, path.stem):
            raise ValueError("it holds what no run writes")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError) as error:
        raise TutorialError(f"{files.named(path)}: the record cannot be read ({error})") from None
    return record


def _is_valid(record: Record, cell: str) -> bool:
    names = [name for _, name in record.files()]
    texts = [record.key, record.text, record.failure, record.data, record.date, record.revision]
    sizes = [figure[side] for figure in record.figures for side in ("width", "height")]
    times = [record.seconds, *(sound["seconds"] for sound in record.sounds)]
    accuracy = 0 if record.accuracy is None else record.accuracy
    return (
        record.cell == cell
        and all(isinstance(text, str) and not files.CONTROL.search(text) for text in texts)
        and all(isinstance(name, str) and FILE_NAME.fullmatch(name) for name in names)
        and all(isinstance(size, int) and 0 < size <= 10_000 for size in sizes)
        and all(isinstance(time, int | float) and 0 <= time < 1e9 for time in times)
        and isinstance(accuracy, int | float)
        and 0 <= accuracy <= 1
        and all(isinstance(fact, str | int | float | list) for fact in record.environment.values())
    )


def data_of(project: Project, device: str, section: str) -> frozenset[str]:
    """Names of the data that a section's last run read; empty where it has not been run."""
    cells = project.sections[section].on(device)
    record = read(project, device, section, cells[-1].name) if cells else None
    return frozenset(record.data.split(", ") if record else ()) - {""}
