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
        dots: `[K, 2]` yx in pixels of the picture, and the colour of these; one that is no number
            is nowhere.
        radius: of a dot without its halo, pixels.
    """
    picture = picture.copy()
    pen = ImageDraw.Draw(picture)
    for points, colour in dots:
        for y, x in points[np.isfinite(points).all(axis=-1)].tolist():
            for ink, reach in ((_INK, radius + 1), (colour, radius)):
                pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=ink)
    return picture
