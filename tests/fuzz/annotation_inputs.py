"""Small data sets of every format, one file of each mutated."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mutations import mutated_bytes, mutated_json, mutated_words

SEGMENT = [[6, 4, 30, 4, 30, 20]]
RLE = {"size": [40, 60], "counts": [244, 16, 2140]}
COCO: dict[str, Any] = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 60, "height": 40},
        {"id": 2, "file_name": "b.png", "width": 60, "height": 40},
    ],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "bbox": [6, 4, 24, 16],
            "area": 384,
            "iscrowd": 0,
            "segmentation": SEGMENT,
        },
        {
            "id": 2,
            "image_id": 2,
            "category_id": 2,
            "bbox": [0, 0, 60, 40],
            "iscrowd": 1,
            "segmentation": RLE,
            "keypoints": [1, 1, 2],
        },
    ],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
}
LABELME: dict[str, Any] = {
    "version": "5.0",
    "imagePath": "a.png",
    "imageHeight": 40,
    "imageWidth": 60,
    "shapes": [
        {"label": "cat", "shape_type": "rectangle", "points": [[6, 4], [30, 20]]},
        {"label": "dog", "shape_type": "polygon", "points": [[30, 20], [60, 20], [45, 40]]},
        {"label": "dog", "shape_type": "circle", "points": [[30, 20], [35, 20]]},
    ],
}
VIA: dict[str, Any] = {
    "_via_img_metadata": {
        "a.png1": {
            "filename": "a.png",
            "regions": [
                {
                    "shape_attributes": {"name": "rect", "x": 6, "y": 4, "width": 24, "height": 16},
                    "region_attributes": {"type": "cat"},
                },
                {
                    "shape_attributes": {
                        "name": "polygon",
                        "all_points_x": [1, 9, 5],
                        "all_points_y": [1, 1, 9],
                    },
                    "region_attributes": {"type": {"dog": True}},
                },
            ],
        }
    }
}
LABEL_STUDIO: list[Any] = [
    {
        "id": 1,
        "data": {"image": "/data/upload/1/0123abcd-a.png"},
        "annotations": [
            {
                "result": [
                    {
                        "type": "rectanglelabels",
                        "original_width": 60,
                        "original_height": 40,
                        "value": {
                            "x": 10,
                            "y": 10,
                            "width": 40,
                            "height": 40,
                            "rotation": 30,
                            "rectanglelabels": ["cat"],
                        },
                    }
                ]
            }
        ],
    }
]
VOC = """<?xml version="1.0" encoding="utf-8"?>
<annotation><filename>a.png</filename><size><width>60</width><height>40</height></size>
<object><name>cat</name><difficult>0</difficult><bndbox><xmin>6</xmin><ymin>4</ymin>
<xmax>30</xmax><ymax>20</ymax></bndbox></object>
<object><name>dog</name><robndbox><cx>18</cx><cy>12</cy><w>16</w><h>24</h><angle>1.5</angle>
</robndbox></object></annotation>
"""
CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><image id="0" name="a.png" width="60" height="40">
<box label="cat" xtl="6" ytl="4" xbr="30" ybr="20" rotation="30"/>
<polygon label="dog" points="30,20;60,20;45,40"/><points label="dog" points="1,1"/>
</image></annotations>
"""
CSV = (
    "filename,width,height,class,xmin,ymin,xmax,ymax,difficult\n"
    "a.png,60,40,cat,6,4,30,20,0\nb.png,60,40,dog,0,0,60,40,1\nb.png,60,40,,,,,,\n"
)
OPEN_IMAGES = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n"
    "a,x,/m/1,1,0.1,0.5,0.1,0.5,0,0,0\nb,x,/m/2,1,0.5,1,0.5,1,0,0,1\n"
)
KITTI = (
    "Car 0.00 0 1.85 6.00 4.00 30.00 20.00 1.6 1.8 3.6 -16 2 58 1.5\n"
    "DontCare -1 -1 -10 0 0 9 9 -1 -1 -1 -1000 -1000 -1000 -10\n"
)
YOLO = "0 0.3 0.3 0.4 0.4\n1 0.1 0.1 0.5 0.2 0.3 0.5\n"
YAML = (
    "path: .\ntrain: images/train\nval: [images/train]\nnames:\n  0: cat\n  1: dog\n"
    "kpt_shape: null\n"
)

Write = Callable[[random.Random, Path], str]
"""Writes one mutated file below a folder that has a.png and b.png, and gives the source."""


def _json(name: str, value: Any, kind: str) -> Write:
    def write(rng: random.Random, folder: Path) -> str:
        data = json.dumps(value).encode()
        mutated = mutated_json(rng, value) if rng.random() < 0.7 else mutated_bytes(rng, data)
        (folder / name).write_bytes(mutated)
        return f"{kind}:{folder / name}" if rng.random() < 0.5 else str(folder)

    return write


def _text(name: str, text: str, kind: str, beside: dict[str, str] | None = None) -> Write:
    def write(rng: random.Random, folder: Path) -> str:
        for other, content in (beside or {}).items():
            (folder / other).write_text(content)
        mutated = (
            mutated_words(rng, text) if rng.random() < 0.5 else mutated_bytes(rng, text.encode())
        )
        (folder / name).write_bytes(mutated)
        return f"{kind}:{folder}" if rng.random() < 0.7 else str(folder)

    return write


def _records(data: bytes) -> Write:
    def write(rng: random.Random, folder: Path) -> str:
        (folder / "a.record").write_bytes(mutated_bytes(rng, data))
        return f"tfrecord:{folder / 'a.record'}"

    return write


def _image(data: bytes) -> Write:
    def write(rng: random.Random, folder: Path) -> str:
        (folder / "labels.csv").write_text(CSV)
        (folder / "a.png").write_bytes(mutated_bytes(rng, data))
        return f"csv:{folder / 'labels.csv'}"

    return write


def writers(records: bytes, images: dict[str, bytes]) -> dict[str, Write]:
    """Name → what writes a mutated data set.

    Args:
        records: a right TFRecord file.
        images: right images by name.
    """
    return {
        "coco": _json("set.json", COCO, "coco"),
        "labelme": _json("a.json", LABELME, "labelme"),
        "via": _json("via.json", VIA, "via"),
        "label_studio": _json("tasks.json", LABEL_STUDIO, "label_studio"),
        "voc": _text("a.xml", VOC, "voc"),
        "cvat": _text("a.xml", CVAT, "cvat"),
        "csv": _text("labels.csv", CSV, "csv"),
        "open_images": _text("boxes.csv", OPEN_IMAGES, "open_images"),
        "kitti": _text("a.txt", KITTI, "kitti"),
        "yolo labels": _text("a.txt", YOLO, "yolo", {"data.yaml": "names: [cat, dog]"}),
        "yolo names": _text("data.yaml", YAML, "yolo", {"a.txt": YOLO}),
        "yolo list": _text("classes.txt", "cat\ndog\n", "yolo", {"a.txt": YOLO}),
        "tfrecord": _records(records),
        **{f"image {name}": _image(data) for name, data in images.items()},
    }
