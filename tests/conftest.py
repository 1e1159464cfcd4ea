"""A small project of its own for each test that runs, breaks or builds one."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tutorial.lesson.project import Project

ROOT = Path(__file__).resolve().parents[1]

os.environ.pop("PYTEST_ADDOPTS", None)  # has been heeded, and is not for the runs that tests start

# A shell's background job is started with interrupts ignored, one of nohup with hangups ignored,
# and so would be what tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

MKDOCS = """\
site_name: Sample
use_directory_urls: false
theme: material
plugins: [search]
markdown_extensions:
  - admonition
  - pymdownx.highlight
  - pymdownx.tabbed: {alternate_style: true}
  - pymdownx.superfences:
      custom_fences: !!python/name:tutorial.page.fences.CUSTOM
  - tutorial.page.context # the project, for fences and numbers
  - tutorial.page.numbers
"""

# Stands for torch where a test is about processes, records and messages, not about tensors: the
# real one takes seconds to import. LIGHT_GPU names the accelerator it pretends to find.
LIGHT_TORCH = """\
import os
from types import SimpleNamespace

__version__ = "0.light"
version = SimpleNamespace(cuda=None)
accelerator = SimpleNamespace(is_available=lambda: False)
backends = SimpleNamespace(cpu=SimpleNamespace(get_cpu_capability=lambda: "FEATHER"))
cuda = SimpleNamespace(
    is_available=lambda: bool(os.environ.get("LIGHT_GPU")),
    get_device_name=lambda index=0: os.environ["LIGHT_GPU"],
)
_threads = [1]
seeds = []


