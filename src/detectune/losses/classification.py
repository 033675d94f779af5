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


def _per_anchor(weights: Array) -> Array:
    """`[B, A]`. Parity: core/losses.py takes the mean over the classes."""
    return ops.mean(weights, axis=-1) if len(weights.shape) == 3 else weights


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
        """Losses `[B, A]`; see `ClassificationLoss`. Targets are 0 or 1."""
        # For such targets everything follows from the logit of the wrong answer. The textbook form
        # has three times as many passes over what is the largest tensor of a training step.
        wrong = logits * (1.0 - 2.0 * targets)
        loss = ops.softplus(wrong)
        if self.gamma:
            loss = loss * _power(ops.sigmoid(wrong), self.gamma)
        if self.alpha is not None:
            loss = loss * (targets * (2.0 * self.alpha - 1.0) + (1.0 - self.alpha))
        return _weighted_sum(loss, weights)


@dataclass(frozen=True)
class SoftmaxLoss:
    """One of all classes, the background among them.

    Args:
        logit_scale: logits are divided by it first.
    """

    logit_scale: float = 1.0

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        log_probability = ops.log_softmax(logits / self.logit_scale, axis=-1)
        return -ops.sum(targets * log_probability, axis=-1) * _per_anchor(weights)


@dataclass(frozen=True)
class SoftmaxAgainstLogitsLoss:
    """Softmax cross entropy against targets that are logits themselves, as in distillation.

    Args:
        logit_scale: logits and targets are divided by it first.

    Source: Hinton et al. 2015 (distillation), section 2.
    """

    logit_scale: float = 1.0

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        soft = ops.softmax(targets / self.logit_scale, axis=-1)
        return SoftmaxLoss(self.logit_scale)(logits, soft, weights)


@dataclass(frozen=True)
class BootstrappedSigmoidLoss:
    """Yes or no for every class, against targets mixed with what the network already says.

    Args:
        alpha: share of the annotation in the target, 0–1.
        hard: mix in the rounded prediction instead of the probability.

    Source: Reed et al. 2015, equations 5 and 6.
    Parity: core/losses.py lets the gradient through the mixed-in probability.
    """

    alpha: float
    hard: bool = False

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        said = ops.sigmoid(logits)
        if self.hard:
            said = ops.cast(said > 0.5, "float32")
        mixed = self.alpha * targets + (1.0 - self.alpha) * said
        return _weighted_sum(sigmoid_cross_entropy(logits, mixed), weights)


@dataclass(frozen=True)
class PenaltyReducedFocalLoss:
    """Focal loss of heat maps: negatives near a peak count less.

    Args:
        alpha: exponent on what is already right.
        beta: exponent on the distance of a target from 1.
        margin: probabilities are kept this far from 0 and 1, so that their logarithm is finite.

    Source: Zhou et al. 2019 (CenterNet), equation 1.
    """

    alpha: float = 2.0
    beta: float = 4.0
    margin: float = 1e-4

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        probability = ops.clip(ops.sigmoid(logits), self.margin, 1.0 - self.margin)
        peak = ops.log(probability) * ops.power(1.0 - probability, self.alpha)
        elsewhere = ops.log(1.0 - probability) * ops.power(probability, self.alpha)
        loss = ops.where(targets == 1.0, -peak, -elsewhere * ops.power(1.0 - targets, self.beta))
        return _weighted_sum(loss, weights)


@dataclass(frozen=True)
class DiceLoss:
    """1 − the Dice overlap of probabilities and targets, over all anchors or pixels at once.

    Returns `[B, C]`, a loss for each class, instead of one for each anchor.

    Args:
        squared: of squared probabilities.

    Source: Milletari et al. 2016 (V-Net), section 3, for squares.
    """

    squared: bool = False

    def __call__(self, logits: Array, targets: Array, weights: Array) -> Array:
        if len(weights.shape) == 2:
            weights = weights[..., None]
        said, real = ops.sigmoid(logits), targets
        if self.squared:
            said, real = ops.square(said), ops.square(real)
        said, real = said * weights, real * weights
        common = 2.0 * ops.sum(said * real, axis=1)
        total = ops.sum(said, axis=1) + ops.sum(real, axis=1)
        # Parity: core/losses.py squares before it weighs, in the numerator too, and divides by at
        # least 1.
        return 1.0 - common / ops.maximum(total, 1.0)
