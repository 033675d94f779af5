"""Masks are learned: eight photographs by heart, from random weights.

`python -m pytest -m slow tests/endtoend/test_mask_overfit.py`, 10 to 15 minutes on two cores. Needs
COCO photographs, see tests/shared.py. A Mask R-CNN on MobileNet V2 with a pyramid, 224 pixels, 600
steps; the mask mAP asked for, 0.7, is that of COCO: over overlaps from 0.5 to 0.95.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command import detectune
from google.protobuf import text_format
from shared import shared_folder

from detectune.config import schema
from detectune.config.save import write_config
from detectune.training.logs import read_metrics

pytestmark = pytest.mark.slow

SIDE, STEPS, COUNT = 224, 600, 8
CONV = "initializer { variance_scaling_initializer { factor: 2.0 mode: FAN_IN } }"
CONFIG = f"""
model {{ faster_rcnn {{
  number_of_stages: 3
  image_resizer {{ fixed_shape_resizer {{ height: {SIDE} width: {SIDE} }} }}
  feature_extractor {{
    type: "faster_rcnn_mobilenet_v2_fpn_keras"
    batch_norm_trainable: true
    conv_hyperparams {{
      regularizer {{ l2_regularizer {{ weight: 4e-05 }} }}
      initializer {{ truncated_normal_initializer {{ stddev: 0.03 }} }}
      activation: RELU_6
      batch_norm {{ decay: 0.9 scale: true epsilon: 0.001 }}
    }}
    override_base_feature_extractor_hyperparams: true
    fpn {{ min_level: 3 max_level: 6 additional_layer_depth: 128 }}
  }}
  first_stage_anchor_generator {{ multiscale_anchor_generator {{
    min_level: 3 max_level: 6 anchor_scale: 3.0
    aspect_ratios: [1.0, 2.0, 0.5] scales_per_octave: 2
  }} }}
  first_stage_box_predictor_conv_hyperparams {{
    initializer {{ truncated_normal_initializer {{ stddev: 0.01 }} }}
  }}
  first_stage_max_proposals: 100
  first_stage_minibatch_size: 64
  first_stage_localization_loss_weight: 2.0
  clip_anchors_to_image: true
  initial_crop_size: 14 maxpool_kernel_size: 2 maxpool_stride: 2
  second_stage_batch_size: 32
  second_stage_box_predictor {{ mask_rcnn_box_predictor {{
    fc_hyperparams {{ op: FC
      initializer {{ variance_scaling_initializer {{ uniform: true mode: FAN_AVG }} }} }}
    conv_hyperparams {{ {CONV} }}
    predict_instance_masks: true
    mask_prediction_conv_depth: 96 mask_prediction_num_conv_layers: 4
    mask_height: 28 mask_width: 28
  }} }}
  second_stage_post_processing {{
    batch_non_max_suppression {{
      score_threshold: 0.05 iou_threshold: 0.5 max_total_detections: 50
    }}
    score_converter: SOFTMAX
  }}
  second_stage_localization_loss_weight: 2.0
  second_stage_mask_prediction_loss_weight: 4.0
}} }}
train_config {{
  batch_size: {COUNT} num_steps: {STEPS} seed: 1 evaluate_every_steps: {STEPS}
  optimizer {{ adam_optimizer {{ learning_rate {{ cosine_decay_learning_rate {{
    learning_rate_base: 0.001 total_steps: {STEPS} warmup_learning_rate: 0.0002 warmup_steps: 50
  }} }} }} use_moving_average: false }}
}}
train_input_reader {{ load_instance_masks: true }}
eval_config {{
  metrics_set: "coco_detection_metrics" metrics_set: "coco_mask_metrics" batch_size: {COUNT}
}}
eval_input_reader {{ load_instance_masks: true }}
"""


def eight_photographs(folder: Path) -> int:
    """Write a COCO data set with some large objects each; returns how many classes it has."""
    source = shared_folder() / "datasets" / "coco_tiny"
    data = json.loads((source / "annotations" / "instances_train2017.json").read_text("utf-8"))
    rows: dict[int, list[dict]] = {}
    for row in data["annotations"]:
        rows.setdefault(row["image_id"], []).append(row)

    def is_simple(image: dict) -> bool:
        mine = rows.get(image["id"], [])
        least = 0.02 * image["height"] * image["width"]
        plain = all(not row["iscrowd"] and row["area"] > least for row in mine)
        return plain and 1 <= len(mine) <= 4

    images = [image for image in data["images"] if is_simple(image)][:COUNT]
    annotations = [row for image in images for row in rows[image["id"]]]
    kept = sorted({row["category_id"] for row in annotations})
    for row in annotations:
        row["category_id"] = kept.index(row["category_id"]) + 1
    names = {one["id"]: one["name"] for one in data["categories"]}
    (folder / "annotations").mkdir(parents=True)
    (folder / "train2017").mkdir()
    for image in images:
        shutil.copy(source / "train2017" / image["file_name"], folder / "train2017")
    subset = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": k + 1, "name": names[one]} for k, one in enumerate(kept)],
    }
    (folder / "annotations" / "instances_train2017.json").write_text(json.dumps(subset))
    assert len(images) == COUNT
    return len(kept)


def test_the_masks_of_eight_photographs_are_learned_by_heart(tmp_path):
    classes = eight_photographs(tmp_path / "coco")
    config = text_format.Parse(CONFIG, schema.TrainEvalPipelineConfig())
    config.model.faster_rcnn.num_classes = classes
    for reader in (config.train_input_reader, config.eval_input_reader[0]):
        reader.source = f"coco:{tmp_path / 'coco'}"
    write_config(config, tmp_path / "pipeline.config")
    done = detectune("train", tmp_path / "pipeline.config", "--model-dir", tmp_path / "run")
    assert done.status == 0, done.err
    last = read_metrics(tmp_path / "run" / "metrics.jsonl")[-1]
    assert last["DetectionMasks_Precision/mAP"] >= 0.7
    assert last["DetectionBoxes_Precision/mAP"] >= 0.7
