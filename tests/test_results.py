"""Recipes are measured over seeds; what is written, where, and when it is shown no more."""

import json
import os
import signal
import statistics
import textwrap
import time
from pathlib import Path

import pytest

from tutorial import TutorialError
from tutorial.__main__ import main
from tutorial.data import cifar10
from tutorial.lesson.project import Project
from tutorial.page import results_page
from tutorial.record import results
from tutorial.record.results import Results
from tutorial.run.runner import Runner

# Tensors of the kind that a recipe leaves behind, for kernels with the light torch. With seed s,
# 5 + s of 10 answers are right: 3 of 5 for "cat" at least, and all of the others.
SCRIPT = '''
"""Two recipes."""

# %% imports
import torch



class Column(list):
    def tolist(self):
        return list(self)


class Logits(list):
    shape = (10, 2)

    def argmax(self, dim):
        print("printed while the outcome is read")
        return Column(row.index(max(row)) for row in self)


def logits_with(right):
    rows = [[1.0, 0.0]] * 5 + [[0.0, 1.0]] * 5
    wrong = [row[::-1] for row in rows[right:]]
    return Logits(rows[:right] + wrong)


test_labels = Column([0] * 5 + [1] * 5)

# %% names
classes = ["cat", "dog"]  # read when a recipe has ended, and by no cell

# %% aside
raise SystemExit("no recipe takes this cell")

# %% fast recipe="fast"
torch.manual_seed(0)  # 0: not this one, torch.manual_seed(0)
name = "é torch.manual_seed(0)"; net = torch.seeds[-1]
test_logits = logits_with(5 + net)
seconds = 2.0 + net

# %% slow-net
pass

# %% slow-start
torch.manual_seed(0)
answers = 9 - torch.seeds[-1]

# %% slow recipe="slow" since="slow-start"
test_logits = logits_with(answers)
seconds = 40.0
'''


@pytest.fixture
def measured(light):
    light.script("lesson", SCRIPT)
    return light


def committed(sample, device="cpu") -> dict:
    return json.loads((sample.root / "outputs" / device / "results.json").read_text())["recipes"]


@pytest.fixture
def here(light, monkeypatch):
    """Run commands for the light sample in this process."""
    for name, value in light.environment(DEVICE="cpu").items():
        monkeypatch.setenv(name, value)
    return light


def test_every_recipe_is_measured_with_seeds_of_its_own(measured):
    done = measured.do("tutorial", "results")
    assert done.returncode == 0, done.stderr
    assert "2 measured, 0 failed" in done.stdout
    fast, slow = committed(measured)["fast"], committed(measured)["slow"]
    assert fast["seeds"] == slow["seeds"] == [0, 1, 2, 3, 4]
    assert fast["accuracy"]["values"] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert slow["accuracy"]["values"] == [0.9, 0.8, 0.7, 0.6, 0.5]
    assert fast["classes"]["cat"]["values"] == [1, 1, 1, 1, 1]
    assert fast["classes"]["dog"]["values"] == [0, 0.2, 0.4, 0.6, 0.8]
    assert [matrix[1] for matrix in fast["confusion"]] == [[5 - n, n] for n in range(5)]
    assert fast["seconds"] == {
        "median": 4.0,
        "min": 2.0,
        "max": 6.0,
        "values": [2.0, 3.0, 4.0, 5.0, 6.0],
    }
    assert (fast["script"], fast["cell"], fast["torch"]) == (
        "snippets/lesson.py",
        "fast",
        "0.light",
    )
    assert fast["device"] and fast["threads"] and fast["python"] and fast["date"]


def test_spread_is_that_of_a_sample():
    values = [0.571, 0.562, 0.58, 0.57, 0.5749]
    found = results.spread(values)
    mean = sum(values) / 5
    by_hand = (sum((value - mean) ** 2 for value in values) / 4) ** 0.5
    assert found["sd"] == round(by_hand, 4) != round(statistics.pstdev(values), 4)
    assert (found["mean"], found["min"], found["max"]) == (0.5716, 0.562, 0.58)


