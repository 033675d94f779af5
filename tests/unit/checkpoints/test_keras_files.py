"""Files of Keras, of every age and broken in every way: arrays by layer, or three parts."""

from __future__ import annotations

import json
import os
import zipfile

import h5py
import numpy as np
import pytest
from three_parts import three_parts

from detectune.checkpoints.keras_files import hdf5
from detectune.checkpoints.keras_files.reading import read_keras_weights
from detectune.errors import CheckpointError

KERNEL = np.arange(6.0, dtype=np.float32).reshape(1, 2, 3)


def older(path, layers, root=""):
    """A file of the older layout: layer → names of its variables."""
    with h5py.File(path, "w") as file:
        group = file.create_group(root) if root else file
        group.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            inside = group.create_group(name)
            inside.attrs["weight_names"] = [weight.encode() for weight in weights]
            for number, weight in enumerate(weights):
                inside[weight] = KERNEL + number
    return path


def shown(layers):
    return [(one.name, [kind for kind, _ in one.variables]) for one in layers]


def test_names_of_variables_are_read_as_every_keras_wrote_them(tmp_path):
    names = {
        "input_1": [],
        "conv2d_1": ["conv2d_1/kernel:0", "conv2d_1/bias:0"],
        "dw": ["dw/depthwise_kernel:0"],
        "batch_normalization_1": ["batch_normalization_1/moving_variance:0"],
        "block1_conv1": ["block1_conv1_W_1:0", "block1_conv1_b_1:0"],
        "bn2a": ["bn2a_gamma:0", "bn2a_running_std:0"],
        "expanded_conv/project": ["expanded_conv/project/kernel:0"],
        "odd": ["odd/spectrum:0"],
    }
    found = read_keras_weights(older(tmp_path / "old.h5", names))
    assert shown(found.network) == [
        ("conv2d_1", ["kernel", "bias"]),
        ("dw", ["depthwise_kernel"]),
        ("batch_normalization_1", ["moving_variance"]),
        ("block1_conv1", ["kernel", "bias"]),
        ("bn2a", ["gamma", "moving_variance"]),
        ("expanded_conv/project", ["kernel"]),
        ("odd", [""]),
    ]
    np.testing.assert_array_equal(found.network[0].variables[1][1], KERNEL + 1)
    assert found.describe() == (
        "7 layers that have weights (conv2d_1, dw, batch_normalization_1, …)"
    )


def test_long_lists_of_names_are_put_together(tmp_path):
    names = {f"layer_{number:03}": [f"layer_{number:03}/kernel"] for number in range(250)}
    path = older(tmp_path / "long.h5", names)
    with h5py.File(path, "a") as file:
        every = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = every[:200], every[200:]
    assert [layer.name for layer in read_keras_weights(path).network] == list(names)


def test_of_a_model_frozen_in_part_the_description_says_the_order(tmp_path):
    """Keras writes first what is trained: here the second convolution."""
    weights = ["b/kernel", "a/kernel", "a/bias", "c/kernel"]
    path = older(tmp_path / "whole.h5", {"net": weights, "top": ["top/kernel"]}, "model_weights")
    inner = {"name": "net", "layers": [{"config": {"name": name}} for name in "abc"]}
    outer = {"name": "mine", "layers": [{"config": inner}, {"config": {"name": "top"}}]}
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": outer})
    found = read_keras_weights(path)
    assert [layer.name for layer in found.network] == ["a", "b", "c"]
    assert [layer.name for layer in found.beside] == ["top"]
    assert found.describe().startswith('"mine" with 3 layers that have weights')


