"""Several sources as one, such as the splits of a data set."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from detectune.config.label_map import LabelMap
from detectune.data.defects import Defect
from detectune.data.sources.base import Source, label_map_of
from detectune.data.sources.record import Record
from detectune.data.sources.surveying import Glance


class Joined(Source):
    """The images of `sources`, one source after the other.

    Args:
        sources: all with the same label map and the same unit of coordinates.
    """

    def __init__(self, name: str, sources: Sequence[Source]) -> None:
        super().__init__(name, sources[0].label_map)
        self.coordinates = sources[0].coordinates
        self.sources = list(sources)
        self._ends = list(itertools.accumulate(len(source) for source in sources))

    def __len__(self) -> int:
        return self._ends[-1]

    def annotation(self, index: int) -> Record:
        source, place = self._find(index)
        return source.annotation(place)

    def image_bytes(self, index: int) -> bytes:
        source, place = self._find(index)
        return source.image_bytes(place)

    def unrepaired(self, index: int) -> Record:
        source, place = self._find(index)
        return source.unrepaired(place)

    def glance(self, index: int) -> Glance:
        source, place = self._find(index)
        return source.glance(place)

    @property
    def defects(self) -> Sequence[Defect]:
        return [defect for source in self.sources for defect in source.defects]

    def _find(self, index: int) -> tuple[Source, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect.bisect_right(self._ends, index)
        return self.sources[number], index - (self._ends[number - 1] if number else 0)


def joint_label_map(sources: Sequence[Source]) -> LabelMap:
    """A label map for all `sources`: theirs if it is the same, else all names in order."""
    first = sources[0].label_map
    if all(source.label_map == first for source in sources):
        return first
    return label_map_of(sorted({name for source in sources for name in source.label_map.names}))
