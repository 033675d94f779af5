"""A source whose images are looked at, and whose annotations are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectune.data.defects import Defect
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record, select_boxes
from detectune.data.sources.surveying import Glance
from detectune.wording import plural


class Unlabelled(Source):
    """The images of `source`, in each of which nothing is annotated; proposals stay."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.name, source.label_map)
        self.source, self.coordinates, self.repeats = source, source.coordinates, source.repeats

    def __len__(self) -> int:
        return len(self.source)

    def annotation(self, index: int) -> Record:
        return _bare(self.source.annotation(index))

    def image_bytes(self, index: int) -> bytes:
        return self.source.image_bytes(index)

    def unrepaired(self, index: int) -> Record:
        return _bare(self.source.unrepaired(index))

    def glance(self, index: int) -> Glance:
        seen = self.source.glance(index)
        return seen._replace(record=_bare(seen.record))

    @property
    def defects(self) -> Sequence[Defect]:
        return self.source.defects

    def describe(self) -> str:
        return f"{self.name}: {plural(len(self), 'image')} of the target domain, none annotated"


def _bare(record: Record) -> Record:
    return select_boxes(record, np.zeros(len(record.class_ids), bool))._replace(columns={})
