"""What a run left behind: one JSON file per cell in build/DEVICE/SECTION/, and its files."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson.project import Project


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
    accuracy: float | None = None  # of the recipe that the cell ends, on the test set

    def files(self) -> list[tuple[str, str]]:
        """Kind and name of each file beside the record that belongs to it."""
        figures = [("figure", each[key]) for each in self.figures for key in ("light", "dark")]
        return figures + [("sound", each["file"]) for each in self.sounds]

    def write(self, folder: Path) -> None:
        """Put the record in place in one step: a reader sees the old one or the new one."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.cell}.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        os.replace(new, path)


def folder(project: Project, device: str, section: str) -> Path:
    return project.build / device / section


def read(project: Project, device: str, section: str, cell: str) -> Record | None:
    """The record of a cell, None if there is none. TutorialError if its file is damaged."""
    path = folder(project, device, section) / f"{cell}.json"
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, OSError) as error:
        raise TutorialError(
            f"{project.relative(path)}: the record cannot be read ({error}); 'make site' runs"
            " the section again"
        ) from None
    for kind, name in record.files():
        if not (path.parent / name).is_file():
            raise TutorialError(
                f"{project.relative(path)}: its {kind} {name} is missing; 'make site' runs"
                " the section again"
            )
    return record


def data_of(project: Project, device: str, section: str) -> frozenset[str]:
    """Names of the data that a section's last run read; empty where it has not been run."""
    cells = project.sections[section].on(device)
    record = read(project, device, section, cells[-1].name) if cells else None
    return frozenset(record.data.split(", ") if record else ()) - {""}
