"""The page of an inspection: balance, shapes, samples; safe whatever the names and pictures."""

from __future__ import annotations

import pytest
from data_sets import picture, write_csv

from detectune.data.box_shapes import box_shapes
from detectune.data.inspect import inspect_source
from detectune.data.inspect_report import inspection_page
from detectune.data.sources.recognise import open_source


def source_of(folder, lines, files):
    return open_source(f"csv:{write_csv(folder, lines, files)}")


def page_of(source) -> str:
    return inspection_page(inspect_source(source), source)


def test_boxes_are_counted_by_size_and_shape(tmp_path):
    lines = [
        "a.png,60,40,cat,0,0,7,7",  # 7 x 7: below 8; 1:1
        "a.png,60,40,cat,0,0,16,4",  # side 8; 4:1
        "a.png,60,40,dog,0,0,20,40",  # side 28; 1:2
        "a.png,60,40,dog,0,0,40,40",  # side 40; 1:1
        "a.png,60,40,dog,0,0,40,0",  # no area: not used
    ]
    shapes = box_shapes(source_of(tmp_path, lines, {"a.png": picture()}))
    assert {name: count for name, count in shapes.sides if count} == {
        "< 8": 1, "8+": 1, "16+": 1, "32+": 1,
    }  # fmt: skip
    assert {name: count for name, count in shapes.aspects if count} == {
        "1:1": 2, "≥ 4:1": 1, "1:2": 1,
    }  # fmt: skip
    assert [name for name, _ in shapes.sides] == [
        "< 8", "8+", "16+", "32+", "64+", "96+", "128+", "256+", "512+",
    ]  # fmt: skip


def test_the_page_has_balance_sizes_and_shapes(tmp_path):
    lines = ["a.png,60,40,cat,6,4,30,20", "a.png,60,40,dog,6,4,30,20", "a.png,60,40,dog,1,4,9,20"]
    page = page_of(source_of(tmp_path, lines, {"a.png": picture()}))
    assert page.count("<svg") == 3
    for title in ("Boxes per class", "Size of boxes", "Shape of boxes"):
        assert f'aria-label="{title}' in page
    # The most frequent class first, its bar the longest.
    assert page.index(">dog<title>") < page.index(">cat<title>")
    assert "http" not in page
    assert "<script" not in page


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "cube [/5]", "\x1b[2J", "a" * 300])
def test_names_are_text_of_the_page(tmp_path, name):
    page = page_of(source_of(tmp_path, [f"a.png,60,40,{name},6,4,30,20"], {"a.png": picture()}))
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.encode("utf-8")


def test_pictures_with_defects_come_first_and_a_bad_one_ends_nothing(tmp_path):
    lines = [f"{number:02d}.png,60,40,cat,6,4,30,20" for number in range(30)]
    lines += ["17.png,60,40,cat,6,4,6,20"] * 3  # boxes without area
    files = {f"{number:02d}.png": picture(box=(number, 1, number + 9, 20)) for number in range(30)}
    files["00.png"] = picture()[:-20]
    page = page_of(source_of(tmp_path, lines, files))
    assert page.count("<figure><img") == 11
    assert page.index('alt="17.png"') == page.index('alt="')
    assert "cannot be shown" in page
    assert "6 defects" in page or "5 defects" in page
