"""A live display of a run: what each section is doing and for how long; plain lines elsewhere."""

import time

from rich.console import Console
from rich.progress import MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Table

from tutorial.lesson.cells import Cell, Section
from tutorial.run.runner import Listener, Outcome

STYLES = {"ran": "green", "reused": "dim", "failed": "bold red"}


class Progress(Listener):
    """Use as a context manager around Runner.run(). Without a terminal it prints a line a step."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        doing = TextColumn("{task.fields[doing]}")
        columns = TextColumn("{task.description}"), MofNCompleteColumn(), doing, TimeElapsedColumn()
        self.live = self.console.is_terminal
        self.table = Table(*columns, console=self.console, disable=not self.live)
        self.rows: dict[str, tuple[TaskID, float]] = {}  # with the time when it began

    def __enter__(self) -> "Progress":
        self.table.start()
        return self

    def __exit__(self, *exception) -> None:
        self.table.stop()

    def preparing(self, message: str, fraction: float | None) -> None:
        if fraction is None:
            self.console.print(message, highlight=False, markup=False, soft_wrap=True)
        else:
            percent, _ = self._row(message, 100)
            self.table.update(percent, completed=round(100 * fraction))

    def cell_started(self, section: Section, cell: Cell | None) -> None:
        row, _ = self._row(section.name, len(section.cells))
        doing = f"[cyan]{cell.name}, since {time.strftime('%X')}" if cell else "starting"
        self.table.update(row, completed=section.cells.index(cell) if cell else 0, doing=doing)
        if cell and not self.live:
            # One line when a cell starts, so that a log shows where a run hangs.
            print(f"  {section.name}: {cell.name}", file=self.console.file, flush=True)

    def section_ended(self, outcome: Outcome) -> None:
        name, status, cells = outcome.section.name, outcome.status, outcome.cells
        row, started = self._row(name, len(outcome.section.cells))
        self.table.update(row, completed=cells, doing=f"[{STYLES[status]}]{status}")
        self.table.stop_task(row)
        if not self.live:
            seconds = f"{time.monotonic() - started:.1f} s"
            print(f"{name}: {status}, {cells} cells, {seconds}", file=self.console.file, flush=True)

    def _row(self, name: str, total: int) -> tuple[TaskID, float]:
        if name not in self.rows:
            row = self.table.add_task(name, total=total, doing="")
            self.rows[name] = row, time.monotonic()
        return self.rows[name]


class CountingProgress(Progress):
    """Of many short programs: one row that counts them, or a line for each that has run."""

    total = 0

    def __init__(self, name: str, console: Console | None = None) -> None:
        super().__init__(console)
        self.name = name

    def cell_started(self, section: Section, cell: Cell | None) -> None: ...

    def section_ended(self, outcome: Outcome) -> None:
        row, _ = self._row(self.name, self.total)
        self.table.update(row, advance=1, doing=outcome.section.name)
        if not self.live and outcome.status != "reused":
            done = f"  {outcome.section.name}: {outcome.status}"
            print(done, file=self.console.file, flush=True)
