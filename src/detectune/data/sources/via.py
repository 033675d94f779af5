"""VGG Image Annotator (VIA 2): a .json of the project or of its annotations, or a .csv.

    {"a.jpg123": {"filename": "a.jpg", "regions": [
        {"shape_attributes": {"name": "rect", "x": 6, "y": 4, "width": 24, "height": 16},
         "region_attributes": {"type": "cat"}}]}}

The class is the value of the attribute that is called class, label, name, type or so, or of the
only one there is. Polygons, circles and ellipses give their bounding box; points and lines are
counted and left out.

Source: https://www.robots.ox.ac.uk/~vgg/software/via/docs/user_guide.html
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.defects import ASSUMED, Defect, Problems
from detectune.data.masks import PolygonMask
from detectune.data.sources.collecting import (
    Collector,
    Object,
    annotation_error,
    bounds,
    collector_at,
)
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.text_files import items, mapping, read_json, read_text
from detectune.data.sources.tree import only_file
from detectune.data.sources.values import ValueProblem, finite, shown
from detectune.errors import DataError, three_part

_CLASS_KEYS = ("class", "label", "name", "type", "category", "object", "class_name")
_OPEN = ("point", "polyline")
_ONLY = "object"
_CSV_COLUMNS = ("region_shape_attributes", "region_attributes")


class _Region(NamedTuple):
    shape: dict[str, Any]
    attributes: dict[str, Any]


def open_via(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images of the file at the path `spec`, or of the only one in the folder there.

    Args:
        columns: "masks" keeps the polygons, too.
    """
    path = Path(spec)
    file = _file(path)
    collector = collector_at("via", file)
    images = list(_csv_images(file) if file.suffix.lower() == ".csv" else _json_images(file))
    if not any(region.attributes for _, regions in images for region in regions):
        text = f'no region names a class: all are read as "{_ONLY}"'
        collector.defects.append(Defect(ASSUMED, file.name, text))
        only = {_ONLY: _ONLY}
        images = [(name, [r._replace(attributes=only) for r in rs]) for name, rs in images]
    for name, regions in images:
        with collector.problems.kept():
            if not isinstance(name, str) or not name.strip():
                raise annotation_error(
                    str(file), f"a filename is {shown(name)}", "It is the name of an image."
                )
            _add(collector, file, name, regions, "masks" in columns)
    return collector.source(label_map, "image that the file does not list")


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = [file for file in sorted(path.iterdir()) if _is_via_file(file)]
    return only_file(found, path, called="files of VIA", example="via:via_project.json")


def _json_images(file: Path) -> Iterator[tuple[Any, list[_Region]]]:
    content = mapping(read_json(file))
    for entry in map(mapping, mapping(content.get("_via_img_metadata") or content).values()):
        written = entry.get("regions")
        regions = list(mapping(written).values()) or items(written)  # VIA 1 has a mapping
        yield (
            entry.get("filename"),
            [
                _Region(mapping(r.get("shape_attributes")), mapping(r.get("region_attributes")))
                for r in map(mapping, regions)
            ],
        )


def _csv_images(file: Path) -> Iterator[tuple[Any, list[_Region]]]:
    images: dict[str, list[_Region]] = {}
    try:
        for row in csv.DictReader(io.StringIO(read_text(file).replace("\0", ""), newline="")):
            name = row.get("filename") or row.get("#filename") or ""
            regions = images.setdefault(name, [])
            shape, attributes = (mapping(json.loads(row.get(c) or "{}")) for c in _CSV_COLUMNS)
            if shape:
                regions.append(_Region(shape, attributes))
    except (csv.Error, ValueError, RecursionError) as error:
        text = three_part(
            f"{file}: cannot be read: {error}.",
            "A .csv of VIA has JSON in region_shape_attributes and region_attributes.",
            "Export the annotations again.",
        )
        raise DataError(text) from error
    yield from images.items()


