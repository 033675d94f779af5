"""Kept records: whole or not there, what is damaged is noticed, numbers are what they were."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest
import tensorflow as tf
from three_parts import three_parts

from detectune.config import schema
from detectune.data.kept.numbers import numbers_of
from detectune.data.kept.store import (
    INDEX,
    RECORDS,
    Index,
    Store,
    StoreWriter,
    new_store,
    open_store,
    remove_unfinished,
)
from detectune.errors import ConfigError, WriteError

DTYPE = np.dtype([("kept/0", "<f2", (2, 3)), ("truth/valid", "|b1", (4,)), ("n", "<i4", ())])
COUNT = 5


def record(number: int) -> dict[str, np.ndarray]:
    return {
        "kept/0": np.full((2, 3), number / 2, np.float16),
        "truth/valid": np.arange(4) < number,
        "n": np.int32(number),
    }


def written(path, *, without=()):
    with new_store(path, DTYPE, COUNT, Index("key", {"seconds": 1.5}, [])) as writer:
        for entry in reversed(range(COUNT)):
            if entry not in without:
                writer.write(entry, record(entry))
    store = open_store(path, DTYPE, COUNT, "key")
    assert isinstance(store, Store)
    return store


def spoil(path, place: int) -> None:
    with open(path / RECORDS, "r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 1]))


def test_records_are_read_as_they_were_written(tmp_path):
    store = written(tmp_path / "a", without=[2])
    for name in DTYPE.names or ():
        found = store.read([4, 0, 4], name)
        expected = np.stack([record(n)[name] for n in (4, 0, 4)])
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    assert [store.holds(entry) for entry in range(COUNT)] == [True, True, False, True, True]
    assert store.index.facts == {"seconds": 1.5}
    assert store.damaged() == []


def test_a_damaged_record_is_noticed_and_mended_and_no_other(tmp_path):
    store = written(tmp_path / "a")
    spoil(tmp_path / "a", 3 * DTYPE.itemsize + 1)
    store = open_store(tmp_path / "a", DTYPE, COUNT, "key")
    assert isinstance(store, Store)
    assert store.damaged() == [3]
    store.mend(3, record(3))
    again = open_store(tmp_path / "a", DTYPE, COUNT, "key")
    assert isinstance(again, Store)
    assert again.damaged() == []
    np.testing.assert_array_equal(again.read([3], "kept/0")[0], record(3)["kept/0"])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: os.truncate(path / RECORDS, DTYPE.itemsize), "they are not complete"),
        (lambda path: (path / RECORDS).unlink(), "cannot be read"),
        (lambda path: (path / INDEX).write_text("{"), "cannot be read"),
        (lambda path: (path / INDEX).write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda path: (path / INDEX).write_text("[]"), "cannot be read"),
    ],
)
def test_a_store_that_is_not_whole_does_not_serve(tmp_path, harm, said):
    written(tmp_path / "a")
    harm(tmp_path / "a")
    found = open_store(tmp_path / "a", DTYPE, COUNT, "key")
    assert isinstance(found, str)
    assert said in found


def test_a_store_of_something_else_does_not_serve(tmp_path):
    written(tmp_path / "a")
    other = np.dtype([("kept/0", "<f4", (2, 3))])
    for dtype, count, key in ((DTYPE, COUNT, "other"), (other, COUNT, "key"), (DTYPE, 4, "key")):
        assert isinstance(open_store(tmp_path / "a", dtype, count, key), str)
    index = json.loads((tmp_path / "a" / INDEX).read_text())
    (tmp_path / "a" / INDEX).write_text(json.dumps(index | {"version": 0}))
    assert open_store(tmp_path / "a", DTYPE, COUNT, "key").startswith("they belong to other")
    assert open_store(tmp_path / "nowhere", DTYPE, COUNT, "key") == ""


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_a_killed_process_leaves_does_not_count_and_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(StoreWriter, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".unfinished-a-12345678").mkdir()
    (tmp_path / ".unfinished-a-12345678" / RECORDS).write_bytes(b"half")
    assert open_store(tmp_path / "a", DTYPE, COUNT, "key") == ""
    remove_unfinished(tmp_path, shared=True)  # somebody may be writing it
    assert len(list(tmp_path.iterdir())) == 1
    left = tmp_path / ".unfinished-a-12345678"
    for place in (left / RECORDS, left):
        os.utime(place, (0, 0))
    remove_unfinished(tmp_path, shared=True)
    assert list(tmp_path.iterdir()) == []
    left.mkdir()
    remove_unfinished(tmp_path, shared=False)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(StoreWriter, "write", full)
    with pytest.raises(WriteError) as caught:
        written(tmp_path / "a")
    assert "there is no space left on the disk" in three_parts(caught.value)[0]
    assert list(tmp_path.iterdir()) == []


def test_an_older_store_stands_until_the_new_one_is_whole(tmp_path):
    written(tmp_path / "a")
    with pytest.raises(RuntimeError), new_store(tmp_path / "a", DTYPE, COUNT, Index("b", {}, [])):
        raise RuntimeError
    assert isinstance(open_store(tmp_path / "a", DTYPE, COUNT, "key"), Store)


VALUES = np.array([0.0, -1.5, 3.14159, 6.0, 1e-6, -65504.0, 1.00390625], np.float32)


@pytest.mark.parametrize(("name", "rounding"), [("FLOAT32", 0.0), ("FLOAT16", 2**-11)])
def test_numbers_are_kept_to_the_precision_of_their_type(name, rounding):
    numbers = numbers_of(schema.FeatureCache(type=schema.FeatureCache.Type.Value(name)))
    kept = numbers.encode(VALUES)
    assert kept.dtype == numbers.kept
    found = numbers.decode(tf.constant(kept)).numpy().astype(np.float32)
    np.testing.assert_allclose(found, VALUES, rtol=rounding, atol=3e-8 if rounding else 0.0)


def test_bfloat16_is_rounded_as_tensorflow_does():
    numbers = numbers_of(schema.FeatureCache(type=schema.FeatureCache.BFLOAT16))
    many = np.random.default_rng(0).normal(size=1000).astype(np.float32) * 1e6
    values = np.concatenate([VALUES, many, [3.0e38]]).astype(np.float32)
    found = numbers.decode(tf.constant(numbers.encode(values))).numpy()
    expected = tf.cast(tf.cast(values, tf.bfloat16), tf.float32).numpy()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("value", "said"), [(70000.0, "values up to 7e+04"), (np.nan, "no numbers"), (np.inf, "no num")]
)
def test_numbers_that_do_not_fit_are_refused(value, said):
    numbers = numbers_of(schema.FeatureCache())
    assert numbers.name == "FLOAT16"
    with pytest.raises(ConfigError) as caught:
        numbers.encode(np.array([1.0, value], np.float32))
    assert said in three_parts(caught.value)[0]
