"""Proposals that come with the data, for a detector without a first stage.

image ─► search ─► ProposalFile beside the data ─► Proposed(source) ─► Record.proposals
                     └► `data convert`: image/proposal/{ymin, xmin, ymax, xmax} of TFRecords
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from detectune.data.check import refuse_damaged
from detectune.data.image_files import apply_orientation, rotation_to_apply
from detectune.data.readable import LeftOut, ReadableImages, unsaid
from detectune.data.sources.base import Source
from detectune.data.sources.proposed import ProposalFile
from detectune.data.sources.record import Record

Search = Callable[[np.ndarray], np.ndarray]
"""Pixels `[H, W, 3]` uint8 RGB → boxes `[P, 4]` yxyx, fractions of the image, the best first."""

_SAVE_EVERY_SECONDS = 60.0


class Computed(NamedTuple):
    """What `compute_proposals` did."""

    images: int
    searched: int
    """How many of them had no proposals before."""
    boxes: int
    """Of all images."""
    left_out: LeftOut
    """The images that cannot be read: no box is found in them."""


def compute_proposals(
    source: Source,
    file: ProposalFile,
    search: Search,
    track: Callable[[range], Iterable[int]] = iter,
) -> Computed:
    """Search every image of `source` that `file` does not know, and keep what is found.

    What is done is written every minute, so that a search can be stopped and gone on with.

    Args:
        track: passes the indices on while they are worked through, such as a progress bar.

    Raises:
        DataError: more than half of the images cannot be read, or an annotation is wrong.
    """
    refuse_damaged(source)
    images = ReadableImages(source, unsaid)
    searched, boxes, saved = 0, 0, time.monotonic()
    for index in track(range(len(source))):
        record = source.unrepaired(index)
        found = file.get(record.image)
        if found is None:
            found = images.read(index, lambda record, pixels: search(_upright(record, pixels)))
            if found is None:
                found = np.zeros((0, 4), np.float32)
            file.put(record.image, found)
            searched += 1
        boxes += len(found)
        if time.monotonic() - saved > _SAVE_EVERY_SECONDS:
            file.save()
            saved = time.monotonic()
    file.save()
    return Computed(len(source), searched, boxes, images.left_out)


def _upright(record: Record, pixels: np.ndarray) -> np.ndarray:
    return apply_orientation(pixels, rotation_to_apply(record.image, record.height, record.width))
