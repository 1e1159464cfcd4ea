"""Fetch a file from a server that may be slow, broken or gone, in bounded time."""

import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tutorial.lesson import files

REMEMBER_SECONDS = 24 * 3600.0  # that nothing could be had

Progress = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Limits:
    """How long a server is waited for."""

    connect_seconds: float = 5.0  # for an answer, and for the next bytes of a transfer
    measure_seconds: float = 10.0  # a transfer's rate is judged after this time,
    patience_seconds: float = 300.0  # and given up if the rest would take longer than this


def download(
    url: str, target: Path, name: str, size: int | None, hasher, tell: Progress, limits: Limits
) -> str:
    """Write what a server has at `url` to `target`; its hexadecimal digest by `hasher`.

    size: the bytes that must come; None leaves them to the server. `tell` gets each part of the
    transfer of `name`. Raises OSError, http.client.HTTPException or ValueError (an address that is
    none), which say what is wrong.
    """
    done, told, host = 0, 0, urlsplit(url).hostname
    started = time.monotonic()
    # Never closed here: after a timeout, a thread still reads from it.
    request = urllib.request.Request(url, headers={"User-Agent": "tutorial"})
    wait = limits.connect_seconds
    reply = within(wait, urllib.request.urlopen, request, None, wait)
    offered = reply.headers.get("Content-Length") or str(size)
    if not offered.isdecimal():
        raise ConnectionError(f"does not say how many bytes it offers ({offered})")
    size = size or int(offered)
    if int(offered) != size:
        raise ConnectionError(f"offers {int(offered):,} bytes instead of {size:,}")
    with target.open("wb") as file:
        while done <= size and (block := within(wait, reply.read1, 1 << 20)):
            file.write(block)
            hasher.update(block)
            done += len(block)
            if done - told > size / 200:
                told = done
                tell(f"{name} from {host}: {done / 1e6:.0f} MB", min(1.0, done / size))
            seconds = time.monotonic() - started
            left = (size - done) * seconds / done
            if seconds > limits.measure_seconds and left > limits.patience_seconds:
                rate = done / seconds / 1000
                raise ConnectionError(f"too slow: {rate:.0f} kB/s, {left / 60:.0f} minutes to go")
    if done != size:
        raise ConnectionError(f"broke off after {done:,} of {size:,} bytes")
    return hasher.hexdigest()


def within(seconds: float, call: Callable, *arguments):
    """What the call returns or raises; TimeoutError if it takes longer, while it goes on alone.

    The time limit of a socket holds for each byte: one byte a second would keep us for hours.
    """
    outcome: Future = Future()

    def run() -> None:
        try:
            outcome.set_result(call(*arguments))
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:  # ours, or that of a socket
        raise TimeoutError(f"timed out after {seconds:g} s") from None


def checked(file: Path, memory: Path, check: Callable[[Path], str]) -> str:
    """What `check` says of a file, kept in `memory` until the file's size or time changes."""
    known, stamp = files.remembered(memory), files.stamp(file)
    if stamp not in known:
        known[stamp] = check(file)
        files.write(memory, json.dumps(known, indent=1))
    return known[stamp]


def recently_unreachable(marker: Path, retry: str) -> bool:
    """Whether `marker` says that the network had nothing within the last day.

    The environment variable named `retry` asks to try again all the same.
    """
    if not marker.exists() or os.environ.get(retry):
        return False
    return 0 <= time.time() - marker.stat().st_mtime < REMEMBER_SECONDS
