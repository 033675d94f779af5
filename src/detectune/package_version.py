"""Which detectune is running."""

from __future__ import annotations

import importlib.metadata


def package_version() -> str:
    """The version as it is installed; "0" where it runs from a source tree."""
    try:
        return importlib.metadata.version("detectune")
    except importlib.metadata.PackageNotFoundError:
        return "0"
