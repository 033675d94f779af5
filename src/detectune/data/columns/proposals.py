"""Proposals: boxes of an image in which a detector without a first stage looks for objects."""

from __future__ import annotations

import numpy as np

from detectune.data.columns.base import Column, columns
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record
from detectune.errors import DataError, three_part
from detectune.wording import first_names, plural


def record_proposals(record: Record, count: int) -> np.ndarray:
    """`[P, 4]` float32 of at most `count` proposals of a record, best first, image fractions.

    Raises:
        DataError: nobody has looked for proposals in this image.
    """
    if record.proposals is None:
        raise _without(record.file_name, [record.file_name])
    return record.proposals[:count].astype(np.float32)


def check_proposals(source: Source) -> None:
    """Refuse a source some of whose images have no proposals, before long work.

    Raises:
        DataError: they are listed.
    """
    records = (source.unrepaired(index) for index in range(len(source)))
    missing = [record.file_name for record in records if record.proposals is None]
    if missing:
        raise _without(source.name, missing)


def _without(place: str, names: list[str]) -> DataError:
    return DataError(
        three_part(
            f"{place}: {plural(len(names), 'image')} without proposals: {first_names(names, 5)}.",
            "A detector without a first stage looks at boxes that come with the data.",
            "Compute them once with `detectune data proposals SOURCE`.",
        )
    )


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
