"""Where CIFAR-10 comes from: real servers on this machine, small files, every way to fail."""

import hashlib
import http.server
import io
import json
import os
import pickle
import random
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from tutorial import TutorialError
from tutorial.data import cifar10, stand_in

ROOT = Path(__file__).resolve().parent.parent
FILES = list(cifar10.OFFICIAL)


def md5(blob: bytes) -> str:
    return hashlib.md5(blob).hexdigest()


def batches(images: int = 4) -> dict[str, bytes]:
    """The seven files, with `images` random images in each batch."""
    noise = np.random.default_rng(0)
    content = {}
    for name in FILES[:-1]:
        data = noise.integers(0, 256, (images, 3072), dtype=np.uint8)
        content[name] = pickle.dumps(
            {"data": data, "labels": [index % 10 for index in range(images)]}
        )
    return content | {"batches.meta": pickle.dumps({"label_names": [*cifar10.CLASSES]})}


def archive(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, blob in content.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(blob)
            tar.addfile(member, io.BytesIO(blob))
    return buffer.getvalue()


# Heads of replies of servers that answer, and then do not do what they should.
HEADS = {
    "drips-head": b"200 OK\r\nX-Slow: ",
    "drips-chunk": b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "no-number": b"200 OK\r\nContent-Length: abc\r\n\r\n",
    "negative": b"200 OK\r\nContent-Length: -1\r\n\r\n",
    "no-http": b"???\r\n\r\n",
    "nowhere": b"302 Found\r\nLocation: http://a..b/\r\n\r\n",
    "other-scheme": b"302 Found\r\nLocation: gopher://127.0.0.1/\r\n\r\n",
}


class Server:
    """Serves one archive, in the way that a URL's last part asks for."""

    def __init__(self, blob: bytes):
        self.asked: list[str] = []
        self.let_go = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                way = self.path.rpartition("/")[2]
                server.asked.append(way)
                if way == "missing":
                    return self.send_error(404)
                if way == "silent":
                    server.let_go.wait(20)
                if way in HEADS:
                    return self.send(HEADS[way], way)
                body = bytes(len(blob)) if way == "wrong" else blob
                body = b"<html>log in first</html>" if way == "page" else body
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if way == "half":
                    body = body[: len(body) // 2]
                paces = {"slow": (1000, 0.05), "stuck": (1000, 0), "steady": (len(blob) // 8, 0.1)}
                step, pause = paces.get(way, (len(body), 0))
                try:
                    for start in range(0, len(body), step):
                        self.wfile.write(body[start : start + step])
                        if way == "stuck":
                            server.let_go.wait(20)
                        time.sleep(pause)
                except OSError:
                    pass  # the client gave up, as it should

            def send(self, head: bytes, way: str) -> None:
                """A head; where the way begins with `drip`, then bytes of it without an end."""
                self.wfile.write(b"HTTP/1.1 " + head)
                try:
                    while way.startswith("drip") and not server.let_go.wait(0.1):
                        self.wfile.write(b"1")
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, way: str) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/{way}"

    def close(self):
        self.let_go.set()
        self.http.shutdown()
        self.http.server_close()


class World:
    """A repository without data, a server, and what `provide` said."""

    def __init__(self, root: Path, server: Server):
        self.root, self.server, self.settings = root, server, SMALL_SETTINGS
        self.said: list[str] = []
        self.fractions: list[float] = []

    def archives(self, *ways: str, **settings):
        urls = tuple(way if "://" in way else self.server.url(way) for way in ways)
        self.settings = replace(SMALL_SETTINGS, urls=urls, **settings)
        return self

    def provide(self) -> cifar10.Source:
        self.said.clear()
        self.fractions.clear()
        return cifar10.provide(self.root, self.hear, self.settings)

    def hear(self, text, done):
        if done is None:
            self.said.append(text)
        else:
            self.fractions.append(done)

    def data(self) -> list[str]:
        return sorted(path.name for path in (self.root / "data").rglob("*") if path.is_file())

    def left_over(self) -> list[str]:
        return [path.name for path in (self.root / "build" / "cifar10").glob("partial*")]


SMALL = batches()
SMALL_MD5 = {name: md5(blob) for name, blob in SMALL.items()}
SMALL_ARCHIVE = archive(SMALL)
SMALL_SETTINGS = cifar10.Settings(
    urls=(),
    size=len(SMALL_ARCHIVE),
    md5=md5(SMALL_ARCHIVE),
    files=SMALL_MD5,
    connect_seconds=1.0,
    drawn=(50, 50),
)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.delenv("CIFAR10_DIR", raising=False)
    monkeypatch.delenv("CIFAR10_RETRY", raising=False)
    server = Server(SMALL_ARCHIVE)
    yield World(tmp_path / "repository", server)
    server.close()


PROVIDE = """
import json, sys
from pathlib import Path
from tutorial.data import cifar10
settings = cifar10.Settings(**json.loads(sys.argv[2]))
print(cifar10.provide(Path(sys.argv[1]), lambda text, done: None, settings).name)
"""


def process(world, way: str) -> subprocess.Popen:
    """Another Python that provides the same small data set to the same repository."""
    settings = json.dumps(asdict(world.archives(way).settings))
    command = [sys.executable, "-c", PROVIDE, str(world.root), settings]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def folder_with(place: Path, content: dict[str, bytes], name: str = "a copy") -> Path:
    (place / cifar10.FOLDER).mkdir(parents=True)
    for file, blob in content.items():
        (place / cifar10.FOLDER / file).write_bytes(blob)
    sums = {file: md5(blob) for file, blob in content.items()}
    (place / "checksums.json").write_text(json.dumps({"name": name, "md5": sums}))
    return place


def damage(path: Path):
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 2] ^= 1
    path.write_bytes(blob)


# Archives


def test_a_good_archive_ends_in_data(world):
    source = world.archives("good", "never").provide()
    assert source == cifar10.Source("CIFAR-10", world.root / "data", SMALL_MD5)
    assert source.name != cifar10.STAND_IN
    for name, blob in SMALL.items():
        assert (world.root / "data" / cifar10.FOLDER / name).read_bytes() == blob
    assert world.server.asked == ["good"] and not world.left_over()
    assert world.fractions == sorted(world.fractions) and world.fractions[-1] == 1
    assert world.provide() == source and world.server.asked == ["good"], "fetched again"


def test_an_archive_is_unpacked_by_a_python_without_filters(world, monkeypatch):
    def extractall(self, path=".", members=None, *, numeric_owner=False):
        """As of Python 3.11.2."""
        raise AssertionError("writes whatever the archive holds")

    monkeypatch.setattr(tarfile.TarFile, "extractall", extractall)
    assert world.archives("good").provide().name == "CIFAR-10"
    assert world.data() == sorted(FILES)


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("wrong", f"its MD5 is {md5(bytes(len(SMALL_ARCHIVE)))} instead of"),
        ("half", "broke off after"),
        ("page", "offers 25 bytes instead of"),
        ("missing", "Not Found"),
        ("silent", "timed out after 0.5 s"),
        ("stuck", "timed out"),
        ("drips-head", "timed out after 0.5 s"),
        ("drips-chunk", "timed out after 0.5 s"),
        ("no-number", "does not say how many bytes it offers (abc)"),
        ("negative", "does not say how many bytes it offers (-1)"),
        ("no-http", "???"),
        ("nowhere", "label empty or too long"),
        ("other-scheme", "not allowed"),
    ],
)
def test_a_source_that_fails_is_named_and_the_next_one_taken(world, way, reason):
    assert world.archives(way, "good", connect_seconds=0.5).provide().name == "CIFAR-10"
    assert len(world.said) == 1
    assert world.said[0].startswith(world.server.url(way) + ": ") and reason in world.said[0]
    assert world.data() == sorted(FILES) and not world.left_over()


