"""Records brought from elsewhere: how the work is shared out, what is refused, what runs again."""

import json
import re
import shutil
import subprocess

import pytest

from tutorial import TutorialError
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


def test_the_key_of_a_cache_follows_the_code_of_its_sections(two):
    def key(name: str) -> str:
        return artifacts.key(two.project.choose([name]), "cpu")

    first, second = key("first"), key("second")
    assert re.fullmatch(r"[0-9a-f]{16}", first) and first != second
    two.edit("snippets/second.py", "and two", "and three")
    assert key("first") == first and key("second") != second


def test_each_section_is_in_one_share_and_long_ones_are_spread(light):
    for at in range(7):
        limit = 600 if at < 3 else 10
        light.script(f"section{at}", f"# %% one timeout={limit}\nprint({at})\n")
    shares = [artifacts.shard(light.project, f"{n}/3").split() for n in (1, 2, 3)]
    assert sorted(name for share in shares for name in share) == [f"section{at}" for at in range(7)]
    for share in shares:
        assert len({"section0", "section1", "section2"} & set(share)) == 1
    more = [artifacts.shard(light.project, f"{n}/9") for n in range(1, 10)]
    assert sorted(filter(None, more)) == sorted(light.project.sections)


@pytest.mark.parametrize("which", ["", "4", "0/4", "5/4", "a/b", "1/4 2/4"])
def test_a_share_that_there_is_not(light, which):
    with pytest.raises(TutorialError, match=r"SHARD=.*such as 2/4"):
        artifacts.shard(light.project, which)


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
    assert artifacts.problems(two.project, publish=False) == [] or harm is not stand_in
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


# What a change does ------------------------------------------------------------------------------


@pytest.fixture
def committed(two):
    """The project with its transcripts, committed."""
    assert two.do("tutorial", "outputs").returncode == 0

    def git(*command: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *command],
            cwd=two.root,
            check=True,
            capture_output=True,
        )

    git("init", "--quiet")
    git("add", "docs", "snippets", "outputs", "mkdocs.yml")
    git("commit", "--quiet", "-m", "a state")
    return two


def changes(sample, *options: str):
    done = sample.do("tutorial", "changes", *options)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_without_a_change_the_report_says_so(committed):
    done = changes(committed, "--strict", "--records", str(committed.root / "build"))
    assert done.returncode == 0
    assert "No transcript says anything else." in done.stdout
    assert "No picture looks different." in done.stdout


def test_a_changed_output_is_shown_as_a_diff(committed):
    committed.edit("snippets/first.py", "and two", "and three")
    assert committed.do("tutorial", "outputs").returncode == 0
    done = changes(committed, "--strict")
    assert done.returncode == 1
    assert "### `outputs/cpu/first.txt`\n\n`two`\n" in done.stdout
    assert "\n-and two\n+and three\n" in done.stdout
    assert "second.txt" not in done.stdout
    assert changes(committed).returncode == 0
    assert (committed.root / "build/changes/summary.md").read_text(encoding="utf-8") == done.stdout


def test_a_cell_that_is_new_gone_or_failed_is_named(committed):
    committed.edit("snippets/first.py", "# %% two\nprint('and two')".replace("'", '"'), "")
    committed.edit("docs/first.md", "```cell\nfirst.py::two\n```\n", "")
    assert committed.do("tutorial", "outputs").returncode == 0
    committed.edit("snippets/second.py", 'print("and two")', "raise ValueError('broken')")
    assert committed.do("tutorial", "run").returncode == 1
    done = changes(committed, "--strict")
    assert done.returncode == 1
    assert "`two` (removed)" in done.stdout
    assert "## Cells that failed\n\n`snippets/second.py::two` on cpu" in done.stdout
    assert "ValueError: broken" in done.stdout


def test_pictures_are_compared_and_shown_side_by_side(built, tmp_path):
    from PIL import Image, ImageDraw

    before = built.copy(tmp_path / "before", light=False)
    after = built.copy(tmp_path / "after", light=False)
    subprocess.run(["git", "init", "--quiet"], cwd=after.root, check=True)
    subprocess.run(["git", "add", "outputs"], cwd=after.root, check=True)
    commit = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a state"]
    subprocess.run(commit, cwd=after.root, check=True)
    records = ["--records", str(before.root / "build")]
    assert changes(after, "--strict", *records).returncode == 0
    record = json.loads((after.root / "build/cpu/basics/figure.json").read_text())
    path = after.root / "build" / "cpu" / "basics" / record["figures"][0]["light"]
    with Image.open(path) as image:
        changed = image.convert("RGBA")
    ImageDraw.Draw(changed).rectangle((50, 50, 350, 250), fill=(200, 30, 30, 255))
    changed.save(path, lossless=True)
    done = changes(after, "--strict", *records)
    assert done.returncode == 1
    assert re.search(r"- `basics/figure` on cpu: pixels differ by \d+\.\d of 255", done.stdout)
    page = (after.root / "build" / "changes" / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="([^"]+)"', page)
    assert len(shown) == 2 and all((after.root / "build/changes" / s).is_file() for s in shown)


def test_a_commit_that_there_is_not(committed):
    done = changes(committed, "--base", "nowhere")
    assert done.returncode == 1 and "BASE=nowhere: git knows no such commit" in done.stderr
