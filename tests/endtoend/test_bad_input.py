"""Bad input ends with a message of three parts, the right status, and nothing half written."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import Outcome, detectune
from PIL import Image
from small_backbone import EXTRACTOR
from tiny import tiny_config, write_squares

import detectune.training.state as state
from detectune.cli.main import main
from detectune.config.save import write_config
from detectune.errors import ConfigError, DetectuneError


class Place:
    """A folder of its own for each test, with a config and data to spoil."""

    def __init__(self, folder: Path, trained) -> None:
        self.folder, self.trained = folder, trained
        self.data = Path(shutil.copytree(trained.data, folder / "data"))
        self.config_file, self.run = folder / "tiny.config", folder / "run"
        self.config = tiny_config(self.data, extractor=EXTRACTOR)
        self.save()

    def save(self) -> None:
        write_config(self.config, self.config_file)

    def copied_run(self) -> Path:
        return Path(shutil.copytree(self.trained.run, self.folder / "copied"))

    def train(self, *words: object) -> list[object]:
        return ["train", self.config_file, "--model-dir", self.run, *words]

    def contents(self) -> dict[str, bytes]:
        files = {p.relative_to(self.folder).as_posix(): p for p in self.folder.rglob("*")}
        return {name: p.read_bytes() if p.is_file() else b"" for name, p in files.items()}


@pytest.fixture
def place(tmp_path, trained) -> Place:
    return Place(tmp_path, trained)


def message(outcome: Outcome) -> str:
    assert "Traceback" not in outcome.err
    assert "detectune: " in outcome.err, outcome.err
    return outcome.err.split("detectune: ", 1)[1].strip()


def assert_three_parts(text: str) -> None:
    """A line for each part; what is found may take several, of what is listed."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) >= 3, text
    assert lines[-1].rstrip().endswith((".", '"', "`", ")", "data set")), text


def assert_refused(place: Place, words: list[object], status: int, *said: str) -> None:
    before = place.contents()
    outcome = detectune(*words)
    text = message(outcome)
    assert outcome.status == status, text
    for part in said:
        assert part in text, text
    assert_three_parts(text)
    assert place.contents() == before


# --- train: each function spoils something and gives the command line ----------------------------

TRAIN: dict[str, tuple[Callable[[Place], list[object]], tuple[str, ...]]] = {}


def train_case(*said: str):
    def add(function: Callable[[Place], list[object]]):
        TRAIN[function.__name__] = (function, said)
        return function

    return add


@train_case("nowhere.config", "no such file")
def config_is_missing(place: Place) -> list[object]:
    return ["train", place.folder / "nowhere.config", "--model-dir", place.run]


@train_case("tiny.config")
def config_is_a_folder(place: Place) -> list[object]:
    place.config_file.unlink()
    place.config_file.mkdir()
    return place.train()


@train_case("tiny.config")
def config_is_a_checkpoint(place: Place) -> list[object]:
    source = next((place.trained.run / "checkpoints" / "last").glob("*.data-*"))
    shutil.copy(source, place.config_file)
    return place.train()


