"""What a kernel's reply about a cell amounts to: why it failed, and what a reader sees printed."""

import os
import re
import sysconfig
from pathlib import Path

from tutorial.lesson.cells import Cell
from tutorial.lesson.project import Project
from tutorial.run.kernel_process import OUTPUT_LIMIT, TOO_MUCH

# What a terminal shows nothing of: colours, the end of a line erased, a hidden cursor, links.
UNSEEN = re.compile(r"\x1b(?:\[[\d;:]*m|\[[012]?K|\[\?25[hl]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~])?|(?!\n|\t)[\x00-\x1f\x7f-\x9f]")
ENVIRON = re.compile(r'File "(<frozen os>|[^"]*[/\\]os\.py)"')  # where os.environ raises


def failure(project: Project, cell: Cell, reply: dict) -> str:
    """Why the cell failed, '' if it did what its marker line announces."""
    if "not_run" in reply:
        return reply["not_run"]
    said, line = None, cell.line
    error, expected = reply["error"], cell.options.get("error")
    kinds = {warning["type"] for warning in reply["warnings"]}
    announced = {cell.options["warns"]} if "warns" in cell.options else set()
    figures, message = len(reply["figures"]), error["message"] if error else ""
    if reply.get("fatal"):
        said = reply["fatal"]
    elif len(f"{reply['text']}{message}".encode(errors="replace")) > OUTPUT_LIMIT:
        said = TOO_MUCH
    elif error and expected not in error["types"]:
        line = error["line"] or cell.line
        wanted = f" (announced: {expected})" if expected else ""
        said = f"{error['message']}{wanted}\n{error['traceback'].rstrip()}{_cause(error)}"
    elif control := CONTROL.search(_as_in_a_terminal(reply)):
        said = f"prints {control[0]!a}, a control character, which no page can show"
    elif reply["other_backend"]:
        said = (
            f"chooses the Matplotlib backend {reply['other_backend']}: leave that out, a page's"
            " figures are drawn by one of the project's own"
        )
    elif expected and not error:
        said = f"raised nothing, although error={expected!r} is announced"
    elif kinds - announced:
        warning = next(w for w in reply["warnings"] if w["type"] not in announced)
        said = (
            f"unannounced warning: {warning['type']}: {warning['message']}\n"
            f'mend the code, or announce it: warns="{warning["type"]}"'
        )
    elif announced - kinds:
        said = f"gave no {cell.options['warns']}, although it is announced with warns="
    elif reply["unshown"]:
        said = "leaves a figure open: end the cell with plt.show()"
    elif figures > 1:
        said = f"shows {figures} figures; give each a cell of its own"
    elif figures and "alt" not in cell.options:
        said = 'shows a figure without alt="..." that says what is to be seen in it'
    elif not figures and "alt" in cell.options:
        said = "announces a figure with alt= and shows none"
    return "" if said is None else failure_message(project, cell, line, said, reply)


def failure_message(project: Project, cell: Cell, line: int, said: str, reply: dict) -> str:
    """The message about a cell that failed: where it stands, what is amiss, what it printed."""
    shown = project.where(cell.section, cell.options.get("instead", cell.name))
    if text := UNSEEN.sub("", reply["text"]).strip():
        tail = "\n".join(text.split("\n")[-10:])[-2000:]
        said = f"{said.rstrip()}\nprinted before that:\n{tail}"
    said = without_paths(UNSEEN.sub("", said).rstrip(), project.root)
    return f"{cell.script}:{line}: cell {cell.name}, {shown}: {_escaped(said)}"


def printed(reply: dict, workdir: Path, root: Path) -> str:
    """A cell's output as a reader would see it in a terminal, without this machine's paths."""
    text = _as_in_a_terminal(reply)
    # As Python writes to a terminal what UTF-8 has no bytes for: half of a surrogate pair.
    text = text.encode(errors="backslashreplace").decode()
    text = re.sub(r" ?\(Triggered internally at [^)]*\)", "", text)  # differs from build to build
    return _escaped(without_paths(text, workdir, root))


def _escaped(text: str) -> str:
    """Without control characters: those of a cell that fails, as it is told and recorded."""
    return CONTROL.sub(lambda control: ascii(control[0])[1:-1], text)


def without_paths(text: str, *folders: Path) -> str:
    """A text that reads alike on each machine: files are named from the folder that they lie in,
    files of a library as Python imports it, and what else lies in the home begins with ~.
    """
    home = Path(os.path.expanduser("~"))
    known = {path: "" for folder in folders for path in (folder, folder.resolve())}
    known |= {Path(sysconfig.get_path(name)): "" for name in ("purelib", "platlib", "stdlib")}
    known |= {home: "~"} if home.is_dir() and home != Path(home.anchor) else {}
    for path in sorted(known, key=lambda path: len(str(path)), reverse=True):
        plain = str(path)
        for form in dict.fromkeys((plain, repr(plain)[1:-1], path.as_posix())):  # on Windows, three
            pattern = rf"(?<![\w.-]){re.escape(form)}(?:(?P<inside>[/\\]+)|(?![\w.-]))"
            text = re.sub(pattern, lambda match, name=known[path]: _shorter(name, match), text)
    return text


def _shorter(name: str, match: re.Match) -> str:
    inside = match["inside"]
    return name + (inside or "") if name else "" if inside else "."


def _cause(error: dict) -> str:
    """What an error may come from that a script runs into as a cell, or on a reader's machine."""
    if "FileNotFoundError" in error["types"]:
        return "\ncells run in an empty folder, like a reader's: let a cell above write the file"
    if "KeyError" in error["types"] and ENVIRON.search(error["traceback"]):
        return "\nno reader has an environment variable of yours: write its value into the cell"
    return ""


def _as_in_a_terminal(reply: dict) -> str:
    """What is left to be seen of what a cell printed, and of its error."""
    text = reply["text"]
    if reply["error"]:
        text += "\n" + reply["error"]["message"]
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in UNSEEN.sub("", text).split("\n")]
    return "\n".join(line.rstrip() for line in lines).strip("\n")
