"""Whole two-stage models against recordings of the original: keys, stages, boxes, masks, losses."""

from __future__ import annotations

import gzip
import json
import re

import keras
import numpy as np
import pytest
from shared import shared_folder

from detectune.checkpoints.files import read_checkpoint, write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.config.load import load_config
from detectune.data.resizers import build_resizer
from detectune.detectors.build import build_detector
from detectune.structures import GroundTruth, Proposals

from .recordings import recipe_weight, relative_error

pytestmark = pytest.mark.parity

_RESNET50 = "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"
_PYRAMID = "faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8"
_MASKS = "x_mask_rcnn_resnet50_v1_640x640"
NAMES = [
    _RESNET50,
    "faster_rcnn_resnet101_v1_640x640_coco17_tpu-8",
    "faster_rcnn_resnet50_v1_800x1333_coco17_gpu-8",
    _PYRAMID,
    "faster_rcnn_inception_resnet_v2_640x640_coco17_tpu-8",
    _MASKS,
    "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8",
]


class Recorded:
    """One recorded model, rebuilt with the weights of the recipe."""

    def __init__(self, name: str) -> None:
        oracle = shared_folder() / "oracle"
        self.config = load_config(oracle / "golden" / f"{name}.config")
        self.arrays = np.load(oracle / "golden" / f"{name}.npz")
        self.detector = build_detector(self.config.model)
        for row in variable_keys(self.detector):
            row.variable.assign(recipe_weight(row.key, tuple(row.variable.shape)))
        images = np.load(oracle / "golden" / "images.npz")["images"]
        used = int(self.arrays["images_used"][0])
        self.images, self.sizes = self._resized(self.config, images[:used])
        if (oracle / "losses" / f"{name}.npz").exists():
            self.losses = np.load(oracle / "losses" / f"{name}.npz")
            self.loss_config = load_config(oracle / "losses" / f"{name}.config")
            self.loss_images, _ = self._resized(self.loss_config, images[:2])

    def _resized(self, config, images) -> tuple[np.ndarray, np.ndarray]:
        resizer = build_resizer(config.model.faster_rcnn.image_resizer, self.detector.pad_value)
        resized = [resizer(image) for image in images]
        return np.stack([image for image, _ in resized]), np.stack([size for _, size in resized])
