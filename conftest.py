"""Items for snippets (tutorial.run.pytest_plugin) and code in Markdown; which of them wait."""

import pytest

from tests import nightly
from tutorial.lesson.project import Project

pytest_plugins = ["tutorial.run.pytest_plugin", "tests.markdown_code"]


def pytest_collection_modifyitems(items) -> None:
    """An exported page runs as a whole: with a long training in it all of it is for the night."""
    sections = Project.find().sections
    for item in items:
        section = sections.get(item.path.stem) if item.path.suffix == ".md" else None
        if section and nightly.has_long(section):
            item.add_marker(nightly.mark)


def pytest_runtest_setup(item) -> None:
    """Skip here, not by a mark: pytest counts what is skipped at one place in one line."""
    if item.get_closest_marker(nightly.mark.name) and not nightly.ALL:
        pytest.skip("repeats a long training: make test ALL=1 runs it, as every night")
