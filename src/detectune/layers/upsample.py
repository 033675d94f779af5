"""Making a feature map as large as the next finer one."""

from __future__ import annotations

from keras import ops

from detectune.structures import Array


def double_size(coarse: Array, fine: Array) -> Array:
    """`coarse` with every pixel repeated twice each way, cut to the size of `fine`.

    Parity: utils/ops.py nearest_neighbor_upsampling. A fine map of odd size is one pixel smaller.
    """
    batch, height, width, channels = ops.shape(coarse)
    repeated = ops.broadcast_to(
        coarse[:, :, None, :, None, :], (batch, height, 2, width, 2, channels)
    )
    doubled = ops.reshape(repeated, (batch, height * 2, width * 2, channels))
    return doubled[:, : ops.shape(fine)[1], : ops.shape(fine)[2]]
