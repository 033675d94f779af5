"""Ranges of the fields of `train_config { }`, `eval_config { }` and the readers."""

from __future__ import annotations

from collections.abc import Mapping

from detectune.config.ranges.base import (
    CLIPPING,
    COUNT,
    DEPTH,
    EPSILON,
    MOMENTUM,
    PART,
    RATE,
    SHARE,
    SIDE,
    STEPS,
    WEIGHT,
    Range,
    up_to,
)

_SCHEDULE = up_to(1_000_000_000, 1)
_BATCH = up_to(16_384, 1)
_BOXES = up_to(100_000, 1)
_SCALE = Range(0.01, 10, "Of the image's size; memory grows with its square.")
_CHANGE = up_to(100)
_SIDES = Range(0.01, 100, "Width divided by height.")
_CROP = {
    "min_object_covered": SHARE,
    "min_aspect_ratio": _SIDES,
    "max_aspect_ratio": _SIDES,
    "min_area": PART,
    "max_area": PART,
    "overlap_thresh": SHARE,
    "random_coef": SHARE,
}
_COLOUR = up_to(255, 0, "Red, green and blue.", most=3)
_CANVAS = up_to(8192, 0, "At least the image's own size in any case.")
_QUALITY = up_to(100)
_LAMBDA = up_to(1000)
_FACTOR = up_to(1000, 0, "0 does not train the part at all.")

TRAINING_RANGES: Mapping[str, Mapping[str, Range]] = {
    "TrainConfig": {
        "batch_size": _BATCH,
        "gradient_clipping_by_norm": CLIPPING,
        "num_steps": STEPS,
        "max_number_of_boxes": _BOXES,
        "early_stopping_evaluations": COUNT,
        "evaluate_every_steps": STEPS,
        "seed": up_to(2**32 - 1),
        "checkpoint_every_steps": STEPS,
        "gradient_accumulation_steps": _BATCH,
    },
    "Unfreezing": {"step": STEPS},
    "LearningRateFactors": {"backbone": _FACTOR, "neck": _FACTOR, "heads": _FACTOR},
    "FeatureCache": {
        "views": up_to(1000, 1),
        "max_gb": up_to(1e6, 0, "0 takes all but a tenth of what is free."),
    },
    "DomainAdaptation": {
        "consistency_weight": WEIGHT,
        "final_lambda": _LAMBDA,
        "steepness": up_to(1000, 0, "At 0 nothing is ever reversed."),
        "learning_rate_factor": _LAMBDA,
    },
    "ImageLevelDiscriminator": {
        "weight": _LAMBDA,
        "level": up_to(15, 0, "0 is the finest map.", most=16),
        "channels": DEPTH,
    },
    "InstanceLevelDiscriminator": {
        "weight": _LAMBDA,
        "units": DEPTH,
        "proposals": up_to(10_000, 1),
    },
    "EvalConfig": {"batch_size": _BATCH, "recalibration_batches": COUNT},
    "InputReader": {"sample_1_of_n_examples": up_to(1_000_000, 1), "max_number_of_boxes": _BOXES},
    # --- optimizers -------------------------------------------------------------------------------
    "Optimizer": {"moving_average_decay": SHARE},
    "MomentumOptimizer": {"momentum_optimizer_value": MOMENTUM},
    "RMSPropOptimizer": {
        "momentum_optimizer_value": MOMENTUM,
        "decay": SHARE,
        "epsilon": EPSILON,
    },
    "AdamOptimizer": {"epsilon": EPSILON},
    "ConstantLearningRate": {"learning_rate": RATE},
    "ExponentialDecayLearningRate": {
        "initial_learning_rate": RATE,
        "decay_steps": _SCHEDULE,
        "decay_factor": PART,
        "burnin_learning_rate": RATE,
        "burnin_steps": STEPS,
        "min_learning_rate": RATE,
    },
    "ManualStepLearningRate": {"initial_learning_rate": RATE},
    "ManualStepLearningRate.LearningRateSchedule": {"step": STEPS, "learning_rate": RATE},
    "CosineDecayLearningRate": {
        "learning_rate_base": RATE,
        "total_steps": _SCHEDULE,
        "warmup_learning_rate": RATE,
        "warmup_steps": STEPS,
        "hold_base_rate_steps": STEPS,
    },
    # --- augmentations ----------------------------------------------------------------------------
    "RandomHorizontalFlip": {"probability": SHARE},
    "RandomVerticalFlip": {"probability": SHARE},
    "RandomRotation90": {"probability": SHARE},
    "RandomRGBtoGray": {"probability": SHARE},
    "RandomPixelValueScale": {"minval": _CHANGE, "maxval": _CHANGE},
    "RandomAdjustBrightness": {"max_delta": SHARE},
    "RandomAdjustContrast": {"min_delta": _CHANGE, "max_delta": _CHANGE},
    "RandomAdjustHue": {"max_delta": up_to(0.5, 0, "Of the full circle, either way.")},
    "RandomAdjustSaturation": {"min_delta": _CHANGE, "max_delta": _CHANGE},
    "AdjustGamma": {"gamma": _CHANGE, "gain": _CHANGE},
    "RandomDistortColor": {"color_ordering": up_to(1)},
    "RandomJpegQuality": {
        "random_coef": SHARE,
        "min_jpeg_quality": _QUALITY,
        "max_jpeg_quality": _QUALITY,
    },
    "RandomJitterBoxes": {"ratio": SHARE},
    "RandomBlackPatches": {
        "max_black_patches": up_to(1000),
        "probability": SHARE,
        "size_to_image_ratio": SHARE,
    },
    "RandomImageScale": {"min_scale_ratio": _SCALE, "max_scale_ratio": _SCALE},
    "RandomCropImage": _CROP,
    "SSDRandomCropOperation": _CROP,
    "RandomCropToAspectRatio": {"aspect_ratio": _SIDES, "overlap_thresh": SHARE},
    "RandomPadImage": {
        "min_image_height": _CANVAS,
        "min_image_width": _CANVAS,
        "max_image_height": _CANVAS,
        "max_image_width": _CANVAS,
        "pad_color": _COLOUR,
    },
    "RandomAbsolutePadImage": {
        "max_height_padding": up_to(8192),
        "max_width_padding": up_to(8192),
        "pad_color": _COLOUR,
    },
    "RandomScaleCropAndPadToSquare": {
        "output_size": SIDE,
        "scale_min": _SCALE,
        "scale_max": _SCALE,
    },
    "RandomSquareCropByScale": {
        "max_border": SIDE,
        "scale_min": _SCALE,
        "scale_max": _SCALE,
        "num_scales": up_to(1000, 1),
    },
}
