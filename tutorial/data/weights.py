"""Pretrained weights of torchvision: the real files, or seeded random ones without a network.

Snippets say `torchvision.models.resnet18(weights=torchvision.models.ResNet18_Weights.DEFAULT)` and
nothing else; torch.hub finds the file in the folder that TORCH_HOME names.
"""

import json
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tutorial.data.cifar10 import CONNECT_SECONDS, recently_unreachable

PRETRAINED = "pretrained weights"
STAND_IN = "random weights (stand-in)"
HOW_TO_RETRY = "To try again, set WEIGHTS_RETRY=1."


@dataclass(frozen=True)
class Weights:
    """`home`: what TORCH_HOME has to be. `name` says on a page which weights these are."""

    name: str
    home: Path

    @property
    def identity(self) -> str:
        return self.name


def official_url(enum: str) -> str:
    import torchvision

    return getattr(torchvision.models, enum).DEFAULT.url


def provide(
    root: Path,
    enums: set[str],
    tell: Callable[[str, float | None], None],
    url_of: Callable[[str], str] = official_url,
) -> Weights:
    """Files for weight classes such as `ResNet18_Weights` (their DEFAULT): all real or all random.

    They are kept in root/build/torch, in one folder for each kind, so that a random file can never
    be taken for a real one.
    """
    store = root / "build" / "torch"
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / "lock"):
        files = _files(store, enums, url_of)
        real, random = store / "pretrained", store / "random"
        marker = store / "unreachable"  # its time says when the network had nothing
        searched = recently_unreachable(marker, "WEIGHTS_RETRY")
        if not _complete(real, files.values()) and not searched:
            _download(real, {url_of(enum) for enum in enums}, tell)
            if not _complete(real, files.values()):
                marker.touch()
        if _complete(real, files.values()):
            return Weights(PRETRAINED, real)
        tell(f"using {STAND_IN} for {', '.join(sorted(enums))}. {HOW_TO_RETRY}", None)
        if not _complete(random, files.values()):
            _draw(random, enums)
        return Weights(STAND_IN, random)


def _files(store: Path, enums: set[str], url_of) -> dict[str, str]:
    """File name of each class's weights; remembered, as importing torchvision takes seconds."""
    memory = store / "files.json"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or cut off while it was written
        known = {}
    if not enums <= known.keys():
        known |= {enum: os.path.basename(url_of(enum)) for enum in enums}
        memory.write_text(json.dumps(known, indent=1))
    return {enum: known[enum] for enum in enums}


def _checkpoint(home: Path, file: str) -> Path:
    return home / "hub" / "checkpoints" / file


def _complete(home: Path, files) -> bool:
    return all(_checkpoint(home, file).is_file() for file in files)


def _download(home: Path, urls: set[str], tell) -> None:
    from torch import hub

    for url in sorted(urls):
        target = _checkpoint(home, os.path.basename(url))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file():
            continue
        tell(f"fetching {url}", None)
        # The name ends in the first digits of its SHA-256; a file that differs is refused.
        digits = hub.HASH_REGEX.search(target.name).group(1)
        try:
            with _give_up_after(CONNECT_SECONDS):
                hub.download_url_to_file(url, str(target), digits, progress=False)
        except (OSError, RuntimeError) as error:
            tell(f"{url}: {getattr(error, 'reason', error)}", None)
            return


@contextmanager
def _give_up_after(seconds: float):
    """torch.hub has no time limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _draw(home: Path, enums: set[str]) -> None:
    """Random states of the same networks, from a fixed seed."""
    import torch
    import torchvision

    for name in torchvision.models.list_models():
        enum = torchvision.models.get_model_weights(name)
        if enum.__name__ in enums:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                state = torchvision.models.get_model(name, weights=None).state_dict()
            target = _checkpoint(home, os.path.basename(enum.DEFAULT.url))
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            torch.save(state, partial)
            shutil.move(partial, target)
