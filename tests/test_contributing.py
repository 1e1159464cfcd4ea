"""CONTRIBUTING.md tells authors what there is, in about five minutes of reading."""

import re
from pathlib import Path

import pytest

from tutorial.lesson.cells import OPTIONS
from tutorial.page.numbers import Numbers

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Of questions, which tutorial/lesson/variants.py explains.
OF_QUESTIONS = {"instead", "below"}


@pytest.mark.parametrize("option", sorted(OPTIONS.keys() - OF_QUESTIONS))
def test_every_option_of_a_cell_is_in_the_table(option):
    assert f"`{option}=" in TEXT


@pytest.mark.parametrize("function", [name for name in vars(Numbers) if not name.startswith("_")])
def test_every_function_of_a_placeholder_is_in_the_table(function):
    assert re.search(rf"^\|.*\b{function}\b", TEXT, re.MULTILINE)


def test_it_is_read_in_about_five_minutes():
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    words = [word for word in prose.split() if re.search(r"\w", word)]
    assert len(words) <= 1_300  # 260 a minute: half of it is tables


def test_the_files_that_it_names_exist():
    root = Path(__file__).parents[1]
    for name in re.findall(r"`((?:tutorial|tests|docs|includes)/[\w/.]+\.\w+)`", TEXT):
        assert "SECTION" in name or (root / name).is_file(), name
