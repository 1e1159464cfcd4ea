"""Every cell is a test, every page's code runs as a reader would run it, outputs are accepted."""

import platform
import re
import shutil

import pytest

from tutorial.record import results
from tutorial.record.transcripts import Transcript

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


def test_a_device_that_is_none_is_told_in_one_line(light):
    light.script("lesson", "# %% one\nprint(1)\n")
    done = light.do("pytest", "snippets", DEVICE="tpu")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.startswith("ERROR: DEVICE=tpu: unknown") and "Traceback" not in done.stderr


# Drift


def test_an_output_that_changed_fails_with_old_and_new_place_and_advice(changeable):
    changeable.edit("outputs/cpu/basics.txt", "0.5000", "0.7000")
    changeable.edit("outputs/cpu/basics.txt", "took ≈12.5 s", "took ≈99 s")
    done = changeable.do("pytest", "snippets")
    assert counts(done) == {"failed": 1, "passed": len(CELLS) - 1}
    told = report(done, "tensor")
    assert "\n-tensor([[ 0.7000, -1.0000]])\n+tensor([[ 0.5000, -1.0000]])" in told
    assert changeable.place("snippets/basics.py", "%% tensor") in told
    assert f"shown at {changeable.place('docs/basics.md', '::tensor')}" in told
    assert "if it is right: make outputs SECTIONS=basics" in told
    assert "tutorial/run/pytest_plugin.py" not in told


def test_an_output_that_differs_by_more_than_rounding_fails_unless_it_is_marked(changeable):
    changeable.edit("outputs/cpu/basics.txt", "0.5000", "0.5001")
    assert counts(changeable.do("pytest", "snippets")) == {"passed": len(CELLS)}
    changeable.edit("outputs/cpu/basics.txt", "0.5001", "0.5002")
    assert counts(changeable.do("pytest", "snippets")) == {"failed": 1, "passed": len(CELLS) - 1}
    changeable.edit("outputs/cpu/basics.txt", "0.5002", "≈0.5002")
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
    sample.script(
        "lesson",
        """
        # %% one
        print(1)

        # %% two
        x = 2
        print(2)

        # %% three
        print(3)

        # %% twice
        print(x + x)
        """,
    )
    sample.do("tutorial", "outputs")
    path = sample.project.transcript("cpu", "lesson")
    sample.edit("snippets/lesson.py", "print(2)", "{}['missing']")
    stages["broken"] = sample.do("pytest", "snippets")
    stages["accepted while broken"] = sample.do("tutorial", "outputs")
    stages["text while broken"] = path.read_text()
    sample.edit("snippets/lesson.py", "{}['missing']", "print(22)")
    sample.edit("snippets/lesson.py", "print(3)", "print(1 + 2)")
    stages["mended"] = sample.do("pytest", "snippets")
    stages["accepted"] = sample.do("tutorial", "outputs")
    stages["text"] = path.read_text()
    stages["after"] = sample.do("pytest", "snippets")
    return sample, stages


def test_a_failing_cells_item_fails_and_those_that_need_it_are_skipped(story):
    sample, stages = story
    assert counts(stages["broken"]) == {"passed": 2, "failed": 1, "skipped": 1}
    told = report(stages["broken"], "two")
    assert told.startswith(sample.place("snippets/lesson.py", "print(22)"))
    assert "KeyError: 'missing'" in told
    assert sample.place("docs/lesson.md", "::two") in told


def test_the_outputs_of_a_broken_section_cannot_be_accepted(story):
    _, stages = story
    assert stages["accepted while broken"].returncode == 1
    assert "lesson.py: cell two has" in stages["accepted while broken"].stderr
    assert "\n2\n" in stages["text while broken"]


def test_outputs_of_changed_code_must_be_accepted_even_where_they_are_the_same(story):
    _, stages = story
    assert counts(stages["mended"]) == {"passed": 2, "failed": 2}
    assert "the output has changed" in report(stages["mended"], "two")
    assert "\n-2\n+22" in report(stages["mended"], "two")
    assert "outputs/cpu/lesson.txt is of other code" in report(stages["mended"], "three")


def test_accepting_rewrites_the_transcript_and_then_all_passes(story):
    _, stages = story
    assert stages["accepted"].returncode == 0
    assert "\n22\n" in stages["text"]
    assert counts(stages["after"]) == {"passed": 4}


# Committed transcripts


def test_outputs_writes_what_was_printed_with_its_provenance(built):
    transcript = Transcript.read(built.root / "outputs" / "cpu" / "basics.txt")
    assert list(transcript.cells) == CELLS
    assert transcript.cells["children"].text.startswith("parent\nchild\n")
    assert transcript.cells["imports"].text == ""
    assert transcript.facts["device"] == "cpu"
    assert {"python", "torch", "torchvision", "numpy"} <= transcript.facts.keys()
    assert transcript.cells["tensor"].seconds is None  # would change at every run


