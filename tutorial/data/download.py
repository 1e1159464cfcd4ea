"""Fetch a file from a server that may be slow, broken or gone, in bounded time."""

import queue
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

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
    reply = within(limits.connect_seconds, open_url, url, limits)
    offered = reply.headers.get("Content-Length") or str(size)
    if not offered.isdecimal():
        raise ConnectionError(f"does not say how many bytes it offers ({offered})")
    size = size or int(offered)
    if int(offered) != size:
        raise ConnectionError(f"offers {int(offered):,} bytes instead of {size:,}")
    with target.open("wb") as file:
        while done <= size and (block := within(limits.connect_seconds, reply.read1, 1 << 20)):
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


def open_url(url: str, limits: Limits, method: str = "GET"):
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "tutorial"})
    return urllib.request.urlopen(request, timeout=limits.connect_seconds)


def within(seconds: float, call: Callable, *arguments):
    """What the call returns or raises; TimeoutError if it takes longer, while it goes on alone.

    The time limit of a socket holds for each byte: one byte a second would keep us for hours.
    """
    outcomes: queue.SimpleQueue = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((call(*arguments), None))
        except Exception as error:
            outcomes.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcomes.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"timed out after {seconds:g} s") from None
    if error:
        raise error
    return result
