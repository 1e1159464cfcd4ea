"""How well two sections at a time use two cores: the whole run against its lower bound.

    make bench

Runs every section alone, then all of them two at a time, from nothing, in a copy of the build
folder; prints the ratio of the second time to max(longest section alone, sum / 2). The bar is 1.25.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tutorial.lesson.project import Project  # noqa: E402
from tutorial.run.runner import Runner  # noqa: E402

BAR = 1.25


def cold_run(root: Path, names: list[str]) -> float:
    """Seconds to run the named sections with no records there; threads as in `make site`."""
    project = Project(root)
    shutil.rmtree(project.build / "cpu", ignore_errors=True)
    started = time.perf_counter()
    outcomes = Runner(project, jobs=2).run(project.choose(names))
    seconds = time.perf_counter() - started
    failed = [problem for outcome in outcomes for problem in outcome.problems]
    if failed:
        sys.exit("\n".join(failed))
    return seconds


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ROOT / "snippets", root / "snippets")
        if (ROOT / "build" / "cifar10").exists():
            shutil.copytree(ROOT / "build" / "cifar10", root / "build" / "cifar10")
        names = list(Project(root).sections)
        cold_run(root, names[:1])  # warms the disk's cache of torch
        alone = {}
        for name in names:
            alone[name] = cold_run(root, [name])
            print(f"{name:>12} alone  {alone[name]:6.1f} s", flush=True)
        together = cold_run(root, names)
        bound = max(*alone.values(), sum(alone.values()) / 2)
        print(f"{'all':>12} by two {together:6.1f} s")
        print(f"lower bound {bound:.1f} s; ratio {together / bound:.2f} (bar: {BAR})")
        return int(together > BAR * bound)


if __name__ == "__main__":
    sys.exit(main())
