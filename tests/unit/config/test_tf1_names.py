"""Old names of feature extractors: each is known, and says what it becomes."""

from __future__ import annotations

import pytest
from tiny import tiny_config

from detectune.config import tf1_names
from detectune.config.choices import FEATURE_EXTRACTORS
from detectune.config.report import report_fields
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError


def config_of(name):
    config = tiny_config()
    config.model.ssd.feature_extractor.type = name
    return config


@pytest.mark.parametrize("name", tf1_names.TF1_EXTRACTORS)
def test_an_old_name_is_a_note_and_has_a_keras_form(name):
    (problem,) = report_fields(config_of(name))
    assert problem.severity == "note"
    assert f'"{tf1_names.keras_name(name)}"' in problem.text
    assert tf1_names.keras_name(name) in FEATURE_EXTRACTORS


@pytest.mark.parametrize("name", [*tf1_names.NOT_BUILT, "ssd_spaghettinet_edgetpu_s"])
def test_a_network_that_is_not_built_names_the_nearest(name):
    config = config_of(name)
    (problem,) = report_fields(config)
    assert problem.severity == "error"
    with pytest.raises(ConfigError) as error:
        build_detector(config.model)
    nearest = problem.next_step.split('"')[1]
    assert tf1_names.keras_name(nearest) in FEATURE_EXTRACTORS
    assert f'"{nearest}"' in str(error.value)
    assert f'"{name}" exists in TensorFlow 1 only' in str(error.value)


def test_a_name_is_never_both_built_and_refused():
    for name in (*tf1_names.TF1_EXTRACTORS, *FEATURE_EXTRACTORS):
        assert tf1_names.refusal(name) is None, name


def test_a_name_of_today_has_no_note():
    assert report_fields(config_of("ssd_mobilenet_v2_fpn_keras")) == []
    assert tf1_names.note("ssd_mobilenet_v2_fpn_keras") is None
