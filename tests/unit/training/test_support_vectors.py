"""The stage of an R-CNN: what it refuses, and what it makes of vectors that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from own_networks import small_network

from detectune.config import schema
from detectune.config.check import check_message
from detectune.config.load import load_config
from detectune.detectors.build import build_detector
from detectune.errors import ConfigError
from detectune.training.console import RunConsole
from detectune.training.rcnn.crop_vectors import CropVectors, ImageCrops
from detectune.training.rcnn.fit_detector import fit_margins, fit_regression, length_scale
from detectune.training.stages.base import stages_of

SNIPPET = Path(__file__).resolve().parents[3] / "docs" / "snippets" / "rcnn.config"


def test_the_config_of_the_guide_is_complete():
    config = load_config(SNIPPET)
    found = check_message(config, check_files=False)
    assert [problem.message for problem in found if problem.severity == "error"] == []
    assert [type(stage).__name__ for stage in stages_of(config)] == ["SupportVectors"]
    guide = (SNIPPET.parents[1] / "guides" / "rcnn.md").read_text("utf-8")
    assert SNIPPET.read_text("utf-8").split("\n", 1)[1] in guide


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("num_steps: 100", "num_steps"),
        ("data_augmentation_options { random_horizontal_flip { } }", "data_augmentation_options"),
        ("feature_cache { }", "feature_cache"),
    ],
)
def test_what_belongs_to_gradient_descent_is_refused(more, named):
    config = load_config(SNIPPET)
    text_format.Merge(more, config.train_config)
    (stage,) = stages_of(config)
    with pytest.raises(ConfigError, match=f"it has {named}, and nothing is trained by gradient"):
        stage.check(config)


def test_another_model_cannot_go_through_it():
    config = schema.TrainEvalPipelineConfig()
    config.model.ssd.num_classes = 1
    config.train_config.stage.append("support_vectors")
    (stage,) = stages_of(config)
    with pytest.raises(ConfigError, match=r'"support_vectors" with model \{ ssd'):
        stage.check(config)


@pytest.fixture
def detector():
    text = """rcnn { num_classes: 3 crop_size: 32
      image_resizer { fixed_shape_resizer { height: 48 width: 64 } }
      feature_extractor { backbone { saved: "backbone.json" preprocessing: TF } } }"""
    config = text_format.Parse(text, schema.DetectionModel())
    return build_detector(config, backbone=small_network())


def image(folder, name, dimension, classes, counts=None):
    """Objects of `classes` beside each other, three proposals near each, and ten elsewhere.

    A vector is 5 in the place of its class.
    """
    random = np.random.default_rng(len(name))
    objects = np.array([[0, 30 * i, 20, 30 * i + 20] for i in range(len(classes))], np.float32)
    near = np.repeat(objects, 3, axis=0) + np.array([0, 2, 0, 2], np.float32)
    far = np.tile(np.array([[100, 0, 110, 10]], np.float32), (10, 1))
    rows = [*classes, *np.repeat(classes, 3), *[-1] * 10]
    vectors = random.uniform(0, 0.5, (len(rows), dimension)).astype(np.float32)
    for row, class_ in enumerate(rows):
        if class_ >= 0:
            vectors[row, class_] = 5
    file = folder / f"{name}.npy"
    np.save(file, vectors)
    return ImageCrops(
        objects,
        np.asarray(classes, int),
        np.ones(len(classes), bool) if counts is None else np.asarray(counts),
        np.concatenate([near, far]),
        file,
    )


def test_machines_tell_the_classes_of_vectors(tmp_path, detector):
    crops = [image(tmp_path, name, detector.dimension, [0, 1]) for name in ("a", "bb", "ccc")]
    said = []
    fit_margins(
        detector, crops, schema.SupportVectorMachine(cost=1.0),
        names=["cat", "dog", "hen"], seed=0, say=said.append,
    )  # fmt: skip
    margins = crops[0].vectors() @ detector.margins.get_weights()[0]
    margins += detector.margins.get_weights()[1]
    assert margins[:2].argmax(axis=1).tolist() == [0, 1]
    assert (margins[[0, 1], [0, 1]] > 0.9).all()
    assert (margins[-10:] < -0.9).all()
    assert said[0].startswith("cat: 3 objects, ")
    assert "of 39 negatives" in said[0]  # of 48 proposals, 9 are near a cat
    assert said[2] == "hen: no object to learn from; it will not be found"
    assert (margins[:, 2] < -9).all()


def test_a_region_of_many_is_no_object_and_what_overlaps_it_no_negative(tmp_path, detector):
    crops = [image(tmp_path, "a", detector.dimension, [0, 0], counts=[True, False])]
    said = []
    fit_margins(
        detector, crops, schema.SupportVectorMachine(cost=1.0),
        names=["cat", "dog", "hen"], seed=0, say=said.append,
    )  # fmt: skip
    assert said[0].startswith("cat: 1 object, ")
    assert "of 10 negatives" in said[0]


def test_boxes_are_moved_to_where_objects_are(tmp_path, detector):
    crops = [image(tmp_path, name, detector.dimension, [0]) for name in ("a", "bb")]
    said = []
    fit_regression(detector, crops, schema.BoxRidge(), names=["cat", "dog", "hen"], say=said.append)
    assert said == [
        "cat: boxes from 6 proposals", "dog: boxes stay as proposed", "hen: boxes stay as proposed",
    ]  # fmt: skip
    kernel, bias = detector.box_codes.get_weights()
    codes = crops[0].vectors()[1:4] @ kernel + bias
    # Proposals stand 2 pixels of 20 right of the object.
    np.testing.assert_allclose(codes[:, :4], [[0, -0.1, 0, 0]] * 3, atol=1e-3)
    assert not codes[:, 4:].any()


def test_vectors_have_a_mean_length_of_20(tmp_path):
    crops = [image(tmp_path, "a", 8, [0])]
    lengths = np.linalg.norm(crops[0].vectors(), axis=1)
    assert length_scale(crops) * lengths.mean() == pytest.approx(20)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"no array at all"])
def test_damaged_vectors_are_computed_again(tmp_path, detector, caplog, content):
    vectors = CropVectors(detector, tmp_path, RunConsole())
    crops = image(tmp_path, "a", detector.dimension, [0])
    assert vectors._is_there(crops, 14)
    assert not vectors._is_there(crops, 13)  # of other boxes
    crops.file.write_bytes(content)
    assert not vectors._is_there(crops, 14)
    assert "it is damaged" in caplog.text


def test_vectors_of_other_settings_have_another_name(tmp_path, detector):
    keys = []
    for context in (16.0, 8.0):
        detector.context = context
        vectors = CropVectors(detector, tmp_path, RunConsole())
        pixels, boxes = np.zeros((1, 4, 4, 3), np.float32), np.zeros((2, 4), np.float32)
        keys += [vectors._key_of(pixels, boxes), vectors._key_of(pixels, boxes + 1)]
    assert len(set(keys)) == 4


def test_vectors_of_other_weights_have_another_name(tmp_path, detector):
    pixels, boxes = np.zeros((1, 4, 4, 3), np.float32), np.zeros((2, 4), np.float32)
    before = CropVectors(detector, tmp_path, RunConsole())._key_of(pixels, boxes)
    assert CropVectors(detector, tmp_path, RunConsole())._key_of(pixels, boxes) == before
    bias = detector.backbone.network.get_layer("norm5").beta
    bias.assign(np.asarray(bias) + 1e-6)
    assert CropVectors(detector, tmp_path, RunConsole())._key_of(pixels, boxes) != before
