"""A cell that requires what a machine may lack is skipped there by name, and runs where it is."""

import pytest

from tests.test_pytest_items import counts
from tutorial.lesson import needs

CELLS = """
    # %% one
    print(1)

    # %% rare requires="json, rare_package"
    import rare_package

    print(rare_package.__name__)

    # %% below
    print(rare_package.__name__, "again")

    # %% last
    print(4)
    """
REASON = "skipped: rare requires rare_package, which is not here"


@pytest.fixture(scope="module")
def stages(new_light):
    """Where the package is, where it is not, once more, and where it is again."""
    sample, stages = new_light(), {}
    sample.script("lesson", CELLS)
    sample.environment()  # makes the folder of what its kernels import
    package = sample.root / "light" / "rare_package.py"
    transcript = sample.project.transcript("cpu", "lesson")
    package.touch()
    stages["outputs"] = sample.do("tutorial", "outputs")
    stages["transcript"] = transcript.read_text("utf-8")
    stages["there"] = sample.do("pytest", "-rs", "snippets")
    package.unlink()
    stages["lacking"] = sample.do("tutorial", "site")
    stages["page"] = (sample.site / "lesson.html").read_text("utf-8")
    stages["markdown"] = (sample.site / "lesson.md").read_text("utf-8")
    stages["items"] = sample.do("pytest", "-rs", "snippets")
    stages["lacking again"] = sample.do("tutorial", "run")
    stages["outputs while lacking"] = sample.do("tutorial", "outputs")
    stages["transcript while lacking"] = transcript.read_text("utf-8")
    package.touch()
    stages["there again"] = sample.do("pytest", "-rs", "snippets")
    return stages


def test_it_runs_where_everything_is_there(stages):
    assert stages["outputs"].returncode == 0
    assert "rare_package again" in stages["transcript"]
    assert counts(stages["there"]) == {"passed": 4}


def test_it_is_skipped_by_name_with_what_needs_it_and_the_others_run(stages):
    done = stages["lacking"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"snippets/lesson.py:4: {REASON}" in done.stderr
    assert counts(stages["items"]) == {"passed": 2, "skipped": 2}
    assert REASON in stages["items"].stdout


def test_the_page_says_that_it_was_skipped_and_shows_no_output_for_it(stages):
    assert "Skipped where this page was built: requires json, rare_package" in stages["page"]
    assert "Output of rare" not in stages["page"] and "Output of last" in stages["page"]
    assert "```python notest\nimport rare_package" in stages["markdown"]


def test_it_runs_again_only_when_what_it_requires_has_come(stages):
    assert "1 reused" in stages["lacking again"].stdout
    assert counts(stages["there again"]) == {"passed": 4}


def test_accepting_outputs_without_it_keeps_what_it_has_printed_elsewhere(stages):
    assert stages["outputs while lacking"].returncode == 0
    assert stages["transcript while lacking"] == stages["transcript"]


def test_a_compiler_without_the_headers_of_python_does_not_count(light, monkeypatch, tmp_path):
    light.script("lesson", '# %% compile requires="c++"\nprint(1)\n')
    section = light.project.sections["lesson"]
    monkeypatch.setattr(needs.shutil, "which", lambda name: "/usr/bin/" + name)
    monkeypatch.setattr(needs.sysconfig, "get_path", lambda name: str(tmp_path))
    assert "compile requires c++" in needs.lacks(section, "compile")
    (tmp_path / "Python.h").touch()
    assert not needs.lacks(section, "compile")
    monkeypatch.setattr(needs.shutil, "which", lambda name: None)
    assert "compile requires c++" in needs.lacks(section, "compile")
