"""What a backbone is: a network that turns images into feature maps, and facts about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol

import keras
from keras import ops
from keras.layers import Layer

from detectune.backbones.keras_form import KerasForm
from detectune.backbones.regions import RegionForm
from detectune.backbones.tf1 import Tf1Form, unchanged
from detectune.errors import ConfigError, three_part
from detectune.layers.hyperparams import ConvHyperparams
from detectune.structures import Array

Colour = tuple[float, float, float]
NeckName = Literal["extras", "fpn", "bifpn"]


class BuildNetwork(Protocol):
    """Makes the whole network of a family, without a classifier."""

    def __call__(
        self,
        *,
        depth_multiplier: float,
        min_depth: int,
        hyperparams: ConvHyperparams | None,
        explicit_padding: bool,
    ) -> keras.Model: ...


class BiFpnSize(NamedTuple):
    """A BiFPN for a backbone, where the config does not say otherwise."""

    iterations: int = 3
    filters: int = 64
    combine_method: str = "fast_attention"


@dataclass(frozen=True)
class OriginalNames:
    """What the original called the layers that it adds to a backbone.

    Args:
        extractor: of the whole feature extractor, which names of added layers begin with; `{}`
            stands for "_fpn" if there is a pyramid.
        extras_key: the object in a checkpoint's keys that holds the added maps of SSD.
        extras: what their names begin with.
        coarse, first_coarse: names of the added levels of a pyramid, with the number of the first.
    """

    extractor: str = ""
    extras_key: str = "feature_map_generator"
    extras: str = "layer_19"
    coarse: str = "bottom_up_Conv2d_{}"
    first_coarse: int = 20

    def inside(self, name: str, *, pyramid: bool) -> str:
        """The full name of an added layer."""
        extractor = self.extractor.format("_fpn" if pyramid else "")
        return f"{extractor}/{name}" if extractor else name


@dataclass(frozen=True)
class BackboneFamily:
    """One entry of the registry `backbones`.

    Args:
        build: the network.
        build_thin: the network under a pyramid of separable convolutions, where it differs.
        default_hyperparams: of its convolutions unless the config overrides them.
        normalize: images 0–255 → what the network was trained on.
        pad_value: the colour that `normalize` turns into 0.
        level_outputs: layer names of feature levels 2–5 (strides 4, 8, 16, 32), or from 1.
        ssd_outputs: layer names of the maps that SSD without a pyramid uses.
        ssd_extra_depths: channels of the maps that SSD adds.
        original: names of what is added to the backbone.
        ignored_fields: fields of the feature extractor that the original never hands to this
            family, whose defaults therefore hold.
        necks: what can follow the backbone; "extras" needs the two fields above.
        bifpn: the BiFPN that goes with it.
        checkpoint_part: the part of a checkpoint's key that stands for the network.
        keeps_unused_layers: whether the layers after the last feature map stand in a checkpoint.
        tf1: what TensorFlow 1 did otherwise, and its names; None if the family came later.
        keras: the network of `keras.applications` that it is; None if there is none.
        regions: the two networks that a two-stage detector without a pyramid cuts it into; None if
            the original does not.
        min_image_side: pixels that the shorter side of an image needs at least.
        from_config: hyperparameters of the config, where it overrides those of the backbone →
            the hyperparameters that are used.
        pads_maps: whether its convolutions and poolings lose cells at the borders, so that feature
            maps are padded to the grid that anchors stand on.
        own_settings: whether the network is taken as Keras makes it, so that a config cannot change
            its layers.
        description: the network as data, for a run directory, where nothing else says what it is.
        notes: what the user should be told about the network, in sentences without a full stop.
    """

    build: BuildNetwork
    default_hyperparams: ConvHyperparams
    normalize: Callable[[Array], Array]
    pad_value: Colour
    level_outputs: Callable[[keras.Model], dict[int, str]]
    ssd_outputs: tuple[str, ...] = ()
    ssd_extra_depths: tuple[int, ...] = ()
    build_thin: BuildNetwork | None = None
    original: OriginalNames = OriginalNames()
    ignored_fields: frozenset[str] = frozenset()
    necks: tuple[NeckName, ...] = ("extras", "fpn")
    bifpn: BiFpnSize = field(default_factory=BiFpnSize)
    checkpoint_part: str = "classification_backbone"
    keeps_unused_layers: bool = False
    tf1: Tf1Form | None = None
    keras: KerasForm | None = None
    regions: RegionForm | None = None
    from_config: Callable[[ConvHyperparams], ConvHyperparams] = unchanged
    # Parity: utils/shape_utils.py check_min_image_dim.
    min_image_side: int = 33
    pads_maps: bool = False
    own_settings: bool = False
    description: str = ""
    notes: tuple[str, ...] = ()

    def ssd_maps(self, network: keras.Model) -> dict[str, int]:
        """Name of every map that SSD uses without a pyramid → its stride in pixels; 0 where maps
        stay as they are."""
        if self.ssd_outputs:
            return dict.fromkeys(self.ssd_outputs, 0)
        levels = self.level_outputs(network)
        return {levels[level]: 2**level for level in (4, 5) if level in levels}

    def in_tf1(self) -> BackboneFamily:
        """The family as TensorFlow 1 had it."""
        # All layers up to the last feature map were in the graph, and so in checkpoints.
        return replace(self, keeps_unused_layers=True, **self.tf1.changes()) if self.tf1 else self

    def backbone(
        self,
        network: keras.Model,
        outputs: Sequence[str],
        pad_to_multiple: int = 1,
        strides: Sequence[int] = (),
        *,
        depth_multiplier: float = 1.0,
    ) -> Backbone:
        """`network`, built by this family, as a backbone with these feature maps.

        Args:
            strides: of the maps, in pixels, where they are to be padded.
        """
        return Backbone(
            network,
            outputs,
            normalize=self.normalize,
            pad_value=self.pad_value,
            pad_to_multiple=pad_to_multiple,
            original=self.original,
            checkpoint_part=self.checkpoint_part,
            keeps_unused_layers=self.keeps_unused_layers,
            tf1=self.tf1,
            keras_form=self.keras,
            depth_multiplier=depth_multiplier,
            min_image_side=self.min_image_side,
            strides=strides if self.pads_maps and all(strides) else (),
            description=self.description,
            notes=self.notes,
            is_of_keras=self.own_settings,
            name="backbone",
        )


class Backbone(Layer):
    """Images `[B, H, W, 3]` float32, 0–255, RGB → feature maps, fine to coarse.

    Args:
        network: a network with one input.
        outputs: names of the layers whose outputs are the feature maps.
        normalize, pad_value, checkpoint_part, keeps_unused_layers, min_image_side:
            see `BackboneFamily`.
        pad_to_multiple: zeros are added right and below until both sides are multiples of it.
        original: names of what is added to the backbone.
        tf1: names of the variables in TensorFlow 1, if the family existed there.
        strides: of the feature maps, in pixels. A map with fewer cells than the image has strides,
            counting one that is begun, is padded with zeros.
        description: the network as data, see `backbones.stored`; empty if its type says it all.
        notes: what the user should be told about the network.
        is_of_keras: whether it is a network of Keras or of the user, which the original had not.
        keras_form: the network of `keras.applications` that it is, if it is one.
        depth_multiplier: what the channels of the network were multiplied with.
    """

    def __init__(
        self,
        network: keras.Model,
        outputs: Sequence[str],
        *,
        normalize: Callable[[Array], Array],
        pad_value: Colour,
        pad_to_multiple: int = 1,
        original: OriginalNames = OriginalNames(),
        checkpoint_part: str = "classification_backbone",
        keeps_unused_layers: bool = False,
        tf1: Tf1Form | None = None,
        keras_form: KerasForm | None = None,
        depth_multiplier: float = 1.0,
        min_image_side: int = 1,
        strides: Sequence[int] = (),
        description: str = "",
        notes: Sequence[str] = (),
        is_of_keras: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        maps = [output_of(network, name) for name in outputs]
        # Keras orders layers from the first output back to the image. From the last map they stand
        # as in the whole network, whose order files of weights have.
        self._coarse_first = is_of_keras
        maps = maps[::-1] if self._coarse_first else maps
        self.network = keras.Model(network.inputs, maps, name="network")
        self.network_name = network.name
        self.normalize, self.pad_value = normalize, pad_value
        self.pad_to_multiple, self.original = pad_to_multiple, original
        self.checkpoint_part = checkpoint_part
        self.unused = self._unused(network) if keeps_unused_layers else []
        self.tf1, self.min_image_side = tf1, min_image_side
        self.strides, self.description, self.notes = tuple(strides), description, tuple(notes)
        self.is_of_keras = is_of_keras
        self.keras_form, self.depth_multiplier = keras_form, depth_multiplier
        self.built = True

    def _unused(self, network: keras.Model) -> list[Layer]:
        """Layers with weights that no feature map depends on, in order.

        Their kernels count in the regularization loss, as in the original. What has no gradient
        at all does not train.
        """
        used = {id(layer) for layer in self.network.layers}
        unused = [layer for layer in network.layers if layer.weights and id(layer) not in used]
        for layer in unused:
            for inner in layer._flatten_layers():
                if isinstance(inner, keras.layers.BatchNormalization):
                    inner.trainable = False
            for variable in layer.trainable_weights:
                if variable.regularizer is None:
                    variable.trainable = False
        return unused

    @property
    def output_shapes(self) -> list[tuple]:
        """`(None, None, None, channels)` of every feature map."""
        shapes = [(None, None, None, map_.shape[-1]) for map_ in self.network.outputs]
        return self._fine_to_coarse(shapes)

    def call(self, images: Array, training: bool = False) -> list[Array]:
        images = self.normalized(images)
        maps = self.network(images, training=training)
        maps = list(maps) if isinstance(maps, list | tuple) else [maps]
        return self.finished(maps, images.shape[1:3])

    def finished(self, maps: list[Array], sides: Sequence[int]) -> list[Array]:
        """The feature maps, fine to coarse, from the outputs of the network.

        Args:
            sides: height and width of what the network saw, in pixels.
        """
        maps = self._fine_to_coarse(maps)
        return self._on_grid(maps, sides) if self.strides else maps

    def normalized(self, images: Array) -> Array:
        """Images `[B, H, W, 3]` float32, 0–255, RGB, as the network sees them."""
        images = ops.cast(self.normalize(ops.cast(images, "float32")), self.compute_dtype)
        if self.pad_to_multiple > 1:
            images = self._pad(images)
        self._check_size(images)
        return images

    def _fine_to_coarse(self, of_maps: list[Any]) -> list[Any]:
        return of_maps[::-1] if self._coarse_first else of_maps

    def _on_grid(self, maps: list[Array], sides: Sequence[Any]) -> list[Array]:
        """`maps` padded to one cell for every stride of the image, the last of which may be cut.

        Convolutions without padding lose as many cells before as behind; poolings that leave out an
        odd pixel lose one behind. So of the cells that are missing the smaller half comes before,
        and a cell stands where its anchors are.
        """
        padded = []
        for one, stride in zip(maps, self.strides, strict=True):
            cells = ops.shape(one)[1:3]
            lost = [-(-side // stride) - there for side, there in zip(sides, cells, strict=True)]
            if any(isinstance(count, int) and count < 0 for count in lost):
                raise ValueError(f"a map of stride {stride} has {cells} cells, of {sides} pixels")
            if all(isinstance(count, int) and not count for count in lost):
                padded.append(one)
                continue
            amounts = [(count // 2, count - count // 2) for count in lost]
            padded.append(ops.pad(one, [(0, 0), *amounts, (0, 0)]))
        return padded

    def _check_size(self, images: Array) -> None:
        height, width = images.shape[1:3]
        if any(side is not None and side < self.min_image_side for side in (height, width)):
            raise ConfigError(
                three_part(
                    f"image_resizer: images of {height}x{width} pixels are too small.",
                    f"This feature extractor needs {self.min_image_side} pixels each way.",
                    "Resize to more pixels, or pad with feature_extractor { pad_to_multiple }.",
                )
            )

    def padded(self, side: int) -> int:
        """The side of an image, in pixels, with the zeros that are added to it."""
        return side + -side % self.pad_to_multiple

    def _pad(self, images: Array) -> Array:
        below, right = (self.padded(side) - side for side in images.shape[1:3])
        return ops.pad(images, [(0, 0), (0, below), (0, right), (0, 0)])


def output_of(network: keras.Model, name: str) -> Any:
    """What the layer or operation `name` of `network` gives."""
    return next(one for one in network.operations if one.name == name).output
