"""`voc:PATH`, `train.csv`, `yolo:data.yaml#train`, a folder, a .zip … → the source it is."""

from __future__ import annotations

import re
import shlex
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from detectune.config.label_map import LabelMap
from detectune.data.sources.base import Source
from detectune.data.sources.formats import formats, in_priority
from detectune.data.sources.joined import Joined, joint_label_map
from detectune.data.sources.proposed import ProposalFile, Proposed, proposal_file
from detectune.data.sources.text_files import unreadable
from detectune.data.sources.tree import Tree
from detectune.data.sources.zipped import unpacked
from detectune.errors import DataError, DetectuneError, did_you_mean, three_part
from detectune.files import near_path

# A drive letter is one character, so `C:\\data` is no format.
_PREFIX = re.compile(r"^([A-Za-z][A-Za-z_]+):(?!//)(.*)$", re.DOTALL)
_SPLIT = re.compile(r"^(.+)#([A-Za-z_]+)$", re.DOTALL)
_SPELLED = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test",),
}
"""Split → the folders that tools make for it."""


class _Spec(NamedTuple):
    """What a SOURCE says."""

    kind: str
    path: str
    split: str
    """"train", "val", "test", or "" where nothing was asked for."""


def open_source(
    spec: str,
    label_map: LabelMap | None = None,
    *,
    columns: Collection[str] = ("masks",),
    split: str = "",
) -> Source:
    """The data set that `spec` names: [FORMAT:]PATH[#SPLIT]. Without a format it is recognised.

    Without a `label_map` the classes are taken from the data: ids 1, 2, … in the alphabetical
    order of the names, except where the data number them themselves (COCO, YOLO, TFRecord).

    Args:
        columns: what is read beside boxes where the data have it, by the names of `data.columns`:
            "masks", which cost memory; "proposals", which `detectune data proposals` has left with
            the data.
        split: "train" or "val": the part that is meant if `spec` names none and the data set is
            divided; "val" is "test" where there is no other. Without it all parts are read.

    Raises:
        DataError: there is nothing at the path, it is in no format that can be read, or it has no
            such split.
    """
    try:
        asked = _parsed(spec)
        source = _open(asked, label_map, frozenset(columns), split)
    except OSError as error:  # a folder that may not be listed, a pipe where a folder belongs
        if isinstance(error, DetectuneError):
            raise
        raise unreadable(Path(error.filename or spec), error.strerror or str(error)) from error
    file = proposal_file(asked.path)
    if "proposals" in columns and file.exists():
        return Proposed(source, ProposalFile(file))
    return source


def proposal_file_of(spec: str) -> Path:
    """Where the proposals of the data set that `spec` names lie, or will lie."""
    return proposal_file(_parsed(spec).path)


def _open(asked: _Spec, label_map: LabelMap | None, columns: frozenset[str], split: str) -> Source:
    known = formats[asked.kind]
    place = Path(asked.path).expanduser()
    if known.takes_patterns and not place.is_dir():
        _chosen(asked, (), "")
        return known.open(asked.path, label_map, columns)
    if not _exists(place):
        raise _nowhere(asked.path)
    own = tuple(known.splits(place)) if known.splits is not None else ()
    if own and known.open_split is not None:
        chosen = _chosen(asked, own, split)
        if chosen:
            return known.open_split(place, chosen, label_map, columns)
        return known.open(str(place), label_map, columns)
    folders = _split_folders(asked.kind, place)
    chosen = _chosen(asked, tuple(folders), split)
    if not folders:
        return known.open(str(place), label_map, columns)
    return _of_folders(asked, folders, chosen, label_map, columns)


def _nowhere(path: str) -> DataError:
    near = near_path(path)
    advice = f'Did you mean "{near}"? The' if near else "Check the path; the"
    return DataError(
        three_part(
            f"{path}: there is no such file or folder.",
            f"A source is a path, or FORMAT:PATH with FORMAT one of {_names()}.",
            f"{advice} current folder is {Path.cwd()}.",
        )
    )


