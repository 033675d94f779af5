"""`voc:PATH`, `train.csv`, a folder, … → the source it is."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.sources.base import Source
from detectune.data.sources.formats import formats, in_priority
from detectune.data.sources.proposed import ProposalFile, Proposed, proposal_file
from detectune.errors import DataError, three_part

# A drive letter is one character, so `C:\data` is no format.
_PREFIX = re.compile(r"^([A-Za-z]{2,}):(?!//)(.*)$", re.DOTALL)


def open_source(
    spec: str, label_map: LabelMap | None = None, *, columns: Collection[str] = ("masks",)
) -> Source:
    """The data set that `spec` names: a path whose format is recognised, or FORMAT:PATH.

    Without a `label_map` the classes are taken from the data: ids 1, 2, … in the alphabetical
    order of the names, except where the data number them themselves (COCO, YOLO, TFRecord).

    Args:
        columns: what is read beside boxes where the data have it, by the names of `data.columns`:
            "masks", which cost memory; "proposals", which `detectune data proposals` has left with
            the data.

    Raises:
        DataError: there is nothing at the path, or it is in no format that can be read.
    """
    kind, path = _split(spec)
    source = _open(kind, path, label_map, frozenset(columns))
    file = proposal_file(path)
    if "proposals" in columns and file.exists():
        return Proposed(source, ProposalFile(file))
    return source


def proposal_file_of(spec: str) -> Path:
    """Where the proposals of the data set that `spec` names lie, or will lie."""
    return proposal_file(_split(spec)[1])


def _open(kind: str, path: str, label_map: LabelMap | None, columns: frozenset[str]) -> Source:
    known = formats[kind]
    place = Path(path).expanduser()
    if known.takes_patterns:
        return known.open(path, label_map, columns)
    if not place.exists():
        raise DataError(
            three_part(
                f"{path}: there is no such file or folder.",
                f"A source is a path, or FORMAT:PATH with FORMAT one of {_names()}.",
                f"Check the path; the current folder is {Path.cwd()}.",
            )
        )
    return known.open(str(place), label_map, columns)


def _names() -> str:
    return ", ".join(in_priority())


def _split(spec: str) -> tuple[str, str]:
    """(format, path) of `spec`."""
    match = _PREFIX.match(spec)
    if match is None:
        return recognise(spec), spec
    kind, path = match[1].lower(), match[2]
    if kind in formats:
        return kind, path
    raise DataError(
        three_part(
            f'"{spec}": no format is called "{match[1]}".',
            f"Formats: {_names()}.",
            "Write FORMAT:PATH, or the path alone to have its format recognised.",
        )
    )


def recognise(spec: str) -> str:
    """The format of what lies at the path `spec`, by looking at it."""
    path = Path(spec).expanduser()
    if not path.exists():
        # A pattern or list of records exists as no file of its own.
        return "tfrecord" if any(mark in spec for mark in "*?,") else "voc"
    for name in in_priority():
        if formats[name].recognises(path):
            return name
    raise DataError(
        three_part(
            f"{path}: its format is not recognised.",
            f"Formats: {_names()}.",
            f"Name the format, for example voc:{path}; docs/guides/data.md shows the layouts.",
        )
    )
