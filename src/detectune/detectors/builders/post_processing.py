"""`post_processing { ... }` → scores and the boxes that are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from keras import ops

from detectune.boxes.nms import Kept, NonMaxSuppression
from detectune.boxes.soft_nms import SoftNonMaxSuppression
from detectune.config import schema
from detectune.detectors.builders.choice import choice
from detectune.detectors.calibration import (
    Calibration,
    PerColumn,
    PiecewiseLinear,
    Sigmoid,
    Temperature,
)
from detectune.structures import Array


class Suppression(Protocol):
    """What a detector expects of non-maximum suppression."""

    def __call__(self, boxes: Array, scores: Array, windows: Array | None = None) -> Kept:
        """The best boxes of every image, see `boxes.nms.NonMaxSuppression`."""
        ...


# --- scores ---------------------------------------------------------------------------------------


def score_converter(
    config: schema.PostProcessing, *, background_column: bool = True
) -> Callable[[Array], Array]:
    """Class logits → scores, calibrated if the config asks for it.

    Args:
        background_column: whether column 0 is the background, so that the class of id 1 stands in
            column 1; else it stands in column 0.
    """
    scale = config.logit_scale
    kinds: dict[int, Callable[[Array], Array]] = {
        schema.PostProcessing.IDENTITY: lambda logits: logits / scale,
        schema.PostProcessing.SIGMOID: lambda logits: ops.sigmoid(logits / scale),
        schema.PostProcessing.SOFTMAX: lambda logits: ops.softmax(logits / scale, axis=-1),
    }
    convert = kinds[config.score_converter]
    if not config.HasField("calibration_config"):
        return convert
    correct = calibration(config.calibration_config, first_id=0 if background_column else 1)
    return lambda logits: correct(convert(logits))


def calibration(config: schema.CalibrationConfig, *, first_id: int = 0) -> Calibration:
    """The correction of scores that `calibration_config { ... }` asks for.

    Args:
        first_id: label-map id of the class in column 0.
    """
    kind = choice(
        config,
        "calibrator",
        [
            "function_approximation",
            "class_id_function_approximations",
            "sigmoid_calibration",
            "class_id_sigmoid_calibrations",
            "temperature_scaling_calibration",
        ],
    )
    if kind == "function_approximation":
        return _lines(config.function_approximation.x_y_pairs)
    if kind == "sigmoid_calibration":
        return _sigmoid(config.sigmoid_calibration.sigmoid_parameters)
    if kind == "temperature_scaling_calibration":
        return Temperature(config.temperature_scaling_calibration.scaler)
    if kind == "class_id_sigmoid_calibrations":
        sigmoids = config.class_id_sigmoid_calibrations.class_id_sigmoid_parameters_map
        return PerColumn({id_ - first_id: _sigmoid(sigmoids[id_]) for id_ in sigmoids})
    points = config.class_id_function_approximations.class_id_xy_pairs_map
    return PerColumn({id_ - first_id: _lines(points[id_]) for id_ in points})


def _sigmoid(config: schema.SigmoidParameters) -> Sigmoid:
    return Sigmoid(config.a, config.b)


def _lines(config: schema.XYPairs) -> PiecewiseLinear:
    pairs = config.x_y_pair
    return PiecewiseLinear(tuple(pair.x for pair in pairs), tuple(pair.y for pair in pairs))


# --- suppression ----------------------------------------------------------------------------------


def non_max_suppression(config: schema.PostProcessing) -> Suppression:
    """Which boxes are kept, as `post_processing { batch_non_max_suppression … }` asks."""
    settings = config.batch_non_max_suppression
    if settings.soft_nms_sigma > 0.0 and not settings.use_hard_nms:
        return SoftNonMaxSuppression(
            sigma=settings.soft_nms_sigma,
            score_threshold=settings.score_threshold,
            iou_threshold=settings.iou_threshold,
            max_per_class=settings.max_detections_per_class,
            max_detections=settings.max_total_detections,
        )
    return NonMaxSuppression(
        score_threshold=settings.score_threshold,
        iou_threshold=settings.iou_threshold,
        max_per_class=settings.max_detections_per_class,
        max_detections=settings.max_total_detections,
        class_agnostic=settings.use_class_agnostic_nms,
        # Parity: TensorFlow's combined operation keeps boxes outside the window.
        drop_empty=not settings.use_combined_nms,
    )
