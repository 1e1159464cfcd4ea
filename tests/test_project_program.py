"""The program of the lesson on projects, as a reader downloads it, run in an empty folder."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tutorial.lesson.project import Project

PROJECT = Project.find()
TRAIN = [sys.executable, "train.py", "images.pt"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The program alone, with some images that can be learnt."""
    import torch  # not above: every worker imports every file of tests

    folder = tmp_path_factory.mktemp("empty")
    (program,) = (PROJECT.site / "assets/files/cpu/project").glob("write-program.*.py")
    shutil.copyfile(program, folder / "train.py")
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (1500,), generator=generator)
    noise = torch.randint(100, (1500, 3, 32, 32), generator=generator)
    images = (noise + 15 * labels[:, None, None, None]).to(torch.uint8)
    parts = {"train": (images[:1400], labels[:1400]), "val": (images[1400:], labels[1400:])}
    torch.save(parts, folder / "images.pt")
    return folder


def run(folder: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run([*TRAIN, *options], cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def whole(folder) -> subprocess.CompletedProcess:
    done = run(folder, "--out", "whole")
    assert done.returncode == 0, done.stderr
    return done


def test_it_is_one_formatted_file_of_at_most_150_lines(folder):
    assert (folder / "train.py").read_text("utf-8").count("\n") <= 150
    for check in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length=72"]
        done = subprocess.run([*command, "train.py"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_killed_and_resumed_it_ends_with_the_same_bits(folder, whole):
    import torch

    command = [*TRAIN, "--out", "killed"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        process.kill()
    assert not (folder / "killed" / "weights.pt").exists(), "it was not interrupted"
    done = run(folder, "--out", "killed", "--resume")
    assert done.returncode == 0, done.stderr
    told, *epochs = done.stdout.splitlines()
    assert told.startswith("going on after epoch ")
    assert [first.rstrip(), *epochs[-2:]] == whole.stdout.splitlines()
    logs = [(folder / name / "log.csv").read_bytes() for name in ("whole", "killed")]
    assert logs[0] == logs[1] and logs[0].count(b"\n") == 4
    one, other = (torch.load(folder / name / "weights.pt") for name in ("whole", "killed"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_another_seed_gives_another_result(folder, whole):
    assert run(folder, "--out", "other", "--seed", "1").stdout != whole.stdout


def test_no_bar_is_drawn_where_nobody_watches(whole):
    assert whole.stderr == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--out", "whole"), "checkpoint.pt exists: --resume, or choose another --out"),
        (("--out", "whole", "--resume", "--epochs", "5"), "it was started with [3, 64, 0.05, 0]"),
        (("--epochs", "many"), "argument --epochs: invalid int value: 'many'"),
    ],
)
def test_what_it_refuses_is_told_in_one_line(folder, whole, options, says):
    done = run(folder, *options)
    assert done.returncode in (1, 2)
    assert done.stderr.splitlines()[-1].endswith(says) and "Traceback" not in done.stderr
