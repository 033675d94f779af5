"""The same seed gives the same batches from any step on, and what is wrong is said by name."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import tensorflow as tf
from data_sets import ListSource, picture, record, write_csv, write_voc
from google.protobuf import text_format

from detectune.config import schema
from detectune.data.check import check_source
from detectune.data.pipeline import (
    batch_file_names,
    boxes_per_image,
    eval_batches,
    train_batches,
)
from detectune.data.readers import open_reader
from detectune.data.resizers import build_resizer
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, DataError
from detectune.structures import GroundTruth

FIXED = "fixed_shape_resizer { height: 20 width: 30 }"
KEEP = "keep_aspect_ratio_resizer { min_dimension: 20 max_dimension: 30 }"


def resizer(text: str = FIXED, **more):
    return build_resizer(text_format.Parse(text, schema.ImageResizer()), **more)


def config(train: str = "batch_size: 2", reader: str = "") -> schema.TrainEvalPipelineConfig:
    text = f"train_config {{ {train} }} train_input_reader {{ {reader} }}"
    return text_format.Parse(text, schema.TrainEvalPipelineConfig())


AUGMENTED = (
    "batch_size: 3 data_augmentation_options { random_horizontal_flip { } } "
    "data_augmentation_options { ssd_random_crop { } } "
    "data_augmentation_options { random_adjust_hue { } }"
)


def shades(count: int) -> ListSource:
    """`count` images that differ in their grey."""
    return ListSource([record(f"{i}.png", image=picture(shade=10 * i)) for i in range(count)])


def first(batches) -> tuple[tf.Tensor, GroundTruth]:
    """Images and ground truth of the first batch."""
    inputs, truth = next(iter(batches))
    return inputs["images"], GroundTruth.from_batch(truth)


def equal(one, other) -> bool:
    pairs = zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_batch_has_pixels_boxes_and_padding():
    source = ListSource(
        [record(boxes=[[0.1, 0.2, 0.5, 0.8], [0, 0, 1, 1]], ids=[2, 1], weights=[0.5, 1])]
    )
    images, truth = first(train_batches(config(), source, resizer(), seed=0, steps=1))
    assert images.shape == (2, 20, 30, 3)
    assert images.dtype == tf.float32
    np.testing.assert_allclose(images, 40.0)
    assert truth.boxes.shape == (2, 8, 4)
    np.testing.assert_allclose(truth.boxes[0, :2], [[2, 6, 10, 24], [0, 0, 20, 30]], atol=1e-5)
    np.testing.assert_array_equal(truth.boxes[0, 2:], np.zeros((6, 4)))
    assert truth.classes[0].numpy().tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert truth.valid[0].numpy().tolist() == [True, True] + [False] * 6
    assert truth.weights[0].numpy().tolist() == [0.5, 1] + [0] * 6
    assert truth.sizes.numpy().tolist() == [[20, 30], [20, 30]]


def test_crowds_and_groups_weigh_nothing():
    boxes = [[0, 0, 0.5, 0.5]] * 3
    source = ListSource(
        [record(boxes=boxes, ids=[1, 1, 2], is_crowd=[0, 1, 0], group_of=[0, 0, 1])]
    )
    _, truth = first(train_batches(config(), source, resizer(), seed=0, steps=1))
    assert truth.weights[0, :3].numpy().tolist() == [1, 0, 0]
    assert truth.valid[0, :3].numpy().tolist() == [True] * 3


def test_an_image_without_objects_is_trained_on():
    source = ListSource([record(boxes=[], ids=[])])
    _, truth = first(train_batches(config(AUGMENTED), source, resizer(), seed=0, steps=1))
    assert not truth.valid.numpy().any()


def test_a_run_goes_on_at_any_step_with_the_same_batches():
    source = shades(7)
    whole = list(train_batches(config(AUGMENTED), source, resizer(), seed=5, steps=6))
    rest = list(train_batches(config(AUGMENTED), source, resizer(), seed=5, start_step=4, steps=2))
    assert len(whole) == 6
    assert all(equal(a, b) for a, b in zip(whole[4:], rest, strict=True))


def test_another_seed_gives_other_batches():
    one, other = (
        first(train_batches(config(AUGMENTED), shades(7), resizer(), seed=s, steps=1))
        for s in (1, 2)
    )
    assert not equal(one, other)


def test_each_epoch_has_every_image_once_in_an_order_of_its_own():
    source, options = shades(6), config()
    names = [n for step in range(6) for n in batch_file_names(source, options, 3, step)]
    first, second = names[:6], names[6:]
    assert sorted(first) == sorted(second) == [f"{i}.png" for i in range(6)]
    assert first != second


def test_named_images_are_those_in_the_batch():
    source, options = shades(9), config("batch_size: 4")
    batches = train_batches(options, source, resizer(), seed=2, steps=4)
    for step, (inputs, _) in enumerate(batches):
        expected = [f"{round(float(image[0, 0, 0]) / 10)}.png" for image in inputs["images"]]
        assert batch_file_names(source, options, 2, step) == expected


def test_without_shuffle_the_order_is_that_of_the_source():
    names = batch_file_names(shades(3), config(reader="shuffle: false"), 0, 1)
    assert names == ["2.png", "0.png"]


def test_without_steps_the_batches_never_end():
    dataset = train_batches(config(), shades(2), resizer(), seed=0)
    assert dataset.cardinality().numpy() == tf.data.INFINITE_CARDINALITY
    assert len(list(dataset.take(5))) == 5


def test_no_box_is_dropped_and_too_many_are_told(caplog):
    source = ListSource([record(boxes=[[0, 0, 1, 1]] * 11, ids=[1] * 11)])
    options = config(reader="max_number_of_boxes: 10")
    with caplog.at_level(logging.WARNING, "detectune"):
        _, truth = first(train_batches(options, source, resizer(), seed=0))
    assert boxes_per_image(source) == 16
    assert int(truth.valid[0].numpy().sum()) == 11
    assert "has 11 boxes, more than max_number_of_boxes (10); all are used" in caplog.text


def test_images_of_different_size_are_padded_to_the_largest_with_the_given_colour():
    source = ListSource(
        [
            record(image=picture(60, 40), height=40, width=60),
            record(image=picture(40, 60), height=60, width=40),
        ]
    )
    built = resizer(KEEP, pad_value=(1.0, 2.0, 3.0))
    batch = next(iter(eval_batches(source, built, batch_size=2)))
    assert batch.images.shape == (2, 30, 30, 3)
    assert batch.sizes.numpy().tolist() == [[20, 30], [30, 20]]
    np.testing.assert_allclose(batch.images[0, 20:], np.broadcast_to([1, 2, 3], (10, 30, 3)))
    np.testing.assert_allclose(batch.images[0, :20], 40)
    np.testing.assert_allclose(batch.images[1, :, 20:], np.broadcast_to([1, 2, 3], (30, 10, 3)))
    options = config(reader="shuffle: false")
    images, truth = first(train_batches(options, source, built, seed=0, steps=1))
    np.testing.assert_allclose(images, batch.images)
    np.testing.assert_allclose(truth.boxes[:, 0], [[2, 3, 10, 15], [3, 2, 15, 10]], atol=1e-5)
    assert truth.sizes.dtype == tf.float32
    assert truth.sizes.numpy().tolist() == [[20, 30], [30, 20]]


def test_the_size_of_the_picture_is_told_where_it_is_padded_to_a_fixed_size():
    padded = resizer("keep_aspect_ratio_resizer { min_dimension: 20 max_dimension: 30 "
                     "pad_to_max_dimension: true }")  # fmt: skip
    images, truth = first(train_batches(config(), shades(2), padded, seed=0, steps=1))
    assert images.shape == (2, 30, 30, 3)
    assert truth.sizes.numpy().tolist() == [[20, 30], [20, 30]]


def test_eval_batches_give_every_image_once_in_order():
    batches = list(eval_batches(shades(5), resizer(), batch_size=2))
    assert [b.indices.numpy().tolist() for b in batches] == [[0, 1], [2, 3], [4]]
    assert batches[0].original_sizes.numpy().tolist() == [[40, 60], [40, 60]]
    assert len(list(eval_batches(shades(5), resizer(), batch_size=2, limit=3))) == 2
    assert len(list(eval_batches(shades(5), resizer(), batch_size=2, drop_remainder=True))) == 2


@pytest.mark.parametrize(
    ("kind", "mode", "tolerance"),
    [
        ("PNG", "L", 0),
        ("PNG", "RGBA", 0),
        ("PNG", "P", 0),
        ("PNG", "1", None),
        ("PNG", "I;16", None),
        ("JPEG", "L", 2),
        ("JPEG", "CMYK", 4),
        ("GIF", "P", 0),
        ("BMP", "RGB", 0),
        ("BMP", "L", 0),
        ("WEBP", "RGB", 4),
        ("TIFF", "RGB", 0),
    ],
)
def test_every_kind_of_image_becomes_rgb(kind, mode, tolerance):
    # The name says .jpg whatever it is: the content decides.
    source = ListSource([record("a.jpg", image=picture(kind=kind, mode=mode, shade=102))])
    check_source(source)
    images = next(iter(eval_batches(source, resizer(), batch_size=1))).images
    assert images.shape == (1, 20, 30, 3)
    if tolerance is not None:
        np.testing.assert_allclose(images, 102, atol=tolerance)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_was_annotated_turned_is_turned(orientation):
    # Stored 60 x 40 with red at the top left; annotated as people saw it, 40 x 60.
    data = picture(60, 40, "PNG", orientation=orientation, box=(0, 0, 10, 20))
    swapped = orientation >= 5
    size = {"height": 60, "width": 40} if swapped else {"height": 40, "width": 60}
    source = ListSource([record(image=data, **size)])
    keep = resizer("identity_resizer { }")
    image = next(iter(eval_batches(source, keep, batch_size=1))).images[0].numpy()
    # Orientations 2 to 4 keep the size, so nothing says that they were applied: as stored.
    corner = {5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}.get(orientation, (0, 0))
    assert image.shape == ((60, 40, 3) if swapped else (40, 60, 3))
    assert image[corner].tolist() == [250, 0, 0]
    others = {(0, 0), (0, -1), (-1, 0), (-1, -1)} - {corner}
    assert all(image[other].tolist() == [40, 40, 40] for other in others)


def test_a_picture_that_was_annotated_as_stored_is_not_turned():
    source = ListSource([record(image=picture(60, 40, "JPEG", orientation=6))])
    batch = next(iter(eval_batches(source, resizer(), batch_size=1)))
    assert batch.original_sizes.numpy().tolist() == [[40, 60]]


def test_where_most_images_are_damaged_all_are_named_before_training_starts(tmp_path):
    whole = picture(kind="JPEG")
    images = {
        "cut.jpg": whole[:-20],
        "empty.jpg": b"",
        "text.jpg": b"<html>not found</html>",
        "fine.jpg": whole,
        "cut.png": picture(200, 200)[:-30],
    }
    lines = [f"{name},60,40,cat,6,4,30,20" for name in images]
    source = open_source(str(write_csv(tmp_path, lines, images)))
    with pytest.raises(DataError) as caught:
        train_batches(config(), source, resizer(), seed=0)
    message = str(caught.value)
    assert "4 of 5 images cannot be read" in message
    for place in ("cut.jpg: it is cut off", "empty.jpg: it is empty", "text.jpg: it is not an"):
        assert place in message
    assert "fine.jpg" not in message


def test_repairs_are_told_once(tmp_path, caplog):
    lines = ["a.png,60,40,cat,-6,4,30,20", "a.png,60,40,cat,5,5,5,9"]
    source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
    with caplog.at_level(logging.WARNING, "detectune"):
        train_batches(config(), source, resizer(), seed=0)
    told = [message.split(": ")[-1] for message in caplog.messages]
    assert told == [
        "1 box reaching out of the image, clipped to it.",
        "1 box without area, left out.",
    ]


def test_an_empty_source_is_refused():
    for dataset in (
        lambda: train_batches(config(), ListSource([]), resizer(), seed=0),
        lambda: eval_batches(ListSource([]), resizer(), batch_size=1),
    ):
        with pytest.raises(DataError, match="there is no image"):
            dataset()


class TestOpenReader:
    def read(self, text):
        return open_reader(text_format.Parse(text, schema.InputReader()), "train_input_reader")

    def test_a_source_of_any_format(self, tmp_path):
        root = write_voc(tmp_path / "v")
        assert len(self.read(f'source: "{root}"')) == 3
        assert len(self.read(f'tf_record_input_reader {{ input_path: "voc:{root}" }}')) == 3

    def test_one_of_n_examples(self, tmp_path):
        source = self.read(f'source: "{write_voc(tmp_path / "v")}" sample_1_of_n_examples: 2')
        assert [r.file_name for r in source] == ["a.jpg", "c.jpg"]

    def test_the_label_map_is_used(self, tmp_path):
        (tmp_path / "map.pbtxt").write_text('item { id: 4 name: "cat" } item { id: 6 name: "dog" }')
        root = write_voc(tmp_path / "v")
        source = self.read(f'source: "{root}" label_map_path: "{tmp_path}/map.pbtxt"')
        assert source[0].class_ids.tolist() == [4, 4, 6]

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", "train_input_reader: it names no data"),
            ('source: "x" input_type: TF_SEQUENCE_EXAMPLE', "TF_SEQUENCE_EXAMPLE"),
            ('source: "x" num_additional_channels: 1', "num_additional_channels"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, text, found):
        with pytest.raises(ConfigError, match=found):
            self.read(text)
