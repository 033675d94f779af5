"""Regions of feature maps as the second stage of Faster R-CNN sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras import ops

from detectune.boxes.anchors import Size
from detectune.layers.regions import crop_and_resize, crop_and_resize_levels, pyramid_levels
from detectune.structures import Array

# Side in pixels of the images that backbones are trained on: a box as large as these is looked at
# in the second coarsest map.
_CLASSIFICATION_SIDE = 224.0


@dataclass(frozen=True)
class WholeMap:
    """Nothing is cut out: the head looks at the features of the whole image, as in R-FCN."""

    output_size: None = None
    soft_border: bool = False

    def __call__(self, maps: Sequence[Array], boxes: Array, image_size: Size) -> Array:
        """The map `[B, H, W, D]` of maps that are only one."""
        del boxes, image_size
        return maps[0]


@dataclass(frozen=True)
class PooledCrops:
    """Crops of one size, and the maxima of small windows in them.

    Args:
        size: side of the crop, cells.
        pool_kernel, pool_stride: of the pooling after it, cells.
        soft_border: see `layers.regions.crop_and_resize`.

    Source: Ren et al. 2015; Lin et al. 2017, equation 1, for the choice of a map.
    Parity: meta_architectures/faster_rcnn_meta_arch.py.
    """

    size: int
    pool_kernel: int = 1
    pool_stride: int = 1
    soft_border: bool = False

    @property
    def output_size(self) -> Size:
        """Height and width of what comes out."""
        side = (self.size - self.pool_kernel) // self.pool_stride + 1
        return side, side

    def __call__(self, maps: Sequence[Array], boxes: Array, image_size: Size) -> Array:
        """Patches `[B·P, h, w, D]` of maps `[B, H, W, D]` at boxes `[B, P, 4]`.

        Args:
            boxes: fractions of the image, yxyx.
            image_size: height and width of the image, pixels.
        """
        size = (self.size, self.size)
        if len(maps) == 1:
            crops = crop_and_resize(maps[0], boxes, size, soft_border=self.soft_border)
        else:
            scale = math.sqrt(image_size[0] * image_size[1]) / _CLASSIFICATION_SIDE
            levels = pyramid_levels(boxes, len(maps), len(maps) - 2, scale)
            crops = crop_and_resize_levels(maps, boxes, levels, size, soft_border=self.soft_border)
        crops = ops.reshape(crops, (-1, *crops.shape[2:]))
        if self.pool_kernel == self.pool_stride == 1:
            return crops
        return ops.max_pool(crops, self.pool_kernel, self.pool_stride, padding="valid")
