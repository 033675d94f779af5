"""Where crops are cut out: boxes with some of their surroundings, warped to one size.

    box ─► grown about its centre ─► `size` samples along each side ─► fractions of the image

Source: Girshick et al. 2014 (R-CNN), appendix A: warped, 16 pixels of context in a crop of 227.
"""

from __future__ import annotations

from detectune.boxes.arrays import same_kind
from detectune.boxes.convert import from_center_size, to_center_size
from detectune.structures import Array

PUBLISHED_SIDE = 227.0
"""Side of a crop, pixels, that context is counted in."""


def with_context(boxes: Array, context: float) -> Array:
    """Boxes `[..., 4]` yxyx with their surroundings, in the unit of `boxes`; not clipped.

    Args:
        context: on each side, in pixels of a crop of 227 of them.
    """
    _, boxes = same_kind(boxes)
    y, x, height, width = to_center_size(boxes)
    growth = PUBLISHED_SIDE / (PUBLISHED_SIDE - 2.0 * context)
    return from_center_size(y, x, height * growth, width * growth)


def sampled(boxes: Array, size: int, image_size: tuple[int, int]) -> Array:
    """Boxes `[..., 4]` from the first to the last of `size` samples of each side.

    A crop of n pixels has a sample in the middle of each n-th part, and a pixel of the image is
    where its middle is. What comes out are fractions of the image as
    `layers.regions.crop_and_resize` counts them, from the middle of its first pixel to that of its
    last.

    Args:
        boxes: yxyx, in pixels of the image.
        image_size: height and width of the image, pixels.
    """
    xp, boxes = same_kind(boxes)
    top, left, bottom, right = (boxes[..., side] for side in range(4))
    height, width = (max(side - 1.0, 1.0) for side in image_size)
    half_y, half_x = (bottom - top) * (0.5 / size), (right - left) * (0.5 / size)
    return xp.stack(
        [
            (top + half_y - 0.5) / height,
            (left + half_x - 0.5) / width,
            (bottom - half_y - 0.5) / height,
            (right - half_x - 0.5) / width,
        ],
        axis=-1,
    )
