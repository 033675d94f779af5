"""How often a classifier is right on vectors that it has not seen."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from detectune.errors import DataError, three_part
from detectune.features.feature_file import Features
from detectune.features.image_classifier import ImageClassifier, digest
from detectune.wording import first_names, one_line, plural


class ClassFigures(NamedTuple):
    """How well one class is told from the others, each from 0 to 1."""

    name: str
    examples: int
    precision: float
    """Of what is called so, the share that is; NaN if nothing is called so."""
    recall: float
    """Of what is so, the share that is called so; NaN without examples."""
    f1: float
    """Their harmonic mean; NaN without examples."""


class Evaluation(NamedTuple):
    """How often a classifier is right."""

    examples: int
    accuracy: float
    balanced_accuracy: float
    """Mean recall of the classes that have examples."""
    majority_class: str
    """The most frequent class of these examples."""
    majority_accuracy: float
    """Of always saying that class."""
    majority_balanced_accuracy: float
    classes: list[ClassFigures]
    confusion: np.ndarray
    """`[C, C]` int: what is there by row, what is said by column."""
    unknown: dict[str, int]
    """Class that the classifier was not fitted on → its examples, which are in no number."""
    unlabelled: int
    """Vectors without a class, which are in no number."""
    is_fitted_data: bool
    """Whether these are the very vectors that it was fitted on."""

    @property
    def notes(self) -> list[str]:
        """What the numbers do not say, in sentences."""
        found: list[str] = []
        if self.is_fitted_data:
            found.append(
                "these are the vectors that the classifier was fitted on, so the numbers say what "
                "it remembers and not what it will do"
            )
        for name, count in self.unknown.items():
            found.append(
                f'the classifier does not know "{one_line(name)}": '
                f"{plural(count, 'example')} left out"
            )
        if self.unlabelled:
            found.append(f"{plural(self.unlabelled, 'vector')} without a class: left out")
        return found

    def to_json(self) -> str:
        """Everything, as JSON; NaN is null."""
        data: dict[str, Any] = {
            **self._asdict(),
            "confusion": self.confusion.tolist(),
            "classes": [
                {key: None if value != value else value for key, value in one._asdict().items()}
                for one in self.classes
            ],
            "notes": self.notes,
        }
        return json.dumps(data, indent=1) + "\n"


def evaluate_features(
    classifier: ImageClassifier, features: Features, place: str = "features"
) -> Evaluation:
    """How often `classifier` is right on `features`.

    Args:
        place: what the features are called in errors.

    Raises:
        DataError: they are of another network, or none of a class that it knows.
    """
    classifier.refuse_other(features.settings, place)
    known = {name: index for index, name in enumerate(classifier.classes)}
    counts = features.counts
    unknown = {name: n for name, n in counts.items() if n and name not in known}
    # One more for the label of those without a class, which is -1.
    index_of = np.array([known.get(name, -1) for name in (*features.class_names, "")])
    index_of[-1] = -1
    truth = index_of[features.labels]
    used = truth >= 0
    if not used.any():
        raise _nothing_known(classifier, features, place)
    said = classifier.answers(features.vectors[used]).classes
    confusion = np.zeros((len(known), len(known)), int)
    np.add.at(confusion, (truth[used], said), 1)
    figures = [_figures(confusion, index, name) for name, index in known.items()]
    examples = confusion.sum(axis=1)
    there = examples > 0
    recalls = np.array([one.recall for one in figures])
    return Evaluation(
        examples=int(examples.sum()),
        accuracy=float(np.trace(confusion) / examples.sum()),
        balanced_accuracy=float(recalls[there].mean()),
        majority_class=classifier.classes[int(examples.argmax())],
        majority_accuracy=float(examples.max() / examples.sum()),
        majority_balanced_accuracy=float(1 / there.sum()),
        classes=figures,
        confusion=confusion,
        unknown=unknown,
        unlabelled=int((features.labels < 0).sum()),
        is_fitted_data=digest(features.vectors[features.labels >= 0]) == classifier.fitted_on,
    )


def _figures(confusion: np.ndarray, index: int, name: str) -> ClassFigures:
    right = float(confusion[index, index])
    there, said = float(confusion[index].sum()), float(confusion[:, index].sum())
    return ClassFigures(
        name,
        int(there),
        precision=right / said if said else float("nan"),
        recall=right / there if there else float("nan"),
        f1=2 * right / (there + said) if there else float("nan"),
    )


def _nothing_known(classifier: ImageClassifier, features: Features, place: str) -> DataError:
    there = [one_line(name) for name, count in features.counts.items() if count]
    return DataError(
        three_part(
            f"{place}: no vector has a class that the classifier knows; its classes are "
            f"{first_names(there, 10) or 'none'}.",
            f"The classifier knows {first_names([one_line(c) for c in classifier.classes], 10)}.",
            "Extract features of images of these classes, spelled alike.",
        )
    )
