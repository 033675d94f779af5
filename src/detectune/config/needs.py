"""What a model reads of the data beside images, boxes and classes.

One value, made once from the config and handed on: readers, augmentations, batches and detectors
look a column up in it by name instead of passing a flag each. `data/columns.py` says how each
column is stored, moved and padded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Needs:
    """Names of the columns that are read.

    Args:
        columns: name, as in `data.columns`, → its size: how many proposals per image, how many
            keypoints per object; 1 for a column that has no size of its own, such as masks.
    """

    columns: Mapping[str, int] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def size(self, name: str) -> int:
        """The size of the column `name`; 0 if it is not needed."""
        return self.columns.get(name, 0)

    def without(self, *names: str) -> Needs:
        """The same but for the columns `names`."""
        return Needs({name: size for name, size in self.columns.items() if name not in names})

    def __or__(self, other: Needs) -> Needs:
        return Needs({**self.columns, **other.columns})
