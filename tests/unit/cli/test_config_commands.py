import subprocess
import sys
from pathlib import Path

import pytest

from detectune.cli.main import main
from detectune.config.load import load_config
from detectune.config.save import config_text
from detectune.recipes.new_config import new_config
from detectune.recipes.training_plan import plan_training

MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


@pytest.fixture(autouse=True)
def in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_config(name="pipeline.config", change=lambda text: text):
    config = new_config(
        MODEL,
        num_classes=1,
        plan=plan_training(160),
        train="train.record",
        evaluation="test.record",
        label_map_path="label_map.pbtxt",
        checkpoint="ckpt-0",
    )
    for file in ("train.record", "test.record", "ckpt-0.index", "ckpt-0.data-00000-of-00001"):
        Path(file).write_bytes(b"x")
    Path("label_map.pbtxt").write_text('item { id: 1 name: "raccoon" }')
    Path(name).write_text(change(config_text(config)))
    return name


def test_check_of_a_good_config_leaves_with_0(run):
    assert run("config", "check", write_config()) == (0, "pipeline.config: no problems\n", "")


def test_check_prints_like_a_compiler_and_leaves_with_2(run):
    write_config(change=lambda text: text.replace("batch_size: 8", "bach_size: 8"))
    status, out, err = run("config", "check", "pipeline.config")
    line = out.splitlines()[0]
    text = Path("pipeline.config").read_text()
    number = text[: text.index("bach_size")].count("\n") + 1
    assert line.startswith(
        f"pipeline.config:{number}:3: error: train_config.bach_size: TrainConfig has no field"
    )
    assert line.endswith('Did you mean "batch_size"? Rename or remove the line.')
    assert out.splitlines()[-1] == "pipeline.config: 1 error"
    assert (status, err) == (2, "")


def test_notes_alone_leave_with_0_and_can_be_hidden(run):
    write_config(change=lambda text: text + "graph_rewriter { quantization { delay: 1 } }")
    status, out, _ = run("config", "check", "pipeline.config")
    assert (status, out.count(" note: ")) == (0, 1)
    status, out, _ = run("config", "check", "pipeline.config", "--quiet")
    assert (status, out) == (0, "pipeline.config: 1 note\n")


def test_check_takes_changes_as_train_does(run):
    status, out, err = run(
        "config",
        "check",
        write_config(),
        "--set",
        "train_config.batch_size=0",
        "--set",
        "train_config.num_steps=12",
    )
    assert (status, err) == (2, "")
    first, second, last = out.splitlines()
    # What --set says stands on no line of the file.
    assert first == (
        "pipeline.config: error: train_config.batch_size: it is 0. Allowed: 1 to 16,384. "
        "Write batch_size: 32, the default, or another one."
    )
    assert second.startswith("pipeline.config:")
    assert "the training ends at step 12 of a schedule of" in second or "warm-up" in second
    assert last == "pipeline.config: 1 error, 1 warning"


def test_a_change_that_does_not_fit_is_said_by_check_too(run):
    status, out, err = run("config", "check", write_config(), "--set", "train_config.x=1")
    assert (status, out) == (2, "")
    assert err.startswith("detectune: --set train_config.x=1: TrainConfig has no field called x.")


def test_show_prints_the_effective_config(run):
    status, out, _ = run(
        "config",
        "show",
        write_config(),
        "--set",
        "train_config.batch_size=3",
        "--set",
        "model.*.num_classes=9",
    )
    assert status == 0
    Path("shown.config").write_text(out)
    shown = load_config("shown.config")
    assert (shown.train_config.batch_size, shown.model.ssd.num_classes) == (3, 9)


def save(name, data):
    Path(name).write_bytes(data)


