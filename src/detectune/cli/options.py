"""Kinds of values that options of commands take, with the limits that are the same everywhere."""

from __future__ import annotations

from typing import Any

import click


class FilledPath(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """A path, or what stands for data such as `coco:PATH`: not empty, and one that can exist."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text.strip():
            self.fail(
                "it is empty. A path is needed. Write one, such as training/first.", param, ctx
            )
        if "\0" in text:
            self.fail("it has a NUL, which no path can have. Correct the path.", param, ctx)
        return text


PATH = FilledPath()
"""What every option and argument that names a file, a folder or data is."""
SEED = click.IntRange(0, 2**32 - 1)
"""A seed of random numbers."""
PICTURES = click.IntRange(1, 100_000)
"""How many pictures to write."""
SHARDS = click.IntRange(1, 100_000)
"""How many files to write."""
BATCH = click.IntRange(1, 16_384)
"""Images in a batch, as `config.ranges` has it."""
STEPS = click.IntRange(1, 1_000_000_000)
"""Training steps, as `config.ranges` has it."""
