"""Which of many alike are always tested; the others are skipped, and say what runs them.

Every section, lab and page has tests that take seconds each: together they would more than double
the time of `make test`. By default one of each kind runs, all of them with ALL=1 as every night;
with ALL=pages every page of the site is visited, as before it is published.
"""

import os
from collections.abc import Iterable

import pytest

ALL = os.environ.get("TUTORIAL_ALL_TESTS", "")
EVERYTHING, EVERY_PAGE = ALL == "1", ALL in ("1", "pages")
needs_everything = pytest.mark.skipif(not EVERYTHING, reason="make test ALL=1 runs these")
needs_every_page = pytest.mark.skipif(not EVERY_PAGE, reason="make test ALL=pages runs these")


def sections(names: Iterable[str], always: Iterable[str]) -> list:
    """Parameters: all names, those that do not always run with a mark."""
    return _marked(names, always, needs_everything)


def pages(paths: Iterable[str], always: Iterable[str]) -> list:
    """Parameters: all paths, those that are not always visited with a mark."""
    return _marked(paths, always, needs_every_page)


def _marked(names: Iterable[str], always: Iterable[str], mark) -> list:
    names, always = list(names), set(always)
    if missing := always - set(names):
        raise ValueError(f"always tested, but not there: {', '.join(sorted(missing))}")
    return [name if name in always else pytest.param(name, marks=mark) for name in names]
