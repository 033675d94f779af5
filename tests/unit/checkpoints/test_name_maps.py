"""Name maps: of a class, of those derived from it, and of detectors that have none."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import tiny_config
from toy import ToyDetector, toy_batch

from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import SUFFIX, variable_keys
from detectune.checkpoints.name_maps.attribute_paths import attribute_layers
from detectune.checkpoints.name_maps.base import ClassOutputs, NameMap
from detectune.checkpoints.restore import restore
from detectune.detectors.build import build_detector
from detectune.detectors.ssd import SSD
from detectune.errors import CheckpointError
from detectune.registry import ClassRegistry, name_maps
from detectune.training.freezing import freeze


def values_of(detector):
    return {row.key: np.asarray(row.variable) for row in variable_keys(detector)}


@pytest.fixture
def saved(tmp_path):
    """A trained toy detector, and its checkpoint."""
    detector = ToyDetector()
    before = values_of(detector)
    detector.compile(optimizer="sgd", jit_compile=False)
    for _ in range(2):
        detector.train_on_batch(*toy_batch())
    after = values_of(detector)
    assert any(not np.array_equal(before[key], after[key]) for key in before)
    write_checkpoint(tmp_path / "ckpt-0", after)
    return tmp_path / "ckpt-0", detector


def test_a_detector_without_a_table_is_saved_and_restored_completely(saved):
    prefix, trained = saved
    fresh = ToyDetector()
    report = restore(fresh, prefix)
    assert len(report.matched) == len(values_of(trained)) == 17
    assert report.fresh == []
    assert report.left_over == []
    images, _ = toy_batch()
    for ours, theirs in zip(fresh(images), trained(images), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_paths_without_a_table_come_from_attributes_and_not_from_numbered_names():
    paths = [row.path for row in variable_keys(ToyDetector())]
    assert paths == [row.path for row in variable_keys(ToyDetector())]
    assert paths == [
        "sharpness",
        "backbone/0/kernel", "backbone/0/bias",
        "backbone/1/gamma", "backbone/1/beta",
        "backbone/1/moving_mean", "backbone/1/moving_variance",
        "backbone/2/depthwise_kernel", "backbone/2/bias",
        "towers/0/0/kernel", "towers/0/0/bias",
        "towers/1/0/kernel", "towers/1/0/bias",
        "twice/kernel", "twice/bias",
        "outputs_of/classes/kernel", "outputs_of/classes/bias",
    ]  # fmt: skip


def test_patterns_freeze_what_the_paths_say():
    detector = ToyDetector()
    frozen = freeze(detector, freeze_patterns=["^backbone/"], update_patterns=[])
    assert frozen is not None
    assert frozen.variables == 6
    left = {row.path for row in variable_keys(detector) if row.variable.trainable}
    assert left == {row.path for row in variable_keys(detector)} - {
        row.path for row in variable_keys(detector) if row.path.startswith("backbone/")
    }


def test_fine_tuning_promises_the_backbone_and_warms_the_heads_that_fit(saved):
    prefix, _ = saved
    report = restore(ToyDetector(num_classes=3), prefix, kind="fine_tune")
    assert report.fresh == ["outputs_of/classes/kernel", "outputs_of/classes/bias"]
    without = {key: v for key, v in values_of(ToyDetector()).items() if "backbone/1" not in key}
    write_checkpoint(prefix.with_name("ckpt-1"), without)
    with pytest.raises(CheckpointError, match="promises the feature extractor, but 4 of"):
        restore(ToyDetector(), prefix.with_name("ckpt-1"), kind="detection")


def test_what_has_no_backbone_promises_nothing_and_is_told_so(saved, monkeypatch):
    monkeypatch.setitem(name_maps._parts, ToyDetector, NameMap(extractor=("trunk/",)))
    with pytest.raises(CheckpointError, match="nobody says which layers of ToyDetector") as caught:
        restore(ToyDetector(), saved[0], kind="detection")
    assert len(str(caught.value).splitlines()) == 3


def test_the_backbone_of_a_detector_without_a_table_is_that_of_a_classifier(tmp_path):
    source = ToyDetector()
    inside = ((row.path.removeprefix("backbone/"), row) for row in variable_keys(source))
    values = {
        f"model/layer_with_weights-{path}{SUFFIX}": np.asarray(row.variable)
        for path, row in inside
        if row.path.startswith("backbone/")
    }
    write_checkpoint(tmp_path / "ckpt-0", values)
    detector = ToyDetector()
    report = restore(detector, tmp_path / "ckpt-0", kind="classification")
    assert sorted(report.matched) == sorted(
        row.path for row in variable_keys(detector) if row.path.startswith("backbone/")
    )
    for ours, theirs in zip(detector.backbone.weights, source.backbone.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_class_outputs_that_are_named_are_carried_over_by_class(saved, monkeypatch):
    outputs = NameMap(
        class_outputs=lambda detector: [
            ClassOutputs(detector.outputs_of["classes"], predicts_classes=True)
        ]
    )
    monkeypatch.setitem(name_maps._parts, ToyDetector, outputs)
    prefix, trained = saved
    detector = ToyDetector(num_classes=3)
    report = restore(
        detector, prefix, kind="fine_tune",
        source_classes=["cat", "dog"], target_classes=["cow", "dog", "cat"],
    )  # fmt: skip
    assert report.carried == ["outputs_of/classes/kernel", "outputs_of/classes/bias"]
    ours = np.asarray(detector.outputs_of["classes"].kernel)
    theirs = np.asarray(trained.outputs_of["classes"].kernel)
    np.testing.assert_array_equal(ours[:, [2, 1]], theirs)


def test_a_class_derived_from_ssd_has_its_map(tmp_path):
    class Special(SSD):
        pass

    source = build_detector(tiny_config().model)
    write_checkpoint(tmp_path / "ckpt-0", values_of(source))
    special = build_detector(tiny_config().model)
    special.__class__ = Special
    report = restore(special, tmp_path / "ckpt-0")
    assert len(report.matched) == len(values_of(source))
    assert report.fresh == []
    assert report.left_over == []


def test_the_nearest_class_counts_and_one_has_only_one_part():
    class Base:
        pass

    class Derived(Base):
        pass

    class Further(Derived):
        pass

    maps = ClassRegistry("name map", "detectune.checkpoints.name_maps")
    maps.register(Base)("of base")
    maps.register(Derived)("of derived")
    assert maps[Further] == "of derived"
    assert maps[Base] == "of base"
    with pytest.raises(ValueError, match="two name maps are those of Base"):
        maps.register(Base)("another")


def test_a_map_that_leaves_variables_out_or_names_two_alike_is_refused(monkeypatch):
    some = NameMap(layers=lambda detector: list(attribute_layers(detector))[:2])
    monkeypatch.setitem(name_maps._parts, ToyDetector, some)
    with pytest.raises(CheckpointError, match="ToyDetector: its name map has no key for"):
        variable_keys(ToyDetector())
    alike = NameMap(
        layers=lambda detector: [row._replace(key="x") for row in attribute_layers(detector)]
    )
    monkeypatch.setitem(name_maps._parts, ToyDetector, alike)
    with pytest.raises(CheckpointError, match="several variables for") as caught:
        variable_keys(ToyDetector())
    assert len(str(caught.value).splitlines()) == 3
