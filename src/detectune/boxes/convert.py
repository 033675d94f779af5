"""Box formats: corners (yxyx) ↔ centre and size, clipping, change of frame."""

from __future__ import annotations

import numpy as np

from detectune.boxes.arrays import same_kind
from detectune.structures import Array


def _columns(boxes: Array) -> tuple[Array, Array, Array, Array]:
    return boxes[..., 0], boxes[..., 1], boxes[..., 2], boxes[..., 3]


def to_center_size(boxes: Array) -> tuple[Array, Array, Array, Array]:
    """Centre y, centre x, height and width, each `[...]`, of boxes `[..., 4]` yxyx."""
    ymin, xmin, ymax, xmax = _columns(boxes)
    height, width = ymax - ymin, xmax - xmin
    return ymin + height / 2.0, xmin + width / 2.0, height, width


def from_center_size(y: Array, x: Array, height: Array, width: Array) -> Array:
    """Boxes `[..., 4]` yxyx from centre and size, each `[...]`."""
    xp, y, x, height, width = same_kind(y, x, height, width)
    corners = [y - height / 2.0, x - width / 2.0, y + height / 2.0, x + width / 2.0]
    return xp.stack(corners, axis=-1)


def clip(boxes: Array, windows: Array) -> Array:
    """Boxes `[..., 4]` cut to windows `[..., 4]`, both yxyx in one unit, broadcast together."""
    xp, boxes, windows = same_kind(boxes, windows)
    ymin, xmin, ymax, xmax = _columns(boxes)
    top, left, bottom, right = _columns(windows)
    return xp.stack(
        [
            xp.maximum(xp.minimum(ymin, bottom), top),
            xp.maximum(xp.minimum(xmin, right), left),
            xp.maximum(xp.minimum(ymax, bottom), top),
            xp.maximum(xp.minimum(xmax, right), left),
        ],
        axis=-1,
    )


def area(boxes: Array) -> Array:
    """Areas `[...]` of boxes `[..., 4]`; negative factors are kept, as in the original."""
    ymin, xmin, ymax, xmax = _columns(boxes)
    return (ymax - ymin) * (xmax - xmin)


def to_fractions(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Pixel boxes `[..., K, 4]` as fractions of images of `sizes` `[..., 2]` (height, width)."""
    scale = np.concatenate([sizes, sizes], axis=-1).astype(np.float32)
    return np.asarray(boxes, np.float32) / scale[..., None, :]
