"""A detector and a source → the COCO numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.config.needs import BOXES_ONLY, Needs
from detectune.data.columns.base import check_columns
from detectune.data.decoded_masks import record_rles
from detectune.data.pipeline import EvalBatch, eval_batches
from detectune.data.readable import ReadableImages, named_errors
from detectune.data.resizers import Resizer
from detectune.data.run_lengths import Rle
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record, repair
from detectune.detectors.inference import DetectionModel, to_original
from detectune.errors import DataError
from detectune.evaluation.coco import CocoEvaluator
from detectune.evaluation.image_masks import image_rles
from detectune.structures import Inputs, PaddedDetections

# Called with how many images are done.
Progress = Callable[[int], None]


def evaluate_source(
    model: DetectionModel,
    source: Source,
    resizer: Resizer,
    label_map: LabelMap,
    *,
    batch_size: int = 8,
    limit: int | None = None,
    progress: Progress | None = None,
    needs: Needs = BOXES_ONLY,
    images: ReadableImages | None = None,
) -> CocoEvaluator:
    """Detect in every image of `source` and collect ground truth and detections.

    Args:
        batch_size: images at a time. Images of varying size go one by one.
        limit: evaluate the first `limit` images only; None for all.
        needs: its inputs are given to the detector; with "masks" among its annotations they are
            measured, too.
        images: the images of `source`; afterwards it says which did not count, because they could
            not be read.

    Raises:
        DataError: more than half of the images cannot be read, or an object has no mask though
            masks are measured; they are named.
    """
    images = images or ReadableImages(source)
    check_columns(source, Needs(annotations=needs.annotations))
    names = {item.id: item.label for item in label_map.items}
    evaluator = CocoEvaluator(names, masks="masks" in needs)
    total = len(source) if limit is None else min(limit, len(source))
    size = 1 if None in resizer.output_size else min(batch_size, total)
    batches = eval_batches(
        source, resizer, batch_size=size, limit=limit, needs=needs, images=images
    )
    for batch in named_errors(batches.as_numpy_iterator(), images):
        _add(evaluator, images, batch, detect_padded(model, batch, size))
        if progress is not None:
            progress(int(batch.indices[-1]) + 1)
    return evaluator


def detect_padded(model: DetectionModel, batch: EvalBatch, size: int) -> PaddedDetections:
    """Detections of `batch`, filled up to `size` images so that nothing is compiled twice."""
    count = len(batch.indices)
    inputs, sizes = batch.inputs, batch.sizes
    if count < size:
        fill = np.concatenate([np.arange(count), np.zeros(size - count, int)])
        parts = cast(dict[str, np.ndarray], inputs)
        inputs = cast(Inputs, {name: part[fill] for name, part in parts.items()})
        sizes = sizes[fill]
    found = model.detect(inputs, sizes)
    return PaddedDetections(*(None if part is None else part[:count] for part in found))


def _add(
    evaluator: CocoEvaluator, images: ReadableImages, batch: EvalBatch, detections: PaddedDetections
) -> None:
    boxes = to_original(detections, batch.sizes, batch.original_sizes)
    measures_masks = "Masks" in evaluator.kinds
    for row, index in enumerate(batch.indices):
        try:
            truth = repair(images.source.annotation(int(index)))
            masks = _masks(truth, batch, detections, boxes, row) if measures_masks else {}
        except DataError as error:  # a mask is decoded only now
            images.leave_out(int(index), error)
            images.refuse_too_many()
            continue
        scale = np.tile(batch.original_sizes[row].astype(np.float32), 2)
        valid = detections.valid[row]
        evaluator.add(
            truth.source_id,
            truth_boxes=truth.boxes * scale,
            truth_classes=truth.class_ids,
            is_crowd=truth.is_crowd,
            areas=truth.areas,
            boxes=boxes[row][valid],
            scores=detections.scores[row][valid],
            classes=detections.classes[row][valid] + 1,
            size=(int(batch.original_sizes[row][0]), int(batch.original_sizes[row][1])),
            **masks,
        )


def _masks(
    truth: Record, batch: EvalBatch, detections: PaddedDetections, boxes: np.ndarray, row: int
) -> dict[str, list[Rle]]:
    """`truth_masks` and `masks` of image `row`, as large as the image file."""
    height, width = (int(side) for side in batch.original_sizes[row])
    valid = detections.valid[row]
    return {
        "truth_masks": record_rles(truth, height, width),
        "masks": image_rles(detections.masks[row][valid], boxes[row][valid], height, width),
    }
