"""The offline copy: complete, the same bytes from the same site, and no page of it asks a host."""

import json
import os
import re
import shutil
import zipfile

import pytest

from tutorial.site import offline

PAGE = """\
<head><meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self' 'sha256-x' ; img-src 'self' data:; object-src 'none'"></head>
<p>See <a href="{up}learn-pytorch-offline.zip" download>the <b>zip</b></a> or <a href="{up}other.zip">another</a>.</p>
<script src="{up}assets/javascripts/bundle.a5f9.min.js"></script><script src="{up}assets/site.js"></script>
"""  # noqa: E501


@pytest.fixture(scope="module")
def bundle(built) -> dict[str, bytes]:
    """What the copy holds, by path."""
    with zipfile.ZipFile(built.site / "learn-pytorch-offline.zip") as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def test_the_copy_has_every_file_of_the_site_but_itself_and_those_for_servers(bundle, built):
    site = {path.relative_to(built.site).as_posix() for path in built.site.rglob("*.*")}
    assert {name.partition("/")[0] for name in bundle} == {"learn-pytorch-offline"}
    inside = {name.partition("/")[2] for name in bundle}
    assert site - inside == {
        "learn-pytorch-offline.zip", "404.html", "sitemap.xml", "sitemap.xml.gz"
    }  # fmt: skip
    assert inside - site == {
        "assets/javascripts/iframe-worker.js",
        "assets/offline.js",
        "assets/texts/basics.js",
        "search/search_index.js",
    }


def test_the_search_index_and_the_texts_are_scripts_with_what_the_site_has(bundle, built):
    def value(script: str, name: str):
        text = bundle[f"learn-pytorch-offline/{script}"].decode()
        assert text.startswith(f"var {name} = ")
        return json.loads(text.removeprefix(f"var {name} = "))

    index = json.loads((built.site / "search" / "search_index.json").read_text("utf-8"))
    assert value("search/search_index.js", "__index") == index
    texts = value("assets/texts/basics.js", "__texts")
    assert {"basics.md", "basics.py", "basics.ipynb"} <= texts.keys()
    assert any(name.startswith("programs/basics/") for name in texts)
    for name, text in texts.items():
        assert text == (built.site / name).read_text("utf-8")


def test_the_same_site_makes_the_same_bytes(built, tmp_path):
    shutil.copytree(built.site, tmp_path / "site")
    copy = tmp_path / "site" / "learn-pytorch-offline.zip"
    copy.write_bytes(b"of another site")
    for path in (tmp_path / "site").rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert offline.write(built.project, tmp_path / "site") == copy
    assert copy.read_bytes() == (built.site / copy.name).read_bytes()


@pytest.mark.parametrize(("name", "up"), [("index.html", ""), ("labs/tensors.html", "../")])
def test_a_page_of_the_copy_finds_its_scripts_and_allows_no_host(name, up):
    page = offline.offline_page(PAGE.format(up=up), name)
    scripts = re.findall(r'<script src="([^"]*)">', page)
    base = [os.path.normpath(os.path.join(os.path.dirname(name), script)) for script in scripts]
    assert [path.replace(os.sep, "/") for path in base] == [
        "assets/javascripts/iframe-worker.js",
        "assets/offline.js",
        "assets/javascripts/bundle.a5f9.min.js",
        "assets/site.js",
    ]
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy == (
        "default-src 'self' file:; script-src 'self' file: 'unsafe-inline';"
        " img-src 'self' data: file:; object-src 'none'"
    )
    # Its own address is not in it.
    assert "See the <b>zip</b> or" in page and f'<a href="{up}other.zip">' in page


def test_links_to_the_copy_tell_its_size_on_the_site_alone(built, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(PAGE.format(up=""))
    (site / "figure.webp").write_bytes(os.urandom(1_500_000))
    copy = offline.write(built.project, site)
    assert 1.5e6 < copy.stat().st_size < 1.55e6
    assert "the <b>zip</b></a> (1.5&nbsp;MB) or" in (site / "index.html").read_text()
    with zipfile.ZipFile(copy) as file:
        assert b"nbsp" not in file.read("learn-pytorch-offline/index.html")
