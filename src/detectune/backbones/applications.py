"""The networks of `keras.applications` as backbones.

    keras.applications.X(include_top=False) ─► backbones/adopted.py ─► feature levels found

Those that have no family of their own here are families too, so that types such as
`ssd_vgg16_fpn_keras` name them.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import NamedTuple

import keras

from detectune.backbones import preprocessing
from detectune.backbones.adopted import adopt
from detectune.backbones.base import BackboneFamily
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.levels import find_levels
from detectune.backbones.preprocessing import CAFFE, IMAGENET_COLOUR, TF, TORCH, Preprocessing
from detectune.config.application_names import APPLICATIONS
from detectune.errors import ConfigError, three_part
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.registry import backbones

GREY = (127.5, 127.5, 127.5)


class Application(NamedTuple):
    """What is special about a network."""

    preprocessing: Preprocessing
    """`preprocess_input` of its module, or what its own first layers do."""
    min_image_side: int = 32
    """Pixels."""
    padding_by_size: bool = False
    """Whether its paddings depend on the size of the image that it is built for."""
    image_side: int | None = None
    """The size that it has to be built with, where it cannot be left open."""


_INSIDE_IMAGENET = preprocessing.inside(IMAGENET_COLOUR)
_CONVNEXT = Application(_INSIDE_IMAGENET)
_DENSENET = Application(TORCH)
_EFFICIENTNET = Application(_INSIDE_IMAGENET, padding_by_size=True)
_EFFICIENTNET_V2_B = Application(_INSIDE_IMAGENET)
_EFFICIENTNET_V2 = Application(preprocessing.inside((128.0, 128.0, 128.0)))
_MOBILENET_V3 = Application(preprocessing.inside(GREY), padding_by_size=True)
_RESNET, _RESNET_V2 = Application(CAFFE), Application(TF)

# Facts of Keras: `preprocess_input`, `obtain_input_shape` and `correct_pad` of its modules.
KINDS: dict[str, Application] = {
    "ConvNeXt": _CONVNEXT,
    "DenseNet": _DENSENET,
    "EfficientNetB": _EFFICIENTNET,
    "EfficientNetV2B": _EFFICIENTNET_V2_B,
    "EfficientNetV2": _EFFICIENTNET_V2,
    "InceptionResNetV2": Application(TF, min_image_side=75),
    "InceptionV3": Application(TF, min_image_side=75),
    "MobileNet": Application(TF),
    "MobileNetV2": Application(TF, padding_by_size=True),
    "MobileNetV3": _MOBILENET_V3,
    "NASNetLarge": Application(TF, padding_by_size=True, image_side=331),
    "NASNetMobile": Application(TF, padding_by_size=True, image_side=224),
    "ResNet": _RESNET,
    "ResNet50V2": _RESNET_V2,
    "ResNet101V2": _RESNET_V2,
    "ResNet152V2": _RESNET_V2,
    "VGG": Application(CAFFE),
    "Xception": Application(TF, min_image_side=71),
}
"""Beginning of a name → what is special; the longest that fits counts."""


def application(name: str) -> Application:
    """What is special about the network that `keras.applications` calls `name`."""
    return KINDS[max((kind for kind in KINDS if name.startswith(kind)), key=len)]


def application_family(name: str) -> BackboneFamily:
    """The network that `keras.applications` calls `name`, with random weights."""
    kind = application(name)
    family = network_family(
        functools.partial(_build, name),
        kind.preprocessing,
        min_image_side=kind.min_image_side,
    )
    # Keras publishes deviations where the layer of its first EfficientNets has variances.
    deviations = name.startswith("EfficientNetB")
    return replace(family, keras=KerasForm(name, deviation_for_variance=deviations))


def network_family(
    build: functools.partial[keras.Model],
    images: Preprocessing,
    *,
    min_image_side: int = 1,
    description: str = "",
    notes: tuple[str, ...] = (),
) -> BackboneFamily:
    """A family for a network whose feature levels are found.

    Args:
        build: makes the adopted network, like `BuildNetwork`.
        images: how it wants images normalized.
        description, notes: see `BackboneFamily`.
    """
    return BackboneFamily(
        build=build,
        # Says only whether batch norms keep their statistics: the rest is Keras's own.
        default_hyperparams=ConvHyperparams(batch_norm=BatchNormSettings()),
        normalize=images.normalize,
        pad_value=images.pad_value,
        level_outputs=find_levels,
        ssd_extra_depths=(512, 256, 256, 128),
        necks=("extras", "fpn", "bifpn"),
        pads_maps=True,
        own_settings=True,
        min_image_side=min_image_side,
        description=description,
        notes=notes,
    )


def _build(
    name: str,
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 1,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
) -> keras.Model:
    """The network without its classifier."""
    refuse_other_width(name, depth_multiplier)
    kind = application(name)
    side = kind.image_side
    network = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(side, side, 3)
    )
    return adopt(
        network,
        frozen_statistics=keeps_statistics(hyperparams),
        padding_by_size=kind.padding_by_size,
        renumber=True,
    )


def refuse_other_width(name: str, depth_multiplier: float) -> None:
    """A network that is taken as it is has one width.

    Raises:
        ConfigError: the config wants another.
    """
    if depth_multiplier != 1:
        raise ConfigError(
            three_part(
                f"feature_extractor.depth_multiplier: {depth_multiplier:g}, with {name}.",
                "The network is taken as it is, and no file of weights fits another width.",
                "Write 1, or take a smaller network.",
            )
        )


def keeps_statistics(hyperparams: ConvHyperparams | None) -> bool:
    """Whether a config wants batch norms whose statistics stay as they are."""
    norm = hyperparams.batch_norm if hyperparams else None
    return norm is not None and norm.frozen_statistics


for _name, _key in APPLICATIONS.items():
    if _key:
        backbones.register(_key)(application_family(_name))
