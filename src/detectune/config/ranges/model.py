"""Ranges of the fields of `model { }`: `Message: { field: range }`."""

from __future__ import annotations

from collections.abc import Mapping

from detectune.config.ranges.base import (
    CLIPPING,
    COUNT,
    DEPTH,
    EPSILON,
    FACTOR,
    MOMENTUM,
    PART,
    SHARE,
    SIDE,
    WEIGHT,
    Range,
    above_zero,
    up_to,
)

MOST_CLASSES = 30_000
"""ImageNet's largest set has 21,841."""

_CLASSES = up_to(MOST_CLASSES, 1, "The highest id of the label map; the background does not count.")
_KERNEL = up_to(64, 1)
_LAYERS = up_to(64)
_OUTPUT_BIAS = up_to(100, -100)
_CODE_SCALE = Range(0.001, 10_000, "Box codes are divided by it.")
_FINEST = up_to(5, 1, "Level 5 is the last map of a backbone.")
_COARSEST = up_to(12, 1, "Level 12 has one cell for 4,096 pixels.")
_RATIO = Range(0.001, 1000, "Width divided by height.", most=100)
_ANCHOR_SCALE = Range(0.0001, 1000, most=100)
_SIMILARITY = up_to(1, -1000, "Below 0 with neg_sq_dist_similarity only.")
_STRIDE = up_to(4096, 1, most=100)
_OFFSET = up_to(8192, -8192, most=100)
_OWN_STRIDE = up_to(4096, 0, "0 takes it from the feature map.", most=100)
_DETECTIONS = up_to(20_000, 1)
_PROPOSALS = up_to(10_000, 1)
_CELLS = up_to(256, 1)
_NEGATIVES = {"max_negatives_per_positive": COUNT, "min_negatives_per_image": COUNT}
_SECOND_STAGE = {
    "initial_crop_size": _CELLS,
    "maxpool_kernel_size": _CELLS,
    "maxpool_stride": _CELLS,
    "second_stage_batch_size": _PROPOSALS,
    "second_stage_balance_fraction": PART,
    "second_stage_localization_loss_weight": WEIGHT,
    "second_stage_classification_loss_weight": WEIGHT,
    "second_stage_mask_prediction_loss_weight": WEIGHT,
}
_CLIP = up_to(1e6, -1e6)
_MEAN = up_to(1000, -1000)
_BOX_CODES = up_to(4, 3)
_SIDES = up_to(4, 4, "A number for each side of a box.")
_STAGES = up_to(3, 1, "1 for proposals, 2 for boxes and classes, 3 for masks as well.")
_DIMENSION = up_to(8192, 1, "Sides of the model's input, in pixels.")

