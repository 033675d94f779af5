"""Resizers equal the original's recorded output, and pad with the colour they are given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from shared import shared_folder

from detectune.config import schema
from detectune.data.resizers import build_resizer
from detectune.errors import ConfigError

GOLDENS = Path(__file__).parents[2] / "parity" / "goldens"
# image_resizers.npz: the original's answers for one 100 x 80 image, 150 pixels of each result,
# drawn as in the test below from the recorded whole arrays.
CASES = json.loads((GOLDENS / "image_resizers.json").read_text())


def resizer(text: str, **more):
    return build_resizer(text_format.Parse(text, schema.ImageResizer()), **more)


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_equals_the_original(name):
    arrays = np.load(GOLDENS / "image_resizers.npz")
    case = CASES[name]
    built = resizer(case["proto"])
    image, size = built(arrays["image"].astype(np.float32))
    assert list(image.shape) == case["shape"]
    assert size.numpy().tolist() == case["true_size"]
    assert built.channels == case["shape"][-1]
    chosen = np.random.default_rng(0).integers(0, image.numpy().size, 150)
    # The same kernels, so only the padding's subtract-and-add rounds: 4e-6 measured.
    np.testing.assert_allclose(image.numpy().ravel()[chosen], arrays[name], atol=1e-4)


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["wide", "tall"])
def test_equals_the_original_in_every_pixel(kind):
    folder = shared_folder() / "oracle" / "components"
    arrays = np.load(folder / "image_resizers.npz")
    cases = json.loads((folder / "image_resizers.json").read_text())["cases"]
    names = [name for name in cases if name.endswith(f"/{kind}")]
    assert len(names) == 16
    for name in names:
        image, size = resizer(cases[name]["args"]["proto"])(
            arrays[f"fixed/{kind}/in/image"].astype(np.float32)
        )
        np.testing.assert_allclose(image, arrays[f"{name}/out/image"], atol=1e-4, err_msg=name)
        np.testing.assert_array_equal(size, arrays[f"{name}/out/shape"][:2], err_msg=name)


def test_the_output_size_is_known_where_it_is_fixed():
    fixed = resizer("fixed_shape_resizer { height: 32 width: 48 }")
    padded = resizer(
        "keep_aspect_ratio_resizer { min_dimension: 32 max_dimension: 64 "
        "pad_to_max_dimension: true }"
    )
    free = resizer("keep_aspect_ratio_resizer { min_dimension: 32 max_dimension: 64 }")
    assert fixed.output_size == (32, 48)
    assert padded.output_size == (64, 64)
    assert free.output_size == (None, None)


def test_padding_has_the_given_value_and_the_picture_is_untouched():
    text = (
        "keep_aspect_ratio_resizer { min_dimension: 8 max_dimension: 8 pad_to_max_dimension: true }"
    )
    image, size = resizer(text, pad_value=(10.0, 20.0, 30.0))(tf.fill([4, 8, 3], 200.0))
    assert size.numpy().tolist() == [4, 8]
    np.testing.assert_allclose(image[:4], 200.0)
    np.testing.assert_allclose(image[4:], np.broadcast_to([10.0, 20.0, 30.0], (4, 8, 3)))


def test_an_explicit_pad_value_wins_over_the_config():
    text = (
        "keep_aspect_ratio_resizer { min_dimension: 8 max_dimension: 8 pad_to_max_dimension: true "
        "per_channel_pad_value: [1, 2, 3] }"
    )
    assert resizer(text).pad_value == (1.0, 2.0, 3.0)
    assert resizer(text, pad_value=(7.0, 8.0, 9.0)).pad_value == (7.0, 8.0, 9.0)


def test_a_very_thin_image_keeps_one_pixel():
    text = (
        "keep_aspect_ratio_resizer { min_dimension: 8 max_dimension: 8 pad_to_max_dimension: true }"
    )
    _, size = resizer(text)(tf.fill([1, 100, 3], 5.0))
    assert size.numpy().tolist() == [1, 8]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no resizer is named"),
        ("fixed_shape_resizer { height: 0 }", "height is 0"),
        ("keep_aspect_ratio_resizer { min_dimension: 9 max_dimension: 8 }", "min_dimension is 9"),
        ("keep_aspect_ratio_resizer { per_channel_pad_value: 1 }", "per_channel_pad_value is"),
        ("conditional_shape_resizer { condition: INVALID }", "condition is INVALID"),
        ("pad_to_multiple_resizer { multiple: 0 }", "multiple is 0"),
    ],
)
def test_a_wrong_config_is_refused(text, found):
    with pytest.raises(ConfigError) as caught:
        resizer(text)
    assert found in str(caught.value)
    assert str(caught.value).count("\n") == 2
