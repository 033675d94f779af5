"""Anchors: the boxes that predictions are relative to.

A generator is a frozen dataclass called with the size of the input image and the sizes of the
feature maps; it returns anchors `[A, 4]` float32 yxyx in pixels of the input, feature map by
feature map, row by row, column by column, and the boxes of one place side by side. They depend on
shapes alone, so they are computed once with NumPy and become a constant of the network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

Size = tuple[int, int]


class AnchorGenerator(Protocol):
    """What a detector expects of an anchor generator."""

    @property
    def per_location(self) -> list[int]:
        """How many anchors stand at each place of each feature map."""
        ...

    def __call__(self, image_size: Size, feature_sizes: Sequence[Size]) -> np.ndarray:
        """Anchors `[A, 4]` float32 yxyx in pixels of an image of `image_size` (height, width)."""
        ...


def tile(
    scales: np.ndarray, ratios: np.ndarray, base: np.ndarray, stride: np.ndarray,
    offset: np.ndarray, size: Size,
) -> np.ndarray:  # fmt: skip
    """Anchors `[H·W·K, 4]` of one feature map of `size` (H, W).

    Args:
        scales: `[K]`, the square root of an anchor's area, in units of `base`.
        ratios: `[K]`, width over height.
        base: `[2]`, height and width that a scale of 1 stands for.
        stride: `[2]`, distance between neighbouring centres, y and x.
        offset: `[2]`, the centre of the first place.
    """
    roots = np.sqrt(ratios)
    heights, widths = scales / roots * base[0], scales * roots * base[1]
    y: np.ndarray = np.arange(size[0]) * stride[0] + offset[0]
    x: np.ndarray = np.arange(size[1]) * stride[1] + offset[1]
    centers = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)[:, :, None, :]
    halves = np.stack([heights, widths], axis=-1) / 2.0
    return np.concatenate([centers - halves, centers + halves], axis=-1).reshape(-1, 4)


@dataclass(frozen=True)
class SsdAnchorGenerator:
    """The default boxes of SSD: scales grow evenly from the first feature map to the last.

    Args:
        scales: one per feature map and one more, in units of the base anchor.
        ratios: aspect ratios (width over height) at every place.
        interpolated_ratio: ratio of an extra box between two scales; 0 for none.
        reduce_lowest: three boxes instead of all at each place of the first feature map.
        base_size: (height, width) in units of the shorter image side that a scale of 1 means.
        strides, offsets: (y, x) per feature map in pixels; derived from its size if empty.

    Source: Liu et al. 2016, section 2.2.
    """

    scales: tuple[float, ...]
    ratios: tuple[float, ...]
    interpolated_ratio: float = 1.0
    reduce_lowest: bool = True
    base_size: tuple[float, float] = (1.0, 1.0)
    strides: tuple[tuple[float, float], ...] = ()
    offsets: tuple[tuple[float, float], ...] = ()

    @property
    def boxes(self) -> list[list[tuple[float, float]]]:
        """(scale, ratio) of every anchor of one place, per feature map."""
        return [self._boxes_of(layer) for layer in range(len(self.scales) - 1)]

    def _boxes_of(self, layer: int) -> list[tuple[float, float]]:
        scale, following = self.scales[layer], self.scales[layer + 1]
        if layer == 0 and self.reduce_lowest:
            # Parity: anchor_generators/multiple_grid_anchor_generator.py fixes these three.
            return [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        boxes = [(scale, ratio) for ratio in self.ratios]
        if self.interpolated_ratio > 0.0:
            boxes.append((math.sqrt(scale * following), self.interpolated_ratio))
        return boxes

    @property
    def per_location(self) -> list[int]:
        return [len(boxes) for boxes in self.boxes]

    def __call__(self, image_size: Size, feature_sizes: Sequence[Size]) -> np.ndarray:
        height, width = image_size
        shorter = min(height, width)
        # Parity: a base anchor is square in pixels whatever the shape of the image.
        base = np.array([self.base_size[0] * shorter, self.base_size[1] * shorter])
        grids: list[np.ndarray] = []
        for layer, (size, boxes) in enumerate(zip(feature_sizes, self.boxes, strict=True)):
            stride = np.array([height / size[0], width / size[1]])
            if self.strides:
                stride = np.array(self.strides[layer])
            offset = np.array(self.offsets[layer]) if self.offsets else stride / 2.0
            scales, ratios = (np.array(column) for column in zip(*boxes, strict=True))
            grids.append(tile(scales, ratios, base, stride, offset, size))
        return np.concatenate(grids).astype(np.float32)


@dataclass(frozen=True)
class MultiscaleAnchorGenerator:
    """The anchors of RetinaNet: each level's boxes are a multiple of its stride.

    Args:
        min_level, max_level: feature levels; level `l` has stride 2^l.
        anchor_scale: side of the base anchor in strides.
        ratios: aspect ratios, width over height.
        scales_per_octave: how many sizes between one level and the next.
        always_centred: on the middle of a cell whatever the size of the image. Parity: Faster
            R-CNN does not tell the generator the size (meta_architectures/
            faster_rcnn_meta_arch.py).

    Source: Lin et al. 2017 (RetinaNet), section 4.
    """

    min_level: int
    max_level: int
    anchor_scale: float = 4.0
    ratios: tuple[float, ...] = (1.0, 2.0, 0.5)
    scales_per_octave: int = 2
    always_centred: bool = False

    @property
    def per_location(self) -> list[int]:
        levels = self.max_level - self.min_level + 1
        return [len(self.ratios) * self.scales_per_octave] * levels

    def __call__(self, image_size: Size, feature_sizes: Sequence[Size]) -> np.ndarray:
        octaves = [2.0 ** (k / self.scales_per_octave) for k in range(self.scales_per_octave)]
        # Parity: ratios inside scales would be (scale, ratio); the original lists all scales of
        # the first ratio, then all of the second.
        pairs = [(scale, ratio) for ratio in self.ratios for scale in octaves]
        scales, ratios = (np.array(column) for column in zip(*pairs, strict=True))
        grids: list[np.ndarray] = []
        for level, size in zip(
            range(self.min_level, self.max_level + 1), feature_sizes, strict=True
        ):
            stride = 2.0**level
            base = np.full(2, stride * self.anchor_scale)
            # Parity: anchors are centred on their cell only along an axis that the stride
            # divides; otherwise the grid starts at 0 (multiscale_grid_anchor_generator.py).
            centred = [self.always_centred or side % stride == 0 for side in image_size]
            offset = np.where(centred, stride / 2.0, 0.0)
            grids.append(tile(scales, ratios, base, np.full(2, stride), offset, size))
        return np.concatenate(grids).astype(np.float32)


@dataclass(frozen=True)
class GridAnchorGenerator:
    """The same anchors at every place of a single feature map, as in Faster R-CNN.

    Args:
        scales: the square root of an anchor's area, in units of the base anchor.
        ratios: aspect ratios, width over height.
        base_size: (height, width) in pixels that a scale of 1 means.
        stride: (y, x) in pixels between neighbouring centres.
        offset: (y, x) in pixels of the first centre.

    Source: Ren et al. 2015, section 3.1.1.
    """

    scales: tuple[float, ...]
    ratios: tuple[float, ...]
    base_size: tuple[float, float] = (256.0, 256.0)
    stride: tuple[float, float] = (16.0, 16.0)
    offset: tuple[float, float] = (0.0, 0.0)

    @property
    def per_location(self) -> list[int]:
        return [len(self.scales) * len(self.ratios)]

    def __call__(self, image_size: Size, feature_sizes: Sequence[Size]) -> np.ndarray:
        (size,) = feature_sizes
        # Parity: grid_anchor_generator.py lists all scales of the first ratio, then of the second.
        pairs = np.array([(s, r) for r in self.ratios for s in self.scales]).reshape(-1, 2)
        base, stride, offset = map(np.array, (self.base_size, self.stride, self.offset))
        return tile(pairs[:, 0], pairs[:, 1], base, stride, offset, size).astype(np.float32)


class AnchorGrid(NamedTuple):
    """The anchors of one feature map, each with a size and an aspect ratio of its own."""

    sizes: tuple[float, ...]
    """Square roots of the areas, pixels."""
    ratios: tuple[float, ...]
    """Width over height, one for each size."""
    stride: tuple[float, float]
    """(y, x) in pixels between neighbouring centres."""
    offset: tuple[float, float]
    """(y, x) in pixels of the first centre."""


@dataclass(frozen=True)
class FlexibleGridAnchorGenerator:
    """Anchors that the config spells out for every feature map.

    Args:
        grids: one per feature map.
    """

    grids: tuple[AnchorGrid, ...]

    @property
    def per_location(self) -> list[int]:
        return [len(grid.sizes) for grid in self.grids]

    def __call__(self, image_size: Size, feature_sizes: Sequence[Size]) -> np.ndarray:
        maps: list[np.ndarray] = []
        for grid, size in zip(self.grids, feature_sizes, strict=True):
            sizes, ratios, stride, offset = map(np.array, grid)
            maps.append(tile(sizes, ratios, np.ones(2), stride, offset, size))
        return np.concatenate(maps).astype(np.float32)
