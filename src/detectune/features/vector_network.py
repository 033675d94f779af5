"""A SavedModel of TensorFlow Hub or Kaggle as a frozen network from images to vectors.

    folder ─► signature, checked ─► VectorNetwork ─► images [B, H, W, 3] ─► vectors [B, D]

Such a model is a classifier or what is below one. It gives one vector for a whole image and no
feature maps, so no detector can stand on it. A SavedModel is a program: take it from those you
trust.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from detectune.config.checkpoint_paths import is_saved_model
from detectune.errors import CheckpointError, DataError, three_part
from detectune.files import usable_path

# What TensorFlow raises about damaged files.
_DAMAGED = (
    tf.errors.OpError, OSError, ValueError, LookupError, RuntimeError, AttributeError, TypeError,
)  # fmt: skip
HUB_RANGE = (0.0, 1.0)
"""What networks of TensorFlow Hub take for black and white, unless they take whole numbers."""


@dataclass(frozen=True)
class VectorNetwork:
    """A network that is not trained: images in, one vector for each of them out."""

    path: Path
    size: tuple[int, int] | None
    """Height and width of its images in pixels; None if it takes any."""
    value_range: tuple[float, float]
    """What it takes for black and for white."""
    dimension: int
    """Numbers of a vector."""
    input_type: tf.DType
    _compute: Callable[[tf.Tensor], tf.Tensor] = field(repr=False)

    def vectors(self, images: np.ndarray) -> np.ndarray:
        """A vector `[B, D]` float32 for each of `images`.

        Args:
            images: `[B, H, W, 3]` uint8, RGB; resized if the network takes another size.

        Raises:
            DataError: they are not such images.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise DataError(
                three_part(
                    f"images: they are {images.dtype} of the shape {images.shape}.",
                    "Allowed: uint8 of the shape [B, H, W, 3], red, green, blue.",
                    "Put the images into one array, and turn them into bytes of three colours.",
                )
            )
        if not images.size:
            return np.zeros((len(images), self.dimension), np.float32)
        pixels = tf.cast(images, tf.float32)
        if self.size is not None and tuple(images.shape[1:3]) != self.size:
            pixels = tf.image.resize(pixels, self.size, antialias=True)
        vectors = self._compute(self._scaled(pixels))
        return tf.cast(vectors, tf.float32).numpy()

    def _scaled(self, pixels: tf.Tensor) -> tf.Tensor:
        black, white = self.value_range
        scaled = black + pixels * ((white - black) / 255)
        if self.input_type.is_integer:
            scaled = tf.round(scaled)
        return tf.cast(scaled, self.input_type)


def load_vector_network(
    folder: str | os.PathLike[str], *, value_range: tuple[float, float] | None = None
) -> VectorNetwork:
    """The SavedModel in `folder`, in TensorFlow 2's format, as a network from images to vectors.

    Args:
        value_range: what it takes for black and for white. If None, 0 and 1 as on TensorFlow Hub,
            or 0 and 255 if its input is uint8.

    Raises:
        CheckpointError: there is no SavedModel, it is damaged, or it is not one that takes an
            image of three colours and gives one vector.
        ConfigError: `folder` can be no path.
    """
    path = usable_path(folder, "SavedModel")
    if not is_saved_model(path):
        raise _refused(path, "there is no saved_model.pb")
    try:
        loaded: Any = tf.saved_model.load(os.fspath(path))
        functions = list(_functions(loaded))
    except _DAMAGED as error:
        lines = str(error).splitlines()
        raise _refused(path, lines[0] if lines else type(error).__name__) from error
    if not functions:
        raise _refused(path, "it has neither the signature serving_default nor can it be called")
    reasons: list[str] = []
    for function in functions:
        found = _as_network(path, function, value_range, loaded)
        if isinstance(found, VectorNetwork):
            return found
        reasons.append(found)
    raise _refused(path, reasons[0])


def _functions(loaded: Any) -> Iterator[Any]:
    """What may be called: the signature, then the object itself without training."""
    signatures = getattr(loaded, "signatures", {})
    if "serving_default" in signatures:
        yield signatures["serving_default"]
    call = getattr(loaded, "__call__", None)  # noqa: B004 - a function of TensorFlow is wanted
    for function in getattr(call, "concrete_functions", []):
        flags = [one for one in tf.nest.flatten(function.structured_input_signature) if one is True]
        if not flags:  # such as training=True
            yield function


def _as_network(
    path: Path, function: Any, value_range: tuple[float, float] | None, loaded: Any
) -> VectorNetwork | str:
    """`function` as a network, or why it is none."""
    inputs = [
        one
        for one in tf.nest.flatten(function.structured_input_signature)
        if isinstance(one, tf.TensorSpec)
    ]
    outputs = _outputs(function.structured_outputs)
    if len(inputs) != 1 or not _is_image(inputs[0]):
        return f"its inputs are {_shown(inputs)}"
    name = _vector(outputs)
    if name is None:
        return f"its outputs are {_shown(outputs.values())}"
    (spec,) = inputs
    height, width = spec.shape[1:3]
    whole = spec.dtype.is_integer
    keyword = spec.name if function.structured_input_signature[1] else None

    def compute(images: tf.Tensor) -> tf.Tensor:
        assert loaded is not None  # kept alive: a signature alone does not do that
        found = function(**{keyword: images}) if keyword else function(images)
        return found[name] if name else found

    return VectorNetwork(
        path=path,
        size=None if height is None or width is None else (height, width),
        value_range=value_range or ((0.0, 255.0) if whole else HUB_RANGE),
        dimension=outputs[name].shape[-1],
        input_type=spec.dtype,
        _compute=compute,
    )


def _is_image(spec: tf.TensorSpec) -> bool:
    """Any number of images, three colours last."""
    shape = spec.shape
    return (
        shape.rank == 4
        and shape[0] is None
        and shape[3] == 3
        and (spec.dtype.is_floating or spec.dtype == tf.uint8)
    )


def _outputs(structure: Any) -> dict[str, tf.TensorSpec]:
    """Name → output; a single one without a name is called ""."""
    if isinstance(structure, dict):
        return {str(name): one for name, one in structure.items()}
    return {"": structure} if isinstance(structure, tf.TensorSpec) else {}


def _vector(outputs: dict[str, tf.TensorSpec]) -> str | None:
    """The name of the output that is a vector; None if there is not one alone.

    Networks of TensorFlow Hub may give maps of their layers too; "default" is the vector then.
    """
    names = [name for name, spec in outputs.items() if _is_vector(spec)]
    if "default" in names:
        return "default"
    return names[0] if len(names) == 1 and len(outputs) == 1 else None


def _is_vector(spec: Any) -> bool:
    shape = spec.shape
    return bool(spec.dtype.is_floating and shape.rank == 2 and shape[1])


def _shown(specs: Any) -> str:
    shown = [f"{spec.dtype.name} {_shape(spec.shape)}" for spec in specs if hasattr(spec, "dtype")]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return (", ".join(shown[:3]) or "none") + more


def _shape(shape: tf.TensorShape) -> str:
    return "of any shape" if shape.rank is None else str(list(shape))


def _refused(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        three_part(
            f"{path}: it is no network from images to vectors: {reason}.",
            "Needed is the folder of a SavedModel in TensorFlow 2's format that takes [None, H, W, "
            "3] float32 or uint8 and gives one [None, D] float32.",
            "Take a classification or feature-vector model of TensorFlow Hub or Kaggle and unpack "
            "it, so that saved_model.pb and variables/ stand in the folder.",
        )
    )
