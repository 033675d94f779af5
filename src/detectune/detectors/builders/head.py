"""`box_predictor { ... }` → head."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detectune.config import schema
from detectune.detectors.builders.choice import choice
from detectune.detectors.builders.layers import conv_hyperparams
from detectune.errors import ConfigError, three_part
from detectune.heads.convolutional import (
    ConvolutionalHead,
    Head,
    Outputs,
    Tower,
    WeightSharedHead,
)
from detectune.layers.hyperparams import ConvHyperparams


def convolutional_head(
    config: schema.BoxPredictor,
    *,
    num_outputs: int,
    code_size: int,
    per_location: list[int],
    freeze_batch_norm: bool,
    tf1: bool = False,
) -> Head:
    """The head that `ssd { box_predictor { ... } }` asks for.

    Args:
        num_outputs: class logits of an anchor.
        per_location: anchors at each place, per level.
        tf1: the config was written for TensorFlow 1.
    """
    offered = ["convolutional_box_predictor", "weight_shared_convolutional_box_predictor"]
    kind = choice(config, "box_predictor_oneof", offered)
    settings = getattr(config, kind)
    _check_code_size(kind, settings.box_code_size, code_size)
    common: dict[str, Any] = {
        "outputs": Outputs(
            num_outputs,
            code_size,
            apply_sigmoid=_applies_sigmoid(settings, tf1),
            sigmoid_in_training=kind == "convolutional_box_predictor",
            code_limits=_code_limits(settings),
        ),
        "hyperparams": _hyperparams(settings, freeze_batch_norm, tf1),
        "kernel_size": settings.kernel_size,
        "use_depthwise": settings.use_depthwise,
        "dropout": 1.0 - settings.dropout_keep_probability if settings.use_dropout else None,
        "class_bias": settings.class_prediction_bias_init,
        "name": "head",
    }
    if kind == "convolutional_box_predictor":
        return ConvolutionalHead(
            per_location=per_location,
            num_shared=settings.num_layers_before_predictor,
            shared_depth_limits=(settings.min_depth, settings.max_depth),
            **common,
        )
    return WeightSharedHead(
        per_location=_the_same_everywhere(per_location),
        num_levels=len(per_location),
        tower=_tower(settings),
        style_heads=settings.apply_conv_hyperparams_to_heads,
        **common,
    )


def _hyperparams(
    settings: schema.ConvolutionalBoxPredictor | schema.WeightSharedConvolutionalBoxPredictor,
    freeze_batch_norm: bool,
    tf1: bool,
) -> ConvHyperparams:
    asked = conv_hyperparams(
        settings.conv_hyperparams, freeze_batch_norm=freeze_batch_norm, tf1=tf1
    )
    if tf1 and isinstance(settings, schema.WeightSharedConvolutionalBoxPredictor):
        # Parity: predictors/convolutional_box_predictor.py has this activation whatever is asked.
        return replace(asked, activation="relu6")
    return asked


def _tower(settings: schema.WeightSharedConvolutionalBoxPredictor) -> Tower:
    return Tower(
        depth=settings.depth,
        num_layers=settings.num_layers_before_predictor,
        shared=settings.share_prediction_tower,
        style_pointwise=settings.apply_conv_hyperparams_pointwise,
    )


def _the_same_everywhere(per_location: list[int]) -> int:
    if len(set(per_location)) > 1:
        raise ConfigError(
            three_part(
                "weight_shared_convolutional_box_predictor: the feature maps have "
                f"{', '.join(map(str, per_location))} anchors at each place.",
                "Convolutions that are shared need the same number everywhere.",
                "With ssd_anchor_generator, write reduce_boxes_in_lowest_layer: false.",
            )
        )
    return per_location[0]


def _check_code_size(kind: str, said: int, code_size: int) -> None:
    # 4 is the default, which configs with another coder seldom correct.
    if said not in (code_size, 4):
        raise ConfigError(
            three_part(
                f"{kind}.box_code_size: {said} does not fit the box coder.",
                f"The box coder writes a box with {code_size} numbers.",
                f"Write {code_size}, or remove the line.",
            )
        )


def _applies_sigmoid(
    settings: schema.ConvolutionalBoxPredictor | schema.WeightSharedConvolutionalBoxPredictor,
    tf1: bool,
) -> bool:
    """Both predictors can ask for probabilities, each with a field of its own."""
    if isinstance(settings, schema.ConvolutionalBoxPredictor):
        # Parity: builders/box_predictor_builder.py, build_keras, does not read the field.
        return tf1 and settings.apply_sigmoid_to_scores
    return settings.score_converter == schema.WeightSharedConvolutionalBoxPredictor.SIGMOID


def _code_limits(settings: Any) -> tuple[float, float] | None:
    if not settings.HasField("box_encodings_clip_range"):
        return None
    limits = settings.box_encodings_clip_range
    return limits.min, limits.max
