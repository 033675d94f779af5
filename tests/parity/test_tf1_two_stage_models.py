"""Two-stage models of TensorFlow 1 against recordings of the original: variables, both stages.

Tolerances: features and predictions within 1e-5 (relative L2), proposals 1e-3 pixels, detected
boxes 1e-4 of the image, scores 1e-5. Measured on 2026-11-21: predictions 2e-6.
"""

from __future__ import annotations

import numpy as np
import pytest

from detectune.data.resizers import build_resizer
from detectune.structures import Proposals, image_size

from .recordings import check_detections, relative_error
from .tf1_recordings import recorded_folder, restored

pytestmark = [pytest.mark.parity, pytest.mark.slow]

RECORDED = [
    "faster_rcnn_inception_resnet_v2_atrous_coco",
    "faster_rcnn_inception_v2_coco",
    "faster_rcnn_resnet50_coco",
    "mask_rcnn_inception_v2_coco",
    "rfcn_resnet101_coco",
]
NAMES_ONLY = ["faster_rcnn_resnet101_coco"]


@pytest.mark.parametrize("name", [*RECORDED, *NAMES_ONLY])
def test_every_variable_has_its_place_and_both_stages_give_the_recorded_numbers(name, tmp_path):
    config, detector, report, values = restored(name, tmp_path)
    assert len(report.matched) == len(values)
    assert (report.fresh, report.left_over, report.mismatched) == ([], [], [])
    if name in NAMES_ONLY:
        return
    arrays = np.load(recorded_folder() / f"{name}.npz")
    image = np.load(recorded_folder().parent / "golden" / "images.npz")["images"][0]
    resize = build_resizer(config.model.faster_rcnn.image_resizer, detector.pad_value)
    picture, size = resize(image)
    images = picture[None]
    assert relative_error(arrays, "preprocessed", detector.backbone.normalize(images)) < 1e-6
    out = detector(images, training=False)
    # Proposals that score almost the same may change places: the second stage gets the recorded.
    boxes = arrays["pred/proposal_boxes"]
    stage, proposals = detector.roi_head, Proposals(boxes, np.ones(boxes.shape[:2], bool))
    second = stage(out.maps, proposals=proposals, image_size=image_size(images))
    windows = np.array([[0.0, 0.0, *size]], np.float32)
    for key, ours in {
        "feature_maps.0": out.maps[0],
        "rpn_box_encodings": out.rpn.box_codes,
        "rpn_objectness_predictions_with_background": out.rpn.class_logits,
        "box_classifier_features": stage.features(out.maps, boxes, image_size(images)),
        "refined_box_encodings": second.box_codes[0],
        "class_predictions_with_background": second.class_logits[0],
    }.items():
        if f"pred/{key}#shape" in arrays.files:
            assert relative_error(arrays, f"pred/{key}", ours) < 1e-5, key
    recorded, found = boxes[0], np.asarray(detector.propose(images, out, size[None]).boxes)[0]
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(recorded, axis=0), atol=1e-3)
    found = stage.detections(second, windows)
    check_detections(arrays, found, np.array([image_size(images)]))
    if stage.mask_head is not None:
        _check_masks(arrays, stage, out.maps, image_size(images), found)


def _check_masks(arrays, stage, maps, size, found) -> None:
    """Masks of the recorded boxes, whose order is that of the recorded masks."""
    boxes = arrays["det/detection_boxes"] * np.tile(size, 2).astype(np.float32)
    features = stage.features(maps, boxes, size)
    assert relative_error(arrays, "det/mask_predictions", stage.mask_head(features)) < 1e-5
    classes = arrays["det/detection_classes"].astype(np.int32)
    masks = stage.masks(found._replace(boxes=boxes, classes=classes), features)
    assert relative_error(arrays, "det/detection_masks", masks) < 1e-5
