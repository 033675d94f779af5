"""Freezing by words: the layers that Keras counts, all that belongs to a part, and nothing else."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from structure import structure_only
from tiny import compiled, random_batch, tiny_config, train_steps
from tiny_two_stage import make_short, make_thin, tiny_two_stage
from toy import ToyDetector

from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.name_maps.networks import backbone_layers, taken_apart
from detectune.config import schema
from detectune.config.freezing import Part
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.registry import backbones
from detectune.training.detector_parts import DetectorParts, batch_norms
from detectune.training.freezing import Freezing, freeze
from detectune.training.layer_numbers import numbered, numbered_by_keras
from detectune.training.optimizers import build_optimizer
from detectune.training.weights import array_of, use_averages

# Networks that are Keras's own are counted as they are.
COUNTED = sorted(
    name for name in backbones if backbones[name].keras and not backbones[name].own_settings
)
QUICK = {"efficientnet-b0", "mobilenet_v1", "mobilenet_v2"}


@pytest.fixture(scope="module")
def shared():
    """A detector, and the paths of what trains in it when nothing is frozen."""
    detector = build_detector(tiny_config(extractor="ssd_mobilenet_v2_fpn_keras").model)
    return detector, trainable(detector)


@pytest.fixture
def mobilenet(shared):
    """A detector in which nothing is frozen; its weights are whatever tests leave."""
    thaw(*shared)
    return shared[0]


def thaw(detector, paths):
    for row in variable_keys(detector):
        row.variable.trainable = row.path in paths
    for norm in batch_norms(detector):
        norm.frozen_statistics = False


@pytest.fixture(scope="module")
def keras_names():
    """The layers of MobileNet V2 as Keras counts them."""
    with structure_only():
        return [layer.name for layer in keras.applications.MobileNetV2(weights=None).layers]


def trainable(detector):
    return {row.path for row in variable_keys(detector) if row.variable.trainable}


def kept(detector):
    return {norm.name for norm in batch_norms(detector) if norm.frozen_statistics}


def test_a_number_means_the_first_layers_as_keras_numbers_them(mobilenet, keras_names):
    detector = mobilenet
    freeze(detector, words=["backbone:100"])
    first = keras_names[:100]
    assert first[0].startswith("input_layer")
    assert "block_6_pad" in first
    frozen = {
        layer.name
        for layer in backbone_layers(detector.backbone)
        if not any(variable.trainable for variable in layer.weights)
    }
    known = {layer.name for layer in backbone_layers(detector.backbone)}
    assert frozen == set(first) & known
    assert len(frozen) == 68
    assert kept(detector) == {name for name in frozen if "BN" in name or name == "bn_Conv1"}


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in COUNTED]
)
@pytest.mark.usefixtures("no_values")
def test_layers_with_weights_stand_in_the_order_of_keras(name):
    """What makes counting in Keras's network right: kind by kind, though not every width."""
    family = backbones[name]
    forms = [family, family.in_tf1()] if family.tf1 else [family]
    numbers = numbered_by_keras(family.keras.application)
    theirs = getattr(keras.applications, family.keras.application)(weights=None)
    wanted = [
        _kind(layer)
        for layer, has in zip(theirs.layers, numbers.weighted, strict=True)
        if has and layer.name != "predictions"
    ]
    for form in forms:
        network = form.build(
            depth_multiplier=0.25, min_depth=8, hyperparams=None, explicit_padding=False
        )
        ours = [_kind(layer) for layer in taken_apart(network.layers) if layer.weights]
        ours = ours[: len(wanted)]
        assert ours == wanted[: len(ours)]
        assert len(ours) > 50


def _kind(layer):
    name = type(layer).__name__.removeprefix("Freezable")
    kernel = next((tuple(v.shape)[:2] for v in layer.weights if "kernel" in v.name), ())
    return name, kernel


@pytest.mark.usefixtures("no_values")
def test_our_own_graph_is_counted_with_what_was_joined_taken_apart(keras_names):
    settings = {"min_depth": 8, "hyperparams": None, "explicit_padding": False}
    network = backbones["mobilenet_v2"].build(depth_multiplier=1.0, **settings)
    names = numbered(network.layers).names[1:]
    assert list(names) == [name for name in keras_names[1:-2] if not name.endswith("_pad")]
    # An activation that is computed with the norm before it counts, too.
    network = backbones["efficientnet-b0"].build(depth_multiplier=0.25, **settings)
    names = numbered(network.layers).names[1:4]
    assert names == ("stem_conv2d", "stem_bn", "stem_bn_activation")


@pytest.mark.parametrize(
    "word", ["backbone:block_3_expand", "backbone:block_3_expand_BN", "backbone:block_3_pad"]
)
def test_a_name_means_all_layers_up_to_it_and_with_it(word, mobilenet, keras_names):
    detector = mobilenet
    freeze(detector, words=[word])
    end = keras_names.index(word.partition(":")[2])
    wanted = set(keras_names[: end + 1])
    for layer in backbone_layers(detector.backbone):
        assert all(v.trainable is False for v in layer.weights) == (layer.name in wanted), (
            layer.name
        )


