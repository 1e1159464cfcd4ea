"""What the page for teachers promises: a room without a network, the course's own texts, a plan."""

import hashlib
import re
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from nbformat.v4 import new_code_cell
from torchvision.models import ResNet18_Weights

from tests.notebooks import execute
from tutorial.data import cifar10, stand_in, weights
from tutorial.lesson import needs
from tutorial.lesson.project import Project
from tutorial.page import study_time
from tutorial.page.context import BuildContext
from tutorial.site import export

PROJECT = Project.find()
PAGE = (PROJECT.root / "docs" / "teach.md").read_text("utf-8")
ARCHIVE = "cifar-10-python.tar.gz"
WEIGHTS = ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
# What the page tells students to write, with the teacher's address in it.
(SERVER,) = set(re.findall(r"http://[\d.]+:8000", PAGE))
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.DOTALL)
(FETCH_WEIGHTS,) = [code for code in CODE if "load_state_dict_from_url" in code]
(NAME_ARCHIVE,) = re.findall(r"^torchvision\.datasets\.CIFAR10\.url = .*$", PAGE, re.M)
ITS_OWN = re.compile(r"^torchvision\.datasets\.CIFAR10\.url = \([^)]*\)$", re.M)


class Room:
    """A teacher's computer: a folder that `python -m http.server` hands out, and who asked."""

    def __init__(self, folder: Path):
        self.folder, asked = folder, set()

        class Handler(SimpleHTTPRequestHandler):
            def log_request(self, *_):
                asked.add(self.path)  # torchvision asks twice

        self.asked = asked
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def addressed(self, code: str) -> str:
        return code.replace(SERVER, self.address)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with an archive of few images, and the code that tells torchvision its MD5s."""
    folder = tmp_path_factory.mktemp("teacher")
    sums = stand_in.write(folder / "images", train=500, test=100)
    with tarfile.open(folder / ARCHIVE, "w:gz") as tar:
        tar.add(folder / "images" / cifar10.FOLDER, cifar10.FOLDER)
    sums[ARCHIVE] = hashlib.md5((folder / ARCHIVE).read_bytes()).hexdigest()
    own_archive = f"""
from torchvision.datasets import CIFAR10
sums = {sums}
CIFAR10.tgz_md5 = sums[{ARCHIVE!r}]
CIFAR10.train_list = [[name, sums[name]] for name, _ in CIFAR10.train_list]
CIFAR10.test_list = [[name, sums[name]] for name, _ in CIFAR10.test_list]
CIFAR10.meta = CIFAR10.meta | {{"md5": sums["batches.meta"]}}
"""
    return folder, own_archive


@pytest.fixture
def room(small):
    room = Room(small[0])
    yield room
    room.http.shutdown()
    room.http.server_close()


def notebook(room: Room, solved: bool = True):
    """The session's, with the teacher's address in place of the archive's own."""
    made = export.notebook(
        BuildContext(PROJECT), PROJECT.root / "docs" / "session.md", solved=solved
    )
    (data,) = [cell for cell in made.cells if ITS_OWN.search(cell.source)]
    data.source = ITS_OWN.sub(room.addressed(NAME_ARCHIVE), data.source)
    return made


def test_the_notebook_runs_in_a_room_with_no_network_but_the_teachers(
    small, room, tmp_path, monkeypatch
):
    home = weights.provide(PROJECT.root, {"ResNet18_Weights"}, lambda *_: None).home
    (room.folder / WEIGHTS).write_bytes((home / "hub" / "checkpoints" / WEIGHTS).read_bytes())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    # Binds no name that the cell on the page could use without an import of its own.
    before = f"%matplotlib agg\n__import__('torch').set_num_threads(1)\n{small[1]}"
    (tmp_path / "student").mkdir()
    session = notebook(room)
    session.cells.insert(0, new_code_cell(room.addressed(FETCH_WEIGHTS)))
    execute(session, tmp_path / "student", before)
    assert room.asked == {f"/{ARCHIVE}", f"/{WEIGHTS}"}


def load_data(folder: Path, before: str) -> subprocess.CompletedProcess:
    """Run the cell that loads the data, with what it needs, as a program."""
    program = needs.program(PROJECT.sections["session"], "data")
    return run(ITS_OWN.sub(before.replace("\\", r"\\"), program), folder)


def run(program: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, text=True, capture_output=True, timeout=300
    )


