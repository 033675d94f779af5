"""Data sets as people publish them, rebuilt small: inspected, converted, trained on and evaluated.

Each builder writes the files in the shape of one public data set, and says what is in them by
itself: for each image its size and its boxes, as it drew them. Nothing of ours reads that.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from small_backbone import EXTRACTOR
from tiny import tiny_config

from detectune.data.convert import convert
from detectune.data.inspect import inspect_source
from detectune.data.sources.recognise import open_source, recognise
from detectune.inference.evaluate_run import evaluate
from detectune.training.train import train


class Box(NamedTuple):
    name: str
    x0: int
    y0: int
    x1: int
    y1: int


class Drawn(NamedTuple):
    """One picture: its size, and the boxes that are drawn in it."""

    width: int
    height: int
    boxes: list[Box]


def draw(path: Path, number: int, names: tuple[str, ...] = ("cat", "dog")) -> Drawn:
    """A picture with one or two rectangles at `path`, the same for the same number."""
    random = np.random.default_rng(number)
    width, height = int(random.integers(60, 100)), int(random.integers(50, 90))
    pixels = random.integers(90, 140, (height, width, 3)).astype(np.uint8)
    boxes = []
    for index in range(1 + number % 2):
        x0, y0 = (int(value) for value in random.integers(1, 20, 2))
        x1, y1 = (int(v) for v in (x0 + random.integers(15, 30), y0 + random.integers(15, 25)))
        pixels[y0:y1, x0:x1] = ((220, 30, 30), (30, 30, 220))[index]
        boxes.append(Box(names[(number + index) % len(names)], x0, y0, x1, y1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return Drawn(width, height, boxes)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def voc(path: Path, name: str, drawn: Drawn) -> None:
    objects = "".join(
        f"<object><name>{b.name}</name><pose>Unspecified</pose><truncated>0</truncated>"
        f"<difficult>0</difficult><bndbox><xmin>{b.x0}</xmin><ymin>{b.y0}</ymin>"
        f"<xmax>{b.x1}</xmax><ymax>{b.y1}</ymax></bndbox></object>"
        for b in drawn.boxes
    )
    write(
        path,
        f"<annotation><folder>x</folder><filename>{name}</filename><size><width>{drawn.width}"
        f"</width><height>{drawn.height}</height><depth>3</depth></size>{objects}</annotation>",
    )


def coco(path: Path, images: dict[str, Drawn], first: int = 1) -> None:
    names = ["cat", "dog"]
    content: dict[str, list] = {"images": [], "annotations": [], "categories": []}
    for number, (file, drawn) in enumerate(images.items()):
        size = {"width": drawn.width, "height": drawn.height}
        content["images"].append({"id": number, "file_name": file, **size})
        for box in drawn.boxes:
            width, height = box.x1 - box.x0, box.y1 - box.y0
            content["annotations"].append(
                {
                    "id": len(content["annotations"]),
                    "image_id": number,
                    "category_id": names.index(box.name) + first,
                    "bbox": [box.x0, box.y0, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                }
            )
    content["categories"] = [{"id": i, "name": name} for i, name in enumerate(names, first)]
    write(path, json.dumps(content))


def yolo(path: Path, drawn: Drawn, names: tuple[str, ...]) -> None:
    lines = [
        f"{names.index(b.name)} {(b.x0 + b.x1) / 2 / drawn.width} "
        f"{(b.y0 + b.y1) / 2 / drawn.height} {(b.x1 - b.x0) / drawn.width} "
        f"{(b.y1 - b.y0) / drawn.height}"
        for b in drawn.boxes
    ]
    write(path, "\n".join(lines) + "\n")


def raccoon(folder: Path) -> dict[str, Drawn]:
    images = {f"raccoon-{n}.png": draw(folder / f"images/raccoon-{n}.png", n) for n in range(4)}
    for name, drawn in images.items():
        voc(folder / "annotations" / name.replace(".png", ".xml"), name, drawn)
    return images


def blood_cells(folder: Path) -> dict[str, Drawn]:
    root = folder / "BCCD"
    images = {f"Blood_{n}.png": draw(root / f"JPEGImages/Blood_{n}.png", n) for n in range(4)}
    for name, drawn in images.items():
        voc(root / "Annotations" / name.replace(".png", ".xml"), name, drawn)
    write(root / "ImageSets/Main/train.txt", "Blood_0\nBlood_1\nBlood_2\nBlood_3\n")
    return images


def fruits(folder: Path) -> dict[str, Drawn]:
    images = {f"{n}.png": draw(folder / f"{n}.png", n) for n in range(4)}
    for name, drawn in images.items():
        voc(folder / name.replace(".png", ".XML"), f"C:\\Users\\me\\{name}", drawn)
    return images


def pets(folder: Path) -> dict[str, Drawn]:
    names = [f"Abyssinian_{number}.png" for number in range(4)]
    images = {name: draw(folder / "images" / name, n) for n, name in enumerate(names)}
    for name, drawn in images.items():
        voc(folder / "annotations/xmls" / name.replace(".png", ".xml"), name, drawn)
    write(folder / "annotations/trainval.txt", "Abyssinian_1 1 1 1\n")
    return images


def coco_val(folder: Path) -> dict[str, Drawn]:
    images = {f"{n:012d}.png": draw(folder / f"val2017/{n:012d}.png", n) for n in range(4)}
    coco(folder / "annotations/instances_val2017.json", images)
    return images


def roboflow_coco(folder: Path) -> dict[str, Drawn]:
    images = {}
    for split, numbers in (("train", (0, 1)), ("valid", (2,)), ("test", (3,))):
        part = {f"{n}_png.rf.a.png": draw(folder / split / f"{n}_png.rf.a.png", n) for n in numbers}
        coco(folder / split / "_annotations.coco.json", part, first=0)
        images |= part
    return images


def roboflow_voc(folder: Path) -> dict[str, Drawn]:
    images = {}
    for split, number in (("train", 0), ("train", 1), ("valid", 2), ("test", 3)):
        name = f"{number}_jpg.rf.{number}.png"
        images[name] = draw(folder / split / name, number)
        voc(folder / split / name.replace(".png", ".xml"), name, images[name])
    write(folder / "README.roboflow.txt", "exported")
    return images


def roboflow_yolo(folder: Path) -> dict[str, Drawn]:
    images = {}
    for split, number in (("train", 0), ("train", 1), ("valid", 2), ("test", 3)):
        name = f"{number}_jpg.rf.{number}.png"
        images[name] = draw(folder / split / "images" / name, number)
        yolo(folder / split / "labels" / name.replace(".png", ".txt"), images[name], ("cat", "dog"))
    write(
        folder / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\n"
        "names: ['cat', 'dog']\n\nroboflow:\n  workspace: me\n  version: 1\n",
    )
    return images


def coco128(folder: Path) -> dict[str, Drawn]:
    images = {f"{n}.png": draw(folder / f"images/train2017/{n}.png", n) for n in range(4)}
    for name, drawn in images.items():
        file = folder / "labels/train2017" / name.replace(".png", ".txt")
        yolo(file, drawn, ("person", "cat", "car", "dog"))
    write(
        folder / "data.yaml",
        "path: ../datasets/coco128 # dataset root dir\ntrain: images/train2017 # train images\n"
        "val: images/train2017\ntest: # optional\n\n# Classes\nnames:\n  3: dog\n  1: cat\n"
        "  0: person\n  2: car\n",
    )
    return images


def wheat(folder: Path) -> dict[str, Drawn]:
    images = {f"{n}b1a.png": draw(folder / f"train/{n}b1a.png", n) for n in range(4)}
    with open(folder / "train.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image_id", "width", "height", "bbox", "class"])
        for name, drawn in images.items():
            for b in drawn.boxes:
                box = [float(b.x0), float(b.y0), float(b.x1 - b.x0), float(b.y1 - b.y0)]
                writer.writerow([name[:-4], drawn.width, drawn.height, str(box), b.name])
    return images


def retinanet_csv(folder: Path) -> dict[str, Drawn]:
    images = {f"{n}.png": draw(folder / f"pictures/{n}.png", n) for n in range(4)}
    lines = [
        f"/home/me/pictures/{name},{b.x0},{b.y0},{b.x1},{b.y1},{b.name}\n"
        for name, drawn in images.items()
        for b in drawn.boxes
    ]
    write(folder / "annotations.csv", "".join(lines))
    return images


def balloons(folder: Path) -> dict[str, Drawn]:
    images = {}
    for split, number in (("train", 0), ("train", 2), ("val", 4), ("val", 6)):
        name = f"{number}_b.png"
        images[name] = draw(folder / split / name, number, ("object",))
    for split, names in (("train", ("0_b.png", "2_b.png")), ("val", ("4_b.png", "6_b.png"))):
        content = {}
        for name in names:
            regions = {
                str(i): {
                    "shape_attributes": {
                        "name": "polygon",
                        "all_points_x": [b.x0, b.x1, b.x1, b.x0],
                        "all_points_y": [b.y0, b.y0, b.y1, b.y1],
                    },
                    "region_attributes": {},
                }
                for i, b in enumerate(images[name].boxes)
            }
            content[name + "9"] = {"filename": name, "size": 9, "regions": regions}
        write(folder / split / "via_region_data.json", json.dumps(content))
    return images


def kitti(folder: Path) -> dict[str, Drawn]:
    root = folder / "training"
    images = {f"{n:06d}.png": draw(root / f"image_2/{n:06d}.png", n) for n in range(4)}
    for name, drawn in images.items():
        lines = [
            f"{b.name} 0.00 0 -1.57 {b.x0}.00 {b.y0}.00 {b.x1}.00 {b.y1}.00 1 1 1 1 1 1 1"
            for b in drawn.boxes
        ]
        write(root / "label_2" / name.replace(".png", ".txt"), "\n".join(lines) + "\n")
    return images


def open_images(folder: Path) -> dict[str, Drawn]:
    images = {f"{n:016x}.png": draw(folder / f"data/{n:016x}.png", n) for n in range(4)}
    lines = ["ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf"]
    for name, drawn in images.items():
        for b in drawn.boxes:
            xs = f"{b.x0 / drawn.width:.7f},{b.x1 / drawn.width:.7f}"
            ys = f"{b.y0 / drawn.height:.7f},{b.y1 / drawn.height:.7f}"
            lines.append(f"{name[:-4]},xclick,{b.name},1,{xs},{ys},0,0")
    write(folder / "train-annotations-bbox.csv", "\n".join(lines))
    return images


def labelme(folder: Path) -> dict[str, Drawn]:
    images = {f"{n}.png": draw(folder / f"{n}.png", n) for n in range(4)}
    for name, drawn in images.items():
        shapes = [
            {"label": b.name, "points": [[b.x1, b.y1], [b.x0, b.y0]], "shape_type": "rectangle"}
            for b in drawn.boxes
        ]
        size = {"imageHeight": drawn.height, "imageWidth": drawn.width}
        content = {"version": "5.4.1", "shapes": shapes, "imagePath": name, "imageData": None}
        write(folder / name.replace(".png", ".json"), json.dumps({**content, **size}))
    return images


def cvat_archive(folder: Path) -> dict[str, Drawn]:
    inside = folder / "unpacked"
    images = {f"frame_{n}.png": draw(inside / f"images/frame_{n}.png", n) for n in range(4)}
    text = "<?xml version='1.0' encoding='utf-8'?><annotations><version>1.1</version>"
    for number, (name, drawn) in enumerate(images.items()):
        boxes = "".join(
            f'<box label="{b.name}" source="manual" occluded="0" xtl="{b.x0}.00" ytl="{b.y0}.00" '
            f'xbr="{b.x1}.00" ybr="{b.y1}.00" z_order="0"></box>'
            for b in drawn.boxes
        )
        size = f'width="{drawn.width}" height="{drawn.height}"'
        text += f'<image id="{number}" name="{name}" {size}>{boxes}</image>'
    write(inside / "annotations.xml", text + "</annotations>")
    with zipfile.ZipFile(folder / "task.zip", "w") as archive:
        for file in inside.rglob("*"):
            archive.write(file, file.relative_to(inside))
    return images


SHAPES = {
    "raccoon": (raccoon, "voc", ""),
    "blood cells": (blood_cells, "voc", "BCCD"),
    "fruits and nuts": (fruits, "voc", ""),
    "Oxford pets": (pets, "voc", ""),
    "COCO": (coco_val, "coco", ""),
    "Roboflow COCO": (roboflow_coco, "coco", ""),
    "Roboflow VOC": (roboflow_voc, "voc", ""),
    "Roboflow YOLO": (roboflow_yolo, "yolo", ""),
    "COCO128": (coco128, "yolo", ""),
    "wheat": (wheat, "csv", ""),
    "keras-retinanet": (retinanet_csv, "csv", ""),
    "balloons": (balloons, "via", ""),
    "KITTI": (kitti, "kitti", ""),
    "Open Images": (open_images, "open_images", ""),
    "labelme": (labelme, "labelme", ""),
    "CVAT": (cvat_archive, "cvat", "task.zip"),
}
# A training is traced anew for each, which takes seconds: one of them runs by default.
TRAINED = ("Roboflow YOLO",)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def assert_boxes(source, images: dict[str, Drawn]) -> None:
    """`source` has exactly the boxes that were drawn, to a hundredth of a pixel."""
    found = {}
    for record in source:
        names = [source.label_map.name_of_id(int(number)) for number in record.class_ids]
        sides = np.array([record.height, record.width] * 2)
        found[record.file_name] = [
            (name, *np.round(box * sides, 2)) for name, box in zip(names, record.boxes, strict=True)
        ]
    expected = {
        name: [(b.name, b.y0, b.x0, b.y1, b.x1) for b in drawn.boxes]
        for name, drawn in images.items()
    }
    assert {name: sorted(rows) for name, rows in found.items()} == {
        name: sorted(rows) for name, rows in expected.items()
    }


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_drawn_is_read_and_written(shape, tmp_path):
    build, kind, place = SHAPES[shape]
    folder = tmp_path / "data"
    images = build(folder)
    if not place.endswith(".zip"):
        assert recognise(str(folder / place)) == kind
    source = open_source(str(folder / place))
    assert_boxes(source, images)
    inspection = inspect_source(source)
    assert inspection.images == len(images)
    counted = Counter(box.name for drawn in images.values() for box in drawn.boxes)
    assert {n: c for n, c in inspection.boxes_per_class.items() if c} == counted
    serious = {"wrong annotation", "fractions instead of pixels", "several images of one name"}
    assert not serious & {defect.kind for defect in inspection.defects}
    for to in ("tfrecord", "coco", "yolo"):
        dest = tmp_path / to / ("data.record" if to == "tfrecord" else "data")
        convert(source, dest, to=to)
        again = open_source(f"{to}:{dest}", source.label_map)
        assert_boxes(again, images)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "shape",
    [pytest.param(s, marks=[] if s in TRAINED else pytest.mark.slow) for s in SHAPES],
)
def test_it_is_trained_and_evaluated(shape, tmp_path):
    build, _, place = SHAPES[shape]
    build(tmp_path / "data")
    config = tiny_config(extractor=EXTRACTOR)
    spec = str(tmp_path / "data" / place)
    config.model.ssd.num_classes = open_source(spec, split="train").label_map.num_classes
    config.train_input_reader.source = spec
    config.eval_input_reader.add().source = spec
    config.train_config.num_steps = 2
    config.train_config.evaluate_every_steps = 2
    run = train(config, tmp_path / "run")
    split = open_source(spec, split="val")
    evaluation = evaluate(run.path)
    assert evaluation["images"] == len(split)
    assert 0 <= evaluation["metrics"]["DetectionBoxes_Precision/mAP"] <= 1
