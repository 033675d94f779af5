"""A detector small enough to train in a test, and data for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from google.protobuf import text_format
from PIL import Image

from detectune.config import schema
from detectune.detectors.base import Detector
from detectune.structures import GroundTruth

SIDE = 64

_HYPERPARAMS = """
  regularizer { l2_regularizer { weight: 4e-05 } }
  initializer { random_normal_initializer { stddev: 0.05 } }
  activation: RELU_6
  batch_norm { decay: 0.9 scale: true epsilon: 0.001 }
"""

CONFIG = f"""
model {{ ssd {{
  num_classes: 2
  image_resizer {{ fixed_shape_resizer {{ height: {SIDE} width: {SIDE} }} }}
  feature_extractor {{
    depth_multiplier: 0.25 min_depth: 8 use_depthwise: true
    conv_hyperparams {{ {_HYPERPARAMS} }}
    override_base_feature_extractor_hyperparams: true
    fpn {{ min_level: 3 max_level: 5 additional_layer_depth: 64 }}
  }}
  box_coder {{ faster_rcnn_box_coder {{ }} }}
  matcher {{ argmax_matcher {{ force_match_for_each_row: true }} }}
  similarity_calculator {{ iou_similarity {{ }} }}
  box_predictor {{ weight_shared_convolutional_box_predictor {{
    conv_hyperparams {{ {_HYPERPARAMS} }}
    depth: 16 num_layers_before_predictor: 1 share_prediction_tower: true use_depthwise: true
    class_prediction_bias_init: -3.0
  }} }}
  anchor_generator {{ multiscale_anchor_generator {{
    min_level: 3 max_level: 5 anchor_scale: 3.0 aspect_ratios: 1.0 scales_per_octave: 2
  }} }}
  post_processing {{
    batch_non_max_suppression {{
      score_threshold: 1e-8 iou_threshold: 0.5
      max_detections_per_class: 20 max_total_detections: 20
    }}
    score_converter: SIGMOID
  }}
  loss {{
    localization_loss {{ weighted_smooth_l1 {{ }} }}
    classification_loss {{ weighted_sigmoid_focal {{ gamma: 2.0 alpha: 0.25 }} }}
  }}
  encode_background_as_zeros: true
  normalize_loc_loss_by_codesize: true
}} }}
train_config {{
  batch_size: 4 num_steps: 8 seed: 3 evaluate_every_steps: 4
  data_augmentation_options {{ random_horizontal_flip {{ }} }}
  data_augmentation_options {{ random_adjust_brightness {{ }} }}
  optimizer {{ momentum_optimizer {{
    learning_rate {{ cosine_decay_learning_rate {{
      learning_rate_base: 0.02 total_steps: 8 warmup_learning_rate: 0.005 warmup_steps: 2
    }} }}
    momentum_optimizer_value: 0.9
  }} use_moving_average: false }}
}}
eval_config {{ metrics_set: "coco_detection_metrics" }}
"""


def tiny_config(
    folder: Path | None = None, *, extractor: str = "ssd_mobilenet_v1_fpn_keras"
) -> schema.TrainEvalPipelineConfig:
    """The config of the tiny detector, with `folder` (see `write_squares`) as its data.

    Args:
        extractor: the type of its feature extractor; MobileNet V1 is compiled fastest.
    """
    config = text_format.Parse(CONFIG, schema.TrainEvalPipelineConfig())
    config.model.ssd.feature_extractor.type = extractor
    if folder is not None:
        config.train_input_reader.source = f"csv:{folder / 'labels.csv'}"
        config.eval_input_reader.add().source = f"csv:{folder / 'labels.csv'}"
    return config


def compiled(
    detector: Detector, optimizer: keras.Optimizer | str, *, eager: bool = False
) -> Detector:
    """`detector`, ready for `train_on_batch`.

    The optimizer has its variables already: were they made while the step is traced, it would be
    traced twice, which takes longer than all steps of a test.

    Args:
        eager: leaves steps untraced: up to five of the small backbone take less time so.
    """
    detector.compile(optimizer=optimizer, jit_compile=False, run_eagerly=eager)
    detector.optimizer.build(detector.trainable_variables)
    return detector


def train_steps(detector: Detector, batch: tuple, count: int) -> list[dict[str, Any]]:
    """The losses of each of `count` steps on the same batch, images and ground truth."""
    losses = []
    for _ in range(count):
        detector.reset_metrics()
        losses.append(detector.train_on_batch(*batch, return_dict=True))
    return losses


def write_squares(folder: Path, count: int = 8, seed: int = 5) -> Path:
    """A CSV data set of red and blue rectangles on grey, in a new `folder`."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for index in range(count):
        image = random.integers(90, 140, (80, 100, 3)).astype(np.uint8)
        top, left = random.integers(5, 35, 2)
        bottom, right = top + random.integers(20, 40), left + random.integers(20, 60)
        kind = ("blue", "red")[index % 2]
        image[top:bottom, left:right] = (220, 30, 30) if kind == "red" else (30, 30, 220)
        name = f"square{index}.png"
        Image.fromarray(image).save(folder / name)
        rows.append(f"{name},100,80,{kind},{left},{top},{right},{bottom}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def random_batch(count: int = 2) -> tuple[np.ndarray, GroundTruth]:
    """Images and ground truth with one box each, and one row of padding."""
    random = np.random.default_rng(0)
    images = random.uniform(0, 255, (count, SIDE, SIDE, 3)).astype(np.float32)
    boxes = np.zeros((count, 2, 4), np.float32)
    boxes[:, 0] = [[10, 8, 40, 44], [20, 22, 60, 58]][:count]
    classes = np.zeros((count, 2), np.int32)
    classes[:, 0] = np.arange(count) % 2
    valid = np.zeros((count, 2), bool)
    valid[:, 0] = True
    return images, GroundTruth(boxes, classes, valid, valid.astype(np.float32))
