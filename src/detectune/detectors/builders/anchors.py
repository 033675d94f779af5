"""`anchor_generator { ... }` → anchors, `box_coder { ... }` → codes relative to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from detectune.boxes.anchors import (
    AnchorGenerator,
    AnchorGrid,
    FlexibleGridAnchorGenerator,
    GridAnchorGenerator,
    MultiscaleAnchorGenerator,
    SsdAnchorGenerator,
)
from detectune.boxes.coders import (
    BoxCoder,
    FasterRcnnBoxCoder,
    MeanStddevBoxCoder,
    SquareBoxCoder,
)
from detectune.config import schema
from detectune.detectors.builders.choice import choice
from detectune.errors import ConfigError, three_part


def box_coder(config: schema.BoxCoder, resizer: schema.ImageResizer) -> BoxCoder:
    """The coder between boxes and what the head regresses.

    Args:
        resizer: gives the size of the input, which some coders measure in.
    """
    offered = ["faster_rcnn_box_coder", "mean_stddev_box_coder", "square_box_coder"]
    kind = choice(config, "box_coder_oneof", offered)
    if kind == "mean_stddev_box_coder":
        height, width = fixed_input_size(resizer, kind)
        stddev = config.mean_stddev_box_coder.stddev
        y, x = stddev * height, stddev * width
        return MeanStddevBoxCoder((y, x, y, x))
    if kind == "square_box_coder":
        square = config.square_box_coder
        scales = square.y_scale, square.x_scale, square.length_scale
        return SquareBoxCoder(scales, fixed_input_size(resizer, kind))
    scales = config.faster_rcnn_box_coder
    return FasterRcnnBoxCoder(
        (scales.y_scale, scales.x_scale, scales.height_scale, scales.width_scale)
    )


def fixed_input_size(resizer: schema.ImageResizer, wanted_by: str) -> tuple[float, float]:
    """Height and width of every input, in pixels.

    Raises:
        ConfigError: they depend on the image.
    """
    size = input_size(resizer)
    if size is not None:
        return float(size[0]), float(size[1])
    kind = resizer.WhichOneof("image_resizer_oneof")
    raise ConfigError(
        three_part(
            f"{wanted_by}: it measures in fractions of the input, but with {kind} the size of the "
            "input depends on the image.",
            "Needed: fixed_shape_resizer, or keep_aspect_ratio_resizer with pad_to_max_dimension.",
            "Choose one of these in image_resizer, or faster_rcnn_box_coder and iou_similarity, "
            "which need no unit.",
        )
    )


def input_size(resizer: schema.ImageResizer) -> tuple[int, int] | None:
    """Height and width of every input, in pixels; None if they depend on the image."""
    kind = resizer.WhichOneof("image_resizer_oneof")
    if kind == "fixed_shape_resizer":
        return resizer.fixed_shape_resizer.height, resizer.fixed_shape_resizer.width
    aspect = resizer.keep_aspect_ratio_resizer
    if kind == "keep_aspect_ratio_resizer" and aspect.pad_to_max_dimension:
        return aspect.max_dimension, aspect.max_dimension
    return None


def anchor_generator(config: schema.AnchorGenerator) -> AnchorGenerator:
    """The generator of the boxes that predictions are relative to."""
    kind = choice(config, "anchor_generator_oneof", list(_ANCHOR_GENERATORS))
    return _ANCHOR_GENERATORS[kind](getattr(config, kind))


def _multiscale_anchors(settings: schema.MultiscaleAnchorGenerator) -> MultiscaleAnchorGenerator:
    return MultiscaleAnchorGenerator(
        min_level=settings.min_level,
        max_level=settings.max_level,
        anchor_scale=settings.anchor_scale,
        ratios=tuple(settings.aspect_ratios),
        scales_per_octave=settings.scales_per_octave,
    )


def _ssd_anchors(config: schema.SsdAnchorGenerator) -> SsdAnchorGenerator:
    scales = [*config.scales, 1.0][: config.num_layers + 1]
    if not config.scales:
        steps = max(config.num_layers - 1, 1)
        growth = (config.max_scale - config.min_scale) / steps
        scales = [config.min_scale + growth * layer for layer in range(config.num_layers)] + [1.0]
    return SsdAnchorGenerator(
        scales=tuple(scales),
        ratios=tuple(config.aspect_ratios),
        interpolated_ratio=config.interpolated_scale_aspect_ratio,
        reduce_lowest=config.reduce_boxes_in_lowest_layer,
        base_size=(config.base_anchor_height, config.base_anchor_width),
        strides=tuple(zip(config.height_stride, config.width_stride, strict=True)),
        offsets=tuple(zip(config.height_offset, config.width_offset, strict=True)),
    )


def _grid_anchors(config: schema.GridAnchorGenerator) -> GridAnchorGenerator:
    return GridAnchorGenerator(
        scales=tuple(config.scales),
        ratios=tuple(config.aspect_ratios),
        base_size=(config.height, config.width),
        stride=(config.height_stride, config.width_stride),
        offset=(config.height_offset, config.width_offset),
    )


def _flexible_anchors(config: schema.FlexibleGridAnchorGenerator) -> FlexibleGridAnchorGenerator:
    grids = []
    for grid in config.anchor_grid:
        if len(grid.base_sizes) != len(grid.aspect_ratios):
            raise ConfigError(
                three_part(
                    f"flexible_grid_anchor_generator: an anchor_grid has {len(grid.base_sizes)} "
                    f"base_sizes and {len(grid.aspect_ratios)} aspect_ratios.",
                    "Every base size has an aspect ratio of its own.",
                    "Write as many of one as of the other.",
                )
            )
        grids.append(
            AnchorGrid(
                sizes=tuple(grid.base_sizes),
                ratios=tuple(grid.aspect_ratios),
                stride=(grid.height_stride, grid.width_stride),
                offset=(grid.height_offset, grid.width_offset),
            )
        )
    return FlexibleGridAnchorGenerator(tuple(grids))


_ANCHOR_GENERATORS: dict[str, Callable[[Any], AnchorGenerator]] = {
    "ssd_anchor_generator": _ssd_anchors,
    "multiscale_anchor_generator": _multiscale_anchors,
    "grid_anchor_generator": _grid_anchors,
    "flexible_grid_anchor_generator": _flexible_anchors,
}
