"""`make outputs` and `make gpu`: run, and write the transcript of each section when it ends."""

import sys
import threading
from dataclasses import replace

from tutorial import TutorialError
from tutorial.lesson.cells import Section
from tutorial.lesson.project import Project
from tutorial.record import drift, results
from tutorial.run.progress import Progress
from tutorial.run.runner import Outcome


class Transcriber(Progress):
    """Progress that also writes transcripts, so that a run that is cut off leaves what it can.

    again: the project whose records are of the same cells, run in another way.
    """

    def __init__(self, project: Project, again: Project | None = None) -> None:
        super().__init__()
        self.project, self.again, self.failed = project, again, 0
        self._lock = threading.Lock()  # sections end in threads of their own

    def section_ended(self, outcome: Outcome) -> None:
        super().section_ended(outcome)
        with self._lock:
            self.write(outcome.section)

    def write(self, section: Section) -> None:
        project, device = self.project, self.project.device
        if not section.on(device):
            return
        try:
            changed = drift.update(project, section, device, self.again)
        except TutorialError as error:
            self.failed += 1
            print(error, file=sys.stderr)
        else:
            word = "rewritten" if changed else "the same"
            print(f"{project.relative(project.transcript(device, section.name))}: {word}")


def from_records(project: Project, sections: list[Section], folder: str) -> int:
    """Write transcripts from the records of another machine's build folder; how many failed.

    TutorialError if it has none of this device.
    """
    transcriber = Transcriber(replace(project, folder=folder))
    if not (transcriber.project.build / project.device).is_dir():
        raise TutorialError(
            f"FROM={folder}: there is no folder {project.device} of records in it; name the folder"
            " build that a run with this DEVICE has left"
        )
    for section in sections:
        transcriber.write(section)
    return transcriber.failed


def recipes_in_order(project: Project) -> list[tuple[list[str], int]]:
    """What to measure on an accelerator that is at hand for minutes: names and seeds, by weight."""
    recipes, device = results.recipes(project), project.device
    names = [name for name in recipes if recipes[name].cell in recipes[name].span(device)]
    fast = [name for name in names if name.startswith("fast")]
    quick = [name for name in names if name.startswith("quick")]
    others = [name for name in names if name not in fast + quick]
    order = [(fast, results.SEEDS), (quick, 2), (quick, results.SEEDS), (others, results.SEEDS)]
    return [(some, seeds) for some, seeds in order if some]
