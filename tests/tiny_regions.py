"""A two-stage detector small enough to build in a test: networks with a tenth of the channels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.registry import backbones

CONFIG = """
faster_rcnn {
  num_classes: 2
  image_resizer { fixed_shape_resizer { height: 64 width: 64 } }
  feature_extractor { type: "faster_rcnn_resnet50_keras" }
  first_stage_anchor_generator { grid_anchor_generator {
    scales: 0.25 scales: 0.5 aspect_ratios: 1.0 height_stride: 16 width_stride: 16
  } }
  first_stage_box_predictor_conv_hyperparams {
    initializer { truncated_normal_initializer { stddev: 0.01 } }
  }
  first_stage_box_predictor_depth: 8
  first_stage_max_proposals: 4
  second_stage_batch_size: 4
  initial_crop_size: 14
  maxpool_kernel_size: 2
  maxpool_stride: 2
  second_stage_box_predictor { mask_rcnn_box_predictor {
    fc_hyperparams { op: FC initializer { variance_scaling_initializer { } } }
  } }
  second_stage_post_processing {
    batch_non_max_suppression { max_detections_per_class: 4 max_total_detections: 4 }
    score_converter: SOFTMAX
  }
}
"""


PYRAMID = """
feature_extractor {
  fpn { min_level: 2 max_level: 3 additional_layer_depth: 8 }
  conv_hyperparams { batch_norm { } }
}
first_stage_anchor_generator {
  multiscale_anchor_generator { min_level: 2 max_level: 3 aspect_ratios: 1.0 }
}
"""


def tiny_two_stage_config(type_name: str, text: str = "") -> schema.DetectionModel:
    """The config of the small detector; `text` is merged into `faster_rcnn { … }`."""
    config = text_format.Parse(CONFIG, schema.DetectionModel())
    config.faster_rcnn.feature_extractor.type = type_name
    if "_fpn_" in type_name:
        config.faster_rcnn.first_stage_anchor_generator.Clear()
        text_format.Merge(PYRAMID, config.faster_rcnn)
    text_format.Merge(text, config.faster_rcnn)
    return config


def make_thin(monkeypatch: pytest.MonkeyPatch, backbone: str) -> None:
    """Let both networks of `backbone` have few channels, for the time of a test."""

    def thin(form):
        return form and replace(form, build=partial(form.build, depth_multiplier=0.1))

    family = backbones[backbone]

    def build(**settings):
        return family.build(**settings | {"depth_multiplier": 0.1})

    thinned = replace(
        family,
        build=build,
        regions=thin(family.regions),
        tf1=replace(family.tf1, regions=thin(family.tf1.regions)),
    )
    monkeypatch.setitem(backbones._parts, backbone, thinned)
