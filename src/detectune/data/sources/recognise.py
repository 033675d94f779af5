"""`voc:PATH`, `train.csv`, a folder, … → the source it is."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.sources.base import Source
from detectune.data.sources.coco import open_coco
from detectune.data.sources.csv import open_csv
from detectune.data.sources.proposed import ProposalFile, Proposed, proposal_file
from detectune.data.sources.tfrecord import is_tfrecord, open_tfrecord
from detectune.data.sources.voc import open_voc
from detectune.data.sources.yolo import open_yolo
from detectune.errors import DataError, three_part

_OPENERS: dict[str, Callable[[Path, LabelMap | None], Source]] = {
    "coco": open_coco,
    "voc": open_voc,
    "csv": open_csv,
    "yolo": open_yolo,
}
_WITH_MASKS: dict[str, Callable[[Path, LabelMap | None], Source]] = {
    "coco": functools.partial(open_coco, masks=True),
    "voc": functools.partial(open_voc, masks=True),
}
FORMATS = (*_OPENERS, "tfrecord")
# A drive letter is one character, so `C:\data` is no format.
_PREFIX = re.compile(r"^([A-Za-z]{2,}):(?!//)(.*)$", re.DOTALL)


def open_source(
    spec: str, label_map: LabelMap | None = None, *, masks: bool = True, proposals: bool = False
) -> Source:
    """The data set that `spec` names: a path whose format is recognised, or FORMAT:PATH.

    Without a `label_map` the classes are taken from the data: ids 1, 2, … in the alphabetical
    order of the names, except where the data number them themselves (COCO, YOLO, TFRecord).

    Args:
        masks: read instance masks where the data have them, which costs memory.
        proposals: read proposals that `detectune data proposals` has left with the data.

    Raises:
        DataError: there is nothing at the path, or it is in no format that can be read.
    """
    kind, path = _split(spec)
    source = _open(kind, path, label_map, masks)
    file = proposal_file(path)
    return Proposed(source, ProposalFile(file)) if proposals and file.exists() else source


def proposal_file_of(spec: str) -> Path:
    """Where the proposals of the data set that `spec` names lie, or will lie."""
    return proposal_file(_split(spec)[1])


def _open(kind: str, path: str, label_map: LabelMap | None, masks: bool) -> Source:
    if kind == "tfrecord":
        return open_tfrecord(path, label_map, masks=masks)
    place = Path(path).expanduser()
    if not place.exists():
        raise DataError(
            three_part(
                f"{path}: there is no such file or folder.",
                f"A source is a path, or FORMAT:PATH with FORMAT one of {', '.join(FORMATS)}.",
                f"Check the path; the current folder is {Path.cwd()}.",
            )
        )
    if masks and kind in _WITH_MASKS:
        return _WITH_MASKS[kind](place, label_map)
    return _OPENERS[kind](place, label_map)


def _split(spec: str) -> tuple[str, str]:
    """(format, path) of `spec`."""
    match = _PREFIX.match(spec)
    if match is None:
        return recognise(spec), spec
    kind, path = match[1].lower(), match[2]
    if kind in FORMATS:
        return kind, path
    raise DataError(
        three_part(
            f'"{spec}": no format is called "{match[1]}".',
            f"Formats: {', '.join(FORMATS)}.",
            "Write FORMAT:PATH, or the path alone to have its format recognised.",
        )
    )


def recognise(spec: str) -> str:
    """The format of what lies at the path `spec`, by looking at it."""
    path = Path(spec).expanduser()
    if path.is_dir():
        kind = _recognise_folder(path)
    elif path.is_file():
        kind = _recognise_file(path)
    else:
        # A pattern or list of records exists as no file of its own.
        return "tfrecord" if any(mark in spec for mark in "*?,") else "voc"
    if kind:
        return kind
    raise DataError(
        three_part(
            f"{path}: its format is not recognised.",
            f"Formats: {', '.join(FORMATS)}.",
            f"Name the format, for example voc:{path}; docs/guides/data.md shows the layouts.",
        )
    )


def _recognise_file(path: Path) -> str:
    by_suffix = {".json": "coco", ".csv": "csv", ".yaml": "yolo", ".yml": "yolo"}
    if path.suffix.lower() in by_suffix:
        return by_suffix[path.suffix.lower()]
    if path.suffix.lower() == ".txt" and any((p / "Annotations").is_dir() for p in path.parents):
        return "voc"
    # Whatever it is called: if it is no TFRecord, opening it says so with the byte.
    looks_like = is_tfrecord(path) or any(s in path.name for s in (".record", ".tfrecord"))
    return "tfrecord" if looks_like else ""


def _recognise_folder(path: Path) -> str:
    """The first format whose files are here; annotation files are surer signs than folders."""
    if any(path.glob("*.xml")) or any(
        any((path / name).glob("*.xml")) for name in ("Annotations", "annotations", "xml", "labels")
    ):
        return "voc"
    if any(path.glob("*.json")) or any(path.glob("annotations/*.json")):
        return "coco"
    yolo_signs = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "labels")
    if any((path / sign).exists() for sign in yolo_signs):
        return "yolo"
    if any(path.glob("*.csv")):
        return "csv"
    files = [file for file in sorted(path.iterdir()) if file.is_file()]
    return "tfrecord" if any(is_tfrecord(file) for file in files) else ""