@train_case("tiny.config:")
def config_is_cut_off(place: Place) -> list[object]:
    text = place.config_file.read_text()
    place.config_file.write_text(text[: len(text) // 2])
    return place.train()


@train_case("tiny.config:1:1", "empty")
def config_is_empty(place: Place) -> list[object]:
    place.config_file.write_text("")
    return place.train()


@train_case("batch_sizes", "batch_size", "tiny.config:")
def config_has_a_wrong_key(place: Place) -> list[object]:
    text = place.config_file.read_text()
    place.config_file.write_text(text.replace("batch_size: 4", "batch_sizes: 4"))
    return place.train()


@train_case("train_config.batchsize", "batch_size")
def override_of_an_unknown_field(place: Place) -> list[object]:
    return place.train("--set", "train_config.batchsize=4")


@train_case("train_config.batch_size", "many")
def override_of_the_wrong_type(place: Place) -> list[object]:
    return place.train("--set", "train_config.batch_size=many")


@train_case("train_config.batch_size")
def override_without_a_value(place: Place) -> list[object]:
    return place.train("--set", "train_config.batch_size")


@train_case("nowhere/labels.csv", "no such file or folder")
def data_are_missing(place: Place) -> list[object]:
    return place.train("--set", "train_input_reader.source=csv:nowhere/labels.csv")


@train_case("there is no file in it")
def data_folder_is_empty(place: Place) -> list[object]:
    (place.folder / "empty").mkdir()
    return place.train("--set", f"train_input_reader.source={place.folder / 'empty'}")


@train_case('no format is called "vco"', "voc")
def data_format_is_unknown(place: Place) -> list[object]:
    return place.train("--set", f"train_input_reader.source=vco:{place.data}")


@train_case("labels.csv")
def csv_has_other_columns(place: Place) -> list[object]:
    (place.data / "labels.csv").write_text("image,label\nsquare0.png,red\n")
    return place.train()


@train_case("labels.csv:3")
def csv_is_cut_off_in_a_row(place: Place) -> list[object]:
    lines = (place.data / "labels.csv").read_text().splitlines()
    (place.data / "labels.csv").write_text("\n".join([*lines[:2], lines[2][:20]]))
    return place.train()


@train_case("empty.record")
def record_is_empty(place: Place) -> list[object]:
    (place.folder / "empty.record").write_bytes(b"")
    return place.train("--set", f"train_input_reader.source=tfrecord:{place.folder}/empty.record")


@train_case("text.record")
def record_is_no_record(place: Place) -> list[object]:
    (place.folder / "text.record").write_text("this is no record " * 40)
    return place.train("--set", f"train_input_reader.source=tfrecord:{place.folder}/text.record")


@train_case("map.pbtxt")
def label_map_is_missing(place: Place) -> list[object]:
    return place.train("--set", f"train_input_reader.label_map_path={place.folder}/map.pbtxt")


@train_case("map.pbtxt:2:1")
def label_map_is_no_label_map(place: Place) -> list[object]:
    (place.folder / "map.pbtxt").write_text("red\nblue\n")
    return place.train("--set", f"train_input_reader.label_map_path={place.folder}/map.pbtxt")


@train_case('class "blue" is not in the label map', "labels.csv:2")
def label_map_lacks_a_class(place: Place) -> list[object]:
    (place.folder / "map.pbtxt").write_text('item { id: 1 name: "red" }')
    return place.train("--set", f"train_input_reader.label_map_path={place.folder}/map.pbtxt")


@train_case("num_classes is 1, but the label map has ids up to 2", "Set num_classes: 2")
def label_map_has_more_classes_than_the_model(place: Place) -> list[object]:
    return place.train("--set", "model.ssd.num_classes=1")


@train_case("5 of 8 images cannot be read", "square3.png: it is cut off", "not more than half")
def most_images_are_cut_off(place: Place) -> list[object]:
    for number in (0, 1, 3, 4, 7):
        file = place.data / f"square{number}.png"
        file.write_bytes(file.read_bytes()[:900])
    return place.train()


@train_case("8 of 8 images cannot be read", "square3.png: it is not an image")
def images_are_text(place: Place) -> list[object]:
    for file in place.data.glob("*.png"):
        file.write_text("not an image")
    return place.train()


def _fine_tune(place: Place, checkpoint: object, kind: str) -> list[object]:
    return place.train(
        "--set", f"train_config.fine_tune_checkpoint={checkpoint}",
        "--set", f"train_config.fine_tune_checkpoint_type={kind}",
    )  # fmt: skip


@train_case("nowhere/ckpt-0", "no such checkpoint")
def fine_tune_checkpoint_is_missing(place: Place) -> list[object]:
    return _fine_tune(place, "nowhere/ckpt-0", "detection")


def _spoiled_checkpoint(place: Place, extension: str) -> Path:
    last = place.copied_run() / "checkpoints" / "last"
    file = last / f"ckpt-8{extension}"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    return last / "ckpt-8"


@train_case("ckpt-8", "cannot be read")
def fine_tune_checkpoint_has_half_its_data(place: Place) -> list[object]:
    return _fine_tune(place, _spoiled_checkpoint(place, ".data-00000-of-00001"), "detection")


@train_case("ckpt-8", "cannot be read")
def fine_tune_checkpoint_has_half_its_index(place: Place) -> list[object]:
    return _fine_tune(place, _spoiled_checkpoint(place, ".index"), "detection")


@train_case("no .data file")
def fine_tune_checkpoint_has_no_data(place: Place) -> list[object]:
    last = place.copied_run() / "checkpoints" / "last"
    (last / "ckpt-8.data-00000-of-00001").unlink()
    return _fine_tune(place, last / "ckpt-8", "detection")


@train_case("detecton", "detection")
def fine_tune_checkpoint_type_is_unknown(place: Place) -> list[object]:
    return _fine_tune(place, place.trained.run, "detecton")


@train_case('type "full" promises everything')
def fine_tune_checkpoint_is_of_another_model(place: Place) -> list[object]:
    words = _fine_tune(place, place.trained.run, "full")
    depth = "model.ssd.box_predictor.weight_shared_convolutional_box_predictor.depth=24"
    return [*words, "--set", depth]


@train_case("--model-dir is a file")
def model_dir_is_a_file(place: Place) -> list[object]:
    place.run.write_text("mine")
    return place.train()


@train_case("there is a run here already", "--resume")
def model_dir_holds_a_run(place: Place) -> list[object]:
    place.run = place.copied_run()
    return place.train()


@train_case("state-8.npz", "another model or optimizer")
def resumed_with_another_model(place: Place) -> list[object]:
    place.run = place.copied_run()
    depth = "model.ssd.box_predictor.weight_shared_convolutional_box_predictor.depth=24"
    return place.train("--resume", "--set", depth)


@train_case("state-8.npz", "the file is missing")
def resumed_without_its_state(place: Place) -> list[object]:
    place.run = place.copied_run()
    (place.run / "checkpoints" / "last" / "state-8.npz").unlink()
    return place.train("--resume")


@train_case("state-8.npz", "damaged")
def resumed_with_half_a_state(place: Place) -> list[object]:
    place.run = place.copied_run()
    file = place.run / "checkpoints" / "last" / "state-8.npz"
    file.write_bytes(file.read_bytes()[:5000])
    return place.train("--resume")


@train_case("no optimizer is chosen")
def optimizer_is_missing(place: Place) -> list[object]:
    place.config.train_config.ClearField("optimizer")
    place.save()
    return place.train()


@train_case("train_config.num_steps")
def number_of_steps_is_zero(place: Place) -> list[object]:
    return place.train("--set", "train_config.num_steps=0")


@train_case("ssd_mobilenet_v9_keras")
def backbone_is_unknown(place: Place) -> list[object]:
    return place.train("--set", "model.ssd.feature_extractor.type=ssd_mobilenet_v9_keras")


@train_case('freeze_variables: "nothing" matches no variable')
def frozen_pattern_matches_nothing(place: Place) -> list[object]:
    place.config.train_config.freeze_variables.append("nothing")
    place.save()
    return place.train()


@pytest.mark.parametrize("case", TRAIN)
def test_train_refuses(place, case):
    prepare, said = TRAIN[case]
    assert_refused(place, prepare(place), 2, *said)


def test_train_says_which_annotation_has_no_image(place):
    (place.data / "square3.png").unlink()
    place.config.train_config.freeze_variables.append("nothing")  # ends it after the reading
    place.save()
    outcome = detectune(*place.train())
    assert "left out: square3.png: annotation without image; it is not used" in outcome.err


def test_train_cannot_make_its_folder_below_a_file(place):
    (place.folder / "file").write_text("mine")
    place.run = place.folder / "file" / "run"
    assert_refused(place, place.train(), 1, "could not be written", "a file stands where")


def test_a_user_s_own_files_in_the_model_dir_are_kept(place, monkeypatch):
    """Many keep the pipeline.config of a run in its model_dir, with their comments."""
    place.run.mkdir()
    text = "# mine\n" + place.config_file.read_text()
    (place.run / "pipeline.config").write_text(text)
    monkeypatch.setattr(state.np, "savez", _no_space)
    place.config_file = place.run / "pipeline.config"
    words = ["--set", "train_config.checkpoint_every_steps=1"]
    outcome = detectune(*place.train(*words))
    assert outcome.status == 1
    assert (place.run / "pipeline.config.earlier").read_text() == text


def _no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_stops_training_and_leaves_the_last_checkpoint(place, monkeypatch):
    place.run = place.copied_run()
    folder = place.run / "checkpoints"
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    monkeypatch.setattr(state.np, "savez", _no_space)
    outcome = detectune(*place.train("--resume", "--set", "train_config.num_steps=9"))
    assert outcome.status == 1
    text = message(outcome)
    assert "state-9.npz: could not be written: there is no space left on the disk." in text
    assert_three_parts(text)
    assert {p: p.read_bytes() for p in before} == before
    assert not list(folder.rglob(".*"))


# --- evaluate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: it is no folder"),
        (["data"], "holds no pipeline.config"),
        (["tiny.config"], "tiny.config: it is no folder"),
        (["copied", "--checkpoint", "first"], "first: there is no such checkpoint"),
        (["copied", "--data", "csv:nowhere.csv"], "nowhere.csv: there is no such file"),
        (["copied", "--data", "tiny.config"], "format is not recognised"),
    ],
)
def test_evaluate_refuses(place, monkeypatch, words, said):
    monkeypatch.chdir(place.folder)
    place.copied_run()
    assert_refused(place, ["evaluate", *words], 2, said)


