"""What a model reads beside images."""

from __future__ import annotations

from detectune.config import schema


def max_proposals(model: schema.DetectionModel) -> int:
    """How many boxes of the data the detector looks at in each image; 0 if it finds its own."""
    return model.fast_rcnn.max_proposals if model.HasField("fast_rcnn") else 0
