"""What lies in a folder and below it: for layouts of any name, and to say what was seen."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from detectune.data.image_files import IMAGE_SUFFIXES
from detectune.data.sources.text_files import unreadable
from detectune.errors import DataError, three_part
from detectune.wording import one_line

_MOST_ENTRIES, _MOST_DEPTH = 2_000_000, 12
_log = logging.getLogger("detectune")
# What tools leave in folders: no data of anybody.
_NOISE = ("__MACOSX", "__pycache__", ".ipynb_checkpoints")


def only_file(found: Sequence[Path], folder: Path, *, called: str, example: str) -> Path:
    """The only one of the files `found` in `folder`.

    Args:
        called: what such files are called, such as ".csv files".
        example: format and name as a data set is named, such as "csv:labels.csv".

    Raises:
        DataError: there is none, or more than one.
    """
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(file.relative_to(folder)) for file in found) or "none"
    if found:
        example = f"{example.partition(':')[0]}:{found[0]}"
    raise DataError(
        three_part(
            f"{folder}: {len(found)} {called} are here: {names}.",
            "A data set of this format is one file.",
            f"Name the file, for example {example}.",
        )
    )


class Tree:
    """The files below `root`, hidden ones left out; a folder that is reached twice counts once.

    A walk goes 12 folders deep.

    Raises (where it is first asked):
        DataError: there are more than 2,000,000 files and folders.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def _by_folder(self) -> dict[Path, list[str]]:
        found: dict[Path, list[str]] = {}
        entries, seen = 0, set[tuple[int, int]]()
        for folder, below, names in os.walk(self.root, onerror=self._unreadable, followlinks=True):
            identity = _identity(folder)
            if identity is None or identity in seen:  # it is gone, or a link leads back
                below.clear()
                continue
            seen.add(identity)
            depth = len(Path(folder).relative_to(self.root).parts)
            below[:] = sorted(
                name for name in below if not name.startswith(".") and name not in _NOISE
            )
            if depth >= _MOST_DEPTH:
                below.clear()
            found[Path(folder)] = sorted(name for name in names if not name.startswith("."))
            entries += 1 + len(names)
            if entries > _MOST_ENTRIES:
                raise self._too_large(folder)
        return found

    def _unreadable(self, error: OSError) -> None:
        """Says that a folder below is left out; data that may not be listed at all are refused."""
        reason = error.strerror or str(error)
        if self.root.is_dir() and Path(error.filename or "") == self.root:
            raise unreadable(self.root, reason)
        if self.root.is_dir():
            name = one_line(error.filename)
            _log.warning("%s: %s; what is in this folder is left out.", name, reason)

    def _too_large(self, folder: str) -> DataError:
        return DataError(
            three_part(
                f"{one_line(self.root)}: more than {_MOST_ENTRIES:,} files and folders are in it; "
                f"the last that was looked into is {one_line(folder)}.",
                "A folder to look through holds one data set.",
                "Name the folder of the data set itself, or convert it in parts to TFRecord.",
            )
        )

    def files(self, *suffixes: str) -> list[Path]:
        """The regular files with one of the `suffixes`, in small letters; sorted by folder."""
        return [
            folder / name
            for folder, names in self._by_folder.items()
            for name in names
            if os.path.splitext(name)[1].lower() in suffixes and (folder / name).is_file()
        ]

    def all_files(self) -> list[Path]:
        """Every file, whatever its kind."""
        return [folder / name for folder, names in self._by_folder.items() for name in names]

    def images(self) -> list[Path]:
        """All images."""
        return self.files(*IMAGE_SUFFIXES)

    def image_folders(self) -> list[Path]:
        """The folders that have images."""
        return list(dict.fromkeys(image.parent for image in self.images()))

    def described(self) -> str:
        """`164 .xml in annots/, 164 .jpg in images/`: the most frequent kinds of files."""
        counts: Counter[tuple[str, str]] = Counter()
        for folder, names in self._by_folder.items():
            place = folder.relative_to(self.root).as_posix()
            for name in names:
                counts[os.path.splitext(name)[1].lower() or name, place] += 1
        shown = [
            f"{count} {kind}" + (f" in {place}/" if place != "." else "")
            for (kind, place), count in counts.most_common(6)
        ]
        more = ["…"] if len(counts) > 6 else []
        return ", ".join([*shown, *more]) or "no files"


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        facts = os.stat(folder)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
