"""What `--network` says → a network from images to vectors.

MobileNetV2            keras.applications, as Keras makes it          keras_network.py
mobilenet_v2           a backbone of the registry                     bare_detector.py
my_network.keras       a functional model of Keras                    backbones/own_network.py
training/first         the backbone of a run, an archive, a zoo model inference/load_detector.py
feature_vector/        a SavedModel of TensorFlow Hub                 vector_network.py
"""

from __future__ import annotations

import os
from math import isfinite
from pathlib import Path

import numpy as np

from detectune.backbones.base import Backbone
from detectune.backbones.levels import find_levels
from detectune.backbones.own_network import own_family
from detectune.backbones.stored import read_keras_file
from detectune.config.application_names import APPLICATIONS, PUBLISHED
from detectune.config.checkpoint_paths import IMAGENET, is_keras_file, is_saved_model
from detectune.detectors.base import Detector
from detectune.errors import ConfigError, did_you_mean, three_part
from detectune.features.bare_detector import registered_backbone
from detectune.features.image_network import (
    USUAL_SIDE,
    ImageNetwork,
    fingerprint,
    of_backbone,
)
from detectune.features.keras_network import NO_WEIGHTS, keras_network
from detectune.features.settings import LARGEST_SIDE, OWN_POOLING, POOLINGS, Pooling
from detectune.features.vector_network import load_vector_network
from detectune.files import open_regular, usable_path
from detectune.inference.load_detector import folder_of, load_detector
from detectune.registry import backbones
from detectune.wording import one_line
from detectune.zoo.catalog import DETECTION

_USUAL = (USUAL_SIDE, USUAL_SIDE)
_BY_KEY = {key: name for name, key in APPLICATIONS.items() if key}


def open_network(
    network: str,
    *,
    pooling: Pooling = "avg",
    weights: str | None = None,
    size: tuple[int, int] | None = None,
    value_range: tuple[float, float] | None = None,
) -> ImageNetwork:
    """The network that `network` names, which is not trained.

    Args:
        network: a network of `keras.applications`, a backbone of the registry, a .keras file, a run
            directory, an unpacked archive or the name of a model of the zoo, or the folder of a
            SavedModel that gives vectors.
        pooling: how the last feature map becomes a vector; a SavedModel does that itself.
        weights: of the first two: "imagenet" (also if None), a file, a checkpoint, or "none".
        size: height and width in pixels that images are brought to; the network's own if None.
        value_range: what a SavedModel takes for black and white; 0 and 1 if None, or 0 and 255 if
            it takes whole numbers.

    Raises:
        ConfigError: there is no such network, or an argument does not fit it.
        CheckpointError: its weights are missing, damaged, or of another network.
        ZooError: the weights that "imagenet" stands for could not be fetched.
    """
    _check(pooling, size)
    if value_range is not None:
        _check_range(network, value_range)
    name = _BY_KEY.get(network, network)
    if name in APPLICATIONS:
        start = _weights(weights)
        return keras_network(name, pooling=pooling, weights=start, size=size)
    name = PUBLISHED.get(network, network)
    if name in backbones:
        start = _weights(weights)
        found = registered_backbone(name, start)
        return of_backbone(found, pooling, name=name, weights=start, size=size or _USUAL)
    if weights is not None:
        raise _brings_weights(network, weights)
    place = usable_path(network, "--network")
    if place.is_file() and is_keras_file(place):
        return _from_file(place, pooling, size)
    if is_program(network):
        return _from_saved_model(place, size, value_range)
    if not place.is_dir() and network not in {archive.name for archive in DETECTION}:
        raise _unknown(network, place)
    folder = os.path.abspath(folder_of(network))
    found = _backbone_of(load_detector(folder), network)
    return of_backbone(found, pooling, name=folder, weights="", size=size or _USUAL)


def is_program(network: str) -> bool:
    """Whether `network` is a SavedModel, which TensorFlow runs as a program."""
    place = Path(network)
    return place.is_dir() and is_saved_model(place) and not (place / "pipeline.config").is_file()


def _check(pooling: str, size: tuple[int, int] | None) -> None:
    if pooling not in POOLINGS:
        raise ConfigError(
            three_part(
                f'--pooling: "{one_line(pooling)}".',
                f"Allowed: {', '.join(POOLINGS)}.",
                f"{did_you_mean(pooling, POOLINGS)}Choose one of these.",
            )
        )
    if size is not None and not all(1 <= side <= LARGEST_SIDE for side in size):
        raise ConfigError(
            three_part(
                f"--size: {size[0]}x{size[1]} pixels.",
                f"Allowed: 1 to {LARGEST_SIDE:,} each way.",
                "Choose a size that the network was trained on, such as 224.",
            )
        )


