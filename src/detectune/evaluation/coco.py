"""COCO detection metrics: ground truth and detections of images → the twelve numbers.

Matching and accumulation are those of pycocotools, in the C++ of faster-coco-eval; this module
collects the images and reads the twelve numbers, of all classes or of one, from the table of
precisions. What the numbers mean: docs/concepts/evaluation.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from detectune.errors import DataError, three_part
from detectune.structures import Array

_MAX_DETECTIONS = (1, 10, 100)
_AREAS = ("all", "small", "medium", "large")


class _Number(NamedTuple):
    """Which cells of COCO's tables one of the twelve numbers averages."""

    kind: Literal["Precision", "Recall"]
    name: str
    iou: float | None = None
    area: str = "all"
    max_detections: int = 100


_NUMBERS = (
    _Number("Precision", "mAP"),
    _Number("Precision", "mAP@.50IOU", iou=0.5),
    _Number("Precision", "mAP@.75IOU", iou=0.75),
    _Number("Precision", "mAP (small)", area="small"),
    _Number("Precision", "mAP (medium)", area="medium"),
    _Number("Precision", "mAP (large)", area="large"),
    _Number("Recall", "AR@1", max_detections=1),
    _Number("Recall", "AR@10", max_detections=10),
    _Number("Recall", "AR@100"),
    _Number("Recall", "AR@100 (small)", area="small"),
    _Number("Recall", "AR@100 (medium)", area="medium"),
    _Number("Recall", "AR@100 (large)", area="large"),
)


@dataclass(frozen=True)
class _Image:
    """One image, yxyx boxes in pixels of the original image."""

    truth_boxes: np.ndarray
    truth_classes: np.ndarray
    is_crowd: np.ndarray
    areas: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


_TRUTH_COLUMNS = ("truth_boxes", "truth_classes", "is_crowd", "areas")


@dataclass(frozen=True)
class _Tables:
    """COCO's tables: `precision [T, R, C, 4, 3]` and `recall [T, C, 4, 3]`, −1 where undefined.

    `T` IoU thresholds, `R` recall thresholds, then classes, area ranges, detections per image.
    """

    precision: np.ndarray
    recall: np.ndarray
    iou_thresholds: np.ndarray

    def read(self, number: _Number, class_index: int | None = None) -> float:
        """The mean of the defined cells, −1 if there is none."""
        table = self.precision if number.kind == "Precision" else self.recall
        cells = table[..., _AREAS.index(number.area), _MAX_DETECTIONS.index(number.max_detections)]
        if number.iou is not None:
            cells = cells[np.isclose(self.iou_thresholds, number.iou)]
        if class_index is not None:
            cells = cells[..., class_index]
        defined = cells[cells > -1]
        return float(np.mean(defined)) if defined.size else -1.0


class CocoEvaluator:
    """Collects images one by one; `results` and `per_category` give the numbers at any time.

    Args:
        categories: label-map id → name. Boxes of other classes do not count.
    """

    def __init__(self, categories: Mapping[int, str]) -> None:
        self._ids = sorted(categories)
        self._names = _distinct_names(self._ids, categories)
        self._images: list[_Image] = []
        self._tables: _Tables | None = None

    def __len__(self) -> int:
        return len(self._images)

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

        Raises:
            DataError: a column is shorter or longer than its boxes, or a number is not finite.
        """
        truth_boxes = np.reshape(np.asarray(truth_boxes), (-1, 4))
        boxes = np.reshape(np.asarray(boxes), (-1, 4))
        image = _Image(
            truth_boxes=truth_boxes,
            truth_classes=np.ravel(truth_classes),
            is_crowd=np.zeros(len(truth_boxes), bool) if is_crowd is None else np.ravel(is_crowd),
            areas=_box_areas(truth_boxes) if areas is None else np.ravel(areas),
            boxes=boxes,
            scores=np.ravel(scores),
            classes=np.ravel(classes),
        )
        _check(image_id, image)
        self._images.append(image)
        self._tables = None

    def results(self) -> dict[str, float]:
        """The twelve numbers under the original's names; −1 where there is nothing to measure."""
        tables = self._accumulate()
        return {f"DetectionBoxes_{n.kind}/{n.name}": tables.read(n) for n in _NUMBERS}

    def per_category(self) -> dict[str, dict[str, float]]:
        """Class name → the twelve numbers of that class, and `boxes`, how many were to be found."""
        tables = self._accumulate()
        boxes = Counter(
            int(class_id)
            for image in self._images
            for class_id in image.truth_classes[~image.is_crowd.astype(bool)]
        )
        return {
            name: {number.name: tables.read(number, index) for number in _NUMBERS}
            | {"boxes": boxes[class_id]}
            for index, (class_id, name) in enumerate(zip(self._ids, self._names, strict=True))
        }

    def category_scalars(self, *, all_metrics: bool = False) -> dict[str, float]:
        """The original's TensorBoard names of the numbers per class.

        Args:
            all_metrics: all twelve per class, as `all_metrics_per_category` of the eval config.
        """
        tables, scalars = self._accumulate(), {}
        for index, name in enumerate(self._names):
            scalars[f"DetectionBoxes_PerformanceByCategory/mAP/{name}"] = tables.read(
                _NUMBERS[0], index
            )
            for number in _NUMBERS if all_metrics else ():
                key = f"DetectionBoxes_{number.kind} {number.name} ByCategory/{name}"
                scalars[key] = tables.read(number, index)
        return scalars

    def report(self) -> dict[str, Any]:
        """What `detectune evaluate --json` writes."""
        return {
            "metrics": self.results(),
            "per_category": self.per_category(),
            "images": len(self),
        }

    def _accumulate(self) -> _Tables:
        if self._tables is None:
            self._tables = _match(self._images, self._ids)
        return self._tables


