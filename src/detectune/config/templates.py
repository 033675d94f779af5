"""Configs of the models that `config new` offers, with the numbers of the zoo.

`new` fills in the data; what is here equals the recorded configs of the original field by field,
except where `plan` says why not.
"""

from __future__ import annotations

from typing import NamedTuple

from google.protobuf import text_format

from detectune.config import schema
from detectune.config.plan import Shipped
from detectune.config.two_stage_templates import (
    PYRAMID_TEMPLATES,
    TWO_STAGE_TEMPLATES,
    TwoStageTemplate,
)
from detectune.errors import ConfigError, did_you_mean, three_part

_CONV = """
  regularizer {{ l2_regularizer {{ weight: {weight_decay} }} }}
  initializer {{ {initializer} }}
  activation: {activation}
  batch_norm {{ {batch_norm} }}
"""


def _conv(
    initializer: str, batch_norm: str, activation: str = "RELU_6", weight_decay: str = "4e-05"
) -> str:
    return _CONV.format(
        initializer=initializer,
        batch_norm=batch_norm,
        activation=activation,
        weight_decay=weight_decay,
    )


_PLAIN_NORM = "decay: 0.97 center: true scale: true epsilon: 0.001 train: true"
_FPN_NORM = "decay: 0.997 scale: true epsilon: 0.001"
_NARROW = "random_normal_initializer { mean: 0.0 stddev: 0.01 }"
_WIDE = "truncated_normal_initializer { mean: 0.0 stddev: 0.03 }"

_SHARED_PARTS = """
  box_coder {
    faster_rcnn_box_coder { y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0 }
  }
  matcher {
    argmax_matcher {
      matched_threshold: 0.5 unmatched_threshold: 0.5 ignore_thresholds: false
      negatives_lower_than_unmatched: true force_match_for_each_row: true
    }
  }
  similarity_calculator { iou_similarity { } }
  post_processing {
    batch_non_max_suppression {
      score_threshold: 1e-08 iou_threshold: IOU_THRESHOLD
      max_detections_per_class: 100 max_total_detections: 100
    }
    score_converter: SIGMOID
  }
  normalize_loss_by_num_matches: true
  encode_background_as_zeros: true
  normalize_loc_loss_by_codesize: true
  freeze_batchnorm: false
"""
_SSD_PARTS = _SHARED_PARTS.replace("IOU_THRESHOLD", "0.6")
_EFFICIENTDET_PARTS = _SHARED_PARTS.replace("IOU_THRESHOLD", "0.5")


def _plain_ssd() -> str:
    predictor = _conv(initializer=_NARROW, batch_norm=_PLAIN_NORM)
    extractor = _conv(initializer=_WIDE, batch_norm=_PLAIN_NORM)
    return f"""
  num_classes: 90
  image_resizer {{ fixed_shape_resizer {{ height: 300 width: 300 }} }}
  feature_extractor {{
    type: "ssd_mobilenet_v2_keras"
    depth_multiplier: 1.0
    min_depth: 16
    conv_hyperparams {{ {extractor} }}
    override_base_feature_extractor_hyperparams: true
  }}
  box_predictor {{
    convolutional_box_predictor {{
      conv_hyperparams {{ {predictor} }}
      min_depth: 0 max_depth: 0 num_layers_before_predictor: 0
      use_dropout: false dropout_keep_probability: 0.8
      kernel_size: 1 box_code_size: 4
      apply_sigmoid_to_scores: false
      class_prediction_bias_init: -4.6
    }}
  }}
  anchor_generator {{
    ssd_anchor_generator {{
      num_layers: 6 min_scale: 0.2 max_scale: 0.95
      aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333]
    }}
  }}
  loss {{
    localization_loss {{ weighted_smooth_l1 {{ delta: 1.0 }} }}
    classification_loss {{ weighted_sigmoid_focal {{ gamma: 2.0 alpha: 0.75 }} }}
    classification_weight: 1.0
    localization_weight: 1.0
  }}
  {_SSD_PARTS}
"""


def _fpnlite_ssd(size: int) -> str:
    conv = _conv(initializer=_NARROW, batch_norm=_FPN_NORM)
    extractor = f"""
    type: "ssd_mobilenet_v2_fpn_keras"
    conv_hyperparams {{ {conv} }}
    use_depthwise: true
    fpn {{ min_level: 3 max_level: 7 additional_layer_depth: 128 }}
"""
    predictor = f"""
    conv_hyperparams {{ {conv} }}
    depth: 128
    share_prediction_tower: true
    use_depthwise: true
"""
    return _pyramid_ssd(size, extractor, predictor)


