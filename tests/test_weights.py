"""Pretrained weights: the real file where it can be had, seeded random ones otherwise."""

import hashlib
import os
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from tutorial.data import weights

ENUM = "SqueezeNet1_1_Weights"  # the smallest file of all


@pytest.fixture
def server(tmp_path):
    """Serves tmp_path/www on this machine; its log of requests."""
    (tmp_path / "www").mkdir()
    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, form, *arguments):
            asked.append(arguments[0])

    handler = partial(Quiet, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{http.server_port}", asked=asked)
        http.shutdown()


def offer(tmp_path, server, content=b"weights", digits=None):
    """The address of a file whose name ends in digits of its SHA-256."""
    digits = digits or hashlib.sha256(content).hexdigest()[:8]
    name = f"net-{digits}.pth"
    (tmp_path / "www" / name).write_bytes(content)
    return f"{server.url}/{name}"


def provide(tmp_path, url):
    told = []
    provided = weights.provide(
        tmp_path, {ENUM}, lambda text, _: told.append(text), url_of=lambda enum: url
    )
    return provided, told


def test_the_real_file_is_fetched_once_and_put_where_torch_hub_looks(tmp_path, server):
    url = offer(tmp_path, server)
    for _ in range(2):
        provided, _ = provide(tmp_path, url)
        assert provided.name == weights.PRETRAINED
        file = provided.home / "hub" / "checkpoints" / url.rpartition("/")[2]
        assert file.read_bytes() == b"weights"
    assert len(server.asked) == 1


def test_a_file_of_other_content_is_refused(tmp_path, server):
    provided, told = provide(tmp_path, offer(tmp_path, server, digits="00000000"))
    assert provided.name == weights.STAND_IN
    assert any("hash" in text for text in told)
    assert not list((tmp_path / "build" / "torch" / "pretrained").rglob("*.pth"))


def test_without_a_network_seeded_random_weights_load_and_say_so(tmp_path, monkeypatch):
    nowhere = "http://127.0.0.1:9/squeezenet1_1-b8a52dc0.pth"
    provided, told = provide(tmp_path, nowhere)
    assert provided.name == weights.STAND_IN
    assert any("127.0.0.1:9" in text for text in told)
    monkeypatch.setenv("TORCH_HOME", str(provided.home))
    import torch  # not above: every worker imports every file of tests
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
