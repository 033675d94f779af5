"""Carrying the outputs of classes over to another list of classes, by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def carry_classes(
    source: np.ndarray,
    fresh: np.ndarray,
    source_classes: Sequence[str],
    target_classes: Sequence[str],
    *,
    background: int,
    code_size: int = 1,
) -> np.ndarray | None:
    """`fresh` with the outputs of the classes that both lists name taken from `source`.

    Args:
        source, fresh: `[…, K · S · code_size]`: for each of `K` anchors, or parts of a region, `S`
            times some outputs, for the background if there is one and then for the classes.
        source_classes, target_classes: names in the order of their indices.
        background: how many outputs stand before those of the classes: 0 or 1.
        code_size: outputs for one class.

    Returns:
        None if the shapes do not fit the lists of classes.
    """
    old = _by_class(source, background + len(source_classes), code_size)
    new = _by_class(fresh, background + len(target_classes), code_size)
    if old is None or new is None or _others(old) != _others(new):
        return None
    new = new.copy()
    new[..., :background, :] = old[..., :background, :]
    known = {name: index + background for index, name in enumerate(source_classes)}
    for index, name in enumerate(target_classes, start=background):
        if name in known:
            new[..., index, :] = old[..., known[name], :]
    return new.reshape(fresh.shape)


def _by_class(array: np.ndarray, size: int, code_size: int) -> np.ndarray | None:
    """`[…, K, S, code_size]`, or None if the outputs are not so many."""
    if array.shape[-1] % (size * code_size):
        return None
    return array.reshape(*array.shape[:-1], -1, size, code_size)


def _others(array: np.ndarray) -> tuple[int, ...]:
    """The shape without the axis of classes."""
    return (*array.shape[:-2], array.shape[-1])
