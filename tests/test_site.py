"""The site is put in place whole or not at all, and only when something has changed."""

import re
import socket
import threading
import time
import urllib.request

import pytest
from filelock import FileLock

from tutorial.__main__ import main
from tutorial.record import records
from tutorial.site import inputs

ZIP = "learn-pytorch-offline.zip"  # which holds the times of files


def content(folder) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_an_unchanged_site_is_neither_run_nor_built_again(built):
    before = [(file, file.stat().st_mtime_ns) for file in sorted(built.site.rglob("*"))]
    done = built.do("tutorial", "site")
    assert done.returncode == 0
    assert "0 ran (0 cells), 1 reused (8 cells)" in done.stdout
    assert re.search(r"^up to date: .*/build/site/index\.html", done.stdout, re.MULTILINE)
    assert [(file, file.stat().st_mtime_ns) for file in sorted(built.site.rglob("*"))] == before


def test_an_unchanged_site_is_told_without_loading_what_builds_it(built):
    done = built.do("tutorial", "site", PYTHONPROFILEIMPORTTIME="1")
    assert "\nup to date: " in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "tutorial.site.inputs" in loaded
    assert not loaded & {"bs4", "jinja2", "markdown", "mkdocs", "nbformat", "torch"}


def test_a_site_that_lacks_a_file_is_built_again(changeable):
    changeable.do("tutorial", "site")
    whole = content(changeable.site)
    (changeable.site / "basics.html").unlink()
    assert "\nbuilt: " in changeable.do("tutorial", "site").stdout
    assert content(changeable.site).keys() == whole.keys()
    (changeable.site / "basics.html").write_text("cut off")
    assert "\nbuilt: " in changeable.do("tutorial", "site").stdout
    assert "\nup to date: " in changeable.do("tutorial", "site").stdout


def test_of_two_builds_at_once_one_waits_for_the_other(changeable):
    changeable.edit("docs/basics.md", "quokka", "wombat")
    with FileLock(changeable.root / "build" / "site.lock"):
        both = [changeable.start("tutorial", "site") for _ in range(2)]
        for process in both:
            lines = iter(process.stdout.readline, "")
            assert any("waiting for another process that is building the site" in s for s in lines)
        assert "wombat" not in (changeable.site / "basics.html").read_text(encoding="utf-8")
    said = sorted(process.communicate(timeout=120)[0].split(":")[0] for process in both)
    assert said == ["built", "up to date"]
    assert "wombat" in (changeable.site / "basics.html").read_text(encoding="utf-8")
    assert "\nup to date: " in changeable.do("tutorial", "site").stdout


@pytest.mark.parametrize("cache", [".ruff_cache/CACHEDIR.TAG", "__pycache__/lesson.pyc"])
def test_a_cache_beside_the_snippets_is_no_reason_to_build(light, cache):
    light.script("lesson", "# %% one\nprint(1)\n")
    before = inputs.fingerprint(light.project)
    file = light.root / "snippets" / cache
    file.parent.mkdir()
    file.write_text("")
    assert inputs.fingerprint(light.project) == before
    light.script("other", "# %% one\nprint(1)\n")
    assert inputs.fingerprint(light.project) != before


def test_a_changed_page_is_built_again_and_nothing_is_run(changeable):
    changeable.edit("docs/basics.md", "quokka", "wombat")
    done = changeable.do("tutorial", "site")
    assert done.returncode == 0
    assert "0 ran" in done.stdout
    assert "\nbuilt: " in done.stdout
    text = (changeable.site / "basics.html").read_text(encoding="utf-8")
    assert "wombat" in text and "quokka" not in text
    assert not list((changeable.root / "build").glob("site.*/"))


EDITS = {  # of docs/basics.md, and whether pages other than this one have to be made as well
    "prose": ("quokka", "wombat, `code` and [home](index.md)", False),
    "a heading": ("# Basics", "# Basics and more", True),
    "an anchor of a link": ("(index.md)", "(index.md#home)", True),
    "a number of another page": ("quokka", "quokka " * 1300, True),
}

