"""COCO: one .json with `images`, `annotations` and `categories`, and a folder of images."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from detectune.config.label_map import LabelMap, LabelMapItem
from detectune.data.defects import MERGED, NOT_READ, UNUSED, Defect, Problems
from detectune.data.masks import Mask, PolygonMask, coco_mask
from detectune.data.sources.base import label_map_of
from detectune.data.sources.collecting import Collector, Object, bounds
from detectune.data.sources.folder import FolderSource
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.image_search import ImageSearch
from detectune.data.sources.text_files import items, mapping, read_json
from detectune.data.sources.tree import only_file
from detectune.data.sources.values import ValueProblem, flag, number, shown, side
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
    return _CocoFile(file, read_coco(file)).source(label_map, "masks" in columns)


class _CocoFile:
    """A COCO file while it becomes a source."""

    def __init__(self, file: Path, content: dict[str, Any]) -> None:
        self.file, self.content = file, content
        self.collector = Collector(
            f"coco:{file}", ImageSearch(_image_folders(file)), "corner and size"
        )
        self.problems, self.defects = self.collector.problems, self.collector.defects
        self.names = self._category_names()
        self.objects = self._annotations_by_image()

    def source(self, label_map: LabelMap | None, with_masks: bool) -> FolderSource:
        """All images that are there."""
        images = self._images()
        for identity, name, entry in images:
            place = f"{self.file} ({name})"
            path = self.collector.find(name, place)
            if path is not None:
                self._add(path, place, identity, entry, with_masks)
        self._count_orphans({identity for identity, _, _ in images})
        self._say_what_is_not_read()
        derived = label_map or _derived_label_map(self.names)
        return self.collector.source(derived, "image that the .json does not list")

    def _category_names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for entry in self.content["categories"]:
            with self.problems.kept():
                identity = self._identity("categories", entry, "id")
                name = self._text("categories", entry, "name")
                if names.get(identity, name) != name:
                    raise self._wrong(
                        f'the categories "{names[identity]}" and "{name}" have the id {identity}',
                        "Every category has an id of its own.",
                    )
                names[identity] = name
        self.defects += [
            Defect(MERGED, self.file.name, f'{count} categories are called "{name}"')
            for name, count in Counter(names.values()).items()
            if count > 1
        ]
        return names

    def _annotations_by_image(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for entry in self.content["annotations"]:
            with self.problems.kept():
                found[self._identity("annotations", entry, "image_id")].append(entry)
        return found

    def _images(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(id, file name, entry) of the images whose entry can be read."""
        found: list[tuple[str, str, dict[str, Any]]] = []
        counts: Counter[str] = Counter()
        for entry in self.content["images"]:
            with self.problems.kept():
                identity = self._identity("images", entry, "id")
                name = self._text("images", entry, "file_name")
                counts[identity] += 1
                if counts[identity] > 1:
                    raise self._wrong(
                        f'two images have the id {identity}, the second is "{name}"',
                        "Every image has an id of its own.",
                    )
                found.append((identity, name, entry))
        return found

    def _add(
        self, path: Path, place: str, identity: str, image: dict[str, Any], with_masks: bool
    ) -> None:
        """One entry of "images" with its annotations."""
        problems = Problems()
        height = width = 0
        with problems.kept():
            height, width = (self._side(place, image, key) for key in ("height", "width"))
        objects: list[Object] = []
        for entry in self.objects.get(identity, ()):
            if not _is_caption(entry):
                with problems.kept():
                    objects.append(self._object(place, entry))
        self.collector.add(
            path,
            place,
            objects,
            height=height,
            width=width,
            errors=problems,
            source_id=identity,
            with_masks=with_masks,
        )

    def _object(self, place: str, entry: dict[str, Any]) -> Object:
        name = self._class_name(place, entry)
        mask = coco_mask(entry.get("segmentation"))
        box, shape = self._box(place, entry, mask)
        y0, x0, y1, x1 = box
        try:
            area = (y1 - y0) * (x1 - x0) if entry.get("area") is None else number(entry["area"])
            crowd = flag(entry.get("iscrowd"))
        except ValueProblem as problem:
            raise self._wrong(
                f"area or iscrowd of {_called(entry)}: {problem}",
                "area is a number of pixels, iscrowd 0 or 1.",
                place,
            ) from None
        return Object(name, box, shape, is_crowd=crowd, area=area, mask=mask)

    def _box(self, place: str, entry: dict[str, Any], mask: Mask | None) -> tuple[list[float], str]:
        """yxyx in pixels from COCO's x, y, width, height, or from the polygons if there is none;
        and what shape it stands for."""
        bbox = entry.get("bbox")
        if bbox in (None, []) and isinstance(mask, PolygonMask):
            corners = np.concatenate(mask.polygons).reshape(-1, 2)
            return bounds(corners[:, 0].tolist(), corners[:, 1].tolist()), "a polygon without bbox"
        try:
            x, y, width, height = (number(value) for value in items(bbox))
        except ValueError as problem:  # also ValueProblem
            of = problem if isinstance(problem, ValueProblem) else shown(bbox)
            raise self._wrong(
                f'"bbox" of {_called(entry)}: {of}',
                '"bbox" must be four numbers: x, y, width, height.',
                place,
            ) from None
        return [y, x, y + height, x + width], ""

    def _class_name(self, place: str, entry: dict[str, Any]) -> str:
        identity = _plain_identity(entry.get("category_id"))
        if identity in self.names:
            return self.names[identity]
        raise self._wrong(
            f"category_id {shown(entry.get('category_id'))} is not among the categories",
            f"Known ids: {', '.join(list(self.names)[:12]) or 'none'}.",
            place,
        )

    def _side(self, place: str, image: dict[str, Any], key: str) -> int:
        try:
            return side(image.get(key))
        except ValueProblem as problem:
            raise self._wrong(f'"{key}": {problem}', "Sizes are pixels.", place) from None

    def _field(self, section: str, entry: Any, key: str) -> Any:
        if isinstance(entry, dict) and key in entry:
            return cast(dict[str, Any], entry)[key]
        raise self._wrong(
            f'an entry of "{section}" has no "{key}": {str(cast(object, entry))[:80]}',
            f'Every entry of "{section}" needs "{key}".',
        )

    def _identity(self, section: str, entry: Any, key: str) -> str:
        value = self._field(section, entry, key)
        identity = _plain_identity(value)
        if identity is None:
            raise self._wrong(
                f'"{key}" in an entry of "{section}" is {shown(value)}',
                "An id is a whole number or a text.",
            )
        return identity

    def _text(self, section: str, entry: Any, key: str) -> str:
        value = self._field(section, entry, key)
        text = value if isinstance(value, str) else str(value) if type(value) is int else ""
        if not text.strip():
            raise self._wrong(
                f'"{key}" in an entry of "{section}" is {shown(value)}', f'"{key}" is a text.'
            )
        return text.strip()

    def _count_orphans(self, known: set[str]) -> None:
        orphans = sum(len(entries) for image, entries in self.objects.items() if image not in known)
        if orphans:
            text = f"{plural(orphans, 'annotation')} of images it does not list; not used"
            self.defects.append(Defect(UNUSED, self.file.name, text))

    def _say_what_is_not_read(self) -> None:
        entries = [entry for group in self.objects.values() for entry in group]
        for key, what in (("keypoints", "keypoints"), ("caption", "captions")):
            count = sum(bool(entry.get(key)) for entry in entries)
            if count:
                self.defects.append(Defect(NOT_READ, self.file.name, f"{what}: {count}"))

    def _wrong(self, found: str, allowed: str, place: str = "") -> DataError:
        text = three_part(f"{place or self.file}: {found}.", allowed, "Correct the annotation.")
        return DataError(text)


