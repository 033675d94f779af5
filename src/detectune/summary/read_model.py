"""A config, a run or a model of the zoo → its pipeline.config."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from detectune.checkpoints.run_directory import open_run
from detectune.config import schema
from detectune.config.load import load_config
from detectune.config.overrides import apply_overrides
from detectune.inference.load_detector import folder_of


def read_model(
    path: str | os.PathLike[str], overrides: Iterable[str] = ()
) -> schema.TrainEvalPipelineConfig:
    """The config at `path`: a file, a run directory, an unpacked archive, or the name of a model
    that lies in `pre-trained`.

    Raises:
        ConfigError: it cannot be read, or an override does not fit.
        CheckpointError: nothing is there.
    """
    file = Path(path)
    if file.is_file() or (not file.exists() and file.suffix == ".config"):
        return load_config(file, overrides)
    config = open_run(folder_of(path)).config
    apply_overrides(config, overrides)
    return config
