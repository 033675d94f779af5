"""What scores, losses, learning rates and statistics give away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectune.evaluation.coco_tables import ImageRows
from detectune.evaluation.faults.base import Finding, TrainingFacts
from detectune.wording import plural

LOW_SCORE = 0.1
"""A detector that has learned something gives some boxes a higher one."""

# Of the loss, from the first quarter of the run to the last.
_FALLEN, _FLAT, _RISEN = 0.2, 0.02, 1.5
_SMALL_RATE, _LAGGING = 1e-3, 0.1
_FEW_STEPS = 200
_ABOVE = "What is said above may be why."


def low_scores(images: Sequence[ImageRows], *, explained: bool) -> list[Finding]:
    """Whether no box has a score that says anything."""
    best = max((float(image.scores.max(initial=-1.0)) for image in images), default=-1.0)
    if not images or best >= LOW_SCORE:
        return []
    if best < 0:
        return [
            Finding(
                "nothing_found",
                f"no box was found in any of {len(images)} images",
                _ABOVE
                if explained
                else "Lower score_threshold in post_processing, if it is above 0.01; else the "
                "classes are not learned yet.",
            )
        ]
    advice = "The classes are not learned yet: train for more steps, or with a higher rate."
    return [
        Finding(
            "low_scores",
            f"no box has a score above {best:.2g}",
            _ABOVE if explained else advice,
        )
    ]


def lagging_statistics(facts: TrainingFacts) -> list[Finding]:
    """Whether training looks good with the batches' own statistics, and evaluation lacks them."""
    first, last = _ends(facts.losses)
    if facts.statistics_left < _LAGGING or not 0 <= last < (1 - _FALLEN) * first:
        return []
    return [
        Finding(
            "lagging_statistics",
            f"the loss fell from {first:.3g} to {last:.3g}, but {facts.statistics_left:.0%} of the "
            "batch norms' first statistics is left in those used for evaluation",
            "Set eval_config { batch_norm_recalibration: true }, or a smaller batch_norm { decay } "
            "(0.97 for some hundred steps).",
        )
    ]


def training_rates(facts: TrainingFacts) -> list[Finding]:
    """Whether the loss stands still or rises."""
    first, last = _ends(facts.losses)
    rate = max(facts.learning_rates, default=0.0)
    if first < 0 or not facts.learning_rates or not np.isfinite(first + last):
        return []
    least = min(_quarters(facts.losses))
    if last > _RISEN * least:
        return [
            Finding(
                "learning_rate_too_large",
                f"the loss rose again from {least:.3g} to {last:.3g}, at learning rates up to "
                f"{rate:.3g}",
                "Lower the learning rate to a tenth"
                f"{'' if facts.clips else ', or set gradient_clipping_by_norm: 10'}.",
            )
        ]
    if abs(first - last) < _FLAT * abs(first) and rate < _SMALL_RATE:
        return [
            Finding(
                "learning_rate_too_small",
                f"the loss has hardly moved, from {first:.4g} to {last:.4g}, at learning rates up "
                f"to {rate:.3g}",
                "Make the learning rate ten times as large, and look whether all but a little is "
                "frozen.",
            )
        ]
    return []


def too_few_steps(facts: TrainingFacts) -> list[Finding]:
    """Whether a short training ended before its loss had fallen."""
    first, last = _ends(facts.losses)
    if not 0 < facts.steps < _FEW_STEPS or 0 <= last < (1 - _FALLEN) * first:
        return []
    fell = f", in which the loss went from {first:.3g} to {last:.3g}" if first >= 0 else ""
    return [
        Finding(
            "too_few_steps",
            f"the training had {plural(facts.steps, 'step')}{fell}",
            "Train for more steps: a detector of the zoo takes some hundred, random weights take "
            "many thousands.",
        )
    ]


def _ends(losses: Sequence[float]) -> tuple[float, float]:
    """Mean loss of the first and of the last quarter."""
    means = _quarters(losses)
    return means[0], means[-1]


def _quarters(losses: Sequence[float]) -> list[float]:
    """Mean losses of four parts; of no part there is −1."""
    if len(losses) < 4:
        return [-1.0] * 4
    return [float(np.mean(part)) for part in np.array_split(np.asarray(losses, float), 4)]
