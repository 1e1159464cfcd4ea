"""The commands behind the Makefile. `COMMAND --help` tells the options of each."""

import _thread
import argparse
import errno
import gc
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.project import Project

# No command imports more than it needs: `make gpu` has torch and little else, and torch is slow.

parser = argparse.ArgumentParser(prog="python -m tutorial", description=__doc__)
commands = parser.add_subparsers(metavar="COMMAND", required=True)


def argument(*names: str, **options) -> tuple:
    return names, options


def command(*arguments: tuple) -> Callable:
    """Make a function a command of its name and docstring; each argument is a parameter of it."""

    def add(function: Callable[..., int]) -> Callable[..., int]:
        summary = (function.__doc__ or "").partition("\n")[0]  # python -OO has no docstrings
        subparser = commands.add_parser(
            function.__name__, help=summary.rstrip("."), description=function.__doc__
        )
        for names, options in arguments:
            subparser.add_argument(*names, **options)
        subparser.set_defaults(function=function)
        return function

    return add


REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room there and try again"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "allow yourself to write there"),
}
ELSE = "mend that and try again; what had finished is kept"

SECTIONS = argument("sections", nargs="*", help="names such as tensors; all by default")
DEVICE = argument(
    "--device",
    default=os.environ.get("DEVICE") or "cpu",
    help="cpu or cuda; $DEVICE by default, and cpu without it",
)
JOBS = argument("--jobs", type=int, help="how many sections run at a time")


def main(arguments: list[str] | None = None) -> int:
    options = vars(parser.parse_args(arguments))
    for name in ("SIGTERM", "SIGHUP"):  # so that kernels are ended first; not if nohup says no
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        status = options.pop("function")(**options)
        if sys.stdout:  # none where it was closed: `make run >&-`
            sys.stdout.flush()  # here a reader that has gone can still be told of
        return status
    except BrokenPipeError:
        # Python would flush both once more at its end, and fail again.
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return 128 + 13  # as a shell says of a program that SIGPIPE has ended
    except (OSError, UnicodeError) as error:
        print(f"\n{_told(error)}", file=sys.stderr)
        return 1
    except TutorialError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        remedy = "make install, or name one that has it: PYTHON=..."
        if Path(sys.prefix).name == ".venv":
            remedy = "remove the folder .venv, which is damaged, then make install"
        print(f"this Python, {sys.executable}, has no {error.name}; {remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\ninterrupted: what had finished is kept, and the site is as it was", file=sys.stderr
        )
        return 130


def _told(error: OSError | UnicodeError) -> str:
    """In one line what the machine refused, for which file, and what helps."""
    if not isinstance(error, OSError):
        return f"a text that is not as UTF-8 has it: {error}"
    file = f"{files.named(error.filename)}: " if isinstance(error.filename, str) else ""
    return f"{file}{error.strerror or error}; {REMEDIES.get(error.errno, ELSE)}"


@command(SECTIONS, DEVICE, JOBS)
def run(sections: list[str], device: str, jobs: int | None) -> int:
    """Execute the sections whose records are not current."""
    project = Project.find(device)
    failed = _run(project, sections, jobs)
    return failed + (_run_variants(project, sections, jobs) if device == "cpu" else 0)


def _run(project: Project, names: list[str], jobs: int | None = None, progress=None) -> int:
    """Run what is stale and say what was run, reused and failed; the number of failures."""
    from tutorial.run.progress import Progress
    from tutorial.run.runner import Runner

    started, device = time.monotonic(), project.device
    sections = project.choose(names)
    with progress or Progress() as progress:
        outcomes = Runner(project, jobs, progress).run(sections)
    _report_drift(project, outcomes)
    _print_problems(outcomes)
    counts, cells = Counter(), Counter()
    for outcome in outcomes:
        counts[outcome.status] += 1
        cells[outcome.status] += outcome.cells
    said = ", ".join(
        f"{counts[status]} {status} ({cells[status]} cells)"
        for status in ("ran", "reused", "failed")
    )
    print(f"sections on {device}: {said}, {time.monotonic() - started:.1f} s")
    return counts["failed"]


