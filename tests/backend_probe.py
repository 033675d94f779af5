"""What the tiny detector does on one backend, as JSON: `KERAS_BACKEND=jax python backend_probe.py`.

    python backend_probe.py [two_stages | domain | crops | detections TYPE]

Weights come from NumPy, so that every backend starts from the same ones. On JAX and PyTorch,
TensorFlow counts as not installed.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

if os.environ["KERAS_BACKEND"] != "tensorflow":
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # importing it fails from here on

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from own_networks import small_network
from small_backbone import EXTRACTOR, register_small_backbone
from tiny import SIDE, random_batch, tiny_config
from tiny_two_stage import batch_with_masks, tiny_two_stage
from toy import ToyDetector

from detectune.backbones.inception_resnet_v2 import Repeats, region_networks
from detectune.checkpoints.keys import variable_keys
from detectune.config import schema
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.detectors.crop_classes import CropClasses, CropClassifier
from detectune.detectors.domain_adversary import DomainAdversary, MapTerm, Reversal
from detectune.detectors.frozen import prepare_frozen
from detectune.detectors.inference import DetectionModel
from detectune.detectors.rcnn import RCNN
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.layers.scaled_gradient import scaled_gradient
from detectune.training.optimizers import build_optimizer
from detectune.training.weights import settle

RCNN_BLOCK = """rcnn { num_classes: 2 crop_size: 32 crops_at_once: 8 max_proposals: 11
  score_threshold: 0.0 image_resizer { fixed_shape_resizer { height: 40 width: 50 } }
  feature_extractor { backbone { saved: "backbone.json" preprocessing: TF } } }"""

# JAX compiles an initializer for every shape, which takes longer than all the rest; what it gives
# is overwritten here anyway.
ConvHyperparams.new_initializer = lambda _: keras.initializers.Zeros()  # type: ignore[method-assign]


def give_weights(detector: keras.Model) -> None:
    """The same weights on every backend."""
    random = np.random.default_rng(1)
    for variable in detector.weights:
        if "seed" in variable.path:
            continue
        shape = tuple(variable.shape)
        if variable.path.endswith("moving_variance"):
            variable.assign(random.uniform(0.5, 1.5, shape).astype(np.float32))
        elif variable.path.endswith(("gamma", "beta", "moving_mean", "bias")):
            variable.assign(random.normal(0.5, 0.1, shape).astype(np.float32))
        else:
            fan_in = max(int(np.prod(shape[:-1])), 1)
            variable.assign(random.normal(0, fan_in**-0.5, shape).astype(np.float32))


def probe() -> dict:
    """Losses of two training steps, what the first one left behind, and detections."""
    register_small_backbone(pytest.MonkeyPatch())
    detector = build_detector(tiny_config(extractor=EXTRACTOR).model)
    give_weights(detector)
    images, truth = random_batch()
    found = DetectionModel(detector).detect(images, np.full((2, 2), SIDE, np.float32))
    detector.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), jit_compile=False)
    losses = [detector.train_on_batch(images, tuple(truth), return_dict=True) for _ in range(2)]
    return {
        "backend": keras.backend.backend(),
        "losses": [{name: float(value) for name, value in step.items()} for step in losses],
        "moving_mean": float(np.mean(np.abs(_first(detector, "moving_mean")))),
        "kernel": float(np.sum(np.abs(_first(detector, "kernel")))),
        "boxes": found.boxes[0, :3].tolist(),
        "scores": found.scores[0, :3].tolist(),
        "fused_kernel": "detectune.layers.fused_tensorflow" in sys.modules,
        "region_features": region_features(),
        "frozen_losses": frozen_losses(),
        "default_paths": [row.path for row in variable_keys(ToyDetector())],
    }


def frozen_losses() -> list[float]:
    """Losses of two steps with the first three convolutions frozen, of images and of kept maps."""
    detector = build_detector(tiny_config(extractor=EXTRACTOR).model)
    give_weights(detector)
    for level in (1, 2, 3):
        detector.backbone.network.get_layer(f"conv{level}").trainable = False
        detector.backbone.network.get_layer(f"norm{level}").trainable = False
    frozen = prepare_frozen(detector)
    assert frozen is not None
    assert [layer.name for layer in frozen.layers if layer.weights] == [
        "conv1", "norm1", "conv2", "norm2", "conv3", "norm3"
    ]  # fmt: skip
    images, truth = random_batch()
    detector.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    losses = [detector.train_on_batch(images, tuple(truth))]
    kept = tuple(keras.ops.convert_to_numpy(one) for one in frozen.begin(images))
    inputs = {"images": images[..., :0], "kept": kept}
    detector.reset_metrics()
    losses.append(detector.train_on_batch(inputs, tuple(truth)))
    return [float(keras.tree.flatten(one)[-1]) for one in losses]


def detections(type_name: str) -> dict:
    """What an untrained detector with the feature extractor `type_name` finds."""
    config = tiny_config(extractor=type_name).model
    extractor = config.ssd.feature_extractor
    extractor.use_depthwise = False
    if "bifpn" in type_name:
        extractor.ClearField("fpn")
        extractor.override_base_feature_extractor_hyperparams = False
        pyramid = extractor.bifpn
        pyramid.min_level, pyramid.max_level, pyramid.num_iterations = 3, 5, 1
        pyramid.num_filters = 16
    detector = build_detector(config)
    give_weights(detector)
    found = DetectionModel(detector).detect(random_batch()[0], np.full((2, 2), SIDE, np.float32))
    return {"boxes": found.boxes[0, :3].tolist(), "scores": found.scores[0, :3].tolist()}


def region_features() -> list[float]:
    """What both halves of a thin Inception-ResNet, dilated, make of a random image."""
    style = ConvHyperparams(batch_norm=BatchNormSettings(scale=True))
    networks = region_networks(
        features_stride=8, hyperparams=style, depth_multiplier=0.05, repeats=Repeats(1, 1, 1)
    )
    images = keras.Input((32, 32, 3))
    network = keras.Model(images, networks.box_features(networks.trunk(images)))
    give_weights(network)
    image = np.random.default_rng(2).normal(size=(1, 32, 32, 3)).astype(np.float32)
    return network.predict_on_batch(image)[0, 0, 0].tolist()


def two_stages() -> dict:
    """Losses of two training steps of a Mask R-CNN, and what it finds before them."""
    config = tiny_two_stage("faster_rcnn_mobilenet_v2_fpn_keras", stages=3)
    # Without it a sample on the border of a map counts or not as its place is rounded, which is
    # another matter in TensorFlow's kernel.
    config.faster_rcnn.use_matmul_crop_and_resize = True
    detector = build_detector(config)
    give_weights(detector)
    images, truth = batch_with_masks()
    found = DetectionModel(detector).detect(images, np.full((2, 2), SIDE, np.float32))
    # Backends have random numbers of their own: samplers take the first candidates instead.
    keras.random.uniform = falling  # type: ignore[assignment]
    detector.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), jit_compile=False)
    steps = [detector.train_on_batch(images, truth, return_dict=True) for _ in range(2)]
    return {
        "backend": keras.backend.backend(),
        "losses": [{name: float(value) for name, value in step.items()} for step in steps],
        "boxes": found.boxes[0, :3].tolist(),
        "scores": found.scores[0, :3].tolist(),
        "masks": found.masks[0, :3].tolist(),
    }


def domain() -> dict:
    """Losses of two adversarial steps, what a scaled gradient does, and how many steps counted."""
    register_small_backbone(pytest.MonkeyPatch())
    detector = build_detector(tiny_config(extractor=EXTRACTOR).model)
    shapes = detector.neck.compute_output_shape(detector.backbone.output_shapes)
    extra = DomainAdversary(
        map_channels=[shape[-1] for shape in shapes],
        region_shape=None,
        reversal=Reversal(2),
        maps=MapTerm(1.0, (0, 1, 2), 8),
        regions=None,
    )
    detector.add_losses(extra)
    give_weights(detector)
    extra.steps.assign(1.0)
    extra.counted.assign(0.0)
    extra.right.assign(np.zeros((1, 2), np.float32))
    images, truth = random_batch()
    target = {"images": images[::-1] * 0.3, "sizes": np.full((2, 2), SIDE, np.float32)}
    detector.compile(optimizer=keras.optimizers.SGD(0.01), jit_compile=False)
    inputs = {"images": images, "target": target}
    steps = [detector.train_on_batch(inputs, truth.as_batch(), return_dict=True) for _ in range(2)]
    settle(detector)
    return {
        "losses": [{name: float(value) for name, value in step.items()} for step in steps],
        "numbers": extra.report().numbers,
        "scaled": [scaled_update(factor) for factor in (1.0, -0.7)],
    }


def crops() -> dict:
    """Vectors, margins and detections of an R-CNN, and its weights after two steps on crops."""
    config = text_format.Parse(RCNN_BLOCK, schema.DetectionModel())
    detector = build_detector(config, backbone=small_network())
    give_weights(detector)
    random = np.random.default_rng(4)
    images = random.uniform(0, 255, (1, 40, 50, 3)).astype(np.float32)
    corners = random.uniform(-4, 24, (1, 11, 2))
    boxes = np.concatenate([corners, corners + random.uniform(4, 20, (1, 11, 2))], axis=2)
    boxes = boxes.astype(np.float32)
    inputs = {"images": images, "proposals": boxes}
    found = DetectionModel(detector).detect(inputs, np.full((1, 2), 40, np.float32))
    out = detector.predict_on_batch(inputs)
    tensors = (keras.ops.convert_to_tensor(one) for one in (images, boxes))
    vectors = keras.ops.convert_to_numpy(detector.vectors(*tensors))
    return {
        "vectors": vectors[0].tolist(),
        "margins": np.asarray(out.margins)[0].tolist(),
        "box_codes": np.asarray(out.box_codes)[0].tolist(),
        "boxes": found.boxes[0, :3].tolist(),
        "losses": crop_steps(detector, random),
        "kernel": float(np.sum(np.abs(_first(detector, "kernel")))),
        "moving_mean": float(np.sum(np.abs(_first(detector, "moving_mean")))),
    }


def crop_steps(detector: RCNN, random: np.random.Generator) -> list[float]:
    """Losses of two steps on random crops, each in two parts."""
    classes = CropClasses(detector.dimension, detector.num_classes, seed=1)
    kernel, bias = classes.logits.get_weights()
    classes.logits.set_weights([random.normal(0, 0.1, kernel.shape), bias])
    detector.add_losses(classes)
    settings = schema.Optimizer(use_moving_average=False)
    rate = settings.momentum_optimizer.learning_rate.constant_learning_rate
    rate.learning_rate = 0.01
    classifier = CropClassifier(detector, classes)
    classifier.learn_with(build_optimizer(settings, accumulation_steps=2))
    side, losses = detector.crop_size, []
    labels = np.arange(8, dtype=np.int32) % (detector.num_classes + 1)
    for _ in range(4):
        pixels = random.uniform(0, 255, (8, side, side, 3)).astype(np.float32)
        numbers = classifier.train_on_batch(pixels, labels, return_dict=True)
        losses.append(float(numbers["loss"]))
    settle(classifier)
    return losses


class _Scaled(keras.layers.Layer):
    """Its input times a weight, of which the gradient is scaled."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.weight = self.add_weight(shape=(3,), initializer="ones")

    def call(self, values: Any) -> Any:
        return scaled_gradient(values * self.weight, self.factor)