def _weights(weights: str | None) -> str:
    """`weights` as they are found again from another folder."""
    if weights is None or weights in (IMAGENET, NO_WEIGHTS):
        return weights or IMAGENET
    there = os.path.exists(weights) or os.path.exists(f"{weights}.index")
    return os.path.abspath(weights) if there else weights


def _from_file(place: Path, pooling: Pooling, size: tuple[int, int] | None) -> ImageNetwork:
    """A .keras file: the last feature map of the functional model in it."""
    if place.suffix.lower() != ".keras":
        raise ConfigError(
            three_part(
                f"--network {place}: it holds weights, and does not say of which network.",
                "A network is a name, a .keras file, a run directory or the folder of a "
                "SavedModel.",
                f"Name the network, and the file with --weights {place.name}.",
            )
        )
    model = read_keras_file(place)
    family = own_family(model, "AUTO", str(place))
    network = family.build(
        depth_multiplier=1.0, min_depth=1, hyperparams=None, explicit_padding=False
    )
    levels = find_levels(network)
    if not levels:
        raise ConfigError(
            three_part(
                f"{place}: the network has no feature map of stride 2 to 32.",
                "A vector is the mean of the channels of a feature map.",
                "Save a convolutional network.",
            )
        )
    backbone = family.backbone(network, [levels[max(levels)]])
    own = tuple(model.input_shape[1:3])
    fixed = own if all(isinstance(side, int) for side in own) else _USUAL
    return of_backbone(
        backbone,
        pooling,
        name=os.path.abspath(place),
        weights="",
        size=size or fixed,
        # Behind the semicolon stands what the config of a detector could say.
        notes=tuple(note.partition(";")[0] for note in family.notes),
    )


def _check_range(network: str, ends: tuple[float, float]) -> None:
    if is_program(network) and all(map(isfinite, ends)) and ends[0] != ends[1]:
        return
    found = f"{ends[0]:g},{ends[1]:g}"
    raise ConfigError(
        three_part(
            f"--value-range {found}: with --network {one_line(network)}.",
            "Two different numbers, what a SavedModel takes for black and white; the range of all "
            "other networks is known.",
            "Leave --value-range out, or name the folder of a SavedModel.",
        )
    )


def _from_saved_model(
    place: Path, size: tuple[int, int] | None, value_range: tuple[float, float] | None
) -> ImageNetwork:
    network = load_vector_network(place, value_range=value_range)
    if size is not None and network.size not in (None, size):
        raise ConfigError(
            three_part(
                f"--size: {size[0]}x{size[1]} pixels, for {place}.",
                f"This SavedModel takes {network.size}.",
                "Leave --size out.",
            )
        )
    files = [place / "saved_model.pb", *sorted((place / "variables").glob("variables.*"))]
    black, white = network.value_range

    def compute(images: np.ndarray) -> np.ndarray:
        return network.vectors(images)

    return ImageNetwork(
        name=os.path.abspath(place),
        weights="",
        pooling=OWN_POOLING,
        size=network.size or size or _USUAL,
        dimension=network.dimension,
        fingerprint=fingerprint(map(_content, files)),
        compute=compute,
        value_range=network.value_range,
        notes=(f"pixels are {black:g} to {white:g}, and the SavedModel pools itself",),
    )


def _content(file: Path) -> bytes:
    with open_regular(file) as stream:
        return stream.read()


def _backbone_of(detector: Detector, network: str) -> Backbone:
    backbone = getattr(detector, "backbone", None)
    if isinstance(backbone, Backbone):
        return backbone
    raise ConfigError(
        three_part(
            f"--network {network}: {type(detector).__name__} has no network that looks at images.",
            "It is looked for in the attribute backbone.",
            "Name another detector, or a network of Keras such as MobileNetV2.",
        )
    )


def _brings_weights(network: str, weights: str) -> ConfigError:
    known = [*APPLICATIONS, *PUBLISHED, *backbones]
    return ConfigError(
        three_part(
            f"--weights {weights}: with --network {network}.",
            "A file, a run and a SavedModel bring their own weights; names of networks do not.",
            f"{did_you_mean(network, known)}Leave --weights out, or name a network such as "
            "MobileNetV2.",
        )
    )


def _unknown(network: str, place: Path) -> ConfigError:
    known = [*APPLICATIONS, *PUBLISHED, *backbones, *(archive.name for archive in DETECTION)]
    found = "this file is no network" if place.is_file() else "no network is called so"
    return ConfigError(
        three_part(
            f"--network {one_line(network)}: {found}, and it is no folder.",
            f"Allowed: a network of keras.applications ({', '.join(APPLICATIONS)}), InceptionV4, a "
            f"backbone ({', '.join(sorted(set(backbones) - set(_BY_KEY)))}), a .keras file, a run "
            "directory, an unpacked archive or the name of a model of the zoo, or the folder of a "
            "SavedModel.",
            f"{did_you_mean(network, known)}Check the name or the path.",
        )
    )
