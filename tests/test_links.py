"""Links: those within the site lead somewhere; those to elsewhere are listed and asked for."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from bs4 import BeautifulSoup

from tutorial.data import cifar10
from tutorial.lesson import files
from tutorial.lesson.project import Project
from tutorial.site import links

SITE = Project.find().site

ADDRESSES = ("href", "src", "srcset", "poster", "data", "action")


def links_of(page: BeautifulSoup):
    """(line, address) of all that a page names."""
    for element in page.find_all(True):
        for name in ADDRESSES:
            value = element.get(name)
            for part in [] if value is None else value.split(",") if name == "srcset" else [value]:
                yield element.sourceline, (part.split() or [""])[0]


def test_every_link_within_the_site_leads_somewhere():
    assert SITE.is_dir(), "there is no site to look at: make site"
    pages = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in SITE.rglob("*.html")
    }
    fragments = {
        path: {"", "top", *(element["id"] for element in page.find_all(id=True))}
        for path, page in pages.items()
    }
    home = pages[SITE / "index.html"].find("link", rel="canonical")["href"]
    origin = home.removesuffix("index.html")  # 404.html names all from there
    problems, named = [], set()
    for path, page in pages.items():
        base = origin + path.relative_to(SITE).as_posix()
        for line, link in links_of(page):
            named.add(link)
            address, fragment = urldefrag(urljoin(base, link))
            if not address.startswith(origin):
                continue
            file = address.removeprefix(origin).partition("?")[0]
            target = SITE / (unquote(file) or "index.html")
            place = f"{path.relative_to(SITE)}:{line}: {link}"
            if not target.is_file():
                problems.append(f"{place}: there is no such file")
            elif target in pages and unquote(fragment) not in fragments[target]:
                problems.append(f"{place}: the page has no such fragment")
    assert not problems, "\n".join(problems)
    # Of each kind at least one was looked at.
    for kind in ("programs/", "assets/figures/", "assets/sounds/", ".ipynb", ".py", "#"):
        assert any(kind in link for link in named), kind


ARCHIVE = b"\x1f\x8b" + bytes(98)


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self):
        way, _, name = self.path.rpartition("/")
        if name == "cifar.tar.gz?download=1":
            return self.archive(way)
        if self.path == "/drips":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
            with contextlib.suppress(OSError):  # the client gives up, as it should
                for _ in range(100):
                    self.wfile.write(b"1")
                    time.sleep(0.1)
            return None
        self.send_response({"/gone": 404, "/shy": 403}.get(self.path, 200))
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b'<h1 id="there">A page</h1>')

    def archive(self, way):
        if way == "/gone":
            return self.send_error(404)
        blob = {"/cut": ARCHIVE[:50], "/page": bytes(100)}.get(way, ARCHIVE)
        asked = self.headers["Range"] == "bytes=0-1" and way != "/whole"
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes 0-1/{len(blob)}")
            blob = blob[:2]
        self.send_header("Content-Length", str(len(blob)))
        self.end_headers()
        self.wfile.write(blob)

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere():
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def checked(sample, capsys, monkeypatch, body, archives=(), wait=20):
    """Exit code and what `make links` says of a site with this page."""
    monkeypatch.setenv("TUTORIAL_ROOT", str(sample))
    monkeypatch.setenv("no_proxy", "*")
    (sample / "build" / "site").mkdir(parents=True)
    (sample / "build" / "site" / "lesson.html").write_text(body, encoding="utf-8")
    code = links.main(cifar10.Settings(wait, urls=archives, size=len(ARCHIVE)))
    return code, *capsys.readouterr()


def test_a_dead_link_is_named_with_its_page(tmp_path, elsewhere, capsys, monkeypatch):
    paths = ("/", "/gone", "/shy", "/page#there", "/page#nowhere")
    body = "".join(f'<a href="{elsewhere}{path}">a</a>' for path in paths)
    code, out, err = checked(tmp_path, capsys, monkeypatch, body)
    assert code == 1
    assert err.splitlines() == [
        f"dead link: lesson.html: {elsewhere}/gone: Not Found",
        f"dead link: lesson.html: {elsewhere}/page#nowhere: the page has no #nowhere",
    ]
    assert f"200 {elsewhere}/page#there\n" in out and f"403 {elsewhere}/shy" in out


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    tmp_path, elsewhere, capsys, monkeypatch
):
    body = f'<a href="{elsewhere}/drips">a</a><a href="{elsewhere}/">b</a>'
    code, out, _ = checked(tmp_path, capsys, monkeypatch, body, wait=0.5)
    assert f"--- {elsewhere}/drips  (timed out after 1 s)" in out
    assert code == 1 and f"200 {elsewhere}/\n" in out


def test_living_links_are_no_failure(tmp_path, elsewhere, capsys, monkeypatch):
    code, out, err = checked(tmp_path, capsys, monkeypatch, f'<a href="{elsewhere}/">a</a>')
    assert (code, out, err) == (0, f"200 {elsewhere}/\n", "")


def test_without_a_network_the_links_are_listed(tmp_path, capsys, monkeypatch):
    body = '<a href="http://127.0.0.1:9/">a</a>'  # the port that discards: nobody answers
    code, out, err = checked(tmp_path, capsys, monkeypatch, body)
    assert (code, err) == (0, "")
    assert "--- http://127.0.0.1:9/" in out and "without a network" in out


def test_without_a_site_there_is_nothing_to_check(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TUTORIAL_ROOT", str(tmp_path))
    assert links.main() == 1
    assert "make site" in capsys.readouterr().err


def test_each_archive_of_cifar_10_is_asked_for_its_first_bytes(
    tmp_path, elsewhere, capsys, monkeypatch
):
    ways = {
        way: f"{elsewhere}/{way}/cifar.tar.gz?download=1"
        for way in ("official", "good", "whole", "gone", "cut", "page", "lab")
    }
    ways |= {"official": ways["gone"] + "#official", "silent": "http://127.0.0.1:9/cifar.tar.gz"}
    url = 'torchvision.datasets.CIFAR10.url = (\n    "{}"\n)\n'
    (tmp_path / "snippets" / "labs").mkdir(parents=True)
    (tmp_path / "snippets" / "a.py").write_text(url.format(ways["cut"]), encoding="utf-8")
    pieces = ways["lab"].replace("/lab/", '/lab/"\n    "')
    (tmp_path / "snippets" / "labs" / "b.py").write_text(url.format(pieces), encoding="utf-8")
    listed = [ways[way] for way in ("official", "good", "whole", "gone", "cut", "page", "silent")]
    code, out, err = checked(tmp_path, capsys, monkeypatch, "", listed)
    assert code == 1
    end = "; name another archive there"
    other = "not CIFAR-10's archive"
    *answered, silent = err.splitlines()
    assert silent.startswith(f"dead link: tutorial/data/cifar10.py: {ways['silent']}: ")
    assert answered == [
        f"dead link: tutorial/data/cifar10.py: {ways['gone']}: Not Found{end}",
        f"dead link: tutorial/data/cifar10.py, snippets/a.py: {ways['cut']}: {other}: 50 bytes that"
        f" begin with {ARCHIVE[:2]}{end}",
        f"dead link: tutorial/data/cifar10.py: {ways['page']}: {other}: 100 bytes that begin with"
        f" {bytes(2)}{end}",
    ]
    assert f"404 {ways['official']}  (Not Found)\n" in out, "CIFAR-10's own server is just listed"
    for way, status in (("good", 206), ("whole", 200), ("lab", 206)):
        assert f"{status} {ways[way]}\n" in out


def test_snippets_take_cifar_10_from_one_archive_that_the_runner_knows():
    found = links.archives(Project.find())
    (used,) = [url for url, places in found.items() if any("snippets/" in each for each in places)]
    assert used in cifar10.ARCHIVES[1:]
    folders = [Project.find().root / folder for folder in links.SCRIPTS]
    downloads = [
        Project.find().relative(script)
        for folder in folders
        for script in files.visible(folder, "**/*.py")
        if "CIFAR10(" in script.read_text(encoding="utf-8")
    ]
    assert sorted(found[used]) == sorted(["tutorial/data/cifar10.py", *downloads])
    assert len(downloads) >= 9
