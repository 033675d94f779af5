"""A format of another package: what it has to write, and what it gets for that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
from small_backbone import EXTRACTOR, REGION_EXTRACTOR, register_small_backbone
from tiny import SIDE, tiny_config
from tiny_two_stage import tiny_two_stage

from detectune.checkpoints.files import write_checkpoint
from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.config.label_map import LabelMap, write_label_map
from detectune.config.save import write_config
from detectune.data.resizers import build_resizer
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, ConfigError, ExportError
from detectune.exporters.base import ExportedModel, Exporter, Tolerance
from detectune.exporters.comparison import box_difference, differences
from detectune.exporters.contract import ANCHOR_OUTPUTS, INPUT, OUTPUTS, PROPOSALS
from detectune.exporters.export import export
from detectune.exporters.serving import ServingFunction
from detectune.inference.predictor import Predictor
from detectune.registry import exporters

# What a file of the format stands for, traced once for images of any size, by number.
_WRITTEN: list[tf.types.experimental.PolymorphicFunction] = []


class OneFile(Exporter):
    """A format of one file, which remembers what was written and adds `error` to boxes."""

    name = "onefile"
    tolerances: ClassVar = {"fp32": Tolerance(1e-4, 1e-4), "int8": Tolerance(0.1, 0.1)}
    produces = "file"
    suffix = ".one"
    error = 0.0

    def write(self, detector, resizer, path, *, precision="fp32", metadata=None):
        names = [item.label for item in metadata.label_map.items]
        path.write_text(json.dumps({"number": len(_WRITTEN), "names": names}), "utf-8")
        serve = ServingFunction(detector, resizer)
        signature = [tf.TensorSpec((1, None, None, 3), tf.uint8)]
        _WRITTEN.append(tf.function(serve, input_signature=signature))

    def read(self, path):
        content = json.loads(path.read_text("utf-8"))

        def answer(inputs):
            found = _WRITTEN[content["number"]](tf.constant(inputs[INPUT]))
            arrays = {name: value.numpy() for name, value in found.items()}
            return arrays | {"detection_boxes": arrays["detection_boxes"] + self.error}

        return ExportedModel(answer, (INPUT,), LabelMap.from_names(content["names"]))

    def recognises(self, path):
        return path.suffix == self.suffix and path.is_file()


@pytest.fixture
def format_of_one_file(monkeypatch):
    exporter = OneFile()
    assert "saved_model" in exporters  # the registry has been filled
    monkeypatch.setitem(exporters._parts, "onefile", exporter)
    return exporter


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    config = tiny_config(extractor=EXTRACTOR)
    # Two maps, and not three, are traced sooner.
    config.model.ssd.feature_extractor.fpn.min_level = 4
    config.model.ssd.anchor_generator.multiscale_anchor_generator.min_level = 4
    values = {
        row.key: np.asarray(row.variable) for row in variable_keys(build_detector(config.model))
    }
    write_checkpoint(folder / "checkpoints" / "best" / "ckpt-0", values)
    write_config(config, folder / "pipeline.config")
    write_label_map(LabelMap.from_names(["cat", "dog"]), folder / "label_map.pbtxt")
    return folder


def test_a_format_of_one_file_is_written_alone_checked_and_read_again(
    run, tmp_path, format_of_one_file
):
    done = export(run, to="onefile", path=tmp_path / "model.one")
    assert [path.name for path in tmp_path.iterdir()] == ["model.one"]
    assert done.path == tmp_path / "model.one"
    assert done.images == 2
    assert done.box_difference < 1e-4
    image = np.random.default_rng(1).integers(0, 256, (50, 70, 3), np.uint8)
    theirs = Predictor.load(tmp_path / "model.one").predict(image)
    mine = Predictor.load(run).predict(image)
    assert len(mine) > 0
    np.testing.assert_allclose(theirs.boxes, mine.boxes, atol=1e-2)
    np.testing.assert_allclose(theirs.scores, mine.scores, atol=1e-5)
    assert theirs.class_names == {1: "cat", 2: "dog"}


def test_what_differs_from_the_model_is_not_written(run, tmp_path, format_of_one_file):
    format_of_one_file.error = 0.01
    with pytest.raises(ExportError, match="Allowed for onefile in fp32") as caught:
        export(run, to="onefile", path=tmp_path / "model.one")
    assert len(str(caught.value).splitlines()) == 3
    assert list(tmp_path.iterdir()) == []
    # Another precision may be further away.
    done = export(run, to="onefile", path=tmp_path / "model.one", precision="int8")
    assert done.box_difference == pytest.approx(0.01, rel=0.01)


def test_answers_that_are_no_numbers_are_not_taken_for_equal(run, tmp_path, format_of_one_file):
    format_of_one_file.error = float("nan")
    with pytest.raises(ExportError, match="boxes by nan"):
        export(run, to="onefile", path=tmp_path / "model.one", precision="int8")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("model.two", {}, r"Its name ends in \.one"),
        ("there.one", {}, "there is something here already"),
        ("model.one", {"precision": "int4"}, "Allowed: fp32, int8"),
    ],
)
def test_what_the_format_cannot_do_is_refused(
    run, tmp_path, format_of_one_file, name, options, said
):
    (tmp_path / "there.one").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        export(run, to="onefile", path=tmp_path / name, **options)
    assert len(str(caught.value).splitlines()) == 3
    assert (tmp_path / "there.one").read_text("utf-8") == "mine"


def test_a_library_that_is_missing_is_named_with_what_installs_it(
    run, tmp_path, format_of_one_file, monkeypatch
):
    needs = {"no_such_module_1": '"detectune[one]"', "numpy": "numpy"}
    monkeypatch.setattr(OneFile, "requires", needs)
    with pytest.raises(ExportError, match=r'pip install "detectune\[one\]"') as caught:
        export(run, to="onefile", path=tmp_path / "model.one")
    assert "onefile: not installed: no_such_module_1." in str(caught.value)
    (tmp_path / "model.one").write_text("{}", "utf-8")
    with pytest.raises(ExportError, match="not installed"):
        Predictor.load(tmp_path / "model.one")
    # The other formats and runs do not mind.
    with pytest.raises(CheckpointError, match=r"no pipeline\.config|is no folder"):
        Predictor.load(tmp_path / "nothing")
    exporters["saved_model"].check_installed()


def test_raw_boxes_are_fractions_of_the_padded_input():
    model = tiny_config(extractor=EXTRACTOR).model
    model.ssd.image_resizer.keep_aspect_ratio_resizer.min_dimension = SIDE
    model.ssd.image_resizer.keep_aspect_ratio_resizer.max_dimension = SIDE
    model.ssd.image_resizer.keep_aspect_ratio_resizer.pad_to_max_dimension = True
    detector = build_detector(model)
    resizer = build_resizer(model.ssd.image_resizer, detector.pad_value)
    image = np.random.default_rng(2).integers(0, 256, (1, 30, 40, 3), np.uint8)
    found = {
        n: a.numpy() for n, a in ServingFunction(detector, resizer)(tf.constant(image)).items()
    }
    assert found.keys() == {*OUTPUTS, *ANCHOR_OUTPUTS}
    count = int(found["num_detections"][0])
    assert count > 0
    own = found["raw_detection_boxes"][0][found["detection_anchor_indices"][0, :count].astype(int)]
    # The picture is 48 of 64 pixels high: there its boxes are a third further down.
    in_picture = np.clip(own * np.array([64 / 48, 1, 64 / 48, 1]), 0, 1)
    np.testing.assert_allclose(in_picture, found["detection_boxes"][0, :count], atol=1e-5)


def test_an_export_of_a_detector_of_given_boxes_takes_them_as_fractions(tmp_path):
    model = tiny_two_stage(REGION_EXTRACTOR).faster_rcnn
    # Fields of the second stage have the same numbers in both messages.
    fast = schema.FastRcnn.FromString(model.SerializeToString())
    fast.max_proposals = 8
    detector = build_detector(schema.DetectionModel(fast_rcnn=fast))
    resizer = build_resizer(fast.image_resizer, detector.pad_value)
    exporter = exporters["saved_model"]
    exporter.write(detector, resizer, tmp_path / "written")
    exported = exporter.read(tmp_path / "written")
    assert set(exported.inputs) == {INPUT, PROPOSALS}
    image = np.random.default_rng(3).integers(0, 256, (40, 60, 3), np.uint8)
    found = differences(exported, detector, resizer, [image])
    assert found.within(exporter.tolerances["fp32"])
    # Fewer and more than it looks at.
    boxes = np.tile(np.array([0.1, 0.1, 0.8, 0.9], np.float32), (1, 9, 1))
    few, many = (
        exported(**{INPUT: image[None], PROPOSALS: boxes[:, :count]})["raw_detection_boxes"]
        for count in (2, 9)
    )
    assert few.shape == many.shape == (1, 8, 4)
    np.testing.assert_allclose(few[:, :2], many[:, :2], atol=1e-5)
    assert np.abs(few[:, 2:] - many[:, 2:]).max() > 1e-3


class TestBoxDifference:
    BOXES = np.array([[0, 0, 0.5, 0.5], [0.2, 0.2, 0.9, 0.9], [0, 0, 0, 0]], np.float32)
    CLASSES = np.array([0, 0, 0], np.float32)

    def test_equal_scores_may_change_places(self):
        one = (self.BOXES, np.array([0.5, 0.500001, 0]), self.CLASSES)
        other = (self.BOXES[[1, 0, 2]] + 1e-6, np.array([0.500001, 0.5, 0]), self.CLASSES)
        assert box_difference(one, other) < 1e-5

    def test_different_scores_may_not(self):
        scores = np.array([0.6, 0.5, 0])
        other = (self.BOXES[[1, 0, 2]], scores, self.CLASSES)
        assert box_difference((self.BOXES, scores, self.CLASSES), other) == pytest.approx(0.4)

    def test_another_class_or_another_box_is_a_difference(self):
        scores = np.array([0.5, 0.5, 0])
        one = (self.BOXES, scores, self.CLASSES)
        moved = self.BOXES + np.array([[0, 0, 0, 0.25], [0, 0, 0, 0], [0, 0, 0, 0]], np.float32)
        assert box_difference(one, (moved, scores, self.CLASSES)) == pytest.approx(0.25)
        swapped = (self.BOXES[[1, 0, 2]], scores, np.array([0, 1, 0], np.float32))
        assert box_difference(one, swapped) == pytest.approx(0.4)

    def test_what_is_no_number_is_no_small_difference(self):
        scores = np.array([0.5, 0.4, 0])
        nan = (self.BOXES * np.nan, scores, self.CLASSES)
        assert not box_difference((self.BOXES, scores, self.CLASSES), nan) <= 1e-4
