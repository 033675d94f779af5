"""Predicting a folder: every image is done or named, and nothing that was there is lost."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from zlib import compress, crc32

import numpy as np
import pytest
from PIL import Image
from three_parts import three_parts

from detectune.errors import ConfigError, DataError, PredictionError, WriteError
from detectune.inference.batch import predict_files
from detectune.inference.image_paths import named_images
from detectune.inference.predictor import Found, Predictor

NAMES = {1: "cube [/5]", 2: "\x1b[2J"}


def tiny_box(image: np.ndarray) -> Found:
    """A model that finds an object of less than a pixel in the middle."""
    middle = np.array([image.shape[0], image.shape[1]] * 2, np.float32) / 2
    boxes = middle + np.array([[0, 0, 0.4, 0.4]], np.float32)
    return Found(boxes, np.array([0.75], np.float32), np.array([1], np.int32))


def fails_on_grey(image: np.ndarray) -> Found:
    if (image == 128).all():
        raise KeyError("nobody thought of grey")
    return tiny_box(image)


PREDICTOR = Predictor(tiny_box, NAMES)


def save(file: Path, colour=(10, 200, 30), size=(12, 8)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(file)
    return file


def predict(folder: Path, paths, predictor=PREDICTOR, **options):
    json_file = folder / "found.json"
    paths = [str(path) for path in paths]
    done = predict_files(predictor, paths, str(folder / "out"), json_file=str(json_file), **options)
    return done, json.loads(json_file.read_text())


def test_one_bad_picture_of_each_kind_ends_nothing(tmp_path):
    folder = tmp_path / "in"
    save(folder / "a.png")
    whole = save(folder / "z.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[:200])
    (folder / "broken.gif").write_bytes(b"GIF89a\xff\xff\xff\xff\x80")
    (folder / "text.png").write_text("<html>404</html>")
    (folder / "none.png").write_bytes(b"")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder.jpg").mkdir()
    done, rows = predict(tmp_path, [folder])
    assert [row["file_name"] for row in rows] == ["a.png", "z.jpg"]
    assert rows[0]["bbox"] == [6.0, 4.0, 0.4, 0.4]
    assert rows[0]["category_name"] == "cube [/5]"
    assert (done.images, done.boxes, done.complete, done.defect) == (2, 2, False, None)
    said = {Path(text.split(": ")[0]).name: text for text in done.unreadable}
    assert set(said) == {"cut.jpg", "broken.gif", "text.png", "none.png", "gone.png", "pipe.jpg"}
    assert "it is a pipe or a device, no file" in said["pipe.jpg"]
    assert "this is no whole image" in said["cut.jpg"]
    assert "it is not an image" in said["text.png"]
    assert "it is empty" in said["none.png"]
    for text in said.values():
        three_parts(DataError(text))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "z.jpg"]


def test_a_bomb_is_named_before_it_is_decoded(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", compress(bytes(999)))
    (tmp_path / "bomb.png").write_bytes(bomb + chunk(b"IEND", b""))
    save(tmp_path / "a.png")
    done, rows = predict(tmp_path, [tmp_path / "bomb.png", tmp_path / "a.png"])
    assert [row["file_name"] for row in rows] == ["a.png"]
    assert "it says that it has 3,600,000,000 pixels, more than can be decoded" in done.text()


def test_a_defect_with_one_picture_keeps_the_others(tmp_path):
    folder = tmp_path / "in"
    save(folder / "a.png")
    save(folder / "grey.png", (128, 128, 128))
    done, rows = predict(tmp_path, [folder], Predictor(fails_on_grey, NAMES))
    assert [row["file_name"] for row in rows] == ["a.png"]
    assert isinstance(done.defect, KeyError)
    assert "grey.png: KeyError: 'nobody thought of grey'" in done.text()


def test_a_picture_that_cannot_be_drawn_keeps_the_numbers(tmp_path, monkeypatch):
    save(tmp_path / "a.png")

    def draw(*_, **__):
        raise ValueError("x1 must be greater than or equal to x0")

    monkeypatch.setattr("detectune.drawing.boxes.draw_detections", draw)
    done, rows = predict(tmp_path, [tmp_path / "a.png"])
    assert len(rows) == 1
    assert "no picture: " in done.text()
    assert isinstance(done.defect, ValueError)


def test_a_folder_of_nothing_but_bad_pictures_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.png: this is no whole image: it is empty"):
        predict(tmp_path, [tmp_path / "a.png"])
    assert not (tmp_path / "found.json").exists()


def test_pictures_of_images_with_one_name_do_not_replace_each_other(tmp_path):
    files = [save(tmp_path / part / "x.png", colour) for part, colour in
             [("one", (255, 0, 0)), ("two", (0, 255, 0))]]  # fmt: skip
    files.append(save(tmp_path / "one" / "x.bmp", (0, 0, 255)))
    _, rows = predict(tmp_path, [tmp_path / "one", tmp_path / "two"])
    assert [row["file_name"] for row in rows] == ["x.bmp", "x.png", "x.png"]
    assert [row["image_id"] for row in rows] == [1, 2, 3]
    corners = {}
    for picture in (tmp_path / "out").iterdir():
        with Image.open(picture) as opened:
            corners[picture.name] = opened.getpixel((0, 0))
    assert corners == {
        "x.png": (0, 0, 255), "x-2.png": (255, 0, 0), "x-3.png": (0, 255, 0),
    }  # fmt: skip


def test_an_image_is_never_replaced_by_its_picture(tmp_path):
    file = save(tmp_path / "in" / "a.png")
    before = file.read_bytes()
    for out in (tmp_path / "in", tmp_path / "in" / ".." / "in"):
        with pytest.raises(ConfigError, match="would take the place of the image") as refused:
            predict_files(PREDICTOR, [str(tmp_path / "in")], str(out))
        three_parts(refused.value)
    assert file.read_bytes() == before


def test_pictures_of_an_earlier_call_are_no_images(tmp_path):
    save(tmp_path / "a.png")
    for _ in range(2):
        done = predict_files(PREDICTOR, [str(tmp_path)], str(tmp_path / "out"))
        assert done.images == 1


def test_the_place_is_checked_before_anything_is_loaded(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(WriteError, match="a file stands where a folder should be"):
            predict_files("no model at all", [str(tmp_path / "a.png")], str(out))
    assert (tmp_path / "file").read_text() == "mine"


def test_names_that_are_no_utf8_and_names_of_255_bytes(tmp_path):
    long = "警" * 83 + "x" * 2 + ".tif"  # 255 bytes
    names = [os.fsdecode(b"caf\xe9\xff.jpg"), "two\nlines.png", long, " .png", "-rf.png"]
    for name in names:
        Image.new("RGB", (9, 9)).save(tmp_path / "x.png")
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "x.png").rename(tmp_path / "in" / name)
    done, rows = predict(tmp_path, [tmp_path / "in"])
    assert sorted(row["file_name"] for row in rows) == sorted(names)
    assert done.complete
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {*(set(names) - {long}), "警" * 83 + "x" * 2 + ".png"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("nowhere.jpg", "there is no such file or folder"), ("a\0b", "there is no such file")],
)
def test_what_is_not_there_is_said(tmp_path, text, said):
    with pytest.raises(DataError, match=said) as refused:
        named_images([str(tmp_path / text)], tmp_path / "out")
    three_parts(refused.value)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    save(tmp_path / "in" / "a.png")
    walk = os.walk

    def partly(top, onerror):
        onerror(PermissionError(13, "Permission denied", str(tmp_path / "in" / "private")))
        return walk(top)

    monkeypatch.setattr("detectune.inference.image_paths.os.walk", partly)
    done, rows = predict(tmp_path, [tmp_path / "in"])
    assert len(rows) == 1
    assert done.unreadable == [f"{tmp_path}/in/private: Permission denied."]


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (65_600, 1)])
def test_pictures_of_any_size_are_written(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    done, _ = predict(tmp_path, [tmp_path / "a.jpg"])
    assert done.complete, done.text()
    with Image.open(tmp_path / "out" / "a.jpg") as picture:
        assert picture.width == size[0]


# --- the same in Python --------------------------------------------------------------------------


def test_of_a_list_the_images_that_cannot_be_read_are_all_named_and_nothing_is_lost(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    whole, cut = (tmp_path / "a.jpg").read_bytes(), tmp_path / "cut.jpg"
    cut.write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    grey = np.zeros((4, 4), np.uint8)
    images = [tmp_path / "a.jpg", cut, np.zeros((6, 4, 3), np.uint8), tmp_path / "gone.png", grey]
    with pytest.raises(PredictionError) as caught:
        PREDICTOR.predict(images)
    error = caught.value
    place, *named, allowed, advice = str(error).splitlines()
    assert place == "3 of 5 images cannot be read, counted from 0:"
    assert [line.split(":")[0] for line in named] == ["  1", "  3", "  4"]
    assert f"{cut}: this is no whole image: its compressed pixels are damaged" in named[0]
    assert f"{tmp_path / 'gone.png'}: the image cannot be read: No such file" in named[1]
    assert "an array of shape (4, 4)" in named[2]
    assert "whole image files" in allowed
    assert "detections" in advice
    assert list(error.problems) == [1, 3, 4]
    three_parts(error.problems[1])
    first, none, third, *rest = error.detections
    assert first.boxes.tolist() == pytest.approx(tiny_box(first.image).boxes)
    assert third.image.shape == (6, 4, 3)
    assert [none, *rest] == [None, None, None]
    assert isinstance(error, DataError)


def test_of_a_list_of_readable_images_there_is_one_result_each_in_order(tmp_path):
    files = [save(tmp_path / f"{n}.png", size=(n + 4, 3)) for n in range(3)]
    found = PREDICTOR.predict(files)
    assert [one.image.shape[1] for one in found] == [4, 5, 6]
    assert PREDICTOR.predict([]) == []
