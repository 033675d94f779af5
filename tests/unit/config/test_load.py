import pytest
from config_samples import good_config
from shared import shared_folder

from detectune.config import schema
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
    assert found.endswith("train.record:1:1: this is a binary file.")
    assert "tf_record_input_reader.input_path" in next_step


def test_a_file_of_another_size_class_is_not_read(tmp_path):
    path = tmp_path / "ckpt-0.data"
    with open(path, "wb") as file:
        file.truncate(17 * 2**20)
    assert message_of(path)[0].endswith("ckpt-0.data:1:1: the file has more than 16 MB.")


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
