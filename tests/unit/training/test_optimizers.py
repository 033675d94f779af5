"""Optimizers take the recorded steps, clip as one norm, and average their weights."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.errors import ConfigError
from detectune.training.optimizers import average_decay, build_optimizer

GOLDENS = Path(__file__).parents[2] / "parity" / "goldens"
PROTOS = json.loads((GOLDENS / "optimizers.json").read_text("utf-8"))
CONSTANT = "learning_rate { constant_learning_rate { learning_rate: 0.1 } }"


def optimizer(text: str, **options) -> keras.optimizers.Optimizer:
    return build_optimizer(text_format.Parse(text, schema.Optimizer()), **options)


def numpy(value) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.copy(value))


@pytest.mark.parity
@pytest.mark.parametrize("case", PROTOS)
def test_every_recorded_step_is_reproduced(case):
    recorded = np.load(GOLDENS / "optimizers.npz")
    weight = keras.Variable(recorded[f"{case}/in/v0"])
    built = optimizer(PROTOS[case])
    built.build([weight])
    for gradient, after in zip(
        recorded[f"{case}/in/grads"], recorded[f"{case}/out/vars"], strict=True
    ):
        built.apply([keras.ops.convert_to_tensor(gradient)])
        # Adam divides by 1 − β₂ᵗ, of which float32 keeps about four digits in the first steps.
        np.testing.assert_allclose(numpy(weight), after, rtol=1e-5, atol=2e-6)


@pytest.mark.parity
def test_gradients_are_clipped_by_their_common_norm():
    recorded = np.load(GOLDENS / "optimizers.npz")
    gradients = [recorded[f"clip_by_global_norm_10/in/g{i}"] for i in (0, 1)]
    weights = [keras.Variable(np.zeros_like(gradient)) for gradient in gradients]
    built = optimizer(
        "momentum_optimizer { learning_rate { constant_learning_rate { learning_rate: 1 } } } "
        "use_moving_average: false",
        gradient_clipping_by_norm=10.0,
    )
    built.build(weights)
    built.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients])
    for i, weight in enumerate(weights):
        expected = -recorded[f"clip_by_global_norm_10/out/g{i}"]
        np.testing.assert_allclose(numpy(weight), expected, rtol=1e-6)


def test_zero_norm_does_not_clip():
    built = optimizer(f"momentum_optimizer {{ {CONSTANT} }}", gradient_clipping_by_norm=0.0)
    assert built.global_clipnorm is None


def test_the_average_follows_early_and_smooths_late():
    decays = [float(average_decay(updates, 0.99)) for updates in (0, 1, 10, 10_000)]
    np.testing.assert_allclose(decays, [0.0, 2 / 11, 11 / 20, 0.99], rtol=1e-6)


def test_averaged_weights_are_those_of_the_rule():
    built = optimizer(f"momentum_optimizer {{ {CONSTANT} }} moving_average_decay: 0.5")
    weight = keras.Variable([1.0])
    built.build([weight])
    expected = 0.0
    for updates in range(12):
        built.apply([keras.ops.convert_to_tensor([1.0])])
        kept = min(0.5, (1 + updates) / (10 + updates)) if updates else 0.0
        expected = kept * expected + (1 - kept) * float(numpy(weight)[0])
    assert float(numpy(built.average_of(weight))[0]) == pytest.approx(expected, rel=1e-5)


def test_averages_are_kept_unless_the_config_switches_them_off():
    assert optimizer(f"adam_optimizer {{ {CONSTANT} }}").use_ema
    assert not optimizer(f"adam_optimizer {{ {CONSTANT} }} use_moving_average: false").use_ema


def test_rms_prop_without_decay_follows_its_schedule_alone():
    built = optimizer(f"rms_prop_optimizer {{ {CONSTANT} decay: 0 }} use_moving_average: false")
    weight = keras.Variable([0.0])
    built.build([weight])
    built.iterations.assign(1000)
    assert float(keras.ops.convert_to_tensor(built.learning_rate)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "no optimizer is chosen"), ("adam_optimizer {}", "no schedule is chosen")],
)
def test_an_optimizer_needs_a_kind_and_a_rate(text, found):
    with pytest.raises(ConfigError, match=found):
        optimizer(text)


def test_rms_prop_of_a_tf1_config_remembers_squared_gradients_by_its_decay():
    # By hand, as tf.compat.v1.train.RMSPropOptimizer computes: memory from 1, epsilon inside.
    text = f"rms_prop_optimizer {{ {CONSTANT} decay: 0.5 momentum_optimizer_value: 0.25 "
    built = optimizer(text + "epsilon: 1 } use_moving_average: false", tf1=True)
    variable = keras.Variable([1.0])
    built.build([variable])
    rate = float(built.learning_rate)
    memory, step, value = 1.0, 0.0, 1.0
    for gradient in (2.0, -1.0, 0.5):
        built.apply([np.array([gradient], np.float32)], [variable])
        memory = 0.5 * memory + 0.5 * gradient**2
        step = 0.25 * step + rate * gradient / np.sqrt(memory + 1.0)
        value -= step
        np.testing.assert_allclose(np.asarray(variable), [value], rtol=1e-6)
    assert float(built.learning_rate) == rate
