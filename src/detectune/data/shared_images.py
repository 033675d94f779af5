"""Images that stand in two data sets: what is trained on and evaluated on alike tells nothing."""

from __future__ import annotations

import hashlib

from detectune.data.sources.base import Source
from detectune.data.sources.surveying import digest
from detectune.errors import DataError


def shared_images(one: Source, other: Source) -> list[tuple[str, str]]:
    """(file name in `one`, file name in `other`) of images with equal bytes.

    The surveys of both are compared first; only files that look equal are read.
    """
    candidates = set(one.survey.digests) & set(other.survey.digests)
    if not candidates:
        return []
    first: dict[bytes, str] = {}
    for content, name in _contents(one, candidates):
        first.setdefault(content, name)
    return [
        (first[content], name) for content, name in _contents(other, candidates) if content in first
    ]


def _contents(source: Source, candidates: set[bytes]) -> list[tuple[bytes, str]]:
    """(hash, file name) of the images of `source` whose digest is among the candidates."""
    found: list[tuple[bytes, str]] = []
    for index in range(len(source)):
        try:
            glance = source.glance(index)
        except DataError:
            continue  # the survey has named it
        if digest(glance) in candidates:
            content = hashlib.sha256(source.image_bytes(index)).digest()
            found.append((content, glance.record.file_name))
    return found
