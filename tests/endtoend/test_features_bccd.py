"""Blood cells told apart by the backbone of a detector of hands: 4,886 crops, three classes."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from command import detectune
from shared import shared_folder

from detectune.data.sources.base import Subset
from detectune.data.sources.recognise import open_source
from detectune.features.extract import extract_features
from detectune.features.feature_file import read_features

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Features of all crops."""
    shared = shared_folder()
    network = shared / "checkpoints" / "handtrack_ssd_mobilenet_v2_fpnlite_320x320"
    file = tmp_path_factory.mktemp("cells") / "cells.npz"
    words = ("--network", str(network), "--crops", "boxes", "-o", str(file))
    done = detectune("features", "extract", str(shared / "datasets" / "bccd"), *words)
    assert done.status == 0, done.err
    return file, network


def test_three_kinds_of_blood_cells_are_told_apart(cells, tmp_path):
    file, _ = cells
    done = detectune("features", "fit", str(file), "-o", str(tmp_path / "svm"))
    assert done.status == 0, done.err
    found = json.loads((tmp_path / "svm" / "features.json").read_text())["cross_validation"]
    print(found)
    assert found["folds"] == 5
    assert found["by_image"]
    assert found["majority_class"] == "RBC"
    assert found["majority_balanced_accuracy"] == pytest.approx(1 / 3)
    assert found["balanced_accuracy"] >= 0.9


def test_a_thousand_crops_take_less_than_a_minute(cells):
    _, network = cells
    source = open_source(str(shared_folder() / "datasets" / "bccd"), columns=())
    boxes = np.cumsum([len(source.annotation(index).boxes) for index in range(len(source))])
    part = Subset(source, range(int(np.searchsorted(boxes, 1000)) + 1))
    began = time.perf_counter()
    features = extract_features(part, network, crops="boxes")
    seconds = time.perf_counter() - began
    print(f"{len(features)} crops in {seconds:.1f} s")
    assert len(features) >= 1000
    assert seconds < 60


def test_the_file_holds_every_box(cells):
    file, _ = cells
    features = read_features(file)
    assert len(features) == 4886
    assert set(features.class_names) == {"Platelets", "RBC", "WBC"}
    assert len(set(features.images.tolist())) == 364
