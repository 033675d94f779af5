"""Vectors of images with what is known of each, and the file they are kept in.

FEATURES.npz holds plain arrays of NumPy, no Python objects:

    vectors       [N, D]  float32
    labels        [N]     int32, an index into class_names; -1 where no class is known
    class_names   [C]     text
    file_names    [N]     text, the file name of the image
    images        [N]     int32, equal for vectors of one image
    boxes         [N, 4]  int32, ymin, xmin, ymax, xmax in pixels of the image
    settings      text, JSON: how the vectors were computed, see settings.py
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from detectune.errors import ConfigError, DataError, did_you_mean, three_part
from detectune.features.settings import Settings
from detectune.files import atomic_path, open_regular, usable_path
from detectune.wording import first_names, one_line, plural

UNKNOWN = -1
"""The label of an image of which no class is known."""
_FORMAT, _ZIP = 1, b"PK\x03\x04"
# What NumPy and zipfile raise about damaged files.
_DAMAGED = (
    OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, RuntimeError,
    NotImplementedError, zipfile.BadZipFile, zlib.error, struct.error, SyntaxError,
)  # fmt: skip


@dataclass(frozen=True)
class Features:
    """Vectors of images, or of boxes in images."""

    vectors: np.ndarray
    """`[N, D]` float32."""
    labels: np.ndarray
    """`[N]` int32, an index into `class_names`; `UNKNOWN` where no class is known."""
    class_names: tuple[str, ...]
    file_names: tuple[str, ...]
    """`[N]`, the file name of the image."""
    images: np.ndarray
    """`[N]` int32, equal for vectors of one image."""
    boxes: np.ndarray
    """`[N, 4]` int32, yxyx in pixels of the image: what the network saw."""
    settings: Settings
    left_out: tuple[tuple[str, str], ...] = ()
    """File name of every image that cannot be read, and why; not kept in the file."""

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def counts(self) -> dict[str, int]:
        """Class → how many vectors it has."""
        counted = np.bincount(self.labels[self.labels >= 0], minlength=len(self.class_names))
        return dict(zip(self.class_names, counted.tolist(), strict=True))

    def select(self, keep: np.ndarray) -> Features:
        """Those of which `keep [N]` is True."""
        return replace(
            self,
            vectors=self.vectors[keep],
            labels=self.labels[keep],
            file_names=tuple(np.array(self.file_names, object)[keep]),
            images=self.images[keep],
            boxes=self.boxes[keep],
        )

    def without(self, classes: Collection[str]) -> Features:
        """Those that are of none of the `classes`.

        Raises:
            ConfigError: there is no such class.
        """
        for name in classes:
            if name not in self.class_names:
                raise ConfigError(
                    three_part(
                        f'--drop "{one_line(name)}": there is no such class.',
                        f"Classes: {first_names(self.class_names, 20)}.",
                        f"{did_you_mean(name, self.class_names)}Name one of these.",
                    )
                )
        dropped = [self.class_names.index(name) for name in classes]
        return self.select(~np.isin(self.labels, dropped))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all but `left_out` to the file `path`, which appears when it is complete.

        Raises:
            WriteError: it could not be written.
        """
        settings = json.dumps({"format": _FORMAT, **self.settings.to_json()})
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                vectors=self.vectors,
                labels=self.labels,
                class_names=np.array(self.class_names, np.str_),
                file_names=np.array(self.file_names, np.str_),
                images=self.images,
                boxes=self.boxes,
                settings=np.array(settings),
            )


def read_features(path: str | os.PathLike[str]) -> Features:
    """What `Features.save` wrote to the file `path`.

    Raises:
        DataError: there is no such file, it is no such file, or a vector is not finite.
        ConfigError: `path` can be no path.
    """
    place = usable_path(path, "FEATURES.npz")
    try:
        with open_regular(place) as file:
            if file.read(len(_ZIP)) != _ZIP:
                raise ValueError("it does not begin like one")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                found = _features(arrays)
    except _DAMAGED as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _no_features(place, reason or type(error).__name__) from error
    refuse_not_finite(found, os.fspath(place))
    return found


def _features(arrays: np.lib.npyio.NpzFile) -> Features:
    """The arrays of a file, checked against each other."""
    settings = json.loads(str(arrays["settings"]))
    if not isinstance(settings, dict) or settings.get("format") != _FORMAT:
        raise ValueError("its settings are of another format")
    features = Features(
        vectors=_array(arrays, "vectors", np.float32, 2),
        labels=_array(arrays, "labels", np.int32, 1),
        class_names=tuple(_array(arrays, "class_names", np.str_, 1).tolist()),
        file_names=tuple(_array(arrays, "file_names", np.str_, 1).tolist()),
        images=_array(arrays, "images", np.int32, 1),
        boxes=_array(arrays, "boxes", np.int32, 2),
        settings=Settings.from_json(settings),
    )
    count = len(features.vectors)
    for name in ("labels", "file_names", "images", "boxes"):
        if len(getattr(features, name)) != count:
            raise ValueError(f"{count} vectors have {len(getattr(features, name))} {name}")
    if features.vectors.shape[1] != features.settings.dimension:
        raise ValueError("its vectors have another length than its settings say")
    names = features.class_names
    if count and not (features.labels.min() >= UNKNOWN and features.labels.max() < len(names)):
        raise ValueError(f"a label is none of {plural(len(names), 'class')}")
    if len(set(names)) != len(names):
        raise ValueError("two classes have one name")
    return features


def _array(arrays: np.lib.npyio.NpzFile, name: str, kind: type, rank: int) -> np.ndarray:
    found = arrays[name]
    fits = np.issubdtype(found.dtype, kind) and found.ndim == rank
    if not fits or (name == "boxes" and found.shape[1] != 4):
        raise ValueError(f"{name} are {found.dtype.name} of the shape {found.shape}")
    return found


def refuse_not_finite(features: Features, place: str) -> None:
    """See that all vectors are numbers.

    Raises:
        DataError: one is NaN or infinite; its image is named.
    """
    wrong = np.flatnonzero(~np.isfinite(features.vectors).all(axis=1))
    if len(wrong):
        names = [one_line(features.file_names[index]) for index in wrong]
        raise DataError(
            three_part(
                f"{place}: {plural(len(wrong), 'vector')} of {len(features):,} "
                f"{'is' if len(wrong) == 1 else 'are'} not finite: {first_names(names, 3)}.",
                "Vectors are numbers; NaN and infinite ones come of damaged weights, or of pixels "
                "that a network takes otherwise.",
                "Extract the features again with other weights or another network.",
            )
        )


def _no_features(place: object, reason: str) -> DataError:
    return DataError(
        three_part(
            f"{place}: it is no file of features: {one_line(reason)[:200]}.",
            "Needed is a .npz file that `detectune features extract SOURCE --network NAME -o "
            "FEATURES.npz` wrote.",
            "Check the path, or extract the features again.",
        )
    )
