"""What a data set consists of, as a number: another image or annotation makes another number."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Protocol

import numpy as np

from detectune.data.sources.base import Source
from detectune.errors import DataError


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def fingerprint(source: Source) -> bytes:
    """SHA-256 of every image of `source` and its annotation, in order."""
    digest = hashlib.sha256(repr(len(source)).encode())
    for index in range(len(source)):
        try:
            _feed(digest, source[index])
        except DataError as error:
            _feed(digest, str(error))
    return digest.digest()


def _feed(digest: _Digest, value: Any) -> None:
    """Let `value` count, and where it ends."""
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, bytes):
        digest.update(f"{len(value)} bytes".encode())
        digest.update(value)
    elif isinstance(value, Mapping):
        for name in sorted(value):
            _feed(digest, (name, value[name]))
    elif isinstance(value, tuple | list):
        digest.update(f"{len(value)} of".encode())
        for part in value:
            _feed(digest, part)
    elif is_dataclass(value):
        _feed(digest, [getattr(value, field.name) for field in fields(value)])
    else:
        digest.update(f"{type(value).__name__} {value!r};".encode())
