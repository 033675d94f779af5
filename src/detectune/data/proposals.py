"""Proposals that come with the data: boxes in which a detector without a first stage looks.

image ─► selective search ─► kept in a file beside the data (`data/sources/proposed.py`)
                           └► or written into TFRecords: image/proposal/{ymin,…,score}
"""

from __future__ import annotations

import numpy as np

from detectune.data.sources.base import Record
from detectune.errors import DataError, three_part


def record_proposals(record: Record, count: int) -> np.ndarray:
    """`[P, 4]` float32 of at most `count` proposals of a record, best first, image fractions.

    Raises:
        DataError: nobody has looked for proposals in this image.
    """
    if record.proposals is None:
        raise DataError(
            three_part(
                f"{record.file_name}: it has no proposals.",
                "A detector without a first stage looks at boxes that come with the data.",
                "Compute them once with `detectune data proposals SOURCE`.",
            )
        )
    return record.proposals[:count].astype(np.float32)
