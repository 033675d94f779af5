"""Records → a folder of images with COCO, VOC, CSV or YOLO annotations.

Each writer fills an empty folder; `convert` makes that folder appear at once, or not at all.
"""

from __future__ import annotations

import csv
import json
import os
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.decoded_masks import known_rles
from detectune.data.image_files import portable
from detectune.data.run_lengths import rle_text
from detectune.data.sources.base import class_names
from detectune.data.sources.csv import HEADER
from detectune.data.sources.record import Record

_LONGEST_NAME = 200  # bytes; a number and a suffix follow, and file systems take 255


class Written(NamedTuple):
    """A record whose image has been written."""

    file_name: str
    record: Record
    boxes: np.ndarray
    """`[N, 4]` yxyx in pixels, rounded to a thousandth."""
    names: list[str]

    @property
    def segmentations(self) -> list[dict[str, Any]]:
        """For every box `{"segmentation": run lengths}`, or {} where it has no mask.

        Raises:
            DataError: a mask cannot be decoded.
        """
        found = known_rles(self.record) or [None] * len(self.names)
        return [{} if rle is None else {"segmentation": rle_text(rle)} for rle in found]


_UNDIVIDED = """Not divided: val: is the same folder as train:, because YOLO asks for both.
Metrics on these images say nothing about others. To divide the data:
detectune data split SOURCE DEST --to yolo"""

Writer = Callable[[Iterable[Record], Path, LabelMap], None]


def write_coco(records: Iterable[Record], folder: Path, label_map: LabelMap) -> None:
    """annotations.json and images/."""
    images, annotations = [], []
    for number, item in enumerate(_with_images(records, folder / "images", label_map), start=1):
        record, segmentations = item.record, item.segmentations
        images.append(
            {
                "id": number,
                "file_name": item.file_name,
                "height": record.height,
                "width": record.width,
            }
        )
        for row, (y0, x0, y1, x1) in enumerate(item.boxes.tolist()):
            size = [round(x1 - x0, 3), round(y1 - y0, 3)]
            area = size[0] * size[1] if record.areas is None else float(record.areas[row])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(record.class_ids[row]),
                    "bbox": [x0, y0, *size],
                    "area": round(area, 3),
                    "iscrowd": int(record.is_crowd[row]),
                    **segmentations[row],
                }
            )
    categories = [{"id": i, "name": name} for i, name in class_names(label_map).items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content), "utf-8")


def write_voc(records: Iterable[Record], folder: Path, label_map: LabelMap) -> None:
    """Annotations/*.xml and JPEGImages/."""
    (folder / "Annotations").mkdir(parents=True)
    for item in _with_images(records, folder / "JPEGImages", label_map):
        root = ElementTree.Element("annotation")
        _element(root, "folder", "JPEGImages")
        _element(root, "filename", item.file_name)
        size = ElementTree.SubElement(root, "size")
        for name, value in (("width", item.record.width), ("height", item.record.height)):
            _element(size, name, value)
        _element(size, "depth", 3)
        for row, (name, box) in enumerate(zip(item.names, item.boxes.tolist(), strict=True)):
            entry = ElementTree.SubElement(root, "object")
            _element(entry, "name", name)
            _element(entry, "difficult", int(item.record.difficult[row]))
            corners = ElementTree.SubElement(entry, "bndbox")
            for corner, value in zip(("ymin", "xmin", "ymax", "xmax"), box, strict=True):
                _element(corners, corner, f"{value:g}" if value == int(value) else value)
        ElementTree.indent(root)
        file = folder / "Annotations" / f"{Path(item.file_name).stem}.xml"
        ElementTree.ElementTree(root).write(file, "utf-8")


