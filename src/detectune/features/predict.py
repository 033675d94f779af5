"""New image files → classes. Each is taken whole, as if it were one crop."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detectune.data.image_files import decode_problem
from detectune.errors import ConfigError, DataError, three_part
from detectune.features.extract import BATCH, batches, settings_of
from detectune.features.image_classifier import ImageClassifier
from detectune.features.image_network import ImageNetwork
from detectune.features.open_network import is_program, open_network
from detectune.features.pixels import resized, stored_pixels
from detectune.features.settings import POOLINGS, Pooling
from detectune.files import open_regular
from detectune.inference.image_paths import images_at
from detectune.wording import one_line


class Predicted(NamedTuple):
    """What is said of one image."""

    file_name: str
    """Its path inside the folder that was named, with slashes."""
    class_name: str | None
    """The class with the highest score; None if that is below the threshold."""
    score: float
    """Its score, see `ImageClassifier.score`."""
    scores: dict[str, float]
    """Class → score."""


@dataclass
class Predictions:
    """What is said of some images."""

    score: str
    """What scores are: "probability" or "decision"."""
    images: list[Predicted] = field(default_factory=list[Predicted])
    unreadable: list[str] = field(default_factory=list[str])
    """What is wrong with each image or folder that cannot be read; it begins with its path."""

    def to_json(self) -> str:
        """A list with an entry for each image."""
        rows: list[dict[str, Any]] = [
            {
                "file_name": one.file_name,
                "class": one.class_name,
                self.score: one.score,
                "scores": one.scores,
            }
            for one in self.images
        ]
        return json.dumps(rows, indent=1) + "\n"


def predict_images(
    classifier: ImageClassifier,
    paths: Sequence[str],
    *,
    network: str | None = None,
    weights: str | None = None,
    threshold: float | None = None,
    batch_size: int = BATCH,
    track: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> Predictions:
    """The class of every image file that `paths` name: files, and folders of files.

    Args:
        network, weights: where those of the classifier are now; where they were if None.
        threshold: images of a lower score have no class.
        track: passes the images on, and shows how far they are.

    Raises:
        ConfigError: the network is a SavedModel, which has to be named, or cannot be opened.
        DataError: a path is missing, not one image can be read, or the network is another one.
        CheckpointError: the network is not there, or damaged.
    """
    named, problems = images_at(paths)
    found = Predictions(classifier.score, unreadable=list(problems))
    opened = classifier_network(classifier, network, weights)
    settings = classifier.settings

    def read() -> Iterator[tuple[str, np.ndarray]]:
        for path, name in track(named):
            try:
                yield name, resized(_pixels(path), opened.size, settings.resize)
            except DataError as error:
                found.unreadable.append(str(error).split("\n")[0])

    for batch in batches(read(), batch_size):
        vectors = opened.vectors(np.stack([pixels for _, pixels in batch]), batch_size)
        _refuse_not_finite(vectors, opened)
        answers = classifier.answers(vectors)
        for (name, _), best, scores in zip(batch, answers.classes, answers.scores, strict=True):
            found.images.append(_predicted(classifier, name, int(best), scores, threshold))
    if not found.images:
        raise DataError(
            three_part(
                "not one image can be read:\n" + "\n".join(f"  {t}" for t in found.unreadable[:20]),
                "Images are whole JPEG, PNG, GIF, BMP, WebP or TIFF files.",
                "Check the files.",
            )
        )
    return found


def classifier_network(
    classifier: ImageClassifier, network: str | None = None, weights: str | None = None
) -> ImageNetwork:
    """The network whose vectors `classifier` knows.

    Args:
        network, weights: where they are now; where they were if None.

    Raises:
        ConfigError: it is a SavedModel that is not named.
        DataError: what is there is another network.
    """
    settings = classifier.settings
    if network is None and is_program(settings.network):
        raise ConfigError(
            three_part(
                f"{settings.network}: the network of the classifier is a SavedModel.",
                "A SavedModel is a program, and is run only where you name it yourself.",
                "If you trust it, add --network with its folder.",
            )
        )
    pooling: Pooling = "max" if settings.pooling == POOLINGS[1] else "avg"
    moved = network is not None and os.path.exists(network)
    opened = open_network(
        network or settings.network,
        pooling=pooling,
        weights=weights or (None if moved else settings.weights or None),
        size=settings.size,
        value_range=settings.value_range if is_program(network or settings.network) else None,
    )
    same = settings_of(opened, settings.crops, settings.margin, settings.resize)
    classifier.refuse_other(same, f"--network {network or settings.network}")
    return opened


def _predicted(
    classifier: ImageClassifier, name: str, best: int, scores: np.ndarray, threshold: float | None
) -> Predicted:
    score = float(scores[best])
    certain = threshold is None or score >= threshold
    return Predicted(
        name,
        classifier.classes[best] if certain else None,
        score,
        dict(zip(classifier.classes, map(float, scores), strict=True)),
    )


def _pixels(path: Path) -> np.ndarray:
    """The image file at `path` as stored, `[H, W, 3]` uint8.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with open_regular(path) as file:
            data = file.read()
        problem = decode_problem(data)
        if not problem:
            return stored_pixels(data)
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:
        problem = str(error)
    raise DataError(
        three_part(
            f"{one_line(path)}: {one_line(problem)}.",
            "Images are whole JPEG, PNG, GIF, BMP, WebP or TIFF files.",
            "Replace the file.",
        )
    )


def _refuse_not_finite(vectors: np.ndarray, network: ImageNetwork) -> None:
    if not np.isfinite(vectors).all():
        raise DataError(
            three_part(
                f"{network.name}: its vectors are not finite.",
                "Vectors are numbers; NaN and infinite ones come of damaged weights.",
                "Check the network.",
            )
        )
