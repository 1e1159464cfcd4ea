"""A hook of MkDocs: the one notebook that the site shows as a page, rendered by mkdocs-jupyter.

The notebook is made in the build and lies in build/notebooks. What mkdocs-jupyter makes of it has
the marks and the style sheets of JupyterLab; here it becomes a page like all others, with its
checks folded, and stays out of the search, which has the exercises in their lesson.
"""

import html
import re

from bs4 import BeautifulSoup, Tag
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

from tutorial.lesson.labs import Lab, colab, save, text_of
from tutorial.lesson.project import Project
from tutorial.page import formulas
from tutorial.page.context import BuildContext, render
from tutorial.page.fences import UNSTYLED
from tutorial.site.export import notebook

SECTION = "session"
# Not beside docs/session.md: of two files that become session.html MkDocs would keep one.
PAGE = f"notebook/{SECTION}.ipynb"
BESIDE = re.compile(
    r"([\w-]+)\.(?:ipynb|html)(#[\w-]*|)"
)  # another page, as a notebook links to it
# An amount such as US$5, of which the notebook has an escaped dollar sign, begins none.
FORMULA = re.compile(r"\$\$[^$]+\$\$|(?<!\w)\$(?!\s)[^$]+(?<!\s)\$(?!\w)")


@event_priority(100)  # before mkdocs-jupyter looks for notebooks
def on_files(files, config):
    """Add the notebook to the files of the site."""
    context = _context(config)
    folder = context.project.build / "notebooks"
    page = context.project.root / "docs" / f"{SECTION}.md"
    save(folder / PAGE, text_of(notebook(context, page)))
    files.append(File(PAGE, str(folder), config.site_dir, config.use_directory_urls))
    return files


def on_page_content(content, page, config, files):
    """Render the notebook's page as the site's other pages."""
    if page.file.src_uri != PAGE:
        return content
    page.meta["search"] = {"exclude": True}
    return rendered(content, Lab(_context(config).project, SECTION), page.title)


def _context(config) -> BuildContext:
    """That of the build, which has read its scripts already."""
    known = config.mdx_configs.get("tutorial.page.context")
    return known["context"] if known else BuildContext(Project.find())


def rendered(content: str, lab: Lab, name: str) -> str:
    """The HTML of a page of this name from that of JupyterLab, in which the checks are folded."""
    cells = []
    page = BeautifulSoup(content, "html.parser")
    for anchor in page.select(".anchor-link"):
        anchor["class"] = "headerlink"  # Material's, which is seen when one points at it
    for link in page.select("a[href]"):
        if target := BESIDE.fullmatch(link["href"]):  # from the folder of the notebook's page
            link["href"] = f"../{target[1]}.html{target[2]}"
    title = page.h1.extract() if page.h1 else ""
    if title:
        title.find(string=True).replace_with(name)
    for cell in page.select(".highlight-ipynb pre, .jp-MarkdownOutput"):
        if cell.name == "pre":
            folded = lab.folded.get(cell.get_text().strip(), "")
            code = UNSTYLED.sub(r"\1", cell.decode_contents().strip("\n"))
            cells.append({"code": code, "folded": folded})
        else:
            cells.append({"prose": _with_formulas(cell, lab.project)})
    values = {"title": str(title), "cells": cells, "section": lab.section}
    return render("notebook.html", colab=colab(f"{SECTION}.ipynb"), **values)


def _with_formulas(prose: Tag, project: Project) -> str:
    """The text of a cell with its formulas rendered, but for those that stand in code."""
    for text in prose.find_all(string=FORMULA):
        if text.find_parent(["code", "pre"]):
            continue
        made = formulas.render(project, FORMULA.findall(text))
        escaped = html.escape(text, quote=False)
        filled = FORMULA.sub(lambda formula: made[html.unescape(formula[0])], escaped)  # noqa: B023
        text.replace_with(BeautifulSoup(filled, "html.parser"))
    return prose.decode_contents()
