"""Masks in pictures: a see-through colour over every object, and a line around it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageFilter

from detectune.drawing.colours import Colour

_STRENGTH = 0.42


def overlaid(
    picture: Image.Image,
    masks: Iterable[tuple[np.ndarray | None, Colour]],
    line: float = 2.0,
) -> Image.Image:
    """A copy of `picture` with its objects tinted, the last on top.

    Args:
        masks: `[H, W]` each, as large as the picture, above 0 where the object is, or None; and
            the colour of each. They are taken one after the other.
        line: width of the line inside the edge of an object, pixels.
    """
    pixels = np.array(picture.convert("RGB"))
    for mask, colour in masks:
        if mask is None:
            continue
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            continue
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        inside, ink = mask[window] > 0, np.array(colour, np.float32)
        seen = pixels[window]  # a view: what is changed in it changes the picture
        mixed = seen[inside] * (1 - _STRENGTH) + ink * _STRENGTH
        seen[inside] = np.round(mixed).astype(np.uint8)
        seen[inside & ~_eroded(inside, max(round(line), 1))] = colour
    return Image.fromarray(pixels)


def _eroded(inside: np.ndarray, width: int) -> np.ndarray:
    """`inside [H, W]` without what is nearer than `width` pixels to its edge."""
    framed = Image.fromarray(np.pad(inside, width).astype(np.uint8) * 255)
    smaller = np.asarray(framed.filter(ImageFilter.MinFilter(2 * width + 1)))
    return smaller[width:-width, width:-width] > 0
