"""How soon a saved change below a training stands in the served page, against a run from the top.

    make bench, or: .venv/bin/python benchmarks/preview.py [SECTION]

Serves a copy of this project, opens the page of the section (classifier), and waits until its cells
are kept. Then, five times, the cell below the one that runs longest is changed and saved, and the
page is asked for until it shows the new output. At last the section runs from the top. The bar for
the median is 2 s.
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tutorial.lesson.project import Project  # noqa: E402

BAR = 2.0  # seconds
CHANGES = 5
LONGEST_START = 1800.0  # seconds, where no record is current
COPIED = (
    *("benchmarks", "docs", "includes", "outputs", "snippets", "theme", "tutorial"),
    *("build/cifar10", "build/cpu", "build/torch"),
)
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    """`make serve` for the project in `root`."""

    def __init__(self, root: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tutorial", "serve", "--port", str(self.port)],
            env=environment(root),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True).start()

    def page(self, name: str) -> str:
        with OPENER.open(f"http://127.0.0.1:{self.port}/{name}", timeout=60) as reply:
            return reply.read().decode()

    def wait_until(self, condition, limit: float) -> float:
        """Seconds until it holds."""
        started = time.perf_counter()
        while not condition():
            if self.process.poll() is not None or time.perf_counter() - started > limit:
                sys.exit("".join(self.said[-30:]))
            time.sleep(0.02)
        return time.perf_counter() - started


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "TUTORIAL_ROOT": str(root), "PYTHONPATH": str(ROOT), "DEVICE": "cpu"}


def save(script: Path, above: str, number: int) -> None:
    """Let the cell below `above` print one line that it did not print before."""
    text = re.sub(r'\nprint\("change", 1000 \+ \d+\)', "", script.read_text(encoding="utf-8"))
    markers = list(re.finditer(r"^# %% (\S+).*$", text, re.MULTILINE))
    place = next(i for i, marker in enumerate(markers) if marker[1] == above) + 1
    at = markers[place].end()
    text = text[:at] + f'\nprint("change", 1000 + {number})' + text[at:]
    script.write_text(text, encoding="utf-8")


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else "classifier"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        for part in COPIED:
            if (ROOT / part).exists():
                shutil.copytree(ROOT / part, root / part, symlinks=True)
        for file in ("mkdocs.yml", "package.json", "package-lock.json"):
            shutil.copy(ROOT / file, root)
        if (ROOT / "node_modules").exists():
            (root / "node_modules").symlink_to(ROOT / "node_modules")
        server = Server(root)
        try:
            serving = lambda: any("serving http" in line for line in server.said)  # noqa: E731
            server.wait_until(serving, LONGEST_START)
            server.page(f"{name}.html")
            kept = lambda: any(f"{name}: all cells kept" in line for line in server.said)  # noqa: E731
            warm = server.wait_until(kept, LONGEST_START)
            print(f"{name}: opened, its cells kept after {warm:.1f} s", flush=True)
            script = root / "snippets" / f"{name}.py"
            seconds = times(root, name)
            above = max(list(seconds)[:-1], key=seconds.get)
            shown = []
            for number in range(1, CHANGES + 1):
                save(script, above, number)
                words = f"change {1000 + number}"
                shown.append(
                    server.wait_until(lambda words=words: words in server.page(f"{name}.html"), 60)
                )
                print(f"  below {above} ({seconds[above]:.1f} s): saved, shown {shown[-1]:.2f} s")
        finally:
            server.process.terminate()
            server.process.wait()
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tutorial", "run", name],
            env=environment(root),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        from_top = time.perf_counter() - started
    median = statistics.median(shown)
    print(f"median of {CHANGES} changes {median:.2f} s (bar: {BAR:g} s);", end=" ")
    print(f"from the top, no page made: {from_top:.1f} s")
    return int(median > BAR)


def times(root: Path, name: str) -> dict[str, float]:
    """Seconds of each cell in its last real run."""
    cells = Project(root).sections[name].on("cpu")
    folder = root / "build" / "cpu" / name
    return {
        cell.name: json.loads((folder / f"{cell.name}.json").read_text("utf-8"))["seconds"]
        for cell in cells
    }


if __name__ == "__main__":
    sys.exit(main())
