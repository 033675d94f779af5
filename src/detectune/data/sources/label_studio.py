"""Label Studio: a .json list of tasks, in its full form or as "JSON-MIN".

    [{"data": {"image": "/data/upload/1/5f3a-a.jpg"}, "annotations": [{"result": [
        {"type": "rectanglelabels", "original_width": 640, "original_height": 480,
         "value": {"x": 10, "y": 10, "width": 40, "height": 40, "rectanglelabels": ["cat"]}}]}]}]

Coordinates are percent of the image. Rotated boxes, polygons and ellipses give their bounding box;
brush strokes, keypoints and choices are counted and left out.

Source: https://labelstud.io/guide/export
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from detectune.config.label_map import LabelMap
from detectune.data.defects import NOT_READ, Defect, Problems
from detectune.data.sources.collecting import (
    Collector,
    Object,
    annotation_error,
    bounds,
    collector_at,
)
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.text_files import items, mapping, read_json
from detectune.data.sources.tree import only_file
from detectune.data.sources.values import ValueProblem, finite, shown, side
from detectune.errors import DataError
from detectune.wording import plural

# Label Studio puts a hash in front of the name of an uploaded file.
_HASH = re.compile(r"^[0-9a-f]{6,12}-")
_KINDS = ("rectanglelabels", "polygonlabels", "ellipselabels", "labels")
_ANNOTATED = ("annotations", "completions")
# "JSON-MIN" calls them as the labelling configuration does; these are the names in its templates.
_SHORT = ("label", "bbox", "labels", "tag")


def open_label_studio(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The tasks of the .json at the path `spec`, or of the only one in the folder there."""
    path = Path(spec)
    file = _file(path)
    collector = collector_at("label_studio", file)
    for task in items(read_json(file)):
        with collector.problems.kept():
            _add(collector, file, mapping(task))
    return collector.source(label_map, "image that no task names")


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = [file for file in sorted(path.glob("*.json")) if _has_tasks(file)]
    called = "exports of Label Studio"
    return only_file(found, path, called=called, example="label_studio:export.json")


def _add(collector: Collector, file: Path, task: dict[str, Any]) -> None:
    url = _image(task)
    if not url:
        raise annotation_error(
            str(file), f"task {shown(task.get('id'))} names no image", "data: {image: …}."
        )
    place = f"{file} ({url[-80:]})"
    name = _file_name(url)
    found = collector.search.find(name) or collector.search.find(_HASH.sub("", Path(name).name))
    path = collector.take(name, place, found)
    if path is None:
        return
    problems = Problems()
    objects: list[Object] = []
    for region in _regions(collector, place, task):
        with problems.kept():
            item = _object(place, region)
            if item is None:
                collector.not_read(file.name, str(region.get("type") or "a region")[:40])
            else:
                objects.append(item)
    collector.add(path, place, objects, errors=problems, in_fractions=True)


def _image(task: dict[str, Any]) -> str:
    data = mapping(task.get("data")) or task
    named = [data.get(key) for key in ("image", "img", "image_url", "url")]
    return next((text for text in named if isinstance(text, str) and text.strip()), "")


