"""Choices of an SSD that exclude each other.

`config check` reports them with their line; the functions that build a detector refuse them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from detectune.config import schema
from detectune.config.problems import Problem
from detectune.errors import ConfigError, three_part

_POST = "model.ssd.post_processing"
_EXTRACTOR = "model.ssd.feature_extractor"


def contradictions(ssd: schema.Ssd) -> Iterator[Problem]:
    """An error for each contradiction in `ssd { … }` that can be seen without building it."""
    yield from background(ssd)
    yield from _levels(ssd)
    yield from _code_size(ssd)
    yield from losses(ssd.loss)
    yield from suppression(ssd.post_processing.batch_non_max_suppression)
    yield from calibration(ssd.post_processing.calibration_config)


def refuse(problems: Iterable[Problem]) -> None:
    """Stop at the first of `problems`.

    Raises:
        ConfigError: there is one.
    """
    for problem in problems:
        raise ConfigError(
            three_part(f"{problem.field}: {problem.found}", problem.allowed, problem.next_step)
        )


def training(config: schema.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """A batch can be computed in the parts that are asked for."""
    path = "train_config.gradient_accumulation_steps"
    batch = config.train_config.batch_size
    parts = config.train_config.gradient_accumulation_steps
    if parts < 1 or batch % parts:
        yield Problem(
            "error",
            path,
            f"a batch of {batch} images cannot be computed in {parts} equal parts.",
            "Allowed: 1 for the whole batch at once, or a divisor of batch_size.",
            f"Write gradient_accumulation_steps: {batch} for one image at a time, "
            "or change batch_size.",
        )
    is_ssd = config.model.WhichOneof("model") == "ssd"
    if parts > 1 and is_ssd and not config.model.ssd.normalize_loss_by_num_matches:
        yield Problem(
            "error",
            path,
            "the loss is a sum over the images of a batch (normalize_loss_by_num_matches: false).",
            "The parts of a batch are averaged, which would divide such a sum by their number.",
            "Write normalize_loss_by_num_matches: true, or compute the batch at once.",
        )


def background(ssd: schema.Ssd) -> Iterator[Problem]:
    """A background is one class, or none."""
    if ssd.add_background_class and ssd.explicit_background_class:
        yield Problem(
            "error",
            "model.ssd",
            "add_background_class (true unless the config says otherwise) and "
            "explicit_background_class are both true.",
            "A background is added by the detector, or it is class 1 of the label map.",
            "Write add_background_class: false, or remove explicit_background_class.",
        )


def losses(loss: schema.Loss) -> Iterator[Problem]:
    """What ranks or weighs single anchors needs a loss for each of them, and only one may."""
    weighed = loss.expected_loss_weights != schema.Loss.NONE
    mined = loss.HasField("hard_example_miner")
    found = ""
    dice = loss.classification_loss.HasField("weighted_dice_classification_loss")
    if dice and (weighed or mined):
        found = "weighted_dice_classification_loss gives one loss per class, not one per anchor."
    elif weighed and mined:
        found = "both expected_loss_weights and hard_example_miner are set."
    if found:
        yield Problem(
            "error",
            "model.ssd.loss",
            found,
            "Negatives are limited in one way: hard_example_miner or expected_loss_weights, "
            "with a classification loss per anchor.",
            "Remove one of them from loss { }.",
        )


def suppression(settings: schema.BatchNonMaxSuppression) -> Iterator[Problem]:
    """There is one way to suppress boxes, with numbers that mean something."""
    path = f"{_POST}.batch_non_max_suppression"
    if not 0.0 <= settings.iou_threshold <= 1.0 or settings.soft_nms_sigma < 0.0:
        yield Problem(
            "error",
            path,
            f"iou_threshold {settings.iou_threshold:g}, soft_nms_sigma "
            f"{settings.soft_nms_sigma:g}.",
            "Allowed: an overlap between 0 and 1, and a width of at least 0.",
            "Write iou_threshold: 0.6, and soft_nms_sigma: 0.5 or no such line.",
        )
    ways = {
        "use_class_agnostic_nms": settings.use_class_agnostic_nms,
        "use_combined_nms": settings.use_combined_nms,
        "soft_nms_sigma": settings.soft_nms_sigma > 0.0 and not settings.use_hard_nms,
    }
    special = [name for name, used in ways.items() if used]
    if len(special) > 1:
        yield Problem(
            "error",
            path,
            f"{' and '.join(special)} are set together.",
            "Each is a way of its own to suppress boxes.",
            "Keep one of them.",
        )


def calibration(config: schema.CalibrationConfig) -> Iterator[Problem]:
    """Functions have points enough, by rising x, and what divides is above 0."""
    path = f"{_POST}.calibration_config"
    by_class = config.class_id_function_approximations.class_id_xy_pairs_map
    lines = [by_class[id_] for id_ in sorted(by_class)]
    if config.HasField("function_approximation"):
        lines.append(config.function_approximation.x_y_pairs)
    for line in lines:
        x = [pair.x for pair in line.x_y_pair]
        if len(x) < 2 or any(left >= right for left, right in pairwise(x)):
            yield Problem(
                "error",
                path,
                f"{len(x)} points with x = {', '.join(f'{v:g}' for v in x)}.",
                "A function needs at least two points, by rising x.",
                "Sort the x_y_pair entries, and remove those with the same x.",
            )
    if config.HasField("temperature_scaling_calibration"):
        scaler = config.temperature_scaling_calibration.scaler
        if scaler <= 0.0:
            yield Problem(
                "error",
                f"{path}.temperature_scaling_calibration.scaler",
                f"it is {scaler:g}.",
                "Allowed: numbers above 0.",
                "Write 1.0 to change nothing.",
            )


def _levels(ssd: schema.Ssd) -> Iterator[Problem]:
    """Anchors and feature maps cover the same levels of a pyramid that can be built."""
    name = ssd.feature_extractor.type
    kind = "bifpn" if "_bifpn" in name else "fpn" if "_fpn" in name else ""
    if not kind:
        return
    levels = getattr(ssd.feature_extractor, kind)
    low, high = levels.min_level, levels.max_level
    # EfficientNet has level 1 too; building says so where another backbone has not.
    finest = 1 if kind == "bifpn" else 2
    if not finest <= low <= min(high, 5):
        yield Problem(
            "error",
            f"{_EXTRACTOR}.{kind}",
            f"min_level {low} and max_level {high} do not fit.",
            f"Allowed: {finest} ≤ min_level ≤ 5 and min_level ≤ max_level.",
            "Correct the levels, and those of the anchor generator with them.",
        )
    if ssd.anchor_generator.WhichOneof("anchor_generator_oneof") != "multiscale_anchor_generator":
        return
    anchors = ssd.anchor_generator.multiscale_anchor_generator
    if (anchors.min_level, anchors.max_level) != (low, high):
        yield Problem(
            "error",
            "model.ssd.anchor_generator.multiscale_anchor_generator",
            f"the anchors are for levels {anchors.min_level} to {anchors.max_level}, the feature "
            f"maps have levels {low} to {high}.",
            "Both must have the same min_level and max_level.",
            f"Change them here or in feature_extractor.{kind}.",
        )


def _code_size(ssd: schema.Ssd) -> Iterator[Problem]:
    """Three numbers are the code of a square."""
    kind = ssd.box_predictor.WhichOneof("box_predictor_oneof")
    size = getattr(getattr(ssd.box_predictor, kind), "box_code_size", 4) if kind else 4
    if size == 3 and not ssd.box_coder.HasField("square_box_coder"):
        yield Problem(
            "error",
            f"model.ssd.box_predictor.{kind}.box_code_size",
            "3 does not fit the box coder.",
            "The box coder writes a box with 4 numbers.",
            "Write 4, or remove the line.",
        )