def test_times_have_three_digits_and_the_median():
    assert results.times([12.34567, 0.0123456, 1234.5]) == {
        "median": 12.3,
        "min": 0.0123,
        "max": 1230.0,
        "values": [12.3, 0.0123, 1230.0],
    }


@pytest.fixture
def seeds():
    """Seeds over a namespace, while torch.manual_seed is theirs."""
    import torch

    from tutorial.run.seeds import Seeds

    usual = torch.manual_seed
    yield lambda **names: Seeds(names)
    torch.manual_seed = usual


def test_the_outcome_is_read_from_real_tensors(seeds):
    import torch

    torch.manual_seed(0)
    logits, labels = torch.randn(60, 3), torch.arange(3).repeat(20)
    names = {"test_logits": logits, "test_labels": labels, "classes": ["a", "b", "c"]}
    outcome = seeds(**names, seconds=torch.tensor(2.5)).outcome()
    right = logits.argmax(dim=1) == labels
    assert outcome["accuracy"] == pytest.approx(right.float().mean().item())
    assert outcome["classes"]["b"] == pytest.approx(right[labels == 1].float().mean().item())
    assert outcome["seconds"] == 2.5
    with pytest.raises(ValueError, match="59 rows of test_logits, 60 test_labels"):
        seeds(**names | {"test_logits": logits[1:]}, seconds=1.0).outcome()


def test_a_seed_is_an_offset_and_gives_the_numbers_that_the_written_seed_would_give(seeds):
    import torch

    torch.manual_seed(3)
    written = torch.rand(4)
    repeated = seeds()
    repeated.begin(3)
    torch.manual_seed(0)
    assert torch.rand(4).equal(written)
    assert repeated.calls == 1


def test_a_network_trained_further_by_every_seed_is_noticed(seeds):
    import torch
    from torch import nn

    repeated = seeds(net=nn.Linear(2, 2), other=nn.Linear(2, 2), lazy=nn.LazyLinear(2))
    repeated.namespace |= {"classes": ["a"], "seconds": 1.0}
    repeated.namespace |= {"test_logits": torch.ones(1, 1), "test_labels": torch.zeros(1).int()}
    assert repeated.outcome()["trained_further"] == []
    repeated.namespace["other"] = nn.Linear(2, 2)  # a new one under an old name
    with torch.no_grad():
        repeated.namespace["net"].weight += 1
    assert repeated.outcome()["trained_further"] == ["net"]


def test_a_recipe_that_trains_what_was_made_before_it_is_refused(measured):
    measured.edit(
        "snippets/lesson.py",
        "# %% slow-net\npass",
        """# %% slow-net
class Net:
    weight = 0.0

    def parameters(self): ...

    def state_dict(self):
        return {"weight": self}

    def sum(self):
        return self.weight


model = Net()""",
    )
    measured.edit("snippets/lesson.py", "answers = 9", "model.weight += 1\nanswers = 9")
    done = measured.do("tutorial", "results", "slow")
    assert done.returncode == 1
    place = measured.place("snippets/lesson.py", 'recipe="slow"')
    assert f"{place}: recipe slow trains model, which a cell before slow-start makes" in done.stderr


def recipes_of(tmp_path, text):
    path = tmp_path / "snippets" / "lesson.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return results.recipes(Project(tmp_path.resolve()))


def test_a_recipe_that_sets_no_seed_is_refused(measured):
    measured.edit("snippets/lesson.py", "# %% slow-start\ntorch.manual_seed(0)", "# %% slow-start")
    done = measured.do("tutorial", "results", "slow")
    assert done.returncode == 1
    place = measured.place("snippets/lesson.py", 'recipe="slow"')
    assert f"{place}: recipe slow calls no torch.manual_seed(0) from cell slow-st" in done.stderr
    assert not (measured.root / "outputs" / "cpu").exists()