OTHER_WAY = """
# %% first
import os

otherwise = "ATEN_CPU_CAPABILITY" in os.environ or os.environ["OMP_NUM_THREADS"] == "2"
print("loss", os.environ["LOSS"] if otherwise else "0.500", "after", 10, "steps")
print("accuracy 0.75 of", 40)

# %% exact
print(1.25)

# %% words
print("a fox" if otherwise else "a goose")

# %% timing
print("took 12.5 s")
"""


def test_what_differs_in_another_way_to_run_a_cell_is_marked(light):
    light.script("lesson", OTHER_WAY)
    path = light.root / "outputs" / "cpu" / "lesson.txt"
    done = light.do("tutorial", "outputs", LOSS="0.700")
    assert done.returncode == 0, done.stderr
    cells = Transcript.read(path).cells
    assert cells["first"].text == "loss ≈0.500 after ≈10 steps\naccuracy ≈0.75 of 40"
    assert (cells["exact"].text, cells["exact"].whole) == ("1.25", False)
    assert (cells["words"].text, cells["words"].whole) == ("a goose", True)
    assert (cells["timing"].text, cells["timing"].whole) == ("took ≈12.5 s", False)
    assert counts(light.do("pytest", "snippets", LOSS="0.700")) == {"passed": 4}
    for old, new, failed in (("≈0.500", "≈9.999", 0), ("after ≈10", "after 11", 1)):
        light.edit("outputs/cpu/lesson.txt", old, new)
        assert counts(light.do("pytest", "snippets", LOSS="0.700")).get("failed", 0) == failed


def test_what_a_cell_prints_of_its_versions_is_compared_with_those_of_the_run(light):
    light.script(
        "lesson",
        """
        # %% versions
        import platform

        print("Python", ".".join(platform.python_version_tuple()[:2]))

        # %% number
        print("Python", 2.5)
        """,
    )
    assert light.do("tutorial", "outputs").returncode == 0
    path = light.root / "outputs" / "cpu" / "lesson.txt"
    ours = ".".join(platform.python_version_tuple()[:2])
    elsewhere = re.sub(r"(?<=# python: ).*", "3.99.1", path.read_text())  # made with another Python
    path.write_text(elsewhere.replace(f"Python {ours}", "Python 3.99"))
    assert counts(light.do("pytest", "snippets")) == {"passed": 2}
    path.write_text(elsewhere.replace(f"Python {ours}", "Python 3.98"))
    done = light.do("pytest", "snippets")
    assert counts(done) == {"passed": 1, "failed": 1}
    assert f"\n-Python 3.98\n+Python {ours}" in report(done, "versions")


def test_a_transcript_stays_as_it_is_while_only_marked_numbers_move(light):
    light.script(
        "lesson",
        """
        # %% imports
        import os

        # %% loss
        other = "ATEN_CPU_CAPABILITY" in os.environ or os.environ["OMP_NUM_THREADS"] == "2"
        print("loss", os.environ["LOSS"], 0.1 * other)

        # %% seeded
        print("first", os.environ["FIRST"])
        """,
    )
    path = light.root / "outputs" / "cpu" / "lesson.txt"
    seen = []
    for loss, first in (("0.501", "0.70"), ("0.502", "0.70"), ("0.503", "0.75"), ("0.503", "0.8")):
        shutil.rmtree(light.root / "build", ignore_errors=True)
        done = light.do("tutorial", "outputs", LOSS=loss, FIRST=first)
        assert done.returncode == 0, done.stderr
        seen.append((path.read_text(), "rewritten" in done.stdout))
    assert seen[0][1] and "loss ≈0.501 ≈0.0\n" in seen[0][0]
    assert seen[1] == (seen[0][0], False)
    # Of the same code, versions and data: what differed from the transcript varies.
    assert seen[2] == (seen[0][0].replace("first 0.70", "first ≈0.75"), True)
    assert seen[3] == (seen[2][0], False)


def test_of_what_prints_a_mark_no_transcript_can_be_written(light):
    light.script("lesson", '# %% one\nprint("about ≈3.14")\n')
    done = light.do("tutorial", "outputs")
    assert done.returncode == 1
    assert f"{light.place('snippets/lesson.py', '%% one')}: cell one prints ≈" in done.stderr
    light.edit("snippets/lesson.py", "≈3.14", "≈ 3.14")
    assert light.do("tutorial", "outputs").returncode == 0


