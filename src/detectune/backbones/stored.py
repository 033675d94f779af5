"""A network of the user's as data: `backbone.json` in a run directory, and `.keras` files.

    {"format": 1, "preprocessing": "NONE", "network": {…what Keras writes of a functional model…}}

It holds layers, their settings, and which are trainable; weights are in checkpoints. Only layers of
Keras are read back, so that a folder from somebody else cannot run code.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from detectune.backbones import preprocessing
from detectune.backbones.preprocessing import Preprocessing
from detectune.errors import CheckpointError, ConfigError, three_part

_FORMAT = 1
_MOST_BYTES = 256 * 2**20
"""Of a description: a network of 10,000 layers has about 10 MB."""
# What Keras, and the libraries under it, raise of files that are no such files.
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RecursionError,
    RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile,
)  # fmt: skip
# How Keras writes values that JSON has not.
_VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__tuple__", "__bytes__", "__ellipsis__")
WAYS: dict[str, Preprocessing] = {
    "NONE": preprocessing.NONE,
    "TF": preprocessing.TF,
    "TORCH": preprocessing.TORCH,
    "CAFFE": preprocessing.CAFFE,
}
"""What `backbone { preprocessing }` may say → the way."""


def description(model: keras.Model, way: str) -> str:
    """What `read_description` reads.

    Args:
        way: how images are normalized, a key of `WAYS` or "AUTO".
    """
    return json.dumps({"format": _FORMAT, "preprocessing": way, "network": as_data(model)})


def as_data(model: keras.Model) -> dict[str, Any]:
    """What Keras writes of `model`: layers and their settings, no weights."""
    data = keras.saving.serialize_keras_object(model)
    data.pop("compile_config", None)
    return data


def read_description(path: str | os.PathLike[str]) -> tuple[keras.Model, str]:
    """The network in a `backbone.json`, with random weights, and the way to normalize images.

    Raises:
        CheckpointError: the file is damaged, or names what is no part of Keras.
    """
    place = Path(path)
    try:
        if place.stat().st_size > _MOST_BYTES:
            raise ValueError("it is larger than a description can be")
        described = json.loads(place.read_text("utf-8"))
        version, way, network = (described[key] for key in ("format", "preprocessing", "network"))
    except _UNREADABLE as error:
        raise _damaged(place, _first_line(error)) from error
    if version != _FORMAT or way not in (*WAYS, "AUTO"):
        raise _damaged(place, f"it has format {version!r} and preprocessing {way!r}")
    return _from_data(network, place), way


def read_keras_file(path: str | os.PathLike[str]) -> keras.Model:
    """The functional model in a `.keras` file, with its weights.

    Raises:
        CheckpointError: the file is missing or damaged, or names what is no part of Keras.
    """
    place = Path(path)
    if not place.is_file():
        raise CheckpointError(
            three_part(
                f"{place}: there is no such file.",
                "backbone { saved } names a .keras file, which model.save(…) of Keras writes.",
                "Check the path.",
            )
        )
    refuse_foreign(_described_in(place), str(place))
    try:
        return keras.saving.load_model(place, compile=False, safe_mode=True)
    except _UNREADABLE as error:
        raise _damaged(place, _first_line(error)) from error


def _described_in(place: Path) -> Any:
    """What the `config.json` of a `.keras` file says."""
    try:
        with zipfile.ZipFile(place) as archive:
            if archive.getinfo("config.json").file_size > _MOST_BYTES:
                raise ValueError("its config.json is larger than a description can be")
            return json.loads(archive.read("config.json"))
    except _UNREADABLE as error:
        raise _damaged(place, _first_line(error)) from error


def refuse_foreign(data: Any, where: str) -> None:
    """See that `data`, what Keras writes of a model, names parts of Keras only.

    Raises:
        ConfigError: it names a layer of another package, or a Lambda.
    """
    foreign = sorted(set(_foreign(data)))
    if foreign:
        raise ConfigError(
            three_part(
                f"{where}: it has {', '.join(foreign[:5])}{', …' if len(foreign) > 5 else ''}, "
                "which Keras does not have.",
                "A run directory describes a network as data; a layer of your own, and a Lambda, "
                "are code, which nobody could build again there.",
                "Write it with layers of Keras, or bring the network as a backbone of a package of "
                "your own: docs/guides/extending.md.",
            )
        )


def _foreign(data: Any) -> Iterator[str]:
    if isinstance(data, list | tuple):
        for value in data:
            yield from _foreign(value)
    elif isinstance(data, dict):
        name, module = data.get("class_name"), data.get("module")
        if isinstance(name, str) and "config" in data and name not in _VALUES:
            root = str(module).partition(".")[0]
            ours = root in ("keras", "builtins")
            custom = str(data.get("registered_name") or "").partition(">")[1]
            if name in ("Lambda", "__lambda__") or not ours or custom:
                yield f"{name} of {module}" if not ours else name
        for value in data.values():
            yield from _foreign(value)


def _from_data(network: Any, place: Path) -> keras.Model:
    refuse_foreign(network, str(place))
    try:
        model = keras.saving.deserialize_keras_object(network, safe_mode=True)
    except _UNREADABLE as error:
        raise _damaged(place, _first_line(error)) from error
    if not isinstance(model, keras.Model):
        raise _damaged(place, f"it describes a {type(model).__name__}")
    return model


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _damaged(place: Path, why: str) -> CheckpointError:
    return CheckpointError(
        three_part(
            f"{place}: the network in it cannot be built: {why}.",
            "It is what a training, or model.save(…) of Keras, wrote of a functional model.",
            "Take another copy of the file.",
        )
    )
