"""`report.html`: its numbers are those of the run, and the page is safe and complete."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from detectune.drawing.charts import Curve, axis_ticks, line_chart
from detectune.training.report import Facts, duration, report_html
from detectune.training.report_examples import Box, Example

MAP = "DetectionBoxes_Precision/mAP"
VOID = {"meta", "br", "link"}


class Balance(HTMLParser):
    """Says whether every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20), (90, 120, 160)).save(buffer, "JPEG")
    return buffer.getvalue()


def facts(**changes) -> Facts:
    rows = [
        {"kind": "train", "step": step, "Loss/total_loss": 2.0 / step, "learning_rate": 0.01,
         "images_per_sec": 10.0 * step}
        for step in (1, 2, 3)
    ]  # fmt: skip
    rows.append({"kind": "eval", "step": 3, MAP: 0.5, f"{MAP}@.50IOU": 0.75})
    example = Example(
        "a<b>.jpg", picture(), 20, 40,
        truth=[Box((0.25, 0.1, 0.75, 0.6), "nut & bolt", "#ff5c4d")],
        found=[Box((0.2, 0.1, 0.7, 0.6), "nut & bolt", "#ff5c4d", 0.876)],
    )  # fmt: skip
    values = {
        "name": "tools",
        "model": "ssd_x, 1 classes",
        "data": ["csv:a: 3 images"],
        "rows": rows,
        "steps": 3,
        "num_steps": 3000,
        "seconds": 187.0,
        "best_step": 3,
        "metrics": {MAP: 0.5, f"{MAP}@.50IOU": 0.75, f"{MAP} (large)": -1.0},
        "per_category": {"nut & bolt": {"boxes": 9, "mAP": 0.5, "mAP@.50IOU": 0.75, "AR@100": 0.6}},
        "examples": [example],
        "notes": {"Weights": "restored 7 of 9 <variables>"},
        "ignored": ["train_config.x: This field is ignored."],
        "commands": ["detectune predict runs/tools my_images/"],
    }
    return Facts(**{**values, **changes})


def test_the_page_says_what_is_known():
    page = report_html(facts())
    for text in (
        "<title>tools · detectune</title>", "<b>0.500</b><span>best mAP, at step 3",
        "<b>0.750</b><span>mAP@.5 at that step", "<b>3</b><span>of 3,000 steps",
        "<b>3 min 07 s</b>", "<b>30</b><span>images per second",
        '<td>Precision/mAP (large)</td><td class="n">–</td>',
        '<td>nut &amp; bolt</td><td class="n">9</td><td class="n">0.500</td>',
        "nut &amp; bolt 88%", "a&lt;b&gt;.jpg", "restored 7 of 9 &lt;variables&gt;",
        "train_config.x: This field is ignored.", "detectune predict runs/tools my_images/",
        "tensorflow 2.", "keras 3.",
    ):  # fmt: skip
        assert text in page, text


def test_what_explains_a_low_map_stands_before_the_numbers():
    page = report_html(facts(findings={'boxes are right but "a<b>" is x': "Correct the map."}))
    text = "<li><b>boxes are right but &quot;a&lt;b&gt;&quot; is x.</b> Correct the map.</li>"
    assert text in page
    assert page.index("Why mAP is near 0") < page.index("Best evaluation")
    assert "Why mAP" not in report_html(facts())


def test_lines_that_a_hand_has_changed_leave_gaps():
    rows = [
        {"kind": "train", "step": step, "Loss/total_loss": value, "images_per_sec": value}
        for step, value in ((1, 2.0), (2, "much"), (3, None), (4, [1]), (5, 10**400), (6, 1.0))
    ]
    page = report_html(facts(rows=rows))
    assert page.count("<circle") == 2
    assert "<b>1</b><span>images per second" in page


def test_masks_stand_beside_boxes():
    masks = "DetectionMasks_Precision/mAP"
    metrics = {MAP: 0.5, f"{MAP}@.50IOU": 0.75, masks: 0.3, f"{masks}@.50IOU": 0.625}
    numbers = {"mAP": 0.5, "mAP@.50IOU": 0.7, "AR@100": 0.6, "boxes": 9}
    cat = numbers | {"mask mAP": 0.25, "mask mAP@.50IOU": 0.125}
    rows = [{"kind": "eval", "step": step, **metrics} for step in (1, 2)]
    page = report_html(facts(metrics=metrics, per_category={"cat": cat}, rows=rows))
    for text in (
        "<b>0.300</b><span>mask mAP at that step",
        '<tr><th>COCO metric</th><th class="n">boxes</th><th class="n">masks</th></tr>',
        '<td>Precision/mAP@.50IOU</td><td class="n">0.750</td><td class="n">0.625</td>',
        '<td class="n">0.600</td><td class="n">0.250</td><td class="n">0.125</td></tr>',
        "mask mAP@.5",
    ):
        assert text in page, text


def test_every_part_of_the_loss_has_its_curve():
    rows = [
        {"kind": "train", "step": step, "Loss/total_loss": 2.0, "Loss/mask_loss": 1, "Loss/x": 2}
        for step in (1, 2)
    ]
    page = report_html(facts(rows=rows))
    assert ">mask</span>" in page
    assert ">x</span>" in page


DETAILS = {
    "threshold": {"score": 0.37, "f1": 0.8, "precision": 0.9, "recall": 0.72},
    "confusion": {"names": ["nut & bolt", "<script>"], "counts": [[7, 1, 2], [0, 5, 0], [3, 0, 0]]},
    "classes": 2,
    "curves": {
        "nut & bolt": {"recall": [0.0, 0.5, 1.0], "precision": [1.0, 1.0, 0.5]},
        "<script>": {"recall": [], "precision": []},
    },
    "worst": [],
}


