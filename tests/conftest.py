"""A small project of its own for each test that runs, breaks or builds one."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from tutorial.project import Project

ROOT = Path(__file__).resolve().parents[1]

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
      custom_fences:
        - {name: cell, class: cell, format: !!python/name:tutorial.markdown.show_cell}
        - {name: section, class: section, format: !!python/name:tutorial.markdown.show_section}
"""


@dataclass
class Sample:
    """A project in a temporary folder, driven by the commands that make drives."""

    root: Path

    @property
    def project(self) -> Project:
        """Read anew at each call: tests change the files."""
        return Project(self.root)

    def script(self, section: str, text: str, page: str | None = None) -> None:
        """Write snippets/SECTION.py, and a page that shows every cell unless one is given."""
        path = self.root / "snippets" / f"{section}.py"
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        if page is None:
            cells = self.project.sections[section].cells
            fences = [f"```cell\n{section}.py::{cell.name}\n```\n" for cell in cells]
            page = "\n".join([f"# {section}\n", f"```section\n{section}.py\n```\n", *fences])
        (self.root / "docs" / f"{section}.md").write_text(page, encoding="utf-8")

    def start(self, *command: str, **environment: str) -> subprocess.Popen:
        """Start `python -m COMMAND` for this project."""
        known = {**os.environ, "TUTORIAL_ROOT": str(self.root), "PYTHONPATH": str(ROOT)}
        known.pop("DEVICE", None)
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self.root,
            env=known | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def do(self, *command: str, **environment: str) -> subprocess.CompletedProcess:
        """Run `python -m COMMAND` for this project and wait for its end."""
        process = self.start(*command, **environment)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.fixture
def sample(tmp_path) -> Sample:
    root = tmp_path / "a project"
    for folder in ("docs", "snippets", "outputs"):
        (root / folder).mkdir(parents=True)
    (root / "mkdocs.yml").write_text(MKDOCS, encoding="utf-8")
    (root / "docs" / "index.md").write_text("# Home\n", encoding="utf-8")
    (root / "conftest.py").write_text('pytest_plugins = ["tutorial.pytest_plugin"]\n')
    return Sample(root)
