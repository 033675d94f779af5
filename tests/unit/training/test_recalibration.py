"""Measured batch-norm statistics are those of the data, and training keeps its own."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.structures import GroundTruth
from detectune.training.recalibration import NEGLIGIBLE, Recalibration


class OneNorm(keras.Model):
    """A batch norm on the images, and one whose statistics are frozen."""

    def __init__(self, momentum: float) -> None:
        super().__init__()
        self.norm = FreezableBatchNormalization(momentum=momentum)
        self.frozen = FreezableBatchNormalization(momentum=momentum, frozen_statistics=True)
        self.norm.build((None, None, None, 3))
        self.frozen.build((None, None, None, 3))
        self.built = True

    def call(self, inputs, training=False):
        images = inputs["images"]
        return self.frozen(self.norm(images, training=training), training=training)

    def named_losses(self, inputs, truth, out):
        del inputs, truth
        return {"loss": keras.ops.mean(out)}


def batches(count: int = 3) -> list[np.ndarray]:
    random = np.random.default_rng(7)
    scale, shift = np.array([1.0, 20.0, 0.1]), np.array([100.0, -3.0, 0.5])
    return [
        (random.normal(size=(4, 6, 5, 3)) * scale + shift + batch).astype(np.float32)
        for batch in range(count)
    ]


def with_truth(images: list[np.ndarray]) -> list[tuple[np.ndarray, GroundTruth]]:
    nothing = np.zeros((4, 0), np.float32)
    return [(one, GroundTruth(nothing[..., None], nothing, nothing, nothing)) for one in images]


def test_the_statistics_are_those_computed_from_the_images():
    model, images = OneNorm(momentum=0.997), batches()
    Recalibration(model).measure(with_truth(images))
    pixels = np.concatenate(images).astype(np.float64).reshape(-1, 3)
    np.testing.assert_allclose(model.norm.moving_mean, pixels.mean(axis=0), rtol=1e-4)
    # Each batch gives its unbiased variance (120 pixels), as the moving average does.
    within = np.mean([batch.reshape(-1, 3).var(axis=0, ddof=1) for batch in images], axis=0)
    between = np.var([batch.reshape(-1, 3).mean(axis=0) for batch in images], axis=0)
    np.testing.assert_allclose(model.norm.moving_variance, within + between, rtol=1e-3)
    np.testing.assert_allclose(model.norm.moving_variance, pixels.var(axis=0), rtol=1e-2)


def test_frozen_statistics_are_left_alone():
    model = OneNorm(momentum=0.997)
    Recalibration(model).measure(with_truth(batches(1)))
    np.testing.assert_array_equal(model.frozen.moving_mean, np.zeros(3))
    np.testing.assert_array_equal(model.frozen.moving_variance, np.ones(3))


def test_a_norm_that_is_kept_for_its_checkpoint_only_is_left_alone():
    model = OneNorm(momentum=0.997)
    model.unused = FreezableBatchNormalization(trainable=False)
    model.unused.build((None, None, None, 3))
    Recalibration(model).measure(with_truth(batches(1)))
    np.testing.assert_array_equal(model.unused.moving_variance, np.ones(3))


@pytest.mark.parametrize(
    ("momentum", "step", "needed"),
    # 0.997^1532 = 0.01002, 0.997^1533 = 0.00999; 0.97^151 = 0.01006, 0.97^152 = 0.00976
    [(0.997, 1, True), (0.997, 1532, True), (0.997, 1533, False), (0.97, 151, True),
     (0.97, 152, False)],
)  # fmt: skip
def test_it_is_needed_until_the_averages_have_caught_up(momentum, step, needed):
    assert (momentum**step > NEGLIGIBLE) is needed
    assert Recalibration(OneNorm(momentum)).is_needed(step) is needed
