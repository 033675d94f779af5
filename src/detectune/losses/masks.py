"""The mask loss of Mask R-CNN."""

from __future__ import annotations

from keras import ops

from detectune.layers.regions import crop_masks
from detectune.losses.classification import sigmoid_cross_entropy
from detectune.structures import Array


def mask_loss(
    logits: Array,
    *,
    boxes: Array,
    masks: Array,
    rows: Array,
    classes: Array,
    weights: Array,
    soft_border: bool = False,
) -> Array:
    """Scalar: mean cross entropy of the pixels of all regions that have an object.

    Args:
        logits: `[B·P, C, h, w]`, or `[B·P, 1, h, w]` where one mask serves all classes.
        boxes: `[B, P, 4]`, fractions of the image, yxyx.
        masks: `[B, N, H, W]`, 1 where the object is.
        rows: `[B, P]` int32, the mask each region should show.
        classes: `[B, P]` int32, whose logits count.
        weights: `[B, P]` float32, 0 where a region has no object.
        soft_border: see `layers.regions.crop_and_resize`.

    Source: He et al. 2017 (Mask R-CNN), section 3.
    Parity: meta_architectures/faster_rcnn_meta_arch.py, _loss_box_classifier.
    """
    height, width = logits.shape[2:]
    count = classes.shape[1]
    logits = ops.reshape(ops.cast(logits, "float32"), (-1, count, *logits.shape[1:]))
    if logits.shape[2] > 1:
        logits = ops.take_along_axis(logits, classes[..., None, None, None], axis=2)
    wanted = crop_masks(masks, boxes, rows, (height, width), soft_border=soft_border)
    entropy = sigmoid_cross_entropy(logits[:, :, 0], ops.stop_gradient(wanted))
    total = ops.sum(entropy * weights[..., None, None])
    return total / ops.maximum(ops.sum(weights) * float(height * width), 1.0)
