"""Parts of a single-shot detector against numbers recorded from the original."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from detectune.boxes.coders import FasterRcnnBoxCoder, KeypointBoxCoder
from detectune.config import schema
from detectune.detectors.builders.anchors import anchor_generator, box_coder
from detectune.detectors.builders.post_processing import non_max_suppression, score_converter
from detectune.detectors.builders.targets import matcher, similarity
from detectune.losses.classification import (
    BootstrappedSigmoidLoss,
    DiceLoss,
    PenaltyReducedFocalLoss,
    SigmoidFocalLoss,
    SigmoidLoss,
    SoftmaxAgainstLogitsLoss,
    SoftmaxLoss,
)
from detectune.losses.hard_mining import HardExampleMiner
from detectune.losses.localization import GiouLoss, IouLoss, L1Loss, L2Loss, SmoothL1Loss
from detectune.structures import GroundTruth
from detectune.targets.anchor_targets import AnchorAssigner
from detectune.targets.matchers import ArgmaxMatcher
from detectune.targets.samplers import BalancedSampler

from .recordings import Cases

pytestmark = pytest.mark.parity

CODERS, MATCHERS = Cases("box_coders"), Cases("matchers")
ANCHORS, LOSSES = Cases("anchor_generators"), Cases("loss_functions")
SIMILARITY, NMS = Cases("region_similarity"), Cases("post_processing")
SAMPLERS, TARGETS = Cases("balanced_sampler"), Cases("target_assigner")


# Recordings are in fractions of the image: an input of one pixel makes pixels of them.
UNIT = text_format.Parse("fixed_shape_resizer { height: 1 width: 1 }", schema.ImageResizer())


@pytest.mark.parametrize("name", [name for name in CODERS.arguments if name != "keypoint"])
def test_box_codes_and_decoded_boxes_equal_the_recorded_ones(name):
    case = CODERS[name]
    config = text_format.Parse(CODERS.arguments[name]["proto"], schema.BoxCoder())
    coder = box_coder(config, UNIT)
    assert coder.code_size == CODERS.arguments[name]["code_size"]
    codes = coder.encode(case["in/boxes"], case["in/anchors"])
    boxes = coder.decode(case["in/codes_to_decode"], case["in/anchors"])
    np.testing.assert_allclose(codes, case["out/encoded"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(boxes, case["out/decoded_boxes"], rtol=1e-6, atol=1e-6)


def test_keypoint_codes_equal_the_recorded_ones():
    case, coder = CODERS["keypoint"], KeypointBoxCoder(3, (10.0, 10.0, 5.0, 5.0))
    codes = coder.encode(case["in/boxes"], case["in/anchors"], case["in/keypoints"])
    np.testing.assert_allclose(codes, case["out/encoded"], rtol=1e-6, atol=1e-6)
    found = case["in/codes_to_decode"], case["in/anchors"]
    np.testing.assert_allclose(coder.decode(*found), case["out/decoded_boxes"], atol=1e-6)
    keypoints = coder.decode_keypoints(*found)
    np.testing.assert_allclose(keypoints, case["out/decoded_keypoints"], atol=1e-6)


@pytest.mark.parametrize("name", SIMILARITY.arguments)
def test_similarities_equal_the_recorded_ones(name):
    case = SIMILARITY[name]
    config = text_format.Parse(
        SIMILARITY.arguments[name]["proto"], schema.RegionSimilarityCalculator()
    )
    found = similarity(config, UNIT)(case["in/boxes1"], case["in/boxes2"])
    if name == "thresholded_iou":  # recorded with scores of boxes, which real boxes have not
        found = found * case["in/scores1"][:, None]
    np.testing.assert_allclose(found, case["out/similarity"], atol=1e-6)


@pytest.mark.parametrize("name", SAMPLERS.arguments)
def test_sampled_anchors_equal_the_recorded_ones(name):
    case, arguments = SAMPLERS[name], SAMPLERS.arguments[name]
    candidates, positive = case["in/indicator"][None], case["in/labels"][None]
    # What was random came in order: the first ones, or the last ones for static shapes.
    order = np.linspace(0, 1, candidates.shape[1], dtype=np.float32)[None]
    preference = order if arguments["is_static"] else 1 - order
    sampler = BalancedSampler(arguments["positive_fraction"], arguments["batch_size"])
    found = np.asarray(sampler(candidates, positive, preference))[0]
    np.testing.assert_array_equal(found, case["out/sampled"])


TARGETS_OF = {
    "FasterRCNN_proposal": (ArgmaxMatcher(0.7, 0.3, force_match=True), 1),
    "FasterRCNN_detection": (ArgmaxMatcher(0.5, 0.5), 4),
    "FastRCNN_None": (ArgmaxMatcher(0.5, 0.1, negatives_lower_than_unmatched=False), 4),
}


@pytest.mark.parametrize("name", TARGETS_OF)
def test_assigned_targets_equal_the_recorded_ones(name):
    case = TARGETS[name]
    matcher, num_classes = TARGETS_OF[name]
    background = num_classes > 1
    truth = GroundTruth(
        *(np.zeros(shape, kind) for shape, kind in
          (((2, 3, 4), "f4"), ((2, 3), "i4"), ((2, 3), bool), ((2, 3), "f4")))
    )  # fmt: skip
    for image in range(2):
        count = len(case[f"in/gt{image}"])
        truth.boxes[image, :count] = case[f"in/gt{image}"]
        truth.classes[image, :count] = case[f"in/cls{image}"].argmax(-1) - int(background)
        truth.weights[image, :count] = case[f"in/w{image}"]
        truth.valid[image, :count] = True
    scales = (1.0, 1.0, 1.0, 1.0) if name == "FastRCNN_None" else (10.0, 10.0, 5.0, 5.0)
    coder = FasterRcnnBoxCoder(scales)
    assigner = AnchorAssigner(
        matcher=matcher, coder=coder, num_classes=num_classes,
        background_column=background, background_as_zeros=not background,
    )  # fmt: skip
    found = assigner(case["in/anchors"], truth)
    np.testing.assert_array_equal(found.matches, case["out/match"])
    np.testing.assert_allclose(found.box_codes, case["out/reg_targets"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.box_weights, case["out/reg_weights"], atol=1e-6)
    np.testing.assert_array_equal(found.class_targets, case["out/cls_targets"])
    np.testing.assert_allclose(found.class_weights, case["out/cls_weights"][..., 0], atol=1e-6)


@pytest.mark.parametrize("name", ANCHORS.arguments)
def test_anchors_equal_the_recorded_ones(name):
    arguments, case = ANCHORS.arguments[name], ANCHORS[name]
    config = text_format.Parse(arguments["proto"], schema.AnchorGenerator())
    generator = anchor_generator(config)
    height, width = arguments["im_height"], arguments["im_width"]
    found = generator((height, width), [tuple(size) for size in arguments["feature_map_shapes"]])
    levels = [case[f"out/anchors.{k}"] for k in range(len(arguments["feature_map_shapes"]))]
    recorded = np.concatenate(levels)
    kind = config.WhichOneof("anchor_generator_oneof")
    if kind == "ssd_anchor_generator" or getattr(
        getattr(config, kind), "normalize_coordinates", False
    ):
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
    "iou": IouLoss(),
    "giou": GiouLoss(),
    "sigmoid": SigmoidLoss(),
    "focal": SigmoidFocalLoss(),
    "focal_g1.5_a0.25": SigmoidFocalLoss(1.5, 0.25),
    "focal_no_alpha": SigmoidFocalLoss(2.0, None),
    "focal_gamma0": SigmoidFocalLoss(0.0, 0.25),
    "softmax": SoftmaxLoss(),
    "softmax_scale2": SoftmaxLoss(2.0),
    "softmax_logits": SoftmaxAgainstLogitsLoss(),
    "bootstrapped_soft": BootstrappedSigmoidLoss(0.5),
    "bootstrapped_hard": BootstrappedSigmoidLoss(0.5, hard=True),
    "dice": DiceLoss(),
    "dice_sq": DiceLoss(squared=True),
    "penalty_reduced_focal": PenaltyReducedFocalLoss(),
    "penalty_reduced_focal_a1_b2": PenaltyReducedFocalLoss(1.0, 2.0, margin=1e-3),
}


@pytest.mark.parametrize("name", LOSS_OF)
def test_losses_per_anchor_equal_the_recorded_ones(name):
    case = LOSSES[name]
    said = case.get("in/pred", case.get("in/logits"))
    weights, recorded = case["in/weights"], case["out/loss"]
    found = np.asarray(LOSS_OF[name](said, case["in/target"], weights))
    if recorded.ndim == 3:
        recorded = recorded.sum(axis=-1)
    np.testing.assert_allclose(found, recorded.reshape(found.shape), rtol=2e-6, atol=1e-6)


def test_the_absolute_distance_equals_the_recorded_one():
    case = LOSSES["l1"]  # recorded with a weight for each number of a code
    ones = np.ones(case["in/pred"].shape[:2], np.float32)
    each = [
        np.asarray(L1Loss()(case["in/pred"][..., [k]], case["in/target"][..., [k]], ones))
        for k in range(4)
    ]
    found = np.stack(each, axis=-1) * case["in/weights"]
    np.testing.assert_allclose(found, case["out/loss"], rtol=2e-6, atol=1e-6)


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


KEPT = [name for name in NMS.arguments if name != "inputs" and "score" not in name]


@pytest.mark.parametrize("block_size", [4, 512])
@pytest.mark.parametrize("name", KEPT)
def test_kept_boxes_equal_the_recorded_ones_whatever_the_block_size(name, block_size):
    case, inputs = NMS[name], NMS["inputs"]
    config = text_format.Parse(NMS.arguments[name]["proto"], schema.PostProcessing())
    nms: Any = non_max_suppression(config)
    blocks = {"pool": 3 * block_size} if name.startswith("soft") else {"block_size": block_size}
    nms = dataclasses.replace(nms, **blocks)
    window = np.broadcast_to(inputs["in/clip_window"], (2, 4)).astype(np.float32)
    if name.startswith("combined"):  # which clips to the whole input
        window = np.broadcast_to(np.array([0, 0, 1, 1], np.float32), (2, 4))
    boxes = inputs["in/boxes_q4" if "q4" in name else "in/boxes_q1"].astype(np.float32)
    kept = nms(
        boxes if "q4" in name else boxes[:, :, 0], inputs["in/scores"].astype(np.float32), window
    )
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


@pytest.mark.parametrize("name", [name for name in NMS.arguments if "score" in name])
def test_scores_equal_the_recorded_ones(name):
    config = schema.PostProcessing(**NMS.arguments[name])
    found = np.asarray(score_converter(config)(NMS[name]["in/logits"]))
    np.testing.assert_allclose(found, NMS[name]["out/scores"], rtol=1e-6)
