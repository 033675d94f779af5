"""From what an annotation file says of each image to a source: what all formats do alike.

reader ─ found(name) ─► path ─ add(path, place, objects) ─► Collector ─ source() ─► FolderSource
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.defects import (
    NOT_READ,
    OUTLINE,
    UNUSED,
    Defect,
    Problems,
    wrong_annotations,
)
from detectune.data.masks import Mask
from detectune.data.sources.coordinates import Layout
from detectune.data.sources.folder import (
    Annotated,
    FolderSource,
    missing_images,
    nothing_readable,
)
from detectune.data.sources.image_search import (
    Found,
    ImageSearch,
    doubts,
    shared,
    unused_images,
)
from detectune.data.sources.tree import Tree
from detectune.data.sources.values import ValueProblem, side
from detectune.errors import DataError, three_part


class Object(NamedTuple):
    """One annotated object."""

    name: str
    """Its class."""
    box: Sequence[float]
    """yxyx, in pixels or in fractions of the image, as the format has it."""
    shape: str = ""
    """What the box is the bounding box of, such as "a polygon"; "" for a plain box."""
    difficult: bool = False
    is_crowd: bool = False
    group_of: bool = False
    area: float | None = None
    mask: Mask | None = None


class Collector:
    """Collects the images of a data set, and what is wrong with their annotations.

    Args:
        name: that of the source, with its format.
        search: finds the images.
        layout: what the four numbers of a box are in the files.
    """

    def __init__(self, name: str, search: ImageSearch, layout: Layout = "two corners") -> None:
        self.name, self.search = name, search
        self.layout: Layout = layout
        self.problems = Problems()
        self.defects: list[Defect] = []
        self._rows: list[Annotated] = []
        self._missing: list[str] = []
        self._not_read: Counter[tuple[str, str]] = Counter()

    def find(self, name: str, place: str, beside: Path | None = None) -> Path | None:
        """The image called `name`; if there is none, it is reported."""
        return self.take(name, place, self.search.find(name, beside))

    def take(self, name: str, place: str, found: Found | None) -> Path | None:
        """The image that was found; `name` is reported if there is none."""
        if found is None:
            self._missing.append(name)
            return None
        self.defects += doubts(place, found)
        return found.path

    def not_read(self, file: str, what: str) -> None:
        """One more object of `file` that is left out, such as "a point"."""
        self._not_read[file, what] += 1

    def add(
        self,
        path: Path,
        place: str,
        objects: Sequence[Object],
        *,
        height: int = 0,
        width: int = 0,
        errors: Problems | None = None,
        source_id: str = "",
        in_fractions: bool = False,
        with_masks: bool = False,
    ) -> None:
        """The image at `path`, annotated at `place`.

        Args:
            height: in pixels, as annotated; 0 if the annotation does not say.
            errors: what in the annotation could not be read.
        """
        areas = [item.area for item in objects]
        outlines = [item for item in objects if item.shape]
        self.defects += [Defect(OUTLINE, place, f"{o.name}: {o.shape}") for o in outlines]
        self._rows.append(
            Annotated(
                path=path,
                place=place,
                height=height,
                width=width,
                names=tuple(item.name for item in objects),
                boxes=np.array([item.box for item in objects], np.float64).reshape(-1, 4),
                source_id=source_id,
                difficult=tuple(item.difficult for item in objects),
                is_crowd=tuple(item.is_crowd for item in objects),
                group_of=tuple(item.group_of for item in objects),
                areas=tuple(area for area in areas if area is not None),
                masks=tuple(item.mask for item in objects) if with_masks else (),
                in_fractions=in_fractions,
                errors=tuple(errors.errors) if errors is not None else (),
            )
        )

    def source(self, label_map: LabelMap | None, unused: str = "") -> FolderSource:
        """All images that were added.

        Args:
            unused: what an image without annotation is called; "" if there can be none.

        Raises:
            DataError: there is no image, or no annotation could be read.
        """
        if not self._rows:
            if not self._missing and self.problems.errors:
                raise nothing_readable(self.name, self.problems.errors)
            raise missing_images(self.name, self._missing, self.search.folders)
        text = "annotation without image; it is not used"
        defects = [
            *self.defects,
            *(Defect(UNUSED, name, text) for name in self._missing),
            *(Defect(NOT_READ, f, f"{what}: {n}") for (f, what), n in self._not_read.items()),
            *wrong_annotations(self.problems.errors),
            *shared((row.place, row.path) for row in self._rows),
        ]
        if unused:
            defects += unused_images((row.path for row in self._rows), unused)
        return FolderSource(self.name, self._rows, label_map, defects, self.layout)


def collector_at(kind: str, path: Path, layout: Layout = "two corners") -> Collector:
    """A collector of the format `kind` for the images in the folder `path`, or beside a file."""
    tree = Tree(path if path.is_dir() else path.parent)
    search = ImageSearch([tree.root, *tree.image_folders()])
    return Collector(f"{kind}:{path}", search, layout)


def annotation_error(place: str | Path, found: str, allowed: str) -> DataError:
    """The error for an annotation at `place` in which something is wrong."""
    return DataError(three_part(f"{place}: {found}.", allowed, "Correct the annotation."))


def annotated_side(place: str | Path, key: str, value: Any) -> int:
    """The height or width that an annotation gives under `key`; 0 where it says nothing.

    Raises:
        DataError: it is no number of pixels.
    """
    try:
        return side(value)
    except ValueProblem as problem:
        raise annotation_error(place, f"{key}: {problem}", "Sizes are pixels.") from None


def bounds(xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    """The box, yxyx, around some points."""
    return [min(ys), min(xs), max(ys), max(xs)]
