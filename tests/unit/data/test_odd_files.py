"""Names, encodings and kinds of files that nobody expects: read, or refused in three lines."""

from __future__ import annotations

import errno
import io
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from data_sets import ListSource, picture, record, voc_xml, write_coco, write_csv, write_voc
from PIL import Image
from three_parts import three_parts

from detectune.config.label_map import LabelMap
from detectune.data.check import refuse_damaged
from detectune.data.convert import convert
from detectune.data.image_files import decode_problem, read_facts
from detectune.data.inspect import inspect_source
from detectune.data.sources import tree
from detectune.data.sources.formats import in_priority
from detectune.data.sources.recognise import open_source
from detectune.data.sources.record import repair
from detectune.errors import DataError

CAT = [0.1, 0.1, 0.5, 0.5]


def wrong(source):
    return [d.detail for d in inspect_source(source).defects if d.kind == "wrong annotation"]


def test_a_file_name_that_is_not_utf_8_goes_through_every_format(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name).write_bytes(picture())
    xml = voc_xml("cafe.png", [("cat", 6, 4, 30, 20)])
    (folder / os.fsdecode(b"caf\xe9.xml")).write_text(xml)
    source = open_source(str(folder))
    assert source[0].file_name == name
    json.loads(inspect_source(source).to_json())
    for to in ("tfrecord", "coco", "csv", "voc", "yolo"):
        dest = tmp_path / to / ("a.record" if to == "tfrecord" else "out")
        convert(source, dest, to=to)
        (again,) = open_source(f"{to}:{dest}", source.label_map)
        np.testing.assert_allclose(again.boxes, [CAT], atol=1e-5)


@pytest.mark.parametrize("name", ["a.xml", "data.yaml", "labels.csv", "set.json", "a.record"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    (tmp_path / "a.png").write_bytes(picture())
    os.mkfifo(tmp_path / name)
    for spec in (tmp_path, tmp_path / name):
        with pytest.raises(DataError) as caught:
            refuse_damaged(open_source(str(spec)))
        assert str(caught.value).count("\n") >= 2


@pytest.mark.parametrize("name", ["n" * 300, "a\0b", "a" * 5000])
def test_a_path_that_cannot_exist_is_refused(name):
    with pytest.raises(DataError, match="no such file or folder"):
        open_source(f"voc:{name}")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<?xml version='1.0' encoding='utf-9'?><annotation/>", "unknown encoding"),
        (b"<?xml version='1.0' encoding='shift_jis'?><annotation/>", "multi-byte"),
        (b"\xff\xfe<\x00", "not readable as XML"),
        (b"<annotation>caf\xe9</annotation>", "not well-formed"),
        (b"<annotation>" + b"<a>" * 100_000, "not readable as XML"),
        (b"", "not readable as XML"),
    ],
)
def test_an_xml_that_is_none_is_named(tmp_path, data, word):
    root = write_voc(tmp_path / "v")
    (root / "Annotations/b.xml").write_bytes(data)
    (detail,) = wrong(open_source(f"voc:{root}"))
    assert word in detail


def test_entities_do_not_grow(tmp_path):
    root = write_voc(tmp_path / "v")
    entities = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 20}">' for n in range(1, 12))
    text = f'<!DOCTYPE a [<!ENTITY x0 "{"y" * 50}">{entities}]><annotation>&x11;</annotation>'
    (root / "Annotations/b.xml").write_text(text)
    (detail,) = wrong(open_source(str(root)))
    assert "not readable as XML" in detail


@pytest.mark.parametrize("value", ["1e400", "infinity", "1_000", "\u0663", "0x10", "9" * 5000])
def test_a_number_that_is_none_is_named(tmp_path, value):
    lines = [f"a.png,60,40,cat,{value},4,30,20", "a.png,60,40,cat,6,4,30,20"]
    source = open_source(str(write_csv(tmp_path, lines, {"a.png": picture()})))
    if value == "1e400":  # too large for a float: infinite, and so left out
        assert {d.kind for d in inspect_source(source).defects} == {"box with NaN"}
    else:
        (detail,) = wrong(source)
        assert "xmin" in detail
        assert len(detail) < 300


COCO_VALUES = [
    ("annotations", "bbox", None),
    ("annotations", "bbox", [1, 2, 3]),
    ("annotations", "bbox", ["a", 1, 2, 3]),
    ("annotations", "bbox", {"x": 1}),
    ("annotations", "bbox", [10**400, 0, 1, 1]),
    ("annotations", "area", "large"),
    ("annotations", "iscrowd", "perhaps"),
    ("annotations", "category_id", [1]),
    ("annotations", "category_id", 10**400),
    ("annotations", "image_id", {"a": 1}),
    ("images", "height", "tall"),
    ("images", "height", -5),
    ("images", "height", 1e300),
    ("images", "id", [1]),
    ("images", "file_name", None),
    ("images", "file_name", ["a.png"]),
    ("categories", "id", None),
    ("categories", "name", {}),
]


