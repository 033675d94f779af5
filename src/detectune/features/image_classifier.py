"""A fitted classifier, with what is needed to ask it about other images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from detectune.errors import DataError, three_part
from detectune.features.classifier_kinds import CLASSIFIERS
from detectune.features.settings import Settings


class CrossValidation(NamedTuple):
    """What cross-validation said of the settings that were chosen."""

    folds: int
    by_image: bool
    """Whether images were in one fold as a whole."""
    settings_tried: int
    balanced_accuracy: float
    """Mean over the folds; that of one fold is the mean share, over its classes, of what is
    right."""
    spread: float
    """Standard deviation of the folds."""
    accuracy: float
    majority_accuracy: float
    """Of always saying the most frequent class."""
    majority_balanced_accuracy: float
    majority_class: str

    def text(self) -> str:
        """Two lines for people."""
        what = ", images as a whole" if self.by_image else ""
        return (
            f"balanced accuracy {self.balanced_accuracy:.3f} ± {self.spread:.3f}, accuracy "
            f"{self.accuracy:.3f}: mean and deviation of {self.folds} folds{what}, with the best "
            f"of {self.settings_tried} settings\n"
            f'always "{self.majority_class}": balanced accuracy '
            f"{self.majority_balanced_accuracy:.3f}, accuracy {self.majority_accuracy:.3f}"
        )


class Answers(NamedTuple):
    """What a classifier says of some vectors."""

    classes: np.ndarray
    """`[N]` int, an index into its classes."""
    scores: np.ndarray
    """`[N, C]` float64, of every class: a probability from 0 to 1, or, for support vector machines,
    a distance from a border, which is no probability."""


@dataclass(frozen=True)
class ImageClassifier:
    """A classifier of vectors, fitted."""

    pipeline: Any = field(repr=False)
    """Of scikit-learn: a scaler and a classifier."""
    kind: str
    classes: tuple[str, ...]
    settings: Settings
    """How the vectors were computed that it was fitted on."""
    counts: dict[str, int]
    """Class → how many vectors it was fitted on."""
    chosen: dict[str, Any]
    """The settings of the classifier that were chosen."""
    cross_validation: CrossValidation
    fitted_on: str
    """`digest` of the vectors."""
    notes: tuple[str, ...] = ()
    """What the user should be told about the fit, in sentences without a full stop."""

    @property
    def score(self) -> str:
        """What its scores are: "probability" or "decision"."""
        return CLASSIFIERS[self.kind].score

    def answers(self, vectors: np.ndarray) -> Answers:
        """The class of every vector, and scores of all classes.

        Args:
            vectors: `[N, D]`, computed as `settings` say.
        """
        given = np.asarray(vectors, np.float64)
        if self.score == "probability":
            scores = np.asarray(self.pipeline.predict_proba(given))
        else:
            scores = np.asarray(self.pipeline.decision_function(given))
            if scores.ndim == 1:  # of two classes, the distance in the direction of the second
                scores = np.stack([-scores, scores], axis=1)
        return Answers(scores.argmax(axis=1), scores)

    def refuse_other(self, settings: Settings, place: str) -> None:
        """See that vectors computed with `settings` are of the kind that it was fitted on.

        Raises:
            DataError: they are of another network, or computed otherwise.
        """
        difference = self.settings.difference(settings)
        if difference:
            raise DataError(
                three_part(
                    f"{place}: the vectors are others than those of the classifier: {difference}.",
                    "A classifier knows vectors of one network, with the same weights, pooling, "
                    "size and way of resizing.",
                    "Extract the features again with the options that the classifier's were "
                    "extracted with, or fit another classifier.",
                )
            )


def digest(vectors: np.ndarray) -> str:
    """Equal for equal vectors."""
    return hashlib.sha256(np.ascontiguousarray(vectors, np.float32).tobytes()).hexdigest()[:32]
