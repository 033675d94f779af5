"""`image/object/mask` of a tf.Example: one PNG per object, or the numbers of all pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectune.data.masks import Mask, PngMask, RleMask
from detectune.data.run_lengths import encode_rle
from detectune.errors import DataError, three_part

KEY = "image/object/mask"
WRITE_AGAIN = (
    "Write the records again from the annotations: `detectune data convert SOURCE DEST --to "
    "tfrecord`."
)


def read_masks(feature: Any, boxes: int, height: int, width: int, place: str) -> list[Mask | None]:
    """The masks of `boxes` objects; how they are stored is seen from the record.

    An empty string stands for an object without a mask.

    Raises:
        DataError: there are more or fewer masks than boxes.
    """
    texts, numbers = feature.bytes_list.value, feature.float_list.value
    if not texts and not numbers:
        return []
    if numbers:
        return _from_numbers(numbers, boxes, height, width, place)
    if len(texts) != boxes:
        raise _wrong_count(place, f"{len(texts)} masks", boxes)
    return [PngMask(text) if text else None for text in texts]


def _from_numbers(
    numbers: Any, boxes: int, height: int, width: int, place: str
) -> list[Mask | None]:
    values = np.array(numbers, np.float32)
    if values.size != boxes * height * width:
        raise _wrong_count(
            place, f"masks of {values.size} pixels", boxes, f" of {height} x {width}"
        )
    masks: list[Mask | None] = []
    for pixels in values.reshape(boxes, height, width):
        counts = encode_rle(pixels > 0)["counts"]
        masks.append(RleMask(height, width, counts))
    return masks


def _wrong_count(place: str, found: str, boxes: int, size: str = "") -> DataError:
    return DataError(
        three_part(
            f"{place}: {found} for {boxes} boxes{size}.",
            f"{KEY} holds one mask per box, each as large as the image.",
            WRITE_AGAIN,
        )
    )
