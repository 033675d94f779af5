"""The mask head: which pixels of a region belong to its object.

    features ─► enlarge ─► convolutions ─► one mask per class          usual
    features ─► convolutions ─► enlarge ─► convolution ─► masks        convolve_then_upsample_masks

Source: He et al. 2017 (Mask R-CNN), section 3.
Parity: predictors/heads/keras_mask_head.py, MaskRCNNMaskHead.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops
from keras.layers import Conv2D, Layer

from detectune.boxes.anchors import Size
from detectune.layers.hyperparams import ConvHyperparams
from detectune.layers.resized_conv import resized_conv
from detectune.structures import Array


def derived_depth(num_features: int, num_classes: int) -> int:
    """Channels of a mask head that fit so many features and classes: a power of 2.

    Parity: MaskRCNNMaskHead takes a weighted mean of their logarithms.
    """
    exponent = (2.0 * math.log2(num_features) + 3.0 * math.log2(num_classes)) / 5.0
    return 2 ** round(exponent)


class MaskHead(Layer):
    """Convolutions from the features of regions to the logits of their masks.

    Args:
        num_classes: without background.
        size: height and width of a mask, cells.
        hyperparams: how convolutions are made.
        depth: channels between the convolutions; 0 derives them, see `derived_depth`.
        num_convolutions: with the last one, which gives the logits.
        class_agnostic: one mask for all classes instead of one for each.
        convolve_first: enlarge by repetition after the convolutions, and convolve once more,
            instead of bilinearly before them. Masks are then a whole multiple of the features,
            and no greater than `size`.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        size: Size,
        hyperparams: ConvHyperparams,
        depth: int = 256,
        num_convolutions: int = 2,
        class_agnostic: bool = False,
        convolve_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes, self.size, self.hyperparams = num_classes, size, hyperparams
        self.depth, self.convolve_first = depth, convolve_first
        self.masks_per_region = 1 if class_agnostic else num_classes
        self.count = max(num_convolutions - 1, 0) + int(convolve_first)
        self.convolutions, self.norms, self.activations = [], [], []
        self.last = hyperparams.conv(self.masks_per_region, 3, use_bias=True)

    def build(self, input_shape: tuple) -> None:
        """Make the variables from the shape of the features."""
        self.repeats = (self.size[0] // input_shape[1], self.size[1] // input_shape[2])
        depth = self.depth or derived_depth(input_shape[-1], self.num_classes)
        channels = input_shape[-1]
        for _ in range(self.count):
            self.convolutions.append(self.hyperparams.conv(depth, 3))
            self.norms.append(self.hyperparams.norm())
            self.activations.append(self.hyperparams.act())
            self.convolutions[-1].build((None, None, None, channels))
            self.norms[-1].build((None, None, None, depth))
            channels = depth
        self.last.build((None, None, None, channels))
        self.built = True

    def call(self, features: Array, classes: Array | None = None, training: bool = False) -> Array:
        """Logits `[M, C or 1, H, W]` of regions with features `[M, h, w, D]`.

        Args:
            classes: `[M]` int32: the only class of each region whose mask is computed; the result
                is `[M, 1, H, W]`. None for all.
        """
        enlarged = not self.convolve_first
        net = features
        for place, conv in enumerate(self.convolutions):
            if self.convolve_first and place == self.count - 1:
                net = _repeated(net, self.repeats)
            resize = enlarged and place == 0
            net = resized_conv(net, conv, self.size) if resize else conv(net)
            net = self.activations[place](self.norms[place](net, training=training))
        if classes is not None and self.masks_per_region > 1 and self.convolutions:
            return _conv_of_one_filter(net, self.last, classes)[:, None]
        resize = enlarged and not self.convolutions
        logits = resized_conv(net, self.last, self.size) if resize else self.last(net)
        logits = ops.transpose(logits, (0, 3, 1, 2))
        if classes is None or self.masks_per_region == 1:
            return logits
        return ops.take_along_axis(logits, classes[:, None, None, None], axis=1)

    @property
    def regions_are_independent(self) -> bool:
        """Whether the mask of a region does not depend on the other regions of its batch."""
        return self.hyperparams.batch_norm is None


def _conv_of_one_filter(features: Array, conv: Conv2D, filters: Array) -> Array:
    """`[M, H, W]`: of maps `[M, H, W, D]`, each with its own of the filters of `conv`.

    Args:
        conv: stride 1, padding "same", of odd size, with a bias.
        filters: `[M]` int32.
    """
    height, width, depth = features.shape[1:]
    taps_y, taps_x = conv.kernel_size
    kernels = ops.reshape(ops.transpose(conv.kernel, (3, 2, 0, 1)), (-1, depth, taps_y * taps_x))
    kernels = ops.take(kernels, filters, axis=0)
    taps = ops.matmul(ops.reshape(features, (-1, height * width, depth)), kernels)
    taps = ops.reshape(taps, (-1, height, width, taps_y * taps_x))
    around = [(taps_y // 2, taps_y // 2), (taps_x // 2, taps_x // 2)]
    taps = ops.pad(taps, [(0, 0), *around, (0, 0)])
    # A product, because TensorFlow's gradient of `take` from a variable is not a plain tensor.
    chosen = ops.one_hot(filters, conv.filters, dtype=taps.dtype)
    total = ops.matmul(chosen, ops.cast(conv.bias, taps.dtype)[:, None])[:, :, None]
    for index in range(taps_y * taps_x):
        y, x = divmod(index, taps_x)
        total = total + taps[:, y : y + height, x : x + width, index]
    return total


def _repeated(features: Array, repeats: Size) -> Array:
    """Every cell of maps `[M, h, w, D]` so often along y and x."""
    return ops.repeat(ops.repeat(features, repeats[0], axis=1), repeats[1], axis=2)
