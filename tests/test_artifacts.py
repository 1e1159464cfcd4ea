"""Records brought from elsewhere: what is refused, what runs again, which pictures have changed."""

import json
import re
import shutil

import pytest
from PIL import Image, ImageDraw

from tutorial.site import artifacts

EXECUTED = """\
# %% one
with open("{log}", "a") as log:
    print("{name}", file=log)
print("{name} says one")

# %% two
print("and two")
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Where the cells write down that they were executed."""
    return tmp_path_factory.mktemp("log") / "executed.txt"


@pytest.fixture(scope="module")
def ran(new_light, log):
    """A project of two sections that has been run. Do not change it."""
    sample = new_light()
    for name in ("first", "second"):
        sample.script(name, EXECUTED.format(log=log, name=name))
    run(sample)
    assert sorted(executed(log)) == ["first", "second"]
    return sample


@pytest.fixture
def two(ran, tmp_path):
    """A copy of it, with its records, to change."""
    return ran.copy(tmp_path / "two")


def executed(log) -> list[str]:
    """The sections that have been executed since this was last asked."""
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return names


def run(sample) -> str:
    done = sample.do("tutorial", "run")
    assert done.returncode == 0, done.stderr
    return done.stdout


def pull_request(sample, tmp_path):
    """A fresh checkout that has the cache of an older state and nothing else of its build/."""
    fresh = sample.copy(tmp_path / "pull request")
    shutil.rmtree(fresh.root / "build")
    shutil.copytree(sample.root / "build" / "cpu", fresh.root / "build" / "cpu")
    return fresh


def test_a_pull_request_that_changes_prose_executes_nothing(two, tmp_path, log):
    fresh = pull_request(two, tmp_path)
    with (fresh.root / "docs" / "first.md").open("a") as page:
        page.write("\nMore is said of it here.\n")
    assert "0 ran (0 cells), 2 reused (4 cells)" in run(fresh)
    assert executed(log) == []


def test_a_pull_request_that_changes_a_cell_executes_its_section_and_no_other(two, tmp_path, log):
    fresh = pull_request(two, tmp_path)
    fresh.edit("snippets/second.py", "and two", "and three")
    assert "1 ran (2 cells), 1 reused (2 cells)" in run(fresh)
    assert executed(log) == ["second"]


def stale(record):
    record["key"] = "0" * 64
    return "stale: made from other code than snippets/first.py:1"


def failed(record):
    record["failure"] = "snippets/first.py:2: it broke"
    return "the cell failed: snippets/first.py:2: it broke"


def mixed(record):
    record["environment"]["digest"] = "another"
    return "build/cpu/first: records of several runs"


def stand_in(record):
    record["data"] = "drawn stand-in"
    return "made with the drawn stand-in"


@pytest.mark.parametrize("harm", [stale, failed, mixed, stand_in])
def test_a_record_that_must_not_be_shown_is_refused(two, harm):
    path = two.root / "build" / "cpu" / "first" / "one.json"
    record = json.loads(path.read_text())
    said = harm(record)
    path.write_text(json.dumps(record))
    assert artifacts.problems(two.project) == [] or harm is not stand_in
    command = ["tutorial", "assemble"] + (["--publish"] if harm is stand_in else [])
    done = two.do(*command)
    assert done.returncode == 1
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not two.site.exists()


def test_a_record_that_is_missing_is_refused_and_sound_ones_make_a_site(two, log):
    assert two.do("tutorial", "assemble", "--publish").returncode == 0
    assert "second says one" in (two.site / "second.html").read_text(encoding="utf-8")
    assert executed(log) == [], "something was executed"
    (two.root / "build" / "cpu" / "second" / "two.json").unlink()
    done = two.do("tutorial", "assemble")
    assert done.returncode == 1
    assert re.search(r"build/cpu/second/two\.json: missing: snippets/second\.py:\d+", done.stderr)


# Pictures ----------------------------------------------------------------------------------------


def pictures(sample, others):
    done = sample.do("tutorial", "pictures", str(others))
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_pictures_that_differ_are_named_and_shown_side_by_side(built, tmp_path):
    before = built.root / "build"
    after = built.copy(tmp_path / "after", light=False)
    folder = after.root / "build" / "cpu" / "basics"
    shown = after.root / "build" / "pictures" / "index.html"
    shutil.copytree(folder, folder.with_name("basics.variant"))  # whose pictures no page shows
    assert pictures(after, before).stdout == "No picture looks different.\n"
    assert not shown.exists()

    (figure,) = folder.glob("figure-light.*.webp")
    with Image.open(figure) as image:
        changed = image.convert("RGBA")
    changed.resize((90, 60)).save(folder / "new-light.0a1b2c3d.webp", lossless=True)
    ImageDraw.Draw(changed).rectangle((50, 50, 350, 250), fill=(200, 30, 30, 255))
    figure.unlink()
    figure = folder / "figure-light.4e5f6a7b.webp"
    changed.save(figure, lossless=True)
    said = pictures(after, before).stdout.splitlines()
    assert re.fullmatch(
        r"- `cpu/basics/figure-light\.webp`: pixels differ by \d+\.\d of 255 on average", said[0]
    )
    assert said[1:] == ["- `cpu/basics/new-light.webp`: new"]
    images = re.findall(r'<img src="([^"]+)"', shown.read_text(encoding="utf-8"))
    assert images == [
        "before/cpu/basics/figure-light.webp",
        "after/cpu/basics/figure-light.webp",
        "after/cpu/basics/new-light.webp",
    ]
    assert all((shown.parent / image).is_file() for image in images)

    figure.unlink()
    assert "- `cpu/basics/figure-light.webp`: removed" in pictures(after, before).stdout


def test_a_folder_without_pictures_is_told(two, tmp_path):
    done = pictures(two, tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == f"{tmp_path}: there are no pictures to compare with"
