"""make serve: a change runs from the cell that changed, is shown at once, never published."""

import http.client
import os
import re
import signal
import socket
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tutorial.__main__ import main
from tutorial.lesson.project import Project
from tutorial.run.kernel_process import KernelProcess
from tutorial.run.stepping import Session
from tutorial.site import build, preview

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a preview forks on Linux only")

LESSON = """
# %% imports
import os
import random
import subprocess
import time
from pathlib import Path

# %% train
with open(os.environ["TRAININGS"], "a") as file:
    file.write("x")
weight = random.random()
print("trained")

# %% below
print("below", weight, random.random())

# %% last
print("the last", random.random())
"""


class Server:
    """`make serve` for a sample."""

    def __init__(self, sample, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = sample.start("tutorial", "serve", "--port", str(self.port), **environment)
        self.said: list[str] = []
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=lambda s=stream: self.said.extend(s), daemon=True).start()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def page(self) -> str:
        try:
            with self.opener.open(f"http://127.0.0.1:{self.port}/lesson.html", timeout=30) as reply:
                return reply.read().decode()
        except OSError:
            return ""

    def wait_for(self, condition, limit: float = 60.0) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, "".join(self.said) + self.page()[-9000:]
            time.sleep(0.1)

    def wait_for_page(self, *words: str) -> str:
        self.wait_for(lambda: all(word in self.page() for word in words))
        return self.page()

    def wait_for_words(self, words: str) -> None:
        self.wait_for(lambda: any(words in line for line in self.said))


@pytest.fixture
def serve(light, tmp_path):
    """Starts a server for the light sample; ends it."""
    servers = []

    def serve(**environment: str) -> Server:
        count = str(tmp_path / "trainings")
        servers.append(Server(light, TRAININGS=count, **environment))
        return servers[0]

    yield serve
    for server in servers:
        server.process.kill()
        server.process.wait()


