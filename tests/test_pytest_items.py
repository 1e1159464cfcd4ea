"""Every cell is a test, every page's code runs as a reader would run it, outputs are accepted."""

import re
import shutil

import pytest

from tutorial.transcripts import Transcript

CELLS = ["imports", "tensor", "children", "terminal", "timing", "figure", "mistake", "careful"]


def counts(done) -> dict[str, int]:
    """{"passed": 3, "failed": 1} of pytest's last line."""
    last = done.stdout.strip().splitlines()[-1]
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last.split(" in ")[0])}


def report(done, item: str) -> str:
    """What pytest says of a failed item."""
    found = re.search(rf"^_+ {item} _+$(.*?)^(_+ .* _+|=+ .* =+)$", done.stdout, re.M | re.S)
    assert found, done.stdout
    return found[1].strip()


# Items


def test_items_are_named_after_script_and_cell(built):
    done = built.do("pytest", "--collect-only", "-q", "snippets")
    ids = [line for line in done.stdout.splitlines() if "::" in line]
    assert ids == [f"snippets/basics.py::{cell}" for cell in CELLS]


def test_a_script_is_tested_by_its_cells_and_not_imported(built):
    # Imported, its cell `mistake` would raise.
    done = built.do("pytest", "snippets/basics.py")
    assert counts(done) == {"passed": len(CELLS)}, done.stdout


def test_one_cell_can_be_chosen(built):
    done = built.do("pytest", "-v", "snippets/basics.py::timing")
    assert counts(done) == {"passed": 1}, done.stdout
    assert "snippets/basics.py::timing PASSED" in done.stdout


def test_a_broken_script_is_told_with_its_line(changeable):
    changeable.edit("snippets/basics.py", "# %% timing", "# %% Timing")
    done = changeable.do("pytest", "snippets")
    assert done.returncode != 0
    assert changeable.place("snippets/basics.py", "Timing") in done.stdout
    assert "Traceback" not in done.stdout


# Drift


def test_an_output_that_changed_fails_with_old_and_new_place_and_advice(changeable):
    changeable.edit("outputs/cpu/basics.txt", "0.5000", "0.7000")
    changeable.edit("outputs/cpu/basics.txt", "took 12.5 s", "took 99 s")
    done = changeable.do("pytest", "snippets")
    assert counts(done) == {"failed": 1, "passed": len(CELLS) - 1}
    told = report(done, "tensor")
    assert "\n-tensor([[ 0.7000, -1.0000]])\n+tensor([[ 0.5000, -1.0000]])" in told
    assert changeable.place("snippets/basics.py", "%% tensor") in told
    assert f"shown at {changeable.place('docs/basics.md', '::tensor')}" in told
    assert "if it is right: make outputs SECTIONS=basics" in told
    assert "tutorial/pytest_plugin.py" not in told


def test_an_output_within_the_last_digit_passes(changeable):
    changeable.edit("outputs/cpu/basics.txt", "0.5000", "0.5001")
    assert counts(changeable.do("pytest", "snippets")) == {"passed": len(CELLS)}


def test_a_section_without_a_transcript_fails(changeable):
    shutil.rmtree(changeable.root / "outputs")
    done = changeable.do("pytest", "snippets/basics.py::tensor")
    assert counts(done) == {"failed": 1}
    assert "no transcript outputs/cpu/basics.txt" in report(done, "tensor")


@pytest.fixture(scope="module")
def story(new_light):
    """A section whose cell breaks, is mended with another output, and is accepted; each stage."""
    sample, stages = new_light(), {}
    sample.script("lesson", "# %% one\nprint(1)\n\n# %% two\nprint(2)\n\n# %% three\nprint(3)\n")
    sample.do("tutorial", "outputs")
    path = sample.project.transcript("cpu", "lesson")
    sample.edit("snippets/lesson.py", "print(2)", "{}['missing']")
    stages["broken"] = sample.do("pytest", "snippets")
    stages["accepted while broken"] = sample.do("pytest", "snippets", "--update-outputs")
    stages["text while broken"] = path.read_text()
    sample.edit("snippets/lesson.py", "{}['missing']", "print(22)")
    sample.edit("snippets/lesson.py", "print(3)", "print(3)  # as before")
    stages["mended"] = sample.do("pytest", "snippets")
    stages["accepted"] = sample.do("pytest", "snippets", "--update-outputs")
    stages["text"] = path.read_text()
    stages["after"] = sample.do("pytest", "snippets")
    return sample, stages


