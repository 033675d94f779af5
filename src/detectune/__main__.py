"""`python -m detectune` is `detectune`."""

from __future__ import annotations

from detectune.cli.main import main

main()
