"""Behind `make serve`: what is saved is run from the cell that changed, and shown at once.

A section whose page is opened, or whose script is saved, gets a chain of waiting processes, one
before each of its cells (preview_kernel.py). When its script is saved, the process before the
first changed cell runs that cell and all below it; nothing above it runs again. The cells' blocks
are then put into the page that MkDocs made last. Whatever else is saved builds the whole site.

Everything here lives in build/preview/, the records too. `make site` never reads from there: for
it the section has changed, and it runs from the top.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import markdown as python_markdown

from tutorial import TutorialError
from tutorial.lesson.cells import DEVICES, Cell, Section, digest, read_section
from tutorial.lesson.project import Project
from tutorial.page import fences
from tutorial.page.context import BuildContext
from tutorial.record import records
from tutorial.record.records import Record
from tutorial.run.forks import START_LIMIT, can_fork
from tutorial.run.runner import Kernel, Runner, cores, died
from tutorial.site import build, preview_kernel

LIVE = 2  # sections with waiting processes: each holds the memory of its data and networks
PATIENCE = 2.0  # seconds to wait for the first changed cell before the page says that it runs
GRACE = 0.3  # seconds more for the cells below it, so that the page is loaded once
NOT_FROM_TOP = "preview, not run from the top"

PREVIEWED, FAILED, WAITING = "previewed", "failed", "waiting"
MARKS = {
    PREVIEWED: "Preview: run on from the cells above, not from the top",
    FAILED: "Preview: this cell failed",
    WAITING: "Preview: not run yet",
}


class PreviewProject(Project):
    """The checkout with records and site of the preview: build/preview/DEVICE/, .../site/."""

    @property
    def build(self) -> Path:
        return self.root / "build" / "preview"


class Chain(Kernel):
    """A section's processes. `nodes`: (number, connection) of the state before each cell run."""

    def __init__(self, runner: Runner, section: Section, folder: Path) -> None:
        super().__init__(runner, section, folder)
        self.states = folder / "states"  # the working folder as each cell left it
        shutil.rmtree(self.states, ignore_errors=True)
        self.nodes: list[tuple[int, socket.socket]] = []
        self.forks: list[bool] = []  # whether a copy of it would be whole
        self.torn = False  # a cell failed in the last state's own process
        self.child = 0
        self.stopped = False

    def start(self) -> dict:
        ours, theirs = socket.socketpair()
        with open(self.printed, "w") as early:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tutorial.site.preview_kernel", str(theirs.fileno())],
                cwd=self.workdir,
                env=self.runner.kernel_environment(),
                stdin=subprocess.DEVNULL,
                stdout=early,
                stderr=early,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        theirs.close()
        self.nodes, self.forks = [(self.process.pid, ours)], [True]
        self._keep()
        return self.facts(self._ask(self.request, START_LIMIT))

    def reaches(self, count: int) -> int:
        """After how many of the first `count` cells there is a state to run on from."""
        if count == len(self.nodes) - 1 and not self.torn:
            return count
        return max(number for number in range(count + 1) if self.forks[number])

    def back(self, count: int) -> None:
        """Return to the state after `count` cells, one that reaches() named."""
        if count == len(self.nodes) - 1 and not self.torn:
            return
        self.torn = False
        for number, connection in reversed(self.nodes[count + 1 :]):
            with contextlib.suppress(OSError):
                os.killpg(number, signal.SIGKILL)
            connection.close()
            self._tell_root({"forget": number})
        del self.nodes[count + 1 :], self.forks[count + 1 :]
        for path in self.workdir.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        shutil.copytree(self.states / str(count), self.workdir, symlinks=True, dirs_exist_ok=True)

    def run(self, cell: Cell) -> dict:
        """Run one cell from the last state; a process that stop() ends leaves `stopped` set."""
        request = {"name": cell.name, "source": cell.source, "line": cell.line + 1}
        self.timed_out = False
        above, connection = self.nodes[-1]
        forks = self.forks[-1]
        if forks:
            answer = self._ask(request | {"fork": True}, START_LIMIT)
            if answer is None:
                raise TutorialError(f"{cell.where}: a process kept above cell {cell.name} has died")
            number, (descriptor,) = answer["pid"], self._sent
            self.nodes.append((number, socket.socket(fileno=descriptor)))
            self.forks.append(True)
            self._tell_root({"group": number})
            self.child = number
        else:
            self.child = above
        if self.stopped:
            self.stop()
        reply = self._ask(None if forks else request | {"fork": False}, cell.timeout)
        self.child = 0
        if reply is None:
            self.torn = not forks
            fate = self._fate(cell.timeout)
            if forks and not self.timed_out and not self.stopped:
                send = preview_kernel.send
                with contextlib.suppress(OSError):
                    send(connection, {"fate": True})
                    answer, _ = preview_kernel.receive(connection)
                    fate = died(answer["code"]) if answer else fate
            return self.lost(cell, fate)
        if forks:
            self.forks[-1] = reply["forks"]
        else:  # the same process as before: a state of its own that nothing leads back to
            self.nodes.append(self.nodes[-1])
            self.forks.append(False)
        self._keep()
        return reply

    def stop(self) -> None:
        """End the cell that is running."""
        self.stopped = True
        if self.child:
            with contextlib.suppress(OSError):
                os.killpg(self.child, signal.SIGKILL)

    def kill(self) -> None:
        for number, connection in reversed(self.nodes):
            with contextlib.suppress(OSError):
                os.killpg(number, signal.SIGKILL)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self.process is not None:
            self.process.wait()

    def _tell_root(self, message: dict) -> None:
        with contextlib.suppress(OSError):
            preview_kernel.send(self.nodes[0][1], message)
            preview_kernel.receive(self.nodes[0][1])

    def _keep(self) -> None:
        target = self.states / str(len(self.nodes) - 1)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.workdir, target, symlinks=True)

    def _ask(self, request: dict | None, limit: float) -> dict | None:
        number, connection = self.nodes[-1]
        connection.settimeout(limit)
        try:
            if request is not None:
                preview_kernel.send(connection, request)
            reply, self._sent = preview_kernel.receive(connection)
        except TimeoutError:
            self.timed_out = True
            with contextlib.suppress(OSError):
                os.killpg(number, signal.SIGKILL)
            return None
        except OSError:
            return None
        finally:
            with contextlib.suppress(OSError):
                connection.settimeout(None)
        return reply

    def _fate(self, limit: float) -> str:
        if self.timed_out:
            return f"stopped at its time limit of {limit:g} s (timeout=... in the marker line)"
        return "the kernel died"


