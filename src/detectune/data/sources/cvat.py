"""CVAT for images 1.1: one .xml with an <image> for each picture.

    <annotations><image name="a.jpg" width="640" height="480">
      <box label="cat" xtl="6" ytl="4" xbr="30" ybr="20"/> <polygon label="cat" points="6,4;30,4"/>
    </image></annotations>

Rotated boxes, polygons and ellipses give their bounding box, and polygons a mask. Points, lines and
tags are counted and left out. CVAT's other exports are COCO, Pascal VOC, YOLO and so on.

Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.defects import Problems
from detectune.data.masks import Mask, PolygonMask
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
from detectune.data.sources.text_files import read_bytes
from detectune.data.sources.tree import Tree
from detectune.data.sources.values import ValueProblem, finite
from detectune.data.sources.voc import parse_xml
from detectune.errors import DataError, three_part

_ENCLOSING = ("box", "polygon", "ellipse", "mask")
_SAYS = "CVAT for images is an <annotations> with <image> elements."


def open_cvat(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images of the .xml at the path `spec`, or of all of them in the folder there.

    Args:
        columns: "masks" keeps the polygons, too.
    """
    path = Path(spec)
    files = list(filter(is_cvat, Tree(path).files(".xml"))) if path.is_dir() else [path]
    collector = collector_at("cvat", path)
    for file in files:
        with collector.problems.kept():
            root = parse_xml(file, _SAYS)
            if root.tag != "annotations" or root.find("image") is None:
                raise _no_images(file, root)
            for image in root.findall("image"):
                with collector.problems.kept():
                    _add(collector, file, image, "masks" in columns)
    return collector.source(label_map, "image that the .xml does not list")


def _no_images(file: Path, root: ElementTree.Element) -> DataError:
    if root.find("track") is not None:
        found, next_step = "it has tracks of a video", 'Export it as "CVAT for images 1.1".'
    else:
        found, next_step = f"it is a <{root.tag[:40]}> without <image>", "Export the task again."
    return DataError(three_part(f"{file}: {found}.", _SAYS, next_step))


def _add(collector: Collector, file: Path, image: ElementTree.Element, with_masks: bool) -> None:
    name = image.get("name") or ""
    place = f"{file} ({name})"
    path = collector.find(name, place, file.parent)
    if path is None:
        return
    problems = Problems()
    height = width = 0
    with problems.kept():
        height, width = (annotated_side(place, key, image.get(key)) for key in ("height", "width"))
    objects: list[Object] = []
    for shape in image:
        if shape.tag not in _ENCLOSING:
            collector.not_read(file.name, f"a {shape.tag[:30]}")
            continue
        with problems.kept():
            objects.append(_object(place, shape))
    collector.add(
        path,
        place,
        objects,
        height=height,
        width=width,
        errors=problems,
        source_id=image.get("id") or "",
        with_masks=with_masks,
    )


def _object(place: str, shape: ElementTree.Element) -> Object:
    label = (shape.get("label") or "").strip()
    if not label:
        raise annotation_error(
            place, f"a <{shape.tag}> has no label", "Every object names its class."
        )
    if shape.tag == "box":
        return _box(place, label, shape)
    if shape.tag == "mask":
        left, top, width, height = _numbers(place, shape, "left", "top", "width", "height")
        return Object(label, [top, left, top + height, left + width], "a mask")
    if shape.tag == "ellipse":
        x, y, rx, ry = _numbers(place, shape, "cx", "cy", "rx", "ry")
        return Object(label, [y - ry, x - rx, y + ry, x + rx], "an ellipse")
    xs, ys = _points(place, shape)
    mask: Mask = PolygonMask((np.stack([xs, ys], axis=-1).reshape(-1),))
    return Object(label, bounds(xs, ys), "a polygon", mask=mask)


def _box(place: str, label: str, shape: ElementTree.Element) -> Object:
    x0, y0, x1, y1 = _numbers(place, shape, "xtl", "ytl", "xbr", "ybr")
    if not shape.get("rotation"):
        return Object(label, [y0, x0, y1, x1])
    (degrees,) = _numbers(place, shape, "rotation")
    if degrees % 360 == 0:
        return Object(label, [y0, x0, y1, x1])
    angle, x, y = math.radians(degrees), (x0 + x1) / 2, (y0 + y1) / 2
    cosine, sine = abs(math.cos(angle)), abs(math.sin(angle))
    across = ((x1 - x0) * cosine + (y1 - y0) * sine) / 2
    down = ((x1 - x0) * sine + (y1 - y0) * cosine) / 2
    return Object(label, [y - down, x - across, y + down, x + across], "a rotated box")


def _points(place: str, shape: ElementTree.Element) -> tuple[list[float], list[float]]:
    text = shape.get("points") or ""
    try:
        pairs = [[finite(part) for part in pair.split(",")] for pair in text.split(";")]
        points = [(x, y) for x, y in pairs]
    except (ValueProblem, ValueError):
        points = []
    if len(points) < 3:
        raise annotation_error(
            place, f'points="{text[:60]}"', "A polygon has at least three: x,y;x,y;x,y."
        )
    return [x for x, _ in points], [y for _, y in points]


def _numbers(place: str, shape: ElementTree.Element, *names: str) -> list[float]:
    try:
        return [finite(shape.get(name) or "") for name in names]
    except ValueProblem as problem:
        text = f"{', '.join(names)} of a <{shape.tag}>: {problem}"
        raise annotation_error(place, text, "They are numbers, in pixels or degrees.") from None


def is_cvat(file: Path) -> bool:
    """Whether the .xml `file` begins as those of CVAT do."""
    try:
        head = read_bytes(file)[:4096]
    except DataError:
        return False
    return b"<annotations" in head and b"<annotation>" not in head


def _is_cvat(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".xml" and is_cvat(path)
    return any(is_cvat(file) for file in Tree(path).files(".xml")[:5])


formats.register("cvat")(SourceFormat(open_cvat, _is_cvat, priority=15))
