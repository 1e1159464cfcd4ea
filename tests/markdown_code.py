"""Runs the code of README, CONTRIBUTING and exported pages: a runner for pytest-markdown-docs."""

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

from tutorial.data import cifar10, stand_in, weights
from tutorial.lesson import files
from tutorial.lesson.project import Project
from tutorial.run.kernel import FUTURE

INFO = re.compile(r"^\s*`{3,}python(?P<options>.*)$")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path):
    """Let pytest-markdown-docs look at Markdown alone, and at no file of an editor.

    Left to itself it would import every Python file for the examples in its docstrings.
    """
    collectors = yield
    if file_path.name.startswith("."):
        return []
    return [c for c in collectors if not isinstance(c, MarkdownDocstringCodeModule)]


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
        home = weights.provide(Project.find().root, enums, lambda *_: None).home
        os.environ["TORCH_HOME"] = str(home)
    if "CIFAR10(" in text:
        source = _few_images()
        cifar10.link(source, Path(folder.name))
        cifar10.teach_torchvision(source)
    import torch  # takes seconds, and only pages need it

    torch.set_num_threads(1)  # as in a kernel: small networks are no faster with more
    return module, folder.name
