"""Faster R-CNN and Mask R-CNN as the zoo has them; see `templates`."""

from __future__ import annotations

from typing import NamedTuple

from detectune.config.plan import Shipped

_SIDES = """keep_aspect_ratio_resizer {{
  min_dimension: {} max_dimension: {} pad_to_max_dimension: true
}}"""
_SQUARE = "fixed_shape_resizer {{ height: {0} width: {0} }}"

_FLIP = "data_augmentation_options { random_horizontal_flip { } }"
_COLOURS_AND_CROP = (
    _FLIP
    + """
data_augmentation_options { random_adjust_hue { } }
data_augmentation_options { random_adjust_contrast { } }
data_augmentation_options { random_adjust_saturation { } }
data_augmentation_options { random_square_crop_by_scale { scale_min: 0.6 scale_max: 1.3 } }
"""
)

# The configs made for TPUs crop by products of matrices and learn from clipped anchors; those made
# for GPUs do neither.
_TPU = "use_matmul_crop_and_resize: true clip_anchors_to_image: true"

_ON_TPUS = Shipped(64, 0.04)

_GRID = """grid_anchor_generator {
  height_stride: 16 width_stride: 16
  scales: [0.25, 0.5, 1.0, 2.0]
  aspect_ratios: [0.5, 1.0, 2.0]
}"""
_PYRAMID_GRID = """multiscale_anchor_generator {
  min_level: 2 max_level: 6 anchor_scale: 4.0
  aspect_ratios: [1.0, 2.0, 0.5]
  scales_per_octave: 2
}"""
_PYRAMID = """
  conv_hyperparams {
    regularizer { l2_regularizer { weight: 0.0004 } }
    initializer { truncated_normal_initializer { mean: 0.0 stddev: 0.03 } }
    activation: RELU_6
    batch_norm { decay: 0.997 scale: true epsilon: 0.001 }
  }
  override_base_feature_extractor_hyperparams: true
  fpn { min_level: 2 max_level: 6 }
"""
_CONV = """
  op: CONV
  regularizer { l2_regularizer { weight: 0.0 } }
  initializer { truncated_normal_initializer { stddev: 0.01 } }
"""
_MASKS = f"""
  conv_hyperparams {{ {_CONV} }}
  predict_instance_masks: true
  mask_prediction_conv_depth: 0
  mask_height: 33 mask_width: 33
  mask_prediction_num_conv_layers: 4
"""
_RESNET_CROPS = "initial_crop_size: 14 maxpool_kernel_size: 2 maxpool_stride: 2"
_INCEPTION_CROPS = "initial_crop_size: 17 maxpool_kernel_size: 1 maxpool_stride: 1"


class TwoStageTemplate(NamedTuple):
    """A config of the zoo and how it was trained there."""

    model: str
    """`faster_rcnn { … }` as text."""
    augmentations: str
    shipped: Shipped
    classifier: str = ""
    """The archive that training begins with, where the zoo has none of the detector."""


def _model(
    resizer: str,
    extractor: str,
    *,
    crops: str = _RESNET_CROPS,
    anchors: str = _GRID,
    predictor: str = "",
    most_detections: int = 100,
    more: str = "",
) -> str:
    return f"""faster_rcnn {{
  num_classes: 90
  image_resizer {{ {resizer} }}
  feature_extractor {{ {extractor} }}
  first_stage_anchor_generator {{ {anchors} }}
  first_stage_box_predictor_conv_hyperparams {{ {_CONV} }}
  first_stage_nms_score_threshold: 0.0
  first_stage_nms_iou_threshold: 0.7
  first_stage_max_proposals: 300
  first_stage_localization_loss_weight: 2.0
  first_stage_objectness_loss_weight: 1.0
  {crops}
  second_stage_box_predictor {{ mask_rcnn_box_predictor {{
    use_dropout: false dropout_keep_probability: 1.0
    fc_hyperparams {{
      op: FC
      regularizer {{ l2_regularizer {{ weight: 0.0 }} }}
      initializer {{ variance_scaling_initializer {{ factor: 1.0 uniform: true mode: FAN_AVG }} }}
    }}
    {predictor}
  }} }}
  second_stage_post_processing {{
    batch_non_max_suppression {{
      score_threshold: 0.0 iou_threshold: 0.6
      max_detections_per_class: 100 max_total_detections: {most_detections}
    }}
    score_converter: SOFTMAX
  }}
  second_stage_localization_loss_weight: 2.0
  second_stage_classification_loss_weight: 1.0
  {more}
}}"""


def _resnet_tpu(depth: int, size: int) -> TwoStageTemplate:
    small = size == 640
    model = _model(
        _SIDES.format(size, size) if small else _SQUARE.format(size),
        f'type: "faster_rcnn_resnet{depth}_keras" batch_norm_trainable: true',
        predictor="share_box_across_classes: true",
        most_detections=300,
        more=_TPU,
    )
    return TwoStageTemplate(model, _FLIP if small else _COLOURS_AND_CROP, _ON_TPUS)


def _resnet_gpu(depth: int) -> TwoStageTemplate:
    model = _model(_SIDES.format(800, 1333), f'type: "faster_rcnn_resnet{depth}_keras"')
    return TwoStageTemplate(model, _COLOURS_AND_CROP, Shipped(16, 0.01, clipping=10.0))


def _resnet_pyramid(depth: int) -> TwoStageTemplate:
    model = _model(
        _SIDES.format(640, 640),
        f'type: "faster_rcnn_resnet{depth}_fpn_keras" batch_norm_trainable: true {_PYRAMID}',
        anchors=_PYRAMID_GRID,
        most_detections=300,
        more=_TPU,
    )
    return TwoStageTemplate(model, _FLIP, _ON_TPUS, classifier=f"resnet{depth}_v1")


def _inception(resizer: str, *, predictor: str = "", more: str = "") -> TwoStageTemplate:
    model = _model(
        resizer,
        'type: "faster_rcnn_inception_resnet_v2_keras"',
        crops=_INCEPTION_CROPS,
        predictor=predictor,
        more=more,
    )
    return TwoStageTemplate(model, _FLIP, Shipped(16, 0.008, clipping=10.0))


_DEPTHS = (50, 101, 152)

TWO_STAGE_TEMPLATES = {
    **{
        f"faster_rcnn_resnet{depth}_v1_{size}x{size}_coco17_tpu-8": _resnet_tpu(depth, size)
        for depth in _DEPTHS
        for size in (640, 1024)
    },
    **{
        f"faster_rcnn_resnet{depth}_v1_800x1333_coco17_gpu-8": _resnet_gpu(depth)
        for depth in _DEPTHS
    },
    **{
        f"faster_rcnn_inception_resnet_v2_{size}x{size}_coco17_tpu-8": _inception(
            _SIDES.format(size, size)
        )
        for size in (640, 1024)
    },
    "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8": _inception(
        _SQUARE.format(1024),
        predictor=_MASKS,
        more="number_of_stages: 3 second_stage_mask_prediction_loss_weight: 4.0",
    ),
}
"""Archives of the zoo."""

PYRAMID_TEMPLATES = {
    f"faster_rcnn_resnet{depth}_v1_fpn_640x640_coco17_tpu-8": _resnet_pyramid(depth)
    for depth in _DEPTHS
}
"""The zoo has no archives of these: training begins with a classifier."""
