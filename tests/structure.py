"""Networks of which only the structure matters: names, shapes, and what follows what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from keras.src.backend.common.global_state import get_global_attribute, set_global_attribute
from keras.src.backend.common.stateless_scope import StatelessScope

_WAITING = "uninitialized_variables"


@contextmanager
def structure_only() -> Iterator[None]:
    """Variables that are made meanwhile have a shape and no value, ever.

    To give them values is most of what building a network takes. Nothing can be computed with
    them: whoever asks for a value gets another one each time.
    """
    before = list(get_global_attribute(_WAITING) or [])
    try:
        with StatelessScope(initialize_variables=False):
            yield
    finally:
        set_global_attribute(_WAITING, before)  # or Keras would give them values later