def test_a_failing_cells_item_fails_and_those_below_it_are_skipped(story):
    sample, stages = story
    assert counts(stages["broken"]) == {"passed": 1, "failed": 1, "skipped": 1}
    told = report(stages["broken"], "two")
    assert told.startswith(sample.place("snippets/lesson.py", "print(22)"))
    assert "KeyError: 'missing'" in told
    assert sample.place("docs/lesson.md", "::two") in told


def test_the_outputs_of_a_broken_section_cannot_be_accepted(story):
    _, stages = story
    assert counts(stages["accepted while broken"])["failed"] == 1
    assert "\n2\n" in stages["text while broken"]


def test_outputs_of_changed_code_must_be_accepted_even_where_they_are_the_same(story):
    _, stages = story
    assert counts(stages["mended"]) == {"passed": 1, "failed": 2}
    assert "the output has changed" in report(stages["mended"], "two")
    assert "\n-2\n+22" in report(stages["mended"], "two")
    assert "outputs/cpu/lesson.txt is of other code" in report(stages["mended"], "three")


def test_accepting_rewrites_the_transcript_and_then_all_passes(story):
    _, stages = story
    assert stages["accepted"].returncode == 0
    assert "\n22\n" in stages["text"]
    assert counts(stages["after"]) == {"passed": 3}


# Committed transcripts


def test_outputs_writes_what_was_printed_with_its_provenance(built):
    transcript = Transcript.read(built.root / "outputs" / "cpu" / "basics.txt")
    assert list(transcript.cells) == CELLS
    assert transcript.cells["children"].text.startswith("parent\nchild\n")
    assert transcript.cells["imports"].text == ""
    assert transcript.facts["device"] == "cpu"
    assert {"python", "torch", "torchvision", "numpy"} <= transcript.facts.keys()
    assert transcript.cells["tensor"].seconds is None  # would change at every run


def test_a_transcript_stays_as_it_is_while_values_move_within_the_tolerance(light):
    light.script(
        "lesson",
        """
        # %% loss
        import os

        print("loss", os.environ["LOSS"])

        # %% accuracy tolerance=0.1
        print("accuracy", os.environ["ACCURACY"])
        """,
    )
    path = light.root / "outputs" / "cpu" / "lesson.txt"
    seen = []
    for loss, accuracy in (("0.501", "0.70"), ("0.502", "0.75"), ("0.503", "0.75")):
        shutil.rmtree(light.root / "build", ignore_errors=True)
        done = light.do("tutorial", "outputs", LOSS=loss, ACCURACY=accuracy)
        assert done.returncode == 0, done.stderr
        seen.append((path.read_bytes(), "rewritten" in done.stdout, "loss 0.5" in done.stderr))
    assert seen[0][1] and b"loss 0.501\n" in seen[0][0]
    assert seen[1] == (seen[0][0], False, False)
    assert seen[2] == (seen[0][0].replace(b"0.501", b"0.503"), True, True)


def test_of_a_cell_whose_words_vary_only_the_lines_are_counted(light):
    light.script(
        "lesson",
        """
        # %% classes varies="words"
        import os

        print(os.environ["SAID"])
        """,
    )
    path = light.root / "outputs" / "cpu" / "lesson.txt"
    seen = []
    for said in ("cat for dog\n12", "deer for bird\n7", "deer for bird"):
        shutil.rmtree(light.root / "build", ignore_errors=True)
        done = light.do("tutorial", "outputs", SAID=said)
        assert done.returncode == 0, done.stderr
        seen.append((path.read_text(), "the output has changed" in done.stderr))
    assert seen[1] == (seen[0][0], False)
    assert seen[2][1] and "deer for bird" in seen[2][0]


