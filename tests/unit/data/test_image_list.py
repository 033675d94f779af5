"""A reader may read the images of a list alone."""

from __future__ import annotations

import pytest
from data_sets import picture, write_csv
from google.protobuf import text_format
from three_parts import three_parts

from detectune.config import schema
from detectune.config.check import check_message
from detectune.config.named_files import file_problems
from detectune.data.image_list import image_names, listed_images, write_image_list
from detectune.data.readers import open_reader
from detectune.data.sources.recognise import open_source
from detectune.errors import DataError


@pytest.fixture
def source(tmp_path):
    names = ["a.png", "b.png", "c d.png", "e.png"]
    lines = [f"{name},60,40,red,1,1,9,9" for name in names]
    images = {name: picture() for name in names}
    return open_source(f"csv:{write_csv(tmp_path / 'data', lines, images)}")


def test_the_images_of_the_list_are_read_in_its_order(source, tmp_path):
    write_image_list(tmp_path / "list.txt", ["c d.png", "a.png"])
    found = listed_images(source, str(tmp_path / "list.txt"))
    assert [record.file_name for record in found] == ["c d.png", "a.png"]
    assert found.label_map == source.label_map


def test_a_list_written_by_an_editor_of_windows_is_read(source, tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfb.png\r\n\r\nc d.png\r\n")
    found = listed_images(source, str(tmp_path / "list.txt"))
    assert [record.file_name for record in found] == ["b.png", "c d.png"]


def reader(text: str):
    return open_reader(text_format.Parse(text, schema.InputReader()), "train_input_reader")


def test_a_config_names_the_list(source, tmp_path):
    write_image_list(tmp_path / "list.txt", ["e.png", "b.png", "a.png"])
    text = f'source: "csv:{tmp_path / "data"}" image_list_path: "{tmp_path / "list.txt"}"'
    assert len(reader(text)) == 3
    every_second = reader(f"{text} sample_1_of_n_examples: 2")
    assert [record.file_name for record in every_second] == ["e.png", "a.png"]


def test_images_of_one_name_are_numbered(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        (tmp_path / "data" / folder / "a.png").write_bytes(picture())
    lines = ["one/a.png,60,40,red,1,1,9,9", "two/a.png,60,40,red,1,1,9,9"]
    source = open_source(f"csv:{write_csv(tmp_path / 'data', lines, {})}")
    assert image_names(source) == ["a.png#1", "a.png#2"]
    write_image_list(tmp_path / "list.txt", ["a.png#2"])
    assert listed_images(source, str(tmp_path / "list.txt")).indices == (1,)
    (tmp_path / "list.txt").write_text("a.png\n")
    with pytest.raises(DataError) as caught:
        listed_images(source, str(tmp_path / "list.txt"))
    assert three_parts(caught.value)[2] == (
        'Several images are called so: write "a.png#1", "#2" and so on.'
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "it names no image"),
        (b" \n\n", "it names no image"),
        (b"a.png\nb.png\na.png\n", '"a.png" is there twice'),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"A.png\n", 'there is no image "A.png" in csv:'),
        (None, "it cannot be read: No such file or directory"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(source, tmp_path, content, found):
    if content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError) as caught:
        listed_images(source, str(tmp_path / "list.txt"))
    assert found in three_parts(caught.value)[0]


def test_a_list_that_is_missing_is_an_error_of_the_config(tmp_path):
    config = schema.TrainEvalPipelineConfig()
    config.eval_input_reader.add().image_list_path = str(tmp_path / "none.txt")
    found = [p for p in file_problems(config) if p.field == "eval_input_reader[0].image_list_path"]
    assert [problem.severity for problem in found] == ["error"]
    assert found[0].found == f"there is no list of images {tmp_path / 'none.txt'}."


def test_two_lists_of_one_data_set_are_not_called_the_same_images():
    config = schema.TrainEvalPipelineConfig()
    config.train_input_reader.source = "csv:data"
    config.eval_input_reader.add().source = "csv:data"

    def said() -> bool:
        found = check_message(config, check_files=False)
        return any("is used for training too" in problem.found for problem in found)

    assert said()
    config.train_input_reader.image_list_path = "train.txt"
    assert not said()
    config.eval_input_reader[0].image_list_path = "test.txt"
    assert not said()
    config.eval_input_reader[0].image_list_path = "train.txt"
    assert said()
