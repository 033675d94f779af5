"""`post_processing { ... }` → scores and the boxes that are kept."""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from detectune.boxes.nms import NonMaxSuppression
from detectune.config import schema
from detectune.structures import Array


def score_converter(config: schema.PostProcessing) -> Callable[[Array], Array]:
    """Class logits → scores."""
    scale = config.logit_scale
    kinds: dict[int, Callable[[Array], Array]] = {
        schema.PostProcessing.IDENTITY: lambda logits: logits,
        schema.PostProcessing.SIGMOID: lambda logits: ops.sigmoid(logits / scale),
        schema.PostProcessing.SOFTMAX: lambda logits: ops.softmax(logits / scale, axis=-1),
    }
    return kinds[config.score_converter]


def non_max_suppression(config: schema.PostProcessing) -> NonMaxSuppression:
    """Which boxes are kept, as `post_processing { batch_non_max_suppression … }` asks."""
    settings = config.batch_non_max_suppression
    return NonMaxSuppression(
        score_threshold=settings.score_threshold,
        iou_threshold=settings.iou_threshold,
        max_per_class=settings.max_detections_per_class,
        max_detections=settings.max_total_detections,
        class_agnostic=settings.use_class_agnostic_nms,
    )
