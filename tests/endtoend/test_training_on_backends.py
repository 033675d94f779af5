"""A run of 8 steps, evaluated, saved and gone on with, is the same on every Keras backend."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import tiny_config, write_squares

import detectune
from detectune.checkpoints.files import find_checkpoint, read_checkpoint, write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.config.save import write_config
from detectune.detectors.build import build_detector
from detectune.training.logs import read_metrics

SCRIPT = Path(__file__).with_name("run_on_backend.py")
BACKENDS = ("tensorflow", "jax", "torch")
STEPS = 8


@pytest.fixture(scope="module")
def config_file(tmp_path_factory) -> Path:
    """With everything that changes how a step is made, and the same first weights everywhere."""
    folder = tmp_path_factory.mktemp("backends")
    config = tiny_config(write_squares(folder / "data"), extractor=EXTRACTOR)
    config.eval_config.recalibration_batches = 2
    settings = config.train_config
    settings.optimizer.use_moving_average = True
    settings.optimizer.moving_average_decay = 0.9
    rate = settings.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate
    # Larger steps make more of the last digit of a gradient than eight steps can be compared with.
    rate.learning_rate_base, rate.warmup_learning_rate = 0.0005, 0.0002
    settings.gradient_clipping_by_norm = 2.0
    settings.freeze_variables.append("conv1/")
    # A run that is killed goes on at the very step at which more is to train.
    settings.freeze.append("all-but-heads")
    settings.unfreeze_at_step.add(step=4, part="all-but-heads")
    settings.learning_rate_factors.backbone = 0.5
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        first = first_weights(config, folder / "first" / "ckpt-0")
    settings.fine_tune_checkpoint = str(first)
    settings.fine_tune_checkpoint_type = "full"
    write_config(config, folder / "tiny.config")
    return folder / "tiny.config"


def first_weights(config: schema.TrainEvalPipelineConfig, prefix: Path) -> Path:
    """A checkpoint with random numbers of NumPy's."""
    random = np.random.default_rng(1)
    values = {}
    for row in variable_keys(build_detector(config.model)):
        shape = tuple(row.variable.shape)
        fan_in = max(int(np.prod(shape[:-1])), 1)
        if row.key.split("/.ATTRIBUTES")[0].endswith(("gamma", "moving_variance")):
            value = random.uniform(0.5, 1.5, shape)
        else:
            value = random.normal(0, fan_in**-0.5, shape)
        values[row.key] = value.astype(np.float32)
    write_checkpoint(prefix, values)
    return prefix


@cache
def trained(config_file: Path, backend: str) -> Path:
    """The folder with both runs of a process of its own: Keras has one backend each."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder = config_file.parent / backend
    folder.mkdir()
    source = Path(detectune.__file__).parents[1]
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join(map(str, (source, SCRIPT.parents[1]))),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Eight steps are not worth an optimized program, nor compiling it again to go on.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(config_file.parent / "jax"),
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(config_file), str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return folder


def weights(run: Path, which: str = "last") -> dict[str, np.ndarray]:
    return read_checkpoint(find_checkpoint(run / "checkpoints" / which))


def rows(run: Path, kind: str) -> list[dict]:
    return [row for row in read_metrics(run / "metrics.jsonl") if row["kind"] == kind]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_run_goes_on_to_the_weights_of_one_that_was_not(config_file, backend):
    folder = trained(config_file, backend)
    for kind, steps in (("train", list(range(1, STEPS + 1))), ("eval", [4, 8])):
        whole, killed = rows(folder / "whole", kind), rows(folder / "killed", kind)
        assert [row["step"] for row in whole] == steps
        assert [row["step"] for row in killed] == steps
    whole, killed = weights(folder / "whole"), weights(folder / "killed")
    assert whole.keys() == killed.keys()
    for key, value in whole.items():
        np.testing.assert_allclose(killed[key], value, rtol=1e-5, atol=1e-6, err_msg=key)
    assert (folder / "killed" / "report.html").is_file()


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_weights_stay_and_the_others_move(config_file, backend):
    first = read_checkpoint(find_checkpoint(config_file.parent / "first" / "ckpt-0"))
    last = weights(trained(config_file, backend) / "whole")
    same = {key for key in last if np.array_equal(first[key], last[key])}
    assert 0 < len(same) < len(last) / 4


@pytest.mark.parametrize("backend", ["jax", "torch"])
class TestSameAsTensorFlow:
    def test_every_loss_and_learning_rate_is_the_same(self, config_file, backend):
        mine = rows(trained(config_file, backend) / "whole", "train")
        reference = rows(trained(config_file, "tensorflow") / "whole", "train")
        names = [n for n in reference[0] if n.startswith("Loss/")]
        assert len(names) >= 4
        for one, other in zip(mine, reference, strict=True):
            assert one["learning_rate"] == pytest.approx(other["learning_rate"], rel=1e-5)
            # The first steps are equal but for rounding, of which later ones make more and more.
            same = 1e-5 if one["step"] <= 3 else 5e-3
            for name in names:
                assert one[name] == pytest.approx(other[name], rel=same), (name, one["step"])

    def test_the_weights_to_deploy_have_moved_alike(self, config_file, backend):
        first = read_checkpoint(find_checkpoint(config_file.parent / "first" / "ckpt-0"))
        mine = weights(trained(config_file, backend) / "whole")
        reference = weights(trained(config_file, "tensorflow") / "whole")
        assert mine.keys() == reference.keys()
        for measured in (False, True):  # batch-norm statistics; weights that gradients move
            keys = [key for key in reference if ("/moving_" in key) == measured]
            apart = sum(float(np.sum((mine[key] - reference[key]) ** 2)) for key in keys)
            moved = sum(float(np.sum((reference[key] - first[key]) ** 2)) for key in keys)
            assert 0 < np.sqrt(apart) < 0.1 * np.sqrt(moved)

    def test_the_evaluations_are_the_same(self, config_file, backend):
        mine = rows(trained(config_file, backend) / "whole", "eval")
        reference = rows(trained(config_file, "tensorflow") / "whole", "eval")
        assert reference[-1]["DetectionBoxes_Recall/AR@100"] > 0.02
        for one, other in zip(mine, reference, strict=True):
            names = [name for name in other if name.startswith("DetectionBoxes_")]
            assert len(names) == 12
            for name in names:
                assert one[name] == pytest.approx(other[name], abs=0.005), name
