"""A detector with its post-processing, compiled."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from detectune.detectors.base import Detector
from detectune.structures import Array, Detections

# Input sizes that are compiled; images of any further size are computed operation by operation,
# which takes half as long again, but no minute beforehand.
_COMPILED_SIZES = 3


class _Inputs(NamedTuple):
    images: Array
    sizes: Array


class _Detection(keras.Model):
    """`Detector.detect` as a Keras model, so that `predict_on_batch` compiles it once."""

    def __init__(self, detector: Detector, compiled: bool) -> None:
        super().__init__(name="detection")
        self.detector = detector
        self.built = True
        self.compile(run_eagerly=not compiled)

    def call(self, inputs: _Inputs) -> dict[str, Array]:
        found = self.detector.detect(inputs[0], inputs[1])._asdict()
        return {name: part for name, part in found.items() if part is not None}


class DetectionModel:
    """A detector as a function of NumPy arrays, compiled for the input sizes it meets first.

    It shares the detector's weights: what training changes, the next call sees.
    """

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._by_size: dict[tuple[int, ...], _Detection] = {}
        self._of_any_size: _Detection | None = None

    def detect(
        self, images: np.ndarray | tuple[np.ndarray, np.ndarray], sizes: np.ndarray
    ) -> Detections:
        """NumPy detections for images `[B, H, W, 3]` float32 0–255 and sizes `[B, 2]`.

        A detector without a first stage gets `(images, proposals [B, P, 4])`.
        Boxes are in pixels of the input. A batch size seen for the first time is compiled.
        """
        pixels = images[0] if isinstance(images, tuple) else images
        model = self._model(tuple(pixels.shape[1:3]))
        outputs = model.predict_on_batch(_Inputs(images, np.asarray(sizes, np.float32)))
        return Detections(**{name: np.asarray(part) for name, part in outputs.items()})

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
    detections: Detections, sizes: np.ndarray, original_sizes: np.ndarray
) -> np.ndarray:
    """Boxes `[B, K, 4]` in pixels of the original images.

    Args:
        sizes: `[B, 2]`, height and width of each picture inside the model's input.
        original_sizes: `[B, 2]`, height and width of the image files.
    """
    scale = np.asarray(original_sizes, np.float32) / np.asarray(sizes, np.float32)
    return np.asarray(detections.boxes) * np.tile(scale, 2)[:, None, :]
