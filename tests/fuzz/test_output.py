"""Whatever the names, boxes and pictures: it is drawn, printed and written, or named."""

from __future__ import annotations

import contextlib
import io
import json
import os
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

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

from detectune.data.image_files import opened
from detectune.data.inspect import Defect, Inspection
from detectune.data.inspect_report import inspection_page
from detectune.drawing.boxes import draw_detections, draw_ground_truth
from detectune.inference.batch import predict_files
from detectune.inference.predictor import Found, Predictor
from detectune.terminal import print_table, say
from detectune.wording import one_line

# A slice that always runs, and the whole.
COUNTS = [60, pytest.param(1500, marks=pytest.mark.fuzz)]


@pytest.mark.parametrize("count", COUNTS)
def test_every_box_can_be_drawn(answers, seed, count):
    rng, names = np.random.default_rng(seed), list(odd_names(seed, 200))
    with answers("boxes on pictures") as pictures:
        for number in range(count):
            size = SIZES[number % len(SIZES)]
            image, boxes = small_image(rng, size), odd_boxes(rng, size, int(rng.integers(12)))
            before = image.copy()
            labels = dict(enumerate(rng.permutation(names)[:5].tolist()))
            ids, scores = rng.integers(-1, 7, len(boxes)), odd_scores(rng, len(boxes))
            mask = rng.uniform(size=size) < rng.uniform()
            with pictures.input(f"picture {number}"):
                drawn = (
                    draw_detections(image, boxes, scores, ids, labels),
                    draw_ground_truth(image, boxes, ids, labels, masks=lambda _, mask=mask: mask),
                )
                for picture in drawn:
                    assert (picture.width, picture.mode) == (size[1], "RGB")
                    assert picture.height >= size[0]
                np.testing.assert_array_equal(image, before)


def commands_in(text: str) -> set[str]:
    """Characters that command a terminal, and halves of surrogate pairs."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cs")} - {"\n"}


@pytest.mark.parametrize("count", COUNTS)
def test_nothing_that_is_printed_commands_the_terminal(answers, seed, count):
    names, out = list(odd_names(seed, count)), io.StringIO()
    with answers("names") as those, contextlib.redirect_stdout(out):
        for name in names:
            with those.input(repr(name)):
                begin = out.tell()
                say(f"class {name}")
                assert not commands_in(out.getvalue()[begin:])
                one_line(name).encode()  # no half of a surrogate pair
        with those.input("a table", count=0):
            begin = out.tell()
            print_table(["name"], [[name] for name in names], title=names[-1])
            assert not commands_in(out.getvalue()[begin:])
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
    assert not commands_in(page)
    return parser.seen


class Nothing:
    """A source without images."""

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("count", COUNTS)
def test_no_name_becomes_part_of_a_page(answers, seed, count):
    names = list(odd_names(seed, count))

    def page(names: list[str]) -> str:
        inspection = Inspection(
            names[-1],
            images=1,
            boxes_per_class=dict.fromkeys(names, 3),
            defects=[Defect("unused file", name, name) for name in names],
        )
        return inspection_page(inspection, Nothing())

    with answers("names in a page") as those, those.input("all names", count=count):
        assert tags(page(names)) == tags(page(["cat", "dog"]))


@pytest.mark.parametrize("count", [30, pytest.param(400, marks=pytest.mark.fuzz)])
def test_an_image_file_is_read_or_named(answers, seed, count, tmp_path):
    from detectune.data.decode import read_image

    file = tmp_path / "x.jpg"
    with answers("image files") as files:
        for number, (what, data, whole) in enumerate(image_files(seed, count)):
            file.write_bytes(data)
            with files.input(f"{number}: {what}", [file]) as one:
                read: list[np.ndarray] = []
                message = one.message_of(lambda read=read: read.append(read_image(file)))
                if message:
                    assert not whole
                    assert message.startswith(f"{file}: this is no whole image: ")
                    assert message.count("\n") == 2
                else:
                    with opened(data) as image:
                        assert {read[0].shape[0], read[0].shape[1]} == set(image.size)
                    assert whole or quietly(data) or what.startswith(("cut", "flipped"))


def brightest(image: np.ndarray) -> Found:
    """A model that finds one box everywhere, and a point."""
    height, width = image.shape[:2]
    boxes = np.array([[0, 0, height, width], [0, 0, 0.4, 0.4]], np.float32)
    return Found(boxes, np.array([0.9, 0.6], np.float32), np.array([1, 2], np.int32))


@pytest.mark.parametrize("count", [25, pytest.param(600, marks=pytest.mark.fuzz)])
def test_a_folder_of_odd_files_is_done_to_its_end(answers, seed, count, tmp_path):
    rng, folder = np.random.default_rng(seed), tmp_path / "in"
    folder.mkdir()
    names = list(odd_file_names(seed, count))
    for name in names:
        kind = "JPEG" if name.lower().endswith(("jpg", "jpeg")) else "PNG"
        (folder / name).write_bytes(encoded(small_image(rng, (9, 12)), kind))
    (folder / "a bad one.gif").write_bytes(b"GIF89a")
    os.mkfifo(folder / "a pipe.jpg")
    predictor = Predictor(brightest, {1: "cube [/5]", 2: "\x1b[2J"})
    with (
        answers("images to predict") as those,
        those.input("the folder", [folder], count=count + 2) as inputs,
    ):
        predicts_all(predictor, folder, tmp_path, names)
        inputs.listed = 2


def predicts_all(predictor: Predictor, folder: Path, out: Path, names: list[str]) -> None:
    file = out / "out.json"
    done = predict_files(predictor, [str(folder)], str(out / "out"), json_file=str(file))
    assert done.images == len(names)
    assert done.boxes == 2 * len(names)
    assert len(done.unreadable) == 2
    assert not done.complete
    rows = json.loads(file.read_text())
    assert {row["file_name"] for row in rows} == set(names)
    assert {row["category_name"] for row in rows} == {"cube [/5]", "\x1b[2J"}
    pictures = list((out / "out").iterdir())
    assert len(pictures) == len(names)
    for picture in pictures:
        with Image.open(picture) as opened:
            assert opened.width == 12
