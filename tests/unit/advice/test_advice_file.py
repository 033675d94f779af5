"""An advice on disk, and the config that is written from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from advice_data import PROCESSOR, boxed_images
from features_data import class_folders
from three_parts import three_parts

from detectune.advice.advice_file import write_advice
from detectune.advice.advise import advise
from detectune.advice.new_config import write_advised_config
from detectune.config.check import check_config
from detectune.config.load import load_config
from detectune.errors import ConfigError, WriteError

MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """12 images with narrow boxes and an advice about them, in the current folder."""
    monkeypatch.chdir(tmp_path)
    boxed_images(tmp_path / "train", 12, side=(10, 90))
    boxed_images(tmp_path / "test", 4, side=(10, 90))
    write_advice(advise("train", speed=PROCESSOR, minutes=2), "advice.json")
    return tmp_path


def changed(change):
    content = json.loads(Path("advice.json").read_text())
    change(content)
    Path("advice.json").write_text(json.dumps(content))


def refused(**options):
    with pytest.raises(ConfigError) as error:
        write_advised_config("advice.json", None, "test", "a.config", **options)
    assert not Path("a.config").exists()
    return three_parts(error.value)


def test_the_config_is_what_was_advised_and_passes_the_check(data):
    said = write_advised_config("advice.json", None, "test", "a.config")
    config, settings = (
        load_config("a.config"),
        json.loads(Path("advice.json").read_text())["settings"],
    )
    assert list(config.train_config.freeze) == ["backbone"]
    assert config.train_config.num_steps == settings["num_steps"] == 600
    assert config.train_config.batch_size == 8
    anchors = config.model.ssd.anchor_generator.multiscale_anchor_generator
    assert min(anchors.aspect_ratios) == pytest.approx(0.08)  # 20 x 240 pixels
    assert len(anchors.aspect_ratios) == 3
    assert config.train_input_reader.source == "train"
    assert "freeze backbone: as advised." in said.reasons
    assert "Batch size 8: as advised." in said.reasons
    assert "# Anchors: as advised, fitted to the boxes." in Path("a.config").read_text()
    start = Path(config.train_config.fine_tune_checkpoint)
    start.parent.mkdir(parents=True)
    for ending in (".index", ".data-00000-of-00001"):
        start.with_name(start.name + ending).write_bytes(b"x")
    assert check_config("a.config") == []


def test_what_is_said_on_the_line_counts_more(data):
    write_advised_config("advice.json", None, "test", "a.config", batch_size=2, num_steps=40)
    train = load_config("a.config").train_config
    assert (train.batch_size, train.num_steps) == (2, 40)


def test_a_part_of_the_data_may_be_trained_on(data):
    write_advised_config("advice.json", "test", "train", "a.config")
    assert load_config("a.config").train_input_reader.source == "test"


def test_other_classes_are_refused(data):
    boxed_images(data / "other", 3, ("screw", "nut"))
    with pytest.raises(ConfigError) as error:
        write_advised_config("advice.json", "other", "test", "a.config")
    assert three_parts(error.value)[0].endswith("classes that the advice knows nothing of: screw.")


def test_data_that_have_changed_are_refused(data):
    with open("train/labels.csv", "a", encoding="utf-8") as file:
        file.write("0.png,160,120,nut,5,5,50,50\n")
    assert refused()[0] == "--from-advice advice.json: train has changed since."


def test_a_changed_image_is_a_change(data):
    Path("train/0.png").write_bytes(Path("train/1.png").read_bytes())
    assert refused()[0].endswith("train has changed since.")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda content: content.pop("detectune_advice"), "it is no advice of detectune"),
        (lambda content: content.update(detectune_advice=9), "it is of version 9"),
        (lambda content: content.pop("digest"), "its digest is null"),
        (lambda content: content.update(classes=[1]), "its classes are not all texts"),
        (lambda content: content.update(settings=[]), "its settings are no object"),
        (lambda content: content["settings"].update(model="yolo"), 'there is no model "yolo"'),
        (lambda content: content["settings"].update(num_steps=0), "is out of range"),
        (lambda content: content["settings"].update(num_steps=True), "its num_steps is true"),
        (lambda content: content["settings"].update(anchors="x {"), "its anchors are no anchor"),
        (lambda content: content["settings"].update(anchor_field="loss"), "its anchor_field is"),
        (
            lambda content: content["settings"].update(anchor_field="first_stage_anchor_generator"),
            f"{MODEL} has no first_stage_anchor_generator",
        ),
        (lambda content: content["settings"].update(freeze=["spine"]), 'it freezes "spine"'),
        (lambda content: content["settings"].update(freeze="all"), 'its freeze is "all"'),
    ],
)
def test_a_damaged_file_is_refused_by_name(data, change, found):
    changed(change)
    first, _, last = refused()
    assert first.startswith("--from-advice advice.json: ")
    assert found in first
    assert "detectune advise" in last


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(data, content):
    Path("advice.json").write_bytes(content)
    assert refused()[0] == "--from-advice advice.json: it is no advice of detectune."


def test_a_missing_file_and_a_folder_are_refused(data):
    Path("advice.json").unlink()
    assert refused()[0].startswith("--from-advice advice.json: it cannot be read: No such file")
    Path("advice.json").mkdir()
    assert refused()[0].startswith("--from-advice advice.json: it cannot be read: Is a directory")


def test_features_are_no_config_and_the_commands_are_said(data):
    class_folders(data / "flowers")
    write_advice(advise("flowers", speed=PROCESSOR), "advice.json")
    with pytest.raises(ConfigError) as error:
        write_advised_config("advice.json", None, "flowers", "a.config")
    lines = str(error.value).splitlines()
    assert lines[0].startswith("--from-advice advice.json: it advises features + SVM, for which")
    assert lines[4] == "  detectune features extract flowers --network MobileNetV2 -o features.npz"


def test_nothing_is_written_into_a_file_as_a_folder(data):
    with pytest.raises(WriteError):
        write_advice(advise("train", speed=PROCESSOR), "advice.json/more.json")
