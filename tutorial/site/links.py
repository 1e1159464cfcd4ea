"""Every link of the built site: within it checked by the tests, to elsewhere by `make links`.

`make links` also asks for the archives of CIFAR-10, those that snippets name for readers included.

The crawlers tried for this check the fragment of a page's address only the first time they meet
the page, and never open 404.html, which nothing links to. A site on the disk can be read whole.
"""

import http.client
import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from tutorial.data import cifar10
from tutorial.lesson.project import Project

ADDRESSES = {"href", "src", "poster", "data", "action"}
GONE = {404, 410}
WAIT = 20  # seconds for a server to answer
SCRIPTS = ("snippets", "benchmarks")
SNIPPETS_ARCHIVE = re.compile(r'CIFAR10\.url = \(?\s*"([^"]+)"')
GZIP = b"\x1f\x8b"
# Their fragments are made by scripts in the browser.
FRAGMENTS_BY_SCRIPT = ("github.com", "colab.research.google.com")


class Page(HTMLParser):
    """The addresses that a page names, and the fragments that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[int, str]] = []  # line, address
        self.fragments = {"", "top"}
        self.canonical = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.fragments.add(given.get("id", ""))
        if tag == "a":
            self.fragments.add(given.get("name", ""))
        if tag == "link" and given.get("rel") == "canonical":
            self.canonical = given.pop("href", "")
        found = [address for name, address in given.items() if name in ADDRESSES]
        found += [each.split()[0] for each in given.get("srcset", "").split(",") if each.strip()]
        self.links += [(self.getpos()[0], address) for address in found]


def pages_of(site: Path) -> dict[str, Page]:
    """Each HTML page by its path in the site."""
    return {
        page.relative_to(site).as_posix(): Page(page.read_text(encoding="utf-8"))
        for page in sorted(site.rglob("*.html"))
    }


def broken(site: Path) -> list[str]:
    """What is wrong with the links within a site: page, line, address and why."""
    pages = pages_of(site)
    origin = "http://site.invalid/"  # urljoin() knows no scheme of our own
    root = _root(pages)
    problems = []
    for name, page in pages.items():
        for line, link in page.links:
            address, fragment = urldefrag(urljoin(origin + name, link))
            if not address.startswith(origin):
                continue
            if name == "404.html" and address.startswith(f"{origin}{root}"):
                # It is shown under any address, and so names the rest from the server's root.
                address = origin + address.removeprefix(f"{origin}{root}")
            path = unquote(urlsplit(address).path).lstrip("/") or "index.html"
            file = site / path
            place = f"{name}:{line}: {link}"
            if not file.is_file():
                problems.append(f"{place}: the site has no file {path}")
            elif path in pages and unquote(fragment) not in pages[path].fragments:
                problems.append(f"{place}: {path} has no #{fragment}")
    return problems


def _root(pages: dict[str, Page]) -> str:
    """Below which folder of its server the site lies: `lessons/` of `https://a.example/lessons/`."""
    home = pages["index.html"].canonical if "index.html" in pages else ""
    return urlsplit(home).path.removesuffix("index.html").lstrip("/")


def external(site: Path) -> dict[str, list[str]]:
    """The addresses elsewhere, each with the pages that name it."""
    found: dict[str, list[str]] = {}
    for name, page in pages_of(site).items():
        for _, link in page.links:
            if urlsplit(link).scheme in ("http", "https"):
                places = found.setdefault(link, [])
                if name not in places:
                    places.append(name)
    return dict(sorted(found.items()))


def fetch(address: str) -> tuple[int | None, str]:
    """Status and what is amiss with an address; no status where no server answered."""
    address, fragment = urldefrag(address)
    asked = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(asked, timeout=WAIT) as reply:
            by_script = urlsplit(address).hostname in FRAGMENTS_BY_SCRIPT
            if not fragment or by_script or reply.headers.get_content_type() != "text/html":
                return reply.status, ""
            text = reply.read().decode(reply.headers.get_content_charset() or "utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, str(error.reason)
    except (OSError, ValueError) as error:
        return None, str(getattr(error, "reason", error))
    known = {unquote(fragment), fragment} & Page(text).fragments
    return (200, "") if known else (404, f"the page has no #{fragment}")


def check_external(site: Path) -> Iterator[tuple[str, list[str], int | None, str]]:
    """Each address elsewhere, the pages that name it, its status and what is amiss."""
    found = external(site)
    busy: dict[str, threading.Lock] = {urlsplit(each).netloc: threading.Lock() for each in found}

    def polite(address: str) -> tuple[int | None, str]:
        with busy[urlsplit(address).netloc]:  # one question at a time to each server
            return fetch(address)

    with ThreadPoolExecutor(8) as pool:
        for (address, places), (status, reason) in zip(
            found.items(), pool.map(polite, found), strict=True
        ):
            yield address, places, status, reason


def archives(project: Project) -> dict[str, list[str]]:
    """The addresses of CIFAR-10's archive, each with the files that name it."""
    found = {url: ["tutorial/data/cifar10.py"] for url in cifar10.ARCHIVES}
    for folder in SCRIPTS:
        for script in sorted((project.root / folder).rglob("*.py")):
            for url in SNIPPETS_ARCHIVE.findall(script.read_text(encoding="utf-8")):
                found.setdefault(url, []).append(project.relative(script))
    return found


def ask_for_archive(url: str) -> tuple[int | None, str]:
    """Status and what is amiss with an archive, by its first two bytes; as fetch()."""
    headers = {"User-Agent": "pytorch/vision", "Range": "bytes=0-1"}  # as torchvision asks
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), None, WAIT) as it:
            status, start = it.status, it.read(2)
            size = it.headers.get("Content-Range", it.headers.get("Content-Length", ""))
    except urllib.error.HTTPError as error:
        return error.code, str(error.reason)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return None, str(getattr(error, "reason", error))
    size = size.rpartition("/")[2]  # "bytes 0-1/170498071"; the length where ranges are not known
    if start != GZIP or size != str(cifar10.ARCHIVE_BYTES):
        return status, f"not CIFAR-10's archive: {size or 'unknown'} bytes that begin with {start}"
    return status, ""


def check_archives(project: Project) -> Iterator[tuple[str, list[str], int | None, str]]:
    """As check_external(), of the archives of CIFAR-10."""
    found = archives(project)
    with ThreadPoolExecutor(8) as pool:
        for (url, places), answer in zip(
            found.items(), pool.map(ask_for_archive, found), strict=True
        ):
            yield url, places, *answer


def main() -> int:
    """List the links to elsewhere with what their servers answer; 1 if one is dead.

    Of an archive of CIFAR-10 any fault counts, but for its own server: that it fails is known.
    """
    project = Project.find()
    site = project.site
    if not site.is_dir():
        print("there is no site to look at: make site", file=sys.stderr)
        return 1
    answers, dead = 0, []
    for url, places, status, reason in check_archives(project):
        answers += status is not None
        print(f"{status or '---'} {url}{f'  ({reason})' if reason else ''}", flush=True)
        if reason and url not in cifar10.ARCHIVES[:1]:
            dead.append(f"{', '.join(places)}: {url}: {reason}; name another archive there")
    for address, places, status, reason in check_external(site):
        answers += status is not None
        print(f"{status or '---'} {address}{f'  ({reason})' if reason else ''}", flush=True)
        if status in GONE or status is None:
            dead.append(f"{', '.join(places)}: {address}: {reason}")
    if dead and not answers:
        print("no server answers: without a network, links to elsewhere are listed, not checked")
        return 0
    for each in dead:
        print(f"dead link: {each}", file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