def test_the_parts_of_an_ssd_are_backbone_neck_and_heads(mobilenet):
    detector = mobilenet
    before = trainable(detector)
    frozen = freeze(detector, words=["all-but-heads"])
    left = trainable(detector)
    assert {path.partition("/")[0] for path in before - left} == {"_feature_extractor"}
    assert {path.partition("/")[0] for path in left} == {"_box_predictor"}
    assert frozen is not None
    backbone, neck, heads = frozen.parts["backbone"], frozen.parts["neck"], frozen.parts["heads"]
    assert backbone[0] == backbone[1] > 100
    assert neck[0] == neck[1] > 0
    assert heads == (0, len(left))
    assert frozen.summary().endswith(
        f": backbone {backbone[0]}/{backbone[1]}, neck {neck[0]}/{neck[1]}, heads 0/{heads[1]}"
    )
    parts = DetectorParts(detector)
    everything = {id(variable) for variable in detector.weights}
    assert parts.backbone | parts.neck < everything
    assert not parts.backbone & parts.neck
    for row in variable_keys(detector):
        of_heads = row.path.startswith("_box_predictor")
        assert (parts.name_of(row.variable) == "heads") == of_heads


def test_freezing_the_neck_leaves_the_backbone(mobilenet):
    detector = mobilenet
    freeze(detector, words=["neck"])
    parts = DetectorParts(detector)
    for row in variable_keys(detector):
        if parts.name_of(row.variable) == "neck":
            assert not row.variable.trainable
    assert any(variable.trainable for variable in detector.backbone.trainable_variables)
    assert 0 < len(kept(detector)) < 10


def test_batch_norm_means_statistics_scale_and_offset_of_all_of_them(mobilenet):
    detector = mobilenet
    before = trainable(detector)
    freeze(detector, words=["batch-norm"])
    gone = before - trainable(detector)
    assert gone == {path for path in before if path.endswith(("gamma", "beta"))}
    assert all(norm.frozen_statistics for norm in batch_norms(detector))
    moving = {row.path: array_of(row.variable) for row in variable_keys(detector)}
    train_steps(compiled(detector, "sgd", eager=True), random_batch(), 1)
    for row in variable_keys(detector):
        if row.path.endswith(("gamma", "beta", "moving_mean", "moving_variance")):
            np.testing.assert_array_equal(array_of(row.variable), moving[row.path])


def test_nothing_of_what_is_frozen_changes_by_one_bit(mobilenet):
    """Neither by gradients, weight decay, clipping and averages, nor by statistics of batches."""
    detector = mobilenet
    settings = schema.TrainConfig(freeze=["backbone:100", "neck"])
    freezing = Freezing(detector, settings)
    freezing.at(0)
    text = """momentum_optimizer { learning_rate { constant_learning_rate { learning_rate: 0.1 } } }
      use_moving_average: true moving_average_decay: 0.9"""
    optimizer = build_optimizer(
        text_format.Parse(text, schema.Optimizer()), gradient_clipping_by_norm=1.0
    )
    held = freezing.parts.neck | freezing.parts.variables(Part("backbone", layers=100), "")
    before = {id(v): array_of(v) for v in detector.weights}
    train_steps(compiled(detector, optimizer, eager=True), random_batch(), 3)
    use_averages(detector)
    changed = {id(v) for v in detector.weights if not np.array_equal(array_of(v), before[id(v)])}
    assert len(held) > 150
    assert not held & changed
    assert len(changed) > 50


def test_words_and_patterns_add_up(mobilenet):
    detector = mobilenet
    before = trainable(detector)
    freeze(detector, words=["backbone:20", "neck"], freeze_patterns=["^_box_predictor/.*gamma$"])
    found = before - trainable(detector)
    both = set()
    for word in ("backbone:20", "neck"):
        thaw(detector, before)
        freeze(detector, words=[word])
        both |= before - trainable(detector)
    third = {path for path in before if path.startswith("_box_pred") and path.endswith("gamma")}
    assert third
    assert found == both | third


@pytest.mark.usefixtures("no_values")
@pytest.mark.parametrize("pyramid", [False, True])
def test_the_rest_of_a_network_in_the_second_stage_belongs_to_the_backbone(monkeypatch, pyramid):
    make_thin(monkeypatch, "resnet50_v1")
    make_short(monkeypatch, 50)
    kind = "faster_rcnn_resnet50_fpn_keras" if pyramid else "faster_rcnn_resnet50_keras"
    detector = build_detector(tiny_two_stage(kind))
    before = trainable(detector)
    freeze(detector, words=["backbone"])
    left = trainable(detector)
    features = {id(v) for v in detector.box_features.trainable_variables}
    assert (len(features) > 0) == pyramid
    assert all(not v.trainable for v in detector.backbone.weights)
    assert {path.partition("/")[0] for path in left} >= {"_mask_rcnn_box_predictor"}
    assert len(before - left) >= 17 * 3  # a kernel, a scale and an offset each


