"""A data set keeps its boxes through every format, and nothing is lost or half written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml
from data_sets import ListSource, files_in, picture, record, write_csv, write_voc
from shared import shared_folder

from detectune.config.label_map import LabelMap, read_label_map
from detectune.data.convert import WRITABLE, convert, split, write_split
from detectune.data.sources.reclassed import Reclassed
from detectune.data.sources.recognise import open_source
from detectune.errors import ConfigError, DataError, WriteError

BOX = [0.1, 0.1, 0.5, 0.5]


def place_of(folder, kind):
    return folder / ("data.record" if kind == "tfrecord" else kind)


def passed_on(source, folder, *kinds):
    """`source` written and read in each of `kinds`, one after the other."""
    for kind in kinds:
        dest = place_of(folder / kind, kind)
        convert(source, dest, to=kind)
        source = open_source(f"{kind}:{dest}", read_label_map_of(dest, kind))
    return source


def read_label_map_of(dest, kind):
    folder = dest.parent if kind == "tfrecord" else dest
    return read_label_map(folder / "label_map.pbtxt")


def assert_same(source, other):
    assert len(source) == len(other)
    assert source.label_map == other.label_map
    by_name = {r.file_name: r for r in other}
    for read in source:
        twin = by_name[read.file_name]
        np.testing.assert_allclose(read.boxes, twin.boxes, atol=2e-5)
        np.testing.assert_array_equal(read.class_ids, twin.class_ids)
        assert (read.height, read.width) == (twin.height, twin.width)
        assert read.image == twin.image


@pytest.mark.parametrize("kind", WRITABLE)
def test_every_format_gives_back_what_it_was_given(tmp_path, kind):
    source = open_source(str(write_voc(tmp_path / "v")))
    assert_same(source, passed_on(source, tmp_path, kind))


def test_boxes_survive_a_chain_of_formats(tmp_path):
    source = open_source(str(write_voc(tmp_path / "v")))
    assert_same(source, passed_on(source, tmp_path, "tfrecord", "coco", "csv", "yolo", "voc"))


def test_pixel_coordinates_are_those_of_the_original_file(tmp_path):
    folder = shared_folder() / "datasets" / "raccoon" / "data"
    source = open_source(str(folder / "test_labels.csv"))
    passed_on(source, tmp_path, "tfrecord", "csv")
    written = (tmp_path / "csv" / "csv" / "labels.csv").read_text().splitlines()[1:]
    rows = {tuple(line.replace(".0,", ",").removesuffix(".0").split(",")) for line in written}
    given = (folder / "test_labels.csv").read_text().splitlines()[1:]
    assert rows == {tuple(line.split(",")) for line in given}


def test_coco_keeps_crowds_and_areas(tmp_path):
    source = ListSource(
        [record(boxes=[[0, 0, 0.5, 0.5]] * 2, ids=[1, 2], is_crowd=[0, 1], areas=[7.25, 9])]
    )
    convert(source, tmp_path / "c", to="coco")
    read = open_source(str(tmp_path / "c"))[0]
    assert read.is_crowd.tolist() == [False, True]
    assert read.areas.tolist() == [7.25, 9.0]


def test_ids_with_gaps_keep_their_classes_in_yolo(tmp_path):
    source = ListSource([record(ids=[5])], names=("a", "b", "c", "d", "e"))
    convert(source, tmp_path / "y", to="yolo")
    read = open_source(f"yolo:{tmp_path / 'y'}")
    assert read[0].class_ids.tolist() == [5]
    assert read.label_map.items[4].name == "e"


def test_images_of_the_same_name_both_survive(tmp_path):
    source = ListSource(
        [record("x/a.png", image=picture(shade=1)), record("y/a.png", image=picture(shade=2))]
    )
    convert(source, tmp_path / "v", to="voc")
    read = open_source(str(tmp_path / "v"))
    assert len({r.image for r in read}) == 2


def test_a_mislabelled_or_odd_image_gets_the_name_of_its_content(tmp_path):
    records = [record("a.jpg"), record("b.jpg", image=picture(kind="WEBP"))]
    convert(ListSource(records), tmp_path / "c", to="csv")
    assert {"images/a.png", "images/b.png"} <= files_in(tmp_path / "c")


def test_a_turned_picture_is_written_upright(tmp_path):
    turned = picture(60, 40, "JPEG", orientation=6)
    convert(
        ListSource([record("a.jpg", image=turned, height=60, width=40)]), tmp_path / "c", to="csv"
    )
    read = open_source(str(tmp_path / "c"))[0]
    assert (read.height, read.width) == (60, 40)
    assert b"Exif" not in read.image


def damaged():
    records = [
        record("a.png"),
        record("cut.png", image=picture()[:-20]),
        record("e.png", image=b""),
    ]
    return ListSource(records)


@pytest.mark.parametrize("kind", WRITABLE)
def test_damaged_images_are_left_out_and_listed(tmp_path, kind):
    result = convert(damaged(), place_of(tmp_path, kind), to=kind)
    assert result.images == 1
    assert [name for name, _ in result.skipped] == ["cut.png", "e.png"]
    assert len(open_source(f"{kind}:{place_of(tmp_path, kind)}")) == 1


@pytest.mark.parametrize("kind", WRITABLE)
def test_strict_refuses_a_damaged_image_and_leaves_nothing(tmp_path, kind):
    with pytest.raises(DataError, match=r"cut\.png"):
        convert(damaged(), place_of(tmp_path / "new", kind), to=kind, strict=True)
    assert files_in(tmp_path) <= {"new"}


def test_only_damaged_images_are_refused(tmp_path):
    source = ListSource([record(image=b"")])
    with pytest.raises(DataError, match="none of its images"):
        convert(source, tmp_path / "c", to="csv")
    assert files_in(tmp_path) == set()


def test_clipped_and_dropped_boxes_are_counted(tmp_path):
    boxes = [[-0.1, 0, 0.5, 0.5], [0.2, 0.2, 0.2, 0.4], [0, 0, 1, 1]]
    result = convert(ListSource([record(boxes=boxes, ids=[1] * 3)]), tmp_path / "c", to="coco")
    assert (result.clipped, result.dropped) == (1, 1)
    assert len(json.loads((tmp_path / "c" / "annotations.json").read_text())["annotations"]) == 2


def test_an_existing_folder_is_refused_and_untouched(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine.txt").write_text("precious")
    with pytest.raises(DataError, match="not empty"):
        convert(ListSource([record()]), tmp_path / "c", to="coco")
    assert files_in(tmp_path) == {"c", "c/mine.txt"}


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(WriteError, match="No space left"):
        convert(ListSource([record()]), tmp_path / "c", to="voc")
    assert files_in(tmp_path) == set()


def test_a_file_where_a_folder_should_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="could not be written"):
        convert(ListSource([record()]), tmp_path / "file" / "c", to="csv")


def test_other_classes_beside_the_records_are_refused(tmp_path):
    convert(ListSource([record()]), tmp_path / "train.record", to="tfrecord")
    other = ListSource([record()], names=("cat", "bird"))
    with pytest.raises(DataError, match="2 bird, 2 dog"):
        convert(other, tmp_path / "val.record", to="tfrecord")
    assert files_in(tmp_path) == {"train.record", "label_map.pbtxt"}


@pytest.mark.parametrize(("to", "shards"), [("kitti", 1), ("tfrecord", 0)])
def test_wrong_arguments_are_refused(tmp_path, to, shards):
    with pytest.raises(ConfigError):
        convert(ListSource([record()]), tmp_path / "c", to=to, shards=shards)


def many(count):
    return ListSource([record(f"{i}.png", image=picture(shade=i)) for i in range(count)])


def test_parts_have_their_sizes_and_share_nothing():
    parts = split(many(20), [0.8, 0.1, 0.1], seed=3)
    assert [len(p) for p in parts] == [16, 2, 2]
    names = [r.file_name for part in parts for r in part]
    assert sorted(names) == sorted(f"{i}.png" for i in range(20))
    assert [len(p) for p in split(many(3), [0.8, 0.1, 0.1])] == [1, 1, 1]


def test_a_split_depends_on_the_seed_only():
    def names(seed):
        return [r.file_name for r in split(many(20), [0.5, 0.5], seed)[0]]

    assert names(1) == names(1)
    assert names(1) != names(2)


def test_equal_images_stay_in_one_part():
    twins = [record(f"{i}.png", image=picture(shade=i // 2)) for i in range(20)]
    for seed in range(5):
        one, other = split(ListSource(twins), [0.5, 0.5], seed)
        assert not {r.image for r in one} & {r.image for r in other}


@pytest.mark.parametrize("ratios", [[1.0], [0.5, 0.4], [1.5, -0.5], [0.5, 0.5, 0.0]])
def test_wrong_ratios_are_refused(ratios):
    with pytest.raises(ConfigError, match="add up to 1"):
        split(many(5), ratios)


def test_too_few_images_are_refused():
    with pytest.raises(ConfigError, match="2 different images for 3 parts"):
        split(many(2), [0.4, 0.3, 0.3])


def test_a_written_split_is_complete(tmp_path):
    done = write_split(many(10), tmp_path / "s", [0.8, 0.1, 0.1])
    assert list(done) == ["train", "val", "test"]
    expected = {"train.record", "val.record", "test.record", "label_map.pbtxt"}
    assert files_in(tmp_path / "s") == expected
    assert all(file.is_file() for c in done.values() for file in c.files)
    assert len(open_source(str(tmp_path / "s" / "train.record"))) == 8
    assert read_label_map(tmp_path / "s" / "label_map.pbtxt") == LabelMap.from_names(["cat", "dog"])


def test_a_split_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(DataError):
        write_split(damaged(), tmp_path / "s", [0.5, 0.5], strict=True)
    assert files_in(tmp_path) == set()


def test_a_csv_without_objects_anywhere_goes_through(tmp_path):
    file = write_csv(tmp_path / "c", ["a.png,60,40,,,,,"], {"a.png": picture()})
    result = convert(open_source(str(file), LabelMap.from_names(["cat"])), tmp_path / "v", to="voc")
    assert result.images == 1
    assert open_source(str(tmp_path / "v"))[0].class_ids.tolist() == []


class TestClasses:
    def records(self):
        return ListSource(
            [
                record("a.png", boxes=[BOX, BOX], ids=[1, 2]),
                record("b.png", boxes=[BOX], ids=[3], image=picture(shade=9)),
            ],
            names=("cat", "tom", "dog"),
        )

    def test_renamed_classes_with_one_name_are_merged(self):
        changed = Reclassed(self.records(), {"tom": "cat"})
        assert [(i.id, i.name) for i in changed.label_map.items] == [(1, "cat"), (2, "dog")]
        assert [item.class_ids.tolist() for item in changed] == [[1, 1], [2]]

    def test_a_renamed_class_keeps_its_id(self):
        changed = Reclassed(self.records(), {"tom": "tiger"})
        assert changed.label_map.names == ("cat", "tiger", "dog")
        assert changed[0].class_ids.tolist() == [1, 2]

    def test_two_names_can_be_exchanged(self):
        changed = Reclassed(self.records(), {"tom": "dog", "dog": "tom"})
        assert changed.label_map.names == ("cat", "dog", "tom")

    def test_the_boxes_of_a_dropped_class_go_and_its_images_stay(self):
        changed = Reclassed(self.records(), {}, ["dog"])
        assert changed.label_map.names == ("cat", "tom")
        assert [len(item.boxes) for item in changed] == [2, 0]
        assert changed.survey.boxes == 2

    def test_a_label_map_numbers_the_new_names(self):
        wanted = LabelMap.from_names(["dog", "cat"])
        changed = Reclassed(self.records(), {"tom": "cat"}, label_map=wanted)
        assert [item.class_ids.tolist() for item in changed] == [[2, 2], [1]]

    @pytest.mark.parametrize(
        ("rename", "drop", "word"),
        [
            ({"tomm": "cat"}, [], 'Did you mean "tom"'),
            ({}, ["cow"], 'no class "cow"'),
            ({"cat": "x"}, ["cat"], "renamed and dropped"),
            ({"cat": " "}, [], "is empty"),
            ({}, ["cat", "tom", "dog"], "every class"),
        ],
    )
    def test_what_cannot_be_is_refused(self, rename, drop, word):
        with pytest.raises(ConfigError, match=word):
            Reclassed(self.records(), rename, drop)


def test_a_split_for_yolo_has_one_data_yaml_that_a_yaml_reader_and_we_read(tmp_path):
    names = ("no", "a: b", "ümlaut")
    source = ListSource(
        [record(f"{n}.png", ids=[n % 3 + 1], image=picture(shade=n)) for n in range(10)], names
    )
    parts = write_split(source, tmp_path / "out", (0.8, 0.1, 0.1), to="yolo")
    assert [file.name for file in (tmp_path / "out").rglob("*.yaml")] == ["data.yaml"]
    content = yaml.safe_load((tmp_path / "out/data.yaml").read_text("utf-8"))
    assert content["names"] == {0: "no", 1: "a: b", 2: "ümlaut"}
    for name, count in (("train", 8), ("val", 1), ("test", 1)):
        images = tmp_path / "out" / content[name]
        assert len(list(images.iterdir())) == count
        again = open_source(f"{tmp_path / 'out/data.yaml'}#{name}")
        assert again.label_map.names == names
        assert len(again) == count
        assert all(len(item.boxes) == 1 for item in again)
    assert all(file.exists() for part in parts.values() for file in part.files)
