"""Pretrained weights: the real file where it can be had, seeded random ones otherwise."""

import hashlib
import io
import os
import pickle
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from tutorial.data import weights
from tutorial.data.download import Limits

ENUM = "SqueezeNet1_1_Weights"  # the smallest file of all


@pytest.fixture
def server(tmp_path):
    """Serves tmp_path/www on this machine; its log of requests."""
    (tmp_path / "www").mkdir()
    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self):
            with suppress(OSError):  # a client that gives up, as it should
                if "slow" in self.path:
                    self.wfile.write(b"HTTP/1.0 200 OK\r\n")
                    for _ in range(200):
                        self.wfile.write(b"X")
                        time.sleep(0.1)
                super().do_GET()

        def log_message(self, form, *arguments):
            asked.append(arguments[0])

    handler = partial(Quiet, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{http.server_port}", asked=asked)
        http.shutdown()


def tensors() -> bytes:
    import torch  # not above: every worker imports every file of tests

    buffer = io.BytesIO()
    torch.save({"weight": torch.ones(2)}, buffer)
    return buffer.getvalue()


def offer(tmp_path, server, content=None, digits=None):
    """The address of a file whose name ends in digits of its SHA-256."""
    content = tensors() if content is None else content
    digits = digits or hashlib.sha256(content).hexdigest()[:8]
    name = f"net-{digits}.pth"
    (tmp_path / "www" / name).write_bytes(content)
    return f"{server.url}/{name}"


def provide(tmp_path, url):
    told = []

    def tell(text, done):
        if done is None:
            told.append(text)

    limits = Limits(connect_seconds=1.0)
    return weights.provide(tmp_path, {ENUM}, tell, lambda enum: url, limits), told


def test_the_real_file_is_fetched_once_and_put_where_torch_hub_looks(tmp_path, server):
    url = offer(tmp_path, server)
    for _ in range(2):
        provided, _ = provide(tmp_path, url)
        assert provided.name == weights.PRETRAINED
        file = provided.home / "hub" / "checkpoints" / url.rpartition("/")[2]
        assert file.read_bytes() == tensors()
    assert len(server.asked) == 1


def test_a_file_of_other_content_is_refused(tmp_path, server):
    provided, told = provide(tmp_path, offer(tmp_path, server, digits="00000000"))
    assert provided.name == weights.STAND_IN
    assert any("refused: its SHA-256 is" in text for text in told)
    assert not list((tmp_path / "build" / "torch" / "pretrained").rglob("*.pth"))


def test_without_a_network_seeded_random_weights_load_and_say_so(tmp_path, monkeypatch):
    nowhere = "http://127.0.0.1:9/squeezenet1_1-b8a52dc0.pth"
    provided, told = provide(tmp_path, nowhere)
    assert provided.name == weights.STAND_IN
    assert any("127.0.0.1:9" in text for text in told)
    monkeypatch.setenv("TORCH_HOME", str(provided.home))
    import torch
    import torchvision

    enum = getattr(torchvision.models, ENUM)
    loaded = torchvision.models.squeezenet1_1(weights=enum.DEFAULT)
    torch.manual_seed(0)
    drawn = torchvision.models.squeezenet1_1(weights=None)
    for name, parameter in loaded.state_dict().items():
        assert torch.equal(parameter, drawn.state_dict()[name])


def test_a_missing_network_is_remembered_for_a_day(tmp_path, monkeypatch, server):
    url = offer(tmp_path, server, digits="00000000")
    provide(tmp_path, url)
    provide(tmp_path, url)
    assert len(server.asked) == 1
    monkeypatch.setenv("WEIGHTS_RETRY", "1")
    provide(tmp_path, url)
    assert len(server.asked) == 2
    monkeypatch.delenv("WEIGHTS_RETRY")
    yesterday = time.time() - 25 * 3600
    os.utime(tmp_path / "build" / "torch" / "unreachable", (yesterday, yesterday))
    provide(tmp_path, url)
    assert len(server.asked) == 3


# What lies there is not trusted because of its name


class Harmful:
    def __reduce__(self):
        return os.mkdir, (os.environ["HARM"],)


def pickled() -> bytes:
    return pickle.dumps(Harmful(), protocol=2)


@pytest.mark.parametrize("how", ["truncated", "code", "another file"])
def test_a_file_of_the_right_name_is_not_used_if_it_is_not_that_file(
    tmp_path, server, monkeypatch, how
):
    monkeypatch.setenv("HARM", str(tmp_path / "harm"))
    url = offer(tmp_path, server)
    content = {"truncated": tensors()[:-100], "code": pickled(), "another file": b"text"}[how]
    file = tmp_path / "build/torch/pretrained/hub/checkpoints" / url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    provided, told = provide(tmp_path, url)
    assert provided.name == weights.PRETRAINED and file.read_bytes() == tensors()
    assert any(text.startswith("not used: ") and file.name in text for text in told)
    later = file.stat().st_mtime_ns + 10**9
    file.write_bytes(content)  # after it has been found right
    os.utime(file, ns=(later, later))
    provide(tmp_path, url)
    assert file.read_bytes() == tensors()
    assert not (tmp_path / "harm").exists()


def test_a_file_with_code_is_not_used_even_if_its_hash_is_right(tmp_path, server, monkeypatch):
    monkeypatch.setenv("HARM", str(tmp_path / "harm"))
    url = offer(tmp_path, server, pickled())
    provided, _ = provide(tmp_path, url)
    assert provided.name == weights.STAND_IN
    assert not (tmp_path / "harm").exists()


def test_damaged_random_weights_are_drawn_again(tmp_path):
    nowhere = "http://127.0.0.1:9/squeezenet1_1-b8a52dc0.pth"
    provided, _ = provide(tmp_path, nowhere)
    file = next(provided.home.rglob("*.pth"))
    size = file.stat().st_size
    os.truncate(file, size // 2)
    provide(tmp_path, nowhere)
    assert file.stat().st_size == size


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(tmp_path, server):
    url = offer(tmp_path, server).replace("/net", "/slow-net")
    provided, told = provide(tmp_path, url)
    assert provided.name == weights.STAND_IN
    assert any("timed out after 1 s" in text for text in told)


def test_a_damaged_memory_is_no_obstacle(tmp_path, server):
    url = offer(tmp_path, server)
    for text in ("", "[]", "{"):
        for name in ("files.json", "verified.json"):
            (tmp_path / "build" / "torch").mkdir(parents=True, exist_ok=True)
            (tmp_path / "build" / "torch" / name).write_text(text)
        assert provide(tmp_path, url)[0].name == weights.PRETRAINED