def test_a_slow_source_is_given_up_with_its_rate(world):
    source = world.archives("slow", "slow", measure_seconds=0.3, patience_seconds=1.0).provide()
    assert source.name == cifar10.STAND_IN and world.server.asked == ["slow", "slow"]
    assert ["too slow" in line and "kB/s" in line for line in world.said[:2]] == [True, True]
    assert not world.data()


def test_a_slow_source_that_is_nearly_done_is_kept(world):
    world.archives("steady", measure_seconds=0.1, patience_seconds=60.0)
    assert world.provide().name == "CIFAR-10"


def test_an_exception_in_the_middle_leaves_nothing(world):
    def interrupt(text, done):
        if done:
            raise KeyboardInterrupt

    world.archives("steady")
    with pytest.raises(KeyboardInterrupt):
        cifar10.provide(world.root, interrupt, world.settings)
    assert not world.data() and not world.left_over()
    assert world.provide().name == "CIFAR-10", "an interrupt was remembered as a missing network"


def test_a_killed_process_leaves_nothing_half_made(world):
    victim = process(world, "stuck")
    half = world.root / "build" / "cifar10" / "partial" / "archive.tar.gz"
    deadline = time.monotonic() + 20
    while "stuck" not in world.server.asked or not half.exists():
        assert time.monotonic() < deadline and victim.poll() is None
        time.sleep(0.02)
    victim.kill()
    victim.communicate()
    assert half.exists() and not world.data()
    assert world.archives("good").provide().name == "CIFAR-10"
    assert world.data() == sorted(FILES) and not world.left_over()