NAMES_ITS_NEIGHBOUR = """\
{% extends "base.html" %}
{% block content %}
{{ super() }}{{ page.previous_page }}
{{ page.previous_page and page.previous_page.meta.description }}
{% endblock %}
"""


@pytest.mark.parametrize("edit", EDITS)
def test_a_change_of_prose_makes_one_page_and_leaves_the_site_of_a_whole_build(changeable, edit):
    old, new, whole = EDITS[edit]
    changeable.edit("mkdocs.yml", "plugins:", "nav: [index.md, basics.md]\nplugins:")
    changeable.edit("mkdocs.yml", "theme: material", "theme: {name: material, custom_dir: theme}")
    (changeable.root / "theme").mkdir()
    (changeable.root / "theme" / "main.html").write_text(NAMES_ITS_NEIGHBOUR)
    page = "---\ndescription: brings\n---\n# Home\n\nIt takes {{ study_time('basics.md') }}.\n"
    (changeable.root / "docs" / "index.md").write_text(page)
    assert changeable.do("tutorial", "site").returncode == 0
    home = changeable.site / "index.html"
    made = home.stat().st_mtime_ns
    changeable.edit("docs/basics.md", old, new)
    assert changeable.do("tutorial", "site").returncode == 0
    assert (home.stat().st_mtime_ns != made) == whole
    after = content(changeable.site)
    (changeable.root / "build" / "site.inputs").unlink()
    assert changeable.do("tutorial", "site").returncode == 0
    expected = content(changeable.site)
    assert after.keys() == expected.keys()
    assert [name for name in expected if after[name] != expected[name] and name != ZIP] == []


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ("A, pretrained weights", []),
        ("drawn stand-in", ["CIFAR-10", "CIFAR10_RETRY=1 make site.", "CIFAR10_DIR=FOLDER"]),
        ("A, random weights (stand-in)", ["pretrained weights", "WEIGHTS_RETRY=1 make site."]),
        (
            "drawn stand-in, random weights (stand-in)",
            ["CIFAR-10 and pretrained weights", "CIFAR10_RETRY=1 WEIGHTS_RETRY=1 make site."],
        ),
    ],
)
def test_a_build_ends_with_what_it_was_built_without(light, data, parts):
    light.script("lesson", "# %% one\nprint(1)\n")
    records.Record("one", "", "", 0.0, data=data).write(light.root / "build/cpu/lesson")
    said = inputs.stand_ins(light.project, "cpu")
    assert bool(said) == bool(parts) and "\n" not in said
    assert all(part in said for part in parts)
    for name in ("CIFAR10", "WEIGHTS"):
        assert (name in said) == (name in "".join(parts))


def failing_cell(sample):
    sample.edit("snippets/basics.py", "import torch\n", '{}["missing"]\n')
    return [sample.place("snippets/basics.py", "missing"), "KeyError", "the site is as it was"]


def page_without_a_cell(sample):
    sample.edit("docs/basics.md", "basics.py::children", "basics.py::gone")
    return [sample.place("docs/basics.md", "::gone"), "no cell gone", "no page shows cell children"]


def damaged_record_of_another_device(sample):
    folder = sample.root / "build" / "cuda" / "basics"
    folder.mkdir(parents=True)
    (folder / "children.json").write_text("{")
    return ["build/cuda/basics/children.json"]


def broken_link(sample):
    sample.edit("docs/basics.md", "(index.md)", "(nowhere.md)")
    return ["basics.md", "nowhere.md"]


def broken_template(sample):
    sample.edit("mkdocs.yml", "theme: material", "theme: {name: material, custom_dir: theme}")
    (sample.root / "theme").mkdir()
    (sample.root / "theme" / "main.html").write_text(
        "{% extends 'base.html' %}{% block content %}{{ 1 / 0 }}{% endblock %}"
    )
    return ["division by zero"]


def address_that_is_none(sample):
    sample.edit("mkdocs.yml", "site_name: Sample\n", 'site_name: Sample\nsite_url: "http://[::1"\n')
    return ["mkdocs.yml: Invalid IPv6 URL"]


def template_that_is_not_there(sample):
    page = sample.root / "docs" / "basics.md"
    page.write_text("---\ntemplate: gone.html\n---\n" + page.read_text("utf-8"), "utf-8")
    return ["basics.md", "gone.html"]


