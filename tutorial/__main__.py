"""The commands behind the Makefile: python -m tutorial run, site, serve, outputs and others."""

import argparse
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson.project import Project


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that kernels are ended first
    try:
        return COMMANDS[options.command](options, started)
    except TutorialError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(
            f"this Python, {sys.executable}, has no {error.name}; make install, or name one that"
            " has it: PYTHON=...",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(
            "\ninterrupted: what had finished is kept, and the site is as it was", file=sys.stderr
        )
        return 130


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tutorial", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "run": "execute the sections whose records are not current",
        "site": "run, then build build/site",
        "serve": "site, then serve it and follow changes",
        "outputs": "run, then rewrite the transcripts in outputs/",
        "results": "measure the recipes over several seeds",
        "notebooks": "make docs/labs/*.ipynb and snippets/notebooks/*.ipynb",
        "check": "compare pages with scripts, run nothing",
        "assemble": "build build/site from the records in build/, run nothing",
        "changes": "what differs from another commit: build/changes/",
        "shard": "the sections of one share of the work, such as 2/4",
        "key": "name the records that the sections need here, for a cache",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        what = {"results": "recipes", "shard": "2/4"}.get(name, "names such as tensors")
        command.add_argument("sections", nargs="*", help=f"{what}; default: all")
        command.add_argument("--device", default=os.environ.get("DEVICE") or "cpu")
        command.add_argument("--jobs", type=int, help="sections at a time")
        command.add_argument("--port", type=int, default=8000)
        command.add_argument("--seeds", type=int, default=5, help="seeds per recipe")
        command.add_argument("--publish", action="store_true", help="refuse what stand-ins made")
        command.add_argument("--base", default="HEAD", help="the commit to compare with")
        command.add_argument("--strict", action="store_true", help="fail if anything has changed")
        command.add_argument("--records", type=Path, help="records made at that commit, as build/")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, started: float, project: Project | None = None) -> int:
    """Run what is stale and say what was run, reused and failed; the number of failures."""
    from tutorial.run.progress import Progress
    from tutorial.run.runner import Runner

    project = project or Project.find()
    sections = project.choose(options.sections)
    with Progress() as progress:
        outcomes = Runner(project, options.device, options.jobs, progress).run(sections)
    _report_drift(project, options.device, outcomes)
    for outcome in outcomes:
        for problem in outcome.problems:
            print(f"\n{problem}", file=sys.stderr)
    cells = {
        status: sum(outcome.cells for outcome in outcomes if outcome.status == status)
        for status in ("ran", "reused", "failed")
    }
    counts = Counter(outcome.status for outcome in outcomes)
    said = ", ".join(
        f"{counts[status]} {status} ({cells[status]} cells)"
        for status in ("ran", "reused", "failed")
    )
    print(f"sections on {options.device}: {said}, {time.monotonic() - started:.1f} s")
    return counts["failed"]


def _report_drift(project: Project, device: str, outcomes: list) -> None:
    """Tell of changed outputs. 'make test' fails on them; a page shows what this run printed."""
    from tutorial.record import drift

    for outcome in outcomes:
        if outcome.status != "ran":
            continue
        records = drift.section_records(project, outcome.section, device)
        pairs = list(zip(outcome.section.on(device), records, strict=True))
        if not project.transcript(device, outcome.section.name).exists():
            del pairs[1:]  # to be told so once is enough
        for cell, record in pairs:
            section = outcome.section
            for say in (drift.drift, drift.note):
                if said := say(project, section, cell, device, record):
                    print(f"\n{said}", file=sys.stderr)


def build(options: argparse.Namespace, started: float) -> int:
    from tutorial.site import build

    os.environ["DEVICE"] = options.device
    project = Project.find()
    build.check(project)  # before minutes of running
    if run(options, started, project):
        print("the site is as it was: nothing half-built is published", file=sys.stderr)
        return 1
    changed = build.build(project)
    word = "built" if changed else "up to date"
    print(f"{word}: {project.site / 'index.html'}, {time.monotonic() - started:.1f} s in all")
    if said := build.stand_ins(project, options.device):
        print(said)
    return 0


