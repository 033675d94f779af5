"""Masks: which pixels of the image belong to each object."""

from __future__ import annotations

import numpy as np

from detectune.data.columns.base import Column, columns
from detectune.data.decoded_masks import check_masks, record_pixels

columns.register("masks")(
    Column(
        dtype=np.uint8,
        shape=(None, None),
        read=lambda record, _: record_pixels(record),
        moves="pixels",
        check=check_masks,
    )
)
