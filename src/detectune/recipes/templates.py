"""Configs of the models that `config new` offers, with the numbers of the zoo.

They are the files `templates/*.config`: each a pipeline.config as anybody would write it, for
COCO's 90 classes. Model, augmentations, batch and schedule equal the recorded configs of the
original field by field, but for fields that are ignored; training begins with the detector that the
zoo made with them.
"""

from __future__ import annotations

import functools
from importlib.resources import as_file, files

from detectune.config import schema
from detectune.config.load import load_config
from detectune.errors import ConfigError, did_you_mean, three_part

_FOLDER = files("detectune.recipes").joinpath("templates")
_SUFFIX = ".config"


@functools.cache
def models() -> tuple[str, ...]:
    """The models that have a template, by name."""
    names = (file.name for file in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def template(model: str) -> schema.TrainEvalPipelineConfig:
    """The config of `model`, for COCO; a new message at every call.

    Raises:
        ConfigError: there is no template of that name.
    """
    if model not in models():
        raise ConfigError(
            three_part(
                f'--model {model}: there is no model called "{model}".',
                f"Models: {', '.join(models())}. `config new` also knows rcnn_keras.",
                f"{did_you_mean(model, models())}Choose one of these.",
            )
        )
    config = schema.TrainEvalPipelineConfig()
    config.CopyFrom(_loaded(model))
    return config


@functools.cache
def _loaded(model: str) -> schema.TrainEvalPipelineConfig:
    with as_file(_FOLDER.joinpath(f"{model}{_SUFFIX}")) as path:
        return load_config(path)


def begins_with_classifier(config: schema.TrainEvalPipelineConfig) -> bool:
    """Whether the zoo has no archive of the detector, so that training begins with a classifier.

    Args:
        config: a template.
    """
    return config.train_config.fine_tune_checkpoint_type == "classification"
