"""Calibration: what it does to scores, and configs that make no function."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format
from three_parts import three_parts

from detectune.config import schema
from detectune.detectors.builders.post_processing import calibration, score_converter
from detectune.errors import ConfigError

SCORES = np.array([[[0.0, 0.1, 0.5], [0.4, 0.7, 1.0]]], np.float32)


def made(text, **kwargs):
    return calibration(text_format.Parse(text, schema.CalibrationConfig()), **kwargs)


def test_points_are_joined_by_lines():
    points = ((0.1, 0.0), (0.5, 0.2), (0.9, 1.0))
    pairs = "".join(f"x_y_pair {{ x: {x} y: {y} }}" for x, y in points)
    found = made(f"function_approximation {{ x_y_pairs {{ {pairs} }} }}")(SCORES)
    expected = np.interp(SCORES, *zip(*points, strict=True))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_classes_have_points_of_their_own_by_their_id():
    pairs = "x_y_pair { x: 0 y: 0 } x_y_pair { x: 1 y: 0.5 }"
    text = (
        "class_id_function_approximations { class_id_xy_pairs_map { "
        f"key: 2 value {{ {pairs} }} }} }}"
    )
    with_background = np.asarray(made(text)(SCORES))
    np.testing.assert_allclose(with_background, SCORES * [1, 1, 0.5], atol=1e-6)
    without = np.asarray(made(text, first_id=1)(SCORES))
    np.testing.assert_allclose(without, SCORES * [1, 0.5, 1], atol=1e-6)


def test_a_sigmoid_of_the_logit():
    same = made("sigmoid_calibration { sigmoid_parameters { } }")(SCORES)
    np.testing.assert_allclose(same, SCORES, atol=1e-6)
    shifted = made("sigmoid_calibration { sigmoid_parameters { a: -2 b: 1 } }")(SCORES[..., 1:2])
    logit = np.log(SCORES[..., 1:2] / (1 - SCORES[..., 1:2]))
    np.testing.assert_allclose(shifted, 1 / (1 + np.exp(-2 * logit + 1)), rtol=1e-4)
    text = (
        "class_id_sigmoid_calibrations { class_id_sigmoid_parameters_map { "
        "key: 1 value { a: -1 b: 50 } } }"
    )
    per_class = np.asarray(made(text)(SCORES))
    assert per_class[..., 1].max() < 1e-6
    np.testing.assert_allclose(per_class[..., 2], SCORES[..., 2])


def test_the_converter_calibrates_what_it_converts():
    config = text_format.Parse(
        "score_converter: IDENTITY logit_scale: 2 "
        "calibration_config { temperature_scaling_calibration { scaler: 4 } }",
        schema.PostProcessing(),
    )
    np.testing.assert_allclose(score_converter(config)(SCORES), SCORES / 8)


def test_a_block_without_a_calibration_is_refused():
    with pytest.raises(ConfigError, match="nothing is chosen") as caught:
        made("")
    three_parts(caught.value)