def _of_folders(
    asked: _Spec,
    folders: Mapping[str, Path],
    chosen: str,
    label_map: LabelMap | None,
    columns: frozenset[str],
) -> Source:
    """One of the split `folders`, or all; the classes are those of all."""
    known = formats[asked.kind]
    if label_map is None:
        every = [known.open(str(folder), None, columns) for folder in folders.values()]
        label_map = joint_label_map(every)
    if chosen:
        return known.open(str(folders[chosen]), label_map, columns)
    parts = [known.open(str(folder), label_map, columns) for folder in folders.values()]
    return Joined(f"{asked.kind}:{asked.path}", parts)


def _chosen(asked: _Spec, there: tuple[str, ...], split: str) -> str:
    """The split that is asked for; "" for all of them."""
    if asked.split:
        wanted = next((n for n, words in _SPELLED.items() if asked.split in words), asked.split)
        if wanted not in there:
            raise _no_split(asked, there, wanted)
        return wanted
    if not split or not there:
        return ""
    candidates = ("val", "test") if split == "val" else (split,)
    found = next((name for name in candidates if name in there), "")
    if not found:
        raise _no_split(asked, there, split)
    return found


def _no_split(asked: _Spec, there: tuple[str, ...], wanted: str) -> DataError:
    example = f"Name one, such as {asked.path}#{there[0]}" if there else f"Leave #{wanted} out"
    return DataError(
        three_part(
            f'{asked.path}: there is no split "{wanted}".',
            f"Splits that are there: {', '.join(there) or 'none'}.",
            f"{did_you_mean(wanted, there)}{example}, or make parts with `detectune data split "
            f"{shlex.quote(asked.path)} DEST`.",
        )
    )


def _split_folders(kind: str, place: Path) -> dict[str, Path]:
    """The folders train/, valid/, test/ of `place` if each is a data set of the format `kind`."""
    if not place.is_dir():
        return {}
    found = {
        name: place / word
        for name, words in _SPELLED.items()
        for word in reversed(words)
        if (place / word).is_dir()
    }
    recognises = formats[kind].recognises
    # One folder alone may belong to the layout, as training/ does in KITTI's.
    if len(found) == 1 and recognises(place):
        return {}
    return found if all(recognises(folder) for folder in found.values()) else {}


def _names() -> str:
    return ", ".join(in_priority())


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # a name that is too long, or has a NUL
        return False


def _parsed(spec: str) -> _Spec:
    match = _PREFIX.match(spec)
    kind, path = (match[1].lower(), match[2]) if match else ("", spec)
    if match and kind not in formats:
        raise DataError(
            three_part(
                f'"{spec[:200]}": no format is called "{match[1]}".',
                f"Formats: {_names()}.",
                f"{did_you_mean(kind, in_priority())}Write FORMAT:PATH, or the path alone to have "
                "its format recognised.",
            )
        )
    divided = _SPLIT.match(path)
    split = ""
    if divided and not _exists(Path(path).expanduser()):
        path, split = divided[1], divided[2].lower()
    place = Path(path).expanduser()
    if _exists(place) and place.is_file() and zipfile.is_zipfile(place):
        path = str(unpacked(place))
    return _Spec(kind or recognise(path), path, split)


def recognise(spec: str) -> str:
    """The format of what lies at the path `spec`, by looking at it.

    Raises:
        DataError: no format recognises it; what was seen is said.
    """
    path = Path(spec).expanduser()
    if not _exists(path):
        # A pattern or list of records exists as no file of its own.
        return "tfrecord" if any(mark in spec for mark in "*?,") else "voc"
    if not path.is_file() and not path.is_dir():
        raise DataError(
            three_part(
                f"{path}: it is neither a file nor a folder.",
                "A data set is a file or a folder.",
                "Name the file or the folder itself.",
            )
        )
    for name in in_priority():
        if formats[name].recognises(path):
            return name
    inside = next((name for name in in_priority() if _split_folders(name, path)), "")
    if inside:
        return inside
    seen = Tree(path).described() if path.is_dir() else "one file"
    if seen == "no files":
        raise DataError(
            three_part(
                f"{path}: there is no file in it.",
                "A data set has images, and annotations of what is in them.",
                "Put both there, or check the path.",
            )
        )
    raise DataError(
        three_part(
            f"{path}: its format is not recognised; there is: {seen}.",
            f"Formats: {_names()}.",
            f"Name the format, for example voc:{path}; docs/guides/data.md shows the layouts.",
        )
    )
