"""Points in pictures: a dot in the colour of its object, with a thin halo."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from detectune.drawing.colours import Colour

_INK: Colour = (38, 40, 46)


def dotted(
    picture: Image.Image, dots: Iterable[tuple[np.ndarray, Colour]], radius: float
) -> Image.Image:
    """A copy of `picture` with dots, the last on top.

    Args:
        dots: `[K, 2]` yx in pixels of the picture, and the colour of these; one that is no number,
            or far outside, is nowhere.
        radius: of a dot without its halo, pixels.
    """
    picture = picture.copy()
    pen, end = ImageDraw.Draw(picture), np.array([picture.height, picture.width])
    for points, colour in dots:
        known = points[np.isfinite(points).all(axis=-1)]
        # Pillow counts pixels in 32 bits: what lies far outside is not handed to it.
        near = (known > -2 * radius).all(axis=-1) & (known < end + 2 * radius).all(axis=-1)
        for y, x in known[near].tolist():
            for ink, reach in ((_INK, radius + 1), (colour, radius)):
                pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=ink)
    return picture
