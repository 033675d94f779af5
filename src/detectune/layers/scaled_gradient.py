"""A layer's output as it is, with another gradient: what reversal in adversarial training needs."""

from __future__ import annotations

from keras import ops

from detectune.structures import Array


def scaled_gradient(values: Array, factor: Array | float) -> Array:
    """`values`, whose gradient is multiplied by `factor`; −λ reverses it.

    Source: Ganin et al. 2016, equations 14 and 15 (the gradient reversal layer).
    """
    fixed = ops.stop_gradient(values)
    # The difference is 0, so that nothing is rounded on the way forward.
    return fixed + ops.cast(factor, fixed.dtype) * (values - fixed)
