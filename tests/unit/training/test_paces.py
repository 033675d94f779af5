"""Learning-rate factors, and variables that train from a later step on, against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.training.optimizers import Pace, TrainingOptimizer, build_optimizer
from detectune.training.weights import array_of, use_averages

RATE = "learning_rate { constant_learning_rate { learning_rate: 0.1 } }"
MOMENTUM = f"momentum_optimizer {{ {RATE} momentum_optimizer_value: 0.9 }}"
ADAM = f"adam_optimizer {{ {RATE} epsilon: 1e-8 }}"
RMSPROP = f"rms_prop_optimizer {{ {RATE} momentum_optimizer_value: 0.9 decay: 0 epsilon: 1e-7 }}"
KINDS = {"momentum": MOMENTUM, "adam": ADAM, "rmsprop": RMSPROP}
BATCH = 4


class Two(keras.Model):
    """`sum(x · one) + sum(x · two)`: the gradient of either weight is the sum of the inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.one = self.add_weight(shape=(3,), initializer="ones", name="one")
        self.two = self.add_weight(shape=(3,), initializer="ones", name="two")
        self.built = True

    def call(self, inputs):
        inputs = keras.ops.convert_to_tensor(inputs)  # NumPy's cannot be multiplied by a tracer
        return keras.ops.sum(inputs * self.one, axis=-1) + keras.ops.sum(inputs * self.two, axis=-1)


class Sum(keras.losses.Loss):
    """Minimizes the predictions themselves."""

    def __init__(self) -> None:
        super().__init__(reduction="sum")

    def call(self, y_true, y_pred):
        return y_pred


class Trained:
    """A model with weights `one` and `two`, of which the second has a pace of its own."""

    def __init__(self, kind: str, pace: Pace, *, average=False, clip=0.0, micro_batches=1) -> None:
        text = f"{KINDS[kind]} use_moving_average: {str(average).lower()}"
        text += " moving_average_decay: 0.5" if average else ""
        self.model = Two()
        optimizer = build_optimizer(
            text_format.Parse(text, schema.Optimizer()),
            gradient_clipping_by_norm=clip,
            accumulation_steps=micro_batches,
        )
        self.micro_batches = micro_batches
        # Traced for one kind, as users' steps are; the others differ in their slots only. JAX
        # compiles operation by operation what it does not trace, which takes longer.
        eager = kind != "momentum" and keras.backend.backend() != "jax"
        self.model.compile(optimizer=optimizer, loss=Sum(), run_eagerly=eager)
        optimizer.build(self.model.trainable_variables)
        optimizer.set_paces({id(self.model.two): pace})
        self.optimizer: TrainingOptimizer = optimizer

    def steps(self, gradients: np.ndarray) -> Trained:
        """A step with each of these gradients `[S, 3]`."""
        self.model.train_function = None
        count = self.micro_batches
        inputs = np.repeat(gradients.astype(np.float32), count, axis=0)
        self.model.fit(
            inputs, np.zeros(len(inputs)), batch_size=1, shuffle=False, verbose=0
        )  # fmt: skip
        return self

    def unfreeze(self) -> Trained:
        """Let the second weight train from now on."""
        self.model.two.trainable = True
        self.optimizer.begin_averages([self.model.two])
        return self

    @property
    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        return array_of(self.model.one), array_of(self.model.two)


def gradients(steps: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(steps, 3)).astype(np.float32)


