"""A column of annotation moves with the pixels, and is selected and padded with its boxes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from data_sets import ListSource, record
from google.protobuf import text_format

from detectune.config import schema
from detectune.config.needs import Needs
from detectune.data import pipeline
from detectune.data.augment.chain import build_augmentations
from detectune.data.augment.example import Example, clipped
from detectune.data.columns.base import Column, check_columns, columns, stored
from detectune.data.resizers import build_resizer
from detectune.data.sources.base import select_boxes
from detectune.errors import ConfigError, DataError
from detectune.structures import GroundTruth

CENTRES = np.array([[[0.25, 0.25], [0.1, 0.4]], [[0.75, 0.5], [0.6, 0.9]]], np.float32)
BOXES = np.array([[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 1.0]], np.float32)


@pytest.fixture(autouse=True)
def points(monkeypatch):
    """Two points per object, as a detector of keypoints would read them."""
    list(columns)  # its own modules are read first
    column = Column(np.float32, (2, 2), stored("points"), moves="points")
    monkeypatch.setitem(columns._parts, "points", column)


def example() -> Example:
    return Example(
        tf.zeros([40, 60, 3]),
        tf.constant(BOXES),
        tf.constant([0, 1]),
        tf.constant([1.0, 1.0]),
        {"points": tf.constant(CENTRES)},
    )


def after(text: str) -> Example:
    steps = [text_format.Parse(text, schema.PreprocessingStep())]
    return build_augmentations(steps)(example(), tf.constant([0, 1], tf.int64))


def test_points_are_mirrored_with_the_image():
    found = after("random_horizontal_flip { probability: 1 }").columns["points"]
    np.testing.assert_allclose(found[..., 0], CENTRES[..., 0])
    np.testing.assert_allclose(found[..., 1], 1 - CENTRES[..., 1], atol=1e-6)


def test_points_turn_with_the_image():
    found = after("random_rotation90 { probability: 1 }").columns["points"]
    np.testing.assert_allclose(found[..., 0], 1 - CENTRES[..., 1], atol=1e-6)
    np.testing.assert_allclose(found[..., 1], CENTRES[..., 0], atol=1e-6)


def test_points_keep_their_place_in_their_box_under_a_crop():
    for number in range(4):
        steps = [
            text_format.Parse(
                "random_crop_image { min_area: 0.5 clip_boxes: false overlap_thresh: 0.1 }",
                schema.PreprocessingStep(),
            )
        ]
        found = build_augmentations(steps)(example(), tf.constant([3, number], tf.int64))
        rows = found.classes.numpy()
        before, boxes = BOXES[rows], found.boxes.numpy()
        expected = (CENTRES[rows] - before[:, None, :2]) / (before[:, 2:] - before[:, :2])[:, None]
        shown = found.columns["points"].numpy() - boxes[:, None, :2]
        shown = shown / (boxes[:, 2:] - boxes[:, :2])[:, None]
        np.testing.assert_allclose(shown, expected, atol=1e-4)


def test_a_box_that_is_dropped_takes_its_points_with_it():
    moved = example()._replace(boxes=tf.constant(BOXES - [[1, 0, 1, 0], [0, 0, 0, 0]], tf.float32))
    np.testing.assert_array_equal(clipped(moved).columns["points"], CENTRES[1:])
    whole = record(boxes=BOXES, ids=[1, 2], columns={"points": CENTRES})
    kept = select_boxes(whole, np.array([False, True]))
    np.testing.assert_array_equal(kept.columns["points"], CENTRES[1:])


def batch_of(source, monkeypatch) -> GroundTruth:
    needs = Needs(annotations={"points": 2})
    monkeypatch.setattr(pipeline, "training_needs", lambda config: needs)
    config = text_format.Parse(
        "train_config { batch_size: 1 } train_input_reader { shuffle: false }",
        schema.TrainEvalPipelineConfig(),
    )
    size = text_format.Parse("fixed_shape_resizer { height: 20 width: 30 }", schema.ImageResizer())
    batches = pipeline.train_batches(config, source, build_resizer(size), seed=0, steps=1)
    return GroundTruth.from_batch(next(iter(batches))[1])


def test_a_batch_has_points_in_pixels_of_the_input(monkeypatch):
    source = ListSource([record(boxes=BOXES, ids=[1, 2], columns={"points": CENTRES})])
    found = batch_of(source, monkeypatch).column("points").numpy()
    assert found.shape == (1, 8, 2, 2)
    np.testing.assert_allclose(found[0, :2], CENTRES * [20, 30], atol=1e-5)
    assert not found[0, 2:].any()


def test_an_image_without_the_column_is_named(monkeypatch):
    source = ListSource([record("bare.png", boxes=BOXES, ids=[1, 2])])
    with pytest.raises(DataError, match=r"bare\.png: 1 image has no points"):
        batch_of(source, monkeypatch)


def test_a_column_that_does_not_exist_is_refused_by_name():
    needs = Needs(annotations={"maskes": 1})
    with pytest.raises(ConfigError, match='no column of annotation is called "maskes"') as caught:
        check_columns(ListSource([record()]), needs)
    assert 'Did you mean "masks"' in str(caught.value)
