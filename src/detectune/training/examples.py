"""Pictures of the evaluation data, with their true boxes and those that a detector finds."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from detectune.data.check import named_errors
from detectune.data.pipeline import EvalBatch, eval_batches
from detectune.data.resizers import Resizer
from detectune.data.sources.base import Source, Subset, class_names, repair
from detectune.detectors.inference import DetectionModel
from detectune.evaluation.evaluate import detect_padded
from detectune.structures import Detections
from detectune.training.report import Box, Example

# Scores below are not drawn; sides and numbers keep the page small.
_THRESHOLD, _LONGEST_SIDE, _MOST_BOXES = 0.4, 440, 40


def find_examples(
    model: DetectionModel,
    source: Source,
    resizer: Resizer,
    *,
    batch_size: int,
    count: int = 8,
    proposals: int = 0,
) -> list[Example]:
    """Up to `count` images of `source`, spread over it.

    Args:
        batch_size: that of the evaluation before, so that nothing is compiled anew.
        proposals: how many boxes of the data the detector looks at; 0 if it finds its own.

    Raises:
        DataError: an image cannot be decoded; it is named.
    """
    spread = np.linspace(0, len(source) - 1, min(count, len(source))).astype(int)
    chosen = Subset(source, sorted({int(index) for index in spread}))
    size = 1 if None in resizer.output_size else min(batch_size, len(source))
    batches = eval_batches(chosen, resizer, batch_size=size, proposals=proposals)
    found: list[Example] = []
    for batch in named_errors(batches.as_numpy_iterator(), chosen):
        detections = detect_padded(model, batch, size)
        found += [_example(chosen, batch, detections, row) for row in range(len(batch.indices))]
    return found


def _example(source: Source, batch: EvalBatch, detections: Detections, row: int) -> Example:
    record = repair(source.annotation(int(batch.indices[row])))
    names = class_names(source.label_map)
    height, width = (int(side) for side in batch.sizes[row])
    pixels = np.clip(batch.images[row][:height, :width], 0, 255).astype(np.uint8)
    # The model may see the picture squeezed; people see it in its own proportions.
    picture = _shown(Image.fromarray(pixels), *(int(side) for side in batch.original_sizes[row]))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    keep = detections.valid[row] & (detections.scores[row] >= _THRESHOLD)
    boxes = detections.boxes[row][keep] / np.array([height, width, height, width], np.float32)
    ids, scores = detections.classes[row][keep] + 1, detections.scores[row][keep]
    return Example(
        file_name=record.file_name,
        jpeg=buffer.getvalue(),
        height=picture.height,
        width=picture.width,
        truth=_boxes(record.boxes, record.class_ids, names, None),
        found=_boxes(boxes, ids, names, scores)[:_MOST_BOXES],
    )


def _shown(picture: Image.Image, height: int, width: int) -> Image.Image:
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return picture.resize(size, Image.Resampling.BICUBIC)


def _boxes(
    boxes: np.ndarray, ids: np.ndarray, names: dict[int, str], scores: np.ndarray | None
) -> list[Box]:
    return [
        Box(
            corners=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            class_id=int(class_id),
            name=names.get(int(class_id), f"class {int(class_id)}"),
            score=None if scores is None else float(scores[index]),
        )
        for index, (box, class_id) in enumerate(zip(boxes, ids, strict=True))
    ]
