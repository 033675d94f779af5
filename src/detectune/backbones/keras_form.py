"""The network of `keras.applications` that a backbone is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KerasForm:
    """Which network of `keras.applications` has the layers of a family, in the same order.

    It is meant with a `depth_multiplier` of 1: the original multiplies the channels of narrow
    networks in other ways than Keras.

    Args:
        application: the name of its function.
        differs: what Keras's network computes otherwise; then its weights make another network
            here, and `fine_tune_checkpoint: "imagenet"` is refused. Empty if the maps are equal.
        deviation_for_variance: whether published weights have the deviation where the layer that
            normalizes images has a variance. Keras mends it with another layer, if it is asked for
            "imagenet"; here the variance becomes right.
        archive: the archive of the zoo that has ImageNet weights of this very network; empty if
            there is none.
    """

    application: str
    differs: str = ""
    deviation_for_variance: bool = False
    archive: str = ""
