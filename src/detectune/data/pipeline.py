"""From a source to the batches that training and evaluation read.

    position ─► record ─► decoded ─► augmented ─► resized and padded ─► batch
     (order)   (source)  (loading)  (augment/)      (resizers)

Reads top to bottom. A training sample is a pure function of (seed, position), position = step ×
batch size + place in the batch: the order is a permutation made from (seed, epoch), and every
random number comes from (seed, position). So a run can stop anywhere and go on at any step, and
the same seed gives the same batches however many threads work.

In the place of an image that cannot be read stands another, drawn from (seed, position) too, so
that no other place changes. An evaluation goes without it.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from detectune.config import schema
from detectune.config.needs import BOXES_ONLY, Needs
from detectune.config.reading import training_needs
from detectune.data.augment.chain import build_augmentations
from detectune.data.augment.example import Example
from detectune.data.check import check_source, not_empty
from detectune.data.column_tensors import in_input, padded
from detectune.data.columns.base import Column, check_columns, named_columns
from detectune.data.loading import Loaded, first_loader, one_loader
from detectune.data.readable import ReadableImages
from detectune.data.resizers import Resizer
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record
from detectune.structures import Array, GroundTruth, Inputs

_log = logging.getLogger("detectune")
_BOX_PADDING = 8
# Enough to hide the pipeline behind a step; each more costs the memory of a batch.
_BATCHES_AHEAD = 3
# Masks are most of a batch: as many bytes as N grey images each.
_MASK_BATCHES_AHEAD = 1
# Keeps the numbers that draw stand-ins apart from those of other purposes.
_STAND_INS = 1
_THREADS = max(os.cpu_count() or 1, 2)


class EvalBatch(NamedTuple):
    """Images to evaluate or predict on; their annotations stay in the source."""

    inputs: Inputs
    """What the detector is given; images are padded at the bottom and right."""
    sizes: Array
    """`[B, 2]` int32: height and width of the picture inside `images`."""
    original_sizes: Array
    """`[B, 2]` int32: height and width of the decoded image file."""
    indices: Array
    """`[B]` int64: which record of the source each image is."""

    @property
    def images(self) -> Array:
        """`[B, H, W, 3]` float32, 0–255, RGB."""
        return self.inputs["images"]


def train_batches(
    config: schema.TrainEvalPipelineConfig,
    source: Source,
    resizer: Resizer,
    *,
    seed: int,
    start_step: int = 0,
    steps: int | None = None,
    checked: bool = False,
    images: ReadableImages | None = None,
    needs: Needs | None = None,
) -> tf.data.Dataset:
    """`(Inputs, ground truth)` from `start_step` on; see `structures`.

    The ground truth is the flat dictionary of `GroundTruth.as_batch`. Boxes are in pixels of the
    images, classes 0-based. Without `steps` the batches never end. With
    `gradient_accumulation_steps` a step has so many batches, each a part of `batch_size`.
    A source that is `checked` has been looked through before: nothing is reported again.

    Args:
        images: the images of `source`; it knows which are left out, and who is told.
        needs: what is read beside boxes; what `training_needs` says if None.

    Raises:
        ConfigError: an augmentation is not known.
        DataError: the source has no image, or more than half of them cannot be read, or an
            annotation is wrong; all are named. Or it lacks a column that is needed.
    """
    needs = training_needs(config) if needs is None else needs
    if not checked:
        check_training_source(config, source, needs)
    batch = config.train_config.batch_size
    accumulation = max(config.train_config.gradient_accumulation_steps, 1)
    augment = build_augmentations(config.train_config.data_augmentation_options)
    candidates = image_candidates(config, source, seed)
    load = first_loader(images or ReadableImages(source), needs.columns, candidates)
    resized = resized_sample(config, source, resizer, needs)

    @tf.autograph.experimental.do_not_convert
    def sample(position: tf.Tensor) -> tuple[Inputs, dict[str, tf.Tensor]]:
        sample_seed = tf.stack([tf.constant(seed, tf.int64), position])
        return resized(augment(load(position), sample_seed))

    first = start_step * batch
    last = np.iinfo(np.int64).max if steps is None else first + steps * batch
    positions = tf.data.Dataset.range(first, last)
    samples = positions.map(sample, num_parallel_calls=_THREADS, deterministic=True)
    batches = batched(samples, batch // accumulation, resizer, drop_remainder=True)
    return with_options(batches, batches_ahead(needs))


def check_training_source(
    config: schema.TrainEvalPipelineConfig, source: Source, needs: Needs | None = None
) -> None:
    """Look through the annotations that a training reads, and report what it does with them.

    Raises:
        DataError: the source has no image, an annotation is wrong, or a column is missing.
    """
    check_source(source)
    _report_many_boxes(config, source)
    check_columns(source, training_needs(config) if needs is None else needs)


def resized_sample(
    config: schema.TrainEvalPipelineConfig,
    source: Source,
    resizer: Resizer,
    needs: Needs | None = None,
) -> Callable[[Example], tuple[Inputs, dict[str, tf.Tensor]]]:
    """An augmented example → what the detector is given and what it should find, of one size."""
    needs = training_needs(config) if needs is None else needs
    boxes = boxes_per_image(source)
    annotations, inputs = named_columns(needs.annotations), named_columns(needs.inputs)

    @tf.autograph.experimental.do_not_convert
    def resized(example: Example) -> tuple[Inputs, dict[str, tf.Tensor]]:
        image, size = resizer(example.image)
        truth = _ground_truth(example, size, boxes, resizer, annotations)
        return _inputs(image, example, size, resizer, inputs, needs), truth.as_batch()

    return resized


def batches_ahead(needs: Needs) -> int:
    """How many batches are made while a step is computed."""
    annotations = named_columns(needs.annotations)
    pixels = any(column.moves == "pixels" for column in annotations.values())
    return _MASK_BATCHES_AHEAD if pixels else _BATCHES_AHEAD


def eval_batches(
    source: Source,
    resizer: Resizer,
    *,
    batch_size: int,
    limit: int | None = None,
    drop_remainder: bool = False,
    needs: Needs = BOXES_ONLY,
    images: ReadableImages | None = None,
) -> tf.data.Dataset:
    """`EvalBatch`es of the first `limit` images of `source`, in order; the last may be smaller.

    Images that cannot be read are in no batch.

    Args:
        needs: its inputs are given to the detector; annotations stay in the source.
        images: the images of `source`; it knows which are left out, and who is told.
    """
    not_empty(source)
    needs = Needs(needs.inputs)
    check_columns(source, needs)
    load = one_loader(images or ReadableImages(source), needs.inputs)
    inputs = named_columns(needs.inputs)

    @tf.autograph.experimental.do_not_convert
    def read(index: tf.Tensor) -> tuple[tf.Tensor, Loaded]:
        return index, load(index)

    @tf.autograph.experimental.do_not_convert
    def is_there(index: tf.Tensor, loaded: Loaded) -> tf.Tensor:
        del index
        return loaded.there

    @tf.autograph.experimental.do_not_convert
    def sample(index: tf.Tensor, loaded: Loaded) -> EvalBatch:
        example = loaded.example
        original_size = tf.shape(example.image)[:2]
        image, size = resizer(example.image)
        given = _inputs(image, example, size, resizer, inputs, needs)
        return EvalBatch(given, size, original_size, index)

    indices = tf.data.Dataset.range(len(source) if limit is None else min(limit, len(source)))
    found = indices.map(read, num_parallel_calls=_THREADS, deterministic=True).filter(is_there)
    samples = found.map(sample, num_parallel_calls=_THREADS, deterministic=True)
    return with_options(batched(samples, batch_size, resizer, drop_remainder))


def batch_file_names(
    source: Source,
    config: schema.TrainEvalPipelineConfig,
    seed: int,
    step: int,
    gone: Collection[int] = (),
) -> list[str]:
    """The names of the images in the training batch of `step`, in order."""
    return [record.file_name for record in batch_annotations(source, config, seed, step, gone)]


def batch_annotations(
    source: Source,
    config: schema.TrainEvalPipelineConfig,
    seed: int,
    step: int,
    gone: Collection[int] = (),
) -> list[Record]:
    """What is annotated in the images of the training batch of `step`, in order; not repaired.

    Args:
        gone: indices of the images that are left out.
    """
    batch = config.train_config.batch_size
    candidates = image_candidates(config, source, seed)
    positions = range(step * batch, (step + 1) * batch)
    indices = [next(i for i in candidates(position) if i not in gone) for position in positions]
    return [source.annotation(index) for index in indices]


def boxes_per_image(source: Source) -> int:
    """`N` of the ground truth: as many boxes as an image of `source` has at most, rounded up.

    The original pads to `max_number_of_boxes` (100) and drops further boxes without a word.
    Here none is dropped, and no time is spent on padding that no image needs.
    """
    return max(-(-source.survey.most_boxes // _BOX_PADDING), 1) * _BOX_PADDING


def _report_many_boxes(config: schema.TrainEvalPipelineConfig, source: Source) -> None:
    reader, train = config.train_input_reader, config.train_config
    wanted = (train if train.HasField("max_number_of_boxes") else reader).max_number_of_boxes
    most = source.survey.most_boxes
    if most > wanted:
        _log.warning(
            "%s: an image has %d boxes, more than max_number_of_boxes (%d); all are used.",
            source.name,
            most,
            wanted,
        )


def image_candidates(
    config: schema.TrainEvalPipelineConfig, source: Source, seed: int
) -> Callable[[int], Iterator[int]]:
    """position → the index of its record, then of those that stand in for it, without end.

    Whoever stands in is drawn from all images, so that none of them takes the place of all that
    cannot be read.
    """
    order, count = _order(config, source, seed), len(source)

    def candidates(position: int) -> Iterator[int]:
        yield order(position)
        draws = np.random.default_rng([seed, position, _STAND_INS])
        while True:
            yield int(draws.integers(count))

    return candidates


def _order(
    config: schema.TrainEvalPipelineConfig, source: Source, seed: int
) -> Callable[[int], int]:
    """position → index of the record; every epoch is a permutation of its own."""
    count = len(source)
    if not config.train_input_reader.shuffle:
        return lambda position: position % count

    # A batch may reach into the next epoch, and threads may be an epoch apart.
    @functools.lru_cache(maxsize=4)
    def permutation(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(count)

    return lambda position: int(permutation(position // count)[position % count])


def _inputs(
    image: tf.Tensor,
    example: Example,
    size: tf.Tensor,
    resizer: Resizer,
    columns: Mapping[str, Column],
    needs: Needs,
) -> Inputs:
    """What the detector is given with the resized `image`, each padded to its size."""
    given = {}
    for name, column in columns.items():
        rows = example.columns[name]
        if column.moves == "boxes" and not column.of_objects:
            rows = tf.clip_by_value(rows, 0.0, 1.0)
            solid = tf.logical_and(rows[:, 2] > rows[:, 0], rows[:, 3] > rows[:, 1])
            rows = tf.boolean_mask(rows, solid)
        given[name] = padded(column, in_input(column, rows, size, resizer), needs.size(name))
    return Inputs(images=image, **given)


def _ground_truth(
    example: Example,
    size: tf.Tensor,
    count: int,
    resizer: Resizer,
    columns: Mapping[str, Column],
) -> GroundTruth:
    """The objects of `example` in pixels of the model's input, padded to `count`."""
    height, width = tf.unstack(tf.cast(size, tf.float32))
    found = tf.shape(example.classes)[0]
    rows = [[0, count - found]]
    pixels = example.boxes * tf.stack([height, width, height, width])
    return GroundTruth(
        boxes=_fixed(tf.pad(pixels, [*rows, [0, 0]]), count),
        classes=_fixed(tf.pad(example.classes, rows), count),
        valid=_fixed(tf.range(count) < found, count),
        weights=_fixed(tf.pad(example.weights, rows), count),
        sizes=tf.cast(size, tf.float32),
        columns={
            name: padded(column, in_input(column, example.columns[name], size, resizer), count)
            for name, column in columns.items()
        },
    )


