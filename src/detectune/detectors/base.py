"""What every detector offers, whatever is inside.

call         images → predictions               the network
named_losses predictions, truth → scalars        what training minimizes
answer       predictions, sizes → detections     what a user sees, and what it was chosen from
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from detectune.structures import Array, Detections, GroundTruth, RawDetections


class Detector(keras.Model):
    """A Keras model that `fit` trains on `(images, GroundTruth)` batches.

    Args:
        num_classes: without background.
        pad_value: RGB colour that images are padded with, see `data.resizers`.
    """

    loss_names: tuple[str, ...] = ()
    """The keys of `named_losses`."""
    clips_raw_boxes: bool = False
    """Whether raw boxes are clipped to the picture. Exports give those as fractions of the picture,
    others as fractions of the padded input, as the original does."""
    max_proposals: int = 0
    """How many boxes of the data it looks at in each image; 0 if it finds its own."""

    def __init__(self, *, num_classes: int, pad_value: tuple[float, float, float], name: str):
        super().__init__(name=name)
        self.num_classes, self.pad_value = num_classes, pad_value
        names = (*self.loss_names, "regularization_loss", "total_loss")
        self.loss_trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.use_regularization = True

    @abstractmethod
    def named_losses(
        self, truth: GroundTruth, out: Any, *, training: bool = True
    ) -> dict[str, Array]:
        """Named scalars, each already weighted, whose sum training minimizes.

        Args:
            training: as in the `call` that returned `out`.
        """

    @abstractmethod
    def answer(self, out: Any, sizes: Array) -> tuple[Detections, RawDetections]:
        """The best boxes of every image, and all boxes that they were chosen from.

        Args:
            out: what `call` returned.
            sizes: `[B, 2]`, height and width of each image inside its padding.
        """

    def postprocess(self, out: Any, sizes: Array) -> Detections:
        """The best boxes of every image, in pixels of the model's input; see `answer`."""
        return self.answer(out, sizes)[0]

    def detect(self, images: Array, sizes: Array) -> Detections:
        """`postprocess` of `call`, in inference mode."""
        return self.postprocess(self(images, training=False), sizes)

    def compute_loss(
        self, x: Array = None, y: Any = None, y_pred: Any = None,
        sample_weight: Array = None, training: bool = True,
    ) -> Array:  # fmt: skip
        """The sum of all losses; each is followed by a tracker of its own."""
        losses = self.named_losses(GroundTruth(*y), y_pred, training=training)
        penalties = self.losses if self.use_regularization else []
        losses["regularization_loss"] = ops.sum(ops.stack(penalties)) if penalties else 0.0
        total = sum(losses.values())
        for name, value in {**losses, "total_loss": total}.items():
            self.loss_trackers[name].update_state(value)
        return total

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.loss_trackers.values())

    def compute_metrics(
        self, x: Array, y: Any, y_pred: Any, sample_weight: Array = None
    ) -> dict[str, Array]:
        return {name: tracker.result() for name, tracker in self.loss_trackers.items()}
