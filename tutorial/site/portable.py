"""Would the pages work without MkDocs? Builds them with Zensical, and tells what is missing.

Material for MkDocs is succeeded by Zensical. Whatever is done by Python-Markdown survives a move,
what is done by plugins and by steps around the build has to be done in another way. It has a
virtual environment of its own, which also sees the packages of the project's.
"""

import argparse
import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

from bs4 import BeautifulSoup

from tutorial.lesson.project import Project

PINNED = "zensical==0.0.73"
COPIED = ("docs", "includes", "theme", "mkdocs.yml")
FEATURES = {
    "cells": ".cell > .highlight, .cell > .language-python",
    "outputs": ".cell-output",
    "figures": ".cell-figure img",
    "sounds": ".cell-sound audio",
    "records of a run": ".run-record",
    "formulas": ".katex",
    "exercises": ".exercise",
    "boxes": ".admonition, details:not(.run-record)",
    "tooltips": "abbr[title]",
    "tabs": ".tabbed-set .tabbed-block",
    "tables": "table",
    "headings": "h1, h2, h3",
    "notebook cells": ".jp-Cell",
    "files to download": "a[download]",
}
AROUND = {  # beside the content
    "security policy": 'meta[http-equiv="Content-Security-Policy"]',
    "site.js": 'script[src$="assets/site.js"]',
    "site.css": 'link[href$="assets/site.css"]',
    "style of formulas": 'link[href$="katex.min.css"]',
    "search": "[data-md-component=search]",
    "palettes": "[data-md-component=palette] input",
    "pages in the navigation": ".md-nav--primary a[href]",
    "next page": "link[rel=next]",
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tutorial.site.portable", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail if anything is missing")
    options = parser.parse_args(arguments)
    project = Project.find()
    if not (project.site / "index.html").is_file():
        print("there is no build/site to compare with; make site builds it")
        return 1
    program, reason = install(project.build / "portable" / "venv")
    if program is None:
        print(f"{PINNED} cannot be installed, so that nothing is compared: {reason}")
        return 0
    made, said = build(project, program, project.build / "portable" / "project")
    print("".join(f"{PINNED.partition('=')[0]}: {line}\n" for line in said), end="")
    missing = compare(project.site, made)
    print("".join(f"{line}\n" for line in missing), end="")
    pages = len(list(project.site.rglob("*.html")))
    print(f"{pages} pages: {len(missing)} things missing in what {PINNED} makes of them")
    return 1 if options.strict and missing else 0


def install(folder: Path) -> tuple[Path | None, str]:
    """Zensical's program; or None, and why not."""
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    program = scripts / ("zensical.exe" if os.name == "nt" else "zensical")
    mark = folder / f"{PINNED}.installed"
    if mark.is_file():
        return program, ""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    found = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(found, capture_output=True, text=True).stdout.strip())
    others = "\n".join(site.getsitepackages())  # Markdown, its extensions, and what cells need
    (packages / "project.pth").write_text(f"{others}\n", encoding="utf-8")
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", PINNED]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return None, lines[-1] if lines else f"pip ended with {done.returncode}"
    mark.touch()
    return program, ""


def build(project: Project, program: Path, folder: Path) -> tuple[Path, list[str]]:
    """Build a copy of the pages; the site's folder, and what Zensical said."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in COPIED:
        path = project.root / name
        if path.is_dir():
            shutil.copytree(path, folder / name)
        elif path.is_file():
            shutil.copy(path, folder / name)
    modules = str(Path(__file__).parents[2])
    known = {**os.environ, "PYTHONPATH": modules, "TUTORIAL_ROOT": str(project.root)}
    done = subprocess.run(
        [program, "build"], cwd=folder, env=known, capture_output=True, text=True, encoding="utf-8"
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode:
        said.append(f"ended with {done.returncode}")
    return folder / "site", said


def count(page: Path) -> dict[str, int]:
    """How often a page has each feature."""
    text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    content = text.select_one("article") or text
    return {
        name: len(place.select(selector))
        for place, features in ((content, FEATURES), (text, AROUND))
        for name, selector in features.items()
    }


def compare(ours: Path, theirs: Path) -> list[str]:
    """What pages of `ours` have more of than those of `theirs`, a line for each page and thing."""
    missing = []
    for page in sorted(ours.rglob("*.html")):
        name = page.relative_to(ours)
        if not (theirs / name).is_file():
            missing.append(f"{name.as_posix()}: no such page")
            continue
        made = count(theirs / name)
        for feature, wanted in count(page).items():
            if made[feature] < wanted:
                missing.append(f"{name.as_posix()}: {feature}: {made[feature]} of {wanted}")
    return missing


if __name__ == "__main__":
    sys.exit(main())
