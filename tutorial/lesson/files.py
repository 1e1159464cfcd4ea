"""Reading and writing the project's text files, so that none is half there or read by accident."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tutorial import TutorialError

# Half of a surrogate pair, which JSON can hold, has no place in a file either.
CONTROL = re.compile(r"(?![\t\n\f])[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def named(path: Path) -> str:
    """The path as messages show it: relative where it lies below the working directory."""
    path = Path(os.path.abspath(path))
    below = path.is_relative_to(Path.cwd())
    return (path.relative_to(Path.cwd()) if below else path).as_posix()


def visible(folder: Path, pattern: str) -> list[Path]:
    """The files below `folder` that match, sorted; without hidden ones such as editors' locks."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def read(path: Path) -> str:
    """A text file's content, without the mark (BOM) that some editors begin it with.

    TutorialError where it cannot be read, is not UTF-8, or holds a control character.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise TutorialError(
            f"{named(path)}:{line}: the byte 0x{error.object[error.start]:02x} is not UTF-8; save"
            " the file in that encoding"
        ) from None
    except OSError as error:
        raise TutorialError(f"{named(path)}: cannot be read: {error.strerror}") from None
    if control := CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise TutorialError(
            f"{named(path)}:{line}: holds the control character U+{ord(control[0]):04X}, which no"
            f" page can show; in a string, write {control[0]!a}"
        )
    return text


def lines(text: str) -> list[str]:
    """Its lines as Python and Markdown count them: str.splitlines() ends one at a form feed too."""
    return text.removesuffix("\n").split("\n")


def write(path: Path, text: str) -> None:
    """Put a text file in place in one step; if that fails, the old one stays as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(text.encode())
        os.replace(new, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is told without one
        raise
    finally:
        new.unlink(missing_ok=True)


def stamp(path: Path) -> str:
    """Another text once the file has changed, whose content need not be read for that."""
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def remembered(path: Path) -> dict:
    """What a cache file holds, a JSON object; an empty one if the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # the last one of a million brackets
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def alone(path: Path, when_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock in a file; `when_waiting` is called where another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        when_waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
