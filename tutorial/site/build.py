"""Build build/site: pages by MkDocs, then figures, scripts and exports; or the preview's pages."""

import base64
import json
import logging
import os
import re
import shutil
from contextlib import contextmanager, nullcontext
from itertools import chain, groupby
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files, labs
from tutorial.lesson.cells import DEVICES, digest
from tutorial.lesson.project import Project
from tutorial.page import benches, formulas, programs
from tutorial.page.context import BuildContext
from tutorial.page.numbers import Numbers, evaluate, placeholders
from tutorial.record import records
from tutorial.site import checks, export, inputs, offline, share_picture

# What is seen of a page, or linked to, from elsewhere: front matter, headings, anchors, tabs. Links
# to an anchor have a # as well: only where all pages are made, MkDocs knows whether it exists.
SEEN = re.compile(
    r"\A---\n(?:[^\n]*\n)*?---$|^.*(?:#|===|\bid=|\bname=).*$|^.+\n(?:=+|-+)[ \t]*$", re.MULTILINE
)
# A title without markup, which MkDocs knows from the Markdown of a page as well as from its HTML.
TITLE = re.compile(r"^# (?:[^\W_]|[ ,.:;?!'()-])+$", re.MULTILINE)


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
    anything else is amiss. Where nothing but the prose of pages has changed, MkDocs makes these
    pages alone.
    """
    said = "waiting for another process that is building the site"
    with files.alone(project.build / "site.lock", lambda: print(said, flush=True)):
        if inputs.unchanged(project):
            return False
        _build(project)
    return True


def _build(project: Project) -> None:
    last, context = inputs.of_last_build(project), BuildContext(project)
    now = {
        "all": inputs.fingerprint(project),
        "all but pages": inputs.fingerprint(project, without=project.pages),
        "seen from elsewhere": _seen_from_elsewhere(context),
        "pages": {_name(project, page): digest(lines) for page, lines in project.pages.items()},
    }
    edited = None
    same = all(now[key] == last.get(key) for key in ("all but pages", "seen from elsewhere"))
    if same and all(TITLE.search("\n".join(lines)) for lines in project.pages.values()):
        edited = {page for page, text in now["pages"].items() if text != last["pages"][page]}
    _make(context, edited)
    inputs.write(project, now)


def _seen_from_elsewhere(context: BuildContext) -> str:
    """Changes with anything by which an edit of one page may change, or break, another part."""
    seen, project = [], context.project
    for page, lines in project.pages.items():
        text = "\n".join(lines)
        known = Numbers(context, context.data_beside(page.stem))
        shown = [evaluate(known, place["expression"]) for _, place in placeholders(text)]
        seen.append([_name(project, page), SEEN.findall(text), [repr(number) for number in shown]])
    fences = [(_name(project, fence.page), fence.kind, fence.named) for fence in project.fences]
    return digest(seen, fences)


def _name(project: Project, page: Path) -> str:
    return page.relative_to(project.root / "docs").with_suffix("").as_posix()


def build_preview(project: Project) -> None:
    """Make build/preview/site, for live reload."""
    _make(BuildContext(project), preview=True)


def remake_pages(project: Project, sections: set[str]) -> None:
    """Make anew the pages of a preview that show these sections, or whose Markdown was saved."""
    for fence in project.fences:
        if fence.named.partition(".py")[0] in sections:
            outdate(project.site, _name(project, fence.page))
    for name in sections:
        _copy_media(project, name, project.site)
    programs.write(project, project.site)
    _mkdocs(BuildContext(project), project.site, dirty=True)


def outdate(site: Path, name: str) -> None:
    """Have MkDocs make a page anew that is as it was."""
    page = site / f"{name}.html"
    if page.is_file():
        os.utime(page, (0, 0))


def check(project: Project) -> None:
    """Raise TutorialError for what does not fit between pages and scripts; needs no record."""
    problems = checks.check_pages(project)
    if problems:
        raise TutorialError("\n".join(problems))


def _make(context: BuildContext, edited: set[str] | None = None, preview: bool = False) -> None:
    """edited: the pages of which the prose has changed, and nothing else; None: all is made."""
    project = context.project
    new = project.build / "site.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        if edited is not None:
            _take_over(project.site, new)
            for page in edited:
                outdate(new, page)
        _mkdocs(context, new, dirty=edited is not None)
        _assemble(context, new, edited)
        if not preview:
            offline.write(project, new)
        _swap(new, project.site)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _take_over(site: Path, new: Path) -> None:
    """Copy a site, all but what no edit of a page writes into: that is linked, as it is most."""
    linked = ["figures", "programs"]
    shutil.copytree(site, new, ignore=shutil.ignore_patterns(offline.ARCHIVE, *linked))
    for folder in (site / "assets" / "figures", site / "programs"):
        if folder.is_dir():
            shutil.copytree(folder, new / folder.relative_to(site), copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the file system has no links
        shutil.copy2(source, target)


def _mkdocs(context: BuildContext, destination: Path, dirty: bool = False) -> None:
    """dirty: only the pages that are older than their Markdown."""
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    from jinja2 import TemplateNotFound
    from mkdocs.commands.build import build as mkdocs_build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    from tutorial.site.neighbours import Neighbours

    complaints = Complaints()
    logger = logging.getLogger("mkdocs")
    logger.addHandler(complaints)
    logger.propagate = False
    try:
        try:
            config = load_config(
                str(context.project.root / "mkdocs.yml"), site_dir=str(destination)
            )
        except ValueError as error:  # of an address that is none
            raise MkDocsException(str(error)) from None
        config.mdx_configs["tutorial.page.context"] = {"context": context}
        if dirty:
            config.plugins["neighbours"] = Neighbours()
        with _whole_search_index(destination) if dirty else nullcontext():
            mkdocs_build(config, dirty=dirty)
    except TutorialError as error:
        raise TutorialError(str(error)) from None
    except TemplateNotFound as error:  # a page's `template` or `icon`
        raise TutorialError("\n".join(complaints.messages) or str(error)) from None
    except MkDocsException as error:
        said = "\n".join([*complaints.messages, str(error)]).strip()
        raise TutorialError(f"mkdocs.yml: {said}") from None
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        raise TutorialError("\n".join(complaints.messages))


@contextmanager
def _whole_search_index(site: Path):
    """MkDocs leaves an index of the pages that it has made: the entries of the others stay."""
    index = site / "search" / "search_index.json"
    whole = json.loads(index.read_text(encoding="utf-8"))
    try:
        yield
    finally:
        entries: dict[str, list] = {}  # by page
        for docs in (whole["docs"], json.loads(index.read_text(encoding="utf-8"))["docs"]):
            by_page = groupby(docs, lambda entry: entry["location"].partition("#")[0])
            entries |= {page: list(of_page) for page, of_page in by_page}
        whole["docs"] = list(chain(*entries.values()))
        index.write_text(json.dumps(whole, separators=(",", ":")), encoding="utf-8")


def _assemble(context: BuildContext, site: Path, edited: set[str] | None) -> None:
    project = context.project
    for name in project.sections:
        if edited is not None and name not in edited:
            continue
        _copy_media(project, name, site)
        page = project.root / "docs" / f"{name}.md"
        (site / f"{name}.md").write_text(export.flat(context, page), encoding="utf-8")
        labs.save(site / f"{name}.ipynb", labs.text_of(export.notebook(context, page)))
        if labs.Lab(project, name).is_lesson:
            solved = export.notebook(context, page, solved=True)
            labs.save(site / f"{name}-solutions.ipynb", labs.text_of(solved))
    if edited is None:
        for lab in labs.labs(project):
            labs.save(site / "labs" / f"{lab.section}.ipynb", labs.text_of(lab.notebook()))
        programs.write(project, site)
        formulas.write_assets(site)
        files.write(site / benches.RECORDED, benches.recorded(context.results))
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
                if name.endswith(".bin"):  # a script, which a page may load from the disk too
                    content = base64.b64encode((folder / name).read_bytes()).decode()
                    text = f"window.benches.file = {json.dumps(content)};"
                    target.with_suffix(".js").write_text(text, encoding="utf-8")
                else:
                    target.unlink(missing_ok=True)  # not into a file of the last site: a link
                    shutil.copyfile(folder / name, target)


def _swap(new: Path, site: Path) -> None:
    old = site.with_name("site.old")
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        site.rename(old)
    new.rename(site)
    shutil.rmtree(old, ignore_errors=True)
