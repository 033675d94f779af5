"""Inception-ResNet V2: forty residual blocks of branches.

    image ─► stem, stride 8 ─► Mixed_5b ─► 10 x block35 ─► Mixed_6a, stride 16 ─► 20 x block17
                                                  ┌────────────────────────────────────┘
                                                  └─► Mixed_7a, half ─► 10 x block8 ─► Conv2d_7b

    block: x ─► branches ─► concatenated ─► 1x1 with bias ─► scaled ─► (+ x) ─► activation

Two-stage detectors cut regions out of the map after block17. The original has it for them only.
Tables use the scopes of TF-Slim; layers have the names of the original's Keras form, which counts
convolutions in the order in which they are made.

Source: Szegedy et al. 2016 (Inception-v4), figure 15. Parity: keras_models/inception_resnet_v2.py,
which pads where the paper does not, so that the cells of all maps are aligned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import keras
from keras.layers import Conv2D, Input, Layer

from detectune.backbones.base import BackboneFamily
from detectune.backbones.inception_graph import (
    Branches,
    Conv,
    InceptionGraph,
    Padding,
    Pool,
    Step,
)
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.mobilenet_v2 import PAD_VALUE, normalize
from detectune.backbones.regions import RegionForm, RegionNetworks
from detectune.backbones.tf1 import Tf1Form
from detectune.layers.hyperparams import BatchNormSettings, ConvHyperparams
from detectune.registry import backbones
from detectune.structures import Array

# Parity: keras_models/inception_resnet_v2.py; detectors build it without weight decay.
DEFAULT_HYPERPARAMS = ConvHyperparams(
    batch_norm=BatchNormSettings(momentum=0.9997, epsilon=1e-3, center=True, scale=False),
    activation="relu",
)

STEM: tuple[tuple[str, Step], ...] = (
    ("Conv2d_1a_3x3", Conv("", 32, 3, 2)),
    ("Conv2d_2a_3x3", Conv("", 32, 3)),
    ("Conv2d_2b_3x3", Conv("", 64, 3)),
    ("MaxPool_3a_3x3", Pool("max", 2)),
    ("Conv2d_3b_1x1", Conv("", 80, 1)),
    ("Conv2d_4a_3x3", Conv("", 192, 3)),
    ("MaxPool_5a_3x3", Pool("max", 2)),
)

MIXED_5B: Branches = (
    (Conv("Conv2d_1x1", 96, 1),),
    (Conv("Conv2d_0a_1x1", 48, 1), Conv("Conv2d_0b_5x5", 64, 5)),
    (Conv("Conv2d_0a_1x1", 64, 1), Conv("Conv2d_0b_3x3", 96, 3), Conv("Conv2d_0c_3x3", 96, 3)),
    (Pool("avg"), Conv("Conv2d_0b_1x1", 64, 1)),
)

BLOCK35: Branches = (
    (Conv("Conv2d_1x1", 32, 1),),
    (Conv("Conv2d_0a_1x1", 32, 1), Conv("Conv2d_0b_3x3", 32, 3)),
    (Conv("Conv2d_0a_1x1", 32, 1), Conv("Conv2d_0b_3x3", 48, 3), Conv("Conv2d_0c_3x3", 64, 3)),
)

BLOCK8: Branches = (
    (Conv("Conv2d_1x1", 192, 1),),
    (
        Conv("Conv2d_0a_1x1", 192, 1),
        Conv("Conv2d_0b_1x3", 224, (1, 3)),
        Conv("Conv2d_0c_3x1", 256, (3, 1)),
    ),
)


def mixed_6a(stride: int) -> Branches:
    """The block before block17; of stride 1 where block17 is dilated."""
    return (
        (Conv("Conv2d_1a_3x3", 384, 3, stride),),
        (
            Conv("Conv2d_0a_1x1", 256, 1),
            Conv("Conv2d_0b_3x3", 256, 3),
            Conv("Conv2d_1a_3x3", 384, 3, stride),
        ),
        (Pool("max", stride),),
    )


def block17(dilation: int) -> Branches:
    """Branches of a block17."""
    return (
        (Conv("Conv2d_1x1", 192, 1),),
        (
            Conv("Conv2d_0a_1x1", 128, 1),
            Conv("Conv2d_0b_1x7", 160, (1, 7), dilation=dilation),
            Conv("Conv2d_0c_7x1", 192, (7, 1), dilation=dilation),
        ),
    )


def mixed_7a(padding: Padding) -> Branches:
    """The block before block8."""
    return (
        (Conv("Conv2d_0a_1x1", 256, 1), Conv("Conv2d_1a_3x3", 384, 3, 2, padding)),
        (Conv("Conv2d_0a_1x1", 256, 1), Conv("Conv2d_1a_3x3", 288, 3, 2, padding)),
        (
            Conv("Conv2d_0a_1x1", 256, 1),
            Conv("Conv2d_0b_3x3", 288, 3),
            Conv("Conv2d_1a_3x3", 320, 3, 2, padding),
        ),
        (Pool("max", 2, padding),),
    )


@dataclass(frozen=True)
class Repeats:
    """How many blocks there are of each kind."""

    block35: int = 10
    block17: int = 20
    block8: int = 10


class ScaledSum(Layer):
    """`x + scale · residual`."""

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: tuple[Array, Array]) -> Array:
        x, residual = inputs
        return x + self.scale * residual

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        return tuple(input_shape[0])


@dataclass
class InceptionResNetGraph(InceptionGraph):
    """Adds stem and blocks to a functional graph.

    Args:
        numbers: of the convolutions that are still to come.
    """

    numbers: Iterator[int] = field(default_factory=count)

    def trunk(self, images: Array, repeats: Repeats, features_stride: int) -> Array:
        """The map after block17."""
        dilation = 16 // features_stride
        x = images
        for name, step in STEM:
            x = self.step(x, step, name)
        x = self.block(x, "mixed_5b", MIXED_5B)
        x = self.residuals(x, "block35", BLOCK35, repeats.block35, scale=0.17)
        x = self.block(x, "mixed_6a", mixed_6a(2 // dilation))
        return self.residuals(x, "block17", block17(dilation), repeats.block17, scale=0.1)

    def head(self, x: Array, repeats: Repeats, padding: Padding) -> Array:
        """Everything after block17."""
        x = self.block(x, "mixed_7a", mixed_7a(padding))
        x = self.residuals(x, "block8", BLOCK8, repeats.block8 - 1, scale=0.2)
        # Parity: the last one is neither scaled nor rectified.
        x = self.residual(x, f"block8_{repeats.block8}", BLOCK8, scale=1.0)
        conv = self.hyperparams.conv(self.depth(1536), 1, use_bias=False, name="conv_7b")
        return self.hyperparams.act("conv_7b_ac")(self.hyperparams.norm("conv_7b_bn")(conv(x)))

    def residuals(
        self, x: Array, name: str, branches: Branches, number: int, *, scale: float
    ) -> Array:
        """`x` after blocks called `name`_1 to `name`_`number`."""
        for block in range(1, number + 1):
            x = self.residual(x, f"{name}_{block}", branches, scale=scale)
            x = self.hyperparams.act(f"{name}_{block}_ac")(x)
        return x

    def residual(self, x: Array, name: str, branches: Branches, *, scale: float) -> Array:
        """`x` after a block, without the activation at its end."""
        mixed = self.block(x, f"{name}_mixed", branches)
        conv = self.hyperparams.conv(x.shape[-1], 1, use_bias=True, name=f"{name}_conv")
        return ScaledSum(scale, name=f"{name}_sum")((x, conv(mixed)))

    def _conv(self, x: Array, step: Conv, name: str) -> Array:
        suffix = _suffix(next(self.numbers))
        layer: Conv2D = self.hyperparams.conv(
            self.depth(step.channels),
            step.size,
            strides=step.stride,
            padding=step.padding,
            dilation_rate=step.dilation,
            use_bias=False,
            name=f"conv2d{suffix}",
        )
        x = self.hyperparams.norm(f"freezable_batch_norm{suffix}")(layer(x))
        return self.hyperparams.act(f"activation{suffix}")(x)


def _suffix(number: int) -> str:
    return f"_{number}" if number else ""


def region_networks(
    *,
    features_stride: int,
    hyperparams: ConvHyperparams,
    last_padding: Padding = "same",
    depth_multiplier: float = 1.0,
    repeats: Repeats = Repeats(),
) -> RegionNetworks:
    """The network up to block17 for the image, the rest for the regions.

    Args:
        features_stride: 16, or 8 for a dilated block17.
        hyperparams: of all convolutions.
        last_padding: of what halves the patches.
        depth_multiplier: multiplies the channels of every convolution.
        repeats: how many blocks there are.
    """
    graph = InceptionResNetGraph(hyperparams, depth_multiplier, min_depth=8)
    images = Input((None, None, 3))
    x = graph.trunk(images, repeats, features_stride)
    trunk = keras.Model(images, x, name="inception_resnet_v2_trunk")
    patches = Input((None, None, x.shape[-1]))
    features = graph.head(patches, repeats, last_padding)
    box_features = keras.Model(patches, features, name="box_features")
    return RegionNetworks(trunk, trunk.layers[-1].name, box_features)


def inception_resnet_v2(
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 8,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
    repeats: Repeats = Repeats(),
) -> keras.Model:
    """The whole network, without a classifier.

    Args:
        depth_multiplier: multiplies the channels of every convolution.
        min_depth: the least channels of a convolution.
        hyperparams: of its convolutions; `DEFAULT_HYPERPARAMS` if None.
        explicit_padding: has no effect here.
        repeats: how many blocks there are.
    """
    graph = InceptionResNetGraph(hyperparams or DEFAULT_HYPERPARAMS, depth_multiplier, min_depth)
    images = Input((None, None, 3))
    x = graph.head(graph.trunk(images, repeats, 16), repeats, "same")
    return keras.Model(images, x, name="inception_resnet_v2")


def slim_scopes(repeats: Repeats = Repeats()) -> dict[str, str]:
    """Name of a convolution → its scope in TF-Slim, in the order in which they are made."""
    groups: dict[str, Branches] = {"Mixed_5b": MIXED_5B}
    groups |= {f"Repeat/block35_{n}": BLOCK35 for n in range(1, repeats.block35 + 1)}
    groups |= {"Mixed_6a": mixed_6a(2)}
    groups |= {f"Repeat_1/block17_{n}": block17(1) for n in range(1, repeats.block17 + 1)}
    groups |= {"Mixed_7a": mixed_7a("same")}
    groups |= {f"Repeat_2/block8_{n}": BLOCK8 for n in range(1, repeats.block8)}
    groups |= {"Block8": BLOCK8}
    counted = [name for name, step in STEM if isinstance(step, Conv)] + list(_scopes(groups))
    scopes = {f"conv2d{_suffix(number)}": scope for number, scope in enumerate(counted)}
    scopes |= {
        f"{scope.rpartition('/')[2]}_conv": f"{scope}/Conv2d_1x1"
        for scope in groups
        if scope.startswith("Repeat")
    }
    scopes[f"block8_{repeats.block8}_conv"] = "Block8/Conv2d_1x1"
    return scopes | {"conv_7b": "Conv2d_7b_1x1"}


def _scopes(groups: Mapping[str, Branches]) -> Iterator[str]:
    for name, branches in groups.items():
        for number, steps in enumerate(branches):
            for step in steps:
                if isinstance(step, Conv):
                    yield f"{name}/Branch_{number}/{step.name}"


def _tf1_form() -> Tf1Form:
    """TensorFlow 1 had the same trunk, but a head that does not pad."""
    return Tf1Form(
        scope="InceptionResnetV2",
        layers=tuple(
            (name.replace("conv2d", "(?:conv2d|freezable_batch_norm)"), scope)
            for name, scope in slim_scopes().items()
        ),
        last="",
        coarse="",
        first_coarse=0,
        regions=RegionForm(
            name="inception_resnet_v2",
            build=partial(region_networks, last_padding="valid"),
            hyperparams=DEFAULT_HYPERPARAMS,
        ),
        # There the count of repeats begins anew.
        box_scope=("Repeat_2/", "Repeat/"),
    )


def _level_outputs(network: keras.Model) -> dict[int, str]:
    """No pyramid was ever put on it."""
    return {}


backbones.register("inception_resnet_v2")(
    BackboneFamily(
        build=inception_resnet_v2,
        default_hyperparams=DEFAULT_HYPERPARAMS,
        normalize=normalize,
        pad_value=PAD_VALUE,
        level_outputs=_level_outputs,
        necks=(),
        tf1=_tf1_form(),
        keras=KerasForm(
            "InceptionResNetV2",
            differs="it does not pad where this network pads",
            archive="inception_resnet_v2",
        ),
        regions=RegionForm(
            name="inception_resnet_v2",
            build=region_networks,
            hyperparams=DEFAULT_HYPERPARAMS,
        ),
    )
)
