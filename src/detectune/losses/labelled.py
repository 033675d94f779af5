"""Images of which nobody said what is in them: they count in no loss, nor in its mean."""

from __future__ import annotations

from keras import ops

from detectune.structures import Array, GroundTruth


def labelled_images(truth: GroundTruth) -> Array:
    """Scalar float32: how many images of the batch are labelled, at least 1."""
    if truth.labelled is None:
        return ops.cast(ops.shape(truth.classes)[0], "float32")
    return ops.maximum(ops.sum(ops.cast(truth.labelled, "float32")), 1.0)
