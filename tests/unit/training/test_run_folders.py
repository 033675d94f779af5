"""A damaged run directory: repaired and said, or refused with what to do; never a guess."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from left_open import nothing_left_open
from small_backbone import EXTRACTOR, register_small_backbone
from three_parts import three_parts
from tiny import compiled, tiny_config, write_squares

from detectune.checkpoints.files import find_checkpoint, read_checkpoint, write_checkpoint
from detectune.checkpoints.pointers import latest_in, named_by
from detectune.checkpoints.restore import label_map_beside, restore
from detectune.checkpoints.run_directory import Run, open_run
from detectune.config.label_map import LabelMap, write_label_map
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, ConfigError, DataError, WriteError
from detectune.training.console import RunConsole
from detectune.training.logs import RunLog, read_metrics, scan_metrics
from detectune.training.prepare import check_unchanged, prepare
from detectune.training.run_lock import run_lock
from detectune.training.run_writer import RunWriter
from detectune.training.state import Progress, read_progress, read_state

ROWS = [{"kind": "train", "step": step, "time": 1.0, "Loss/total_loss": 2.0} for step in (1, 4, 8)]


class Sound:
    """A run of 8 steps as `train` leaves it, without the training; and its detector."""

    def __init__(self, folder: Path) -> None:
        config = tiny_config(write_squares(folder / "data"), extractor=EXTRACTOR)
        self.path, self.config = folder / "run", config
        self.detector = compiled(build_detector(config.model), keras.optimizers.SGD())
        writer = RunWriter(Run(self.path, config))
        writer.write_config(config)
        writer.write_label_map(LabelMap.from_names(["blue", "red"]))
        for step in (4, 8):
            writer.write_weights(self.detector, step)
            best = Progress(step, stage_step=step, best_step=4, keep_checkpoints=2)
            writer.commit(self.detector, best)
        writer.keep_best(8)
        (self.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


@pytest.fixture(scope="module")
def sound(tmp_path_factory, small_backbone) -> Sound:
    return Sound(tmp_path_factory.mktemp("run"))


@pytest.fixture
def run(sound, tmp_path) -> Path:
    return Path(shutil.copytree(sound.path, tmp_path / "run"))


def writer(run: Path) -> RunWriter:
    return RunWriter(open_run(run))


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


# --- the pointer ----------------------------------------------------------------------------------

POINTERS = {
    "empty": b"",
    "blank": b" \n",
    "binary": bytes(range(256)),
    "nothing": b"model_checkpoint_path: ",
    "unfinished": b'model_checkpoint_path: "ckpt-8',
    "elsewhere": b'model_checkpoint_path: "ckpt-99"',
    "upwards": b'model_checkpoint_path: ".."',
    "zero": b'model_checkpoint_path: "ckpt\\0008"',
    "long": b'model_checkpoint_path: "' + b"c" * 5000 + b'"',
    "html": b"<!doctype html><p>Log in",
}


@pytest.mark.parametrize("content", POINTERS.values(), ids=POINTERS.keys())
def test_a_damaged_pointer_is_replaced_by_the_newest_checkpoint_and_said(run, caplog, content):
    for folder in ("last", "best"):
        (run / "checkpoints" / folder / "checkpoint").write_bytes(content)
    assert writer(run).last_step() == 8
    assert "the newest checkpoint with its state, of step 8, is taken" in caplog.text
    caplog.clear()
    assert find_checkpoint(run) == str(run / "checkpoints" / "best" / "ckpt-8")
    assert "ckpt-8, the newest checkpoint beside it, is taken" in caplog.text
    assert str(run / "checkpoints" / "best" / "checkpoint") in caplog.text


def test_a_pipe_in_place_of_the_pointer_is_not_waited_for(run, caplog):
    pipe(run / "checkpoints" / "last" / "checkpoint")
    assert writer(run).last_step() == 8
    assert "it is no file" in caplog.text


def test_a_sound_pointer_says_nothing(run, caplog):
    assert writer(run).last_step() == 8
    find_checkpoint(run)
    assert caplog.text == ""


def test_the_state_decides_which_checkpoint_a_damaged_pointer_meant(run):
    last = run / "checkpoints" / "last"
    shutil.move(last / "state-8.npz", last / "state-4.npz")
    (last / "checkpoint").write_bytes(b"")
    assert writer(run).last_step() == 4


def test_without_any_state_there_is_nothing_to_go_on_from(run):
    last = run / "checkpoints" / "last"
    (last / "state-8.npz").unlink()
    (last / "checkpoint").write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        writer(run).last_step()
    found, _, next_step = three_parts(caught.value)
    assert (
        found == f"{last / 'checkpoint'}: it is empty, and no checkpoint beside it has its state."
    )
    assert str(last) in next_step


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'model_checkpoint_path: "/home/a b/ckpt-8"', "ckpt-8"),
        (b'model_checkpoint_path: "C:\\\\runs\\\\ckpt-8"', "ckpt-8"),
        (b'model_checkpoint_path: "m\\303\\266del-5"', "mödel-5"),
        (b'all_model_checkpoint_paths: "a"\n model_checkpoint_path : "b"', "b"),
    ],
)
def test_a_pointer_of_another_program_is_read(tmp_path, text, name):
    (tmp_path / "checkpoint").write_bytes(text)
    assert named_by(tmp_path / "checkpoint") == (name, "")


def test_an_index_that_is_a_folder_or_a_pipe_is_no_checkpoint(tmp_path):
    (tmp_path / "ckpt-1.index").mkdir()
    os.mkfifo(tmp_path / "ckpt-2.index")
    for name in ("ckpt-1.data-00000-of-00001", "ckpt-2.data-00000-of-00001"):
        (tmp_path / name).write_bytes(b"")
    assert latest_in(tmp_path) is None
    for name in ("ckpt-1", "ckpt-2"):
        with pytest.raises(CheckpointError, match="there is no such checkpoint"):
            find_checkpoint(tmp_path / name)


@pytest.mark.parametrize("path", ["", "a\0b", "n" * 300, "d/" * 3000, "caf\udce9/ckpt-0"])
def test_a_path_that_cannot_be_is_refused(path):
    for opens in (find_checkpoint, open_run):
        with pytest.raises(ConfigError) as caught:
            opens(path)
        assert len(three_parts(caught.value)) == 3
        assert str(caught.value).isascii() or "…" in str(caught.value)


# --- checkpoints by step --------------------------------------------------------------------------


def test_older_checkpoints_are_kept_on_request_and_named_by_their_step(run):
    opened = open_run(run)
    assert opened.checkpoint("4") == str(run / "checkpoints" / "last" / "ckpt-4")
    with pytest.raises(CheckpointError) as caught:
        opened.checkpoint("6")
    found, allowed, next_step = three_parts(caught.value)
    assert found == f"{run}: there is no checkpoint of step 6."
    assert allowed == "Kept are the steps 4, 8."
    assert "--keep-checkpoints" in next_step


def test_no_more_are_kept_than_asked_for(sound, run):
    files = RunWriter(Run(run, sound.config))
    for step in (12, 16):
        files.write_weights(sound.detector, step)
        files.commit(sound.detector, Progress(step, stage_step=step, keep_checkpoints=2))
    names = {file.name for file in files.run.last.iterdir()}
    assert {name for name in names if name.endswith(".index")} == {"ckpt-12.index", "ckpt-16.index"}
    assert {name for name in names if name.startswith("state")} == {"state-16.npz"}
    files.commit(sound.detector, Progress(16, stage_step=16))
    assert {f.name for f in files.run.last.glob("*.index")} == {"ckpt-16.index"}


# --- the config and the label map -----------------------------------------------------------------


@pytest.mark.parametrize("content", [b"model { }", b"train_config { batch_size: 2 }"])
def test_a_config_without_a_model_is_refused_by_its_path(run, content):
    (run / "pipeline.config").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        open_run(run)
    found, _, next_step = three_parts(caught.value)
    assert found.startswith(f"{run / 'pipeline.config'}: model: ")
    assert "pipeline.config.earlier" in next_step


@pytest.mark.parametrize("content", [b"", b"\0" * 50, b"\xff\xfe\x00", b"model {", b"}" * 9])
def test_a_config_that_cannot_be_read_is_refused_by_its_path(run, content):
    (run / "pipeline.config").write_bytes(content)
    with pytest.raises(ConfigError, match=r"pipeline\.config:1:\d"):
        open_run(run)


def test_a_label_map_with_more_classes_than_the_model_is_refused(run):
    (run / "label_map.pbtxt").write_text('item { id: 3 name: "green" }')
    with pytest.raises(CheckpointError, match="it has ids up to 3, but the model has 2 classes"):
        open_run(run).label_map()


def test_a_label_map_above_a_run_is_of_others(run):
    write_label_map(LabelMap.from_names(["bolt", "nut"]), run.parent / "label_map.pbtxt")
    (run / "label_map.pbtxt").unlink()
    assert open_run(run).known_label_map() is None
    for which in ("best", "last"):
        assert label_map_beside(open_run(run).checkpoint(which)) is None
    write_label_map(LabelMap.from_names(["blue", "red"]), run / "label_map.pbtxt")
    assert label_map_beside(open_run(run).checkpoint("best")) == run / "label_map.pbtxt"


@pytest.mark.parametrize("kind", ["train", "eval"])
def test_a_file_in_the_place_of_a_folder_of_tensorboard_is_named_and_nothing_stays_open(
    tmp_path, kind
):
    (tmp_path / kind).write_text("")
    with nothing_left_open(), pytest.raises(WriteError) as caught:
        RunLog(tmp_path, 8)
    assert three_parts(caught.value)[0].startswith(f"{tmp_path / kind}: ")
    assert "a file stands where a folder should be" in str(caught.value)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_label_map_that_is_no_file_is_refused_and_not_left_out(run, make):
    (run / "label_map.pbtxt").unlink()
    make(run / "label_map.pbtxt")
    with pytest.raises(CheckpointError, match=r"label_map\.pbtxt: it is no file"):
        open_run(run).label_map()


# --- the state of training ------------------------------------------------------------------------


def state_error(run: Path, detector: Detector | None = None) -> list[str]:
    path = run / "checkpoints" / "last" / "state-8.npz"
    with pytest.raises(CheckpointError) as caught:
        read_progress(path) if detector is None else read_state(path, detector)
    return three_parts(caught.value)


def rewritten(run: Path, **arrays: np.ndarray | None) -> None:
    path = run / "checkpoints" / "last" / "state-8.npz"
    with np.load(path) as file:
        kept = dict(file)
    kept |= {name.replace("_", "/"): array for name, array in arrays.items()}
    np.savez(path, **{name: array for name, array in kept.items() if array is not None})


def progress_text(**fields: object) -> np.ndarray:
    progress = vars(Progress(8, stage_step=8)) | fields
    return np.frombuffer(json.dumps(progress).encode(), np.uint8)


def test_every_flipped_bit_of_a_state_is_noticed(run, sound):
    path = run / "checkpoints" / "last" / "state-8.npz"
    data, random = path.read_bytes(), np.random.default_rng(1)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    unnoticed = 0
    for place in random.integers(0, len(data), 60):
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(random.integers(8))
        path.write_bytes(flipped)
        try:
            read_state(path, sound.detector)
        except CheckpointError as error:
            three_parts(error)
        else:  # in a field of the archive that nobody reads, such as a date
            with zipfile.ZipFile(path) as archive:
                assert archive.namelist() == names
                assert archive.testzip() is None
            unnoticed += 1
    assert unnoticed < 6


@pytest.mark.parametrize("keep", [0, 1, 100, -1, -30])
def test_a_state_that_is_cut_off_is_damaged(run, keep):
    path = run / "checkpoints" / "last" / "state-8.npz"
    path.write_bytes(path.read_bytes()[:keep])
    assert "the file is damaged" in state_error(run)[0]


def test_a_header_that_asks_for_all_memory_is_damaged(run):
    path = run / "checkpoints" / "last" / "state-8.npz"
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }"
    header = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117).encode() + b"\n"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.npy", header)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, header if name == "progress.npy" else content)
    assert "the file is damaged" in state_error(run)[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"step": "8"}, {"step": -8}, {"step": None}, {"step": 7}, {"stage_step": 1.5},
        {"best_metric": "high"}, {"best_metrics": []}, {"notes": None}, {"seconds": {}},
        {"unknown": 1}, {"keep_checkpoints": -1},
    ],
)  # fmt: skip
def test_a_progress_of_another_shape_is_damaged(run, fields):
    rewritten(run, progress=progress_text(**fields))
    assert "the file is damaged (" in state_error(run)[0]


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 5000, b"1" * 9000])
def test_a_progress_that_is_none_is_refused(run, text):
    rewritten(run, progress=np.frombuffer(text, np.uint8))
    assert "training cannot go on from here" in state_error(run)[0]


def test_a_state_whose_numbers_are_not_finite_is_refused_by_name(run, sound):
    with np.load(run / "checkpoints" / "last" / "state-8.npz") as file:
        shape = file["network/0"].shape
    rewritten(run, network_0=np.full(shape, np.nan, np.float32))
    found, _, next_step = state_error(run, sound.detector)
    assert f"all {np.prod(shape)} numbers are NaN" in found
    assert "--model-dir" in next_step


def test_a_pipe_in_place_of_the_state_is_not_waited_for(run):
    pipe(run / "checkpoints" / "last" / "state-8.npz")
    assert "something that is no file stands there" in state_error(run)[0]


# --- weights that are none ------------------------------------------------------------------------


def damaged_weights(run: Path, change) -> str:
    """The prefix of a copy of the checkpoint with some arrays changed."""
    values = read_checkpoint(find_checkpoint(run))
    write_checkpoint(run / "changed" / "ckpt-1", {k: change(k, v) for k, v in values.items()})
    return str(run / "changed" / "ckpt-1")


def some_nan(key: str, value: np.ndarray) -> np.ndarray:
    if "conv3/kernel" in key or value.dtype.kind != "f":
        value = value.copy()
        value.reshape(-1)[:2] = np.nan if value.dtype.kind == "f" else 0
    return value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda k, v: v * np.nan if v.dtype.kind == "f" else v, "numbers are NaN"),
        (lambda k, v: v + np.inf if v.dtype.kind == "f" else v, "numbers are infinite"),
        (lambda k, v: -v if "moving_variance" in k else v, "moving_variance: all"),
    ],
)
def test_weights_that_cannot_be_are_refused_and_named(run, sound, change, said):
    prefix = damaged_weights(run, change)
    before = [np.asarray(variable).copy() for variable in sound.detector.variables]
    for kind in ("full", "detection"):
        with pytest.raises(CheckpointError) as caught:
            restore(sound.detector, prefix, kind=kind)
        found, allowed, next_step = three_parts(caught.value)
        assert found.startswith(f"{prefix}: ")
        assert said in found
        assert "variables cannot be those of a network" in found
        assert allowed == "Weights are finite numbers, and variances are not below 0."
        assert "take another checkpoint" in next_step
    for old, variable in zip(before, sound.detector.variables, strict=True):
        np.testing.assert_array_equal(old, np.asarray(variable))


def test_a_single_number_that_is_not_finite_is_found(run, sound):
    keys = [key for key in read_checkpoint(find_checkpoint(run)) if "kernel" in key]
    chosen = keys[len(keys) // 2]

    def change(key: str, value: np.ndarray) -> np.ndarray:
        if key == chosen:
            value = value.copy()
            value.reshape(-1)[3] = np.nan
        return value

    with pytest.raises(
        CheckpointError, match=r": 1 of \d+ variables cannot be .*: 1 of \d+ are NaN"
    ):
        restore(sound.detector, damaged_weights(run, change))


def test_a_variance_of_rounding_is_none_of_a_damage(run, sound):
    restore(
        sound.detector,
        damaged_weights(run, lambda k, v: v * 0 - 1e-9 if "moving_variance" in k else v),
    )
    restore(sound.detector, find_checkpoint(run))


# --- metrics.jsonl --------------------------------------------------------------------------------

GOOD = json.dumps(ROWS[0]).encode()
LINES = {
    b"\xff\xfe": "this line is not UTF-8",
    b"{": "this line is no JSON",
    b"[" * 50_000: "this line is no JSON",
    b"[1, 2]": "this line is no row of numbers",
    b'{"kind": 3, "step": 1}': "this line is no row of numbers",
    b'{"kind": "train"}': "this line has no step",
    b'{"kind": "train", "step": "4"}': "this line has no step",
    b'{"kind": "train", "step": -4}': "this line has no step",
    b'{"kind": "train", "step": true}': "this line has no step",
    b'{"kind": "train", "step": 1' + b"0" * 400 + b"}": "this line has no step",
}


@pytest.mark.parametrize(("line", "reason"), LINES.items(), ids=range(len(LINES)))
def test_a_damaged_line_is_named_and_left_out_when_a_run_goes_on(tmp_path, caplog, line, reason):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"\n".join([GOOD, line, GOOD, b""]))
    with pytest.raises(DataError) as caught:
        read_metrics(path)
    assert three_parts(caught.value)[0] == f"{path}:2: {reason}."
    before = path.read_bytes()
    RunLog(tmp_path, 8).close()
    assert read_metrics(path) == [ROWS[0], ROWS[0]]
    assert (tmp_path / "metrics.jsonl.earlier").read_bytes() == before
    assert f"{path}:2: {reason}; 1 such lines are left out" in caplog.text


def test_a_last_line_that_was_cut_off_is_no_damage(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(GOOD + b'\n{"kind": "tr')
    assert read_metrics(path) == [ROWS[0]]
    RunLog(tmp_path, 8).close()
    assert caplog.text == ""
    assert not (tmp_path / "metrics.jsonl.earlier").exists()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_something_that_is_no_file_is_an_error_and_not_a_wait(tmp_path, make):
    make(tmp_path / "metrics.jsonl")
    with pytest.raises(DataError) as caught:
        scan_metrics(tmp_path / "metrics.jsonl")
    assert "it cannot be read" in three_parts(caught.value)[0]


# --- before a training ----------------------------------------------------------------------------


@pytest.fixture
def config(sound):
    """One that needs no part of the tests."""
    return tiny_config(sound.path.parent / "data")


def silent() -> RunConsole:
    from rich.console import Console

    return RunConsole(Console(file=io.StringIO()))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("metrics.jsonl", "file"), ("report.html", "file"), ("pipeline.config", "file"),
        ("label_map.pbtxt", "file"), ("checkpoints", "folder"), ("train", "folder"),
    ],
)  # fmt: skip
def test_a_place_that_is_taken_is_said_before_the_data_are_read(config, tmp_path, name, kind):
    place = tmp_path / "run" / name
    place.parent.mkdir()
    place.mkdir() if kind == "file" else place.write_text("")
    config.train_input_reader.source = "csv:nowhere.csv"
    with pytest.raises(ConfigError) as caught:
        prepare(config, tmp_path / "run", console=silent())
    assert three_parts(caught.value)[0] == f"{place}: it is no {kind}."


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_training_is_refused_before_the_data_are_read(config, run, resume):
    config.train_input_reader.source = "csv:nowhere.csv"
    with run_lock(run, silent()):
        before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
        with pytest.raises(ConfigError) as caught:
            prepare(config, run, resume=resume, console=silent())
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    found, *_ = three_parts(caught.value)
    assert found.startswith(f"{run}: a training is under way here: process {os.getpid()} on ")
    with pytest.raises(ConfigError, match="there is a run here already"):
        prepare(config, run, console=silent())


def test_a_run_that_appeared_meanwhile_is_not_overwritten(config, run, tmp_path):
    prepared = prepare(config, tmp_path / "new", console=silent())
    check_unchanged(prepared)
    shutil.move(run, tmp_path / "new")
    with pytest.raises(ConfigError, match="a run has appeared here while the data were read"):
        check_unchanged(prepared)


@pytest.mark.parametrize("path", ["", " ", "a\0b", "n" * 300, "caf\udce9"])
def test_a_model_dir_that_cannot_be_is_refused(config, path):
    with pytest.raises(ConfigError) as caught:
        prepare(config, path, console=silent())
    assert three_parts(caught.value)[0].startswith('--model-dir "')


def test_keeping_no_checkpoint_is_refused(config, tmp_path):
    with pytest.raises(ConfigError, match="At least the newest checkpoint is kept"):
        prepare(config, tmp_path / "new", keep_checkpoints=0, console=silent())