def test_processes_at_the_same_time_fetch_once(world):
    others = [process(world, "steady") for _ in range(2)]
    assert [other.communicate(timeout=30)[0].strip() for other in others] == [b"CIFAR-10"] * 2
    assert world.server.asked == ["steady"]
    assert world.data() == sorted(FILES)


def test_a_process_that_waits_says_so(world):
    world.archives("good")
    waiting = threading.Thread(target=world.provide, daemon=True)
    with FileLock(world.root / "build" / "cifar10" / "lock"):
        waiting.start()
        waiting.join(0.5)
        assert world.said == ["waiting for another process that is fetching CIFAR-10"]
        assert not world.data()
    waiting.join(10)
    assert world.data() == sorted(FILES)


# data/ of the repository


def test_complete_data_is_used_without_a_question(world):
    folder_with(world.root / "data", SMALL)
    assert world.archives("good").provide().folder == world.root / "data"
    assert world.server.asked == [] and world.said == []


def test_broken_data_is_named_and_replaced(world):
    folder_with(world.root / "data", SMALL)
    damage(world.root / "data" / cifar10.FOLDER / "data_batch_3")
    assert world.archives("good").provide().name == "CIFAR-10"
    assert len(world.said) == 1 and "data_batch_3 has MD5" in world.said[0]
    assert (world.root / "data" / cifar10.FOLDER / "data_batch_3").read_bytes() == SMALL[
        "data_batch_3"
    ]
    assert not world.left_over()


# No network


def test_without_a_network_the_stand_in_is_drawn_and_each_source_named(world):
    closed = "http://127.0.0.1:9/cifar.tar.gz"
    world.archives(closed, "http://nowhere.invalid/cifar.tar.gz")
    source = world.provide()
    assert source.name == "drawn stand-in"
    assert world.said[0].startswith(closed) and "refused" in world.said[0]
    assert world.said[1].startswith("http://nowhere.invalid/")
    assert world.said[2].startswith("using the drawn stand-in")
    assert "CIFAR10_RETRY=1" in world.said[2] and len(world.said) == 3
    assert not world.data() and not world.left_over()
    listing = json.loads((source.folder / "checksums.json").read_text(encoding="utf-8"))
    assert listing == {"name": source.name, "md5": source.md5}


def test_the_missing_network_is_remembered_for_a_day(world, monkeypatch):
    first = world.archives("missing").provide()
    marker = world.root / "build" / "cifar10" / "unreachable"
    assert world.server.asked == ["missing"]
    assert world.provide() == first and world.server.asked == ["missing"]
    assert len(world.said) == 1 and "CIFAR10_RETRY=1" in world.said[0]
    for hours, asked in ((23.9, 1), (24.1, 2)):
        at = time.time() - hours * 3600
        os.utime(marker, (at, at))
        world.provide()
        assert len(world.server.asked) == asked
    monkeypatch.setenv("CIFAR10_RETRY", "1")
    world.provide()
    assert len(world.server.asked) == 3
    monkeypatch.delenv("CIFAR10_RETRY")
    marker.unlink()
    assert world.archives("good").provide().name == "CIFAR-10"


def test_the_stand_in_is_drawn_anew_when_damaged(world):
    first = world.archives("missing").provide()
    damage(first.folder / cifar10.FOLDER / "test_batch")
    again = world.provide()
    assert again == first and world.fractions, "nothing was drawn"
    assert (
        md5((again.folder / cifar10.FOLDER / "test_batch").read_bytes()) == first.md5["test_batch"]
    )


@pytest.mark.parametrize("text", ["", "[]", '{"md5": null}', '{"md5": {}}', '{"md5": [1]}'])
def test_the_stand_in_is_drawn_anew_when_its_list_is_damaged(world, text):
    first = world.archives("missing").provide()
    (first.folder / "checksums.json").write_text(text)
    assert world.provide() == first and world.fractions, "nothing was drawn"


# CIFAR10_DIR


def test_the_stand_in_can_be_asked_for_where_the_images_are_at_hand(world, monkeypatch):
    folder_with(world.root / "data", SMALL)
    assert world.archives("good").provide().name == "CIFAR-10"
    with monkeypatch.context() as given:
        given.setenv("CIFAR10_DIR", "stand-in")
        assert world.provide().name == cifar10.STAND_IN
    assert world.provide().name == "CIFAR-10" and not world.server.asked