def manual_seed(seed): seeds.append(seed)
def set_num_threads(count): _threads[0] = count
def get_num_threads(): return _threads[0]
"""


# Files that take long and have few tests: begun last, one of them would run alone at the end.
LONG = (
    *("test_workflows.py", "test_preview.py", "test_pytest_items.py", "test_learning.py"),
    *("test_labs.py", "test_programs.py", "test_other_pages.py"),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items) -> None:
    """Put the files that take longest first; workers take whole files, in this order."""
    items.sort(key=lambda item: item.path.name not in LONG)


@dataclass
class Sample:
    """A project in a temporary folder, driven by the commands that make drives."""

    root: Path
    light: bool = False
    torch: str = LIGHT_TORCH  # code of the package that the light one imports as torch

    @property
    def project(self) -> Project:
        """Read anew at each call: tests change the files."""
        return Project(self.root)

    @property
    def site(self) -> Path:
        return self.root / "build" / "site"

    def script(self, section: str, text: str, page: str | None = None) -> None:
        """Write snippets/SECTION.py, and a page that shows every cell unless one is given."""
        path = self.root / "snippets" / f"{section}.py"
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        if page is None:
            cells = self.project.sections[section].cells
            fences = [f"```cell\n{section}.py::{cell.name}\n```\n" for cell in cells]
            page = "\n".join([f"# {section}\n", f"```section\n{section}.py\n```\n", *fences])
        (self.root / "docs" / f"{section}.md").write_text(page, encoding="utf-8")

    def place(self, file: str, text: str) -> str:
        """`docs/x.md:12`: the first line of a file that holds `text`, as messages name it."""
        lines = (self.root / file).read_text(encoding="utf-8").splitlines()
        return f"{file}:{next(n for n, line in enumerate(lines, 1) if text in line)}"

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text that must be there."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def copy(self, root: Path, light: bool = True) -> "Sample":
        """The same project, with its records and its site, for a test to change."""
        shutil.copytree(self.root, root)
        return Sample(root, light)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment in which commands for this project run."""
        known = {key: value for key, value in os.environ.items() if key != "DEVICE"}
        path = [str(ROOT)]
        if self.light:
            light = self.root / "light"
            for package, text in (("torch", self.torch), ("torchvision", LIGHT_TORCH)):
                (light / package).mkdir(parents=True, exist_ok=True)
                (light / package / "__init__.py").write_text(text)
            path.insert(0, str(light))
        ours = {
            "TUTORIAL_ROOT": str(self.root),
            "PYTHONPATH": os.pathsep.join(path),
            "PYTEST_ADDOPTS": "-p no:hypothesispytest",  # a second of each start, never used
        }
        return known | ours | more

    def start(self, *command: str, **environment: str) -> subprocess.Popen:
        """Start `python -m COMMAND` for this project."""
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self.root,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def do(self, *command: str, **environment: str) -> subprocess.CompletedProcess:
        """Run `python -m COMMAND` for this project and wait for its end."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.root,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )


def make_sample(root: Path, light: bool = False) -> Sample:
    for folder in ("docs", "snippets", "outputs"):
        (root / folder).mkdir(parents=True)
    (root / "mkdocs.yml").write_text(MKDOCS, encoding="utf-8")
    (root / "docs" / "index.md").write_text("# Home\n", encoding="utf-8")
    (root / "conftest.py").write_text(
        'pytest_plugins = ["tutorial.run.pytest_plugin", "tests.markdown_code"]\n'
    )
    shutil.copy(ROOT / "pyproject.toml", root)
    return Sample(root, light)


@pytest.fixture
def sample(tmp_path) -> Sample:
    return make_sample(tmp_path / "a project")


@pytest.fixture
def light(tmp_path) -> Sample:
    """A sample whose kernels import a stand-in for torch."""
    return make_sample(tmp_path / "a project", light=True)


@pytest.fixture(scope="session")
def new_light(tmp_path_factory):
    """Makes light samples for fixtures that live longer than a test."""

    def new_light() -> Sample:
        return make_sample(tmp_path_factory.mktemp("light") / "a project", light=True)

    return new_light


@pytest.fixture(scope="session")
def wav() -> str:
    """Code of a cell that writes half a second of silence."""
    return textwrap.dedent(
        """
        import wave

        with wave.open("tone.wav", "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(8000))
        """
    )


BASICS = r'''
"""Basics: one cell of every kind."""

# %% imports
import os
import subprocess
import sys
import warnings

import matplotlib.pyplot as plt
import torch

# %% tensor
print(torch.tensor([[0.5, -1.0]]))
print("zebra" + "fish: <b>bold</b> & co")

# %% children
print("parent")
subprocess.run([sys.executable, "-c", "print('child')"], check=True)
os.write(1, b"straight to the descriptor\n")
print("on stderr", file=sys.stderr)

# %% terminal
print("10%\r100%")
os.write(1, b"kept\r\n")
print("\x1b[31mred\x1b[0m", os.getcwd())
print(os.path.abspath("data/file.txt"))

# %% timing
print("took 12.5 s")

# %% figure alt="A line that rises from 0 to 2 & stays"
plt.plot([0, 1, 2])
plt.title("Rises")
plt.show()

# %% mistake error="RuntimeError"
torch.ones(2, 3) @ torch.ones(2, 3)

# %% careful warns="UserWarning"
warnings.warn("mind the gap", stacklevel=1)
'''

BASICS_PAGE = """\
# Basics

```section
basics.py
```

The quokka is told of in prose. See [home](index.md).

```cell
basics.py::imports
```

!!! note "Inside a note"

    The prose of the note.

    ```cell
    basics.py::tensor
    ```

    !!! tip "Deeper"

        ```cell
        basics.py::children
        ```

=== "In a tab"

    ```cell
    basics.py::terminal
    ```

```cell
basics.py::timing
```

```cell
basics.py::figure
```

```cell
basics.py::mistake
```

```cell
basics.py::careful
```

The narwhal ends the prose.
"""


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Sample:
    """A project with the real torch: run, its outputs committed, its site built. Do not change it.

    A test that changes something takes a copy: the records stay current in it. Made once for all
    processes that run tests side by side.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    root, made = folder / "built" / "a project", folder / "built" / "made"
    with FileLock(folder / "built.lock"):
        if not made.exists():
            shutil.rmtree(folder / "built", ignore_errors=True)  # what a process left that failed
            sample = make_sample(root)
            sample.script("basics", BASICS, BASICS_PAGE)
            for command in ("outputs", "site"):
                done = sample.do("tutorial", command)
                assert done.returncode == 0, done.stdout + done.stderr
            made.touch()
    return Sample(root)


@pytest.fixture
def changeable(built, tmp_path) -> Sample:
    """A copy of `built` to change, with light kernels for what has to run again."""
    return built.copy(tmp_path / "a copy")
