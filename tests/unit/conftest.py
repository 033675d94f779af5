"""Fixtures for tests of parts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def no_values() -> Iterator[None]:
    """Networks that the test builds have no values, see `structure.structure_only`."""
    from structure import structure_only  # Keras, which not every test needs

    with structure_only():
        yield