def _only_json(folder: Path) -> Path:
    found = sorted({*folder.glob("*.json"), *folder.glob("annotations/*.json")})
    found = [file for file in found if file.is_file()]
    example = f"coco:{folder / 'annotations/instances_train.json'}"
    return only_file(found, folder, called=".json files", example=example)


def read_coco(file: Path) -> dict[str, Any]:
    """The content of a COCO file, in which the three sections are lists.

    Raises:
        DataError: it is none.
    """
    content = mapping(read_json(file))
    lacking = [s for s in _SECTIONS if not isinstance(content.get(s), list)]
    if lacking:
        raise DataError(
            three_part(
                f"{file}: not a COCO file: no list called {', '.join(lacking)}.",
                f"A COCO file is a JSON object with {', '.join(_SECTIONS)}.",
                "Name the annotation file of the data set (often annotations/instances_*.json).",
            )
        )
    return content


def _plain_identity(value: Any) -> str | None:
    """An id as text: 1, 1.0 and "1" are one; None if it is none."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    if isinstance(value, int):
        return str(value) if value.bit_length() < 200 else None
    return str(int(value)) if value.is_integer() else None


def _called(entry: dict[str, Any]) -> str:
    return f"annotation {shown(entry.get('id'))}"


def _is_caption(entry: dict[str, Any]) -> bool:
    return "caption" in entry and not entry.get("bbox") and entry.get("category_id") is None


def _derived_label_map(names: dict[str, str]) -> LabelMap:
    """The categories' own ids where they may be label-map ids (COCO's 1–90 with its gaps), else
    1, 2, … in the order of the ids (Roboflow counts from 0, other tools from anywhere)."""
    by_number = {int(i): name for i, name in names.items() if re.fullmatch(r"-?[0-9]{1,18}", i)}
    numeric = len(by_number) == len(names)
    ordered = (
        [by_number[i] for i in sorted(by_number)] if numeric else [names[i] for i in sorted(names)]
    )
    unique = list(dict.fromkeys(ordered))
    ids = sorted(by_number) if numeric else []
    if ids and len(unique) == len(ids) and ids[0] >= 1 and ids[-1] <= max(90, len(ids)):
        return LabelMap(tuple(LabelMapItem(i, by_number[i]) for i in ids))
    return label_map_of(unique)


def _image_folders(file: Path) -> list[Path]:
    split = file.stem.removeprefix("instances_").removeprefix("_annotations.")
    roots = (file.parent, file.parent.parent)
    names = (split, f"images/{split}", "images", "")
    candidates = [root / name for root in roots for name in names]
    return [folder for folder in dict.fromkeys(candidates) if folder.is_dir()]


def _is_coco(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() == ".json"
    return any(path.glob("*.json")) or any(path.glob("annotations/*.json"))


formats.register("coco")(SourceFormat(open_coco, _is_coco, priority=30))
