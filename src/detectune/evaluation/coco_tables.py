"""COCO's tables of precision and recall, of boxes or of masks, and the twelve numbers in them.

Matching and accumulation are those of pycocotools, in the C++ of faster-coco-eval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from detectune.data.run_lengths import Rle, rle_areas

_MAX_DETECTIONS = (1, 10, 100)
_AREAS = ("all", "small", "medium", "large")

Kind = Literal["Boxes", "Masks"]
"""What is compared with what is really there."""


class Number(NamedTuple):
    """Which cells of COCO's tables one of the twelve numbers averages."""

    kind: Literal["Precision", "Recall"]
    name: str
    iou: float | None = None
    area: str = "all"
    max_detections: int = 100


NUMBERS = (
    Number("Precision", "mAP"),
    Number("Precision", "mAP@.50IOU", iou=0.5),
    Number("Precision", "mAP@.75IOU", iou=0.75),
    Number("Precision", "mAP (small)", area="small"),
    Number("Precision", "mAP (medium)", area="medium"),
    Number("Precision", "mAP (large)", area="large"),
    Number("Recall", "AR@1", max_detections=1),
    Number("Recall", "AR@10", max_detections=10),
    Number("Recall", "AR@100"),
    Number("Recall", "AR@100 (small)", area="small"),
    Number("Recall", "AR@100 (medium)", area="medium"),
    Number("Recall", "AR@100 (large)", area="large"),
)


@dataclass(frozen=True)
class ImageRows:
    """One image, yxyx boxes in pixels of the original image."""

    truth_boxes: np.ndarray
    truth_classes: np.ndarray
    is_crowd: np.ndarray
    areas: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    truth_masks: Sequence[Rle] = ()
    masks: Sequence[Rle] = ()
    size: tuple[int, int] = (0, 0)
    """Height and width of the original image; zeros if nobody said."""


@dataclass(frozen=True)
class Tables:
    """COCO's tables: `precision [T, R, C, 4, 3]` and `recall [T, C, 4, 3]`, −1 where undefined.

    `T` IoU thresholds, `R` recall thresholds, then classes, area ranges, detections per image.
    """

    precision: np.ndarray
    recall: np.ndarray
    iou_thresholds: np.ndarray

    def read(self, number: Number, class_index: int | None = None) -> float:
        """The mean of the defined cells, −1 if there is none."""
        table = self.precision if number.kind == "Precision" else self.recall
        cells = table[..., _AREAS.index(number.area), _MAX_DETECTIONS.index(number.max_detections)]
        if number.iou is not None:
            cells = cells[np.isclose(self.iou_thresholds, number.iou)]
        if class_index is not None:
            cells = cells[..., class_index]
        defined = cells[cells > -1]
        return float(np.mean(defined)) if defined.size else -1.0


def match(images: Sequence[ImageRows], class_ids: Sequence[int], kind: Kind) -> Tables:
    """Matches the detections to the ground truth, with COCO's own settings."""
    from faster_coco_eval import (  # pyright: ignore[reportMissingTypeStubs]
        COCO,
        COCOeval_faster,
    )

    def dataset(annotations: list[dict[str, Any]]) -> Any:
        return COCO(
            {
                "images": [_image(index, image) for index, image in enumerate(images)],
                "categories": [{"id": int(class_id)} for class_id in class_ids],
                "annotations": annotations,
            },
            print_function=_silent,
        )

    matching: Any = COCOeval_faster(
        dataset(_truth_annotations(images, kind)),
        dataset(_detection_annotations(images, kind)),
        iouType="segm" if kind == "Masks" else "bbox",
        print_function=_silent,
    )
    matching.evaluate()
    matching.accumulate()
    shape = [len(matching.params.iouThrs), -1, len(class_ids), len(_AREAS), len(_MAX_DETECTIONS)]
    return Tables(
        precision=np.reshape(matching.eval["precision"], shape),
        recall=np.reshape(matching.eval["recall"], [shape[0], *shape[2:]]),
        iou_thresholds=np.asarray(matching.params.iouThrs),
    )


def _image(index: int, image: ImageRows) -> dict[str, int]:
    # Only masks need a size, and they bring it with them.
    masks = [*image.truth_masks, *image.masks]
    height, width = masks[0]["size"] if masks else (0, 0)
    return {"id": index, "height": int(height), "width": int(width)}


def _truth_annotations(images: Sequence[ImageRows], kind: Kind) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, image in enumerate(images):
        shapes = _shapes(image.truth_boxes, image.truth_masks, kind)
        columns = (shapes, image.truth_classes, image.is_crowd, image.areas)
        for shape, class_id, crowd, area in zip(*columns, strict=True):
            row = _annotation(len(rows), index, shape, class_id)
            rows.append(row | {"iscrowd": int(crowd), "area": float(area)})
    return rows


def _detection_annotations(images: Sequence[ImageRows], kind: Kind) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, image in enumerate(images):
        areas = box_areas(image.boxes) if kind == "Boxes" else rle_areas(image.masks)
        shapes = _shapes(image.boxes, image.masks, kind)
        columns = (shapes, image.classes, image.scores, areas)
        for shape, class_id, score, area in zip(*columns, strict=True):
            row = _annotation(len(rows), index, shape, class_id)
            rows.append(row | {"iscrowd": 0, "area": float(area), "score": float(score)})
    return rows


def _shapes(boxes: np.ndarray, masks: Sequence[Rle], kind: Kind) -> list[dict[str, Any]]:
    if kind == "Masks":
        return [{"segmentation": dict(mask)} for mask in masks]
    corners = boxes.astype(np.float64).tolist()
    return [{"bbox": [x0, y0, x1 - x0, y1 - y0]} for y0, x0, y1, x1 in corners]


def _annotation(count: int, image: int, shape: dict[str, Any], class_id: int) -> dict[str, Any]:
    # An id of 0 means "unmatched" to COCO.
    return {"id": count + 1, "image_id": image, "category_id": int(class_id), **shape}


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """`[N]` float64 areas of boxes `[N, 4]`."""
    boxes = boxes.astype(np.float64)
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _silent(*_: object) -> None:
    """Takes the place of the `print` that COCO code reports its progress with."""
