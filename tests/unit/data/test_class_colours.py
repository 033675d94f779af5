"""A class has one colour: in `data inspect`, `data preview`, `predict` and `report.html`."""

from __future__ import annotations

import re

import numpy as np
import pytest
from data_sets import ListSource, picture, record, write_csv
from google.protobuf import text_format
from PIL import Image, ImageColor

from detectune.config import schema
from detectune.config.label_map import LabelMap, write_label_map
from detectune.data.inspect import inspect_source
from detectune.data.inspect_report import inspection_page
from detectune.data.pictures import draw_record
from detectune.data.preview import write_previews
from detectune.data.resizers import build_resizer
from detectune.drawing.colours import class_colour, hex_colour, palette_colour
from detectune.inference.results import ImageDetections
from detectune.structures import PaddedDetections
from detectune.training.examples import find_examples
from detectune.training.report import Facts, report_html

# Ids with gaps: the colour goes by the place among the ids, and "dog" is the second.
CLASSES = LabelMap.from_ids({"cat": 3, "dog": 7, "horse": 20})
DOG, SIDE = 7, 200
BOX = (0.25, 0.25, 0.75, 0.75)


@pytest.fixture
def source():
    image = picture(width=SIDE, height=SIDE, shade=128)
    sample = record(boxes=[BOX], ids=(DOG,), image=image, height=SIDE, width=SIDE)
    found = ListSource([sample])
    found.label_map = CLASSES
    return found


def outline(image: Image.Image) -> np.ndarray:
    """The colour in the middle of the lower edge of `BOX`."""
    return np.asarray(image)[round(0.75 * image.height), image.width // 2].astype(int)


def in_inspection(source, folder):
    assert "<img" in inspection_page(inspect_source(source), source)
    return outline(draw_record(source[0], CLASSES))


def in_preview(source, folder):
    corners = [int(side * SIDE) for side in BOX]
    line = f"a.png,{SIDE},{SIDE},dog,{','.join(map(str, corners))}"
    file = write_csv(folder, [line], {"a.png": source.image_bytes(0)})
    write_label_map(CLASSES, folder / "map.pbtxt")
    config = text_format.Parse(
        f"""
        model {{ ssd {{ image_resizer {{ fixed_shape_resizer {{ height: 200 width: 200 }} }} }} }}
        train_config {{ batch_size: 1 }}
        train_input_reader {{ source: "csv:{file}" label_map_path: "{folder}/map.pbtxt" }}
        """,
        schema.TrainEvalPipelineConfig(),
    )
    (written,), _ = write_previews(config, folder / "previews", count=1, seed=0)
    return outline(Image.open(written))


def in_prediction(source, folder):
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    names = {item.id: item.label for item in CLASSES.items}
    boxes = np.array([BOX], np.float32) * SIDE
    found = ImageDetections(image, boxes, np.ones(1), np.array([DOG]), names)
    return outline(found.draw())


class _FindsTheDog:
    def detect(self, images, sizes):
        one = np.ones((1, 1), np.float32)
        boxes = np.array([[BOX]], np.float32) * SIDE
        classes = np.full((1, 1), DOG - 1, np.int32)
        return PaddedDetections(boxes, one, classes, one > 0)


def in_report(source, folder):
    resizer = build_resizer(
        text_format.Parse("identity_resizer { }", schema.ImageResizer()), (0.0, 0.0, 0.0)
    )
    examples = find_examples(_FindsTheDog(), source, resizer, batch_size=1)
    page = report_html(
        Facts(
            name="run", model="", data=[], rows=[], steps=0, num_steps=0, seconds=0,
            examples=examples,
        )
    )  # fmt: skip
    truth, found = re.findall(r'class="box" stroke="(#\w+)"', page)
    assert truth == found
    return np.array(ImageColor.getrgb(truth))


@pytest.mark.parametrize("place", [in_inspection, in_preview, in_prediction, in_report])
def test_a_class_has_the_same_colour_everywhere(place, source, tmp_path):
    # A preview is a JPEG.
    rounding = 12 if place is in_preview else 0
    np.testing.assert_allclose(place(source, tmp_path), palette_colour(1), atol=rounding)


def test_colours_go_by_the_place_among_the_ids():
    assert class_colour(7, {20, 7, 3}) == palette_colour(1)
    assert class_colour(1, range(1, 91)) == palette_colour(0)
    strangers = {class_colour(5, {3, 7}), class_colour(6, {3, 7})}
    assert len(strangers | {palette_colour(0), palette_colour(1)}) == 4
    assert hex_colour((255, 0, 10)) == "#ff000a"
