"""What every combination of a registered backbone and a neck owes its users.

A new backbone is tested here without a line of its own.
"""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from small_backbone import register_small_backbone
from tiny import SIDE, compiled, random_batch, tiny_config, train_steps

from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.config import schema
from detectune.data.resizers import build_resizer
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.detectors.builders.feature_extractor import feature_extractor_types
from detectune.detectors.inference import DetectionModel
from detectune.exporters.saved_model import SavedModelExporter
from detectune.recipes.templates import models, template
from detectune.registry import backbones

# Networks of Keras have a test of their own: test_application_networks.py.
TYPES = {
    name: parts
    for name, parts in feature_extractor_types().items()
    if not backbones[parts[0]].own_settings
}
# What takes long runs by default on the small backbone, and on the others when asked for.
# The tests of whole runs (`tests/endtoend`) train and export one with a pyramid.
# Of a BiFPN the gradients are looked at in tests/unit/detectors/test_own_backbones.py.
SMALL = "ssd_five_convolutions_keras"
FAST = {SMALL}
# Without training and export, which take longest.
BRIEF = {"ssd_efficientnet-b0_bifpn_keras", "ssd_mobilenet_v1_keras", "ssd_mobilenet_v2_fpn_keras"}


def model_config(type_name: str) -> schema.DetectionModel:
    config = tiny_config().model
    extractor = config.ssd.feature_extractor
    extractor.type = type_name
    extractor.conv_hyperparams.batch_norm.decay = 0.5
    backbone, neck = PARTS[type_name]
    if backbones[backbone].min_image_side > SIDE:
        extractor.pad_to_multiple = 96
    if neck == "bifpn":
        extractor.use_depthwise = False
        extractor.bifpn.CopyFrom(
            schema.BidirectionalFeaturePyramidNetworks(
                min_level=3, max_level=5, num_iterations=1, num_filters=16
            )
        )
    if neck == "extras":
        maps = extractor.num_layers = 2 if type_name == SMALL else 6  # the small one adds none
        anchors = f"ssd_anchor_generator {{ num_layers: {maps} aspect_ratios: 1.0 }}"
        config.ssd.anchor_generator.CopyFrom(text_format.Parse(anchors, schema.AnchorGenerator()))
        config.ssd.box_predictor.CopyFrom(text_format.Parse(HEAD, schema.BoxPredictor()))
    return config


HEAD = """convolutional_box_predictor {
    kernel_size: 3 num_layers_before_predictor: 0 max_depth: 0 min_depth: 0
    conv_hyperparams {
        regularizer { l2_regularizer { weight: 4e-05 } }
        initializer { truncated_normal_initializer { stddev: 0.05 } }
        activation: RELU_6 batch_norm { decay: 0.5 scale: true epsilon: 0.001 }
    } }"""


PARTS = {SMALL: ("five_convolutions", "extras")} | TYPES


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


def _params(fast: set[str]) -> list:
    return [pytest.param(n, marks=[] if n in fast else pytest.mark.slow) for n in PARTS]


takes_long = pytest.mark.parametrize("config", _params(FAST), indirect=True, scope="module")


@pytest.fixture(params=_params(FAST | BRIEF), scope="module")
def config(request) -> schema.DetectionModel:
    return model_config(request.param)


def make(config: schema.DetectionModel) -> Detector:
    keras.utils.set_random_seed(1)
    return build_detector(config)


@pytest.fixture(scope="module")
def detector(config) -> Detector:
    """With random weights, which every test leaves as they are."""
    return make(config)


def values_of(detector: Detector) -> dict[str, np.ndarray]:
    return {row.key: np.asarray(row.variable) for row in variable_keys(detector)}


def test_saved_is_restored(config, detector, tmp_path):
    images, values = random_batch()[0], values_of(detector)
    write_checkpoint(tmp_path / "ckpt-0", values)
    keras.utils.set_random_seed(2)
    other = build_detector(config)
    report = restore(other, tmp_path / "ckpt-0")
    assert (len(report.matched), report.fresh, report.left_over) == (len(values), [], [])
    answers = (keras.tree.flatten(one(images)) for one in (detector, other))
    for ours, theirs in zip(*answers, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_bfloat16_computes_finite_losses_and_keeps_float32_weights(config, detector):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        short = make(config)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {str(row.variable.dtype) for row in variable_keys(short)} == {"float32"}
    before = detector.get_weights()
    images, truth = random_batch()
    losses = []
    for model in (detector, short):
        found = model.named_losses(images, truth, model(images, training=True))
        losses.append({name: float(value) for name, value in found.items()})
    detector.set_weights(before)
    assert all(np.isfinite(list(row.values())).all() for row in losses)
    for name, value in losses[0].items():
        # Eight bits of mantissa through some fifty layers.
        assert losses[1][name] == pytest.approx(value, rel=0.1)
        assert losses[1][name] != value


@takes_long
def test_a_saved_model_answers_as_the_model(config, detector, tmp_path):
    resizer = build_resizer(config.ssd.image_resizer, detector.pad_value)
    SavedModelExporter().write(detector, resizer, tmp_path / "saved_model")
    image = np.random.default_rng(3).integers(0, 256, (1, SIDE, SIDE, 3)).astype(np.uint8)
    answers = SavedModelExporter().read(tmp_path / "saved_model")(input_tensor=image)
    found = DetectionModel(detector).detect(image.astype(np.float32), np.full((1, 2), SIDE))
    np.testing.assert_allclose(answers["detection_scores"], found.scores, atol=1e-5)
    np.testing.assert_allclose(answers["detection_boxes"] * SIDE, found.boxes, atol=1e-2)
    np.testing.assert_array_equal(answers["num_detections"], found.valid.sum(axis=1))
    assert answers["num_detections"][0] > 0


@takes_long
def test_the_loss_falls_on_two_images(detector):
    before = detector.get_weights()
    compiled(detector, keras.optimizers.Adam(2e-3))
    losses = [row["total_loss"] for row in train_steps(detector, random_batch(), 25)]
    detector.set_weights(before)
    assert np.all(np.isfinite(losses))
    assert np.mean(losses[-3:]) < 0.7 * losses[0]


def test_every_type_that_can_be_asked_for_is_tested_here():
    from detectune.config.feature_extractors import FEATURE_EXTRACTORS

    assert list(TYPES) == list(FEATURE_EXTRACTORS)
    assert set(PARTS) > FAST | BRIEF


LARGE = re.compile(r"resnet1|_d[1-7]_|inception_resnet|resnet50_v1_(fpn_)?(\d{3,4}x1|800|1024)")


@pytest.mark.parametrize(
    "model",
    [pytest.param(name, marks=pytest.mark.slow if LARGE.search(name) else []) for name in models()],
)
def test_every_shipped_config_builds_and_names_its_variables(model):
    detector = build_detector(template(model).model)
    keys = {row.key for row in variable_keys(detector)}
    assert len(keys) == len(variable_keys(detector)) > 100
    assert detector.num_classes == 90
