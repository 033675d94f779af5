"""Batches of labelled crops: a few objects of any class among much background.

    images ─► windows and their labels ─► drawn from (seed, step) ─► cut out, some mirrored ─► batch

A batch is a function of seed and step, so that a training can go on at any.
Source: Girshick et al. 2014 (R-CNN), section 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from detectune.boxes.iou import pairwise_iou
from detectune.config import schema
from detectune.config.architectures.rcnn import objects_of_batch
from detectune.detectors.rcnn import RCNN
from detectune.errors import DataError, three_part
from detectune.training.rcnn.seen_images import SeenImage

_UNUSED = -1


class Windows(NamedTuple):
    """Where crops of one image come from, and what they show."""

    pixels: np.ndarray
    """`[H, W, 3]` uint8."""
    record: int
    """Which record of the source it is."""
    boxes: np.ndarray
    """`[n, 4]` float32, yxyx in pixels."""
    labels: np.ndarray
    """`[n]` int: a class from 0, or the number of classes for background."""


class CropBatch(NamedTuple):
    """Crops of one step."""

    crops: np.ndarray
    """`[B, side, side, 3]` float32, 0–255."""
    labels: np.ndarray
    """`[B]` int32."""


def windows_of(image: SeenImage, num_classes: int, positive_iou: float) -> Windows:
    """Objects and proposals of an image with their labels.

    A proposal shows the object that it overlaps most, by `positive_iou` at least, and background
    otherwise. What shows an object that does not count is left out.
    """
    objects, proposals = image.objects, image.proposals
    labels = np.where(image.counts, image.classes, _UNUSED)
    overlaps = pairwise_iou(proposals, objects)
    near = overlaps.max(axis=1, initial=0.0) >= positive_iou
    of_proposals = np.full(len(proposals), num_classes)
    if len(objects):
        of_proposals = np.where(near, labels[overlaps.argmax(axis=1)], num_classes)
    labels = np.concatenate([labels, of_proposals]).astype(int)
    boxes = image.boxes
    used = (labels != _UNUSED) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    pixels = np.clip(np.rint(image.pixels[0]), 0, 255).astype(np.uint8)
    return Windows(pixels, image.record, boxes[used], labels[used])


class CropBatches:
    """Draws and cuts out the crops of each step.

    Args:
        images: those that can be read.
        seed: of the run.

    Raises:
        DataError: no window shows an object, or none background.
    """

    def __init__(
        self,
        detector: RCNN,
        images: Iterable[Windows],
        settings: schema.CropFineTuning,
        seed: int,
    ) -> None:
        self.images, self.settings, self.seed = list(images), settings, seed
        self._cut = _Cut(detector)
        places = [(i, n) for i, image in enumerate(self.images) for n in range(len(image.labels))]
        labels = np.concatenate([image.labels for image in self.images] or [np.zeros(0, int)])
        shows = labels < detector.num_classes
        self._places = np.asarray(places, int).reshape(-1, 2)
        self._objects, self._background = np.flatnonzero(shows), np.flatnonzero(~shows)
        _check(len(self._objects), len(self._background))

    @property
    def counts(self) -> tuple[int, int]:
        """How many windows show objects, and background."""
        return len(self._objects), len(self._background)

    def batch(self, step: int) -> CropBatch:
        """The crops of `step`, of the first step 0, in a random order."""
        chosen, mirrored = self._drawn(step)
        places = self._places[chosen]
        side = self._cut.detector.crop_size
        crops = np.zeros((len(chosen), side, side, 3), np.float32)
        labels = np.zeros(len(chosen), np.int32)
        for image in np.unique(places[:, 0]):
            rows = np.flatnonzero(places[:, 0] == image)
            windows = self.images[image]
            crops[rows] = self._cut.out_of(windows.pixels, windows.boxes[places[rows, 1]])
            labels[rows] = windows.labels[places[rows, 1]]
        crops[mirrored] = crops[mirrored, :, ::-1]
        return CropBatch(crops, labels)

    def records(self, step: int) -> list[int]:
        """The records of the source that the crops of `step` are of."""
        images = np.unique(self._places[self._drawn(step)[0], 0])
        return [self.images[image].record for image in images]

    def _drawn(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Windows `[B]` of a step, and whether each is mirrored `[B]` bool."""
        random = np.random.default_rng([self.seed, step])
        objects = objects_of_batch(self.settings)
        counts = objects, self.settings.batch_size - objects
        drawn = [
            random.choice(group, count, replace=len(group) < count)
            for group, count in zip((self._objects, self._background), counts, strict=True)
        ]
        chosen = random.permutation(np.concatenate(drawn))
        return chosen, random.random(len(chosen)) < self.settings.flip_probability


class _Cut(keras.Model):
    """`RCNN.crops` as a Keras model, so that `predict_on_batch` compiles it once."""

    def __init__(self, detector: RCNN) -> None:
        super().__init__(name="cut")
        self.detector = detector
        self.built = True
        self.compile()

    def call(self, seen: dict[str, Any]) -> Any:
        return self.detector.crops(seen["images"], seen["boxes"])

    def out_of(self, pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Crops `[n, side, side, 3]` around `boxes` `[n, 4]` of `pixels` `[H, W, 3]`."""
        size = self.detector.crops_at_once
        image = pixels[None].astype(np.float32)
        found: list[np.ndarray] = []
        for start in range(0, len(boxes), size):
            part = boxes[start : start + size]
            filled = np.zeros((1, size, 4), np.float32)
            filled[0, : len(part)] = part
            crops = self.predict_on_batch({"images": image, "boxes": filled})
            found.append(np.asarray(crops)[0, : len(part)])
        return np.concatenate(found)


def micro_batches(batch: int, most: int) -> int:
    """Into how many equal parts a batch is cut to have at most `most` crops each."""
    return next(
        count for count in range(1, batch + 1) if batch % count == 0 and batch // count <= most
    )


def parts_of(batch: CropBatch, count: int) -> Sequence[CropBatch]:
    """`batch` in `count` equal parts."""
    crops, labels = np.split(batch.crops, count), np.split(batch.labels, count)
    return [CropBatch(*part) for part in zip(crops, labels, strict=True)]


def _check(objects: int, background: int) -> None:
    if objects and background:
        return
    what = "an object" if not objects else "background"
    raise DataError(
        three_part(
            f"model.rcnn.fine_tuning: no crop of the training images shows {what}.",
            "Objects and the proposals near them are learned from beside all other proposals.",
            "Look at them with `detectune data inspect SOURCE`, compute more proposals, or remove "
            "fine_tuning { }.",
        )
    )
