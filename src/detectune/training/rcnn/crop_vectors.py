"""Vectors of the objects and proposals of every training image, kept on disk.

    image ─► objects, then proposals ─► network, some crops at a time ─► RUN/crop_vectors/KEY.npy

The key is made of all that the vectors depend on: weights and settings of the network, pixels and
boxes. A training that is killed, and a later one in the same folder, computes what is missing.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from detectune.config import schema
from detectune.detectors.rcnn import RCNN
from detectune.files import atomic_path
from detectune.training.console import RunConsole
from detectune.training.rcnn.forecast import CropCount, spoken, timed
from detectune.training.rcnn.seen_images import SeenImage, count_crops, seen_images
from detectune.training.streams import Stream
from detectune.training.weights import array_of
from detectune.wording import plural

FOLDER = "crop_vectors"

_log = logging.getLogger("detectune")


@dataclass(frozen=True)
class ImageCrops:
    """The crops of one training image. Boxes are yxyx in pixels of the model's input."""

    objects: np.ndarray
    """`[N, 4]` float32."""
    classes: np.ndarray
    """`[N]` int, from 0."""
    counts: np.ndarray
    """`[N]` bool: whether an object is learned from; regions of many are not."""
    proposals: np.ndarray
    """`[P, 4]` float32."""
    file: Path
    """Where the vectors of objects and proposals are, `[N + P, D]` float32."""

    def vectors(self) -> np.ndarray:
        """Vectors `[N + P, D]`: of the objects, then of the proposals."""
        return np.load(self.file, mmap_mode="r", allow_pickle=False)


class _CropNetwork(keras.Model):
    """`RCNN.vectors` as a Keras model, so that `predict_on_batch` compiles it once."""

    def __init__(self, detector: RCNN) -> None:
        super().__init__(name="crop_network")
        self.detector = detector
        self.built = True
        self.compile()

    def call(self, seen: dict[str, Any]) -> Any:
        return self.detector.vectors(seen["images"], seen["boxes"])


class CropVectors:
    """Computes vectors, or reads those that were computed before.

    Args:
        folder: the run directory.
    """

    def __init__(self, detector: RCNN, folder: Path, console: RunConsole) -> None:
        self.detector, self.folder, self.console = detector, folder / FOLDER, console
        self._network = _CropNetwork(detector)
        self._key = _network_key(detector)
        self._known = self._computed = 0

    def forecast(self, stream: Stream, settings: schema.SupportVectorMachine) -> None:
        """Time some crops, and say how long all of them will take, and what they need.

        Raises:
            DataError: more than half of the images cannot be read.
        """
        first = next(seen_images(stream, self.detector.needs), None)
        if first is None:
            return
        size, most = self.detector.crops_at_once, self.detector.needs.size("proposals")
        part = _filled(first.boxes[:size], size)
        seconds = timed(lambda: self._vectors(first.pixels, part)) / size
        objects = sum(len(stream.source.unrepaired(i).boxes) for i in range(len(stream.source)))
        count = CropCount(
            images=len(stream.source),
            crops=count_crops(stream, most),
            dimension=self.detector.dimension,
            learned=objects + 2 * settings.negatives_at_once,
        )
        self.console.say(count.said(seconds))
        there = len(list(self.folder.glob("*.npy")))
        if there:
            self.console.say(
                f"vectors of {plural(there, 'image')} are in {self.folder}; those of this network "
                "and these boxes are not computed again"
            )

    def of(self, stream: Stream) -> list[ImageCrops]:
        """The crops of every image of `stream` that can be read, in order.

        Raises:
            DataError: more than half of the images cannot be read.
            WriteError: the disk is full.
        """
        self._known = self._computed = 0
        found: list[ImageCrops] = []
        began = time.monotonic()
        with self.console.training(0, len(stream.source)):
            self.console.phase("features of crops")
            for image in seen_images(stream, self.detector.needs):
                found.append(self._of_image(image))
                self.console.step(len(found))
        self.console.say(
            f"features of {plural(self._known + self._computed, 'crop')} of "
            f"{plural(len(found), 'image')}: {self._computed} computed, {self._known} read from "
            f"the run directory, in {spoken(time.monotonic() - began)}"
        )
        return found

    def _of_image(self, image: SeenImage) -> ImageCrops:
        boxes = image.boxes
        crops = ImageCrops(
            objects=image.objects,
            classes=image.classes,
            counts=image.counts,
            proposals=image.proposals,
            file=self.folder / f"{self._key_of(image.pixels, boxes)}.npy",
        )
        if self._is_there(crops, len(boxes)):
            self._known += len(boxes)
        else:
            self._write(crops.file, self._compute(image.pixels, boxes))
            self._computed += len(boxes)
        return crops

    def _compute(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        size = self.detector.crops_at_once
        found = [np.zeros((0, self.detector.dimension), np.float32)]
        for start in range(0, len(boxes), size):
            part = boxes[start : start + size]
            found.append(self._vectors(image, _filled(part, size))[: len(part)])
        return np.concatenate(found)

    def _vectors(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        seen = {"images": image, "boxes": boxes[None]}
        return np.asarray(self._network.predict_on_batch(seen), np.float32)[0]

    def _is_there(self, crops: ImageCrops, count: int) -> bool:
        """Whether the file holds the vectors; a damaged one is computed again."""
        if not crops.file.is_file():
            return False
        try:
            shape = crops.vectors().shape
        except (OSError, ValueError, EOFError) as error:
            _log.warning("%s: it is damaged (%s), and computed again.", crops.file, error)
            return False
        return shape == (count, self.detector.dimension)

    @staticmethod
    def _write(file: Path, vectors: np.ndarray) -> None:
        with atomic_path(file) as temporary, open(temporary, "wb") as opened:
            np.save(opened, vectors)

    def _key_of(self, image: np.ndarray, boxes: np.ndarray) -> str:
        key = hashlib.sha256(self._key)
        key.update(str(image.shape).encode())
        key.update(np.ascontiguousarray(image).tobytes())
        key.update(boxes.tobytes())
        return key.hexdigest()[:32]


def _filled(boxes: np.ndarray, size: int) -> np.ndarray:
    """`boxes` `[n, 4]` and boxes without area: `[size, 4]`."""
    return np.concatenate([boxes, np.zeros((size - len(boxes), 4), np.float32)])


def _network_key(detector: RCNN) -> bytes:
    """A checksum of all that the vector of a crop depends on beside the crop."""
    key = hashlib.sha256()
    settings = (detector.crop_size, detector.context, detector.pad_value)
    key.update(repr(settings).encode())
    for variable in detector.backbone.weights:
        key.update(np.ascontiguousarray(array_of(variable)).tobytes())
    return key.digest()
