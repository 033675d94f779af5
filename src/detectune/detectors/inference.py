"""A detector with its post-processing, compiled."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from detectune.detectors.base import Detector
from detectune.structures import Array, Inputs, PaddedDetections, as_inputs, image_size

# Input sizes that are compiled; images of any further size are computed operation by operation,
# which takes half as long again, but no minute beforehand.
_COMPILED_SIZES = 3


class _Detection(keras.Model):
    """`Detector.detect` as a Keras model, so that `predict_on_batch` compiles it once."""

    def __init__(self, detector: Detector, compiled: bool) -> None:
        super().__init__(name="detection")
        self.detector = detector
        self.built = True
        self.compile(run_eagerly=not compiled)

    def call(self, seen: dict[str, Any]) -> dict[str, Array]:
        found = self.detector.detect(seen["inputs"], seen["sizes"])._asdict()
        return {name: part for name, part in found.items() if part is not None}


class DetectionModel:
    """A detector as a function of NumPy arrays, compiled for the input sizes it meets first.

    It shares the detector's weights: what training changes, the next call sees.
    """

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._by_size: dict[tuple[int, ...], _Detection] = {}
        self._of_any_size: _Detection | None = None

    def detect(self, inputs: Inputs | np.ndarray, sizes: np.ndarray) -> PaddedDetections:
        """NumPy detections of what is given, boxes in pixels of the input.

        A batch size seen for the first time is compiled.

        Args:
            inputs: with images `[B, H, W, 3]` float32 0–255; these alone will do where the detector
                needs nothing else.
            sizes: `[B, 2]`, height and width of each picture inside its padding.
        """
        seen = {"inputs": as_inputs(inputs), "sizes": np.asarray(sizes, np.float32)}
        outputs = self._model(image_size(inputs)).predict_on_batch(seen)
        return PaddedDetections(**{name: np.asarray(part) for name, part in outputs.items()})

    def _model(self, size: tuple[int, ...]) -> _Detection:
        # One for each size: Keras generalizes a function over sizes, and anchors need to know them.
        if size not in self._by_size and len(self._by_size) < _COMPILED_SIZES:
            self._by_size[size] = _Detection(self.detector, compiled=True)
        if size in self._by_size:
            return self._by_size[size]
        if self._of_any_size is None:
            self._of_any_size = _Detection(self.detector, compiled=False)
        return self._of_any_size


def to_original(
    detections: PaddedDetections, sizes: np.ndarray, original_sizes: np.ndarray
) -> np.ndarray:
    """Boxes `[B, K, 4]` in pixels of the original images.

    Args:
        sizes: `[B, 2]`, height and width of each picture inside the model's input.
        original_sizes: `[B, 2]`, height and width of the image files.
    """
    scale = np.asarray(original_sizes, np.float32) / np.asarray(sizes, np.float32)
    return np.asarray(detections.boxes) * np.tile(scale, 2)[:, None, :]