@pytest.fixture
def copy(world, tmp_path, monkeypatch):
    folder = folder_with(tmp_path / "copy", batches(3), "CIFAR-10 (some copy)")
    monkeypatch.setenv("CIFAR10_DIR", str(folder))
    world.archives("good")
    return folder


def test_the_given_folder_comes_first(world, copy):
    folder_with(world.root / "data", SMALL)
    source = world.provide()
    assert (source.name, source.folder) == ("CIFAR-10 (some copy)", copy)
    assert source.md5["test_batch"] == md5(batches(3)["test_batch"])
    assert world.server.asked == []


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda copy: damage(copy / cifar10.FOLDER / "data_batch_4"), "data_batch_4 has MD5"),
        (lambda copy: (copy / cifar10.FOLDER / "test_batch").unlink(), "test_batch does not exist"),
        (lambda copy: (copy / "checksums.json").unlink(), "No such file"),
        (lambda copy: copy.rename(copy.with_name("moved")), "No such file"),
        (lambda copy: (copy / "checksums.json").write_text("{"), "seven MD5s"),
        (lambda copy: (copy / "checksums.json").write_text('{"name": "x", "md5": {}}'), "seven"),
        (lambda copy: (copy / "checksums.json").write_text("[1]"), "seven MD5s"),
    ],
)
def test_a_given_folder_that_is_not_sound_is_an_error(world, copy, harm, complaint):
    harm(copy)
    with pytest.raises(TutorialError) as caught:
        world.provide()
    message = str(caught.value)
    assert complaint in message and str(copy) in message and "unset CIFAR10_DIR" in message
    assert world.server.asked == [] and not world.data(), "another source was tried"


def test_a_file_that_changes_later_is_read_again(world, copy):
    world.provide()
    changed = copy / cifar10.FOLDER / "data_batch_1"
    later = changed.stat().st_mtime_ns + 10**9
    damage(changed)
    os.utime(changed, ns=(later, later))
    with pytest.raises(TutorialError, match="data_batch_1"):
        world.provide()


# Reaching the data from a working directory


