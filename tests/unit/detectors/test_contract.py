"""What every detector owes the rest of the program, and how a breach of it is told."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from small_backbone import EXTRACTOR, REGION_EXTRACTOR, register_small_backbone
from tiny import SIDE, random_batch, tiny_config
from tiny_two_stage import batch_with_masks, tiny_two_stage

from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.structures import GroundTruth, PaddedDetections


class Constant(Detector):
    """The least that a detector is: one number, and no boxes."""

    loss_names = ("distance",)

    def __init__(self) -> None:
        super().__init__(num_classes=1, pad_value=(0.0, 0.0, 0.0), name="constant")
        self.level = self.add_weight(shape=(), initializer="ones", name="level")

    def features(self, images, training=False):
        return [images * self.level]

    def heads(self, inputs, maps, training=False):
        return ops.mean(maps[0], axis=(1, 2, 3))

    def named_losses(self, inputs, truth, out, *, training=True):
        return {"distance": ops.mean(ops.square(out))}

    def postprocess(self, inputs, out, sizes):
        nothing = ops.zeros((2, 1))
        return PaddedDetections(ops.zeros((2, 1, 4)), nothing, nothing, nothing > 0)


@pytest.mark.parametrize("part", ["features", "heads", "named_losses", "postprocess"])
def test_a_detector_without_a_part_of_the_contract_is_refused_by_name(part):
    lacking = type("Lacking", (Constant,), {part: getattr(Detector, part)})
    with pytest.raises(TypeError, match=f"Lacking does not define `{part}`"):
        lacking()


def test_a_detector_names_its_losses():
    with pytest.raises(TypeError, match="Silent: a detector names its losses"):
        type("Silent", (Constant,), {"loss_names": ()})()


def test_a_loss_that_was_not_announced_is_refused():
    surprising = type("Surprising", (Constant,), {"loss_names": ("other",)})()
    images, truth = random_batch()
    with pytest.raises(TypeError, match=r"\['distance'\].*\['other'\]"):
        surprising.compute_loss({"images": images}, truth, surprising(images))


def test_a_detector_without_anchors_has_no_raw_detections():
    detector, images = Constant(), np.ones((2, 8, 8, 3), np.float32)
    found, raw = detector.postprocess_with_raw(images, detector(images), None)
    assert raw is None
    assert found.anchor_indices is None
    assert found.class_scores is None


@pytest.fixture(scope="module")
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


@pytest.fixture(scope="module")
def ssd(small_backbone):
    keras.utils.set_random_seed(0)
    return build_detector(tiny_config(extractor=EXTRACTOR).model)


@pytest.fixture(scope="module")
def mask_rcnn(small_backbone):
    keras.utils.set_random_seed(0)
    return build_detector(tiny_two_stage(REGION_EXTRACTOR, stages=3))


@pytest.mark.parametrize("name", ["ssd", "mask_rcnn"])
def test_call_is_features_and_then_heads(name, request):
    detector, images = request.getfixturevalue(name), random_batch()[0]
    maps = detector.features(images)
    out = detector.heads({"images": images}, maps)
    for one, other in zip(
        keras.tree.flatten(out), keras.tree.flatten(detector(images)), strict=True
    ):
        if one is not None:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["ssd", "mask_rcnn"])
def test_every_output_has_the_batch_as_its_first_axis(name, request):
    out = request.getfixturevalue(name)(random_batch(2)[0])
    shapes = [tuple(leaf.shape) for leaf in keras.tree.flatten(out) if leaf is not None]
    assert len(shapes) > 3
    assert {shape[0] for shape in shapes} == {2}


def falling(shape, **_):
    numbers = 1.0 - ops.arange(int(shape[1]), dtype="float32")[None] / int(shape[1])
    return ops.broadcast_to(numbers, tuple(int(side) for side in shape))


@pytest.mark.parametrize("name", ["ssd", "mask_rcnn"])
def test_an_image_that_is_not_labelled_counts_in_no_loss(name, request, monkeypatch):
    monkeypatch.setattr(keras.random, "uniform", falling)
    detector = request.getfixturevalue(name)
    images, truth = batch_with_masks()
    alone = detector.named_losses(images[:1], _first(truth), detector(images[:1]), training=False)
    unlabelled = truth._replace(labelled=np.array([True, False]))
    out = detector(images)
    losses = detector.named_losses(images, unlabelled, out, training=False)
    both = detector.named_losses(images, truth, out, training=False)
    assert set(losses) == set(detector.loss_names)
    for loss, value in losses.items():
        assert float(value) == pytest.approx(float(alone[loss]), rel=1e-5), loss
    assert sum(map(float, both.values())) != pytest.approx(sum(map(float, losses.values())))


def _first(truth: GroundTruth) -> GroundTruth:
    own = {name: part[:1] for name, part in truth.as_batch().items()}
    return GroundTruth.from_batch(own)


def test_ground_truth_survives_the_way_through_a_batch():
    _, truth = batch_with_masks()
    again = GroundTruth.from_batch(truth.as_batch())
    assert again.labelled is None
    assert again.column("masks").shape == (2, 2, SIDE, SIDE)
    np.testing.assert_array_equal(again.boxes, truth.boxes)


def test_a_column_that_was_not_read_is_named():
    with pytest.raises(ValueError, match='has no column "keypoints"') as caught:
        random_batch()[1].column("keypoints")
    assert len(str(caught.value).splitlines()) == 3
