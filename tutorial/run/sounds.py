"""Sounds: the short WAV file that a cell writes is kept beside its record and shown in the page."""

import wave
from pathlib import Path

from tutorial.record import records

LIMIT = 40_000  # bytes: a page stays quick, and a sound short


def take(workdir: Path, name: str, folder: Path, stem: str) -> list[dict]:
    """Keep the file `name` that a cell left in `workdir` in `folder`; what a record holds of it.

    Raises ValueError, which says what is amiss, where the file is missing, no WAV, empty or large.
    """
    path = workdir / name
    if not path.is_file():
        raise ValueError(f"announces a sound with sound= and writes no file {name}")
    if path.stat().st_size >= LIMIT:
        raise ValueError(
            f"writes {name} with {path.stat().st_size:,} bytes; a sound has less than {LIMIT:,}"
        )
    try:
        with open(path, "rb") as file, wave.open(file) as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"writes {name}, which is no WAV file ({error})") from None
    if not frames or not rate:
        raise ValueError(f"writes {name}, in which nothing is to be heard")
    return [{"file": records.keep(path, folder, stem), "seconds": frames / rate}]
