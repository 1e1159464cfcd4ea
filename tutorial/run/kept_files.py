"""Files that a cell writes and a page uses, kept beside its record: a sound, what a bench reads."""

import wave
from pathlib import Path

from tutorial.record import records

# In bytes: a page stays quick.
LONGEST_SOUND = 40_000
LARGEST_FILE = 200_000


def take_sound(workdir: Path, name: str, folder: Path, stem: str) -> list[dict]:
    """Keep the file `name` that a cell left in `workdir` in `folder`; what a record holds of it.

    Raises ValueError, which says what is amiss, where the file is missing, no WAV, empty or large.
    """
    path = _written(workdir, name, LONGEST_SOUND)
    try:
        with open(path, "rb") as file, wave.open(file) as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"writes {name}, which is no WAV file ({error})") from None
    if not frames or not rate:
        raise ValueError(f"writes {name}, in which nothing is to be heard")
    return [{"file": records.keep(path, folder, stem), "seconds": frames / rate}]


def take_file(workdir: Path, name: str, folder: Path, stem: str) -> list[str]:
    """As take_sound(), a file of any content; its new name."""
    return [records.keep(_written(workdir, name, LARGEST_FILE), folder, stem)]


def _written(workdir: Path, name: str, limit: int) -> Path:
    path = workdir / name
    if not path.is_file():
        raise ValueError(f"announces a file in its marker line and writes no file {name}")
    if path.stat().st_size >= limit:
        raise ValueError(
            f"writes {name} with {path.stat().st_size:,} bytes; it may have less than {limit:,}"
        )
    return path
