"""What a page shows of a run: fences such as `cell`, `section`, `exercise`, `error`, `results`.

They are ordinary SuperFences custom fences, so pages render the same in any tool that uses
Python-Markdown. `FENCES`, at the end, names the function behind each, and mkdocs.yml `CUSTOM`.
"""

import os
import re
import textwrap
from itertools import groupby
from urllib.parse import urlencode

from markdown import Markdown, markdown
from markupsafe import Markup

from tutorial import TutorialError
from tutorial.data import cifar10, weights
from tutorial.lesson import labs
from tutorial.lesson.cells import Cell, Section
from tutorial.lesson.project import Project
from tutorial.page import benches, calls, predict, programs, results_page, study_time
from tutorial.page.context import NAMES, TEMPLATES, BuildContext, PageError, Run, agree, render
from tutorial.record import transcripts

COLUMNS = re.compile(r"^.*\S {2,}\S.*$", re.MULTILINE)  # a line with a gap within
PHONE = 43  # characters that a phone shows in a line; longer lines are wrapped there
# Names, operators, punctuation, blanks: no colour of their own, and half the elements of a page.
UNSTYLED = re.compile(r'<span class="[nopw]">([^<]*)</span>')


def show(source, language, css_class, options, md, **kwargs) -> str:
    """SuperFences formatter of all our fences; `language` is the fence's name.

    SuperFences shows the fence's text in place of what raised, unless it is of its own class.
    """
    try:
        return FENCES[language](md.build_context, source.strip(), md)
    except TutorialError as error:
        raise PageError(str(error)) from error
    except Exception as error:
        raise PageError(f"{source.strip()}: {type(error).__name__}: {error}") from error


def show_cell(context: BuildContext, text: str, md: Markdown) -> str:
    """A cell's code, what it printed and drew, and the run's record."""
    section, cell = context.find_cell(text)
    runs = context.runs_of(section, cell)
    drawn = next((run for run in runs if run.figures), None)
    if runs and agree(runs):
        shown = drawn or runs[0]
        outputs = [{"run": shown, "runs": runs, "pieces": [(shown.text, False)]}]
    else:
        outputs = [{"run": run, "runs": [run], "pieces": marked(run, runs)} for run in runs]
    for output in outputs:
        output["has_columns"] = len(COLUMNS.findall(output["run"].text)) >= 3
        output["is_marked"] = any(differs for _, differs in output["pieces"])
    has_program = programs.exists(section, cell)
    return render(
        "cell.html",
        id=f"{section.name}-{cell.name}",
        cell=cell,
        is_error="error" in cell.options,
        code=highlighted(cell.source, md),
        program=programs.address(section.name, cell.name) if has_program else "",
        first_line=cell.source.strip().partition("\n")[0],
        drawn=drawn,
        outputs=outputs,
        question=question(context, section, cell, md),
        why=predict.reasons(context, section.name, cell.name),
        report=report_address(cell, runs),
    )


def question(context: BuildContext, section: Section, cell: Cell, md: Markdown) -> list[tuple]:
    """The options of the question below a cell, each with its code in colours."""
    options = predict.options(context, section, cell)
    return [(option, highlighted(option.code, md) if option.code else "") for option in options]


def report_address(cell: Cell, runs: list[Run]) -> str:
    """Where a reader tells that a cell fails: an issue that is begun; empty without REPO_URL.

    As in labs.colab, only for a repository on GitHub, whose addresses these are.
    """
    repository = labs.GITHUB.fullmatch(os.environ.get("REPO_URL", ""))
    if not repository:
        return ""
    page = f"{os.environ.get('SITE_URL', '').rstrip('/')}/{cell.section}.html"
    known = "".join(f"\n{run.label} of this page: torch {run.facts['torch']}" for run in runs)
    body = (
        f"Page: {page}#{cell.section}-{cell.name}\nCell: {cell.id}{known}"
        "\nMy torch, Python and system: \n\nWhat I ran, and the whole message:\n"
    )
    text = urlencode({"title": f"{cell.section}.py::{cell.name} does not work", "body": body})
    return f"https://github.com/{repository['name']}/issues/new?{text}"


def show_figure(context: BuildContext, text: str, md: Markdown) -> str:
    """What a cell drew, alone: the cell itself is shown elsewhere."""
    section, cell = context.find_cell(text)
    drawn = next((run for run in context.runs_of(section, cell) if run.figures), None)
    if drawn is None:
        raise PageError(f"a figure fence holds {text!r}, which is no cell that has drawn anything")
    return str(TEMPLATES.get_template("figure.html").module.figure(cell, drawn))


