"""A classifier of Keras → the backbone of a detector: from a file, or by the name "imagenet".

"imagenet" ─► the network of keras.applications that the backbone is ─► its file
file ─► keras_files/ ─► layer by layer, refused where the network is another one
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detectune.backbones.base import Backbone
from detectune.checkpoints.keras_files.matching import (
    class_name_of,
    classifier_values,
    normalization_of,
)
from detectune.checkpoints.keras_files.reading import KerasWeights, read_keras_weights
from detectune.checkpoints.keys import VariableKey
from detectune.checkpoints.name_maps.networks import backbone_layers
from detectune.config.checkpoint_paths import IMAGENET
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, three_part
from detectune.files import usable_path
from detectune.wording import plural
from detectune.zoo.keras_weights import keras_weights_file

_CLASSIFICATION = "classification"


class KerasClassifier(NamedTuple):
    """What was read for a detector."""

    path: str
    values: dict[str, np.ndarray]
    """Key without root and suffix → value."""
    networks: str
    """The network of the file and that of the detector, for an error."""
    notes: list[str]
    """What is otherwise than in Keras although all weights fit."""


def check_keras_start(path: str | os.PathLike[str]) -> None:
    """See that there is a file at `path`, which is called like one of Keras.

    Raises:
        CheckpointError: there is none.
        ConfigError: `path` can be no path.
    """
    if os.fspath(path) == IMAGENET or os.path.isfile(usable_path(path, "checkpoint")):
        return
    found = "it is a folder" if os.path.isdir(path) else "there is no such file"
    raise CheckpointError(
        three_part(
            f"{os.fspath(path)}: {found}.",
            "Weights of Keras are one file: .keras, .weights.h5 or .h5.",
            f'Check the path; or write "{IMAGENET}" for those that Keras publishes.',
        )
    )


def read_keras_classifier(
    detector: Detector, path: str | os.PathLike[str], kind: str, rows: Sequence[VariableKey]
) -> KerasClassifier:
    """The weights at `path`, or those that "imagenet" stands for, by the keys of `rows`.

    Raises:
        CheckpointError: `kind` is not "classification", the file is damaged, or it is that of
            another network.
        ZooError: the weights could not be fetched.
    """
    check_keras_start(path)
    backbone = _backbone(detector, path)
    _check_kind(path, kind)
    published = os.fspath(path) == IMAGENET
    file = imagenet_file(backbone) if published else os.fspath(path)
    weights = read_keras_weights(file)
    networks = f"The file holds {weights.describe()}; {_wanted(backbone)}."
    _check_normalization(weights, backbone)
    found = classifier_values(weights, detector, rows)
    if found.surplus:
        raise _surplus(file, found.surplus, networks, backbone)
    form = backbone.keras_form
    if published and form and form.deviation_for_variance:
        _square_variances(found.values)
    notes = [f"{form.application} of Keras: {form.differs}"] if form and form.differs else []
    return KerasClassifier(os.fspath(file), found.values, networks, notes)


def imagenet_file(backbone: Backbone) -> str:
    """The file of the ImageNet weights that Keras publishes for the network of `backbone`.

    Raises:
        CheckpointError: Keras has no network with these layers.
        ZooError: the file could not be fetched.
    """
    form = backbone.keras_form
    if form is None:
        raise CheckpointError(
            three_part(
                f'fine_tune_checkpoint: "{IMAGENET}": keras.applications has no network like '
                f"{backbone.network_name}.",
                "These are weights that Keras publishes for its own networks.",
                "Name a checkpoint of this network; or put a network of Keras under the detector, "
                'with backbone { name: "ResNet50" } in feature_extractor.',
            )
        )
    if form.differs:
        archive = (
            f"`detectune zoo download {shlex.quote(form.archive)}` fetches ImageNet weights of "
            "this network; "
            if form.archive
            else ""
        )
        raise CheckpointError(
            three_part(
                f'fine_tune_checkpoint: "{IMAGENET}": {form.application} of Keras is not the '
                f"network of this feature extractor: {form.differs}.",
                "With its weights another function would be computed here, and nothing would say "
                "so.",
                f"{archive}for that of Keras write type: "
                f'"ssd_fpn_keras" and backbone {{ name: "{form.application}" }}.',
            )
        )
    if backbone.depth_multiplier != 1:
        raise CheckpointError(
            three_part(
                f'fine_tune_checkpoint: "{IMAGENET}": the detector has a depth_multiplier of '
                f"{backbone.depth_multiplier:g}.",
                f"{form.application} of Keras has the layers of this network with "
                "depth_multiplier: 1.",
                "Write depth_multiplier: 1.0 in feature_extractor, or name other weights.",
            )
        )
    return os.fspath(keras_weights_file(form.application))


def _backbone(detector: Detector, path: str | os.PathLike[str]) -> Backbone:
    backbone = getattr(detector, "backbone", None)
    if isinstance(backbone, Backbone):
        return backbone
    raise CheckpointError(
        three_part(
            f"{os.fspath(path)}: {type(detector).__name__} has no network that a classifier "
            "could be under.",
            "It is looked for in the attribute backbone.",
            "Restore a checkpoint of such a detector.",
        )
    )


def _check_kind(path: str | os.PathLike[str], kind: str) -> None:
    if kind == _CLASSIFICATION:
        return
    raise CheckpointError(
        three_part(
            f'{os.fspath(path)}: the type is "{kind}".',
            "Weights of Keras are those of a classifier: they give the backbone and nothing else.",
            f'Write fine_tune_checkpoint_type: "{_CLASSIFICATION}", or in Python '
            f'kind="{_CLASSIFICATION}".',
        )
    )


def _wanted(backbone: Backbone) -> str:
    form = backbone.keras_form
    layers = backbone_layers(backbone)
    names = ", ".join(layer.name for layer in layers[:3])
    own = backbone.network_name
    name = f"{own} ({form.application} of Keras)" if form and not form.differs else own
    return f"the detector wants {name} with {plural(len(layers), 'layer')} ({names}, …)"


def _check_normalization(weights: KerasWeights, backbone: Backbone) -> None:
    """A network that normalizes images itself must do it as the backbone does.

    Published weights of EfficientNet hold the deviation of ImageNet where a variance belongs, and
    Keras divides by its root once more; both readings are right.
    """
    layer = normalization_of(weights)
    if layer is None or any(
        class_name_of(one) == "normalization" for one in backbone_layers(backbone)
    ):
        return
    mean, spread = (np.asarray(layer.variables[index][1], np.float64) for index in (0, 1))
    if mean.shape != (3,):
        return  # it is for something else than colours
    black, white = np.asarray(
        backbone.normalize(np.array([[[[0.0] * 3, [255.0] * 3]]], np.float32)), np.float64
    )[0, 0]
    scale = white - black
    with np.errstate(divide="ignore", invalid="ignore"):
        readings = [1 / spread, 1 / np.sqrt(spread)]
    alike = any(np.allclose(one, scale, rtol=1e-2) for one in readings)
    if alike and np.allclose(mean, -black / scale, atol=1e-2):
        return
    shown = [", ".join(f"{number:.3g}" for number in one) for one in (mean, spread)]
    raise CheckpointError(
        three_part(
            f"{weights.path}: the network was trained on other colours: its layer "
            f'"{layer.name}" has the mean {shown[0]} and the variance {shown[1]}.',
            f"{backbone.network_name} takes the mean {_text(-black / scale)} and the deviation "
            f"{_text(1 / scale)} in any case.",
            "Put the network of Keras under the detector, which keeps this layer: backbone { name: "
            "… weights: … } in feature_extractor.",
        )
    )


def _square_variances(values: dict[str, np.ndarray]) -> None:
    """Make variances of what are deviations in published weights."""
    for key in values:
        if key.endswith("/variance"):
            values[key] = np.square(values[key])


def _text(numbers: np.ndarray) -> str:
    return ", ".join(f"{number:.3g}" for number in numbers)


def _surplus(
    path: str, surplus: Sequence[str], networks: str, backbone: Backbone
) -> CheckpointError:
    """The file has more in its layers than the backbone has."""
    form = backbone.keras_form
    if all(name.endswith(("/gamma", "/beta")) for name in surplus):
        next_step = (
            "Write scale: true (and center: true) in the batch_norm of conv_hyperparams, or remove "
            "override_base_feature_extractor_hyperparams."
        )
    else:
        name = form.application if form else "…"
        archive = (
            f"`detectune zoo download {shlex.quote(form.archive)}`, or p"
            if form and form.archive
            else "P"
        )
        next_step = (
            f'{archive}ut the network of Keras under the detector: type "ssd_fpn_keras" and '
            f'backbone {{ name: "{name}" weights: … }}.'
        )
    shown = ", ".join(surplus[:3]) + (", …" if len(surplus) > 3 else "")
    differs = f" {form.application} of Keras: {form.differs}." if form and form.differs else ""
    return CheckpointError(
        three_part(
            f"{path}: layers of the backbone have {plural(len(surplus), 'variable')} more than it "
            f"has: {shown}. {networks}",
            f"Without them the same layers would compute something else.{differs}",
            next_step,
        )
    )