def answer(server: Server, host: str) -> int:
    """The status of a reply to a browser that believes the server to be `host`."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/index.html", headers={"Host": host} if host else {})
    return connection.getresponse().status


def test_a_second_preview_is_refused_and_the_first_answers_to_its_own_names(light, serve):
    light.script("lesson", "# %% one\nprint('printed')\n")
    server = serve()
    server.wait_for_page("printed")
    done = light.do("tutorial", "serve", "--port", str(server.port))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "another preview of this clone is running" in done.stderr and not done.stdout
    names = {f"127.0.0.1:{server.port}", f"LocalHost:{server.port}", "localhost", "[::1]:80"}
    assert {answer(server, name) for name in names} == {200}
    strangers = {"example.org", f"example.org:{server.port}", "127.0.0.1.example.org", "a@[", " "}
    assert {answer(server, name) for name in strangers} == {403}
    assert "printed" in server.page()


def test_a_lock_of_an_editor_keeps_no_save_from_being_shown(light, serve):
    light.script("lesson", "# %% one\nprint('printed')\n")
    server = serve()
    server.wait_for_page("printed")
    locks = [light.root / folder / ".#lesson" for folder in ("snippets", "docs")]
    locks = [lock.with_suffix(suffix) for lock, suffix in zip(locks, (".py", ".md"), strict=True)]
    for lock in locks:
        lock.symlink_to("user@host.1:2")
    light.edit("docs/lesson.md", "# lesson", "# Saved meanwhile")
    server.wait_for_page("Saved meanwhile", "printed")
    light.edit("snippets/lesson.py", "printed", "printed anew")
    server.wait_for_page("<code>printed anew")
    for lock in locks:
        lock.unlink()
    light.edit("docs/lesson.md", "# Saved meanwhile", "# Saved after")
    server.wait_for_page("Saved after", "printed anew")


@pytest.mark.parametrize("port", ["99999", "0", "-1"])
def test_a_port_that_is_none_is_told_before_anything_runs(light, port):
    light.script("lesson", "# %% one\nprint('printed')\n")
    done = light.do("tutorial", "serve", f"--port={port}")
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.strip().startswith(f"PORT={port}: a port is a number from 1 to 65535")
    assert not (light.root / "build").exists()


def test_a_port_that_another_program_has_is_told_before_anything_runs(light):
    light.script("lesson", "# %% one\nprint('printed')\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = light.do("tutorial", "serve", "--port", str(port))
    assert done.returncode == 1 and "Traceback" not in done.stderr and not done.stdout
    assert re.match(rf"\nPORT={port}: .*; name another: PORT=\d+", done.stderr)


def outputs(page: str) -> list[str]:
    return re.findall(r'<pre class="cell-output[^>]*><code>(.*?)</code>', page, re.DOTALL)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except OSError:
        return True


def test_a_change_below_a_training_trains_no_more_and_is_never_published(light, serve, tmp_path):
    trainings = tmp_path / "trainings"
    light.script("lesson", LESSON)
    assert light.do("tutorial", "site", TRAININGS=str(trainings)).returncode == 0
    published = (light.site / "lesson.html").read_bytes()
    records = light.root / "build" / "cpu" / "lesson"
    kept = {file.name: file.read_bytes() for file in records.glob("*.json")}
    server = serve()
    page = server.wait_for_page("trained")
    assert "cell-preview" not in page and "preview-note" not in page
    server.wait_for_words("lesson: all cells kept")
    assert trainings.read_text() == "xx"  # the real one, and the one whose state is kept
    for number in range(3):
        light.edit("snippets/lesson.py", 'below", weight', 'very below", weight')
        page = server.wait_for_page(f"<code>{'very ' * (number + 1)}below")
    previewed = outputs(server.wait_for_page("<code>very very very below", "<code>the last"))
    page = server.page()
    assert page.count("cell-preview") == 2  # the changed cell and the one below it
    assert "preview, not run from the top" in page  # in the record of each
    assert trainings.read_text() == "xx"
    # Nothing of it is where make site reads.
    assert {file.name: file.read_bytes() for file in records.glob("*.json")} == kept
    assert (light.site / "lesson.html").read_bytes() == published
    server.process.terminate()
    server.process.wait()
    record = light.root / "build" / "preview" / "cpu" / "lesson" / "below.json"
    record.write_text(record.read_text().replace("very very", "forged"))
    done = light.do("tutorial", "site", TRAININGS=str(trainings))
    assert "1 ran (4 cells)" in done.stdout
    assert trainings.read_text() == "xxx"
    final = (light.site / "lesson.html").read_text(encoding="utf-8")
    assert "preview" not in final.partition("<article")[2].partition("</article>")[0]
    assert outputs(final) == previewed  # random numbers included: the state was the same


def test_what_goes_wrong_stands_on_the_page_and_the_server_goes_on(light, serve):
    light.script("lesson", LESSON)
    server = serve()
    server.wait_for_page("trained")
    light.edit("snippets/lesson.py", '"below", weight', '"below", wait')
    page = server.wait_for_page("NameError", "Not run: the cell below failed")
    where = light.place("snippets/lesson.py", '"below", wait')
    assert f"{where}: cell below, shown at docs/lesson.md" in page
    server.wait_for_words(f"{where}: cell below")
    light.edit("snippets/lesson.py", '"below", wait', '"mended", weight)(')
    where = light.place("snippets/lesson.py", "(, ")
    page = server.wait_for_page("which cannot be shown", f"{where}: ")
    light.edit("snippets/lesson.py", '"mended", weight)(', '"mended", weight')
    page = server.wait_for_page("<code>mended", "<code>the last")
    assert "cannot be shown" not in page and "NameError" not in page
    light.edit("docs/lesson.md", "# lesson", "# Saved with a preview on show")  # the whole site
    page = server.wait_for_page("Saved with a preview on show")
    assert "<code>mended" in page and page.count("cell-preview") == 2
    light.edit("snippets/lesson.py", '"mended"', '"below"')
    page = server.wait_for_page("<code>below 0.")
    assert "cell-preview" not in page and "preview-note" not in page  # the real records again


def test_a_question_is_shown_where_its_variants_are_current_and_runs_when_saved(light, serve):
    light.script("lesson", "# %% start\nstart = 1\n\n# %% sum\nprint(start + 1)\n")
    (light.root / "snippets" / "predict").mkdir()
    variants = light.root / "snippets" / "predict" / "lesson.py"
    variants.write_text('# %% text instead="sum"\nprint(f"{start}1")\n')
    server = serve()
    server.wait_for_page('class="predict"', "<code>11</code>")
    light.edit("snippets/lesson.py", "start = 1", "start = 5")  # which the variant needs
    assert 'class="predict"' not in server.wait_for_page("<code>6</code>")
    light.edit("snippets/lesson.py", "start = 5", "start = 1")
    server.wait_for_page('class="predict"', "<code>11</code>")
    light.edit("snippets/lesson.py", "start + 1", "start + 7")  # not run from the top
    assert 'class="predict"' not in server.wait_for_page("<code>8</code>")
    light.edit("snippets/lesson.py", "start + 7", "start + 1")
    server.wait_for_page('class="predict"', "<code>11</code>")
    light.edit("snippets/predict/lesson.py", "{start}1", "{start}+1")
    server.wait_for_page('class="predict"', "<code>1+1</code>")
    light.edit("snippets/predict/lesson.py", "{start}+1", "{missing}")
    server.wait_for_words("snippets/predict/lesson.py:2: cell text, shown at docs/lesson.md")
    server.wait_for(lambda: 'class="predict"' not in server.page())
    assert "cannot be shown" not in server.page()


def test_what_is_saved_while_an_update_reads_is_shown_by_the_next(light, monkeypatch):
    light.script("lesson", "# %% sum\nprint(1 + 1)\n")
    (light.root / "snippets" / "predict").mkdir()
    variants = light.root / "snippets" / "predict" / "lesson.py"
    variants.write_text('# %% text instead="sum"\nprint("11")\n')
    assert light.do("tutorial", "run").returncode == 0
    check, shown = build.check, []

    def save_after_reading(project):
        check(project)
        if not shown:
            variants.write_text('# %% text instead="sum"\nprint("1+1")\n')

    monkeypatch.setattr(build, "check", save_after_reading)
    monkeypatch.setattr(preview, "run_variants", lambda project, names: [])
    monkeypatch.setattr(build, "remake_pages", lambda project, sections: None)
    monkeypatch.setattr(
        build,
        "build_preview",
        lambda project: shown.append(project.variants["lesson", "sum"][0].cells[-1].source),
    )
    server = preview.Preview(light.project, run=lambda project: 0)
    server.update()
    server.update()
    assert shown == ['print("11")', 'print("1+1")']


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_no_process_outlives_the_server(light, serve, tmp_path, end):
    light.script("lesson", LESSON)
    server = serve()
    server.wait_for_page("trained")
    server.wait_for_words("lesson: all cells kept")
    pids = tmp_path / "pids"
    text = (
        f"pids = open({str(pids)!r}, 'w')\n"
        "child = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "pids.write(f'{os.getppid()} {os.getpid()} {child.pid}.')\n"
        "pids.close()\n"
        "time.sleep(300)\n"
    )
    light.edit("snippets/lesson.py", 'print("the last', f'{text}print("the last')
    server.wait_for(lambda: pids.exists() and pids.read_text().endswith("."))
    found = [int(pid) for pid in pids.read_text().rstrip(".").split()]
    assert not any(gone(pid) for pid in found)
    server.process.send_signal(getattr(signal, end))
    server.process.wait(20)
    deadline = time.monotonic() + 10
    while not all(gone(pid) for pid in found):
        assert time.monotonic() < deadline, [pid for pid in found if not gone(pid)]
        time.sleep(0.05)


# A section's processes, without a server


@pytest.fixture
def session(light, monkeypatch):
    """Runs a script in a session until it has nothing left to do: the last text of each cell."""
    for name, value in light.environment().items():
        monkeypatch.setenv(name, value)
    posts, sessions = [], []

    def run(script: str | None = None, wait: bool = True):
        if script is not None:
            light.script("lesson", script)
        section = light.project.sections["lesson"]
        if not sessions:
            project = replace(light.project, folder="build/ran")
            sessions.append(Session(project, section, lambda _, record: posts.append(record)))
            sessions[0].start()
        sessions[0].want(section, light.project)
        deadline = time.monotonic() + 60
        while wait and not sessions[0].idle():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return posts

    yield run
    for started in sessions:
        started.close()
        started.join(5)


def ran(posts: list) -> list[str]:
    """The cells that ran since the last look, with what they printed."""
    said = [f"{record.cell}: {record.failure or record.text}" for record in posts]
    posts.clear()
    return said


def test_only_the_changed_cell_and_those_below_it_run(light, session):
    posts = session("# %% a\nx = 1\n\n# %% b\nprint('b', x)\nx += 1\n\n# %% c\nprint('c', x)\n")
    assert ran(posts) == ["a: ", "b: b 1", "c: c 2"]
    light.edit("snippets/lesson.py", "'b', x", "'bb', x")
    session()
    assert ran(posts) == ["b: bb 1", "c: c 2"]  # not 2 and 3: the state before b, not after it
    light.edit("snippets/lesson.py", "'c', x", "'cc', x")
    session()
    assert ran(posts) == ["c: cc 2"]
    light.edit("snippets/lesson.py", "x = 1", "x = 5")
    session()
    assert ran(posts) == ["a: ", "b: bb 5", "c: cc 6"]


def test_the_working_folder_is_that_of_the_cell_above(light, session):
    posts = session("# %% a\nimport os\n\n# %% b\nos.mkdir('new')\nprint(os.listdir())\n")
    assert ran(posts) == ["a: ", "b: ['new']"]
    light.edit("snippets/lesson.py", "print(os", "print('again', os")
    session()
    assert ran(posts) == ["b: again ['new']"]


def test_a_cell_that_leaves_a_thread_is_run_again_rather_than_copied(light, session):
    script = """
    # %% a
    import threading
    stop = threading.Event()

    # %% b
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()

    # %% c
    print("c", thread.is_alive())

    # %% d
    print("d", thread.is_alive())
    """
    posts = session(script)
    assert ran(posts) == ["a: ", "b: ", "c: c True", "d: d True"]
    light.edit("snippets/lesson.py", '"d"', '"dd"')
    session()
    assert ran(posts) == ["b: ", "c: c True", "d: dd True"]
    light.edit("snippets/lesson.py", '"dd"', '"dd", 1 / 0')
    session()
    assert [said.partition("snippets")[0] for said in ran(posts)] == ["b: ", "c: c True", "d: "]
    light.edit("snippets/lesson.py", '"dd", 1 / 0', '"d"')
    session()
    assert ran(posts) == ["b: ", "c: c True", "d: d True"]


FATES = {
    "import time\ntime.sleep(60)": "stopped at its time limit of 1 s",
    "while True: print('x' * 1000)": "stopped: it printed more than 256 KB",
    "import os\nos._exit(3)": "the kernel died with exit code 3",
    "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)": "killed by SIGSEGV",
}


@pytest.mark.parametrize("code", FATES, ids=FATES.values())
def test_a_cell_that_does_not_end_well_is_told_and_the_state_above_it_remains(light, session, code):
    posts = session(f"# %% a\nx = 1\n\n# %% b timeout=1\n{code}\n")
    assert FATES[code] in ran(posts)[1]
    session(f"# %% a\nx = 1\n\n# %% b timeout=1\n{code}\n")
    assert ran(posts) == []  # not tried again
    session("# %% a\nx = 1\n\n# %% b\nprint('b', x)\n")
    assert ran(posts) == ["b: b 1"]


def test_a_newer_version_ends_the_cell_that_runs(light, session):
    posts = session("# %% a\nx = 1\n\n# %% b\nimport time\ntime.sleep(50)\n", wait=False)
    deadline = time.monotonic() + 30
    while [record.cell for record in posts] != ["a"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started = time.monotonic()
    session("# %% a\nx = 1\n\n# %% b\nprint('b', x)\n")
    assert ran(posts) == ["a: ", "b: b 1"]
    assert time.monotonic() - started < 10


def test_a_cell_that_is_cut_short_before_it_begins_leaves_the_state_above(
    light, session, monkeypatch
):
    posts = session("# %% a\nx = 1\n\n# %% b\nprint('b', x)\nx += 1\n")
    assert ran(posts) == ["a: ", "b: b 1"]
    run = KernelProcess.run

    def run_on_a_busy_machine(kernel, cell):
        """The process gets no time to read the request before another version is wanted."""
        monkeypatch.setattr(KernelProcess, "run", run)
        group = kernel.copies[-1][1]
        os.killpg(group, signal.SIGSTOP)
        threading.Timer(0.5, end_pause, [group]).start()
        kernel.cancelled = True
        return run(kernel, cell)

    def end_pause(group):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGCONT)

    monkeypatch.setattr(KernelProcess, "run", run_on_a_busy_machine)
    light.edit("snippets/lesson.py", "'b', x", "'bb', x")
    session()
    assert ran(posts) == ["b: bb 1"]


@pytest.fixture
def previews(light, monkeypatch):
    """A Preview of three one-cell sections, shown once."""
    for name, value in light.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("one", "two", "three"):
        light.script(name, f"# %% cell\nprint({name!r}, 'shown')\n")
    assert main(["run"]) == 0
    asked = []

    def from_the_top(project: Project) -> int:
        asked.append(1)
        return main(["run"])

    made = preview.Preview(light.project, from_the_top)
    made.update()
    yield made, asked
    made.close()


def test_two_sections_at_a_time_are_kept(previews):
    made, _ = previews
    made.opened("one")
    first = made.sessions["one"]
    made.opened("two")
    deadline = time.monotonic() + 30
    while not first.idle():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process = first.kernel.process
    made.opened("three")
    assert list(made.sessions) == ["two", "three"]
    first.join(10)
    assert process.poll() is not None


@pytest.mark.parametrize("edited", [["one"], ["one", "two", "three"]])
def test_where_no_process_can_be_kept_a_section_runs_from_the_top(light, previews, edited):
    made, asked = previews
    made.stepping = len(edited) > preview.LIVE
    asked.clear()
    for name in edited:
        light.edit(f"snippets/{name}.py", "shown", "run")
    made.update()
    assert asked == [1] and not made.sessions
    for name in edited:
        page = (made.project.site / f"{name}.html").read_text(encoding="utf-8")
        assert f"<code>{name} run</code>" in page and "cell-preview" not in page


@pytest.mark.parametrize(("saved", "old"), [("docs/one.md", "# one"), ("snippets/one.py", "'one'")])
def test_only_the_saved_page_is_made_anew_and_all_are_found_by_searching(
    light, previews, saved, old
):
    made, asked = previews
    asked.clear()
    site = made.project.site
    other, index = site / "two.html", site / "search" / "search_index.json"
    before = other.stat().st_mtime_ns
    assert b"one and only" not in index.read_bytes()
    light.edit(saved, old, old.replace("one", "one and only"))
    made.update()
    assert "one and only" in (site / "one.html").read_text(encoding="utf-8")
    assert other.stat().st_mtime_ns == before and not asked
    assert b"one and only" in index.read_bytes() and b'"two.html"' in index.read_bytes()
