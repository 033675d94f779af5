"""Curves with a band: every point where it belongs, by hand."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from detectune.drawing.spread_chart import BandCurve, BandPoint, spread_figure, spread_svg

SVG = "{http://www.w3.org/2000/svg}"
CURVE = BandCurve("<scratch>", [BandPoint(10, 0.2, 0.1, 0.3), BandPoint(40, 0.8, 0.8, 0.8)])


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", text)]


def drawn(*curves: BandCurve) -> ElementTree.Element:
    return ElementTree.fromstring(spread_svg(curves, title="mAP & more", below="images"))


def test_doubled_counts_are_equally_far_apart_and_values_grow_upwards():
    middle = BandPoint(20, 0.4, 0.4, 0.4)
    svg = drawn(BandCurve("one", [CURVE.points[0], middle, CURVE.points[1]]))
    line = svg.find(f".//{SVG}polyline")
    assert line is not None
    x0, y0, x1, y1, x2, y2 = numbers(line.attrib["points"])
    assert (x0, x1, x2) == (58.0, 337.0, 616.0)
    # The axis ends at 0.8, 14 below the top; 0 is 44 above the bottom of 320.
    assert (y0, y1, y2) == (210.5, 145.0, 14.0)


def test_the_band_goes_along_the_highest_and_back_along_the_lowest():
    band = drawn(CURVE).find(f".//{SVG}polygon")
    assert band is not None
    x0, high0, x1, high1, x2, low1, x3, low0 = numbers(band.attrib["points"])
    assert (x0, x1, x2, x3) == (58.0, 616.0, 616.0, 58.0)
    assert high1 == low1 == 14.0
    assert (high0, low0) == (177.8, 243.2)


def test_a_curve_without_spread_has_no_band_and_one_point_stands_in_the_middle():
    svg = drawn(BandCurve("one", [BandPoint(10, 0.2, 0.2, 0.2)]))
    assert svg.find(f".//{SVG}polygon") is None
    mark = svg.find(f".//{SVG}circle")
    assert mark is not None
    assert mark.attrib["cx"] == "337.0"


def test_names_are_text_and_marks_say_their_value():
    text = spread_svg([CURVE], title="mAP & more", below="images")
    assert "&lt;scratch&gt;, 10: 0.200" in text
    assert "mAP &amp; more" in text
    figure = spread_figure([CURVE], title="mAP", below="images")
    assert figure.startswith("<figure><figcaption>mAP")
    assert "</i>&lt;scratch&gt;</span>" in figure


def test_nothing_to_draw_is_no_figure_and_a_file_that_says_so():
    empty = [BandCurve("one", [])]
    assert spread_figure(empty, title="mAP", below="images") == ""
    assert "no training is done yet" in spread_svg(empty, title="mAP", below="images")


def test_the_seventh_curve_is_dashed_in_the_first_colour():
    curves = [BandCurve(str(n), CURVE.points) for n in range(7)]
    lines = drawn(*curves).findall(f".//{SVG}polyline")
    assert lines[6].attrib["class"] == lines[0].attrib["class"] == "line c1"
    assert "stroke-dasharray" in lines[6].attrib
    assert "stroke-dasharray" not in lines[0].attrib


def test_counts_that_would_touch_are_left_out_below_the_axis():
    points = [BandPoint(n, 0.5, 0.5, 0.5) for n in (100, 101, 102, 400)]
    svg = drawn(BandCurve("one", points))
    texts = [t.text for t in svg.iter(f"{SVG}text") if (t.text or "").isdecimal()]
    assert texts == ["102", "400"] or texts == ["0", "102", "400"]