def test_layers_of_a_class_are_counted_in_their_order(tmp_path):
    with h5py.File(tmp_path / "new.weights.h5", "w") as file:
        for number in (10, 2, 0):
            name = f"conv2d_{number}" if number else "conv2d"
            file[f"layers/{name}/vars/0"] = KERNEL + number
        file["layers/batch_normalization/vars/1"] = KERNEL
        file["layers/batch_normalization/vars/0"] = KERNEL
        file["layers/sequential/layers/dense/vars/0"] = KERNEL
        file["optimizer/vars/0"] = KERNEL
        file["vars/0"] = KERNEL
    found = read_keras_weights(tmp_path / "new.weights.h5")
    places = [(one.class_name, one.number) for one in found.network]
    assert places == [("batch_normalization", 0), ("conv2d", 0), ("conv2d", 2), ("conv2d", 10)]
    assert len(found.network[0].variables) == 2
    assert [one.class_name for one in found.beside] == ["dense"]


def test_bfloat16_becomes_float32(tmp_path):
    with h5py.File(tmp_path / "short.weights.h5", "w") as file:
        bits = (np.array([1.0, -2.5, 0.0], np.float32).view(np.uint32) >> 16).astype("<u2")
        file.create_dataset("layers/dense/vars/0", data=bits.view("V2"))
        file["layers/dense/vars/0"].attrs["dtype"] = "bfloat16"
    value = read_keras_weights(tmp_path / "short.weights.h5").network[0].variables[0][1]
    np.testing.assert_array_equal(value, np.array([1.0, -2.5, 0.0], np.float32))


# --- what is refused ------------------------------------------------------------------------------


def refusal(path):
    with pytest.raises(CheckpointError) as caught:
        read_keras_weights(path)
    found, allowed, next_step = three_parts(caught.value)
    assert found.startswith(f"{path}: the weights cannot be read: ")
    assert allowed.startswith("A file is needed that Keras wrote")
    assert next_step
    return found.partition("cannot be read: ")[2]


def new(path, make):
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars/0"] = KERNEL
        make(file)
    return path


