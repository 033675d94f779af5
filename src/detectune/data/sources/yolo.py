"""YOLO: one .txt per image with lines `class x_center y_center width height`, in fractions.

Understood layouts (PATH is what follows `yolo:`; classes stand in data.yaml or classes.txt):

    PATH/images/train/*.jpg + PATH/labels/train/*.txt     PATH, PATH/images/train or PATH/data.yaml
    PATH/train/images/*.jpg + PATH/train/labels/*.txt     Roboflow; PATH/train is one split
    PATH/*.jpg + PATH/*.txt                               mixed, with PATH/classes.txt

An image without a .txt, or with an empty one, is an image without objects, as in YOLO itself.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.image_files import IMAGE_SUFFIXES
from detectune.data.sources.base import label_map_of
from detectune.data.sources.folder import Annotated, FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.errors import DataError, three_part

_NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names")


def open_yolo(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The data set at `spec`: its root, one split, the folder of the images, or data.yaml."""
    path = Path(spec)
    root = path if path.is_dir() else path.parent
    names = _class_names(path)
    images = sorted(p for p in root.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise DataError(
            three_part(
                f"{path}: there is no image here.",
                "A YOLO data set has images and, beside them or in labels/, one .txt per image.",
                "Check the path.",
            )
        )
    rows = [_annotated(image, root, names) for image in images]
    strays = _labels_without_image(root, {_label_file(image) for image in images})
    derived = label_map or label_map_of(names)
    return FolderSource(f"yolo:{path}", rows, derived, strays)


def _class_names(path: Path) -> list[str]:
    """The names of classes 0, 1, …, from the nearest file that lists them."""
    folders = (path, *list(path.resolve().parents)[:3]) if path.is_dir() else ()
    files = [path] if path.is_file() else [f / n for f in folders for n in _NAME_FILES]
    for file in files:
        if file.is_file():
            text = file.read_text("utf-8")
            is_list = file.suffix in (".txt", ".names")
            names = text.split("\n") if is_list else yaml_names(text)
            if any(name.strip() for name in names):
                return [name.strip() for name in names if name.strip()]
    raise DataError(
        three_part(
            f"{path}: the names of the classes were not found.",
            f"They stand in one of {', '.join(_NAME_FILES)}, here or in a folder above.",
            "Write classes.txt with one name per line, in the order of the class numbers.",
        )
    )


def yaml_names(text: str) -> list[str]:
    """The value of `names:` in a data.yaml: `[a, b]`, a list of `- a`, or lines `0: a`.

    Only these three spellings, which are what the labelling tools write; so no YAML library.
    """
    match = re.search(r"^names\s*:[ \t]*(\[.*?\]|\{.*?\})", text, re.MULTILINE | re.DOTALL)
    if match:
        parts = [p.strip() for p in match[1].strip("[]{}").split(",") if p.strip()]
        return [_unquoted(p.split(":", 1)[1] if match[1][0] == "{" else p) for p in parts]
    match = re.search(
        r"^names\s*:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-|\d+\s*:).*\n?|[ \t]*\n)+)", text, re.M
    )
    lines = match[1].splitlines() if match else []
    return [_unquoted(re.sub(r"^\s*(-|\d+\s*:)", "", line)) for line in lines if line.strip()]


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _label_file(image: Path) -> Path:
    """labels/… for images/…; else beside the image."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            return Path(*parts).with_suffix(".txt")
    return image.with_suffix(".txt")


def _annotated(image: Path, root: Path, names: list[str]) -> Annotated:
    file = _label_file(image)
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    parsed = [_line(file, n, text, names) for n, text in enumerate(lines, 1) if text.strip()]
    centers = np.array([box for _, box in parsed], np.float64).reshape(-1, 4)
    x, y, width, height = centers.T
    boxes = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1)
    return Annotated(
        path=image,
        place=str(file),
        height=0,
        width=0,
        names=tuple(name for name, _ in parsed),
        boxes=boxes,
        source_id=str(image.relative_to(root)),
        in_fractions=True,
    )


def _line(file: Path, number: int, text: str, names: list[str]) -> tuple[str, list[float]]:
    """(class name, [x center, y center, width, height]); a polygon gives its bounding box."""
    try:
        index, *values = (float(value) for value in text.split())
    except ValueError:
        index, values = -1.0, []
    if len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[0::2], values[1::2]
        x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
        values = [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
    if len(values) != 4 or not 0 <= index < len(names) or index != int(index):
        raise DataError(
            three_part(
                f'{file}:{number}: "{text[:80]}".',
                "A line is `class x_center y_center width height`, in fractions of the image, "
                f"with class 0 to {len(names) - 1}.",
                "Correct the line, or add the class to the list of names.",
            )
        )
    return names[int(index)], values


def _labels_without_image(root: Path, used: set[Path]) -> list[tuple[str, str]]:
    return [
        (str(file.relative_to(root)), "annotation without image; it is not used")
        for file in sorted(root.rglob("*.txt"))
        if file not in used and _looks_like_labels(file)
    ]


def _looks_like_labels(file: Path) -> bool:
    first = file.read_text("utf-8", errors="replace").split("\n", 1)[0].split()
    return len(first) >= 5 and all(re.fullmatch(r"[-+.\deE]+", word) for word in first)


def _is_yolo(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() in (".yaml", ".yml")
    signs = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "labels")
    return any((path / sign).exists() for sign in signs)


formats.register("yolo")(SourceFormat(open_yolo, _is_yolo, priority=40))
