"""Regions of feature maps: crops of one size from boxes of any size, and masks put back into boxes.

All sampling is bilinear with aligned corners: the first and the last sample of a crop lie on the
edges of its box, and a fraction `f` of an axis with `n` cells is the place `f · (n − 1)`. Boxes
are `(ymin, xmin, ymax, xmax)` in fractions of the map. No gradient flows into boxes.

On TensorFlow a crop is one kernel (`layers/fused_tensorflow.py`). Elsewhere the four cells around
every sample are gathered, which XLA fuses; see `benchmarks/regions.py` for what was compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import keras
from keras import ops

from detectune.structures import Array

Sampling = Literal["bilinear", "nearest"]
Size = tuple[int, int]

# Parity: utils/ops.py reframe_box_masks_to_image_masks divides by at least this.
_MIN_BOX_SIDE = 1e-4


def crop_and_resize(maps: Array, boxes: Array, size: Size, *, soft_border: bool = False) -> Array:
    """Crops `[B, P, h, w, C]` of `maps` `[B, H, W, C]` at `boxes` `[B, P, 4]`.

    Args:
        boxes: fractions of the map, yxyx; a box may be flipped, or reach outside.
        size: height and width of a crop.
        soft_border: samples up to one cell outside the map fade to 0 instead of being 0. Parity:
            `matmul_crop_and_resize` of utils/spatial_transform_ops.py does so and
            `tf.image.crop_and_resize` does not; boxes inside the map do not see the difference.
    """
    levels = ops.zeros(ops.shape(boxes)[:2], "int32")
    return crop_and_resize_levels([maps], boxes, levels, size, soft_border=soft_border)


def crop_and_resize_levels(
    maps: Sequence[Array], boxes: Array, levels: Array, size: Size, *, soft_border: bool = False
) -> Array:
    """Crops `[B, P, h, w, C]`, each from the map that `levels` names.

    Args:
        maps: feature maps `[B, Hl, Wl, C]` of any sizes.
        levels: `[B, P]` int32, index into `maps` for every box.

    The other arguments are those of `crop_and_resize`.
    """
    maps = [ops.convert_to_tensor(one) for one in maps]
    boxes = ops.stop_gradient(ops.cast(boxes, "float32"))
    if keras.backend.backend() == "tensorflow" and not isinstance(maps[0], keras.KerasTensor):
        from detectune.layers import fused_tensorflow

        return fused_tensorflow.crop_and_resize_levels(maps, boxes, levels, size, soft_border)
    sizes = [(one.shape[1], one.shape[2]) for one in maps]
    areas = [height * width for height, width in sizes]
    cells = ops.concatenate(
        [ops.reshape(one, (-1, area, one.shape[3])) for one, area in zip(maps, areas, strict=True)],
        axis=1,
    )
    starts = [sum(areas[:level]) for level in range(len(areas))]
    heights, widths, offsets = (
        ops.take(ops.convert_to_tensor(values, "int32"), levels, axis=0)
        for values in ([h for h, _ in sizes], [w for _, w in sizes], starts)
    )
    rows = _neighbours(boxes[..., 0], boxes[..., 2], size[0], heights, soft_border)
    columns = _neighbours(boxes[..., 1], boxes[..., 3], size[1], widths, soft_border)
    return _weighted_cells(cells, offsets, widths, rows, columns)


def roi_align(
    maps: Sequence[Array], boxes: Array, levels: Array, size: Size, *, samples: int = 1
) -> Array:
    """Like `crop_and_resize_levels`, but samples lie inside the cells of a grid over the box.

    Args:
        samples: along either axis in every cell of the grid; a cell is their mean.

    Source: He et al. 2017 (Mask R-CNN), figure 3.
    Parity: `multilevel_roi_align` of utils/spatial_transform_ops.py.
    """
    boxes = ops.cast(boxes, "float32")
    fine = (size[0] * samples, size[1] * samples)
    low, high = boxes[..., :2], boxes[..., 2:]
    margin = (high - low) * (0.5 / ops.convert_to_tensor(fine, "float32"))
    inner = ops.concatenate([low + margin, high - margin], axis=-1)
    crops = crop_and_resize_levels(maps, inner, levels, fine, soft_border=True)
    if samples == 1:
        return crops
    shape = (-1, crops.shape[1], size[0], samples, size[1], samples, crops.shape[-1])
    return ops.mean(ops.reshape(crops, shape), axis=(3, 5))


def pyramid_levels(boxes: Array, num_levels: int, unit_level: int, image_scale: float) -> Array:
    """`[B, P]` int32: which map of a pyramid a box is looked at in; larger boxes in coarser ones.

    Args:
        boxes: `[B, P, 4]`, fractions of the image.
        unit_level: the map for boxes as large as the images the backbone was trained on.
        image_scale: side of the image, in units of the side of these.

    Source: Lin et al. 2017 (FPN), equation 1.
    Parity: utils/ops.py fpn_feature_levels.
    """
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    size = ops.sqrt(sides[..., 0] * sides[..., 1]) * image_scale
    # Boxes without area are padding; their logarithm has to be finite for the cast.
    octaves = ops.floor(ops.log(ops.maximum(size, 1e-12)) / ops.log(2.0))
    return ops.cast(ops.clip(octaves + unit_level, 0, num_levels - 1), "int32")


def crop_masks(
    masks: Array, boxes: Array, matches: Array, size: Size, *, soft_border: bool = False
) -> Array:
    """Crops `[B, P, h, w]` float32 of the mask that each box is matched with.

    Args:
        masks: `[B, N, H, W]`, 1 where the object is.
        boxes: `[B, P, 4]`, fractions of the image.
        matches: `[B, P]` int32, which mask; negative where there is none, and the crop means
            nothing.
    """
    height, width = masks.shape[2:]
    cells = ops.reshape(masks, (-1, masks.shape[1] * height * width, 1))
    offsets = ops.maximum(ops.cast(matches, "int32"), 0) * (height * width)
    heights, widths = ops.full_like(offsets, height), ops.full_like(offsets, width)
    boxes = ops.cast(boxes, "float32")
    rows = _neighbours(boxes[..., 0], boxes[..., 2], size[0], heights, soft_border)
    columns = _neighbours(boxes[..., 1], boxes[..., 3], size[1], widths, soft_border)
    return _weighted_cells(cells, offsets, widths, rows, columns)[..., 0]


def paste_masks(
    masks: Array, boxes: Array, size: Size, *, sampling: Sampling = "bilinear"
) -> Array:
    """Masks `[M, H, W]` of whole images from masks `[M, h, w]` over `boxes` `[M, 4]`.

    Args:
        boxes: fractions of the image, yxyx.
        size: height and width of the image; tensors where they are not known beforehand.

    Parity: utils/ops.py reframe_box_masks_to_image_masks.
    """
    masks, boxes = ops.cast(masks, "float32"), ops.cast(boxes, "float32")
    low, high = boxes[:, :2], boxes[:, 2:]
    sides = ops.maximum(high - low, _MIN_BOX_SIDE)
    # The image as a box in fractions of the mask: pasting is cropping with it.
    low, high = -low / sides, (1.0 - low) / sides
    rows = _sampling_matrix(low[:, 0], high[:, 0], size[0], masks.shape[1], sampling)
    columns = _sampling_matrix(low[:, 1], high[:, 1], size[1], masks.shape[2], sampling)
    return ops.matmul(ops.matmul(rows, masks), ops.transpose(columns, (0, 2, 1)))


def position_sensitive_pool(maps: Array, boxes: Array, bins: Size, size: Size) -> Array:
    """Scores `[B, P, C]` of boxes: every part of a box is asked of channels of its own.

    Args:
        maps: `[B, H, W, bins · C]`, the channels of the upper left part first, then rightwards.
        boxes: `[B, P, 4]`, fractions of the map.
        bins: parts of a box along y and x.
        size: samples of a box along y and x, divisible by `bins`.

    The mean over all samples of all parts is taken before anything is multiplied: the result is one
    product of matrices, and no crop is ever made.

    Source: Dai et al. 2016 (R-FCN), equation 1.
    Parity: utils/ops.py position_sensitive_crop_regions with global_pool.
    """
    height, width, channels = maps.shape[1:]
    num_bins = bins[0] * bins[1]
    boxes = ops.stop_gradient(ops.cast(boxes, "float32"))
    rows = _mean_of_parts(boxes[..., 0], boxes[..., 2], bins[0], size[0] // bins[0], height)
    columns = _mean_of_parts(boxes[..., 1], boxes[..., 3], bins[1], size[1] // bins[1], width)
    shares = ops.stack(
        [row[..., None] * column[:, :, None, :] for row in rows for column in columns], axis=1
    )
    shares = ops.reshape(shares, (-1, num_bins, boxes.shape[1], height * width))
    cells = ops.reshape(maps, (-1, height * width, num_bins, channels // num_bins))
    parts = ops.matmul(ops.cast(shares, cells.dtype), ops.transpose(cells, (0, 2, 1, 3)))
    return ops.mean(parts, axis=1)


class _Neighbours(NamedTuple):
    """The two cells around every sample along one axis: `[B, P, size]` each."""

    indices: tuple[Array, Array]
    weights: tuple[Array, Array]


def _positions(low: Array, high: Array, size: int | Array, length: Array) -> Array:
    """`[..., size]` positions of samples from `low` to `high` `[...]` in units of cells."""
    last = ops.cast(length, "float32") - 1.0
    if isinstance(size, int) and size == 1:
        return ((low + high) * 0.5 * last)[..., None]
    step = (high - low) * last / ops.maximum(ops.cast(size, "float32") - 1.0, 1.0)
    return (low * last)[..., None] + ops.arange(size, dtype="float32") * step[..., None]


def _neighbours(
    low: Array, high: Array, size: int, length: Array, soft_border: bool
) -> _Neighbours:
    positions = _positions(low, high, size, length)
    last = ops.cast(length, "float32")[..., None] - 1.0
    lower = ops.floor(positions)
    upper_share = positions - lower
    indices, weights = [], []
    for index, share in ((lower, 1.0 - upper_share), (lower + 1.0, upper_share)):
        inside = index if soft_border else positions
        counts = ops.logical_and(inside >= 0.0, inside <= last)
        # A place beyond every index of integers is outside as well.
        indices.append(ops.cast(ops.clip(index, 0.0, last), "int32"))
        weights.append(ops.where(counts, share, 0.0))
    return _Neighbours((indices[0], indices[1]), (weights[0], weights[1]))


def _weighted_cells(
    cells: Array, offsets: Array, widths: Array, rows: _Neighbours, columns: _Neighbours
) -> Array:
    """`[B, P, h, w, C]`: sums over the four neighbours of every sample.

    Args:
        cells: `[B, S, C]`, maps row by row, one after the other.
        offsets, widths: `[B, P]` int32: where the map of a box begins, and how wide it is.
    """
    batch, count, channels = ops.shape(cells)[0], cells.shape[1], cells.shape[2]
    flat = ops.reshape(cells, (-1, channels))
    start = offsets + ops.arange(batch, dtype="int32")[:, None] * count
    dtype = cells.dtype if keras.backend.is_float_dtype(cells.dtype) else "float32"
    total = None
    for row, row_weight in zip(rows.indices, rows.weights, strict=True):
        row_start = start[..., None] + row * widths[..., None]
        for column, column_weight in zip(columns.indices, columns.weights, strict=True):
            values = ops.take(flat, row_start[..., None] + column[:, :, None, :], axis=0)
            weight = row_weight[..., None] * column_weight[:, :, None, :]
            part = ops.cast(values, dtype) * ops.cast(weight, dtype)[..., None]
            total = part if total is None else total + part
    return total


def _sampling_matrix(
    low: Array, high: Array, size: int, length: int, sampling: Sampling = "bilinear"
) -> Array:
    """`[..., size, length]`: how much each of `length` cells counts for each sample."""
    positions = _positions(low, high, size, ops.convert_to_tensor(length, "float32"))[..., None]
    inside = ops.logical_and(positions >= 0.0, positions <= length - 1.0)
    cells = ops.arange(length, dtype="float32")
    if sampling == "nearest":
        return ops.cast(ops.logical_and(inside, ops.floor(positions + 0.5) == cells), "float32")
    return ops.where(inside, ops.relu(1.0 - ops.abs(positions - cells)), 0.0)


def _mean_of_parts(low: Array, high: Array, bins: int, samples: int, length: int) -> list[Array]:
    """For each part of a box `[B, P, length]`: how much each cell counts for its mean.

    A list: TensorFlow's graph optimizer miscalculates the shape of slices of a stack.
    """
    step = (high - low) / bins
    # The last edge is given, not computed: rounding would put it beyond the border of the map.
    edges = [*(low + part * step for part in range(bins)), high]
    return [
        ops.mean(_sampling_matrix(begin, end, samples, length), axis=-2)
        for begin, end in pairwise(edges)
    ]
