"""pytest items snippets/SECTION.py::CELL."""

import os
from functools import cache
from pathlib import Path

import pytest

from tutorial import TutorialError
from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.needs import lacks
from tutorial.lesson.project import Project
from tutorial.record import drift, records
from tutorial.run.progress import Progress
from tutorial.run.runner import NOT_RUN, Runner


@cache
def the_project() -> Project:
    return Project.find(os.environ.get("DEVICE") or "cpu")


def pytest_configure() -> None:
    try:
        the_project()
    except TutorialError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent):
    """Scripts of snippets/ become sections; pytest would import one that is named to it."""
    collectors = yield
    is_script = file_path.suffix == ".py" and not file_path.name.startswith(".")  # an editor's
    if is_script and file_path.parent == the_project().root / "snippets":
        return [SectionFile.from_parent(parent, path=file_path)]
    return collectors


class CellFailed(Exception):
    """A cell that failed or whose output drifted; the message is the whole report."""


class SectionFile(pytest.File):
    """One script of snippets/."""

    def collect(self):
        try:
            section = the_project().sections[self.path.stem]
        except TutorialError as error:
            raise self.CollectError(str(error)) from None
        for cell in section.on(the_project().device):
            yield CellItem.from_parent(self, name=cell.name, section=section, cell=cell)


class CellItem(pytest.Item):
    """One cell: it ran as announced, and printed what the committed transcript says."""

    def __init__(self, *, section: Section, cell: Cell, **kwargs) -> None:
        super().__init__(**kwargs)
        self.section, self.cell = section, cell

    def runtest(self) -> None:
        project, device = the_project(), the_project().device
        outcome = _outcomes(self.session)[self.section.name]
        record = records.read(project, device, self.section.name, self.cell.name)
        if record is None or record.key != self.section.keys(device)[self.cell.name]:
            raise CellFailed("\n".join(outcome.problems) or f"{self.cell.id}: did not run")
        if record.failure and record.failure == lacks(self.section, self.cell.name, device):
            pytest.skip(record.failure)
        if record.failure.startswith(NOT_RUN):
            if self._reported(outcome.failed):
                pytest.skip(record.failure)
            raise CellFailed("\n".join([record.failure, *outcome.problems]))
        if record.failure:
            raise CellFailed(record.failure)
        said = drift.drift(project, self.section, self.cell, device, record)
        if said:
            raise CellFailed(said)
        if note := drift.note(project, self.section, self.cell, device, record):
            self.warn(pytest.PytestWarning(note))

    def _reported(self, failed: set[str]) -> bool:
        """Whether the cells of this section that failed have items of their own in this session."""
        items = [item for item in self.session.items if isinstance(item, CellItem)]
        return failed <= {item.cell.name for item in items if item.section == self.section}

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, (CellFailed, TutorialError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self.cell.line - 1, self.cell.name


OUTCOMES = pytest.StashKey[dict]()


def _outcomes(session: pytest.Session) -> dict:
    """Run every section that has a selected cell, once, side by side; then per section."""
    if OUTCOMES not in session.stash:
        sections = {
            item.section.name: item.section for item in session.items if isinstance(item, CellItem)
        }
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled(), Progress() as progress:
            runner = Runner(the_project(), listener=progress)
            outcomes = runner.run(list(sections.values()))
        session.stash[OUTCOMES] = {outcome.section.name: outcome for outcome in outcomes}
    return session.stash[OUTCOMES]
