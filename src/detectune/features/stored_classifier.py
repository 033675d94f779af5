"""A fitted classifier as a folder, without pickle.

DIR/classifier.skops    the scaler and the classifier, see trusted.py
DIR/features.json       classes, how vectors are computed, what cross-validation said
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from detectune.errors import CheckpointError, WriteError, three_part
from detectune.features.classifier_kinds import CLASSIFIERS, CLASSIFY, SCALE, need_extra
from detectune.features.image_classifier import CrossValidation, ImageClassifier
from detectune.features.settings import Settings
from detectune.features.trusted import Untrusted, refuse_untrusted
from detectune.files import ensure_folder, read_regular, usable_path, write_bytes, write_text
from detectune.package_version import package_version
from detectune.wording import one_line

STORED, DESCRIPTION = "classifier.skops", "features.json"
_FORMAT = 1
_MOST_DESCRIPTION, _MOST_STORED = 64 * 2**20, 2 * 2**30


def save_classifier(classifier: ImageClassifier, folder: str | os.PathLike[str]) -> None:
    """Write `classifier` into `folder`, in the place of one that is there.

    Raises:
        WriteError: `folder` holds something else, or cannot be written.
    """
    check_target(folder)
    skops: Any = importlib.import_module("skops.io")
    data: bytes = skops.dumps(classifier.pipeline)
    refuse_untrusted(data)
    place = Path(folder)
    # The description last: without the right one, what is there does not count.
    write_bytes(place / STORED, data)
    write_text(place / DESCRIPTION, json.dumps(_described(classifier, data), indent=1) + "\n")


def check_target(folder: str | os.PathLike[str]) -> None:
    """Find out before long work whether a classifier can be written into `folder`.

    Raises:
        WriteError: it cannot, or something else is there.
    """
    place = usable_path(folder, "-o")
    ensure_folder(place)
    there = sorted(file.name for file in place.iterdir()) if place.is_dir() else []
    if there and DESCRIPTION not in there and STORED not in there:
        raise WriteError(
            three_part(
                f"{one_line(place)}: {one_line(there[0])} is in this folder, and no classifier.",
                "A classifier is a folder of its own.",
                "Choose another -o.",
            )
        )


def load_classifier(folder: str | os.PathLike[str]) -> ImageClassifier:
    """The classifier that `save_classifier` wrote into `folder`; nothing in it is run.

    Raises:
        CheckpointError: there is none, it is damaged, or it names what is not on the closed list.
        ConfigError: scikit-learn or skops is not installed, or `folder` can be no path.
    """
    need_extra()
    place = usable_path(folder, "classifier")
    described = _description(place)
    file = place / STORED
    try:
        data = read_regular(file, _MOST_STORED)
    except OSError as error:
        raise _refused(file, error.strerror or str(error)) from error
    if hashlib.sha256(data).hexdigest() != described.get("sha256"):
        raise _refused(file, f"it is not the file that {DESCRIPTION} beside it describes")
    try:
        refuse_untrusted(data)
        found = _classifier(described, _pipeline(data))
        _check_pipeline(found)
    except Untrusted as error:
        raise _refused(file, str(error)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused(place, str(error) or type(error).__name__) from error
    return found


def _described(classifier: ImageClassifier, data: bytes) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "kind": classifier.kind,
        "classes": list(classifier.classes),
        "settings": classifier.settings.to_json(),
        "counts": classifier.counts,
        "chosen": classifier.chosen,
        "cross_validation": classifier.cross_validation._asdict(),
        "notes": list(classifier.notes),
        "fitted_on": classifier.fitted_on,
        "sha256": hashlib.sha256(data).hexdigest(),
        "versions": {
            "detectune": package_version(),
            "scikit-learn": importlib.import_module("sklearn").__version__,
        },
    }


def _description(place: Path) -> Mapping[str, Any]:
    file = place / DESCRIPTION
    try:
        found = json.loads(read_regular(file, _MOST_DESCRIPTION))
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise ValueError("it is of another format")
    except OSError as error:
        raise _refused(file, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _refused(file, str(error).splitlines()[0]) from error
    return cast(Mapping[str, Any], found)


def _pipeline(data: bytes) -> Any:
    """The objects in a .skops file that was looked through."""
    skops: Any = importlib.import_module("skops.io")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # another version of scikit-learn; it is tried below
            return skops.loads(data)
    except Exception as error:  # a damaged description raises errors of any kind
        raise ValueError(f"it cannot be built ({type(error).__name__}: {error})") from error


def _classifier(described: Mapping[str, Any], pipeline: Any) -> ImageClassifier:
    kind, classes = described["kind"], described["classes"]
    if kind not in CLASSIFIERS:
        raise ValueError(f"its kind is {one_line(kind)}")
    texts = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if not texts or len(set(classes)) != len(classes) or len(classes) < 2:
        raise ValueError("its classes are no list of different names")
    return ImageClassifier(
        pipeline=pipeline,
        kind=kind,
        classes=tuple(classes),
        settings=Settings.from_json(described["settings"]),
        counts={str(name): int(count) for name, count in described["counts"].items()},
        chosen=dict(described["chosen"]),
        cross_validation=CrossValidation(**described["cross_validation"]),
        fitted_on=str(described["fitted_on"]),
        notes=tuple(str(note) for note in described["notes"]),
    )


def _check_pipeline(classifier: ImageClassifier) -> None:
    """See that the objects are a classifier of these classes, by asking it about one vector."""
    pipelines: Any = importlib.import_module("sklearn.pipeline")
    pipeline, length = classifier.pipeline, classifier.settings.dimension
    named = isinstance(pipeline, pipelines.Pipeline) and [
        name for name, _ in cast(Any, pipeline).steps
    ] == [SCALE, CLASSIFY]
    if not named:
        raise ValueError("it is no scaler with a classifier")
    own, expected = pipeline[CLASSIFY], CLASSIFIERS[classifier.kind].make(0)
    if type(own) is not type(expected):
        raise ValueError(f"it is a {type(own).__name__} and not what {classifier.kind} means")
    if classifier.kind == "svm":
        _check_support_vectors(own, length)
    try:
        scores = classifier.answers(np.zeros((1, length))).scores
    except Exception as error:  # of attributes that are missing, or of the wrong shape
        raise ValueError(f"it does not answer ({type(error).__name__}: {error})") from error
    if scores.shape != (1, len(classifier.classes)):
        raise ValueError(f"it knows {scores.shape[1]} classes of {len(classifier.classes)}")


def _check_support_vectors(svm: Any, length: int) -> None:
    """See that the arrays fit each other: native code reads them without looking."""
    count, classes = int(np.sum(svm._n_support)), len(svm.classes_)
    shapes = {
        "support_vectors_": (count, length),
        "_dual_coef_": (classes - 1, count),
        "_intercept_": (classes * (classes - 1) // 2,),
        "_n_support": (classes,),
    }
    for name, shape in shapes.items():
        if np.shape(getattr(svm, name)) != shape:
            raise ValueError(f"its {name} are {np.shape(getattr(svm, name))} and not {shape}")
    if np.min(svm._n_support) < 0:
        raise ValueError("a class has less than no support vectors")


def _refused(place: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        three_part(
            f"{one_line(place)}: it is no classifier of features: {one_line(reason)[:300]}.",
            "Needed is the folder that `detectune features fit FEATURES.npz -o DIR` wrote, with "
            f"{DESCRIPTION} and {STORED}.",
            "Check the path, or fit the classifier again.",
        )
    )
