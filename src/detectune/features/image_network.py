"""A frozen network, of whatever origin, that gives one vector for an image.

images [B, H, W, 3] uint8 ─► normalized ─► network ─► last feature map ─► pooled ─► [B, D]
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from detectune.backbones.base import Backbone
from detectune.errors import ConfigError, three_part
from detectune.features.settings import Pooling

USUAL_SIDE = 224
"""Pixels: of the images that most classifiers are trained on."""


@dataclass(frozen=True)
class ImageNetwork:
    """A network that is not trained: images in, one vector for each of them out."""

    name: str
    """As it is opened again; paths are absolute."""
    weights: str
    """As they are named; empty where the network brings its own."""
    pooling: str
    size: tuple[int, int]
    """Height and width of the images that it is given, in pixels."""
    dimension: int
    """Numbers of a vector."""
    fingerprint: str
    """Equal for equal weights."""
    compute: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    """`[B, H, W, 3]` uint8 of `size` → `[B, D]` float32."""
    value_range: tuple[float, float] | None = None
    """What a SavedModel is given for black and white; None for networks whose range is known."""
    notes: tuple[str, ...] = ()
    """What the user should be told, in sentences without a full stop."""

    def vectors(self, images: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """`[B, D]` float32 of `images [B, H, W, 3]` uint8, RGB, of the size of the network.

        Args:
            batch_size: black images fill the batch up to so many, so that a graph is traced once.
        """
        missing = max((batch_size or len(images)) - len(images), 0)
        filled = np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])
        return np.asarray(self.compute(filled), np.float32)[: len(images)]


def pooled_model(inputs: Any, feature_map: Any, pooling: Pooling) -> keras.Model:
    """A model from `inputs` to the mean, or the highest value, of every channel of a map."""
    kinds = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}
    return keras.Model(inputs, kinds[pooling]()(feature_map))


def of_model(
    model: keras.Model, prepare: Callable[[np.ndarray], Any], **described: Any
) -> ImageNetwork:
    """`model`, which gives vectors, as a network.

    Args:
        prepare: `[B, H, W, 3]` uint8 → what the model takes.
        described: `name`, `weights`, `pooling`, `size`, and `notes` of it.
    """

    def compute(images: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict_on_batch(prepare(images)))

    return ImageNetwork(
        dimension=int(model.output_shape[-1]),
        fingerprint=fingerprint(_bytes_of(model)),
        compute=compute,
        **described,
    )


def of_backbone(backbone: Backbone, pooling: Pooling, **described: Any) -> ImageNetwork:
    """The last feature map of `backbone`, pooled, before any padding to the grid of anchors.

    Raises:
        ConfigError: images of its size are too small for it.
    """
    height, width = described["size"]
    if min(height, width) < backbone.min_image_side:
        raise ConfigError(
            three_part(
                f"--size: images of {height}x{width} pixels are too small for {described['name']}.",
                f"This network needs {backbone.min_image_side} pixels each way.",
                "Choose a larger --size.",
            )
        )
    maps = backbone.network.outputs
    last = maps[0] if backbone.is_of_keras else maps[-1]
    model = pooled_model(backbone.network.inputs[0], last, pooling)

    def prepare(images: np.ndarray) -> np.ndarray:
        return ops.convert_to_numpy(backbone.normalized(images.astype(np.float32)))

    return of_model(model, prepare, pooling=pooling, **described)


def fingerprint(parts: Iterable[bytes]) -> str:
    """32 letters that are equal for equal `parts`."""
    found = hashlib.sha256()
    for part in parts:
        found.update(hashlib.sha256(part).digest())
    return found.hexdigest()[:32]


def _bytes_of(model: keras.Model) -> Iterable[bytes]:
    for variable in model.weights:
        value = np.asarray(variable)
        yield f"{value.shape} {value.dtype}".encode()
        yield np.ascontiguousarray(value).tobytes()
