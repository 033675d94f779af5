"""How sharp and how bright the images of a data set are, by some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from detectune.data.image_files import eight_bits
from detectune.data.opened_images import opened
from detectune.data.sources.base import Source
from detectune.errors import DataError

MOST_LOOKED_AT = 100
_SIDE = 512
"""Pixels of the longer side: sharpness depends on it, so all images are measured at one size."""
BLURRED, DARK, BRIGHT = 100.0, 60.0, 200.0
"""The variance of the Laplacian below which an image counts as blurred, and the mean brightness,
0 to 255, below and above which it counts as dark and bright. All three are judgements.

Source of the measure: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
"""


class Pictures(NamedTuple):
    """What some of the images look like."""

    looked_at: int
    """How many images could be decoded."""
    sharpness: float
    """Median of the variance of the Laplacian."""
    brightness: float
    """Median of the mean brightness, 0 to 255."""
    blurred: float
    """Share of the images, 0 to 1; so are the next two."""
    dark: float
    bright: float


def look_at_pictures(
    source: Source, track: Callable[[range], Iterable[int]] = iter
) -> Pictures | None:
    """Sharpness and brightness of at most 100 images, spread evenly; None if none can be read."""
    step = max(-(-len(source) // MOST_LOOKED_AT), 1)
    found: list[tuple[float, float]] = []
    for index in track(range(0, len(source), step)):
        grey = _grey(source, index)
        if grey is not None:
            found.append((laplacian_variance(grey), float(grey.mean())))
    if not found:
        return None
    sharp, bright = np.array(found).T
    return Pictures(
        looked_at=len(found),
        sharpness=float(np.median(sharp)),
        brightness=float(np.median(bright)),
        blurred=float((sharp < BLURRED).mean()),
        dark=float((bright < DARK).mean()),
        bright=float((bright > BRIGHT).mean()),
    )


def laplacian_variance(grey: np.ndarray) -> float:
    """The variance of the Laplacian of `grey [H, W]`: low where there are no edges."""
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4.0 * middle).var())


def _grey(source: Source, index: int) -> np.ndarray | None:
    """`[H, W]` float64 of image `index`, its longer side at most 512; None if it is damaged."""
    try:
        data = source.image_bytes(index)
        with opened(data) as image:
            grey = eight_bits(image).convert("L")
            grey.thumbnail((_SIDE, _SIDE))
            return np.asarray(grey, np.float64)
    except DataError:
        return None
    except Exception:  # on broken files Pillow's formats raise errors of any kind
        return None