def test_evaluate_says_when_there_is_no_best_checkpoint(place):
    run = place.copied_run()
    shutil.rmtree(run / "checkpoints" / "best")
    words = ["evaluate", run, "--checkpoint", "best"]
    assert_refused(place, words, 2, "checkpoints/best", "no such checkpoint")


def test_evaluate_says_which_checkpoint_is_damaged(place):
    _spoiled_checkpoint(place, ".index")
    words = ["evaluate", place.folder / "copied", "--checkpoint", "last"]
    assert_refused(place, words, 2, "ckpt-8: the checkpoint cannot be read")


def test_evaluate_says_that_a_run_has_no_weights(place):
    run = place.copied_run()
    shutil.rmtree(run / "checkpoints")
    assert_refused(place, ["evaluate", run], 2, "the folder holds no checkpoint")


def test_evaluate_refuses_weights_of_another_model(place):
    run = place.copied_run()
    predictor = place.config.model.ssd.box_predictor
    predictor.weight_shared_convolutional_box_predictor.depth = 24
    write_config(place.config, run / "pipeline.config")
    assert_refused(place, ["evaluate", run], 2, "promises everything", "Of another shape")


def test_evaluate_names_an_image_damaged_in_the_middle(place):
    file = place.data / "square6.png"
    content = bytearray(file.read_bytes())
    content[3000:3040] = bytes(40)
    file.write_bytes(content)
    (place.data / "square2.png").write_bytes(b"GIF89a")
    words = ["evaluate", place.trained.run, "--data", place.data, "--json", place.folder / "x.json"]
    outcome = detectune(*words)
    assert outcome.status == 1
    assert "2 images could not be read and did not count:" in outcome.err
    report = json.loads((place.folder / "x.json").read_text())
    assert report["images"] == 6
    assert [entry["file_name"] for entry in report["left_out"]] == ["square2.png", "square6.png"]


