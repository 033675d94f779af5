"""Encoded images → the pixels that a network sees: decoded, cut out and resized as Keras does.

`keras.utils.load_img(path, target_size=(224, 224))` decodes with Pillow and takes for each pixel
the nearest one of the stored image. Both are kept here, so that vectors are those of plain Keras.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from PIL import Image

from detectune.data.defects import ImageError
from detectune.data.image_files import apply_orientation, eight_bits, rotation_to_apply
from detectune.data.opened_images import opened
from detectune.data.sources.record import Record

Resize = Literal["nearest", "bilinear"]
"""How images are brought to the size of the network; "nearest" is what `load_img` does."""
RESIZES: tuple[Resize, ...] = get_args(Resize)
_FILTERS = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}


def stored_pixels(data: bytes) -> np.ndarray:
    """`[H, W, 3]` uint8, RGB, of the whole encoded image `data`, as stored: EXIF turns nothing.

    Raises:
        ValueError: it cannot be decoded.
    """
    try:
        with opened(data) as image:
            return np.asarray(eight_bits(image).convert("RGB"))
    except Exception as error:  # on broken files Pillow's formats raise errors of any kind
        raise ValueError(str(error) or type(error).__name__) from error


def annotated_pixels(record: Record) -> np.ndarray:
    """`[H, W, 3]` uint8, RGB, turned as the image was when it was annotated.

    Raises:
        ImageError: it cannot be decoded.
    """
    turn = rotation_to_apply(record.image, record.height, record.width)
    try:
        return apply_orientation(stored_pixels(record.image), turn)
    except ValueError as error:
        raise ImageError(str(error), record.file_name, str(error)) from error


def cut_out(
    pixels: np.ndarray, box: np.ndarray, margin: float = 0.0
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """What `box` shows of an image, and the pixels `(ymin, xmin, ymax, xmax)` that were taken.

    Args:
        pixels: `[H, W, 3]`.
        box: `[4]`, yxyx as fractions of the image.
        margin: how much is added on every side, as a fraction of the side of the box; what would
            lie outside the image is left out.
    """
    height, width = pixels.shape[:2]
    y0, x0, y1, x1 = (float(value) for value in box)
    more_y, more_x = (y1 - y0) * margin, (x1 - x0) * margin
    top, bottom = _whole((y0 - more_y) * height, (y1 + more_y) * height, height)
    left, right = _whole((x0 - more_x) * width, (x1 + more_x) * width, width)
    return pixels[top:bottom, left:right], (top, left, bottom, right)


def _whole(low: float, high: float, most: int) -> tuple[int, int]:
    """Whole pixels from `low` to `high` inside of an image of `most`; at least one."""
    first = min(max(round(low), 0), most - 1)
    return first, max(min(round(high), most), first + 1)


def resized(pixels: np.ndarray, size: tuple[int, int], how: Resize) -> np.ndarray:
    """`pixels [H, W, 3]` uint8 stretched to `size` (height, width)."""
    height, width = size
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), _FILTERS[how]))
