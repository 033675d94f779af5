"""A batch that is computed in micro-batches makes the same step as one computed at once."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.config.conflicts import training_conflicts
from detectune.training.callbacks import OncePerStep
from detectune.training.optimizers import build_optimizer
from detectune.training.state import Progress, read_state, write_state
from detectune.training.weights import array_of, snapshot, use_averages

RATE = """learning_rate { manual_step_learning_rate {
  initial_learning_rate: 0.1 schedule { step: 2 learning_rate: 0.01 }
} }"""
PLAIN = f"momentum_optimizer {{ {RATE} momentum_optimizer_value: 0.0 }} use_moving_average: false"
AVERAGED = f"momentum_optimizer {{ {RATE} }} use_moving_average: true"
ADAM = f"adam_optimizer {{ {RATE} }} use_moving_average: true"
STEPS, BATCH = 4, 6


def _model(text: str, micro_batches: int) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)])
    model.build((None, 5))
    model.layers[0].bias.trainable = False
    optimizer = build_optimizer(
        text_format.Parse(text, schema.Optimizer()),
        gradient_clipping_by_norm=0.7,
        accumulation_steps=micro_batches,
    )
    model.compile(optimizer=optimizer, loss="mse")
    optimizer.build(model.trainable_variables)
    return model


class _Seen(keras.callbacks.Callback):
    """Which steps it is told of, with which learning rate."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[int] = []
        self.ended: list[tuple[int, float]] = []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append((batch, float(self.model.optimizer.learning_rate)))


def _fit(text: str, micro_batches: int) -> tuple[keras.Model, _Seen]:
    model, seen, random = _model(text, micro_batches), _Seen(), np.random.default_rng(0)
    inputs = random.normal(size=(STEPS * BATCH, 5)).astype(np.float32)
    targets = random.normal(size=(STEPS * BATCH, 2)).astype(np.float32)
    model.fit(
        inputs, targets, batch_size=BATCH // micro_batches, shuffle=False, verbose=0,
        callbacks=[OncePerStep([seen], micro_batches)],
    )  # fmt: skip
    return model, seen


@pytest.mark.parametrize("text", [PLAIN, AVERAGED, ADAM], ids=["plain", "averaged", "adam"])
def test_weights_averages_and_rates_are_those_of_whole_batches(text):
    whole, seen_whole = _fit(text, 1)
    accumulated, seen_accumulated = _fit(text, 3)
    assert seen_accumulated.begun == seen_whole.begun == list(range(STEPS))
    assert seen_accumulated.ended == seen_whole.ended
    for optimizer in (whole.optimizer, accumulated.optimizer):
        assert int(optimizer.iterations) == STEPS
    if whole.optimizer.use_ema:
        for model in (whole, accumulated):
            use_averages(model)
    for one, other in zip(whole.get_weights(), accumulated.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_run_goes_on_with_another_number_of_micro_batches(tmp_path):
    whole, _ = _fit(AVERAGED, 3)
    state = tmp_path / "state.npz"
    write_state(state, whole, snapshot(whole), Progress(step=STEPS))
    for micro_batches in (1, 2):
        model = _model(AVERAGED, micro_batches)
        assert read_state(state, model).step == STEPS
        assert int(model.optimizer.iterations) == STEPS
        kept = [v for v in model.optimizer.variables if "accumulator" not in v.name][1:]
        wanted = [v for v in whole.optimizer.variables if "accumulator" not in v.name][1:]
        for one, other in zip(kept, wanted, strict=True):
            np.testing.assert_array_equal(array_of(one), array_of(other))


@pytest.mark.parametrize(
    ("train", "model", "said"),
    [
        ("batch_size: 8 gradient_accumulation_steps: 3", "", "in 3 equal parts"),
        ("batch_size: 8 gradient_accumulation_steps: 0", "", "in 0 equal parts"),
        (
            "batch_size: 8 gradient_accumulation_steps: 2",
            "ssd { normalize_loss_by_num_matches: false }",
            "a sum over the images",
        ),
    ],
)
def test_micro_batches_that_make_no_sense_are_refused(train, model, said):
    text = f"train_config {{ {train} }} model {{ {model} }}"
    config = text_format.Parse(text, schema.TrainEvalPipelineConfig())
    (problem,) = training_conflicts(config)
    assert problem.severity == "error"
    assert said in problem.found


def test_a_batch_may_be_computed_one_image_at_a_time():
    text = "train_config { batch_size: 8 gradient_accumulation_steps: 8 } model { faster_rcnn { } }"
    assert not list(training_conflicts(text_format.Parse(text, schema.TrainEvalPipelineConfig())))
