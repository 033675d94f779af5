"""Mutated annotations and images: a three-part error or a listed defect, in bounded time."""

from __future__ import annotations

import io
import random
import resource
import shutil
import time

import numpy as np
import pytest
from annotation_inputs import writers
from PIL import Image

from detectune.config.label_map import LabelMap
from detectune.data.check import check_source
from detectune.data.inspect import inspect_source
from detectune.data.sources.base import make_record
from detectune.data.sources.recognise import open_source
from detectune.data.tfrecord_writer import tf_example
from detectune.errors import DataError

QUICK, MANY = 12, 900
_SLOWEST = 10.0  # seconds of CPU
_MOST_MEMORY = 1 << 30


def picture(kind: str, mode: str = "RGB") -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    import tensorflow as tf

    file = tmp_path_factory.mktemp("records") / "a.record"
    record = make_record(
        file_name="a.png",
        boxes=[[0.1, 0.1, 0.5, 0.5]],
        class_ids=[1],
        image=picture("PNG"),
        height=40,
        width=60,
        areas=[384.0],
    )
    with tf.io.TFRecordWriter(str(file)) as writer:
        for _ in range(2):
            writer.write(tf_example(record, {1: "cat"}).SerializeToString())
    kinds = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
    return writers(file.read_bytes(), {kind: picture(kind) for kind in kinds})


NAMES = (
    ["coco", "labelme", "via", "label_studio", "voc", "cvat", "csv", "open_images", "kitti"]
    + ["yolo labels", "yolo names", "yolo list", "tfrecord"]
    + [f"image {kind}" for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")]
)


def look_at(inputs, name: str, count: int, tmp_path) -> tuple[int, int]:
    """(inputs refused, defects found) of `count` mutated data sets."""
    refused = defects = 0
    for seed in range(count):
        rng = random.Random(f"{name} {seed}")
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        for image in ("a.png", "b.png"):
            (folder / image).write_bytes(PNG)
        spec = inputs[name](rng, folder)
        label_map = LabelMap.from_names(["cat", "dog"]) if rng.random() < 0.3 else None
        message, begin = "a\nb\nc", time.process_time()
        try:
            source = open_source(spec, label_map)
            found = inspect_source(source).defects
            defects += len(found)
            assert all(defect.consequence for defect in found)
            check_source(source)
            for record in source:
                assert np.isfinite(record.boxes).all()
                assert ((record.boxes >= 0) & (record.boxes <= 1)).all()
        except DataError as error:
            refused += 1
            message = str(error)
        except Exception as error:
            error.add_note(f"input {name} {seed}")
            raise
        spent = time.process_time() - begin
        assert message.count("\n") >= 2, f"{name} {seed}: {message}"
        assert spent < _SLOWEST, f"{name} {seed} took {spent:.1f} s"
        shutil.rmtree(folder)
    return refused, defects


PNG = picture("PNG")


@pytest.mark.parametrize("name", NAMES)
def test_a_few_of_each(inputs, name, tmp_path):
    refused, defects = look_at(inputs, name, QUICK, tmp_path)
    assert refused + defects > 0


@pytest.mark.fuzz
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NAMES)
def test_many_of_each(inputs, name, tmp_path):
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    refused, defects = look_at(inputs, name, MANY, tmp_path)
    assert refused + defects > MANY // 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - start < _MOST_MEMORY
