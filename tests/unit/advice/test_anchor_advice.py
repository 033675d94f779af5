"""Anchors for boxes: what each kind of generator is set to, and what is said about it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from advice_data import boxed_images
from google.protobuf import text_format
from three_parts import three_parts

from detectune.advice.anchor_picture import anchor_picture
from detectune.advice.anchor_search import anchor_sizes, best_generator
from detectune.advice.anchors import advise_anchors
from detectune.advice.box_clusters import cluster_sizes
from detectune.advice.coverage import coverage
from detectune.config import schema
from detectune.config.anchor_conflicts import anchors_per_place
from detectune.data.box_shapes import box_sides
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, DataError
from detectune.recipes.templates import template

MULTISCALE = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
MODELS = [
    MULTISCALE,
    "ssd_mobilenet_v2_320x320_coco17_tpu-8",
    "faster_rcnn_resnet50_v1_640x640_coco17_tpu-8",
]
FLEXIBLE = """
flexible_grid_anchor_generator {
  anchor_grid { base_sizes: [32, 40] aspect_ratios: [1, 1] height_stride: 8 width_stride: 8 }
  anchor_grid { base_sizes: 64 aspect_ratios: 1 height_stride: 16 width_stride: 16 }
}
"""


def report_of(folder, model=MULTISCALE, **options):
    images = list(box_sides(open_source(str(folder))))
    return advise_anchors(images, str(folder), template(model).model, model, **options)


@pytest.mark.parametrize("model", MODELS)
def test_narrow_boxes_get_narrow_anchors_and_as_many_as_before(tmp_path, model):
    folder = boxed_images(tmp_path / "data", 6, side=(20, 110))
    report = report_of(folder, model)
    before, after = report.rows[0][1].all, report.rows[1][1].all
    assert before.recall == 0.0
    assert after.recall == 1.0
    assert after.mean_iou > 0.8
    assert anchors_per_place(report.proposed) == anchors_per_place(report.given)
    assert report.is_worth_it


@pytest.mark.parametrize("model", MODELS)
def test_the_text_can_be_pasted_into_a_config(tmp_path, model):
    report = report_of(boxed_images(tmp_path / "data", 6, side=(20, 110)), model)
    message = getattr(template(model).model, "ssd" if model.startswith("ssd") else "faster_rcnn")
    message.ClearField(report.field)
    text_format.Merge(report.text, message)
    assert getattr(message, report.field) == report.proposed


def test_anchors_that_fit_stay_and_it_is_said(tmp_path):
    folder = boxed_images(tmp_path / "data", 6, side=(64, 48))  # 128 x 128 pixels of the input
    report = report_of(folder)
    assert not report.is_worth_it
    assert report.proposed == report.given
    assert report.rows[0][1].all.recall == 1.0
    assert report.remarks()[-1].startswith("No settings of this generator cover the boxes better")


def test_a_multiscale_generator_says_what_it_cannot_express(tmp_path):
    first = boxed_images(tmp_path / "data", 8, side=(8, 100))
    lines = (first / "labels.csv").read_text().splitlines()
    wide = [line.replace(",2,3,10,103", ",2,3,152,11") for line in lines[5:]]
    (first / "labels.csv").write_text("\n".join([*lines[:5], *wide]))
    remarks = report_of(first).remarks()
    assert remarks[0].startswith("multiscale_anchor_generator: Every feature level has the same")


def test_a_flexible_generator_has_the_clusters_themselves():
    given = text_format.Parse(FLEXIBLE, schema.AnchorGenerator())
    sizes = np.repeat([[10.0, 20.0], [40.0, 20.0], [90.0, 90.0]], 5, axis=0)
    proposed = best_generator(given, sizes, cluster_sizes(sizes, 3), (320, 320))
    np.testing.assert_allclose(
        anchor_sizes(proposed, (320, 320)), [[10, 20], [40, 20], [90, 90]], atol=0.2
    )
    assert coverage(sizes, anchor_sizes(proposed, (320, 320))).all.mean_iou > 0.98


def test_a_slight_gain_does_not_move_objects_to_other_feature_maps(tmp_path):
    report = report_of(boxed_images(tmp_path / "data", 6, side=(50, 40)))
    scale = report.proposed.multiscale_anchor_generator.anchor_scale
    assert 3.0 < scale < 5.5


def test_json_holds_what_is_printed(tmp_path):
    report = report_of(boxed_images(tmp_path / "data", 6, side=(20, 110)), count=2, seed=4)
    found = json.loads(report.to_json())
    assert (found["model"], found["boxes"], found["seed"]) == (MULTISCALE, 6, 4)
    assert found["clusters"] == [
        {"height": pytest.approx(110 * 320 / 120), "width": pytest.approx(40), "share": 1.0}
    ]
    assert found["coverage"]["the model's"]["recall"] == 0.0
    assert found["proposed"] == report.text


def test_the_picture_has_a_mark_for_each_box_and_anchor(tmp_path):
    report = report_of(boxed_images(tmp_path / "data", 6, side=(20, 110)))
    root = ElementTree.fromstring(anchor_picture(report))
    tips = [one.text for one in root.iter("{http://www.w3.org/2000/svg}title")]
    assert sum(tip.startswith("the model's anchors: ") for tip in tips) == 30 + 1  # and the legend
    assert "clusters: 40 x 293" in tips


def test_data_without_a_box_are_refused(tmp_path):
    folder = boxed_images(tmp_path / "data", 2)
    (folder / "labels.csv").unlink()
    with pytest.raises(DataError) as error:
        report_of(f"images:{folder}")
    assert three_parts(error.value)[0].endswith("there is no box in the 2 images that can be read.")


def test_a_model_without_anchors_is_refused(tmp_path):
    folder = boxed_images(tmp_path / "data", 2)
    model = template(MULTISCALE).model
    model.ssd.ClearField("anchor_generator")
    images = list(box_sides(open_source(str(folder))))
    with pytest.raises(ConfigError) as error:
        advise_anchors(images, "data", model, "mine.config")
    assert three_parts(error.value)[0] == "mine.config: it has no anchors."