def _match(images: Sequence[_Image], class_ids: Sequence[int]) -> _Tables:
    """Matches the detections to the ground truth, with COCO's own settings."""
    from faster_coco_eval import COCO, COCOeval_faster

    def dataset(annotations: list[dict[str, Any]]) -> Any:
        return COCO(
            {
                "images": [{"id": index} for index in range(len(images))],
                "categories": [{"id": int(class_id)} for class_id in class_ids],
                "annotations": annotations,
            },
            print_function=_silent,
        )

    matching = COCOeval_faster(
        dataset(_truth_annotations(images)),
        dataset(_detection_annotations(images)),
        iouType="bbox",
        print_function=_silent,
    )
    matching.evaluate()
    matching.accumulate()
    shape = [len(matching.params.iouThrs), -1, len(class_ids), len(_AREAS), len(_MAX_DETECTIONS)]
    return _Tables(
        precision=np.reshape(matching.eval["precision"], shape),
        recall=np.reshape(matching.eval["recall"], [shape[0], *shape[2:]]),
        iou_thresholds=np.asarray(matching.params.iouThrs),
    )


def _truth_annotations(images: Sequence[_Image]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, image in enumerate(images):
        columns = (image.truth_boxes, image.truth_classes, image.is_crowd, image.areas)
        for box, class_id, crowd, area in zip(*columns, strict=True):
            row = _annotation(len(rows), index, box, class_id)
            rows.append(row | {"iscrowd": int(crowd), "area": float(area)})
    return rows


def _detection_annotations(images: Sequence[_Image]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, image in enumerate(images):
        columns = (image.boxes, image.classes, image.scores, _box_areas(image.boxes))
        for box, class_id, score, area in zip(*columns, strict=True):
            row = _annotation(len(rows), index, box, class_id)
            rows.append(row | {"iscrowd": 0, "area": float(area), "score": float(score)})
    return rows


def _annotation(count: int, image: int, box: np.ndarray, class_id: int) -> dict[str, Any]:
    y_min, x_min, y_max, x_max = (float(edge) for edge in box)
    return {
        "id": count + 1,  # 0 means "unmatched" to COCO
        "image_id": image,
        "category_id": int(class_id),
        "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
    }


def _box_areas(boxes: np.ndarray) -> np.ndarray:
    boxes = boxes.astype(np.float64)
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _check(image_id: str | int, image: _Image) -> None:
    """Refuses what COCO would crash on or, worse, count."""
    truths, detections = len(image.truth_boxes), len(image.boxes)
    for name, column in vars(image).items():
        rows = truths if name in _TRUTH_COLUMNS else detections
        if len(column) != rows:
            raise _data_error(image_id, f"{rows} boxes, but {len(column)} {name}")
        if not np.all(np.isfinite(column)):
            raise _data_error(image_id, f"a value of {name} is not a finite number")


def _data_error(image_id: str | int, found: str) -> DataError:
    return DataError(
        three_part(
            f"image {image_id}: {found}.",
            "Each box has one class, score and area, and all numbers are finite.",
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


def _silent(*_: object) -> None:
    """Takes the place of the `print` that COCO code reports its progress with."""
