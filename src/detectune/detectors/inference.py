"""A detector with its post-processing as one compiled function."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from detectune.detectors.base import Detector
from detectune.structures import Array, Detections


class _Inputs(NamedTuple):
    images: Array
    sizes: Array


class DetectionModel(keras.Model):
    """`Detector.detect` as a Keras model, so that `predict_on_batch` compiles it once.

    It shares the detector's weights: what training changes, the next call sees.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__(name="detection_model")
        self.detector = detector
        self.built = True

    def call(self, inputs: _Inputs) -> dict[str, Array]:
        found = self.detector.detect(inputs[0], inputs[1])._asdict()
        return {name: part for name, part in found.items() if part is not None}

    def detect(
        self, images: np.ndarray | tuple[np.ndarray, np.ndarray], sizes: np.ndarray
    ) -> Detections:
        """NumPy detections for images `[B, H, W, 3]` float32 0–255 and sizes `[B, 2]`.

        A detector without a first stage gets `(images, proposals [B, P, 4])`.
        Boxes are in pixels of the input. A batch size seen for the first time is compiled.
        """
        outputs = self.predict_on_batch(_Inputs(images, np.asarray(sizes, np.float32)))
        return Detections(**{name: np.asarray(part) for name, part in outputs.items()})


def to_original(
    detections: Detections, sizes: np.ndarray, original_sizes: np.ndarray
) -> np.ndarray:
    """Boxes `[B, K, 4]` in pixels of the original images.

    Args:
        sizes: `[B, 2]`, height and width of each picture inside the model's input.
        original_sizes: `[B, 2]`, height and width of the image files.
    """
    scale = np.asarray(original_sizes, np.float32) / np.asarray(sizes, np.float32)
    return np.asarray(detections.boxes) * np.tile(scale, 2)[:, None, :]
