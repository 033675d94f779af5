"""SavedModels as networks from images to vectors: signature, size, range, and what is refused."""

from __future__ import annotations

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from config_samples import good_config, write_good_config
from three_parts import three_parts

from detectune.checkpoints.files import find_checkpoint
from detectune.config.check import check_config
from detectune.config.save import config_text
from detectune.errors import CheckpointError, DataError
from detectune.features.vector_network import load_vector_network


class Means(tf.Module):
    """The mean of each colour, and a weight of 2, as vectors of TensorFlow Hub are made."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(2.0)

    def means(self, images):
        return self.weight * tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2])


def save(folder, spec, answer=None, **signatures):
    """A SavedModel whose signature takes `spec` and gives what `answer` makes of it."""
    module = Means()
    answer = answer or (lambda images: {"default": module.means(images)})
    function = tf.function(answer, input_signature=[spec])
    module.serve = function
    tf.saved_model.save(module, str(folder), {"serving_default": function, **signatures})
    return folder


def images(height=4, width=6, count=2):
    found = np.zeros((count, height, width, 3), np.uint8)
    found[:] = [255, 51, 0]
    return found


ANY = tf.TensorSpec([None, None, None, 3], tf.float32, name="inputs")


def test_pixels_come_as_0_to_1_and_vectors_as_float32(tmp_path):
    network = load_vector_network(save(tmp_path / "hub", ANY))
    assert (network.size, network.value_range, network.dimension) == (None, (0.0, 1.0), 3)
    found = network.vectors(images())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[2.0, 0.4, 0.0]] * 2, rtol=1e-6)


def test_whole_numbers_come_as_they_are_and_another_range_can_be_said(tmp_path):
    spec = tf.TensorSpec([None, None, None, 3], tf.uint8, name="x")
    network = load_vector_network(save(tmp_path / "bytes", spec))
    assert network.value_range == (0.0, 255.0)
    np.testing.assert_allclose(network.vectors(images()), [[510.0, 102.0, 0.0]] * 2)
    network = load_vector_network(save(tmp_path / "hub", ANY), value_range=(-1.0, 1.0))
    np.testing.assert_allclose(network.vectors(images())[0], [2.0, -1.2, -2.0], rtol=1e-6)


def test_images_are_resized_where_the_signature_says_a_size(tmp_path):
    spec = tf.TensorSpec([None, 8, 10, 3], tf.float32, name="inputs")

    def corner(images):
        return {"vector": tf.reshape(images[:, 0, 0], [-1, 3]) + 0 * images[:, 7, 9]}

    network = load_vector_network(save(tmp_path / "fixed", spec, corner))
    assert network.size == (8, 10)
    wide = images(20, 30)
    np.testing.assert_allclose(network.vectors(wide)[0], [1.0, 0.2, 0.0], atol=1e-6)
    assert network.vectors(wide[:0]).shape == (0, 3)


def test_a_network_that_keras_exports_answers_as_it_does_in_keras(tmp_path):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    model.export(tmp_path / "exported", verbose=False)
    network = load_vector_network(tmp_path / "exported")
    pixels = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    expected = model(pixels.astype(np.float32) / 255)
    np.testing.assert_allclose(network.vectors(pixels), expected, rtol=1e-5, atol=1e-6)


def test_without_a_signature_the_object_is_called_without_training(tmp_path):
    class Reusable(Means):
        @tf.function
        def __call__(self, inputs, training=False):
            return self.means(inputs) * (-1 if training else 1)

    module = Reusable()
    for training in (True, False):
        module.__call__.get_concrete_function(ANY, training=training)
    tf.saved_model.save(module, str(tmp_path / "reusable"))
    network = load_vector_network(tmp_path / "reusable")
    np.testing.assert_allclose(network.vectors(images())[0], [2.0, 0.4, 0.0], rtol=1e-6)


def test_of_several_outputs_the_default_one_is_the_vector(tmp_path):
    def endpoints(images):
        vector = tf.reduce_mean(images, axis=[1, 2])
        return {"block1": images, "default": vector, "block2": vector * 3}

    network = load_vector_network(save(tmp_path / "ends", ANY, endpoints))
    np.testing.assert_allclose(network.vectors(images())[0], [1.0, 0.2, 0.0], rtol=1e-6)


def refusal(folder):
    with pytest.raises(CheckpointError) as caught:
        load_vector_network(folder)
    found, allowed, next_step = three_parts(caught.value)
    assert found.startswith(f"{folder}: it is no network from images to vectors: ")
    assert "[None, D] float32" in allowed
    assert "feature-vector" in next_step
    return found.partition("vectors: ")[2]


def mean(pixels):
    return {"default": tf.reduce_mean(pixels, axis=[1, 2])}


@pytest.mark.parametrize(
    ("shape", "answer", "reason"),
    [
        ([None, 3, 8, 8], mean, "its inputs are float32 [None, 3, 8, 8]."),
        ([1, 8, 8, 3], mean, "its inputs are float32 [1, 8, 8, 3]."),
        ([None], lambda x: {"default": x}, "its inputs are float32 [None]."),
        (ANY.shape, lambda x: {"maps": x}, "its outputs are float32 [None, None, None, 3]."),
        (
            ANY.shape,
            lambda x: {"a": x[:, 0, 0], "b": x[:, 0, 0]},
            "its outputs are float32 [None, 3], float32 [None, 3].",
        ),
        (ANY.shape, lambda x: {"n": tf.zeros([4, 2], tf.int32)}, "its outputs are int32 [4, 2]."),
    ],
)
def test_another_signature_is_refused_and_shown(tmp_path, shape, answer, reason):
    assert refusal(save(tmp_path / "other", tf.TensorSpec(shape), answer)) == reason


def test_what_is_no_saved_model_or_a_damaged_one_is_refused(tmp_path):
    assert refusal(tmp_path) == "there is no saved_model.pb."
    assert refusal(tmp_path / "nowhere") == "there is no saved_model.pb."
    folder = save(tmp_path / "hub", ANY)
    shutil.rmtree(folder / "variables")
    assert refusal(folder)
    (folder / "saved_model.pb").write_bytes(b"\xff" * 100)
    assert refusal(folder)


def test_images_of_another_form_are_refused(tmp_path):
    network = load_vector_network(save(tmp_path / "hub", ANY))
    for wrong in (images().astype(np.float32), images()[0], images()[..., :1]):
        with pytest.raises(DataError) as caught:
            network.vectors(wrong)
        found, allowed, _ = three_parts(caught.value)
        assert found == f"images: they are {wrong.dtype} of the shape {wrong.shape}."
        assert "[B, H, W, 3]" in allowed


def test_no_detector_starts_from_it(tmp_path):
    folder = save(tmp_path / "hub", ANY)
    for path in (folder, folder / "saved_model.pb"):
        with pytest.raises(CheckpointError) as caught:
            find_checkpoint(path)
        found, allowed, next_step = three_parts(caught.value)
        assert found == f"{path}: it is a SavedModel, no checkpoint."
        assert "no feature maps" in allowed
        assert "detectune.features.vector_network" in next_step
    write_good_config(tmp_path)
    config = good_config(
        checkpoint=str(folder), train=str(tmp_path / "train.record"),
        evaluation=str(tmp_path / "test.record"), label_map_path=str(tmp_path / "label_map.pbtxt"),
    )  # fmt: skip
    (tmp_path / "hub.config").write_text(config_text(config))
    (problem,) = check_config(tmp_path / "hub.config")
    assert (problem.severity, problem.found) == ("error", f"{folder} is a SavedModel.")
    assert "no feature maps" in problem.allowed
