"""Behind `make serve`: what is saved is run from the cell that changed, and shown at once.

A section whose page is opened, or whose script is saved, gets a kernel that keeps the state before
each of its cells (run/stepping.py). MkDocs then makes anew the pages that show the section.

Everything here lives in build/preview/, the records too. `make site` never reads from there: for
it the section has changed, and it runs from the top.
"""

import os
import re
import shutil
import socket
import sys
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout
from mkdocs.livereload import LiveReloadServer

from tutorial import TutorialError
from tutorial.lesson import files
from tutorial.lesson.cells import DEVICES, Section
from tutorial.lesson.project import WRITTEN, Project
from tutorial.page.context import render
from tutorial.record import records
from tutorial.record.records import Record
from tutorial.run.stepping import FORKS, Session
from tutorial.run.variant_runner import run_variants
from tutorial.site import build, inputs

LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?", re.IGNORECASE)
LIVE = 2  # sections with a kernel: each holds the memory of its data and networks
PATIENCE = 2.0  # seconds to wait for the changed cells before the page says that they run
REAL, SHOWN, RAN = "build", "build/preview", "build/preview/ran"  # folders of records
RUN_ON, FAILED, WAITING = "run on from the cells above it", "failed", "not run yet"
TROUBLE = re.compile(r'<div class="admonition failure" id="preview-note">.*?</div>', re.DOTALL)


class Preview:
    """The preview's site and what runs for it.

    run: brings the real records up to date, from the top; the number of sections that failed.
    """

    def __init__(self, project: Project, run: Callable[[Project], int]) -> None:
        self.project, self.run = replace(project, folder=SHOWN), run
        self.stepping = project.device == "cpu" and FORKS
        for name in (*DEVICES, "ran"):
            shutil.rmtree(self.project.build / name, ignore_errors=True)
        self.project.build.mkdir(parents=True, exist_ok=True)
        self.signal = self.project.build / "reload"  # watched: touched when a cell has ended
        self.signal.touch()
        self.sessions: OrderedDict[str, Session] = OrderedDict()
        self.inputs = ""  # of the last build: all but scripts and pages
        self.news = threading.Lock()  # guards what follows
        self.ended: set[str] = set()  # sections with a cell that has ended and is not shown yet
        self.updating = False

    def update(self) -> None:
        """Bring the preview up to what is saved. TutorialError if that cannot be shown."""
        with self.news:
            self.updating = True
        try:
            self._update(replace(self.project))  # which reads scripts and pages anew
        except TutorialError as error:
            self._show_trouble(str(error))
            raise
        finally:
            with self.news:
                self.updating = False
                if self.ended:
                    self.signal.touch()

    def _update(self, project: Project) -> None:
        # Before anything is read: what is saved from here on is for the next update.
        fingerprint = inputs.fingerprint(project, self._pages_and_scripts(), with_records=False)
        started, last, sections = time.monotonic(), self.project, project.sections
        build.check(project)
        whole = fingerprint != self.inputs or project.pages.keys() != last.pages.keys()
        edited = {name for name in sections if whole or sections[name] != last.sections.get(name)}
        stale = self._stale(project, edited)
        if not self.inputs or self._too_many(stale):
            failed = self.run(replace(project, folder=REAL))
            edited = set(sections)
            stale = self._stale(project, edited)
            if failed and self._too_many(stale):
                raise TutorialError("the preview is as it was")
        for name in stale:
            self._session(project, name)
        for name in edited & self.sessions.keys():  # also where an edit was undone
            self.sessions[name].want(sections[name], project)
        until = time.monotonic() + PATIENCE
        for name in stale:
            self.sessions[name].wait(until - time.monotonic())
        with self.news:
            changed, self.ended = (edited | self.ended) & sections.keys(), set()
        states = {name: self._provide(project, sections[name]) for name in changed}
        if whole:
            for outcome in run_variants(replace(project, folder=REAL), sections):
                for problem in outcome.problems:
                    print(f"\n{problem}\n", flush=True)
            for device in DEVICES:
                real = project.root / REAL / device
                if device != project.device and real.is_dir():
                    shutil.copytree(real, project.build / device, dirs_exist_ok=True)
            build.build_preview(project)
        else:
            build.remake_pages(project, changed)
        self.inputs, self.project = fingerprint, project
        for name in stale:
            said = ", ".join(f"{count} {state}" for state, count in states[name].items() if state)
            print(f"preview of {name}: {said}, {time.monotonic() - started:.1f} s", flush=True)

    def _pages_and_scripts(self) -> list[Path]:
        """Whose own changes are looked for one by one."""
        docs, snippets = self.project.root / "docs", self.project.root / "snippets"
        return [*files.visible(docs, "**/*.md"), *files.visible(snippets, "*.py")]

    def _too_many(self, stale: list[str]) -> bool:
        return len(stale) > (LIVE if self.stepping else 0)

    def opened(self, page: str) -> None:
        """Someone looks at this page: have its section's kernel ready for the first change."""
        if self.stepping and page in self.project.sections and page not in self.sessions:
            self._session(self.project, page)

    def close(self) -> None:
        """End all processes."""
        for session in self.sessions.values():
            session.close()
        for session in self.sessions.values():
            session.join(5)

    # Sections that run

    def _session(self, project: Project, name: str) -> None:
        with self.news:
            if name not in self.sessions:
                while len(self.sessions) >= LIVE:
                    self.sessions.popitem(last=False)[1].close()
                ran = replace(project, folder=RAN)
                self.sessions[name] = Session(ran, project.sections[name], self._ended)
                self.sessions[name].start()
            self.sessions.move_to_end(name)

    def _ended(self, section: Section, record: Record) -> None:
        """A cell has ended. (Called in the session's thread.)"""
        real = self._current(REAL, section, record.cell)
        if real and not real.failure:
            return  # run to have its state; the page shows the real run
        if record.failure:
            print(f"\n{record.failure}\n", flush=True)
        with self.news:
            self.ended.add(section.name)
            if not self.updating:
                self.signal.touch()

    # Records

    def _current(self, folder: str, section: Section, cell: str) -> Record | None:
        """The record of a cell as it is now in one of the folders."""
        project, device = replace(self.project, folder=folder), self.project.device
        with suppress(TutorialError):  # damaged
            record = records.read(project, device, section.name, cell)
            if record and record.key == section.keys(device)[cell]:
                return record
        return None

    def _stale(self, project: Project, among: set[str]) -> list[str]:
        """The sections of which a cell has no current real record."""
        stale = []
        for name in sorted(among):
            section = project.sections[name]
            real = [self._current(REAL, section, cell) for cell in section.keys(project.device)]
            if any(record is None or record.failure for record in real):
                stale.append(name)
        return stale

    def _provide(self, project: Project, section: Section) -> Counter:
        """Put what is to be shown of a section where its pages are made from; the cells' states."""
        target = records.folder(project, project.device, section.name)
        target.mkdir(parents=True, exist_ok=True)
        failed, states = "", Counter()
        for cell, key in section.keys(project.device).items():
            real, ran = (self._current(folder, section, cell) for folder in (REAL, RAN))
            good = [record for record in (real, ran) if record and not record.failure]
            if good:
                record, state, folder = (real, "", REAL) if good[0] is real else (ran, RUN_ON, RAN)
                source = project.root / folder / project.device / section.name
                for _, file in record.files():
                    shutil.copyfile(source / file, target / file)
            elif record := ran or real:
                record = replace(record, text=record.failure, failure="", figures=[], sounds=[])
                state, failed = FAILED, failed or cell
            else:
                text = f"Not run: the cell {failed} failed." if failed else "Running ..."
                record, state = Record(cell, key, text, 0.0), WAITING
            environment = {**record.environment, "preview": state}
            replace(record, environment=environment).write(target)
            states[state] += 1
        return states

    def _show_trouble(self, message: str) -> None:
        """Say on the page of the script or page named first why nothing new is shown there."""
        page = self.project.site / f"{Path(message.partition(':')[0]).stem}.html"
        if page.is_file():
            html = TROUBLE.sub("", page.read_text(encoding="utf-8"))
            note = render("preview_trouble.html", message=message)
            page.write_text(html.replace("</h1>", f"</h1>{note}", 1), encoding="utf-8")
            build.outdate(self.project.site, page.stem)


