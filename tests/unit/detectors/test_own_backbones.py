"""Networks from outside under every detector that takes one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from own_networks import small_network
from tiny import random_batch, tiny_config
from tiny_two_stage import tiny_two_stage

from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.detectors.build import build_detector

HEAD = """convolutional_box_predictor {
    kernel_size: 3 num_layers_before_predictor: 0 max_depth: 0 min_depth: 0
    conv_hyperparams { initializer { truncated_normal_initializer { stddev: 0.05 } } }
}"""


def one_stage(neck: str) -> schema.DetectionModel:
    model = tiny_config().model
    extractor = model.ssd.feature_extractor
    extractor.type = f"ssd_{neck}_keras"
    extractor.use_depthwise = False
    if neck == "bifpn":
        text_format.Merge(
            "bifpn { min_level: 3 max_level: 6 num_iterations: 1 num_filters: 16 }", extractor
        )
        model.ssd.anchor_generator.multiscale_anchor_generator.max_level = 6
    if neck == "extras":
        anchors = "ssd_anchor_generator { num_layers: 4 aspect_ratios: 1.0 }"
        model.ssd.anchor_generator.CopyFrom(text_format.Parse(anchors, schema.AnchorGenerator()))
        model.ssd.box_predictor.CopyFrom(text_format.Parse(HEAD, schema.BoxPredictor()))
        extractor.num_layers = 4
    return model


@pytest.mark.parametrize(
    ("neck", "cells"), [("fpn", [8, 4, 2]), ("bifpn", [8, 4, 2, 1]), ("extras", [4, 2, 1, 1])]
)
def test_every_neck_stands_on_a_network_from_outside(neck, cells):
    detector = build_detector(one_stage(neck), backbone=small_network())
    images, truth = random_batch()
    maps = detector.features(keras.ops.convert_to_tensor(images), training=False)
    assert [one.shape[1] for one in maps] == cells
    with tf.GradientTape() as tape:
        losses = detector.named_losses(images, truth, detector(images, training=True))
        loss = sum(losses.values())
    assert all(np.isfinite(float(loss)) for loss in losses.values())
    variables = [variable.value for variable in detector.trainable_variables]
    gradients = tape.gradient(loss, variables)
    # Nothing is without a gradient, and all are numbers.
    assert all(gradient is not None and np.isfinite(gradient).all() for gradient in gradients)
    assert sum(np.abs(gradient).max() > 0 for gradient in gradients) > 0.8 * len(gradients)
    assert len(variable_keys(detector)) == len({row.key for row in variable_keys(detector)})


@pytest.mark.parametrize("kind", ["faster_rcnn", "fast_rcnn"])
def test_two_stage_detectors_stand_on_a_network_from_outside(kind):
    model = tiny_two_stage("faster_rcnn_resnet50_fpn_keras")
    if kind == "fast_rcnn":
        model = as_fast_rcnn(model)
    detector = build_detector(model, backbone=small_network())
    images, truth = random_batch()
    maps = detector.features(keras.ops.convert_to_tensor(images), training=False)
    assert [one.shape[1] for one in maps] == [16, 8, 4, 2, 1]
    # Padding is the colour that the network sees as 0, and not black as in the original.
    assert detector.pad_value == detector.backbone.pad_value
    assert len(variable_keys(detector)) == len({row.key for row in variable_keys(detector)})
    if kind == "faster_rcnn":
        losses = detector.named_losses(images, truth, detector(images, training=True))
        assert all(np.isfinite(float(loss)) for loss in losses.values())


def as_fast_rcnn(model: schema.DetectionModel) -> schema.DetectionModel:
    changed = schema.DetectionModel()
    theirs = changed.fast_rcnn
    for field, value in model.faster_rcnn.ListFields():
        if field.name in theirs.DESCRIPTOR.fields_by_name:
            ours = getattr(theirs, field.name)
            ours.CopyFrom(value) if field.message_type else setattr(theirs, field.name, value)
    return changed


def test_black_stays_the_padding_of_networks_of_the_original():
    detector = build_detector(tiny_two_stage("faster_rcnn_mobilenet_v2_fpn_keras"))
    assert detector.pad_value == (0, 0, 0)
