"""A functional Keras model → the same network as one of ours.

    any functional model ─► flat graph ─► batch norms of ours, padding by size ─► weights copied

Layers keep their names, order, settings, weights, and whether they are trainable. What changes:

- Its input takes images of any size.
- Models inside of it are taken apart; what was called with `training=False` keeps its statistics.
- Batch norms become `FreezableBatchNormalization`, so that freezing, recalibration and the fused
  kernel work on them.
- `ImageNormalization` stands for a normalization that is adapted to data.
- Dropout of a model that was called with `training=False` is left out, and so are layers that
  change images at random, for boxes would not follow.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import keras
from keras.layers import (
    BatchNormalization,
    Dropout,
    Layer,
    Normalization,
    ZeroPadding2D,
)

from detectune.backbones.graph import functional, operations_of, ordered_nodes, rebuilt
from detectune.errors import ConfigError, three_part
from detectune.layers.adopted import ImageNormalization, SizedPadding
from detectune.layers.batch_norm import FreezableBatchNormalization

# RandomFlip, RandomRotation, …
_AUGMENTING = re.compile("Random[A-Z].*|RandAugment|AugMix|MixUp|CutMix|Equalization|AutoContrast")
_RESIZING = ("Resizing", "CenterCrop")
_NUMBERED = re.compile(r"(.*?)(?:_(\d+))?")


def adopt(
    model: keras.Model,
    *,
    frozen_statistics: bool = False,
    padding_by_size: bool = False,
    renumber: bool = False,
) -> keras.Model:
    """A copy of `model` with layers as this program needs them; see the module.

    Args:
        model: functional, with one image `[B, H, W, 3]` as its input.
        frozen_statistics: batch norms keep their statistics in training.
        padding_by_size: paddings before convolutions of stride 2 follow the size of the image, as
            those of some networks of `keras.applications` do.
        renumber: number layers that were given no name from the first one of this model, not of
            this process.

    Raises:
        ConfigError: the model is not functional, has other inputs, or a layer that has none of its
            own kind here.
    """
    check_model(model)
    copy = _Copy(frozen_statistics, _padding_sizes(model) if padding_by_size else {})
    copy.names = _fresh_names(model) if renumber else {}
    image = keras.Input((None, None, 3), name="image")
    outputs = rebuilt(functional(model), [image], copy.call)
    network = keras.Model(image, outputs if len(outputs) > 1 else outputs[0], name=model.name)
    copy.copy_weights()
    return network


def check_model(model: Any) -> None:
    """See that a backbone can be made of `model`.

    Raises:
        ConfigError: it is no functional model of one image with channels last.
    """
    _check_functional(model)
    shapes = [tuple(one.shape) for one in functional(model).inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][-1] != 3:
        shown = ", ".join(map(str, shapes))
        raise ConfigError(
            three_part(
                f"backbone: the inputs of {model.name} have the shapes {shown}.",
                "A backbone has one: images (batch, height, width, 3), in colour, channels last.",
                "Build the network for such images.",
            )
        )


def _check_functional(model: Any) -> None:
    if not isinstance(model, keras.Model) or not hasattr(functional(model), "_nodes_by_depth"):
        kind = type(model).__name__
        raise ConfigError(
            three_part(
                f"backbone: {kind} is no functional Keras model.",
                "Its layers are not known as a graph, so no feature maps can be taken out of it.",
                "Build it with keras.Input(…) and keras.Model(inputs, outputs), or a "
                "keras.Sequential that begins with keras.Input(…).",
            )
        )


def all_layers(model: keras.Model) -> Iterator[Layer]:
    """The layers of `model` and of the models inside of it, in the order of their graphs."""
    return (one for one in operations_of(model) if isinstance(one, Layer))


def changes_images(operation: Any) -> bool:
    """Whether it is a layer of Keras that augments images."""
    return isinstance(operation, Layer) and bool(_AUGMENTING.fullmatch(type(operation).__name__))


class _Copy:
    """Copies operations, each once."""

    def __init__(self, frozen_statistics: bool, paddings: dict[int, tuple[int, int]]) -> None:
        self.frozen_statistics, self.paddings = frozen_statistics, paddings
        self.names: dict[int, str] = {}
        self._made: dict[int, Any] = {}
        self._pairs: list[tuple[Layer, Layer]] = []
        self._taken: Counter[str] = Counter()
        self._inference = False

    def call(self, operation: Any, arguments: tuple, keywords: dict[str, Any]) -> Any:
        """What a copy of `operation` gives for these arguments."""
        if isinstance(operation, keras.Model):
            return self._inside(operation, arguments, keywords)
        # Of other layers Keras does not tell whether somebody said it: they have a default.
        said = isinstance(operation, BatchNormalization) and keywords.get("training") is False
        keywords = {name: value for name, value in keywords.items() if name != "training"}
        if (self._inference and isinstance(operation, Dropout)) or changes_images(operation):
            return arguments[0]
        return self._copied(operation, self._inference or said)(*arguments, **keywords)

    def copy_weights(self) -> None:
        """Give every layer the weights of the one that it was copied from."""
        for old, new in self._pairs:
            if old.weights:
                new.set_weights(old.get_weights())

    def _inside(self, model: keras.Model, arguments: tuple, keywords: dict[str, Any]) -> Any:
        _check_functional(model)
        before = self._inference
        self._inference = before or keywords.get("training") is False
        outputs = rebuilt(functional(model), [arguments[0]], self.call)
        self._inference = before
        return outputs if len(outputs) > 1 else outputs[0]

    def _copied(self, operation: Any, inference: bool) -> Any:
        if id(operation) not in self._made:
            made = self._new(operation, inference)
            self._made[id(operation)] = made
            if isinstance(operation, Layer):
                made.trainable = operation.trainable
                self._pairs.append((operation, made))
        return self._made[id(operation)]

    def _new(self, operation: Any, inference: bool) -> Any:
        if not isinstance(operation, Layer):
            return type(operation).from_config(operation.get_config())
        name = self._name(operation)
        if isinstance(operation, BatchNormalization):
            return _batch_norm(operation, name, self.frozen_statistics or inference)
        if isinstance(operation, Normalization) and operation.input_mean is None:
            return ImageNormalization(name=name)
        if id(operation) in self.paddings:
            return SizedPadding(self.paddings[id(operation)], name=name)
        _check_trained(operation)
        return type(operation).from_config({**operation.get_config(), "name": name})

    def _name(self, operation: Layer) -> str:
        name: Any = self.names.get(id(operation), operation.name)
        self._taken[name] += 1
        count = self._taken[name]
        return name if count == 1 else f"{name}__{count}"


def _batch_norm(
    layer: BatchNormalization, name: str, frozen_statistics: bool
) -> FreezableBatchNormalization:
    config = layer.get_config()
    if config["axis"] not in (-1, 3, [3], [-1]):
        raise ConfigError(
            three_part(
                f"backbone: {layer.name} normalizes axis {config['axis']}.",
                "Images have their channels last here.",
                "Build the network with channels last.",
            )
        )
    kept = ("momentum", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer",
            "beta_regularizer", "gamma_regularizer")  # fmt: skip
    return FreezableBatchNormalization(
        frozen_statistics=frozen_statistics,
        name=name,
        **{
            key: keras.saving.deserialize_keras_object(config[key])
            if isinstance(config[key], dict)
            else config[key]
            for key in kept
        },
    )


def _check_trained(layer: Layer) -> None:
    if type(layer).__name__ in _RESIZING:
        raise ConfigError(
            three_part(
                f'backbone: the layer "{layer.name}" changes the size of images.',
                "The detector must know which pixel of the image a feature comes from.",
                "Leave it out of the network; image_resizer { } says how large images become.",
            )
        )
    """Layers of Keras and of this program can be stored as data, others are not known later."""
    module = type(layer).__module__.partition(".")[0]
    if module not in ("keras", "detectune") or isinstance(layer, keras.layers.Lambda):
        raise ConfigError(
            three_part(
                f'backbone: the layer "{layer.name}" is a {type(layer).__name__}, which is no '
                "layer of Keras.",
                "A run directory describes the network as data, in which there is no place for "
                "code; so layers of your own and Lambda cannot be built again.",
                "Write it with layers of Keras, or register the network as a backbone of a "
                "package of your own: docs/guides/extending.md.",
            )
        )


def _padding_sizes(model: keras.Model) -> dict[int, tuple[int, int]]:
    """`id` of every padding that is there for one "valid" convolution of stride 2 → its kernel."""
    graph, found = functional(model), {}
    for node in ordered_nodes(graph):
        convolution = node.operation
        if getattr(convolution, "padding", "") != "valid" or len(node.input_tensors) != 1:
            continue
        before = node.input_tensors[0]._keras_history.operation
        kernel = getattr(convolution, "kernel_size", None) or getattr(
            convolution, "pool_size", None
        )
        if isinstance(before, ZeroPadding2D) and kernel and tuple(convolution.strides) == (2, 2):
            found[id(before)] = tuple(kernel)
    return found


def _fresh_names(model: keras.Model) -> dict[int, str]:
    """`id` of a layer without a name of its own → the name it would have in a new process."""
    by_kind: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for layer in all_layers(model):
        match = _NUMBERED.fullmatch(layer.name)
        kind = _automatic_name(layer)
        if match and match[1] == kind:
            by_kind[kind].append((int(match[2] or 0), id(layer)))
    return {
        place: f"{kind}_{number}" if number else kind
        for kind, layers in by_kind.items()
        for number, (_, place) in enumerate(sorted(layers))
    }


def _automatic_name(layer: Layer) -> str:
    """What Keras calls a layer of this class."""
    name = re.sub(r"\W+", "", type(layer).__name__)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
