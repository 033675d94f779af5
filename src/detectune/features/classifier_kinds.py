"""The classifiers that can be fitted on vectors, and the settings that are tried for each.

Everything of scikit-learn is imported here and in `fit.py`, when it is needed: it is an extra.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detectune.errors import ConfigError, three_part

SCALE, CLASSIFY = "scale", "classify"
"""What the steps of a pipeline are called."""
_MOST_STEPS = 1000
_FACTORS = (0.01, 0.1, 1.0, 10.0)
_HIDDEN = 64


@dataclass(frozen=True)
class ClassifierKind:
    """One kind of classifier.

    Args:
        make: seed → an unfitted one.
        grid: what is tried: (numbers of a vector, vectors of a training fold) → name of the
            setting → values, the simplest first.
        score: what it says of a class: "probability", or "decision" for a distance from a border.
        balanced: whether each class counts alike, however many examples it has.
    """

    make: Callable[[int], Any]
    grid: Callable[[int, int], Mapping[str, Sequence[Any]]]
    score: str
    balanced: bool


def _svm(seed: int) -> Any:
    svm = importlib.import_module("sklearn.svm")
    return svm.SVC(class_weight="balanced", break_ties=True, random_state=seed)


def _linear_svm(seed: int) -> Any:
    svm = importlib.import_module("sklearn.svm")
    return svm.LinearSVC(
        class_weight="balanced", dual="auto", max_iter=_MOST_STEPS, random_state=seed
    )


def _logistic(seed: int) -> Any:
    linear = importlib.import_module("sklearn.linear_model")
    return linear.LogisticRegression(
        class_weight="balanced", max_iter=_MOST_STEPS, random_state=seed
    )


def _mlp(seed: int) -> Any:
    network = importlib.import_module("sklearn.neural_network")
    return network.MLPClassifier(
        hidden_layer_sizes=(_HIDDEN,), max_iter=_MOST_STEPS, random_state=seed
    )


def _knn(seed: int) -> Any:
    del seed  # nothing is random
    neighbors = importlib.import_module("sklearn.neighbors")
    return neighbors.KNeighborsClassifier(algorithm="brute")


def _by_length(length: int, count: int) -> Mapping[str, Sequence[Any]]:
    """The product of two scaled vectors grows with their length, and what a `C` means with it."""
    del count
    return {"C": tuple(factor / length for factor in _FACTORS)}


CLASSIFIERS: Mapping[str, ClassifierKind] = {
    "svm": ClassifierKind(
        _svm,
        lambda length, _: {"C": (1.0, 10.0, 100.0), "gamma": (1 / length, 0.25 / length)},
        "decision",
        balanced=True,
    ),
    "linear-svm": ClassifierKind(_linear_svm, _by_length, "decision", balanced=True),
    "logistic": ClassifierKind(_logistic, _by_length, "probability", balanced=True),
    "mlp": ClassifierKind(
        _mlp, lambda *_: {"alpha": (1.0, 0.1, 1e-3)}, "probability", balanced=False
    ),
    "knn": ClassifierKind(
        _knn,
        lambda _, count: {
            "n_neighbors": tuple(k for k in (1, 3, 5, 9, 15) if k <= count),
            "weights": ("uniform", "distance"),
        },
        "probability",
        balanced=False,
    ),
}
"""Name → kind."""


def need_extra() -> None:
    """See that scikit-learn and skops are installed.

    Raises:
        ConfigError: one is not.
    """
    missing = [
        shown
        for name, shown in (("sklearn", "scikit-learn"), ("skops", "skops"))
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise ConfigError(
            three_part(
                f"features: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not "
                "installed.",
                "Classifiers on features are those of scikit-learn, stored with skops; both come "
                "with an extra.",
                'Install it with: pip install "detectune[features]"',
            )
        )
