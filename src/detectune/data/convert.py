"""Any source → TFRecords or a folder in another format; and a source in random parts."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detectune.config.label_map import read_label_map, write_label_map
from detectune.data.defects import MISREAD, WRONG, refused_defects
from detectune.data.folder_writers import WRITERS, write_data_yaml
from detectune.data.image_files import decode_problem
from detectune.data.sources.base import Source, Subset
from detectune.data.sources.record import Record, repair
from detectune.data.sources.surveying import weight_defects
from detectune.errors import ConfigError, DataError, DetectuneError, WriteError, three_part
from detectune.wording import plural

# The formats that can be written, and those of them that keep masks.
WRITABLE = (*WRITERS, "tfrecord")
_WITH_MASKS = ("tfrecord", "coco")
_PART_NAMES = {2: ["train", "val"], 3: ["train", "val", "test"]}


class Conversion(NamedTuple):
    """What a conversion wrote, and what it could not."""

    images: int
    files: list[Path]
    skipped: list[tuple[str, str]]
    """(file name, reason) of damaged images, which are in none of `files`."""
    clipped: int
    """How many boxes reached out of their image."""
    dropped: int
    """How many boxes had no area."""
    lost_masks: int = 0
    """How many objects had a mask, which the format cannot keep."""


def convert(
    source: Source, dest: str | os.PathLike[str], *, to: str, shards: int = 1, strict: bool = False
) -> Conversion:
    """Write `source` to `dest` in the format `to`, with a label_map.pbtxt; all of it or nothing.

    For "tfrecord", `dest` is a file, or the stem of `shards` files; else a folder that does not
    exist yet. Damaged images are left out and listed in the result.

    Raises:
        ConfigError: the format is not known. WriteError: `dest` could not be written.
        DataError: `dest` exists, an annotation is wrong, or, if `strict`, an image is damaged.
    """
    if to not in WRITABLE:
        raise ConfigError(
            three_part(
                f'no format is called "{to}".', f"Formats: {', '.join(WRITABLE)}.", "Choose one."
            )
        )
    if shards < 1:
        raise ConfigError(three_part(f"shards is {shards}.", "At least 1.", "Correct it."))
    _refuse_defects(source, strict)
    tally = _Tally(source, strict)
    target = Path(dest)
    if to == "tfrecord":
        from detectune.data.tfrecord_writer import write_tfrecords

        label_map = target.parent / "label_map.pbtxt"
        _same_classes(source, label_map)
        files = write_tfrecords(tally.records(), target, source.label_map, shards)
        write_label_map(source.label_map, label_map)
        files.append(label_map)
    else:
        files = _write_folder(tally, target, to)
    lost = 0 if to in _WITH_MASKS else tally.masks
    return Conversion(tally.images, files, tally.skipped, tally.clipped, tally.dropped, lost)


def _refuse_defects(source: Source, strict: bool) -> None:
    """Refuse a source whose boxes are in another unit, and, if `strict`, one with a defect that
    training refuses."""
    refused = [d for d in source.survey.refused if strict or d.kind in MISREAD]
    if refused:
        raise refused_defects(source.name, refused, len(source))


def _same_classes(source: Source, path: Path) -> None:
    """Refuse to put records beside a label map with other classes: training would mix them up."""
    if not path.exists():
        return
    there = {(item.id, item.name) for item in read_label_map(path).items}
    here = {(item.id, item.name) for item in source.label_map.items}
    if there != here:
        raise DataError(
            three_part(
                f"{path}: has other classes than {source.name}: {_listed(there ^ here)}.",
                "Records in one folder share one label map.",
                f"Add --label-map {path}, or choose another folder.",
            )
        )


def _listed(classes: set[tuple[int, str]]) -> str:
    return ", ".join(f"{number} {name}" for number, name in sorted(classes)[:8])


class _Tally:
    """Gives the records of a source that can be decoded, and counts what it meets."""

    def __init__(self, source: Source, strict: bool) -> None:
        self.source, self._strict = source, strict
        self.images, self.clipped, self.dropped, self.masks = 0, 0, 0, 0
        self.skipped: list[tuple[str, str]] = []

    def records(self) -> Iterator[Record]:
        for index in range(len(self.source)):
            try:
                stored = self.source.unrepaired(index)
            except DataError as error:
                if self._strict:
                    raise
                place, _, problem = str(error).split("\n")[0].partition(": ")
                self.skipped.append((place, problem))
                continue
            record = repair(stored)
            problem = decode_problem(record.image) or ", ".join(
                defect.detail for defect in weight_defects(stored)
            )
            if problem and self._strict:
                raise _damaged(record.file_name, problem)
            if problem:
                self.skipped.append((record.file_name, problem))
                continue
            self.images += 1
            self.dropped += len(stored.class_ids) - len(record.class_ids)
            self.clipped += int(np.any((stored.boxes < 0) | (stored.boxes > 1), axis=1).sum())
            self.masks += sum(mask is not None for mask in record.masks or ())
            yield record
        for defect in self.source.defects:
            if defect.kind == WRONG:
                self.skipped.append((defect.file, defect.detail))
        if not self.images:
            raise _damaged(self.source.name, "none of its images and annotations can be read")


def _damaged(place: str, problem: str) -> DataError:
    return DataError(
        three_part(
            f"{place}: {problem}.",
            "A conversion needs images that can be decoded.",
            "Replace the image, or leave out --strict to skip damaged images.",
        )
    )


def _write_folder(tally: _Tally, target: Path, to: str) -> list[Path]:
    _must_be_new(target)
    with _new_folder(target) as folder:
        WRITERS[to](tally.records(), folder, tally.source.label_map)
        write_label_map(tally.source.label_map, folder / "label_map.pbtxt")
    return sorted(file for file in target.rglob("*") if file.is_file())


def _must_be_new(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(
            three_part(
                f"{target}: exists already and is not empty.",
                "The data set is written to a new or empty folder.",
                "Choose another folder or empty this one.",
            )
        )


@contextlib.contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target` when the block ends well, and vanishes if not."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as parent:
            folder = Path(parent) / target.name
            folder.mkdir()
            yield folder
            os.replace(folder, target)
    except OSError as error:
        if isinstance(error, DetectuneError):
            raise
        raise WriteError(
            three_part(
                f"{target}: could not be written: {error.strerror or error}.",
                "Nothing was changed.",
                "Check the path, its permissions and the space on the disk.",
            )
        ) from error


def split(source: Source, ratios: Sequence[float], seed: int = 0) -> list[Subset]:
    """Random parts of `source`, sized as `ratios`; images with equal bytes stay in one part.

    Raises:
        ConfigError: the ratios are not positive numbers that add up to 1, or too many.
    """
    if len(ratios) < 2 or min(ratios) <= 0 or abs(sum(ratios) - 1) > 1e-6:
        raise ConfigError(
            three_part(
                f"ratios are {', '.join(f'{ratio:g}' for ratio in ratios)}.",
                "Two or more positive numbers that add up to 1.",
                "Write, for example, --ratios 0.8,0.1,0.1.",
            )
        )
    groups: dict[bytes, list[int]] = {}
    for index in range(len(source)):
        try:
            digest = hashlib.sha256(source.image_bytes(index)).digest()
        except DataError:
            digest = f"unreadable {index}".encode()  # the conversion of its part says so
        groups.setdefault(digest, []).append(index)
    if len(groups) < len(ratios):
        raise ConfigError(
            three_part(
                f"{source.name}: {plural(len(groups), 'different image')} for "
                f"{plural(len(ratios), 'part')}.",
                "Every part needs at least one image.",
                "Ask for fewer parts.",
            )
        )
    ordered = list(groups.values())
    order = np.random.default_rng(seed).permutation(len(ordered))
    bounds = _bounds(len(ordered), ratios)
    parts = [order[begin:end] for begin, end in itertools.pairwise(bounds)]
    return [Subset(source, sorted(i for g in part for i in ordered[g])) for part in parts]


def _bounds(count: int, ratios: Sequence[float]) -> list[int]:
    """Where each part begins and ends among `count`, none of them empty."""
    ends = np.round(np.cumsum(ratios) * count).astype(int)
    parts = len(ratios)
    for number in range(parts):
        low = (ends[number - 1] if number else 0) + 1
        ends[number] = min(max(ends[number], low), count - (parts - 1 - number))
    return [0, *ends.tolist()]


def write_split(
    source: Source,
    dest: str | os.PathLike[str],
    ratios: Sequence[float],
    *,
    seed: int = 0,
    to: str = "tfrecord",
    strict: bool = False,
) -> dict[str, Conversion]:
    """`split` written to the new folder `dest` as train, val, test (or part_1, part_2, …)."""
    parts = split(source, ratios, seed)
    target = Path(dest)
    _must_be_new(target)
    names = _PART_NAMES[len(parts)] if len(parts) in _PART_NAMES else _numbered(len(parts))
    done = {}
    with _new_folder(target) as folder:
        for name, part in zip(names, parts, strict=True):
            place = folder / (f"{name}.record" if to == "tfrecord" else name)
            done[name] = _said_once(convert(part, place, to=to, strict=strict), source, done)
        if to == "yolo":
            _one_data_yaml(folder, names, source)
            for name in names:
                done[name].files.remove(folder / name / "data.yaml")
            done[names[0]].files.append(folder / "data.yaml")
    return {
        name: conversion._replace(
            files=[target / file.relative_to(folder) for file in conversion.files]
        )
        for name, conversion in done.items()
    }


def _one_data_yaml(folder: Path, names: Sequence[str], source: Source) -> None:
    """A data.yaml for all parts instead of one in each, as YOLO's tools expect it."""
    for name in names:
        (folder / name / "data.yaml").unlink()
    splits = {name: f"{name}/images" for name in names}
    write_data_yaml(folder, splits, source.label_map)


def _said_once(conversion: Conversion, source: Source, before: Mapping[str, object]) -> Conversion:
    """`conversion` of a part; files that belong to no image are listed with the first part only."""
    if not before:
        return conversion
    common = {(defect.file, defect.detail) for defect in source.defects}
    return conversion._replace(skipped=[row for row in conversion.skipped if row not in common])


def _numbered(count: int) -> list[str]:
    return [f"part_{number}" for number in range(1, count + 1)]
