"""Adding convolutions, with their batch norms, to a functional graph."""

from __future__ import annotations

from dataclasses import dataclass

from keras.layers import Layer

from detectune.layers.batch_norm import FreezableBatchNormalization
from detectune.layers.conv_norm import ConvNorm
from detectune.layers.hyperparams import ConvHyperparams, FixedPadding
from detectune.structures import Array


@dataclass
class ConvGraph:
    """Adds layers to a functional graph.

    Args:
        style: how convolutions, batch norms and activations are made.
        explicit_padding: pad independently of the image size.
    """

    style: ConvHyperparams
    explicit_padding: bool = False

    def conv(
        self,
        x: Array,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        name: str,
        norm: str,
        pad: bool = False,
        recompute: bool = False,
    ) -> Array:
        """A convolution without bias, and its batch norm.

        Args:
            pad: pad independently of the image size, whatever `explicit_padding` says.
            name, norm: names of the two layers.
            recompute: compute the map between them again for the gradient instead of keeping it.
        """
        x, padding = self._padded(x, kernel, name, pad)
        layer = self.style.conv(
            filters, kernel, strides=stride, padding=padding, use_bias=False, name=name
        )
        return self._normed(x, layer, norm, recompute)

    def depthwise(
        self,
        x: Array,
        *,
        kernel: int = 3,
        stride: int = 1,
        name: str,
        norm: str,
        recompute: bool = False,
    ) -> Array:
        """A depthwise convolution without bias, and its batch norm; see `conv`."""
        x, padding = self._padded(x, kernel, name)
        layer = self.style.depthwise(
            kernel, strides=stride, padding=padding, use_bias=False, name=name
        )
        return self._normed(x, layer, norm, recompute)

    def act(self, x: Array, name: str) -> Array:
        return self.style.act(name)(x)

    def _padded(self, x: Array, kernel: int, name: str, pad: bool = False) -> tuple[Array, str]:
        if (pad or self.explicit_padding) and kernel > 1:
            return FixedPadding(kernel, name=f"{name}_pad")(x), "valid"
        return x, "same"

    def _normed(self, x: Array, conv: Layer, name: str, recompute: bool) -> Array:
        norm = self.style.norm(name)
        if recompute and isinstance(norm, FreezableBatchNormalization):
            return ConvNorm(conv, norm, name=f"{conv.name}_and_{name}")(x)
        return norm(conv(x))
