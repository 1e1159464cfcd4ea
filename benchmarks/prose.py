"""How long a change of prose takes to build, beside plain `mkdocs build` with Material.

    make bench, or: .venv/bin/python benchmarks/prose.py [PAIRS]

Copies this project with its records, changes a word on a page and builds the site, and beside each
build lets MkDocs build the exported Markdown of all pages, code and outputs included, in Material.
The bars: at most 1.5 times as long for a change, a third of it where nothing has changed. Seconds
are those of the processor, which other programs on the machine change little.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "benchmarks",
    "docs",
    "includes",
    "outputs",
    "snippets",
    "theme",
    "build/cpu",
    "build/torch",
)
FILES = ("mkdocs.yml", "README.md", "CONTRIBUTING.md", "package.json", "package-lock.json")
BARS = {"a change of prose": 1.5, "no change": 1 / 3}  # times the time of plain MkDocs
PLAIN = """\
site_name: Plain
theme: material
plugins: [search]
markdown_extensions:
  - admonition
  - attr_list
  - tables
  - pymdownx.highlight
  - pymdownx.superfences
"""


def seconds(*command: str, folder: Path, **environment: str) -> float:
    """Of the processor, for a command; SystemExit with what it said if it fails."""
    started = cpu_seconds_of_children()
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return cpu_seconds_of_children() - started


def cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(pairs: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder, "ours"), Path(folder, "plain")
        for name in COPIED:
            if (ROOT / name).exists():
                shutil.copytree(ROOT / name, ours / name, symlinks=True)
        for name in FILES:
            shutil.copy2(ROOT / name, ours / name)
        (ours / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
        # mkdocs.yml names hooks beside itself.
        (ours / "tutorial").symlink_to(ROOT / "tutorial", target_is_directory=True)

        def build() -> float:
            return seconds(
                "tutorial", "site", folder=ours, TUTORIAL_ROOT=str(ours), PYTHONPATH=str(ROOT)
            )

        print(f"first build, with all that it runs: {build():.1f} s")
        (plain / "docs").mkdir(parents=True)
        (plain / "mkdocs.yml").write_text(PLAIN, encoding="utf-8")
        for page in (ours / "build" / "site").glob("*.md"):
            shutil.copy2(page, plain / "docs" / page.name)
        times: dict[str, list[float]] = {"plain MkDocs": [], **{name: [] for name in BARS}}
        for number in range(pairs):
            with open(ours / "docs" / "tensors.md", "a", encoding="utf-8") as page:
                page.write(f"\nA word more, the {number + 1}th.\n")
            times["a change of prose"].append(build())
            times["plain MkDocs"].append(seconds("mkdocs", "build", "-q", folder=plain))
            times["no change"].append(build())
    base = statistics.median(times["plain MkDocs"])
    missed = 0
    for name, each in times.items():
        median = statistics.median(each)
        bar = f", bar {BARS[name]:.2f}" if name in BARS else ""
        print(f"{name:18} {median:5.2f} s, {median / base:.2f} times plain MkDocs{bar}")
        missed += name in BARS and median / base > BARS[name]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
