import pytest
from config_samples import good_config

from detectune.config.overrides import apply_override, apply_overrides, is_overridden
from detectune.errors import ConfigError


def changed(*overrides):
    config = good_config()
    apply_overrides(config, overrides)
    return config


def error_of(override):
    config = good_config()
    before = config.SerializeToString()
    with pytest.raises(ConfigError) as caught:
        apply_overrides(config, [override])
    assert config.SerializeToString() == before
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert lines[0].startswith(f"--set {override}: ")
    return lines[0].removeprefix(f"--set {override}: "), *lines[1:]


@pytest.mark.parametrize(
    ("override", "path", "sets"),
    [
        ("train_config.batch_size=8", "train_config.batch_size", True),
        ("train_config.batch_size=8", "train_config", False),
        ("train_config.batch_size=8", "train_config.batch_sizes", False),
        ("train_config={}", "train_config.batch_size", True),
        ("model.*.num_classes=3", "model.ssd.num_classes", True),
        ("model.*.num_classes=3", "model.[toy_plugin.toy].num_classes", True),
        ("eval_input_reader.source=x", "eval_input_reader[0].source", True),
        ("eval_input_reader[1].source=x", "eval_input_reader[0].source", False),
    ],
)
def test_what_an_override_sets_is_known_by_its_path(override, path, sets):
    assert is_overridden(path, [override]) is sets


def test_a_number_a_name_and_a_switch_are_set():
    config = changed(
        "train_config.batch_size=3",
        "model.ssd.feature_extractor.conv_hyperparams.activation=SWISH",
        "model.ssd.freeze_batchnorm=true",
        "train_config.gradient_clipping_by_norm = 1e1",
    )
    assert config.train_config.batch_size == 3
    assert config.model.ssd.feature_extractor.conv_hyperparams.activation == 3
    assert config.model.ssd.freeze_batchnorm is True
    assert config.train_config.gradient_clipping_by_norm == 10.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a/b c=d", "a/b c=d"),
        ('"a/b"', "a/b"),
        ("'a/b'", "a/b"),
        ("C:\\new\\ckpt-0", "C:\\new\\ckpt-0"),
        ('say "x"', 'say "x"'),
    ],
)
def test_text_needs_no_quotes(value, expected):
    config = changed(f"train_config.fine_tune_checkpoint={value}")
    assert config.train_config.fine_tune_checkpoint == expected


def test_a_whole_list_replaces_the_old_one():
    path = "model.ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios"
    config = changed(f"{path}=[1.0, 3.0]")
    ratios = config.model.ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios
    assert list(ratios) == [1.0, 3.0]


def test_a_list_of_texts_needs_no_quotes():
    config = changed("train_config.freeze_variables=[a.*, 'b c']")
    assert list(config.train_config.freeze_variables) == ["a.*", "b c"]


def test_one_element_is_changed_by_its_index():
    config = changed("train_config.data_augmentation_options[1].random_crop_image.min_area=0.25")
    options = config.train_config.data_augmentation_options
    assert options[1].random_crop_image.min_area == 0.25
    assert options[1].random_crop_image.max_aspect_ratio == 3.0


@pytest.mark.parametrize("index", ["[2]", "[]"])
def test_an_element_is_appended(index):
    config = changed(f"train_config.data_augmentation_options{index}={{random_adjust_hue{{}}}}")
    kinds = [
        o.WhichOneof("preprocessing_step") for o in config.train_config.data_augmentation_options
    ]
    assert kinds == ["random_horizontal_flip", "random_crop_image", "random_adjust_hue"]


def test_an_element_is_replaced_and_removed():
    path = "train_config.data_augmentation_options"
    config = changed(f"{path}[0]=random_adjust_hue {{max_delta: 0.1}}", f"{path}[1]=")
    (option,) = config.train_config.data_augmentation_options
    assert option.random_adjust_hue.max_delta == pytest.approx(0.1)


def test_a_message_is_replaced_as_a_whole():
    config = changed(
        "train_config.optimizer={adam_optimizer{learning_rate{constant_learning_rate{}}}}"
    )
    optimizer = config.train_config.optimizer
    assert optimizer.WhichOneof("optimizer") == "adam_optimizer"
    assert not optimizer.HasField("use_moving_average")