def write_csv(records: Iterable[Record], folder: Path, label_map: LabelMap) -> None:
    """labels.csv and images/; an image without objects is a line without class and box."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for item in _with_images(records, folder / "images", label_map):
            first = [item.file_name, item.record.width, item.record.height]
            for name, (y0, x0, y1, x1) in zip(item.names, item.boxes.tolist(), strict=True):
                writer.writerow([*first, name, x0, y0, x1, y1])
            if not item.names:
                writer.writerow([*first, "", "", "", "", ""])


def write_yolo(records: Iterable[Record], folder: Path, label_map: LabelMap) -> None:
    """images/, labels/*.txt and data.yaml; class numbers are label-map ids less one."""
    (folder / "labels").mkdir(parents=True)
    for item in _with_images(records, folder / "images", label_map):
        y0, x0, y1, x1 = item.record.boxes.astype(np.float64).T
        values = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], axis=-1)
        lines = (
            f"{class_id - 1} " + " ".join(f"{value:.6f}" for value in row)
            for class_id, row in zip(item.record.class_ids, values, strict=True)
        )
        file = folder / "labels" / f"{Path(item.file_name).stem}.txt"
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    # YOLO's own loader refuses a data.yaml without val:, so it stands there, with a warning.
    write_data_yaml(folder, {"train": "images", "val": "images"}, label_map, comment=_UNDIVIDED)


def write_data_yaml(
    folder: Path, splits: Mapping[str, str], label_map: LabelMap, *, comment: str = ""
) -> None:
    """data.yaml in `folder`; `splits` are "train", "val" … and their folders of images.

    Args:
        comment: stands above, each line after a #.
    """
    import yaml

    names = class_names(label_map)
    # Class numbers must be positions in the list, so ids that are not used get a place, too.
    listed = {i - 1: names.get(i, f"unused {i}") for i in range(1, max(names, default=0) + 1)}
    content = {"path": ".", **splits, "names": listed}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    above = "".join(f"# {line}\n" for line in comment.splitlines())
    (folder / "data.yaml").write_text(above + text, "utf-8")


WRITERS: dict[str, Writer] = {
    "coco": write_coco,
    "voc": write_voc,
    "csv": write_csv,
    "yolo": write_yolo,
}


def _with_images(records: Iterable[Record], folder: Path, label_map: LabelMap) -> Iterator[Written]:
    """Write the image of each record to `folder` and pass the record on."""
    folder.mkdir(parents=True)
    names, used = class_names(label_map), set()
    for number, record in enumerate(records):
        image, kind = portable(record.image, record.height, record.width)
        file_name = _free_name(record.file_name, kind, number, used)
        (folder / file_name).write_bytes(image)
        sides = [record.height, record.width, record.height, record.width]
        # Rounding undoes float32: 81 / 650 × 650 is 81.000001.
        boxes = np.round(record.boxes.astype(np.float64) * sides, 3)
        yield Written(file_name, record, boxes, [names[int(i)] for i in record.class_ids])


def _free_name(name: str, kind: str, number: int, used: set[str]) -> str:
    """A file name with the suffix of its content whose stem no other image has."""
    last = _portable_name(Path(name.replace("\\", "/")).name)
    path = Path(last) if ":" not in last else Path(f"image_{number:06d}")
    suffixes = {"jpeg": (".jpg", ".jpeg"), "png": (".png",)}[kind]
    suffix = path.suffix if path.suffix.lower() in suffixes else suffixes[0]
    stem = path.stem
    while stem.lower() in used:
        stem = f"{path.stem}_{number:06d}" if stem == path.stem else f"{stem}_"
    used.add(stem.lower())
    return stem + suffix


def _portable_name(name: str) -> str:
    """`name` without bytes that are not UTF-8 and without control characters, and not too long for
    a file system."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace").replace("\\", "_")
    plain = "".join("_" if unicodedata.category(c) == "Cc" else c for c in text)
    stem, suffix = os.path.splitext(plain)
    return stem.encode()[:_LONGEST_NAME].decode("utf-8", "ignore") + suffix[:10]


def _element(parent: ElementTree.Element, name: str, value: object) -> None:
    ElementTree.SubElement(parent, name).text = str(value)
