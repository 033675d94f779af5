"""labelme: a .json with `shapes` for each image, beside it or in a folder of its own.

    {"imagePath": "a.jpg", "imageHeight": 480, "imageWidth": 640,
     "shapes": [{"label": "cat", "shape_type": "rectangle", "points": [[6, 4], [30, 20]]}]}

Rectangles are boxes; polygons, circles and the like give their bounding box, and polygons a mask.
Points and lines enclose nothing: they are counted and left out.

Source: https://github.com/wkentaro/labelme, README of its annotation format
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.defects import Problems
from detectune.data.masks import PolygonMask
from detectune.data.sources.collecting import (
    Collector,
    Object,
    annotated_side,
    annotation_error,
    bounds,
    collector_at,
)
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.text_files import items, mapping, read_json
from detectune.data.sources.tree import Tree
from detectune.data.sources.values import ValueProblem, finite, shown
from detectune.errors import DataError

_OPEN = ("point", "line", "linestrip", "points")
_FEWEST = {"rectangle": 2, "circle": 2, "polygon": 3, "mask": 2}


def open_labelme(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images whose .json files lie at, or below, the path `spec`.

    Args:
        columns: "masks" keeps the polygons, too.
    """
    path = Path(spec)
    files = Tree(path).files(".json") if path.is_dir() else [path]
    collector = collector_at("labelme", path)
    for file in files:
        with collector.problems.kept():
            content = mapping(read_json(file))
            if not isinstance(content.get("shapes"), list):
                raise annotation_error(
                    file, 'it has no list called "shapes"', "labelme writes one."
                )
            _add(collector, file, content, "masks" in columns)
    return collector.source(label_map, "image without annotation" if path.is_dir() else "")


def _add(collector: Collector, file: Path, content: dict[str, Any], with_masks: bool) -> None:
    named = content.get("imagePath")
    named = named if isinstance(named, str) else ""
    search, beside = collector.search, file.parent
    found = search.find(named, beside) or search.stem(file.stem, beside)
    path = collector.take(named or file.name, str(file), found)
    if path is None:
        return
    problems = Problems()
    height = width = 0
    with problems.kept():
        height, width = (
            annotated_side(file, key, content.get(key)) for key in ("imageHeight", "imageWidth")
        )
    objects: list[Object] = []
    for shape in items(content["shapes"]):
        with problems.kept():
            found_object = _object(file, mapping(shape))
            if isinstance(found_object, Object):
                objects.append(found_object)
            else:
                collector.not_read(str(file), found_object)
    collector.add(
        path,
        str(file),
        objects,
        height=height,
        width=width,
        errors=problems,
        with_masks=with_masks,
    )


def _object(file: Path, shape: dict[str, Any]) -> Object | str:
    """The object of a shape, or the kind of the shape if it encloses nothing."""
    label, kind = shape.get("label"), str(shape.get("shape_type") or "polygon")
    if not isinstance(label, str) or not label.strip():
        raise annotation_error(
            file, f"the label of a shape is {shown(label)}", "A label is a text."
        )
    if kind in _OPEN:
        return kind
    xs, ys = _points(file, shape, kind)
    if kind == "circle":
        radius = math.hypot(xs[1] - xs[0], ys[1] - ys[0])
        xs, ys = [xs[0] - radius, xs[0] + radius], [ys[0] - radius, ys[0] + radius]
    box = bounds(xs, ys)
    if kind == "rectangle":
        return Object(label.strip(), box)
    mask = None
    if kind == "polygon":
        mask = PolygonMask((np.stack([xs, ys], axis=-1).reshape(-1),))
    return Object(label.strip(), box, f"a {kind[:20]}", mask=mask)


def _points(file: Path, shape: dict[str, Any], kind: str) -> tuple[list[float], list[float]]:
    points = [items(point) for point in items(shape.get("points"))]
    fewest = _FEWEST.get(kind, 3)
    try:
        pairs = [(finite(x), finite(y)) for x, y in points]
    except (ValueProblem, ValueError):
        pairs = []
    if len(pairs) < fewest:
        raise annotation_error(
            file,
            f"a {kind[:20]} has the points {str(shape.get('points'))[:60]}",
            f"It has at least {fewest} points [x, y], in pixels.",
        )
    return [x for x, _ in pairs], [y for _, y in pairs]


def _is_labelme(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".json" and _has_shapes(path)
    files = Tree(path).files(".json")
    return bool(files) and any(_has_shapes(file) for file in files[:5])


def _has_shapes(file: Path) -> bool:
    try:
        return isinstance(mapping(read_json(file)).get("shapes"), list)
    except DataError:
        return False


formats.register("labelme")(SourceFormat(open_labelme, _is_labelme, priority=22))
