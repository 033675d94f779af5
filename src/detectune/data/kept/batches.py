"""Training batches of kept maps: the same images in the same order as without them.

position ─► image and version ─► record ─► batch
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from detectune.config import schema
from detectune.config.reading import training_needs
from detectune.data.kept.numbers import Numbers
from detectune.data.kept.store import Record, Store
from detectune.data.kept.views import Views
from detectune.data.pipeline import batches_ahead, image_candidates, with_options
from detectune.data.sources.base import Source
from detectune.structures import Inputs

_KEPT, _INPUT, _TRUTH = "kept/", "input/", "truth/"


def record_dtype(
    maps: Sequence[tuple[int, ...]],
    numbers: Numbers,
    inputs: dict[str, tf.TensorSpec],
    truth: dict[str, tf.TensorSpec],
) -> np.dtype:
    """The type of one record.

    Args:
        maps: shapes of the kept maps of one image.
        inputs, truth: what else belongs to an image, without the axis of the batch.
    """
    fields: list[tuple] = [(f"{_KEPT}{i}", numbers.kept, shape) for i, shape in enumerate(maps)]
    for prefix, specs in ((_INPUT, inputs), (_TRUTH, truth)):
        for name, spec in sorted(specs.items()):
            shape = tuple(int(side) for side in spec.shape)
            fields.append((f"{prefix}{name}", spec.dtype.as_numpy_dtype, shape))
    return np.dtype(fields)


def records_of(
    kept: Sequence[np.ndarray],
    numbers: Numbers,
    inputs: dict[str, np.ndarray],
    truth: dict[str, np.ndarray],
) -> list[Record]:
    """One record for each image of a batch."""
    arrays = {f"{_KEPT}{i}": numbers.encode(one) for i, one in enumerate(kept)}
    arrays |= {f"{_INPUT}{name}": one for name, one in inputs.items() if name != "images"}
    arrays |= {f"{_TRUTH}{name}": one for name, one in truth.items()}
    return [{name: one[i] for name, one in arrays.items()} for i in range(len(kept[0]))]


@dataclass(frozen=True)
class KeptMaps:
    """What is kept of the images of a source.

    Args:
        input_size: height and width of the model's input.
    """

    store: Store
    numbers: Numbers
    views: Views
    input_size: tuple[int, int]

    def holds(self, image: int) -> bool:
        """Whether all versions of the image could be read."""
        first = image * self.views.versions
        return all(self.store.holds(first + version) for version in range(self.views.versions))


def kept_batches(
    config: schema.TrainEvalPipelineConfig,
    source: Source,
    kept: KeptMaps,
    *,
    seed: int,
    start_step: int = 0,
    steps: int | None = None,
) -> tf.data.Dataset:
    """`(Inputs, ground truth)` from `start_step` on, as `train_batches` gives them.

    Instead of images there are the maps made of them, see `Inputs.kept`.
    """
    batch = config.train_config.batch_size
    part = batch // max(config.train_config.gradient_accumulation_steps, 1)
    candidates, count = image_candidates(config, source, seed), len(source)
    dtype = kept.store.dtype
    names = list(dtype.names or ())
    types = [tf.as_dtype(dtype[name].base) for name in names]

    def entry(position: int) -> int:
        image = next(index for index in candidates(position) if kept.holds(index))
        version = kept.views.version(position, position // count)
        return image * kept.views.versions + version

    def read(positions: np.ndarray) -> list[np.ndarray]:
        entries = [entry(int(position)) for position in positions]
        return [kept.store.read(entries, name) for name in names]

    @tf.autograph.experimental.do_not_convert
    def sample(positions: tf.Tensor) -> tuple[Inputs, dict[str, tf.Tensor]]:
        arrays = tf.numpy_function(read, [positions], types)
        found = {
            name: tf.ensure_shape(array, [part, *dtype[name].shape])
            for name, array in zip(names, arrays, strict=True)
        }
        return _inputs(found, kept, part), _having(found, _TRUTH)

    first = start_step * batch
    last = np.iinfo(np.int64).max if steps is None else first + steps * batch
    positions = tf.data.Dataset.range(first, last).batch(part, drop_remainder=True)
    batches = positions.map(sample, num_parallel_calls=2, deterministic=True)
    return with_options(batches, batches_ahead(training_needs(config)))


def _inputs(found: dict[str, tf.Tensor], kept: KeptMaps, count: int) -> Inputs:
    maps = tuple(kept.numbers.decode(one) for one in _having(found, _KEPT).values())
    images = tf.zeros([count, *kept.input_size, 0], tf.float32)
    return Inputs(images=images, kept=maps, **_having(found, _INPUT))


def _having(found: dict[str, tf.Tensor], prefix: str) -> dict[str, tf.Tensor]:
    return {
        name.removeprefix(prefix): one for name, one in found.items() if name.startswith(prefix)
    }
