"""`box_predictor { … }`: which kernels, biases and conversions each field asks for.

Parity: expected values stand in builders/hyperparams_builder.py, builders/box_predictor_builder.py
and predictors/ of the original.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.detectors.builders.head import convolutional_head
from detectune.errors import ConfigError

SHAPES = [(None, None, None, 8), (None, None, None, 8)]
FEATURES = [np.full((1, 2, 2, 8), 0.5, np.float32), np.full((1, 1, 1, 8), 0.5, np.float32)]
STYLE = (
    "conv_hyperparams {{ regularizer {{ l2_regularizer {{ weight: 0.1 }} }} "
    "initializer {{ truncated_normal_initializer {{ stddev: 0.1 }} }} {} }}"
)
SHARED = "weight_shared_convolutional_box_predictor { num_layers_before_predictor: 1 depth: 4 "
PLAIN = "convolutional_box_predictor { kernel_size: 3 "


def head(text: str, style: str = "batch_norm { }", *, tf1: bool = False, counts=(1, 1)) -> Any:
    config = text_format.Parse(f"{text} {STYLE.format(style)} }}", schema.BoxPredictor())
    made: Any = convolutional_head(
        config, num_outputs=3, code_size=4, per_location=list(counts),
        freeze_batch_norm=False, tf1=tf1,
    )  # fmt: skip
    made.build(SHAPES)
    return made


@pytest.mark.parametrize(
    ("style", "plain", "shared"),
    [
        ("batch_norm { }", False, False),
        ("", True, True),
        ("batch_norm { } force_use_bias: true", True, True),
        # Here the two predictors differ.
        ("batch_norm { center: false }", True, False),
    ],
)
def test_a_convolution_has_a_bias_where_the_original_has_one(style, plain, shared):
    separable = head(f"{PLAIN} use_depthwise: true num_layers_before_predictor: 1 max_depth: 8",
                     style)  # fmt: skip
    assert separable.shared[0][0].use_bias is plain
    assert separable.box_layers[0][0].use_bias is plain
    assert separable.box_layers[0][-1].use_bias is True
    tower = head(SHARED, style)
    assert tower.box_convs[0].use_bias is shared
    assert tower.box_predictor.use_bias is True


def test_tf_slim_had_no_bias_before_any_batch_norm():
    made = head(f"{PLAIN} use_depthwise: true", "batch_norm { center: false }", tf1=True)
    assert made.box_layers[0][0].use_bias is False


@pytest.mark.parametrize(
    ("field", "tower", "predictor"),
    [
        ("", (True, False), (False, False)),
        ("apply_conv_hyperparams_pointwise: true", (True, True), (False, False)),
        ("apply_conv_hyperparams_to_heads: true", (True, False), (True, True)),
    ],
)
def test_which_separable_kernels_are_regularized(field, tower, predictor):
    made = head(f"{SHARED} use_depthwise: true {field}")

    def regularized(layer):
        return (layer.depthwise_regularizer is not None, layer.pointwise_regularizer is not None)

    assert regularized(made.box_convs[0]) == regularized(made.class_convs[0]) == tower
    assert regularized(made.box_predictor) == regularized(made.class_predictor) == predictor


def probabilities(made, training: bool) -> bool:
    """Whether the logits of `made`, which are all −2, come out as probabilities."""
    logits = np.asarray(made(FEATURES, training=training).class_logits)
    expected = float(keras.ops.sigmoid(-2.0))
    assert np.allclose(logits, expected) or np.allclose(logits, -2.0)
    return bool(np.allclose(logits, expected))


@pytest.mark.parametrize(
    ("text", "tf1", "inference", "training"),
    [
        (f"{SHARED} score_converter: SIGMOID", False, True, False),
        (f"{SHARED} score_converter: SIGMOID", True, True, False),
        (f"{SHARED} score_converter: IDENTITY", False, False, False),
        # The Keras form never reads the field.
        (f"{PLAIN} apply_sigmoid_to_scores: true", False, False, False),
        (f"{PLAIN} apply_sigmoid_to_scores: true", True, True, True),
    ],
)
def test_when_scores_are_converted_in_the_head(text, tf1, inference, training):
    made = head(f"{text} class_prediction_bias_init: -2.0", tf1=tf1)
    for layer in made._flatten_layers():
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(keras.ops.zeros_like(layer.kernel))
    assert probabilities(made, training=False) is inference
    assert probabilities(made, training=True) is training


def test_box_codes_are_clipped():
    made = head(f"{SHARED} box_encodings_clip_range {{ min: -0.25 max: 0.5 }}")
    made.box_predictor.bias.assign([-9.0, 9.0, -9.0, 9.0])
    codes = np.asarray(made(FEATURES).box_codes)
    np.testing.assert_array_equal(codes[0, 0], [-0.25, 0.5, -0.25, 0.5])


def test_shared_convolutions_need_as_many_anchors_everywhere():
    with pytest.raises(ConfigError, match="3, 6 anchors at each place"):
        head(SHARED, counts=(3, 6))


def test_a_field_that_the_keras_form_never_reads_is_warned_of_in_a_config():
    from detectune.config.warnings import warnings

    config = schema.TrainEvalPipelineConfig()
    config.model.ssd.feature_extractor.type = "ssd_mobilenet_v2_keras"
    head = config.model.ssd.box_predictor.convolutional_box_predictor
    head.apply_sigmoid_to_scores = True
    field = "model.ssd.box_predictor.convolutional_box_predictor.apply_sigmoid_to_scores"
    assert field in {problem.field for problem in warnings(config)}
    config.model.ssd.feature_extractor.type = "ssd_mobilenet_v2"
    assert field not in {problem.field for problem in warnings(config)}
