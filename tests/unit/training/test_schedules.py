"""Schedules give the recorded rates, run compiled, and refuse contradictory numbers."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.errors import ConfigError
from detectune.training.schedules import build_schedule
from detectune.training.weights import array_of

GOLDENS = Path(__file__).parents[2] / "parity" / "goldens"
PROTOS = json.loads((GOLDENS / "learning_rates.json").read_text("utf-8"))


def schedule(text: str):
    return build_schedule(text_format.Parse(text, schema.LearningRate()))


@pytest.mark.parity
@pytest.mark.parametrize("case", PROTOS)
def test_every_recorded_rate_is_reproduced(case):
    recorded = np.load(GOLDENS / "learning_rates.npz")
    built = schedule(PROTOS[case])
    rates = [float(built(int(step))) for step in recorded[f"{case}/in/steps"]]
    # 1e-6 is absolute: the largest recorded rate is 0.08 and both sides are float32.
    np.testing.assert_allclose(rates, recorded[f"{case}/out/lr"], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "step", "rate"),
    [
        ("constant_learning_rate {}", 123, 0.002),
        ("exponential_decay_learning_rate {}", 3_999_999, 0.002),
        ("exponential_decay_learning_rate {}", 4_000_000, 0.0019),
        ("manual_step_learning_rate {}", 50, 0.002),
        ("cosine_decay_learning_rate {}", 5_000, 0.0011),
        ("cosine_decay_learning_rate {}", 10_000, 0.002),
    ],
)
def test_unwritten_fields_take_the_defaults_of_the_proto(text, step, rate):
    assert float(schedule(text)(step)) == pytest.approx(rate, abs=1e-8)


def test_a_total_equal_to_the_warmup_stays_finite():
    built = schedule(
        "cosine_decay_learning_rate { learning_rate_base: 0.1 total_steps: 10 warmup_steps: 10 }"
    )
    assert float(built(10)) == pytest.approx(0.1)
    assert float(built(11)) == 0.0


@pytest.mark.parametrize("case", PROTOS)
def test_an_optimizer_reads_the_schedule_at_its_own_step(case):
    built = schedule(PROTOS[case])
    optimizer = keras.optimizers.SGD(built)
    weight = keras.Variable([0.0])
    optimizer.build([weight])
    optimizer.iterations.assign(500)
    optimizer.apply([keras.ops.ones([1])])
    moved = -float(array_of(weight)[0])
    assert moved == pytest.approx(float(built(500)), rel=1e-6)


def test_a_schedule_is_rebuilt_from_its_config():
    built = schedule(PROTOS["cosine_hold"])
    again = type(built).from_config(built.get_config())
    assert float(again(1234)) == float(built(1234))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no schedule is chosen"),
        ("cosine_decay_learning_rate { total_steps: 500 }", "total_steps 500 is smaller"),
        (
            "cosine_decay_learning_rate { learning_rate_base: 1e-4 warmup_learning_rate: 1e-3 }",
            "is larger than learning_rate_base 0.0001",
        ),
        ("exponential_decay_learning_rate { decay_steps: 0 }", "decay_steps: 0"),
        (
            "manual_step_learning_rate { schedule { step: 9 } schedule { step: 9 } }",
            r"the steps are \[9, 9\]",
        ),
        (
            "manual_step_learning_rate { warmup: true schedule { step: 0 } }",
            r"the steps are \[0\]",
        ),
    ],
)
def test_contradictory_numbers_are_refused(text, found):
    with pytest.raises(ConfigError, match=found):
        schedule(text)
