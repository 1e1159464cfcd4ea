"""What a lesson takes a student, and which of it can be left out at first."""

import pytest

from tutorial.lesson import needs
from tutorial.lesson.project import Project
from tutorial.page import study_time

PROJECT = Project.find()
LESSONS = sorted({fence.page.stem for fence in PROJECT.fences if fence.kind == "cell"} - {"index"})
PAGE = """\
---
description: words that are no part of the page
---

# Lesson

two words

```cell
lesson.py::one
```

## More: an aside { #aside }

```exercise
lesson.py::blank
```

### Below it

    ```cell
    lesson.py::two
    ```

```bash
these are no words
```

## Back `again`, in C++
""".splitlines()


def test_words_cells_and_exercises_count():
    page = study_time.parts(PAGE)
    assert study_time.minutes(page) == pytest.approx(2 / 200 + 2 * 0.75 + 10)
    assert study_time.minutes(page, core=True) == pytest.approx(2 / 200 + 0.75)
    assert study_time.minutes(study_time.section(page, "aside")) == pytest.approx(10.75)


def test_more_holds_for_all_below_its_heading_and_no_further():
    page = study_time.parts(PAGE)
    assert [(part.anchor, part.is_more) for part in page] == [
        ("", False),
        ("lesson", False),
        ("aside", True),
        ("below-it", True),
        ("back-again-in-c", False),
    ]


@pytest.mark.parametrize("name", LESSONS)
def test_no_cell_of_the_core_needs_one_that_can_be_left_out(name):
    section, core, more = PROJECT.sections[name], set(), set()
    for part in study_time.parts(PROJECT.pages[PROJECT.root / "docs" / f"{name}.md"]):
        cells = {named.rpartition("::")[2] for kind, named in part.fences if kind == "cell"}
        (more if part.is_more else core).update(cells)
    assert core
    for cell in section.on("cpu"):
        if cell.name in core:
            above = {other.name for other in needs.needed(section, cell.name)}
            assert not above & more, f"{cell.id} belongs to the core, and needs {above & more}"


def test_home_says_how_times_are_counted():
    text = " ".join(" ".join(PROJECT.pages[PROJECT.root / "docs" / "index.md"]).split())
    assert f"{study_time.WORDS_A_MINUTE} words a minute" in text
    assert f'"{60 * study_time.MINUTES["cell"]:.0f} seconds"' in text
    assert f'"{study_time.MINUTES["exercise"]} minutes"' in text