def _file_name(url: str) -> str:
    """The path in a URL; local files are `/data/local-files/?d=folder/a.jpg`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    local = parse_qs(parts.query).get("d")
    return unquote(local[0] if local else parts.path or url)


def _regions(collector: Collector, place: str, task: dict[str, Any]) -> list[dict[str, Any]]:
    """The regions of the first annotation that was not cancelled, or those of "JSON-MIN"."""
    for key in _SHORT:
        if isinstance(task.get(key), list):
            return [{"type": _kind_of(value), "value": value} for value in map(mapping, task[key])]
    written = [mapping(entry) for key in _ANNOTATED for entry in items(task.get(key))]
    valid = [entry for entry in written if not entry.get("was_cancelled")]
    if valid and not isinstance(valid[0].get("result"), list):
        text = "an annotation has no list called result"
        raise annotation_error(place, text, "Label Studio writes one.")
    if len(valid) > 1:
        text = f"{plural(len(valid) - 1, 'annotation')} after the first one of the same image"
        collector.defects.append(Defect(NOT_READ, place, text))
    return [mapping(region) for region in items(valid[0].get("result"))] if valid else []


def _kind_of(value: dict[str, Any]) -> str:
    return next((kind for kind in _KINDS if kind in value), "region")


def _object(place: str, region: dict[str, Any]) -> Object | None:
    """The object of a region; None if it encloses nothing, or only says something of one."""
    value, kind = mapping(region.get("value")), region.get("type")
    labels = [text for key in _KINDS for text in items(value.get(key))]
    if kind not in _KINDS or not labels:
        return None
    if len(labels) > 1 or not isinstance(labels[0], str) or not labels[0].strip():
        text = f"a region has the labels {shown(labels)}"
        raise annotation_error(place, text, "Every object has one class.")
    box, shape = _box(place, value, region)
    return Object(labels[0].strip(), [side / 100 for side in box], shape)


def _box(place: str, value: dict[str, Any], region: dict[str, Any]) -> tuple[list[float], str]:
    """yxyx in percent, and what shape it stands for."""
    try:
        if "points" in value:
            points = [[finite(part) for part in items(point)] for point in items(value["points"])]
            pairs = [(x, y) for x, y in points]
            return bounds([x for x, _ in pairs], [y for _, y in pairs]), "a polygon"
        if "radiusX" in value:
            x, y, rx, ry = (finite(value.get(k)) for k in ("x", "y", "radiusX", "radiusY"))
            return [y - ry, x - rx, y + ry, x + rx], "an ellipse"
        x, y, width, height = (finite(value.get(k)) for k in ("x", "y", "width", "height"))
        angle = math.radians(finite(value.get("rotation") or 0))
        if not math.sin(angle) and math.cos(angle) > 0:
            return [y, x, y + height, x + width], ""
        sides = (region if "original_width" in region else value).get
        sizes = side(sides("original_width")), side(sides("original_height"))
        if not all(sizes):
            raise ValueProblem("it is rotated, and original_width or original_height is missing")
    except (ValueProblem, ValueError) as problem:
        text = f"a region: {problem}"
        raise annotation_error(place, text, "Coordinates are percent of the image.") from None
    return _turned(x, y, width, height, angle, sizes), "a rotated box"


def _turned(
    x: float, y: float, width: float, height: float, angle: float, sizes: tuple[int, int]
) -> list[float]:
    """The bounds, in percent, of a box that is turned about its upper left corner in an image of
    `sizes` (width, height) pixels."""
    cosine, sine = math.cos(angle), math.sin(angle)
    across, down = width * sizes[0], height * sizes[1]
    corners = ((0.0, 0.0), (across, 0.0), (0.0, down), (across, down))
    xs = [x + (a * cosine - d * sine) / sizes[0] for a, d in corners]
    ys = [y + (a * sine + d * cosine) / sizes[1] for a, d in corners]
    return bounds(xs, ys)


def _has_tasks(file: Path) -> bool:
    try:
        tasks = [mapping(task) for task in items(read_json(file))]
    except DataError:
        return False
    return any(_is_full(task) or _is_short(task) for task in tasks[:100])


def _is_full(task: dict[str, Any]) -> bool:
    annotated = any(isinstance(task.get(key), list) for key in _ANNOTATED)
    return annotated and bool(_image(mapping(task.get("data"))))


def _is_short(task: dict[str, Any]) -> bool:
    """Whether it is one of "JSON-MIN", with an object."""
    regions = (mapping(value) for key in _SHORT for value in items(task.get(key)))
    return bool(_image(task)) and any(kind in region for region in regions for kind in _KINDS)


def _is_label_studio(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".json" and _has_tasks(path)
    return any(_has_tasks(file) for file in sorted(path.glob("*.json"))[:5])


formats.register("label_studio")(SourceFormat(open_label_studio, _is_label_studio, priority=24))
