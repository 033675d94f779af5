"""Carrying class predictors over to another list of classes, by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def carry_classes(
    source: np.ndarray, fresh: np.ndarray, source_classes: Sequence[str],
    target_classes: Sequence[str],
) -> np.ndarray | None:  # fmt: skip
    """`fresh` with the outputs of the classes that both lists name taken from `source`.

    Args:
        source, fresh: kernel `[…, K·S]` or bias `[K·S]` of a class predictor with `K` anchors at
            a place and `S` outputs each: the classes, with the background first if there is one.
        source_classes, target_classes: names in the order of their indices.

    Returns:
        None if the shapes do not fit the lists of classes.
    """
    extra = _background(source, len(source_classes))
    if extra is None or extra != _background(fresh, len(target_classes)):
        return None
    old_size, new_size = len(source_classes) + extra, len(target_classes) + extra
    old = source.reshape(*source.shape[:-1], -1, old_size)
    new = fresh.reshape(*fresh.shape[:-1], -1, new_size).copy()
    if old.shape[:-1] != new.shape[:-1]:
        return None
    if extra:
        new[..., 0] = old[..., 0]
    known = {name: index for index, name in enumerate(source_classes)}
    for index, name in enumerate(target_classes):
        if name in known:
            new[..., index + extra] = old[..., known[name] + extra]
    return new.reshape(fresh.shape)


def _background(array: np.ndarray, num_classes: int) -> int | None:
    """1 if the outputs leave room for a background, 0 if not, None if they do not fit."""
    for extra in (1, 0):
        if array.shape[-1] % (num_classes + extra) == 0:
            return extra
    return None
