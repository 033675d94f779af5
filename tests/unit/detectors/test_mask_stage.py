"""Which masks a second stage computes."""

import keras
import numpy as np
import pytest

from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.boxes.nms import NonMaxSuppression
from detectune.detectors.roi_crops import PooledCrops
from detectune.detectors.roi_head import RoIHead
from detectune.detectors.roi_losses import RoILosses
from detectune.heads.masks import MaskHead
from detectune.heads.roi_box import RegionHead
from detectune.layers.hyperparams import ConvHyperparams
from detectune.losses.classification import SoftmaxLoss
from detectune.structures import GroundTruth, Proposals
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher
from detectune.targets.samplers import BalancedSampler

RANDOM = np.random.default_rng(2)
SIZE = (32, 32)
STYLE = ConvHyperparams()
# Four of six regions of the first image show its two objects, none of the second's shows anything.
BOXES = np.array([[[0, 0, 20, 20], [2, 0, 20, 20], [25, 25, 30, 30], [12, 12, 32, 32],
                   [12, 10, 32, 32], [0, 25, 5, 32]], [[1, 1, 9, 9]] * 6], np.float32)  # fmt: skip
TRUE = np.array([[[0, 0, 20, 20], [12, 12, 32, 32]], [[20, 20, 30, 30], [0, 0, 0, 0]]], np.float32)
VALID = np.array([[True, True], [True, False]])


def _stage(size: int | None) -> RoIHead:
    coder = FasterRcnnBoxCoder((10.0, 10.0, 5.0, 5.0))
    assigner = AnchorAssigner(
        matcher=ArgmaxMatcher(matched_threshold=0.5, unmatched_threshold=0.5),
        coder=coder,
        num_classes=3,
        background_as_zeros=False,
    )
    stage = RoIHead(
        crops=PooledCrops(4),
        box_features=keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 1)]),
        head=RegionHead(num_classes=3, hyperparams=STYLE),
        coder=coder,
        losses=RoILosses(assigner, BalancedSampler(0.5, size), SoftmaxLoss()),
        to_scores=keras.ops.softmax,
        nms=NonMaxSuppression(
            score_threshold=0.0, iou_threshold=0.5, max_per_class=4, max_detections=4
        ),
        mask_head=MaskHead(num_classes=3, size=(5, 5), hyperparams=STYLE, depth=4),
    )
    stage.build((None, 8, 8, 2))
    return stage


def _truth() -> GroundTruth:
    masks = (RANDOM.uniform(size=(2, 2, *SIZE)) > 0.5).astype(np.uint8)
    weights = VALID.astype(np.float32)
    return GroundTruth(TRUE, np.array([[2, 1], [0, 0]]), VALID, weights, columns={"masks": masks})


@pytest.mark.parametrize("size", [8, 16])
def test_the_mask_loss_does_not_depend_on_regions_without_an_object(size):
    """Of each image `size / 2` regions may show one; the head sees no others in training."""
    stage, truth = _stage(size), _truth()
    regions = Proposals(BOXES, np.ones((2, 6), bool))
    features = RANDOM.normal(size=(12, 4, 4, 3)).astype(np.float32)
    seen = []
    head = stage.mask_head
    call = head.call
    head.call = lambda features, **options: seen.append(len(features)) or call(features, **options)
    learned = float(stage.mask_loss(features, regions, truth, training=True))
    judged = float(stage.mask_loss(features, regions, truth, training=False))
    assert learned == pytest.approx(judged, rel=1e-6)
    assert learned > 0.0
    assert seen == [2 * min(size // 2, 6), 12]


def test_the_masks_of_detections_are_those_of_their_classes():
    stage = _stage(8)
    features = RANDOM.normal(size=(6, 4, 4, 3)).astype(np.float32)
    classes = np.array([[0, 1, 2], [2, 2, 0]], np.int32)
    found = stage.detections(
        stage(
            [RANDOM.normal(size=(2, 8, 8, 2)).astype(np.float32)],
            proposals=Proposals(BOXES, np.ones((2, 6), bool)),
            image_size=SIZE,
        ),
        np.array([[0, 0, *SIZE]] * 2, np.float32),
    )._replace(classes=classes)
    masks = np.asarray(stage.masks(found, features))
    logits = np.asarray(stage.mask_head(features))
    every = 1.0 / (1.0 + np.exp(-logits))
    wanted = every[np.arange(6), classes.ravel()].reshape(2, 3, 5, 5)
    np.testing.assert_allclose(masks, wanted, atol=1e-5)
