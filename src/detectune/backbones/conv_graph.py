"""Adding convolutions, with their batch norms, to a functional graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras.layers import Layer

from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.layers.conv_norm import ConvNorm
from detectune.layers.hyperparams import ConvHyperparams, FixedPadding
from detectune.structures import Array


@dataclass
class ConvGraph:
    """Adds layers to a functional graph.

    Args:
        hyperparams: how convolutions, batch norms and activations are made.
        explicit_padding: pad independently of the image size.
    """

    hyperparams: ConvHyperparams
    explicit_padding: bool = False

    def conv(
        self,
        x: Array,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        name: str,
        norm: str,
        pad: bool = False,
        recompute: bool = False,
        activation: str = "",
    ) -> Array:
        """A convolution without bias, its batch norm, and an activation if asked for.

        Args:
            pad: pad independently of the image size, whatever `explicit_padding` says.
            name, norm, activation: names of the layers.
            recompute: compute the maps between them again for the gradient instead of keeping
                them.
        """
        x, padding = self._padded(x, kernel, name, pad)
        layer = self.hyperparams.conv(
            filters, kernel, strides=stride, dilation_rate=dilation, padding=padding,
            use_bias=False, name=name,
        )  # fmt: skip
        return self._normed(x, layer, norm, recompute, activation)

    def depthwise(
        self,
        x: Array,
        *,
        kernel: int = 3,
        stride: int = 1,
        name: str,
        norm: str,
        recompute: bool = False,
        activation: str = "",
        **settings: Any,
    ) -> Array:
        """A depthwise convolution without bias, with what follows it; see `conv`.

        Args:
            settings: further arguments of the convolution.
        """
        x, padding = self._padded(x, kernel, name)
        layer = self.hyperparams.depthwise(
            kernel, strides=stride, padding=padding, use_bias=False, name=name, **settings
        )
        return self._normed(x, layer, norm, recompute, activation)

    def act(self, x: Array, name: str) -> Array:
        return self.hyperparams.act(name)(x)

    def _padded(self, x: Array, kernel: int, name: str, pad: bool = False) -> tuple[Array, str]:
        if (pad or self.explicit_padding) and kernel > 1:
            return FixedPadding(kernel, name=f"{name}_pad")(x), "valid"
        return x, "same"

    def _normed(
        self, x: Array, conv: Layer, name: str, recompute: bool, activation: str = ""
    ) -> Array:
        norm = self.hyperparams.norm(name)
        if recompute and isinstance(norm, FreezableBatchNormalization):
            function = keras.activations.get(self.hyperparams.activation) if activation else None
            return ConvNorm(conv, norm, function, name=f"{conv.name}_and_{name}")(x)
        x = norm(conv(x))
        return self.act(x, activation) if activation else x
