"""What is in a data set and what is wrong with it, each defect with what will happen to it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detectune.data.image_files import (
    ImageFacts,
    decode_problem,
    image_format,
    read_facts,
    rotation_to_apply,
)
from detectune.data.masks import MaskError, PolygonMask
from detectune.data.sources.base import Record, Source, class_names, mask_problems, repair
from detectune.errors import DataError

# COCO's limits between small, medium and large: 32² and 96² pixels of the stored image.
_SMALL, _MEDIUM = 32**2, 96**2
_SUFFIX_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}

# Kind of defect → what happens to it.
CONSEQUENCES = {
    "unreadable image": "training refuses to start; convert leaves it out and says so",
    "truncated image": "training refuses to start; convert leaves it out and says so",
    "unknown class or wrong annotation": "training refuses to start",
    "damaged file": "used as it is, though a checksum is wrong: copy or write it again",
    "mislabelled image": "read by its content; nothing is lost",
    "EXIF rotation, applied": "turned when read, because it was annotated turned",
    "EXIF rotation, ignored": "read as stored: check that its boxes fit",
    "colour mode": "read as 8-bit RGB",
    "size differs from annotation": "boxes are scaled by the annotated size: check that they fit",
    "box outside the image": "clipped to the image",
    "box without area": "left out",
    "inverted box": "left out",
    "box with NaN": "left out",
    "duplicate box": "both are used",
    "mask cannot be used": "training with masks refuses to start; boxes alone are not concerned",
    "empty mask": "used: it teaches that nothing in the box belongs to the object",
    "mask leaves the image": "cut off at the border",
    "duplicate image": "both are used; keep them in one part of a split",
    "unused file": "not used",
}


class Defect(NamedTuple):
    """One thing that is wrong, and where."""

    kind: str
    file: str
    detail: str

    @property
    def consequence(self) -> str:
        """What will happen to it."""
        return CONSEQUENCES[self.kind]


@dataclass
class Inspection:
    """Counts and defects of a data set."""

    source: str
    images: int = 0
    boxes: int = 0
    images_without_boxes: int = 0
    most_boxes: int = 0
    boxes_per_class: dict[str, int] = field(default_factory=dict)
    box_sizes: dict[str, int] = field(default_factory=dict)
    """Boxes by COCO's small, medium, large, in pixels of the stored image."""
    masks: int = 0
    """How many objects have one."""
    image_sizes: dict[str, list[int]] = field(default_factory=dict)
    """"smallest", "median", "largest": [height, width] by area."""
    defects: list[Defect] = field(default_factory=list)

    def defect_counts(self) -> dict[str, int]:
        """Kind → how often, the most serious kinds first."""
        counts = Counter(defect.kind for defect in self.defects)
        return {kind: counts[kind] for kind in CONSEQUENCES if counts[kind]}

    def to_json(self) -> str:
        """Everything, as JSON."""
        content = asdict(self)
        content["defects"] = [
            {**defect._asdict(), "consequence": defect.consequence} for defect in self.defects
        ]
        return json.dumps(content, indent=1)


def inspect_source(source: Source, track: Callable[[range], Iterable[int]] = iter) -> Inspection:
    """What is in `source`, with every image decoded once.

    Args:
        track: passes the indices on while they are worked through, such as a progress bar.
    """
    inspector = _Inspector(source)
    for index in track(range(len(source))):
        try:
            inspector.add(source.unrepaired(index))
        except DataError as error:
            inspector.add_unreadable(error)
    return inspector.result()


class _Inspector:
    """Counts records one by one."""

    def __init__(self, source: Source) -> None:
        self._source, self._names = source, class_names(source.label_map)
        self._result = Inspection(
            source.name, boxes_per_class=dict.fromkeys(self._names.values(), 0)
        )
        self._sizes: list[tuple[int, int]] = []
        self._areas: list[np.ndarray] = [np.zeros(0)]
        self._first_with: dict[bytes, str] = {}

    def add_unreadable(self, error: DataError) -> None:
        """A record whose annotation cannot be used; `error` begins with its place."""
        place, _, rest = str(error).partition(": ")
        self._result.images += 1
        self._report("unknown class or wrong annotation", place, rest.split("\n")[0])

    def add(self, record: Record) -> None:
        """One record as it stands in the files."""
        facts, used, result = _facts(record), repair(record), self._result
        height, width = (facts.height, facts.width) if facts else (record.height, record.width)
        self._sizes.append((height, width))
        self._areas.append(_areas(used.boxes) * height * width)
        result.images += 1
        result.boxes += len(used.class_ids)
        result.images_without_boxes += not len(used.class_ids)
        result.most_boxes = max(result.most_boxes, len(used.class_ids))
        for class_id in used.class_ids.tolist():
            result.boxes_per_class[self._names[class_id]] += 1
        result.defects += [*_image_defects(record, facts), *_box_defects(record, self._names)]
        result.defects += _mask_defects(used)
        result.masks += sum(mask is not None for mask in used.masks or ())
        digest = hashlib.sha256(record.image).digest()
        twin = self._first_with.setdefault(digest, record.file_name)
        if twin != record.file_name and record.image:
            self._report("duplicate image", record.file_name, f"the same bytes as {twin}")

    def result(self) -> Inspection:
        """Everything, with what concerns the files as a whole."""
        for file, detail in self._source.damaged_files():
            self._report("damaged file", file, detail)
        for file, detail in self._source.stray_files():
            self._report("unused file", file, detail)
        self._result.box_sizes = _size_classes(np.concatenate(self._areas))
        self._result.image_sizes = _size_range(self._sizes)
        return self._result

    def _report(self, kind: str, file: str, detail: str) -> None:
        self._result.defects.append(Defect(kind, file, detail))


