"""ResNet50 of Keras under a RetinaNet learns: eight photographs by heart, from random weights.

`python -m pytest -m slow tests/endtoend/test_keras_network_overfit.py`, about 10 minutes on two
cores. Needs the blood cells of BCCD, see tests/shared.py. Once with all layers, and once with the
first 100 layers frozen as every guide to transfer learning does it: those must not change by a bit.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from shared import shared_folder

from detectune.config import schema
from detectune.inference.evaluate_run import evaluate
from detectune.training.train import train

pytestmark = pytest.mark.slow

STEPS, COUNT = 160, 8
NORM = "batch_norm { decay: 0.9 scale: true epsilon: 0.001 }"
HYPERPARAMS = f"""conv_hyperparams {{
  activation: RELU_6 regularizer {{ l2_regularizer {{ weight: 0 }} }} {NORM}
  initializer {{ random_normal_initializer {{ stddev: 0.02 }} }}
}}"""
CONFIG = f"""
model {{ ssd {{
  num_classes: 3
  image_resizer {{ fixed_shape_resizer {{ height: 256 width: 320 }} }}
  feature_extractor {{
    type: "ssd_fpn_keras" {HYPERPARAMS}
    fpn {{ min_level: 3 max_level: 6 additional_layer_depth: 128 }}
  }}
  box_coder {{ faster_rcnn_box_coder {{ }} }}
  matcher {{ argmax_matcher {{ force_match_for_each_row: true }} }}
  similarity_calculator {{ iou_similarity {{ }} }}
  box_predictor {{ weight_shared_convolutional_box_predictor {{
    {HYPERPARAMS} depth: 128 num_layers_before_predictor: 2 class_prediction_bias_init: -3.0
  }} }}
  anchor_generator {{ multiscale_anchor_generator {{
    min_level: 3 max_level: 6 anchor_scale: 3.0
    aspect_ratios: 1.0 aspect_ratios: 0.7 aspect_ratios: 1.5 scales_per_octave: 2
  }} }}
  post_processing {{
    batch_non_max_suppression {{
      score_threshold: 0.01 iou_threshold: 0.5
      max_detections_per_class: 50 max_total_detections: 50
    }}
    score_converter: SIGMOID
  }}
  loss {{
    localization_loss {{ weighted_smooth_l1 {{ }} }} localization_weight: 2.0
    classification_loss {{ weighted_sigmoid_focal {{ gamma: 2.0 alpha: 0.25 }} }}
  }}
  encode_background_as_zeros: true
  normalize_loc_loss_by_codesize: true
  add_background_class: false
}} }}
train_config {{
  batch_size: 4 num_steps: {STEPS} seed: 1 evaluate_every_steps: {STEPS}
  gradient_clipping_by_norm: 10
  optimizer {{ adam_optimizer {{ learning_rate {{ cosine_decay_learning_rate {{
    learning_rate_base: 0.001 total_steps: {STEPS} warmup_learning_rate: 0.0001 warmup_steps: 30
  }} }} }} use_moving_average: false }}
}}
eval_config {{ metrics_set: "coco_detection_metrics" batch_size: 4 }}
"""


def eight_photographs(folder: Path) -> str:
    """Copies the photographs with the fewest cells; returns them as SOURCE."""
    source = shared_folder() / "datasets" / "bccd"
    rows: dict[str, list[dict[str, str]]] = {}
    with (source / "test.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["filename"], []).append(row)
    images = {path.name: path for path in source.rglob("*.jpg") if path.name in rows}
    chosen = sorted(images, key=lambda name: (len(rows[name]), name))
    folder.mkdir()
    lines = ["filename,class,xmin,ymin,xmax,ymax"]
    for name in chosen[:COUNT]:
        shutil.copy(images[name], folder / name)
        for row in rows[name]:
            corners = (row[side] for side in ("xmin", "ymin", "xmax", "ymax"))
            lines.append(",".join([name, row["cell_type"], *corners]))
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return f"csv:{folder / 'labels.csv'}"


@pytest.mark.parametrize("frozen", [0, 100], ids=["all", "first-100-frozen"])
def test_eight_photographs_are_learned_by_heart(frozen, tmp_path):
    source = eight_photographs(tmp_path / "data")
    config = text_format.Parse(CONFIG, schema.TrainEvalPipelineConfig())
    config.train_input_reader.source = source
    config.eval_input_reader.add().source = source
    keras.utils.set_random_seed(1)
    base = keras.applications.ResNet50(include_top=False, weights=None)
    for layer in base.layers[:frozen]:
        layer.trainable = False

    run = train(config, tmp_path / "run", backbone=base)

    network = run.detector("last").backbone.network
    kept = [layer for layer in base.layers[:frozen] if layer.weights]
    assert len(kept) == (61 if frozen else 0)
    for layer in kept:
        pairs = zip(network.get_layer(layer.name).weights, layer.weights, strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
    assert evaluate(run)["metrics"]["DetectionBoxes_Precision/mAP@.50IOU"] >= 0.9