@pytest.mark.parametrize(
    ("command", "prepare", "found"),
    [
        (["check", "no.config"], None, "no.config:1:1: there is no such file."),
        (["show", "no.config"], None, "no.config:1:1: there is no such file."),
        (["check", "."], None, ".:1:1: this is a folder."),
        (["show", "a"], lambda: save("a", b""), "a:1:1: the config is empty."),
        (["show", "a"], lambda: save("a", b"\xff\xfa"), "a:1:1: the byte 0xff is not UTF-8."),
        (["check", "a"], lambda: save("a", b"\0\1"), "a:1:1: this is a binary file."),
        (["show", "a"], lambda: save("a", b"model {"), "a:1:8: found the end of the file."),
        (
            ["show", "a"],
            lambda: save("a", b"mode { }"),
            "a:1:1: mode: TrainEvalPipelineConfig has no field called mode.",
        ),
        (
            ["show", "a", "--set", "train_config.x=1"],
            lambda: write_config("a"),
            "--set train_config.x=1: TrainConfig has no field called x.",
        ),
        (
            ["show", "a", "--set", "train_config.batch_size=many"],
            lambda: write_config("a"),
            "--set train_config.batch_size=many: the value is many.",
        ),
        (
            ["new", "--model", "yolo", "--train", "a", "--eval", "b", "-o", "c"],
            None,
            '--model yolo: there is no model called "yolo".',
        ),
        (
            ["new", "--model", MODEL, "--train", "a", "--eval", "b", "-o", "c"],
            lambda: save("c", b"mine"),
            "-o c: this file exists.",
        ),
        (
            ["new", "--model", MODEL, "--train", "a", "--eval", "b", "-o", ".", "--force"],
            None,
            "-o .: this folder exists.",
        ),
        (
            ["new", "--model", MODEL, "--train", "a", "--eval", "b", "-o", "c", "--label-map", "l"],
            None,
            "l:1:1: there is no such file.",
        ),
    ],
)
def test_wrong_input_ends_with_three_parts_and_status_2(run, command, prepare, found):
    if prepare:
        prepare()
    before = {path: path.read_bytes() for path in Path().iterdir()}
    status, out, err = run("config", *command)
    lines = err.removeprefix("detectune: ").rstrip("\n").split("\n")
    assert (status, out, lines[0]) == (2, "", found)
    assert len(lines) == 3
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_debug_shows_the_traceback(run):
    from detectune.errors import ConfigError

    with pytest.raises(ConfigError, match="there is no such file"):
        main(["config", "check", "no.config", "--debug"])


def test_help_imports_neither_keras_nor_tensorflow():
    code = (
        "import sys; from detectune.cli.main import main\n"
        "try: main(['config', '--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('keras', 'tensorflow', 'google.protobuf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_of_a_label_map_says_that_it_is_one(run):
    Path("map.pbtxt").write_text('item { id: 1 name: "nut" } item { id: 3 name: "bolt" }')
    assert run("config", "check", "map.pbtxt") == (
        0,
        "map.pbtxt: note: this is a label map of 2 classes up to id 3. A config names it as "
        "label_map_path.\nmap.pbtxt: 1 note\n",
        "",
    )


def test_check_of_a_wrong_label_map_has_places_and_leaves_with_2(run):
    Path("map.pbtxt").write_text('item { id: 1 name: "nut" }\nitem { id: 1 name: "bolt" }')
    status, out, _ = run("config", "check", "map.pbtxt")
    assert status == 2
    assert out.splitlines()[0].startswith(
        'map.pbtxt:2:1: error: "bolt" and "nut" both have the id 1.'
    )
    Path("map.pbtxt").write_text('item { id: 1 name: "nut" klass: 2 }')
    status, out, _ = run("config", "check", "map.pbtxt")
    assert (status, out.splitlines()[-1]) == (2, "map.pbtxt: 1 error")
    assert out.startswith("map.pbtxt:1:26: error: item[0].klass: StringIntLabelMapItem has no")


def test_the_advice_of_a_wrong_label_map_leads_on(run):
    """`detectune config check MAP` is what `train` advises where a map has several problems."""
    Path("map.pbtxt").write_text("item { idd: 1 nam: 2 }")
    config = write_config()
    text = Path(config).read_text().replace("label_map.pbtxt", "map.pbtxt")
    Path(config).write_text(text)
    _, out, _ = run("config", "check", config)
    assert "`detectune config check map.pbtxt` shows all 2." in out
    status, out, _ = run("config", "check", "map.pbtxt")
    assert (status, out.splitlines()[-1]) == (2, "map.pbtxt: 2 errors")