def test_a_file_that_is_cut_off_or_nothing_of_the_kind(tmp_path):
    whole = new(tmp_path / "whole.h5", lambda file: None).read_bytes()
    for name, data, reason in (
        ("cut.h5", whole[: len(whole) // 2], "truncated file"),
        ("start.h5", whole[:8], ""),
        ("empty.h5", b"", "it is neither HDF5 nor a .keras file"),
        ("page.h5", b"<html>", "it is neither HDF5 nor a .keras file"),
        ("zip.keras", b"PK\x03\x04garbage", "File is not a zip file"),
        ("noise.h5", whole[:8] + os.urandom(3000), ""),
    ):
        (tmp_path / name).write_bytes(data)
        assert reason in refusal(tmp_path / name), name
    with h5py.File(tmp_path / "none.h5", "w"):
        pass
    assert refusal(tmp_path / "none.h5") == "there are no layers with weights in it."
    assert "No such file" in refusal(tmp_path / "no.h5")
    assert "s a directory" in refusal(tmp_path)


def test_links_out_of_the_file_are_not_followed(tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    other = new(tmp_path / "other.h5", lambda file: None)

    def external(file):
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(other), "/layers/conv2d/vars/0")

    def soft(file):
        file["layers/dense/vars/0"] = h5py.SoftLink("/layers/conv2d/vars/0")

    def raw(file):
        file.create_dataset(
            "layers/dense/vars/0", (6,), "f4", external=[(str(tmp_path / "secret.bin"), 0, 24)]
        )

    def virtual(file):
        layout = h5py.VirtualLayout((1, 2, 3), "f4")
        layout[:] = h5py.VirtualSource(str(other), "layers/conv2d/vars/0", (1, 2, 3))
        file.create_virtual_dataset("layers/dense/vars/0", layout)

    for make, reason in (
        (external, '"layers/dense/vars/0" is a link to something else.'),
        (soft, '"layers/dense/vars/0" is a link to something else.'),
        (raw, '"layers/dense/vars/0" stands in another file.'),
        (virtual, '"layers/dense/vars/0" stands in another file.'),
    ):
        assert refusal(new(tmp_path / "bad.h5", make)) == reason, make.__name__


def test_sizes_that_cannot_be_meant_are_refused_before_they_are_read(tmp_path, monkeypatch):
    def huge(file):
        file.create_dataset("layers/dense/vars/0", (1 << 40,), "f4", chunks=(1 << 20,))

    def deep(file):
        file["/".join(["layers"] * 40) + "/x"] = KERNEL

    def circle(file):
        file["layers/conv2d/again"] = file["layers"]

    assert "its arrays claim 4,398,046,5" in refusal(new(tmp_path / "huge.h5", huge))
    for make in (deep, circle):
        assert "deep in each other" in refusal(new(tmp_path / "deep.h5", make))
    monkeypatch.setattr(hdf5, "_MOST_ARRAYS", 3)

    def many(file):
        for number in range(5):
            file[f"layers/dense_{number}/vars/0"] = KERNEL

    assert refusal(new(tmp_path / "many.h5", many)) == "it has more than 3 arrays."


@pytest.mark.timeout(60)
def test_damaged_texts_are_refused_and_not_read_for_ever(tmp_path):
    """HDF5 follows such a chain without end."""
    path = older(tmp_path / "old.h5", {"a": ["a/kernel"]})
    whole = path.read_bytes()
    heap = whole.index(b"GCOL\x01\0\0\0")
    assert len(read_keras_weights(path).network) == 1
    for length in (b"\xff" * 8, b"\xf0" + b"\xff" * 7, (1 << 40).to_bytes(8, "little")):
        path.write_bytes(whole[: heap + 24] + length + whole[heap + 32 :])
        assert refusal(path) == "the texts in it are damaged."


def test_what_holds_no_numbers_or_names_what_is_not_there(tmp_path):
    def text(file):
        file["layers/dense/vars/0"] = "import os"

    assert "holds no numbers" in refusal(new(tmp_path / "text.h5", text))
    path = older(tmp_path / "old.h5", {"a": ["a/kernel"], "b": ["b/kernel"]})
    with h5py.File(path, "a") as file:
        del file["b/b/kernel"]
    assert refusal(path) == '"b/b/kernel" is named, but not there.'
    with h5py.File(path, "a") as file:
        del file["b"]
    assert refusal(path) == '"b" is named, but not there.'


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_a_keras_file_needs_both_its_parts(tmp_path):
    weights = new(tmp_path / "w.h5", lambda file: None).read_bytes()
    config = json.dumps({"class_name": "Functional", "config": {"name": "mine"}})
    good = {"config.json": config, "model.weights.h5": weights}
    assert read_keras_weights(archive(tmp_path / "good.keras", good)).model_name == "mine"
    for members, reason in (
        ({"model.weights.h5": weights}, "it is a zip without config.json."),
        ({"config.json": config}, "it is a zip without model.weights.h5."),
        (
            {"config.json": config, "model.weights.json": "{}"},
            "its weights are divided into several files (max_shard_size).",
        ),
        ({**good, "config.json": "{"}, "Expecting property name"),
        ({**good, "config.json": "[" * 100_000}, ""),
        ({**good, "model.weights.h5": weights[:100]}, ""),
    ):
        assert reason in refusal(archive(tmp_path / "bad.keras", members))
    # What the description says is text: nothing in it is looked up or run.
    lambda_ = {"class_name": "Lambda", "config": {"function": ["4wEAAA", None, None]}}
    evil = {"class_name": "os.system", "config": {"name": 7, "layers": [lambda_, 3, None]}}
    members = {**good, "config.json": json.dumps(evil)}
    assert read_keras_weights(archive(tmp_path / "evil.keras", members)).model_name == ""


def test_a_zip_that_unpacks_to_very_much_is_refused(tmp_path):
    bomb = {"config.json": "{}", "model.weights.h5": bytes(300 * 2**20)}
    path = archive(tmp_path / "bomb.keras", bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**20
    assert refusal(path).startswith("its model.weights.h5 claims 314,572,800 bytes")


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in folders there")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    assert refusal(tmp_path / "pipe.h5") == "it is no file."
