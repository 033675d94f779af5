"""Masks over boxes → masks of whole images, as run lengths: one object after the other.

    probabilities [h, w] over a box ─► resized to the pixels of the box ─► above 0.5 ─► run lengths

Only the pixels of the box are ever computed, so a picture of any size costs what its objects do.
`layers.regions.paste_masks` does the same on tensors, for exported models.
"""

from __future__ import annotations

import numpy as np

from detectune.data.run_lengths import Rle, compressed_rle

_THRESHOLD = 0.5
# Parity: utils/ops.py reframe_box_masks_to_image_masks divides by at least this fraction.
_MIN_BOX_SIDE = 1e-4


def image_rles(masks: np.ndarray, boxes: np.ndarray, height: int, width: int) -> list[Rle]:
    """Run lengths of `K` masks in an image.

    Args:
        masks: `[K, h, w]`, probabilities over the boxes.
        boxes: `[K, 4]`, yxyx in pixels of the image.
    """
    found: list[Rle] = []
    for mask, box in zip(masks, boxes, strict=True):
        top, left, inside = _window(mask, box, height, width)
        found.append(compressed_rle(_runs(inside, top, left, height, width), height, width))
    return found


def pasted(mask: np.ndarray, box: np.ndarray, height: int, width: int) -> np.ndarray:
    """`[height, width]` uint8: 1 where `mask [h, w]` over `box [4]` is above 0.5.

    Parity: bilinear with aligned corners, the first and last sample on the edges of the box;
    then "greater than a half" (eval_util.py).
    """
    image = np.zeros((height, width), np.uint8)
    top, left, inside = _window(mask, box, height, width)
    image[top : top + inside.shape[1], left : left + inside.shape[0]] = inside.T
    return image


def _window(
    mask: np.ndarray, box: np.ndarray, height: int, width: int
) -> tuple[int, int, np.ndarray]:
    """The first row and column of a box, and `[columns, rows]` bool of its pixels."""
    low, high = box[:2].tolist(), box[2:].tolist()
    top, rows = _positions(low[0], high[0], mask.shape[0], height)
    left, columns = _positions(low[1], high[1], mask.shape[1], width)
    tall = _between(mask.astype(np.float32), rows)
    return top, left, _between(tall.T, columns) > _THRESHOLD


def _positions(low: float, high: float, cells: int, pixels: int) -> tuple[int, np.ndarray]:
    """The first pixel of an axis inside a box, and `[n]` where `n` pixels lie among the cells.

    Args:
        low, high: where the box begins and ends, in pixels.
        cells: of the mask.
        pixels: of the image.
    """
    low, high = low / pixels, high / pixels
    scale = (cells - 1) / max(high - low, _MIN_BOX_SIDE)
    positions = (np.arange(pixels, dtype=np.float32) / max(pixels - 1, 1) - low) * scale
    inside = np.flatnonzero((positions >= 0) & (positions <= cells - 1))
    return (int(inside[0]) if len(inside) else 0), positions[inside]


def _between(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """`[n, w]`: rows of `values [h, w]` at fractional positions `[n]`.

    Gathered, not multiplied: for products this small BLAS spends its time waking threads.
    """
    lower = np.minimum(positions.astype(int), len(values) - 1)
    upper = np.minimum(lower + 1, len(values) - 1)
    share = (positions - lower)[:, None]
    return values[lower] * (1 - share) + values[upper] * share


def _runs(inside: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """Lengths of the runs of 0 and 1 down the columns of an image, beginning with 0."""
    steps = np.diff(np.pad(inside.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    columns, rows = np.nonzero(steps)
    changes = (left + columns) * height + top + rows
    # A run from the foot of a column to the head of the next is one run.
    again = np.flatnonzero(changes[1:] == changes[:-1])
    changes = np.delete(changes, np.concatenate([again, again + 1]))
    if not changes.size or changes[-1] < height * width:
        changes = np.append(changes, height * width)
    return np.diff(changes, prepend=0)
