"""A data set → vectors of its images, or of the boxes in them.

    Source ─► readable images ─► crops ─► resized ─► batches ─► ImageNetwork ─► Features

At any time one image and one batch of crops are in memory, and all vectors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np

from detectune.data.check import not_empty
from detectune.data.defects import MISREAD, WHOLE, refused_defects
from detectune.data.readable import ReadableImages, unsaid
from detectune.data.sources.base import Source, class_names
from detectune.data.sources.recognise import open_source
from detectune.data.sources.record import Record
from detectune.errors import ConfigError, DataError, did_you_mean, three_part
from detectune.features.feature_file import UNKNOWN, Features, refuse_not_finite
from detectune.features.image_network import ImageNetwork
from detectune.features.open_network import open_network
from detectune.features.pixels import RESIZES, Resize, annotated_pixels, cut_out, resized
from detectune.features.settings import CROPS, MOST_MARGIN, Crops, Pooling, Settings
from detectune.wording import one_line

Item = TypeVar("Item")
BATCH = 32
"""Images that a network sees at once, unless something else is said."""
Track = Callable[[range], Iterable[int]]
"""Passes indices of images on, and shows how far they are."""


class _Crop(NamedTuple):
    """What the network sees, and what is known of it."""

    pixels: np.ndarray
    label: int
    file_name: str
    image: int
    box: tuple[int, int, int, int]


def extract_features(
    source: str | os.PathLike[str] | Source,
    network: str | os.PathLike[str] | ImageNetwork,
    *,
    pooling: Pooling = "avg",
    weights: str | None = None,
    size: tuple[int, int] | None = None,
    crops: Crops | None = None,
    margin: float = 0.0,
    resize: Resize = "nearest",
    batch_size: int = BATCH,
    track: Track = iter,
) -> Features:
    """Vectors of the boxes, or of the images, of a data set.

    Args:
        source: what `detectune data` reads, or folders of images that are called like classes.
        network: a name of `keras.applications`, a backbone, a .keras file, a run directory, an
            archive or model of the zoo, the folder of a SavedModel, or an opened network, to which
            the next three arguments belong already.
        pooling: the mean ("avg") or highest ("max") value of every channel of the last feature map.
        weights: "imagenet" (also if None), a file, a checkpoint, or "none" for random ones.
        size: height and width in pixels that crops are brought to; the network's own if None.
        crops: "boxes" for a vector of each box, "image" for one of each image, which has the class
            of all its boxes or none. If None, boxes where the data have them.
        margin: what boxes are widened by on every side, as a fraction of their sides.
        resize: "nearest" as `keras.utils.load_img` does, or "bilinear".
        batch_size: crops that the network sees at once.

    Raises:
        ConfigError: there is no such network, or an argument is none that is allowed.
        DataError: the data cannot be read, or have nothing to make a vector of.
        CheckpointError: the weights are missing, damaged, or of another network.
        ZooError: the weights that "imagenet" stands for could not be fetched.
    """
    _check(crops, margin, resize, batch_size)
    opened = source if isinstance(source, Source) else open_source(os.fspath(source), columns=())
    not_empty(opened)
    images = ReadableImages(opened, unsaid)
    chosen = crops or _usual_crops(opened)
    _refuse_misread(opened, chosen)
    if not isinstance(network, ImageNetwork):
        network = open_network(os.fspath(network), pooling=pooling, weights=weights, size=size)
    cut = _crops(images, chosen, margin, network.size, resize, track(range(len(opened))))
    vectors, known = _looked_at(network, cut, batch_size)
    if not known:
        raise _nothing(opened, chosen)
    names = class_names(opened.label_map)
    features = Features(
        vectors=np.concatenate(vectors),
        labels=np.array([one.label for one in known], np.int32),
        class_names=tuple(names.values()),
        file_names=tuple(one.file_name for one in known),
        images=np.array([one.image for one in known], np.int32),
        boxes=np.array([one.box for one in known], np.int32),
        settings=settings_of(network, chosen, margin, resize),
        left_out=tuple(images.left_out),
    )
    refuse_not_finite(features, network.name)
    return features


def _looked_at(
    network: ImageNetwork, cut: Iterable[_Crop], batch_size: int
) -> tuple[list[np.ndarray], list[_Crop]]:
    """Vectors of crops, batch by batch, and the crops without their pixels."""
    vectors: list[np.ndarray] = []
    known: list[_Crop] = []
    for batch in batches(cut, batch_size):
        vectors.append(network.vectors(np.stack([one.pixels for one in batch]), batch_size))
        known += [one._replace(pixels=one.pixels[:0]) for one in batch]
    return vectors, known


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """`items` in lists of `size`, the last of which may be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def settings_of(network: ImageNetwork, crops: Crops, margin: float, resize: Resize) -> Settings:
    """How vectors of `network` are computed."""
    return Settings(
        network=network.name,
        weights=network.weights,
        fingerprint=network.fingerprint,
        dimension=network.dimension,
        pooling=network.pooling,
        size=network.size,
        resize=resize,
        crops=crops,
        margin=float(margin),
        value_range=network.value_range,
    )


