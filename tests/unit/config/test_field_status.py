import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest
from three_parts import three_parts
from tiny import tiny_config

import detectune.config.protos as protos
from detectune.config import schema
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.config.architectures.two_stage import REGION_EXTRACTORS
from detectune.config.check import check_message
from detectune.config.choices import CHOICES, choice_of
from detectune.config.descriptors import field_name, message_name, with_nested
from detectune.config.field_status import STATUS, field_status
from detectune.config.report import report_fields
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.training.prepare import prepare


def all_fields():
    for module in pkgutil.iter_modules(protos.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"{protos.__name__}.{module.name}").DESCRIPTOR
            for message in file.message_types_by_name.values():
                for owner in with_nested(message):
                    yield from owner.fields


def test_every_field_of_the_schema_has_a_status():
    without = []
    kinds = Counter()
    for field in all_fields():
        try:
            kinds[field_status(field).kind] += 1
        except KeyError as error:
            without.append(error.args[0])
    assert without == []
    # The original has 824, of which 10 are the key and value fields of its 5 maps.
    assert sum(kinds.values()) > 824 - 10


def test_every_row_of_the_table_names_a_field():
    used = set()
    for field in all_fields():
        exact = field_name(field)
        used.add(exact if exact in STATUS else f"{message_name(field.containing_type)}.*")
    assert sorted(set(STATUS) - used) == []


def test_every_choice_belongs_to_an_honoured_field():
    names = {field_name(f): f for f in all_fields()}
    extractors = [names.field for names in (SSD_EXTRACTORS, REGION_EXTRACTORS)]
    for row in (*CHOICES, *extractors):
        assert field_status(names[row]).kind == "honoured"
        assert choice_of(row).values


def test_what_is_not_honoured_has_a_reason():
    for row, status in STATUS.items():
        if status.kind != "honoured":
            assert status.reason.endswith((".", ".)")), row
        if status.kind == "refused":
            assert status.next_step.endswith("."), row


@pytest.mark.parametrize("name", ["center_net", "experimental_model"])
def test_other_architectures_are_refused_once_and_by_name(name):
    config = schema.TrainEvalPipelineConfig()
    getattr(config.model, name).SetInParent()
    (problem,) = report_fields(config)
    assert (problem.severity, problem.field) == ("error", f"model.{name}")


@pytest.mark.parametrize(
    "resizer",
    [
        "fixed_shape_resizer",
        "keep_aspect_ratio_resizer",
        "conditional_shape_resizer",
        "pad_to_multiple_resizer",
    ],
)
def test_greyscale_inputs_are_refused_by_the_check_the_build_and_the_training(tmp_path, resizer):
    """They passed the check and broke the first step: networks have three input channels."""
    config = tiny_config()
    field = getattr(config.model.ssd.image_resizer, resizer)
    field.convert_to_grayscale = True
    place = f"model.ssd.image_resizer.{resizer}.convert_to_grayscale"
    problem = next(p for p in check_message(config, check_files=False) if p.field == place)
    assert problem.severity == "error"
    assert "grey pictures are read as three equal channels" in problem.next_step
    for build in (lambda: build_detector(config.model), lambda: prepare(config, tmp_path / "run")):
        with pytest.raises(ConfigError) as caught:
            build()
        first, *_ = three_parts(caught.value)
        assert first == f"{place}: {problem.found}"
    field.convert_to_grayscale = False  # the default, which configs of users write
    assert place not in {p.field for p in check_message(config, check_files=False)}


def test_ignored_fields_are_notes_and_defaults_are_silent():
    config = schema.TrainEvalPipelineConfig()
    config.train_config.sync_replicas = True
    config.train_config.startup_delay_steps = 15.0  # the default
    (problem,) = report_fields(config)
    assert (problem.severity, problem.field) == ("note", "train_config.sync_replicas")


def test_repeated_messages_are_reported_with_their_index():
    config = schema.TrainEvalPipelineConfig()
    config.train_config.data_augmentation_options.add().random_horizontal_flip.SetInParent()
    config.train_config.data_augmentation_options.add().autoaugment_image.SetInParent()
    (problem,) = report_fields(config)
    assert problem.field == "train_config.data_augmentation_options[1].autoaugment_image"


def test_a_value_of_an_honoured_field_may_be_refused():
    config = schema.TrainEvalPipelineConfig()
    config.model.ssd.box_predictor.convolutional_box_predictor.box_code_size = 5
    (problem,) = report_fields(config)
    assert problem.text == (
        "5 is not supported. Supported: 3, 4. Write 4, or 3 with square_box_coder, or remove the "
        "line."
    )


def test_every_honoured_field_is_read_outside_of_this_package():
    """Something that nobody reads is not honoured, whatever the table says."""
    package = Path(protos.__file__).parents[2]
    sources = (p for p in package.rglob("*.py") if "config" not in p.relative_to(package).parts[:1])
    words = set(re.findall(r"\w+", "\n".join(source.read_text("utf-8") for source in sources)))
    not_read = {
        field_name(field)
        for field in all_fields()
        if field_status(field).kind == "honoured" and field.name not in words
    }
    # A single value is allowed for these, so there is nothing to read; see choices.
    assert not_read - set(CHOICES) - set(LABEL_MAP) == set()


LABEL_MAP = {
    field_name(field)
    for message in (schema.StringIntLabelMap, schema.StringIntLabelMapItem)
    for owner in (message.DESCRIPTOR, *message.DESCRIPTOR.nested_types)
    for field in owner.fields
}