class Session(threading.Thread):
    """Keeps a section's chain at what its script says, cell by cell."""

    def __init__(self, runner: Runner, section: Section, folder: Path, post: Callable) -> None:
        super().__init__(name=f"preview of {section.name}", daemon=True)
        self.runner, self.wanted, self.folder, self.post = runner, section, folder, post
        self.changed = threading.Condition()
        self.chain: Chain | None = None
        self.needs: frozenset[str] = frozenset()
        self.shared: dict = {}
        self.done: list[str] = []  # keys of the cells that the chain has run
        self.failed = ""  # key of the cell that failed: not tried again
        self.running = ""
        self.over = False
        self.began: float | None = time.monotonic()  # None once its readiness has been told

    def want(self, section: Section) -> None:
        """Run this version; a cell that runs on is not disturbed if its key is the same."""
        with self.changed:
            self.wanted = section
            if self.running and self.running not in section.keys("cpu").values() and self.chain:
                self.chain.stop()
            self.changed.notify_all()

    def idle(self) -> bool:
        """Whether it has run all that can be run of what is wanted."""
        with self.changed:
            return not self.running and not self._next()

    def close(self) -> None:
        with self.changed:
            self.over = True
            self.changed.notify_all()
            if self.chain:
                self.chain.stop()
                self.chain.kill()

    def run(self) -> None:
        try:
            self._follow()
        finally:
            self._drop_chain()

    def _follow(self) -> None:
        while True:
            with self.changed:
                while not self.over and not self._next():
                    self._tell_ready()
                    self.changed.wait()
                if self.over:
                    return
                section, count, cell, key = self._next()
                self.running = key
                if self.chain:
                    self.chain.stopped = False
            try:
                record = self._run(section, count, cell)
            except (TutorialError, OSError) as error:
                record = Record(cell.name, key, "", 0.0, failure=str(error))
                self._drop_chain()
            if record is not None and not self.over:
                if record.failure:
                    self.failed = key
                self.post(section, record, self.folder)
            with self.changed:
                self.running = ""

    def _next(self) -> tuple[Section, int, Cell, str] | None:
        cells = self.wanted.on("cpu")
        keys = list(self.wanted.keys("cpu").values())
        count = 0
        while count < min(len(keys), len(self.done)) and keys[count] == self.done[count]:
            count += 1
        if count == len(keys) or keys[count] == self.failed:
            return None
        if self.chain:
            count = self.chain.reaches(count)
        return self.wanted, count, cells[count], keys[count]

    def _tell_ready(self) -> None:
        if self.began is not None and len(self.done) == len(self.wanted.on("cpu")):
            seconds = time.monotonic() - self.began
            print(f"preview of {self.wanted.name}: all cells kept ({seconds:.1f} s)", flush=True)
            self.began = None

    def _drop_chain(self) -> None:
        chain, self.chain, self.done = self.chain, None, []
        if chain:
            chain.kill()

    def _run(self, section: Section, count: int, cell: Cell) -> Record | None:
        """Run one cell; None if it was stopped because another version is wanted."""
        needs = section.needs("cpu")
        if self.chain and (needs != self.needs or self.chain.process.poll() is not None):
            self._drop_chain()
            return None
        if self.chain is None:
            self.runner.provide(needs)
            self.needs = needs
            chain = Chain(self.runner, section, self.folder)
            with self.changed:
                if self.over:
                    return None
                self.chain = chain
            facts = chain.start()
            environment = self.runner.environment(section)
            self.shared = {"environment": environment | facts, "revision": NOT_FROM_TOP}
        chain = self.chain
        chain.back(count)
        del self.done[count:]
        reply = chain.run(cell)
        if chain.stopped:
            del self.done[chain.reaches(count) :]
            chain.back(chain.reaches(count))
            return None
        date = datetime.now(UTC).date().isoformat()
        record = self.runner.record(
            section, cell, reply, chain.workdir, self.folder, **self.shared, date=date
        )
        if record.failure:
            if chain.forks[count]:
                chain.back(count)
        else:
            self.done.append(record.key)
        return record


