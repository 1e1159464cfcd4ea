"""Links: those within the site lead somewhere; those to elsewhere are listed and asked for."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tutorial.data import cifar10
from tutorial.lesson.project import Project
from tutorial.site import links

SITE = Project.find().site

HOME = """<html><head><link rel="canonical" href="https://a.example/lessons/index.html"></head>
<body id="here"><a href="#here">here</a> <a href="">top</a> <a href="two.html#caf%C3%A9">two</a>
<img srcset="one.webp 1x, two.webp 2x" src="one.webp"> <a href="labs/">labs</a>
<a href="https://elsewhere.example/a#b">a</a><a href="mailto:a@b.example">b</a></body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "index.html").write_text(HOME, encoding="utf-8")
    (tmp_path / "two.html").write_text('<h1 id="café">2</h1><a href="index.html">1</a>', "utf-8")
    missing = '<a href="/lessons/two.html">2</a> <a href="/lessons/three.html">3</a>'
    (tmp_path / "404.html").write_text(missing, encoding="utf-8")
    for name in ("one.webp", "two.webp"):
        (tmp_path / name).touch()
    return tmp_path


def test_every_link_within_the_site_leads_somewhere():
    assert SITE.is_dir(), "there is no site to look at: make site"
    problems = links.broken(SITE)
    assert not problems, "\n".join(problems)
    pages = links.pages_of(SITE)
    assert {"index.html", "404.html", "labs/tensors.html"} <= pages.keys()
    named = {link for page in pages.values() for _, link in page.links}
    # Of each kind at least one was looked at.
    for kind in ("programs/", "assets/figures/", "assets/sounds/", ".ipynb", ".py", "#"):
        assert any(kind in link for link in named), kind


def test_missing_files_and_fragments_are_named(site):
    (site / "index.html").write_text(HOME.replace('href="labs/"', 'href="#h"'), encoding="utf-8")
    (site / "two.webp").unlink()
    (site / "two.html").write_text('<a name="cafe"></a><script src="x.js"></script>', "utf-8")
    assert links.broken(site) == [
        "404.html:1: /lessons/three.html: the site has no file three.html",
        "index.html:2: two.html#caf%C3%A9: two.html has no #caf%C3%A9",
        "index.html:3: two.webp: the site has no file two.webp",
        "index.html:3: #h: index.html has no #h",
        "two.html:1: x.js: the site has no file x.js",
    ]


ARCHIVE = b"\x1f\x8b" + bytes(98)


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self):
        way, _, name = self.path.rpartition("/")
        if name == "cifar.tar.gz?download=1":
            return self.archive(way)
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


def checked(sample, capsys, monkeypatch, body, archives=()):
    """Exit code and what `make links` says of a site with this page."""
    monkeypatch.setattr(cifar10, "ARCHIVES", list(archives))
    monkeypatch.setattr(cifar10, "ARCHIVE_BYTES", len(ARCHIVE))
    monkeypatch.setenv("TUTORIAL_ROOT", str(sample))
    monkeypatch.setenv("no_proxy", "*")
    (sample / "build" / "site").mkdir(parents=True)
    (sample / "build" / "site" / "lesson.html").write_text(body, encoding="utf-8")
    code = links.main()
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
    (tmp_path / "snippets" / "labs" / "b.py").write_text(url.format(ways["lab"]), encoding="utf-8")
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
        for script in folder.rglob("*.py")
        if "CIFAR10(" in script.read_text(encoding="utf-8")
    ]
    assert sorted(found[used]) == sorted(["tutorial/data/cifar10.py", *downloads])
    assert len(downloads) >= 9
