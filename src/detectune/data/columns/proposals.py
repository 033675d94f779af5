"""Proposals: boxes of an image in which a detector without a first stage looks for objects."""

from __future__ import annotations

import numpy as np

from detectune.data.columns.base import Column, columns
from detectune.data.proposals import check_proposals, record_proposals

columns.register("proposals")(
    Column(
        dtype=np.float32,
        shape=(4,),
        read=record_proposals,
        moves="boxes",
        of_objects=False,
        check=check_proposals,
    )
)