class Preview:
    """The preview's site and what runs for it. Only update() writes into build/preview/site.

    run: brings the real records up to date, from the top; the number of sections that failed.
    """

    def __init__(self, root: Path, device: str, run: Callable[[Project], int]) -> None:
        self.root, self.device, self.run = root, device, run
        self.forking = can_fork(device)
        self.folder = root / "build" / "preview"
        for name in (*DEVICES, "kernels"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.signal = self.folder / "reload"  # watched: touched when a cell has ended
        self.signal.touch()
        self.news = threading.Condition()
        self.version = 0  # of `results`
        self.updating = False
        self.results: dict[tuple[str, str], tuple[Record, Path]] = {}
        self.sessions: OrderedDict[str, Session] = OrderedDict()
        self.sections: dict[str, Section] = {}  # as they were shown last
        self.scripts: dict[str, str] = {}
        self.marked: set[str] = set()
        self.inputs = ""
        self.pages: dict[Path, str] = {}  # as MkDocs made them
        self.converter: python_markdown.Markdown | None = None  # as mkdocs.yml wants it
        # By cell: what its block is made of, and the block; None for the one MkDocs made.
        self.blocks: dict[str, tuple[tuple, str | None]] = {}

    # What a save leads to

    def update(self) -> None:
        """Bring the preview up to what is saved. TutorialError if that cannot be shown."""
        with self.news:
            self.updating, seen = True, self.version
        try:
            seen = self._update()
        except TutorialError as error:
            self._show_trouble(str(error))
            raise
        finally:
            with self.news:
                self.updating = False
                if self.version != seen:
                    self.signal.touch()

    def _update(self) -> int:
        started = time.monotonic()
        project = PreviewProject(self.root)
        files = sorted((self.root / "snippets").glob("*.py"))
        inputs = build.fingerprint(project, files)
        scripts = {file.stem: digest(file.read_text(encoding="utf-8")) for file in files}
        changed = {name for name in scripts if scripts[name] != self.scripts.get(name)}
        if inputs == self.inputs:  # cut into cells only what has changed
            project.__dict__["sections"] = {
                file.stem: read_section(file, self.root)
                if file.stem in changed
                else self.sections[file.stem]
                for file in files
            }
        shape = {name: names_of(section) for name, section in project.sections.items()}
        last_shape = {name: names_of(section) for name, section in self.sections.items()}
        whole = not self.forking or inputs != self.inputs or shape != last_shape
        first = not self.sections
        stale = [
            section
            for name, section in project.sections.items()
            if (whole or name in changed | self.marked) and self._stale(section)
        ]
        if first or (stale and not self.forking) or len(stale) > LIVE:
            failed = self.run(Project(self.root))
            stale = [section for section in project.sections.values() if self._stale(section)]
            if failed and (not self.forking or len(stale) > LIVE):
                raise TutorialError("the preview is as it was")
        for section in stale:
            self._session(section)
        for section in project.sections.values():  # undone: warm the chain with what is saved
            if section.name in self.sessions and section not in stale:
                self.sessions[section.name].want(section)
        if whole:
            seen = self._build(project)
            self.inputs, changed = inputs, set()
        else:
            seen = self._wait_for(stale)
            changed |= self.marked
        self.marked = self._show(project, changed | {section.name for section in stale})
        self.scripts, self.sections = scripts, dict(project.sections)
        self._tell(stale, time.monotonic() - started)
        return seen

    def _wait_for(self, stale: list[Section]) -> int:
        """Wait a little for results; the version of those that will be shown."""

        def marks(section: Section) -> list[str]:
            return [mark for _, mark in self._states(section).values() if mark]

        def begun() -> bool:
            return all(marks(section)[:1] != [WAITING] for section in stale)

        def ended() -> bool:
            left = [marks(section) for section in stale]
            return all(FAILED in each or WAITING not in each for each in left)

        with self.news:
            self.news.wait_for(begun, PATIENCE)
            self.news.wait_for(ended, GRACE)
            return self.version

    def opened(self, page: str) -> None:
        """Someone looks at this page: have its section's processes ready for the first change."""
        section = self.sections.get(page)
        if self.forking and section and page not in self.sessions:
            self._session(section)

    def close(self) -> None:
        with self.news:
            sessions, self.sessions = list(self.sessions.values()), OrderedDict()
        for session in sessions:
            session.close()
        for session in sessions:
            session.join(5)
            session.close()  # a chain that was just being started

    # Sections that run

    def _session(self, section: Section) -> None:
        with self.news:
            session = self.sessions.get(section.name)
            if session is None:
                while len(self.sessions) >= LIVE:
                    _, oldest = self.sessions.popitem(last=False)
                    oldest.close()
                # One torch thread: a pool of threads does not survive a fork.
                runner = Runner(Project(self.root), self.device, jobs=cores())
                folder = self.folder / "kernels" / section.name
                folder.mkdir(parents=True, exist_ok=True)
                session = Session(runner, section, folder, self._post)
                self.sessions[section.name] = session
                session.start()
            self.sessions.move_to_end(section.name)
        session.runner.project = Project(self.root)  # its messages name lines of pages
        session.want(section)

    def _post(self, section: Section, record: Record, folder: Path) -> None:
        """A session's cell has ended. (Called in the session's thread.)"""
        real = self._real(section, record.cell)
        if real and real.key == record.key and not real.failure:
            return  # run to have its state; the page shows the real run
        with self.news:
            self.results[section.name, record.cell] = (record, folder)
            self.version += 1
            self.news.notify_all()
            if not self.updating:
                self.signal.touch()
        if record.failure:
            print(f"\n{record.failure}\n", flush=True)

    # Records

    def _real(self, section: Section, cell: str) -> Record | None:
        try:
            return records.read(Project(self.root), self.device, section.name, cell)
        except TutorialError:
            return None

    def _stale(self, section: Section) -> bool:
        for name, key in section.keys(self.device).items():
            real = self._real(section, name)
            if real is None or real.key != key or real.failure:
                return True
        return False

    def _states(self, section: Section) -> dict[str, tuple[Record | None, str]]:
        """Per cell: the record to show and its mark, '' for that of a real run."""
        states = {}
        for name, key in section.keys(self.device).items():
            real = self._real(section, name)
            result, _ = self.results.get((section.name, name), (None, None))
            known = [record for record in (real, result) if record and record.key == key]
            good = [record for record in known if not record.failure]
            if good:
                states[name] = good[0], "" if good[0] is real else PREVIEWED
            else:
                states[name] = (known[-1], FAILED) if known else (None, WAITING)
        return states

    def _provide(self, section: Section) -> dict[str, str]:
        """Put what is to be shown of a section into build/preview/DEVICE/; the mark of each."""
        marks = {}
        target = records.folder(PreviewProject(self.root), self.device, section.name)
        source = records.folder(Project(self.root), self.device, section.name)
        keys = section.keys(self.device)
        states = self._states(section)
        failed = next((name for name, (_, mark) in states.items() if mark == FAILED), "")
        for name, (record, mark) in states.items():
            marks[name] = mark
            folder = self.results[section.name, name][1] if mark == PREVIEWED else source
            if mark == WAITING:
                text = f"Not run: the cell {failed} failed." if failed else "Running ..."
                record = Record(name, keys[name], text, 0.0, revision=NOT_FROM_TOP)
            elif mark == FAILED:
                record = replace(
                    record,
                    text=record.failure,
                    failure="",
                    figures=[],
                    sounds=[],
                    revision=NOT_FROM_TOP,
                )
            record.write(target)
            for _, file in record.files():
                shutil.copyfile(folder / file, target / file)
        return marks

    # Pages

    def _build(self, project: Project) -> int:
        """Build the whole site as it stands."""
        with self.news:
            seen = self.version
        for device in DEVICES:
            mirror(self.root / "build" / device, self.folder / device)
        for section in project.sections.values():
            if self._stale(section):
                self._provide(section)
        config = build.build_preview(project)
        self.pages = {}
        self.blocks = {
            cell.id: (self._ingredients(project, cell, ""), None)
            for section in project.sections.values()
            for cell in section.cells
        }
        self.converter = python_markdown.Markdown(
            extensions=config["markdown_extensions"], extension_configs=config["mdx_configs"]
        )
        self.converter.convert("text")  # its parts read their settings then
        return seen

    def _show(self, project: Project, names: set[str]) -> set[str]:
        """Put the cells of these sections into their pages; the sections that have a mark."""
        marked = set()
        changes: dict[Path, dict[str, str | None]] = {}
        notes: dict[Path, str] = {}
        for name in sorted(names & project.sections.keys()):
            section = project.sections[name]
            marks = self._provide(section)
            folder = records.folder(project, self.device, name)
            target = project.site / "assets"
            for kind, pattern in (("figures", "*.webp"), ("sounds", "*.wav")):
                for file in folder.glob(pattern):
                    place = target / kind / self.device / name / file.name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, place)
            if any(marks.values()):
                marked.add(name)
            context = BuildContext(project, self.device)
            for cell in section.cells:
                page = page_of(project, cell)
                if page is None:
                    continue
                mark = marks.get(cell.name, "")
                made_of = self._ingredients(project, cell, mark)
                if self.blocks.get(cell.id, ((),))[0] != made_of:
                    html = fences.show_cell(context, f"{name}.py::{cell.name}", self.converter)
                    if mark:
                        html = _with_mark(_fresh_files(html, folder), mark)
                    self.blocks[cell.id] = made_of, html
                if mark:
                    notes[page] = _note(marks)
                changes.setdefault(page, {})[f"{name}-{cell.name}"] = self.blocks[cell.id][1]
        for page, blocks in changes.items():
            self._write(page, blocks, notes.get(page, ""))
        return marked

    def _ingredients(self, project: Project, cell: Cell, mark: str) -> tuple:
        folder = records.folder(project, self.device, cell.section)
        record = folder / f"{cell.name}.json"
        text = record.read_text(encoding="utf-8") if record.is_file() else ""
        return cell.source, cell.options, mark, text

    def _show_trouble(self, text: str) -> None:
        """Say on the page of the script or page named first why nothing new is shown there."""
        name = Path(text.partition(":")[0]).stem
        page = PreviewProject(self.root).site / f"{name}.html"
        if page.is_file():
            note = f"<p>Not what you saved, which cannot be shown:</p><pre>{escape(text)}</pre>"
            self._write(page, {}, _admonition("failure", note))
            self.marked.add(name)

    def _write(self, page: Path, blocks: dict[str, str | None], note: str) -> None:
        if page not in self.pages:
            self.pages[page] = page.read_text(encoding="utf-8")
        new = page.with_suffix(".new")
        new.write_text(patched(self.pages[page], blocks, note), encoding="utf-8")
        os.replace(new, page)

    def _tell(self, stale: list[Section], seconds: float) -> None:
        for section in stale:
            marks = [mark for _, mark in self._states(section).values()]
            said = ", ".join(f"{marks.count(mark)} {mark}" for mark in MARKS if mark in marks)
            print(f"preview of {section.name}: {said}, {seconds:.1f} s", flush=True)