def test_a_cell_that_fails_only_in_the_other_way_is_told(light):
    light.script("lesson", '# %% one\nimport os\n\nassert os.environ["OMP_NUM_THREADS"] != "2"\n')
    done = light.do("tutorial", "outputs")
    if "in the other way:" not in done.stderr:  # many cores: the first way has two threads or more
        light.edit("snippets/lesson.py", '!= "2"', '!= "1"')
        done = light.do("tutorial", "outputs")
    assert done.returncode == 1
    assert f"in the other way: {light.place('snippets/lesson.py', 'assert')}" in done.stderr
    assert not (light.root / "outputs" / "cpu" / "lesson.txt").exists()


# Transcripts and the data that they were made on


@pytest.fixture
def on_images(light, tmp_path):
    """A section that reads CIFAR-10; .on(data) runs commands where the images are named so."""
    light.script(
        "lesson",
        """
        # %% first
        print("no data", 7)

        # %% images
        from torchvision.datasets import CIFAR10

        images = open("data/cifar-10-batches-py/" + CIFAR10.meta["filename"]).read()
        print(images, "images")

        # %% below
        print("accuracy", len(images) / 10, "of", "cat")
        """,
    )
    folder = light.root / "light" / "torchvision"
    folder.mkdir(parents=True)
    (folder / "datasets.py").write_text(
        'class CIFAR10: train_list, test_list, meta = [], [], {"filename": "batches.meta"}\n'
    )
    return light


def run_on(sample, images: dict, name: str, *command: str):
    """Run a command where the folder of images is of this name; `images`: its content."""
    import hashlib
    import json

    folder = sample.root.parent / f"images-{name}"
    files = folder / "cifar-10-batches-py"
    files.mkdir(parents=True, exist_ok=True)
    md5 = {}
    for file in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]:
        (files / file).write_text(images[name])
        md5[file] = hashlib.md5((files / file).read_bytes()).hexdigest()
    (folder / "checksums.json").write_text(json.dumps({"name": name, "md5": md5}))
    return sample.do(*command, CIFAR10_DIR=str(folder))


IMAGES = {"CIFAR-10": "50000", "CIFAR-10 (JPEG copy)": "50001", "drawn stand-in": "99"}


def test_on_other_images_only_the_form_is_compared(on_images):
    assert run_on(on_images, IMAGES, "CIFAR-10", "tutorial", "outputs").returncode == 0
    for name in IMAGES:
        done = run_on(on_images, IMAGES, name, "pytest", "snippets")
        assert counts(done) == {"passed": 3}, done.stdout
    wordy = IMAGES | {"drawn stand-in": "many"}
    done = run_on(on_images, wordy, "drawn stand-in", "pytest", "snippets")
    assert counts(done) == {"failed": 1, "passed": 2}
    assert "+many images" in report(done, "images")
    moved = IMAGES | {"CIFAR-10": "50009"}  # on the same images no number may
    done = run_on(on_images, moved, "CIFAR-10", "pytest", "snippets")
    assert counts(done) == {"failed": 1, "passed": 2}
    assert "+50009 images" in report(done, "images")


def test_without_the_images_only_changed_cells_are_rewritten_and_marked(on_images):
    path = on_images.root / "outputs" / "cpu" / "lesson.txt"
    run_on(on_images, IMAGES, "CIFAR-10", "tutorial", "outputs")
    before = Transcript.read(path)
    done = run_on(on_images, IMAGES, "drawn stand-in", "tutorial", "outputs")
    assert "lesson.txt: the same" in done.stdout
    on_images.edit("snippets/lesson.py", '"of", "cat")', '"for", "cat")')
    done = run_on(on_images, IMAGES, "drawn stand-in", "tutorial", "outputs")
    assert "lesson.txt: rewritten" in done.stdout
    after = Transcript.read(path)
    assert after.facts == before.facts and after.facts["data"] == "CIFAR-10"
    assert [name for name, entry in after.cells.items() if entry.stand_in] == ["below"]
    assert after.cells["below"].text == "accuracy 0.2 for cat"
    assert after.cells["images"] == before.cells["images"]
    # With the images: a warning, in form; a note in `make check`; and it is not published.
    done = run_on(on_images, IMAGES, "CIFAR-10", "pytest", "snippets")
    assert counts(done) == {"passed": 3, "warning": 1}
    assert "below: was recorded on the stand-in; make outputs SECTIONS=lesson" in done.stdout
    said = "outputs/cpu/lesson.txt: recorded on the drawn stand-in: below"
    done = on_images.do("tutorial", "check")
    assert done.returncode == 0 and f"note: {said}" in done.stderr
    assert said in on_images.do("tutorial", "assemble", "--publish").stderr
    assert said not in on_images.do("tutorial", "assemble").stderr
    done = run_on(on_images, IMAGES, "CIFAR-10", "tutorial", "outputs")
    entry = Transcript.read(path).cells["below"]
    assert (entry.text, entry.stand_in) == ("accuracy 0.5 for cat", False)


