"""Models of TensorFlow 1 against recordings of the original: variables, forward pass, detections.

Tolerances: predictions within 1e-5 (relative L2), boxes 1e-4 of the image, scores 1e-5. Measured on
2026-11-21: predictions 2e-6, scores 4e-7.
"""

from __future__ import annotations

import gzip
import json

import keras
import numpy as np
import pytest
from shared import shared_folder

from detectune.checkpoints.name_maps.slim import variable_name
from detectune.config.load import load_config
from detectune.data.resizers import build_resizer
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.registry import backbones

from .recordings import check_detections, relative_error, tf1_recipe_weight
from .tf1_recordings import recorded_folder, restored

pytestmark = pytest.mark.parity

# One for each head and neck; the others are slow.
RECORDED = [
    "ssd_mobilenet_v2_coco",
    "ssd_resnet50_v1_fpn_shared_box_predictor_640x640_coco14_sync",
    "ssdlite_mobilenet_v2_coco",
    pytest.param("ssd_inception_v2_coco", marks=pytest.mark.slow),
    pytest.param("ssd_inception_v3_pets", marks=pytest.mark.slow),
    pytest.param("ssd_mobilenet_v1_coco", marks=pytest.mark.slow),
    pytest.param("ssdlite_mobilenet_v3_large_320x320_coco", marks=pytest.mark.slow),
    pytest.param("ssdlite_mobilenet_v3_small_320x320_coco", marks=pytest.mark.slow),
]
NAMES_ONLY = [
    "ssd_mobilenet_v1_fpn_shared_box_predictor_640x640_coco14_sync",
    "ssdlite_mobilenet_v1_coco",
]
TENSORS = {"box_codes": "box_encodings", "class_logits": "class_predictions_with_background"}


def check_report(report, values) -> None:
    assert len(report.matched) == len(values)
    assert (report.fresh, report.left_over, report.mismatched) == ([], [], [])


@pytest.mark.parametrize("name", NAMES_ONLY)
def test_every_variable_has_its_place(name, tmp_path):
    _, _, report, values = restored(name, tmp_path)
    check_report(report, values)


@pytest.mark.parametrize("name", RECORDED)
def test_every_variable_has_its_place_and_detections_equal_the_recorded_ones(name, tmp_path):
    config, detector, report, values = restored(name, tmp_path)
    check_report(report, values)
    arrays = np.load(recorded_folder() / f"{name}.npz")
    image = np.load(recorded_folder().parent / "golden" / "images.npz")["images"][0]
    resized, size = build_resizer(config.model.ssd.image_resizer, detector.pad_value)(image)
    images, sizes = resized[None], np.asarray(size)[None]
    assert relative_error(arrays, "preprocessed", detector.backbone.normalize(images)) < 1e-6
    out = detector(images, training=False)
    for ours, theirs in TENSORS.items():
        assert relative_error(arrays, f"pred/{theirs}", getattr(out, ours)) < 1e-5
    shape = np.array(images.shape[1:3])
    anchors = detector.anchors_of(images, out) / np.tile(shape, 2)
    assert relative_error(arrays, "pred/anchors", anchors) < 1e-6
    check_detections(arrays, detector.postprocess(images, out, sizes), shape[None])


def test_a_network_that_is_not_built_is_refused_by_name():
    name = "ssdlite_mobiledet_cpu_320x320_coco_sync_4x4"
    config = load_config(recorded_folder() / f"{name}.config")
    with pytest.raises(ConfigError, match="ssd_mobilenet_v3_large"):
        build_detector(config.model)


# Number of the network among those that drew their images from one generator.
SLIM = {"inception_v3": ("InceptionV3", 1, 18), "inception_v4": ("InceptionV4", 0, 22)}


@pytest.mark.parametrize("name", SLIM)
def test_a_network_of_tf_slim_has_the_recorded_end_points(name):
    slim = shared_folder() / "oracle" / "slim"
    root, number, count = SLIM[name]
    with gzip.open(slim / f"{name}.keys.json.gz") as stream:
        shapes = {row["key"]: tuple(row["shape"]) for row in json.load(stream)}
    arrays = np.load(slim / f"{name}.npz")
    random = np.random.default_rng(5)
    images = [random.uniform(-1, 1, (2, 299, 299, 3)).astype(np.float32) for _ in range(2)][number]
    family = backbones[name]
    network = family.build(
        depth_multiplier=1.0, min_depth=16, hyperparams=None, explicit_padding=False
    )
    for layer in network.layers:
        inner = "BatchNorm/" if layer.name.endswith("_BN") else ""
        for variable in layer.weights:
            kind = variable_name(layer, variable.name)
            key = f"{root}/{family.tf1.scope_of(layer.name)}/{inner}{kind}"
            variable.assign(tf1_recipe_weight(key, shapes.pop(key)))
    left_over = {key.split("/")[1] for key in shapes}
    assert left_over <= {"AuxLogits", "Logits"}
    known = {layer.name for layer in network.layers}
    points = {key.split("#")[0] for key in arrays.files}
    ends = {point: point for point in points & known if point.startswith(("Mixed", "MaxPool"))}
    ends |= {point: f"{point}_act" for point in points if f"{point}_act" in known}
    assert len(ends) == count
    maps = [network.get_layer(end).output for end in ends.values()]
    outputs = keras.Model(network.input, maps)(images)
    for point, output in zip(ends, outputs, strict=True):
        assert relative_error(arrays, point, output) < 1e-5, point
