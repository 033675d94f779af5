"""Reading the numbers recorded from the original."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from detectune.structures import PaddedDetections

GOLDENS = Path(__file__).parent / "goldens"


class Cases:
    """The cases of one part: `case(name)` gives inputs, outputs and arguments."""

    def __init__(self, part: str, family: str = "ssd") -> None:
        self._arrays = np.load(GOLDENS / f"{family}_{part}.npz")
        self.arguments: dict[str, dict[str, Any]] = json.loads(self._arrays["arguments"].tobytes())

    def __getitem__(self, name: str) -> dict[str, np.ndarray]:
        prefix = f"{name}/"
        return {
            key.removeprefix(prefix): self._arrays[key]
            for key in self._arrays.files
            if key.startswith(prefix)
        }


def sample(values: np.ndarray) -> np.ndarray:
    """The 4096 values that the recordings keep of a large tensor."""
    flat = np.asarray(values).ravel()
    return flat[np.random.default_rng(0).integers(0, flat.size, 4096)]


def relative_error(recorded: Any, key: str, values: Any) -> float:
    """‖values − recorded‖ / ‖recorded‖ over what was recorded of the tensor `key`."""
    values = np.asarray(values, np.float64)
    if key in recorded.files:
        reference = recorded[key].astype(np.float64)
    else:
        assert tuple(recorded[f"{key}#shape"]) == values.shape
        reference, values = recorded[f"{key}#sample"].astype(np.float64), sample(values)
    return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))


def check_detections(
    arrays: Any, found: PaddedDetections, sizes: np.ndarray, *, boxes: float = 1e-4
) -> None:
    """Scores, anchors, classes and boxes equal the recorded ones.

    Two boxes whose scores differ by less than rounding may change places: they are compared in the
    order of their anchors, or of the proposals that they came from.

    Args:
        sizes: `[B, 2]`, pixels that recorded boxes are fractions of.
        boxes: by how much of the image a side may differ.
    """
    np.testing.assert_allclose(found.scores, arrays["det/detection_scores"], atol=1e-5)
    assert len(sizes) == len(arrays["det/detection_scores"])
    for image, size in enumerate(sizes):
        recorded = {
            part: arrays[f"det/detection_{part}"][image].astype(int)
            for part in ("classes", "anchor_indices")
        }
        mine = {part: np.asarray(getattr(found, part))[image] for part in recorded}
        ours, theirs = (np.lexsort(tuple(parts.values())) for parts in (mine, recorded))
        for part, values in recorded.items():
            np.testing.assert_array_equal(mine[part][ours], values[theirs])
        fractions = np.asarray(found.boxes)[image][ours] / np.tile(size, 2)
        reference = arrays["det/detection_boxes"][image][theirs]
        np.testing.assert_allclose(fractions, reference, atol=boxes)


_KEY_GAINS = (
    (r"/_mask_rcnn_box_predictor/.*/_class_predictor_layers/", 0.8, 0.0),
    (r"/_mask_rcnn_box_predictor/.*/_box_encoder_layers/", 1.0, 0.0),
    (r"/_mask_rcnn_box_predictor/.*/_mask_predictor_layers/", 1.0, 0.0),
    (r"/_class_predictor_layers/", 0.3, -2.0),
    (r"/_box_encoder_layers/", 0.3, 0.0),
    (r"/_head_scope_conv_layers/", 1.0, 0.0),
    (r"/_fpn_features_generator/", 1.0, 0.0),
)


def recipe_weight(key: str, shape: tuple[int, ...], kind: str = "") -> np.ndarray:
    """The weight that the recordings used for `key`: a function of key and shape only.

    Args:
        kind: what the variable is, if the last part of its key does not say so.

    Covers the layers of SSDs with MobileNet and ResNet and of EfficientDet; the recipe itself is
    described with the recordings.
    """
    kind = kind or key.split("/.ATTRIBUTES")[0].split("/")[-1]
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    gain, offset = next(
        ((g, o) for pattern, g, o in _KEY_GAINS if re.search(pattern, key)), (None, 0.0)
    )
    if kind in ("kernel", "depthwise_kernel", "pointwise_kernel"):
        depthwise = kind == "depthwise_kernel"
        fan_in = shape[0] * shape[1] if depthwise else int(np.prod(shape[:-1]))
        own = None if depthwise else _swish_network_gain(key, shape, kind)
        noise = noise * np.sqrt(2.0 / fan_in) * (own or _gain(kind, shape, gain))
    elif kind == "bias":
        noise = 0.05 * noise + offset
    elif kind == "beta":
        noise = (0.5 if re.search("/_efficientnet/|/_bifpn_stage/", key) else 0.1) * noise
    elif kind == "moving_mean":
        noise = 0.1 * noise
    elif kind == "moving_variance":
        noise = 1.0 + 0.1 * np.abs(noise)
    else:
        noise = 1.0 + 0.1 * noise
    return noise.astype(np.float32)


_TF1_KINDS = {
    "weights": "kernel",
    "depthwise_weights": "depthwise_kernel",
    "biases": "bias",
}


def tf1_recipe_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The same for a variable of TensorFlow 1."""
    last = name.split("/")[-1]
    weight = recipe_weight(name, shape, _TF1_KINDS.get(last, last))
    is_class_bias = "ClassPredictor" in name and last == "biases"
    return weight - np.float32(2.0) if is_class_bias else weight


def _gain(kind: str, shape: tuple[int, ...], gain: float | None) -> float:
    if kind == "depthwise_kernel":
        return 0.85
    if gain is not None:
        return gain
    if kind == "pointwise_kernel":
        return 0.85
    if len(shape) != 4:
        return 1.0
    height, width, channels, filters = shape
    if (height, channels) == (7, 3):
        return 0.05 if filters == 64 else 0.6
    if height * width > 1:
        return 0.6
    return 0.3 if filters == 4 * channels and channels >= 64 else 1.0


def _swish_network_gain(key: str, shape: tuple[int, ...], kind: str) -> float | None:
    """The gain of a kernel of EfficientDet's backbone or neck, None elsewhere."""
    if "/_bifpn_stage/" in key:
        if kind == "kernel":
            return 1.0
        return 0.45 if shape[-1] == 384 else 0.9
    if "/_efficientnet/" not in key or kind != "kernel":
        return None
    channels, filters = shape[2:]
    if shape[:2] != (1, 1) or channels >= 16 * filters or filters >= channels:
        return 1.0
    return 0.4 if channels == 6 * filters else 1.9
