"""Computing something through which no gradient flows, and of which nothing is kept for one."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops

from detectune.structures import Array


def without_gradient(compute: Callable[[], list[Array]]) -> list[Array]:
    """What `compute` returns.

    TensorFlow and JAX compile a training step as a whole: of values that no gradient asks for
    nothing is kept. PyTorch decides while it computes.
    """
    if keras.backend.backend() == "torch":
        from detectune.layers import no_gradient_torch

        return no_gradient_torch.computed(compute)
    return [ops.stop_gradient(value) for value in compute()]
