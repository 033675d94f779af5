"""Finding the image that an annotation means, and saying so where more than one could be meant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from detectune.data.defects import SEVERAL, SHARED, Defect
from detectune.data.image_files import IMAGE_SUFFIXES


class Found(NamedTuple):
    """The image that is taken, and what else could have been meant."""

    path: Path
    others: tuple[Path, ...] = ()


class ImageSearch:
    """Images in some folders, looked up by the name that an annotation gives.

    A name may have a path in front (of another machine, with / or \\), another suffix than the
    file, or capital letters where the file has small ones. The whole name counts before its last
    part, and of several folders the one that was given first.

    Args:
        folders: where to look, the likeliest first.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = list(dict.fromkeys(folders))
        self._names = {folder: _images_in(folder) for folder in self.folders}

    def find(self, name: str, beside: Path | None = None) -> Found | None:
        """The image called `name`; one in the folder `beside` is taken first."""
        plain = name.replace("\\", "/").strip()
        parts = [part for part in PurePosixPath(plain).parts if part not in ("/", ".", "..")]
        if not parts:
            return None
        folders = [beside, *self.folders] if beside is not None else self.folders
        # The longest tail of the path that exists: a/b/1.jpg, then b/1.jpg, then 1.jpg.
        for start in range(len(parts)):
            tail, last = parts[start:-1], parts[-1]
            found = [path for folder in folders for path in self._in(folder, tail, last)]
            if found:
                unique = list(dict.fromkeys(found))
                return Found(unique[0], tuple(unique[1:]))
        return None

    def stem(self, stem: str, beside: Path | None = None) -> Found | None:
        """The image called `stem` with any suffix."""
        folders = [beside, *self.folders] if beside is not None else self.folders
        found = [path for f in folders for path in self._index(f).by_stem.get(stem, ())]
        unique = list(dict.fromkeys(found))
        return Found(unique[0], tuple(unique[1:])) if unique else None

    def all(self) -> list[Path]:
        """Every image of the folders."""
        return [path for folder in self.folders for path in self._names[folder].by_name.values()]

    def _index(self, folder: Path) -> _Images:
        if folder not in self._names:
            self._names[folder] = _images_in(folder)
        return self._names[folder]

    def _in(self, folder: Path, tail: list[str], last: str) -> list[Path]:
        images = self._index(folder.joinpath(*tail) if tail else folder)
        if last in images.by_name:
            return [images.by_name[last]]
        if last.lower() in images.by_lower:
            return [images.by_lower[last.lower()]]
        stem, suffix = os.path.splitext(last)
        known = suffix.lower() in IMAGE_SUFFIXES
        return images.by_stem.get(stem if known else last, [])[:1]


class _Images(NamedTuple):
    by_name: dict[str, Path]
    by_lower: dict[str, Path]
    by_stem: dict[str, list[Path]]


def _images_in(folder: Path) -> _Images:
    images = _Images({}, {}, {})
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return images  # no such folder: no image
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)
        if suffix.lower() in IMAGE_SUFFIXES and _is_file(entry):
            path = folder / entry.name
            images.by_name[entry.name] = path
            images.by_lower.setdefault(entry.name.lower(), path)
            images.by_stem.setdefault(stem, []).append(path)
    return images


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads to itself
        return False


def doubts(place: str, found: Found) -> list[Defect]:
    """A defect if the image of the annotation at `place` could also have been another one."""
    if not found.others:
        return []
    others = ", ".join(
        f"{other} ({'the same bytes' if _equal(found.path, other) else 'another image'})"
        for other in found.others[:3]
    )
    return [Defect(SEVERAL, place, f"{found.path} is used; there is also {others}")]


def _equal(one: Path, other: Path) -> bool:
    try:
        same_size = one.stat().st_size == other.stat().st_size
        return same_size and one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def shared(paths: Iterable[tuple[str, Path]]) -> list[Defect]:
    """A defect for each annotation (place, image) whose image is that of an earlier one."""
    first: dict[Path, str] = {}
    found: list[Defect] = []
    for place, path in paths:
        earlier = first.setdefault(path, place)
        if earlier != place:
            found.append(Defect(SHARED, place, f"its image {path} is that of {earlier}, too"))
    return found


def unused_images(used: Iterable[Path], reason: str) -> list[Defect]:
    """The images in the folders of the `used` ones that belong to no annotation."""
    paths = set(used)
    folders = dict.fromkeys(path.parent for path in sorted(paths))
    return [
        Defect("unused file", path.name, f"{reason}; it is not used")
        for folder in folders
        for path in _images_in(folder).by_name.values()
        if path not in paths
    ]
