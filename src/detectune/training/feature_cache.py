"""The frozen beginning of a network, computed once for each image instead of at every step.

    frozen variables, images, augmentations ─► key ─► a store of that key? ─┬─► opened, checked
                                                                           └─► computed, written
    batches of training: kept maps in place of images, see `data.kept`

A store under another key does not fit: it is named, and what is needed is computed anew.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from detectune.data.defects import ImageError
from detectune.data.fingerprint import fingerprint
from detectune.data.kept.batches import KeptMaps, record_dtype, records_of
from detectune.data.kept.numbers import numbers_of
from detectune.data.kept.store import (
    INDEX,
    Index,
    Store,
    new_store,
    open_store,
    remove_unfinished,
)
from detectune.data.kept.views import version_batches, views_of
from detectune.data.readable import unreadable_named
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, three_part
from detectune.files import usable_path
from detectune.structures import Array
from detectune.training.context import TrainingContext
from detectune.training.sources import TRAIN
from detectune.training.streams import Stream
from detectune.training.weights import array_of
from detectune.wording import plural

FOLDER = "features"
"""In a run directory."""
_GB = 1e9
# To be changed with whatever an augmentation or a resizer makes of an image.
_GENERATION = b"1"
# Of the free space, what is taken where the config says nothing.
_MOST_OF_FREE = 0.9
_SECONDS_BETWEEN_LINES = 10.0


class _Beginning(keras.Model):
    """The frozen beginning of a detector, compiled by `predict_on_batch`."""

    def __init__(self, detector: Detector) -> None:
        super().__init__(name="beginning")
        self.detector = detector
        self.built = True

    def call(self, images: Array) -> list[Array]:
        assert self.detector.frozen is not None
        return self.detector.frozen.begin(images)


def choose_kept(training: TrainingContext) -> None:
    """See what `feature_cache` keeps: call it when all is frozen that is frozen at first.

    Raises:
        ConfigError: nothing is frozen from the beginning.
    """
    if not training.config.train_config.HasField("feature_cache"):
        return
    training.kept_layers = _frozen_layers(training.detector)
    if not training.kept_layers:
        raise ConfigError(
            three_part(
                "train_config.feature_cache: no layer at the beginning of the network is frozen.",
                "Kept is what the layers before the first one that trains give for an image; a "
                "batch norm that measures statistics trains, too.",
                'Freeze the backbone, freeze_variables: "classification_backbone" for example, or '
                "remove feature_cache.",
            )
        )


def with_kept_features(training: TrainingContext) -> Stream:
    """The stream of training images, with kept maps where `feature_cache` asks for them.

    They are opened if they are there, and else computed. Where more trains than at first, images
    are read again: whether a step sees kept maps follows from the config and its number alone.

    Raises:
        ConfigError: they would take more room than is allowed or free, or their numbers do not fit
            into the type.
        WriteError: the disk is full.
        DataError: more than half of the images cannot be read.
    """
    stream = training.streams[TRAIN]
    if not training.kept_layers:
        return stream
    if _frozen_layers(training.detector) != training.kept_layers:
        if stream.kept is not None:
            training.console.say("more of the network trains now: images are read again")
        stream = replace(stream, kept=None)
    elif stream.kept is None:
        stream = replace(stream, kept=_Keeping(training, stream).kept_maps())
    training.streams = {**training.streams, TRAIN: stream}
    return stream


def _frozen_layers(detector: Detector) -> tuple[str, ...]:
    return () if detector.frozen is None else tuple(one.name for one in detector.frozen.layers)


def _in_words(size: float) -> str:
    """A number of bytes for people."""
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"


class _Keeping:
    """Opens or makes the store of a training."""

    def __init__(self, training: TrainingContext, stream: Stream) -> None:
        self.training, self.stream = training, stream
        self.config, self.console = training.config, training.console
        self.settings = self.config.train_config.feature_cache
        self.views = views_of(self.config.train_config)
        self.numbers = numbers_of(self.settings)
        self.beginning = _Beginning(training.detector)
        self.batch_size = self.config.train_config.batch_size
        self.own_folder = training.run.path / FOLDER
        self.folder = self.own_folder
        if self.settings.folder:
            self.folder = usable_path(self.settings.folder, "train_config.feature_cache.folder")
        self.count = len(stream.source) * self.views.versions
        height, width = stream.resizer.output_size
        assert height is not None  # the images of a training have one size
        assert width is not None
        self.size = height, width

    def kept_maps(self) -> KeptMaps:
        """What is kept, of all images that can be read."""
        remove_unfinished(self.folder, shared=self.folder != self.own_folder)
        dtype, key = self._dtype(), self._key()
        path = self.folder / key[:16]
        found = open_store(path, dtype, self.count, key)
        if isinstance(found, Store):
            self._reopen(found)
        else:
            self._say_why(found)
            self._check_room(dtype)
            found = self._make(path, dtype, key)
        self._note(found)
        return KeptMaps(found, self.numbers, self.views, self.size)

    # --- what belongs to which store --------------------------------------------------------------

    def _dtype(self) -> np.dtype:
        images = keras.KerasTensor((1, *self.size, self.stream.resizer.channels))
        maps = [tuple(one.shape[1:]) for one in self.beginning.compute_output_spec(images)]
        _, inputs, truth = self._batches([0]).element_spec
        others = {name: _one(spec) for name, spec in inputs.items() if name != "images"}
        wanted = {name: _one(spec) for name, spec in truth.items()}
        return record_dtype(maps, self.numbers, others, wanted)

    def _key(self) -> str:
        """Of the weights, the images, and all that is done to an image before it is kept."""
        frozen = self.training.detector.frozen
        assert frozen is not None
        digest = hashlib.sha256(_GENERATION)
        for layer in frozen.layers:
            digest.update(f"{type(layer).__name__} {layer.name}\n".encode())
        for variable in frozen.variables:
            value = np.ascontiguousarray(array_of(variable))
            digest.update(f"{value.dtype.str} {value.shape}\n".encode())
            digest.update(value.tobytes())
        digest.update(self.config.model.SerializeToString(deterministic=True))
        for step in self.views.steps:
            digest.update(step.SerializeToString(deterministic=True))
        views, resizer = self.views, self.stream.resizer
        facts = (views.seed, views.count, views.flip, self.numbers.name, self.size)
        digest.update(repr((*facts, resizer.pad_value, keras.config.floatx())).encode())
        digest.update(fingerprint(self.stream.source))
        return digest.hexdigest()

    # --- opened -----------------------------------------------------------------------------------

    def _reopen(self, store: Store) -> None:
        """Name what could not be read when it was made, and compute anew what is damaged."""
        for index, (name, reason) in store.index.facts["left_out"].items():
            self.stream.images.leave_out(int(index), ImageError(reason, name, reason))
        self.console.phase(f"checking the kept features in {store.path}")
        damaged = store.damaged()
        if not damaged:
            return
        self.console.say(
            f"{store.path}: {plural(len(damaged), 'record')} of kept features differ from their "
            "checksums; they are computed anew"
        )
        for entry, record in self._records(damaged):
            store.mend(entry, record)

    def _say_why(self, reason: str) -> None:
        others = [index.parent for index in self.folder.glob(f"*/{INDEX}")]
        if not reason and others:
            reason = "those that are there belong to other weights, images or settings"
        if reason:
            self.console.say(f"{self.folder}: kept features are not used: {reason}")
        if self.folder == self.own_folder:
            for path in others:
                shutil.rmtree(path, ignore_errors=True)

    # --- made -------------------------------------------------------------------------------------

    def _check_room(self, dtype: np.dtype) -> None:
        size, most = self.count * dtype.itemsize, self.settings.max_gb * _GB
        places = self.folder, *self.folder.absolute().parents
        place = next(path for path in places if path.exists())
        free = shutil.disk_usage(place).free
        what = f"{plural(len(self.stream.source), 'image')} × {self.views.describe()}"
        smaller = (
            "Write fewer views or a smaller type, freeze up to a layer with smaller maps, or "
            "remove feature_cache."
        )
        if 0 < most < size:
            raise ConfigError(
                three_part(
                    f"train_config.feature_cache: {what} take {_in_words(size)}.",
                    f"max_gb allows {_in_words(most)}.",
                    f"Raise it. Or: {smaller[0].lower()}{smaller[1:]}",
                )
            )
        room = free if most else free * _MOST_OF_FREE
        if size > room:
            raise ConfigError(
                three_part(
                    f"train_config.feature_cache: {what} take {_in_words(size)}.",
                    f"At {self.folder} {_in_words(free)} are free"
                    + ("." if most else "; a tenth of that is left alone."),
                    f"Name a larger disk in folder. Or: {smaller[0].lower()}{smaller[1:]}",
                )
            )

    def _make(self, path: Path, dtype: np.dtype, key: str) -> Store:
        self.console.phase(
            f"computing the frozen layers for {plural(len(self.stream.source), 'image')} × "
            f"{self.views.describe()}"
        )
        began = said = time.monotonic()
        index = Index(key, {}, [])
        with new_store(path, dtype, self.count, index) as writer:
            for done, (entry, record) in enumerate(self._records(range(self.count)), start=1):
                writer.write(entry, record)
                if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
                    said = time.monotonic()
                    self.console.say(f"kept {done} of {self.count}")
            index.facts["seconds"] = round(time.monotonic() - began, 1)
            index.facts["left_out"] = self._left_out()
        store = open_store(path, dtype, self.count, key)
        assert isinstance(store, Store), store
        return store

    def _left_out(self) -> dict[str, tuple[str, str]]:
        images = self.stream.images
        return dict(zip(map(str, sorted(images.gone)), images.left_out, strict=True))

    def _records(self, entries: Iterable[int]) -> Any:
        """Entry and record of every version that can be read."""
        with unreadable_named(self.stream.images):
            batches = self._batches(list(entries))
            for numbers, inputs, truth in batches.as_numpy_iterator():
                kept = self._computed(inputs["images"])
                records = records_of(kept, self.numbers, inputs, truth)
                yield from zip(map(int, numbers), records, strict=True)

    def _batches(self, entries: Sequence[int]) -> Any:
        return version_batches(
            self.config,
            self.stream.images,
            self.stream.resizer,
            self.views,
            entries,
            self.batch_size,
        )

    def _computed(self, images: np.ndarray) -> list[np.ndarray]:
        count = len(images)
        # One size of batch, so that it is compiled once.
        images = np.concatenate([images, np.repeat(images[-1:], self.batch_size - count, axis=0)])
        kept = self.beginning.predict_on_batch(images)
        return [np.asarray(one, np.float32)[:count] for one in kept]

    def _note(self, store: Store) -> None:
        size = _in_words(self.count * store.dtype.itemsize)
        self.training.note(
            "Kept features",
            f"{plural(len(self.stream.source), 'image')} × {self.views.describe()}, {size} "
            f"({self.numbers.name}), computed in {store.index.facts['seconds']:.0f} s. "
            "Training sees these views of an image and no other.",
        )


def _one(spec: Any) -> Any:
    """The specification of one image of a batch."""
    return type(spec)(spec.shape[1:], spec.dtype)
