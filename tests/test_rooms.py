"""A room of tutorial/ imports only from itself and from rooms above it: lesson, data, ..., site."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "tutorial"
ORDER = ["lesson", "data", "record", "run", "page", "site"]


def imported(tree: ast.AST):
    """(line, module) for each import, those within functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def test_rooms_import_only_from_rooms_above_them():
    assert {path.parent.name for path in PACKAGE.glob("*/*.py")} == set(ORDER)
    against = []
    for path in sorted(PACKAGE.glob("*/*.py")):
        above = ORDER[: ORDER.index(path.parent.name) + 1]
        name = path.relative_to(PACKAGE).as_posix()
        for line, module in imported(ast.parse(path.read_text(encoding="utf-8"))):
            package, _, rest = module.partition(".")
            room = rest.partition(".")[0]
            if package == "tutorial" and room not in (*above, "TutorialError"):
                against.append(f"tutorial/{name}:{line} imports {module}: {room} is below it")
    assert not against, "\n".join(against)
