"""`faster_rcnn { first_stage_… }` → the region proposal network."""

from __future__ import annotations

from dataclasses import replace

from detectune.boxes.anchors import AnchorGenerator, MultiscaleAnchorGenerator
from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.boxes.nms import NonMaxSuppression
from detectune.config import schema
from detectune.config.architectures.two_stage import REGION_EXTRACTORS, FasterRcnnArchitecture
from detectune.config.problems import refuse
from detectune.detectors.builders.anchors import anchor_generator
from detectune.detectors.builders.layers import conv_hyperparams
from detectune.detectors.region_proposal_network import RegionProposalNetwork
from detectune.heads.convolutional import ConvolutionalHead, Outputs
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher
from detectune.targets.samplers import BalancedSampler

# Parity: core/target_assigner.py, create_target_assigner("FasterRCNN", …), of both stages.
REGION_CODER = FasterRcnnBoxCoder((10.0, 10.0, 5.0, 5.0))


def region_proposal_network(config: schema.FasterRcnn) -> RegionProposalNetwork:
    """The network that `faster_rcnn { first_stage_… }` describes."""
    refuse(FasterRcnnArchitecture(config).context_conflicts())
    hyperparams = conv_hyperparams(
        config.first_stage_box_predictor_conv_hyperparams,
        freeze_batch_norm=False,
        tf1=REGION_EXTRACTORS.is_tf1(config.feature_extractor.type),
    )
    anchors = region_anchors(config.first_stage_anchor_generator)
    return RegionProposalNetwork(
        convolution=hyperparams.conv(
            config.first_stage_box_predictor_depth,
            config.first_stage_box_predictor_kernel_size,
            dilation_rate=config.first_stage_atrous_rate,
        ),
        norm=hyperparams.norm(),
        head=ConvolutionalHead(
            per_location=anchors.per_location,
            outputs=Outputs(per_anchor=2, code_size=REGION_CODER.code_size),
            hyperparams=hyperparams,
            name="head",
        ),
        anchors=anchors,
        coder=REGION_CODER,
        nms=proposal_suppression(config),
        assigner=AnchorAssigner(
            # Parity: core/target_assigner.py, "proposal".
            matcher=ArgmaxMatcher(matched_threshold=0.7, unmatched_threshold=0.3, force_match=True),
            coder=REGION_CODER,
            num_classes=1,
            background_as_zeros=False,
        ),
        sampler=BalancedSampler(
            config.first_stage_positive_balance_fraction, config.first_stage_minibatch_size
        ),
        localization_weight=config.first_stage_localization_loss_weight,
        objectness_weight=config.first_stage_objectness_loss_weight,
        clip_anchors=config.clip_anchors_to_image,
        name="rpn",
    )


def region_anchors(config: schema.AnchorGenerator) -> AnchorGenerator:
    """The anchors of the first stage."""
    anchors = anchor_generator(config)
    if isinstance(anchors, MultiscaleAnchorGenerator):
        return replace(anchors, always_centred=True)
    return anchors


def proposal_suppression(config: schema.FasterRcnn) -> NonMaxSuppression:
    """Which proposals are kept."""
    return NonMaxSuppression(
        score_threshold=config.first_stage_nms_score_threshold,
        iou_threshold=config.first_stage_nms_iou_threshold,
        max_per_class=config.first_stage_max_proposals,
        max_detections=config.first_stage_max_proposals,
        # Parity: TensorFlow's combined operation keeps boxes outside the window.
        drop_empty=not config.use_combined_nms_in_first_stage,
    )
