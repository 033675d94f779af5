"""Trains in a process of its own, on one thread: to be killed, and to be compared bit by bit.

    python run_training.py CONFIG MODEL_DIR [--resume] [--die PLACE:N] [--images FOLDER]

With `--die` the process kills itself (SIGKILL) when it comes to PLACE for the Nth time. With
`--images` it goes on, but copies the run directory to FOLDER/PLACE-N each time it comes to a
place: what a kill at that moment would have left on the disk.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
from small_backbone import register_small_backbone

import detectune.training.run_writer as run_files
import detectune.training.state as state
from detectune.cli.main import main
from detectune.training.callbacks import StepNumbers
from detectune.training.logs import RunLog


@contextlib.contextmanager
def nothing(*_: Any, **__: Any) -> Iterator[None]:
    yield


@contextlib.contextmanager
def half_a_line(log: RunLog, *_: Any, **__: Any) -> Iterator[None]:
    size = log.path.stat().st_size
    log._file.write('{"kind": "train", "st')
    log._file.flush()
    yield
    log._file.truncate(size)


@contextlib.contextmanager
def half_an_archive(file: Any, **_: Any) -> Iterator[None]:
    file.write(b"PK\x03\x04 half of an archive")
    file.flush()
    yield
    file.seek(0)
    file.truncate()


@contextlib.contextmanager
def half_a_checkpoint(_: Any, path: str) -> Iterator[None]:
    folder = Path(f"{path}_temp")
    folder.mkdir()
    for place in (folder / "part-00000-of-00001.data-00000-of-00001", Path(f"{path}.index")):
        place.write_bytes(b"half")
    yield
    shutil.rmtree(folder)


@contextlib.contextmanager
def half_a_copy(_: Any, path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    leftover = path.parent / f".{path.name}.abcd1234"
    leftover.write_bytes(b"half")
    yield
    leftover.unlink()


# Name of a place → (object, its function before which it is, what is half done there).
PLACES: dict[str, tuple[Any, str, Callable]] = {
    "step": (StepNumbers, "on_train_batch_end", nothing),
    "line": (RunLog, "add", half_a_line),
    "weights": (tf.train.Checkpoint, "write", half_a_checkpoint),
    "index": (run_files, "write_state", nothing),
    "state": (state.np, "savez", half_an_archive),
    "pointer": (run_files, "point_to", nothing),
    "removal": (run_files, "_remove_others", nothing),
    "best": (run_files, "copy_file", half_a_copy),
}


def watch(arrived: Callable[[str, int], None]) -> None:
    """Call `arrived(place, n)` each time the training comes to a place, half of it done."""
    counts = Counter()

    def wrap(place: str, original: Callable, half: Callable) -> Callable:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            counts[place] += 1
            with half(*args, **kwargs):
                arrived(place, counts[place])
            return original(*args, **kwargs)

        return wrapped

    for place, (owner, name, half) in PLACES.items():
        setattr(owner, name, wrap(place, getattr(owner, name), half))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("model_dir")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--die", default="")
    parser.add_argument("--images", default="")
    words = parser.parse_args()

    def on_arrival(place: str, number: int) -> None:
        if words.images:
            shutil.copytree(words.model_dir, f"{words.images}/{place}-{number}")
        if words.die == f"{place}:{number}":
            os.kill(os.getpid(), signal.SIGKILL)

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    register_small_backbone(pytest.MonkeyPatch())
    watch(on_arrival)
    resume = ["--resume"] if words.resume else []
    main(["--debug", "train", words.config, "--model-dir", words.model_dir, *resume])
