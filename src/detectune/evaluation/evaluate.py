"""A detector and a source → the COCO numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detectune.config.label_map import LabelMap
from detectune.data.check import named_errors
from detectune.data.pipeline import EvalBatch, eval_batches
from detectune.data.resizers import Resizer
from detectune.data.sources.base import Source, repair
from detectune.detectors.inference import DetectionModel, to_original
from detectune.evaluation.coco import CocoEvaluator
from detectune.structures import Detections

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
) -> CocoEvaluator:
    """Detect in every image of `source` and collect ground truth and detections.

    Args:
        batch_size: images at a time. Images of varying size go one by one.
        limit: evaluate the first `limit` images only; None for all.

    Raises:
        DataError: an image cannot be decoded; it is named. Nothing is skipped.
    """
    evaluator = CocoEvaluator({item.id: item.label for item in label_map.items})
    total = len(source) if limit is None else min(limit, len(source))
    size = 1 if None in resizer.output_size else min(batch_size, total)
    batches = eval_batches(source, resizer, batch_size=size, limit=limit)
    for batch in named_errors(batches.as_numpy_iterator(), source):
        _add(evaluator, source, batch, detect_padded(model, batch, size))
        if progress is not None:
            progress(len(evaluator))
    return evaluator


def detect_padded(model: DetectionModel, batch: EvalBatch, size: int) -> Detections:
    """Detections of `batch`, filled up to `size` images so that nothing is compiled twice."""
    count = len(batch.indices)
    images, sizes = batch.images, batch.sizes
    if count < size:
        fill = np.zeros(size - count, int)
        images = np.concatenate([images, images[fill]])
        sizes = np.concatenate([sizes, sizes[fill]])
    return Detections(*(part[:count] for part in model.detect(images, sizes)))


def _add(
    evaluator: CocoEvaluator, source: Source, batch: EvalBatch, detections: Detections
) -> None:
    boxes = to_original(detections, batch.sizes, batch.original_sizes)
    for row, index in enumerate(batch.indices):
        truth = repair(source.annotation(int(index)))
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
        )
