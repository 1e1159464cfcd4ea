"""All pages but those of the sections in a browser: home, results, errors, glossary, 404, labs."""

import pytest

from tests.browser import visits
from tests.browser.facts import *  # noqa: F403
from tests.browser.test_lessons import PAGES as LESSONS
from tutorial.lesson.project import Project

PAGES = visits.pages(Project.find())


@pytest.fixture(scope="module", params=sorted(set(PAGES) - set(LESSONS)))
def path(request) -> str:
    return request.param


def test_the_site_has_exactly_the_pages_that_are_tested(server):
    made = [file.relative_to(server.folder).as_posix() for file in server.folder.rglob("*.html")]
    assert sorted(made) == PAGES
