"""One training of a study: `python -m detectune.cli.study_cell CONFIG RUN OUTCOME`.

`detectune study` starts it and holds its standard input; see `study.cell_process`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from detectune.cli.ending import run_and_exit


def main() -> None:
    """Train, and leave with the exit status of `detectune train`."""
    from detectune.study.cell_process import end_with

    end_with(sys.stdin.fileno())
    run_and_exit(_train, sys.argv[1:])


def _train(words: Sequence[str]) -> int:
    from detectune.cli.quiet import load_tensorflow

    load_tensorflow()
    from detectune.study.outcomes import CellFiles
    from detectune.study.train_cell import train_cell

    train_cell(CellFiles(*map(Path, words)))
    return 0


if __name__ == "__main__":
    main()
