"""Outputs of two devices on a page: one choice of tab holds for the whole site."""

import re
import shutil
from dataclasses import replace

import pytest

from tests.browser import visits
from tests.browser.server import Server
from tests.conftest import ROOT, Sample
from tutorial.record.transcripts import Transcript

LESSONS = ("tensors", "autograd")


@pytest.fixture(scope="module")
def two_devices(tmp_path_factory):
    """The site, built with transcripts of a GPU that never ran: the CPU's, numbers changed."""
    root = tmp_path_factory.mktemp("devices") / "a project"
    for name in ("benchmarks", "docs", "includes", "snippets", "outputs", "theme"):
        shutil.copytree(ROOT / name, root / name)
    (root / "tutorial" / "site").mkdir(parents=True)
    for name in ("mkdocs.yml", "package-lock.json", "tutorial/site/notebook_page.py"):
        shutil.copyfile(ROOT / name, root / name)
    leave_out = shutil.ignore_patterns("work", ".lock", "printed.txt")
    shutil.copytree(ROOT / "build" / "cpu", root / "build" / "cpu", ignore=leave_out)
    for name in LESSONS:
        transcript = Transcript.read(root / "outputs" / "cpu" / f"{name}.txt")
        transcript.facts |= {"device": "Invented GPU", "date": "2026-01-01"}
        for cell, entry in transcript.cells.items():
            text = re.sub(r"(\d\.\d)\d", r"\g<1>7", entry.text)
            transcript.cells[cell] = replace(entry, text=text)
        transcript.write(root / "outputs" / "cuda" / f"{name}.txt")
    sample = Sample(root)
    done = sample.do("tutorial", "assemble")
    assert done.returncode == 0, done.stdout + done.stderr
    with Server(sample.site) as server:
        yield server


def shown(page) -> list[str]:
    """The tab that is open, of each cell with outputs of two devices."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.cell .tabbed-set')].map((set) => {
          const open = set.querySelector('input:checked');
          return set.querySelector(`label[for="${open.id}"]`).textContent.trim();
        })"""
    )


def test_the_choice_of_a_device_is_kept_from_page_to_page(two_devices, browser):
    page = browser.new_context(base_url=two_devices.origin).new_page()
    page.goto("tensors.html")
    assert len(shown(page)) >= 2 and set(shown(page)) == {"CPU"}
    page.locator(".cell .tabbed-labels > label", has_text="GPU").first.click()
    page.wait_for_function("() => document.querySelectorAll('.cell mark.differs').length")
    assert set(shown(page)) == {"GPU"}
    page.goto("autograd.html")
    page.wait_for_function(visits.LISTENING)
    assert len(shown(page)) >= 2 and set(shown(page)) == {"GPU"}
    page.context.close()
