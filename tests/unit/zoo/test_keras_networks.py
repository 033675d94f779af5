"""The table of Keras's networks is what the installed Keras would ask for."""

from __future__ import annotations

import inspect
import sys

import keras
import pytest
from keras.src.utils import file_utils
from three_parts import three_parts

from detectune.errors import ConfigError
from detectune.zoo.keras_networks import HOST, NETWORKS, keras_file

pytestmark = pytest.mark.filterwarnings("ignore:`input_shape` is undefined:UserWarning")


class Asked(Exception):
    """Keras asked for a file."""


@pytest.fixture
def asks(monkeypatch):
    """What `keras.applications` asks for: name on the disk, address, checksum."""

    def get_file(fname, origin, cache_subdir="datasets", file_hash=None):
        assert cache_subdir == "models"
        raise Asked(fname, origin, file_hash or "")

    monkeypatch.setattr(file_utils, "get_file", get_file)

    def asked(name, **arguments):
        with pytest.raises(Asked) as caught:
            getattr(keras.applications, name)(weights="imagenet", **arguments)
        return caught.value.args

    return asked


def row(file):
    return file.name, file.url, file.digest


def test_every_network_of_keras_is_in_the_table():
    functions = inspect.getmembers(keras.applications, inspect.isfunction)
    assert sorted(name for name, _ in functions) == sorted(NETWORKS)


class Whatever:
    """Stands for layers, tensors and networks: whatever is done with it gives it again."""

    shape = (None, 8, 8, 8)

    def __call__(self, *_, **__):
        return self

    def __getattr__(self, _):
        return self

    __getitem__ = __add__ = __mul__ = __call__


def build_nothing(monkeypatch, module) -> None:
    """Let a module of Keras build no layers."""
    for name, value in vars(module).copy().items():
        is_layer = inspect.isclass(value) and issubclass(value, keras.layers.Layer)
        if name in ("layers", "ops") or is_layer:
            monkeypatch.setattr(module, name, Whatever())


@pytest.mark.parametrize("name", NETWORKS)
def test_its_files_are_those_that_keras_asks_for(name, asks, monkeypatch):
    # Keras builds a network before it asks, which takes a second or more.
    module = sys.modules[getattr(keras.applications, name).__module__]
    for one in (module, keras.src.applications.resnet):  # the latter builds ResNet V2, too
        build_nothing(monkeypatch, one)
    without, with_top = NETWORKS[name]
    assert asks(name, include_top=False) == row(without)
    assert asks(name) == row(with_top)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_with_all_its_layers_it_asks_for_the_same(name, asks):
    without, with_top = NETWORKS[name]
    assert asks(name, include_top=False) == row(without)
    keras.utils.clear_session()
    assert asks(name) == row(with_top)
    keras.utils.clear_session()


def test_addresses_are_encrypted_and_names_unique():
    files = [file for network in NETWORKS.values() for file in network]
    assert all(file.url.startswith(f"{HOST}/") for file in files)
    assert HOST.startswith("https://")
    assert len({file.name for file in files}) == len(files) == 2 * len(NETWORKS)


def test_an_unknown_network_is_refused_by_name():
    with pytest.raises(ConfigError) as caught:
        keras_file("Resnet50")
    found, allowed, next_step = three_parts(caught.value)
    assert '"Resnet50"' in found
    assert "ConvNeXtTiny" in allowed
    assert next_step.startswith('Did you mean "ResNet50"?')
