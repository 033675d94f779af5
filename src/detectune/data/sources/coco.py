"""COCO: one .json with `images`, `annotations` and `categories`, and a folder of images."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from detectune.config.label_map import LabelMap, LabelMapItem
from detectune.data.image_files import IMAGE_SUFFIXES, find_image
from detectune.data.masks import coco_mask
from detectune.data.sources.base import label_map_of
from detectune.data.sources.folder import Annotated, FolderSource, missing_images
from detectune.data.sources.formats import SourceFormat, formats
from detectune.errors import DataError, three_part
from detectune.wording import plural

_SECTIONS = ("images", "annotations", "categories")


def open_coco(
    spec: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> FolderSource:
    """The data set of the COCO file at the path `spec`, or of the only one in the folder there.

    Args:
        columns: "masks" keeps the polygons and run lengths of the objects, too.
    """
    path = Path(spec)
    file = _only_json(path) if path.is_dir() else path
    content = _read_json(file)
    names = _category_names(file, content)
    boxes_of: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for item in content["annotations"]:
        boxes_of[_field(file, "annotations", item, "image_id")].append(item)
    folders = _image_folders(file)
    rows: list[Annotated] = []
    strays: list[tuple[str, str]] = []
    known: set[Any] = set()
    for image in content["images"]:
        row = _annotated(file, image, boxes_of, names, folders)
        known.add(image["id"])
        if row is None:
            strays.append((image["file_name"], "annotation without image; it is not used"))
        elif "masks" in columns:
            items = boxes_of.get(image["id"], [])
            rows.append(row._replace(masks=tuple(coco_mask(i.get("segmentation")) for i in items)))
        else:
            rows.append(row)
    if not rows:
        raise missing_images(str(file), [name for name, _ in strays], folders)
    orphans = sum(len(items) for image, items in boxes_of.items() if image not in known)
    if orphans:
        strays.append(
            (file.name, f"{plural(orphans, 'annotation')} of images it does not list; not used")
        )
    derived = label_map or _derived_label_map(names)
    return FolderSource(f"coco:{file}", rows, derived, strays + _unlisted_images(rows))


def _only_json(folder: Path) -> Path:
    found = sorted({*folder.glob("*.json"), *folder.glob("annotations/*.json")})
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(file.relative_to(folder)) for file in found) or "none"
    example = found[0] if found else folder / "annotations/instances_train.json"
    raise DataError(
        three_part(
            f"{folder}: {len(found)} .json files are here: {names}.",
            "A COCO data set is one .json file.",
            f"Name the file, for example coco:{example}.",
        )
    )


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            three_part(
                f"{file}: cannot be read as JSON: {error}.",
                f"A COCO file is a JSON object with {', '.join(_SECTIONS)}.",
                "Export the annotations again.",
            )
        ) from error
    lacking = [s for s in _SECTIONS if not isinstance(content, dict) or s not in content]
    if lacking or not all(isinstance(content[s], list) for s in _SECTIONS):
        raise DataError(
            three_part(
                f"{file}: not a COCO file: no list called {', '.join(lacking or _SECTIONS)}.",
                f"A COCO file is a JSON object with {', '.join(_SECTIONS)}.",
                "Name the annotation file of the data set (often annotations/instances_*.json).",
            )
        )
    return cast(dict[str, Any], content)


def _field(file: Path, section: str, item: Any, key: str) -> Any:
    if isinstance(item, dict) and key in item:
        return cast(dict[str, Any], item)[key]
    raise DataError(
        three_part(
            f'{file}: an entry of "{section}" has no "{key}": {str(cast(object, item))[:80]}.',
            f'Every entry of "{section}" needs "{key}".',
            "Export the annotations again.",
        )
    )


def _category_names(file: Path, content: dict[str, Any]) -> dict[int, str]:
    return {
        _field(file, "categories", item, "id"): str(_field(file, "categories", item, "name"))
        for item in content["categories"]
    }


def _annotated(
    file: Path,
    image: dict[str, Any],
    boxes_of: dict[int, list[dict[str, Any]]],
    names: dict[int, str],
    folders: list[Path],
) -> Annotated | None:
    """One entry of "images" with its annotations, or None if the file is not there."""
    name = str(_field(file, "images", image, "file_name"))
    identity = _field(file, "images", image, "id")
    path = find_image(name, folders)
    if path is None:
        return None
    items = boxes_of.get(identity, [])
    corners = np.array([_box(file, item) for item in items], np.float64).reshape(-1, 4)
    place = f"{file} ({name})"
    return Annotated(
        path=path,
        place=place,
        height=int(image.get("height") or 0),
        width=int(image.get("width") or 0),
        names=tuple(_class_name(place, item, names) for item in items),
        boxes=corners,
        source_id=str(identity),
        is_crowd=tuple(bool(item.get("iscrowd", 0)) for item in items),
        areas=tuple(
            float(item["area"]) if "area" in item else float((y1 - y0) * (x1 - x0))
            for item, (y0, x0, y1, x1) in zip(items, corners, strict=True)
        ),
    )


def _box(file: Path, item: dict[str, Any]) -> list[float]:
    """yxyx in pixels from COCO's x, y, width, height."""
    try:
        x, y, width, height = (float(value) for value in _field(file, "annotations", item, "bbox"))
    except (TypeError, ValueError):
        raise DataError(
            three_part(
                f'{file}: "bbox" of annotation {item.get("id")} is {item["bbox"]}.',
                '"bbox" must be four numbers: x, y, width, height.',
                "Correct the annotation.",
            )
        ) from None
    return [y, x, y + height, x + width]


def _class_name(place: str, item: dict[str, Any], names: dict[int, str]) -> str:
    identity = item.get("category_id")
    if identity in names:
        return names[identity]
    raise DataError(
        three_part(
            f"{place}: category_id {identity} is not among the categories.",
            f"Known ids: {', '.join(str(i) for i in list(names)[:12])}.",
            "Add the category or correct the annotation.",
        )
    )


def _derived_label_map(names: dict[int, str]) -> LabelMap:
    """The categories' own ids where they may be label-map ids (COCO's 1–90 with its gaps), else
    1, 2, … in the order of the ids (Roboflow counts from 0, other tools from anywhere)."""
    ids = sorted(names)
    if ids and min(ids) >= 1 and max(ids) <= max(90, len(ids)):
        return LabelMap(tuple(LabelMapItem(i, names[i]) for i in ids))
    return label_map_of(names[i] for i in ids)


def _image_folders(file: Path) -> list[Path]:
    split = file.stem.removeprefix("instances_").removeprefix("_annotations.")
    roots = (file.parent, file.parent.parent)
    names = (split, f"images/{split}", "images", "")
    candidates = [root / name for root in roots for name in names]
    return [folder for folder in dict.fromkeys(candidates) if folder.is_dir()]


def _unlisted_images(rows: list[Annotated]) -> list[tuple[str, str]]:
    used = {row.path for row in rows}
    return [
        (file.name, "image that the .json does not list; it is not used")
        for folder in dict.fromkeys(row.path.parent for row in rows)
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in IMAGE_SUFFIXES and file not in used
    ]


def _is_coco(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".json"
    return any(path.glob("*.json")) or any(path.glob("annotations/*.json"))


formats.register("coco")(SourceFormat(open_coco, _is_coco, priority=30))