@pytest.mark.parametrize(
    ("marker", "says"),
    [
        ('recipe="One"', "snippets/lesson.py:1: recipe='One' must be the training"),
        ('since="one"', "snippets/lesson.py:1: since= needs recipe="),
        ('recipe="one" since="two"', "snippets/lesson.py:1: since='two' names no cell above one"),
    ],
)
def test_a_marker_line_that_is_no_recipe_is_refused(tmp_path, marker, says):
    with pytest.raises(TutorialError) as told:
        recipes_of(tmp_path, f"# %% one {marker}\ntorch.manual_seed(0)\n\n# %% two\npass\n")
    assert says in str(told.value)


def test_recipe_names_are_unique_in_scripts_and_benchmarks(measured):
    folder = measured.root / "benchmarks"
    folder.mkdir()
    (folder / "plain.py").write_text("import sys\n")  # no recipe: not read as a script of cells
    (folder / "extra.py").write_text(
        '# %% one recipe="extra"\nimport torch\ntorch.manual_seed(0)\n'
    )
    assert list(results.recipes(measured.project)) == ["fast", "slow", "extra"]
    (folder / "extra.py").write_text('# %% one recipe="fast"\nimport torch\ntorch.manual_seed(0)\n')
    first = measured.place("snippets/lesson.py", 'recipe="fast"')
    with pytest.raises(TutorialError) as told:
        results.recipes(measured.project)
    assert str(told.value) == (
        f"benchmarks/extra.py:1: a recipe named fast ends at {first} already"
    )


def test_a_benchmark_is_measured_and_named_where_it_lies(measured):
    folder = measured.root / "benchmarks"
    folder.mkdir()
    text = SCRIPT.replace('"fast"', '"extra"').replace('recipe="slow" since="slow-start"', "")
    (folder / "extra.py").write_text(text)
    done = measured.do("tutorial", "results", "extra")
    assert done.returncode == 0, done.stderr
    assert committed(measured)["extra"]["script"] == "benchmarks/extra.py"


def test_the_options_change_no_fingerprint(measured):
    before = measured.project.sections["lesson"].fingerprints("cpu")
    measured.edit("snippets/lesson.py", ' recipe="slow" since="slow-start"', "")
    assert measured.project.sections["lesson"].fingerprints("cpu") == before


def test_only_named_recipes_are_measured_again(measured):
    assert measured.do("tutorial", "results").returncode == 0
    path = measured.root / "outputs" / "cpu" / "results.json"
    known = json.loads(path.read_text())
    known["recipes"]["fast"]["date"] = known["recipes"]["slow"]["date"] = "2000-01-01"
    known["recipes"]["gone"] = known["recipes"]["fast"]
    path.write_text(json.dumps(known))
    done = measured.do("tutorial", "results", "slow", "--seeds", "6")
    assert done.returncode == 0, done.stderr
    now = committed(measured)
    assert now.keys() == {"fast", "slow"}  # no script has "gone" any more
    assert now["fast"]["date"] == "2000-01-01" != now["slow"]["date"]
    assert now["slow"]["seeds"] == [0, 1, 2, 3, 4, 5]


def test_fewer_seeds_are_not_committed(measured):
    done = measured.do("tutorial", "results", "--seeds", "4")
    assert done.returncode == 0, done.stderr
    assert "4 seeds are fewer than 5, therefore in build/results/cpu.json" in done.stdout
    assert not (measured.root / "outputs" / "cpu").exists()
    assert results.read(measured.root / "build" / "results" / "cpu.json").keys() == {"fast", "slow"}
    assert measured.do("tutorial", "results", "--seeds", "1").returncode == 1


@pytest.mark.parametrize("name", [cifar10.STAND_IN, "random weights (stand-in)"])
def test_what_a_stand_in_gives_is_not_committed(here, monkeypatch, capsys, name):
    here.script("lesson", SCRIPT)
    given = cifar10.Source(name, Path(), {})
    monkeypatch.setattr(Runner, "data_for", lambda self, needs: [given])
    assert main(["results", "fast"]) == 0
    assert (
        f"fast: measured on {name}, therefore in build/results/cpu.json" in capsys.readouterr().out
    )
    assert not (here.root / "outputs" / "cpu").exists()
    found = results.read(here.root / "build" / "results" / "cpu.json")
    assert found["fast"]["data"] == name