def test_what_is_right_and_wrong_is_shown():
    page = report_html(facts(details=DETAILS))
    for text in (
        "<b>0.37</b><span>suggested score threshold", "<b>0.800</b><span>F1 at that threshold",
        "<b>90%</b><span>of the boxes shown are right", "<b>72%</b><span>of the objects are found",
        "detectune predict RUN IMAGES --threshold 0.37",
        'var(--c3) 49%, transparent)">7</td>',  # 7 of 10: 70 % of the strongest tint
        'var(--c2) 14%, transparent)">2</td>', ">missed<", ">nothing there<",
        "nut &amp; bolt (10)", "Precision over recall at IoU 0.5",
    ):  # fmt: skip
        assert text in page, text
    # Recall from 0 to 1 is 58 to 626 across, precision 1 is at 12 and 0.5 at 116 down.
    assert 'points="58.0,12.0 342.0,12.0 626.0,116.0"' in page
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "<script" not in page


def test_without_a_right_box_no_threshold_is_suggested():
    nothing = {**DETAILS["threshold"], "f1": 0.0}
    page = report_html(facts(details={**DETAILS, "threshold": nothing}))
    assert "No threshold is suggested" in page
    assert "--threshold" not in page


def test_an_example_says_what_went_wrong_in_it():
    (example,) = facts().examples
    page = report_html(facts(examples=[replace(example, caption="2 missed, 1 false box")]))
    assert "2 missed, 1 false box</span>" in page


def test_names_of_bytes_and_controls_are_text_of_the_page():
    (example,) = facts().examples
    name = "\udcff\x1b[2J</figcaption>\n"
    page = report_html(facts(examples=[replace(example, file_name=name)], name=name))
    assert page.encode("utf-8")
    assert "\\xff\\x1b[2J&lt;/figcaption&gt;\\n" in page
    assert "\x1b" not in page


def test_the_page_is_whole_and_asks_nothing_of_the_network():
    page = report_html(facts(details=DETAILS))
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "http" not in page
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page


def test_boxes_are_drawn_where_they_are():
    page = report_html(facts())
    # 0.25 of 20 pixels down, 0.1 of 40 across; half of each side long.
    assert 'x="4.0" y="5.0" width="20.0" height="10.0"' in page
    assert 'x="4.0" y="4.0" width="20.0" height="10.0"' in page
    data = page.split("base64,")[1].split('"')[0]
    assert base64.b64decode(data) == picture()


def test_masks_lie_over_the_picture_and_below_the_boxes():
    (example,) = facts().examples
    page = report_html(facts(examples=[replace(example, found_masks=b"a layer")]))
    assert page.count("data:image/jpeg;base64,") == 2
    assert page.count("data:image/png;base64,") == 1
    layer = base64.b64encode(b"a layer").decode()
    first, second = page.split("data:image/png;base64,")
    assert second.startswith(f'{layer}"/><rect')
    assert first.count("<svg") == page.count("<svg")


def test_a_run_without_evaluation_has_a_page_too():
    page = report_html(facts(metrics={}, per_category={}, examples=[], rows=[], best_step=0))
    assert "no evaluation" in page
    assert "Best evaluation" not in page
    assert "<svg" not in page


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (0.83, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.02, [0, 0.005, 0.01, 0.015, 0.02]),
        (7.0, [0, 2, 4, 6, 8]),
        (0.0, [0, 1]),
    ],
)
def test_axes_have_round_numbers(top, ticks):
    assert axis_ticks(top) == pytest.approx(ticks)


def test_a_curve_reaches_from_corner_to_corner():
    chart = line_chart([Curve("a", [(0, 0.0), (10, 1.0)])], title="t", first=0, last=10)
    # The plane is 58 to 626 across and 12 to 220 down.
    assert 'points="58.0,220.0 626.0,12.0"' in chart


def test_values_that_are_not_finite_and_long_curves_are_drawn_as_well_as_can_be():
    points = [(step, float("nan") if step == 5 else 1.0) for step in range(5001)]
    chart = line_chart([Curve("a", points)], title="t", first=0, last=5000)
    assert "nan" not in chart
    places = chart.split('points="')[1].split('"')[0].split()
    assert 350 < len(places) <= 402
    assert places[-1].startswith("626.0,")
    assert line_chart([Curve("a", [(1, float("inf"))])], title="t", first=0, last=1) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(41.2, "41 s"), (60, "1 min 00 s"), (187, "3 min 07 s"), (7500, "2 h 05 min")],
)
def test_durations_are_said_in_the_unit_people_use(seconds, text):
    assert duration(seconds) == text


def test_a_run_for_another_domain_shows_both_and_what_went_wrong():
    accuracy, source = "Domain/image_accuracy", f"Source/{MAP}"
    rows = [
        {"kind": "eval", "step": step, MAP: 0.5, source: 0.8, accuracy: 0.9, "Domain/lambda": 0.5}
        for step in (1, 3)
    ]
    metrics = {MAP: 0.5, source: 0.8, accuracy: 0.9, "Domain/image_a_distance": 1.6}
    warnings = {"the image-level discriminator has won": "at step 3: Raise <it>."}
    page = report_html(facts(rows=rows, metrics=metrics, warnings=warnings))
    for text in (
        "How often domains are told apart",
        "mAP of the source",
        '<td>Precision/mAP</td><td class="n">0.500</td><td class="n">0.800</td>',
        "<h2>Warnings</h2>",
        "<li><b>the image-level discriminator has won:</b> at step 3: Raise &lt;it&gt;.</li>",
    ):
        assert text in page
    assert "a_distance" not in page
    assert "Warnings" not in report_html(facts())
