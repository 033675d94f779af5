"""ImageNet weights of `keras.applications`, stored where Keras stores and finds them.

    $KERAS_HOME/models/FILE                    ~/.keras if the variable is not set
    $KERAS_HOME/models/.FILE.unchecked.part    what has arrived of an interrupted download

What Keras has fetched is used without a network, and Keras uses what is fetched here. A file
appears under its name when it is complete and has the checksum that Keras publishes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from detectune.errors import ZooError, three_part
from detectune.files import copy_file, open_regular
from detectune.folder_lock import Holder, locked
from detectune.zoo.addresses import (
    KERAS_MIRROR,
    KERAS_MIRROR_VARIABLE,
    checked_url,
    is_url,
    wrong_mirror,
)
from detectune.zoo.keras_networks import KerasFile, keras_file
from detectune.zoo.progress import progress_bar
from detectune.zoo.transfer import transfer
from detectune.zoo.transfer_errors import NotFoundError, disk_error
from detectune.zoo.transfer_limits import HDF5, Progress, TransferLimits

LIMITS = TransferLimits(content=HDF5)


def keras_models_folder() -> Path:
    """Where Keras keeps the weights of its networks."""
    home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    return Path(os.path.expanduser(home), "models")


def keras_weights_file(
    application: str,
    *,
    include_top: bool = False,
    progress: Progress | None = None,
    limits: TransferLimits = LIMITS,
) -> Path:
    """The file of the ImageNet weights of a network, fetched if it is not there.

    It comes from Keras's server, or from the address or folder in DETECTUNE_KERAS_MIRROR.

    Args:
        application: the name of its function in `keras.applications`, such as "ResNet50V2".
        include_top: with its classifier.
        progress: is told how far it is; a bar on the terminal if None.

    Raises:
        ConfigError: Keras has no such weights.
        ZooError: the file could not be fetched, or what is there is another one; the message says
            where to get it and where to put it.
    """
    wanted = keras_file(application, include_top=include_top)
    file = keras_models_folder() / wanted.name
    if os.path.lexists(file):
        _check(file, wanted, file, os.fspath(file), f"Remove {file}, so that it is fetched anew")
        return file
    shown: AbstractContextManager[Progress] = (
        progress_bar(wanted.name) if progress is None else nullcontext(progress)
    )
    try:
        with shown as told, locked(_beside(file, "lock"), _busy(file)):
            if not file.exists():  # another process may just have fetched it
                _fetch(wanted, file, told, limits)
    except OSError as error:
        if isinstance(error, ZooError):
            raise
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise _not_there(wanted, file, _first_line(disk_error(file, cause))) from error
    return file


def _fetch(wanted: KerasFile, file: Path, progress: Progress, limits: TransferLimits) -> None:
    """Put `wanted` at `file`, from the mirror or from the server."""
    mirror = os.environ.get(KERAS_MIRROR_VARIABLE, "").strip()
    if mirror and not is_url(mirror, KERAS_MIRROR):
        source = _in_folder(mirror, wanted, file)
        _check(source, wanted, file, os.fspath(source), f"Correct {KERAS_MIRROR_VARIABLE}")
        copy_file(source, file)
        return
    address = checked_url(mirror, KERAS_MIRROR) if mirror else ""
    unchecked = _beside(file, "unchecked")
    try:
        url = _transfer(wanted, address, unchecked, progress, limits)
    except ZooError as error:
        raise _not_there(wanted, file, _first_line(error)) from error
    try:
        _check(unchecked, wanted, file, url, f"Set {KERAS_MIRROR_VARIABLE} to another server")
        os.replace(unchecked, file)
    finally:
        unchecked.unlink(missing_ok=True)


def _transfer(
    wanted: KerasFile, mirror: str, file: Path, progress: Progress, limits: TransferLimits
) -> str:
    """The address that it came from. A mirror has the folders of Keras's server, or none."""
    addresses = [f"{mirror}/{wanted.path}", f"{mirror}/{wanted.name}"] if mirror else [wanted.url]
    for url in addresses[:-1]:
        try:
            transfer(url, file, limits, progress)
            return url
        except NotFoundError:
            continue
    transfer(addresses[-1], file, limits, progress)
    return addresses[-1]


def _in_folder(mirror: str, wanted: KerasFile, file: Path) -> Path:
    """The file in a folder that stands for the server."""
    folder = Path(mirror[len("file://") :] if mirror.lower().startswith("file://") else mirror)
    try:
        there = folder.is_dir()
    except (OSError, ValueError):  # a name that no folder can have
        there = False
    if not there:
        raise wrong_mirror(mirror, "there is no such folder", KERAS_MIRROR)
    for place in (folder / wanted.path, folder / wanted.name):
        if place.is_file():
            return place
    raise _not_there(wanted, file, f"{folder}: the folder has no {wanted.name}.")


def _check(found: Path, wanted: KerasFile, file: Path, source: str, next_step: str) -> None:
    """See that `found` is what Keras publishes, as far as Keras says what that is.

    Args:
        file: where it belongs.
        source: where it came from.
        next_step: what helps if it is another file.
    """
    try:
        with open_regular(found) as stream:
            start = stream.read(len(HDF5.signature))
            stream.seek(0)
            digest = hashlib.file_digest(stream, _hash_of(wanted)).hexdigest()
    except OSError as error:
        raise _not_there(wanted, file, f"{found}: {error.strerror or error}.") from error
    if start == HDF5.signature and digest == (wanted.digest or digest):
        return
    what = f"its checksum is {digest[:16]}…" if start == HDF5.signature else "it is no HDF5 file"
    expected = f", with the checksum {wanted.digest[:16]}…" if wanted.digest else ""
    raise ZooError(
        three_part(
            f"{source}: it is not the file that Keras publishes: {what}.",
            f"Expected is {wanted.url}{expected}.",
            f'{next_step}; or name weights of your own by their path, as in "./{wanted.name}".',
        )
    )


def _hash_of(wanted: KerasFile) -> Callable[[], Any]:
    """Keras publishes MD5 sums of old files and SHA256 sums of newer ones."""
    return partial(
        hashlib.new, "sha256" if len(wanted.digest) == 64 else "md5", usedforsecurity=False
    )


def _not_there(wanted: KerasFile, file: Path, reason: str) -> ZooError:
    return ZooError(
        three_part(
            f"{wanted.name}: the ImageNet weights are not here. {reason}",
            f"They are {wanted.url}, and belong at {file}.",
            f"Fetch that file on a machine with a network and copy it to {file.parent}; or set "
            f"{KERAS_MIRROR_VARIABLE} to a server or a folder that has it.",
        )
    )


def _busy(file: Path) -> Callable[[Holder], ZooError]:
    return lambda holder: ZooError(
        three_part(
            f"{file}: it is being fetched already: {holder}.",
            "One process at a time fetches a file.",
            "Wait until it ends, and run the command again.",
        )
    )


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(f".{file.name}.{ending}")


def _first_line(error: ZooError) -> str:
    return str(error).partition("\n")[0]