@pytest.mark.parametrize("value", ["", "null"])
def test_a_field_is_cleared(value):
    config = changed(f"train_config.fine_tune_checkpoint={value}")
    assert not config.train_config.HasField("fine_tune_checkpoint")


def test_a_star_stands_for_what_is_chosen():
    config = changed(
        "model.*.num_classes=7", "train_config.optimizer.*.learning_rate.*.total_steps=5"
    )
    assert config.model.ssd.num_classes == 7
    rate = config.train_config.optimizer.momentum_optimizer.learning_rate
    assert rate.cosine_decay_learning_rate.total_steps == 5


def test_a_single_reader_needs_no_index():
    config = changed("eval_input_reader.label_map_path=x")
    assert [reader.label_map_path for reader in config.eval_input_reader] == ["x"]


def test_several_readers_need_an_index():
    config = good_config()
    config.eval_input_reader.add()
    with pytest.raises(ConfigError, match="stands 2 times"):
        apply_override(config, "eval_input_reader.label_map_path=x")


def test_later_overrides_see_earlier_ones():
    config = changed("train_config.freeze_variables[]=a", "train_config.freeze_variables[]=b")
    assert list(config.train_config.freeze_variables) == ["a", "b"]


@pytest.mark.parametrize(
    ("override", "found", "next_step"),
    [
        (
            "train_config.bach_size=8",
            "TrainConfig has no field called bach_size.",
            'Did you mean "batch_size"? Correct the path.',
        ),
        (
            "model.faster_rcnn.num_classes=1",
            "this config has ssd, not faster_rcnn.",
            "Write ssd (or *), or replace it whole: faster_rcnn={...}.",
        ),
        ("train_config.batch_size=x", "the value is x.", "Change the value."),
        ("train_config.batch_size=-1", "the value is -1.", "Change the value."),
        ("train_config.batch_size", "there is no = in it.", None),
        ("a..b=1", '"" is not a field name.', None),
        ("=3", '"" is not a field name.', None),
        (
            "train_config.optimizer={adam{}}",
            "Optimizer has no field called adam.",
            'Did you mean "adam_optimizer"? Rename or remove the line.',
        ),
        ("train_config.batch_size.x=3", "batch_size is a value and has no fields.", None),
        ("train_config.batch_size[0]=3", "batch_size is not repeated.", None),
        (
            "train_config.freeze_variables[3]=x",
            "freeze_variables[3] does not exist: there are 0.",
            "Choose another index.",
        ),
        ("model.ssd.loss.*.x=3", "* stands for what is chosen in Loss, and nothing is.", None),
        (
            "model.ssd.feature_extractor.conv_hyperparams.activation=RELU6",
            "RELU6 is not a value of this field.",
            'Did you mean "RELU_6"? Choose one.',
        ),
        (
            "eval_config.super_categories.x=3",
            "super_categories is a value and has no fields.",
            None,
        ),
    ],
)
def test_a_wrong_override_changes_nothing_and_says_why(override, found, next_step):
    lines = error_of(override)
    assert lines[0] == found
    if next_step:
        assert lines[2] == next_step


def test_a_value_cannot_smuggle_in_another_field():
    found, allowed, _ = error_of("train_config.batch_size=8 num_steps: 5")
    assert "the end of the value was expected" in found
    assert allowed == "batch_size takes a whole number."


def test_an_unfinished_message_is_an_error():
    assert error_of("train_config.optimizer={adam_optimizer{")[1] == (
        "optimizer takes the fields of Optimizer in braces."
    )


def test_an_override_with_terminal_commands_is_shown_without_obeying_them():
    with pytest.raises(ConfigError) as caught:
        apply_overrides(good_config(), ["train_config.bat\x1b[2Jch_size=8\n"])
    found, *_ = str(caught.value).split("\n")
    assert found.startswith(r"--set train_config.bat\x1b[2Jch_size=8\n: ")
    assert "\x1b" not in str(caught.value)
