"""`--freeze PART`, which adds to `train_config { freeze }`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from detectune.config import schema

FREEZE = click.option(
    "--freeze",
    "frozen",
    multiple=True,
    metavar="PART",
    help="Not trained: backbone, backbone:100, backbone:LAYER, neck, all-but-heads, batch-norm.",
)


def freeze_too(config: schema.TrainEvalPipelineConfig, words: Iterable[str]) -> None:
    """Add `words` to those that `config` has, each once: a run that goes on may be given them
    again."""
    there = set(config.train_config.freeze)
    config.train_config.freeze.extend(word for word in dict.fromkeys(words) if word not in there)
