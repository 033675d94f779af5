"""Whole two-stage models against recordings of the original: keys, stages, boxes, masks, losses.

Tolerances are those of `TENSORS` (relative L2), boxes 1e-5 of the image, scores 1e-5 and losses
1e-4 relative. Each stage is fed what the original fed it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from shared import shared_folder

from detectune.checkpoints.keys import variable_keys
from detectune.config.load import load_config
from detectune.data.resizers import build_resizer
from detectune.detectors.build import build_detector
from detectune.structures import GroundTruth, Proposals, image_size

from .recordings import check_detections, relative_error
from .zoo_recordings import assign_recipe, check_keys

pytestmark = pytest.mark.parity

_RESNET50 = "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"
_PYRAMID = "faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8"
_INCEPTION = "faster_rcnn_inception_resnet_v2_640x640_coco17_tpu-8"
_MASKS = "x_mask_rcnn_resnet50_v1_640x640"
_INCEPTION_MASKS = "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8"
_SLOW = [
    pytest.param(_MASKS, marks=pytest.mark.slow),
    pytest.param("faster_rcnn_resnet50_v1_800x1333_coco17_gpu-8", marks=pytest.mark.slow),
    pytest.param(_INCEPTION, marks=pytest.mark.slow),
    pytest.param(_INCEPTION_MASKS, marks=pytest.mark.slow),
]
NAMES = [_RESNET50, _PYRAMID, *_SLOW]
# Recorded without losses.
NAMES_WITHOUT_LOSSES = [
    pytest.param("faster_rcnn_resnet101_v1_640x640_coco17_tpu-8", marks=pytest.mark.slow)
]


class Recorded:
    """One recorded model, rebuilt with the weights of the recipe."""

    def __init__(self, name: str) -> None:
        oracle = shared_folder() / "oracle"
        self.config = load_config(oracle / "golden" / f"{name}.config")
        self.arrays = np.load(oracle / "golden" / f"{name}.npz")
        self.detector = build_detector(self.config.model)
        assign_recipe(self.detector)
        images = np.load(oracle / "golden" / "images.npz")["images"]
        used = int(self.arrays["images_used"][0])
        self.images, self.sizes = self._resized(self.config, images[:used])
        if (oracle / "losses" / f"{name}.npz").exists():
            self.losses = np.load(oracle / "losses" / f"{name}.npz")
            # Its own detector: samplers and sizes differ from those of the forward pass.
            config = load_config(oracle / "losses" / f"{name}.config")
            self.trained = build_detector(config.model)
            assign_recipe(self.trained)
            self.loss_images, self.loss_sizes = self._resized(config, images[:2])

    def _resized(self, config, images) -> tuple[np.ndarray, np.ndarray]:
        resizer = build_resizer(config.model.faster_rcnn.image_resizer, self.detector.pad_value)
        resized = [resizer(image) for image in images]
        sizes = np.stack([size for _, size in resized]).astype(np.float32)
        return np.stack([image for image, _ in resized]), sizes

    @cached_property
    def out(self) -> Any:
        """What the detector says of `images`."""
        return self.detector(self.images, training=False)

    def proposals(self) -> Proposals:
        """Those of the original."""
        boxes = self.arrays["pred/proposal_boxes"]
        count = self.arrays["pred/num_proposals"]
        return Proposals(
            ops.convert_to_tensor(boxes),
            ops.convert_to_tensor(np.arange(boxes.shape[1])[None] < count[:, None]),
        )

    def truth(self, mode: str) -> GroundTruth:
        """The boxes that the losses of `mode` were recorded with: "eval" or "train"."""
        # Some models have boxes of their own for training, where few anchors fit into the image.
        start = f"{mode}/gt/" if f"{mode}/gt/boxes.0" in self.losses.files else "gt/"

        def both(name: str) -> np.ndarray:
            return np.stack([self.losses[f"{start}{name}.{image}"] for image in range(2)])

        # The boxes of the recording are fractions of the padded image.
        height, width = self.loss_images.shape[1:3]
        weights = both("weights")
        has_masks = f"{start}masks.0" in self.losses.files
        return GroundTruth(
            (both("boxes") * np.array([height, width, height, width])).astype(np.float32),
            both("classes").argmax(-1).astype(np.int32),
            np.ones(weights.shape, bool),
            weights.astype(np.float32),
            columns={"masks": both("masks").astype(np.uint8)} if has_masks else {},
            sizes=self.loss_sizes,
        )


every_recording = pytest.mark.parametrize("recorded", NAMES + NAMES_WITHOUT_LOSSES, indirect=True)


@pytest.fixture(scope="module", params=NAMES)
def recorded(request) -> Recorded:
    return Recorded(request.param)


@every_recording
def test_the_first_stage_equals_the_recorded_one(recorded):
    arrays, detector = recorded.arrays, recorded.detector
    normalized = detector.backbone.normalize(recorded.images)
    assert relative_error(arrays, "preprocessed", normalized) < 1e-6
    out = recorded.out
    for level, features in enumerate(out.maps):
        assert relative_error(arrays, f"pred/rpn_features_to_crop.{level}", features) < 1e-5
    assert relative_error(arrays, "pred/rpn_box_encodings", out.rpn.box_codes) < 1e-5
    logits = "pred/rpn_objectness_predictions_with_background"
    assert relative_error(arrays, logits, out.rpn.class_logits) < 1e-5
    assert relative_error(arrays, "pred/anchors", detector.anchors_of(recorded.images, out)) < 1e-6
    _check_proposals(
        detector.propose(recorded.images, out, recorded.sizes), arrays["pred/proposal_boxes"]
    )


@every_recording
def test_the_second_stage_equals_the_recorded_one(recorded):
    arrays, stage = recorded.arrays, recorded.detector.roi_head
    maps = recorded.out.maps
    size = image_size(recorded.images)
    out = stage(maps, proposals=recorded.proposals(), image_size=size)
    assert relative_error(arrays, "pred/box_classifier_features", out.features) < 1e-5
    codes = ops.reshape(out.box_codes, (-1, *out.box_codes.shape[2:]))
    assert relative_error(arrays, "pred/refined_box_encodings", codes) < 1e-5
    logits = ops.reshape(out.class_logits, (-1, out.class_logits.shape[-1]))
    assert relative_error(arrays, "pred/class_predictions_with_background", logits) < 1e-5
    windows = np.concatenate([np.zeros_like(recorded.sizes), recorded.sizes], axis=-1)
    found = stage.detections(out, windows)
    check_detections(arrays, found, recorded.sizes, boxes=1e-5)
    np.testing.assert_array_equal(found.anchor_indices, arrays["det/detection_anchor_indices"])
    every = relative_error(arrays, "det/detection_multiclass_scores", found.class_scores)
    assert every < 1e-5
    raw = np.asarray(stage.raw_detections(out, windows).boxes)
    fractions = raw / np.tile(recorded.sizes, 2)[:, None]
    np.testing.assert_allclose(fractions, arrays["det/raw_detection_boxes"], atol=1e-5)
    if stage.mask_head is not None:
        features = stage.features_of(found, maps, windows, size)
        masks = stage.masks(found, features)
        assert relative_error(arrays, "det/detection_masks", masks) < 1e-4


def _check_proposals(ours: Proposals, theirs: np.ndarray) -> None:
    """Equal up to the first two boxes with the same score to rounding, and alike after them.

    Every anchor over the padding has the same score, so that noise decides which of them come
    first, and these suppress others.
    """
    for own, scores, recorded in zip(
        np.asarray(ours.boxes), np.asarray(ours.scores), theirs, strict=True
    ):
        near = np.flatnonzero(-np.diff(scores) < 1e-5)
        first_tie = int(near[0]) if len(near) else len(own)
        assert first_tie >= 5
        np.testing.assert_allclose(own[:first_tie], recorded[:first_tie], atol=0.05)
        distances = np.abs(own[:, None] - recorded[None]).max(-1)
        assert np.mean(distances.min(1) < 0.05) > 0.3


LOSSES = {
    "rpn_localization_loss": "RPNLoss/localization_loss",
    "rpn_objectness_loss": "RPNLoss/objectness_loss",
    "localization_loss": "BoxClassifierLoss/localization_loss",
    "classification_loss": "BoxClassifierLoss/classification_loss",
    "mask_loss": "BoxClassifierLoss/mask_loss",
    "regularization_loss": "regularization_loss",
}


@pytest.fixture
def in_recorded_order(monkeypatch, recorded):
    """Samplers choose as in the recordings: the first candidates, or the last where they are static

    (`use_static_balanced_label_sampler`), which the original is in training only.
    """
    static = recorded.config.model.faster_rcnn.use_static_balanced_label_sampler

    def choose(training: bool) -> None:
        def uniform(shape, **_):
            rising = ops.arange(int(shape[1]), dtype="float32")[None] / int(shape[1])
            return ops.broadcast_to(rising if training and static else 0.0 * rising, shape)

        monkeypatch.setattr(keras.random, "uniform", uniform)

    return choose


def _check_losses(recorded: Recorded, mode: str, losses: dict[str, float]) -> None:
    assert set(losses) == {*recorded.trained.loss_names, "regularization_loss"}
    for name, value in losses.items():
        reference = float(recorded.losses[f"{mode}/loss/Loss/{LOSSES[name]}"])
        assert value == pytest.approx(reference, rel=1e-4), name


def test_every_loss_of_an_evaluation_equals_the_recorded_one(recorded, in_recorded_order):
    detector, truth = recorded.trained, recorded.truth("eval")
    in_recorded_order(False)
    out = detector(recorded.loss_images, training=False)
    losses = detector.named_losses(recorded.loss_images, truth, out, training=False)
    losses["regularization_loss"] = sum(detector.losses)
    _check_losses(recorded, "eval", {name: float(value) for name, value in losses.items()})


def test_a_step_has_the_recorded_losses_gradients_and_moving_averages(recorded, in_recorded_order):
    tf = pytest.importorskip("tensorflow")
    in_recorded_order(True)
    detector, recording = recorded.trained, recorded.losses
    before = [np.asarray(variable) for variable in detector.variables]
    detector.reset_metrics()
    with tf.GradientTape() as tape:
        out = detector(recorded.loss_images, training=True)
        total = detector.compute_loss(recorded.loss_images, recorded.truth("train"), out)
    losses = {name: float(tracker.result()) for name, tracker in detector.loss_trackers.items()}
    assert losses.pop("total_loss") == pytest.approx(sum(losses.values()), rel=1e-6)
    _check_losses(recorded, "train", losses)
    rows = {row.key: row.variable for row in variable_keys(detector)}
    keys = [str(key) for key in recording["train/grad_keys"]]
    gradients = tape.gradient(total, [rows[key].value for key in keys])
    lengths = np.array([np.linalg.norm(gradient) for gradient in gradients])
    reference = recording["train/grad_l2_sum_maxabs"][:, 0]
    np.testing.assert_allclose(lengths, reference, rtol=1e-2, atol=1e-4 * reference.max())
    averages = zip(
        recording["train/bn_after_keys"], recording["train/bn_after_l2_sum"], strict=True
    )
    for key, (length, _) in averages:
        assert np.linalg.norm(rows[str(key)]) == pytest.approx(length, rel=1e-4), key
    for variable, value in zip(detector.variables, before, strict=True):
        variable.assign(value)


# Recorded keys → the recorded config that they belong to, once type and size are put in.
KEYS = {
    "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8": _RESNET50,
    "faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8": _PYRAMID,
}


@pytest.mark.parametrize("name", KEYS)
def test_every_key_of_a_zoo_checkpoint_is_read_and_written(name, tmp_path):
    config = load_config(shared_folder() / "oracle" / "golden" / f"{KEYS[name]}.config")
    check_keys(name, build_detector(config.model), tmp_path)
