"""The model layers build, train and infer on every Keras backend, with the same numbers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

# By default `tests/endtoend/test_training_on_backends.py` compares the backends, in whole runs.
pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parents[1]
PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


@cache
def probe(backend: str, *words: str) -> subprocess.CompletedProcess:
    """tests/backend_probe.py in a process of its own: Keras has one backend each."""
    environment = {
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # Two steps are not worth an optimized program.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    return subprocess.run(
        [sys.executable, str(TESTS / "backend_probe.py"), *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def on(backend: str, *words: str) -> dict:
    """The answer of `probe`, or a skip where the backend is not installed."""
    if importlib.util.find_spec(PACKAGES[backend]) is None:
        pytest.skip(f"{backend} is not installed")
    done = probe(backend, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("backend", list(PACKAGES))
def test_a_training_step_lowers_the_loss_and_boxes_are_found(backend):
    found = on(backend)
    first, second = found["losses"]
    assert found["backend"] == backend
    # The second number is the mean of both steps.
    assert second["total_loss"] < first["total_loss"]
    boxes = np.array(found["boxes"])
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert boxes.min() >= 0
    assert boxes.max() <= 64
    # The one kernel that only TensorFlow has.
    assert found["fused_kernel"] == (backend == "tensorflow")


@pytest.mark.parametrize("backend", ["jax", "torch"])
class TestSameAsTensorFlow:
    def test_every_loss_of_a_training_step_is_the_same(self, backend):
        mine, reference = on(backend)["losses"][0], on("tensorflow")["losses"][0]
        assert set(mine) >= {"classification_loss", "localization_loss", "total_loss"}
        assert reference["localization_loss"] > 0.01
        for name, value in reference.items():
            assert mine[name] == pytest.approx(value, rel=1e-4), name

    def test_a_frozen_beginning_is_left_out_alike(self, backend):
        images, kept = on(backend)["frozen_losses"]
        assert images == pytest.approx(on("tensorflow")["frozen_losses"][0], rel=1e-4)
        assert kept == pytest.approx(images, rel=1e-4)

    def test_the_step_changes_weights_and_statistics_alike(self, backend):
        mine, reference = on(backend), on("tensorflow")
        assert mine["kernel"] == pytest.approx(reference["kernel"], rel=1e-4)
        assert mine["moving_mean"] == pytest.approx(reference["moving_mean"], rel=1e-4)
        # The tracker holds the mean of both steps, so this one sees what the first step did.
        assert mine["losses"][1] != mine["losses"][0]
        assert mine["losses"][1]["total_loss"] == pytest.approx(
            reference["losses"][1]["total_loss"], rel=1e-3
        )

    def test_detections_are_the_same(self, backend):
        mine, reference = on(backend), on("tensorflow")
        assert reference["scores"][0] > 0.1
        np.testing.assert_allclose(mine["scores"], reference["scores"], rtol=1e-4)
        np.testing.assert_allclose(mine["boxes"], reference["boxes"], atol=1e-2)

    def test_features_of_regions_are_the_same(self, backend):
        mine, reference = on(backend)["region_features"], on("tensorflow")["region_features"]
        assert max(reference) > 0.1
        np.testing.assert_allclose(mine, reference, rtol=1e-4, atol=1e-5)

    def test_keys_of_a_detector_without_a_name_map_are_the_same(self, backend):
        paths = on(backend)["default_paths"]
        assert "towers/0/0/kernel" in paths
        assert paths == on("tensorflow")["default_paths"]


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize(
    "family",
    [
        "ssd_mobilenet_v2_fpn_keras",
        "ssd_resnet50_v1_fpn_keras",
        "ssd_efficientnet-b0_bifpn_keras",
    ],
)
def test_detections_of_every_family_are_the_same(backend, family):
    mine, reference = on(backend, "detections", family), on("tensorflow", "detections", family)
    assert reference["scores"][0] > 0.1
    np.testing.assert_allclose(mine["scores"], reference["scores"], rtol=1e-4)
    np.testing.assert_allclose(mine["boxes"], reference["boxes"], atol=1e-2)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_mask_rcnn_is_the_same_on_every_backend(backend):
    mine, reference = on(backend, "two_stages"), on("tensorflow", "two_stages")
    assert mine["backend"] == backend
    np.testing.assert_allclose(mine["scores"], reference["scores"], rtol=1e-3)
    np.testing.assert_allclose(mine["boxes"], reference["boxes"], atol=1e-2)
    np.testing.assert_allclose(mine["masks"], reference["masks"], atol=1e-4)
    assert set(mine["losses"][0]) >= {"rpn_objectness_loss", "classification_loss", "mask_loss"}
    for name, value in reference["losses"][0].items():
        assert mine["losses"][0][name] == pytest.approx(value, rel=1e-3), name
    assert mine["losses"][1]["total_loss"] == pytest.approx(
        reference["losses"][1]["total_loss"], rel=1e-2
    )


@pytest.mark.parametrize("backend", list(PACKAGES))
def test_adversarial_steps_are_the_same_and_gradients_are_reversed(backend):
    found, wanted = on(backend, "domain"), on("tensorflow", "domain")
    for step, other in zip(found["losses"], wanted["losses"], strict=True):
        for name, value in other.items():
            assert step[name] == pytest.approx(value, rel=1e-3, abs=1e-5)
    assert found["numbers"] == pytest.approx(wanted["numbers"], abs=1e-3)
    plain, reversed_ = np.array(found["scaled"])
    assert np.abs(plain).max() > 1e-3
    np.testing.assert_allclose(reversed_, -0.7 * plain, rtol=1e-4)


@pytest.mark.parametrize("backend", ["jax", "torch"])
class TestCropsOfAnRcnn:
    def test_vectors_margins_and_boxes_are_the_same(self, backend):
        found, wanted = on(backend, "crops"), on("tensorflow", "crops")
        assert np.abs(wanted["margins"]).max() > 0.1
        for name in ("vectors", "margins", "box_codes"):
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found["boxes"], wanted["boxes"], atol=1e-2)

    def test_fine_tuning_on_crops_is_the_same(self, backend):
        found, wanted = on(backend, "crops"), on("tensorflow", "crops")
        assert len(set(wanted["losses"])) == 4
        np.testing.assert_allclose(found["losses"], wanted["losses"], rtol=1e-4)
        for name in ("kernel", "moving_mean"):
            assert found[name] == pytest.approx(wanted[name], rel=1e-4)
