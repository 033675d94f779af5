"""A source with classes renamed, merged and left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from detectune.config.label_map import LabelMap, LabelMapItem
from detectune.data.defects import Defect
from detectune.data.sources.base import ClassIds, Source, label_map_of
from detectune.data.sources.record import Record, select_boxes
from detectune.data.sources.surveying import Glance
from detectune.errors import ConfigError, did_you_mean, three_part


class Reclassed(Source):
    """`source` with other classes; images that lose all their boxes stay, without objects.

    Args:
        rename: name → new name; two classes with one new name become one.
        drop: names of classes whose boxes are left out.
        label_map: the classes of the result; None to number those that are left, in their order.

    Raises:
        ConfigError: a name is no class of `source`, is named twice, or nothing is left.
        DataError: a class of the result is not in `label_map`.
    """

    def __init__(
        self,
        source: Source,
        rename: Mapping[str, str],
        drop: Collection[str] = (),
        label_map: LabelMap | None = None,
    ) -> None:
        self.source = source
        known = {item.name: item for item in source.label_map.items}
        _check(source, known, rename, drop)
        left = {name: rename.get(name, name) for name in known if name not in drop}
        super().__init__(source.name, label_map or _renumbered(known, left))
        self.coordinates = source.coordinates
        ids, dropped = ClassIds(self.label_map), [known[name].id for name in drop]
        self._new_ids = np.zeros(max((item.id for item in known.values()), default=0) + 1, np.int32)
        for name, new in left.items():
            self._new_ids[known[name].id] = ids(new, source.name)
        self._dropped = np.array(dropped, np.int32)

    def __len__(self) -> int:
        return len(self.source)

    def annotation(self, index: int) -> Record:
        return self._changed(self.source.annotation(index))

    def image_bytes(self, index: int) -> bytes:
        return self.source.image_bytes(index)

    def unrepaired(self, index: int) -> Record:
        return self._changed(self.source.unrepaired(index))

    def glance(self, index: int) -> Glance:
        glance = self.source.glance(index)
        return glance._replace(record=self._changed(glance.record))

    @property
    def defects(self) -> Sequence[Defect]:
        return self.source.defects

    def _changed(self, record: Record) -> Record:
        kept = select_boxes(record, ~np.isin(record.class_ids, self._dropped))
        return kept._replace(class_ids=self._new_ids[kept.class_ids])


def _renumbered(known: Mapping[str, LabelMapItem], left: Mapping[str, str]) -> LabelMap:
    """The classes that are left: with their ids if none is merged or dropped, else from 1."""
    names = list(dict.fromkeys(left.values()))
    if len(names) == len(known):
        return LabelMap(tuple(LabelMapItem(known[name].id, new) for name, new in left.items()))
    return label_map_of(names)


def _check(
    source: Source,
    known: Mapping[str, LabelMapItem],
    rename: Mapping[str, str],
    drop: Collection[str],
) -> None:
    for name in (*rename, *drop):
        if name not in known:
            raise ConfigError(
                three_part(
                    f'{source.name}: there is no class "{name}".',
                    f"Classes: {', '.join(list(known)[:20]) or 'none'}.",
                    f"{did_you_mean(name, known)}Name a class of the data.",
                )
            )
    both = sorted(set(rename) & set(drop))
    empty = [name for name, new in rename.items() if not new.strip()]
    if both or empty or (known and set(known) == set(drop)):
        found = (
            f'class "{both[0]}" is renamed and dropped'
            if both
            else f'the new name of "{empty[0]}" is empty'
            if empty
            else "every class is dropped"
        )
        raise ConfigError(
            three_part(
                f"{source.name}: {found}.",
                "A class is renamed to a name, or dropped; at least one is left.",
                "Correct --rename or --drop.",
            )
        )
