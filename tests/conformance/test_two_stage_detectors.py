"""What every two-stage detector owes its users, whatever extracts its features."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from small_backbone import REGION_EXTRACTOR, register_small_backbone
from tiny import SIDE, compiled, train_steps
from tiny_two_stage import batch_with_masks, tiny_two_stage

from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.config.architectures.two_stage import REGION_EXTRACTORS
from detectune.data.resizers import build_resizer
from detectune.detectors.build import build_detector
from detectune.detectors.builders.region_features import (
    region_feature_types,
    tf1_region_feature_types,
)
from detectune.detectors.inference import DetectionModel
from detectune.exporters.saved_model import SavedModelExporter

# The small backbone runs by default; the others have parity to show, and run when asked for.
# Networks of Keras have tests of their own, and nothing there knows of two stages.
OF_KERAS = set(REGION_EXTRACTORS.of_keras)
NAMES = [*region_feature_types(), *tf1_region_feature_types()]
NAMES = [name for name in NAMES if name not in OF_KERAS]


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


@pytest.fixture(
    params=[REGION_EXTRACTOR, *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES)],
    scope="module",
)
def detector(request):
    """Trained for some steps; later tests use what it has become."""
    keras.utils.set_random_seed(1)
    made = build_detector(tiny_two_stage(request.param, stages=3))
    # Statistics that lag behind the weights of a deep network would drown what it has learned.
    for layer in made._flatten_layers():
        if hasattr(layer, "moving_variance"):
            layer.momentum = 0.5
    compiled(made, keras.optimizers.Adam(1e-3))
    made.history_of_losses = train_steps(made, batch_with_masks(), 16)
    made.type_name = request.param
    return made


def test_every_loss_falls_on_two_images(detector):
    losses = detector.history_of_losses
    assert all(np.isfinite(list(row.values())).all() for row in losses)
    for name in ("rpn_objectness_loss", "classification_loss", "mask_loss"):
        # The first samples of proposals may have no positive, and so no mask.
        early = max(row[name] for row in losses[:6])
        assert np.mean([row[name] for row in losses[-3:]]) < 0.9 * early, name


def test_saved_is_restored(detector, tmp_path):
    values = {row.key: np.asarray(row.variable) for row in variable_keys(detector)}
    write_checkpoint(tmp_path / "ckpt-0", values)
    keras.utils.set_random_seed(2)
    other = build_detector(tiny_two_stage(detector.type_name, stages=3))
    report = restore(other, tmp_path / "ckpt-0")
    assert (len(report.matched), report.fresh, report.left_over) == (len(values), [], [])
    images, sizes = batch_with_masks()[0], np.full((2, 2), SIDE, np.float32)
    ours, theirs = (one.detect(images, sizes) for one in (detector, other))
    for part, same in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(part, same)


def test_a_saved_model_answers_as_the_model(detector, tmp_path):
    config = tiny_two_stage(detector.type_name, stages=3).faster_rcnn
    resizer = build_resizer(config.image_resizer, detector.pad_value)
    SavedModelExporter().write(detector, resizer, tmp_path / "saved_model")
    image = batch_with_masks()[0][:1].astype(np.uint8)
    answers = SavedModelExporter().read(tmp_path / "saved_model")(input_tensor=image)
    found = DetectionModel(detector).detect(image.astype(np.float32), np.full((1, 2), SIDE))
    # The best ones: far down the list, rounding may choose another proposal.
    assert int(answers["num_detections"][0]) == found.valid.sum() == 8
    scores, boxes, masks = (answers[f"detection_{part}"] for part in ("scores", "boxes", "masks"))
    np.testing.assert_allclose(scores[:, :3], found.scores[:, :3], atol=1e-5)
    np.testing.assert_allclose(boxes[:, :3] * SIDE, found.boxes[:, :3], atol=1e-2)
    # The last samples of a box that ends at the edge of the image are 0 or not, by rounding.
    inside = ((found.boxes > 0.01) & (found.boxes < SIDE - 0.01)).all(axis=2)
    there = (np.abs(boxes * SIDE - found.boxes) < 1e-2).all(axis=2)
    same = np.abs(masks - found.masks).max(axis=(2, 3)) < 1e-4
    assert same[inside & there].all()
    assert same[there].mean() > 0.5
    assert answers["detection_masks_reframed"].shape == (1, 8, SIDE, SIDE)
    box = np.round(found.boxes[0, 0]).astype(int)
    outside = answers["detection_masks_reframed"][0, 0].copy()
    outside[box[0] : box[2] + 1, box[1] : box[3] + 1] = 0
    assert not outside.any()