@pytest.mark.parametrize(("section", "key", "value"), COCO_VALUES)
def test_every_wrong_value_of_coco_is_named(tmp_path, section, key, value):
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 60, "height": 40} for n in (1, 2)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": n, "bbox": [6, 4, 24, 16]} for n in (1, 2)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    content[section][0][key] = value
    images = {f"{n}.png": picture(shade=n) for n in (1, 2)}
    source = open_source(str(write_coco(tmp_path, content, images)))
    found = wrong(source)
    assert found
    assert all(len(text) < 400 for text in found)
    with pytest.raises(DataError):
        refuse_damaged(source)
    right = [record for record in _readable(source) if record.file_name == "2.png"]
    np.testing.assert_allclose(right[0].boxes, [CAT], atol=1e-6)


def _readable(source):
    for index in range(len(source)):
        try:
            yield source[index]
        except DataError:
            continue


@pytest.mark.parametrize("far", [1e8, 1e9, 1e300])
def test_a_corner_that_is_far_away_takes_no_memory(tmp_path, far):
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [6, 4, 24, 16]}
    entry["segmentation"] = [[6, 4, far, 4, 30, 20]]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
        "annotations": [entry],
        "categories": [{"id": 1, "name": "cat"}],
    }
    source = open_source(str(write_coco(tmp_path, content, {"a.png": picture()})))
    defects = inspect_source(source).defects
    assert [d.kind for d in defects] == ["mask leaves the image", "mask cannot be used"]
    assert "pixels away" in defects[1].detail


@pytest.mark.parametrize("size", [[10**6, 10**6], [0, 5], [-1, 5], ["a", "b"], None, [10**400, 1]])
def test_a_size_of_run_lengths_that_is_none_is_named(tmp_path, size):
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [6, 4, 24, 16]}
    entry["segmentation"] = {"size": size, "counts": [5, 5]}
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}],
        "annotations": [entry],
        "categories": [{"id": 1, "name": "cat"}],
    }
    source = open_source(str(write_coco(tmp_path, content, {"a.png": picture()})))
    assert "mask cannot be used" in {d.kind for d in inspect_source(source).defects}


def test_json_that_is_deep_or_huge_is_refused(tmp_path):
    for text in ('{"a":' * 100_000, '{"images": ' + "9" * 5000 + "}", "[" * 10_000, "nul"):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(DataError) as caught:
            open_source(f"coco:{tmp_path / 'a.json'}")
        assert len(str(caught.value)) < 1000
    (tmp_path / "a.json").write_text("<!DOCTYPE html><html>Sign in</html>")
    with pytest.raises(DataError, match="HTML page"):
        open_source(f"coco:{tmp_path / 'a.json'}")


def test_a_long_list_of_names_is_read_in_time(tmp_path):
    (tmp_path / "a.png").write_bytes(picture())
    names = "".join(f"  {n}: class number {n}\n" for n in range(20_000))
    (tmp_path / "data.yaml").write_text(f"names:\n{names}")
    assert len(open_source(str(tmp_path)).label_map) == 20_000


def test_a_link_to_a_folder_is_followed_once(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.png").write_bytes(picture())
    data = tmp_path / "data"
    (data / "labels").mkdir(parents=True)
    (data / "images").symlink_to(tmp_path / "elsewhere")
    (data / "loop").symlink_to(data)
    (data / "labels/a.txt").write_text("0 0.3 0.3 0.4 0.4\n")
    (data / "classes.txt").write_text("cat\n")
    (item,) = open_source(str(data))
    np.testing.assert_allclose(item.boxes, [CAT], atol=1e-6)


def test_of_two_suffixes_the_annotation_says_which(tmp_path):
    for suffix, shade in (("jpg", 9), ("png", 200)):
        kind = {"jpg": "JPEG", "png": "PNG"}[suffix]
        (tmp_path / f"a.{suffix}").write_bytes(picture(kind=kind, shade=shade))
    (tmp_path / "a.xml").write_text(voc_xml("a.png", [("cat", 6, 4, 30, 20)]))
    assert open_source(str(tmp_path))[0].file_name == "a.png"


# --- folders ------------------------------------------------------------------------------------


def test_a_folder_that_is_much_more_than_a_data_set_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "_MOST_ENTRIES", 5)
    for number in range(6):
        (tmp_path / f"{number}.xyz").write_text("")
    with pytest.raises(DataError) as caught:
        open_source(str(tmp_path))
    found, _, next_step = three_parts(caught.value)
    assert found == (
        f"{tmp_path}: more than 5 files and folders are in it; the last that was looked into is "
        f"{tmp_path}."
    )
    assert next_step.startswith("Name the folder of the data set itself")


