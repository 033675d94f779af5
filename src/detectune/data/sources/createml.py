"""Create ML: a .json list of images, which other tools export, too.

    [{"image": "a.jpg", "annotations": [
        {"label": "cat", "coordinates": {"x": 18, "y": 12, "width": 24, "height": 16}}]}]

x and y are the centre of a box, in pixels.

Source: https://developer.apple.com/documentation/createml/building-an-object-detector-data-source
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detectune.config.label_map import LabelMap
from detectune.data.defects import Problems
from detectune.data.sources.collecting import Collector, Object, annotation_error, collector_at
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.text_files import items, mapping, read_json
from detectune.data.sources.tree import only_file
from detectune.data.sources.values import ValueProblem, finite, shown
from detectune.errors import DataError

_IMAGE_KEYS = ("image", "imagefilename")


def open_createml(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images of the .json at the path `spec`, or of the only one in the folder there."""
    path = Path(spec)
    file = path if path.is_file() else _only_file(path)
    collector = collector_at("createml", file, "centre and size")
    for entry in items(read_json(file)):
        with collector.problems.kept():
            _add(collector, file, mapping(entry))
    return collector.source(label_map, "image that the file does not list")


def _only_file(folder: Path) -> Path:
    found = [file for file in sorted(folder.glob("*.json")) if _lists_images(file)]
    example = "createml:_annotations.createml.json"
    return only_file(found, folder, called="files of Create ML", example=example)


def _add(collector: Collector, file: Path, entry: dict[str, Any]) -> None:
    name = _image(entry)
    if not name:
        text = f"an image is called {shown(entry.get('image'))}"
        raise annotation_error(file, text, 'An entry is {"image": …, "annotations": […]}.')
    place = f"{file} ({name[-80:]})"
    path = collector.find(name, place)
    if path is None:
        return
    problems = Problems()
    objects: list[Object] = []
    for annotation in items(entry.get("annotations")):
        with problems.kept():
            objects.append(_object(place, mapping(annotation)))
    collector.add(path, place, objects, errors=problems)


def _object(place: str, annotation: dict[str, Any]) -> Object:
    label, values = annotation.get("label"), mapping(annotation.get("coordinates"))
    if not isinstance(label, str) or not label.strip():
        raise annotation_error(
            place, f"the label of a box is {shown(label)}", "A label is the name of a class."
        )
    try:
        x, y, width, height = (finite(values.get(key)) for key in ("x", "y", "width", "height"))
    except ValueProblem as problem:
        allowed = "coordinates are x, y, width and height, in pixels."
        raise annotation_error(place, f"a box of {label[:40]}: {problem}", allowed) from None
    box = [y - height / 2, x - width / 2, y + height / 2, x + width / 2]
    return Object(label.strip(), box)


def _image(entry: dict[str, Any]) -> str:
    named = (entry.get(key) for key in _IMAGE_KEYS)
    return next((text for text in named if isinstance(text, str) and text.strip()), "")


def _lists_images(file: Path) -> bool:
    """Whether the first entry with annotations has boxes as Create ML writes them."""
    try:
        entries = [mapping(entry) for entry in items(read_json(file))]
    except DataError:
        return False
    listed = [entry for entry in entries if _image(entry) and "annotations" in entry]
    boxes = (mapping(a) for entry in listed for a in items(entry["annotations"]))
    first = next(boxes, None)
    if first is None:
        return bool(listed) and not any("data" in entry for entry in entries)
    return "label" in first and "coordinates" in first


def _is_createml(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".json" and _lists_images(path)
    return any(_lists_images(file) for file in sorted(path.glob("*.json"))[:5])


formats.register("createml")(SourceFormat(open_createml, _is_createml, priority=23))
