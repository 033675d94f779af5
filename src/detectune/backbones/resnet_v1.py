"""ResNet V1: bottleneck blocks, the activation after the sum.

    image ─► conv1 7x7, stride 2 ─► pool, stride 2 ─► conv2 ─► conv3 ─► conv4 ─► conv5
                                                     stride 4   8        16       32

    block: x ─► 1x1 ─► 3x3 ─► 1x1, four times the channels ─► (+) ─► activation
           └──── 1x1 in the first block of a stage ────────────┘

Layer names are those of `keras.applications.ResNet50` and its sisters; the original changes
hyperparameters, minimum depth and padding. `ResNetGraph` gives the stages one by one, for
detectors that use the last one elsewhere.

Source: He et al. 2015, table 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import keras
from keras import ops
from keras.layers import Activation, Add, Input, MaxPooling2D

from detectune.backbones.base import BackboneFamily, OriginalNames
from detectune.backbones.conv_graph import ConvGraph
from detectune.backbones.keras_form import KerasForm
from detectune.backbones.regions import RegionForm, RegionNetworks
from detectune.backbones.tf1 import Tf1Form
from detectune.layers.hyperparams import ActivationName, BatchNormSettings, ConvHyperparams
from detectune.registry import backbones
from detectune.structures import Array

# Blocks of the stages conv2 to conv5, by depth of the network.
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}

# Parity: keras_models/resnet_v1.py, used unless the config overrides the backbone's.
DEFAULT_HYPERPARAMS = ConvHyperparams(
    initializer={"class_name": "VarianceScaling", "config": {}},
    regularizer=keras.regularizers.L2(0.0001),
    batch_norm=BatchNormSettings(momentum=0.997, epsilon=1e-5, center=True, scale=True),
    activation="relu",
)

# The mean colour of ImageNet as VGG used it: what becomes 0, and the colour of padding.
MEAN_COLOUR = (123.68, 116.779, 103.939)


def normalize(images: Array) -> Array:
    """Images 0–255 without the mean colour."""
    return images - ops.convert_to_tensor(MEAN_COLOUR, "float32")


@dataclass
class ResNetGraph(ConvGraph):
    """Adds stem and stages to a functional graph, named as in `keras.applications`.

    Args:
        depth_multiplier: multiplies the channels of every convolution.
        min_depth: the least channels of a convolution.
        last_recomputed: the last stage whose maps are so large that it pays to compute some of
            them twice.
        after_sum: the activation at the end of a block, if it is not that of the hyperparams.
        exactly_four_times: the end of a block is four times as wide as its middle also where the
            multiplier leaves a remainder.
    """

    depth_multiplier: float = 1.0
    min_depth: int = 8
    last_recomputed: int = 2
    after_sum: ActivationName | None = None
    exactly_four_times: bool = False

    def stem(self, images: Array) -> Array:
        """Stride 4: a 7x7 convolution and a pooling."""
        # Parity: keras_models/resnet_v1.py. The convolution is padded alike on all sides, the
        # pooling as "same".
        width, again = self._width(64), self.last_recomputed > 0
        x = self.conv(
            images, width, 7, stride=2, pad=True,
            name="conv1_conv", norm="conv1_bn", recompute=again,
        )  # fmt: skip
        x = self.act(x, "conv1_relu")
        return MaxPooling2D(3, strides=2, padding="same", name="pool1_pool")(x)

    def stage(
        self, x: Array, number: int, blocks: int, *, stride: int | None = None, dilation: int = 1
    ) -> Array:
        """`blocks` blocks of stage `number`, 2 to 5.

        Args:
            stride: of the first block. If None, all stages but the second halve the map.
            dilation: of the 3x3 convolutions.
        """
        first = stride or (2 if number > 2 else 1)
        for block in range(1, blocks + 1):
            x = self._block(x, number, block, first if block == 1 else 1, dilation)
        return x

    def _block(self, x: Array, number: int, block: int, stride: int, dilation: int) -> Array:
        name = f"conv{number}_block{block}"
        narrow = self._width(16 * 2**number)
        wide = 4 * narrow if self.exactly_four_times else self._width(64 * 2**number)
        unit = partial(self._unit, again=number <= self.last_recomputed)
        entry = unit(x, wide, 1, f"{name}_0", stride) if block == 1 else x
        # Parity: the stride is in the first 1x1 convolution, not in the 3x3 one.
        x = self.act(unit(x, narrow, 1, f"{name}_1", stride), f"{name}_1_relu")
        x = self.act(unit(x, narrow, 3, f"{name}_2", dilation=dilation), f"{name}_2_relu")
        x = unit(x, wide, 1, f"{name}_3")
        x = Add(name=f"{name}_add")([entry, x])
        return Activation(self.after_sum or self.hyperparams.activation, name=f"{name}_out")(x)

    def _unit(
        self,
        x: Array,
        width: int,
        kernel: int,
        name: str,
        stride: int = 1,
        *,
        again: bool,
        dilation: int = 1,
    ) -> Array:
        return self.conv(
            x, width, kernel, stride=stride, dilation=dilation,
            name=f"{name}_conv", norm=f"{name}_bn", recompute=again,
        )  # fmt: skip

    def _width(self, channels: int) -> int:
        return max(int(channels * self.depth_multiplier), self.min_depth)


def resnet_v1(
    depth: int,
    *,
    depth_multiplier: float = 1.0,
    min_depth: int = 8,
    hyperparams: ConvHyperparams | None = None,
    explicit_padding: bool = False,
    after_sum: ActivationName | None = None,
    exactly_four_times: bool = False,
) -> keras.Model:
    """The network up to its last stage, without a classifier.

    Args:
        depth: 50, 101 or 152.
        depth_multiplier: multiplies the channels of every convolution.
        min_depth: the least channels of a convolution.
        hyperparams: of its convolutions; `DEFAULT_HYPERPARAMS` if None.
        explicit_padding: pad all convolutions independently of the image size, not only the
            first one.
        after_sum, exactly_four_times: see `ResNetGraph`.
    """
    hyperparams = hyperparams or DEFAULT_HYPERPARAMS
    graph = ResNetGraph(
        hyperparams,
        explicit_padding,
        depth_multiplier,
        min_depth,
        after_sum=after_sum,
        exactly_four_times=exactly_four_times,
    )
    images = Input((None, None, 3))
    x = graph.stem(images)
    for number, blocks in enumerate(BLOCKS[depth], start=2):
        x = graph.stage(x, number, blocks)
    return keras.Model(images, x, name=f"resnet{depth}_v1")


def region_networks(
    depth: int,
    *,
    features_stride: int,
    hyperparams: ConvHyperparams,
    last_stride: int = 2,
    whole_trunk: bool = False,
    after_sum: ActivationName | None = None,
    depth_multiplier: float = 1.0,
) -> RegionNetworks:
    """Stages 2–4 for the image, stage 5 for the regions.

    Args:
        depth: 50, 101 or 152.
        features_stride: 16, or 8 for a fourth stage with dilation instead of a stride.
        hyperparams: of all convolutions.
        last_stride: of the fifth stage.
        whole_trunk: the fifth stage also stands in the trunk, although nothing uses it there.
        after_sum, depth_multiplier: see `ResNetGraph`.
    """
    graph = ResNetGraph(hyperparams, depth_multiplier=depth_multiplier, after_sum=after_sum)
    images = Input((None, None, 3))
    x = graph.stem(images)
    *stages, last = enumerate(BLOCKS[depth], start=2)
    for number, blocks in stages:
        dilate = number == 4 and features_stride == 8
        x = graph.stage(x, number, blocks, stride=1 if dilate else None, dilation=1 + dilate)
    end = graph.stage(x, *last) if whole_trunk else x
    trunk = keras.Model(images, end, name=f"resnet{depth}_v1_trunk")
    patches = Input((None, None, x.shape[-1]))
    features = graph.stage(patches, *last, stride=last_stride)
    box_features = keras.Model(patches, features, name="box_features")
    return RegionNetworks(trunk, f"conv4_block{BLOCKS[depth][2]}_out", box_features)


def _level_outputs(depth: int, network: keras.Model) -> dict[int, str]:
    """Where levels 2–5 end: the last block of each stage."""
    return {level: f"conv{level}_block{n}_out" for level, n in enumerate(BLOCKS[depth], start=2)}


def _tf1_from_config(hyperparams: ConvHyperparams) -> ConvHyperparams:
    """Parity: slim/nets/resnet_utils.py hands batch-norm parameters to each convolution, which
    count more than those that a config sets for all batch norms."""
    norm, given = DEFAULT_HYPERPARAMS.batch_norm, hyperparams.batch_norm
    assert norm is not None
    frozen = given is not None and given.frozen_statistics
    return replace(hyperparams, batch_norm=replace(norm, frozen_statistics=frozen))


def _tf1_form(depth: int) -> Tf1Form:
    """What TensorFlow 1 did otherwise.

    There the stride was in a stage's last 3x3 convolution, and the pyramid took the map before it;
    that is the same function of the same weights.
    """
    roles = {"0_conv": "shortcut", "1_conv": "conv1", "2_conv": "conv2", "3_conv": "conv3"}
    roles |= {f"{number}": role for number, role in zip(range(4), roles.values(), strict=True)}
    # Parity: slim/nets/resnet_utils.py, resnet_arg_scope.
    plain = replace(
        DEFAULT_HYPERPARAMS,
        initializer={"class_name": "VarianceScaling", "config": {"scale": 2.0}},
        regularizer=None,
    )
    units = tuple(
        (
            rf"conv{stage}_block(\d+)_{suffix}",
            rf"block{stage - 1}/unit_\1/bottleneck_v1/{role}",
        )
        for stage in range(2, 6)
        for suffix, role in roles.items()
    )
    return Tf1Form(
        scope=f"resnet_v1_{depth}",
        layers=(("conv1(_conv)?", "conv1"), *units),
        last="block4",
        coarse="bottom_up_block{}",
        first_coarse=5,
        # Parity: slim/nets/resnet_v1.py, whatever activation the config asks for.
        build=partial(resnet_v1, depth, after_sum="relu", exactly_four_times=True),
        default_hyperparams=replace(plain, regularizer=keras.regularizers.L2(0.0001 * 0.5)),
        from_config=_tf1_from_config,
        ignored_fields=frozenset({"use_depthwise", "use_explicit_padding"}),
        # Parity: models/faster_rcnn_resnet_v1_feature_extractor.py. The fifth stage does not halve
        # the patches, and the whole network stands in the first stage.
        regions=RegionForm(
            name=f"resnet{depth}",
            build=partial(region_networks, depth, last_stride=1, whole_trunk=True),
            hyperparams=plain,
        ),
    )


for _depth in BLOCKS:
    backbones.register(f"resnet{_depth}_v1")(
        BackboneFamily(
            build=partial(resnet_v1, _depth),
            default_hyperparams=DEFAULT_HYPERPARAMS,
            normalize=normalize,
            pad_value=MEAN_COLOUR,
            level_outputs=partial(_level_outputs, _depth),
            necks=("fpn",),
            keeps_unused_layers=True,
            original=OriginalNames(
                extractor=f"ResNet{_depth}V1_FPN", coarse="bottom_up_block{}", first_coarse=5
            ),
            # Parity: ssd_resnet_v1_fpn_keras_feature_extractor.py takes these and drops them.
            ignored_fields=frozenset(
                {"use_depthwise", "use_explicit_padding", "fpn.additional_layer_depth"}
            ),
            tf1=_tf1_form(_depth),
            keras=KerasForm(
                f"ResNet{_depth}",
                differs="its convolutions have a bias, it sees blue, green, red, and its first "
                "pooling is padded on all sides",
                archive=f"resnet{_depth}_v1",
            ),
            regions=RegionForm(
                name=f"resnet{_depth}",
                build=partial(region_networks, _depth),
                hyperparams=replace(DEFAULT_HYPERPARAMS, regularizer=None),
                # Parity: faster_rcnn_resnet_keras_feature_extractor.py.
                strides=(16,),
            ),
        )
    )
