"""Commands start fast: nothing large is imported for help or to say that a path is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import detectune
from detectune.cli.log_filter import is_log_line
from detectune.cli.main import COMMANDS

LARGE = ("tensorflow", "keras", "jax", "torch", "sklearn", "faster_coco_eval", "cv2")
_SUBCOMMANDS = {
    "data": ("inspect", "convert", "split", "preview", "proposals"),
    "config": ("new", "check", "show"),
    "zoo": ("list", "show", "download"),
}
_HELP = [[name, "--help"] for name in COMMANDS] + [
    [group, name, "--help"] for group, names in _SUBCOMMANDS.items() for name in names
]
_WRONG = [
    ["data", "inspect", "nowhere"], ["data", "convert", "nowhere", "x", "--to", "coco"],
    ["data", "split", "nowhere", "x"], ["data", "preview", "nowhere.config", "x"],
    ["config", "check", "nowhere.config"], ["config", "show", "nowhere.config"],
    ["train", "nowhere.config", "--model-dir", "x"], ["train", "x.config", "--model-dir", ""],
    ["evaluate", "nowhere"], ["predict", "nowhere", "x.jpg"], ["predict", ".", "nowhere.jpg"],
    ["export", "nowhere", "-o", "x"], ["zoo", "show", "nothing"], ["trian"],
]  # fmt: skip
_PROGRAM = """
import contextlib, io, json, sys, time
from detectune.cli.main import main
for words in json.loads(sys.argv[1]):
    before, status = time.process_time(), None
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main(words)
        except SystemExit as left:
            status = left.code
    loaded = sorted({name.split(".")[0] for name in sys.modules} & set(json.loads(sys.argv[2])))
    print(json.dumps([words, status, loaded, time.process_time() - before]))
"""


def environment() -> dict[str, str]:
    source = str(Path(detectune.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": source}


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> list:
    """What each command line left behind, one after the other in one process."""
    words = [sys.executable, "-c", _PROGRAM, json.dumps(_HELP + _WRONG), json.dumps(LARGE)]
    folder = tmp_path_factory.mktemp("empty")
    done = subprocess.run(
        words,
        env=environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_help_and_wrong_paths_import_nothing_large(started):
    assert [row for row in started if row[2]] == []


def test_help_is_status_0_and_a_wrong_path_status_2(started):
    assert len(started) == len(_HELP) + len(_WRONG)
    for words, status, _, _ in started:
        assert status == (0 if words[-1] == "--help" else 2), words


def test_an_inspection_needs_neither_tensorflow_nor_keras(tmp_path):
    from PIL import Image

    (tmp_path / "a.xml").write_text(
        "<annotation><filename>a.png</filename><size><width>40</width><height>30</height></size>"
        "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax>"
        "</bndbox></object></annotation>"
    )
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    lines = [[["data", "inspect", str(tmp_path), "--report", str(tmp_path / "i.html")]], LARGE]
    words = [sys.executable, "-c", _PROGRAM, *map(json.dumps, lines)]
    done = subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=120, check=True
    )
    _, status, loaded, _ = json.loads(done.stdout)
    assert (status, loaded) == (0, [])
    assert "<figure" in (tmp_path / "i.html").read_text()


@pytest.mark.parametrize(
    "line",
    [
        b"I0000 00:00:1795212448.038594   12219 port.cc:153] oneDNN custom operations are on.",
        b"E0000 00:00:1795212448.038594   12219 cuda_dnn.cc:8310] Unable to register cuDNN",
        b"W0000 00:00:1795212448.038594   12219 gpu_device.cc:2344] Cannot dlopen some GPU libr",
        b"2026-11-28 02:00:00.123456: I tensorflow/core/platform/cpu_feature_guard.cc:210] This",
        b"2026-11-28 02:00:00.123456: E external/local_xla/xla/cuda_fft.cc:477] Unable to",
        b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        b"To enable the following instructions: AVX2 FMA, in other operations, rebuild",
        b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
        b"********************************",
        b"Corrupt JPEG data: 240 extraneous bytes before marker 0xd9",
    ],
)
def test_log_lines_of_libraries_are_dropped(line):
    assert is_log_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b"F0000 00:00:1795212448.038594   12219 tensor.cc:5] Check failed: NDIMS == dims()",
        b"2026-11-28 02:00:00.123456: F tensorflow/core/framework/tensor.cc:852] Check failed",
        b"Fatal Python error: Aborted",
        b"terminate called after throwing an instance of 'std::bad_alloc'",
        b"detectune: stopped by the keyboard.",
        b"",
    ],
)
def test_the_last_words_of_a_crash_are_not(line):
    assert not is_log_line(line)


_NATIVE = """
import os, sys
from detectune.cli import ending, quiet
def command(words):
    quiet.drop_native_log()
    os.write(2, b"I0000 00:00:1795212448.038594 1 a.cc:1] x\\nkept\\nW0000 00:00:17952124")
    os.write(2, b"48.038594 1 a.cc:1] x\\nno end of line")
    print("said", file=sys.stderr)
    {last}
    return 0
ending.run_and_exit(command, [], debug={debug})
"""


def native(last: str = "pass", debug: bool = False) -> subprocess.CompletedProcess[str]:
    program = _NATIVE.format(last=last, debug=debug)
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_what_libraries_write_past_python_is_dropped_line_by_line():
    done = native()
    assert done.returncode == 0
    assert sorted(done.stderr.replace("no end of line", "").splitlines()) == ["kept", "said"]
    assert "no end of line" in done.stderr


def test_debug_shows_all_of_it():
    assert "I0000 00:00" in native(debug=True).stderr


def test_the_last_words_before_an_abort_arrive():
    done = native("os.write(2, b'F0000 00:00:1 1 a.cc:1] Check failed\\n'); os.abort()")
    assert done.returncode != 0
    assert "Check failed" in done.stderr
