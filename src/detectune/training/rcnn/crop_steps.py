"""Fine-tuning on crops: network frozen and compiled, then all steps that remain."""

from __future__ import annotations

import time
from typing import Any

import keras

from detectune.config import schema
from detectune.detectors.crop_classes import CropClasses, CropClassifier
from detectune.detectors.rcnn import RCNN
from detectune.errors import ConfigError, three_part
from detectune.training.callbacks import StepNumbers, StopAtNonFinite
from detectune.training.context import TrainingContext
from detectune.training.freezing import Freezing
from detectune.training.optimizers import build_optimizer
from detectune.training.rcnn.crop_batches import (
    CropBatch,
    CropBatches,
    micro_batches,
    parts_of,
    windows_of,
)
from detectune.training.rcnn.forecast import TIMED, spoken, timed
from detectune.training.rcnn.seen_images import seen_images
from detectune.training.save_times import SaveTimes
from detectune.training.sources import TRAIN
from detectune.training.weights import settle
from detectune.wording import plural

_PATH = "model.rcnn.fine_tuning"
_RATE = 0.001
"""Source: Girshick et al. 2014 (R-CNN), section 2.3."""
# Lines in metrics.jsonl per run, about.
_LOG_EVERY = 20


def prepare_classifier(training: TrainingContext, detector: RCNN) -> None:
    """Give `detector` the softmax and the optimizer that it is fine-tuned with.

    Raises:
        ConfigError: what is frozen is not there, or is everything.
    """
    settings = training.config.model.rcnn.fine_tuning
    if detector.extra_losses is None:
        seed = training.config.train_config.seed
        detector.add_losses(CropClasses(detector.dimension, detector.num_classes, seed))
    _freeze(training, detector, settings)
    optimizer = build_optimizer(
        _optimizer(settings),
        gradient_clipping_by_norm=settings.gradient_clipping_by_norm,
        accumulation_steps=micro_batches(settings.batch_size, detector.crops_at_once),
    )
    optimizer.build(_classifier(detector).trainable_variables)
    detector.optimizer = optimizer  # the state that a run goes on from holds its variables


def take_crop_steps(training: TrainingContext, detector: RCNN) -> None:
    """All steps that remain.

    Raises:
        DataError: more than half of the images cannot be read, or none has an object.
        TrainingError: a loss is not finite.
    """
    settings, progress = training.config.model.rcnn.fine_tuning, training.progress
    batches = _batches(training, detector, settings)
    remaining = settings.num_steps - progress.stage_step
    optimizer: Any = detector.optimizer
    classifier, clock = _classifier(detector), _Clock(training, detector, batches)
    classifier.learn_with(optimizer)
    callbacks = _callbacks(training, settings, batches)
    for callback in callbacks:
        callback.set_model(classifier)
    saves = SaveTimes(
        settings.num_steps,
        own_every=training.config.train_config.checkpoint_every_steps,
        saved_before=progress.step > 0,
    )
    with training.console.training(progress.step, progress.step + remaining):
        for index in range(remaining):
            for callback in callbacks:
                callback.on_train_batch_begin(index)
            loss = _step(classifier, batches.batch(progress.stage_step), clock)
            for callback in callbacks:
                callback.on_train_batch_end(index, {"total_loss": loss})
            progress.advance()
            last = progress.stage_step == settings.num_steps
            if saves.is_due(progress.stage_step) or last:
                settle(classifier)
                training.checkpoints.save(detector)
                saves.saved(training.checkpoints.saving_seconds)
                training.console.phase("fine-tuning on crops")


def _step(classifier: CropClassifier, batch: CropBatch, clock: _Clock) -> float:
    """One step of the optimizer; the mean loss since the metrics were reset."""
    loss = 0.0
    for part in parts_of(batch, clock.parts):
        began = time.monotonic()
        numbers: Any = classifier.train_on_batch(part.crops, part.labels, return_dict=True)
        loss = float(numbers["loss"])
        clock.computed(time.monotonic() - began)
    return loss


