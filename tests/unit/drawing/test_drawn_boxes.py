"""Pictures keep their size, show what was asked for and nothing else, in stable colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from detectune.drawing import labels
from detectune.drawing.boxes import draw_detections, draw_ground_truth
from detectune.drawing.colours import palette_colour
from detectune.drawing.sheets import contact_sheet, side_by_side

GREY = np.full((120, 160, 3), 128, np.uint8)
NAMES = {1: "cat", 2: "dog"}


def changed(picture: Image.Image, image: np.ndarray = GREY) -> np.ndarray:
    """`[H, W]` bool: where the picture differs from the image."""
    return (np.asarray(picture).astype(int) != image).any(axis=-1)


def test_the_outline_lies_on_the_box_and_the_inside_stays_untouched():
    picture = draw_detections(GREY, [[40, 30, 100, 110]], [0.9], [1], NAMES)
    marks = changed(picture)
    assert marks[100, 70]
    assert marks[70, 30]
    assert marks[70, 110]
    assert not marks[46:94, 36:104].any()
    assert not marks[:18].any()


def test_the_outline_has_the_colour_of_its_class():
    picture = draw_detections(GREY, [[40, 30, 100, 110]], [0.9], [2], NAMES)
    assert picture.getpixel((70, 100)) == palette_colour(1)


def test_scores_below_the_threshold_are_not_drawn():
    boxes, scores = [[40, 30, 100, 110]], [0.49]
    assert not changed(draw_detections(GREY, boxes, scores, [1], NAMES)).any()
    assert changed(draw_detections(GREY, boxes, scores, [1], NAMES, threshold=0.49)).any()


def test_only_the_best_boxes_are_drawn():
    boxes = [[60, 10, 110, 60], [60, 90, 110, 140]]
    marks = changed(draw_detections(GREY, boxes, [0.6, 0.9], [1, 1], NAMES, max_boxes=1))
    assert marks[:, 90:].any()
    assert not marks[:, :80].any()


def test_ground_truth_needs_no_scores_and_has_no_threshold():
    assert changed(draw_ground_truth(GREY, [[40, 30, 100, 110]], [1], NAMES)).any()


@pytest.mark.parametrize("boxes", [[], np.zeros((0, 4))])
def test_an_image_without_boxes_is_left_as_it_is(boxes):
    assert not changed(draw_detections(GREY, boxes, [], [], NAMES)).any()
    assert not changed(draw_ground_truth(GREY, boxes, [], NAMES)).any()


@pytest.mark.parametrize(
    "box", [[-50, -50, 300, 300], [0, 0, 0, 0], [119, 159, 120, 160], [-9, -9, -1, -1]]
)
@pytest.mark.parametrize("size", [(120, 160), (8, 8), (1, 1), (30, 600)])
def test_boxes_at_and_beyond_the_border_keep_the_size_of_the_picture(box, size):
    image = np.zeros((*size, 3), np.uint8)
    picture = draw_detections(image, [box], [0.9], [1], NAMES)
    assert picture.size == (size[1], size[0])


@pytest.mark.parametrize(
    "box",
    [
        [60, 80, 60.3, 81], [60, 80, 61, 80.3], [60, 80, 60, 80], [60, 80, 62, 83],
        [float("-inf"), 10, float("inf"), 20], [-1e300, -1e300, 1e300, 1e300],
    ],
)  # fmt: skip
def test_a_box_of_any_size_is_drawn_where_it_is(box):
    marks = changed(draw_detections(GREY, [box], [0.9], [1], {1: "x"}))
    assert marks.any()
    rows, columns = np.flatnonzero(marks.any(axis=1)), np.flatnonzero(marks.any(axis=0))
    low = np.clip(np.minimum(box[:2], box[2:]), 0, [120, 160])
    assert rows[0] - 30 <= low[0] <= rows[-1] + 30
    assert columns[0] - 80 <= low[1] <= columns[-1] + 80


def test_a_tiny_box_is_a_dot_of_its_colour():
    picture = draw_detections(GREY, [[60, 80, 61, 81]], [0.9], [2], NAMES)
    assert picture.getpixel((80, 60)) == palette_colour(1)


def test_a_box_that_is_no_number_is_drawn_nowhere_and_the_others_are():
    nan = float("nan")
    boxes = [[nan, 1, 2, 3], [40, 30, 100, 110]]
    both = draw_detections(GREY, boxes, [0.99, 0.9], [1, 1], NAMES)
    one = draw_detections(GREY, boxes[1:], [0.9], [1], NAMES)
    assert both.tobytes() == one.tobytes()
    assert not changed(draw_detections(GREY, boxes[1:], [nan], [1], NAMES)).any()


def test_a_name_longer_than_the_picture_is_cut_and_its_score_is_not():
    label = labels.draw_label("a" * 500, (255, 92, 77), 12, tail="  97%", room=160)
    assert label.width <= 160
    whole = labels.draw_label("a", (255, 92, 77), 12, tail="  97%", room=160)
    # The end of both labels shows the score.
    tail = np.asarray(whole)[:, -30:]
    np.testing.assert_array_equal(np.asarray(label)[:, -30:], tail)


def test_controls_in_a_name_are_drawn_as_codes():
    drawn, code = (
        draw_detections(GREY, [[60, 30, 100, 110]], [0.9], [1], {1: name}).tobytes()
        for name in ("a\x1b[2J", r"a\x1b[2J")
    )
    assert drawn == code


def test_labels_that_crowd_become_a_legend_below_the_picture():
    boxes = [[50 + i, 60 + i, 60 + i, 70 + i] for i in range(0, 12, 2)]
    ids = [1, 1, 1, 1, 2, 2]
    picture = draw_detections(GREY, boxes, [0.9] * 6, ids, NAMES)
    assert picture.width == 160
    assert picture.height > 120
    strip = np.asarray(picture)[120:].astype(int)
    for index in (0, 1):  # a label is a little see-through
        assert (np.abs(strip - palette_colour(index)) < 20).all(axis=-1).any()
    # No label stands on the picture itself: above and beside the boxes nothing is changed.
    assert not changed(picture.crop((0, 0, 160, 120)))[:40].any()
    few = draw_detections(GREY, boxes[:3], [0.9] * 3, ids[:3], NAMES)
    assert few.size == (160, 120)


def test_the_image_itself_is_not_drawn_on():
    image = GREY.copy()
    draw_detections(image, [[40, 30, 100, 110]], [0.9], [1], NAMES)
    np.testing.assert_array_equal(image, GREY)


def test_labels_stay_inside_the_picture():
    for box in [(0, 0, 20, 20), (150, 110, 160, 120), (0, 0, 160, 120), (90, 0, 100, 3)]:
        left, top, right, bottom = labels.place((60, 16), box, (160, 120), 2, [])
        assert 0 <= left < right <= 160
        assert 0 <= top < bottom <= 120


def test_labels_of_one_box_drawn_twice_do_not_cover_each_other():
    taken = []
    for _ in range(4):
        taken.append(labels.place((30, 12), (40, 40, 120, 100), (160, 120), 2, taken))
    for index, one in enumerate(taken):
        for other in taken[:index]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1]
            assert apart or other[3] <= one[1]


def test_names_in_any_script_are_drawn():
    for name in ("straße", "kočka", "Ворона", "警察", "🦝", "two\nlines", ""):
        assert changed(draw_detections(GREY, [[60, 30, 100, 110]], [0.9], [1], {1: name})).any(), (
            name
        )


def test_a_name_that_no_font_has_is_shown_as_its_number(monkeypatch):
    monkeypatch.setattr(labels, "_WIDE_FONTS", ())
    assert labels.can_write("kočka")
    assert not labels.can_write("警察")
    numbered = draw_detections(GREY, [[60, 30, 100, 110]], [0.9], [1], {1: "警察"})
    expected = draw_detections(GREY, [[60, 30, 100, 110]], [0.9], [1], {1: "#1"})
    assert numbered.tobytes() == expected.tobytes()


def test_colours_of_many_classes_differ():
    colours = [palette_colour(index) for index in range(60)]
    assert len(set(colours)) == 60


def test_only_certainty_is_a_hundred_percent():
    almost, certain = (
        draw_detections(GREY, [[60, 30, 100, 110]], [score], [1], NAMES).tobytes()
        for score in (0.999, 1.0)
    )
    assert almost != certain


def test_truth_and_detections_stand_side_by_side():
    truth, found = Image.new("RGB", (100, 80), "red"), Image.new("RGB", (100, 80), "blue")
    both = side_by_side(truth, found)
    row = both.height - 20
    assert both.getpixel((50, row)) == (255, 0, 0)
    assert both.getpixel((both.width - 50, row)) == (0, 0, 255)


def test_a_sheet_has_every_picture_in_reading_order():
    colours = [(10 * index, 0, 0) for index in range(1, 6)]
    pictures = [Image.new("RGB", (40 + 10 * i, 40), c) for i, c in enumerate(colours)]
    sheet = contact_sheet(pictures, columns=3, cell_width=60)
    seen = [c for _, c in sheet.getcolors(sheet.width * sheet.height) if c in colours]
    assert sorted(seen) == colours
    assert sheet.width == 3 * 60 + 4 * 6
    assert sheet.getpixel((6 + 30, sheet.height // 4)) == colours[0]


def test_a_sheet_of_nothing_is_a_blank_page():
    assert len(contact_sheet([]).getcolors()) == 1
