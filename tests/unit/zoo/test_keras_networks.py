"""The table of Keras's networks is what the installed Keras would ask for."""

from __future__ import annotations

import inspect

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
        keras.utils.clear_session()
        return caught.value.args

    return asked


def row(file):
    return file.name, file.url, file.digest


def test_every_network_of_keras_is_in_the_table():
    functions = inspect.getmembers(keras.applications, inspect.isfunction)
    assert sorted(name for name, _ in functions) == sorted(NETWORKS)


# Keras builds a network before it asks; these are the quickest, one of each form of name.
QUICK = ("MobileNet", "VGG16", "ConvNeXtTiny", "MobileNetV3Small", "NASNetMobile", "ResNet50V2")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in NETWORKS]
)
def test_its_files_are_those_that_keras_asks_for(name, asks):
    without, with_top = NETWORKS[name]
    assert asks(name, include_top=False) == row(without)
    if name not in QUICK:  # the whole table, where there is time for it
        assert asks(name) == row(with_top)


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