def serve(project: Project, run: Callable[[Project], int], port: int) -> None:
    """Serve build/preview/site until interrupted; no process of the preview outlives this.

    TutorialError, before anything is run, for a port that cannot be had or a second preview.
    """
    if not 0 < port < 2**16:
        raise TutorialError(f"PORT={port}: a port is a number from 1 to 65535; 8000 without it")
    (project.root / SHOWN).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(project.root / SHOWN / ".lock", timeout=0):
            _try_port(port)
            _serve(project, run, port)
    except Timeout:
        raise TutorialError(
            f"{SHOWN}: another preview of this clone is running, and two would overwrite each"
            " other's pages: end that one first, or start this one in a second clone"
        ) from None


def _try_port(port: int) -> None:
    with socket.socket() as place:
        if os.name != "nt":  # as the server does: a connection that has just ended is no obstacle
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", port))
        except OSError as error:
            other = 8001 if port == 8000 else 8000
            raise TutorialError(
                f"PORT={port}: {error.strerror}; name another: PORT={other}"
            ) from None


def _serve(project: Project, run: Callable[[Project], int], port: int) -> None:
    preview = Preview(project, run)
    if not preview.stepping:
        print(f"preview on {sys.platform}, {project.device}: a changed section runs from the top")

    class Server(LiveReloadServer):
        def serve_request(self, environ, start_response):
            # Any website could have its own name lead here, and read what is drafted.
            if not LOOPBACK.fullmatch(environ.get("HTTP_HOST", "")):
                start_response("403 Forbidden", [("Content-Type", "text/plain")])
                return [b"The preview answers to the names localhost and 127.0.0.1 only.\n"]
            page = environ["PATH_INFO"].removeprefix("/") or "index.html"
            if page.endswith(".html"):
                preview.opened(page.removesuffix(".html"))

            def start(status, headers):  # a figure that has changed has the address of the old one
                return start_response(status, [*headers, ("Cache-Control", "no-store")])

            return super().serve_request(environ, start)

    def rebuild() -> None:
        try:
            preview.update()
        except (TutorialError, OSError) as error:
            # The last good site stays on show, and the server waits for the mend.
            print(f"\n{error}\n", flush=True)

    try:
        rebuild()
        site = preview.project.site
        if not site.is_dir():
            raise TutorialError("there is no site to serve yet; mend the above and try again")
        server = Server(rebuild, "127.0.0.1", port, root=str(site), polling_interval=0.2)
        for path in (*(project.root / name for name in WRITTEN), preview.signal):
            if path.exists():
                server.watch(str(path))
        address = f"http://127.0.0.1:{port}/"
        print(f"serving {address} until Ctrl-C; save a page or a script to see it", flush=True)
        try:
            server.serve()
        except KeyboardInterrupt:
            print()
        finally:  # on SIGTERM too: its threads would keep this process alive
            if server.serve_thread.is_alive():
                server.shutdown()
    finally:
        preview.close()
