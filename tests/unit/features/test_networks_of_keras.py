"""Every network of `keras.applications` with weights from files gives the vectors of Keras."""

from __future__ import annotations

import sys

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from detectune.config.application_names import APPLICATIONS
from detectune.features.keras_network import keras_network

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of Keras
    pytest.mark.filterwarnings("ignore:`input_shape` is undefined:UserWarning"),
]
# Of the rest some take minutes, and gigabytes.
QUICK = ("MobileNet",)
FIXED_SIDES = {"NASNetLarge": 331, "NASNetMobile": 224}


def trained(name: str, side: int) -> keras.Model:
    """The network with weights as if it had learned something."""
    model = getattr(keras.applications, name)(
        include_top=False, weights=None, pooling="avg", input_shape=(side, side, 3)
    )
    random = np.random.default_rng(7)
    for variable in model.weights:
        if variable.name not in ("count", "seed_generator_state"):
            value = np.asarray(variable)
            variable.assign(value * random.uniform(0.8, 1.2, value.shape))
    for layer in normalizations(model):
        layer.finalize_state()
    return model


def normalizations(model: keras.Model) -> list[keras.layers.Normalization]:
    """Layers that compute with copies of their variables."""
    return [one for one in model.layers if isinstance(one, keras.layers.Normalization)]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in APPLICATIONS],
)
def test_weights_from_files_of_both_layouts_give_the_vectors_of_keras(name, tmp_path):
    side = FIXED_SIDES.get(name, 96)
    model = trained(name, side)
    model.save_weights(tmp_path / "new.weights.h5")
    with h5py.File(tmp_path / "old.h5", "w") as file:
        save_weights_to_hdf5_group(file, model)
    images = np.random.default_rng(1).integers(0, 256, (1, side, side, 3)).astype(np.uint8)
    module = sys.modules[getattr(keras.applications, name).__module__]
    expected = model.predict_on_batch(module.preprocess_input(images.astype(np.float32)))
    assert np.abs(expected).max() > 0
    for file in ("new.weights.h5", "old.h5"):
        network = keras_network(
            name, pooling="avg", weights=str(tmp_path / file), size=(side, side)
        )
        np.testing.assert_allclose(network.vectors(images), expected, rtol=1e-5, atol=1e-6)


def test_published_deviations_of_efficientnet_become_variances(tmp_path):
    model = trained("EfficientNetB0", 64)
    (layer,) = normalizations(model)
    variance = next(one for one in layer.weights if one.name == "variance")
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    variance.assign(deviation)
    model.save_weights(tmp_path / "published.weights.h5")
    variance.assign(deviation**2)
    layer.finalize_state()
    images = np.random.default_rng(1).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    network = keras_network(
        "EfficientNetB0",
        pooling="avg",
        weights=str(tmp_path / "published.weights.h5"),
        size=(64, 64),
    )
    expected = model(images.astype(np.float32))
    np.testing.assert_allclose(network.vectors(images), expected, rtol=1e-4, atol=1e-6)