@pytest.mark.usefixtures("no_values")
def test_a_number_may_end_in_the_second_stage(monkeypatch):
    make_thin(monkeypatch, "resnet50_v1")
    detector = build_detector(tiny_two_stage("faster_rcnn_resnet50_keras"))
    freeze(detector, words=["backbone:150"])
    names = [layer.name for layer in keras.applications.ResNet50(weights=None).layers[:150]]
    rest = [layer for layer in taken_apart(detector.box_features.layers) if layer.weights]
    assert all(not v.trainable for v in detector.backbone.network.weights)
    held = {layer.name for layer in rest if not any(v.trainable for v in layer.weights)}
    assert held == {layer.name for layer in rest} & set(names)
    assert 0 < len(held) < len(rest)


@pytest.mark.usefixtures("no_values")
def test_a_detector_without_a_neck_says_so(monkeypatch):
    make_thin(monkeypatch, "resnet50_v1")
    make_short(monkeypatch, 50)
    detector = build_detector(tiny_two_stage("faster_rcnn_resnet50_keras"))
    before = trainable(detector)
    with pytest.raises(ConfigError, match="nothing stands between") as caught:
        freeze(detector, words=["neck"])
    assert len(str(caught.value).splitlines()) == 3
    assert trainable(detector) == before
    freeze(detector, words=["all-but-heads"])
    assert all(not v.trainable for v in detector.box_features.weights)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("backbone:9999", r'"backbone:9999": the backbone has 156 layers'),
        ("backbone:1", r'"backbone:1" freezes nothing'),
        ("backbone:block_3_expnd", r'Did you mean "block_3_expand"\?'),
        ("backbone:nothing_like_it", r"model summary FILE --layers` shows all"),
    ],
)
def test_a_word_that_means_nothing_here_is_an_error_and_changes_nothing(word, said, mobilenet):
    detector = mobilenet
    before = trainable(detector)
    with pytest.raises(ConfigError, match=said) as caught:
        freeze(detector, words=[word])
    assert len(str(caught.value).splitlines()) == 3
    assert str(caught.value).startswith("train_config.freeze[0]: ")
    assert trainable(detector) == before


def test_everything_cannot_be_frozen(mobilenet):
    with pytest.raises(ConfigError, match="freeze and freeze_variables freeze everything"):
        freeze(mobilenet, words=["all-but-heads"], freeze_patterns=["_box_predictor"])
    settings = text_format.Parse(
        'freeze: "all-but-heads" learning_rate_factors { heads: 0 }', schema.TrainConfig()
    )
    with pytest.raises(ConfigError, match="freeze and learning_rate_factors freeze everything"):
        Freezing(mobilenet, settings)


def test_a_detector_of_another_package_without_a_backbone_says_what_to_do():
    detector = ToyDetector()
    detector.backbone = None
    before = trainable(detector)
    with pytest.raises(ConfigError, match="ToyDetector does not say what its backbone") as caught:
        freeze(detector, words=["backbone"])
    assert len(str(caught.value).splitlines()) == 3
    assert "freeze_variables" in str(caught.value)
    frozen = freeze(detector, words=["batch-norm"])
    assert len(before - trainable(detector)) == 2
    assert frozen is not None
    assert frozen.parts == {}


def test_a_network_of_keras_counts_its_own_layers_and_keeps_its_statistics():
    detector = ToyDetector()
    conv, norm, depthwise = detector.backbone.layers[1:]
    parts = DetectorParts(detector)
    assert parts.numbers[0].names[1:] == (conv.name, norm.name, depthwise.name)
    freezing = Freezing(detector, schema.TrainConfig(freeze=["backbone:3"]))
    freezing.at(0)
    assert [v.trainable for v in (*conv.weights, *norm.weights)] == [False] * 6
    assert [v.trainable for v in depthwise.weights] == [True] * 2
    assert norm.trainable is False  # statistics, too
    assert parts.variables(Part("batch-norm"), "") == {id(v) for v in norm.weights}


def test_a_batch_norm_of_keras_learns_again_when_it_is_unfrozen():
    detector = ToyDetector()
    norm = detector.backbone.layers[2]
    norm.beta.trainable = False  # by its owner
    text = 'freeze: "backbone" unfreeze_at_step { step: 3 part: "backbone" }'
    freezing = Freezing(detector, text_format.Parse(text, schema.TrainConfig()))
    freezing.at(2)
    assert (norm.trainable, norm.gamma.trainable, norm.beta.trainable) == (False, False, False)
    freezing.at(3)
    assert (norm.trainable, norm.gamma.trainable, norm.beta.trainable) == (True, True, False)
    assert freezing.unfrozen[0].batch_norms == 1
