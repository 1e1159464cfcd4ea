"""The pages of the sections in a browser."""

import pytest

from tests.browser.facts import *  # noqa: F403
from tutorial.project import Project

LESSONS = [name for name in Project.find().sections if name != "index"]


@pytest.fixture(scope="module", params=[f"{name}.html" for name in LESSONS])
def path(request) -> str:
    return request.param
