"""Two-stage detectors small enough to train in a test: few proposals, and images of 64 pixels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from google.protobuf import text_format
from tiny import SIDE, random_batch

from detectune.backbones.resnet_v1 import BLOCKS
from detectune.config import schema
from detectune.registry import backbones
from detectune.structures import GroundTruth

_NORM = "batch_norm { decay: 0.5 scale: true epsilon: 0.001 }"
_SMALL = "initializer { truncated_normal_initializer { stddev: 0.03 } }"
_ANCHORS = {
    False: "grid_anchor_generator { scales: [0.125, 0.25] aspect_ratios: 1.0 "
    "height_stride: 16 width_stride: 16 }",
    True: "multiscale_anchor_generator { min_level: 2 max_level: 6 anchor_scale: 4.0 "
    "aspect_ratios: 1.0 scales_per_octave: 1 }",
}


def tiny_two_stage(type_name: str, more: str = "", *, stages: int = 2) -> schema.DetectionModel:
    """The config of a detector with the feature extractor `type_name`.

    Args:
        more: is merged into `faster_rcnn { … }`.
        stages: 3 with masks.
    """
    pyramid = "_fpn_" in type_name
    extractor = f'type: "{type_name}" batch_norm_trainable: true'
    if pyramid:
        extractor += f"""
          fpn {{ min_level: 2 max_level: 6 additional_layer_depth: 32 }}
          conv_hyperparams {{ {_NORM} {_SMALL}
            regularizer {{ l2_regularizer {{ weight: 4e-05 }} }} activation: RELU_6 }}
          override_base_feature_extractor_hyperparams: true
        """
    text = f"""faster_rcnn {{
      number_of_stages: {stages}
      num_classes: 2
      image_resizer {{ fixed_shape_resizer {{ height: {SIDE} width: {SIDE} }} }}
      feature_extractor {{ {extractor} }}
      first_stage_anchor_generator {{ {_ANCHORS[pyramid]} }}
      first_stage_box_predictor_conv_hyperparams {{ {_SMALL} }}
      first_stage_box_predictor_depth: 32
      first_stage_max_proposals: 16
      first_stage_minibatch_size: 16
      clip_anchors_to_image: true
      initial_crop_size: 8 maxpool_kernel_size: 2 maxpool_stride: 2
      second_stage_batch_size: 8
      second_stage_box_predictor {{ mask_rcnn_box_predictor {{
        fc_hyperparams {{ op: FC {_SMALL} }}
        conv_hyperparams {{ {_SMALL} }}
        predict_instance_masks: {str(stages == 3).lower()}
        mask_prediction_conv_depth: 8 mask_prediction_num_conv_layers: 2
        mask_height: 7 mask_width: 7
      }} }}
      second_stage_post_processing {{
        batch_non_max_suppression {{
          iou_threshold: 0.6 max_total_detections: 8
        }}
        score_converter: SOFTMAX
      }}
    }}"""
    config = text_format.Parse(text, schema.DetectionModel())
    text_format.Merge(more, config.faster_rcnn)
    return config


def batch_with_masks(count: int = 2) -> tuple[np.ndarray, GroundTruth]:
    """`tiny.random_batch` where every object fills the left half of its box."""
    images, truth = random_batch(count)
    masks = np.zeros((*truth.classes.shape, SIDE, SIDE), np.uint8)
    for image, box in np.ndindex(*truth.classes.shape):
        top, left, bottom, right = truth.boxes[image, box].astype(int)
        masks[image, box, top:bottom, left : (left + right) // 2] = 1
    return images, truth._replace(columns={"masks": masks})


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


def make_short(monkeypatch: pytest.MonkeyPatch, depth: int) -> None:
    """Let ResNets of `depth` have one block in each stage, for the time of a test."""
    monkeypatch.setitem(BLOCKS, depth, (1, 1, 1, 1))
