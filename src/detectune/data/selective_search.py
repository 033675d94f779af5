"""Selective search: boxes around what hangs together by colour, texture, size and fill.

Source: Uijlings et al. 2013. The search is that of opencv-contrib (docs/decisions/0013).
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from PIL import Image

from detectune.errors import ConfigError, three_part

# Larger pictures give more boxes of the same objects, and take minutes.
# Source: Girshick et al. 2014 (R-CNN), appendix on selective search: 500 pixels wide.
_LONGEST_SIDE = 500


class SelectiveSearch:
    """A search that can be called with one image after the other.

    Args:
        count: at most that many boxes of an image.
        quality: look in more ways, several times slower.

    Raises:
        ConfigError: opencv-contrib is not installed.
    """

    def __init__(self, count: int = 2000, *, quality: bool = False) -> None:
        self.count, self.quality = count, quality
        self._search = _segmentation().createSelectiveSearchSegmentation()

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """`[P, 4]` float32, yxyx fractions of `image [H, W, 3]` uint8 RGB, the best first.

        The same image gives the same boxes, whatever was searched before.
        """
        small = Image.fromarray(image)
        small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        pixels = np.ascontiguousarray(np.asarray(small)[..., ::-1])  # OpenCV reads BGR
        self._search.setBaseImage(pixels)
        if self.quality:
            self._search.switchToSelectiveSearchQuality()
        else:
            self._search.switchToSelectiveSearchFast()
        found = np.asarray(self._search.process(), np.float32).reshape(-1, 4)
        left, top, width, height = found.T
        boxes = np.stack([top, left, top + height, left + width], axis=-1)
        boxes = boxes[_order(boxes)][: self.count]
        return boxes / np.tile(np.array(pixels.shape[:2], np.float32), 2)


def _order(boxes: np.ndarray) -> np.ndarray:
    """The large boxes first, shuffled a little so that no size fills the list.

    OpenCV shuffles with the C library's numbers, which depend on what was searched before. Boxes
    high in the hierarchy are the large ones.
    Source: Uijlings et al. 2013, section 3.1: rank in the hierarchy times a random number.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    by_area = np.lexsort((*boxes.T, -areas))
    keys = np.random.default_rng(0).random(len(boxes)) * np.arange(1, len(boxes) + 1)
    return by_area[np.argsort(keys, kind="stable")]


def _segmentation() -> Any:
    try:
        return importlib.import_module("cv2").ximgproc.segmentation
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            three_part(
                "proposals: cv2.ximgproc is not installed.",
                "Selective search comes with opencv-contrib, an optional package; plain "
                "opencv-python is without it.",
                'Install it with: pip install "detectune[proposals]"',
            )
        ) from error