def broken_configuration(sample):
    sample.edit("mkdocs.yml", "plugins: [search]", "plugins: [serch]")
    return ["mkdocs.yml", "serch"]


def broken_script(sample):
    sample.edit("snippets/basics.py", "# %% children", "# %% Children")
    return [sample.place("snippets/basics.py", "Children")]


FAULTS = [
    failing_cell,
    page_without_a_cell,
    damaged_record_of_another_device,
    broken_link,
    broken_template,
    address_that_is_none,
    template_that_is_not_there,
    broken_configuration,
    broken_script,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_fails_the_build_and_leaves_the_last_site_as_it_was(changeable, fault):
    before = content(changeable.site)
    says = fault(changeable)
    done = changeable.do("tutorial", "site")
    assert done.returncode != 0
    for words in says:
        assert words in done.stderr
    if fault is not broken_template:  # whoever writes one wants its traceback
        assert "Traceback" not in done.stderr
    assert content(changeable.site) == before
    assert [path.name for path in (changeable.root / "build").glob("site*/")] == ["site"]


def test_what_can_be_told_without_a_run_is_told_before_any(changeable):
    changeable.edit("snippets/basics.py", "import torch\n", "import torch  # to be run again\n")
    (words, *_) = page_without_a_cell(changeable)
    done = changeable.do("tutorial", "site")
    assert done.returncode == 1
    assert words in done.stderr
    assert "sections on cpu" not in done.stdout


def test_a_site_that_failed_is_built_once_it_is_mended(changeable):
    changeable.edit("docs/basics.md", "(index.md)", "(nowhere.md)")
    assert changeable.do("tutorial", "site").returncode != 0
    changeable.edit("docs/basics.md", "(nowhere.md)", "(index.md#home)")
    done = changeable.do("tutorial", "site")
    assert done.returncode == 0
    assert "built: " in done.stdout
    assert 'href="index.html#home"' in (changeable.site / "basics.html").read_text("utf-8")


def test_the_site_has_scripts_exports_and_figures_and_no_source_maps(built):
    files = content(built.site)
    assert {"index.html", "basics.html", "basics.py", "basics.md"} <= files.keys()
    assert len([file for file in files if file.startswith("assets/figures/cpu/basics/")]) == 2
    assert not [file for file in files if file.endswith(".map")]


def test_a_process_that_builds_twice_shows_what_was_changed_between(light, monkeypatch, capsys):
    # As `make serve` does.
    for name, value in light.environment(DEVICE="cpu").items():
        monkeypatch.setenv(name, value)
    light.script("lesson", "# %% one\nprint('first' + ' text')\n")
    assert main(["site"]) == 0
    assert "first text" in (light.site / "lesson.html").read_text(encoding="utf-8")
    light.edit("snippets/lesson.py", "first", "second")
    assert main(["site"]) == 0
    text = (light.site / "lesson.html").read_text(encoding="utf-8")
    assert "second text" in text and "first text" not in text


def test_a_preview_follows_edits_and_survives_a_fault(light):
    light.script("lesson", "# %% one\nprint('one' + ' text')\n")
    (light.root / "theme").mkdir()  # it is watched
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serving = light.start("tutorial", "serve", "--port", str(port))
    said: list[str] = []
    threading.Thread(target=lambda: said.extend(serving.stdout), daemon=True).start()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def wait_for(condition) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert serving.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)

    def served(words: str) -> bool:
        try:
            with opener.open(f"http://127.0.0.1:{port}/lesson.html", timeout=10) as reply:
                return words in reply.read().decode()
        except OSError:
            return False

    try:
        wait_for(lambda: served("one text"))
        light.edit("docs/lesson.md", "lesson.py::one", "lesson.py::gone")
        wait_for(lambda: any("docs/lesson.md:8: snippets/lesson.py has no cell" in s for s in said))
        assert served("one text")
        light.edit("docs/lesson.md", "lesson.py::gone", "lesson.py::one")
        light.edit("snippets/lesson.py", "'one'", "'two'")
        wait_for(lambda: served("two text"))
    finally:
        serving.kill()
        serving.wait()