def _facts(record: Record) -> ImageFacts | None:
    try:
        return read_facts(record.image)
    except ValueError:
        return None


def _image_defects(record: Record, facts: ImageFacts | None) -> Iterator[Defect]:
    name = record.file_name
    problem = decode_problem(record.image)
    if problem:
        cut = "truncated" in problem or "cut off" in problem
        yield Defect("truncated image" if cut else "unreadable image", name, problem)
    if facts is None:
        return
    expected = _SUFFIX_FORMATS.get(Path(name).suffix.lower())
    actual = image_format(record.image)
    if expected and expected != actual:
        yield Defect("mislabelled image", name, f"it is a {actual} file")
    if facts.mode != "RGB":
        yield Defect("colour mode", name, f"its mode is {facts.mode}")
    turned = rotation_to_apply(record.image, record.height, record.width) != 1
    if facts.orientation != 1:
        kind = "EXIF rotation, applied" if turned else "EXIF rotation, ignored"
        yield Defect(kind, name, f"EXIF orientation is {facts.orientation}")
    if not turned and (record.height, record.width) != (facts.height, facts.width):
        detail = (
            f"annotated {record.width}x{record.height}, stored {facts.width}x{facts.height} "
            "(width x height)"
        )
        yield Defect("size differs from annotation", name, detail)


def _box_defects(record: Record, names: dict[int, str]) -> Iterator[Defect]:
    seen: set[tuple] = set()
    sides = np.array([record.height, record.width, record.height, record.width])
    for box, class_id in zip(record.boxes, record.class_ids, strict=True):
        pixels = ", ".join(f"{value:g}" for value in np.round(box * sides, 1))
        what = f"{names.get(int(class_id), class_id)}: ymin, xmin, ymax, xmax = {pixels}"
        kind = _box_defect(box)
        if kind:
            yield Defect(kind, record.file_name, what)
        key = (*box.tolist(), int(class_id))
        if key in seen:
            yield Defect("duplicate box", record.file_name, what)
        seen.add(key)


def _mask_defects(record: Record) -> Iterator[Defect]:
    """What is wrong with masks where there are any; each is decoded once."""
    if record.masks is None:
        return
    seen = mask_problems(record)
    for number, mask in enumerate(record.masks, 1):
        place = f"object {number}: "
        if mask is None or any(text.startswith(place) for text in seen):
            continue
        try:
            if not mask.pixels().any():
                yield Defect("empty mask", record.file_name, f"object {number}")
        except MaskError as error:
            seen.append(f"{place}{error}")
        if isinstance(mask, PolygonMask) and mask.leaves_image():
            yield Defect("mask leaves the image", record.file_name, place + "its polygon does")
    yield from (Defect("mask cannot be used", record.file_name, text) for text in seen)


def _box_defect(box: np.ndarray) -> str:
    if np.isnan(box).any():
        return "box with NaN"
    if box[2] < box[0] or box[3] < box[1]:
        return "inverted box"
    inside = np.clip(box, 0, 1)
    if inside[2] == inside[0] or inside[3] == inside[1]:
        return "box without area"
    return "box outside the image" if (inside != box).any() else ""


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _size_classes(areas: np.ndarray) -> dict[str, int]:
    return {
        "small": int((areas < _SMALL).sum()),
        "medium": int(((areas >= _SMALL) & (areas < _MEDIUM)).sum()),
        "large": int((areas >= _MEDIUM).sum()),
    }


def _size_range(sizes: list[tuple[int, int]]) -> dict[str, list[int]]:
    if not sizes:
        return {}
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    picked = {"smallest": 0, "median": len(ordered) // 2, "largest": -1}
    return {name: list(ordered[place]) for name, place in picked.items()}
