"""The picture in README.md and of a shared link shows what the present code has learnt."""

import re

import pytest
from bs4 import BeautifulSoup
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tutorial.lesson.project import Project
from tutorial.site import share_picture

PROJECT = Project.find()
SCRIPT = '"""Home."""\n\n# %% spirals alt="Two spirals."\nprint(1)\n'


def test_the_committed_picture_is_that_of_the_present_code():
    assert f"({share_picture.COMMITTED})" in (PROJECT.root / "README.md").read_text("utf-8")
    assert not list(share_picture.stale(PROJECT))
    with Image.open(PROJECT.root / share_picture.COMMITTED) as picture:
        assert picture.size == share_picture.SIZE


def test_a_picture_that_other_code_has_drawn_is_told(light):
    light.script("index", SCRIPT)
    path = light.root / share_picture.COMMITTED
    path.parent.mkdir(exist_ok=True)
    about = PngInfo()
    fingerprint = light.project.sections["index"].fingerprints("cpu")["spirals"]
    about.add_text(share_picture.DRAWN_BY, fingerprint)
    Image.new("RGB", (4, 4)).save(path, pnginfo=about)
    assert not list(share_picture.stale(light.project))
    light.edit("snippets/index.py", "print(1)", "print(2)")
    (said,) = share_picture.stale(light.project)
    assert said.startswith(".github/preview.png: drawn by other code than")
    assert "make outputs SECTIONS=index" in said
    assert said in light.do("tutorial", "check").stderr


@pytest.mark.parametrize("page", ["index", "session", "notebook/session"])
def test_a_shared_link_has_title_text_and_picture(page):
    html = (PROJECT.site / f"{page}.html").read_text("utf-8")
    facts = {
        tag["property"]: tag["content"]
        for tag in BeautifulSoup(html, "html.parser").select("meta[property]")
    }
    assert facts["og:title"] not in ("", "Home") and facts["og:description"]
    home, picture = re.fullmatch(r"(https?://.*/)(assets/.*)", facts["og:image"]).groups()
    assert facts["og:url"] == f"{home}{page}.html"
    assert (PROJECT.site / picture).is_file()
