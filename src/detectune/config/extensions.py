"""Blocks that other packages add to a config: `model { [package.name] { … } }`.

A block is an extension of one of our messages that has room for it: `DetectionModel` for
architectures, `PreprocessingStep` for augmentations. Text can only be read once the modules that
declare the extensions are imported. They stand in the entry-point group `detectune.config.protos`,
or are imported by a module of `detectune.config.architectures`; neither loads TensorFlow or Keras.
"""

from __future__ import annotations

from detectune.registry import architectures, messages


def import_extensions() -> None:
    """Import what other packages add to the messages of a config, the first time."""
    messages.import_all()
    architectures.scan()
