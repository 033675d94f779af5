"""Masks are pasted as the original does and measured as pycocotools does, whatever the source."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from recorded_coco import RecordedEvaluation

from detectune.config import schema
from detectune.config.metrics import best_metric, mask_conflicts, measures_masks
from detectune.config.needs import Needs
from detectune.data.convert import convert
from detectune.data.readable import ReadableImages
from detectune.data.resizers import build_resizer
from detectune.data.run_lengths import encode_rle, rle_text
from detectune.data.sources.base import Subset
from detectune.data.sources.recognise import open_source
from detectune.errors import DataError
from detectune.evaluation.coco import CocoEvaluator
from detectune.evaluation.evaluate_source import evaluate_source
from detectune.evaluation.image_masks import image_rles, pasted
from detectune.layers.regions import paste_masks
from detectune.structures import PaddedDetections

WITH_MASKS = Needs(annotations={"masks": 1})

HEIGHT, WIDTH = 90, 120


def discs(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Soft discs `[K, 15, 15]` over boxes `[K, 4]`, some of which leave the image."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:15, :15] - 7.0
    radii = random.uniform(3, 9, (2, count, 1, 1))
    masks = np.clip(1.3 - np.hypot(rows / radii[0], columns / radii[1]), 0, 1)
    corners = random.uniform(-10, 70, (count, 2))
    sizes = random.uniform(0.5, 60, (count, 2))
    return masks.astype(np.float32), np.concatenate([corners, corners + sizes], 1)


def test_masks_are_pasted_as_tensors_are():
    masks, boxes = discs(40)
    expected = np.asarray(
        paste_masks(masks, boxes / np.array([HEIGHT, WIDTH] * 2), (HEIGHT, WIDTH))
    )
    for mask, box, image in zip(masks, boxes, expected, strict=True):
        found = pasted(mask, box, HEIGHT, WIDTH)
        clear = np.abs(image - 0.5) > 1e-4
        np.testing.assert_array_equal(found[clear], (image > 0.5)[clear])
    assert (expected > 0.5).any(axis=(1, 2)).sum() > 30


@pytest.mark.parametrize(
    "box", [[0, 0, HEIGHT, WIDTH], [-50, -50, 500, 500], [3, 0, 60, WIDTH], [200, 5, 300, 9]]
)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_run_lengths_of_windows_are_those_of_whole_images(box, value):
    masks, boxes = np.full((1, 5, 5), value, np.float32), np.array([box], np.float32)
    found = image_rles(masks, boxes, HEIGHT, WIDTH)
    assert found == [encode_rle(pasted(masks[0], boxes[0], HEIGHT, WIDTH))]


def test_run_lengths_are_those_of_the_pasted_masks():
    masks, boxes = discs(40, seed=1)
    expected = [encode_rle(pasted(m, b, HEIGHT, WIDTH)) for m, b in zip(masks, boxes, strict=True)]
    assert image_rles(masks, boxes, HEIGHT, WIDTH) == expected


def random_images(seed: int, count: int = 15) -> list[dict]:
    """Images with discs of classes 1 and 2, some found with a shift, and false alarms."""
    random, images = np.random.default_rng(seed), []
    for index in range(count):
        truth, truth_boxes = discs(int(random.integers(0, 6)), seed * 100 + index)
        false, false_boxes = discs(3, seed * 100 + index + 50)
        boxes = np.concatenate([truth_boxes + random.normal(0, 2, truth_boxes.shape), false_boxes])
        rles = image_rles(truth, truth_boxes, HEIGHT, WIDTH)
        classes = random.choice([1, 2], len(truth))
        images.append(
            {
                "truth_boxes": truth_boxes,
                "truth_classes": classes,
                "is_crowd": random.random(len(truth)) < 0.2,
                "areas": random.uniform(50, 3000, len(truth)),
                "truth_masks": rles,
                "boxes": boxes,
                "scores": np.round(random.random(len(boxes)), 2),
                "classes": np.concatenate([classes, random.choice([1, 2], 3)]),
                "masks": image_rles(np.concatenate([truth, false]), boxes, HEIGHT, WIDTH),
            }
        )
    return images


def pycocotools_numbers(images: list[dict]) -> list[float]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = [], []
    for index, image in enumerate(images):
        names = ("truth_masks", "truth_classes", "is_crowd", "areas")
        for mask, class_id, crowd, area in zip(*(image[name] for name in names), strict=True):
            row = {"image_id": index, "category_id": int(class_id), "segmentation": dict(mask)}
            truth.append(row | {"id": len(truth) + 1, "iscrowd": int(crowd), "area": float(area)})
        names = ("masks", "classes", "scores")
        for mask, class_id, score in zip(*(image[name] for name in names), strict=True):
            row = {"image_id": index, "category_id": int(class_id), "segmentation": dict(mask)}
            found.append(row | {"score": float(score)})
    reference = COCO()
    reference.dataset = {
        "images": [{"id": index, "height": HEIGHT, "width": WIDTH} for index in range(len(images))],
        "categories": [{"id": 1}, {"id": 2}],
        "annotations": truth,
    }
    reference.createIndex()
    matching = COCOeval(reference, reference.loadRes(found), "segm")
    matching.evaluate()
    matching.accumulate()
    matching.summarize()
    return list(matching.stats)


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_of_masks_equal_pycocotools(seed):
    images = random_images(seed)
    ours = CocoEvaluator({1: "cat", 2: "dog"}, masks=True)
    for index, image in enumerate(images):
        ours.add(index, **image)
    masks = [v for name, v in ours.results().items() if name.startswith("DetectionMasks_")]
    np.testing.assert_allclose(masks, pycocotools_numbers(images), rtol=0, atol=1e-9)
    assert 0.01 < masks[0] < 0.99
    cat = ours.per_category()["cat"]
    assert cat["mask mAP"] != cat["mAP"]
    key = "DetectionMasks_PerformanceByCategory/mAP/cat"
    assert ours.category_scalars()[key] == cat["mask mAP"]


@pytest.mark.parity
def test_the_recorded_numbers_of_masks_are_reproduced():
    recorded = RecordedEvaluation()
    ours = CocoEvaluator(recorded.names, masks=True)
    for name, image in recorded.images():
        truth, found = rectangles(image["truth_boxes"]), rectangles(image["boxes"])
        ours.add(name, **image, truth_masks=truth, masks=found)
    expected = recorded.numbers["metrics"] | recorded.numbers["mask_metrics"]
    assert ours.results() == pytest.approx(expected, abs=1e-6)


def rectangles(boxes: np.ndarray) -> list:
    """The masks of the recording: boxes in whole pixels of 320 x 320, filled."""
    found = []
    for y0, x0, y1, x1 in np.maximum(boxes.astype(int), 0):
        mask = np.zeros((320, 320), np.uint8)
        mask[y0:y1, x0:x1] = 1
        found.append(encode_rle(mask))
    return found


def test_masks_are_counted_and_of_one_size():
    image = random_images(0)[1]
    for name in ("truth_masks", "masks"):
        with pytest.raises(DataError, match=f"boxes, but .* {name}"):
            CocoEvaluator({1: "cat"}, masks=True).add(7, **image | {name: image[name][1:]})
    small = [encode_rle(np.ones((4, 4), np.uint8))] * len(image["masks"])
    with pytest.raises(DataError, match="image 7: its masks differ in size"):
        CocoEvaluator({1: "cat"}, masks=True).add(7, **image | {"masks": small})


class SameDiscs:
    """Stands for a detector: finds the same discs in every image, in pixels of the input."""

    def detect(self, images, sizes):
        masks, boxes = discs(6, seed=3)
        count = len(images)

        def each(values, dtype="float32"):
            return np.repeat(np.asarray(values, dtype)[None], count, axis=0)

        return PaddedDetections(
            boxes=each(boxes * np.tile(sizes[0] / [HEIGHT, WIDTH], 2)),
            scores=each(np.linspace(0.9, 0.4, 6)),
            classes=each([0, 1, 0, 1, 0, 1], "int32"),
            valid=each([True] * 5 + [False], bool),
            class_scores=each(np.zeros((6, 2))),
            anchor_indices=each(range(6), "int32"),
            masks=each(masks),
        )


def coco_data(folder) -> Path:
    """Four images that hold some of the discs, a little moved; the last object is a crowd."""
    masks, boxes = discs(6, seed=3)
    rows, names = [], [f"{number}.png" for number in range(4)]
    for image in range(4):
        moved = np.round(boxes[image : image + 2] + image, 1)
        rles = image_rles(masks[image : image + 2], moved, HEIGHT, WIDTH)
        for row, (rle, (y0, x0, y1, x1)) in enumerate(
            zip(rles, np.clip(moved, 0, None), strict=True)
        ):
            rows.append(
                {
                    "id": len(rows) + 1,
                    "image_id": image,
                    "category_id": (image + row) % 2 + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": 500.0 * (image + 1),
                    "iscrowd": int(image == 3 and row == 1),
                    "segmentation": rle_text(rle),
                }
            )
    content = {
        "images": [
            {"id": i, "file_name": n, "height": HEIGHT, "width": WIDTH} for i, n in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": rows,
    }
    (folder / "images").mkdir(parents=True)
    for shade, name in enumerate(names):
        image = Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade))
        image.save(folder / "images" / name)
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder / "annotations.json"


def resizer():
    text = "keep_aspect_ratio_resizer { min_dimension: 45 max_dimension: 60 }"
    return build_resizer(text_format.Parse(text, schema.ImageResizer()))


def test_coco_and_the_records_made_of_it_give_the_same_numbers(tmp_path):
    coco = open_source(str(coco_data(tmp_path / "coco")))
    convert(coco, tmp_path / "a.record", to="tfrecord")
    records = open_source(str(tmp_path / "a.record"), coco.label_map)
    reports = [
        evaluate_source(SameDiscs(), source, resizer(), coco.label_map, needs=WITH_MASKS).report()
        for source in (coco, records)
    ]
    assert reports[0] == reports[1]
    numbers = reports[0]["metrics"]
    assert len(numbers) == 24
    assert 0.1 < numbers["DetectionMasks_Precision/mAP"] < 0.99
    assert numbers["DetectionMasks_Precision/mAP"] != numbers["DetectionBoxes_Precision/mAP"]


def test_without_masks_boxes_alone_are_measured(tmp_path):
    coco = open_source(str(coco_data(tmp_path / "coco")))
    numbers = evaluate_source(SameDiscs(), coco, resizer(), coco.label_map).results()
    assert all(name.startswith("DetectionBoxes_") for name in numbers)


def test_objects_without_masks_are_named_before_masks_are_measured(tmp_path):
    file = coco_data(tmp_path / "coco")
    content = json.loads(file.read_text())
    del content["annotations"][0]["segmentation"]
    file.write_text(json.dumps(content))
    source = open_source(str(file))
    with pytest.raises(DataError, match=r"0\.png: object 1: it has no mask"):
        evaluate_source(SameDiscs(), source, resizer(), source.label_map, needs=WITH_MASKS)


def test_a_mask_that_breaks_when_it_is_decoded_leaves_its_image_out_and_no_other(tmp_path):
    file = coco_data(tmp_path / "coco")
    content = json.loads(file.read_text())
    broken = next(row for row in content["annotations"] if row["image_id"] == 1)
    broken["segmentation"]["counts"] = "1"  # a single pixel, in an image of many
    file.write_text(json.dumps(content))
    source = open_source(str(file))
    images = ReadableImages(source, lambda _: None)
    given = {"needs": WITH_MASKS, "images": images}
    found = evaluate_source(SameDiscs(), source, resizer(), source.label_map, **given)
    ((name, reason),) = images.left_out
    assert name == "1.png"
    start = (
        "the masks of 1 object cannot be used: 1.png: object 1: its run lengths add up to 1 pixel"
    )
    assert reason.startswith(start)
    others = Subset(open_source(str(coco_data(tmp_path / "sound"))), [0, 2, 3])
    expected = evaluate_source(
        SameDiscs(), others, resizer(), source.label_map, needs=WITH_MASKS
    ).report()
    assert found.report() == expected
    assert expected["images"] == 3


def config(metrics: str, stages: int = 3, reader: str = "load_instance_masks: true"):
    text = (
        f"model {{ faster_rcnn {{ number_of_stages: {stages} }} }} "
        f"train_input_reader {{ {reader} }} eval_config {{ {metrics} }}"
    )
    return text_format.Parse(text, schema.TrainEvalPipelineConfig())


BOXES, MASKS = 'metrics_set: "coco_detection_metrics" ', 'metrics_set: "coco_mask_metrics" '


@pytest.mark.parametrize(
    ("metrics", "masks", "best"),
    [
        ("", False, "DetectionBoxes_Precision/mAP"),
        (BOXES, False, "DetectionBoxes_Precision/mAP"),
        (BOXES + MASKS, True, "DetectionBoxes_Precision/mAP"),
        (MASKS, True, "DetectionMasks_Precision/mAP"),
    ],
)
def test_metrics_set_says_what_is_measured_and_what_is_best(metrics, masks, best):
    assert measures_masks(config(metrics)) == masks
    assert best_metric(config(metrics)) == best
    assert not list(mask_conflicts(config(metrics)))


def test_masks_that_nobody_finds_or_reads_are_refused():
    (problem,) = mask_conflicts(config(MASKS, stages=2))
    assert problem.field == "eval_config.metrics_set"
    (problem,) = mask_conflicts(config(MASKS, reader=""))
    assert problem.field == "train_input_reader.load_instance_masks"
    assert not list(mask_conflicts(config(BOXES, stages=2, reader="")))
