"""Which version of an image a training sees where a few versions of each are kept.

An image has K augmented views, each with a seed made of (seed, image, view), and each of them once
as it is and once mirrored if the config flips images. In epoch e a training sees view e mod K;
whether it is mirrored is drawn from (seed, position). So a sample is still a function of (seed,
position) alone, and a run can stop and go on anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from detectune.config import schema
from detectune.config.descriptors import set_choices
from detectune.config.reading import training_needs
from detectune.data.augment.chain import build_augmentations
from detectune.data.loading import Loaded, one_loader
from detectune.data.pipeline import batched, resized_sample, with_options
from detectune.data.readable import ReadableImages
from detectune.data.resizers import Resizer
from detectune.structures import Inputs

_FLIP = "random_horizontal_flip"
# Keeps the numbers that mirror images apart from those of other purposes.
_MIRRORS = 2


@dataclass(frozen=True)
class Views:
    """The versions of an image that are kept.

    Args:
        seed: of the training.
        count: K, augmented views of an image.
        flip: how likely a view is mirrored; None if that is part of a view.
        steps: the augmentations.
    """

    seed: int
    count: int
    flip: float | None
    steps: tuple[schema.PreprocessingStep, ...]

    @property
    def versions(self) -> int:
        """How many versions of an image there are."""
        return self.count * (1 if self.flip is None else 2)

    def version(self, position: int, epoch: int) -> int:
        """Which version of its image a position of the training sees."""
        view = epoch % self.count
        if self.flip is None:
            return view
        draw = np.random.default_rng([self.seed, position, _MIRRORS]).random()
        return 2 * view + int(draw < self.flip)

    def describe(self) -> str:
        """What people are told."""
        mirrored = ", each also mirrored" if self.flip is not None else ""
        return f"{self.count} view{'s' * (self.count != 1)}{mirrored}"


def views_of(config: schema.TrainConfig) -> Views:
    """The versions that `feature_cache` and `data_augmentation_options` ask for."""
    steps = tuple(config.data_augmentation_options)
    flips = [step for step in steps if [f.name for f in set_choices(step)] == [_FLIP]]
    others = len(steps) > len(flips)
    flip = flips[0].random_horizontal_flip.probability if len(flips) == 1 else None
    if flip is not None and not 0.0 < flip < 1.0:
        flip = None
    changes = others or len(flips) > 1
    return Views(config.seed, config.feature_cache.views if changes else 1, flip, steps)


def version_batches(
    config: schema.TrainEvalPipelineConfig,
    images: ReadableImages,
    resizer: Resizer,
    views: Views,
    entries: Sequence[int],
    batch_size: int,
) -> tf.data.Dataset:
    """`(entries [B], Inputs, ground truth)` of the versions of images that can be read.

    Args:
        entries: image · `views.versions` + version, of those that are wanted.
    """
    load = one_loader(images, training_needs(config).columns)
    resized = resized_sample(config, images.source, resizer)
    augments = [build_augmentations(_flipped(views, flip)) for flip in (0.0, 1.0)]

    @tf.autograph.experimental.do_not_convert
    def read(entry: tf.Tensor) -> tuple[tf.Tensor, Loaded]:
        return entry, load(entry // views.versions)

    @tf.autograph.experimental.do_not_convert
    def is_there(entry: tf.Tensor, loaded: Loaded) -> tf.Tensor:
        del entry
        return loaded.there

    @tf.autograph.experimental.do_not_convert
    def sample(entry: tf.Tensor, loaded: Loaded) -> tuple[tf.Tensor, Inputs, dict[str, tf.Tensor]]:
        image, version = entry // views.versions, entry % views.versions
        view = version if views.flip is None else version // 2
        # Below 0: no position of a training has such a seed.
        seed = tf.stack([tf.constant(views.seed, tf.int64), -1 - (image * views.count + view)])
        if views.flip is None:
            example = augments[0](loaded.example, seed)
        else:
            example = tf.cond(
                version % 2 == 1,
                lambda: augments[1](loaded.example, seed),
                lambda: augments[0](loaded.example, seed),
            )
        return entry, *resized(example)

    wanted = tf.data.Dataset.from_tensor_slices(np.asarray(entries, np.int64))
    found = wanted.map(read, num_parallel_calls=2, deterministic=True).filter(is_there)
    samples = found.map(sample, num_parallel_calls=2, deterministic=True)
    return with_options(batched(samples, batch_size, resizer, drop_remainder=False))


def _flipped(views: Views, flip: float) -> list[schema.PreprocessingStep]:
    """The augmentations, with mirroring certain or left out where it is not part of a view."""
    if views.flip is None:
        return list(views.steps)
    steps = []
    for step in views.steps:
        copy = schema.PreprocessingStep()
        copy.CopyFrom(step)
        if copy.HasField(_FLIP):
            copy.random_horizontal_flip.probability = flip
        steps.append(copy)
    return steps
