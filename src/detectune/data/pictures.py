"""Images with their true boxes and masks drawn, for reports and previews."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from detectune.config.label_map import LabelMap
from detectune.data.image_files import apply_orientation, eight_bits, opened, rotation_to_apply
from detectune.data.masks import Mask, resized
from detectune.data.run_lengths import MaskError
from detectune.data.sources.base import class_names
from detectune.data.sources.record import Record
from detectune.drawing.boxes import draw_ground_truth


def draw_record(record: Record, label_map: LabelMap, longest: int = 320) -> Image.Image:
    """The picture as it is read, with `record.boxes`, its longer side of `longest` pixels."""
    with opened(record.image) as stored:
        pixels = np.asarray(eight_bits(stored).convert("RGB"))
    turned = apply_orientation(pixels, rotation_to_apply(record.image, record.height, record.width))
    masks = [mask and _pixels(mask) for mask in record.masks or ()]
    return draw_truth(turned, record.boxes, record.class_ids, label_map, longest, masks=masks)


def _pixels(mask: Mask) -> np.ndarray | None:
    """The pixels of `mask`; None if it is damaged."""
    try:
        return mask.pixels()
    except MaskError:
        return None  # it stands in the list of defects


def draw_truth(
    image: np.ndarray,
    boxes: np.ndarray,
    class_ids: np.ndarray,
    label_map: LabelMap,
    longest: int = 320,
    masks: Sequence[np.ndarray | None] = (),
    points: np.ndarray | None = None,
) -> Image.Image:
    """`image` `[H, W, 3]` uint8 with its boxes, its longer side of `longest` pixels.

    Args:
        boxes: `[N, 4]`, yxyx fractions.
        masks: `[h, w]` each, or None; of all boxes or of none.
        points: `[N, K, 2]`, yx fractions.
    """
    picture = ImageOps.contain(Image.fromarray(image), (longest, longest))
    size = picture.height, picture.width

    def mask_of(row: int) -> np.ndarray | None:
        mask = masks[row]
        return None if mask is None else resized(mask, *size)

    return draw_ground_truth(
        np.asarray(picture),
        boxes * np.array([*size, *size], np.float32),
        class_ids,
        class_names(label_map),
        masks=mask_of if len(masks) else None,
        points=None if points is None else points * np.array(size, np.float32),
    )
