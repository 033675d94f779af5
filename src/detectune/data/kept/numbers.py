"""How feature maps are kept: float32, float16, or bfloat16, which NumPy does not know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from detectune.config import schema
from detectune.errors import ConfigError, three_part

_LARGEST_HALF = 65504.0


@dataclass(frozen=True)
class Numbers:
    """A type of numbers.

    Args:
        name: as `feature_cache { type }` spells it.
        kept: the type on disk.
    """

    name: str
    kept: np.dtype

    def encode(self, values: np.ndarray) -> np.ndarray:
        """`values`, float32, as they are kept.

        Raises:
            ConfigError: a value is larger than the type can hold, or no number.
        """
        values = np.ascontiguousarray(values, np.float32)
        largest = float(np.max(np.abs(values), initial=0.0))
        limit = _LARGEST_HALF if self.name == "FLOAT16" else np.finfo(np.float32).max
        if not largest <= limit:
            raise _out_of_range(largest, self.name)
        if self.name != "BFLOAT16":
            return values.astype(self.kept)
        # The upper half of a float32, rounded to the nearest, ties to even.
        bits = values.view(np.uint32).astype(np.uint64)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)

    def decode(self, values: tf.Tensor) -> tf.Tensor:
        """What `encode` gave, as float16 or float32."""
        if self.name == "BFLOAT16":
            return tf.cast(tf.bitcast(values, tf.bfloat16), tf.float32)
        return values


def numbers_of(config: schema.FeatureCache) -> Numbers:
    """The type that `feature_cache { type }` names."""
    name = schema.FeatureCache.Type.Name(config.type)
    kept = {"FLOAT16": "<f2", "BFLOAT16": "<u2", "FLOAT32": "<f4"}[name]
    return Numbers(name, np.dtype(kept))


def _out_of_range(largest: float, name: str) -> ConfigError:
    if not np.isfinite(largest):
        return ConfigError(
            three_part(
                "train_config.feature_cache: the frozen layers give values that are no numbers.",
                "What is kept of them is finite.",
                "Look at the weights: fine_tune_checkpoint, or those of the backbone.",
            )
        )
    return ConfigError(
        three_part(
            f"train_config.feature_cache.type: the frozen layers give values up to {largest:.3g}.",
            f"{name} holds numbers up to {_LARGEST_HALF:.0f}.",
            "Write type: BFLOAT16, which takes as much room, or FLOAT32.",
        )
    )
