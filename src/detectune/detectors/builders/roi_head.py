"""`faster_rcnn { second_stage_… }` → what classifies regions."""

from __future__ import annotations

from keras.layers import Layer

from detectune.config import schema
from detectune.config.architectures.two_stage import REGION_EXTRACTORS, TwoStage
from detectune.detectors.builders.choice import choice
from detectune.detectors.builders.layers import conv_hyperparams
from detectune.detectors.builders.losses import classification_loss, hard_example_miner
from detectune.detectors.builders.post_processing import non_max_suppression, score_converter
from detectune.detectors.builders.region_proposal_network import REGION_CODER
from detectune.detectors.roi_crops import PooledCrops, WholeMap
from detectune.detectors.roi_head import RoICrops, RoIHead
from detectune.detectors.roi_losses import RoILosses
from detectune.heads.masks import MaskHead
from detectune.heads.position_sensitive import PositionSensitiveHead
from detectune.heads.roi_box import RegionHead
from detectune.losses.classification import ClassificationLoss, SoftmaxLoss
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher
from detectune.targets.samplers import BalancedSampler

_BOXES_AND_MASKS, _POSITION_SENSITIVE = "mask_rcnn_box_predictor", "rfcn_box_predictor"


def roi_head(config: TwoStage, box_features: Layer) -> RoIHead:
    """The layers and rules that `faster_rcnn { second_stage_… }` describes.

    Args:
        box_features: what the heads stand on, see `parts.region_features`.
    """
    predictor = config.second_stage_box_predictor
    kind = choice(predictor, "box_predictor_oneof", [_BOXES_AND_MASKS, _POSITION_SENSITIVE])
    settings = predictor.mask_rcnn_box_predictor
    draws_masks = config.number_of_stages == 3 and settings.predict_instance_masks
    return RoIHead(
        crops=roi_crops(config),
        box_features=box_features,
        head=(
            position_sensitive_head(config) if kind == _POSITION_SENSITIVE else region_head(config)
        ),
        coder=REGION_CODER,
        losses=region_losses(config),
        to_scores=score_converter(config.second_stage_post_processing),
        nms=non_max_suppression(config.second_stage_post_processing),
        mask_head=mask_head(config, settings) if draws_masks else None,
        gives_features=config.output_final_box_features,
        crop_relative_to_input=config.crop_relative_to_input,
        name="roi_head",
    )


def roi_crops(config: TwoStage) -> RoICrops:
    """How regions are cut out of feature maps."""
    if config.second_stage_box_predictor.HasField(_POSITION_SENSITIVE):
        return WholeMap()
    return PooledCrops(
        size=config.initial_crop_size,
        pool_kernel=config.maxpool_kernel_size,
        pool_stride=config.maxpool_stride,
        soft_border=config.use_matmul_crop_and_resize,
    )


def region_head(config: TwoStage) -> RegionHead:
    """The layers that `mask_rcnn_box_predictor { … }` asks for, without masks."""
    settings = config.second_stage_box_predictor.mask_rcnn_box_predictor
    return RegionHead(
        num_classes=config.num_classes,
        hyperparams=conv_hyperparams(
            settings.fc_hyperparams,
            freeze_batch_norm=False,
            tf1=REGION_EXTRACTORS.is_tf1(config.feature_extractor.type),
        ),
        shared_boxes=settings.share_box_across_classes,
        code_size=REGION_CODER.code_size,
        dropout=1.0 - settings.dropout_keep_probability if settings.use_dropout else None,
        name="head",
    )


def position_sensitive_head(config: TwoStage) -> PositionSensitiveHead:
    """The layers that `rfcn_box_predictor { … }` asks for."""
    settings = config.second_stage_box_predictor.rfcn_box_predictor
    return PositionSensitiveHead(
        num_classes=config.num_classes,
        hyperparams=conv_hyperparams(
            settings.conv_hyperparams,
            freeze_batch_norm=False,
            tf1=REGION_EXTRACTORS.is_tf1(config.feature_extractor.type),
        ),
        bins=(settings.num_spatial_bins_height, settings.num_spatial_bins_width),
        crop_size=(settings.crop_height, settings.crop_width),
        depth=settings.depth,
        code_size=settings.box_code_size,
        name="head",
    )


def mask_head(config: TwoStage, settings: schema.MaskRCNNBoxPredictor) -> MaskHead:
    """The mask branch of `mask_rcnn_box_predictor { … }`."""
    return MaskHead(
        num_classes=config.num_classes,
        size=(settings.mask_height, settings.mask_width),
        hyperparams=conv_hyperparams(
            settings.conv_hyperparams,
            freeze_batch_norm=False,
            tf1=REGION_EXTRACTORS.is_tf1(config.feature_extractor.type),
        ),
        depth=settings.mask_prediction_conv_depth,
        num_convolutions=settings.mask_prediction_num_conv_layers,
        class_agnostic=settings.masks_are_class_agnostic,
        convolve_first=settings.convolve_then_upsample_masks,
        name="mask_head",
    )


def region_losses(config: TwoStage) -> RoILosses:
    """What the second stage learns from which proposals."""
    return RoILosses(
        assigner=AnchorAssigner(
            # Parity: core/target_assigner.py, "detection".
            matcher=ArgmaxMatcher(matched_threshold=0.5, unmatched_threshold=0.5),
            coder=REGION_CODER,
            num_classes=config.num_classes,
            background_as_zeros=False,
        ),
        sampler=BalancedSampler(
            config.second_stage_balance_fraction, config.second_stage_batch_size
        ),
        classification=_classification(config.second_stage_classification_loss),
        miner=(
            hard_example_miner(
                config.hard_example_miner,
                classification_weight=config.second_stage_classification_loss_weight,
                localization_weight=config.second_stage_localization_loss_weight,
            )
            if config.HasField("hard_example_miner")
            else None
        ),
        localization_weight=config.second_stage_localization_loss_weight,
        classification_weight=config.second_stage_classification_loss_weight,
        mask_weight=config.second_stage_mask_prediction_loss_weight,
    )


def _classification(config: schema.ClassificationLoss) -> ClassificationLoss:
    # Parity: builders/losses_builder.py, build_faster_rcnn_classification_loss.
    if config.WhichOneof("classification_loss") is None:
        return SoftmaxLoss()
    offered = [
        "weighted_softmax",
        "weighted_logits_softmax",
        "weighted_sigmoid",
        "weighted_sigmoid_focal",
    ]
    choice(config, "classification_loss", offered)
    return classification_loss(config)
