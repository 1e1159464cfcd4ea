"""A live display of a run: what each section is doing and for how long; plain lines elsewhere."""

import time

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tutorial.lesson.cells import Cell, Section
from tutorial.run.runner import Listener, Outcome

STYLES = {"ran": "green", "reused": "dim", "failed": "bold red"}


class Progress(Listener):
    """Use as a context manager around Runner.run(). Without a terminal it prints a line a step."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.rows: dict[str, dict] = {}
        self.note = ""
        self.live = Live(get_renderable=self._table, console=self.console, refresh_per_second=8)

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *exception) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def preparing(self, message: str, fraction: float | None) -> None:
        self.note = message if fraction is None else f"{message} {fraction:.0%}"
        if fraction is None:
            self.console.print(message, highlight=False, markup=False, soft_wrap=True)

    def cell_started(self, section: Section, cell: Cell | None) -> None:
        self.note = ""
        row = self.rows.setdefault(
            section.name, {"started": time.monotonic(), "done": 0, "total": len(section.cells)}
        )
        row |= {"cell": cell.name if cell else "starting", "cell started": time.monotonic()}
        row["done"] = section.cells.index(cell) if cell else 0
        if cell and not self.console.is_terminal:
            # One line when a cell starts, so that a log shows where a run hangs.
            print(f"  {section.name}: {cell.name}", file=self.console.file, flush=True)

    def section_ended(self, outcome: Outcome) -> None:
        row = self.rows.setdefault(
            outcome.section.name,
            {"started": time.monotonic(), "total": len(outcome.section.cells)},
        )
        elapsed = 0.0 if outcome.status == "reused" else time.monotonic() - row["started"]
        row |= {"status": outcome.status, "done": outcome.cells, "elapsed": elapsed}
        if not self.console.is_terminal:
            print(
                f"{outcome.section.name}: {outcome.status}, {outcome.cells} cells, {elapsed:.1f} s",
                file=self.console.file,
                flush=True,
            )

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        now = time.monotonic()
        for name, row in list(self.rows.items()):
            status = row.get("status")
            doing = Text(status or row["cell"], STYLES.get(status, "cyan"))
            elapsed = row.get("elapsed", now - row["started"])
            in_cell = "" if status else f"{now - row['cell started']:.0f} s in this cell"
            counted = f"{row['done']}/{row['total']}"
            table.add_row(name, counted, doing, f"{elapsed:.0f} s", in_cell)
        if self.note:
            table.add_row(Text(self.note, "dim"))
        return table
