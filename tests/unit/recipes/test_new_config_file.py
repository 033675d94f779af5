"""`config new` on data: needs the readers of `detectune.data`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from three_parts import three_parts

from detectune.config.architectures import architecture_of
from detectune.config.check import check_config
from detectune.config.label_map import read_label_map
from detectune.config.load import load_config
from detectune.data.proposals import compute_proposals
from detectune.data.sources.proposed import ProposalFile, proposal_file
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, DataError, WriteError
from detectune.recipes.new_config_file import write_new_config
from detectune.recipes.rcnn import PROPOSALS

pytest.importorskip("detectune.data.sources.recognise")
MODEL = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
FULL = np.array([[0, 0, 1, 1]], np.float32)
HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def make_data(folder, names):
    folder.mkdir()
    rows = [HEADER]
    for index, name in enumerate(names):
        Image.new("RGB", (40, 30), (index, 0, 0)).save(folder / f"{index}.jpg")
        rows.append(f"{index}.jpg,40,30,{name},1,2,20,25\n")
    (folder / "labels.csv").write_text("".join(rows))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_data(tmp_path / "train", ["nut", "bolt", "nut"])
    make_data(tmp_path / "test", ["bolt"])
    return {"model": MODEL, "train": "csv:train", "evaluation": "csv:test"}


def test_classes_and_plan_come_from_the_data(data, tmp_path):
    said = write_new_config(**data, output="tools.config")
    config = load_config("tools.config")
    assert config.model.ssd.num_classes == 2
    assert config.train_config.batch_size == 3
    assert read_label_map("tools.label_map.pbtxt").names == ("bolt", "nut")
    assert said.config == config
    assert said.reasons[0] == "num_classes 2: bolt, nut."
    assert said.written == (
        "wrote tools.label_map.pbtxt: the classes of csv:train",
        "wrote tools.config",
    )
    assert said.next_steps == (
        f"next: detectune zoo download {MODEL}",
        "next: detectune train tools.config --model-dir training/tools",
    )


def test_only_the_checkpoint_is_missing_then(data):
    write_new_config(**data, output="tools.config")
    problems = check_config("tools.config")
    assert [problem.field for problem in problems] == ["train_config.fine_tune_checkpoint"]


def test_a_label_map_of_the_user_is_used(data):
    Path("mine.pbtxt").write_text('item { id: 1 name: "nut" } item { id: 5 name: "bolt" }')
    write_new_config(**data, output="tools.config", label_map_path="mine.pbtxt", num_steps=40)
    config = load_config("tools.config")
    assert config.model.ssd.num_classes == 5
    assert config.train_input_reader.label_map_path == "mine.pbtxt"
    assert config.train_config.num_steps == 40
    assert not Path("tools.label_map.pbtxt").exists()


def test_a_data_set_that_cannot_be_read_writes_nothing(data):
    from detectune.errors import DataError

    with pytest.raises(DataError):
        write_new_config(**{**data, "evaluation": "csv:nowhere"}, output="tools.config")
    assert not Path("tools.config").exists()


def write_checkpoint(folder):
    folder.mkdir(parents=True)
    for ending in (".index", ".data-00000-of-00001"):
        (folder / f"ckpt-0{ending}").write_bytes(b"x")


def test_a_folder_as_checkpoint_becomes_the_prefix_in_it_and_passes_the_check(data):
    write_checkpoint(Path("my zoo/archive/checkpoint"))
    said = write_new_config(**data, output="my tools.config", checkpoint="my zoo/archive")
    train = load_config("my tools.config").train_config
    assert train.fine_tune_checkpoint == "my zoo/archive/checkpoint/ckpt-0"
    assert train.fine_tune_checkpoint_type == "detection"
    assert check_config("my tools.config") == []
    assert said.next_steps == (
        "next: detectune train 'my tools.config' --model-dir 'training/my tools'",
    )


def test_a_classifier_of_the_zoo_as_checkpoint_is_restored_as_one(data):
    write_checkpoint(Path("pre-trained/resnet50_v1"))
    write_new_config(
        **{**data, "model": "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8"},
        output="tools.config",
        checkpoint="pre-trained/resnet50_v1",
    )
    train = load_config("tools.config").train_config
    assert train.fine_tune_checkpoint == "pre-trained/resnet50_v1/ckpt-0"
    assert train.fine_tune_checkpoint_type == "classification"


@pytest.mark.parametrize("checkpoint", ["imagenet", "mine.weights.h5"])
def test_weights_of_keras_as_checkpoint_are_those_of_a_classifier(data, checkpoint):
    Path("mine.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    said = write_new_config(**data, output="tools.config", checkpoint=checkpoint)
    train = load_config("tools.config").train_config
    assert train.fine_tune_checkpoint == checkpoint
    assert train.fine_tune_checkpoint_type == "classification"
    assert check_config("tools.config") == []
    assert said.next_steps == ("next: detectune train tools.config --model-dir training/tools",)


def test_a_checkpoint_that_is_not_there_is_refused_and_nothing_written(data):
    with pytest.raises(ConfigError) as caught:
        write_new_config(**data, output="tools.config", checkpoint="nowhere")
    assert three_parts(caught.value)[0] == "--checkpoint nowhere: there is no checkpoint."
    assert not Path("tools.config").exists()


@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8",
        "faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8",
        "faster_rcnn_resnet101_v1_800x1333_coco17_gpu-8",
        "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu-8",
    ],
)
def test_without_a_checkpoint_batch_norms_learn(data, model):
    said = write_new_config(**{**data, "model": model}, output="t.config", checkpoint="none")
    config = load_config("t.config")
    assert not config.train_config.HasField("fine_tune_checkpoint")
    assert not config.train_config.HasField("fine_tune_checkpoint_type")
    assert config.train_config.gradient_clipping_by_norm == 10.0
    assert not architecture_of(config.model).keeps_statistics
    assert said.next_steps == ("next: detectune train t.config --model-dir training/t",)
    assert any("weights begin at random" in reason for reason in said.reasons)
    # What is left is that nobody should.
    assert [problem.found for problem in check_config("t.config")] == [
        "there is no fine_tune_checkpoint."
    ]


def test_a_run_that_is_there_is_not_proposed_again(data):
    Path("training/tools").mkdir(parents=True)
    Path("training/tools-2").mkdir()
    said = write_new_config(**data, output="tools.config", checkpoint="none")
    assert said.next_steps == ("next: detectune train tools.config --model-dir training/tools-3",)


def test_a_name_that_no_file_can_have_is_a_failed_write(data):
    with pytest.raises(WriteError, match="could not be written"):
        write_new_config(**data, output="x" * 300, checkpoint="none")


@pytest.mark.parametrize("option", ["train", "evaluation", "label_map_path", "checkpoint"])
def test_a_path_that_is_no_text_is_refused_before_anything_is_read(data, option):
    with pytest.raises(ConfigError) as caught:
        write_new_config(**{**data, option: "caf\udce9"}, output="tools.config")
    assert "caf\\xe9: the name has characters that are no text." in three_parts(caught.value)[0]


def test_data_without_a_single_box_are_refused(data):
    Path("train/labels.csv").write_text(HEADER)
    for name in ("0", "1", "2"):
        Path(f"train/{name}.txt").write_text("")
    with pytest.raises(DataError) as caught:
        write_new_config(**{**data, "train": "yolo:train"}, output="tools.config")
    assert all(three_parts(caught.value))
    assert not Path("tools.config").exists()


# --- another network under the model --------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "backbone", "type_", "numbers"),
    [
        ("ssd_fpn_keras", "ConvNeXtTiny", "ssd_fpn_keras", "ssd_resnet50_v1_fpn_640x640"),
        ("ssd_fpn_keras", "MobileNet", "ssd_fpn_keras", "ssd_mobilenet_v2_fpnlite_320x320"),
        ("ssd_bifpn_keras", "ResNet50V2", "ssd_bifpn_keras", "efficientdet_d1"),
        ("ssd_extras_keras", "VGG16", "ssd_extras_keras", "ssd_mobilenet_v2_320x320"),
        (
            "faster_rcnn_fpn_keras", "Xception", "faster_rcnn_fpn_keras",
            "faster_rcnn_resnet50_v1_fpn",
        ),
        ("ssd_densenet121_fpn_keras", "", "ssd_fpn_keras", "ssd_resnet50_v1_fpn_640x640"),
        ("efficientdet_d0_coco17_tpu-32", "VGG19", "ssd_bifpn_keras", "efficientdet_d0"),
    ],
)  # fmt: skip
def test_any_network_gets_the_numbers_of_a_model_of_the_zoo(data, model, backbone, type_, numbers):
    new = write_new_config(**data | {"model": model}, output="new.config", backbone=backbone)
    extractor = getattr(new.config.model, new.config.model.WhichOneof("model")).feature_extractor
    assert extractor.type == type_
    assert extractor.backbone.name == (backbone or "DenseNet121")
    assert new.reasons[0].startswith(f"Anchors and heads are those of {numbers}")
    settings = new.config.train_config
    assert settings.fine_tune_checkpoint == "imagenet"
    assert settings.fine_tune_checkpoint_type == "classification"
    assert not any("zoo download" in step for step in new.next_steps)
    errors = [p for p in check_config("new.config") if p.severity == "error"]
    assert [p for p in errors if p.field.startswith("model")] == []


def test_a_network_of_one_s_own_brings_its_weights(data):
    data["model"] = "ssd_fpn_keras"
    new = write_new_config(**data, output="new.config", backbone="mine.keras")
    assert new.config.model.ssd.feature_extractor.backbone.saved == "mine.keras"
    assert not new.config.train_config.fine_tune_checkpoint
    assert not any("zoo download" in step for step in new.next_steps)


@pytest.mark.parametrize(
    ("model", "backbone", "found"),
    [
        ("ssd_fpn_keras", "", "it says what stands on a network, and not which network"),
        ("ssd_fpn_keras", "resnet50v2", 'no network is called "resnet50v2"'),
        ("faster_rcnn_resnet50_v1_640x640_coco17_tpu-8", "VGG16", "the model has no pyramid"),
    ],
)
def test_a_network_that_cannot_stand_there_is_refused(data, model, backbone, found):
    with pytest.raises(ConfigError) as error:
        write_new_config(**data | {"model": model}, output="new.config", backbone=backbone)
    assert found in three_parts(error.value)[0]
    assert not Path("new.config").exists()


def test_an_rcnn_is_written_whole_and_its_proposals_come_next(data):
    said = write_new_config(**{**data, "model": "rcnn_keras"}, output="few.config")
    config = load_config("few.config")
    assert [problem.text for problem in check_config("few.config")] == []
    rcnn = config.model.rcnn
    assert (rcnn.num_classes, rcnn.max_proposals) == (2, PROPOSALS)
    assert rcnn.feature_extractor.backbone.name == "MobileNetV2"
    assert config.train_config.fine_tune_checkpoint == "imagenet"
    assert not rcnn.HasField("fine_tuning")
    assert read_label_map(config.train_input_reader.label_map_path).names == ("bolt", "nut")
    assert "--steps N fine-tunes it on crops" in " ".join(said.reasons)
    assert said.next_steps == (
        "next: detectune data proposals csv:train --count 500",
        "next: detectune data proposals csv:test --count 500",
        "next: detectune train few.config --model-dir training/few",
    )


def test_data_with_proposals_are_not_searched_again(data):
    source = open_source("csv:train")
    compute_proposals(source, ProposalFile(proposal_file("train")), lambda image: FULL)
    said = write_new_config(**{**data, "model": "rcnn_keras"}, output="few.config")
    assert said.next_steps[0] == "next: detectune data proposals csv:test --count 500"


def test_with_steps_the_network_of_an_rcnn_is_fine_tuned(data):
    wishes = {"backbone": "ResNet50", "num_steps": 40, "batch_size": 64}
    write_new_config(**{**data, "model": "rcnn_keras"}, **wishes, output="few.config")
    config = load_config("few.config")
    tuning = config.model.rcnn.fine_tuning
    assert (tuning.num_steps, tuning.batch_size) == (40, 64)
    assert config.model.rcnn.feature_extractor.backbone.name == "ResNet50"
    assert [problem.text for problem in check_config("few.config")] == []


def test_an_rcnn_on_a_network_of_the_zoo_begins_with_its_checkpoint(data):
    write_checkpoint(Path("zoo/archive/checkpoint"))
    data = {**data, "model": "rcnn_mobilenet_v2_keras"}
    write_new_config(**data, output="few.config", checkpoint="zoo/archive")
    config = load_config("few.config")
    assert config.model.rcnn.feature_extractor.type == "rcnn_mobilenet_v2_keras"
    assert config.train_config.fine_tune_checkpoint == "zoo/archive/checkpoint/ckpt-0"
    assert config.train_config.fine_tune_checkpoint_type == "classification"
    assert [problem.text for problem in check_config("few.config")] == []


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"model": "rcnn"}, 'no R-CNN called "rcnn"'),
        ({"model": "rcnn_kears"}, "rcnn_keras"),
        ({"model": "rcnn_mobilenet_v2_keras"}, "where the weights of the network come from"),
        ({"model": "rcnn_mobilenet_v2_keras", "backbone": "VGG16"}, "names a network already"),
        ({"model": "rcnn_keras", "checkpoint": "none"}, "would know nothing"),
        ({"model": "rcnn_keras", "batch_size": 8}, "an R-CNN has no batches"),
        ({"model": "rcnn_keras", "backbone": "ResNet5"}, 'no network is called "ResNet5"'),
    ],
)
def test_what_no_rcnn_can_be_is_refused_and_nothing_written(data, wishes, said):
    with pytest.raises(ConfigError, match=said) as caught:
        write_new_config(**{**data, **wishes}, output="few.config")
    three_parts(caught.value)
    assert not list(Path().glob("few*"))