def _run_variants(project: Project, names: list[str], jobs: int | None = None) -> int:
    """Run what is stale of the variants of cells and say how many ran; the number of failures."""
    from tutorial.run.progress import CountingProgress
    from tutorial.run.variant_runner import run_variants

    sections = {section.name for section in project.choose(names)}
    with CountingProgress("variants of cells") as progress:
        outcomes = run_variants(project, sections, jobs, progress)
    _print_problems(outcomes)
    counts = Counter(outcome.status for outcome in outcomes)
    if outcomes:
        said = ", ".join(f"{counts[status]} {status}" for status in ("ran", "reused", "failed"))
        print(f"variants of cells: {said}")
    return counts["failed"]


def _report_drift(project: Project, outcomes: list) -> None:
    """Tell of changed outputs. 'make test' fails on them; a page shows what this run printed."""
    from tutorial.record import drift

    for outcome in outcomes:
        if outcome.status != "ran":
            continue
        section, device = outcome.section, project.device
        records = drift.section_records(project, section, device)
        pairs = list(zip(section.on(device), records, strict=True))
        if not project.transcript(device, section.name).exists():
            del pairs[1:]  # to be told so once is enough
        for cell, record in pairs:
            for say in (drift.drift, drift.note):
                if said := say(project, section, cell, device, record):
                    print(f"\n{said}", file=sys.stderr)


def _print_problems(outcomes: list, introduction: str = "") -> None:
    for outcome in outcomes:
        for problem in outcome.problems:
            print(f"\n{introduction}{problem}", file=sys.stderr)


@command(SECTIONS, DEVICE, JOBS)
def site(sections: list[str], device: str, jobs: int | None) -> int:
    """Execute what is not current, then build build/site."""
    from tutorial.site import inputs

    gc.disable()  # nearly all that a build makes is in use until its end
    started = time.monotonic()
    project = Project.find(device)
    if not inputs.unchanged(project):
        from tutorial.site import build

        build.check(project)  # before minutes of running
    failed = _run(project, sections, jobs)
    if not inputs.unchanged(project):  # by which variants are current as well
        failed += _run_variants(project, sections, jobs)
    if failed:
        print("the site is as it was: nothing half-built is published", file=sys.stderr)
        return 1
    word = "up to date"
    if not inputs.unchanged(project):
        from tutorial.site import build

        if build.build(project):
            word = "built"
    print(f"{word}: {project.site / 'index.html'}, {time.monotonic() - started:.1f} s in all")
    if said := inputs.stand_ins(project, device):
        print(said)
    return 0


@command(DEVICE, argument("--port", type=int, default=8000))
def serve(device: str, port: int) -> int:
    """Execute and build what is not current, then serve it and follow what is saved."""
    from tutorial.site import preview

    preview.serve(Project.find(device), lambda project: _run(project, []), port)
    return 0


@command(
    SECTIONS,
    DEVICE,
    JOBS,
    argument(
        "--records", metavar="FOLDER", help="run nothing: take another machine's build folder"
    ),
)
def outputs(sections: list[str], device: str, jobs: int | None, records: str | None) -> int:
    """Run, then rewrite the transcripts in outputs/.

    On the CPU everything runs twice, in two ways: the transcripts mark what differs.
    """
    from tutorial.run.transcribe import from_records

    project = Project.find(device)
    if records:
        return 1 if from_records(project, project.choose(sections), os.path.abspath(records)) else 0
    if _transcribe(project, sections, jobs):
        return 1
    if device == "cpu":
        from tutorial.site import share_picture

        if share_picture.is_drawn_by(project.choose(sections)):
            share_picture.write(project)
    return 0


def _transcribe(project: Project, names: list[str], jobs: int | None = None) -> int:
    """Run sections and write their transcripts; the number of failures."""
    from tutorial.run.runner import OtherWay
    from tutorial.run.transcribe import Transcriber

    if project.device != "cpu":
        transcriber = Transcriber(project)
        return _run(project, names, jobs, transcriber) + transcriber.failed
    failed = _run(project, names, jobs)
    print("once more, in another way, to see which numbers follow from the machine", flush=True)
    runner = OtherWay(project)
    with Transcriber(project, runner.project) as runner.listener:
        _print_problems(runner.run(project.choose(names)), "in the other way: ")
    return failed + runner.listener.failed