def test_evaluate_refuses_a_folder_in_which_no_image_is_whole(place):
    for file in place.data.glob("*.png"):
        file.write_bytes(file.read_bytes()[:300])
    words = ["evaluate", place.trained.run, "--data", place.data]
    assert_refused(place, words, 2, "8 of 8 images cannot be read", "square6.png")


def test_evaluate_without_a_label_map_does_not_guess_the_classes(place):
    run = place.copied_run()
    (run / "label_map.pbtxt").unlink()
    one = write_squares(place.folder / "one", count=1)  # only blue
    words = ["evaluate", run, "--data", one]
    assert_refused(place, words, 2, "there is no label map", "model has 2 classes", "up to 1")


def test_evaluate_finds_out_first_that_its_json_cannot_be_written(place):
    words = ["evaluate", place.trained.run, "--json", place.data]
    assert_refused(place, words, 1, "could not be written: it is a folder")
    words = ["evaluate", place.trained.run, "--json", place.data / "labels.csv" / "x.json"]
    assert_refused(place, words, 1, "a file stands where a folder should be")


# --- predict -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "data"], "nowhere: it is no folder"),
        (["copied", "nowhere.jpg"], "nowhere.jpg: there is no such file or folder"),
        (["copied", "empty"], "empty: the folder holds no image"),
        (["copied", "tiny.config"], "tiny.config: this is no whole image"),
        (["copied", "data", "--checkpoint", "nowhere"], "nowhere: there is no such checkpoint"),
    ],
)
def test_predict_refuses(place, monkeypatch, words, said):
    monkeypatch.chdir(place.folder)
    place.copied_run()
    (place.folder / "empty").mkdir()
    assert_refused(place, ["predict", *words, "--out", "out", "--json", "x.json"], 2, said)


