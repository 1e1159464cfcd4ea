"""pytest items snippets/SECTION.py::CELL, and the runner for code in README and exported pages."""

import atexit
import contextlib
import io
import os
import re
import sys
import tempfile
import types
import warnings
from functools import cache
from pathlib import Path

import pytest
from pytest_markdown_docs._runners import DefaultRunner, register_runner
from pytest_markdown_docs.plugin import MarkdownDocstringCodeModule

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson import files
from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.project import Project
from tutorial.record import drift, records
from tutorial.run.kernel import FUTURE
from tutorial.run.progress import Progress
from tutorial.run.runner import NOT_RUN, Runner

INFO = re.compile(r"^\s*`{3,}python(?P<options>.*)$")


@cache
def the_project() -> Project:
    return Project.find()


def pytest_addoption(parser) -> None:
    group = parser.getgroup("tutorial")
    group.addoption("--device", default=os.environ.get("DEVICE") or "cpu")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent):
    """Scripts of snippets/ become sections, and pytest-markdown-docs looks at Markdown alone.

    Left to itself it would import every Python file for the examples in its docstrings.
    """
    collectors = yield
    if file_path.name.startswith("."):  # an editor's
        return []
    if file_path.suffix == ".py" and file_path.parent == the_project().root / "snippets":
        return [SectionFile.from_parent(parent, path=file_path)]
    return [c for c in collectors if not isinstance(c, MarkdownDocstringCodeModule)]


class CellFailed(Exception):
    """A cell that failed or whose output drifted; the message is the whole report."""


class SectionFile(pytest.File):
    """One script of snippets/."""

    def collect(self):
        try:
            section = the_project().sections[self.path.stem]
        except TutorialError as error:
            raise self.CollectError(str(error)) from None
        device = self.config.getoption("--device")
        for cell in section.on(device):
            yield CellItem.from_parent(self, name=cell.name, section=section, cell=cell)


class CellItem(pytest.Item):
    """One cell: it ran as announced, and printed what the committed transcript says."""

    def __init__(self, *, section: Section, cell: Cell, **kwargs) -> None:
        super().__init__(**kwargs)
        self.section, self.cell = section, cell

    def runtest(self) -> None:
        project, device = the_project(), self.config.getoption("--device")
        outcome = _outcomes(self.session, device)[self.section.name]
        record = records.read(project, device, self.section.name, self.cell.name)
        if record is None or record.key != self.section.keys(device)[self.cell.name]:
            raise CellFailed("\n".join(outcome.problems) or f"{self.cell.id}: did not run")
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


def _outcomes(session: pytest.Session, device: str) -> dict:
    """Run every section that has a selected cell, once, side by side; then per section."""
    if OUTCOMES not in session.stash:
        sections = {
            item.section.name: item.section for item in session.items if isinstance(item, CellItem)
        }
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled(), Progress() as progress:
            runner = Runner(the_project(), device, listener=progress)
            found = runner.run(list(sections.values()))
        session.stash[OUTCOMES] = {outcome.section.name: outcome for outcome in found}
    return session.stash[OUTCOMES]


# What the fences of a page have imported from __future__ so far.
FUTURE_OF_PAGES: dict[Path, int] = {}


class FailedTypeError(Exception):
    """Stands for a snippet's TypeError: the plugin takes that class for a call of an old runner
    and would execute the fence a second time."""


@register_runner(default=True)
class PageRunner(DefaultRunner):
    """Runs the fences of a page in one namespace and one folder, as a reader would.

    The info line of a fence may announce `raises:ValueError` or `warns:UserWarning`.
    """

    def runtest(self, test, args, *, asyncio_runner=None) -> None:
        module, folder = _page(test.source_path)
        lines = files.lines(files.read(test.source_path))
        announced = INFO.match(lines[test.start_line - 1])["options"].split()
        expected = {name.partition(":")[2] for name in announced if name.startswith("raises:")}
        future = FUTURE_OF_PAGES.get(test.source_path, 0)
        code = compile(test.source, str(test.source_path), "exec", future, dont_inherit=True)
        FUTURE_OF_PAGES[test.source_path] = future | code.co_flags & FUTURE
        before, main = Path.cwd(), sys.modules["__main__"]
        os.chdir(folder)
        sys.modules["__main__"] = module  # where pickle looks for a class of the page
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                if any(name.startswith("warns:") for name in announced):
                    warnings.simplefilter("ignore")
                exec(code, vars(module))
        except BaseException as error:
            if not expected & {cls.__name__ for cls in type(error).__mro__}:
                if isinstance(error, TypeError):
                    raise FailedTypeError(f"TypeError: {error}").with_traceback(
                        error.__traceback__
                    ) from None
                raise
        else:
            assert not expected, f"raised nothing, although {expected} is announced"
        finally:
            if pyplot := sys.modules.get("matplotlib.pyplot"):
                pyplot.close("all")  # agg shows nothing and keeps every figure
            sys.modules["__main__"] = main
            os.chdir(before)


@cache
def _few_images() -> cifar10.Source:
    """A small stand-in: that a page runs does not depend on how many images there are.

    What it prints on all of them is compared by the items of its script.
    """
    from tutorial.data import stand_in

    folder = tempfile.TemporaryDirectory(prefix="images-")
    atexit.register(folder.cleanup)
    md5 = stand_in.write(Path(folder.name), lambda *_: None, train=5000, test=1000)
    return cifar10.Source(cifar10.STAND_IN, Path(folder.name), md5)


@cache
def _page(path: Path) -> tuple[types.ModuleType, str]:
    """A page's namespace and its working directory, with images where the page reads CIFAR-10."""
    os.environ["MPLBACKEND"] = "agg"
    folder = tempfile.TemporaryDirectory(prefix="page-")
    module = types.ModuleType("__main__")
    module.__dict__["__folder__"] = folder  # lives as long as the page's namespace
    text = path.read_text(encoding="utf-8")
    if enums := set(re.findall(r"\bmodels\.(\w+_Weights)\b", text)):
        home = weights.provide(the_project().root, enums, lambda *_: None).home
        os.environ["TORCH_HOME"] = str(home)
    if "CIFAR10(" in text:
        source = _few_images()
        cifar10.link(source, Path(folder.name))
        cifar10.teach_torchvision(source)
    import torch  # takes seconds, and only pages need it

    torch.set_num_threads(1)  # as in a kernel: small networks are no faster with more
    return module, folder.name
