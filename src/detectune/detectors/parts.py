"""Config messages → parts, one short function per message.

A choice that detectune does not offer is refused by name; fields that are deliberately ignored
stand in `config/field_status.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from google.protobuf.message import Message
from keras import ops
from keras.layers import Layer

from detectune.backbones.base import Backbone, BackboneFamily
from detectune.boxes.anchors import AnchorGenerator, MultiscaleAnchorGenerator, SsdAnchorGenerator
from detectune.boxes.coders import BoxCoder, FasterRcnnBoxCoder
from detectune.boxes.nms import NonMaxSuppression
from detectune.config import schema
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.heads.convolutional import ConvolutionalHead, Head, Outputs, WeightSharedHead
from detectune.layers.hyperparams import ActivationName, BatchNormSettings, ConvHyperparams
from detectune.losses.anchor_loss import AnchorLoss
from detectune.losses.classification import (
    ClassificationLoss,
    SigmoidFocalLoss,
    SigmoidLoss,
    SoftmaxLoss,
)
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.localization import L2Loss, LocalizationLoss, SmoothL1Loss
from detectune.necks.fpn import FeaturePyramid
from detectune.necks.ssd_extras import SsdExtraLayers
from detectune.registry import backbones
from detectune.structures import Array
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher, Matcher


def choice(message: Message, oneof: str, offered: Sequence[str]) -> str:
    """Which field of `oneof` is set in `message`.

    Raises:
        ConfigError: none is, or one that is not among `offered`.
    """
    chosen = message.WhichOneof(oneof)
    if chosen not in offered:
        found = f"{chosen} is not supported yet" if chosen else "nothing is chosen"
        raise ConfigError(
            three_part(
                f"{message.DESCRIPTOR.name}: {found}.",
                f"Offered: {', '.join(offered)}.",
                "Choose one of these in the pipeline.config.",
            )
        )
    return chosen


# --- layers ---------------------------------------------------------------------------------------


def initializer(config: schema.Initializer) -> dict[str, Any]:
    """The Keras config of an initializer; each layer makes its own from it."""
    kind = config.WhichOneof("initializer_oneof")
    if kind == "truncated_normal_initializer":
        settings = config.truncated_normal_initializer
        return _initializer("TruncatedNormal", mean=settings.mean, stddev=settings.stddev)
    if kind == "random_normal_initializer":
        settings = config.random_normal_initializer
        return _initializer("RandomNormal", mean=settings.mean, stddev=settings.stddev)
    if kind == "variance_scaling_initializer":
        settings = config.variance_scaling_initializer
        mode = schema.VarianceScalingInitializer.Mode.Name(settings.mode).lower()
        spread = "uniform" if settings.uniform else "truncated_normal"
        return _initializer(
            "VarianceScaling", scale=settings.factor, mode=mode, distribution=spread
        )
    if kind == "keras_initializer_by_name":
        return _initializer_by_name(config.keras_initializer_by_name)
    # Parity: without an initializer the original stops; Keras's own default serves better.
    return _initializer("GlorotUniform")


def _initializer(class_name: str, **settings: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": settings}


def _initializer_by_name(name: str) -> dict[str, Any]:
    try:
        made = keras.initializers.get(name)
    except ValueError as error:
        raise ConfigError(
            three_part(
                f'Initializer.keras_initializer_by_name: Keras has no initializer "{name}".',
                "Allowed are the names of `keras.initializers`, such as glorot_uniform.",
                "Correct the name in the pipeline.config.",
            )
        ) from error
    return _initializer(type(made).__name__, **made.get_config())


def regularizer(config: schema.Regularizer) -> keras.regularizers.Regularizer | None:
    """The penalty on convolution kernels."""
    kind = config.WhichOneof("regularizer_oneof")
    if kind == "l1_regularizer":
        return keras.regularizers.L1(config.l1_regularizer.weight)
    if kind == "l2_regularizer":
        # Parity: builders/hyperparams_builder.py counts half the squared norm.
        return keras.regularizers.L2(0.5 * config.l2_regularizer.weight)
    return None


_ACTIVATIONS: dict[int, ActivationName] = {
    schema.Hyperparams.NONE: "linear",
    schema.Hyperparams.RELU: "relu",
    schema.Hyperparams.RELU_6: "relu6",
    schema.Hyperparams.SWISH: "swish",
}


def conv_hyperparams(config: schema.Hyperparams, *, freeze_batch_norm: bool) -> ConvHyperparams:
    """How convolutions are made."""
    norm = None
    if config.WhichOneof("normalizer_oneof") is not None:
        choice(config, "normalizer_oneof", ["batch_norm"])
        settings = config.batch_norm
        norm = BatchNormSettings(
            momentum=settings.decay,
            epsilon=settings.epsilon,
            center=settings.center,
            scale=settings.scale,
            frozen_statistics=freeze_batch_norm or not settings.train,
        )
    return ConvHyperparams(
        initializer=initializer(config.initializer),
        regularizer=regularizer(config.regularizer),
        batch_norm=norm,
        activation=_ACTIVATIONS[config.activation],
        force_bias=config.force_use_bias,
    )


# --- backbone and neck ----------------------------------------------------------------------------


def _feature_extractor_types() -> dict[str, tuple[str, str]]:
    """Type in the config → (backbone, neck): the grammar `ssd_<backbone>[_<neck>]_keras`."""
    types = {}
    for name in backbones:
        types[f"ssd_{name}_keras"] = (name, "extras")
        types[f"ssd_{name}_fpn_keras"] = (name, "fpn")
    return types


def backbone_and_neck(
    config: schema.SsdFeatureExtractor, *, freeze_batch_norm: bool
) -> tuple[Backbone, Layer]:
    """The two halves of `ssd { feature_extractor { ... } }`."""
    types = _feature_extractor_types()
    if config.type not in types:
        raise ConfigError(
            three_part(
                f'feature_extractor.type: no feature extractor is called "{config.type}".',
                f"Offered: {', '.join(types)}.",
                f"{did_you_mean(config.type, types)}Choose one of these names.",
            )
        )
    name, neck = types[config.type]
    family: BackboneFamily = backbones[name]
    style = conv_hyperparams(config.conv_hyperparams, freeze_batch_norm=freeze_batch_norm)
    network = family.build(
        depth_multiplier=config.depth_multiplier,
        min_depth=config.min_depth,
        hyperparams=_backbone_hyperparams(config, family, style, freeze_batch_norm),
        explicit_padding=config.use_explicit_padding,
    )
    make_neck = _pyramid if neck == "fpn" else _extras
    outputs, made_neck = make_neck(config, family, network, style)
    backbone = Backbone(
        network,
        outputs,
        normalize=family.normalize,
        pad_value=family.pad_value,
        pad_to_multiple=config.pad_to_multiple,
        name="backbone",
    )
    return backbone, made_neck


def _backbone_hyperparams(
    config: schema.SsdFeatureExtractor,
    family: BackboneFamily,
    style: ConvHyperparams,
    freeze_batch_norm: bool,
) -> ConvHyperparams:
    if config.override_base_feature_extractor_hyperparams:
        return style
    return family.default_hyperparams.with_frozen_statistics(freeze_batch_norm)


def _pyramid(
    config: schema.SsdFeatureExtractor,
    family: BackboneFamily,
    network: keras.Model,
    style: ConvHyperparams,
) -> tuple[list[str], Layer]:
    low, high = config.fpn.min_level, config.fpn.max_level
    if not 2 <= low <= min(high, 5):
        raise ConfigError(
            three_part(
                f"feature_extractor.fpn: min_level {low} and max_level {high} do not fit.",
                "Allowed: 2 ≤ min_level ≤ 5 and min_level ≤ max_level.",
                "Correct the levels, and those of the anchor generator with them.",
            )
        )
    base = min(high, 5)
    names = family.level_outputs(network)
    neck = FeaturePyramid(
        num_inputs=base - low + 1,
        num_coarse=high - base,
        depth=max(
            int(config.fpn.additional_layer_depth * config.depth_multiplier), config.min_depth
        ),
        hyperparams=style,
        use_depthwise=config.use_depthwise,
        explicit_padding=config.use_explicit_padding,
        name="neck",
    )
    return [names[level] for level in range(low, base + 1)], neck


def _extras(
    config: schema.SsdFeatureExtractor,
    family: BackboneFamily,
    network: keras.Model,
    style: ConvHyperparams,
) -> tuple[list[str], Layer]:
    inputs = family.ssd_outputs[: config.num_layers]
    neck = SsdExtraLayers(
        num_inputs=len(inputs),
        depths=family.ssd_extra_depths[: config.num_layers - len(inputs)],
        depth_multiplier=config.depth_multiplier,
        min_depth=config.min_depth,
        hyperparams=style,
        use_depthwise=config.use_depthwise,
        explicit_padding=config.use_explicit_padding,
        name="neck",
    )
    return list(inputs), neck


# --- head -----------------------------------------------------------------------------------------


def convolutional_head(
    config: schema.BoxPredictor,
    *,
    num_outputs: int,
    per_location: list[int],
    freeze_batch_norm: bool,
) -> Head:
    """The head that `ssd { box_predictor { ... } }` asks for."""
    offered = ["convolutional_box_predictor", "weight_shared_convolutional_box_predictor"]
    kind = choice(config, "box_predictor_oneof", offered)
    settings = getattr(config, kind)
    style = conv_hyperparams(settings.conv_hyperparams, freeze_batch_norm=freeze_batch_norm)
    common: dict[str, Any] = {
        "outputs": Outputs(num_outputs, _applies_sigmoid(settings), _code_limits(settings)),
        "hyperparams": style,
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
        per_location=per_location[0],
        num_levels=len(per_location),
        depth=settings.depth,
        num_layers=settings.num_layers_before_predictor,
        share_tower=settings.share_prediction_tower,
        style_pointwise=settings.apply_conv_hyperparams_pointwise,
        style_heads=settings.apply_conv_hyperparams_to_heads,
        **common,
    )


def _applies_sigmoid(
    settings: schema.ConvolutionalBoxPredictor | schema.WeightSharedConvolutionalBoxPredictor,
) -> bool:
    """Both predictors can ask for probabilities, each with a field of its own."""
    if isinstance(settings, schema.ConvolutionalBoxPredictor):
        return settings.apply_sigmoid_to_scores
    return settings.score_converter == schema.WeightSharedConvolutionalBoxPredictor.SIGMOID


def _code_limits(settings: Any) -> tuple[float, float] | None:
    if not settings.HasField("box_encodings_clip_range"):
        return None
    limits = settings.box_encodings_clip_range
    return limits.min, limits.max


# --- anchors, codes, targets ----------------------------------------------------------------------


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


def matcher(config: schema.Matcher) -> Matcher:
    """The rule by which anchors find ground-truth boxes."""
    choice(config, "matcher_oneof", ["argmax_matcher"])
    settings = config.argmax_matcher
    return ArgmaxMatcher(
        matched_threshold=None if settings.ignore_thresholds else settings.matched_threshold,
        unmatched_threshold=settings.unmatched_threshold,
        negatives_lower_than_unmatched=settings.negatives_lower_than_unmatched,
        force_match=settings.force_match_for_each_row,
    )


def anchor_assigner(config: schema.Ssd, coder: BoxCoder) -> AnchorAssigner:
    """Ground truth → targets, as `ssd { matcher similarity_calculator … }` asks."""
    choice(config.similarity_calculator, "region_similarity", ["iou_similarity"])
    return AnchorAssigner(
        matcher=matcher(config.matcher),
        coder=coder,
        num_classes=config.num_classes,
        background_column=config.add_background_class,
        background_as_zeros=config.encode_background_as_zeros,
        negative_weight=config.negative_class_weight,
    )


# --- losses ---------------------------------------------------------------------------------------


def classification_loss(config: schema.ClassificationLoss) -> ClassificationLoss:
    """The loss on class logits."""
    offered = ["weighted_sigmoid", "weighted_sigmoid_focal", "weighted_softmax"]
    kind = choice(config, "classification_loss", offered)
    if kind == "weighted_sigmoid":
        return SigmoidLoss()
    if kind == "weighted_softmax":
        return SoftmaxLoss(config.weighted_softmax.logit_scale)
    focal = config.weighted_sigmoid_focal
    return SigmoidFocalLoss(focal.gamma, focal.alpha if focal.HasField("alpha") else None)


def localization_loss(config: schema.LocalizationLoss) -> LocalizationLoss:
    """The loss on box codes."""
    kind = choice(config, "localization_loss", ["weighted_smooth_l1", "weighted_l2"])
    if kind == "weighted_l2":
        return L2Loss()
    return SmoothL1Loss(config.weighted_smooth_l1.delta)


def anchor_loss(config: schema.Ssd, coder: BoxCoder) -> AnchorLoss:
    """The whole loss of `ssd { loss { ... } }`."""
    loss = config.loss
    return AnchorLoss(
        classification=classification_loss(loss.classification_loss),
        localization=localization_loss(loss.localization_loss),
        coder=coder,
        classification_weight=loss.classification_weight,
        localization_weight=loss.localization_weight,
        normalize_by_matches=config.normalize_loss_by_num_matches,
        normalize_by_code_size=config.normalize_loc_loss_by_codesize,
        miner=hard_example_miner(loss) if loss.HasField("hard_example_miner") else None,
    )


def hard_example_miner(config: schema.Loss) -> HardExampleMiner:
    """The choice of anchors whose losses count."""
    settings = config.hard_example_miner
    kind: Any = schema.HardExampleMiner.LossType.Name(settings.loss_type).lower()
    return HardExampleMiner(
        num_hard_examples=settings.num_hard_examples or None,
        iou_threshold=settings.iou_threshold,
        loss_type=kind,
        max_negatives_per_positive=settings.max_negatives_per_positive or None,
        min_negatives_per_image=settings.min_negatives_per_image,
        classification_weight=config.classification_weight,
        localization_weight=config.localization_weight,
    )


# --- post-processing ------------------------------------------------------------------------------


def score_converter(config: schema.PostProcessing) -> Callable[[Array], Array]:
    """Class logits → scores."""
    scale = config.logit_scale
    kinds: dict[int, Callable[[Array], Array]] = {
        schema.PostProcessing.IDENTITY: lambda logits: logits,
        schema.PostProcessing.SIGMOID: lambda logits: ops.sigmoid(logits / scale),
        schema.PostProcessing.SOFTMAX: lambda logits: ops.softmax(logits / scale, axis=-1),
    }
    return kinds[config.score_converter]


def non_max_suppression(config: schema.PostProcessing) -> NonMaxSuppression:
    """Which boxes are kept, as `post_processing { batch_non_max_suppression … }` asks."""
    settings = config.batch_non_max_suppression
    return NonMaxSuppression(
        score_threshold=settings.score_threshold,
        iou_threshold=settings.iou_threshold,
        max_per_class=settings.max_detections_per_class,
        max_detections=settings.max_total_detections,
        class_agnostic=settings.use_class_agnostic_nms,
    )
