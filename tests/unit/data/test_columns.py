"""A column of annotation moves with the pixels, and is selected and padded with its boxes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from data_sets import ListSource, picture, record
from google.protobuf import text_format
from three_parts import three_parts

from detectune.config import schema
from detectune.config.label_map import LabelMap
from detectune.config.needs import Needs
from detectune.data import pipeline
from detectune.data.augment.chain import build_augmentations
from detectune.data.augment.example import Example, clipped
from detectune.data.columns.base import Column, check_columns, columns, stored
from detectune.data.pictures import draw_truth
from detectune.data.resizers import build_resizer
from detectune.data.sources.folder import Annotated, FolderSource
from detectune.data.sources.record import select_boxes
from detectune.errors import ConfigError, DataError
from detectune.structures import GroundTruth

CENTRES = np.array([[[0.25, 0.25], [0.1, 0.4]], [[0.75, 0.5], [0.6, 0.9]]], np.float32)
LABELS = LabelMap.from_names(["cat"])
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


@pytest.fixture
def free_points(monkeypatch):
    """As many points per object as the detector reads."""
    column = Column(np.float32, ("size", 2), stored("points"), moves="points")
    monkeypatch.setitem(columns._parts, "points", column)


def test_the_size_that_is_needed_is_the_shape_of_a_batch(free_points, monkeypatch):
    bare = record("bare.png", columns={"points": np.zeros((0, 0, 2))})
    whole = record(boxes=BOXES, ids=[1, 2], columns={"points": CENTRES})
    needs = Needs(annotations={"points": 2})
    monkeypatch.setattr(pipeline, "training_needs", lambda config: needs)
    config = text_format.Parse(
        "train_config { batch_size: 2 data_augmentation_options { random_horizontal_flip { } } } "
        "train_input_reader { shuffle: false }",
        schema.TrainEvalPipelineConfig(),
    )
    size = text_format.Parse("fixed_shape_resizer { height: 20 width: 30 }", schema.ImageResizer())
    source = ListSource([whole, bare])
    batches = pipeline.train_batches(config, source, build_resizer(size), seed=0, steps=1)
    assert batches.element_spec[1]["points"].shape == (2, 8, 2, 2)
    found = GroundTruth.from_batch(next(iter(batches))[1]).column("points").numpy()
    np.testing.assert_allclose(found[0, :2, :, 0], CENTRES[..., 0] * 20, atol=1e-5)
    assert not found[1].any()


def test_another_number_of_points_is_refused_before_long_work(free_points):
    source = ListSource([record("cat.png", boxes=BOXES, ids=[1, 2], columns={"points": CENTRES})])
    check_columns(source, Needs(annotations={"points": 2}))
    with pytest.raises(DataError) as caught:
        check_columns(source, Needs(annotations={"points": 17}))
    three_parts(str(caught.value))
    assert str(caught.value).startswith("cat.png: points of an object has the shape (2, 2).")
    assert "(17, 2)" in str(caught.value)


@pytest.mark.parametrize("in_fractions", [False, True])
def test_a_reader_leaves_points_in_the_unit_of_its_boxes(in_fractions, tmp_path):
    (tmp_path / "cat.png").write_bytes(picture(width=60, height=40))
    scale = np.array([1, 1] if in_fractions else [40, 60])
    row = Annotated(
        tmp_path / "cat.png",
        "cat.xml",
        height=0,  # the annotation does not say it, the image does
        width=0,
        names=("cat", "cat"),
        boxes=BOXES * np.tile(scale, 2),
        columns={"points": CENTRES * scale, "certainty": np.array([0.5, 1.0])},
        in_fractions=in_fractions,
    )
    found = FolderSource("list", [row], None).annotation(0)
    np.testing.assert_allclose(found.boxes, BOXES, atol=1e-6)
    np.testing.assert_allclose(found.columns["points"], CENTRES, atol=1e-6)
    np.testing.assert_array_equal(found.columns["certainty"], [0.5, 1.0])


def test_a_preview_shows_points_where_they_are():
    grey = np.full((100, 200, 3), 90, np.uint8)
    where = np.array([[[0.5, 0.25], [np.nan, np.nan]]], np.float32)
    nowhere = np.zeros((1, 4), np.float32)
    shown = np.asarray(draw_truth(grey, nowhere, np.array([1]), LABELS, 200, points=where))
    without = np.asarray(draw_truth(grey, nowhere, np.array([1]), LABELS, 200))
    rows, places = np.nonzero((shown != without).any(axis=-1))
    assert (rows.mean(), places.mean()) == pytest.approx((50, 50), abs=1)
    assert rows.max() - rows.min() < 12