MODEL_RANGES: Mapping[str, Mapping[str, Range]] = {
    # --- architectures ----------------------------------------------------------------------------
    "Ssd": {"num_classes": _CLASSES, "negative_class_weight": WEIGHT},
    "FasterRcnn": {
        "number_of_stages": _STAGES,
        "num_classes": _CLASSES,
        "first_stage_atrous_rate": _KERNEL,
        "first_stage_box_predictor_kernel_size": _KERNEL,
        "first_stage_box_predictor_depth": DEPTH,
        "first_stage_minibatch_size": _PROPOSALS,
        "first_stage_positive_balance_fraction": PART,
        "first_stage_nms_score_threshold": SHARE,
        "first_stage_nms_iou_threshold": SHARE,
        "first_stage_max_proposals": _PROPOSALS,
        "first_stage_localization_loss_weight": WEIGHT,
        "first_stage_objectness_loss_weight": WEIGHT,
        **_SECOND_STAGE,
    },
    "FastRcnn": {
        "number_of_stages": up_to(3, 2, "2 for boxes and classes, 3 for masks as well."),
        "num_classes": _CLASSES,
        "max_proposals": _PROPOSALS,
        **_SECOND_STAGE,
    },
    "Rcnn": {
        "num_classes": _CLASSES,
        "max_proposals": _PROPOSALS,
        "crop_size": up_to(1024, 32, "Networks halve a crop five times."),
        "context": up_to(100, 0, "Of 227 pixels; twice as many is all but the box."),
        "crops_at_once": up_to(4096, 1),
        "score_threshold": SHARE,
        "iou_threshold": SHARE,
        "max_detections_per_class": _DETECTIONS,
        "max_total_detections": _DETECTIONS,
    },
    "SupportVectorMachine": {
        "cost": above_zero(1e6),
        "positive_weight": above_zero(1e6),
        "negative_iou": PART,
        "mining_rounds": up_to(1000),
        "negatives_at_once": up_to(1_000_000, 1),
    },
    "CropFineTuning": {
        "num_steps": up_to(1_000_000_000, 1),
        "batch_size": up_to(16_384, 2, "An object and a background are the least."),
        "positive_fraction": Range(0, 1, "Both are needed.", above=True, below=True),
        "positive_iou": PART,
        "flip_probability": SHARE,
        "momentum": MOMENTUM,
        "gradient_clipping_by_norm": CLIPPING,
    },
    "BoxRidge": {"min_iou": SHARE, "ridge": above_zero(1e12)},
    # --- input ------------------------------------------------------------------------------------
    "FixedShapeResizer": {"height": _DIMENSION, "width": _DIMENSION},
    "KeepAspectRatioResizer": {
        "min_dimension": _DIMENSION,
        "max_dimension": _DIMENSION,
        "per_channel_pad_value": up_to(1000, -1000, most=3),
    },
    "ConditionalShapeResizer": {"size_threshold": _DIMENSION},
    "PadToMultipleResizer": {"multiple": up_to(2048, 1)},
    # --- backbone and neck ------------------------------------------------------------------------
    "SsdFeatureExtractor": {
        "depth_multiplier": above_zero(8, "The channels of every layer are multiplied by it."),
        "min_depth": up_to(1024),
        "pad_to_multiple": up_to(2048, 1),
        "num_layers": up_to(6, 1),
    },
    "FasterRcnnFeatureExtractor": {"first_stage_features_stride": up_to(32, 1)},
    "FeaturePyramidNetworks": {
        "min_level": _FINEST,
        "max_level": _COARSEST,
        "additional_layer_depth": DEPTH,
    },
    "BidirectionalFeaturePyramidNetworks": {
        "min_level": _FINEST,
        "max_level": _COARSEST,
        "num_iterations": up_to(32, 0, "0 takes the backbone's own."),
        "num_filters": up_to(2048, 0, "0 takes the backbone's own."),
    },
    # --- convolutions -----------------------------------------------------------------------------
    "BatchNorm": {"decay": SHARE, "epsilon": EPSILON},
    "L1Regularizer": {"weight": WEIGHT},
    "L2Regularizer": {"weight": WEIGHT},
    "TruncatedNormalInitializer": {"mean": _MEAN, "stddev": up_to(1000)},
    "RandomNormalInitializer": {"mean": _MEAN, "stddev": up_to(1000)},
    "VarianceScalingInitializer": {"factor": FACTOR},
    # --- heads ------------------------------------------------------------------------------------
    "ConvolutionalBoxPredictor": {
        "min_depth": up_to(4096),
        "max_depth": up_to(4096),
        "num_layers_before_predictor": _LAYERS,
        "dropout_keep_probability": PART,
        "kernel_size": _KERNEL,
        "box_code_size": _BOX_CODES,
        "class_prediction_bias_init": _OUTPUT_BIAS,
    },
    "WeightSharedConvolutionalBoxPredictor": {
        "num_layers_before_predictor": _LAYERS,
        "depth": up_to(4096),
        "kernel_size": _KERNEL,
        "box_code_size": _BOX_CODES,
        "class_prediction_bias_init": _OUTPUT_BIAS,
        "dropout_keep_probability": PART,
    },
    "ConvolutionalBoxPredictor.BoxEncodingsClipRange": {"min": _CLIP, "max": _CLIP},
    "WeightSharedConvolutionalBoxPredictor.BoxEncodingsClipRange": {"min": _CLIP, "max": _CLIP},
    "MaskRCNNBoxPredictor": {
        "dropout_keep_probability": PART,
        "box_code_size": _SIDES,
        "mask_prediction_conv_depth": up_to(4096, 0, "0 follows the number of classes."),
        "mask_height": _CELLS,
        "mask_width": _CELLS,
        "mask_prediction_num_conv_layers": up_to(64, 1),
    },
    "RfcnBoxPredictor": {
        "num_spatial_bins_height": up_to(32, 1),
        "num_spatial_bins_width": up_to(32, 1),
        "depth": DEPTH,
        "box_code_size": _SIDES,
        "crop_height": _CELLS,
        "crop_width": _CELLS,
    },
    # --- anchors ----------------------------------------------------------------------------------
    "SsdAnchorGenerator": {
        "num_layers": up_to(12, 1),
        "min_scale": _ANCHOR_SCALE,
        "max_scale": _ANCHOR_SCALE,
        "scales": _ANCHOR_SCALE,
        "aspect_ratios": _RATIO,
        "interpolated_scale_aspect_ratio": up_to(1000, 0, "0 adds no box between two scales."),
        "base_anchor_height": _ANCHOR_SCALE,
        "base_anchor_width": _ANCHOR_SCALE,
        "height_stride": _STRIDE,
        "width_stride": _STRIDE,
        "height_offset": _OFFSET,
        "width_offset": _OFFSET,
    },
    "MultiscaleAnchorGenerator": {
        "min_level": _COARSEST,
        "max_level": _COARSEST,
        "anchor_scale": _ANCHOR_SCALE,
        "aspect_ratios": _RATIO,
        "scales_per_octave": up_to(32, 1),
    },
    "GridAnchorGenerator": {
        "height": SIDE,
        "width": SIDE,
        "height_stride": _STRIDE,
        "width_stride": _STRIDE,
        "height_offset": _OFFSET,
        "width_offset": _OFFSET,
        "scales": _ANCHOR_SCALE,
        "aspect_ratios": _RATIO,
    },
    "AnchorGrid": {
        "base_sizes": Range(0.01, 16_384, "Pixels of the model's input.", most=100),
        "aspect_ratios": _RATIO,
        "height_stride": _STRIDE,
        "width_stride": _STRIDE,
        "height_offset": up_to(8192),
        "width_offset": up_to(8192),
    },
    # --- matching and box codes -------------------------------------------------------------------
    "ArgMaxMatcher": {"matched_threshold": _SIMILARITY, "unmatched_threshold": _SIMILARITY},
    "FreeAnchorMatcher": {
        "bag_size": up_to(100_000, 1),
        "alpha": SHARE,
        "gamma": up_to(100),
        "iou_threshold": Range(0, 1, "At 1 no anchor could have an object.", below=True),
        "box_weight": WEIGHT,
        "delta": above_zero(1000),
    },
    "ThresholdedIouSimilarity": {"iou_threshold": SHARE},
    "FasterRcnnBoxCoder": dict.fromkeys(
        ("y_scale", "x_scale", "height_scale", "width_scale"), _CODE_SCALE
    ),
    "SquareBoxCoder": dict.fromkeys(("y_scale", "x_scale", "length_scale"), _CODE_SCALE),
    "MeanStddevBoxCoder": {"stddev": Range(1e-6, 1000, "Box codes are divided by it.")},
    # --- losses -----------------------------------------------------------------------------------
    "Loss": {
        "classification_weight": WEIGHT,
        "localization_weight": WEIGHT,
        "min_num_negative_samples": WEIGHT,
        "desired_negative_sampling_ratio": WEIGHT,
    },
    "SigmoidFocalClassificationLoss": {"gamma": up_to(50), "alpha": SHARE},
    "PenaltyReducedLogisticFocalLoss": {"alpha": up_to(50), "beta": up_to(50)},
    "BootstrappedSigmoidClassificationLoss": {"alpha": SHARE},
    "WeightedSmoothL1LocalizationLoss": {"delta": Range(1e-6, 1e6, "The loss is divided by it.")},
    "WeightedSoftmaxClassificationLoss": {"logit_scale": FACTOR},
    "WeightedSoftmaxClassificationAgainstLogitsLoss": {"logit_scale": FACTOR},
    "HardExampleMiner": {"num_hard_examples": COUNT, "iou_threshold": SHARE, **_NEGATIVES},
    "RandomExampleSampler": {"positive_sample_fraction": PART},
    # --- after the network ------------------------------------------------------------------------
    "PostProcessing": {"logit_scale": Range(1e-6, 1e6, "Logits are divided by it.")},
    "BatchNonMaxSuppression": {
        "score_threshold": SHARE,
        "iou_threshold": SHARE,
        "max_detections_per_class": _DETECTIONS,
        "max_total_detections": _DETECTIONS,
        "soft_nms_sigma": up_to(1000),
    },
    "TemperatureScalingCalibration": {"scaler": above_zero(1e6)},
    "SigmoidParameters": {"a": _CLIP, "b": _CLIP},
    "XYPairs.XYPair": {"x": _CLIP, "y": _CLIP},
}
