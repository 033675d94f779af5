"""Batches of two domains, side by side."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def with_target(batches: tf.data.Dataset, target: tf.data.Dataset) -> tf.data.Dataset:
    """`batches` whose inputs have "target": the images of a batch of `target`, see `Inputs`.

    What is in those images is left behind here: no loss can see it.
    """

    @tf.autograph.experimental.do_not_convert
    def joined(own: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[dict[str, Any], Any]:
        inputs, truth = own
        seen, unknown = other
        return {**inputs, "target": {**seen, "sizes": unknown["sizes"]}}, truth

    return tf.data.Dataset.zip((batches, target)).map(joined)