def test_real_data_are_committed_with_their_name(here, monkeypatch):
    here.script("lesson", SCRIPT)
    given = cifar10.Source("CIFAR-10 (JPEG copy)", Path(), {})
    monkeypatch.setattr(Runner, "data_for", lambda self, needs: [given])
    assert main(["results", "fast"]) == 0
    assert committed(here)["fast"]["data"] == "CIFAR-10 (JPEG copy)"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("answers = 9", "answers = undefined", "NameError"),
        ("test_logits = logits_with(answers)", "pass", "'test_logits' is not defined"),
        ("seconds = 40.0", "seconds = test_logits and seconds", "'seconds' is not defined"),
        ("seconds = 40.0", "seconds = 0", "seconds is 0"),
    ],
)
def test_a_recipe_that_fails_is_named_and_the_others_go_on(measured, old, new, says):
    measured.edit("snippets/lesson.py", old, new)
    done = measured.do("tutorial", "results")
    assert done.returncode == 1
    assert "1 measured, 1 failed" in done.stdout
    assert committed(measured).keys() == {"fast"}
    assert says in done.stderr
    line = new if says.endswith(("NameError", "'seconds' is not defined")) else 'recipe="slow"'
    assert measured.place("snippets/lesson.py", line) in done.stderr
    assert not list((measured.root / "build" / "results" / "work").iterdir())


def test_an_unknown_recipe_is_told_with_those_that_exist(measured):
    done = measured.do("tutorial", "results", "fats")
    assert done.returncode == 1
    assert "no recipe is called fats: there are fast, slow" in done.stderr


def test_code_that_a_recipe_takes_makes_its_result_stale(measured):
    assert measured.do("tutorial", "results").returncode == 0
    assert current(measured) == {"fast", "slow"}
    measured.edit("snippets/lesson.py", "seconds = 40.0", "seconds = 41.0")
    assert current(measured) == {"fast"}
    assert Results(measured.project).stale("cpu") == [
        "outputs/cpu/results.json: recipe slow was measured with other code;"
        " make results RECIPES=slow"
    ]
    measured.edit("snippets/lesson.py", "classes = [", "classes = 1 * [")
    assert current(measured) == set()


def test_check_notes_a_stale_result_that_no_page_uses(measured):
    assert measured.do("tutorial", "results").returncode == 0
    measured.edit("snippets/lesson.py", "seconds = 40.0", "seconds = 41.0")
    said = measured.do("tutorial", "check").stderr.splitlines()
    transcript, note = said  # the section has none, as one of its cells cannot run
    assert transcript.startswith("outputs/cpu/lesson.txt: there is no such transcript")
    assert note.startswith("note: outputs/cpu/results.json: recipe slow was measured with other")


def test_the_file_is_the_same_bytes_for_the_same_results(measured):
    assert measured.do("tutorial", "results").returncode == 0
    path = measured.root / "outputs" / "cpu" / "results.json"
    text = path.read_text()
    results.write(path, "fast", results.read(path)["fast"], {"fast", "slow"})
    assert path.read_text() == text
    assert '"values": [0.5, 0.6, 0.7, 0.8, 0.9]' in text
    assert text.index('"fast"') < text.index('"slow"')


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_keeps_what_is_measured_and_leaves_no_process(measured):
    measured.edit(
        "snippets/lesson.py",
        "answers = 9",
        "import os, pathlib, time\npathlib.Path('../../../../pid').write_text(str(os.getpid()))\n"
        "time.sleep(60)\nanswers = 9",
    )
    running = measured.start("tutorial", "results", "--jobs", "1")
    try:
        deadline = time.monotonic() + 60
        pid = measured.root / "build" / "pid"
        while not (pid.exists() and pid.read_text() and committed_yet(measured)):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "interrupted" in said and "Traceback" not in said
    assert committed(measured).keys() == {"fast"}
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def current(sample) -> set[str]:
    known = Results(sample.project)
    return {name for name in known.recipes if known.current(name)}


