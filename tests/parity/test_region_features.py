"""Feature extractors of two-stage detectors against recordings: keys, names, both networks.

Tolerance: 1e-5 (relative L2). Measured on 2026-11-21: trunks 5e-7, box features 9e-7.
"""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import numpy as np
import pytest
from shared import shared_folder

from detectune.checkpoints.keys import ROOT, SUFFIX
from detectune.checkpoints.name_maps.region_features import (
    FIRST_STAGE,
    SECOND_STAGE,
    region_feature_layers,
)
from detectune.config.load import load_config
from detectune.data.resizers import build_resizer
from detectune.detectors.builders.padding_colour import region_padding_colour
from detectune.detectors.builders.region_features import region_features
from detectune.detectors.builders.roi_head import roi_crops

from .recordings import recipe_weight, relative_error

pytestmark = pytest.mark.parity

_INCEPTION = "faster_rcnn_inception_resnet_v2_640x640_coco17_tpu-8"
_RESNET = "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"
_PYRAMID = "faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8"
_SLOW = pytest.mark.slow


def variables_of(parts) -> dict[str, tuple[str, Any]]:
    """Key → name in the original, and variable."""
    return {
        f"{ROOT}{key}/{variable.name}{SUFFIX}": (f"{name}/{variable.name}", variable)
        for key, name, layer in region_feature_layers(parts)
        for variable in layer.weights
    }


def built(name: str, type_name: str = ""):
    """The config of the recorded model `name`, how it cuts regions, and its feature extractor."""
    path = shared_folder() / "oracle" / "golden" / f"{name}.config"
    config = load_config(path).model.faster_rcnn
    config.feature_extractor.type = type_name or config.feature_extractor.type
    crops = roi_crops(config)
    return config, crops, region_features(config.feature_extractor, patch_size=crops.output_size)


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        (_RESNET, "faster_rcnn_resnet50_keras"),
        pytest.param(_RESNET, "faster_rcnn_resnet101_keras", marks=_SLOW),
        pytest.param(_RESNET, "faster_rcnn_resnet152_keras", marks=_SLOW),
        pytest.param(_PYRAMID, "faster_rcnn_resnet50_fpn_keras", marks=_SLOW),
        pytest.param(_INCEPTION, "faster_rcnn_inception_resnet_v2_keras", marks=_SLOW),
    ],
)
def test_keys_shapes_and_names_are_those_of_the_zoo(name, type_name):
    _, _, parts = built(name, type_name)
    depth = re.findall(r"resnet\d+", type_name)
    recorded = name.replace("resnet50", depth[0]) if depth else name
    with gzip.open(shared_folder() / "oracle" / "zoo_keys" / f"{recorded}.json.gz") as stream:
        rows = json.load(stream)["keys"]
    stages = (f"{ROOT}{FIRST_STAGE}", f"{ROOT}{SECOND_STAGE}")
    expected = {
        row["key"]: (row["full_name"], row["shape"])
        for row in rows
        if row["key"].startswith(stages)
    }
    found = {key: (name, list(v.shape)) for key, (name, v) in variables_of(parts).items()}
    assert found == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", [_RESNET, _PYRAMID, _INCEPTION])
def test_maps_and_features_of_regions_are_the_recorded_ones(name):
    config, crops, parts = built(name)
    for key, (_, variable) in variables_of(parts).items():
        variable.assign(recipe_weight(key, tuple(variable.shape)))
    oracle = shared_folder() / "oracle" / "golden"
    arrays = np.load(oracle / f"{name}.npz")
    used = int(arrays["images_used"][0])
    resize = build_resizer(config.image_resizer, region_padding_colour(config.image_resizer))
    images = np.load(oracle / "images.npz")["images"][:used]
    images = np.stack([resize(image)[0] for image in images])
    assert relative_error(arrays, "preprocessed", parts.backbone.normalize(images)) < 1e-6
    maps = parts.backbone(images)
    if parts.neck is not None:
        maps = parts.neck(maps)
    for level, features in enumerate(maps):
        assert relative_error(arrays, f"pred/feature_maps.{level}", features) < 1e-5
    boxes = arrays["pred/proposal_boxes_normalized"]
    features = parts.box_features(crops(maps, boxes, images.shape[1:3]))
    assert relative_error(arrays, "pred/box_classifier_features", features) < 1e-5
