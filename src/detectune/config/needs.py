"""What a model reads of the data beside images, boxes and classes.

One value, made once from the config and handed on: readers, augmentations, batches and detectors
look a column up in it by name instead of passing a flag each. `data/columns` says how each column
is stored, moved and padded; `config/reading.py` makes the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Needs:
    """Names of the columns that are read, each with its size.

    The size of a column is how many proposals an image has, or how many keypoints an object; 1 for
    columns that have no size of their own, such as masks.

    Args:
        inputs: what the detector is given with every image, also to predict: "proposals".
        annotations: what it learns from, or is measured by: "masks".
    """

    inputs: Mapping[str, int] = field(default_factory=dict[str, int])
    annotations: Mapping[str, int] = field(default_factory=dict[str, int])

    def __contains__(self, name: str) -> bool:
        return name in self.inputs or name in self.annotations

    @property
    def columns(self) -> dict[str, int]:
        """Name → size, of inputs and annotations."""
        return {**self.inputs, **self.annotations}

    def size(self, name: str) -> int:
        """The size of the column `name`; 0 if it is not needed."""
        return self.columns.get(name, 0)

    def without(self, name: str) -> Needs:
        """The same but for the column `name`."""
        return Needs(
            {key: size for key, size in self.inputs.items() if key != name},
            {key: size for key, size in self.annotations.items() if key != name},
        )


BOXES_ONLY = Needs()
"""What a detector of boxes needs: nothing more."""
