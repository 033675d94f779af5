"""What R-FCN owes its users, as every detector does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from tiny import SIDE, compiled, random_batch, train_steps
from tiny_two_stage import tiny_two_stage

from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.config import schema
from detectune.data.resizers import build_resizer
from detectune.detectors.build import build_detector
from detectune.detectors.inference import DetectionModel
from detectune.exporters.saved_model import SavedModelExporter

pytestmark = pytest.mark.slow
SIZES = np.full((2, 2), SIDE, np.float32)


def config() -> schema.DetectionModel:
    made = tiny_two_stage("faster_rcnn_resnet50_keras")
    # Averages of a few steps fit no weights; without learned ones inference is as in training.
    made.faster_rcnn.feature_extractor.batch_norm_trainable = False
    made.faster_rcnn.second_stage_box_predictor.Clear()
    text_format.Parse(
        """rfcn_box_predictor {
          conv_hyperparams { initializer { truncated_normal_initializer { stddev: 0.03 } } }
          num_spatial_bins_height: 2 num_spatial_bins_width: 2 depth: 32
          crop_height: 4 crop_width: 4
        }""",
        made.faster_rcnn.second_stage_box_predictor,
    )
    return made


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(1)
    made = build_detector(config())
    compiled(made, keras.optimizers.Adam(1e-3))
    made.history_of_losses = train_steps(made, random_batch(), 12)
    return made


def test_every_loss_falls_on_two_images(detector):
    losses = detector.history_of_losses
    assert all(np.isfinite(list(row.values())).all() for row in losses)
    for name in ("rpn_objectness_loss", "classification_loss"):
        early = max(row[name] for row in losses[:3])
        assert np.mean([row[name] for row in losses[-3:]]) < 0.9 * early, name


def test_saved_is_restored(detector, tmp_path):
    values = {row.key: np.asarray(row.variable) for row in variable_keys(detector)}
    write_checkpoint(tmp_path / "ckpt-0", values)
    keras.utils.set_random_seed(2)
    other = build_detector(config())
    report = restore(other, tmp_path / "ckpt-0")
    assert (len(report.matched), report.fresh, report.left_over) == (len(values), [], [])
    assert sum("/_rfcn_box_predictor/" in key for key in values) == 6
    images = random_batch()[0]
    ours, theirs = (one.detect(images, SIZES) for one in (detector, other))
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    np.testing.assert_array_equal(ours.boxes, theirs.boxes)


def test_a_saved_model_answers_as_the_model(detector, tmp_path):
    resizer = build_resizer(config().faster_rcnn.image_resizer, detector.pad_value)
    SavedModelExporter().write(detector, resizer, tmp_path / "saved_model")
    image = random_batch()[0][:1].astype(np.uint8)
    answers = SavedModelExporter().read(tmp_path / "saved_model")(input_tensor=image)
    found = DetectionModel(detector).detect(image.astype(np.float32), SIZES[:1])
    np.testing.assert_allclose(answers["detection_scores"], found.scores, atol=1e-5)
    np.testing.assert_allclose(answers["detection_boxes"] * SIDE, found.boxes, atol=1e-2)
    assert int(answers["num_detections"][0]) == found.valid.sum() > 0