def committed_yet(sample) -> bool:
    return (sample.root / "outputs" / "cpu" / "results.json").exists()


def test_the_scale_of_the_picture_ends_where_accuracies_do():
    accuracy = {"mean": 0.99, "sd": 0.02, "min": 0.97, "max": 1.0, "values": [0.97, 1.0]}
    low = {"mean": 0.4, "sd": 0.01, "min": 0.39, "max": 0.41, "values": [0.39, 0.41]}
    rows = [
        results_page.Row(None, "", "cpu", {"accuracy": reached}, name)
        for name, reached in (("good", accuracy), ("poor", low))
    ]
    lines, x = results_page.scale(rows)
    assert lines[-1] == 100 and lines == sorted(lines)
    assert (x(lines[0]), x(101)) == (results_page.LEFT, results_page.RIGHT)


# A file that is not as it was written


def harmed(name: str):
    """The text of a results.json with one result in which one thing is wrong."""

    def text(result: dict) -> str:
        content = json.dumps({"recipes": {"fast": result}})
        wrong = {
            "cut off": content[: len(content) // 2],
            "empty": "",
            "null": "null",
            "a list": "[]",
            "no recipes": "{}",
            "not a result": json.dumps({"recipes": {"fast": None}}),
            "no mean": content.replace('"mean"', '"average"'),
            "NaN": content.replace('"sd": 0', '"sd": NaN, "old": 0'),
            "text for a number": content.replace('"median": ', '"median": "about 4", "old": '),
            "null for a text": content.replace('"data": ""', '"data": null'),
            "no classes": content.replace('"classes"', '"groups"'),
            "one seed": content.replace("[0, 1, 2, 3, 4]", "[0]"),
            "other seeds": content.replace("[0, 1, 2, 3, 4]", "[0, 1, 2, 3]"),
            "no threads": content.replace('"threads"', '"fibres"'),
            "more than all": content.replace('"mean": ', '"mean": 10'),
            "no time": content.replace('"median": ', '"median": 0, "old": '),
            "a huge number": content.replace('"sd": 0', f'"sd": {10**400}, "old": 0'),
            "no matrix of a seed": content.replace(
                '"confusion": [[[5, 0], [5, 0]], ', '"confusion": ['
            ),
            "a row too few": content.replace(
                '"confusion": [[[5, 0], [5, 0]]', '"confusion": [[[5, 0]]'
            ),
            "less than none": content.replace('"confusion": [[[5', '"confusion": [[[-5'),
            "brackets": "[" * 100_000,
        }[name]
        assert wrong != content
        return wrong

    return pytest.param(text, id=name)


HARMED = (
    *("cut off", "empty", "null", "a list", "no recipes", "not a result", "no mean", "NaN"),
    *("text for a number", "null for a text", "no classes", "one seed", "other seeds"),
    *("no threads", "more than all", "no time", "a huge number", "brackets"),
    *("no matrix of a seed", "a row too few", "less than none"),
)


@pytest.fixture(scope="module")
def one_result(new_light) -> dict:
    sample = new_light()
    sample.script("lesson", SCRIPT)
    assert sample.do("tutorial", "results", "fast").returncode == 0
    return committed(sample)["fast"]


@pytest.mark.parametrize("harm", list(map(harmed, HARMED)))
def test_results_that_cannot_be_read_are_told_with_a_remedy(tmp_path, one_result, harm):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"recipes": {"fast": one_result}}))
    assert results.read(path) == {"fast": one_result}
    path.write_text(harm(one_result))
    with pytest.raises(TutorialError, match=r"results\.json: holds no results .* git checkout"):
        results.read(path)


@pytest.mark.parametrize("place", ["outputs/cpu/results.json", "build/results/cpu.json"])
def test_a_damaged_file_is_told_before_anything_is_trained(measured, place):
    path = measured.root / place
    path.parent.mkdir(parents=True)
    path.write_text('{"recipes": {"fast": {"acc')
    done = measured.do("tutorial", "results")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().startswith(f"{place}: holds no results of recipes")
    assert path.read_text() == '{"recipes": {"fast": {"acc'
