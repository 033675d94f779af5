"""Classification losses, unreduced: one number per anchor and class, already weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keras import ops

from detectune.structures import Array


class ClassificationLoss(Protocol):
    """What a detector expects of a classification loss."""

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        """Losses `[B, A]` of logits `[B, A, C]` against targets `[B, A, C]`.

        Weights are `[B, A]`, or `[B, A, C]` where classes of one anchor weigh differently.
        """
        ...


def sigmoid_cross_entropy(logits: Array, targets: Array) -> Array:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), elementwise, without overflow."""
    return ops.relu(logits) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))


def _weighted_sum(entropy: Array, weights: Array) -> Array:
    """`[B, A]` from `[B, A, C]`; one weight per anchor is multiplied after the cheaper sum."""
    if len(weights.shape) == 3:
        return ops.sum(entropy * weights, axis=-1)
    return ops.sum(entropy, axis=-1) * weights


@dataclass(frozen=True)
class SigmoidLoss:
    """Independent yes or no for every class."""

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        return _weighted_sum(sigmoid_cross_entropy(logits, targets), weights)


def _power(base: Array, exponent: float) -> Array:
    """`base`, which is not negative, to the power `exponent`; the usual ones without `pow`,
    which takes a tenth of a training step of EfficientDet D0."""
    if exponent == 2.0:
        return ops.square(base)
    if exponent == 1.5:
        # The square root has no finite gradient at 0.
        return base * ops.sqrt(ops.maximum(base, 1e-30))
    return ops.power(base, exponent)


@dataclass(frozen=True)
class SigmoidFocalLoss:
    """Cross entropy that counts what is already right for less.

    Args:
        gamma: how fast the weight falls as a prediction gets right; 0 is plain cross entropy.
        alpha: weight of positives, 1 − alpha of negatives; None weighs both with 1.

    Source: Lin et al. 2017 (RetinaNet), equation 5.
    """

    gamma: float = 2.0
    alpha: float | None = 0.25

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        entropy = sigmoid_cross_entropy(logits, targets)
        probability = ops.sigmoid(logits)
        right = targets * probability + (1.0 - targets) * (1.0 - probability)
        if self.gamma:
            entropy = entropy * _power(1.0 - right, self.gamma)
        if self.alpha is not None:
            entropy = entropy * (targets * self.alpha + (1.0 - targets) * (1.0 - self.alpha))
        return _weighted_sum(entropy, weights)


@dataclass(frozen=True)
class SoftmaxLoss:
    """One of all classes, the background among them.

    Args:
        logit_scale: logits are divided by it first.
    """

    logit_scale: float = 1.0

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        log_probability = ops.log_softmax(logits / self.logit_scale, axis=-1)
        if len(weights.shape) == 3:  # Parity: core/losses.py takes the mean over the classes
            weights = ops.mean(weights, axis=-1)
        return -ops.sum(targets * log_probability, axis=-1) * weights
