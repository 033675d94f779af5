"""One trained run for all end-to-end tests; who changes something works on a copy."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from command import detectune
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import tiny_config, write_squares

from detectune.config.save import write_config


class Trained(NamedTuple):
    """A data set, the config for it, and the run directory that `detectune train` made."""

    data: Path
    config: Path
    run: Path
    said: str


@pytest.fixture(autouse=True)
def small_backbone(monkeypatch):
    register_small_backbone(monkeypatch)


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    folder = tmp_path_factory.mktemp("road")
    data = write_squares(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        write_config(tiny_config(data, extractor=EXTRACTOR), folder / "tiny.config")
        done = detectune("train", folder / "tiny.config", "--model-dir", folder / "run")
    assert done.status == 0, done.err
    return Trained(data, folder / "tiny.config", folder / "run", done.err)


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "squares"
    with pytest.MonkeyPatch.context() as patch:
        register_small_backbone(patch)
        done = detectune("export", trained.run, "--to", "saved_model", "-o", folder)
    assert done.status == 0, done.err
    assert "same answers as the model on 4 images of the data set" in done.out
    return folder
