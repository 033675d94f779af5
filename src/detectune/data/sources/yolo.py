"""YOLO: one .txt per image with lines `class x_center y_center width height`, in fractions.

Understood layouts (PATH is what follows `yolo:`; classes stand in data.yaml or classes.txt):

    PATH/images/train/*.jpg + PATH/labels/train/*.txt     PATH, PATH/images/train or PATH/data.yaml
    PATH/train/images/*.jpg + PATH/train/labels/*.txt     Roboflow; PATH/train is one split
    PATH/*.jpg + PATH/*.txt                               mixed, with PATH/classes.txt

An image without a .txt, or with an empty one, is an image without objects, as in YOLO itself. A
line may also be a polygon, or, with `kpt_shape` in data.yaml, a box with keypoints.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.defects import NOT_READ, OUTLINE, UNUSED, Defect, Problems, wrong_annotations
from detectune.data.sources.base import label_map_of
from detectune.data.sources.folder import Annotated, FolderSource, nothing_readable
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.text_files import read_text
from detectune.data.sources.tree import Tree
from detectune.data.sources.values import ValueProblem, number
from detectune.data.sources.yolo_yaml import YAML_NAMES, DataYaml, read_data_yaml
from detectune.errors import DataError, three_part

_NAME_LISTS = ("classes.txt", "obj.names", "labels.txt", "_darknet.labels")


@dataclass(frozen=True)
class _Rows:
    """What a line of a label file may be."""

    names: Sequence[str]
    """Class number → name; "" for a number that is not used."""
    keypoints: int = 0
    """How many numbers the keypoints of an object take."""


def open_yolo(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The data set at `spec`: its root, one split, the folder of the images, or data.yaml."""
    path = Path(spec)
    described = _described(path)
    images = described.images(path) if path.is_file() else _images_below([path])
    return yolo_source(path, images, described, label_map)


def open_yolo_split(
    path: Path, split: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The images that the data.yaml at, or in, `path` lists under `split`."""
    described = _described(path)
    images = described.split_images(split)
    source = yolo_source(Path(f"{path}#{split}"), images, described, label_map)
    source.repeats = described.repeated(split)
    return source


def yolo_source(
    path: Path, images: Sequence[Path], described: DataYaml, label_map: LabelMap | None
) -> FolderSource:
    """The source of some images."""
    root = described.file.parent if "#" in path.name else path if path.is_dir() else path.parent
    if not images:
        raise DataError(
            three_part(
                f"{path}: there is no image here.",
                "A YOLO data set has images and, beside them or in labels/, one .txt per image.",
                "Check the path.",
            )
        )
    rows_of, problems = _Rows(described.names, described.keypoint_values), Problems()
    defects: list[Defect] = list(described.defects)
    rows: list[Annotated] = []
    for image in images:
        with problems.kept():
            row, found = _annotated(image, root, rows_of)
            rows.append(row)
            defects += found
    if not rows:
        raise nothing_readable(str(path), problems.errors)
    defects += wrong_annotations(problems.errors)
    defects += _labels_without_image(root, images)
    derived = label_map or label_map_of(dict.fromkeys(described.listed))
    return FolderSource(f"yolo:{path}", rows, derived, defects, "centre and size")


def _described(path: Path) -> DataYaml:
    """The names of the classes and more, from the nearest file that has them."""
    folders = (path, *list(path.resolve().parents)[:3]) if path.is_dir() else ()
    names = (*YAML_NAMES, *_NAME_LISTS)
    files = [path] if path.is_file() else [f / n for f in folders for n in names]
    for file in files:
        if not file.is_file():
            continue
        if file.suffix.lower() in (".yaml", ".yml"):
            described = read_data_yaml(file)
            if described is not None:
                return described
        elif names_in := [line.strip() for line in read_text(file).splitlines() if line.strip()]:
            return DataYaml(file, tuple(names_in))
    raise DataError(
        three_part(
            f"{path}: the names of the classes were not found.",
            f"They stand in one of {', '.join(names)}, here or in a folder above.",
            "Write classes.txt with one name per line, in the order of the class numbers.",
        )
    )


def _images_below(folders: Iterable[Path]) -> list[Path]:
    return [image for folder in folders for image in Tree(folder).images()]


def _label_file(image: Path) -> Path:
    """labels/… for images/…; else beside the image."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            found = Path(*parts).with_suffix(".txt")
            beside = image.with_suffix(".txt")
            return beside if not found.is_file() and beside.is_file() else found
    return image.with_suffix(".txt")


def _annotated(image: Path, root: Path, rows: _Rows) -> tuple[Annotated, list[Defect]]:
    file, problems = _label_file(image), Problems()
    lines = read_text(file).splitlines() if file.exists() else []
    objects: list[tuple[str, list[float]]] = []
    shapes: dict[str, int] = {}
    for place, text in enumerate(lines, 1):
        if not text.strip():
            continue
        with problems.kept():
            name, box, shape = _line(file, place, text, rows)
            objects.append((name, box))
            if shape:
                shapes[shape] = shapes.get(shape, 0) + 1
    centers = np.array([box for _, box in objects], np.float64).reshape(-1, 4)
    x, y, width, height = centers.T
    with np.errstate(invalid="ignore", over="ignore"):  # of infinite numbers; NaN is reported
        boxes = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1)
    row = Annotated(
        path=image,
        place=str(file),
        height=0,
        width=0,
        names=tuple(name for name, _ in objects),
        boxes=boxes,
        source_id=_relative(image, root),
        in_fractions=True,
        errors=tuple(problems.errors),
    )
    kinds = {"keypoints": NOT_READ}
    found = [Defect(kinds.get(s, OUTLINE), str(file), f"{s} of {n}") for s, n in shapes.items()]
    return row, found


