"""The loss over all anchors: which count, and how much."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectune.boxes.coders import FasterRcnnBoxCoder
from detectune.boxes.iou import matched_giou
from detectune.losses.anchor_loss import AnchorLoss
from detectune.losses.classification import DiceLoss, SigmoidLoss
from detectune.losses.localization import GiouLoss, L2Loss
from detectune.losses.negative_weights import NegativeWeights
from detectune.structures import AnchorTargets, Predictions
from detectune.targets.samplers import BalancedSampler

ANCHORS = np.array([[0, 0, 10, 10], [0, 5, 10, 15], [20, 20, 40, 30], [5, 5, 9, 9]], np.float32)
CODER = FasterRcnnBoxCoder((10.0, 10.0, 5.0, 5.0))
LOSS = AnchorLoss(SigmoidLoss(), L2Loss(), CODER, normalize_by_matches=False)


def case():
    """One image; anchor 0 is matched, 1 and 2 are background, 3 is ignored."""
    random = np.random.default_rng(0)
    codes = random.normal(0, 0.3, (1, 4, 4)).astype(np.float32)
    logits = random.normal(0, 1, (1, 4, 2)).astype(np.float32)
    box = np.array([[1, 1, 9, 12]], np.float32)
    wanted = np.zeros((1, 4, 4), np.float32)
    wanted[0, 0] = np.asarray(CODER.encode(box, ANCHORS[:1]))[0]
    classes = np.zeros((1, 4, 2), np.float32)
    classes[0, 0, 1] = 1
    targets = AnchorTargets(
        wanted,
        np.array([[1, 0, 0, 0]], np.float32),
        classes,
        np.array([[1, 1, 1, 0]], np.float32),
        np.array([[0, -1, -1, -2]], np.int32),
    )
    return Predictions(codes, logits), targets, box


def entropies(out, targets):
    logits, wanted = out.class_logits[0], targets.class_targets[0]
    return (np.logaddexp(0, logits) - logits * wanted).sum(-1)


def test_negatives_weigh_what_a_sampler_would_take():
    out, targets, _ = case()
    each = entropies(out, targets)
    for wanted, as_sampled, weight in ((1.0, True, 0.5), (3.0, True, 1.0), (3.0, False, 1.5)):
        weights = NegativeWeights(wanted, as_sampled=as_sampled)
        loss = dataclasses.replace(LOSS, negative_weights=weights)(out, targets, ANCHORS)
        expected = each[0] + weight * (each[1] + each[2])
        assert float(loss["classification_loss"]) == pytest.approx(expected, rel=1e-5)


def test_an_image_without_objects_has_the_least_number_of_negatives():
    matches = np.array([[-1, -1, -1, -2]], np.int32)
    weights = np.asarray(NegativeWeights(least=1.5)(matches))
    np.testing.assert_allclose(weights[0, :3], 0.5)


def test_only_sampled_anchors_count():
    out, targets, _ = case()
    loss = dataclasses.replace(LOSS, sampler=BalancedSampler(0.5))
    preference = np.array([[0.1, 0.2, 0.9, 1.0]], np.float32)
    found = loss(out, targets, ANCHORS, preference)["classification_loss"]
    each = entropies(out, targets)
    assert float(found) == pytest.approx(each[0] + each[2], rel=1e-5)


def test_overlap_losses_compare_decoded_boxes():
    out, targets, box = case()
    loss = dataclasses.replace(LOSS, localization=GiouLoss())(out, targets, ANCHORS)
    said = np.asarray(CODER.decode(out.box_codes[0, :1], ANCHORS[:1]))
    expected = 1 - float(matched_giou(said, box)[0])
    assert float(loss["localization_loss"]) == pytest.approx(expected, rel=1e-5)


def test_the_dice_loss_is_one_number_per_class():
    out, targets, _ = case()
    loss = dataclasses.replace(LOSS, classification=DiceLoss())
    assert 0 < float(loss(out, targets, ANCHORS)["classification_loss"]) < 2
