"""Pretrained weights of torchvision: the real files, or seeded random ones without a network.

Snippets say `torchvision.models.resnet18(weights=torchvision.models.ResNet18_Weights.DEFAULT)` and
nothing else; torch.hub finds the file in the folder that TORCH_HOME names, and runs what code it
holds. So a file is used only if its SHA-256 is right and it can be loaded as tensors alone.
"""

import hashlib
import http.client
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tutorial.data.download import Limits, Progress, checked, download, recently_unreachable
from tutorial.lesson import files

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
    tell: Progress,
    url_of: Callable[[str], str] = official_url,
    limits: Limits | None = None,
) -> Weights:
    """Files for weight classes such as `ResNet18_Weights` (their DEFAULT): all real or all random.

    They are kept in root/build/torch, in one folder for each kind, so that a random file can never
    be taken for a real one.
    """
    store = root / "build" / "torch"
    said = "waiting for another process that is fetching weights"
    with files.alone(store / "lock", lambda: tell(said, None)):
        names = _names(store, enums, url_of).values()
        real, random = store / "pretrained", store / "random"
        marker = store / "unreachable"  # its time says when the network had nothing
        searched = recently_unreachable(marker, "WEIGHTS_RETRY")
        if not _complete(real, names) and not searched:
            _download(real, {url_of(enum) for enum in enums}, tell, limits or Limits())
            if not _complete(real, names):
                marker.touch()
        if _complete(real, names):
            return Weights(PRETRAINED, real)
        tell(f"using {STAND_IN} for {', '.join(sorted(enums))}. {HOW_TO_RETRY}", None)
        if not _complete(random, names):
            _draw(random, enums)
        return Weights(STAND_IN, random)


def _names(store: Path, enums: set[str], url_of) -> dict[str, str]:
    """File name of each class's weights; remembered, as importing torchvision takes seconds."""
    memory = store / "files.json"
    known = files.remembered(memory)
    if not enums <= known.keys():
        known |= {enum: os.path.basename(url_of(enum)) for enum in enums}
        files.write(memory, json.dumps(known, indent=1))
    return {enum: known[enum] for enum in enums}


def _checkpoint(home: Path, file: str) -> Path:
    return home / "hub" / "checkpoints" / file


def _complete(home: Path, names) -> bool:
    return all(_is_sound(_checkpoint(home, name), home) for name in names)


def _is_sound(file: Path, home: Path) -> bool:
    """Whether a file is there, is what its name says, and holds tensors and no code to be run.

    torchvision loads what has the right name.
    """
    if not file.is_file():
        return False
    digest = checked(file, home.parent / "verified.json", _digest_of_tensors)
    # Random weights have the real ones' name, and no hash of their own.
    return bool(digest) and (home.name == "random" or digest.startswith(_digits(file.name)))


def _digits(name: str) -> str:
    """The first digits of a file's SHA-256, as torch.hub writes them at the end of its name."""
    match = re.search(r"-([0-9a-f]{8,})\.", name)
    return match[1] if match else "none: no file is right"


def _digest_of_tensors(file: Path) -> str:
    """Its SHA-256; empty where it cannot be loaded as tensors alone."""
    import torch

    try:
        torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # whatever a damaged file makes of unpickling
        return ""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _download(home: Path, urls: set[str], tell: Progress, limits: Limits) -> None:
    for url in sorted(urls):
        target = _checkpoint(home, os.path.basename(url))
        if _is_sound(target, home):
            continue
        if target.exists():
            tell(f"not used: {files.named(target)} is damaged or not the file of that name", None)
        target.parent.mkdir(parents=True, exist_ok=True)
        tell(f"fetching {url}", None)
        partial = target.with_suffix(".partial")
        try:
            digest = download(url, partial, PRETRAINED, None, hashlib.sha256(), tell, limits)
            if not digest.startswith(_digits(target.name)):
                raise ConnectionError(f"refused: its SHA-256 is {digest}")
            os.replace(partial, target)
        except (OSError, ValueError, http.client.HTTPException) as error:
            tell(f"{url}: {getattr(error, 'reason', error)}", None)
            return
        finally:
            partial.unlink(missing_ok=True)


def _draw(home: Path, enums: set[str]) -> None:
    """Random states of the same networks, from a fixed seed."""
    import torch
    import torchvision

    for enum in enums:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            state = torchvision.models.get_model(enum.removesuffix("_Weights")).state_dict()
        target = _checkpoint(home, os.path.basename(official_url(enum)))
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, target)
