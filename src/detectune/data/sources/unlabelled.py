"""A source whose images are looked at, and whose annotations are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.defects import SEVERAL, TRUNCATED, UNREADABLE, UNUSED, AnnotationError, Defect
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record, make_record, select_boxes
from detectune.data.sources.surveying import Glance
from detectune.wording import plural

_OF_IMAGES = (UNREADABLE, TRUNCATED, SEVERAL, UNUSED)


class Unlabelled(Source):
    """The images of `source`, in each of which nothing is annotated; proposals stay.

    An annotation that is wrong, or of an unknown class, does not matter.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source.name, LabelMap(()))
        self.source, self.coordinates, self.repeats = source, source.coordinates, source.repeats

    def __len__(self) -> int:
        return len(self.source)

    def annotation(self, index: int) -> Record:
        try:
            return _bare(self.source.annotation(index))
        except AnnotationError as error:
            return _of_error(error)

    def image_bytes(self, index: int) -> bytes:
        return self.source.image_bytes(index)

    def unrepaired(self, index: int) -> Record:
        try:
            return _bare(self.source.unrepaired(index))
        except AnnotationError as error:
            return _of_error(error)._replace(image=self.image_bytes(index))

    def glance(self, index: int) -> Glance:
        try:
            seen = self.source.glance(index)
        except AnnotationError as error:
            image = self.image_bytes(index)
            return Glance(_of_error(error), len(image), image, image)
        return seen._replace(record=_bare(seen.record))

    @property
    def defects(self) -> Sequence[Defect]:
        return [defect for defect in self.source.defects if defect.kind in _OF_IMAGES]

    def describe(self) -> str:
        return f"{self.name}: {plural(len(self), 'image')} of the target domain, not annotated"


def _bare(record: Record) -> Record:
    return select_boxes(record, np.zeros(len(record.class_ids), bool))._replace(columns={})


def _of_error(error: AnnotationError) -> Record:
    """What is left of an annotation that is wrong: the name and the size of its image."""
    if error.record is not None:
        return _bare(error.record)
    place = str(error).partition(": ")[0]
    return make_record(file_name=place, boxes=(), class_ids=())
