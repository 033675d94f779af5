"""Broken data sets: one file of a sound one is changed, or its folder, or the archive it is in."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from annotation_samples import CSV, SAMPLES, Sample
from folder_inputs import Damage, damaged_folder, odd_zip
from hostile_documents import DOCUMENTS
from mutations import WEIRD, mutated_bytes, mutated_json, mutated_words

from detectune.data.sources.tfrecord_index import masked_crc32c


class Input(NamedTuple):
    """A broken data set."""

    spec: str
    """What it is called on the command line."""
    meanwhile: Callable[[], object] | None = None
    """What happens to it after it has been opened."""


Write = Callable[[random.Random, Path], Input]
"""Writes a data set into a folder that has a.png and b.png."""


def writers(records: bytes, images: dict[str, bytes]) -> dict[str, Write]:
    """Kind of input → what writes one.

    Args:
        records: a right TFRecord file.
        images: right images by the name of their format.
    """
    return {
        **{kind: _annotations(sample) for kind, sample in SAMPLES.items()},
        "tfrecord": _records(records),
        "folders": _folders(records),
        "zips": _zips(records),
        **{f"image {name}": _image(data) for name, data in images.items()},
    }


def _annotations(sample: Sample) -> Write:
    def write(rng: random.Random, folder: Path) -> Input:
        first, *others = sample.files
        for name in others:
            (folder / name).write_bytes(sample.files[name])
        (folder / first).write_bytes(_broken(rng, first, sample.files[first]))
        return Input(sample.spec(rng, folder))

    return write


def _broken(rng: random.Random, name: str, data: bytes) -> bytes:
    suffix = Path(name).suffix
    if rng.random() < 0.05:
        return rng.choice(DOCUMENTS[suffix])(rng, data)
    if suffix == ".json":
        broken = mutated_json(rng, json.loads(data)) if rng.random() < 0.7 else b""
        return broken or mutated_bytes(rng, data)
    return mutated_words(rng, data.decode()) if rng.random() < 0.5 else mutated_bytes(rng, data)


# --- records --------------------------------------------------------------------------------------


def _records(data: bytes) -> Write:
    def write(rng: random.Random, folder: Path) -> Input:
        broken = mutated_bytes(rng, data)
        if rng.random() < 0.7:  # with right checksums, so that what is inside is read
            examples = [_broken_example(rng, example) for example in _examples(data)]
            broken = b"".join(_framed(example) for example in examples)
        (folder / "a.record").write_bytes(broken)
        return Input(f"tfrecord:{folder / 'a.record'}")

    return write


def _examples(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        yield data[place + 12 : place + 12 + length]
        place += 12 + length + 4


def _framed(example: bytes) -> bytes:
    length = struct.pack("<Q", len(example))
    checksums = [struct.pack("<I", masked_crc32c(part)) for part in (length, example)]
    return length + checksums[0] + example + checksums[1]


def _broken_example(rng: random.Random, data: bytes) -> bytes:
    import tensorflow as tf

    if rng.random() < 0.2:
        return mutated_bytes(rng, data)
    example = tf.train.Example.FromString(data)
    features = example.features.feature
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(sorted(features))
        if rng.random() < 0.15:
            del features[name]
        else:
            features[name].CopyFrom(_odd_feature(rng, tf.train))
    return example.SerializeToString()


def _odd_feature(rng: random.Random, train):
    """A list of another kind or length, of values that hardly anybody means."""
    count = rng.choice((0, 1, 1, 2, 5, 300))
    kind = rng.randrange(3)
    numbers = [value for value in WEIRD if isinstance(value, int | float)]
    if kind == 0:
        whole = [int(value) for value in numbers if abs(value) < 2**62]
        value = train.Int64List(value=[rng.choice(whole) for _ in range(count)])
        return train.Feature(int64_list=value)
    if kind == 1:
        near = [float(value) for value in numbers if not abs(value) > 1e300]
        value = train.FloatList(value=[rng.choice(near) for _ in range(count)])
        return train.Feature(float_list=value)
    texts = [value.encode("utf-8", "surrogatepass") for value in WEIRD if isinstance(value, str)]
    texts += [b"\xff", b"\0" * 100, b"GIF89a", b"cat"]
    return train.Feature(
        bytes_list=train.BytesList(value=[rng.choice(texts) for _ in range(count)])
    )


# --- folders, archives, images --------------------------------------------------------------------


def _whole(rng: random.Random, folder: Path, records: bytes) -> Sample:
    """A sound data set of any format in `folder`."""
    image = (folder / "a.png").read_bytes()
    more = (
        Sample("tfrecord", {"a.record": records}),
        Sample("images", {"note.txt": b"none"}),
        Sample("folders", {"cat/a.png": image, "dog/a.png": image}),
    )
    sample = rng.choice([*SAMPLES.values(), *more])
    for name, data in sample.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return sample


def _folders(records: bytes) -> Write:
    def write(rng: random.Random, folder: Path) -> Input:
        sample = _whole(rng, folder, records)
        damage: Damage = damaged_folder(rng, folder)
        if rng.random() < 0.3:
            return Input(sample.spec(rng, folder), damage)
        damage()
        return Input(sample.spec(rng, folder))

    return write


def _zips(records: bytes) -> Write:
    def write(rng: random.Random, folder: Path) -> Input:
        sample = _whole(rng, folder, records)
        file = odd_zip(rng, folder)
        return Input(f"{sample.format}:{file}" if rng.random() < 0.5 else str(file))

    return write


def _image(data: bytes) -> Write:
    def write(rng: random.Random, folder: Path) -> Input:
        (folder / "labels.csv").write_text(CSV)
        (folder / "a.png").write_bytes(mutated_bytes(rng, data))
        return Input(f"csv:{folder / 'labels.csv'}")

    return write
