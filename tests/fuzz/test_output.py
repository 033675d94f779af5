"""Whatever the names, boxes and pictures: it is drawn, printed and written, or named."""

from __future__ import annotations

import contextlib
import io
import json
import os
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pytest
from output_inputs import (
    SIZES,
    encoded,
    image_files,
    odd_boxes,
    odd_file_names,
    odd_names,
    odd_scores,
    quietly,
    small_image,
)
from PIL import Image
from three_parts import three_parts

from detectune.data.image_files import opened
from detectune.data.inspect import Defect, Inspection
from detectune.data.inspect_report import inspection_page
from detectune.drawing.boxes import draw_detections, draw_ground_truth
from detectune.errors import DataError
from detectune.inference.batch import predict_files
from detectune.inference.predictor import Found, Predictor
from detectune.terminal import print_table, say
from detectune.wording import one_line

SEED = 20
# A slice that always runs, and the whole.
COUNTS = [60, pytest.param(3000, marks=pytest.mark.fuzz)]


@pytest.mark.parametrize("count", COUNTS)
def test_every_box_can_be_drawn(count):
    rng, names = np.random.default_rng(SEED), list(odd_names(SEED, 200))
    for number in range(count):
        size = SIZES[number % len(SIZES)]
        image, boxes = small_image(rng, size), odd_boxes(rng, size, int(rng.integers(12)))
        before = image.copy()
        labels = dict(enumerate(rng.permutation(names)[:5].tolist()))
        ids = rng.integers(-1, 7, len(boxes))
        mask = rng.uniform(size=size) < rng.uniform()
        drawn = (
            draw_detections(image, boxes, odd_scores(rng, len(boxes)), ids, labels),
            draw_ground_truth(image, boxes, ids, labels, masks=lambda _, mask=mask: mask),
        )
        for picture in drawn:
            assert (picture.width, picture.mode) == (size[1], "RGB")
            assert picture.height >= size[0]
        np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("count", COUNTS)
def test_nothing_that_is_printed_commands_the_terminal(count):
    names, out = list(odd_names(SEED, count)), io.StringIO()
    with contextlib.redirect_stdout(out):
        for name in names:
            say(f"class {name}")
        print_table(["name"], [[name] for name in names], title=names[-1])
    commands = {c for c in out.getvalue() if unicodedata.category(c) in ("Cc", "Cs")}
    assert commands <= {"\n"}
    for name in names:
        one_line(name).encode()  # no half of a surrogate pair
    assert "class cube [/5]\n" in out.getvalue()
    assert "class [red]x\n" in out.getvalue()
    assert "class \\x1b[2J\\x1b[31mred\n" in out.getvalue()


class Tags(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen |= {tag, *(name for name, _ in attrs)}


def tags(page: str) -> set[str]:
    parser = Tags()
    parser.feed(page)
    assert page.encode()
    assert not {c for c in page if unicodedata.category(c) in ("Cc", "Cs")} - {"\n"}
    return parser.seen


class Nothing:
    """A source without images."""

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("count", COUNTS)
def test_no_name_becomes_part_of_a_page(count):
    names = list(odd_names(SEED, count))

    def page(names: list[str]) -> str:
        inspection = Inspection(
            names[-1],
            images=1,
            boxes_per_class=dict.fromkeys(names, 3),
            defects=[Defect("unused file", name, name) for name in names],
        )
        return inspection_page(inspection, Nothing())

    assert tags(page(names)) == tags(page(["cat", "dog"]))


@pytest.mark.parametrize("count", [30, pytest.param(1500, marks=pytest.mark.fuzz)])
def test_an_image_file_is_read_or_named(count, tmp_path):
    from detectune.data.decode import read_image

    file = tmp_path / "x.jpg"
    for what, data, whole in image_files(SEED, count):
        file.write_bytes(data)
        error, pixels = None, np.zeros(())
        try:
            pixels = read_image(file)
        except DataError as raised:
            error = raised
        if error is not None:
            assert not whole, what
            assert str(error).startswith(f"{file}: this is no whole image: "), what
            three_parts(error)
        else:
            with opened(data) as image:
                assert {pixels.shape[0], pixels.shape[1]} == set(image.size), what
            assert whole or quietly(data) or what.startswith(("cut", "flipped")), what


def brightest(image: np.ndarray) -> Found:
    """A model that finds one box everywhere, and a point."""
    height, width = image.shape[:2]
    boxes = np.array([[0, 0, height, width], [0, 0, 0.4, 0.4]], np.float32)
    return Found(boxes, np.array([0.9, 0.6], np.float32), np.array([1, 2], np.int32))


@pytest.mark.parametrize("count", [25, pytest.param(600, marks=pytest.mark.fuzz)])
def test_a_folder_of_odd_files_is_done_to_its_end(count, tmp_path):
    rng, folder = np.random.default_rng(SEED), tmp_path / "in"
    folder.mkdir()
    names = list(odd_file_names(SEED, count))
    for name in names:
        kind = "JPEG" if name.lower().endswith(("jpg", "jpeg")) else "PNG"
        (folder / name).write_bytes(encoded(small_image(rng, (9, 12)), kind))
    (folder / "a bad one.gif").write_bytes(b"GIF89a")
    os.mkfifo(folder / "a pipe.jpg")
    predictor = Predictor(brightest, {1: "cube [/5]", 2: "\x1b[2J"})
    file = tmp_path / "out.json"
    done = predict_files(predictor, [str(folder)], str(tmp_path / "out"), json_file=str(file))
    assert done.images == len(names)
    assert done.boxes == 2 * len(names)
    assert len(done.unreadable) == 2
    assert not done.complete
    rows = json.loads(file.read_text())
    assert {row["file_name"] for row in rows} == set(names)
    assert {row["category_name"] for row in rows} == {"cube [/5]", "\x1b[2J"}
    pictures = list((tmp_path / "out").iterdir())
    assert len(pictures) == len(names)
    for picture in pictures:
        with Image.open(picture) as opened:
            assert opened.width == 12