def serve(options: argparse.Namespace, started: float) -> int:
    from tutorial.site import preview

    def from_the_top(project: Project) -> int:
        return run(options, time.monotonic(), project)

    preview.serve(Project.find().root, options.device, from_the_top, options.port)
    return 0


def write_outputs(options: argparse.Namespace, started: float) -> int:
    """Run twice on the CPU, in two ways: the transcripts mark what differs."""
    from tutorial.record import drift
    from tutorial.run.progress import Progress
    from tutorial.run.runner import OtherWay

    project, device = Project.find(), options.device
    failed = run(options, started, project)
    sections = [section for section in project.choose(options.sections) if section.on(device)]
    again = None
    if device == "cpu":
        print("once more, in another way, to see which numbers follow from the machine", flush=True)
        with Progress() as progress:
            runner = OtherWay(project, progress)
            again = runner.project
            for outcome in runner.run(sections):
                for problem in outcome.problems:
                    print(f"\nin the other way: {problem}", file=sys.stderr)
    for section in sections:
        try:
            changed = drift.update(project, section, device, again)
        except TutorialError as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        print(f"outputs/{device}/{section.name}: {'rewritten' if changed else 'the same'}")
    return 1 if failed else 0


def measure(options: argparse.Namespace, started: float) -> int:
    from tutorial.run import measure
    from tutorial.run.progress import Progress

    project = Project.find()
    with Progress() as progress:
        outcomes, said = measure.measure(
            project, options.device, options.sections, options.seeds, options.jobs, progress
        )
    for problem in [problem for outcome in outcomes for problem in outcome.problems]:
        print(f"\n{problem}", file=sys.stderr)
    for reason in said:
        print(reason)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    measured = f"{len(outcomes) - failed} measured, {failed} failed"
    print(f"recipes on {options.device}: {measured}, {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


def check(options: argparse.Namespace, started: float) -> int:
    from tutorial.record import drift, results
    from tutorial.site.checks import check_pages, stale_notebooks

    project = Project.find()
    problems, notes = check_pages(project) or stale_notebooks(project), []
    if not problems:
        problems, notes = drift.stale(project)
        notes += drift.recorded_on_stand_in(project)
        # A fault only where a page uses the number, which is among the problems.
        notes += results.stale(project, options.device).values()
    for said in [*problems, *(f"note: {note}" for note in notes)]:
        print(said, file=sys.stderr)
    return 1 if problems else 0


def write_notebooks(options: argparse.Namespace, started: float) -> int:
    from tutorial.lesson import labs
    from tutorial.site import export

    project = Project.find()
    for path in [*labs.write(project), *export.write_notebooks(project)]:
        print(f"{project.relative(path)}: rewritten")
    return 0


def assemble(options: argparse.Namespace, started: float) -> int:
    from tutorial.site import artifacts, build

    os.environ["DEVICE"] = options.device
    project = Project.find()
    problems = artifacts.problems(project, options.publish)
    if problems:
        print("\n".join(problems), file=sys.stderr)
        print("nothing is built from such records; the site is as it was", file=sys.stderr)
        return 1
    build.check(project)
    build.build(project)
    print(f"built from records alone: {project.site / 'index.html'}")
    return 0


def changes(options: argparse.Namespace, started: float) -> int:
    from tutorial.site import changes

    project = Project.find()
    folder = project.build / "changes"
    text, changed = changes.report(project, options.base, options.records, folder)
    print(text, end="")
    return 1 if changed and options.strict else 0


def shard(options: argparse.Namespace, started: float) -> int:
    from tutorial.site import artifacts

    print(artifacts.shard(Project.find(), " ".join(options.sections)))
    return 0


def key(options: argparse.Namespace, started: float) -> int:
    from tutorial.site import artifacts

    project = Project.find()
    print(artifacts.key(project.choose(options.sections), options.device))
    return 0


COMMANDS = {
    "run": run,
    "site": build,
    "serve": serve,
    "outputs": write_outputs,
    "results": measure,
    "check": check,
    "notebooks": write_notebooks,
    "assemble": assemble,
    "changes": changes,
    "shard": shard,
    "key": key,
}

if __name__ == "__main__":
    sys.exit(main())
