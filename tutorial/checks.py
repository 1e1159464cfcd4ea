"""What does not fit between pages, scripts and labs: told before anything is built."""

from tutorial import TutorialError, labs, markdown
from tutorial.project import OUR_FENCE, SHOWN_CELL, Project


def check_pages(project: Project) -> list[str]:
    """What is wrong between pages and scripts, a line each: `docs/x.md:12: ...`."""
    problems, exercises = labs.stale(project), set()
    for (script, name), places in project.shown.items():
        section = project.sections.get(script)
        if section is None:
            problems.append(f"{places[0]}: there is no snippets/{script}.py")
        elif name not in {cell.name for cell in section.cells}:
            problems.append(f"{places[0]}: snippets/{script}.py has no cell {name}")
        elif len(places) > 1:
            problems.append(f"{places[1]}: {script}.py::{name} is shown at {places[0]} already")
    for section in project.sections.values():
        problems += [
            f"{cell.where}: no page shows cell {cell.name}; show it or remove it"
            for cell in section.cells
            if (section.name, cell.name) not in project.shown
        ]
        if project.root / "docs" / f"{section.name}.md" not in project.pages:
            problems.append(
                f"snippets/{section.name}.py: has no page of its name, docs/{section.name}.md"
            )
    for page, lines in project.pages.items():
        for number, line in enumerate(lines, 1):
            fence = OUR_FENCE.match(line)
            named = "".join(lines[number : number + 1]).strip()
            place = f"{project.relative(page)}:{number}"
            if fence and fence["kind"] == "cell" and not SHOWN_CELL.match(named):
                problems.append(f"{place}: a cell fence holds one line such as tensors.py::squares")
            elif fence and fence["kind"] == "exercise":
                try:
                    markdown.find_exercise(project, named)
                    exercises.add(named)
                except TutorialError as error:
                    problems.append(f"{project.relative(page)}:{number + 1}: {error}")
            elif (
                fence
                and fence["kind"] == "section"
                and named.removesuffix(".py") not in project.sections
            ):
                problems.append(
                    f"{project.relative(page)}:{number + 1}: there is no snippets/{named}"
                )
    problems += [
        f"{project.relative(lab.path)}: no page shows exercise {name}; show it or remove it"
        for lab in labs.labs(project)
        for name in lab.exercises
        if f"{lab.section}.py::{name}" not in exercises
    ]
    return problems
