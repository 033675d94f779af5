"""Training on kept features: the same steps, whatever happens to what is kept."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from google.protobuf import text_format
from rich.console import Console
from small_backbone import EXTRACTOR, register_small_backbone
from three_parts import three_parts
from tiny import tiny_config, write_squares

import detectune.training.feature_cache as feature_cache
from detectune.checkpoints.files import find_checkpoint, read_checkpoint
from detectune.data.kept.store import INDEX, RECORDS, StoreWriter
from detectune.errors import ConfigError, WriteError
from detectune.training.console import RunConsole
from detectune.training.sources import TRAIN
from detectune.training.streams import Stream
from detectune.training.train import train

BACKBONE = "classification_backbone"


@pytest.fixture(scope="module", autouse=True)
def small_backbone():
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_squares(tmp_path_factory.mktemp("kept") / "data")


def config_for(data, *, cache="type: FLOAT32", steps=4, freeze=BACKBONE):
    """8 images in batches of 4, so two steps for an epoch."""
    config = tiny_config(data, extractor=EXTRACTOR)
    settings = config.train_config
    settings.num_steps, settings.evaluate_every_steps = steps, 100
    settings.freeze_variables.append(freeze)
    del settings.data_augmentation_options[1:]  # a flip is left
    del config.eval_input_reader[:]
    config.eval_config.batch_norm_recalibration = False
    if cache is not None:
        settings.feature_cache.SetInParent()
        text_format.Merge(cache, settings.feature_cache)
    return config


def trained(config, folder, **options):
    """The weights at the end, and what was said."""
    said = io.StringIO()
    run = train(config, folder, console=RunConsole(Console(file=said, width=500)), **options)
    return read_checkpoint(find_checkpoint(run.path / "checkpoints" / "last")), said.getvalue()


def losses(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row["Loss/total_loss"] for row in rows if row["kind"] == "train"]


def store_of(folder):
    (path,) = [index.parent for index in (folder / "features").glob(f"*/{INDEX}")]
    return path


@pytest.fixture(scope="module")
def kept(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept_run") / "run"
    weights, said = trained(config_for(data), folder)
    return folder, weights, said


def assert_close(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_allclose(value, theirs[key], rtol=1e-3, atol=1e-5, err_msg=key)


def test_without_augmentation_the_steps_are_those_of_training_on_images(data, tmp_path):
    config = config_for(data, cache=None)
    del config.train_config.data_augmentation_options[:]
    plain, _ = trained(config, tmp_path / "plain")
    config.train_config.feature_cache.type = config.train_config.feature_cache.FLOAT32
    cached, said = trained(config, tmp_path / "cached")
    assert "8 images × 1 view, " in said
    np.testing.assert_allclose(losses(tmp_path / "cached"), losses(tmp_path / "plain"), rtol=1e-5)
    assert_close(cached, plain)


def test_it_says_what_is_kept_on_the_console_and_on_the_page(kept):
    folder, _, said = kept
    line = next(line for line in said.splitlines() if "Training sees these views" in line)
    size = os.path.getsize(store_of(folder) / RECORDS)
    assert f"8 images × 1 view, each also mirrored, {size / 1e6:.3g} MB (FLOAT32)" in line
    page = (folder / "report.html").read_text()
    assert "Kept features" in page
    assert "Training sees these views of an image and no other." in page


def test_frozen_values_do_not_change_by_one_bit_and_others_do(data, kept, tmp_path):
    _, weights, _ = kept
    longer, _ = trained(config_for(data, steps=6), tmp_path / "run")
    frozen = {key for key in weights if BACKBONE in key}
    assert len(frozen) > 10
    for key in frozen:
        np.testing.assert_array_equal(weights[key], longer[key])
    assert any(not np.array_equal(weights[key], longer[key]) for key in weights.keys() - frozen)


def test_a_run_goes_on_elsewhere_as_if_nothing_had_happened(data, kept, tmp_path):
    _, weights, _ = kept
    trained(config_for(data, steps=2), tmp_path / "first")
    shutil.move(tmp_path / "first", tmp_path / "moved")
    before = os.stat(store_of(tmp_path / "moved") / RECORDS).st_mtime_ns
    found, said = trained(config_for(data), tmp_path / "moved", resume=True)
    assert "computing the frozen layers" not in said
    assert os.stat(store_of(tmp_path / "moved") / RECORDS).st_mtime_ns == before
    assert_close(found, weights)


def test_damage_is_noticed_and_mended(data, kept, tmp_path):
    _, weights, _ = kept
    trained(config_for(data, steps=2), tmp_path / "run")
    path = store_of(tmp_path / "run") / RECORDS
    whole = path.read_bytes()
    size = len(whole) // 16
    path.write_bytes(whole[: 5 * size] + b"\xff" * 8 + whole[5 * size + 8 :])
    found, said = trained(config_for(data), tmp_path / "run", resume=True)
    assert "1 record of kept features" in said
    assert "they are computed anew" in said
    np.testing.assert_allclose(
        np.frombuffer(path.read_bytes()[5 * size : 5 * size + 64], np.float32),
        np.frombuffer(whole[5 * size : 5 * size + 64], np.float32),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    assert_close(found, weights)


def test_what_belongs_to_other_weights_is_said_and_not_used(data, kept, tmp_path):
    folder, _, _ = kept
    shutil.copytree(folder / "features", tmp_path / "run" / "features")
    old = store_of(tmp_path / "run").name
    config = config_for(data)
    config.train_config.seed = 4  # other random weights, and other flips
    _, said = trained(config, tmp_path / "run")
    assert "kept features are not used: those that are there belong to other weights" in said
    assert "computing the frozen layers for 8 images" in said
    assert store_of(tmp_path / "run").name != old  # in its own folder nothing old is left


def test_a_shared_folder_serves_several_runs_and_nothing_in_it_is_removed(data, tmp_path):
    config = config_for(data, steps=1)
    config.train_config.feature_cache.folder = str(tmp_path / "shared")
    trained(config, tmp_path / "a")
    _, said = trained(config, tmp_path / "b")
    assert "computing the frozen layers" not in said
    assert not (tmp_path / "b" / "features").exists()
    config.train_config.feature_cache.type = config.train_config.feature_cache.BFLOAT16
    _, said = trained(config, tmp_path / "c")
    assert "computing the frozen layers" in said
    assert len(list((tmp_path / "shared").iterdir())) == 2


def test_where_more_trains_than_at_first_images_are_read_again(data):
    said, stream = [], Stream(None, None, config_for(data), kept="kept maps")
    frozen = SimpleNamespace(layers=[SimpleNamespace(name="conv1"), SimpleNamespace(name="conv2")])
    training = SimpleNamespace(
        detector=SimpleNamespace(frozen=frozen),
        console=SimpleNamespace(say=said.append),
        streams={TRAIN: stream},
        kept_layers=("conv1", "conv2"),
    )
    assert feature_cache.with_kept_features(training).kept == "kept maps"
    frozen.layers.pop()
    for _ in range(2):
        assert feature_cache.with_kept_features(training).kept is None
    assert training.streams[TRAIN].kept is None
    assert said == ["more of the network trains now: images are read again"]


def test_an_evaluation_runs_the_whole_network(data, tmp_path):
    config = config_for(data)
    config.eval_input_reader.add().source = f"csv:{data / 'labels.csv'}"
    config.eval_config.batch_norm_recalibration = True
    _, said = trained(config, tmp_path / "run")
    assert "mAP" in said


def test_images_that_cannot_be_read_are_left_out_and_named_again_when_it_goes_on(data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    file = tmp_path / "data" / "square3.png"
    content = bytearray(file.read_bytes())
    content[60:90] = bytes(30)
    file.write_bytes(bytes(content))
    _, said = trained(config_for(tmp_path / "data", steps=2), tmp_path / "run")
    assert "left out: square3.png" in said
    _, said = trained(config_for(tmp_path / "data"), tmp_path / "run", resume=True)
    assert "1 image could not be read" in said
    assert "computing" not in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.train_config.ClearField("freeze_variables"), "no layer at the beginning"),
        (lambda c: c.train_config.freeze_variables.__setitem__(0, "box_pred"), "no layer at the"),
        (lambda c: setattr(c.train_config.feature_cache, "max_gb", 1e-6), "max_gb allows"),
    ],
)
def test_what_cannot_be_kept_is_refused(data, tmp_path, change, said):
    config = config_for(data)
    change(config)
    with pytest.raises(ConfigError) as caught:
        trained(config, tmp_path / "run")
    assert said in "\n".join(three_parts(caught.value))
    assert not (tmp_path / "run" / "features").exists()


def test_a_disk_without_room_is_said_beforehand(data, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(feature_cache.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ConfigError) as caught:
        trained(config_for(data), tmp_path / "run")
    parts = three_parts(caught.value)
    assert "8 images × 1 view, each also mirrored take" in parts[0]
    assert "0.001 MB are free; a tenth of that is left alone." in parts[1]


def test_a_disk_that_gets_full_meanwhile_leaves_nothing_and_the_run_can_begin_again(
    data, kept, tmp_path, monkeypatch
):
    _, weights, _ = kept
    write, count = StoreWriter.write, 0

    def full(self, *arguments):
        nonlocal count
        count += 1
        if count > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "write", full)
        with pytest.raises(WriteError) as caught:
            trained(config_for(data), tmp_path / "run")
    assert "there is no space left on the disk" in three_parts(caught.value)[0]
    assert list((tmp_path / "run" / "features").iterdir()) == []
    found, _ = trained(config_for(data), tmp_path / "run")
    assert_close(found, weights)


def test_the_word_on_the_command_line_and_in_python_is_the_field_with_its_defaults(data, tmp_path):
    _, said = trained(config_for(data, cache=None, steps=1), tmp_path / "run", cache_features=True)
    assert "(FLOAT16)" in said
    assert (tmp_path / "run" / "pipeline.config").read_text().count("feature_cache") == 1
