"""Keys and names of layers that stand in a list, as in the original's necks and heads.

Lists count activations and dropouts too, which have no variables: hence gaps in the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import BatchNormalization, DepthwiseConv2D, Layer, SeparableConv2D


def numbered(key: str, names: list[str], layers: list[Layer]) -> Iterator[tuple[str, str, Layer]]:
    """Key, name and layer of `layers`, the keys numbered below `key`."""
    for index, (name, layer) in enumerate(zip(names, layers, strict=True)):
        yield f"{key}/{index}", name, layer


def by_kind(name: str, layers: list[Layer], conv: str = "") -> list[str]:
    """Names of `layers`, which are depthwise, dense or separable convolutions and their norms.

    Args:
        conv: what stands behind the name of a dense convolution.
    """
    names, last = [], name
    for layer in layers:
        if isinstance(layer, DepthwiseConv2D):
            last = f"{name}_depthwise"
            names.append(last + conv)
        elif isinstance(layer, BatchNormalization):
            names.append(f"{last}_batchnorm")
        else:
            last = name
            names.append(name + ("_depthwise_conv" if isinstance(layer, SeparableConv2D) else conv))
    return names
