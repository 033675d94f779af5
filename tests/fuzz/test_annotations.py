"""Mutated annotations and images: a three-part error or a listed defect, in bounded time."""

from __future__ import annotations

import io
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from annotation_inputs import writers
from annotation_samples import SAMPLES
from figures import GROUPS
from PIL import Image

from detectune.config.label_map import LabelMap
from detectune.data.check import check_source
from detectune.data.convert import WRITABLE, convert
from detectune.data.inspect import inspect_source
from detectune.data.sources.base import Source
from detectune.data.sources.formats import in_priority
from detectune.data.sources.recognise import open_source
from detectune.data.sources.record import make_record
from detectune.data.tfrecord_writer import tf_example

QUICK, MANY = 8, 400


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


PNG = picture("PNG")
KINDS = (*GROUPS["Annotations"], *(kind for kind in GROUPS["Images"] if kind != "image files"))


def look_at(source: Source) -> bool:
    """What `data inspect` and training do; whether defects are listed."""
    defects = inspect_source(source).defects
    assert all(defect.consequence for defect in defects)
    check_source(source)
    for record in source:
        assert np.isfinite(record.boxes).all()
        assert ((record.boxes >= 0) & (record.boxes <= 1)).all()
    return bool(defects)


def converts(source: Source, to: str, dest: Path) -> None:
    """What `data convert` writes is read again, image by image."""
    done = convert(source, dest, to=to)
    if done.images:
        again = open_source(f"{to}:{dest}", source.label_map)
        check_source(again)
        assert len(again) == done.images


@pytest.mark.parametrize("count", [QUICK, pytest.param(MANY, marks=pytest.mark.fuzz)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_data_set_is_refused_or_read_right(
    answers, inputs, kind, seed, count, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with answers(kind) as those:
        for number in range(count):
            rng = random.Random(f"{kind} {seed} {number}")
            folder, dest = tmp_path / f"{number}", tmp_path / "converted" / "x.record"
            folder.mkdir()
            for image in ("a.png", "b.png"):
                (folder / image).write_bytes(PNG)
            spec, meanwhile = inputs[kind](rng, folder)
            label_map = LabelMap.from_names(["cat", "dog"]) if rng.random() < 0.3 else None
            to = rng.choice(WRITABLE) if rng.random() < 0.2 else ""
            with those.input(f"{number} of seed {seed}", [] if meanwhile else [folder]) as one:
                source = open_source(spec, label_map)
                if meanwhile:
                    meanwhile()
                one.listed = look_at(source)
                if to:
                    converts(source, to, dest)
            for place in (folder, dest.parent, tmp_path / "cache"):
                shutil.rmtree(place, ignore_errors=True)
    assert those.refused + those.listed > count // 4


def test_every_format_that_is_read_is_broken():
    tried = {sample.format for sample in SAMPLES.values()} | {"tfrecord", "images", "folders"}
    assert tried == set(in_priority())