SEEDS = argument("--seeds", type=int, default=5, help="seeds per recipe; 5 by default")


@command(
    argument("recipes", nargs="*", help="such as one-cycle; all by default"), SEEDS, DEVICE, JOBS
)
def results(recipes: list[str], seeds: int, device: str, jobs: int | None) -> int:
    """Measure the recipes over several seeds."""
    from tutorial.run.measure import Measurer
    from tutorial.run.progress import Progress
    from tutorial.run.runner import Runner

    started = time.monotonic()
    if device != "cpu":
        jobs = jobs or 1  # two on one accelerator would spoil each other's times
    with Progress() as progress:
        measurer = Measurer(Runner(Project.find(device), jobs, progress), seeds)
        outcomes = measurer.run(measurer.choose(recipes))
    _print_problems(outcomes)
    for note in measurer.notes:
        print(note)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    measured = f"{len(outcomes) - failed} measured, {failed} failed"
    print(f"recipes on {device}: {measured}, {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


@command(argument("--minutes", type=float, required=True, help="after which it ends"), DEVICE)
def gpu(minutes: float, device: str) -> int:
    """Record and measure on a machine that is at hand for minutes, what matters most first.

    All sections, then the recipes. When the time is over it ends; what has finished is kept.
    """
    from tutorial.run.transcribe import recipes_in_order

    if not 0 < minutes <= 24 * 60:
        raise TutorialError(f"MINUTES={minutes:g}: it is more than 0 and no more than a day, 1440")
    over = threading.Event()

    def end() -> None:
        over.set()
        _thread.interrupt_main()

    timer = threading.Timer(minutes * 60, end)
    timer.start()
    try:
        failed = _transcribe(Project.find(device), [])
        for names, seeds in recipes_in_order(Project.find(device)):
            failed += results(names, seeds, device, None)
    except KeyboardInterrupt:
        if not over.is_set():
            raise
        print(f"\nthe {minutes:g} minutes are over: what has finished is kept", file=sys.stderr)
        return 1
    finally:
        timer.cancel()
    return 1 if failed else 0


@command(DEVICE)
def check(device: str) -> int:
    """Compare pages, transcripts and scripts; run nothing."""
    from tutorial.record import drift
    from tutorial.record.results import Results
    from tutorial.site import share_picture
    from tutorial.site.checks import check_pages

    project = Project.find(device)
    problems, notes = check_pages(project), []
    if not problems:
        problems, notes = drift.stale(project)
        problems += share_picture.stale(project)
        notes += drift.recorded_on_stand_in(project)
        # A fault only where a page uses the number, which is among the problems.
        notes += Results(project).stale(device)
    for said in [*problems, *(f"note: {note}" for note in notes)]:
        print(said, file=sys.stderr)
    return 1 if problems else 0


@command(
    argument("--publish", action="store_true", help="refuse what was made with a stand-in"), DEVICE
)
def assemble(publish: bool, device: str) -> int:
    """Build build/site from the records in build/, which may come from elsewhere; run nothing."""
    from tutorial.site import artifacts, build

    project = Project.find(device)
    problems = artifacts.problems(project, publish)
    if problems:
        print("\n".join(problems), file=sys.stderr)
        print("nothing is built from such records; the site is as it was", file=sys.stderr)
        return 1
    build.check(project)
    build.build(project)
    print(f"built from records alone: {project.site / 'index.html'}")
    return 0


@command(argument("others", type=Path, help="the build folder of the other run"))
def pictures(others: Path) -> int:
    """List the figures that look different from those of another run.

    Writes build/pictures/index.html, which shows them side by side.
    """
    from tutorial.site.pictures import compare

    project = Project.find()
    changed = compare(project, others, project.build / "pictures")
    for name, difference in changed.items():
        print(f"- `{name}`: {difference}")
    if not changed:
        print("No picture looks different.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
