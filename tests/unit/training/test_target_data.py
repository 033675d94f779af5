"""Images of the target domain: how they are opened, and what is said of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from rich.console import Console
from three_parts import three_parts
from tiny import tiny_config, write_squares

from detectune.config import schema
from detectune.config.domain_adaptation import TARGET_EVAL_READER, TARGET_READER
from detectune.config.label_map import LabelMap
from detectune.data.proposals import compute_proposals
from detectune.data.sources.proposed import ProposalFile, proposal_file
from detectune.data.sources.recognise import open_source
from detectune.errors import DataError
from detectune.training.console import RunConsole
from detectune.training.data_problems import data_problems
from detectune.training.sources import (
    TARGET,
    RunSources,
    open_sources,
    open_stream,
    run_streams,
    target_stream,
)


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Pictures of the source, to learn from, and others of the target."""
    return write_squares(tmp_path / "source"), write_squares(tmp_path / "target", 6, seed=7)


def config_of(source: Path, target: str, target_eval: str = "") -> schema.TrainEvalPipelineConfig:
    config = tiny_config(source)
    del config.eval_input_reader[:]
    block = config.train_config.domain_adaptation
    block.target_input_reader.source = target
    if target_eval:
        block.target_eval_input_reader.source = target_eval
    return config


def opened(config: schema.TrainEvalPipelineConfig) -> tuple[RunSources, str]:
    """The data of a run, and what was said of them."""
    text = io.StringIO()
    requests = run_streams(config) | target_stream(config)
    return open_sources(config, requests, RunConsole(Console(file=text, width=500))), (
        text.getvalue()
    )


def target_of(config: schema.TrainEvalPipelineConfig):
    return open_stream(target_stream(config)[TARGET], LabelMap.from_names(["blue", "red"]))


def labels(folder: Path) -> str:
    return f"csv:{folder / 'labels.csv'}"


# --- opened -------------------------------------------------------------------------------------


def test_annotations_of_the_target_are_not_read_whatever_is_in_them(folders):
    file = folders[1] / "labels.csv"
    lines = file.read_text().splitlines()
    lines[1] = lines[1].replace("blue", "a class that nobody knows")
    lines[2] = "square1.png,100,80,red,many,5,40,40"
    lines[3] = "square2.png,100,80,blue,-50,-50,9000,9000"
    file.write_text("\n".join(lines) + "\n")
    data, said = opened(config_of(folders[0], labels(folders[1])))
    target = data.sources[TARGET]
    assert len(target) == 6
    assert [len(target[index].class_ids) for index in range(6)] == [0] * 6
    assert data.label_map.names == ("blue", "red")
    assert "6 images of the target domain, not annotated" in said


def test_a_label_map_of_the_target_is_not_looked_at(folders):
    config = config_of(folders[0], labels(folders[1]))
    config.train_config.domain_adaptation.target_input_reader.label_map_path = "gone.pbtxt"
    assert len(target_of(config)) == 6


def test_the_target_is_read_from_the_part_for_training(tmp_path):
    for part, count in (("train", 3), ("val", 2)):
        write_squares(tmp_path / "data" / part, count)
        (tmp_path / "data" / part / "labels.csv").unlink()
    lists = "path: .\ntrain: train\nval: val\nnames: [blue, red]\n"
    (tmp_path / "data" / "data.yaml").write_text(lists)
    config = config_of(tmp_path, f"yolo:{tmp_path / 'data'}")
    assert len(target_of(config)) == 3


def test_pictures_of_the_target_that_are_cut_off_are_left_out_and_named(folders):
    picture = folders[1] / "square3.png"
    picture.write_bytes(picture.read_bytes()[:200])
    _, said = opened(config_of(folders[0], f"images:{folders[1]}"))
    assert "left out: square3.png: " in said


