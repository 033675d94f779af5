"""Domain-adversarial training: reversed gradients, and detection losses that do not notice it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from small_backbone import EXTRACTOR, REGION_EXTRACTOR, register_small_backbone
from tiny import SIDE, random_batch, tiny_config
from tiny_two_stage import batch_with_masks, tiny_two_stage

from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.config.domain_adaptation import adaptation_of
from detectune.data.domains import with_target
from detectune.detectors.build import build_detector
from detectune.detectors.domain_adversary import (
    DomainAdversary,
    MapTerm,
    Reversal,
    _Domain,
    inside_pictures,
)
from detectune.errors import ConfigError
from detectune.layers.scaled_gradient import scaled_gradient
from detectune.training.domain_adaptation import build_adversary
from detectune.training.optimizers import Pace, build_optimizer
from detectune.training.state import Progress, read_state, write_state
from detectune.training.weights import array_of, batch_norms, network_variables, snapshot

OPTIMIZER = """momentum_optimizer {
  learning_rate { constant_learning_rate { learning_rate: 0.05 } } momentum_optimizer_value: 0.9
} use_moving_average: false"""


def block(text: str = "image_level { channels: 8 }") -> schema.TrainConfig:
    settings = schema.TrainConfig(num_steps=10, seed=1)
    target = 'target_input_reader { source: "images:new" }'
    text_format.Parse(f"{target} {text}", settings.domain_adaptation)
    return settings


def prepared(
    model: schema.DetectionModel, text: str | None, clip: float = 0.5, micro_batches: int = 1
):
    """A detector ready for `train_on_batch`, with the block `text` if it is not None."""
    keras.utils.set_random_seed(4)
    detector = build_detector(model)
    detector.use_regularization = False
    paces = {}
    if text is not None:
        settings = block(text)
        settings.gradient_accumulation_steps = micro_batches
        adaptation = adaptation_of(settings)
        assert adaptation is not None
        extra = build_adversary(detector, adaptation, settings)
        detector.add_losses(extra)
        paces = {id(variable): Pace(1.0, apart=True) for variable in extra.trainable_variables}
    optimizer = build_optimizer(
        text_format.Parse(OPTIMIZER, schema.Optimizer()),
        gradient_clipping_by_norm=clip,
        accumulation_steps=micro_batches,
    )
    detector.compile(optimizer=optimizer, run_eagerly=True)
    optimizer.build(detector.trainable_variables)
    optimizer.set_paces(paces)
    return detector


def small(monkeypatch: pytest.MonkeyPatch, text: str | None):
    register_small_backbone(monkeypatch)
    return prepared(tiny_config(extractor=EXTRACTOR).model, text)


def target(seed: int, count: int = 2) -> dict[str, np.ndarray]:
    images = np.random.default_rng(seed).uniform(0, 90, (count, SIDE, SIDE, 3))
    return {"images": images.astype(np.float32), "sizes": np.full((count, 2), SIDE, np.float32)}


def steps(detector, numbers, seed: int = 1) -> list[dict[str, float]]:
    """The losses of a step for each of `numbers`, which chooses the target images."""
    images, truth = random_batch()
    found = []
    for number in numbers:
        detector.reset_metrics()
        inputs = {"images": images}
        if detector.extra_losses is not None:
            inputs["target"] = target(100 * seed + number)
        losses = detector.train_on_batch(inputs, truth.as_batch(), return_dict=True)
        found.append({name: float(value) for name, value in losses.items()})
    return found


# --- the reversed gradient ----------------------------------------------------------------------


@pytest.mark.parametrize("factor", [-0.3, -1.0, 0.0, 2.5])
def test_a_scaled_gradient_leaves_values_alone_and_multiplies_the_gradient(factor):
    values = tf.constant(np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        plain = tf.reduce_sum(tf.sin(values) ** 2)
        scaled_values = scaled_gradient(values, factor)
        scaled = tf.reduce_sum(tf.sin(scaled_values) ** 2)
    np.testing.assert_array_equal(scaled_values, values)
    wanted = factor * tape.gradient(plain, values).numpy()
    np.testing.assert_allclose(tape.gradient(scaled, values), wanted, rtol=1e-6, atol=1e-7)


def adversary(reversal: Reversal, weight: float = 0.5) -> DomainAdversary:
    return DomainAdversary(
        map_channels=[4],
        region_shape=None,
        reversal=reversal,
        maps=MapTerm(weight, (0,), 8),
        regions=None,
    )


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_features_get_minus_lambda_times_the_plain_gradient_and_the_discriminator_all(label):
    extra = adversary(Reversal(10), weight=0.5)
    maps = tf.constant(np.random.default_rng(2).normal(size=(2, 3, 5, 4)).astype(np.float32))
    inside = np.ones((2, 3, 5), np.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(maps)
        logits = extra.of_maps[0](maps)
        plain = tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(logits.shape, label), logits)
        )
        said, _ = extra._told("image", _Domain(label, [maps], [inside]), 0.8)
    np.testing.assert_allclose(said, plain, rtol=1e-5)
    wanted = -0.8 * 0.5 * tape.gradient(plain, maps).numpy()
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(tape.gradient(said, maps), wanted, rtol=1e-4, atol=1e-8)
    own = [variable.value for variable in extra.trainable_variables]
    for one, other in zip(tape.gradient(said, own), tape.gradient(plain, own), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("step", [0, 1, 5, 10, 25])
def test_lambda_follows_the_published_schedule(step):
    progress = min(step / 10, 1.0)
    wanted = 0.7 * (2 / (1 + np.exp(-10 * progress)) - 1)
    found = Reversal(10, final_lambda=0.7)(np.float32(step))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


# --- detection losses ---------------------------------------------------------------------------


def test_with_lambda_0_losses_and_weights_are_those_without_the_block(monkeypatch):
    plain = small(monkeypatch, None)
    adapted = small(monkeypatch, "image_level { channels: 8 } final_lambda: 0")
    wanted, found = steps(plain, range(3)), steps(adapted, range(3))
    for one, other in zip(wanted, found, strict=True):
        for name in plain.loss_names:
            assert other[name] == pytest.approx(one[name], rel=1e-6)
        assert other["domain_image_loss"] == pytest.approx(np.log(2), abs=0.05)
        assert other["total_loss"] == pytest.approx(
            one["total_loss"] + other["domain_image_loss"], rel=1e-6
        )
    for one, other in zip(variable_keys(plain), variable_keys(adapted), strict=True):
        assert one.key == other.key
        np.testing.assert_allclose(
            array_of(one.variable), array_of(other.variable), rtol=1e-6, atol=1e-7
        )


def test_target_images_change_no_detection_loss_and_no_statistics(monkeypatch):
    found, moving = [], []
    for seed in (1, 2):
        detector = small(monkeypatch, "image_level { channels: 8 weight: 1 }")
        assert isinstance(detector.extra_losses, DomainAdversary)
        detector.extra_losses.steps.assign(5.0)
        found.append(steps(detector, range(1), seed)[0])
        moving.append([array_of(v) for v in detector.weights if "moving_" in v.path])
    for name in detector.loss_names:
        assert found[0][name] == found[1][name]
    assert found[0]["domain_image_loss"] != found[1]["domain_image_loss"]
    assert moving[0]
    for one, other in zip(*moving, strict=True):
        np.testing.assert_array_equal(one, other)


def test_reversal_changes_the_features(monkeypatch):
    kernels = []
    for factor in (0, 1):
        text = f"image_level {{ channels: 8 weight: 10 }} final_lambda: {factor}"
        detector = small(monkeypatch, text)
        detector.extra_losses.steps.assign(5.0)
        steps(detector, range(1))
        kernels.append(array_of(detector.backbone.network.get_layer("conv1").kernel))
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-6


def test_a_two_stage_detector_has_all_terms(monkeypatch):
    register_small_backbone(monkeypatch)
    model = tiny_two_stage(REGION_EXTRACTOR)
    text = "image_level { channels: 8 level: 1 } consistency_weight: 0.5 "
    detector = prepared(model, text + "instance_level { units: 8 proposals: 4 }")
    images, truth = batch_with_masks()
    inputs = {"images": images, "target": target(3, len(images))}
    found = detector.train_on_batch(inputs, truth.as_batch(), return_dict=True)
    assert float(found["domain_image_loss"]) == pytest.approx(np.log(2), abs=0.05)
    assert float(found["domain_instance_loss"]) == pytest.approx(np.log(2), abs=0.05)
    assert 0 <= float(found["domain_consistency_loss"]) < 0.1
    before = [array_of(v) for v in detector.extra_losses.of_regions.trainable_variables]
    detector.train_on_batch(inputs, truth.as_batch())
    after = [array_of(v) for v in detector.extra_losses.of_regions.trainable_variables]
    assert any(np.abs(one - other).max() > 0 for one, other in zip(before, after, strict=True))


def test_fast_rcnn_looks_at_the_proposals_of_both_domains(monkeypatch):
    register_small_backbone(monkeypatch)
    model, own = tiny_two_stage(REGION_EXTRACTOR), schema.DetectionModel()
    given = {f.name for f in own.fast_rcnn.DESCRIPTOR.fields}
    for field, value in model.faster_rcnn.ListFields():
        if field.name in given and not field.is_repeated and field.message_type:
            getattr(own.fast_rcnn, field.name).CopyFrom(value)
        elif field.name in given:
            setattr(own.fast_rcnn, field.name, value)
    own.fast_rcnn.max_proposals = own.fast_rcnn.second_stage_batch_size = 4
    detector = prepared(own, "instance_level { units: 8 proposals: 4 }")
    images, truth = random_batch()
    boxes = np.array([[[8, 8, 40, 40], [0, 0, 30, 60], [20, 4, 60, 30], [0, 0, 0, 0]]] * 2, "f")
    inputs = {"images": images, "proposals": boxes, "target": target(3) | {"proposals": boxes}}
    first = detector.train_on_batch(inputs, truth.as_batch(), return_dict=True)
    assert float(first["domain_instance_loss"]) == pytest.approx(np.log(2), abs=0.05)
    assert set(detector.extra_losses.report().numbers) == {
        "Domain/lambda", "Domain/instance_accuracy", "Domain/instance_a_distance",
    }  # fmt: skip


# --- micro-batches ------------------------------------------------------------------------------


def test_lambda_is_the_same_for_all_micro_batches_of_a_step():
    extra = adversary(Reversal(10, micro_batches=3))
    seen = []
    for _ in range(7):
        seen.append((float(extra.steps), float(extra.lambda_now)))
        extra._count([np.float32(0.7)], [np.float32([0.5, 1.0])])
    assert [step for step, _ in seen] == [0, 0, 0, 1, 1, 1, 2]
    assert len({factor for _, factor in seen}) == 3
    numbers, _ = extra.report()
    assert numbers["Domain/image_accuracy"] == pytest.approx(0.75)


def test_micro_batches_make_the_same_step_as_a_whole_batch(monkeypatch):
    images, truth = random_batch()
    label = truth.as_batch()
    register_small_backbone(monkeypatch)
    found = []
    for count in (1, 2):
        model = tiny_config(extractor=EXTRACTOR).model
        detector = prepared(model, "image_level { channels: 8 weight: 5 }", micro_batches=count)
        for norm in batch_norms(detector):
            norm.trainable = False  # its statistics are those of a micro-batch
        detector.extra_losses.steps.assign(4.0)
        # Equal halves, for the losses of the detector count matches of a micro-batch.
        given = {"images": np.concatenate([images, images]), "target": target(5, 4)}
        known = {name: np.concatenate([value, value]) for name, value in label.items()}
        for part in range(count):
            rows = slice(part * 4 // count, (part + 1) * 4 // count)
            inputs = {
                "images": given["images"][rows],
                "target": {name: value[rows] for name, value in given["target"].items()},
            }
            detector.train_on_batch(inputs, {name: value[rows] for name, value in known.items()})
        extra = detector.extra_losses
        found.append(
            (
                float(extra.steps),
                extra.report().numbers["Domain/image_accuracy"],
                [array_of(v) for v in detector.trainable_variables],
            )
        )
    (step, accuracy, whole), (other_step, other_accuracy, parts) = found
    assert step == other_step == 5
    assert other_accuracy == pytest.approx(accuracy, abs=1e-6)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


# --- the state ----------------------------------------------------------------------------------


def test_discriminators_are_in_the_state_and_in_no_checkpoint(monkeypatch, tmp_path):
    whole = small(monkeypatch, "")
    steps(whole, range(1))
    write_state(tmp_path / "state-1.npz", whole, snapshot(whole), Progress(step=1))
    resumed = small(monkeypatch, "")
    read_state(tmp_path / "state-1.npz", resumed)
    pairs = zip(
        [*network_variables(whole), *whole.optimizer.variables],
        [*network_variables(resumed), *resumed.optimizer.variables],
        strict=True,
    )
    for one, other in pairs:
        np.testing.assert_array_equal(array_of(one), array_of(other))
    assert float(resumed.extra_losses.steps) == float(resumed.extra_losses.counted) == 1
    assert not [row.path for row in variable_keys(whole) if "domain" in row.path]
    assert any("domain_adversary" in v.path for v in network_variables(whole))


# --- what is said -------------------------------------------------------------------------------


def test_the_report_has_accuracy_and_distance_since_the_one_before():
    extra = adversary(Reversal(10))
    extra.steps.assign(10.0)
    extra.right.assign(np.array([[3.0, 2.0]], np.float32))
    extra.said.assign(np.array([2.8], np.float32))
    extra.counted.assign(4.0)
    numbers, warnings = extra.report()
    assert numbers["Domain/image_accuracy"] == pytest.approx(0.625)
    assert numbers["Domain/image_a_distance"] == pytest.approx(2 * (1 - 2 * 0.375))
    assert numbers["Domain/lambda"] == pytest.approx(2 / (1 + np.exp(-10)) - 1)
    assert warnings == {}
    assert set(extra.report().numbers) == {"Domain/lambda"}


def report_of(source: float, target: float, said: float, **reversal) -> dict[str, str]:
    """The warnings after 4 micro-batches with these accuracies and this cross-entropy, λ grown."""
    extra = adversary(Reversal(10, **reversal))
    extra.steps.assign(5.0)
    extra.right.assign(np.array([[4 * source, 4 * target]], np.float32))
    extra.said.assign(np.array([4 * said], np.float32))
    extra.counted.assign(4.0)
    return extra.report().warnings


def test_a_discriminator_that_has_won_is_said_once_lambda_has_grown():
    said = report_of(0.97, 0.96, 0.1)
    assert list(said) == ["the image-level discriminator has won"]
    assert "Raise image_level.weight" in said["the image-level discriminator has won"]
    assert report_of(0.97, 0.96, 0.1, steepness=0.1) == {}
    assert report_of(0.97, 0.96, 0.1, final_lambda=0.0) == {}
    assert report_of(0.9, 0.6, 0.6) == {}


@pytest.mark.parametrize(("source", "wanted"), [(1.0, "source"), (0.0, "target")])
def test_a_discriminator_that_says_one_thing_only_and_is_sure_has_collapsed(source, wanted):
    said = report_of(source, 1.0 - source, 2.5)
    assert list(said) == ["the image-level discriminator has collapsed"]
    assert f"it calls nearly everything {wanted}" in next(iter(said.values()))


@pytest.mark.parametrize(("source", "target"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_a_discriminator_that_cannot_tell_may_lean_to_one_side(source, target):
    assert report_of(source, target, np.log(2)) == {}


def test_padding_is_not_looked_at():
    maps = np.zeros((2, 4, 4, 1), np.float32)
    inside = np.array(inside_pictures(maps, np.array([[8.0, 4.0], [2.0, 8.0]]), (8, 8)))
    assert inside[0].tolist() == [[1, 1, 0, 0]] * 4
    assert inside[1].tolist() == [[1, 1, 1, 1], [0] * 4, [0] * 4, [0] * 4]
    assert np.all(inside_pictures(maps, None, (8, 8)) == 1)


def test_a_batch_has_the_target_images_and_nothing_of_what_is_in_them():
    own = tf.data.Dataset.from_tensors(({"images": [1.0]}, {"boxes": [2.0], "sizes": [3.0]}))
    other = tf.data.Dataset.from_tensors(({"images": [4.0]}, {"boxes": [5.0], "sizes": [6.0]}))
    inputs, truth = next(iter(with_target(own, other)))
    assert inputs["images"].numpy().tolist() == [1.0]
    assert {name: value.numpy().tolist() for name, value in inputs["target"].items()} == {
        "images": [4.0],
        "sizes": [6.0],
    }
    assert truth["boxes"].numpy().tolist() == [2.0]


@pytest.mark.parametrize(
    ("levels", "said"),
    [("level: 7", "there is no map 7"), ("level: 1 level: 1", "a map is named twice")],
)
def test_a_level_that_is_not_there_is_refused(monkeypatch, levels, said):
    with pytest.raises(ConfigError, match=said) as error:
        small(monkeypatch, f"image_level {{ {levels} }}")
    assert "The detector has 3 maps, 0 the finest." in str(error.value)
