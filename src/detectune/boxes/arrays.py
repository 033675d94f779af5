"""One way to write box math for NumPy arrays and for tensors of any Keras backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectune.structures import Array


def same_kind(*arrays: Array) -> tuple[Any, ...]:
    """`(numpy, *arrays)` if every argument is NumPy, else `(keras.ops, *tensors)`; all float32.

    Box math stays float32 under mixed precision: half precision cannot tell neighbouring
    pixels of a large image apart.
    """
    if all(isinstance(array, np.ndarray | float | int) for array in arrays):
        return np, *(np.asarray(array, np.float32) for array in arrays)
    from keras import ops

    return ops, *(ops.cast(ops.convert_to_tensor(array), "float32") for array in arrays)
