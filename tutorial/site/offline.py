"""The site without a server: opened from the disk, and all of it as one zip file.

From `file:` a browser lets a page load scripts, but not read files or start workers: the search
index and the texts that buttons copy are there a second time as scripts, and `iframe-worker` stands
for the worker of the search. Material's own plugin does the same for the search, but would have
every page load that stand-in from a server too. theme/assets/offline.js uses all this.
"""

import json
import re
import shutil
import zipfile
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson.project import Project

NAME = "learn-pytorch-offline"
ARCHIVE = f"{NAME}.zip"
WORKER = Path(__file__).parents[2] / "node_modules" / "iframe-worker" / "shim" / "index.js"
COMPRESSED = {".gz", ".png", ".webp", ".woff2"}  # already
FOR_SERVERS = ("404.html", "sitemap.xml*")


def write(project: Project, site: Path) -> Path:
    """Add to a site what it needs without a server, and then the copy that pages link to."""
    if not WORKER.is_file():
        raise TutorialError("without a server the search needs iframe-worker: run `npm ci`")
    shutil.copy(WORKER, site / "assets" / "javascripts" / "iframe-worker.js")
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    _write(site / "search" / "search_index.js", f"var __index = {index}")
    for section in project.sections:
        texts = {
            path.relative_to(site).as_posix(): path.read_text(encoding="utf-8")
            for folder in (site, site / "labs", site / "programs" / section)
            for path in sorted(folder.glob("*" if folder.name == section else f"{section}.*"))
            if path.suffix in (".py", ".ipynb", ".md")
        }
        content = json.dumps(texts, ensure_ascii=False)
        _write(site / "assets" / "texts" / f"{section}.js", f"var __texts = {content}")
    _tell_size(site, "")  # on pages taken over from the last build
    target = site / ARCHIVE
    # Level 6, the usual one, takes half as long again to save a fiftieth.
    with zipfile.ZipFile(target, "w", compresslevel=4) as archive:
        for file in sorted(site.rglob("*"), key=str):
            path = file.relative_to(site)
            if file.is_file() and file != target and not any(map(path.match, FOR_SERVERS)):
                how = zipfile.ZIP_STORED if file.suffix in COMPRESSED else zipfile.ZIP_DEFLATED
                archive.write(file, f"{NAME}/{path.as_posix()}", how)
    _tell_size(site, f" ({target.stat().st_size / 1e6:.1f}&nbsp;MB)")
    return target


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _tell_size(site: Path, size: str) -> None:
    """Write this behind each link to the copy, in the place of the size of another one."""
    link = re.compile(
        rf'(<a\b[^>]*\bhref="[^"]*\b{NAME}\.zip"[^>]*>.*?</a>)(?: \([\d.]+&nbsp;MB\))?', re.DOTALL
    )
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if ARCHIVE in text:
            _write(path, link.sub(rf"\g<1>{size}", text))
