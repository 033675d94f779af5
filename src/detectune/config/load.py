"""A pipeline.config on disk → a protobuf message."""

from __future__ import annotations

import os
from pathlib import Path

from google.protobuf import text_format

from detectune.config import schema


def load_config(path: str | os.PathLike) -> schema.TrainEvalPipelineConfig:
    """The `TrainEvalPipelineConfig` written in the file at `path`."""
    return text_format.Parse(Path(path).read_text("utf-8"), schema.TrainEvalPipelineConfig())
