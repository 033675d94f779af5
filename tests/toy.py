"""A detector of another package: it has no name map, and layers wherever Python can hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from detectune.detectors.base import Detector
from detectune.structures import Array, GroundTruth, PaddedDetections

SIDE = 16


class ToyDetector(Detector):
    """One box and one class for an image."""

    loss_names = ("classification_loss",)

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__(num_classes=num_classes, pad_value=(0.0, 0.0, 0.0), name="toy")
        inputs = keras.Input((SIDE, SIDE, 3))
        maps = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(inputs)
        maps = keras.layers.BatchNormalization()(maps)
        maps = keras.layers.DepthwiseConv2D(3, activation="relu")(maps)
        self.backbone = keras.Model(inputs, maps)
        self.towers = [[keras.layers.Dense(5)], [keras.layers.Dense(6)]]
        self.outputs_of = {
            "boxes": keras.layers.Dense(4),
            "classes": keras.layers.Dense(num_classes),
        }
        self.twice = self.outputs_of["boxes"]
        self.sharpness = self.add_weight(shape=(), initializer="ones")
        self(np.zeros((1, SIDE, SIDE, 3), np.float32))

    def features(self, images: Array, training: bool = False) -> list[Array]:
        return [self.backbone(images / 255.0, training=training)]

    def heads(self, inputs: Any, maps: Sequence[Array], training: bool = False) -> Any:
        features = ops.mean(maps[0], axis=(1, 2))
        for tower in self.towers:
            features = tower[0](features)
        logits = self.outputs_of["classes"](features)
        return self.outputs_of["boxes"](features), logits * self.sharpness

    def named_losses(
        self, inputs: Any, truth: GroundTruth, out: Any, *, training: bool = True
    ) -> dict[str, Array]:
        wanted = ops.one_hot(truth.classes[:, 0], self.num_classes)
        boxes = ops.mean(ops.square(out[0]))
        return {"classification_loss": ops.mean(ops.square(out[1] - wanted)) + boxes}

    def postprocess(self, inputs: Any, out: Any, sizes: Array) -> PaddedDetections:
        boxes, scores = out[0][:, None], ops.sigmoid(out[1])[:, None]
        classes = ops.argmax(scores, axis=-1)
        valid = ops.ones_like(classes, dtype="bool")
        return PaddedDetections(boxes, ops.max(scores, axis=-1), classes, valid)


def toy_batch(count: int = 2) -> tuple[np.ndarray, GroundTruth]:
    """Images and ground truth for `ToyDetector`."""
    images = np.random.default_rng(0).uniform(0, 255, (count, SIDE, SIDE, 3)).astype(np.float32)
    boxes = np.tile(np.array([2, 2, 10, 12], np.float32), (count, 1, 1))
    ones = np.ones((count, 1), np.float32)
    classes = (np.arange(count) % 2).astype(np.int32)[:, None]
    return images, GroundTruth(boxes, classes, ones > 0, ones)
