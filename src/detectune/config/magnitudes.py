"""How large a detector would become: numbers that are each allowed and together take all memory.

The estimates are of the parts whose size a config decides, and coarse; what they are compared with
is many times what any detector of the zoo has.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.problems import Problem

_MOST_WEIGHTS = 200_000_000
"""Three times those of the largest detector of the zoo, in one part."""
_MOST_ANCHORS = 20_000_000
"""Forty times those of EfficientDet D7."""
_MOST_SCORES = 1_000_000_000
"""Anchors times classes."""
_MOST_CELLS = 4_000_000_000
"""Numbers in the patches that are cut out for all proposals of an image."""
_MOST_PIXELS = 5_000_000_000
"""Of the images of one batch: 60 GB."""
_CHANNELS = 1024
"""Of the map that a second stage looks at, about."""


def ssd_magnitudes(ssd: schema.Ssd, per_place: int, path: str) -> Iterator[Problem]:
    """An error for each part of an SSD that is far too large.

    Args:
        per_place: anchors at each place of a feature map.
    """
    head = ssd.box_predictor
    outputs = per_place * (ssd.num_classes + 1)
    if head.HasField("weight_shared_convolutional_box_predictor"):
        tower = head.weight_shared_convolutional_box_predictor
        window = 1 if tower.use_depthwise else tower.kernel_size**2
        layers = tower.num_layers_before_predictor * tower.depth
        weights = window * tower.depth * (layers + outputs)
        said = "kernel_size, depth, num_layers_before_predictor, num_classes and anchors"
        kind = "weight_shared_convolutional_box_predictor"
        yield from _weights(weights, said, f"{path}.box_predictor.{kind}")
    elif head.HasField("convolutional_box_predictor"):
        plain = head.convolutional_box_predictor
        depth = max(plain.max_depth, plain.min_depth, 512)
        window = 1 if plain.use_depthwise else plain.kernel_size**2
        weights = depth * (plain.num_layers_before_predictor * depth + window * outputs)
        said = "kernel_size, depth, num_layers_before_predictor, num_classes and anchors"
        yield from _weights(weights, said, f"{path}.box_predictor.convolutional_box_predictor")
    yield from _neck(ssd.feature_extractor, f"{path}.feature_extractor")


def _neck(extractor: schema.SsdFeatureExtractor, path: str) -> Iterator[Problem]:
    if extractor.HasField("fpn"):
        pyramid = extractor.fpn
        levels = pyramid.max_level - pyramid.min_level + 1
        weights = 9 * levels * (pyramid.additional_layer_depth * extractor.depth_multiplier) ** 2
        yield from _weights(weights, "levels and additional_layer_depth", f"{path}.fpn")
    elif extractor.HasField("bifpn"):
        pyramid = extractor.bifpn
        levels = pyramid.max_level - pyramid.min_level + 1
        weights = 2 * levels * pyramid.num_iterations * pyramid.num_filters**2
        said = "levels, num_iterations and num_filters"
        yield from _weights(weights, said, f"{path}.bifpn")


def _weights(count: float, said: str, path: str) -> Iterator[Problem]:
    yield from _too_many(count, _MOST_WEIGHTS, "weights", path, said)


def stride_of(level: int) -> int:
    """Pixels between the places of a level of a pyramid; of one out of range, which is an error
    anyway, those of the nearest in it."""
    return 2 ** min(max(level, 0), 30)


def anchor_magnitudes(
    resizer: schema.ImageResizer, stride: int, per_place: int, num_classes: int, path: str
) -> Iterator[Problem]:
    """An error if an image has far too many anchors.

    Args:
        stride: pixels between the places of the finest feature map.
        path: of the architecture.
    """
    side = largest_side(resizer)
    anchors = per_place * (side / stride) ** 2 * 4 / 3
    said = "the size of the input, the finest feature map and the anchors at each place"
    yield from _too_many(anchors, _MOST_ANCHORS, "anchors", path, said)
    if anchors <= _MOST_ANCHORS:
        said = f"{said}, and num_classes"
        yield from _too_many(anchors * num_classes, _MOST_SCORES, "scores per image", path, said)


def region_magnitudes(
    config: schema.FasterRcnn | schema.FastRcnn, proposals: int, path: str
) -> Iterator[Problem]:
    """An error for each part of a second stage that is far too large."""
    cells = proposals * config.initial_crop_size**2 * _CHANNELS
    said = "the number of proposals and initial_crop_size"
    yield from _too_many(cells, _MOST_CELLS, "numbers in the patches of an image", path, said)
    predictor = config.second_stage_box_predictor
    if predictor.HasField("rfcn_box_predictor"):
        rfcn = predictor.rfcn_box_predictor
        bins = rfcn.num_spatial_bins_height * rfcn.num_spatial_bins_width
        weights = rfcn.depth * (2048 + bins * (config.num_classes + 1))
        said = "depth, num_spatial_bins and num_classes"
        place = f"{path}.second_stage_box_predictor.rfcn_box_predictor"
        yield from _weights(weights, said, place)
    if predictor.HasField("mask_rcnn_box_predictor"):
        masks = predictor.mask_rcnn_box_predictor
        depth = masks.mask_prediction_conv_depth
        weights = 9 * masks.mask_prediction_num_conv_layers * depth**2
        said = "mask_prediction_num_conv_layers and mask_prediction_conv_depth"
        place = f"{path}.second_stage_box_predictor.mask_rcnn_box_predictor"
        yield from _weights(weights, said, place)


def proposal_magnitudes(config: schema.FasterRcnn, path: str) -> Iterator[Problem]:
    """An error if the first stage is far too large."""
    size, depth = (
        config.first_stage_box_predictor_kernel_size,
        config.first_stage_box_predictor_depth,
    )
    said = "first_stage_box_predictor_kernel_size and first_stage_box_predictor_depth"
    yield from _weights(size**2 * depth * _CHANNELS, said, path)


def batch_magnitudes(train: schema.TrainConfig, resizer: schema.ImageResizer) -> Iterator[Problem]:
    """An error if the images of a batch alone would take all memory."""
    at_once = train.batch_size // max(train.gradient_accumulation_steps, 1)
    pixels = at_once * largest_side(resizer) ** 2
    said = "batch_size and image_resizer"
    yield from _too_many(pixels, _MOST_PIXELS, "pixels in a batch", "train_config.batch_size", said)


def largest_side(resizer: schema.ImageResizer) -> float:
    """Pixels of a side of the model's input, were it square; 0 where images keep their size."""
    fixed, ratio = resizer.fixed_shape_resizer, resizer.keep_aspect_ratio_resizer
    if resizer.HasField("fixed_shape_resizer"):
        return max(fixed.height * fixed.width, 0) ** 0.5
    return ratio.max_dimension if resizer.HasField("keep_aspect_ratio_resizer") else 0


def _too_many(count: float, most: int, what: str, path: str, said: str) -> Iterator[Problem]:
    if count > most:
        yield Problem(
            "error",
            path,
            f"it would have about {count:,.0f} {what}.",
            f"Allowed: at most {most:,}; they follow from {said}.",
            "Lower one of these numbers.",
        )
