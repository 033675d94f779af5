import os
import time

import pytest
from config_samples import good_config
from shared import shared_folder
from three_parts import three_parts

from detectune.config import schema
from detectune.config.check import check_config
from detectune.config.label_map import read_label_map
from detectune.config.load import load_config
from detectune.config.save import config_text, write_config
from detectune.errors import ConfigError


def message_of(path, overrides=()):
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert all(lines)
    return lines


def write(folder, text, name="pipeline.config"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_what_is_written_is_read_again(tmp_path):
    config = good_config()
    write_config(config, tmp_path / "a.config")
    assert load_config(tmp_path / "a.config") == config


def test_all_configs_of_users_are_read():
    files = sorted((shared_folder() / "configs").glob("*.config"))
    assert len(files) == 76
    for file in files:
        config = load_config(file)
        assert config.train_config.batch_size > 0, file
        assert config.model.WhichOneof("model"), file


def test_all_recorded_configs_survive_writing_and_reading(tmp_path):
    files = sorted((shared_folder() / "oracle" / "golden").glob("*.config"))
    assert len(files) > 20
    for file in files:
        config = load_config(file)
        write_config(config, tmp_path / file.name)
        assert load_config(tmp_path / file.name) == config


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbftrain_config { batch_size: 7 }",
        b"train_config {\r\n\tbatch_size: 7\r\n}\r\n",
        b"train_config: { batch_size: 7, }",
        b"train_config < batch_size: 7; >",
        "train_config { batch_size: 7 }".encode("utf-16"),
        b"# a comment\rtrain_config { batch_size: 7 }",
    ],
    ids=["BOM", "CRLF and tab", "colon and comma", "angle brackets", "UTF-16", "old Mac"],
)
def test_texts_as_editors_write_them_are_read(tmp_path, text):
    assert load_config(write(tmp_path, text)).train_config.batch_size == 7


def test_spaces_of_word_processors_are_spaces_as_for_protobuf(tmp_path):
    path = write(tmp_path, "train_config\u00a0{\u2003batch_size:\u30007\u2028}")
    assert load_config(path).train_config.batch_size == 7
    assert not [problem for problem in check_config(path) if "found" in problem.found]


def test_both_kinds_of_quotes_are_read(tmp_path):
    text = "train_config { fine_tune_checkpoint: 'C:/a b' fine_tune_checkpoint_type: \"full\" }"
    train = load_config(write(tmp_path, text)).train_config
    assert (train.fine_tune_checkpoint, train.fine_tune_checkpoint_type) == ("C:/a b", "full")


def test_a_missing_file_is_named(tmp_path):
    found, allowed, next_step = message_of(tmp_path / "no.config")
    assert found == f"{tmp_path / 'no.config'}:1:1: there is no such file."
    assert allowed == "A pipeline.config is a text file."
    assert next_step == "Check the path."


def test_a_folder_is_answered_with_the_config_in_it(tmp_path):
    write(tmp_path, "train_config { }")
    lines = message_of(tmp_path)
    assert lines[0].endswith(":1:1: this is a folder.")
    assert lines[2] == f"Give the file in it: {tmp_path / 'pipeline.config'}."


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_file_is_an_error(tmp_path, text):
    assert message_of(write(tmp_path, text))[0].endswith(":1:1: the config is empty.")


def test_a_record_given_by_mistake_is_recognised(tmp_path):
    record = b"\x10\0\0\0\0\0\0\0\x93\xa9\x8f\xb1\n\x8e\xff\x01"
    found, _, next_step = message_of(write(tmp_path, record, "train.record"))
    assert found.endswith("train.record:1:1: this is a TFRecord.")
    assert "tf_record_input_reader.input_path" in next_step


def test_a_file_of_another_size_class_is_not_read(tmp_path):
    path = tmp_path / "ckpt-0.data"
    with open(path, "wb") as file:
        file.truncate(5 * 2**20)
    assert message_of(path)[0].endswith("ckpt-0.data:1:1: the file has more than 4 MB.")


