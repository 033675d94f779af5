"""SSD: what it is built from, what it learns, and what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from small_backbone import EXTRACTOR, register_small_backbone
from three_parts import three_parts
from tiny import SIDE, compiled, random_batch, tiny_config, train_steps

from detectune.boxes.iou import pairwise_iou
from detectune.config import schema
from detectune.detectors.build import build_detector
from detectune.detectors.builders.feature_extractor import backbone_and_neck
from detectune.detectors.inference import DetectionModel, to_original
from detectune.errors import ConfigError
from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.structures import PaddedDetections

SIZES = np.full((2, 2), SIDE, np.float32)


@pytest.fixture(scope="module")
def detector():
    """With random weights, which no test changes."""
    keras.utils.set_random_seed(0)
    return build_detector(tiny_config().model)


@pytest.fixture
def _small_backbone(monkeypatch):
    register_small_backbone(monkeypatch)


small_backbone = pytest.mark.usefixtures("_small_backbone")


def test_anchors_and_predictions_belong_together(detector):
    images = np.zeros((1, SIDE, SIDE, 3), np.float32)
    out, anchors = detector(images), 2 * (8 * 8 + 4 * 4 + 2 * 2)
    assert out.box_codes.shape == (1, anchors, 4)
    assert out.class_logits.shape == (1, anchors, 3)
    places = detector.anchors_of(images, out)
    assert places.shape == (anchors, 4)
    np.testing.assert_allclose(places[0], [4 - 12, 4 - 12, 4 + 12, 4 + 12])


def learner() -> schema.TrainEvalPipelineConfig:
    """The tiny SSD on the small backbone with two maps, for objects of 24 and 48 pixels."""
    config = tiny_config(extractor=EXTRACTOR)
    ssd = config.model.ssd
    ssd.feature_extractor.conv_hyperparams.batch_norm.decay = 0.5
    ssd.feature_extractor.fpn.max_level = 4
    ssd.anchor_generator.multiscale_anchor_generator.max_level = 4
    return config


@small_backbone
def test_a_few_steps_lower_the_loss_and_the_box_is_found():
    keras.utils.set_random_seed(0)
    config = learner()
    detector = compiled(build_detector(config.model), keras.optimizers.Adam(3e-3))
    images, truth = random_batch()
    losses = [row["total_loss"] for row in train_steps(detector, (images, truth), 60)]
    assert losses[-1] < 0.2 * losses[0]
    found = DetectionModel(detector).detect(images, SIZES)
    for image in range(2):
        assert found.classes[image, 0] == truth.classes[image, 0]
        assert pairwise_iou(found.boxes[image, :1], truth.boxes[image, :1])[0, 0] > 0.75


@small_backbone
@pytest.mark.parametrize("place", ["matcher", "box_predictor"])
def test_free_anchor_learns_which_anchor_finds_the_box(place):
    keras.utils.set_random_seed(0)
    config = learner()
    ssd = config.model.ssd
    ssd.add_background_class = False
    for name in ("matcher", "similarity_calculator", "loss"):
        ssd.ClearField(name)
    if place == "matcher":
        ssd.matcher.free_anchor_matcher.bag_size = 12
    else:
        ssd.box_predictor.free_anchor_box_matcher.bag_size = 12
    learns = place == "matcher"
    adam = keras.optimizers.Adam(3e-3)
    detector = compiled(build_detector(config.model), adam, eager=not learns)
    images, truth = random_batch()
    steps = 100 if learns else 2
    losses = train_steps(detector, (images, truth), steps)
    names = {"positive_bag_loss", "negative_bag_loss", "regularization_loss", "total_loss"}
    assert set(losses[0]) == names
    if learns:
        assert losses[-1]["total_loss"] < 0.5 * losses[0]["total_loss"]
        found = DetectionModel(detector).detect(images, SIZES)
        for image in range(2):
            assert found.classes[image, 0] == truth.classes[image, 0]
            assert pairwise_iou(found.boxes[image, :1], truth.boxes[image, :1])[0, 0] > 0.7


FREE = "matcher { free_anchor_matcher { } }"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("", "add_background_class"),
        ("explicit_background_class: true", "explicit_background_class"),
        ("loss { hard_example_miner { } }", "hard_example_miner"),
        ("loss { random_example_sampler { } }", "random_example_sampler"),
        ("loss { expected_loss_weights: EXPECTED_SAMPLING }", "expected_loss_weights"),
        ("box_predictor { free_anchor_box_matcher { } }", "matcher.free_anchor_matcher"),
    ],
)
def test_what_free_anchor_excludes_is_refused(more, field):
    config = tiny_config()
    text_format.Merge(f"{FREE} {more}", config.model.ssd)
    config.model.ssd.add_background_class = not more
    with pytest.raises(ConfigError) as error:
        build_detector(config.model)
    assert f"model.ssd.{field}" in str(error.value) or f".{field}:" in str(error.value)
    three_parts(error.value)


def test_detections_stay_inside_the_picture_and_padding_is_empty(detector):
    images, _ = random_batch()
    found = DetectionModel(detector).detect(images, np.array([[40, 64], [64, 30]]))
    assert found.boxes[0, :, 2].max() <= 40
    assert found.boxes[1, :, 3].max() <= 30
    assert not found.boxes[~found.valid].any()
    assert (np.diff(found.scores, axis=1) <= 0).all()


def test_boxes_are_scaled_back_to_the_original_image():
    boxes = np.array([[[10.0, 20.0, 30.0, 40.0]]], np.float32)
    found = PaddedDetections(boxes, *([None] * 5))
    scaled = to_original(found, np.array([[64, 64]]), np.array([[128, 320]]))
    np.testing.assert_allclose(scaled, [[[20, 100, 60, 200]]])


def test_frozen_batch_norms_keep_their_statistics_in_training():
    config = tiny_config()
    config.model.ssd.freeze_batchnorm = True
    detector = build_detector(config.model)
    norms = [
        layer
        for layer in detector._flatten_layers()
        if isinstance(layer, FreezableBatchNormalization)
    ]
    before = [np.asarray(layer.moving_mean) for layer in norms]
    detector(random_batch()[0], training=True)
    assert len(norms) > 30
    for layer, mean in zip(norms, before, strict=True):
        np.testing.assert_array_equal(np.asarray(layer.moving_mean), mean)
    assert all(layer.gamma.trainable for layer in norms)


def test_a_large_batch_mean_moves_the_statistics_by_one_minus_the_momentum():
    layer = FreezableBatchNormalization(momentum=0.9, epsilon=1e-3)
    values = np.random.default_rng(0).normal(3.0, 2.0, (4, 5, 5, 2)).astype(np.float32)
    layer.build(values.shape)
    out = np.asarray(layer(values, training=True))
    np.testing.assert_allclose(out.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(
        np.asarray(layer.moving_mean), 0.1 * values.mean(axis=(0, 1, 2)), rtol=1e-5
    )
    unbiased = values.reshape(-1, 2).var(axis=0, ddof=1)
    np.testing.assert_allclose(np.asarray(layer.moving_variance), 0.9 + 0.1 * unbiased, rtol=1e-5)


@small_backbone
@pytest.mark.parametrize("type_name", ["ssd_mobilenet_v1_keras", EXTRACTOR])
@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("depthwise", [False, True])
def test_every_combination_of_neck_padding_and_convolution_runs(type_name, explicit, depthwise):
    config = tiny_config().model
    extractor = config.ssd.feature_extractor
    extractor.type, extractor.use_explicit_padding = type_name, explicit
    extractor.use_depthwise = depthwise
    if "fpn" not in type_name:
        config.ssd.anchor_generator.CopyFrom(
            text_format.Parse(
                "ssd_anchor_generator { aspect_ratios: 1.0 }", schema.AnchorGenerator()
            )
        )
        config.ssd.box_predictor.CopyFrom(
            text_format.Parse(
                "convolutional_box_predictor { kernel_size: 3 use_dropout: true "
                f"use_depthwise: {str(depthwise).lower()} "
                "num_layers_before_predictor: 1 max_depth: 24 min_depth: 8 }",
                schema.BoxPredictor(),
            )
        )
    detector = build_detector(config)
    images, truth = random_batch()
    out = detector(images, training=True)
    losses = detector.named_losses(images, truth, out)
    assert out.box_codes.shape[1] == detector.anchors_of(images, out).shape[0]
    assert all(np.isfinite(float(value)) for value in losses.values())


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("box_predictor", "rfcn_box_predictor { }", "rfcn_box_predictor does not go with"),
        ("box_coder", "keypoint_box_coder { }", "box_coder.keypoint_box_coder: Keypoints are not"),
        ("box_coder", "", "nothing is chosen"),
    ],
)
def test_parts_that_are_not_offered_are_refused_by_name(path, text, words):
    config = tiny_config().model
    message = getattr(config.ssd, path)
    message.Clear()
    text_format.Parse(text, message)
    with pytest.raises(ConfigError, match=words) as caught:
        build_detector(config)
    three_parts(caught.value)


def test_a_misspelled_feature_extractor_gets_a_suggestion():
    config = schema.SsdFeatureExtractor(type="ssd_mobilnet_v2_keras")
    with pytest.raises(ConfigError, match='Did you mean "ssd_mobilenet_v2_keras"'):
        backbone_and_neck(config, freeze_batch_norm=False)


def test_an_architecture_that_is_not_offered_is_refused_by_name():
    config = schema.DetectionModel(center_net=schema.CenterNet())
    with pytest.raises(ConfigError, match="center_net is not supported yet"):
        build_detector(config)


def test_pyramid_levels_that_do_not_fit_are_refused():
    config = tiny_config().model
    config.ssd.feature_extractor.fpn.min_level = 6
    with pytest.raises(ConfigError, match=r"fpn.min_level: it is 6.\nAllowed: 1 to 5."):
        build_detector(config)


def parsed(text: str) -> schema.Ssd:
    """The tiny SSD on the small backbone, with two maps, and some of its parts replaced."""
    config = tiny_config(extractor=EXTRACTOR).model
    config.ssd.feature_extractor.fpn.min_level = 4
    config.ssd.anchor_generator.multiscale_anchor_generator.min_level = 4
    other = text_format.Parse(text, schema.Ssd())
    for field, _ in other.ListFields():
        if field.message_type is not None:
            config.ssd.ClearField(field.name)
    config.ssd.MergeFrom(other)
    return config.ssd


LOSS = "localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid { } } "


@small_backbone
@pytest.mark.parametrize(
    "text",
    [
        "box_coder { mean_stddev_box_coder { stddev: 0.1 } } matcher { bipartite_matcher { } } "
        "loss { localization_loss { weighted_giou { } } "
        "classification_loss { weighted_softmax { } } } encode_background_as_zeros: false",
        "box_coder { square_box_coder { } } similarity_calculator { ioa_similarity { } } "
        f"loss {{ {LOSS} random_example_sampler {{ positive_sample_fraction: 0.25 }} }}",
        "matcher { argmax_matcher { ignore_thresholds: true } } "
        "loss { localization_loss { weighted_iou { } } "
        "classification_loss { bootstrapped_sigmoid { alpha: 0.9 } } }",
        "similarity_calculator { thresholded_iou_similarity { iou_threshold: 0.3 } } "
        "loss { localization_loss { l1_localization_loss { } } "
        "classification_loss { weighted_logits_softmax { } } }",
        "similarity_calculator { neg_sq_dist_similarity { } } matcher { argmax_matcher { "
        "matched_threshold: -0.1 unmatched_threshold: -0.2 } } "
        f"loss {{ {LOSS} expected_loss_weights: EXPECTED_SAMPLING }}",
        "post_processing { score_converter: SIGMOID batch_non_max_suppression { "
        "soft_nms_sigma: 0.5 max_detections_per_class: 20 max_total_detections: 20 } } "
        "loss { localization_loss { weighted_l2 { } } "
        "classification_loss { penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 } } }",
        "add_background_class: false explicit_background_class: true "
        f"loss {{ {LOSS} expected_loss_weights: REWEIGHTING_UNMATCHED_ANCHORS }}",
        "anchor_generator { flexible_grid_anchor_generator { "
        + "".join(
            f"anchor_grid {{ base_sizes: 24 base_sizes: 40 aspect_ratios: 1 aspect_ratios: 2 "
            f"height_stride: {stride} width_stride: {stride} }} "
            for stride in (16, 32)
        )
        + "} } loss { localization_loss { weighted_l2 { } } "
        "classification_loss { weighted_dice_classification_loss { } } }",
    ],
)
def test_whatever_a_config_may_choose_trains_and_detects(text):
    keras.utils.set_random_seed(0)
    config = schema.DetectionModel(ssd=parsed(text))
    detector = compiled(build_detector(config), keras.optimizers.SGD(0.01))  # traced soonest
    images, truth = random_batch()
    if config.ssd.explicit_background_class:
        truth = truth._replace(classes=np.ones_like(truth.classes))
    losses = [row["total_loss"] for row in train_steps(detector, (images, truth), 8)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    found = detector.detect(images, SIZES)
    boxes, classes, valid = (np.asarray(part) for part in (found.boxes, found.classes, found.valid))
    assert valid.any()
    assert np.isfinite(boxes).all()
    if config.ssd.explicit_background_class:
        assert set(classes[valid]) == {1}


@small_backbone
def test_one_feature_map_may_have_the_anchors_of_faster_r_cnn():
    ssd = parsed(
        "anchor_generator { grid_anchor_generator { height: 24 width: 24 height_stride: 8 "
        "width_stride: 8 scales: 1 scales: 2 aspect_ratios: 1 } }"
    )
    ssd.feature_extractor.fpn.min_level = ssd.feature_extractor.fpn.max_level = 3
    detector = build_detector(schema.DetectionModel(ssd=ssd))
    images, _ = random_batch()
    out = detector(images)
    anchors = detector.anchors_of(images, out)
    assert anchors.shape == (8 * 8 * 2, 4) == out.box_codes.shape[1:]
    np.testing.assert_allclose(anchors[0], [-12, -12, 12, 12])


@small_backbone
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("anchor_generator { grid_anchor_generator { scales: 1 aspect_ratios: 1 } }", "1 feature"),
        ("explicit_background_class: true", "both true"),
        (
            f"loss {{ {LOSS} expected_loss_weights: EXPECTED_SAMPLING hard_example_miner {{ }} }}",
            "both expected_loss_weights and hard_example_miner",
        ),
        (
            "loss { localization_loss { weighted_l2 { } } classification_loss { "
            "weighted_dice_classification_loss { } } hard_example_miner { } }",
            "one loss per class",
        ),
        (
            f"loss {{ {LOSS} random_example_sampler {{ positive_sample_fraction: 0 }} }}",
            r"positive_sample_fraction: it is 0.\nAllowed: above 0",
        ),
        (
            "image_resizer { keep_aspect_ratio_resizer { } } box_coder { square_box_coder { } }",
            "depends on the image",
        ),
        (
            "post_processing { batch_non_max_suppression { soft_nms_sigma: 0.5 "
            "use_class_agnostic_nms: true } }",
            "use_class_agnostic_nms and soft_nms_sigma",
        ),
        (
            "post_processing { batch_non_max_suppression { iou_threshold: 2 } }",
            "iou_threshold: it is 2",
        ),
        (
            "anchor_generator { flexible_grid_anchor_generator { "
            + " ".join(
                [
                    "anchor_grid { base_sizes: 1 base_sizes: 2 aspect_ratios: 1 "
                    "height_stride: 8 width_stride: 8 }"
                ]
                * 2
            )
            + " } }",
            "2 base_sizes and 1 aspect_ratios",
        ),
        (
            "box_coder { square_box_coder { } } box_predictor { "
            "weight_shared_convolutional_box_predictor { depth: 8 box_code_size: 5 } }",
            r"Allowed: 3 to 4|5 is not supported",
        ),
    ],
)
def test_choices_that_exclude_each_other_are_refused(text, words):
    with pytest.raises(ConfigError, match=words) as caught:
        build_detector(schema.DetectionModel(ssd=parsed(text)))
    three_parts(caught.value)
