"""From a source to the batches that training and evaluation read.

    position ─► record ─► decoded ─► augmented ─► resized and padded ─► batch
     (order)   (source)   (C++)     (augment/)      (resizers)

Reads top to bottom. A training sample is a pure function of (seed, position), position = step ×
batch size + place in the batch: the order is a permutation made from (seed, epoch), and every
random number comes from (seed, position). So a run can stop anywhere and go on at any step, and
the same seed gives the same batches however many threads work.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from detectune.config import schema
from detectune.config.architectures import model_needs
from detectune.data.augment.chain import build_augmentations
from detectune.data.augment.example import Example, scaled_masks
from detectune.data.check import check_source, not_empty
from detectune.data.decode import decode
from detectune.data.decoded_masks import check_masks, record_pixels
from detectune.data.image_files import apply_orientation, decodable, rotation_to_apply
from detectune.data.proposals import check_proposals, record_proposals
from detectune.data.resizers import Resizer
from detectune.data.sources.base import Record, Source
from detectune.structures import Array, GroundTruth

_log = logging.getLogger("detectune")
_BOX_PADDING = 8
# Enough to hide the pipeline behind a step; each more costs the memory of a batch.
_BATCHES_AHEAD = 3
# Masks are most of a batch: as many bytes as N grey images each.
_MASK_BATCHES_AHEAD = 1
_THREADS = max(os.cpu_count() or 1, 2)


class EvalBatch(NamedTuple):
    """Images to evaluate or predict on; their annotations stay in the source."""

    images: Array
    """`[B, H, W, 3]` float32, 0–255, RGB, padded at the bottom and right."""
    sizes: Array
    """`[B, 2]` int32: height and width of the picture inside `images`."""
    original_sizes: Array
    """`[B, 2]` int32: height and width of the decoded image file."""
    indices: Array
    """`[B]` int64: which record of the source each image is."""
    proposals: Array = None
    """`[B, P, 4]` float32, yxyx in pixels of `images`, zeros in padding; None where the detector
    finds its own."""


def train_batches(
    config: schema.TrainEvalPipelineConfig,
    source: Source,
    resizer: Resizer,
    *,
    seed: int,
    start_step: int = 0,
    steps: int | None = None,
    checked: bool = False,
) -> tf.data.Dataset:
    """`(images [B, H, W, 3] float32 0–255 RGB, GroundTruth)` from `start_step` on.

    Boxes are in pixels of `images`, classes 0-based. Without `steps` the batches never end.
    With `gradient_accumulation_steps` a step has so many batches, each a part of `batch_size`.
    A source that is `checked` has been looked through before: nothing is reported again.
    Masks come with `load_instance_masks`. A detector that looks at boxes of the data gets
    `((images, proposals [B, P, 4]), GroundTruth)`, yxyx in pixels of `images`, zeros in padding.

    Raises:
        ConfigError: an augmentation is not known.
        DataError: the source has no image, or some that cannot be read; all are named. Or an
            object has no mask, though masks are asked for; or an image no proposals.
    """
    masks = config.train_input_reader.load_instance_masks
    proposals = model_needs(config.model).size("proposals")
    if not checked:
        check_source(source)
        _report_many_boxes(config, source)
        if masks:
            check_masks(source)
        if proposals:
            check_proposals(source)
    batch = config.train_config.batch_size
    parts = max(config.train_config.gradient_accumulation_steps, 1)
    boxes = boxes_per_image(source)
    augment = build_augmentations(config.train_config.data_augmentation_options)
    order = _order(config, source, seed)
    load = _loader(source, masks=masks, proposals=proposals)

    @tf.autograph.experimental.do_not_convert
    def sample(position: tf.Tensor) -> tuple[tf.Tensor | tuple, GroundTruth]:
        index = tf.numpy_function(order, [position], tf.int64)
        sample_seed = tf.stack([tf.constant(seed, tf.int64), position])
        example = augment(load(tf.ensure_shape(index, [])), sample_seed)
        image, size = resizer(example.image)
        truth = _ground_truth(example, size, boxes, resizer)
        if example.proposals is None:
            return image, truth
        return (image, _padded_proposals(example.proposals, size, proposals)), truth

    first = start_step * batch
    last = np.iinfo(np.int64).max if steps is None else first + steps * batch
    positions = tf.data.Dataset.range(first, last)
    samples = positions.map(sample, num_parallel_calls=_THREADS, deterministic=True)
    batches = _batched(samples, batch // parts, resizer, drop_remainder=True)
    return _with_options(batches, _MASK_BATCHES_AHEAD if masks else _BATCHES_AHEAD)


def eval_batches(
    source: Source,
    resizer: Resizer,
    *,
    batch_size: int,
    limit: int | None = None,
    drop_remainder: bool = False,
    proposals: int = 0,
) -> tf.data.Dataset:
    """`EvalBatch`es of the first `limit` images of `source`, in order; the last may be smaller.

    Args:
        proposals: how many per image the detector looks at; 0 if it finds its own.
    """
    not_empty(source)
    if proposals:
        check_proposals(source)
    load = _loader(source, proposals=proposals)

    @tf.autograph.experimental.do_not_convert
    def sample(index: tf.Tensor) -> EvalBatch:
        example = load(index)
        original_size = tf.shape(example.image)[:2]
        image, size = resizer(example.image)
        found = example.proposals
        if found is not None:
            found = _padded_proposals(found, size, proposals)
        return EvalBatch(image, size, original_size, index, found)

    indices = tf.data.Dataset.range(len(source) if limit is None else min(limit, len(source)))
    samples = indices.map(sample, num_parallel_calls=_THREADS, deterministic=True)
    return _with_options(_batched(samples, batch_size, resizer, drop_remainder))


def batch_file_names(
    source: Source, config: schema.TrainEvalPipelineConfig, seed: int, step: int
) -> list[str]:
    """The names of the images in the training batch of `step`, in order."""
    batch = config.train_config.batch_size
    order = _order(config, source, seed)
    positions = range(step * batch, (step + 1) * batch)
    return [source.annotation(int(order(position))).file_name for position in positions]


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


def _order(
    config: schema.TrainEvalPipelineConfig, source: Source, seed: int
) -> Callable[[int], np.int64]:
    """position → index of the record; every epoch is a permutation of its own."""
    count = len(source)
    if not config.train_input_reader.shuffle:
        return lambda position: np.int64(position % count)

    # A batch may reach into the next epoch, and threads may be an epoch apart.
    @functools.lru_cache(maxsize=4)
    def permutation(epoch: int) -> np.ndarray:
        return np.random.default_rng([seed, epoch]).permutation(count).astype(np.int64)

    return lambda position: permutation(int(position) // count)[int(position) % count]


def _loader(
    source: Source, *, masks: bool = False, proposals: int = 0
) -> Callable[[tf.Tensor], Example]:
    """index → the decoded image and its boxes; reading is Python, decoding is C++."""

    def read(index: np.int64) -> tuple:
        record = source[int(index)]
        extras = [record_pixels(record)] if masks else []
        if proposals:
            extras.append(record_proposals(record, proposals))
        return (*_columns(record), *extras)

    def load(index: tf.Tensor) -> Example:
        types = [tf.string, tf.int32, tf.float32, tf.int32, tf.float32]
        types += [tf.uint8] * masks + [tf.float32] * bool(proposals)
        columns = tf.numpy_function(read, [index], types)
        data, rotation, boxes, classes, weights, *extras = columns
        image = decode(tf.ensure_shape(data, []))
        image = tf.cond(
            tf.ensure_shape(rotation, []) == 1,
            lambda: image,
            lambda: tf.numpy_function(apply_orientation, [image, rotation], tf.uint8),
        )
        image = tf.ensure_shape(image, [None, None, 3])
        boxes = tf.ensure_shape(boxes, [None, 4])
        classes, weights = tf.ensure_shape(classes, [None]), tf.ensure_shape(weights, [None])
        return Example(
            image,
            boxes,
            classes,
            weights,
            masks=_fitting(extras[0], tf.shape(image)[:2]) if masks else None,
            proposals=tf.ensure_shape(extras[-1], [None, 4]) if proposals else None,
        )

    return load


def _columns(record: Record) -> tuple:
    first_id = 1  # label-map ids start at 1, classes inside the program at 0
    # Crowds and groups are no single object: they count neither for nor against.
    weights = np.where(record.is_crowd | record.group_of, 0, record.weights)
    return (
        np.array(decodable(record.image), object),
        np.int32(rotation_to_apply(record.image, record.height, record.width)),
        record.boxes.astype(np.float32),
        (record.class_ids - first_id).astype(np.int32),
        weights.astype(np.float32),
    )


def _fitting(masks: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """`masks [N, H, W]` as large as the image: the annotation may be of another size."""
    masks = tf.ensure_shape(masks, [None, None, None])
    fits = tf.reduce_all(tf.equal(tf.shape(masks)[1:], size))
    return tf.cond(fits, lambda: masks, lambda: scaled_masks(masks, size))


def _padded_proposals(proposals: tf.Tensor, size: tf.Tensor, count: int) -> tf.Tensor:
    """`[count, 4]` in pixels of the model's input: those with area, then zeros."""
    inside = tf.clip_by_value(proposals, 0.0, 1.0)
    solid = tf.logical_and(inside[:, 2] > inside[:, 0], inside[:, 3] > inside[:, 1])
    height, width = tf.unstack(tf.cast(size, tf.float32))
    pixels = tf.boolean_mask(inside, solid) * tf.stack([height, width, height, width])
    return _fixed(tf.pad(pixels, [[0, count - tf.shape(pixels)[0]], [0, 0]]), count)