def _crops(
    images: ReadableImages,
    crops: Crops,
    margin: float,
    size: tuple[int, int],
    resize: Resize,
    indices: Iterable[int],
) -> Iterator[_Crop]:
    """What the network sees, image by image."""
    names = class_names(images.source.label_map)
    label_of = {id_: index for index, id_ in enumerate(names)}
    for index in indices:
        found = images.read(index, lambda record, _: (record, annotated_pixels(record)))
        if found is None:
            continue
        record, pixels = found
        for box, label in _wanted(record, crops, label_of):
            cut, place = cut_out(pixels, box, margin if crops == "boxes" else 0.0)
            yield _Crop(resized(cut, size, resize), label, record.file_name, index, place)


def _wanted(
    record: Record, crops: Crops, label_of: dict[int, int]
) -> Iterator[tuple[np.ndarray, int]]:
    """Boxes of `record` as fractions of the image, each with its label."""
    if crops == "image":
        ids = set(record.class_ids.tolist())
        yield np.array([0, 0, 1, 1]), label_of[ids.pop()] if len(ids) == 1 else UNKNOWN
        return
    # Crowds and groups are many objects.
    single = ~(record.is_crowd | record.group_of)
    for box, id_ in zip(record.boxes[single], record.class_ids[single], strict=True):
        yield box, label_of[int(id_)]


def _usual_crops(source: Source) -> Crops:
    """Boxes where somebody drew some."""
    whole = any(defect.kind == WHOLE for defect in source.defects)
    return "image" if whole or not source.survey.boxes else "boxes"


def _refuse_misread(source: Source, crops: Crops) -> None:
    """Boxes that lie elsewhere than their file says would be cut out without anybody noticing."""
    misread = [defect for defect in source.survey.refused if defect.kind in MISREAD]
    if misread and crops == "boxes":
        raise refused_defects(source.name, misread, len(source))


def _check(crops: str | None, margin: float, resize: str, batch_size: int) -> None:
    for option, value, allowed in (("crops", crops, CROPS), ("resize", resize, RESIZES)):
        if value is not None and value not in allowed:
            raise ConfigError(
                three_part(
                    f'--{option}: "{one_line(value)}".',
                    f"Allowed: {', '.join(allowed)}.",
                    f"{did_you_mean(value, allowed)}Choose one of these.",
                )
            )
    if not 0 <= margin <= MOST_MARGIN or batch_size < 1:
        name, value = ("batch-size", batch_size) if batch_size < 1 else ("margin", margin)
        raise ConfigError(
            three_part(
                f"--{name}: {value}.",
                f"A margin is 0 to {MOST_MARGIN:g} times the side of a box, a batch at least one "
                "image.",
                "Choose such a number, for example 0.1 and 32.",
            )
        )


def _nothing(source: Source, crops: Crops) -> DataError:
    boxes = crops == "boxes"
    return DataError(
        three_part(
            f"{source.name}: there is {'no box' if boxes else 'no image'} to make a vector of.",
            "Each box that is one object is cut out; with --crops image each image is taken whole.",
            "Write --crops image, or look at the data with `detectune data inspect SOURCE`."
            if boxes
            else "Look at the data with `detectune data inspect SOURCE`.",
        )
    )
