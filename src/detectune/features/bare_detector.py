"""A backbone of the registry with weights, taken out of a small detector.

Checkpoints, archives and files of weights are restored into detectors. So one is made around the
backbone, restored like any other, and its backbone is used; what stands on it is as small as
possible.
"""

from __future__ import annotations

import keras
from google.protobuf import text_format

from detectune.backbones.base import Backbone
from detectune.checkpoints.restore import restore
from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError, three_part
from detectune.features.keras_network import NO_WEIGHTS
from detectune.registry import backbones

_HYPERPARAMS = """
  regularizer { l2_regularizer { weight: 0.0 } }
  initializer { truncated_normal_initializer { stddev: 0.03 } }
  activation: RELU_6
  batch_norm { decay: 0.997 scale: true epsilon: 0.001 }
"""
_PYRAMIDS = {
    "fpn": "fpn { min_level: 3 max_level: 5 additional_layer_depth: 8 }",
    "bifpn": "bifpn { min_level: 3 max_level: 5 num_iterations: 1 num_filters: 8 }",
}
_MODEL = f"""
ssd {{
  num_classes: 1
  image_resizer {{ fixed_shape_resizer {{ height: 224 width: 224 }} }}
  feature_extractor {{
    type: "TYPE" depth_multiplier: 1.0 conv_hyperparams {{ {_HYPERPARAMS} }} PYRAMID
  }}
  box_coder {{ faster_rcnn_box_coder {{ }} }}
  matcher {{ argmax_matcher {{ }} }}
  similarity_calculator {{ iou_similarity {{ }} }}
  box_predictor {{ weight_shared_convolutional_box_predictor {{
    conv_hyperparams {{ {_HYPERPARAMS} }} depth: 8 num_layers_before_predictor: 1
  }} }}
  anchor_generator {{ multiscale_anchor_generator {{
    min_level: 3 max_level: 5 aspect_ratios: 1.0 scales_per_octave: 1
  }} }}
  post_processing {{ batch_non_max_suppression {{ }} score_converter: SIGMOID }}
  loss {{
    localization_loss {{ weighted_smooth_l1 {{ }} }}
    classification_loss {{ weighted_sigmoid_focal {{ }} }}
  }}
}}
"""


def registered_backbone(name: str, weights: str) -> Backbone:
    """The backbone that the registry calls `name`.

    Args:
        weights: "imagenet", a file of Keras, a checkpoint or folder of a classifier, or "none" for
            random ones, the same each time.

    Raises:
        ConfigError: it cannot be taken out of a detector.
        CheckpointError: the weights are missing, damaged, or of another network.
        ZooError: the weights that "imagenet" stands for could not be fetched.
    """
    necks = backbones[name].necks
    neck = next((neck for neck in ("fpn", "bifpn") if neck in necks), "")
    if not neck:
        raise ConfigError(
            three_part(
                f"--network {name}: no pyramid can stand on this backbone, and so its weights "
                "cannot be restored by themselves.",
                f"Backbones that can: {', '.join(_with_pyramid())}.",
                "Name a run or an archive of a detector that has it, or InceptionResNetV2 of "
                "Keras.",
            )
        )
    if weights == NO_WEIGHTS:
        keras.utils.set_random_seed(0)  # the same network when it is opened again
    text = _MODEL.replace("TYPE", f"ssd_{name}_{neck}_keras").replace("PYRAMID", _PYRAMIDS[neck])
    detector = build_detector(text_format.Parse(text, schema.DetectionModel()))
    if weights != NO_WEIGHTS:
        restore(detector, weights, kind="classification")
    return detector.backbone


def _with_pyramid() -> list[str]:
    return [name for name in backbones if {"fpn", "bifpn"} & set(backbones[name].necks)]
