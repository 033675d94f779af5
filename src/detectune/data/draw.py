"""Images with their boxes and masks drawn, for reports and previews."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from detectune.config.label_map import LabelMap
from detectune.data.image_files import apply_orientation, rotation_to_apply
from detectune.data.masks import Mask, MaskError, resized
from detectune.data.shade import shaded
from detectune.data.sources.base import Record, class_names

_GOLDEN = 0.618034  # neighbouring ids get hues that are far apart


def draw_record(record: Record, label_map: LabelMap, longest: int = 320) -> Image.Image:
    """The picture as it is read, with `record.boxes`, no side longer than `longest` pixels."""
    with Image.open(io.BytesIO(record.image)) as stored:
        pixels = np.asarray(stored.convert("RGB"))
    turned = apply_orientation(pixels, rotation_to_apply(record.image, record.height, record.width))
    picture = Image.fromarray(turned)
    masks = [mask and _shown(mask, *turned.shape[:2]) for mask in record.masks or ()]
    return draw_boxes(picture, record.boxes, record.class_ids, label_map, longest, masks=masks)


def _shown(mask: Mask, height: int, width: int) -> np.ndarray | None:
    """The pixels of `mask` in a picture of that size; None if it is damaged."""
    try:
        return resized(mask.pixels(), height, width)
    except MaskError:
        return None  # it stands in the list of defects


def draw_boxes(
    image: Image.Image,
    boxes: np.ndarray,
    class_ids: np.ndarray,
    label_map: LabelMap,
    longest: int = 320,
    masks: Sequence[np.ndarray | None] = (),
) -> Image.Image:
    """`image` with `boxes [N, 4]`, yxyx fractions, in one colour per class, with its name.

    Args:
        masks: `[H, W]` each, as large as the image, or None; of all boxes or of none.
    """
    known = {row: mask for row, mask in enumerate(masks) if mask is not None}
    if known:
        image = shaded(
            image, [*known.values()], [class_color(int(class_ids[row])) for row in known]
        )
    picture = ImageOps.contain(image, (longest, longest))
    draw, names = ImageDraw.Draw(picture), class_names(label_map)
    for (y0, x0, y1, x1), class_id in zip(boxes.tolist(), class_ids.tolist(), strict=True):
        color = class_color(class_id)
        left, top = x0 * picture.width, y0 * picture.height
        draw.rectangle((left, top, x1 * picture.width, y1 * picture.height), outline=color, width=2)
        text = names.get(class_id, str(class_id))
        place = (left + 2, max(top - 12, 0))
        draw.rectangle(draw.textbbox(place, text), fill=color)
        draw.text(place, text, fill="white")
    return picture


def class_color(class_id: int) -> tuple[int, int, int]:
    """A saturated colour that is always the same for an id."""
    red, green, blue = colorsys.hsv_to_rgb(class_id * _GOLDEN % 1.0, 0.9, 0.75)
    return int(red * 255), int(green * 255), int(blue * 255)
