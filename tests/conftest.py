"""The suite runs in two processes, the longest files first; files that are named run in this one.

Numbers are summed in one order on every machine. The recordings were made with oneDNN and two
threads. Batch norms in training amplify rounding: where TensorFlow takes Eigen's convolutions
(processors without AVX-512), or sums with one thread, the recorded losses of a training step are
missed by 2e-4 instead of 5e-6, though nothing is wrong.

Modules beside this file can be imported: `from shared import shared_folder`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before TensorFlow is imported; commands that tests start inherit them.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")

TESTS = Path(__file__).parent
# So that no process is left alone with a long file in the end.
LONGEST_FIRST = (
    "endtoend/test_training_on_backends.py",
    "endtoend/test_road.py",
    "parity/test_faster_rcnn_models.py",
    "endtoend/test_unfreezing.py",
    "parity/test_ssd_models.py",
    "endtoend/test_kept_features.py",
    "endtoend/test_training.py",
    "unit/detectors/test_ssd.py",
    "conformance/test_every_detector.py",
    "conformance/test_two_stage_detectors.py",
    "conformance/test_application_networks.py",
    "endtoend/test_resume.py",
    "endtoend/test_own_backbone.py",
    "endtoend/test_bad_input.py",
    "endtoend/test_plugins.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means: two processes, or none where files or folders are named."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {TESTS / file: rank for rank, file in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
