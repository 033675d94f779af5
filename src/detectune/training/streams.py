"""Opened sources → batches of the size that a detector looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from detectune.config import schema
from detectune.config.architectures import image_resizer
from detectune.config.needs import Needs
from detectune.data.kept.batches import KeptMaps, kept_batches
from detectune.data.padding import padded_to_one_size
from detectune.data.pipeline import batch_annotations, check_training_source, train_batches
from detectune.data.readable import ReadableImages
from detectune.data.resizers import Resizer, build_resizer
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record
from detectune.training.sources import RunSources


@dataclass(frozen=True)
class Stream:
    """One stream of a run: where images come from, and how they get to the detector's size."""

    images: ReadableImages
    resizer: Resizer
    config: schema.TrainEvalPipelineConfig
    kept: KeptMaps | None = None
    """What a training reads in place of the images; see `training.feature_cache`."""
    needs: Needs | None = None
    """What a training reads beside images and boxes; None for what the model says."""

    @property
    def source(self) -> Source:
        """Where the images come from, those that cannot be read among them."""
        return self.images.source

    def training_batches(self, first_step: int, steps: int, *, checked: bool = False) -> Any:
        """A `tf.data.Dataset` of the batches of `steps` steps from `first_step` on.

        Args:
            checked: the source has been looked through before; nothing is reported again.
        """
        if self.kept is not None:
            if not checked:
                check_training_source(self.config, self.source)
            return kept_batches(
                self.config,
                self.source,
                self.kept,
                seed=self.config.train_config.seed,
                start_step=first_step,
                steps=steps,
            )
        return train_batches(
            self.config,
            self.source,
            self.resizer,
            seed=self.config.train_config.seed,
            start_step=first_step,
            steps=steps,
            checked=checked,
            images=self.images,
            needs=self.needs,
        )

    def annotations(self, step: int) -> list[Record]:
        """What is annotated in the images of the training batch of `step`."""
        seed = self.config.train_config.seed
        return batch_annotations(self.source, self.config, seed, step, self.images.gone)


def build_streams(
    config: schema.TrainEvalPipelineConfig,
    opened: RunSources,
    pad_value: tuple[float, float, float],
    say: Callable[[str], None],
) -> Mapping[str, Stream]:
    """A stream for each of the opened sources, by name.

    Args:
        pad_value: the colour that the detector wants around images.
        say: is told of images that turn out to be unreadable.

    Raises:
        ConfigError: no size holds all images of a stream for training.
    """
    resizer = build_resizer(image_resizer(config.model), pad_value)
    steps = config.train_config.data_augmentation_options
    found = {}
    for name, source in opened.sources.items():
        request = opened.requests[name]
        found[name] = Stream(
            ReadableImages(source, say),
            padded_to_one_size(resizer, source, steps) if request.trains else resizer,
            config if request.labelled else _reading(config, request.reader),
            needs=None if request.labelled else request.needs,
        )
    return found


def _reading(
    config: schema.TrainEvalPipelineConfig, reader: schema.InputReader
) -> schema.TrainEvalPipelineConfig:
    """`config`, with `reader` for its training."""
    changed = schema.TrainEvalPipelineConfig()
    changed.CopyFrom(config)
    changed.train_input_reader.CopyFrom(reader)
    return changed
