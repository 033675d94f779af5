"""Images in folders that are called like their classes."""

from __future__ import annotations

import numpy as np
import pytest
from data_sets import picture
from three_parts import three_parts

from detectune.config.label_map import LabelMap
from detectune.data.check import check_source
from detectune.data.convert import convert
from detectune.data.sources.recognise import open_source, recognise
from detectune.errors import DataError


def write(root, *names: str):
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(shade=number))
    return str(root)


def test_a_folder_for_each_class_gives_whole_images_with_its_name(tmp_path):
    spec = write(tmp_path, "owl/1.png", "cat/1.png", "cat/old/2.png")
    assert recognise(spec) == "folders"
    source = open_source(spec)
    assert source.name == f"folders:{spec}"
    assert source.label_map.names == ("cat", "owl")
    records = list(source)
    assert [record.source_id for record in records] == ["cat/1.png", "cat/old/2.png", "owl/1.png"]
    assert [record.class_ids.tolist() for record in records] == [[1], [1], [2]]
    for record in records:
        np.testing.assert_array_equal(record.boxes, [[0, 0, 1, 1]])
        assert (record.height, record.width) == (40, 60)


def test_parts_of_such_a_data_set_are_parts(tmp_path):
    spec = write(tmp_path, "train/cat/1.png", "train/dog/1.png", "val/cat/2.png", "val/dog/2.png")
    assert recognise(spec) == "folders"
    assert len(open_source(spec)) == 4
    part = open_source(f"{spec}#val")
    assert part.label_map.names == ("cat", "dog")
    assert [record.source_id for record in part] == ["cat/2.png", "dog/2.png"]


@pytest.mark.parametrize(
    "names",
    [
        ("train/1.png", "test/2.png"),  # parts, and no classes
        ("cat/1.png",),  # one folder may be called anything
        ("1.png", "cat/1.png", "dog/1.png"),
    ],
)
def test_other_folders_of_images_are_images_without_objects(names, tmp_path):
    spec = write(tmp_path, *names)
    assert recognise(spec) == "images"
    assert sum(len(record.boxes) for record in open_source(spec)) == 0


def test_named_as_such_one_class_is_enough_and_what_is_beside_is_reported(tmp_path):
    spec = write(tmp_path, "cat/1.png", "stray.png")
    source = open_source(f"folders:{spec}")
    assert len(source) == 1
    assert ("unused file", "stray.png") in [(one.kind, one.file) for one in source.defects]


def test_no_detector_is_trained_on_classes_of_whole_images(tmp_path):
    source = open_source(write(tmp_path, "cat/1.png", "dog/1.png"))
    with pytest.raises(DataError) as caught:
        check_source(source)
    found, _, next_step = three_parts(caught.value)
    assert found.endswith("its images have classes, from the names of their folders, and no boxes.")
    assert "detectune features extract folders:" in next_step


def test_a_folder_without_classes_is_refused_by_name(tmp_path):
    spec = write(tmp_path, "1.png")
    with pytest.raises(DataError, match="there is no image in a folder in it") as caught:
        open_source(f"folders:{spec}")
    three_parts(caught.value)


@pytest.mark.parametrize("to", ["coco", "voc", "yolo", "csv", "tfrecord"])
def test_images_of_one_name_in_two_classes_are_both_converted(tmp_path, to):
    source = open_source(write(tmp_path / "data", "cat/1.png", "dog/1.png"))
    dest = tmp_path / ("new.record" if to == "tfrecord" else "new")
    assert convert(source, dest, to=to).images == 2
    again = open_source(f"{to}:{dest}", LabelMap.from_names(["cat", "dog"]))
    assert sorted(record.class_ids.tolist() for record in again) == [[1], [2]]
    shades = {int(record.class_ids[0]): record.image for record in again}
    assert shades[1] == picture(shade=0)
    assert shades[2] == picture(shade=1)
    check_source(again)  # somebody wanted boxes around whole images