@pytest.mark.parametrize(("option", "target"), [("--json", "data"), ("--json", "tiny.config/x")])
def test_predict_finds_out_first_that_its_json_cannot_be_written(place, option, target):
    words = ["predict", place.trained.run, place.data, "--out", place.folder / "out"]
    words += [option, place.folder / target]
    assert_refused(place, words, 1, "could not be written")


def test_predict_cannot_write_pictures_into_a_file(place):
    words = ["predict", place.trained.run, place.data / "square0.png", "--out", place.config_file]
    assert_refused(place, words, 1, "could not be written", "a file stands where")


def test_predict_does_the_others_and_lists_what_it_could_not_read(place):
    file = place.data / "square1.png"
    file.write_bytes(file.read_bytes()[:700])
    Image.open(place.data / "square2.png").save(place.data / "photo.jpg")
    cut = place.data / "cut.jpg"
    cut.write_bytes((place.data / "photo.jpg").read_bytes()[:400])
    out = place.folder / "out"
    outcome = detectune("predict", place.trained.run, place.data, "--out", out)
    assert outcome.status == 1
    assert "in 8 images" in outcome.out
    assert outcome.out.count("not read: ") == 2
    assert "square1.png: this is no whole image" in outcome.out
    assert "cut.jpg: this is no whole image" in outcome.out
    assert {p.name for p in out.iterdir()} == {
        "photo.jpg", *(f"square{index}.png" for index in (0, 2, 3, 4, 5, 6, 7)),
    }  # fmt: skip


def test_predict_on_a_full_disk_leaves_no_half_picture(place, monkeypatch):
    monkeypatch.setattr("detectune.files.os.replace", _no_space)
    out = place.folder / "out"
    words = ["predict", place.trained.run, place.data / "square0.png", "--out", out]
    outcome = detectune(*words)
    assert outcome.status == 1
    assert "there is no space left on the disk" in message(outcome)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    "spoil",
    ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"],
)
def test_predict_says_that_an_exported_folder_is_damaged(place, exported, spoil):
    copy = Path(shutil.copytree(exported / "saved_model", place.folder / "saved_model"))
    file = copy / spoil
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    words = ["predict", copy, place.data, "--out", place.folder / "out"]
    assert_refused(place, words, 2, "saved_model: the SavedModel cannot be loaded")