def _relative(image: Path, root: Path) -> str:
    try:
        return str(image.relative_to(root))
    except ValueError:
        return str(image)


def _line(file: Path, place: int, text: str, rows: _Rows) -> tuple[str, list[float], str]:
    """(class name, [x center, y center, width, height], shape that the box stands for)."""
    try:
        index, *values = (number(value) for value in text.split())
    except (ValueProblem, ValueError):
        index, values = -1.0, []
    shape = ""
    if rows.keypoints and len(values) == 4 + rows.keypoints:
        values, shape = values[:4], "keypoints"
    elif not rows.keypoints and len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[0::2], values[1::2]
        x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
        values, shape = [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], "polygons"
    whole = 0 <= index < len(rows.names) and index == int(index)
    if len(values) != 4 or not whole or not rows.names[int(index)]:
        raise _wrong_line(file, place, text, rows)
    return rows.names[int(index)], values, shape


def _wrong_line(file: Path, place: int, text: str, rows: _Rows) -> DataError:
    numbers = [str(n) for n, name in enumerate(rows.names) if name]
    known = f"0 to {len(numbers) - 1}"
    if numbers != [str(n) for n in range(len(numbers))]:
        known = ", ".join(numbers[:20])
    confidence = " A sixth number, such as a confidence, does not belong there."
    pose = f" With kpt_shape {4 + rows.keypoints} numbers follow the class." * bool(rows.keypoints)
    return DataError(
        three_part(
            f'{file}:{place}: "{text[:80]}".',
            "A line is `class x_center y_center width height`, in fractions of the image, "
            f"with class {known}.{confidence * (len(text.split()) == 6)}{pose}",
            "Correct the line, or add the class to the list of names.",
        )
    )


def _labels_without_image(root: Path, images: Sequence[Path]) -> list[Defect]:
    """Label files in the folders of the labels that are read, with no image of their name."""
    used = {_label_file(image) for image in images}
    folders = dict.fromkeys(file.parent for file in sorted(used))
    return [
        Defect(UNUSED, _relative(file, root), "annotation without image; it is not used")
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix == ".txt" and file not in used and _looks_like_labels(file)
    ]


def _looks_like_labels(file: Path) -> bool:
    try:
        first = read_text(file).split("\n", 1)[0].split()
    except DataError:
        return file.is_file()
    return len(first) >= 5 and all(re.fullmatch(r"[-+.\deE]+", word) for word in first)


def _is_yolo(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() in (".yaml", ".yml")
    signs = (*YAML_NAMES, *_NAME_LISTS, "labels")
    return any((path / sign).exists() for sign in signs)


def _splits(path: Path) -> Sequence[str]:
    """The splits that the data.yaml at, or in, `path` lists."""
    files = [path] if path.is_file() else [path / name for name in YAML_NAMES]
    file = next((file for file in files if file.is_file()), None)
    if file is None or file.suffix.lower() not in (".yaml", ".yml"):
        return ()
    described = read_data_yaml(file)
    return tuple(described.splits) if described is not None else ()


formats.register("yolo")(
    SourceFormat(open_yolo, _is_yolo, priority=40, splits=_splits, open_split=open_yolo_split)
)