def test_transcripts_of_an_accelerator_say_which_one_when_and_how_long(light):
    light.script("lesson", "# %% one\nprint(1)\n\n# %% two\nimport time\n\ntime.sleep(0.2)\n")
    done = light.do("tutorial", "outputs", DEVICE="cuda", LIGHT_GPU="Light 1")
    assert "outputs/cuda/lesson: rewritten" in done.stdout
    path = light.root / "outputs" / "cuda" / "lesson.txt"
    transcript = Transcript.read(path)
    assert transcript.facts["device"] == "Light 1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", transcript.facts["date"])
    prints = light.project.sections["lesson"].fingerprints("cuda")
    current = transcript.current(prints)
    assert [entry.text for entry in current.values()] == ["1", ""]
    assert current["one"].seconds < 0.2 <= current["two"].seconds
    first = path.read_bytes()
    done = light.do("tutorial", "outputs", DEVICE="cuda", LIGHT_GPU="Light 1")
    assert "outputs/cuda/lesson: the same" in done.stdout
    assert path.read_bytes() == first


def test_a_section_for_the_gpu_alone_writes_nothing_on_the_cpu(light):
    light.script("lesson", '# %% one device="cuda"\nprint(1)\n')
    for command in (["tutorial", "outputs"], ["pytest", "-q", "snippets"]):
        done = light.do(*command)
        assert "IndexError" not in done.stdout + done.stderr
        assert done.returncode in (0, pytest.ExitCode.NO_TESTS_COLLECTED)
    assert not (light.root / "outputs" / "cpu").exists()


# Code in Markdown

PAGE = """\
```python
name = "shared"
```

```python
assert name == "shared"
assert __name__ == "__main__"
open("made-here.txt", "w").close()
```

```python
with open("../../ran.txt", "a") as file:
    file.write("ran\\n")
raise TypeError("told once")
```

```python raises:ValueError
int("x")
```

```python raises:LookupError
{}["a subclass"]
```

```python raises:ValueError
never = "raised"
```

```python raises:ValueError
{}["another class"]
```

```python warns:UserWarning
import warnings

warnings.warn("mind the gap")
```

```python notest
assert False
```

```text
assert False
```
"""

OTHER_PAGE = """\
```python
import os

assert "name" not in globals()
assert os.listdir() == []
```
"""


@pytest.fixture(scope="module")
def pages(new_light):
    """The project, and what pytest said of its two pages of Markdown."""
    sample = new_light()
    side = sample.root / "ran.txt"
    text = PAGE.replace("../../ran.txt", side.as_posix())
    (sample.root / "page.md").write_text(text, encoding="utf-8")
    (sample.root / "other.md").write_text(OTHER_PAGE, encoding="utf-8")
    return sample, sample.do("pytest", "-v", "page.md", "other.md")


def outcomes(done) -> list[str]:
    """PASSED or FAILED for each fence of page.md, in order."""
    return re.findall(r"^page\.md::\S+ (PASSED|FAILED)", done.stdout, re.MULTILINE)


def test_fences_of_a_page_share_a_namespace_and_run_each(pages):
    _, done = pages
    expected = "PASSED PASSED FAILED PASSED PASSED FAILED FAILED PASSED"
    assert outcomes(done) == expected.split(), done.stdout


def test_a_type_error_is_reported_and_its_fence_ran_once(pages):
    sample, done = pages
    assert (sample.root / "ran.txt").read_text() == "ran\n"
    assert "TypeError: told once" in done.stdout


def test_a_fence_that_does_not_raise_as_announced_fails(pages):
    _, done = pages
    assert "raised nothing, although" in done.stdout
    assert "KeyError: 'another class'" in done.stdout


def test_each_page_has_a_namespace_and_a_folder_of_its_own(pages):
    sample, done = pages
    assert re.search(r"^other\.md::\S+ PASSED", done.stdout, re.MULTILINE), done.stdout
    assert not (sample.root / "made-here.txt").exists()


def test_the_exported_page_runs_as_it_is(built):
    done = built.do("pytest", "build/site/basics.md")
    assert counts(done)["passed"] == len(CELLS), done.stdout
    assert "failed" not in counts(done)


def test_a_selected_cell_fails_where_the_one_above_that_failed_was_not_selected(light):
    light.script("lesson", "# %% one\nprint(1)\n\n# %% two\n1 / 0\n\n# %% three\nprint(3)\n")
    script = "snippets/lesson.py"
    for chosen in (["three"], ["one", "three"]):
        done = light.do("pytest", "-q", *(f"{script}::{name}" for name in chosen))
        assert done.returncode == 1, done.stdout
        assert "snippets/lesson.py:5: cell two" in done.stdout
        assert "ZeroDivisionError" in done.stdout
