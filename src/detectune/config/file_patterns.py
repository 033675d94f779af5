"""The files that a path with wildcards means, found in bounded time."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator

from detectune.errors import DataError, three_part
from detectune.wording import one_line, plural

# Of files and folders that are looked at: seconds.
_MOST_ENTRIES = 1_000_000


def matching_files(pattern: str) -> list[str]:
    """The files and folders that a path or pattern of `input_path` means, sorted.

    `*`, `?` and `[..]` stand for characters of a name, `**` for any number of folders; names that
    begin with a dot are matched by a dot only. `name@4` and `name-?????-of-00004` are sharded
    files. What exists under the name itself is meant, whatever characters it has.

    Raises:
        DataError: more than a million files and folders would have to be looked at.
    """
    if "\0" in pattern:
        return []  # no file has such a name
    if os.path.exists(pattern):
        return [pattern]
    sharded = re.fullmatch(r"(.+)@(\d{1,9}|\*)", pattern)
    if sharded:
        total = "?????" if sharded[2] == "*" else f"{int(sharded[2]):05d}"
        pattern = f"{glob.escape(sharded[1])}-?????-of-{total}"
    return _Search(pattern).found()


class _Search:
    """Goes through the parts of `pattern` between its slashes, and counts what it looks at."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self._seen = pattern, 0

    def found(self) -> list[str]:
        drive, rest = os.path.splitdrive(self._pattern)
        places = [f"{drive}{os.sep}" if rest[:1] in (os.sep, os.altsep) else drive]
        parts = [part for part in re.split(r"[\\/]" if os.altsep else "/", rest) if part]
        for number, part in enumerate(parts, 1):
            step = self._below if part == "**" else self._named
            found = (path for place in places for path in step(place, part, number == len(parts)))
            places = list(dict.fromkeys(found))
        return sorted(path for path in places if path)

    def _named(self, place: str, part: str, last: bool) -> Iterator[str]:
        """What in `place` is called as `part` says; folders only, unless it is the `last` part."""
        if not glob.has_magic(part):
            path = os.path.join(place, part)
            yield from [path] if os.path.lexists(path) else []
            return
        fits = re.compile(fnmatch.translate(os.path.normcase(part))).match
        for entry in self._entries(place, hidden=part.startswith(".")):
            if fits(os.path.normcase(entry.name)) and (last or _is_folder(entry)):
                yield os.path.join(place, entry.name)

    def _below(self, place: str, part: str, last: bool) -> Iterator[str]:
        """`place` and all folders below it, not through links; all files, too, if `last`."""
        left = [place]
        while left:
            folder = left.pop()
            yield folder
            for entry in self._entries(folder, hidden=False):
                path = os.path.join(folder, entry.name)
                if not entry.is_symlink() and _is_folder(entry):
                    left.append(path)
                elif last:
                    yield path

    def _entries(self, folder: str, hidden: bool) -> Iterator[os.DirEntry[str]]:
        """What is in `folder`; nothing if it cannot be read."""
        try:
            with os.scandir(folder or os.curdir) as found:
                for entry in found:
                    self._count(folder)
                    if hidden or not entry.name.startswith("."):
                        yield entry
        except OSError:
            return

    def _count(self, folder: str) -> None:
        self._seen += 1
        if self._seen > _MOST_ENTRIES:
            raise DataError(
                three_part(
                    f"{one_line(self._pattern)}: {plural(_MOST_ENTRIES, 'file')} and folders were "
                    f"looked at, the last in {one_line(folder or os.getcwd())}, and there are "
                    "more.",
                    "A pattern is for the files of one data set: * and ? stand for characters of "
                    "a name, ** for any number of folders.",
                    "Begin it with the folder of the data, such as /data/mine/**/*.record, or "
                    "name the files.",
                )
            )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
