"""Assemble build/site: pages by MkDocs, then figures, scripts and exports; or serve a preview."""

import logging
import os
import shutil
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files, labs
from tutorial.lesson.cells import DEVICES
from tutorial.lesson.project import Project
from tutorial.page import formulas, programs
from tutorial.page.context import BuildContext
from tutorial.record import records
from tutorial.site import checks, export, inputs, offline, share_picture


class Complaints(logging.Handler):
    """Collects what MkDocs warns of: a site with a broken link is not published."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith("A 'dirty' build is being performed"):
            self.messages.append(record.getMessage())


def build(project: Project) -> bool:
    """Make build/site in one step from current records; False if it was up to date already, since
    another process has built it meanwhile.

    The project has passed check(). Raises TutorialError, and leaves the site of the last build, if
    anything else is amiss.
    """
    said = "waiting for another process that is building the site"
    with files.alone(project.build / "site.lock", lambda: print(said, flush=True)):
        if inputs.unchanged(project):
            return False
        fingerprint = inputs.fingerprint(project)
        _make(project)
        inputs.stamp(project).write_text(inputs.state(project, fingerprint))
    return True


def build_preview(project: Project) -> None:
    """Make build/preview/site, for live reload."""
    _make(project, preview=True)


def remake_pages(project: Project, sections: set[str]) -> None:
    """Make anew the pages of a preview that show these sections, or whose Markdown was saved."""
    for fence in project.fences:
        if fence.named.partition(".py")[0] in sections:
            page = fence.page.relative_to(project.root / "docs").with_suffix("")
            outdate(project, page.as_posix())
    for name in sections:
        _copy_media(project, name, project.site)
    programs.write(project, project.site)
    index = project.site / "search" / "search_index.json"
    whole = index.read_bytes()
    try:
        _mkdocs(project, project.site, dirty=True)
    finally:
        index.write_bytes(whole)  # MkDocs leaves one of the pages that it has made


def outdate(project: Project, name: str) -> None:
    """Have MkDocs make a page anew that is as it was."""
    page = project.site / f"{name}.html"
    if page.is_file():
        os.utime(page, (0, 0))


def check(project: Project) -> None:
    """Raise TutorialError for what does not fit between pages and scripts; needs no record."""
    problems = checks.check_pages(project)
    if problems:
        raise TutorialError("\n".join(problems))


def _make(project: Project, preview: bool = False) -> None:
    new = project.build / "site.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        _mkdocs(project, new)
        _assemble(project, new)
        if not preview:
            offline.write(project, new)
        _swap(new, project.site)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _mkdocs(project: Project, destination: Path, dirty: bool = False) -> None:
    """dirty: only the pages that are older than their Markdown."""
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
        config.mdx_configs["tutorial.page.context"] = {"context": BuildContext(project)}
        mkdocs_build(config, dirty=dirty)
    except (TutorialError, formulas.FormulaError) as error:
        raise TutorialError(str(error)) from None
    except MkDocsException as error:
        said = "\n".join([*complaints.messages, str(error)]).strip()
        raise TutorialError(f"mkdocs.yml: {said}") from None
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        raise TutorialError("\n".join(complaints.messages))


def _assemble(project: Project, site: Path) -> None:
    for name in project.sections:
        _copy_media(project, name, site)
        page = project.root / "docs" / f"{name}.md"
        (site / f"{name}.md").write_text(export.flat(project, page), encoding="utf-8")
        labs.save(site / f"{name}.ipynb", labs.text_of(export.notebook(project, page)))
        if labs.Lab(project, name).is_lesson:
            solved = export.notebook(project, page, solved=True)
            labs.save(site / f"{name}-solutions.ipynb", labs.text_of(solved))
    for lab in labs.labs(project):
        labs.save(site / "labs" / f"{lab.section}.ipynb", labs.text_of(lab.notebook()))
    programs.write(project, site)
    formulas.write_assets(site)
    if (picture := project.root / share_picture.COMMITTED).is_file():
        shutil.copyfile(picture, site / "assets" / picture.name)
    for source_map in site.rglob("*.map"):
        source_map.unlink()
    for parts in ("script", "style"):  # of the theme, in assets/site.js and assets/site.css
        shutil.rmtree(site / parts, ignore_errors=True)


def _copy_media(project: Project, section: str, site: Path) -> None:
    """Copy the figures and sounds that current records name: others may lie beside them."""
    for device in DEVICES:
        folder = records.folder(project, device, section)
        for cell, key in project.sections[section].keys(device).items():
            record = records.read(project, device, section, cell)
            for kind, name in record.files() if record and record.key == key else ():
                target = site / "assets" / f"{kind}s" / device / section / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, target)


def _swap(new: Path, site: Path) -> None:
    old = site.with_name("site.old")
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        site.rename(old)
    new.rename(site)
    shutil.rmtree(old, ignore_errors=True)
