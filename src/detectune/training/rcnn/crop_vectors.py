"""Vectors of the objects and proposals of every training image, kept on disk.

    image ─► objects, then proposals ─► network, some crops at a time ─► RUN/crop_vectors/KEY.npy

The key is made of all that the vectors depend on: weights and settings of the network, pixels and
boxes. A training that is killed, and a later one in the same folder, computes what is missing.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from detectune.data.pipeline import EvalBatch, eval_batches
from detectune.data.readable import named_errors
from detectune.data.sources.record import repair
from detectune.detectors.rcnn import RCNN
from detectune.files import atomic_path
from detectune.training.console import RunConsole
from detectune.training.streams import Stream
from detectune.training.weights import array_of
from detectune.wording import plural

FOLDER = "crop_vectors"
_MINUTE, _BYTES_PER_GB = 60.0, 1e9
# Batches of crops that are timed, after the one in which the network is compiled.
_TIMED = 2

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

    def of(self, stream: Stream) -> list[ImageCrops]:
        """The crops of every image of `stream` that can be read, in order.

        It says how long it will take before most of it is done.

        Raises:
            DataError: more than half of the images cannot be read.
            WriteError: the disk is full.
        """
        total = len(stream.source)
        expected = _expected_crops(stream, self.detector.needs.size("proposals"))
        clock = _Clock(expected, self.detector.dimension, total, self.console.say)
        found: list[ImageCrops] = []
        with self.console.training(0, total):
            self.console.phase("features of crops")
            for batch in self._batches(stream):
                found.append(self._of_image(stream, batch, clock))
                self.console.step(len(found))
        self.console.say(clock.summary(len(found)))
        return found

    def _batches(self, stream: Stream) -> Iterator[EvalBatch]:
        batches = eval_batches(
            stream.source,
            stream.resizer,
            batch_size=1,
            needs=self.detector.needs,
            images=stream.images,
        )
        return iter(named_errors(batches.as_numpy_iterator(), stream.images))

    def _of_image(self, stream: Stream, batch: EvalBatch, clock: _Clock) -> ImageCrops:
        record = repair(stream.source.annotation(int(batch.indices[0])))
        objects = record.boxes * np.tile(batch.sizes[0].astype(np.float32), 2)
        given = np.asarray(batch.inputs.get("proposals"))[0]
        proposals = given[(given[:, 2:] > given[:, :2]).all(axis=1)]
        boxes = np.concatenate([objects, proposals]).astype(np.float32)
        crops = ImageCrops(
            objects=objects,
            classes=record.class_ids.astype(int) - 1,
            counts=~(record.is_crowd | record.group_of) & (record.weights > 0),
            proposals=proposals,
            file=self.folder / f"{self._key_of(batch.images, boxes)}.npy",
        )
        if self._is_there(crops, len(boxes)):
            clock.known(len(boxes))
        else:
            self._write(crops.file, self._compute(batch.images, boxes, clock))
        return crops

    def _compute(self, image: np.ndarray, boxes: np.ndarray, clock: _Clock) -> np.ndarray:
        size = self.detector.crops_at_once
        found = [np.zeros((0, self.detector.dimension), np.float32)]
        for start in range(0, len(boxes), size):
            part = boxes[start : start + size]
            filled = np.zeros((1, size, 4), np.float32)
            filled[0, : len(part)] = part
            began = time.monotonic()
            seen = {"images": image, "boxes": filled}
            vectors = np.asarray(self._network.predict_on_batch(seen), np.float32)
            found.append(vectors[0, : len(part)])
            clock.computed(len(part), time.monotonic() - began)
        return np.concatenate(found)

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


class _Clock:
    """Times the first crops, and says once how long all will take.

    Args:
        expected: crops of all images.
        images: how many there are.
    """

    def __init__(
        self, expected: int, dimension: int, images: int, say: Callable[[str], None]
    ) -> None:
        self._expected, self._dimension, self._images, self._say = expected, dimension, images, say
        self._known = self._computed = self._batches = 0
        self._timed_crops, self._timed_seconds, self._seconds = 0, 0.0, 0.0

    def known(self, count: int) -> None:
        """Count crops of which the vectors are on the disk."""
        self._known += count

    def computed(self, count: int, seconds: float) -> None:
        """Count crops that took `seconds`."""
        self._computed += count
        self._seconds += seconds
        self._batches += 1
        if 1 < self._batches <= 1 + _TIMED:  # the first one was compiled
            self._timed_crops += count
            self._timed_seconds += seconds
        if self._batches == 1 + _TIMED:
            self._tell()

    def _tell(self) -> None:
        each = self._timed_seconds / max(self._timed_crops, 1)
        left = max(self._expected - self._known - self._computed, 0)
        gigabytes = self._expected * self._dimension * 4 / _BYTES_PER_GB
        self._say(
            f"{plural(self._expected, 'crop')} of {plural(self._images, 'image')}, "
            f"{each * 1000:.0f} ms each: about {_minutes(left * each)} from here, and "
            f"{gigabytes:.2g} GB on the disk"
        )

    def summary(self, images: int) -> str:
        """What was done, in words."""
        return (
            f"features of {plural(self._known + self._computed, 'crop')} of "
            f"{plural(images, 'image')}: {self._computed} computed in "
            f"{_minutes(self._seconds)}, {self._known} read from the run directory"
        )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE else f"{seconds / _MINUTE:.0f} min"


def _expected_crops(stream: Stream, most: int) -> int:
    """Objects and proposals of all images, about: proposals without area are among them."""
    records = (stream.source.unrepaired(index) for index in range(len(stream.source)))
    return sum(
        len(record.boxes) + min(len(record.proposals), most)
        for record in records
        if record.proposals is not None
    )


def _network_key(detector: RCNN) -> bytes:
    """A checksum of all that the vector of a crop depends on beside the crop."""
    key = hashlib.sha256()
    settings = (detector.crop_size, detector.context, detector.pad_value)
    key.update(repr(settings).encode())
    for variable in detector.backbone.weights:
        key.update(np.ascontiguousarray(array_of(variable)).tobytes())
    return key.digest()