OTHERS = {
    "page.config": (b"\n<!DOCTYPE html>\n<html lang='en'>", "an HTML page", "button Raw"),
    "a.xml": (b"<annotation>\n<folder/></annotation>", "an XML file", "data inspect"),
    "a.json": (b'{"images": [], "annotations": []}', "a JSON file", "data inspect"),
    "b.json": (b"[[1, 2]]", "a JSON file", "data inspect"),
    "a.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture", "source"),
    "a.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture", "source"),
    "a.zip": (b"PK\x03\x04\x14\0\0\0", "a zip archive", "Unpack it"),
    "a.tar.gz": (b"\x1f\x8b\x08\0\0\0", "a packed file", "Unpack it"),
    "a.tflite": (b"\x1c\0\0\0TFL3\0", "a LiteRT model", "predict"),
    "a.h5": (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file", "fine_tune_checkpoint"),
    "ckpt-0.index": (b"\0\0\x05\x0a", "a part of a checkpoint", "fine_tune_checkpoint"),
    "checkpoint": (
        b'model_checkpoint_path: "ckpt-0"\n',
        "the file checkpoint of a folder",
        "fine_tune_checkpoint",
    ),
    "saved_model.pb": (b"\x08\x01\x12\xff\0", "a TensorFlow model", "predict"),
    "lfs.config": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "a pointer of Git LFS",
        "git lfs pull",
    ),
    "map.pbtxt": (b'item { id: 1 name: "a" }', "a label map.", "label_map_path"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_file_is_said_to_be_what_it_is(tmp_path, name):
    data, kind, advice = OTHERS[name]
    path = write(tmp_path, data, name)
    found, allowed, next_step = message_of(path)
    assert found.startswith(f"{path}:1:1: this is {kind}")
    assert allowed.startswith("A pipeline.config ")
    assert advice in next_step
    if name != "map.pbtxt":
        with pytest.raises(ConfigError) as caught:
            read_label_map(path)
        assert str(caught.value).startswith(f"{path}:1:1: this is {kind}")
        assert "A label map is protobuf text: item {" in str(caught.value)


def test_a_config_as_label_map_is_said_to_be_one(tmp_path):
    path = write(tmp_path, "model { ssd { num_classes: 1 } }")
    with pytest.raises(ConfigError) as caught:
        read_label_map(path)
    assert three_parts(caught.value)[0] == f"{path}:1:1: this is a pipeline.config."


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\xff\xfet\0r", "this is UTF-16 text that is damaged at byte 4."),
        (b"\xff\xfe\x00\xd8a\0", "this is UTF-16 text that is damaged at byte 2."),
        (b"train_config { } # \xed\xa0\x80", "the byte 0xed is not UTF-8."),
        (b"train_config { }\0", "this is a binary file."),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path, data, found):
    assert found in message_of(write(tmp_path, data))[0]


def test_utf_32_is_read(tmp_path):
    text = "train_config { batch_size: 7 }".encode("utf-32")
    assert load_config(write(tmp_path, text)).train_config.batch_size == 7


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found, _, next_step = message_of(tmp_path / "pipe")
    assert found.endswith("pipe:1:1: this is a pipe or a device, not a file.")
    assert next_step == "Write it into a file, and give that."


@pytest.mark.parametrize("name", ["x" * 300, "a" * 5000])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, name):
    assert "could not be read" in message_of(tmp_path / name)[0]


def test_a_path_with_a_nul_is_refused():
    found, _, next_step = message_of("a\0b")
    assert found == r"'a\x00b':1:1: this is no path that a file can have."
    assert next_step == "Check the path."


@pytest.mark.parametrize(
    ("text", "found", "advice"),
    [
        (
            "train_config { fine_tune_checkpoint: \u201cckpt-0\u201d }",
            "found the typographic quote \u201c.",
            'Replace it, and others like it, by "',
        ),
        (
            "train_config {\u200bbatch_size: 8 }",
            "found the character U+200B (ZERO WIDTH SPACE).",
            "Type this place again",
        ),
        ("train_config \uff5b }", "found the character U+FF5B (FULLWIDTH", "Type this place again"),
    ],
)
def test_characters_that_look_right_are_named(tmp_path, text, found, advice):
    lines = message_of(write(tmp_path, text))
    assert found in lines[0]
    assert advice in lines[2]


def test_two_augmentations_in_one_block_get_a_block_each(tmp_path):
    text = (
        "train_config { data_augmentation_options { random_horizontal_flip { } "
        "random_crop_image { } } }"
    )
    found, allowed, next_step = message_of(write(tmp_path, text))
    assert found.endswith("random_crop_image stands beside random_horizontal_flip.")
    assert allowed == "A block of data_augmentation_options takes one of its choices."
    assert next_step == (
        "Give it a block of its own: data_augmentation_options { random_crop_image { ... } }."
    )


def test_a_block_that_is_not_closed_is_named(tmp_path):
    text = "train_config {\n  batch_size: 8\neval_config { }\n}\n"
    found, allowed, next_step = message_of(write(tmp_path, text))
    assert found.endswith(
        ":3:1: train_config.eval_config: eval_config stands inside of train_config."
    )
    assert allowed == "It belongs to TrainEvalPipelineConfig, outside of that block."
    assert next_step.startswith('Close train_config with "}" before this line')