def _retinanet(backbone: str, size: int, initializer: str, weight_decay: str) -> str:
    extractor = f"""
    type: "ssd_{backbone}_fpn_keras"
    conv_hyperparams {{ {_conv(initializer, _FPN_NORM, weight_decay=weight_decay)} }}
    fpn {{ min_level: 3 max_level: 7 }}
"""
    predictor = f"""
    conv_hyperparams {{ {_conv(_NARROW, _FPN_NORM, weight_decay=weight_decay)} }}
    depth: 256
"""
    return _pyramid_ssd(size, extractor, predictor)


def _pyramid_ssd(size: int, extractor: str, predictor: str) -> str:
    return f"""
  num_classes: 90
  image_resizer {{ fixed_shape_resizer {{ height: {size} width: {size} }} }}
  feature_extractor {{
    depth_multiplier: 1.0
    min_depth: 16
    override_base_feature_extractor_hyperparams: true
    {extractor}
  }}
  box_predictor {{
    weight_shared_convolutional_box_predictor {{
      num_layers_before_predictor: 4 kernel_size: 3
      class_prediction_bias_init: -4.6
      {predictor}
    }}
  }}
  anchor_generator {{
    multiscale_anchor_generator {{
      min_level: 3 max_level: 7 anchor_scale: 4.0
      aspect_ratios: [1.0, 2.0, 0.5]
      scales_per_octave: 2
    }}
  }}
  loss {{
    localization_loss {{ weighted_smooth_l1 {{ }} }}
    classification_loss {{ weighted_sigmoid_focal {{ gamma: 2.0 alpha: 0.25 }} }}
    classification_weight: 1.0
    localization_weight: 1.0
  }}
  {_SSD_PARTS}
"""


class _EfficientDet(NamedTuple):
    backbone: str
    image_size: int
    iterations: int
    filters: int
    head_layers: int
    fusion: str = ""


_EFFICIENTDETS = (
    _EfficientDet("b0", 512, 3, 64, 3),
    _EfficientDet("b1", 640, 4, 88, 3),
    _EfficientDet("b2", 768, 5, 112, 3),
    _EfficientDet("b3", 896, 6, 160, 4),
    _EfficientDet("b4", 1024, 7, 224, 4),
    _EfficientDet("b5", 1280, 7, 288, 4),
    _EfficientDet("b6", 1408, 8, 384, 5, 'combine_method: "sum"'),
    _EfficientDet("b6", 1536, 8, 384, 5, 'combine_method: "sum"'),
)


def _efficientdet(size: _EfficientDet) -> str:
    norm = "decay: 0.99 scale: true epsilon: 0.001"
    extractor = _conv(_WIDE, norm, "SWISH force_use_bias: true")
    predictor = _conv(_NARROW, norm, "SWISH force_use_bias: true")
    return f"""
  num_classes: 90
  add_background_class: false
  image_resizer {{ keep_aspect_ratio_resizer {{
    min_dimension: {size.image_size} max_dimension: {size.image_size} pad_to_max_dimension: true
  }} }}
  feature_extractor {{
    type: "ssd_efficientnet-{size.backbone}_bifpn_keras"
    conv_hyperparams {{ {extractor} }}
    bifpn {{
      min_level: 3 max_level: 7 num_iterations: {size.iterations} num_filters: {size.filters}
      {size.fusion}
    }}
  }}
  box_predictor {{
    weight_shared_convolutional_box_predictor {{
      conv_hyperparams {{ {predictor} }}
      depth: {size.filters} num_layers_before_predictor: {size.head_layers} kernel_size: 3
      class_prediction_bias_init: -4.6
      use_depthwise: true
    }}
  }}
  anchor_generator {{
    multiscale_anchor_generator {{
      min_level: 3 max_level: 7 anchor_scale: 4.0
      aspect_ratios: [1.0, 2.0, 0.5]
      scales_per_octave: 3
    }}
  }}
  loss {{
    localization_loss {{ weighted_smooth_l1 {{ }} }}
    classification_loss {{ weighted_sigmoid_focal {{ gamma: 1.5 alpha: 0.25 }} }}
    classification_weight: 1.0
    localization_weight: 1.0
  }}
  {_EFFICIENTDET_PARTS}
"""


