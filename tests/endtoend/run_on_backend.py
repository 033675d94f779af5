"""A whole training and one that goes on after a kill: `KERAS_BACKEND=jax python run_on_backend.py`.

    python run_on_backend.py CONFIG FOLDER

First the unit tests of optimizers, schedules, gradient accumulation and batch-norm statistics, in
this process, where the backend is loaded; on TensorFlow they run by themselves. Then two runs.
`FOLDER/whole` is never interrupted. `FOLDER/killed` is a copy of it at the moment when the
checkpoint of step 8 was written and did not count yet, and goes on from there: from step 4.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import pytest
from small_backbone import register_small_backbone

import detectune.training.run_writer as run_writer
from detectune.config.load import load_config
from detectune.layers.hyperparams import ConvHyperparams
from detectune.training.train import train

UNIT = Path(__file__).parents[1] / "unit" / "training"
PROBED = (
    "test_accumulation", "test_optimizers", "test_paces", "test_recalibration", "test_schedules",
)  # fmt: skip
# Keras converts a tensor of PyTorch's in a way that NumPy is about to change.
OPTIONS = ("-q", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning")

# JAX compiles an initializer for every shape, which takes longer than all the rest; what it gives
# is overwritten by the checkpoint that training starts from.
ConvHyperparams.new_initializer = lambda _: keras.initializers.Zeros()  # type: ignore[method-assign]


def main(config_file: str, folder: Path) -> None:
    config, point_to = load_config(config_file), run_writer.point_to

    def copied_at_step_8(prefix: Path) -> Any:
        if prefix.name == "ckpt-8" and not (folder / "killed").exists():
            shutil.copytree(folder / "whole", folder / "killed")
        return point_to(prefix)

    run_writer.point_to = copied_at_step_8
    train(config, folder / "whole")
    train(config, folder / "killed", resume=True)


if __name__ == "__main__":
    files = [str(UNIT / f"{name}.py") for name in PROBED]
    failed = keras.backend.backend() != "tensorflow" and pytest.main([*OPTIONS, *files])
    if failed:
        sys.exit(failed)
    register_small_backbone(pytest.MonkeyPatch())
    main(sys.argv[1], Path(sys.argv[2]))
