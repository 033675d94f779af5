"""The sizes of boxes as a model sees them: after its resizer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from detectune.config import schema
from detectune.data.box_shapes import ImageBoxes
from detectune.errors import DataError, three_part


def box_sizes(
    images: Sequence[ImageBoxes], resizer: schema.ImageResizer, source: str
) -> np.ndarray:
    """`[N, 2]` heights and widths of all boxes of `images`, in pixels of the model's input.

    Crowds and groups are left out, as in training.

    Args:
        source: what the data are called, for the error.

    Raises:
        DataError: there is no box.
    """
    found = [np.zeros((0, 2))]
    for image in images:
        height, width = resized_size(image.height, image.width, resizer)
        single = ~(image.record.is_crowd | image.record.group_of)
        found.append(image.sides[single] * [height / image.height, width / image.width])
    sizes = np.concatenate(found)
    if not len(sizes):
        count = "its only image" if len(images) == 1 else f"the {len(images):,} images"
        raise DataError(
            three_part(
                f"{source}: there is no box in {count} that can be read.",
                "Anchors are compared with the sizes of boxes, crowds left out.",
                "`detectune data inspect SOURCE` says what is in the data, and what is wrong.",
            )
        )
    return sizes


def resized_size(height: int, width: int, resizer: schema.ImageResizer) -> tuple[float, float]:
    """Height and width of an image of `height` x `width` pixels after `resizer`, without padding.

    Parity: `data.resizers` computes the same with tensors.
    """
    kind = resizer.WhichOneof("image_resizer_oneof") or ""
    if kind == "fixed_shape_resizer":
        return resizer.fixed_shape_resizer.height, resizer.fixed_shape_resizer.width
    ratio = 1.0
    if kind == "keep_aspect_ratio_resizer":
        ratio = _within(height, width, resizer.keep_aspect_ratio_resizer)
    elif kind == "conditional_shape_resizer":
        ratio = _conditional(height, width, resizer.conditional_shape_resizer)
    return max(height * ratio, 1.0), max(width * ratio, 1.0)


def _within(height: int, width: int, limits: schema.KeepAspectRatioResizer) -> float:
    short, long = min(height, width), max(height, width)
    fits = round(long * limits.min_dimension / short) <= limits.max_dimension
    return limits.min_dimension / short if fits else limits.max_dimension / long


def _conditional(height: int, width: int, limits: schema.ConditionalShapeResizer) -> float:
    if limits.condition == schema.ConditionalShapeResizer.GREATER:
        return min(limits.size_threshold / max(height, width), 1.0)
    return max(limits.size_threshold / min(height, width), 1.0)


def sides(sizes: np.ndarray) -> np.ndarray:
    """`[N]` sides of squares of the same area as `sizes [N, 2]`."""
    return np.sqrt(sizes[:, 0] * sizes[:, 1])


def size_groups(sizes: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """COCO's small, medium and large, each with which of `sizes [N, 2]` are in it, `[N]` bool."""
    side = sides(sizes)
    limits = (("small, below 32", 0.0, 32.0), ("medium, 32 to 96", 32.0, 96.0))
    groups = [(name, (side >= low) & (side < high)) for name, low, high in limits]
    return [*groups, ("large, from 96", (side >= 96.0) & (side < math.inf))]
