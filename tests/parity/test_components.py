"""Parts of a single-shot detector against numbers recorded from the original."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.detectors.parts.anchors import anchor_generator, box_coder
from detectune.detectors.parts.post_processing import non_max_suppression, score_converter
from detectune.detectors.parts.targets import matcher
from detectune.losses.classification import SigmoidFocalLoss, SigmoidLoss, SoftmaxLoss
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.localization import L2Loss, SmoothL1Loss

from .recordings import Cases

pytestmark = pytest.mark.parity

CODERS, MATCHERS = Cases("box_coders"), Cases("matchers")
ANCHORS, LOSSES = Cases("anchor_generators"), Cases("loss_functions")
SIMILARITY, NMS = Cases("region_similarity"), Cases("post_processing")


@pytest.mark.parametrize("name", CODERS.arguments)
def test_box_codes_and_decoded_boxes_equal_the_recorded_ones(name):
    case = CODERS[name]
    config = text_format.Parse(CODERS.arguments[name]["proto"], schema.BoxCoder())
    coder = box_coder(config)
    codes = coder.encode(case["in/boxes"], case["in/anchors"])
    boxes = coder.decode(case["in/codes_to_decode"], case["in/anchors"])
    np.testing.assert_allclose(codes, case["out/encoded"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(boxes, case["out/decoded_boxes"], rtol=1e-6, atol=1e-6)


def test_overlaps_equal_the_recorded_ones():
    from detectune.boxes.iou import pairwise_iou

    case = SIMILARITY["iou"]
    found = pairwise_iou(case["in/boxes1"], case["in/boxes2"])
    np.testing.assert_allclose(found, case["out/similarity"], atol=1e-6)


@pytest.mark.parametrize("name", ANCHORS.arguments)
def test_anchors_equal_the_recorded_ones(name):
    arguments, case = ANCHORS.arguments[name], ANCHORS[name]
    config = text_format.Parse(arguments["proto"], schema.AnchorGenerator())
    generator = anchor_generator(config)
    height, width = arguments["im_height"], arguments["im_width"]
    found = generator((height, width), [tuple(size) for size in arguments["feature_map_shapes"]])
    levels = [case[f"out/anchors.{k}"] for k in range(len(arguments["feature_map_shapes"]))]
    recorded = np.concatenate(levels)
    if config.multiscale_anchor_generator.normalize_coordinates:
        recorded = recorded * np.array([height, width, height, width])
    assert generator.per_location == arguments["num_anchors_per_location"]
    np.testing.assert_allclose(found, recorded, rtol=1e-5, atol=2e-5 * max(height, width))


@pytest.mark.parametrize("name", MATCHERS.arguments)
def test_matches_equal_the_recorded_ones(name):
    case = MATCHERS[name]
    config = text_format.Parse(MATCHERS.arguments[name]["proto"], schema.Matcher())
    matches = matcher(config)(
        case["in/similarity"][None].astype(np.float32), case["in/valid_rows"][None].astype(bool)
    )
    np.testing.assert_array_equal(np.asarray(matches)[0], case["out/match_results"])


LOSS_OF = {
    "l2": L2Loss(),
    "smooth_l1": SmoothL1Loss(),
    "huber_0.1": SmoothL1Loss(0.1),
    "sigmoid": SigmoidLoss(),
    "focal": SigmoidFocalLoss(),
    "focal_g1.5_a0.25": SigmoidFocalLoss(1.5, 0.25),
    "focal_no_alpha": SigmoidFocalLoss(2.0, None),
    "focal_gamma0": SigmoidFocalLoss(0.0, 0.25),
    "softmax": SoftmaxLoss(),
    "softmax_scale2": SoftmaxLoss(2.0),
}


@pytest.mark.parametrize("name", LOSS_OF)
def test_losses_per_anchor_equal_the_recorded_ones(name):
    case = LOSSES[name]
    said = case.get("in/pred", case.get("in/logits"))
    weights, recorded = case["in/weights"], case["out/loss"]
    if recorded.ndim == 3:
        recorded = recorded.sum(axis=-1)
    found = np.asarray(LOSS_OF[name](said, case["in/target"], weights))
    np.testing.assert_allclose(found, recorded, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["hem_both", "hem_ssd"])
def test_mined_losses_equal_the_recorded_ones(name):
    case, arguments = LOSSES[name], LOSSES.arguments[name]
    kinds = {"both": "both", "cls": "classification", "loc": "localization"}
    miner = HardExampleMiner(
        num_hard_examples=arguments["num_hard_examples"],
        iou_threshold=arguments["iou_threshold"],
        loss_type=kinds[arguments["loss_type"]],
        max_negatives_per_positive=arguments.get("max_negatives_per_positive"),
        min_negatives_per_image=arguments.get("min_negatives_per_image", 0),
    )
    box_losses, class_losses = case["in/location_losses"], case["in/cls_losses"]
    chosen = np.asarray(
        miner(
            box_losses.astype(np.float32),
            class_losses.astype(np.float32),
            case["in/decoded_boxes"].astype(np.float32),
            case["in/match_results"].astype(np.int32),
        )
    )
    np.testing.assert_allclose(
        (box_losses * chosen).sum(), case["out/mined_location_loss"], rtol=1e-6
    )
    np.testing.assert_allclose((class_losses * chosen).sum(), case["out/mined_cls_loss"], rtol=1e-6)


@pytest.mark.parametrize("block_size", [4, 512])
@pytest.mark.parametrize("name", [name for name in NMS.arguments if name != "inputs"])
def test_kept_boxes_equal_the_recorded_ones_whatever_the_block_size(name, block_size):
    case, inputs = NMS[name], NMS["inputs"]
    config = text_format.Parse(NMS.arguments[name]["proto"], schema.PostProcessing())
    nms = dataclasses.replace(non_max_suppression(config), block_size=block_size)
    window = np.broadcast_to(inputs["in/clip_window"], (2, 4)).astype(np.float32)
    boxes = inputs["in/boxes_q1"][:, :, 0].astype(np.float32)
    kept = nms(boxes, inputs["in/scores"].astype(np.float32), window)
    found = np.asarray(kept.boxes)
    if config.batch_non_max_suppression.change_coordinate_frame:
        size, origin = window[:, None, 2:] - window[:, None, :2], window[:, None, :2]
        found = (found - np.tile(origin, 2)) / np.tile(size, 2)
        found = found * np.asarray(kept.valid)[..., None]
    assert found.shape == case["out/boxes"].shape
    np.testing.assert_array_equal(np.asarray(kept.valid).sum(1), case["out/num_detections"])
    np.testing.assert_allclose(np.asarray(kept.scores), case["out/scores"], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(kept.classes), case["out/classes"])
    np.testing.assert_allclose(found, case["out/boxes"], atol=1e-6)


def test_scores_equal_the_recorded_ones():
    config = schema.PostProcessing(score_converter="SOFTMAX", logit_scale=0.5)
    logits = np.array([[[1.0, -2.0, 0.5]]], np.float32)
    doubled = np.exp(logits * 2)
    found = np.asarray(score_converter(config)(logits))
    np.testing.assert_allclose(found, doubled / doubled.sum(-1, keepdims=True), rtol=1e-6)
