"""Finish the lab pages that mkdocs-jupyter makes: formulas, downloads, what it brings along.

Its template brings MathJax, Mermaid and require.js from elsewhere; the site asks nobody but itself.
And it puts JupyterLab's style sheets into the text of each page, where no style belongs: 580 KB,
written once to assets/labs.css.
"""

import base64
import hashlib
import html
import re

import jupytext

from tutorial.lesson.labs import Lab, colab, labs
from tutorial.lesson.project import Project
from tutorial.page import formulas

SCRIPT = re.compile(r"<script\b[^>]*>(?P<code>.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style\b[^>]*>(?P<rules>.*?)</style>", re.DOTALL)
PROSE = re.compile(r"<(?P<tag>p|li)>.*?</(?P=tag)>", re.DOTALL)
DIV = re.compile(r"<(?P<end>/?)div\b[^>]*>")
FORMULA = re.compile(r"\$\$(?P<display>[^$]+)\$\$|\$(?P<inline>[^$]+)\$")


def finish(project: Project, site) -> None:
    """Rewrite site/labs/*.html in place, put scripts beside them and their style into assets."""
    styles: dict[str, None] = {}
    for lab in labs(project):
        page = site / "labs" / f"{lab.section}.html"
        text = page.read_text(encoding="utf-8")
        styles |= dict.fromkeys(style["rules"] for style in STYLE.finditer(text))
        text = finished(text, lab)
        page.write_text(text, encoding="utf-8")
        script = jupytext.writes(lab.notebook(), fmt="py:percent")
        page.with_suffix(".py").write_text(script, encoding="utf-8")
    if styles:
        (site / "assets" / "labs.css").write_text("\n".join(styles), encoding="utf-8")


def finished(text: str, lab: Lab) -> str:
    before, opening, rest = text.partition("<article")
    article, closing, after = rest.partition("</article>")
    article, digests = _own_scripts(article)
    before = before.replace("script-src 'self'", f"script-src 'self' {' '.join(digests)}", 1)
    article, has_formulas = _with_formulas(article)
    article = _with_folded_checks(article, lab)
    # Wide code scrolls, and has to by keyboard as well.
    article = article.replace(
        '<div class="highlight-ipynb', '<div tabindex="0" class="highlight-ipynb'
    )
    article = STYLE.sub("", article)
    article = article.replace('<clipboard-copy ,=""', '<clipboard-copy role="button"')
    sheets = ["katex/katex.min.css"] * has_formulas + ["labs.css"]
    links = "".join(f'<link rel="stylesheet" href="../assets/{sheet}">' for sheet in sheets)
    before = before.replace("</head>", f"{links}</head>", 1)
    article = article.replace("</h1>", f"</h1>{_files(lab)}", 1)
    return before + opening + article + closing + after


def _own_scripts(article: str) -> tuple[str, list[str]]:
    """Keep the copy buttons, whose code is in the page; digests for the security policy."""
    digests = []

    def keep(script: re.Match) -> str:
        if "clipboard" not in script["code"].lower():
            return ""
        digest = base64.b64encode(hashlib.sha256(script["code"].encode()).digest()).decode()
        digests.append(f"'sha256-{digest}'")
        return script[0]

    return SCRIPT.sub(keep, article), digests


def _with_formulas(article: str) -> tuple[str, bool]:
    found = [
        (html.unescape(formula["display"] or formula["inline"]).strip(), bool(formula["display"]))
        for prose in PROSE.finditer(article)
        for formula in FORMULA.finditer(prose[0])
    ]
    rendered = iter([formulas.render(found)[each] for each in found])

    def with_formulas(prose: re.Match) -> str:
        return FORMULA.sub(lambda _: next(rendered), prose[0])

    return PROSE.sub(with_formulas, article), bool(found)


def _with_folded_checks(article: str, lab: Lab) -> str:
    """Fold the checks, as a lesson does: they are long, and hold what the blanks ask for."""
    checks = {exercise.check for exercise in lab.exercises.values()}
    for cell in lab.notebook().cells:
        opening = re.search(rf'<div\b[^>]*\bid="cell-id={cell.id}"[^>]*>', article)
        if opening and cell.source in checks:
            start, end = opening.end(), _end_of_div(article, opening.end())
            inside = f"<summary>Check your answer</summary>{article[start:end]}"
            folded = f'<details class="example">{inside}</details>'
            article = article[:start] + folded + article[end:]
    return article


def _end_of_div(article: str, start: int) -> int:
    """Where the div closes whose content begins at `start`."""
    depth, tags = 1, DIV.finditer(article, start)
    while depth:
        tag = next(tags)
        depth += -1 if tag["end"] else 1
    return tag.start()


def _files(lab: Lab) -> str:
    """Links to the files of a lab, and to Colab where the repository's address is known."""
    name = lab.section
    links = [f'<a href="../{name}.html">The lesson</a>']
    for title, ending in (("Notebook", "ipynb"), ("Script", "py")):
        links.append(f'<a href="{name}.{ending}" download>{title}</a>')
    links.append(colab(f"docs/labs/{name}.ipynb"))
    items = "".join(f"<li>{link}</li>" for link in links if link)
    return f'<section class="lesson-facts" aria-label="About this lab"><ul>{items}</ul></section>'