def scaled_update(factor: float) -> list[float]:
    """How a step of gradient descent with rate 1 moves a weight behind `scaled_gradient`."""
    layer = _Scaled(factor)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse", jit_compile=False)
    values = np.array([[0.1, 0.5, -0.3], [0.4, -0.2, 0.2]], np.float32)
    model.train_on_batch(values, np.zeros_like(values))
    settle(model)
    return (keras.ops.convert_to_numpy(layer.weight.value) - 1.0).tolist()


def falling(shape: tuple, **_: object) -> Any:
    """Numbers from 1 down, the same for every image."""
    numbers = 1.0 - keras.ops.arange(int(shape[1]), dtype="float32")[None] / int(shape[1])
    return keras.ops.broadcast_to(numbers, tuple(int(side) for side in shape))


def _first(detector: Detector, kind: str) -> np.ndarray:
    # `convert_to_numpy`: a PyTorch variable that trains cannot be read by np.asarray.
    variable = next(v for v in detector.weights if v.path.endswith(kind))
    return keras.ops.convert_to_numpy(variable.value)


if __name__ == "__main__":
    answers = {
        "probe": probe,
        "two_stages": two_stages,
        "domain": domain,
        "crops": crops,
        "detections": detections,
    }
    what, *words = sys.argv[1:] or ["probe"]
    json.dump(answers[what](*words), sys.stdout)
