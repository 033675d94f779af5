"""Multiply-adds by hand, and the figures that papers give for whole networks."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from detectune.summary.multiply_adds import multiply_adds
from detectune.summary.traced import steps_of_network

pytestmark = pytest.mark.usefixtures("no_values")


@pytest.mark.parametrize(
    ("layer", "inputs", "outputs", "count"),
    [
        (layers.Conv2D(8, 3), (1, 10, 10, 4), (1, 8, 8, 8), 8 * 8 * 8 * 3 * 3 * 4),
        (layers.Conv2D(8, 3, groups=2), (1, 10, 10, 4), (1, 8, 8, 8), 8 * 8 * 8 * 3 * 3 * 2),
        (layers.Conv2D(8, (1, 7)), (2, 10, 10, 4), (2, 10, 4, 8), 2 * 10 * 4 * 8 * 7 * 4),
        (layers.DepthwiseConv2D(3), (1, 10, 10, 4), (1, 8, 8, 4), 8 * 8 * 4 * 9),
        (
            layers.SeparableConv2D(6, 3, depth_multiplier=2),
            (1, 10, 10, 4),
            (1, 8, 8, 6),
            8 * 8 * (9 * 8 + 8 * 6),
        ),
        (layers.Conv2DTranspose(6, 2, strides=2), (1, 5, 5, 4), (1, 10, 10, 6), 25 * 4 * 4 * 6),
        (layers.Dense(7), (3, 5), (3, 7), 3 * 5 * 7),
        (layers.BatchNormalization(), (1, 8, 8, 4), (1, 8, 8, 4), 0),
        (layers.Activation("relu"), (1, 8, 8, 4), (1, 8, 8, 4), 0),
        (layers.MaxPooling2D(2), (1, 8, 8, 4), (1, 4, 4, 4), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else None,
)
def test_each_kind_of_layer_by_hand(layer, inputs, outputs, count):
    assert multiply_adds(layer, inputs, outputs) == count


@pytest.mark.parametrize(
    ("name", "side", "published", "tolerance"),
    [
        ("MobileNet", 224, 569e6, 0.01),  # Howard et al. 2017, table 8
        ("MobileNetV2", 224, 300e6, 0.01),  # Sandler et al. 2018, table 4
        ("ResNet50", 224, 3.8e9, 0.02),  # He et al. 2016, table 1
        ("EfficientNetB0", 224, 0.39e9, 0.02),  # Tan and Le 2019, table 2
        ("VGG16", 224, 15.5e9, 0.01),
    ],
)
def test_whole_networks_cost_what_their_papers_say(name, side, published, tolerance):
    network = getattr(keras.applications, name)(weights=None)
    steps = steps_of_network(network, (side, side))
    assert sum(step.multiply_adds for step in steps) == pytest.approx(published, rel=tolerance)
    counted = sum(1 for layer in network.layers)
    assert len(steps) == counted