def _add(
    collector: Collector, file: Path, name: str, regions: list[_Region], with_masks: bool
) -> None:
    place = f"{file} ({name})"
    path = collector.find(name, place, file.parent)
    if path is None:
        return
    problems = Problems()
    objects: list[Object] = []
    for region in regions:
        kind = str(region.shape.get("name"))
        if kind in _OPEN:
            collector.not_read(file.name, f"a {kind}")
            continue
        with problems.kept():
            objects.append(_object(place, kind, region))
    collector.add(path, place, objects, errors=problems, with_masks=with_masks)


def _object(place: str, kind: str, region: _Region) -> Object:
    name = _class_name(place, region.attributes)
    shape = region.shape
    if kind == "rect":
        x, y, width, height = _numbers(place, shape, "x", "y", "width", "height")
        return Object(name, [y, x, y + height, x + width])
    if kind == "circle":
        x, y, radius = _numbers(place, shape, "cx", "cy", "r")
        return Object(name, [y - radius, x - radius, y + radius, x + radius], "a circle")
    if kind == "ellipse":
        x, y, rx, ry = _numbers(place, shape, "cx", "cy", "rx", "ry")
        reach = max(rx, ry) if shape.get("theta") else 0.0
        rx, ry = max(rx, reach), max(ry, reach)
        return Object(name, [y - ry, x - rx, y + ry, x + rx], "an ellipse")
    xs, ys = (_list(place, shape, key) for key in ("all_points_x", "all_points_y"))
    if len(xs) != len(ys) or len(xs) < 3:
        text = f"a {kind[:20]} has {len(xs)} x and {len(ys)} y"
        raise annotation_error(place, text, "A polygon has at least three points.")
    mask = PolygonMask((np.stack([xs, ys], axis=-1).reshape(-1),))
    return Object(name, bounds(xs, ys), "a polygon", mask=mask)


def _class_name(place: str, attributes: dict[str, Any]) -> str:
    known = {str(key).strip().lower(): value for key, value in attributes.items()}
    value = next((known[key] for key in _CLASS_KEYS if known.get(key)), None)
    if value is None and len(known) == 1:
        (value,) = known.values()
    if isinstance(value, dict):  # a checkbox: {"cat": true}
        chosen = [str(key) for key, on in mapping(value).items() if on]
        value = chosen[0] if len(chosen) == 1 else None
    if not isinstance(value, str) or not value.strip():
        raise annotation_error(
            place,
            f"a region has the attributes {str(attributes)[:80]}",
            f"Its class is an attribute called {', '.join(_CLASS_KEYS)}, or the only one.",
        )
    return value.strip()


def _numbers(place: str, shape: dict[str, Any], *names: str) -> list[float]:
    try:
        return [finite(shape.get(name)) for name in names]
    except ValueProblem as problem:
        raise annotation_error(
            place, f"{', '.join(names)}: {problem}", "They are pixels."
        ) from None


def _list(place: str, shape: dict[str, Any], key: str) -> list[float]:
    try:
        return [finite(value) for value in items(shape.get(key))]
    except ValueProblem as problem:
        raise annotation_error(place, f"{key}: {problem}", "It is a list of pixels.") from None


def _is_via_file(file: Path) -> bool:
    try:
        if file.suffix.lower() == ".csv" and file.is_file():
            return _CSV_COLUMNS[0] in read_text(file).split("\n", 1)[0]
        if file.suffix.lower() != ".json" or not file.is_file():
            return False
        content = mapping(read_json(file))
    except DataError:
        return False
    if "_via_img_metadata" in content:
        return True
    first = mapping(next(iter(content.values()), None))
    return "filename" in first and "regions" in first


def _is_via(path: Path) -> bool:
    if path.is_file():
        return _is_via_file(path)
    return any(_is_via_file(file) for file in sorted(path.iterdir()))


formats.register("via")(SourceFormat(open_via, _is_via, priority=23))
