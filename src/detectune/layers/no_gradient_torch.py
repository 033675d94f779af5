"""PyTorch without its record of operations. Imported only where Keras runs on PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from detectune.structures import Array


def computed(compute: Callable[[], list[Array]]) -> list[Array]:
    """What `compute` returns; its operations are not recorded for a gradient."""
    with torch.no_grad():
        return compute()
