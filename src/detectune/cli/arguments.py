"""Arguments that several commands share, refused before anything large is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detectune.errors import CheckpointError, three_part
from detectune.wording import one_line


class _Path(click.ParamType[str]):
    """A path, or a name of data such as voc:PATH; not an empty one, which would mean "here"."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text.strip() or "\0" in text:
            self.fail(
                f'"{one_line(text)}" names nothing.\nA path has at least one letter.\n'
                "A variable of the shell may be empty: check it, or write . for this folder.",
                param,
                ctx,
            )
        return text


PATH = _Path()
"""What every option and argument that names a file, a folder or data is."""
SEED = click.IntRange(0, 2**31 - 1)
"""What every source of random numbers takes."""
COUNT = click.IntRange(1, 100_000)
"""How many files or pictures to write."""
BATCH = click.IntRange(1, 16_384)
"""Images in a batch, as `config.ranges` has it."""
STEPS = click.IntRange(1, 1_000_000_000)
"""Training steps, as `config.ranges` has it."""
CHECKPOINT = click.option(
    "--checkpoint",
    type=PATH,
    metavar="best|last|STEP|PATH",
    help="Which; the best if left out.",
)


def refuse_missing_run(path: str) -> None:
    """Say at once that there is nothing at `path`: loading TensorFlow for that takes seconds.

    Raises:
        CheckpointError: there is nothing.
    """
    if Path(path).exists():
        return
    from detectune.zoo.catalog import CATALOG

    advice = "Check the path; `detectune train FILE --model-dir DIR` makes a run directory."
    if (archive := CATALOG.get(path)) is not None:
        there = f"pre-trained/{archive.name}"
        advice = f"`detectune zoo download {archive.name}` fetches it; then give {there}."
    raise CheckpointError(
        three_part(
            f"{one_line(path)}: it is no folder.",
            "Needed is a run directory (pipeline.config and checkpoints/), an unpacked zoo "
            "archive (pipeline.config and checkpoint/) or, to predict, an exported folder.",
            advice,
        )
    )
