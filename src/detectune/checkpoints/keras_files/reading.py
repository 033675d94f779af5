"""`read_keras_weights`: a file of weights, in whichever form Keras wrote it, as arrays by layer."""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import h5py

from detectune.checkpoints.keras_files.archive import opened_weights
from detectune.checkpoints.keras_files.hdf5 import (
    Unsafe,
    arrays_below,
    check_heaps,
    group_at,
    names_attribute,
    text_attribute,
)
from detectune.checkpoints.keras_files.layouts import KerasLayer, layers_by_class, older_layers
from detectune.errors import CheckpointError, three_part
from detectune.files import open_regular
from detectune.wording import one_line, plural

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
# What h5py, zipfile and json raise about damaged files.
_DAMAGED = (
    OSError, KeyError, ValueError, TypeError, RuntimeError, EOFError, RecursionError,
    NotImplementedError, MemoryError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip


@dataclass(frozen=True)
class KerasWeights:
    """What a file of weights holds."""

    path: str
    model_name: str
    """What Keras calls the model; empty if the file does not say."""
    models: list[list[KerasLayer]]
    """The layers of the model and of those inside it, as far as they have weights."""

    @property
    def network(self) -> list[KerasLayer]:
        """The layers of the largest of the models, which is the one that looks at images."""
        return max(self.models, key=len, default=[])

    @property
    def beside(self) -> list[KerasLayer]:
        """All other layers."""
        return [layer for model in self.models if model is not self.network for layer in model]

    def describe(self) -> str:
        """The model, for an error."""
        names = [layer.name for layer in self.network]
        shown = ", ".join(one_line(name)[:60] for name in names[:3])
        shown += ", …" if len(names) > 3 else ""
        model = f'"{one_line(self.model_name)[:60]}" with ' if self.model_name else ""
        return f"{model}{plural(len(names), 'layer')} that have weights ({shown})"


def read_keras_weights(path: str | os.PathLike[str]) -> KerasWeights:
    """The weights in a .h5, .weights.h5 or .keras file.

    No Python object that the file describes is built, so it may come from anybody.

    Raises:
        CheckpointError: there is no such file, it is damaged, or it holds no weights of Keras.
    """
    shown = os.fspath(path)
    try:
        with open_regular(path) as file:
            found = _read(shown, file)
    except Unsafe as error:
        raise _refused(shown, str(error)) from error
    except _DAMAGED as error:
        raise _refused(shown, _reason(error)) from error
    if not found.network:
        raise _refused(shown, "there are no layers with weights in it")
    return found


def _read(path: str, file: IO[bytes]) -> KerasWeights:
    start = file.read(len(_HDF5))
    size = file.seek(0, 2)
    file.seek(0)
    if start == _HDF5:
        return _from_hdf5(path, file, size, None)
    if start.startswith(_ZIP):
        with opened_weights(file) as (weights, inner_size, config):
            return _from_hdf5(path, weights, inner_size, config)
    raise Unsafe("it is neither HDF5 nor a .keras file")


def _from_hdf5(path: str, stream: IO[bytes], size: int, config: Any) -> KerasWeights:
    check_heaps(stream)
    with h5py.File(stream, "r") as file:
        arrays = arrays_below(file, size)
        prefix = "model_weights/" if "model_weights" in file else ""
        root = group_at(file, prefix)
        if not names_attribute(root, "layer_names"):
            return KerasWeights(path, _name_of(config), layers_by_class(file, arrays))
        config = json.loads(text_attribute(file, "model_config") or "null")
        inside = {key.removeprefix(prefix): array for key, array in arrays.items()}
        models = older_layers(root, inside, dict(_orders(config)))
    return KerasWeights(path, _name_of(config), models)


def _name_of(config: Any) -> str:
    inner = config.get("config") if isinstance(config, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else ""


def _orders(config: Any) -> Iterator[tuple[str, list[str]]]:
    """The names of all models in a description → the names of their layers, in order."""
    inner = config.get("config") if isinstance(config, dict) else None
    layers = inner.get("layers") if isinstance(inner, dict) else None
    if not isinstance(layers, list):
        return
    yield _name_of(config), [_name_of(layer) for layer in layers]
    for layer in layers:
        yield from _orders(layer)


def _reason(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    return one_line(text)[:200] or type(error).__name__


def _refused(path: str, reason: str) -> CheckpointError:
    return CheckpointError(
        three_part(
            f"{path}: the weights cannot be read: {reason}.",
            "A file is needed that Keras wrote: .keras, .weights.h5, or .h5 of a model or of its "
            "weights.",
            "Copy or download it again and compare its size; or save the model once more with "
            'model.save("NAME.keras").',
        )
    )
