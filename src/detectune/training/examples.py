"""Pictures of the evaluation data, with true boxes and masks, and those that a detector finds."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from detectune.config.needs import BOXES_ONLY, Needs
from detectune.data.decoded_masks import record_pixels
from detectune.data.masks import resized
from detectune.data.pipeline import EvalBatch, eval_batches
from detectune.data.readable import ReadableImages, named_errors
from detectune.data.resizers import Resizer
from detectune.data.sources.base import Source, Subset, class_names
from detectune.data.sources.record import Record, repair
from detectune.detectors.inference import DetectionModel
from detectune.drawing.colours import class_colour, hex_colour
from detectune.evaluation.evaluate_source import detect_padded
from detectune.evaluation.image_masks import pasted
from detectune.structures import PaddedDetections
from detectune.training.report_examples import Box, Example

# Sides and numbers keep the page small.
_LONGEST_SIDE, _MOST_BOXES = 440, 40
_TINT = 110  # opacity of a mask, of 255


def find_examples(
    model: DetectionModel,
    source: Source,
    resizer: Resizer,
    *,
    batch_size: int,
    count: int = 8,
    needs: Needs = BOXES_ONLY,
    chosen: Sequence[tuple[int, str]] = (),
    threshold: float = 0.4,
) -> list[Example]:
    """Some images of `source`, with what `model` finds in them.

    Args:
        count: how many, spread over the source, if none are chosen.
        chosen: indices of images, and a caption for each.
        threshold: boxes with lower scores are not drawn.
        batch_size: that of the evaluation before, so that nothing is compiled anew.
        needs: its inputs are given to the detector.

    Raises:
        DataError: more than half of them cannot be read.
    """
    if not chosen:
        spread = np.linspace(0, len(source) - 1, min(count, len(source))).astype(int)
        chosen = [(index, "") for index in sorted({int(index) for index in spread})]
    shown = Subset(source, [index for index, _ in chosen])
    captions = [text for _, text in chosen]
    images = ReadableImages(shown)
    size = 1 if None in resizer.output_size else min(batch_size, len(source))
    batches = eval_batches(shown, resizer, batch_size=size, needs=needs, images=images)
    found: list[Example] = []
    for batch in named_errors(batches.as_numpy_iterator(), images):
        detections = detect_padded(model, batch, size)
        for row, index in enumerate(batch.indices):
            example = _example(shown, batch, detections, row, threshold)
            found.append(replace(example, caption=captions[int(index)]))
    return found


def _example(
    source: Source, batch: EvalBatch, detections: PaddedDetections, row: int, threshold: float
) -> Example:
    record = repair(source.annotation(int(batch.indices[row])))
    names = class_names(source.label_map)
    height, width = (int(side) for side in batch.sizes[row])
    pixels = np.clip(batch.images[row][:height, :width], 0, 255).astype(np.uint8)
    # The model may see the picture squeezed; people see it in its own proportions.
    picture = _shown(Image.fromarray(pixels), *(int(side) for side in batch.original_sizes[row]))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    keep = detections.valid[row] & (detections.scores[row] >= threshold)
    boxes = detections.boxes[row][keep] / np.array([height, width, height, width], np.float32)
    ids, scores = detections.classes[row][keep] + 1, detections.scores[row][keep]
    size = (picture.height, picture.width)
    return Example(
        file_name=record.file_name,
        jpeg=buffer.getvalue(),
        height=picture.height,
        width=picture.width,
        truth=_boxes(record.boxes, record.class_ids, names, None),
        found=_boxes(boxes, ids, names, scores)[:_MOST_BOXES],
        truth_masks=_tint(_true_masks(record, size), record.class_ids, names, size),
        found_masks=_tint(_found_masks(detections, row, keep, boxes, size), ids, names, size),
    )


def _true_masks(record: Record, size: tuple[int, int]) -> list[np.ndarray]:
    if record.masks is None or None in record.masks:
        return []
    return [resized(mask, *size) for mask in record_pixels(record)]


def _found_masks(
    detections: PaddedDetections,
    row: int,
    keep: np.ndarray,
    boxes: np.ndarray,
    size: tuple[int, int],
) -> list[np.ndarray]:
    """Masks in the picture of that size; `boxes` are fractions."""
    if detections.masks is None:
        return []
    pairs = list(zip(detections.masks[row][keep], boxes * np.tile(size, 2), strict=True))
    return [pasted(mask, box, *size) for mask, box in pairs[:_MOST_BOXES]]


def _tint(
    masks: Sequence[np.ndarray], ids: np.ndarray, names: dict[int, str], size: tuple[int, int]
) -> bytes:
    """A see-through PNG with `masks [H, W]` in the colours of their classes, the best on top."""
    if not masks:
        return b""
    layer = np.zeros((*size, 4), np.uint8)
    for mask, class_id in reversed(list(zip(masks, ids, strict=False))):
        layer[mask > 0] = (*class_colour(int(class_id), names.keys()), _TINT)
    buffer = io.BytesIO()
    Image.fromarray(layer).save(buffer, "PNG")
    return buffer.getvalue()


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
            name=names.get(int(class_id), f"class {int(class_id)}"),
            colour=hex_colour(class_colour(int(class_id), names.keys())),
            score=None if scores is None else float(scores[index]),
        )
        for index, (box, class_id) in enumerate(zip(boxes, ids, strict=True))
    ]
