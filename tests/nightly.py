"""Which tests are left to the night, `make test ALL=1`: those that repeat a long training.

A training is long if its author gives it more than the ordinary time limit, with `timeout=`.
"""

import os
from collections.abc import Callable, Iterable

import pytest

from tutorial.lesson.cells import DEFAULT_TIMEOUT, Cell, Section

ALL = os.environ.get("TUTORIAL_ALL_TESTS") == "1"
mark = pytest.mark.nightly  # conftest.py in the root skips it, in one line for all


def is_long(cell: Cell) -> bool:
    """Whether a cell takes long each time it runs. A data set is downloaded once."""
    return cell.timeout > DEFAULT_TIMEOUT and not cell.downloads


def has_long(section: Section) -> bool:
    """Whether a section has a long training on the CPU."""
    return any(map(is_long, section.on("cpu")))


def parameters(names: Iterable[str], nightly: Callable[[str], bool]) -> list:
    """Parameters of a test: all names, those for the night with the mark."""
    return [pytest.param(name, marks=mark) if nightly(name) else name for name in names]
