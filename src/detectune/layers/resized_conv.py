"""A convolution of an enlarged map, without the enlarged map.

Enlarging is linear, and so is convolving: the taps of the kernel can be applied to the small map,
and what they give be enlarged, each tap shifted by one pixel. A mask head that makes 33x33 pixels
of 4x4 cells needs a fortieth of the multiplications for its widest layer, and none of the memory
for 33x33 pixels with all channels of the backbone.
"""

from __future__ import annotations

import numpy as np
from keras import ops
from keras.layers import Conv2D

from detectune.boxes.anchors import Size
from detectune.structures import Array


def resized_conv(features: Array, conv: Conv2D, size: Size) -> Array:
    """`[M, H, W, F]`: `conv` of `features` `[M, h, w, D]` enlarged to `size` H, W.

    Enlarging is bilinear with aligned corners; pixels beyond the border are 0.

    Args:
        conv: built, stride 1, padding "same", of odd size, without an activation.
    """
    height, width, depth = features.shape[1:]
    taps = conv.kernel_size
    kernel = ops.reshape(ops.transpose(conv.kernel, (2, 0, 1, 3)), (depth, -1))
    parts = ops.matmul(ops.reshape(features, (-1, height * width, depth)), kernel)
    parts = ops.reshape(parts, (-1, height, width, *taps, conv.filters))
    parts = ops.transpose(parts, (0, 1, 3, 2, 4, 5))
    rows = ops.convert_to_tensor(_shifted(size[0], height, taps[0]), parts.dtype)
    columns = ops.convert_to_tensor(_shifted(size[1], width, taps[1]), parts.dtype)
    parts = ops.reshape(parts, (-1, height * taps[0], width * taps[1] * conv.filters))
    parts = ops.reshape(ops.matmul(rows, parts), (-1, width * taps[1], conv.filters))
    outputs = ops.reshape(ops.matmul(columns, parts), (-1, *size, conv.filters))
    return outputs + ops.cast(conv.bias, outputs.dtype) if conv.use_bias else outputs


def _shifted(size: int, length: int, taps: int) -> np.ndarray:
    """`[size, length · taps]`: how much each cell counts for each pixel under each tap."""
    # Parity: tf.image.resize_bilinear with align_corners, which begins at 0 for a single pixel.
    positions = np.arange(size) * ((length - 1) / max(size - 1, 1))
    enlarged = np.maximum(1.0 - np.abs(positions[:, None] - np.arange(length)), 0.0)
    padded = np.pad(enlarged, [(taps // 2, taps // 2), (0, 0)])
    shifts = np.stack([padded[tap : tap + size] for tap in range(taps)], axis=-1)
    return shifts.reshape(size, length * taps).astype(np.float32)