_FLIP = "data_augmentation_options { random_horizontal_flip { } }"
_SSD_CROP = "data_augmentation_options { ssd_random_crop { } }"
_CROP = """data_augmentation_options {
  random_crop_image {
    min_object_covered: 0.0 min_aspect_ratio: 0.75 max_aspect_ratio: 3.0
    min_area: 0.75 max_area: 1.0 overlap_thresh: 0.0
  }
}"""


def _scale_crop(size: int) -> str:
    return f"""data_augmentation_options {{
      random_scale_crop_and_pad_to_square {{ output_size: {size} scale_min: 0.1 scale_max: 2.0 }}
    }}"""


# Their batches are computed in parts where memory is short: their batch norms need not learn.
_MOST_TWO_STAGE_IMAGES = 16


class _Template(NamedTuple):
    ssd: str
    augmentations: str
    largest_batch: int


def _heavy_batch(size: int) -> int:
    return 4 if size <= 640 else 2


_TEMPLATES = {
    "ssd_mobilenet_v2_320x320_coco17_tpu-8": _Template(_plain_ssd(), _FLIP + _SSD_CROP, 16),
    "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8": _Template(
        _fpnlite_ssd(320), _FLIP + _CROP, 16
    ),
    "ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8": _Template(_fpnlite_ssd(640), _FLIP + _CROP, 8),
    "ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8": _Template(
        _retinanet("mobilenet_v1", 640, _NARROW, "4e-05"), _FLIP + _CROP, _heavy_batch(640)
    ),
    **{
        f"ssd_resnet{depth}_v1_fpn_{size}x{size}_coco17_tpu-8": _Template(
            _retinanet(f"resnet{depth}_v1", size, _WIDE, "0.0004"),
            _FLIP + _CROP,
            _heavy_batch(size),
        )
        for depth in (50, 101, 152)
        for size in (640, 1024)
    },
    **{
        f"efficientdet_d{index}_coco17_tpu-32": _Template(
            _efficientdet(size),
            _FLIP + _scale_crop(size.image_size),
            _heavy_batch(size.image_size),
        )
        for index, size in enumerate(_EFFICIENTDETS)
    },
}
MODELS = (*_TEMPLATES, *TWO_STAGE_TEMPLATES)
"""Those of which the zoo has an archive."""

CONFIGS_ONLY = tuple(PYRAMID_TEMPLATES)
"""Those that begin with a classifier."""


def template(model: str) -> schema.TrainEvalPipelineConfig:
    """The model and the augmentations of the zoo's config called `model`, for COCO's 90 classes.

    Raises:
        ConfigError: there is no template of that name.
    """
    two_stage = two_stage_template(model)
    if two_stage is not None:
        text = f"model {{ {two_stage.model} }} train_config {{ {two_stage.augmentations} }}"
    else:
        found = _template(model)
        text = f"model {{ ssd {{ {found.ssd} }} }} train_config {{ {found.augmentations} }}"
    return text_format.Parse(text, schema.TrainEvalPipelineConfig())


def two_stage_template(model: str) -> TwoStageTemplate | None:
    """How the zoo made the two-stage detector called `model`; None if it is none."""
    return TWO_STAGE_TEMPLATES.get(model) or PYRAMID_TEMPLATES.get(model)


def shipped(model: str) -> Shipped | None:
    """How the zoo trained `model`; None if a plan has a better rule for it."""
    two_stage = two_stage_template(model)
    return two_stage.shipped if two_stage else None


def largest_batch(model: str) -> int:
    """How many images of `model` a plan puts into a batch at most: memory grows with them.

    Raises:
        ConfigError: there is no template of that name.
    """
    return _MOST_TWO_STAGE_IMAGES if two_stage_template(model) else _template(model).largest_batch


def _template(model: str) -> _Template:
    if model not in _TEMPLATES:
        raise ConfigError(
            three_part(
                f'--model {model}: there is no model called "{model}".',
                f"Models: {', '.join((*MODELS, *CONFIGS_ONLY))}.",
                f"{did_you_mean(model, (*MODELS, *CONFIGS_ONLY))}Choose one of these.",
            )
        )
    return _TEMPLATES[model]
