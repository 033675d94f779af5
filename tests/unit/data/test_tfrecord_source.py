"""Records are found by their index, and whatever is wrong with a file is said with its byte."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import tensorflow as tf
from data_sets import files_in, picture, record
from shared import shared_folder

from detectune.config.label_map import LabelMap, LabelMapItem
from detectune.data.check import refuse_damaged
from detectune.data.sources.recognise import open_source
from detectune.data.sources.tfrecord_index import masked_crc32c, read_index
from detectune.data.tfrecord_writer import tf_example, write_tfrecords
from detectune.errors import DataError, WriteError

CLASSES = LabelMap.from_names(["cat", "dog"])


def write(path, *messages):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for message in messages:
            writer.write(message.SerializeToString())
    return path


def example(**changes) -> tf.train.Example:
    """A whole record; a change to None removes the key (`__` stands for `/`)."""
    message = tf_example(record(), {1: "cat", 2: "dog"})
    for name, value in changes.items():
        key = "image/" + name.replace("__", "/")
        del message.features.feature[key]
        if value is not None:
            message.features.feature[key].CopyFrom(value)
    return message


def texts(*values: str) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode() for v in values]))


def integers(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def test_checksum_equals_the_published_check_value():
    # Source: RFC 3720, B.4: crc32c of 32 zero bytes is 8A9136AA; masked as TFRecords do.
    crc = 0x8A9136AA
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc32c(bytes(32)) == masked


def test_index_points_at_the_data_of_each_record(tmp_path):
    first, second = example(), example(object__class__text=texts("dog"))
    path = write(tmp_path / "a.record", first, second)
    entries = read_index(str(path))
    data = path.read_bytes()
    found = [data[e.offset : e.offset + e.length] for e in entries]
    assert found == [first.SerializeToString(), second.SerializeToString()]


def test_everything_written_is_read_again(tmp_path):
    written = record(
        "x.png",
        boxes=[[0.1, 0.2, 0.5, 0.75], [0.0, 0.0, 1.0, 1.0]],
        ids=[2, 1],
        difficult=[True, False],
        is_crowd=[False, True],
        group_of=[True, True],
        weights=[0.5, 1.0],
        areas=[12.5, 2400.0],
        source_id="77",
    )
    write_tfrecords([written], tmp_path / "a.record", CLASSES)
    read = open_source(str(tmp_path / "a.record"), CLASSES)[0]
    for name, value in written._asdict().items():
        np.testing.assert_array_equal(getattr(read, name), value, err_msg=name)


def test_image_without_objects_is_a_record_without_boxes(tmp_path):
    write_tfrecords([record(boxes=[], ids=[])], tmp_path / "a.record", CLASSES)
    read = open_source(str(tmp_path / "a.record"), CLASSES)[0]
    assert read.boxes.shape == (0, 4)
    assert read.class_ids.shape == (0,)


def test_shards_hold_every_record_once_in_turn(tmp_path):
    records = [record(f"{i}.png") for i in range(5)]
    files = write_tfrecords(records, tmp_path / "a.record", CLASSES, shards=2)
    assert [f.name for f in files] == ["a.record-00000-of-00002", "a.record-00001-of-00002"]
    source = open_source(f"tfrecord:{tmp_path}/a.record-?????-of-00002", CLASSES)
    assert [r.file_name for r in source] == ["0.png", "2.png", "4.png", "1.png", "3.png"]


def test_several_files_are_joined_by_commas(tmp_path):
    one, two = write(tmp_path / "1.record", example()), write(tmp_path / "2.record", example())
    assert len(open_source(f"{one},{two}", CLASSES)) == 2


def test_the_original_api_reads_what_is_written(tmp_path):
    write_tfrecords([record()], tmp_path / "a.record", CLASSES)
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/format": tf.io.FixedLenFeature([], tf.string),
        "image/key/sha256": tf.io.FixedLenFeature([], tf.string),
        "image/object/bbox/ymin": tf.io.VarLenFeature(tf.float32),
        "image/object/class/label": tf.io.VarLenFeature(tf.int64),
    }
    dataset = tf.data.TFRecordDataset(str(tmp_path / "a.record"))  # checks the data's checksum
    parsed = tf.io.parse_single_example(next(iter(dataset)), features)
    assert parsed["image/format"] == b"png"
    assert len(parsed["image/key/sha256"].numpy()) == 64
    assert tf.sparse.to_dense(parsed["image/object/class/label"]).numpy().tolist() == [1]


def test_text_counts_before_the_label(tmp_path):
    path = write(tmp_path / "a.record", example(object__class__text=texts("dog")))
    assert open_source(str(path), CLASSES)[0].class_ids.tolist() == [2]


def test_label_counts_where_there_is_no_text(tmp_path):
    message = example(object__class__text=None, object__class__label=integers(2))
    assert open_source(str(write(tmp_path / "a.record", message)), CLASSES)[0].class_ids == [2]


def test_display_names_are_found_too(tmp_path):
    names = LabelMap((LabelMapItem(1, "/m/01yrx", "cat"), LabelMapItem(2, "/m/0bt9lr", "dog")))
    path = write(tmp_path / "a.record", example())
    assert open_source(str(path), names)[0].class_ids.tolist() == [1]


def test_derived_label_map_keeps_the_written_labels(tmp_path):
    message = example(object__class__text=texts("bee"), object__class__label=integers(5))
    path = write(tmp_path / "a.record", example(), message)
    items = open_source(str(path)).label_map.items
    assert [(item.id, item.name) for item in items] == [(1, "cat"), (5, "bee")]


def test_raccoon_records_equal_the_csv_they_were_made_from():
    data = shared_folder() / "datasets/raccoon/data"
    records = open_source(str(data / "test.record"))
    lines = open_source(str(data / "test_labels.csv"))
    by_name = {r.file_name: r for r in lines}
    same = [r for r in records if r.file_name in by_name]
    assert len(same) == len({r.file_name for r in same}) > 5
    for read in same:
        assert read.height == by_name[read.file_name].height
        np.testing.assert_allclose(
            np.sort(read.boxes, axis=0), np.sort(by_name[read.file_name].boxes, axis=0), atol=1e-6
        )


def refuses(spec, *parts, classes=CLASSES):
    with pytest.raises(DataError) as caught:
        refuse_damaged(open_source(str(spec), classes))
    message = str(caught.value)
    assert message.count("\n") >= 2, "an error has three parts"
    for part in parts:
        assert part in message


def test_a_file_that_is_no_record_is_refused(tmp_path):
    path = tmp_path / "a.record"
    path.write_bytes(b"this is a text, not a record")
    refuses(path, "a.record", "not a TFRecord", "byte 8")


def test_a_truncated_record_is_refused_with_its_byte(tmp_path):
    path = write(tmp_path / "a.record", example(), example())
    begin = read_index(str(path))[1].offset - 12
    path.write_bytes(path.read_bytes()[:-10])
    refuses(path, f"ends at byte {path.stat().st_size}", f"begins at byte {begin}")


def test_a_file_cut_inside_a_header_is_refused(tmp_path):
    path = write(tmp_path / "a.record", example())
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"12345")
    refuses(path, f"begins at byte {size}")


def test_a_damaged_length_is_refused_with_its_byte(tmp_path):
    path = write(tmp_path / "a.record", example(), example())
    begin = read_index(str(path))[1].offset - 12
    data = bytearray(path.read_bytes())
    data[begin] ^= 1
    path.write_bytes(data)
    refuses(path, f"damaged at byte {begin}")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.record").write_bytes(b"")
    refuses(tmp_path / "a.record", "no record")


def test_a_record_that_is_no_example_is_refused(tmp_path):
    path = tmp_path / "a.record"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"\xff\xff not a message")
    refuses(path, "byte 0", "not a tf.Example")


def test_a_wrong_image_key_is_refused_with_the_keys_there(tmp_path):
    path = write(tmp_path / "a.record", example(encoded=None))
    refuses(path, "no image/encoded", "image/filename", "byte 0")


def test_an_unknown_class_is_refused_with_a_suggestion(tmp_path):
    path = write(tmp_path / "a.record", example(object__class__text=texts("dgo")))
    refuses(path, "a.png", 'class "dgo"', 'Did you mean "dog"?')


def test_an_unknown_label_is_refused(tmp_path):
    message = example(object__class__text=None, object__class__label=integers(9))
    refuses(write(tmp_path / "a.record", message), "a.png", 'class "9"')


def test_corners_of_different_number_are_refused(tmp_path):
    path = write(tmp_path / "a.record", example(object__bbox__ymin=None))
    refuses(path, "0, 1, 1, 1 values")


def test_boxes_without_class_are_refused(tmp_path):
    message = example(object__class__text=None, object__class__label=None)
    refuses(write(tmp_path / "a.record", message), "1 box, but 0 class texts")


def test_a_missing_shard_is_refused_by_name(tmp_path):
    write(tmp_path / "a.record-00000-of-00003", example())
    write(tmp_path / "a.record-00002-of-00003", example())
    refuses(f"{tmp_path}/a.record-?????-of-00003", "1 of 3 shards", "a.record-00001-of-00003")


def test_a_folder_with_two_sets_is_refused(tmp_path):
    write(tmp_path / "test.record", example())
    write(tmp_path / "train.record-00000-of-00001", example())
    refuses(tmp_path, "several sets", "test.record, train.record")


def test_a_folder_with_one_set_is_read(tmp_path):
    for number in range(2):
        write(tmp_path / f"a.record-0000{number}-of-00002", example())
    (tmp_path / "label_map.pbtxt").write_text("item { }")
    assert len(open_source(str(tmp_path), CLASSES)) == 2


def test_a_pattern_without_files_is_refused(tmp_path):
    refuses(f"tfrecord:{tmp_path}/none-*.record", "no file matches", "current folder")


def test_a_gzip_file_is_refused(tmp_path):
    path = tmp_path / "a.record"
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        writer.write(example().SerializeToString())
    refuses(path, "not a TFRecord", "GZIP")


def test_a_length_beyond_the_file_is_truncation(tmp_path):
    header = struct.pack("<Q", 1000)
    path = tmp_path / "a.record"
    path.write_bytes(header + struct.pack("<I", masked_crc32c(header)) + b"short")
    refuses(path, "ends at byte 17")


def test_nothing_is_left_when_a_record_cannot_be_made(tmp_path):
    def records():
        yield record()
        raise DataError("broken")

    with pytest.raises(DataError):
        write_tfrecords(records(), tmp_path / "a.record", CLASSES, shards=2)
    assert files_in(tmp_path) == set()


def test_nothing_is_left_when_the_disk_fails(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "a.record").write_bytes(b"old")
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(WriteError, match="No space left"):
        write_tfrecords([record()], tmp_path / "a.record", CLASSES)
    assert files_in(tmp_path) == {"a.record"}
    assert (tmp_path / "a.record").read_bytes() == b"old"


def test_webp_and_turned_images_are_written_so_that_the_original_reads_them(tmp_path):
    turned = picture(60, 40, "JPEG", orientation=6)
    records = [
        record("a.webp", image=picture(kind="WEBP")),
        record("b.jpg", image=turned, height=60, width=40),
    ]
    write_tfrecords(records, tmp_path / "a.record", CLASSES)
    first, second = open_source(str(tmp_path / "a.record"), CLASSES)
    assert first.image[:4] == b"\x89PNG"
    assert tf.io.decode_jpeg(second.image).shape == (60, 40, 3)
