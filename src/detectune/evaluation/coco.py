"""COCO detection metrics: ground truth and detections of images → the twelve numbers.

Of boxes, and of masks if asked for. This module collects the images and reads the numbers, of all
classes or of one, from the tables of `coco_tables`. What they mean: docs/concepts/evaluation.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detectune.data.run_lengths import Rle
from detectune.errors import DataError, three_part
from detectune.evaluation.coco_tables import NUMBERS, ImageRows, Kind, Tables, box_areas, match
from detectune.structures import Array
from detectune.wording import plural

_TRUTH_COLUMNS = ("truth_boxes", "truth_classes", "is_crowd", "areas", "truth_masks")
_MASK_COLUMNS = ("truth_masks", "masks")


class CocoEvaluator:
    """Collects images one by one; `results` and `per_category` give the numbers at any time.

    Args:
        categories: label-map id → name. Boxes of other classes do not count.
        masks: measure masks as well as boxes; every object and detection then has one.
    """

    def __init__(self, categories: Mapping[int, str], *, masks: bool = False) -> None:
        self._ids = sorted(categories)
        self._names = _distinct_names(self._ids, categories)
        self.kinds: tuple[Kind, ...] = ("Boxes", "Masks") if masks else ("Boxes",)
        self._images: list[ImageRows] = []
        self._tables: dict[Kind, Tables] = {}

    def __len__(self) -> int:
        return len(self._images)

    @property
    def images(self) -> Sequence[ImageRows]:
        """What was added, in order."""
        return self._images

    @property
    def names(self) -> dict[int, str]:
        """Label-map id → name, of which no two are equal."""
        return dict(zip(self._ids, self._names, strict=True))

    def add(
        self,
        image_id: str | int,
        *,
        truth_boxes: Array,
        truth_classes: Array,
        boxes: Array,
        scores: Array,
        classes: Array,
        is_crowd: Array | None = None,
        areas: Array | None = None,
        truth_masks: Sequence[Rle] = (),
        masks: Sequence[Rle] = (),
        size: tuple[int, int] = (0, 0),
    ) -> None:
        """Adds one image. No ground truth and no detections are both fine.

        Args:
            image_id: names the image in errors. An id that comes twice is two images.
            truth_boxes: `[N, 4]` yxyx in pixels of the original image: COCO's small, medium and
                large are measured in these pixels.
            truth_classes: `[N]` label-map ids.
            boxes: `[K, 4]` detections, in the same pixels; without padding, in any order.
            scores: `[K]`, 0–1.
            classes: `[K]` label-map ids.
            is_crowd: `[N]` regions of many objects: a detection in one is neither right nor wrong.
            areas: `[N]` areas of the objects in pixels; those of the boxes if None.
            truth_masks: run lengths of the `N` objects, where masks are measured.
            masks: run lengths of the `K` detections, as large as the image.
            size: height and width of the original image, for `evaluation.diagnosis`.

        Raises:
            DataError: a column is shorter or longer than its boxes, or a number is not finite.
        """
        truth_boxes = np.reshape(np.asarray(truth_boxes), (-1, 4))
        boxes = np.reshape(np.asarray(boxes), (-1, 4))
        image = ImageRows(
            truth_boxes=truth_boxes,
            truth_classes=np.ravel(truth_classes),
            is_crowd=np.zeros(len(truth_boxes), bool) if is_crowd is None else np.ravel(is_crowd),
            # Parity: without an annotated area that of the box counts for masks, too
            # (metrics/coco_tools.py).
            areas=box_areas(truth_boxes) if areas is None else np.ravel(areas),
            boxes=boxes,
            scores=np.ravel(scores),
            classes=np.ravel(classes),
            truth_masks=truth_masks,
            masks=masks,
            size=size,
        )
        _check(image_id, image, masks="Masks" in self.kinds)
        self._images.append(image)
        self._tables = {}

    def results(self) -> dict[str, float]:
        """The twelve numbers under the original's names; −1 where there is nothing to measure."""
        return {
            f"Detection{kind}_{number.kind}/{number.name}": self._table(kind).read(number)
            for kind in self.kinds
            for number in NUMBERS
        }

    def per_category(self) -> dict[str, dict[str, float]]:
        """Class name → the twelve numbers of that class, and `boxes`, how many were to be found.

        The numbers of masks begin with "mask ".
        """
        boxes = Counter(
            int(class_id)
            for image in self._images
            for class_id in image.truth_classes[~image.is_crowd.astype(bool)]
        )
        prefixes: dict[Kind, str] = {"Boxes": "", "Masks": "mask "}
        return {
            name: {
                prefixes[kind] + number.name: self._table(kind).read(number, index)
                for kind in self.kinds
                for number in NUMBERS
            }
            | {"boxes": boxes[class_id]}
            for index, (class_id, name) in enumerate(zip(self._ids, self._names, strict=True))
        }

    def category_scalars(self, *, all_metrics: bool = False) -> dict[str, float]:
        """The original's TensorBoard names of the numbers per class.

        Args:
            all_metrics: all twelve per class, as `all_metrics_per_category` of the eval config.
        """
        scalars: dict[str, float] = {}
        for kind in self.kinds:
            table = self._table(kind)
            for index, name in enumerate(self._names):
                key = f"Detection{kind}_PerformanceByCategory/mAP/{name}"
                scalars[key] = table.read(NUMBERS[0], index)
                for number in NUMBERS if all_metrics else ():
                    key = f"Detection{kind}_{number.kind} {number.name} ByCategory/{name}"
                    scalars[key] = table.read(number, index)
        return scalars

    def report(self) -> dict[str, Any]:
        """What `detectune evaluate --json` writes."""
        return {
            "metrics": self.results(),
            "per_category": self.per_category(),
            "images": len(self),
        }

    def _table(self, kind: Kind) -> Tables:
        if kind not in self._tables:
            self._tables[kind] = match(self._images, self._ids, kind)
        return self._tables[kind]


def _check(image_id: str | int, image: ImageRows, *, masks: bool) -> None:
    """Refuses what COCO would crash on or, worse, count."""
    truths, detections = len(image.truth_boxes), len(image.boxes)
    for name, column in vars(image).items():
        if name == "size" or (name in _MASK_COLUMNS and not masks):
            continue
        rows = truths if name in _TRUTH_COLUMNS else detections
        if len(column) != rows:
            raise _data_error(image_id, f"{plural(rows, 'box')}, but {len(column)} {name}")
        if name not in _MASK_COLUMNS and not np.all(np.isfinite(column)):
            raise _data_error(image_id, f"a value of {name} is not a finite number")
    if masks and len({tuple(mask["size"]) for mask in (*image.truth_masks, *image.masks)}) > 1:
        raise _data_error(image_id, "its masks differ in size")


def _data_error(image_id: str | int, found: str) -> DataError:
    return DataError(
        three_part(
            f"image {image_id}: {found}.",
            "Each box has one class, score and area (and mask), and all numbers are finite.",
            "Not-a-number scores come from a training that diverged: lower its learning rate.",
        )
    )


def _distinct_names(ids: Sequence[int], categories: Mapping[int, str]) -> list[str]:
    """The names, with the id behind those that several classes share."""
    shared = Counter(categories.values())
    return [
        f"{categories[class_id]} ({class_id})"
        if shared[categories[class_id]] > 1
        else categories[class_id]
        for class_id in ids
    ]
