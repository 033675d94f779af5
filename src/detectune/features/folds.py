"""How labelled vectors are divided for cross-validation.

Every class is spread over all folds. Boxes of one image look alike, so an image is in one fold as a
whole: else a classifier would be measured on what it has half seen.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from detectune.errors import DataError, three_part
from detectune.wording import one_line, plural


class Folds(NamedTuple):
    """Divisions of some vectors."""

    splits: list[tuple[np.ndarray, np.ndarray]]
    """Indices to fit on, and to measure on."""
    by_image: bool
    """Whether images are in one fold as a whole."""
    notes: list[str]
    """What is otherwise than was asked for, in sentences."""


def divide(
    labels: np.ndarray, images: np.ndarray, names: Sequence[str], folds: int, seed: int
) -> Folds:
    """`folds` divisions, or as many as the smallest class allows.

    Args:
        labels: `[N]` int, each an index into `names`, all of which have examples.
        images: `[N]` int, equal for vectors of one image.

    Raises:
        DataError: a class has one example.
    """
    examples = np.bincount(labels, minlength=len(names))
    _refuse_single(examples, names)
    in_images = np.array(
        [len(np.unique(images[labels == index])) for index in range(len(names))], int
    )
    notes: list[str] = []
    several = len(np.unique(images)) < len(images)
    by_image = several and bool(in_images.min() >= 2)
    if several and not by_image:
        names_shown = one_line(names[int(in_images.argmin())])
        notes.append(
            f'all boxes of "{names_shown}" are in one image, so boxes are divided and not images: '
            "what is measured on boxes of images that were learned from is too good"
        )
    most = in_images if by_image else examples
    count = min(folds, int(most.min()))
    if count < folds:
        what = "image" if by_image else "example"
        smallest = one_line(names[int(most.argmin())])
        notes.append(
            f'{plural(count, "fold")} instead of {folds}, because "{smallest}" has '
            f"{plural(int(most.min()), what)}"
        )
    selection: Any = importlib.import_module("sklearn.model_selection")
    kind = selection.StratifiedGroupKFold if by_image else selection.StratifiedKFold
    divider = kind(count, shuffle=True, random_state=seed)
    groups = images if by_image else None
    return Folds(list(divider.split(labels, labels, groups)), by_image, notes)


def _refuse_single(examples: np.ndarray, names: Sequence[str]) -> None:
    single = [one_line(name) for name, count in zip(names, examples, strict=True) if count < 2]
    if single:
        raise DataError(
            three_part(
                f"{', '.join(single)}: {'it has' if len(single) == 1 else 'each has'} one example.",
                "A class needs two: one to learn from while the other is measured.",
                f'Add images of it, or leave it out with --drop "{single[0]}".',
            )
        )
