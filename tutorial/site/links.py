"""`make links`: do the site's links to elsewhere, and the archives of CIFAR-10, still answer?

MkDocs checks the links between pages, and tests/test_links.py all others within the site.
"""

import ast
import http.client
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from bs4 import BeautifulSoup

from tutorial.data import cifar10
from tutorial.data.download import within
from tutorial.lesson import files
from tutorial.lesson.project import Project

REFUSED = range(401, 600)  # by a server that wants no robots, or is busy
GONE = (404, 410)
PATIENT = cifar10.Settings(connect_seconds=20)
SCRIPTS = ("snippets", "benchmarks")
SNIPPETS_ARCHIVE = re.compile(r'CIFAR10\.url = \(?((?:\s*"[^"]+")+)')  # in lines of 72 columns
GZIP = b"\x1f\x8b"
# Their fragments are made by scripts in the browser.
FRAGMENTS_BY_SCRIPT = ("github.com", "colab.research.google.com")


def external(site: Path) -> dict[str, list[str]]:
    """The addresses elsewhere, each with the pages that name it."""
    places: dict[str, list[str]] = {}
    for path in sorted(site.rglob("*.html")):
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        links = {link["href"] for link in page.find_all(href=re.compile("^https?:"))}
        for link in links:
            places.setdefault(link, []).append(path.relative_to(site).as_posix())
    return dict(sorted(places.items()))


def archives(project: Project, urls: Sequence[str] = cifar10.ARCHIVES) -> dict[str, list[str]]:
    """The addresses of CIFAR-10's archive, each with the files that name it."""
    places = {url: ["tutorial/data/cifar10.py"] for url in urls}
    for folder in SCRIPTS:
        for script in files.visible(project.root / folder, "**/*.py"):
            for pieces in SNIPPETS_ARCHIVE.findall(files.read(script)):
                url = ast.literal_eval(f"({pieces})")
                places.setdefault(url, []).append(project.relative(script))
    return places


def ask(wait: float, address: str, headers: dict[str, str], fault) -> tuple[int | None, str]:
    """Status and what is amiss; no status where no server answered. fault: judges a reply."""
    try:
        return within(2 * wait, _ask, wait, address, headers, fault)
    except TimeoutError as error:
        return None, str(error)


def _ask(wait: float, address: str, headers: dict[str, str], fault) -> tuple[int | None, str]:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=wait) as reply:
            return reply.status, fault(reply)
    except urllib.error.HTTPError as error:
        return error.code, str(error.reason)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return None, str(getattr(error, "reason", error))


def ask_for_page(address: str, settings: cifar10.Settings) -> tuple[int | None, str]:
    """As ask(), of a page that has to have the fragment of its address."""
    page, fragment = urldefrag(address)

    def fault(reply) -> str:
        by_script = urlsplit(page).hostname in FRAGMENTS_BY_SCRIPT
        if not fragment or by_script or reply.headers.get_content_type() != "text/html":
            return ""
        text = BeautifulSoup(reply.read(), "html.parser")
        name = unquote(fragment)
        there = text.find(id=name) or text.find("a", attrs={"name": name})
        return "" if there else f"the page has no #{fragment}"

    robot = {"User-Agent": "Mozilla/5.0 (link check)"}
    return ask(settings.connect_seconds, page, robot, fault)


def ask_for_archive(url: str, settings: cifar10.Settings) -> tuple[int | None, str]:
    """As ask(), of an archive of CIFAR-10, by its size and its first two bytes."""

    def fault(reply) -> str:
        start = reply.read(2)
        # "bytes 0-1/170498071"; the length where the server knows no ranges
        size = reply.headers.get("Content-Range", reply.headers.get("Content-Length", ""))
        size = size.rpartition("/")[2]
        if start == GZIP and size == str(settings.size):
            return ""
        return f"not CIFAR-10's archive: {size or 'unknown'} bytes that begin with {start}"

    as_torchvision = {"User-Agent": "pytorch/vision", "Range": "bytes=0-1"}
    return ask(settings.connect_seconds, url, as_torchvision, fault)


def main(settings: cifar10.Settings = PATIENT) -> int:
    """List the addresses with what their servers answer; 1 if one is dead.

    Of an archive of CIFAR-10 any fault counts, but for its own server: that it fails is known.
    """
    project = Project.find()
    if not project.site.is_dir():
        print("there is no site to look at: make site", file=sys.stderr)
        return 1
    answers, dead = 0, []
    for addresses, question in (
        (archives(project, settings.urls), ask_for_archive),
        (external(project.site), ask_for_page),
    ):
        for address, places in addresses.items():
            status, fault = question(address, settings)
            print(f"{status or '---'} {address}{f'  ({fault})' if fault else ''}", flush=True)
            answers += status is not None
            if question is ask_for_archive:
                counts, advice = address != settings.urls[0], "; name another archive there"
            else:
                counts, advice = status in GONE or status not in REFUSED, ""
            if fault and counts:
                dead.append(f"dead link: {', '.join(places)}: {address}: {fault}{advice}")
    if dead and not answers:
        print("no server answers: without a network, links to elsewhere are listed, not checked")
        return 0
    for line in dead:
        print(line, file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
