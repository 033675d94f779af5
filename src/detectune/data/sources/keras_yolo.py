"""Lists for the Keras and PyTorch versions of YOLO 3 and 4: a .txt with a line for each image.

    images/a.jpg 6,4,30,20,0 30,20,60,40,1      xmin,ymin,xmax,ymax,class for each box, in pixels
    images/b.jpg                                an image without objects

The names of the classes stand in _classes.txt or classes.txt beside it, one per line.

Source: https://github.com/qqwweee/keras-yolo3, README
"""

from __future__ import annotations

import re
from pathlib import Path

from detectune.config.label_map import LabelMap
from detectune.data.defects import Problems
from detectune.data.sources.base import label_map_of
from detectune.data.sources.collecting import Collector, Object, collector_at
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.text_files import read_text
from detectune.data.sources.tree import only_file
from detectune.data.sources.values import ValueProblem, number
from detectune.errors import DataError, three_part

_CLASS_FILES = ("_classes.txt", "classes.txt")
_BOX = re.compile(r"[^\s,]+(?:,[^\s,]+){3,}")
_MOST_LINES_LOOKED_AT = 20


def open_keras_yolo(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images of the list at the path `spec`, or of the only one in the folder there."""
    path = Path(spec)
    file = path if path.is_file() else _only_list(path)
    names = _class_names(file)
    collector = collector_at("keras_yolo", file)
    for place, line in enumerate(read_text(file).splitlines(), 1):
        if line.strip():
            with collector.problems.kept():
                _add(collector, f"{file}:{place}", line, names)
    derived = label_map or label_map_of(dict.fromkeys(names))
    return collector.source(derived, "image that the list does not have")


def _add(collector: Collector, place: str, line: str, names: tuple[str, ...]) -> None:
    name, boxes = _parts(line)
    image = collector.find(name, place)
    if image is None:
        return
    problems = Problems()
    objects: list[Object] = []
    for text in boxes:
        with problems.kept():
            objects.append(_object(place, text, names))
    collector.add(image, place, objects, errors=problems)


def _parts(line: str) -> tuple[str, list[str]]:
    """The name of the image, which may have spaces, and the texts of its boxes."""
    words = line.strip().split(" ")
    start = next((i for i, word in enumerate(words) if i and _BOX.fullmatch(word)), len(words))
    return " ".join(words[:start]).strip(), [word for word in words[start:] if word]


def _object(place: str, text: str, names: tuple[str, ...]) -> Object:
    try:
        x0, y0, x1, y1, index = (number(part) for part in text.split(","))
    except (ValueProblem, ValueError):
        x0 = y0 = x1 = y1 = index = -1.0
    if not (0 <= index < len(names) and index == int(index)):
        raise DataError(
            three_part(
                f'{place}: a box is "{text[:80]}".',
                f"A box is xmin,ymin,xmax,ymax,class in pixels, with class 0 to {len(names) - 1}.",
                "Correct the line, or add the class to the list of names.",
            )
        )
    return Object(names[int(index)], [y0, x0, y1, x1])


def _class_names(file: Path) -> tuple[str, ...]:
    for name in _CLASS_FILES:
        lines = read_text(file.parent / name).splitlines() if _is_file(file, name) else []
        if names := tuple(line.strip() for line in lines if line.strip()):
            return names
    raise DataError(
        three_part(
            f"{file}: the names of the classes were not found.",
            f"They stand in {' or '.join(_CLASS_FILES)} beside it.",
            "Write classes.txt with one name per line, in the order of the class numbers.",
        )
    )


def _is_file(file: Path, name: str) -> bool:
    return (file.parent / name).is_file()


def _only_list(folder: Path) -> Path:
    found = [file for file in sorted(folder.glob("*.txt")) if _is_list(file)]
    called, example = "lists of images with boxes", "keras_yolo:_annotations.txt"
    return only_file(found, folder, called=called, example=example)


def _is_list(file: Path) -> bool:
    """Whether its first line with a box has an image before it and four numbers and a class."""
    if not any(_is_file(file, name) for name in _CLASS_FILES):
        return False
    try:
        lines = read_text(file).split("\n", _MOST_LINES_LOOKED_AT)[:_MOST_LINES_LOOKED_AT]
    except DataError:
        return False
    first = next((boxes[0] for name, boxes in map(_parts, lines) if name and boxes), "")
    return bool(re.fullmatch(r"[-+.\d]+(,[-+.\d]+){3},\d+", first))


def _is_keras_yolo(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".txt" and _is_list(path)
    return any(_is_list(file) for file in sorted(path.glob("*.txt"))[:5])


formats.register("keras_yolo")(SourceFormat(open_keras_yolo, _is_keras_yolo, priority=38))
