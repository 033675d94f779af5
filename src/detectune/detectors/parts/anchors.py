"""`anchor_generator { ... }` → anchors, `box_coder { ... }` → codes relative to them."""

from __future__ import annotations

from detectune.boxes.anchors import AnchorGenerator, MultiscaleAnchorGenerator, SsdAnchorGenerator
from detectune.boxes.coders import BoxCoder, FasterRcnnBoxCoder
from detectune.config import schema
from detectune.detectors.parts.choice import choice


def box_coder(config: schema.BoxCoder) -> BoxCoder:
    """The coder between boxes and what the head regresses."""
    choice(config, "box_coder_oneof", ["faster_rcnn_box_coder"])
    scales = config.faster_rcnn_box_coder
    return FasterRcnnBoxCoder(
        (scales.y_scale, scales.x_scale, scales.height_scale, scales.width_scale)
    )


def anchor_generator(config: schema.AnchorGenerator) -> AnchorGenerator:
    """The generator of the boxes that predictions are relative to."""
    offered = ["ssd_anchor_generator", "multiscale_anchor_generator"]
    kind = choice(config, "anchor_generator_oneof", offered)
    if kind == "ssd_anchor_generator":
        return _ssd_anchors(config.ssd_anchor_generator)
    settings = config.multiscale_anchor_generator
    return MultiscaleAnchorGenerator(
        min_level=settings.min_level,
        max_level=settings.max_level,
        anchor_scale=settings.anchor_scale,
        ratios=tuple(settings.aspect_ratios),
        scales_per_octave=settings.scales_per_octave,
    )


def _ssd_anchors(config: schema.SsdAnchorGenerator) -> SsdAnchorGenerator:
    scales = list(config.scales)
    if not scales:
        steps = max(config.num_layers - 1, 1)
        growth = (config.max_scale - config.min_scale) / steps
        scales = [config.min_scale + growth * layer for layer in range(config.num_layers)]
    return SsdAnchorGenerator(
        scales=(*scales, 1.0),
        ratios=tuple(config.aspect_ratios),
        interpolated_ratio=config.interpolated_scale_aspect_ratio,
        reduce_lowest=config.reduce_boxes_in_lowest_layer,
        base_size=(config.base_anchor_height, config.base_anchor_width),
        strides=tuple(zip(config.height_stride, config.width_stride, strict=True)),
        offsets=tuple(zip(config.height_offset, config.width_offset, strict=True)),
    )
