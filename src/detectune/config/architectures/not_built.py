"""Architectures that old configs may have and that are not built: the table of fields refuses them.

They are known all the same, so that such a config is refused once and not also found incomplete.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectune.config.architectures.base import Architecture
from detectune.config.problems import Problem
from detectune.registry import architectures


class NotBuilt(Architecture):
    """One that cannot be trained."""

    def missing_fields(self) -> Iterator[Problem]:
        yield from ()


@architectures.register("center_net")
class CenterNetArchitecture(NotBuilt):
    """One stage without anchors."""


@architectures.register("experimental_model")
class ExperimentalArchitecture(NotBuilt):
    """A model that code of the original registered by name."""
