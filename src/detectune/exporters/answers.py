"""What a detector found → the outputs of an export, by the names of `exporters.contract`.

Written with `keras.ops`, so that it is part of whatever graph a format traces.
"""

from __future__ import annotations

from keras import ops

from detectune.exporters.contract import MASK_THRESHOLD
from detectune.layers.regions import paste_masks
from detectune.structures import Array, PaddedDetections, RawDetections


def answers(
    found: PaddedDetections,
    raw: RawDetections | None,
    *,
    sizes: Array,
    raw_sizes: Array,
    image_size: tuple[Array, Array],
) -> dict[str, Array]:
    """Tensors by name; what a detector does not say is left out.

    Args:
        sizes: `[B, 2]`, height and width of each picture inside the network's input.
        raw_sizes: `[B, 2]` or `[1, 2]`, what raw boxes are fractions of: `sizes`, or the input's.
        image_size: height and width of the images that came, for masks as large as they are.
    """
    valid = ops.cast(found.valid, "float32")
    boxes = found.boxes / _sides(sizes)
    outputs = {
        "detection_boxes": boxes,
        "detection_scores": found.scores,
        "detection_classes": (ops.cast(found.classes, "float32") + 1.0) * valid,
        "num_detections": ops.sum(valid, axis=1),
    }
    if found.class_scores is not None:
        outputs["detection_multiclass_scores"] = found.class_scores
    if found.anchor_indices is not None:
        outputs["detection_anchor_indices"] = ops.cast(found.anchor_indices, "float32")
    if raw is not None:
        outputs["raw_detection_boxes"] = raw.boxes / _sides(raw_sizes)
        outputs["raw_detection_scores"] = raw.scores
    if found.masks is not None:
        outputs["detection_masks"] = found.masks * valid[..., None, None]
        outputs["detection_masks_reframed"] = _reframed(found.masks, boxes, valid, image_size)
    if found.features is not None:
        outputs["detection_features"] = found.features
    return outputs


def _sides(sizes: Array) -> Array:
    """`[B, 1, 4]` float32: height, width, height, width of sizes `[B, 2]`."""
    return ops.cast(ops.tile(sizes, (1, 2)), "float32")[:, None, :]


def _reframed(masks: Array, boxes: Array, valid: Array, image_size: tuple[Array, Array]) -> Array:
    """`[B, K, H, W]` uint8: masks in the image, one image after the other to save memory."""

    def paste(one: tuple[Array, Array, Array]) -> Array:
        pasted = paste_masks(one[0], one[1], image_size)
        inside = ops.logical_and(pasted > MASK_THRESHOLD, (one[2] > 0.0)[:, None, None])
        return ops.cast(inside, "uint8")

    return ops.map(paste, (masks, boxes, valid))