def _fixed(tensor: tf.Tensor, count: int) -> tf.Tensor:
    return tf.ensure_shape(tensor, [count, *tensor.shape[1:]])


def batched(
    samples: tf.data.Dataset, batch: int, resizer: Resizer, drop_remainder: bool
) -> tf.data.Dataset:
    """`samples` as batches; images that differ in size are padded to the largest of their batch."""
    if None not in resizer.output_size:
        return samples.batch(batch, drop_remainder)
    # Images differ in size: all are padded to the largest of the batch. NaN marks the padding,
    # because padded_batch knows only one value for all channels.
    padding = tf.nest.map_structure(lambda leaf: tf.zeros([], leaf.dtype), samples.element_spec)
    padding[0]["images"] = tf.constant(np.nan, tf.float32)
    batches = samples.padded_batch(batch, padding_values=padding, drop_remainder=drop_remainder)
    value = tf.constant(resizer.pad_value[: resizer.channels], tf.float32)

    @tf.autograph.experimental.do_not_convert
    def filled(*batch):
        # A named tuple comes as one argument, a pair as two.
        inputs, *others = batch[0] if len(batch) == 1 else batch
        images = tf.where(tf.math.is_nan(inputs["images"]), value, inputs["images"])
        whole = ({**inputs, "images": images}, *others)
        return tf.nest.pack_sequence_as(samples.element_spec, tf.nest.flatten(whole))

    return batches.map(filled, num_parallel_calls=_THREADS)


def with_options(batches: tf.data.Dataset, ahead: int = _BATCHES_AHEAD) -> tf.data.Dataset:
    """`batches` in a fixed order, `ahead` of them made before they are asked for."""
    options = tf.data.Options()
    options.deterministic = True
    # With it, ending a dataset cost about half a second after most evaluations of 160 images.
    options.autotune.enabled = False
    return batches.with_options(options).prefetch(ahead)
