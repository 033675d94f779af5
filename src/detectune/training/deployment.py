"""The weights to evaluate and export, made of those in training.

trained ─► averaged over steps, if asked for ─► batch-norm statistics measured anew, if they lag
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from detectune.config import schema
from detectune.structures import GroundTruth
from detectune.training.recalibration import Recalibration
from detectune.training.streams import Stream
from detectune.training.weights import batch_norms, reinstate, settle, snapshot, use_averages

# Images used to measure batch-norm statistics, about.
_RECALIBRATION_IMAGES = 192


class Deployment:
    """Puts the weights to deploy into a model, and takes them out again.

    Args:
        stream: the data of training.
    """

    def __init__(self, config: schema.TrainEvalPipelineConfig, stream: Stream) -> None:
        self.config, self.stream = config, stream
        self._recalibration: Recalibration | None = None

    @contextmanager
    def weights(self, model: keras.Model, step: int) -> Iterator[None]:
        """Inside, `model` has the weights to deploy after `step` steps, afterwards its own."""
        settle(model)
        values = snapshot(model)
        try:
            if model.optimizer.use_ema:
                use_averages(model)
            if self.config.eval_config.batch_norm_recalibration:
                self._recalibrate(model, step)
            yield
        finally:
            reinstate(model, values)

    def statistics_left(self, model: keras.Model, step: int) -> float:
        """How much of the batch norms' first statistics is in those deployed after `step` steps."""
        if self.config.eval_config.batch_norm_recalibration:
            return 0.0
        learning = [norm.momentum for norm in batch_norms(model) if norm.learns_statistics]
        return float(max(learning, default=0.0) ** max(step, 1))

    def _recalibrate(self, model: keras.Model, step: int) -> None:
        if self._recalibration is None:
            self._recalibration = Recalibration(model)
        if not self._recalibration.is_needed(step):
            return
        batch = self.config.train_config.batch_size
        count = self.config.eval_config.recalibration_batches
        count = min(count or max(_RECALIBRATION_IMAGES // batch, 1), max(step, 1))
        recent = self.stream.training_batches(step - count, count, checked=True)
        self._recalibration.measure(
            (inputs, GroundTruth.from_batch(truth)) for inputs, truth in recent.as_numpy_iterator()
        )
