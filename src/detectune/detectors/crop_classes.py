"""The softmax over classes and background that an R-CNN's network is fine-tuned with.

    crops ─► backbone ─► mean over the map ─► vectors ─► class logits, the last one of background

It serves the training alone: the support vector machines take its place.
Source: Girshick et al. 2014 (R-CNN), section 2.3.
"""

from __future__ import annotations

from typing import Any

import keras

from detectune.detectors.extra_losses import ExtraLosses, ExtraReport
from detectune.detectors.rcnn import RCNN, mean_of_map
from detectune.structures import Array, GroundTruth, Inputs

# Source: the published code of R-CNN.
_DEVIATION = 0.01


class CropClasses(ExtraLosses):
    """Logits of the classes, from vectors; kept in the state of a run and in no checkpoint."""

    def __init__(self, dimension: int, num_classes: int, seed: int) -> None:
        super().__init__(name="crop_classes")
        self.logits = keras.layers.Dense(
            num_classes + 1,
            kernel_initializer=keras.initializers.RandomNormal(stddev=_DEVIATION, seed=seed),
            name="logits",
        )
        self.logits.build((None, dimension))
        self.built = True

    def named_losses(
        self, detector: Any, inputs: Inputs, truth: GroundTruth, out: Any
    ) -> dict[str, Array]:
        """None: what is learned is learned from crops, not from whole images."""
        del detector, inputs, truth, out
        return {}

    def report(self) -> ExtraReport:
        """Nothing."""
        return ExtraReport({}, {})


class CropClassifier(keras.Model):
    """Crops `[B, side, side, 3]` → logits `[B, C + 1]`, to be trained with labels `[B]`.

    It has no weights of its own: they are the network's of `detector`, and those of `classes`.
    """

    def __init__(self, detector: RCNN, classes: CropClasses) -> None:
        super().__init__(name="crop_classifier")
        self.backbone, self.classes = detector.backbone, classes
        self.built = True

    def call(self, crops: Array, training: bool = False) -> Array:
        vectors = mean_of_map(self.backbone(crops, training=training))
        return self.classes.logits(vectors)

    def learn_with(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Make ready for `train_on_batch(crops, labels)`: cross-entropy of the softmax."""
        loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.compile(optimizer=optimizer, loss=loss, jit_compile=keras.backend.backend() == "jax")
