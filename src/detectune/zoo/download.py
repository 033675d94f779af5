"""`fetch_archive`: the one way by which anything of the zoo comes onto this machine.

    into/NAME/                    checkpoint/, saved_model/, pipeline.config: complete or not there
    into/NAME/.detectune.json     where it came from, and the sha256 of the archive
    into/.NAME.tar.gz.part        what has arrived of an interrupted download

The zoo publishes no checksums, so the first copy is trusted and its sha256 recorded; a later copy
of the same archive has to be equal.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from detectune.errors import ZooError, three_part
from detectune.files import read_regular, usable_path, write_text
from detectune.folder_lock import Holder, locked
from detectune.zoo.addresses import MIRROR_VARIABLE, checked_url, is_url, wrong_mirror
from detectune.zoo.catalog import Archive
from detectune.zoo.transfer import transfer
from detectune.zoo.transfer_errors import NotFoundError, disk_error
from detectune.zoo.transfer_limits import Progress, TransferLimits
from detectune.zoo.unpack import UnpackLimits, unpack

RECORD = ".detectune.json"


@dataclass(frozen=True)
class Limits:
    """When a download is given up, and what an archive may contain."""

    transfer: TransferLimits = field(default_factory=TransferLimits)
    unpack: UnpackLimits = field(default_factory=UnpackLimits)


@dataclass(frozen=True)
class Fetched:
    """An archive that is on this machine."""

    folder: Path
    was_there: bool
    """Whether it was there before, and nothing was fetched."""
    source: str
    """Address or path it came from; empty if unknown."""
    sha256: str
    """Of the .tar.gz file; empty if it came as a folder."""


def fetch_archive(
    archive: Archive,
    into: str | os.PathLike[str] = "pre-trained",
    *,
    mirror: str | None = None,
    force: bool = False,
    progress: Progress = lambda done, total: None,
    limits: Limits | None = None,
) -> Fetched:
    """The folder `into/archive.name` with what is in `archive`, fetched if it is not there.

    Args:
        mirror: address or folder with the zoo's layout, or flat; by default the environment
            variable DETECTUNE_ZOO_MIRROR, or else the zoo itself.
        force: fetch it even if it is there; the old folder is replaced when the new one is whole.

    Raises:
        ConfigError: `into` cannot be the path of a folder.
        ZooError: it could not be fetched or unpacked, or another process is fetching it; what was
            there before is as it was.
    """
    limits = limits or Limits()
    folder = usable_path(into, "--into") / archive.name
    mirror = (mirror or os.environ.get(MIRROR_VARIABLE) or "").strip()
    try:
        known = _present(folder)
        if known and not force:
            return known
        address = checked_url(mirror) if mirror and is_url(mirror) else ""
        with locked(folder.with_name(f".{archive.name}.lock"), _busy(folder)):
            known = _present(folder)  # another process may just have fetched it
            if known and not force:
                return known
            if mirror and not address:
                return _from_folder(archive, _local(mirror), folder, known, limits)
            return _from_server(archive, address, folder, known, progress, limits)
    except OSError as error:
        if isinstance(error, ZooError):
            raise
        # That of the lock says in its own words what its cause says plainly.
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise disk_error(folder, cause) from error


def check_model(fetched: Fetched) -> None:
    """See that there is a checkpoint in what was fetched.

    Raises:
        ZooError: there is none.
    """
    files = [*fetched.folder.rglob("*.index"), *fetched.folder.rglob("*.ckpt")]
    if any(file.is_file() and file.stat().st_size for file in files):
        return
    raise ZooError(
        three_part(
            f"{fetched.folder}: there is no checkpoint in it.",
            "An archive of the zoo has checkpoint/ckpt-0.index and its .data file.",
            f"If it came from a mirror, choose another --mirror; then remove {fetched.folder} and "
            "run the command again.",
        )
    )


def _busy(folder: Path) -> Callable[[Holder], ZooError]:
    return lambda holder: ZooError(
        three_part(
            f"{folder}: it is being fetched already: {holder}.",
            "One process at a time fetches an archive into a folder.",
            "Wait until it ends, or choose another folder with --into.",
        )
    )


def _present(folder: Path) -> Fetched | None:
    """What is already in `folder`; None if nothing is."""
    file = next((place for place in (folder, *folder.parents) if place.is_file()), None)
    if file is not None:
        raise ZooError(
            three_part(
                f"{file}: a file stands where the folder should be.",
                "The archive is unpacked into a folder of this name.",
                "Move the file away or choose another folder with --into.",
            )
        )
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    record = _record(folder)
    return Fetched(folder, True, record.get("url", ""), record.get("sha256", ""))


def _record(folder: Path) -> dict[str, str]:
    try:
        record = json.loads(read_regular(folder / RECORD))
    except (OSError, ValueError, RecursionError):
        return {}  # unpacked by hand, or by another program
    fields = cast(dict[str, Any], record) if isinstance(record, dict) else {}
    return {key: str(value) for key, value in fields.items()}


def _from_server(
    archive: Archive,
    mirror: str,
    folder: Path,
    known: Fetched | None,
    progress: Progress,
    limits: Limits,
) -> Fetched:
    addresses = _addresses(archive, mirror)
    for index, url in enumerate(addresses):
        file = folder.with_name(f".{archive.name}.tar.gz")
        try:
            transfer(url, file, limits.transfer, progress)
        except NotFoundError:
            if index + 1 < len(addresses):
                continue
            raise
        try:
            return _install(archive, file, url, folder, known, limits)
        finally:
            file.unlink(missing_ok=True)
    raise AssertionError("there is always an address")


def _addresses(archive: Archive, mirror: str) -> list[str]:
    if not mirror:
        return [archive.url]
    return [f"{mirror}/{archive.date}/{archive.file}.tar.gz", f"{mirror}/{archive.file}.tar.gz"]


def _from_folder(
    archive: Archive, mirror: Path, folder: Path, known: Fetched | None, limits: Limits
) -> Fetched:
    """From a folder that holds the archives, or what was in them."""
    try:
        there = mirror.is_dir()
    except (OSError, ValueError):  # a name that no folder can have
        there = False
    if not there:
        raise _no_mirror(mirror)
    for parent in (mirror / archive.date, mirror):
        file = parent / f"{archive.file}.tar.gz"
        if file.is_file():
            return _install(archive, file, str(file), folder, known, limits)
        for name in (archive.file, archive.name):
            unpacked = parent / name
            if unpacked.is_dir() and unpacked.resolve() != folder.resolve():
                return _copy_folder(archive, unpacked, folder)
    raise ZooError(
        three_part(
            f"{mirror}: the folder has no {archive.file}.tar.gz.",
            f"Looked for it here and in {archive.date}/, and for a folder {archive.file}.",
            "Copy it there, or choose another --mirror.",
        )
    )


def _install(
    archive: Archive, file: Path, source: str, folder: Path, known: Fetched | None, limits: Limits
) -> Fetched:
    digest = _sha256(file)
    if known and known.sha256 and known.sha256 != digest:
        raise ZooError(
            three_part(
                f"{source}: the archive differs from the one that was fetched before.",
                f"Its sha256 was {known.sha256[:16]}…, now it is {digest[:16]}….",
                f"If you trust the new one, delete {folder} and run the command again.",
            )
        )
    with _staging(folder) as staging:
        unpack(file, staging, limits.unpack)
        root = _root(staging)
        _write_record(root, archive, source, digest, file.stat().st_size)
        _swap(root, folder)
    return Fetched(folder, False, source, digest)


def _copy_folder(archive: Archive, unpacked: Path, folder: Path) -> Fetched:
    with _staging(folder) as staging:
        root = staging / "root"
        shutil.copytree(unpacked, root, ignore=lambda _, names: [n for n in names if n == RECORD])
        _write_record(root, archive, str(unpacked), "", 0)
        _swap(root, folder)
    return Fetched(folder, False, str(unpacked), "")


@contextlib.contextmanager
def _staging(folder: Path) -> Generator[Path, None, None]:
    """A temporary folder beside `folder`, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _root(staging: Path) -> Path:
    """The folder of the archive: its only top-level folder, whatever that is called."""
    children = list(staging.iterdir())
    return children[0] if len(children) == 1 and children[0].is_dir() else staging


def _swap(root: Path, folder: Path) -> None:
    """Put `root` where `folder` is or shall be."""
    root.chmod(0o755)  # a temporary folder is only for its owner
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
        os.replace(folder, old)
        try:
            os.replace(root, folder)
        except OSError:
            os.replace(old, folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(root, folder)


def _write_record(root: Path, archive: Archive, source: str, digest: str, size: int) -> None:
    record = {
        "name": archive.name,
        "url": source,
        "sha256": digest,
        "bytes": size,
        "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    write_text(root / RECORD, json.dumps(record, indent=2) + "\n")


def _sha256(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _local(mirror: str) -> Path:
    return Path(re.sub(r"(?i)^file://", "", mirror))


def _no_mirror(mirror: Path) -> ZooError:
    text = os.fspath(mirror)
    address = re.match(r"[\w.-]+\.[a-z]{2,}(/|$)|[\w.-]+:\d+(/|$)", text)
    hint = f"; an address begins with http://, as in http://{text}" if address else ""
    return wrong_mirror(text, f"there is no such folder{hint}")
