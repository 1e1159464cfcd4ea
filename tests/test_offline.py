"""The offline copy: complete, with what search and buttons read as scripts."""

import json
import os
import shutil
import zipfile

import pytest

from tutorial.site import offline


@pytest.fixture(scope="module")
def bundle(built) -> dict[str, bytes]:
    """What the copy holds, by path."""
    with zipfile.ZipFile(built.site / "learn-pytorch-offline.zip") as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def test_the_copy_has_every_file_of_the_site_but_itself_and_those_for_servers(bundle, built):
    site = {path.relative_to(built.site).as_posix() for path in built.site.rglob("*.*")}
    assert {name.partition("/")[0] for name in bundle} == {"learn-pytorch-offline"}
    inside = {name.partition("/")[2] for name in bundle if not name.endswith("/")}
    assert inside <= site
    assert site - inside == {
        "learn-pytorch-offline.zip", "404.html", "sitemap.xml", "sitemap.xml.gz"
    }  # fmt: skip
    for name in inside - {"index.html"}:  # which tells of the copy, and on the site of its size
        assert bundle[f"learn-pytorch-offline/{name}"] == (built.site / name).read_bytes()


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


def test_links_to_the_copy_tell_its_size(built, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(built.site, site, ignore=shutil.ignore_patterns("*.zip"))
    (site / "figure.webp").write_bytes(os.urandom(1_500_000))
    page = site / "index.html"
    page.write_text('<a href="learn-pytorch-offline.zip" download>the <b>zip</b></a>, or')
    size = offline.write(built.project, site).stat().st_size
    assert size > 1_500_000
    expected = f"the <b>zip</b></a> ({size / 1e6:.1f}&nbsp;MB), or"
    assert page.read_text(encoding="utf-8").endswith(expected)
