"""Old names of feature extractors: each is known, and says what it becomes."""

from __future__ import annotations

import pytest

from detectune.config import schema
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.config.architectures.two_stage import REGION_EXTRACTORS
from detectune.config.check import check_message
from detectune.config.report import report_fields
from detectune.detectors.builders.feature_extractor import backbone_and_neck
from detectune.detectors.builders.region_features import region_features, tf1_region_feature_types
from detectune.detectors.builders.region_proposal_network import region_proposal_network
from detectune.errors import ConfigError

KINDS = (SSD_EXTRACTORS, REGION_EXTRACTORS)
TODAY = tuple(name for kind in KINDS for name in kind.today)
OLD = tuple(name for kind in KINDS for name in kind.tf1)
NOT_BUILT = tuple(name for kind in KINDS for name in kind.not_built)


def kind_of(name):
    return REGION_EXTRACTORS if name.startswith("faster_rcnn") else SSD_EXTRACTORS


def extractor_of(name):
    if name.startswith("faster_rcnn"):
        return schema.FasterRcnnFeatureExtractor(type=name)
    return schema.SsdFeatureExtractor(type=name)


def build(extractor):
    if isinstance(extractor, schema.FasterRcnnFeatureExtractor):
        return region_features(extractor, patch_size=(7, 7))
    return backbone_and_neck(extractor, freeze_batch_norm=False)


@pytest.mark.parametrize("name", OLD)
def test_an_old_name_is_a_note(name):
    (problem,) = report_fields(extractor_of(name))
    assert problem.severity == "note"
    today = kind_of(name).keras_name(name)
    if name == "faster_rcnn_inception_v2":
        assert (today, f'"{name}" is a name of TensorFlow 1.') == ("", problem.found)
    else:
        assert f'"{today}"' in problem.text
        assert today in TODAY


def test_the_old_names_of_two_stage_detectors_are_those_that_can_be_built():
    assert set(REGION_EXTRACTORS.tf1) == set(tf1_region_feature_types())


@pytest.mark.parametrize("name", [*NOT_BUILT, "ssd_spaghettinet_edgetpu_s"])
def test_a_network_that_is_not_built_names_the_nearest(name):
    (problem,) = report_fields(extractor_of(name))
    assert problem.severity == "error"
    with pytest.raises(ConfigError) as error:
        build(extractor_of(name))
    nearest = problem.next_step.split('"')[1]
    assert kind_of(name).keras_name(nearest) in TODAY
    assert f'"{nearest}"' in str(error.value)
    assert f'"{name}" exists in TensorFlow 1 only' in str(error.value)
    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("faster_rcnn_resnet50_kera", "faster_rcnn_resnet50_keras"),
        ("faster_rcnn_resnet50_fpn", "faster_rcnn_resnet50_fpn_keras"),
        ("faster_rcnn_inception_resnet_v2_kears", "faster_rcnn_inception_resnet_v2_keras"),
    ],
)
def test_a_slip_of_the_pen_in_a_two_stage_type_is_recognised(name, guess):
    (problem,) = report_fields(extractor_of(name))
    assert f'Did you mean "{guess}"?' in problem.next_step
    with pytest.raises(ConfigError, match=f'Did you mean "{guess}"'):
        build(extractor_of(name))


def test_context_is_refused_by_name_and_once():
    config = schema.DetectionModel()
    config.faster_rcnn.context_config.SetInParent()
    config.faster_rcnn.num_classes = 2
    pipeline = schema.TrainEvalPipelineConfig(model=config)
    said = [p.found for p in check_message(pipeline) if p.field.endswith("context_config")]
    assert said == ["Context R-CNN is not supported yet."]
    config.faster_rcnn.feature_extractor.type = "faster_rcnn_resnet50_keras"
    with pytest.raises(ConfigError, match="Context R-CNN is not supported yet") as error:
        region_proposal_network(config.faster_rcnn)
    assert len(str(error.value).splitlines()) == 3


def test_a_type_of_the_other_kind_of_detector_is_refused_without_a_guess():
    extractor = schema.FasterRcnnFeatureExtractor(type="ssd_resnet50_v1_fpn_keras")
    (problem,) = report_fields(extractor)
    assert "Did you mean" not in problem.next_step
    assert "faster_rcnn_resnet50_fpn_keras" in problem.allowed


def test_a_name_is_never_both_built_and_refused():
    for name in (*OLD, *TODAY):
        assert kind_of(name).refusal(name) is None, name


def test_a_name_of_today_has_no_note():
    for name in TODAY:
        assert report_fields(extractor_of(name)) == []
        assert kind_of(name).note(name) is None
