"""Where the data that is shared beside the repository lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_folder() -> Path:
    """`../shared` beside the repository, or the folder in DETECTUNE_SHARED; skips without it."""
    named = os.environ.get("DETECTUNE_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder} (set DETECTUNE_SHARED to its folder)")
    return folder
