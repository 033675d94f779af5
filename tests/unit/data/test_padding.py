"""Training has one input size where the resizer leaves images their own."""

import pytest
import tensorflow as tf
import toy_augmentation  # noqa: F401
from data_sets import ListSource, picture, record
from google.protobuf import text_format

from detectune.config import schema
from detectune.data.padding import padded_to_one_size, padded_to_square
from detectune.data.pipeline import train_batches
from detectune.data.resizers import build_resizer
from detectune.errors import ConfigError

KEEP = "keep_aspect_ratio_resizer { min_dimension: 20 max_dimension: 36 }"


def resizer(text: str):
    return build_resizer(text_format.Parse(text, schema.ImageResizer()), (1.0, 2.0, 3.0))


def source(*sizes: tuple[int, int]) -> ListSource:
    return ListSource([record(image=picture(w, h), height=h, width=w) for h, w in sizes])


def steps(text: str) -> list[schema.PreprocessingStep]:
    return [text_format.Parse(text, schema.PreprocessingStep())]


def test_the_frame_holds_every_image_and_no_more():
    data = source((40, 60), (40, 50))
    assert padded_to_one_size(resizer(KEEP), data).output_size == (20, 30)
    assert padded_to_one_size(resizer(KEEP), source((40, 60), (60, 40))).output_size == (30, 30)
    fixed = resizer("fixed_shape_resizer { height: 20 width: 30 }")
    assert padded_to_one_size(fixed, data) is fixed


def test_augmentations_that_change_the_shape_make_a_square_of_the_longest_side():
    data = source((40, 60))
    assert padded_to_one_size(resizer(KEEP), data, steps("random_crop_image { }")).output_size == (
        36,
        36,
    )
    unknown = steps("[toy_augmentation.blink] { }")  # of another package: it may do anything
    assert padded_to_one_size(resizer(KEEP), data, unknown).output_size == (36, 36)
    flip = steps("random_horizontal_flip { }")
    assert padded_to_one_size(resizer(KEEP), data, flip).output_size == (20, 30)


def test_every_batch_has_the_size_of_the_frame_and_tells_that_of_the_picture():
    config = text_format.Parse("batch_size: 1", schema.TrainConfig())
    whole = schema.TrainEvalPipelineConfig(train_config=config)
    whole.train_input_reader.shuffle = False
    data = source((40, 60), (60, 40))
    frame = padded_to_one_size(resizer(KEEP), data)
    batches = train_batches(whole, data, frame, seed=0, steps=2)
    assert batches.element_spec[0]["images"].shape == (1, 30, 30, 3)
    inputs, truths = zip(*batches, strict=True)
    images = [one["images"] for one in inputs]
    assert [truth["sizes"].numpy().tolist() for truth in truths] == [[[20, 30]], [[30, 20]]]
    assert images[0][0, 25, 5].numpy().tolist() == [1, 2, 3]
    assert images[1][0, 5, 25].numpy().tolist() == [1, 2, 3]


def test_an_image_larger_than_annotated_is_made_to_fit():
    frame = padded_to_one_size(resizer(KEEP), source((40, 60)))
    image, size = frame(tf.zeros([80, 40, 3], tf.uint8))
    assert image.shape == (20, 30, 3)
    assert size.numpy().tolist() == [20, 18]


def test_images_without_a_greatest_size_are_refused():
    identity = resizer("identity_resizer { }")
    assert padded_to_one_size(identity, source((40, 60))).output_size == (40, 60)
    with pytest.raises(ConfigError, match="images keep sizes of their own"):
        padded_to_one_size(identity, source((40, 60)), steps("random_pad_image { }"))
    assert padded_to_square(identity) is identity
    assert padded_to_square(resizer(KEEP)).output_size == (36, 36)
