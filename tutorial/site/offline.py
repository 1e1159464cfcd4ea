"""The site as one zip file, to be unpacked and opened from the disk, without a server or a network.

Made from the pages as they are. From `file:` a browser lets a page load scripts, but not read files
or start workers: the search index and the texts that buttons copy become scripts, and the worker of
the search an iframe, by `iframe-worker`, as Material's own `offline` plugin has it. That plugin
needs a second build of all pages, and leaves their security policy and the copying as they are.
"""

import json
import re
import shutil
import zipfile
from os.path import relpath
from pathlib import Path, PurePosixPath

from tutorial import TutorialError
from tutorial.lesson.project import Project

NAME = "learn-pytorch-offline"
SHIM = Path(__file__).parents[2] / "node_modules" / "iframe-worker" / "shim" / "index.js"
READER = Path(__file__).with_suffix(".js")
SCRIPTS = {SHIM: "assets/javascripts/iframe-worker.js", READER: "assets/offline.js"}

CSP = re.compile(r'(?P<tag><meta http-equiv="Content-Security-Policy" content=)"(?P<policy>[^"]*)"')
BUNDLE = re.compile(r'<script src="[^"]*/bundle\.[^"]*">')
OWN_LINK = re.compile(
    rf'(?P<opening><a\b[^>]*\bhref="(?:\.\./)*{NAME}\.zip"[^>]*>)(?P<words>.*?)</a>', re.DOTALL
)

UNCHANGING = (2020, 1, 1, 0, 0, 0)  # of every file: the same site makes the same bytes
COMPRESSED = {".webp", ".woff2", ".png", ".gz"}
LEFT_OUT = {"404.html", "sitemap.xml", "sitemap.xml.gz"}  # for servers


def write(project: Project, site: Path) -> Path:
    """Put the copy, site/learn-pytorch-offline.zip, where pages link to it, and tell its size."""
    if not SHIM.is_file():
        raise TutorialError("the offline copy needs iframe-worker for its search: run `npm ci`")
    target = site / f"{NAME}.zip"
    target.unlink(missing_ok=True)  # it is not to go into itself
    files = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    changed = {
        name: offline_page(path.read_text(encoding="utf-8"), name).encode()
        for name, path in files.items()
        if name.endswith(".html")
    }
    changed |= {path: source.read_bytes() for source, path in SCRIPTS.items()}
    changed |= _as_scripts(project, files)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted((files.keys() | changed.keys()) - LEFT_OUT):
            info = zipfile.ZipInfo(f"{NAME}/{name}", UNCHANGING)
            info.external_attr = 0o644 << 16
            if PurePosixPath(name).suffix not in COMPRESSED:
                info.compress_type = zipfile.ZIP_DEFLATED
            with bundle.open(info, "w") as entry:
                if name in changed:
                    entry.write(changed[name])
                else:
                    with files[name].open("rb") as file:
                        shutil.copyfileobj(file, entry)
    _tell_size(files, target.stat().st_size)
    return target


def offline_page(text: str, name: str) -> str:
    """A page of the site as it is in the copy; `name` is its path."""
    text = CSP.sub(lambda found: f'{found["tag"]}"{_policy(found["policy"])}"', text)
    up = relpath(".", Path(name).parent).replace("\\", "/")
    scripts = "".join(f'<script src="{up}/{path}"></script>' for path in SCRIPTS.values())
    text = BUNDLE.sub(lambda bundle: scripts + bundle[0], text, count=1)
    return OWN_LINK.sub(r"\g<words>", text)  # it is not in itself


def _policy(online: str) -> str:
    """The site's own policy, for files: still, no host may be asked."""
    rules = []
    for name, *sources in filter(None, map(str.split, online.split(";"))):
        # The iframe of the search begins with an inline script that names the folder which the
        # copy was unpacked to: no digest can be given for it, and where there is one, no other
        # inline script may run.
        sources = [source for source in sources if not source.startswith("'sha256-")]
        if "'self'" in sources:
            sources.append("file:")  # in some browsers 'self' is no file
        if name == "script-src":
            sources.append("'unsafe-inline'")
        rules.append(" ".join([name, *sources]))
    return "; ".join(rules)


def _as_scripts(project: Project, files: dict[str, Path]) -> dict[str, bytes]:
    """What pages read from the server otherwise: the search index, and each section's texts."""
    scripts = {}
    index = files.get("search/search_index.json")
    if index:
        text = index.read_text(encoding="utf-8")
        scripts["search/search_index.js"] = f"var __index = {text}".encode()
    for section in project.sections:
        own = re.compile(rf"(labs/)?{section}\.(py|ipynb|md)|programs/{section}/.*")
        texts = {
            name: files[name].read_text(encoding="utf-8")
            for name in sorted(files)
            if own.fullmatch(name)
        }
        found = json.dumps(texts, ensure_ascii=False)
        scripts[f"assets/texts/{section}.js"] = f"var __texts = {found}".encode()
    return scripts


def _tell_size(files: dict[str, Path], size: int) -> None:
    """Write the size of the copy behind each link to it."""
    for name, path in files.items():
        if name.endswith(".html"):
            text = path.read_text(encoding="utf-8")
            if OWN_LINK.search(text):
                said = rf"\g<opening>\g<words></a> ({size / 1e6:.1f}&nbsp;MB)"
                path.write_text(OWN_LINK.sub(said, text), encoding="utf-8")
