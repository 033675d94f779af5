"""What a stored classifier may consist of: a closed list, checked before anything is built.

A .skops file is a zip of arrays and a description of objects by the names of their classes. Skops
itself trusts every estimator of scikit-learn and many functions. Here only the classes that our own
pipelines have are built, so that a folder from somebody else cannot run code.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

TRUSTED_TYPES = (
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.str",
    "builtins.tuple",
    "numpy.float32",
    "numpy.float64",
    "numpy.int32",
    "numpy.int64",
    "numpy.ndarray",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.neighbors._classification.KNeighborsClassifier",
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._label.LabelBinarizer",
    "sklearn.svm._classes.LinearSVC",
    "sklearn.svm._classes.SVC",
)
"""Classes that are built."""
TRUSTED_NODES = (
    "DictNode", "JsonNode", "ListNode", "NdArrayNode", "ObjectNode", "TupleNode", "TypeNode",
)  # fmt: skip
"""Ways to build them; those that call functions are not among them."""
_SCHEMA = "schema.json"
_MOST_BYTES = 2 * 2**30
"""Unpacked: 100,000 vectors of 2,048 numbers, which a nearest-neighbour classifier holds."""
_MOST_SCHEMA = 64 * 2**20


class Untrusted(ValueError):
    """A stored classifier names what is not on the list, or is no such file; says what."""


def refuse_untrusted(data: bytes) -> None:
    """See that the .skops file `data` consists of what is on the list.

    Raises:
        Untrusted: it does not.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {one.filename: one.file_size for one in archive.infolist()}
            if sum(sizes.values()) > _MOST_BYTES or sizes.get(_SCHEMA, 0) > _MOST_SCHEMA:
                raise Untrusted("it is larger than a classifier can be")
            foreign_files = [name for name in sizes if name != _SCHEMA and name[-4:] != ".npy"]
            if foreign_files:
                raise Untrusted(f"it holds {foreign_files[0]}, which is no array")
            schema = json.loads(archive.read(_SCHEMA))
            foreign = sorted(set(_foreign(schema)))
    except Untrusted:
        raise
    except Exception as error:  # a damaged zip or description raises errors of many kinds
        raise Untrusted(f"it cannot be read ({error})") from error
    if foreign:
        raise Untrusted(f"it names {', '.join(foreign[:5])}, which no classifier here has")


def _foreign(node: Any) -> Iterator[str]:
    """The names in a description that are not on the list."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            if "__class__" in one or "__module__" in one or "__loader__" in one:
                name = f"{one.get('__module__')}.{one.get('__class__')}"
                if name not in TRUSTED_TYPES:
                    yield name
                if one.get("__loader__") not in TRUSTED_NODES:
                    yield f"{one.get('__loader__')} of {name}"
            waiting += one.values()