def test_a_target_of_which_hardly_anything_can_be_read_is_refused(folders):
    for number in range(4):
        (folders[1] / f"square{number}.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match="4 of 6 images cannot be read") as error:
        opened(config_of(folders[0], f"images:{folders[1]}"))
    assert "square3.png: it is not an image" in str(error.value)


def test_an_empty_folder_as_target_is_refused(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        opened(config_of(folders[0], f"images:{tmp_path / 'empty'}"))
    assert str(tmp_path / "empty") in str(error.value)
    three_parts(error.value)


def test_a_detector_that_is_given_proposals_needs_those_of_the_target_too(folders):
    config = config_of(folders[0], f"images:{folders[1]}")
    config.model.CopyFrom(
        text_format.Parse("fast_rcnn { max_proposals: 3 }", schema.DetectionModel())
    )
    target = target_stream(config)[TARGET]
    assert dict(target.needs.columns) == {"proposals": 3}
    path = proposal_file(str(folders[1]))
    boxes = np.array([[0, 0, 0.5, 0.5]], np.float32)
    compute_proposals(open_source(str(folders[1])), ProposalFile(path), lambda _: boxes)
    np.testing.assert_array_equal(open_stream(target)[0].proposals, boxes)
    path.unlink()
    assert [text for text, severity in found(config).items() if severity == "error"] == [
        f"images:{folders[1]}: 6 images without proposals: square0.png, square1.png, square2.png, "
        "square3.png, square4.png, … and 1 more."
    ]


# --- what is said -------------------------------------------------------------------------------


def test_a_target_that_is_the_source_is_warned_of(folders):
    _, said = opened(config_of(folders[0], f"images:{folders[0]}"))
    assert "warning: all 8 target images are among the training images: square0.png" in said
    assert "Between them there is nothing to adapt" in said
    (folders[1] / "square5.png").write_bytes((folders[0] / "square1.png").read_bytes())
    _, said = opened(config_of(folders[0], f"images:{folders[1]}"))
    assert "1 of 6 target images is among the training images: square5.png." in said


def test_images_that_are_measured_and_adapted_to_are_said(folders):
    _, said = opened(config_of(folders[0], f"images:{folders[1]}", labels(folders[1])))
    assert "warning: all 6 evaluation images are among the images that are adapted to" in said
    other = write_squares(folders[1].parent / "other", 2, seed=11)
    _, said = opened(config_of(folders[0], f"images:{folders[1]}", labels(other)))
    assert "warning" not in said


def test_both_evaluations_are_compared_with_what_is_trained_on(folders):
    config = config_of(folders[0], f"images:{folders[1]}", labels(folders[1]))
    config.eval_input_reader.add().source = labels(folders[0])
    _, said = opened(config)
    assert "all 8 evaluation images are among the training images" in said


# --- config check --data ------------------------------------------------------------------------


def found(config, field: str = TARGET_READER) -> dict[str, str]:
    """What is found at `field` → severity."""
    return {p.found: p.severity for p in data_problems(config) if p.field == field}


def test_the_check_counts_and_measures_the_images_of_the_target(folders):
    Image.new("RGB", (40, 30)).save(folders[1] / "square0.png")
    config = config_of(folders[0], labels(folders[1]))
    sizes = "6 images of the target domain, 40 x 30 to 100 x 80; 8 training images, 100 x 80."
    assert found(config) == {sizes: "note"}
    picture = folders[1] / "square3.png"
    picture.write_bytes(picture.read_bytes()[:200])
    problems = found(config)
    assert [text.partition(" (")[0] for text, kind in problems.items() if kind == "warning"] == [
        "1 × truncated image: square3.png"
    ]
    config.train_config.domain_adaptation.target_input_reader.source = f"images:{folders[0]}"
    assert "all 8 target images are among the training images: square0.png, square1.png, " in (
        next(text for text, kind in found(config).items() if kind == "warning")
    )


def test_the_check_compares_annotated_images_of_the_target_with_the_training(folders):
    text = (folders[1] / "labels.csv").read_text()
    (folders[1] / "labels.csv").write_text(text.replace("red", "green"))
    config = config_of(folders[0], f"images:{folders[1]}", labels(folders[1]))
    config.eval_input_reader.add().source = labels(write_squares(folders[0].parent / "e", seed=9))
    said = found(config, TARGET_EVAL_READER)
    assert any('class "green" is not in the label map' in text for text in said)
    assert any("adapted to" in text for text in said)
    assert found(config, "eval_input_reader") == {}
