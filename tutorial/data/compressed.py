"""CIFAR-10 as JPEG images in two files of 18 MB together, for machines that data must travel to.

`train.npz` and `test.npz` hold three arrays each: `jpeg`, the images' bytes one after the other
(uint8), `size`, how many bytes each has (N,), and `label`, 0 to 9 (N,). JPEG loses a little, so
that what is measured on them is told apart by its name.
"""

import hashlib
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

NAME = "CIFAR-10 (JPEG copy)"
FOLDER = "cifar-10-batches-py"
FILES = ("train.npz", "test.npz")
TRAINING_FILES = 5  # of equal size, as torchvision expects them
SIDE = 32  # pixels


class CompressedError(ValueError):
    """One of the files is not what it should be; the message names it."""


def found_in(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def fingerprint(folder: Path) -> str:
    """12 hex digits that change with either file and with the code that reads them."""
    hasher = hashlib.sha256(Path(__file__).read_bytes())
    for name in FILES:
        hasher.update((folder / name).read_bytes())
    return hasher.hexdigest()[:12]


def unpack(folder: Path, target: Path, tell: Callable[[str, float | None], None]) -> None:
    """Write target/cifar-10-batches-py as torchvision reads it, and target/checksums.json.

    tell(text, done): progress, done in 0..1. Raises CompressedError, naming a file and an image.
    """
    from tutorial.data.stand_in import CLASSES

    batches = target / FOLDER
    batches.mkdir(parents=True)
    md5 = {}

    def write(name: str, content: dict) -> None:
        blob = pickle.dumps(content, protocol=2)
        (batches / name).write_bytes(blob)
        md5[name] = hashlib.md5(blob, usedforsecurity=False).hexdigest()

    for file, parts in zip(FILES, (TRAINING_FILES, 1), strict=True):
        images, labels = _decode(folder / file, len(CLASSES), tell)
        count = len(labels)
        if count % parts or not count:
            raise CompressedError(f"{folder / file}: {count} images do not make {parts} files")
        for part in range(parts):
            rows = slice(part * count // parts, (part + 1) * count // parts)
            name = f"data_batch_{part + 1}" if parts > 1 else "test_batch"
            write(name, {"data": images[rows].copy(), "labels": labels[rows].tolist()})
    write("batches.meta", {"label_names": list(CLASSES), "num_vis": 3 * SIDE * SIDE})
    listing = {"name": NAME, "md5": md5}
    (target / "checksums.json").write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")


def _decode(path: Path, classes: int, tell: Callable[[str, float | None], None]):
    """Images (N, 3072) uint8, channel by channel, and labels (N,)."""
    import numpy as np
    from PIL import Image

    try:
        with np.load(path, allow_pickle=False) as arrays:
            data, sizes, labels = (arrays[key] for key in ("jpeg", "size", "label"))
    except Exception as error:  # a damaged archive raises whatever it comes upon
        raise CompressedError(f"{path}: cannot be read ({error})") from None
    ends = np.cumsum(sizes.astype(np.int64))
    if len(sizes) != len(labels) or (len(ends) and ends[-1] != len(data)):
        raise CompressedError(
            f"{path}: {len(labels)} labels, {len(sizes)} sizes, {len(data)} bytes"
        )
    if len(labels) and labels.max() >= classes:
        raise CompressedError(f"{path}: a label is {labels.max()}; there are {classes} classes")
    images, raw = np.empty((len(ends), 3 * SIDE * SIDE), dtype=np.uint8), data.tobytes()
    for row, (end, size) in enumerate(zip(ends.tolist(), sizes.tolist(), strict=True)):
        try:
            with Image.open(io.BytesIO(raw[end - size : end])) as image:
                pixels = np.asarray(image.convert("RGB"))
        except OSError as error:
            raise CompressedError(f"{path}: image {row} cannot be read ({error})") from None
        if pixels.shape != (SIDE, SIDE, 3):
            raise CompressedError(f"{path}: image {row} has shape {pixels.shape}")
        images[row] = pixels.transpose(2, 0, 1).reshape(-1)
        if row % 1000 == 0:
            tell(f"{NAME} from {path.name}", row / len(ends))
    return images, labels.astype(int)
