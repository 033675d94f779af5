"""A damaged image is named and left out; the others give what they would have given anyway."""

from __future__ import annotations

import io
import json
import logging

import numpy as np
import pytest
import tensorflow as tf
from data_sets import ListSource, picture, record, write_csv
from PIL import Image, ImageFile
from test_pipeline import config, equal, resizer

from detectune.data.convert import convert
from detectune.data.decode import decoded, read_image
from detectune.data.image_files import decode_problem
from detectune.data.inspect import inspect_source
from detectune.data.pipeline import batch_file_names, eval_batches, train_batches
from detectune.data.readable import ReadableImages, named_errors
from detectune.data.sources.recognise import open_source
from detectune.errors import DataError

AUGMENTED = (
    "batch_size: 3 data_augmentation_options { random_horizontal_flip { } } "
    "data_augmentation_options { random_adjust_brightness { } }"
)
TORN = "its compressed pixels are damaged: they do not add up to its size"
CUT = "it is cut off: its end is missing"


def photo(
    height: int = 120, width: int = 160, mode: str = "RGB", seed: int = 0, kind: str = "JPEG", **how
) -> bytes:
    """A noisy image, as compressed pixels of some length."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **how)
    return buffer.getvalue()


def spoiled(data: bytes, size: int = 300) -> bytes:
    """`data` with zeros for some bytes in its middle; its beginning and end are whole."""
    at = len(data) // 2
    return data[:at] + bytes(size) + data[at + size :]


def closed_early(data: bytes) -> bytes:
    """The first half of a JPEG, with the marker that ends one."""
    return data[: len(data) // 2] + b"\xff\xd9"


# --- what is seen of a file ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (7, 9), (17, 33), (120, 160)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "how",
    [
        {}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 3},
        {"subsampling": 0, "quality": 95},
    ],
)  # fmt: skip
def test_a_sound_jpeg_is_whole_however_it_was_written(size, mode, how):
    flat = io.BytesIO()
    Image.new(mode, size[::-1], 77 if mode == "L" else (77,) * len(mode)).save(flat, "JPEG", **how)
    for data in (photo(*size, mode, **how), flat.getvalue()):
        assert decode_problem(data) == ""
        assert decode_problem(data + b"\0" * 9000) == ""  # a film behind the picture, say
        assert decode_problem(data[:-2] + b"\xff\xff\xff\xd9") == ""


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (closed_early(photo()), TORN),
        (closed_early(photo(optimize=True)), TORN),
        (closed_early(photo(mode="L")), TORN),
        (closed_early(photo(mode="CMYK")), TORN),
        (photo()[:-400] + b"\xff\xd9", TORN),
        (spoiled(photo(400, 400)), TORN),
        (photo()[:-60], CUT),
        (photo()[:-60] + bytes(60), CUT),
        (photo(kind="PNG")[:-40], CUT),
    ],
)
def test_a_jpeg_whose_pixels_do_not_add_up_is_damaged(data, problem):
    """Decoders make a picture of the first six, grey in part, without a word."""
    assert decode_problem(data) == problem


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_an_image_that_stops_in_its_middle_is_damaged(kind):
    whole = photo(kind=kind, mode="P" if kind == "GIF" else "RGB")
    assert decode_problem(whole) == ""
    assert decode_problem(whole[: len(whole) // 2]) != ""
    with pytest.raises(ValueError, match=r"."):
        decoded(whole[: len(whole) // 2])


def test_a_late_chunk_of_a_png_with_a_wrong_checksum_is_damage():
    whole = photo(kind="PNG")
    data = spoiled(whole, 20)
    assert data[-12:] == whole[-12:]
    assert decode_problem(data) != ""


def test_nothing_is_called_damaged_while_pillow_is_told_to_end_every_image_well(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert decode_problem(photo()) == ""


def test_predict_does_not_look_at_half_a_picture(tmp_path):
    file = tmp_path / "half.jpg"
    file.write_bytes(closed_early(photo()))
    with pytest.raises(DataError, match=r"half\.jpg: this is no whole image: its compressed"):
        read_image(file)


# --- training ------------------------------------------------------------------------------------


def photos(count: int, damaged: dict[int, bytes] | None = None) -> ListSource:
    images = [photo(40, 60, seed=i, kind="PNG") for i in range(count)]
    for index, data in (damaged or {}).items():
        images[index] = data
    boxes = [[[0.1, 0.1, 0.5, 0.3 + i / 50]] for i in range(count)]
    return ListSource(
        [record(f"{i}.png", image=image, boxes=boxes[i]) for i, image in enumerate(images)]
    )


DAMAGED = {
    "a JPEG of which a part is grey": closed_early(photo(40, 60)),
    "a PNG with a broken chunk": spoiled(photo(40, 60, kind="PNG"), 40),
    "half a file": photo(40, 60, kind="PNG")[:3000],
    "no image": b"<html>not found</html>",
    "nothing": b"",
}


@pytest.fixture(scope="module")
def whole():
    """Seven batches of seven sound images."""
    return list(train_batches(config(AUGMENTED), photos(7), resizer(), seed=5, steps=7))


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_another_image_stands_in_and_no_other_place_of_a_batch_changes(whole, data, caplog):
    sound, source, options = photos(7), photos(7, {2: data}), config(AUGMENTED)
    images = ReadableImages(source)
    with caplog.at_level(logging.WARNING, "detectune"):
        batches = train_batches(options, source, resizer(), seed=5, steps=7, images=images)
        ours = list(named_errors(batches, images))
    assert len(ours) == 7
    stand_ins = []
    for step, (batch, expected) in enumerate(zip(ours, whole, strict=True)):
        wanted = batch_file_names(sound, options, 5, step)
        names = batch_file_names(source, options, 5, step, images.gone)
        assert "2.png" not in names
        for row, (name, was) in enumerate(zip(names, wanted, strict=True)):
            same = equal(
                tf.nest.map_structure(lambda leaf, row=row: leaf[row], batch),
                tf.nest.map_structure(lambda leaf, row=row: leaf[row], expected),
            )
            assert same == (was != "2.png")
            assert (name == was) == (was != "2.png")
            stand_ins += [name] if was == "2.png" else []
    assert len(stand_ins) == 3  # 21 places in three epochs of seven
    assert [name for name, _ in images.left_out] == ["2.png"]
    assert sum("2.png" in message for message in caplog.messages) <= 1


def test_a_run_goes_on_with_the_same_batches_whether_or_not_it_has_met_the_image_before():
    def batches(start: int, steps: int):
        source = photos(7, {2: DAMAGED["a JPEG of which a part is grey"]})
        return list(
            train_batches(
                config(AUGMENTED), source, resizer(), seed=5, start_step=start, steps=steps
            )
        )

    whole = batches(0, 7)
    for start in (1, 3, 6):
        rest = batches(start, 7 - start)
        assert all(equal(a, b) for a, b in zip(whole[start:], rest, strict=True))


def test_an_image_that_vanishes_while_a_training_runs_is_left_out_from_then_on(tmp_path):
    names = [f"{i}.png" for i in range(4)]
    lines = [f"{name},60,40,cat,6,4,30,20" for name in names]
    source = open_source(
        str(write_csv(tmp_path, lines, {n: picture(shade=10 * i) for i, n in enumerate(names)}))
    )
    told: list[str] = []
    images = ReadableImages(source, told.append)
    batches = train_batches(config(), source, resizer(), seed=0, images=images)
    (tmp_path / "3.png").unlink()
    shades = {
        int(shade)
        for inputs, _ in named_errors(batches.take(20), images)
        for shade in inputs["images"][:, 0, 0, 0].numpy()
    }
    assert shades == {0, 10, 20}
    (line,) = told
    assert line.startswith("left out: ")
    assert "3.png: the image cannot be read: No such file or directory" in line


def test_bytes_that_change_are_looked_through_again(tmp_path):
    lines = ["a.jpg,60,40,cat,6,4,30,20", "b.jpg,60,40,cat,6,4,30,20"]
    whole = photo(40, 60)
    source = open_source(str(write_csv(tmp_path, lines, {"a.jpg": whole, "b.jpg": whole})))
    images = ReadableImages(source, lambda _: None)
    assert images.read(0, lambda _, pixels: pixels.shape) == (40, 60, 3)
    (tmp_path / "a.jpg").write_bytes(closed_early(whole))
    assert images.read(0, lambda _, pixels: pixels.shape) is None
    assert images.left_out == [("a.jpg", TORN)]


def test_more_than_half_is_an_error_that_names_them():
    torn = DAMAGED["a JPEG of which a part is grey"]
    source = photos(5, {0: torn, 2: torn, 4: b""})
    images = ReadableImages(source, lambda _: None)
    batches = train_batches(config(), source, resizer(), seed=0, images=images)
    with pytest.raises(DataError) as caught:
        list(named_errors(batches.take(20), images))
    place, *named, allowed, advice = str(caught.value).splitlines()
    assert place == "memory: 3 of 5 images cannot be read:"
    assert named == [f"  0.png: {TORN}", f"  2.png: {TORN}", "  4.png: it is empty"]
    assert allowed.startswith("Images are whole JPEG, PNG, GIF, BMP, WebP or TIFF files.")
    assert allowed.endswith("left out and named, but not more than half of all.")
    assert advice.startswith("Replace or remove them; `detectune data inspect memory`")


def test_half_of_the_images_may_be_damaged():
    torn = DAMAGED["a JPEG of which a part is grey"]
    source = photos(4, {0: torn, 1: torn})
    images = ReadableImages(source, lambda _: None)
    batches = train_batches(config(), source, resizer(), seed=0, images=images, steps=8)
    assert len(list(named_errors(batches, images))) == 8
    assert [name for name, _ in images.left_out] == ["0.png", "1.png"]


def test_an_unmounted_disk_does_not_fill_the_terminal():
    source, told = photos(100, dict.fromkeys(range(40), b"GIF89a")), []
    images = ReadableImages(source, told.append)
    images._left_out.clear()  # as if they had been whole when the survey looked
    for index in range(40):
        images.read(index, lambda record, pixels: record)
    assert len(images.left_out) == 40
    assert len(told) == 21
    assert told[-1] == "left out: more images, which are counted at the end"


# --- evaluation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_an_evaluation_goes_without_the_image_and_all_others_are_as_they_were(data):
    source = photos(5, {1: data})
    images = ReadableImages(source, lambda _: None)
    batches = list(
        named_errors(eval_batches(source, resizer(), batch_size=2, images=images), images)
    )
    assert [batch.indices.numpy().tolist() for batch in batches] == [[0, 2], [3, 4]]
    sound = {
        int(index): image
        for batch in eval_batches(photos(5), resizer(), batch_size=1)
        for index, image in zip(batch.indices, batch.images, strict=True)
    }
    for batch in batches:
        for index, image in zip(batch.indices, batch.images, strict=True):
            np.testing.assert_array_equal(image, sound[int(index)])
    assert [name for name, _ in images.left_out] == ["1.png"]


def test_a_record_with_half_an_image_is_left_out_and_the_others_are_not(tmp_path):
    names = [f"{i}.jpg" for i in range(4)]
    lines = [f"{name},60,40,cat,6,4,{20 + i},20" for i, name in enumerate(names)]
    whole = {name: photo(40, 60, seed=i) for i, name in enumerate(names)}
    folder = write_csv(tmp_path / "csv", lines, whole)
    convert(open_source(str(folder)), tmp_path / "a.record", to="tfrecord")
    content = (tmp_path / "a.record").read_bytes()
    records = list(tf.data.TFRecordDataset(str(tmp_path / "a.record")).as_numpy_iterator())
    example = tf.train.Example.FromString(records[2])
    image = example.features.feature["image/encoded"].bytes_list
    image.value[0] = closed_early(image.value[0])
    records[2] = example.SerializeToString()
    with tf.io.TFRecordWriter(str(tmp_path / "a.record")) as writer:
        for one in records:
            writer.write(one)
    assert len((tmp_path / "a.record").read_bytes()) < len(content)
    source = open_source(f"tfrecord:{tmp_path / 'a.record'}")
    images = ReadableImages(source, lambda _: None)
    batches = eval_batches(source, resizer(), batch_size=1, images=images)
    seen = [int(b.indices[0]) for b in named_errors(batches, images)]
    assert seen == [0, 1, 3]
    assert images.left_out == [("2.jpg", TORN)]
    inspection = inspect_source(source)
    assert [(d.kind, d.file, d.detail) for d in inspection.defects] == [
        ("unreadable image", "2.jpg", TORN)
    ]
    assert inspection.images == 4


def test_an_image_without_a_header_is_left_out_where_no_annotation_says_its_size(tmp_path):
    """YOLO knows no sizes: a damaged image must not make its annotation a wrong one."""
    (tmp_path / "data.yaml").write_text("names: [cat]\ntrain: images\nval: images\n")
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for number in range(4):
        (tmp_path / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.2 0.4\n")
        (tmp_path / "images" / f"{number}.jpg").write_bytes(photo(40, 60, seed=number))
    (tmp_path / "images" / "1.jpg").write_bytes(b"")
    (tmp_path / "images" / "2.jpg").write_bytes(b"<html>404</html>")
    source = open_source(f"yolo:{tmp_path / 'data.yaml'}#train")
    assert source.survey.refused == ()
    assert dict(source.survey.damaged) == {
        1: ("1.jpg", "it is empty"),
        2: ("2.jpg", "it is not an image"),
    }
    images = ReadableImages(source)
    batches = eval_batches(source, resizer(), batch_size=1, images=images)
    assert [int(b.indices[0]) for b in named_errors(batches, images)] == [0, 3]
    found = inspect_source(source)
    assert [(d.kind, d.file) for d in found.defects] == [
        ("unreadable image", "1.jpg"),
        ("unreadable image", "2.jpg"),
    ]
    assert (found.images, found.boxes) == (4, 2)
    np.testing.assert_allclose(source[3].boxes, [[0.3, 0.4, 0.7, 0.6]], atol=1e-6)


def test_a_file_that_may_not_be_read_is_a_damaged_image_and_no_wrong_annotation(tmp_path):
    lines = [f"{n}.png,60,40,cat,6,4,30,20" for n in range(3)]
    images = {f"{n}.png": picture(shade=10 * n) for n in range(3)}
    source = open_source(str(write_csv(tmp_path, lines, images)))
    (tmp_path / "1.png").unlink()
    (tmp_path / "1.png").mkdir()
    why = "the image cannot be read: Is a directory"
    assert (dict(source.survey.damaged), source.survey.refused) == ({1: ("1.png", why)}, ())
    (defect,) = inspect_source(source).defects
    assert (defect.kind, defect.file, defect.detail) == ("unreadable image", "1.png", why)


# --- inspection and conversion -------------------------------------------------------------------


def test_inspect_names_a_grey_half_and_says_what_will_happen():
    found = inspect_source(photos(3, {1: closed_early(photo(40, 60))}))
    (defect,) = (d for d in found.defects if d.kind == "unreadable image")
    assert (defect.file, defect.detail) == ("1.png", TORN)
    assert defect.consequence == (
        "left out of training, evaluation and conversion; "
        "the first two refuse more than half of all"
    )


def test_a_conversion_leaves_it_out_and_keeps_the_boxes_of_the_others(tmp_path):
    source = photos(3, {1: closed_early(photo(40, 60))})
    done = convert(source, tmp_path / "out", to="coco")
    assert (done.images, done.skipped) == (2, [("1.png", TORN)])
    (file,) = (tmp_path / "out").glob("*.json")
    coco = json.loads(file.read_text())
    assert [image["file_name"].rsplit("/")[-1] for image in coco["images"]] == ["0.png", "2.png"]
    widths = [round(row["bbox"][2], 3) for row in coco["annotations"]]
    assert widths == [12.0, 14.4]  # 60 pixels × (0.2 + i / 50)
