"""Batch-norm statistics that have not caught up, measured anew.

A moving average with decay `d` still holds `d^t` of its initial value after `t` steps: 30 % after
400 steps with the zoo's 0.997. A short fine-tuning is therefore evaluated with statistics that are
not those of its weights, and fresh heads hardly detect anything. While more than 1 % of the
initial value is left, the statistics used for evaluation and export are measured on training
images with the weights as they are; training itself goes on with its own moving averages.

Source: Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3 ("PreciseBN").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from detectune.detectors.base import Detector
from detectune.structures import Array, GroundTruth, Inputs, as_inputs
from detectune.training.weights import array_of, batch_norms

# The largest share of the initial statistics that is left alone.
NEGLIGIBLE = 0.01


class _Forward(keras.Model):
    """The forward pass of a training step, compiled by `predict_on_batch`."""

    def __init__(self, detector: Detector) -> None:
        super().__init__(name="recalibration")
        self.detector = detector
        self.built = True

    def call(self, seen: dict[str, Any]) -> Array:
        inputs, truth = seen["inputs"], GroundTruth.from_batch(seen["truth"])
        out = self.detector(inputs, training=True)
        # Layers of a second stage run where the losses are: what they learn from is chosen there.
        return sum(self.detector.named_losses(inputs, truth, out).values())


class Recalibration:
    """Measures the statistics of the batch norms that learn them.

    Args:
        detector: its batch norms are changed by `measure`; keep and restore them around it.
    """

    def __init__(self, detector: Detector) -> None:
        self._layers = [layer for layer in batch_norms(detector) if layer.learns_statistics]
        self._forward = _Forward(detector)

    def is_needed(self, step: int) -> bool:
        """Whether the moving averages still hold much of what they were `step` steps ago."""
        return any(layer.momentum**step > NEGLIGIBLE for layer in self._layers)

    def measure(self, batches: Iterable[tuple[Inputs | Array, GroundTruth]]) -> None:
        """Set the statistics to those of `batches` as training sees them."""
        means: list[list[np.ndarray]] = [[] for _ in self._layers]
        variances: list[list[np.ndarray]] = [[] for _ in self._layers]
        for inputs, truth in batches:
            for layer in self._layers:
                layer.moving_mean.assign(np.zeros(layer.moving_mean.shape, np.float32))
                layer.moving_variance.assign(np.zeros(layer.moving_variance.shape, np.float32))
            seen = {"inputs": as_inputs(inputs), "truth": truth.as_batch()}
            self._forward.predict_on_batch(seen)
            for index, layer in enumerate(self._layers):
                # From zero, one update leaves (1 − momentum) of what the batch shows.
                share = 1.0 - layer.momentum
                means[index].append(array_of(layer.moving_mean) / share)
                variances[index].append(array_of(layer.moving_variance) / share)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged run is refused on saving
            for layer, mean, variance in zip(self._layers, means, variances, strict=True):
                # Law of total variance: within the batches, and between their means.
                layer.moving_mean.assign(np.mean(mean, axis=0))
                layer.moving_variance.assign(np.mean(variance, axis=0) + np.var(mean, axis=0))
