"""Assemble build/site: pages by MkDocs, then figures, scripts and exports; or serve a preview."""

import hashlib
import logging
import os
import shutil
from pathlib import Path

from tutorial import TutorialError, checks, export, formulas, lab_pages, labs, markdown, records
from tutorial.cells import DEVICES
from tutorial.project import Project

WATCHED = ("docs", "includes", "snippets", "outputs", "theme", "mkdocs.yml")
INPUTS = (*WATCHED, "tutorial", "package-lock.json")


class Complaints(logging.Handler):
    """Collects what MkDocs warns of: a site with a broken link is not published."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def build(project: Project, preview: bool = False) -> bool:
    """Make build/site in one step from current records; False if it was up to date already.

    Raises TutorialError, and leaves the site of the last build, if anything is amiss.
    """
    markdown.the_project.cache_clear()
    problems = checks.check_pages(project)
    if problems:
        raise TutorialError("\n".join(problems))
    print_of_inputs = _fingerprint(project, preview)
    stamp = project.build / "site.inputs"
    if project.site.is_dir() and stamp.is_file() and stamp.read_text() == print_of_inputs:
        return False
    new = project.build / "site.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        _mkdocs(project, new, preview)
        _assemble(project, new)
        _swap(new, project.site)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    stamp.write_text(print_of_inputs)
    return True


def _mkdocs(project: Project, destination: Path, preview: bool) -> None:
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    from mkdocs.commands.build import build as mkdocs_build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    complaints = Complaints()
    logger = logging.getLogger("mkdocs")
    logger.addHandler(complaints)
    logger.propagate = False
    try:
        config = load_config(str(project.root / "mkdocs.yml"), site_dir=str(destination))
        config.extra["preview"] = preview
        mkdocs_build(config)
    except (TutorialError, formulas.FormulaError) as error:
        raise TutorialError(str(error)) from None
    except (MkDocsException, SystemExit) as error:
        said = "\n".join([*complaints.messages, str(error)]).strip()
        raise TutorialError(f"mkdocs.yml: {said}") from None
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        raise TutorialError("\n".join(complaints.messages))


def _assemble(project: Project, site: Path) -> None:
    for source, path in formulas.katex_assets():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for name, section in project.sections.items():
        for device in DEVICES:
            folder = records.folder(project, device, name)
            images = list(folder.glob("*.webp"))
            target = site / "assets" / "figures" / device / name
            if images:
                target.mkdir(parents=True)
            for image in images:
                shutil.copyfile(image, target / image.name)
        shutil.copyfile(section.path, site / f"{name}.py")
        page = project.root / "docs" / f"{name}.md"
        (site / f"{name}.md").write_text(export.flat(project, page), encoding="utf-8")
        lesson = labs.text_of(export.notebook(project, page))
        (site / f"{name}.ipynb").write_text(lesson, encoding="utf-8")
    lab_pages.finish(project, site)
    for source_map in site.rglob("*.map"):
        source_map.unlink()


def _swap(new: Path, site: Path) -> None:
    old = site.with_name("site.old")
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        site.rename(old)
    new.rename(site)
    shutil.rmtree(old, ignore_errors=True)


def _fingerprint(project: Project, preview: bool) -> str:
    """Changes when anything that the site is made of changes; reads no file's content."""
    files = []
    for name in INPUTS:
        path = project.root / name
        files += [path] if path.is_file() else sorted(path.rglob("*"))
    for device in DEVICES:
        files += sorted((project.build / device).glob("*/*.json"))
    chosen = [os.environ.get(name) for name in ("SITE_URL", "REPO_URL", "DEVICE")]
    hasher = hashlib.sha256(f"{preview} {chosen}".encode())
    for file in files:
        if file.is_file() and "__pycache__" not in file.parts:
            status = file.stat()
            hasher.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return hasher.hexdigest()


def serve(project: Project, update, port: int) -> None:
    """Serve build/site; `update()` brings it up to date after a script or a page is saved."""
    from mkdocs.livereload import LiveReloadServer

    def rebuild() -> None:
        try:
            update()
        except TutorialError as error:
            # The last good site stays on show, and the server waits for the mend.
            print(f"\n{error}\n", flush=True)

    rebuild()
    if not project.site.is_dir():
        raise TutorialError("there is no site to serve yet; mend the above and try again")
    server = LiveReloadServer(rebuild, "127.0.0.1", port, root=str(project.site))
    for name in WATCHED:
        if (project.root / name).exists():
            server.watch(str(project.root / name))
    print(f"serving http://127.0.0.1:{port}/ until Ctrl-C; save a page or a script to see it")
    try:
        server.serve()
    except OSError as error:
        raise TutorialError(f"port {port}: {error.strerror}; name another: PORT=8001") from None
    except KeyboardInterrupt:
        server.shutdown()