def names_of(section: Section) -> list[str]:
    return [cell.name for cell in section.cells]


def page_of(project: Project, cell: Cell) -> Path | None:
    """The built page that shows a cell."""
    places = project.shown.get((cell.section, cell.name))
    if not places:
        return None
    page = Path(places[0].rpartition(":")[0]).relative_to("docs")
    return project.site / page.with_suffix(".html")


def mirror(source: Path, target: Path) -> None:
    """Make `target` a copy of `source`: records and what belongs to them."""
    files = {
        file.relative_to(source)
        for pattern in ("*/*.json", "*/*.webp", "*/*.wav")
        for file in source.glob(pattern)
    }
    for file in target.glob("*/*"):
        if file.relative_to(target) not in files and file.is_file():
            file.unlink()
    for file in files:
        place = target / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / file, place)


class _Blocks(HTMLParser):
    """Where the block of each cell stands in a page, and where its first heading ends."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.lines = [0]
        for line in page.split("\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)
        self.spans: dict[str, tuple[int, int]] = {}
        self.heading = 0
        self._open: list[tuple[str, int]] = []
        self.feed(page)

    def _at(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def handle_starttag(self, tag: str, attributes: list) -> None:
        if tag == "div":
            known = dict(attributes)
            cell = known.get("id") if known.get("class") == "cell" else ""
            self._open.append((cell or "", self._at()))

    def handle_endtag(self, tag: str) -> None:
        end = self.page.index(">", self._at()) + 1
        if tag == "div" and self._open:
            name, start = self._open.pop()
            if name:
                self.spans[name] = start, end
        elif tag == "h1" and not self.heading:
            self.heading = end


def patched(page: str, blocks: dict[str, str | None], note: str) -> str:
    """The page with these cells' blocks in place of its own, and a note below its heading."""
    found = _Blocks(page)
    places = [
        (*found.spans[name], html) for name, html in blocks.items() if html and name in found.spans
    ]
    if note:
        places.append((found.heading, found.heading, note))
    for start, end, html in sorted(places, reverse=True):
        page = page[:start] + html + page[end:]
    return page