def test_a_folder_that_vanishes_while_it_is_looked_through_is_empty(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b.jpg").write_text("")
    walk = os.walk

    def vanishing(*words, **options):
        for here, below, names in walk(*words, **options):
            if Path(here).name == "a":
                Path(here).rmdir()
            yield here, below, names

    monkeypatch.setattr(os, "walk", vanishing)
    assert tree.Tree(tmp_path).images() == [tmp_path / "b.jpg"]


def test_a_folder_of_records_may_have_any_name(tmp_path):
    folder = tmp_path / "set [1]"
    folder.mkdir()
    with pytest.raises(DataError) as caught:
        open_source(f"tfrecord:{folder}")
    assert three_parts(caught.value)[0] == f"{folder}: no file matches."
    convert(ListSource([record("a.png"), record("b.png")]), folder / "a.record", to="tfrecord")
    os.mkfifo(folder / "b.record")
    (folder / "c.record").symlink_to("c.record")
    assert len(open_source(f"tfrecord:{folder}", LabelMap.from_names(["cat", "dog"]))) == 2


def test_an_image_that_says_it_is_a_million_times_as_large_as_its_file_is_no_image():
    with io.BytesIO() as buffer:
        Image.new("RGB", (1, 9)).save(buffer, "TIFF")
        data = bytearray(buffer.getvalue())
    place = data.index(struct.pack("<HH", 257, 4))
    data[place : place + 12] = struct.pack("<HHII", 257, 4, 1, 67_108_873)
    with pytest.raises(ValueError, match="says that it has 67,108,873 pixels, and it has"):
        read_facts(bytes(data))
    assert "67,108,873 pixels" in decode_problem(bytes(data))


def test_a_large_picture_of_one_colour_is_an_image():
    with io.BytesIO() as buffer:
        Image.new("1", (6000, 5000)).save(buffer, "PNG")
        data = buffer.getvalue()
    assert (len(data) < 6000, decode_problem(data)) == (True, "")


def test_an_image_that_is_a_link_to_itself_is_missing_and_named(tmp_path):
    write_csv(tmp_path, ["loop.png,60,40,cat,6,4,30,20", "b.png,60,40,cat,6,4,30,20"], {})
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "b.png").write_bytes(picture())
    source = open_source(f"csv:{tmp_path}")
    assert [record.file_name for record in source] == ["b.png"]
    assert "loop.png" in " ".join(str(defect) for defect in source.defects)


def test_an_image_that_becomes_a_pipe_is_not_waited_for(tmp_path):
    header = "filename,class,xmin,ymin,xmax,ymax\n"
    write_csv(tmp_path, ["a.png,cat,6,4,30,20"], {"a.png": picture()}, header)
    source = open_source(f"csv:{tmp_path}")
    (tmp_path / "a.png").unlink()
    os.mkfifo(tmp_path / "a.png")
    for read in (source.image_bytes, source.glance):
        with pytest.raises(DataError) as caught:
            read(0)
        found = three_parts(caught.value)[0]
        assert found == f"{tmp_path / 'a.png'}: the image cannot be read: it is no file."


def test_a_record_that_becomes_a_pipe_is_not_waited_for(tmp_path):
    file = tmp_path / "a.record"
    convert(ListSource([record("a.png")]), file, to="tfrecord")
    source = open_source(f"tfrecord:{file}", LabelMap.from_names(["cat", "dog"]))
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DataError) as caught:
        source[0]
    assert three_parts(caught.value)[0] == f"{file}: cannot be read: it is no file."


@pytest.mark.parametrize("kind", in_priority())
def test_a_pipe_under_the_name_of_a_format_and_a_folder_that_may_not_be_listed_are_named(
    tmp_path, monkeypatch, kind
):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError) as caught:
        refuse_damaged(open_source(f"{kind}:{tmp_path / 'pipe'}"))
    assert f"{tmp_path / 'pipe'}" in str(caught.value)
    assert str(caught.value).count("\n") >= 2

    def forbidden(path=".", *words):
        raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, forbidden)
    with pytest.raises(DataError) as caught:
        refuse_damaged(open_source(f"{kind}:{tmp_path}"))
    assert str(tmp_path) in three_parts(caught.value)[0]
    if kind in ("voc", "cvat", "labelme", "via", "kitti", "csv", "open_images", "images"):
        assert three_parts(caught.value)[0] == f"{tmp_path}: cannot be read: Permission denied."


def test_a_folder_below_that_may_not_be_listed_is_named(tmp_path, monkeypatch, caplog):
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.png").write_bytes(picture())
    scandir = os.scandir

    def partly(path="."):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", partly)
    assert len(open_source(f"images:{tmp_path}")) == 1
    place = tmp_path / "closed"
    assert f"{place}: Permission denied; what is in this folder is left out." in caplog.text


def test_an_infinite_box_without_an_area_is_left_out_without_a_warning():
    boxes = [[np.inf, 0, np.inf, 1], [0.1, 0.1, 0.5, 0.5]]
    given = record(boxes=boxes, ids=(1, 2), areas=[np.nan, np.nan])
    repaired = repair(given)
    np.testing.assert_allclose(repaired.boxes, [CAT])
    np.testing.assert_allclose(repaired.areas, [0.4 * 40 * 0.4 * 60], rtol=1e-5)
