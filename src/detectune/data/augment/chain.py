"""`data_augmentation_options` → one function that applies them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import tensorflow as tf

from detectune.config import schema
from detectune.config.descriptors import set_choices, text_name, value_of
from detectune.data.augment.example import Example, augmentations
from detectune.errors import ConfigError, three_part


def build_augmentations(
    options: Iterable[schema.PreprocessingStep],
) -> Callable[[Example, tf.Tensor], Example]:
    """A function (example, seed [2]) → example that applies `options` in order.

    Raises:
        ConfigError: an option is not known here, is empty, or names two; the message lists the
            known ones.
    """
    steps = []
    for option in options:
        chosen = set_choices(option)
        if len(chosen) != 1:
            raise _not_one([text_name(field) for field in chosen])
        (field,) = chosen
        steps.append((augmentations[field.name], value_of(option, field)))

    # Without autograph a ConfigError stays what it is, and tracing is faster.
    @tf.autograph.experimental.do_not_convert
    def augment(example: Example, seed: tf.Tensor) -> Example:
        for number, (op, config) in enumerate(steps):
            example = op(example, tf.random.fold_in(seed, number), config)
        return example

    return augment


def _not_one(names: list[str]) -> ConfigError:
    return ConfigError(
        three_part(
            "data_augmentation_options: an option "
            + (f"has {' and '.join(names)}." if names else "is empty."),
            f"Each names one augmentation. Known: {', '.join(augmentations)}.",
            "Name one, such as data_augmentation_options { random_horizontal_flip { } }.",
        )
    )