def _ground_truth(example: Example, size: tf.Tensor, count: int, resizer: Resizer) -> GroundTruth:
    """The boxes of `example` in pixels of the model's input, padded to `count`."""
    height, width = tf.unstack(tf.cast(size, tf.float32))
    found = tf.shape(example.classes)[0]
    rows = [[0, count - found]]
    pixels = example.boxes * tf.stack([height, width, height, width])
    masks = None
    if example.masks is not None:
        masks = _fixed(tf.pad(resizer.masks(example.masks), [*rows, [0, 0], [0, 0]]), count)
    return GroundTruth(
        boxes=_fixed(tf.pad(pixels, [*rows, [0, 0]]), count),
        classes=_fixed(tf.pad(example.classes, rows), count),
        valid=_fixed(tf.range(count) < found, count),
        weights=_fixed(tf.pad(example.weights, rows), count),
        masks=masks,
        sizes=tf.cast(size, tf.float32),
    )


def _fixed(tensor: tf.Tensor, count: int) -> tf.Tensor:
    return tf.ensure_shape(tensor, [count, *tensor.shape[1:]])


def _batched(
    samples: tf.data.Dataset, batch: int, resizer: Resizer, drop_remainder: bool
) -> tf.data.Dataset:
    if None not in resizer.output_size:
        return samples.batch(batch, drop_remainder)
    # Images differ in size: all are padded to the largest of the batch. NaN marks the padding,
    # because padded_batch knows only one value for all channels.
    spec = tf.nest.flatten(samples.element_spec)
    there = [not isinstance(leaf, tf.NoneTensorSpec) for leaf in spec]

    @tf.autograph.experimental.do_not_convert
    def flat(*parts):
        return tuple(leaf for leaf in tf.nest.flatten(parts) if leaf is not None)

    leaves = samples.map(flat)
    zeros = [tf.zeros([], leaf.dtype) for leaf in leaves.element_spec]
    padding = (tf.constant(np.nan, tf.float32), *zeros[1:])
    batches = leaves.padded_batch(batch, padding_values=padding, drop_remainder=drop_remainder)
    value = tf.constant(resizer.pad_value[: resizer.channels], tf.float32)

    @tf.autograph.experimental.do_not_convert
    def filled(images, *others):
        images = tf.where(tf.math.is_nan(images), value, images)
        rest = iter((images, *others))
        found = [next(rest) if present else None for present in there]
        return tf.nest.pack_sequence_as(samples.element_spec, found)

    return batches.map(filled, num_parallel_calls=_THREADS)


def _with_options(batches: tf.data.Dataset, ahead: int = _BATCHES_AHEAD) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    # With it, ending a dataset cost about half a second after most evaluations of 160 images.
    options.autotune.enabled = False
    return batches.with_options(options).prefetch(ahead)
