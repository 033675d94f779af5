"""Vectors with labels → a classifier, its settings chosen by cross-validation.

Features ─► folds ─► every setting of the grid ─► the best balanced accuracy ─► fitted on all
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from detectune.errors import ConfigError, DataError, did_you_mean, three_part
from detectune.features.classifier_kinds import (
    CLASSIFIERS,
    CLASSIFY,
    SCALE,
    ClassifierKind,
    need_extra,
)
from detectune.features.feature_file import Features, refuse_not_finite
from detectune.features.folds import Folds, divide
from detectune.features.image_classifier import CrossValidation, ImageClassifier, digest
from detectune.wording import one_line, plural

FOLDS = 5
_Measured = tuple[dict[str, Any], np.ndarray, np.ndarray]
# Made while fitting and never asked for again: an optimizer, and how the loss went.
_LEFT_BEHIND = ("_optimizer", "_random_state", "loss_curve_", "_no_improvement_count")


def fit_classifier(
    features: Features,
    kind: str = "svm",
    *,
    folds: int = FOLDS,
    seed: int = 0,
    drop: Collection[str] = (),
    track: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> ImageClassifier:
    """A classifier of `features`, fitted on all that have a label.

    Vectors are brought to mean 0 and deviation 1 first. Its settings are those with the best
    balanced accuracy in cross-validation, where boxes of one image are in one fold. That number is
    a little too good, because the settings were chosen by it.

    Args:
        features: of two classes at least.
        kind: "svm" (radial), "linear-svm", "logistic", "mlp" or "knn".
        folds: parts of the data, each of which is measured once; fewer where a class is small.
        seed: of the folds, and of what is random in a classifier.
        drop: names of classes that are left out.
        track: passes the settings on, and shows how far they are.

    Raises:
        ConfigError: there is no such kind or class, or scikit-learn or skops is not installed.
        DataError: there are too few classes or examples, or a vector is not finite.
    """
    need_extra()
    chosen = _kind(kind)
    _check(folds)
    kept = features.without(drop)
    labelled = kept.select(kept.labels >= 0)
    refuse_not_finite(labelled, "features")
    present = _present(labelled)
    names = tuple(labelled.class_names[index] for index in present)
    labels = np.searchsorted(present, labelled.labels)
    divided = divide(labels, labelled.images, names, folds, seed)
    vectors = labelled.vectors.astype(np.float64)
    measured = _measured(chosen, vectors, labels, divided, seed, track)
    best = max(measured, key=lambda one: float(np.mean(one[1])))  # of equal ones the first
    pipeline = _pipeline(chosen, seed).set_params(**_named(best[0]))
    unfinished = _quietly(lambda: pipeline.fit(vectors, labels))
    for name in _LEFT_BEHIND:
        pipeline[CLASSIFY].__dict__.pop(name, None)
    notes = list(divided.notes)
    if len(labelled) < len(kept):
        notes.append(f"{plural(len(kept) - len(labelled), 'vector')} without a class: left out")
    if unfinished:
        notes.append("the best setting had not converged when its steps were used up")
    counts = np.bincount(labels, minlength=len(names))
    return ImageClassifier(
        pipeline=pipeline,
        kind=kind,
        classes=names,
        settings=features.settings,
        counts=dict(zip(names, counts.tolist(), strict=True)),
        chosen=best[0],
        cross_validation=_validation(best, len(measured), divided, names, counts),
        fitted_on=digest(labelled.vectors),
        notes=tuple(notes),
    )


def _validation(
    best: _Measured, tried: int, divided: Folds, names: Sequence[str], counts: np.ndarray
) -> CrossValidation:
    """What cross-validation says of the best setting, and the most frequent class beside it."""
    return CrossValidation(
        folds=len(divided.splits),
        by_image=divided.by_image,
        settings_tried=tried,
        balanced_accuracy=float(np.mean(best[1])),
        spread=float(np.std(best[1])),
        accuracy=float(np.mean(best[2])),
        majority_accuracy=float(counts.max() / counts.sum()),
        majority_balanced_accuracy=1 / len(names),
        majority_class=names[int(counts.argmax())],
    )


def _measured(
    kind: ClassifierKind,
    vectors: np.ndarray,
    labels: np.ndarray,
    folds: Folds,
    seed: int,
    track: Callable[[Sequence[Any]], Iterable[Any]],
) -> list[_Measured]:
    """Settings, and the balanced accuracy and accuracy of every fold with them."""
    selection = importlib.import_module("sklearn.model_selection")
    smallest = min(len(learned) for learned, _ in folds.splits)
    grid = kind.grid(vectors.shape[1], smallest)
    settings = [
        dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
    ]
    found: list[_Measured] = []
    for setting in track(settings):
        pipeline = _pipeline(kind, seed).set_params(**_named(setting))
        scores: dict[str, np.ndarray] = {}

        def measure(pipeline: Any = pipeline, scores: dict[str, np.ndarray] = scores) -> None:
            scores.update(
                selection.cross_validate(
                    pipeline,
                    vectors,
                    labels,
                    cv=folds.splits,
                    scoring=("balanced_accuracy", "accuracy"),
                    error_score="raise",
                )
            )

        _quietly(measure)
        found.append((setting, scores["test_balanced_accuracy"], scores["test_accuracy"]))
    return found


def _pipeline(kind: ClassifierKind, seed: int) -> Any:
    pipelines = importlib.import_module("sklearn.pipeline")
    preprocessing = importlib.import_module("sklearn.preprocessing")
    steps = [(SCALE, preprocessing.StandardScaler()), (CLASSIFY, kind.make(seed))]
    return pipelines.Pipeline(steps)


def _named(setting: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{CLASSIFY}__{name}": value for name, value in setting.items()}


def _quietly(work: Callable[[], Any]) -> bool:
    """Do `work` without the warnings of scikit-learn; whether one was that it did not converge."""
    unfinished = importlib.import_module("sklearn.exceptions").ConvergenceWarning
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work()
    return any(issubclass(one.category, unfinished) for one in caught)


def _present(features: Features) -> np.ndarray:
    """The labels that occur, in order.

    Raises:
        DataError: there are not two.
    """
    present = np.unique(features.labels)
    if len(present) < 2:
        found = (
            f'all {len(features):,} vectors are of the class "'
            f'{one_line(features.class_names[int(present[0])])}"'
            if len(present)
            else "no vector has a class"
        )
        raise DataError(
            three_part(
                f"features: {found}.",
                "A classifier tells two classes or more apart.",
                "Extract features of images of more classes: folders called like them, or boxes "
                "(--crops boxes).",
            )
        )
    return present


def _kind(name: str) -> ClassifierKind:
    if name in CLASSIFIERS:
        return CLASSIFIERS[name]
    raise ConfigError(
        three_part(
            f'--classifier: "{one_line(name)}".',
            f"Allowed: {', '.join(CLASSIFIERS)}.",
            f"{did_you_mean(name, CLASSIFIERS)}Choose one of these.",
        )
    )


def _check(folds: int) -> None:
    if folds < 2:
        raise ConfigError(
            three_part(
                f"--folds: {folds}.",
                "Of two folds or more each is measured by what was learned from the others.",
                "Write --folds 5.",
            )
        )
