"""The twelve numbers equal pycocotools and the recorded ones, also at the edges."""

from __future__ import annotations

import json

import numpy as np
import pytest
from recorded_coco import RecordedEvaluation

from detectune.errors import DataError
from detectune.evaluation.coco import CocoEvaluator

NOTHING = {
    "truth_boxes": np.zeros((0, 4)),
    "truth_classes": np.zeros(0, int),
    "boxes": np.zeros((0, 4)),
    "scores": np.zeros(0),
    "classes": np.zeros(0, int),
}
ONE_BOX = {"truth_boxes": [[0, 0, 40, 40]], "truth_classes": [1]}
ONE_HIT = {"boxes": [[0, 0, 40, 40]], "scores": [0.9], "classes": [1]}


def evaluator(*images: dict, categories: dict[int, str] | None = None) -> CocoEvaluator:
    built = CocoEvaluator(categories or {1: "cat", 2: "dog", 7: "bird"})
    for index, image in enumerate(images):
        built.add(index, **NOTHING | image)
    return built


def random_images(seed: int, count: int = 40) -> list[dict]:
    """Images of 0–12 boxes of classes 1, 2 and 5; 7 has detections only, 9 has nothing."""
    random, images = np.random.default_rng(seed), []
    for _ in range(count):
        truth_count, extra = random.integers(0, 13), random.integers(0, 130)
        corners = random.uniform(0, 300, (truth_count, 2))
        truth = np.concatenate([corners, corners + random.uniform(1, 150, (truth_count, 2))], 1)
        far = np.sort(random.uniform(0, 400, (extra, 2, 2)), axis=1).reshape(-1, 4)
        boxes = np.concatenate([truth + random.normal(0, 5, truth.shape), far])
        classes = random.choice([1, 2, 5], truth_count)
        images.append(
            {
                "truth_boxes": truth,
                "truth_classes": classes,
                "is_crowd": random.random(truth_count) < 0.15,
                "areas": random.uniform(0.5, 1, truth_count) * np.prod(truth[:, 2:] - corners, 1),
                "boxes": boxes,
                # Two digits only, so that equal scores are common.
                "scores": np.round(random.random(len(boxes)), 2),
                "classes": np.concatenate([classes, random.choice([1, 2, 5, 7], extra)]),
            }
        )
    return images


