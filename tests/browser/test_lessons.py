"""The pages of the sections in a browser."""

import pytest

from tests.browser.facts import *  # noqa: F403
from tutorial.lesson.project import Project

PAGES = [f"{name}.html" for name in Project.find().sections if name != "index"]


@pytest.fixture(scope="module", params=PAGES)
def path(request) -> str:
    return request.param
