"""Choices of Faster R-CNN that exclude each other; see `contradictions`."""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config import schema
from detectune.config.problems import Problem

TwoStage = schema.FasterRcnn | schema.FastRcnn


def _path(config: TwoStage) -> str:
    return "model.fast_rcnn" if isinstance(config, schema.FastRcnn) else "model.faster_rcnn"


def two_stage_contradictions(config: TwoStage) -> Iterator[Problem]:
    """An error for each contradiction in `faster_rcnn { … }` that can be seen without building."""
    if isinstance(config, schema.FasterRcnn):
        yield from first_stage(config)
    if config.number_of_stages > 1:
        yield from second_stage(config)


def context(config: schema.FasterRcnn) -> Iterator[Problem]:
    """Every image is looked at alone. `config check` says so by the table of fields."""
    if config.HasField("context_config"):
        yield Problem(
            "error",
            f"{_path(config)}.context_config",
            "Context R-CNN is not supported yet.",
            "Offered are Faster R-CNN, Mask R-CNN and R-FCN, which look at one image at a time.",
            "Remove context_config; the rest of the config describes a Faster R-CNN.",
        )


def first_stage(config: schema.FasterRcnn) -> Iterator[Problem]:
    """The numbers of the first stage mean something."""
    if not 1 <= config.number_of_stages <= 3:
        yield Problem(
            "error",
            f"{_path(config)}.number_of_stages",
            f"it is {config.number_of_stages}.",
            "Allowed: 1 for proposals, 2 for boxes and classes, 3 for masks as well.",
            "Write 2, which is the default.",
        )
    if not 0.0 <= config.first_stage_nms_iou_threshold <= 1.0:
        yield Problem(
            "error",
            f"{_path(config)}.first_stage_nms_iou_threshold",
            f"it is {config.first_stage_nms_iou_threshold:g}.",
            "Allowed: an overlap between 0 and 1.",
            "Write 0.7, which is the default.",
        )
    for name in ("first_stage_positive_balance_fraction", "second_stage_balance_fraction"):
        share = getattr(config, name)
        if not 0.0 < share <= 1.0:
            yield Problem(
                "error",
                f"{_path(config)}.{name}",
                f"{share:g} is no share.",
                "Allowed: above 0, at most 1.",
                "Remove the line for the default.",
            )
    for name in (
        "first_stage_minibatch_size",
        "first_stage_max_proposals",
        "second_stage_batch_size",
        "first_stage_atrous_rate",
        "first_stage_box_predictor_kernel_size",
        "first_stage_box_predictor_depth",
    ):
        if getattr(config, name) < 1:
            yield Problem(
                "error",
                f"{_path(config)}.{name}",
                f"it is {getattr(config, name)}.",
                "Allowed: 1 and more.",
                "Remove the line for the default.",
            )


def second_stage(config: TwoStage) -> Iterator[Problem]:
    """There is a second stage, and it fits the proposals."""
    if isinstance(config, schema.FastRcnn):
        limit, proposals = "max_proposals", config.max_proposals
        if config.number_of_stages not in (2, 3):
            yield Problem(
                "error",
                f"{_path(config)}.number_of_stages",
                f"it is {config.number_of_stages}.",
                "Allowed: 2 for boxes and classes, 3 for masks as well.",
                "Write 2, which is the default.",
            )
    else:
        limit, proposals = "first_stage_max_proposals", config.first_stage_max_proposals
    if config.second_stage_batch_size > proposals:
        yield Problem(
            "error",
            f"{_path(config)}.second_stage_batch_size",
            f"{config.second_stage_batch_size} proposals are to be learned from, and "
            f"{limit} is {proposals}.",
            f"Allowed: at most {limit}.",
            "Lower the one or raise the other.",
        )
    predictor = config.second_stage_box_predictor
    yield from _code_size(config)
    if predictor.HasField("rfcn_box_predictor"):
        yield from _position_sensitive(config)
    if not predictor.HasField("mask_rcnn_box_predictor"):
        return
    yield from _crops(config)
    if config.number_of_stages == 3:
        yield from _masks(config)


def _code_size(config: TwoStage) -> Iterator[Problem]:
    predictor = config.second_stage_box_predictor
    kind = predictor.WhichOneof("box_predictor_oneof")
    if kind not in ("mask_rcnn_box_predictor", "rfcn_box_predictor"):
        return
    said = getattr(predictor, kind).box_code_size
    if said != 4:
        yield Problem(
            "error",
            f"{_path(config)}.second_stage_box_predictor.{kind}.box_code_size",
            f"it is {said}.",
            "Allowed: 4, a number for each side of a box.",
            "Remove the line.",
        )


def _crops(config: TwoStage) -> Iterator[Problem]:
    sizes = {
        name: getattr(config, name)
        for name in ("initial_crop_size", "maxpool_kernel_size", "maxpool_stride")
    }
    if min(sizes.values()) < 1 or config.maxpool_kernel_size > config.initial_crop_size:
        said = ", ".join(f"{name} {value}" for name, value in sizes.items())
        yield Problem(
            "error",
            f"{_path(config)}.initial_crop_size",
            f"{said}.",
            "Needed: numbers of cells above 0, and a pooling that is not larger than the crop.",
            "Write initial_crop_size: 14 maxpool_kernel_size: 2 maxpool_stride: 2.",
        )


def _position_sensitive(config: TwoStage) -> Iterator[Problem]:
    settings = config.second_stage_box_predictor.rfcn_box_predictor
    path = f"{_path(config)}.second_stage_box_predictor.rfcn_box_predictor"
    if config.number_of_stages == 3:
        yield Problem(
            "error",
            f"{_path(config)}.number_of_stages",
            "it is 3, and rfcn_box_predictor draws no masks.",
            "R-FCN has two stages.",
            "Write number_of_stages: 2, or take mask_rcnn_box_predictor.",
        )
    if config.output_final_box_features:
        yield Problem(
            "error",
            f"{_path(config)}.output_final_box_features",
            "rfcn_box_predictor computes no features of single boxes.",
            "Score maps of the whole image are averaged over each box.",
            "Remove the line, or take mask_rcnn_box_predictor.",
        )
    for axis in ("height", "width"):
        crop, bins = (
            getattr(settings, f"crop_{axis}"),
            getattr(settings, f"num_spatial_bins_{axis}"),
        )
        if bins < 1 or crop < 1 or crop % bins:
            yield Problem(
                "error",
                f"{path}.crop_{axis}",
                f"{crop} cells do not divide into num_spatial_bins_{axis} {bins}.",
                "Needed: a whole number of cells, 1 and more, for every part of a region.",
                f"Write crop_{axis}: 12 and num_spatial_bins_{axis}: 3, which are the defaults.",
            )
    if settings.depth < 1:
        yield Problem(
            "error",
            f"{path}.depth",
            f"it is {settings.depth}.",
            "Allowed: 1 and more channels.",
            "Remove the line for the default, 1024.",
        )


def _masks(config: TwoStage) -> Iterator[Problem]:
    settings = config.second_stage_box_predictor.mask_rcnn_box_predictor
    if not settings.predict_instance_masks:
        yield Problem(
            "error",
            f"{_path(config)}.number_of_stages",
            "it is 3, and no masks are predicted.",
            "The third stage draws masks.",
            "Write predict_instance_masks: true in mask_rcnn_box_predictor, or "
            "number_of_stages: 2.",
        )