@pytest.mark.parametrize("factor", [0.1, 3.0])
def test_momentum_scales_the_update_of_a_part_exactly(factor):
    given = gradients(5)
    one, two = Trained("momentum", Pace(factor)).steps(given).weights
    rate, wanted = np.float32(0.1), []
    for part_rate in (rate, np.float32(rate * np.float32(factor))):
        weight, velocity = np.ones(3, np.float32), np.zeros(3, np.float32)
        for gradient in given:
            velocity = np.float32(0.9) * velocity - gradient * part_rate
            weight = weight + velocity
        wanted.append(weight)
    np.testing.assert_allclose(one, wanted[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(two, wanted[1], rtol=0, atol=1e-6)
    np.testing.assert_allclose(two - 1, factor * (one - 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("micro_batches", [1, 2])
@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_every_optimizer_moves_a_part_by_its_factor(kind, micro_batches, clip):
    """Gradients are the same for both weights, and are clipped before factors count."""
    trained = Trained(kind, Pace(0.25), clip=clip, micro_batches=micro_batches)
    one, two = trained.steps(gradients(6)).weights
    plain, same = Trained(kind, Pace(), clip=clip, micro_batches=micro_batches).steps(
        gradients(6)
    ).weights  # fmt: skip
    np.testing.assert_array_equal(one, plain)
    np.testing.assert_array_equal(plain, same)
    assert np.all(np.abs(one - 1) > 1e-3)
    np.testing.assert_allclose(two - 1, 0.25 * (one - 1), rtol=2e-5, atol=2e-7)


def test_averages_are_those_of_the_weights_that_factors_moved():
    trained = Trained("momentum", Pace(0.5), average=True)
    given, averages = gradients(4), []
    for gradient in given:
        trained.steps(gradient[None])
        averages.append(trained.weights[1])
    average = averages[0]
    for updates, weight in enumerate(averages[1:], 1):
        kept = min(0.5, (1 + updates) / (10 + updates))
        average = kept * average + (1 - kept) * weight
    use_averages(trained.model)
    np.testing.assert_allclose(trained.weights[1], average, rtol=1e-5)


@pytest.mark.parametrize("pace", [Pace(), Pace(0.5)])
def test_training_goes_on_with_the_weights_and_not_with_their_averages(pace):
    given = gradients(4)
    at_once = Trained("momentum", pace, average=True).steps(given).weights
    in_parts = Trained("momentum", pace, average=True)
    for gradient in given:
        in_parts.steps(gradient[None])
    for one, other in zip(at_once, in_parts.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_learning_rate_that_is_logged_is_that_without_factors():
    trained = Trained("adam", Pace(0.1)).steps(gradients(2))
    assert float(trained.optimizer.learning_rate) == pytest.approx(0.1)


def frozen_first(kind: str, first: int, **options) -> Trained:
    trained = Trained(kind, Pace(first_step=first), **options)
    trained.model.two.trainable = False
    return trained


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("micro_batches", [1, 2])
def test_what_trains_later_begins_as_if_training_began_then(kind, micro_batches):
    given = gradients(9)
    trained = frozen_first(kind, 4, micro_batches=micro_batches).steps(given[:4])
    np.testing.assert_array_equal(trained.weights[1], np.ones(3))
    one, two = trained.unfreeze().steps(given[4:]).weights
    fresh = Trained(kind, Pace(), micro_batches=micro_batches).steps(given[4:]).weights[0]
    np.testing.assert_allclose(two, fresh, rtol=1e-5, atol=1e-6)
    # What trains all the time does not notice, if nothing joins both.
    whole = Trained(kind, Pace(), micro_batches=micro_batches).steps(given).weights[0]
    np.testing.assert_allclose(one, whole, rtol=1e-6)


def test_without_it_the_first_step_of_adam_would_be_three_times_as_long():
    given = gradients(60)
    late = frozen_first("adam", 50).steps(given[:50]).unfreeze().steps(given[50:51])
    np.testing.assert_allclose(np.abs(late.weights[1] - 1), 0.1, rtol=1e-3)


def test_frozen_weights_have_no_part_in_the_norm_that_clips():
    given = gradients(3)
    alone = frozen_first("momentum", 9, clip=0.5).steps(given).weights[0]
    norms = np.linalg.norm(given, axis=1, keepdims=True)
    clipped = given * np.minimum(1, 0.5 / norms)
    weight, velocity = np.ones(3), np.zeros(3)
    for gradient in clipped:
        velocity = 0.9 * velocity - 0.1 * gradient
        weight = weight + velocity
    np.testing.assert_allclose(alone, weight, rtol=1e-5)


def test_the_average_of_what_trains_later_begins_with_its_value():
    trained = frozen_first("momentum", 2, average=True)
    given = gradients(3)
    trained.steps(given[:2])
    before = trained.weights[1]
    use_averages(trained.model)
    np.testing.assert_array_equal(trained.weights[1], before)  # not the 0 of its slot
    trained.unfreeze().steps(given[2:])
    after = trained.weights[1]
    use_averages(trained.model)
    kept = min(0.5, 3 / 12)  # two updates before
    np.testing.assert_allclose(trained.weights[1], kept * before + (1 - kept) * after, rtol=1e-6)


def test_slots_of_what_trains_later_are_there_from_the_beginning():
    trained = frozen_first("adam", 5, average=True).steps(gradients(2))
    names = [variable.name for variable in trained.optimizer.variables]
    always = Trained("adam", Pace(), average=True)
    assert len(names) == len(always.optimizer.variables)
    slots = [v for v in trained.optimizer.variables if "_two_" in v.name]
    assert len(slots) == 3
    assert all(np.all(array_of(slot) == 0) for slot in slots)
