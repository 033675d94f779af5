"""A training of a study ends with the study, and says how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import detectune
from detectune.errors import TrainingError, three_part
from detectune.study.cell_process import how_it_ended, run_in_process
from detectune.study.outcomes import CellFiles, read_outcome
from detectune.study.train_cell import reason_of, speed, train_cell

WATCH = """
import time
from detectune.study.cell_process import end_with
end_with(0)
print("begun", flush=True)
time.sleep(60)
"""


def test_when_the_study_is_gone_the_training_ends():
    path = str(Path(detectune.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", WATCH],
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 130
    process.stdout.close()


def files(tmp_path: Path) -> CellFiles:
    return CellFiles(tmp_path / "a.config", tmp_path / "run", tmp_path / "a.json")


def test_a_process_that_leaves_no_result_says_its_status(tmp_path, capfd):
    assert run_in_process("detectune.there_is_none", files(tmp_path)) == (
        "its process ended with status 1 and without a result"
    )
    assert "there_is_none" in capfd.readouterr().err


def test_a_signal_has_a_name():
    assert how_it_ended(-signal.SIGSEGV) == "its process was ended by SIGSEGV"
    assert "runs out of memory" in how_it_ended(-signal.SIGKILL)
    assert how_it_ended(-250) == "its process was ended by signal 250"


class ResourceExhaustedError(Exception):
    """Called as TensorFlow's is."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrainingError(three_part("step 3: loss is nan.", "b", "c")), "step 3: loss is nan."),
        (MemoryError(), "there was not enough memory"),
        (ResourceExhaustedError("OOM\nat"), "there was not enough memory: OOM"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_why_a_training_failed_is_one_line(error, reason):
    assert reason_of(error) == reason


def test_a_config_that_cannot_be_read_is_an_outcome(tmp_path):
    where = files(tmp_path)
    with pytest.raises(Exception, match=r"a\.config"):
        train_cell(where)
    outcome = read_outcome(where.outcome)
    assert outcome is not None
    assert outcome.state == "failed"
    assert "a.config" in outcome.reason


def test_the_speed_is_that_of_the_last_lines():
    rows = [
        {"kind": "train", "step": 1, "time": 10.0, "images_per_sec": 0.5},
        {"kind": "train", "step": 8, "time": 20.0, "images_per_sec": 16.0},
        {"kind": "eval", "step": 8, "time": 23.5},
    ]
    assert speed(rows, batch=4) == (0.25, 3.5)
    assert speed(rows[:2], batch=4) == (0.0, 0.0)
    assert speed(rows[2:], batch=4) == (0.0, 0.0)
