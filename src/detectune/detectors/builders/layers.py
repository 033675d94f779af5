"""`conv_hyperparams { ... }` → how convolutions are made."""

from __future__ import annotations

from typing import Any

import keras

from detectune.config import schema
from detectune.detectors.builders.choice import choice
from detectune.errors import ConfigError, three_part
from detectune.layers.hyperparams import ActivationName, BatchNormSettings, ConvHyperparams


def initializer(config: schema.Initializer) -> dict[str, Any]:
    """The Keras config of an initializer; each layer makes its own from it."""
    kind = config.WhichOneof("initializer_oneof")
    if kind == "truncated_normal_initializer":
        settings = config.truncated_normal_initializer
        return _initializer("TruncatedNormal", mean=settings.mean, stddev=settings.stddev)
    if kind == "random_normal_initializer":
        settings = config.random_normal_initializer
        return _initializer("RandomNormal", mean=settings.mean, stddev=settings.stddev)
    if kind == "variance_scaling_initializer":
        settings = config.variance_scaling_initializer
        mode = schema.VarianceScalingInitializer.Mode.Name(settings.mode).lower()
        spread = "uniform" if settings.uniform else "truncated_normal"
        return _initializer(
            "VarianceScaling", scale=settings.factor, mode=mode, distribution=spread
        )
    if kind == "keras_initializer_by_name":
        return _initializer_by_name(config.keras_initializer_by_name)
    # Parity: without an initializer the original hands over None, for which Keras has this one.
    return _initializer("GlorotUniform")


def _initializer(class_name: str, **settings: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": settings}


def _initializer_by_name(name: str) -> dict[str, Any]:
    try:
        made = keras.initializers.get(name)
    except ValueError as error:
        raise ConfigError(
            three_part(
                f'Initializer.keras_initializer_by_name: Keras has no initializer "{name}".',
                "Allowed are the names of `keras.initializers`, such as glorot_uniform.",
                "Correct the name in the pipeline.config.",
            )
        ) from error
    return _initializer(type(made).__name__, **made.get_config())


def regularizer(config: schema.Regularizer) -> keras.regularizers.Regularizer | None:
    """The penalty on convolution kernels."""
    kind = config.WhichOneof("regularizer_oneof")
    if kind == "l1_regularizer":
        return keras.regularizers.L1(config.l1_regularizer.weight)
    if kind == "l2_regularizer":
        # Parity: builders/hyperparams_builder.py counts half the squared norm.
        return keras.regularizers.L2(0.5 * config.l2_regularizer.weight)
    return None


_ACTIVATIONS: dict[int, ActivationName] = {
    schema.Hyperparams.NONE: "linear",
    schema.Hyperparams.RELU: "relu",
    schema.Hyperparams.RELU_6: "relu6",
    schema.Hyperparams.SWISH: "swish",
}


def conv_hyperparams(
    config: schema.Hyperparams, *, freeze_batch_norm: bool, tf1: bool = False
) -> ConvHyperparams:
    """How convolutions are made.

    Args:
        tf1: the config was written for TensorFlow 1.
    """
    norm = None
    if config.WhichOneof("normalizer_oneof") is not None:
        choice(config, "normalizer_oneof", ["batch_norm"])
        settings = config.batch_norm
        norm = BatchNormSettings(
            momentum=settings.decay,
            epsilon=settings.epsilon,
            center=settings.center,
            scale=settings.scale,
            frozen_statistics=freeze_batch_norm or not settings.train,
        )
    return ConvHyperparams(
        initializer=initializer(config.initializer),
        regularizer=regularizer(config.regularizer),
        batch_norm=norm,
        activation=_ACTIVATIONS[config.activation],
        force_bias=config.force_use_bias,
        # Parity: KerasLayerHyperparams of builders/hyperparams_builder.py; TF-Slim did not.
        bias_without_offset=not tf1,
        style_all=tf1,
    )