def test_a_transcript_of_other_code_is_told_without_a_run(light):
    light.script("lesson", "# %% one\nprint(1)\n\n# %% two\nprint(2)\n")
    assert light.do("tutorial", "outputs").returncode == 0
    assert light.do("tutorial", "outputs", DEVICE="cuda", LIGHT_GPU="Light 1").returncode == 0
    assert light.do("tutorial", "check").returncode == 0
    light.edit("snippets/lesson.py", "print(2)", "print(1 + 1)")
    done = light.do("tutorial", "check")
    said = "lesson.txt: is of other code than snippets/lesson.py: two; make outputs SECTIONS=lesson"
    assert done.returncode == 1
    assert f"outputs/cpu/{said}\n" in done.stderr
    assert f"note: outputs/cuda/{said} DEVICE=cuda" in done.stderr
    assert light.do("tutorial", "outputs").returncode == 0
    done = light.do("tutorial", "check")  # another device's is no fault: it may not be at hand
    assert done.returncode == 0 and f"note: outputs/cuda/{said}" in done.stderr
    left = light.root / "outputs" / "cuda" / "old_name.txt"
    shutil.copy(light.root / "outputs" / "cuda" / "lesson.txt", left)
    done = light.do("tutorial", "check")
    assert done.returncode == 1
    assert "outputs/cuda/old_name.txt: no script is named so; delete it" in done.stderr


# A training that has gone bad

RECIPE = """
# %% train recipe="small"
import os


class Numbers(list):
    def argmax(self, dim):
        return Numbers(self)

    def tolist(self):
        return list(self)


right = int(os.environ["RIGHT"])
test_logits, test_labels = Numbers([1] * right + [0] * (100 - right)), Numbers([1] * 100)
other = "ATEN_CPU_CAPABILITY" in os.environ or os.environ["OMP_NUM_THREADS"] == "2"
print(f"accuracy {(right - other) / 100:.2f}")
"""


@pytest.mark.parametrize(
    ("right", "sd", "data", "what"),
    [
        (60, 0.001, "", ""),
        (61, 0.001, "", ""),  # two points are always allowed
        (63, 0.001, "", "error"),
        (57, 0.001, "", "error"),
        (63, 0.01, "", ""),
        (65, 0.01, "", "error"),
        (90, 0.01, "CIFAR-10", "note"),
    ],
)
def test_an_accuracy_outside_what_the_seeds_let_expect_fails(light, right, sd, data, what):
    import json

    light.script("lesson", RECIPE.replace("torch", ""))
    assert light.do("tutorial", "outputs", RIGHT="60").returncode == 0
    spread = {"mean": 0.6, "sd": sd, "min": 0.5, "max": 0.7, "values": [0.5, 0.7]}
    times = {"median": 1.0, "min": 1.0, "max": 1.0, "values": [1.0, 1.0]}
    known = dict.fromkeys(results.TEXTS, "") | {"data": data, "seeds": [0, 1], "threads": 1}
    known |= {"confusion": [[], []]}
    measured = {"small": known | {"accuracy": spread, "classes": {}, "seconds": times}}
    path = light.root / "outputs" / "cpu" / "results.json"
    path.write_text(json.dumps({"recipes": measured}))
    shutil.rmtree(light.root / "build")
    done = light.do("pytest", "snippets", RIGHT=str(right))
    said = f"recipe small reached {right}.0%, but outputs/cpu/results.json has 60.0% ± "
    expected = {"": {"passed": 1}, "error": {"failed": 1}, "note": {"passed": 1, "warning": 1}}
    assert counts(done) == expected[what], done.stdout
    assert (said in done.stdout.replace("\n", " ")) == bool(what)
    if what == "error":
        assert "make results RECIPES=small" in report(done, "train")


def test_transcripts_of_an_accelerator_say_which_one_when_and_how_long(light):
    light.script("lesson", "# %% one\nprint(1)\n\n# %% two\nimport time\n\ntime.sleep(0.2)\n")
    done = light.do("tutorial", "outputs", DEVICE="cuda", LIGHT_GPU="Light 1")
    assert "outputs/cuda/lesson.txt: rewritten" in done.stdout
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
    assert "outputs/cuda/lesson.txt: the same" in done.stdout
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


def test_a_selected_cell_fails_where_the_failed_one_that_it_needs_was_not_selected(light):
    light.script("lesson", "# %% one\nprint(1)\n\n# %% two\nx = 1 / 0\n\n# %% three\nprint(x)\n")
    script = "snippets/lesson.py"
    for chosen in (["three"], ["one", "three"]):
        done = light.do("pytest", "-q", *(f"{script}::{name}" for name in chosen))
        assert done.returncode == 1, done.stdout
        assert "snippets/lesson.py:5: cell two" in done.stdout
        assert "ZeroDivisionError" in done.stdout
