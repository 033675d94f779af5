"""Records → TFRecord files that the original reads, all of them or none."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from detectune.config.label_map import LabelMap
from detectune.data.decoded_masks import png_masks
from detectune.data.image_files import portable
from detectune.data.sources import tfrecord_masks
from detectune.data.sources.record import Record
from detectune.data.sources.tfrecord import PROPOSAL_CORNERS, PROPOSAL_SCORE
from detectune.errors import WriteError, three_part


def write_tfrecords(
    records: Iterable[Record], dest: str | os.PathLike[str], label_map: LabelMap, shards: int = 1
) -> list[Path]:
    """The files written: `dest`, or `dest-00000-of-000NN` and so on, records dealt out in turn.

    Parity: keys and shard names as in dataset_tools/create_coco_tf_record.py of the original.

    Raises:
        WriteError: a file could not be written; none of the new files is left behind.
    """
    target = Path(dest)
    names = [target.name] if shards == 1 else shard_names(target.name, shards)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            parts = [Path(folder) / name for name in names]
            _write(records, parts, label_map)
            return [_moved(part, target.parent / part.name) for part in parts]
    except (OSError, tf.errors.OpError) as error:
        if isinstance(error, WriteError):
            raise
        reason = getattr(error, "strerror", None) or getattr(error, "message", None) or error
        raise WriteError(
            three_part(
                f"{target}: could not be written: {reason}.",
                "Nothing was changed.",
                "Check the path, its permissions and the space on the disk.",
            )
        ) from error


def shard_names(name: str, shards: int) -> list[str]:
    """`name-00000-of-000NN`, …"""
    return [f"{name}-{number:05d}-of-{shards:05d}" for number in range(shards)]


def _write(records: Iterable[Record], parts: list[Path], label_map: LabelMap) -> None:
    names = {item.id: item.name or item.display_name for item in label_map.items}
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(str(part))) for part in parts]
        for number, record in enumerate(records):
            message = tf_example(record, names)
            writers[number % len(writers)].write(message.SerializeToString())


def _moved(part: Path, target: Path) -> Path:
    os.replace(part, target)
    return target


def tf_example(record: Record, names: dict[int, str]) -> tf.train.Example:
    """The tf.Example of one record; `names` gives the text of every class id."""
    image, kind = portable(record.image, record.height, record.width)
    corners = record.boxes.T if len(record.boxes) else [[], [], [], []]
    features = {
        "image/height": _integers([record.height]),
        "image/width": _integers([record.width]),
        "image/filename": _bytes([os.fsencode(record.file_name)]),
        "image/source_id": _bytes([os.fsencode(record.source_id)]),
        "image/key/sha256": _bytes([hashlib.sha256(image).hexdigest().encode()]),
        "image/encoded": _bytes([image]),
        "image/format": _bytes([kind.encode()]),
        "image/object/class/text": _bytes([names[int(i)].encode() for i in record.class_ids]),
        "image/object/class/label": _integers(record.class_ids),
        "image/object/difficult": _integers(record.difficult),
        "image/object/is_crowd": _integers(record.is_crowd),
        "image/object/group_of": _integers(record.group_of),
        "image/object/weight": _floats(record.weights),
    }
    for name, values in zip(("ymin", "xmin", "ymax", "xmax"), corners, strict=True):
        features[f"image/object/bbox/{name}"] = _floats(values)
    if record.areas is not None:
        features["image/object/area"] = _floats(record.areas)
    if record.masks is not None:
        features[tfrecord_masks.KEY] = _bytes(png_masks(record))
    if record.proposals is not None:
        for name, values in zip(PROPOSAL_CORNERS, record.proposals.T, strict=True):
            features[name] = _floats(values)
    if record.proposal_scores is not None:
        features[PROPOSAL_SCORE] = _floats(record.proposal_scores)
    return tf.train.Example(features=tf.train.Features(feature=features))


def _bytes(values: Iterable[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(values: Iterable[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _integers(values: Iterable[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(v) for v in values]))
