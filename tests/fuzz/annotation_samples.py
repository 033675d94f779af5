"""Small sound data sets of every format, all of a.png and b.png, 60 pixels wide and 40 high."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

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
CREATEML: list[Any] = [
    {
        "image": "a.png",
        "annotations": [
            {"label": "cat", "coordinates": {"x": 18, "y": 12, "width": 24, "height": 16}}
        ],
    },
    {"image": "b.png", "annotations": []},
]
KERAS_YOLO = "a.png 6,4,30,20,0 30,20,60,40,1\nb.png\n"
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


class Sample(NamedTuple):
    """A sound data set beside a.png and b.png."""

    format: str
    files: dict[str, bytes]
    """Name → content; the first is the one that is broken."""
    specs: tuple[str, ...] = ("{folder}",)
    """What it may be called on the command line."""

    def spec(self, rng: random.Random, folder: Path) -> str:
        """One of the `specs`, with the format before it or not."""
        spec = rng.choice(self.specs).format(folder=folder, file=folder / next(iter(self.files)))
        return f"{self.format}:{spec}" if rng.random() < 0.6 else spec


def _sample(format: str, files: dict[str, str], *specs: str) -> Sample:
    content = {name: text.encode() for name, text in files.items()}
    return Sample(format, content, specs or ("{folder}",))


_BOTH = ("{file}", "{folder}")
SAMPLES = {
    "coco": _sample("coco", {"set.json": json.dumps(COCO)}, *_BOTH),
    "labelme": _sample("labelme", {"a.json": json.dumps(LABELME)}, *_BOTH),
    "via": _sample("via", {"via.json": json.dumps(VIA)}, *_BOTH),
    "label_studio": _sample("label_studio", {"tasks.json": json.dumps(LABEL_STUDIO)}, *_BOTH),
    "createml": _sample("createml", {"set.json": json.dumps(CREATEML)}, *_BOTH),
    "voc": _sample("voc", {"a.xml": VOC}),
    "cvat": _sample("cvat", {"a.xml": CVAT}, *_BOTH),
    "csv": _sample("csv", {"labels.csv": CSV}, *_BOTH),
    "open_images": _sample("open_images", {"boxes.csv": OPEN_IMAGES}, *_BOTH),
    "kitti": _sample("kitti", {"a.txt": KITTI}),
    "keras_yolo": _sample(
        "keras_yolo", {"list.txt": KERAS_YOLO, "classes.txt": "cat\ndog\n"}, *_BOTH
    ),
    "yolo labels": _sample("yolo", {"a.txt": YOLO, "data.yaml": "names: [cat, dog]"}),
    "yolo names": _sample("yolo", {"data.yaml": YAML, "a.txt": YOLO}, *_BOTH),
    "yolo list": _sample("yolo", {"classes.txt": "cat\ndog\n", "a.txt": YOLO}),
}
