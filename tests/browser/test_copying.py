"""A real click on each kind of copy button, and what is in the clipboard then."""

import pytest

from tests.browser import clipboard, visits
from tutorial.lesson.labs import Lab
from tutorial.lesson.project import Project


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.find()


@pytest.fixture(scope="module")
def clicked(new_page, prepare):
    """What the clipboard holds after a click on the first of what is found in a page."""
    opened = {}

    def clicked(path: str, selector: str) -> str:
        if path not in opened:
            opened[path] = new_page(path, permissions=["clipboard-read", "clipboard-write"])
            prepare(opened[path])
            opened[path].evaluate("checks.expose()")
            opened[path].evaluate("checks.scrollThrough()")  # gives each block its button
        page = opened[path]
        clipboard.clear(page)
        button = page.locator(selector).first
        button.scroll_into_view_if_needed()
        button.click()
        return clipboard.copied(page).replace("\r\n", "\n")

    yield clicked
    for page in opened.values():
        page.context.close()


def test_the_button_of_a_cell_copies_its_source(project, clicked):
    section = project.sections["tensors"]
    cell = next(cell for cell in section.cells if "def " in cell.source or "    " in cell.source)
    text = clicked("tensors.html", f"#tensors-{cell.name} .md-code__button")
    assert text.rstrip() == visits.as_shown(cell.source)


@pytest.mark.parametrize("part", ["stub", "check", "solution"])
def test_the_buttons_of_an_exercise_copy_its_parts(project, clicked, part):
    exercise = next(iter(Lab(project, "tensors").exercises.values()))
    place = {"stub": ">", "check": "> details.example", "solution": "> details.success"}[part]
    text = clicked(
        "tensors.html", f"#tensors-exercise-{exercise.name} {place} .highlight .md-code__button"
    )
    assert text.rstrip() == visits.as_shown(getattr(exercise, part))


def test_a_cell_is_copied_as_a_program(server, clicked):
    path = next(iter(sorted((server.folder / "programs" / "tensors").glob("*.py"))))
    text = clicked("tensors.html", f"#tensors-{path.stem} > a.copy-program")
    assert text == path.read_text(encoding="utf-8")


def test_a_page_is_copied_as_markdown(server, clicked):
    expected = (server.folder / "tensors.md").read_text(encoding="utf-8")
    assert clicked("tensors.html", "a.copy-page") == expected


def test_the_button_of_a_notebooks_page_copies_its_cell(project, clicked):
    expected = visits.sources(project, "notebook/session.html")[0]
    text = clicked("notebook/session.html", "[data-clipboard-target]")
    assert text.rstrip() == visits.as_shown(expected)
