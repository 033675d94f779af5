""".keras files: a zip with config.json and model.weights.h5, of which only these two are read."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Generator
from typing import IO, Any

from detectune.checkpoints.keras_files.hdf5 import MOST_BYTES, Unsafe

_WEIGHTS, _SHARDS, _CONFIG = "model.weights.h5", "model.weights.json", "config.json"
_MOST_CONFIG = 64 * 2**20
_CHUNK = 1 << 20


@contextlib.contextmanager
def opened_weights(file: IO[bytes]) -> Generator[tuple[IO[bytes], int, Any]]:
    """The HDF5 file in a .keras file, its size in bytes, and the description of the model.

    Raises:
        Unsafe: parts are missing, or too large.
    """
    with zipfile.ZipFile(file) as archive, tempfile.TemporaryFile() as weights:
        names = set(archive.namelist())
        if _CONFIG not in names:
            raise Unsafe(f"it is a zip without {_CONFIG}")
        if _WEIGHTS not in names:
            divided = _SHARDS in names
            raise Unsafe(
                "its weights are divided into several files (max_shard_size)"
                if divided
                else f"it is a zip without {_WEIGHTS}"
            )
        config = json.loads(_read(archive, _CONFIG))
        _copy(archive, _WEIGHTS, weights)
        size = weights.tell()
        weights.seek(0)
        yield weights, size, config


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as stream:
        data = stream.read(_MOST_CONFIG + 1)
    if len(data) > _MOST_CONFIG:
        raise Unsafe(f"its {name} has more than {_MOST_CONFIG:,} bytes")
    return data


def _copy(archive: zipfile.ZipFile, name: str, target: IO[bytes]) -> None:
    """Write a member to `target`, which can be read at any place."""
    info = archive.getinfo(name)
    most = min(MOST_BYTES, 64 * info.compress_size + 2**20)
    if info.file_size > most:
        raise Unsafe(f"its {name} claims {info.file_size:,} bytes")
    with archive.open(info) as stream:
        # A member that is longer than it says ends with an error of the zip's checksum.
        shutil.copyfileobj(stream, target, _CHUNK)
