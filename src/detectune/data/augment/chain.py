"""`data_augmentation_options` → one function that applies them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import tensorflow as tf

from detectune.config import schema
from detectune.data.augment.example import Example, augmentations
from detectune.errors import ConfigError, three_part


def build_augmentations(
    options: Iterable[schema.PreprocessingStep],
) -> Callable[[Example, tf.Tensor], Example]:
    """A function (example, seed [2]) → example that applies `options` in order.

    Raises:
        ConfigError: an option is not known here; the message lists the known ones.
    """
    steps = []
    for option in options:
        name = option.WhichOneof("preprocessing_step")
        if name is None:
            raise _unnamed()
        steps.append((augmentations[name], getattr(option, name)))

    # Without autograph a ConfigError stays what it is, and tracing is faster.
    @tf.autograph.experimental.do_not_convert
    def augment(example: Example, seed: tf.Tensor) -> Example:
        for number, (op, config) in enumerate(steps):
            example = op(example, tf.random.fold_in(seed, number), config)
        return example

    return augment


def _unnamed() -> ConfigError:
    return ConfigError(
        three_part(
            "data_augmentation_options: an option is empty.",
            f"Known: {', '.join(augmentations)}.",
            "Name one, such as data_augmentation_options { random_horizontal_flip { } }.",
        )
    )
