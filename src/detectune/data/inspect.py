"""What is in a data set and what is wrong with it, each defect with what will happen to it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from detectune.config.look_alikes import look_alikes
from detectune.data.defects import (
    AREA,
    CONSEQUENCES,
    DARK,
    NOT_FINITE,
    SIMILAR,
    SMALL_BOX,
    TRUNCATED,
    UNREADABLE,
    AnnotationError,
    Defect,
    ImageError,
    wrong_annotations,
)
from detectune.data.image_files import (
    ImageFacts,
    dark_bits,
    decode_problem,
    image_format,
    read_facts,
    rotation_to_apply,
)
from detectune.data.masks import PolygonMask
from detectune.data.run_lengths import MaskError
from detectune.data.sources.base import Source, class_names
from detectune.data.sources.coordinates import CoordinateCheck
from detectune.data.sources.record import Record, mask_problems, repair
from detectune.data.sources.surveying import weight_defects
from detectune.errors import DataError

# COCO's limits between small, medium and large: 32² and 96² pixels of the stored image.
_SMALL, _MEDIUM = 32**2, 96**2
_LEAST_SIDE = 1 - 1e-3  # pixels; fractions are float32
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
        except AnnotationError as error:
            inspector.add_partly(index, error)
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
        self._coordinates = CoordinateCheck(source.coordinates)

    def add_unreadable(self, error: DataError) -> None:
        """A record of which nothing can be used; `error` begins with its place."""
        self._result.images += 1
        if isinstance(error, ImageError):
            self._report(UNREADABLE, error.file_name, error.reason)
        else:
            self._result.defects += wrong_annotations([error])

    def add_partly(self, index: int, error: AnnotationError) -> None:
        """A record of which a part can be used: the boxes that are right are counted."""
        self._result.defects += wrong_annotations(error.causes)
        try:
            image = self._source.image_bytes(index)
        except DataError as unreadable:
            self.add_unreadable(unreadable)
            return
        if error.record is None:
            self._result.images += 1
        else:
            self.add(error.record._replace(image=image))

    def add(self, record: Record) -> None:
        """One record as it stands in the files."""
        facts, used, result = _facts(record), repair(record), self._result
        height, width = (facts.height, facts.width) if facts else (record.height, record.width)
        self._sizes.append((height, width))
        self._coordinates.add(record)
        self._areas.append(_areas(used.boxes) * height * width)
        result.images += 1
        result.boxes += len(used.class_ids)
        result.images_without_boxes += not len(used.class_ids)
        result.most_boxes = max(result.most_boxes, len(used.class_ids))
        for class_id in used.class_ids.tolist():
            result.boxes_per_class[self._names[class_id]] += 1
        result.defects += [*_image_defects(record, facts), *_box_defects(record, self._names)]
        result.defects += [*weight_defects(record), *_area_defects(record)]
        result.defects += _mask_defects(used)
        result.masks += sum(mask is not None for mask in used.masks or ())
        digest = hashlib.sha256(record.image).digest()
        twin = self._first_with.setdefault(digest, record.file_name)
        if twin != record.file_name and record.image:
            self._report("duplicate image", record.file_name, f"the same bytes as {twin}")

    def result(self) -> Inspection:
        """Everything, with what concerns the files as a whole."""
        self._result.defects += [*self._coordinates.defects(), *self._source.defects]
        alike = look_alikes(self._source.label_map.names)
        self._result.defects += [Defect(SIMILAR, self._source.name, a.text) for a in alike]
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
        yield Defect(TRUNCATED if cut else UNREADABLE, name, problem)
    if facts is None:
        return
    expected = _SUFFIX_FORMATS.get(Path(name).suffix.lower())
    actual = image_format(record.image)
    if expected and expected != actual:
        yield Defect("mislabelled image", name, f"it is a {actual} file")
    bits = 0 if problem else dark_bits(record.image)
    if bits:
        yield Defect(DARK, name, f"its pixels have 16 bits and need {bits}: nearly black")
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
        kind = _box_defect(box, sides)
        if kind:
            yield Defect(kind, record.file_name, what)
        key = (*box.tolist(), int(class_id))
        if key in seen:
            yield Defect("duplicate box", record.file_name, what)
        seen.add(key)


def _area_defects(record: Record) -> Iterator[Defect]:
    if record.areas is None:
        return
    for row in np.flatnonzero(~(np.isfinite(record.areas) & (record.areas >= 0))):
        detail = f"the area of object {row + 1} is {record.areas[row]}"
        yield Defect(AREA, record.file_name, detail)


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


def _box_defect(box: np.ndarray, sides: np.ndarray) -> str:
    if not np.isfinite(box).all():
        return NOT_FINITE
    if box[2] < box[0] or box[3] < box[1]:
        return "inverted box"
    inside = np.clip(box, 0, 1)
    if inside[2] == inside[0] or inside[3] == inside[1]:
        return "box without area"
    if (inside != box).any():
        return "box outside the image"
    pixels = inside * sides
    return SMALL_BOX if min(pixels[2] - pixels[0], pixels[3] - pixels[1]) < _LEAST_SIDE else ""


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
