"""Seconds that crops of regions take, in the ways in which they can be made.

    KERAS_BACKEND=tensorflow python benchmarks/regions.py

Sizes are those of Faster R-CNN ResNet50 at 640x640: 300 boxes of one image when it infers, and 64
boxes of each of two images when it trains; crops of 14x14 of a map of 40x40x1024, then a maximum
over 2x2. `pyramid` is the FPN form: four maps of 256 channels. `gathered` is what backends without
the kernel of TensorFlow run; `products` are two products of matrices, which were tried and left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from detectune.layers import regions

SIZE = (14, 14)


def main() -> None:
    random = np.random.default_rng(0)
    print(f"{keras.backend.backend()}; seconds, the best of 5")
    for images, count in ((1, 300), (2, 64)):
        maps = random.normal(size=(images, 40, 40, 1024)).astype(np.float32)
        boxes = _boxes(random, images, count)
        for name, crop in (("shipped", regions.crop_and_resize), ("products", _products)):
            _report(f"{name} {images}x{count}", crop, [maps], boxes, train=images == 2)
        pyramid = [
            random.normal(size=(images, side, side, 256)).astype(np.float32)
            for side in (160, 80, 40, 20)
        ]
        _report(f"pyramid {images}x{count}", _of_pyramid, pyramid, boxes, train=images == 2)


def _boxes(random: np.random.Generator, images: int, count: int) -> np.ndarray:
    centres = random.uniform(0.1, 0.9, (images, count, 2))
    sides = random.uniform(0.03, 0.5, (images, count, 2))
    corners = np.concatenate([centres - sides / 2, centres + sides / 2], axis=-1)
    return np.clip(corners, 0, 1).astype(np.float32)


def _of_pyramid(maps: list[Any], boxes: Any, size: tuple[int, int]) -> Any:
    levels = regions.pyramid_levels(boxes, len(maps), 2, 640 / 224)
    return regions.crop_and_resize_levels(maps, boxes, levels, size)


def _products(maps: Any, boxes: Any, size: tuple[int, int]) -> Any:
    """The crop as a product with a matrix for rows, and one with a matrix for columns."""
    height, width, channels = maps.shape[1:]
    count = boxes.shape[1]
    rows = regions._sampling_matrix(boxes[..., 0], boxes[..., 2], size[0], height)
    columns = regions._sampling_matrix(boxes[..., 1], boxes[..., 3], size[1], width)
    cut = ops.matmul(
        ops.reshape(rows, (-1, count * size[0], height)),
        ops.reshape(maps, (-1, height, width * channels)),
    )
    cut = ops.reshape(cut, (-1, count, size[0], width, channels))
    return ops.matmul(columns[:, :, None], cut)


class Crop(keras.Model):
    """Crops of maps that are variables, so that training gives them a gradient."""

    def __init__(self, crop: Callable[..., Any], maps: list[np.ndarray]) -> None:
        super().__init__()
        self.crop = crop
        self.maps = [
            self.add_weight(shape=one.shape, initializer="zeros", name=f"map{index}")
            for index, one in enumerate(maps)
        ]
        for variable, one in zip(self.maps, maps, strict=True):
            variable.assign(one)

    def call(self, boxes: Any) -> Any:
        maps = self.maps if len(self.maps) > 1 else self.maps[0]
        crops = self.crop(maps, boxes, SIZE)
        flat = ops.reshape(crops, (-1, *crops.shape[2:]))
        return ops.mean(ops.square(ops.max_pool(flat, 2, 2)))[None]


def _report(
    name: str, crop: Callable[..., Any], maps: list[np.ndarray], boxes: np.ndarray, *, train: bool
) -> None:
    model = Crop(crop, maps)
    model.compile(
        optimizer=keras.optimizers.SGD(1e-3),
        loss=lambda truth, said: ops.sum(said),
        jit_compile=keras.backend.backend() == "jax",
    )
    truth = np.zeros((1,), np.float32)
    step = (lambda: model.train_on_batch(boxes, truth)) if train else (
        lambda: model.predict_on_batch(boxes)
    )  # fmt: skip
    step()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    kind = "forward and backward" if train else "forward"
    print(f"{name:18} {kind:21} {min(seconds):.3f}", flush=True)


if __name__ == "__main__":
    main()
