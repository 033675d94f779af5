"""A pipeline.config → a trained detector in a run directory.

config ─► prepare.py: config, folder and data checked ─► run_stages.py: everything computed
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from detectune.config import schema
from detectune.training.console import RunConsole
from detectune.training.prepare import prepare, with_feature_cache

if TYPE_CHECKING:
    import keras

    from detectune.checkpoints.run_directory import Run


def train(
    config: schema.TrainEvalPipelineConfig,
    model_dir: str | os.PathLike[str],
    *,
    cache_features: bool = False,
    resume: bool = False,
    keep_checkpoints: int | None = None,
    console: RunConsole | None = None,
    backbone: keras.Model | None = None,
) -> Run:
    """Fine-tune as `config` says, and leave a run directory at `model_dir`.

    Images that cannot be read, or are damaged in their middle, do not end it. They are named when
    they are met, and counted at the end and in `report.html`; other images stand in their places.

    Args:
        cache_features: compute the frozen beginning of the network once for each image, as
            `train_config { feature_cache { } }` does.
        resume: go on from `checkpoints/last` if there is one.
        keep_checkpoints: how many of the newest stay in `checkpoints/last`; None for as many as
            before, of a run that goes on, or one.
        console: where progress is shown; standard error if None.
        backbone: any functional Keras model, to be the network under the detector instead of the
            one that `config` names, see `build_detector`. Training starts from its weights, and
            leaves frozen what is frozen in it. `backbone.json` in the run directory describes it,
            so that evaluating, predicting, exporting and resuming do without the object.

    Raises:
        ConfigError: a field is refused, a choice unknown, `model_dir` holds another run, or another
            process trains there.
        DataError: an annotation is wrong, more than half of the images cannot be read, or there is
            no object in them.
        CheckpointError: fine_tune_checkpoint does not hold what its type promises.
        TrainingError: a loss is not finite.
    """
    if cache_features:
        config = with_feature_cache(config)
    prepared = prepare(
        config,
        model_dir,
        resume=resume,
        keep_checkpoints=keep_checkpoints,
        console=console,
        backbone=backbone,
    )
    # It loads Keras and TensorFlow, for which nobody waits who has mistyped a path.
    from detectune.training.run_stages import run_stages

    return run_stages(prepared)
