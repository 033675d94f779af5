"""Restoring: what matches, what starts fresh, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import tiny_config

from detectune.checkpoints.class_rows import carry_classes
from detectune.checkpoints.files import (
    find_checkpoint,
    point_to,
    read_checkpoint,
    write_checkpoint,
)
from detectune.checkpoints.keys import variable_keys
from detectune.checkpoints.restore import restore
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError

HEAD = "_box_predictor/_prediction_heads/class_predictions_with_background"


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


def make(num_classes=2):
    config = tiny_config(extractor=EXTRACTOR).model
    config.ssd.num_classes = num_classes
    return build_detector(config)


def values_of(detector):
    return {row.key: np.asarray(row.variable) for row in variable_keys(detector)}


@pytest.fixture(scope="module")
def saved(small_backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive") / "checkpoint"
    values = values_of(make())
    write_checkpoint(folder / "ckpt-0", values)
    point_to(folder / "ckpt-0")
    return folder, values


def test_what_was_written_is_restored_completely(saved):
    folder, values = saved
    detector = make()
    report = restore(detector, folder)
    assert len(report.matched) == len(values)
    assert not report.fresh
    assert not report.left_over
    for key, value in values_of(detector).items():
        np.testing.assert_array_equal(value, values[key])


def test_the_object_graph_leads_to_every_key_as_the_original_expects(saved):
    folder, values = saved
    reader = tf.train.load_checkpoint(str(folder / "ckpt-0"))
    assert "save_counter/.ATTRIBUTES/VARIABLE_VALUE" in reader.get_variable_to_shape_map()

    # The original restores through nested objects, not through names.
    class Node(tf.Module):
        pass

    root = Node()
    for key, value in values.items():
        *path, leaf = (
            key.removeprefix("model/").removesuffix("/.ATTRIBUTES/VARIABLE_VALUE").split("/")
        )
        node = root
        for part in path:
            if not hasattr(node, part):
                setattr(node, part, Node())
            node = getattr(node, part)
        setattr(node, leaf, tf.Variable(np.zeros_like(value)))
    status = tf.train.Checkpoint(model=root).restore(str(folder / "ckpt-0"))
    status.assert_existing_objects_matched()
    kernel = root._box_predictor._box_prediction_head._box_encoder_layers
    found = getattr(kernel, "0").pointwise_kernel
    key = "model/_box_predictor/_box_prediction_head/_box_encoder_layers/0/pointwise_kernel"
    np.testing.assert_array_equal(found, values[f"{key}/.ATTRIBUTES/VARIABLE_VALUE"])


def test_detection_warm_starts_the_box_head_and_leaves_other_classes_fresh(saved):
    folder, values = saved
    detector = make(num_classes=3)
    before = values_of(detector)
    report = restore(detector, folder, kind="detection")
    after = values_of(detector)
    key = "model/_box_predictor/_box_prediction_head/_box_encoder_layers/0/bias"
    np.testing.assert_array_equal(
        after[f"{key}/.ATTRIBUTES/VARIABLE_VALUE"], values[f"{key}/.ATTRIBUTES/VARIABLE_VALUE"]
    )
    fresh = [path for path in report.fresh if path.startswith(HEAD)]
    assert sorted(path.rsplit("/", 1)[-1] for path in fresh) == ["bias", "pointwise_kernel"]
    bias = f"model/{HEAD}/_class_predictor_layers/0/bias/.ATTRIBUTES/VARIABLE_VALUE"
    np.testing.assert_array_equal(after[bias], before[bias])
    assert "another shape" in report.summary()


def test_rows_of_classes_with_the_same_name_are_carried_over(saved):
    folder, values = saved
    detector = make(num_classes=3)
    report = restore(
        detector, folder, kind="detection", source_classes=["cat", "dog"],
        target_classes=["bird", "dog", "cat"],
    )  # fmt: skip
    key = f"model/{HEAD}/_class_predictor_layers/0/pointwise_kernel/.ATTRIBUTES/VARIABLE_VALUE"
    old = values[key].reshape(16, 2, 3)
    new = values_of(detector)[key].reshape(16, 2, 4)
    np.testing.assert_array_equal(new[..., [0, 2, 3]], old[..., [0, 2, 1]])
    assert report.carried_classes == ["dog", "cat"]
    assert "carried over" in report.summary()


def test_classification_restores_the_backbone_only(saved):
    folder, values = saved
    detector = make()
    before = values_of(detector)
    report = restore(detector, folder, kind="classification")
    assert all("classification_backbone" in path for path in report.matched)
    neck = next(key for key in values if "_fpn_features_generator" in key and "kernel" in key)
    np.testing.assert_array_equal(values_of(detector)[neck], before[neck])


def test_a_classifier_under_another_root_is_found(saved, tmp_path):
    _, values = saved
    mark = "_feature_extractor/classification_backbone/"
    backbone = {
        key.replace(f"model/{mark}", "model/"): value
        for key, value in values.items()
        if mark in key
    }
    write_checkpoint(tmp_path / "ckpt-1", backbone)
    report = restore(make(), tmp_path / "ckpt-1", kind="classification")
    assert len(report.matched) == len(backbone)


def test_full_with_other_classes_is_refused_and_changes_nothing(saved):
    folder, _ = saved
    detector = make(num_classes=5)
    before = values_of(detector)
    with pytest.raises(CheckpointError, match='"full" promises everything') as caught:
        restore(detector, folder)
    assert 'fine_tune_checkpoint_type: "detection"' in str(caught.value)
    for key, value in values_of(detector).items():
        np.testing.assert_array_equal(value, before[key])


def test_a_checkpoint_of_another_network_is_refused(saved):
    folder, _ = saved
    config = tiny_config(extractor=EXTRACTOR).model
    config.ssd.feature_extractor.depth_multiplier = 0.5
    with pytest.raises(CheckpointError, match="Of another shape") as caught:
        restore(build_detector(config), folder, kind="detection")
    assert "with the pipeline.config of the checkpoint." in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('model { ssd { feature_extractor { type: "ssd_foo_keras" } } }', '"ssd_foo_keras"'),
        ("model { no_such_field: 1 }", "pipeline.config."),
    ],
)
def test_the_refusal_names_the_network_of_the_config_that_lies_with_it(saved, tmp_path, text, said):
    write_checkpoint(tmp_path / "checkpoint" / "ckpt-0", saved[1])
    (tmp_path / "pipeline.config").write_text(text)
    config = tiny_config(extractor="ssd_mobilenet_v1_fpn_keras").model
    with pytest.raises(CheckpointError, match="is of another network") as caught:
        restore(build_detector(config), tmp_path / "checkpoint" / "ckpt-0", kind="detection")
    assert str(caught.value).splitlines()[2].endswith(f"{said.rstrip('.')}.")


def test_an_unknown_type_gets_a_suggestion(saved):
    with pytest.raises(CheckpointError, match='Did you mean "detection"'):
        restore(make(), saved[0], kind="detections")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "which", ["missing", "empty folder", "no data file", "cut off", "no index"]
)
def test_a_checkpoint_that_is_not_whole_is_refused(saved, tmp_path, which):
    folder, _ = saved
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    index, data = tmp_path / "ckpt-0.index", tmp_path / "ckpt-0.data-00000-of-00001"
    path = tmp_path / "ckpt-0"
    if which == "missing":
        path = tmp_path / "nothing" / "ckpt-9"
    elif which == "empty folder":
        path = tmp_path / "empty"
        path.mkdir()
    elif which == "no data file":
        data.unlink()
    elif which == "cut off":
        data.write_bytes(data.read_bytes()[:1000])
    else:
        index.write_bytes(b"no index at all, but long enough to be read as one" * 3)
    detector = make()
    before = values_of(detector)
    with pytest.raises(CheckpointError) as caught:
        restore(detector, path)
    assert len(str(caught.value).splitlines()) == 3
    for key, value in values_of(detector).items():
        np.testing.assert_array_equal(value, before[key])


def test_the_checkpoint_file_decides_which_one_is_the_latest(saved, tmp_path):
    _, values = saved
    some = dict(list(values.items())[:2])
    for name in ("ckpt-2", "ckpt-10"):
        write_checkpoint(tmp_path / name, some)
    point_to(tmp_path / "ckpt-2")
    assert find_checkpoint(tmp_path).endswith("ckpt-2")
    assert set(read_checkpoint(find_checkpoint(tmp_path))) == {
        *some, "save_counter/.ATTRIBUTES/VARIABLE_VALUE",
    }  # fmt: skip


def test_writing_into_a_file_instead_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises((CheckpointError, OSError)):
        write_checkpoint(tmp_path / "file" / "ckpt-0", {"model/a": np.zeros(1, np.float32)})
    assert (tmp_path / "file").read_text() == "here"


def test_classes_cannot_be_carried_between_different_anchors():
    names = ["a"], ["a", "b", "c"]
    assert carry_classes(np.zeros(6), np.zeros(9), *names, background=0) is None


def test_classes_change_places_where_the_number_of_outputs_fits_a_background_too():
    # Three anchors of two classes could be two anchors of two classes and a background.
    old, names = np.arange(6), (["a", "b"], ["b", "a"])
    new = carry_classes(old, np.zeros(6), *names, background=0)
    np.testing.assert_array_equal(new, [1, 0, 3, 2, 5, 4])


def test_all_numbers_of_a_class_are_carried():
    new = carry_classes(
        np.arange(8), np.full(12, 9), ["a", "b"], ["c", "b", "a"], background=0, code_size=4
    )
    np.testing.assert_array_equal(new, [9, 9, 9, 9, 4, 5, 6, 7, 0, 1, 2, 3])
