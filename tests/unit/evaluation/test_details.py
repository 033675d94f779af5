"""Curves, confusion, threshold and the worst images, in small cases worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from detectune.evaluation.coco import CocoEvaluator
from detectune.evaluation.details import best_threshold, confusion, count, curve, details, worst
from detectune.evaluation.mistakes import FALSE, IN_CROWD, found_objects, mistakes

NAMES = {1: "cat", 2: "dog"}
# Far apart, 10 x 10 pixels each.
A, B, C, D = ([0, 20 * i, 10, 20 * i + 10] for i in range(4))


def evaluated(*images, names=NAMES) -> CocoEvaluator:
    """Each image: (objects as (box, class, crowd?)…), (boxes as (box, class, score)…)."""
    evaluator = CocoEvaluator(names)
    for number, (truth, found) in enumerate(images):
        evaluator.add(
            number,
            truth_boxes=[row[0] for row in truth],
            truth_classes=np.array([row[1] for row in truth], int),
            is_crowd=np.array([len(row) > 2 for row in truth], bool),
            boxes=[row[0] for row in found],
            classes=np.array([row[1] for row in found], int),
            scores=np.array([row[2] for row in found], float),
        )
    return evaluator


def counted(*images):
    rows = evaluated(*images).images
    return count(rows, [found_objects(row) for row in rows])


def test_each_object_is_found_once_by_the_surest_box():
    image = evaluated(([(A, 1), (B, 1)], [(A, 1, 0.6), (A, 1, 0.9), (B, 2, 0.8), (C, 1, 0.7)]))
    assert found_objects(image.images[0]).tolist() == [FALSE, 0, FALSE, FALSE]
    # Without regard to classes the dog's box has found the cat at B.
    assert found_objects(image.images[0], same_class=False).tolist() == [FALSE, 0, 1, FALSE]


def test_a_box_takes_an_object_of_its_class_before_a_closer_one():
    near = [0, 2, 10, 12]  # IoU 8/12 with A
    image = evaluated(([(near, 1), (A, 2)], [(A, 1, 0.9)])).images[0]
    assert found_objects(image, same_class=False).tolist() == [0]


def test_an_overlap_of_less_than_a_half_finds_nothing():
    # 10 x 10 against 10 x 10 moved by 4: 60 / 140 = 0.43; by 3: 70 / 130 = 0.54.
    image = evaluated(([(A, 1)], [([0, 4, 10, 14], 1, 0.9), ([0, 3, 10, 13], 1, 0.8)])).images[0]
    assert found_objects(image).tolist() == [FALSE, 0]


def test_boxes_in_a_crowd_are_neither_right_nor_wrong():
    image = evaluated(([([0, 0, 40, 40], 1, "crowd")], [(A, 1, 0.9), (A, 2, 0.8)])).images[0]
    assert found_objects(image).tolist() == [IN_CROWD, FALSE]
    assert mistakes(image, 0.5) == (0, 1, pytest.approx(0.8))


def test_precision_and_recall_box_by_box():
    # Cats: right .9, wrong .8, right .7 of three cats in all; the dog's box does not count.
    found = counted(
        ([(A, 1), (B, 1)], [(A, 1, 0.9), (C, 1, 0.8), (D, 2, 0.95)]),
        ([(A, 1)], [(A, 1, 0.7)]),
    )
    cat = curve(found, 1)
    np.testing.assert_allclose(cat.recall, [1 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(cat.precision, [1, 1 / 2, 2 / 3])
    dog = curve(found, 2)
    np.testing.assert_allclose(dog.precision, [0])
    np.testing.assert_allclose(dog.recall, [0])


def test_the_threshold_with_the_best_f1():
    # Right .9 and .7, wrong .5 and .3, three objects. At (.5, .7]: 2 right of 2, 2 of 3 found:
    # F1 = 4/5. Below: 4/6, 4/7. The middle of .51 … .70 is .61.
    found = counted(([(A, 1), (B, 1), (C, 2)], [
        (A, 1, 0.9), (B, 1, 0.7), (D, 1, 0.5), (D, 2, 0.3),
    ]))  # fmt: skip
    best = best_threshold(found)
    assert best.score == pytest.approx(0.61)
    assert best.f1 == pytest.approx(4 / 5)
    assert best.precision == 1
    assert best.recall == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("truth", "boxes"), [([], []), ([(A, 1)], []), ([], [(A, 1, 0.5)]), ([(A, 1)], [(B, 1, 0.5)])]
)
def test_without_a_right_box_f1_is_0(truth, boxes):
    assert best_threshold(counted((truth, boxes))).f1 == 0


def test_confusion_by_hand():
    image = (
        [(A, 1), (B, 1), (C, 2)],
        [(A, 1, 0.9), (B, 2, 0.8), (D, 1, 0.7), (C, 2, 0.2)],
    )
    table = confusion(evaluated(image).images, [1, 2], 0.5)
    #  columns: cat, dog, missed
    assert table.tolist() == [
        [1, 1, 0],  # a cat, and one that is taken for a dog
        [0, 0, 1],  # a dog, whose box is below the threshold
        [1, 0, 0],  # a cat where nothing is
    ]


def test_a_class_that_is_not_shown_takes_no_place():
    image = ([(A, 1), (B, 2)], [(A, 1, 0.9), (B, 2, 0.9)])
    assert confusion(evaluated(image).images, [1], 0.5).tolist() == [[1, 0], [0, 0]]


def test_the_worst_images_come_first():
    good = ([(A, 1)], [(A, 1, 0.9)])  # weighs .1
    missed = ([(A, 1), (B, 1)], [(A, 1, 0.9)])  # 1.1
    false = ([(A, 1)], [(A, 1, 0.9), (B, 1, 0.6), (C, 1, 0.4)])  # .7: the box of .4 is not shown
    empty = ([], [])
    rows = evaluated(good, missed, false, empty).images
    seen = [mistakes(row, 0.5) for row in rows]
    assert [one.weight for one in seen] == pytest.approx([0.1, 1.1, 0.7, 0.0])
    assert [one[:2] for one in seen] == [(0, 0), (1, 0), (0, 1), (0, 0)]
    assert worst(seen) == [1, 2, 0, 3]


def test_all_of_it_is_json_and_says_the_same():
    evaluator = evaluated(
        ([(A, 1), (B, 2)], [(A, 1, 0.9), (B, 1, 0.8)]), ([(A, 1)], []), ([], [(A, 2, 0.3)])
    )
    found = json.loads(json.dumps(details(evaluator.images, evaluator.names)))
    # The best threshold is between .8 and .9: the box at B is not shown.
    assert found["threshold"]["score"] == pytest.approx(0.86)
    assert found["confusion"]["names"] == ["cat", "dog"]
    assert found["confusion"]["counts"] == [[1, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert found["curves"]["cat"] == {"recall": [0.5, 0.5], "precision": [1.0, 0.5]}
    assert found["classes"] == 2
    assert [image["index"] for image in found["worst"]] == [0, 1, 2]
    assert found["worst"][0] == {"index": 0, "missed": 1, "false": 0, "weight": pytest.approx(1.1)}


def test_of_many_classes_the_most_frequent_are_shown():
    names = {index: f"class {index}" for index in range(1, 41)}
    truth = [([0, 20 * i, 10, 20 * i + 10], index) for i, index in enumerate([40, 40, *names])]
    evaluator = evaluated((truth, []), names=names)
    found = details(evaluator.images, evaluator.names)
    assert len(found["confusion"]["names"]) == 24
    assert found["confusion"]["names"][-1] == "class 40"
    assert np.shape(found["confusion"]["counts"]) == (25, 25)


def test_an_evaluation_of_nothing_has_details_too():
    found = details([], NAMES)
    assert found["threshold"]["f1"] == 0
    assert np.sum(found["confusion"]["counts"]) == 0
    assert found["worst"] == []


def test_the_curve_at_iou_05_has_the_area_that_coco_measures():
    rng = np.random.default_rng(0)
    images = []
    for _ in range(40):
        truth = [([0, 20 * i, 10, 20 * i + 10], 1) for i in range(rng.integers(1, 8))]
        boxes = [(box, 1, rng.uniform()) for box, _ in truth if rng.uniform() < 0.7]
        boxes += [([30, 20 * i, 40, 20 * i + 10], 1, rng.uniform()) for i in range(2)]
        images.append((truth, boxes))
    evaluator = evaluated(*images, names={1: "cat"})
    found = curve(count(evaluator.images, [found_objects(i) for i in evaluator.images]), 1)
    at = np.linspace(0, 1, 101)
    best = [found.precision[found.recall >= r].max(initial=0) for r in at]
    measured = evaluator.results()["DetectionBoxes_Precision/mAP@.50IOU"]
    assert np.mean(best) == pytest.approx(measured, abs=2e-3)
