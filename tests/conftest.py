"""The suite runs in two processes, the longest files first; a few files run in this one.

Modules beside this file can be imported: `from shared import shared_folder`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# What takes longest comes first, so that no process is left alone with it in the end.
LONGEST_FIRST = (
    "endtoend/test_training_on_backends.py",
    "conformance/test_every_detector.py",
    "endtoend/test_road.py",
    "endtoend/test_training.py",
    "endtoend/test_resume.py",
    "parity/test_faster_rcnn_models.py",
    "conformance/test_two_stage_detectors.py",
    "endtoend/test_bad_input.py",
    "unit/detectors/test_ssd.py",
    "unit/test_backends.py",
    "parity/test_ssd_models.py",
    "parity/test_tf1_models.py",
)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Read by TensorFlow when it is imported, here and in processes that tests start.
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means: two processes, or none where files or folders are named."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {TESTS / file: rank for rank, file in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