def reachable(workdir: Path) -> dict[str, bytes]:
    return {name: (workdir / "data" / cifar10.FOLDER / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("allowed", ["symbolic links", "hard links", "copies"])
def test_link(world, tmp_path, monkeypatch, allowed):
    def refuse(*_, **__):
        raise OSError("not allowed")

    if allowed != "symbolic links":
        monkeypatch.setattr(Path, "symlink_to", refuse)
    if allowed == "copies":
        monkeypatch.setattr(os, "link", refuse)
    one = cifar10.Source("one", folder_with(tmp_path / "one", SMALL), SMALL_MD5)
    other = cifar10.Source("other", folder_with(tmp_path / "other", batches(3)), SMALL_MD5)
    workdir, place = tmp_path / "work", tmp_path / "work" / "data" / cifar10.FOLDER
    workdir.mkdir()
    cifar10.link(one, workdir)
    assert reachable(workdir) == SMALL
    assert place.is_symlink() == (allowed == "symbolic links")
    before = place.lstat().st_ino, place.lstat().st_ctime_ns
    cifar10.link(one, workdir)
    assert (place.lstat().st_ino, place.lstat().st_ctime_ns) == before, "linked again"
    cifar10.link(other, workdir)
    assert reachable(workdir) == batches(3)
    assert {
        name: (tmp_path / "one" / cifar10.FOLDER / name).read_bytes() for name in FILES
    } == SMALL


def test_linking_the_repository_to_itself_changes_nothing(tmp_path):
    source = cifar10.Source("CIFAR-10", folder_with(tmp_path / "data", SMALL), SMALL_MD5)
    cifar10.link(source, tmp_path)
    assert reachable(tmp_path) == SMALL and not (tmp_path / "data" / cifar10.FOLDER).is_symlink()


# torchvision


@pytest.fixture
def reader(monkeypatch):
    from torchvision.datasets import CIFAR10

    for name in ("train_list", "test_list", "meta"):
        monkeypatch.setattr(CIFAR10, name, getattr(CIFAR10, name))
    # instead of a download, which no test may start
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/must-not-be-asked")
    return CIFAR10


def test_the_official_md5s_are_those_of_torchvision(reader):
    listed = dict(reader.train_list + reader.test_list)
    assert listed | {reader.meta["filename"]: reader.meta["md5"]} == cifar10.OFFICIAL
    assert reader.tgz_md5 == cifar10.ARCHIVE_MD5 and reader.base_folder == cifar10.FOLDER
    assert cifar10.ARCHIVES[0].rpartition("/")[2] == reader.filename


def test_torchvision_opens_the_stand_in_only_once_it_is_taught(world, reader, tmp_path):
    source = world.archives("missing").provide()
    cifar10.link(source, tmp_path)
    root = str(tmp_path / "data")
    with pytest.raises(RuntimeError, match="corrupted"):
        reader(root, train=True)
    cifar10.teach_torchvision(source)
    train, test = reader(root, train=True, download=True), reader(root, train=False, download=True)
    assert (len(train), len(test)) == (50, 50) and train.classes == [*cifar10.CLASSES]
    image, label = test[0]
    number = int(pickle_of(source, "test_batch")["filenames"][0].split("_")[1].removesuffix(".png"))
    assert label == number % 10
    np.testing.assert_array_equal(np.asarray(image).transpose(2, 0, 1), stand_in.draw(1, number))


def pickle_of(source, name):
    return pickle.loads((source.folder / cifar10.FOLDER / name).read_bytes())


@pytest.mark.parametrize("name", ["data_batch_5", "test_batch", "batches.meta"])
def test_torchvision_refuses_a_changed_byte(reader, tmp_path, name):
    source = cifar10.Source("a copy", folder_with(tmp_path / "copy", SMALL), SMALL_MD5)
    cifar10.teach_torchvision(source)
    assert len(reader(str(source.folder), train=True)) == 20
    damage(source.folder / cifar10.FOLDER / name)
    with pytest.raises(RuntimeError, match="corrupted"):
        reader(str(source.folder), train=True)


def test_the_official_files_need_no_teaching(reader):
    before = reader.train_list, reader.test_list, reader.meta
    cifar10.teach_torchvision(cifar10.Source("CIFAR-10", ROOT, dict(cifar10.OFFICIAL)))
    assert all(
        a is b
        for a, b in zip(before, (reader.train_list, reader.test_list, reader.meta), strict=True)
    )


@pytest.fixture
def mirrored(reader, tmp_path, monkeypatch):
    """torchvision's class for the small archive, a mirror of that, and the data/ of a reader."""
    cifar10.teach_torchvision(cifar10.Source("small", tmp_path, SMALL_MD5))
    monkeypatch.setattr(reader, "tgz_md5", md5(SMALL_ARCHIVE))
    server = Server(SMALL_ARCHIVE)
    yield reader, server, tmp_path / "data"
    server.close()


def test_torchvision_takes_the_archive_from_a_mirror_whatever_its_address(mirrored):
    reader, mirror, data = mirrored
    reader.url = mirror.url("good?download=1")
    assert len(reader(data, train=True, download=True)) == 20
    assert (data / "cifar-10-python.tar.gz").read_bytes() == SMALL_ARCHIVE
    assert set(mirror.asked) == {"good?download=1"}


def test_torchvision_refuses_what_is_not_the_archive(mirrored):
    reader, mirror, data = mirrored
    reader.url = mirror.url("wrong")
    with pytest.raises(RuntimeError, match="File not found or corrupted"):
        reader(data, train=True, download=True)


def test_torchvision_takes_an_archive_that_was_put_in_place_by_hand(mirrored):
    reader, mirror, data = mirrored
    reader.url = mirror.url("good")
    data.mkdir()
    (data / "cifar-10-python.tar.gz").write_bytes(SMALL_ARCHIVE)
    assert len(reader(data, train=False, download=True)) == 4
    assert not mirror.asked


def test_readers_are_told_of_the_archive_that_torchvision_verifies(reader):
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    for told in (reader.tgz_md5, f"data/{reader.filename}", *cifar10.ARCHIVES[-2:]):
        assert told in text


# The module itself


def test_identity_changes_with_the_name_and_with_every_file():
    identities = {cifar10.Source("x", ROOT, SMALL_MD5).identity}
    identities.add(cifar10.Source("y", ROOT, SMALL_MD5).identity)
    for name in FILES:
        identities.add(cifar10.Source("x", ROOT, SMALL_MD5 | {name: "0" * 32}).identity)
    assert len(identities) == 2 + len(FILES)
    shuffled = random.Random(1).sample([*SMALL_MD5.items()], len(SMALL_MD5))
    assert cifar10.Source("x", Path("elsewhere"), dict(shuffled)).identity in identities


def test_importing_it_does_not_import_torch():
    program = (
        "import sys, tutorial.data.cifar10\n"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
