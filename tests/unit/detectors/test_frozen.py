"""What is frozen is computed as in inference, and everything that is learned stays the same."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import compiled, random_batch, tiny_config, train_steps
from tiny_two_stage import make_short, make_thin, tiny_two_stage
from toy import ToyDetector

from detectune.backbones.frozen_prefix import frozen_prefix
from detectune.detectors.build import build_detector
from detectune.detectors.frozen import forget_frozen, prepare_frozen
from detectune.detectors.ssd import SSD
from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.layers.conv_norm import ConvNorm
from detectune.layers.folding import FoldedConv
from detectune.structures import Inputs
from detectune.training.freezing import freeze

BACKBONE = "classification_backbone"
V2 = "ssd_mobilenet_v2_fpn_keras"


@pytest.fixture(autouse=True)
def _small_backbone(monkeypatch):
    register_small_backbone(monkeypatch)


@pytest.fixture(scope="module")
def mobilenet():
    """With a backbone that is frozen, which no test changes."""
    return made(tiny_config(extractor=V2).model, f"{BACKBONE}/")


def small():
    return tiny_config(extractor=EXTRACTOR).model


def with_statistics(network):
    """`network` whose batch norms have the statistics of some images."""
    norms = [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, layers.BatchNormalization) and layer.weights
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    images = np.random.default_rng(2).uniform(-1, 1, (2, 64, 64, 3))
    network([images] if isinstance(network.input, list) else images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network


def made(model, pattern, rate=0.01, *, eager=False):
    keras.utils.set_random_seed(4)
    detector = build_detector(model)
    with_statistics(detector.backbone.network)
    freeze(detector, freeze_patterns=[pattern], update_patterns=[])
    return compiled(detector, keras.optimizers.SGD(rate), eager=eager)


def losses(detector, count=3):
    return train_steps(detector, random_batch(), count)


def values(detector, *, trainable):
    return [np.asarray(v) for v in detector.weights if v.trainable is trainable]


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("type_name", "pattern", "whole", "tolerance"),
    [
        (EXTRACTOR, f"{BACKBONE}/", True, 1e-5),
        (EXTRACTOR, "^(conv|norm)[12]/", False, 1e-5),
        pytest.param(V2, f"{BACKBONE}/", True, 1e-5, marks=slow),
        # The first of 17 blocks, and the layers before them.
        pytest.param(V2, "/MobilenetV2/(Conv|expanded_conv)/", False, 1e-4, marks=slow),
        pytest.param(
            "ssd_mobilenet_v1_fpn_keras", r"MobilenetV1/Conv2d_\d(_|/)", False, 1e-5, marks=slow
        ),
        pytest.param("ssd_mobilenet_v2_keras", f"{BACKBONE}/", True, 1e-4, marks=slow),
        ("faster_rcnn_resnet50_keras", "^FirstStageFeatureExtractor/", True, 1e-5),
        pytest.param("faster_rcnn_resnet50_fpn_keras", r"/conv\d_", True, 1e-4, marks=slow),
    ],
)
def test_losses_are_the_same_and_what_is_frozen_stays(
    monkeypatch, type_name, pattern, whole, tolerance
):
    make_thin(monkeypatch, "resnet50_v1")
    make_short(monkeypatch, 50)
    model = (
        tiny_config(extractor=type_name).model
        if type_name.startswith("ssd") and "_fpn_" in type_name
        else _without_pyramid(type_name)
        if type_name.startswith("ssd")
        else tiny_two_stage(type_name)
    )
    # On maps of four pixels batch statistics of two images make a large difference of a small one.
    rate = 0.01 if tolerance == 1e-5 else 1e-6
    eager = type_name != EXTRACTOR or not whole  # one is traced, as users' steps are
    before, cheap = (made(model, pattern, rate, eager=eager) for _ in range(2))
    frozen = prepare_frozen(cheap)
    assert frozen is not None
    assert frozen.prefix.whole is whole
    kept = values(cheap, trainable=False)
    expected, found = losses(before), losses(cheap)
    for one, other in zip(expected, found, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_allclose(other[name], value, rtol=tolerance, atol=1e-7, err_msg=name)
    frozen_ones = {id(variable) for variable in frozen.variables}
    for variable, value in zip([v for v in cheap.weights if not v.trainable], kept, strict=True):
        if id(variable) in frozen_ones:
            np.testing.assert_array_equal(np.asarray(variable), value)
    for one, other in zip(
        values(before, trainable=True), values(cheap, trainable=True), strict=True
    ):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)


def _without_pyramid(type_name):
    config = tiny_config(extractor=type_name)
    ssd = config.model.ssd
    ssd.feature_extractor.ClearField("fpn")
    ssd.feature_extractor.use_depthwise = False
    ssd.feature_extractor.num_layers = 6
    ssd.ClearField("anchor_generator")
    ssd.anchor_generator.ssd_anchor_generator.num_layers = 6
    ssd.anchor_generator.ssd_anchor_generator.min_scale = 0.2
    ssd.anchor_generator.ssd_anchor_generator.max_scale = 0.9
    ssd.box_predictor.ClearField("weight_shared_convolutional_box_predictor")
    predictor = ssd.box_predictor.convolutional_box_predictor
    predictor.kernel_size = 1
    predictor.conv_hyperparams.CopyFrom(ssd.feature_extractor.conv_hyperparams)
    return config.model


def test_every_batch_norm_is_folded_into_the_convolution_before_it(mobilenet):
    frozen = prepare_frozen(mobilenet)
    assert frozen is not None
    operations = [step.operation for step in frozen.prefix.begin.steps]
    norms = (FreezableBatchNormalization, ConvNorm, layers.Conv2D, layers.DepthwiseConv2D)
    assert not any(isinstance(operation, norms) for operation in operations)
    count = sum(
        isinstance(layer, FreezableBatchNormalization)
        for layer in frozen.backbone.network._flatten_layers()
    )
    assert sum(isinstance(operation, FoldedConv) for operation in operations) == count > 40


def test_nothing_is_cut_where_nothing_is_frozen_or_where_statistics_are_learned():
    detector = build_detector(tiny_config().model)
    assert prepare_frozen(detector) is None
    assert detector.frozen is None
    # Kernels alone: each batch norm goes on with the statistics of the batch.
    freeze(detector, freeze_patterns=["weights$", "kernel$"], update_patterns=[])
    assert prepare_frozen(detector) is None


def test_frozen_layers_behind_others_that_train_are_no_beginning():
    detector = build_detector(small())
    freeze(detector, freeze_patterns=["^(conv|norm)[345]/"], update_patterns=[])
    assert not detector.backbone.network.get_layer("conv3").trainable_variables
    assert prepare_frozen(detector) is None


def test_a_frozen_neck_behind_a_frozen_backbone_belongs_to_it():
    model = small()
    detector = made(model, "^_feature_extractor/", eager=True)
    frozen = prepare_frozen(detector)
    assert frozen is not None
    assert frozen.with_neck
    images, _ = random_batch()
    kept = frozen.begin(images)
    assert [tuple(one.shape) for one in kept] == [
        (2, 8, 8, 16), (2, 4, 4, 16), (2, 2, 2, 16)
    ]  # fmt: skip
    assert frozen.go_on(kept, images)[0] is kept[0]
    expected = losses(made(model, "^_feature_extractor/", eager=True))
    for one, other in zip(expected, losses(detector), strict=True):
        np.testing.assert_allclose(other["total_loss"], one["total_loss"], rtol=1e-5)


def test_a_detector_with_features_of_its_own_is_left_as_it_is():
    class Brighter(SSD):
        def features(self, images, training=False):
            return super().features(images * 1.1, training=training)

    class Described(Brighter):
        @property
        def feature_parts(self):
            return self.backbone, self.neck

    detector = made(small(), f"{BACKBONE}/")
    assert prepare_frozen(detector) is not None
    detector.__class__ = Brighter
    assert prepare_frozen(detector) is None
    assert detector.frozen is None
    detector.__class__ = Described
    assert prepare_frozen(detector) is not None
    # Nothing is known of a detector that does not say what its features are made of.
    assert prepare_frozen(ToyDetector()) is None


def test_kept_maps_stand_for_images(mobilenet):
    detector = mobilenet
    frozen = prepare_frozen(detector)
    assert frozen is not None
    images, _ = random_batch()
    expected = detector(images, training=True)
    size_only = images[..., :0]
    given = Inputs(images=size_only, kept=[np.asarray(one) for one in frozen.begin(images)])
    found = detector(given, training=True)
    np.testing.assert_allclose(found.class_logits, expected.class_logits, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(detector.anchors_of(given, found).shape[1], 4)


def test_unfreezing_in_the_middle_ends_it_and_everything_learns_again():
    detector = made(small(), f"{BACKBONE}/", eager=True)
    assert prepare_frozen(detector) is not None
    first = detector.backbone.network.get_layer("conv1").kernel
    before = np.asarray(first)
    losses(detector, 1)
    np.testing.assert_array_equal(np.asarray(first), before)
    for variable in detector.backbone.variables:
        if "moving" not in variable.name and "seed" not in variable.name:
            variable.trainable = True
    assert prepare_frozen(detector) is None
    compiled(detector, keras.optimizers.SGD(0.1), eager=True)
    losses(detector, 1)
    assert np.abs(np.asarray(first) - before).max() > 0.0


def test_it_is_forgotten_and_the_step_is_compiled_anew():
    detector = made(small(), f"{BACKBONE}/")
    prepare_frozen(detector)
    losses(detector, 1)
    compiled_before = detector.train_function
    forget_frozen(detector)
    assert detector.frozen is None
    assert detector.train_function is not compiled_before
    losses(detector, 1)


def network(*, rate=0.5):
    """Two convolutions, and dropout between and behind them."""
    images = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, name="first", use_bias=True)(images)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dropout(rate, name="between")(x)
    x = layers.SeparableConv2D(4, 3, name="second", use_bias=False)(x)
    x = layers.BatchNormalization(name="last_norm", scale=False)(x)
    x = layers.Dropout(rate, name="behind")(x)
    return with_statistics(keras.Model(images, layers.Conv2D(2, 1, name="third")(x)))


def test_any_functional_network_is_cut_and_drops_nothing_in_its_frozen_part():
    net = network()
    for name in ("first", "norm", "second", "last_norm"):
        net.get_layer(name).trainable = False
    prefix = frozen_prefix(net)
    assert prefix is not None
    names = [getattr(step.operation, "name", "folded") for step in prefix.begin.steps]
    assert names == ["folded", "between", "folded"]
    assert [step.operation.name for step in prefix.rest.steps] == ["behind", "third"]
    images = np.random.default_rng(0).normal(size=(2, 9, 9, 3)).astype(np.float32)
    (cut,) = prefix.begin([images], training=False)
    (found,) = prefix.rest([cut], training=False)
    np.testing.assert_allclose(found, net(images, training=False), rtol=1e-4, atol=1e-5)
    # Nobody else sees it: the layers are called as often as before.
    assert all(len(layer._inbound_nodes) == 1 for layer in net.layers)
    assert net.get_layer("first").output.shape[-1] == 4


def test_batch_norms_that_would_learn_end_the_beginning():
    net = network()
    for variable in net.variables:
        variable.trainable = False  # one by one: as layers they go on learning statistics
    prefix = frozen_prefix(net)
    assert prefix is not None
    assert [layer.name for layer in prefix.layers] == ["first"]


def test_a_layer_that_keeps_numbers_of_its_own_in_training_is_not_frozen():
    class Counting(layers.Layer):
        def build(self, input_shape):
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, inputs, training=False):
            if training:
                self.seen.assign_add(1.0)
            return ops.copy(inputs)

    images = keras.Input((8, 8, 3))
    x = Counting(name="counting")(layers.Conv2D(4, 3, name="first")(images))
    net = keras.Model(images, layers.Conv2D(2, 1)(x))
    net.get_layer("first").trainable = False
    prefix = frozen_prefix(net)
    assert prefix is not None
    assert [step.operation.name for step in prefix.begin.steps] == ["first"]


def test_a_nested_network_is_frozen_as_a_whole_or_not_at_all():
    inner = network()
    images = keras.Input((16, 16, 3))
    outer = keras.Model(images, layers.Conv2D(2, 1)(inner(images)))
    assert frozen_prefix(outer) is None
    inner.trainable = False
    prefix = frozen_prefix(outer)
    assert prefix is not None
    assert prefix.layers == [inner]