def _freeze(training: TrainingContext, detector: RCNN, settings: schema.CropFineTuning) -> None:
    """Hold still what the config freezes, and what no crop depends on."""
    Freezing(detector, schema.TrainConfig(freeze=settings.freeze), _PATH).at(0)
    for layer in (detector.margins, detector.box_codes, *detector.backbone.unused):
        for variable in layer.trainable_variables:
            variable.trainable = False
    network = detector.backbone
    if not network.trainable_variables:
        raise ConfigError(
            three_part(
                f"{_PATH}: nothing of the network trains.",
                "What is learned above the network serves the fine-tuning alone.",
                "Freeze less of it, or remove the block.",
            )
        )
    training.note(
        "Fine-tuning on crops",
        f"fine-tuning on crops: {len(network.trainable_variables)} of "
        f"{plural(len(network.weights), 'variable')} of the network train; batch norms keep their "
        "statistics",
    )


def _optimizer(settings: schema.CropFineTuning) -> schema.Optimizer:
    """Stochastic gradient descent as `settings` say."""
    optimizer = schema.Optimizer(use_moving_average=False)
    momentum = optimizer.momentum_optimizer
    momentum.momentum_optimizer_value = settings.momentum
    if settings.HasField("learning_rate"):
        momentum.learning_rate.CopyFrom(settings.learning_rate)
    else:
        momentum.learning_rate.constant_learning_rate.learning_rate = _RATE
    return optimizer


def _classifier(detector: RCNN) -> CropClassifier:
    classes = detector.extra_losses
    assert isinstance(classes, CropClasses)  # `prepare_classifier` added it
    return CropClassifier(detector, classes)


def _batches(
    training: TrainingContext, detector: RCNN, settings: schema.CropFineTuning
) -> CropBatches:
    stream = training.streams[TRAIN]
    training.console.phase("reading the images for fine-tuning")
    windows = [
        windows_of(image, detector.num_classes, settings.positive_iou)
        for image in seen_images(stream, detector.needs)
    ]
    return CropBatches(detector, windows, settings, training.config.train_config.seed)


def _callbacks(
    training: TrainingContext, settings: schema.CropFineTuning, batches: CropBatches
) -> list[keras.callbacks.Callback]:
    progress, source = training.progress, training.streams[TRAIN].source
    done = progress.stage_step
    return [
        StopAtNonFinite(
            progress.step,
            lambda step: [source.unrepaired(index) for index in batches.records(done + step)],
            training.checkpoints.writer.last_step,
            micro_batch=settings.batch_size,
            clips=settings.gradient_clipping_by_norm > 0,
        ),
        StepNumbers(
            training.log,
            training.console,
            first_step=progress.step,
            batch_size=settings.batch_size,
            every=min(_LOG_EVERY, max(settings.num_steps // 10, 1)),
        ),
    ]


class _Clock:
    """Times the first crops, and says once how long all steps that remain will take."""

    def __init__(self, training: TrainingContext, detector: RCNN, batches: CropBatches) -> None:
        self._settings, self._say = training.config.model.rcnn.fine_tuning, training.console.say
        step = training.progress.stage_step
        self._steps = self._settings.num_steps - step
        self.parts = micro_batches(self._settings.batch_size, detector.crops_at_once)
        self._cutting = timed(lambda: batches.batch(step))
        self._seconds: list[float] = []
        self._objects, self._background = batches.counts

    def computed(self, seconds: float) -> None:
        """A part of a step took `seconds`."""
        if len(self._seconds) > TIMED:
            return
        self._seconds.append(seconds)
        if len(self._seconds) == 1 + TIMED:  # the first one was compiled
            each = self._cutting + self.parts * sum(self._seconds[1:]) / TIMED
            self._say(
                f"fine-tuning on crops: {plural(self._steps, 'step')} of "
                f"{plural(self._settings.batch_size, 'crop')} out of {self._objects} that show an "
                f"object and {self._background} of background, {each:.2g} s each: about "
                f"{spoken(each * self._steps)}; in {plural(self.parts, 'part')} of "
                f"{plural(self._settings.batch_size // self.parts, 'crop')}"
            )
