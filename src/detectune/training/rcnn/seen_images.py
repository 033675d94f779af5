"""Training images as an R-CNN sees them: pixels of the model's input, objects, proposals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from detectune.config.needs import Needs
from detectune.data.pipeline import EvalBatch, eval_batches
from detectune.data.readable import named_errors
from detectune.data.sources.record import repair
from detectune.training.streams import Stream


class SeenImage(NamedTuple):
    """One image. Boxes are yxyx in its pixels."""

    pixels: np.ndarray
    """`[1, H, W, 3]` float32, 0–255."""
    record: int
    """Which record of the source it is."""
    objects: np.ndarray
    """`[N, 4]` float32."""
    classes: np.ndarray
    """`[N]` int, from 0."""
    counts: np.ndarray
    """`[N]` bool: whether an object is learned from; regions of many are not."""
    proposals: np.ndarray
    """`[P, 4]` float32, of those with an area."""

    @property
    def boxes(self) -> np.ndarray:
        """`[N + P, 4]` float32: objects, then proposals."""
        return np.concatenate([self.objects, self.proposals]).astype(np.float32)


def seen_images(stream: Stream, needs: Needs) -> Iterator[SeenImage]:
    """Every image of `stream` that can be read, in order.

    Args:
        needs: of the detector: how many proposals.

    Raises:
        DataError: more than half of the images cannot be read.
    """
    batches = eval_batches(
        stream.source, stream.resizer, batch_size=1, needs=needs, images=stream.images
    )
    for batch in named_errors(batches.as_numpy_iterator(), stream.images):
        yield _seen(stream, batch)


def count_crops(stream: Stream, most: int) -> int:
    """Objects and proposals of all images, about: proposals without area are among them.

    Args:
        most: proposals of an image.
    """
    records = (stream.source.unrepaired(index) for index in range(len(stream.source)))
    return sum(
        len(record.boxes) + min(len(record.proposals), most)
        for record in records
        if record.proposals is not None
    )


def _seen(stream: Stream, batch: EvalBatch) -> SeenImage:
    index = int(batch.indices[0])
    annotated = repair(stream.source.annotation(index))
    given = np.asarray(batch.inputs.get("proposals"))[0]
    return SeenImage(
        pixels=np.asarray(batch.images),
        record=index,
        objects=annotated.boxes * np.tile(batch.sizes[0].astype(np.float32), 2),
        classes=annotated.class_ids.astype(int) - 1,
        counts=~(annotated.is_crowd | annotated.group_of) & (annotated.weights > 0),
        proposals=given[(given[:, 2:] > given[:, :2]).all(axis=1)],
    )
