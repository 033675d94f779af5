"""What TF-Slim called variables: the rules that all networks of TensorFlow 1 share.

A batch norm stands in the scope of its convolution, in `BatchNorm`.
"""

from __future__ import annotations

from collections.abc import Iterator

from keras.layers import BatchNormalization, Conv2D, DepthwiseConv2D, Layer, SeparableConv2D

Scoped = Iterator[tuple[str, Layer]]

_VARIABLES = {
    "kernel": "weights",
    "depthwise_kernel": "depthwise_weights",
    "pointwise_kernel": "pointwise_weights",
    "bias": "biases",
}


def variable_name(layer: Layer, kind: str) -> str:
    """What TF-Slim called the variable that Keras calls `kind`, below the scope of `layer`."""
    if isinstance(layer, DepthwiseConv2D) and kind == "kernel":
        kind = "depthwise_kernel"
    return _VARIABLES.get(kind, kind)


def own_scope(scope: str, layer: Layer) -> str:
    """The scope of `layer`, which belongs to the convolution whose scope is `scope`."""
    return f"{scope}/BatchNorm" if isinstance(layer, BatchNormalization) else scope


def convolutions(layers: list[Layer], scopes: list[str]) -> Scoped:
    """`layers`, of which each convolution and the batch norm after it have the next of `scopes`."""
    left = iter(scopes)
    scope = ""
    for layer in layers:
        if isinstance(layer, Conv2D | DepthwiseConv2D | SeparableConv2D):
            scope = next(left)
        if layer.weights:
            yield own_scope(scope, layer), layer