def test_hundreds_of_unknown_fields_take_no_time(tmp_path):
    text = "train_config { " + "\n".join(f"bach_size{i}: 1" for i in range(20_000)) + "}"
    path = write(tmp_path, text)
    started = time.process_time()
    assert message_of(path)[2].endswith(f"`detectune config check {path}` shows all 200.")
    assert time.process_time() - started < 5.0


def test_a_byte_that_is_not_utf8_has_a_place(tmp_path):
    path = write(tmp_path, b"train_config {\n  # Stra\xdfe\n}\n")
    found, allowed, _ = message_of(path)
    assert found == f"{path}:2:9: the byte 0xdf is not UTF-8."
    assert allowed == "A pipeline.config is UTF-8 text."


def test_an_unknown_field_gets_a_suggestion_and_what_is_offered(tmp_path):
    path = write(tmp_path, "train_config {\n  bach_size: 8\n}")
    found, allowed, next_step = message_of(path)
    assert found == (
        f"{path}:2:3: train_config.bach_size: TrainConfig has no field called bach_size."
    )
    assert allowed.startswith("TrainConfig has: batch_size, data_augmentation_options,")
    assert next_step == 'Did you mean "batch_size"? Rename or remove the line.'


def test_a_field_of_another_message_points_at_the_braces(tmp_path):
    path = write(tmp_path, "model { ssd { num_classes: 1 } }\nnum_steps: 5\n")
    said = message_of(path)[2]
    assert said.startswith("TrainConfig and CropFineTuning have a field of this name: is a brace")
    path = write(tmp_path, "model { ssd { num_classes: 1 } }\nsync_replicas: true\n")
    assert message_of(path)[2].startswith("TrainConfig has a field of this name: is a brace")


def test_an_unknown_enum_value_gets_a_suggestion(tmp_path):
    text = "model { ssd { feature_extractor { conv_hyperparams { activation: RELU6 } } } }"
    found, allowed, next_step = message_of(write(tmp_path, text))
    assert found.endswith("activation: RELU6 is not a value of this field.")
    assert allowed == "Allowed: NONE, RELU, RELU_6, SWISH."
    assert next_step.startswith('Did you mean "RELU_6"?')


@pytest.mark.parametrize(
    ("text", "found", "allowed"),
    [
        ("train_config { batch_size: 8", ":1:29: found the end of the file.", 'here: "}"'),
        ("train_config { batch_size: -8 }", "the value is -8.", "a whole number of 0 or more"),
        ('train_config { batch_size: "8" }', 'the value is "8".', "a whole number"),
        ("train_config { batch_size: 8.5 }", "the value is 8.5.", "a whole number"),
        ("train_config { num_steps: true }", "the value is true.", "a whole number"),
        ("train_config { sync_replicas: yes }", "the value is yes.", "true or false"),
        ("train_config { optimizer: 3 }", "the value is 3.", "a block: optimizer { ... }"),
        ("train_config { batch_size { } }", "batch_size is followed by a block.", "whole number"),
        ("train_config { fine_tune_checkpoint: x }", "the value is x.", 'in quotes: "..."'),
        ("train_config { batch_size: 1 batch_size: 2 }", "more than once.", "takes one value"),
        ("model { ssd { } center_net { } }", "center_net stands beside ssd.", "Only one of these"),
        ("train_config }", ':1:14: found "}".', '":" or "{" after train_config'),
    ],
)
def test_a_wrong_value_says_what_is_allowed(tmp_path, text, found, allowed):
    path = write(tmp_path, text)
    lines = message_of(path)
    assert lines[0].startswith(f"{path}:1:")
    assert lines[0].endswith(found)
    assert allowed in lines[1]


def test_the_number_of_further_problems_is_told(tmp_path):
    path = write(tmp_path, "train_config { a: 1 b: 2 c: 3 }")
    assert message_of(path)[2].endswith(f"`detectune config check {path}` shows all 3.")


def test_overrides_are_applied_when_loading(tmp_path):
    path = write(tmp_path, config_text(good_config()))
    assert load_config(path, ["train_config.batch_size=3"]).train_config.batch_size == 3


def test_fields_of_other_programs_do_not_collide_with_our_own_numbers():
    for message in (schema.GraphRewriter, schema.ExternalInputReader):
        assert message.DESCRIPTOR.is_extendable
    own = {"source": 1001}
    fields = schema.InputReader.DESCRIPTOR.fields_by_name
    assert {name: fields[name].number for name in own} == own
