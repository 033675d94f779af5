"""The drawing: every layer is there and can be read, no arrow runs through a box."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import keras
import pytest
from structure import structure_only
from tiny import tiny_config

from detectune.config import schema
from detectune.summary.drawing import BOX, GAP, HEIGHT, drawn
from detectune.summary.layout import Place, laid_out
from detectune.summary.network import LayerRow, summarize
from detectune.summary.page import summary_html
from detectune.summary.traced import steps_of_network

SVG = "{http://www.w3.org/2000/svg}"


def rows_of(network: keras.Model, side: int) -> list[LayerRow]:
    return [
        LayerRow(
            step.layer.name, type(step.layer).__name__, "backbone 1/2" if place else "image", place,
            [list(shape) for shape in step.shapes], 0, 0, 0, "", sorted(step.inputs),
        )
        for place, step in enumerate(steps_of_network(network, (side, side)))
    ]  # fmt: skip


def test_a_chain_stands_in_one_lane_and_branches_beside_each_other():
    #      0 ─ 1 ─ 2 ─ 3 ─ 5      4 is beside, 5 joins both
    layout = laid_out([[], [0], [1], [2], [1], [3, 4]], [0] * 6)
    assert layout.places == [
        Place(0, 0), Place(1, 0), Place(2, 0), Place(3, 0), Place(2, 1), Place(4, 0),
    ]  # fmt: skip
    assert {arrow.track for arrow in layout.arrows} == {None}


def test_a_short_cut_goes_down_beside_its_lane():
    layout = laid_out([[], [0], [1], [0, 2]], [0] * 4)
    assert [place.lane for place in layout.places] == [0, 0, 0, 0]
    (beside,) = [arrow for arrow in layout.arrows if arrow.track is not None]
    assert (beside.source, beside.target, beside.track) == (0, 3, 0)
    assert layout.tracks == {0: 1}


def test_short_cuts_at_the_same_time_have_tracks_of_their_own():
    layout = laid_out([[], [0], [1], [2], [1, 3], [0, 4]], [0] * 6)
    assert layout.tracks == {0: 2}
    after = laid_out([[], [0], [0, 1], [2], [2, 3]], [0] * 5)
    assert after.tracks == {0: 1}


def test_a_layer_stands_below_all_that_it_takes_from_whatever_came_first():
    layout = laid_out([[], [0, 3], [1], [0]], [0] * 4)
    assert [place.row for place in layout.places] == [0, 2, 3, 1]
    circle = laid_out([[1], [0]], [0, 0])
    assert len(circle.arrows) == 1


def test_parts_stand_one_below_the_other():
    layout = laid_out([[], [0], [0], [1, 2]], [0, 0, 1, 1])
    assert [place.row for place in layout.places] == [0, 1, 3, 4]


def boxes_and_paths(text: str):
    tree = ElementTree.fromstring(text.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))
    boxes = [
        tuple(float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        for box in tree.iter(f"{SVG}rect")
    ]
    paths = [p.attrib["d"] for p in tree.iter(f"{SVG}path") if p.attrib["class"] == "to"]
    return tree, boxes, paths


def points(path: str):
    x = y = 0.0
    for letter, numbers in re.findall(r"([MVH])([\d. ]+)", path):
        values = [float(number) for number in numbers.split()]
        x, y = {"M": values, "V": [x, values[0]], "H": [values[0], y]}[letter]
        yield x, y


@pytest.mark.usefixtures("no_values")
@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("MobileNetV2", 64),
        ("InceptionV3", 128),
        ("ResNet50", 64),
        pytest.param("ResNet152", 64, marks=pytest.mark.slow),
        pytest.param("DenseNet121", 64, marks=pytest.mark.slow),
    ],
)
def test_no_box_covers_another_and_no_arrow_runs_through_one(name, side):
    shape = (side, side, 3)
    network = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=shape)
    rows = rows_of(network, side)
    tree, boxes, paths = boxes_and_paths(drawn(rows))
    assert len(boxes) == len(rows) == len(network.layers)
    assert len(paths) == sum(len(row.inputs) for row in rows)
    width, height = float(tree.attrib["width"]), float(tree.attrib["height"])
    places = {(x, y) for x, y, _, _ in boxes}
    assert len(places) == len(boxes)
    lefts = sorted({x for x, _ in places})
    assert all(after - before >= BOX + GAP for before, after in itertools.pairwise(lefts))
    assert all(x + BOX <= width and y + HEIGHT <= height for x, y in places)
    rows_at = {}
    for x, y in places:
        rows_at.setdefault(x, []).append(y)
    for path in paths:
        corners = list(points(path))
        for (x, y), (to_x, to_y) in itertools.pairwise(corners):
            top, bottom = min(y, to_y), max(y, to_y)
            for left in lefts:
                if max(x, to_x) <= left or min(x, to_x) >= left + BOX:
                    continue
                hit = [at for at in rows_at[left] if at < bottom - 0.1 and at + HEIGHT > top + 0.1]
                assert hit == [], (path, left, hit)


@pytest.fixture(scope="module")
def summary():
    config = schema.TrainEvalPipelineConfig()
    config.model.CopyFrom(tiny_config(extractor="ssd_mobilenet_v2_fpn_keras").model)
    config.train_config.freeze.append("backbone:100")
    with structure_only():
        return summarize(config)


def test_words_fit_into_their_boxes(summary):
    tree, boxes, _ = boxes_and_paths(drawn(summary.layers))
    assert len(boxes) == len(summary.layers)
    groups = list(tree.iter(f"{SVG}g"))
    assert {group.attrib["class"] for group in groups} == {"plain", "frozen", "trains"}
    for group in groups:
        name, number, more = (text.text or "" for text in group.iter(f"{SVG}text"))
        assert 8.0 * len(name) + 6.5 * len(number) < BOX - 9, name
        assert 6.5 * len(more) < BOX - 9, more
        assert ("frozen" in more) == (group.attrib["class"] == "frozen")


def test_the_page_stands_alone_and_shows_all_layers(summary):
    page = summary_html(summary, "a <b> name")
    assert "a &lt;b&gt; name" in page
    assert page.count("<rect") == len(summary.layers)
    for outside in ("http://", "https://", "<script", "@import", "src="):
        assert outside not in page
    assert "block_6_expand" in page
    assert "frozen 102/184 variables" in page
    body = page[page.index("<body>") : page.index("</html>")]
    ElementTree.fromstring(body.replace("<br>", "<br/>"))


@pytest.mark.usefixtures("no_values")
def test_a_drawing_is_as_large_as_it_is_read():
    network = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    text = drawn(rows_of(network, 64))
    found = re.match(r'<svg viewBox="0 0 (\d+) (\d+)" width="(\d+)" height="(\d+)"', text)
    assert found is not None
    assert found[1] == found[3]
    assert found[2] == found[4]
    assert int(found[1]) < 1000  # a chain with short cuts is narrow