def _with_mark(html: str, mark: str) -> str:
    run = '<section class="cell-run" data-search-exclude>'
    return html.replace(run, f'{run}<p class="cell-label cell-preview">{MARKS[mark]}</p>', 1)


def _fresh_files(html: str, folder: Path) -> str:
    """A browser keeps a figure by its address: let that change with its content."""
    for file in (*folder.glob("*.webp"), *folder.glob("*.wav")):
        if f"/{file.name}" in html:
            content = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
            html = html.replace(f"/{file.name}", f"/{file.name}?{content}")
    return html


def _admonition(kind: str, html: str) -> str:
    title = '<p class="admonition-title">Preview</p>'
    return f'<div class="admonition {kind}" id="preview-note">{title}{html}</div>'


def _note(marks: dict[str, str]) -> str:
    names = [name for name, mark in marks.items() if mark]
    return _admonition(
        "warning",
        f"<p>{len(names)} of {len(marks)} cells were run on from the state above them, beginning"
        f" with <code>{names[0]}</code>, or not yet. Such outputs are never published:"
        " <code>make site</code> runs the section from the top.</p>",
    )


def serve(root: Path, device: str, run: Callable[[Project], int], port: int) -> None:
    """Serve build/preview/site until interrupted; no process of the preview outlives this."""
    os.environ["DEVICE"] = device
    preview = Preview(root, device, run)
    if not preview.forking:
        print(f"preview on {sys.platform}, {device}: a changed section runs from the top")
    try:
        build.serve(PreviewProject(root), preview, port)
    finally:
        preview.close()