def test_predict_says_that_an_exported_folder_is_incomplete(place, exported):
    copy = Path(shutil.copytree(exported / "saved_model", place.folder / "saved_model"))
    (copy / "saved_model.pb").unlink()
    words = ["predict", copy, place.data, "--out", place.folder / "out"]
    assert_refused(place, words, 2, "holds no pipeline.config", "exported folder")


# --- export --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nowhere", "-o", "x"], 2, "nowhere: it is no folder"),
        (["copied", "-o", "data"], 2, "data: there is something here already"),
        (["copied", "-o", "tiny.config"], 2, "tiny.config: there is something here already"),
        (["copied", "-o", "tiny.config/x"], 1, "could not be written"),
        (["copied", "-o", "x", "--to", "saved_modl"], 2, 'Did you mean "saved_model"?'),
        (["copied", "-o", "x", "--precision", "fp8"], 2, "--precision fp8"),
        (["copied", "-o", "x", "--checkpoint", "first"], 2, "first: there is no such checkpoint"),
    ],
)
def test_export_refuses(place, monkeypatch, words, status, said):
    monkeypatch.chdir(place.folder)
    place.copied_run()
    assert_refused(place, ["export", *words], status, said)


def test_export_on_a_full_disk_leaves_nothing(place, monkeypatch):
    def write(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    from detectune.exporters.saved_model import SavedModelExporter

    monkeypatch.setattr(SavedModelExporter, "write", write)
    words = ["export", place.trained.run, "-o", place.folder / "x"]
    assert_refused(place, words, 1, "x: could not be written: there is no space left on the disk")


# --- demo, and what holds for every command ------------------------------------------------------


def test_demo_refuses_a_folder_in_use_and_a_file(place):
    assert_refused(place, ["demo", "--model-dir", place.data], 2, "something is here already")
    assert_refused(place, ["demo", "--model-dir", place.config_file], 2, "something is here")


def test_demo_cannot_draw_below_a_file(place):
    words = ["demo", "--model-dir", place.config_file / "demo", "--steps", 1]
    assert_refused(place, words, 1, "could not be written")


@pytest.mark.parametrize(
    "words",
    [
        ["train"], ["train", "x.config"], ["evaluate"], ["predict", "run"], ["export", "run"],
        ["predict", "run", "x.jpg", "--threshold", "2"], ["evaluate", "run", "--limit", "0"],
        ["demo", "--steps", "0"], ["trian", "x.config"], ["train", "x.config", "--model"],
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_meant_is_refused_with_status_2(words):
    outcome = detectune(*words)
    assert outcome.status == 2
    assert "Error: " in outcome.err
    assert "Traceback" not in outcome.err


def test_debug_shows_the_traceback_and_without_it_there_is_none(place):
    words = ["train", str(place.folder / "nowhere.config"), "--model-dir", str(place.run)]
    with pytest.raises(ConfigError, match="no such file"):
        main([*words, "--debug"])
    outcome = detectune(*words)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err


def test_the_keyboard_stops_a_command_with_status_130(place, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("detectune.training.run_stages.run_stages", interrupted)
    outcome = detectune(*place.train())
    assert outcome.status == 130
    assert "stopped by the keyboard" in outcome.err


def test_every_error_says_whether_the_user_or_the_machine_is_at_fault():
    codes = {kind.__name__: kind.exit_code for kind in _all(DetectuneError)}
    assert codes["ConfigError"] == codes["DataError"] == codes["CheckpointError"] == 2
    assert codes["WriteError"] == codes["TrainingError"] == codes["ExportError"] == 1
    assert set(codes.values()) == {1, 2}


def _all(kind: type) -> list[type]:
    return [kind, *(sub for direct in kind.__subclasses__() for sub in _all(direct))]


def test_a_train_case_really_trains_when_nothing_is_spoiled(place):
    """Guards the table above: it is the spoiling that is refused."""
    assert np.asarray(Image.open(place.data / "square0.png")).shape == (80, 100, 3)
    assert detectune("config", "check", place.config_file).status == 0