def marked(run: Run, runs: list[Run]) -> list[tuple[str, bool]]:
    """The run's output in pieces, each with whether another run printed it otherwise."""
    spans = [span for other in runs for span in transcripts.differences(run.text, other.text)[0]]
    differs = {at for span in spans for at in range(*span)}
    return [
        ("".join(run.text[at] for at in places), is_marked)
        for is_marked, places in groupby(range(len(run.text)), differs.__contains__)
    ]


def highlighted(source: str, md: Markdown, language: str = "python") -> Markup:
    """Code in colours. From its number of lines the browser knows how high it is while it is far
    from the window, and need not be laid out (`content-visibility`).
    """
    highlight = md.preprocessors["fenced_code_block"].highlight
    options = {"options": {}, "classes": None, "id_value": "", "attrs": None}
    source = source.strip("\n")
    html = highlight(src=source, language=language, md=md, **options)
    lines = source.split("\n")
    wrapped = sum(len(textwrap.wrap(line, PHONE)) or 1 for line in lines)
    code = f'<code style="--lines:{len(lines)};--on-phone:{wrapped}">'
    return Markup(UNSTYLED.sub(r"\1", html).replace("<code>", code, 1))


def show_exercise(context: BuildContext, text: str, md: Markdown) -> str:
    """What to write, a blank to fill in, its check, and the solution, folded."""
    lab, exercise = find_exercise(context.project, text)
    return render(
        "exercise.html",
        section=lab.section,
        notebook=f"{lab.section}.ipynb" if lab.is_lesson else f"labs/{lab.section}.ipynb",
        exercise=exercise,
        task=Markup(markdown(exercise.task)),
        stub=highlighted(exercise.stub, md),
        # To be copied and run, hardly read: colours would be half the elements of the page.
        check=highlighted(exercise.check, md, "text"),
        first_line=exercise.check.strip().partition("\n")[0],
        # In a section with its own blanks, what a check needs stands in the cells above.
        program=None if lab.is_lesson else programs.address(lab.section, f"check-{exercise.name}"),
        solution=highlighted(exercise.solution, md),
    )


def find_exercise(project: Project, name: str) -> tuple[labs.Lab, labs.Exercise]:
    """What `tensors.py::normalise` in an exercise fence names."""
    section, _, exercise = name.partition(".py::")
    lab = labs.Lab(project, section)
    if not lab.path.is_file():
        raise PageError(f"the page shows {name!r}, but there is no {project.relative(lab.path)}")
    if exercise not in lab.exercises:
        known = ", ".join(lab.exercises)
        raise PageError(
            f"the page shows {name!r}, but {project.relative(lab.path)} has no exercise"
            f" {exercise}: it has {known}"
        )
    return lab, lab.exercises[exercise]


def show_error(context: BuildContext, text: str, md: Markdown) -> str:
    """The real message of a cell that is meant to raise, and its place."""
    section, cell = context.find_cell(text)
    if "error" not in cell.options:
        raise PageError(f"an error fence holds {text!r}, which is no cell with error=")
    printed = context.runs_of(section, cell)[0].text
    return render(
        "error.html",
        section=section,
        cell=cell,
        message=printed.rpartition(f"{cell.options['error']}: ")[2],
        title=context.title_of(section.name),
    )


def show_section(context: BuildContext, text: str, md: Markdown) -> str:
    """How long a lesson takes, what it ran on, and its downloads."""
    section = context.find_section(text)
    parts = context.parts_of(f"{section.name}.md")
    last_runs = {device: context.last_run([section], device) for device in NAMES}
    return render(
        "section.html",
        name=section.name,
        minutes=study_time.minutes(parts),
        core_minutes=study_time.minutes(parts, core=True),
        last_runs=last_runs,
        last_run=last_runs[context.device],
        on_gpu=None if context.device == "cuda" else last_runs["cuda"],
        colab=labs.colab,
        lab=labs.Lab(context.project, section.name),
        drawn_pictures=cifar10.STAND_IN,
        random_weights=weights.STAND_IN,
    )


def show_bench(context: BuildContext, text: str, md: Markdown) -> str:
    """What a reader tries."""
    return benches.html(context, text)


FENCES = {
    "bench": show_bench,
    "cell": show_cell,
    "figure": show_figure,
    "section": show_section,
    "exercise": show_exercise,
    "error": show_error,
    "results": results_page.show_results,
    "calls": calls.show_calls,
}
CUSTOM = [{"name": name, "class": name, "format": show} for name in FENCES]