def pycocotools_numbers(images: list[dict], class_ids: list[int]) -> tuple[list[float], np.ndarray]:
    """The twelve numbers of pycocotools, and its table of precisions."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = [], []
    for index, image in enumerate(images):
        for box, class_id, crowd, area in zip(
            image["truth_boxes"],
            image["truth_classes"],
            image["is_crowd"],
            image["areas"],
            strict=True,
        ):
            row = coco_row(index, box, class_id) | {"iscrowd": int(crowd), "area": float(area)}
            truth.append(row | {"id": len(truth) + 1})
        for box, class_id, score in zip(
            image["boxes"], image["classes"], image["scores"], strict=True
        ):
            found.append(coco_row(index, box, class_id) | {"score": float(score)})
    reference = COCO()
    reference.dataset = {
        "images": [{"id": index} for index in range(len(images))],
        "categories": [{"id": class_id} for class_id in class_ids],
        "annotations": truth,
    }
    reference.createIndex()
    matching = COCOeval(reference, reference.loadRes(found), "bbox")
    matching.evaluate()
    matching.accumulate()
    matching.summarize()
    return list(matching.stats), matching.eval["precision"]


def coco_row(image: int, box: np.ndarray, class_id: int) -> dict:
    y_min, x_min, y_max, x_max = (float(edge) for edge in box)
    box = [x_min, y_min, x_max - x_min, y_max - y_min]
    return {"image_id": image, "category_id": int(class_id), "bbox": box}


@pytest.mark.parametrize("seed", range(5))
def test_the_numbers_equal_pycocotools(seed):
    images, class_ids = random_images(seed), [1, 2, 5, 7, 9]
    ours = evaluator(*images, categories={class_id: str(class_id) for class_id in class_ids})
    stats, precision = pycocotools_numbers(images, class_ids)
    np.testing.assert_allclose(list(ours.results().values()), stats, rtol=0, atol=1e-9)
    for index, class_id in enumerate(class_ids):
        cells = precision[:, :, index, 0, 2]
        expected = cells[cells > -1].mean() if (cells > -1).any() else -1
        found = ours.per_category()[str(class_id)]["mAP"]
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parity
def test_the_recorded_numbers_are_reproduced():
    recorded = RecordedEvaluation()
    ours = CocoEvaluator(recorded.names)
    for name, image in recorded.images():
        ours.add(name, **image)
    assert ours.results() == pytest.approx(recorded.numbers["metrics"], abs=1e-6)


def test_a_perfect_answer_scores_one_and_a_missing_one_zero():
    numbers = evaluator(ONE_BOX | ONE_HIT).results()
    assert numbers["DetectionBoxes_Precision/mAP"] == pytest.approx(1.0)
    assert numbers["DetectionBoxes_Recall/AR@1"] == 1.0
    assert evaluator(ONE_BOX).results()["DetectionBoxes_Precision/mAP"] == 0.0


def test_nothing_to_find_is_minus_one():
    for images in ([], [{}], [{}, ONE_HIT]):
        assert set(evaluator(*images).results().values()) == {-1.0}


def test_a_size_without_objects_is_minus_one():
    numbers = evaluator(ONE_BOX | ONE_HIT).results()
    assert numbers["DetectionBoxes_Precision/mAP (medium)"] == pytest.approx(1.0)
    assert numbers["DetectionBoxes_Precision/mAP (small)"] == -1.0
    assert numbers["DetectionBoxes_Recall/AR@100 (large)"] == -1.0


def test_an_image_without_objects_costs_precision():
    confident = ONE_HIT | {"scores": [0.95]}
    with_false_alarm = evaluator(ONE_BOX | ONE_HIT, confident).results()
    assert with_false_alarm["DetectionBoxes_Precision/mAP"] == pytest.approx(0.5)


def test_given_areas_decide_the_size():
    image = ONE_BOX | ONE_HIT | {"areas": [500.0]}
    assert evaluator(image).results()["DetectionBoxes_Precision/mAP (small)"] == pytest.approx(1.0)


def test_a_detection_in_a_crowd_is_neither_right_nor_wrong():
    crowd = {"truth_boxes": [[0, 0, 40, 40]], "truth_classes": [1], "is_crowd": [True]}
    numbers = evaluator(ONE_BOX | ONE_HIT, crowd | ONE_HIT | {"scores": [0.95]}).results()
    assert numbers["DetectionBoxes_Precision/mAP"] == pytest.approx(1.0)


def test_detections_of_classes_outside_the_label_map_do_not_count():
    numbers = evaluator(ONE_BOX | ONE_HIT, ONE_HIT | {"classes": [99]}).results()
    assert numbers["DetectionBoxes_Precision/mAP"] == pytest.approx(1.0)


def test_each_class_has_its_own_numbers():
    table = evaluator(ONE_BOX | ONE_HIT).per_category()
    assert table["cat"]["mAP@.50IOU"] == pytest.approx(1.0)
    assert (table["cat"]["boxes"], table["dog"]["boxes"]) == (1, 0)
    assert table["dog"]["mAP"] == -1.0


def test_classes_of_one_name_stay_apart():
    table = evaluator(ONE_BOX | ONE_HIT, categories={1: "cat", 2: "cat"}).per_category()
    assert table["cat (1)"]["mAP"] == pytest.approx(1.0)
    assert table["cat (2)"]["mAP"] == -1.0


def test_tensorboard_names_are_the_original_ones():
    built = evaluator(ONE_BOX | ONE_HIT, categories={1: "cat"})
    assert built.category_scalars() == {
        "DetectionBoxes_PerformanceByCategory/mAP/cat": pytest.approx(1.0)
    }
    scalars = built.category_scalars(all_metrics=True)
    assert scalars["DetectionBoxes_Recall AR@10 ByCategory/cat"] == 1.0
    assert len(scalars) == 13


def test_images_can_be_added_after_a_result():
    built = evaluator(ONE_BOX)
    assert built.results()["DetectionBoxes_Recall/AR@1"] == 0.0
    built.add("second", **ONE_BOX | ONE_HIT)
    assert built.results()["DetectionBoxes_Recall/AR@1"] == 0.5


def test_the_report_is_plain_json():
    report = json.loads(json.dumps(evaluator(ONE_BOX | ONE_HIT, {}).report()))
    assert report["images"] == 2
    assert report["metrics"]["DetectionBoxes_Precision/mAP"] == pytest.approx(1.0)
    assert report["per_category"]["cat"]["boxes"] == 1


def test_nothing_is_printed(capfd):
    evaluator(ONE_BOX | ONE_HIT).report()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ({"scores": [0.5, 0.4]}, "1 box, but 2 scores"),
        ({"truth_classes": []}, "1 box, but 0 truth_classes"),
        ({"scores": [float("nan")]}, "a value of scores is not a finite number"),
        ({"boxes": [[0, 0, float("inf"), 1]]}, "a value of boxes is not a finite number"),
    ],
)
def test_what_would_be_counted_wrongly_is_refused(broken, found):
    with pytest.raises(DataError, match=f"image 0: {found}"):
        evaluator(ONE_BOX | ONE_HIT | broken)