def test_another_archive_than_torchvisions_is_refused(room, tmp_path):
    done = load_data(tmp_path, room.addressed(NAME_ARCHIVE))
    assert room.asked == {f"/{ARCHIVE}"}
    assert "RuntimeError: File not found or corrupted." in done.stderr
    assert "File not found or corrupted" in " ".join(PAGE.split())


def test_an_archive_from_a_stick_is_found(small, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ARCHIVE).write_bytes((small[0] / ARCHIVE).read_bytes())
    nowhere = 'torchvision.datasets.CIFAR10.url = "http://127.0.0.1:9/nothing"'
    done = load_data(tmp_path, f"{small[1]}\n{nowhere}")
    assert "500 training images, 100 test images" in done.stdout, done.stderr


def test_weights_from_a_stick_are_found(tmp_path, monkeypatch):
    home = weights.provide(PROJECT.root, {"ResNet18_Weights"}, lambda *_: None).home
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    checkpoints = Path(torch.hub.get_dir(), "checkpoints")
    checkpoints.mkdir(parents=True)
    (checkpoints / WEIGHTS).write_bytes((home / "hub" / "checkpoints" / WEIGHTS).read_bytes())
    done = run(needs.program(PROJECT.sections["session"], "pretrained"), tmp_path)
    assert "parameters: 11,689,512" in done.stdout and "Downloading" not in done.stdout


def rows(text: str, columns: int) -> list[list[str]]:
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines if len(line) == columns]


def minutes_of_day(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


@pytest.mark.parametrize("columns", [6, 4], ids=["session", "two more"])
def test_each_plan_is_three_hours_without_a_gap(columns):
    plan = [row for row in rows(PAGE, columns) if re.fullmatch(r"\d:\d\d", row[0])]
    at = 0
    for start, _, minutes, *_ in plan:
        if minutes_of_day(start) == 0:
            assert at in (0, 180)
            at = 0
        assert minutes_of_day(start) == at, f"{start} in docs/teach.md"
        at += int(minutes)
    assert at == 180


def test_the_plan_is_that_of_the_session():
    lines = (PROJECT.root / "docs" / "session.md").read_text("utf-8")
    parts = {row[0]: int(row[1]) for row in rows(lines, 3) if row[1].isdigit()}
    assert len(parts) == 6 and sum(parts.values()) == 180


def test_what_is_run_before_the_break_needs_no_cell_of_another_part():
    section = PROJECT.sections["session"]
    lines = PROJECT.pages[PROJECT.root / "docs" / "session.md"]
    part = study_time.section(study_time.parts(lines), "4-a-classifier")
    first = [name.rpartition("::")[2] for heading in part for _, name in heading.fences][:3]
    assert first[-1] == "data"
    above = {cell.name for name in first for cell in needs.needed(section, name)}
    assert above <= {"versions", "imports", *first}


@pytest.mark.parametrize(
    ("name", "anchors"),
    [
        ("session", ["what-gets-a-gradient", "look-inside"]),
        ("text", ["sequences-of-unequal-length", "attention-and-its-masks"]),
    ],
)
def test_no_other_cell_needs_what_a_plan_leaves_out(name, anchors):
    section = PROJECT.sections[name]
    page = study_time.parts(PROJECT.pages[PROJECT.root / "docs" / f"{name}.md"])
    left_out = {
        named.rpartition("::")[2]
        for anchor in anchors
        for part in study_time.section(page, anchor)
        for _, named in part.fences
    }
    assert len(left_out) > 8
    others = [cell.name for cell in section.cells if cell.name not in left_out]
    needed = {cell.name for other in others for cell in needs.needed(section, other)}
    assert not needed & left_out


def test_the_plan_leaves_time_to_talk():
    """Nobody has to be faster in class than alone."""
    lines = PROJECT.pages[PROJECT.root / "docs" / "session.md"]
    page = study_time.parts(lines)
    for title, minutes, _ in rows("\n".join(lines), 3):
        if anchor := re.search(r"\(#([\w-]+)\)", title):
            assert study_time.minutes(study_time.section(page, anchor[1])) < int(minutes), title


def test_what_the_course_adds_is_in_the_notebook_and_its_comment_is_not(tmp_path, monkeypatch):
    own = tmp_path / "includes" / "course.md"
    own.parent.mkdir()
    own.write_text("<!-- how to\nuse it -->\n\n[Our slides](https://example.org)\n", "utf-8")
    assert export.included("includes/course.md", tmp_path) == "[Our slides](https://example.org)"
    for name in ("session", "teach"):
        text = (PROJECT.root / "docs" / f"{name}.md").read_text("utf-8")
        assert '--8<-- "includes/course.md"' in text
