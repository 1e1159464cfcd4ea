"""What a change does to the site's outputs: transcripts that differ, and pictures before and after.

Written as Markdown for a pull request's summary, or for an issue, and as one HTML page that shows
the pictures side by side.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tutorial import TutorialError
from tutorial.lesson.cells import DEVICES
from tutorial.lesson.project import Project
from tutorial.record import records, transcripts
from tutorial.record.transcripts import Transcript

SAME_PICTURE = 1.0  # mean difference of two pictures' pixels, 0 to 255: an edge drawn otherwise
LONGEST_DIFF = 40  # lines of one cell


@dataclass(frozen=True)
class Picture:
    """A cell's figure in the light palette: `before` or `after` is None where there was none."""

    cell: str  # section/cell
    device: str
    before: Path | None
    after: Path | None
    difference: float | None


def report(project: Project, base: str, old_records: Path | None, folder: Path) -> tuple[str, bool]:
    """Compare with the commit `base`, and with the records of it in `old_records` (as build/).

    Writes folder/summary.md and, where pictures changed, folder/index.html. Returns the summary
    and whether anything has changed or failed. Raises TutorialError if there is no such commit.
    """
    if _git(project.root, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}") is None:
        raise TutorialError(f"BASE={base}: git knows no such commit; fetch it, or name another")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    texts, failures = _texts(project, base), _failures(project)
    pictures, compared = _pictures(project, old_records, folder)
    text = "\n\n".join(
        [
            *(["## Cells that failed", *failures] if failures else []),
            "## Outputs",
            *(texts or ["No transcript says anything else."]),
            "## Pictures",
            *(pictures or [compared]),
        ]
    )
    (folder / "summary.md").write_text(text + "\n", encoding="utf-8")
    return text + "\n", bool(texts or failures or pictures)


def _git(root: Path, *command: str) -> str | None:
    done = subprocess.run(
        ["git", "-C", str(root), *command], capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout if done.returncode == 0 else None


def _texts(project: Project, base: str) -> list[str]:
    """A diff per cell whose transcript says something else than at `base`."""
    listed = _git(project.root, "ls-tree", "-r", "--name-only", base, "outputs/") or ""
    then = {name for name in listed.splitlines() if name.endswith(".txt")}
    now = {project.relative(path) for path in (project.root / "outputs").glob("*/*.txt")}
    parts = []
    for name in sorted(then | now):
        old = Transcript.parse(_git(project.root, "show", f"{base}:{name}") or "")
        new = Transcript.read(project.root / name)
        said = []
        for cell in {**old.cells, **new.cells}:
            before, after = old.cells.get(cell), new.cells.get(cell)
            if before and after and before.agrees(after.output):
                continue
            what = "" if before and after else " (removed)" if before else " (new)"
            said.append(f"`{cell}`{what}")
            said += _diff(before.text if before else "", after.output if after else "")
        parts += [f"### `{name}`", *said] if said else []
    return parts


def _diff(old: str, new: str) -> list[str]:
    lines = transcripts.diff(old, new).splitlines()[2:]  # without the two file names
    if len(lines) > LONGEST_DIFF:
        lines = [*lines[:LONGEST_DIFF], f"... and {len(lines) - LONGEST_DIFF} lines more"]
    return ["\n".join(["````diff", *lines, "````"])] if lines else []


def _pictures(project: Project, old_records: Path | None, folder: Path) -> tuple[list[str], str]:
    """What to say of those that changed, and what to say if there are none."""
    if old_records is None or not old_records.is_dir():
        return [], "There are no records to compare with: pictures were not compared."
    changed = list(_compared(project, old_records))
    none = "No picture looks different."
    if not changed:
        return [], none
    rows, lines = [], []
    for number, picture in enumerate(changed):
        shown = []
        for side, path in (("before", picture.before), ("after", picture.after)):
            if path:
                name = f"{number}-{side}{path.suffix}"
                shutil.copyfile(path, folder / name)
                shown.append(f'<td><img src="{name}" alt="{side}"></td>')
            else:
                shown.append("<td>none</td>")
        what = (
            "new"
            if not picture.before
            else "removed"
            if not picture.after
            else f"pixels differ by {picture.difference:.1f} of 255 on average"
        )
        lines.append(f"- `{picture.cell}` on {picture.device}: {what}")
        rows.append(f"<tr><th>{escape(picture.cell)}<br>{picture.device}</th>{''.join(shown)}</tr>")
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Pictures that changed</title>'
        "<style>body{font:16px system-ui;background:#fdfcfa}img{max-width:40vw}</style>"
        "<h1>Pictures that changed</h1><table><tr><th>Cell</th><th>Before</th><th>After</th></tr>"
        f"{''.join(rows)}</table></html>\n",
        encoding="utf-8",
    )
    return ["\n".join(lines), "Side by side in `index.html`, beside this summary."], none


def _compared(project: Project, old_records: Path):
    """Every picture that is new, gone or looks different."""
    for device in DEVICES:
        before, after = _figures(old_records / device), _figures(project.build / device)
        for cell in sorted(before.keys() | after.keys()):
            pair = before.get(cell), after.get(cell)
            difference = _difference(*pair) if all(pair) else None
            if difference is None or difference > SAME_PICTURE:
                yield Picture(cell, device, *pair, difference)


def _figures(folder: Path) -> dict[str, Path]:
    """The light picture of each section/cell whose record lies in `folder`, one of build/DEVICE."""
    found = {}
    for path in folder.glob("*/*.json"):
        try:
            figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
            picture = path.parent / figures[0]["light"]
        except (ValueError, KeyError, TypeError, IndexError):
            continue  # a cell without one; a damaged record is artifacts.py's affair
        if picture.is_file():
            found[f"{path.parent.name}/{path.stem}"] = picture
    return found


def _difference(one: Path, other: Path) -> float:
    """Mean absolute difference of the pixels, 0 to 255; 255 for pictures of other sizes."""
    import numpy as np
    from PIL import Image

    pictures = [np.asarray(Image.open(path).convert("RGBA"), dtype=float) for path in (one, other)]
    if pictures[0].shape != pictures[1].shape:
        return 255.0
    return float(abs(pictures[0] - pictures[1]).mean())


def _failures(project: Project) -> list[str]:
    """Cells whose last run failed, each with its message."""
    parts = []
    for device in DEVICES:
        for section in project.sections.values():
            for cell in section.on(device):
                record = records.read(project, device, section.name, cell.name)
                if record and record.failure:
                    parts += [f"`{cell.id}` on {device}", f"````text\n{record.failure}\n````"]
    return parts
