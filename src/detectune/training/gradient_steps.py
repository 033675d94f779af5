"""Gradient descent: network frozen and compiled, then all steps in one call of Keras's `fit`."""

from __future__ import annotations

import keras

from detectune.config import schema
from detectune.config.architectures import architecture_of
from detectune.data.readable import unreadable_named
from detectune.detectors.frozen import prepare_frozen
from detectune.training.callbacks import (
    Evaluations,
    OncePerStep,
    StepNumbers,
    StopAtNonFinite,
    Timetable,
)
from detectune.training.context import TrainingContext
from detectune.training.deployment import Deployment
from detectune.training.feature_cache import choose_kept, with_kept_features
from detectune.training.freezing import freeze
from detectune.training.optimizers import build_optimizer
from detectune.training.save_times import SaveTimes
from detectune.training.sources import TRAIN
from detectune.wording import plural

# Lines in metrics.jsonl per run, about.
_LOG_EVERY = 20


def prepare_network(training: TrainingContext) -> None:
    """Freeze what `train_config` says, and give the detector its optimizer.

    Raises:
        ConfigError: a pattern matches nothing, or no optimizer or learning rate is chosen.
    """
    settings, detector = training.config.train_config, training.detector
    _freeze(training)
    prepare_frozen(detector)
    choose_kept(training)
    detector.compile(
        optimizer=build_optimizer(
            settings.optimizer,
            gradient_clipping_by_norm=settings.gradient_clipping_by_norm,
            tf1=architecture_of(training.config.model).written_for_tf1,
            accumulation_steps=settings.gradient_accumulation_steps,
        ),
        jit_compile=keras.backend.backend() == "jax",
    )
    # Left to the first step, its variables would be made inside the traced function, slowly.
    detector.optimizer.build(detector.trainable_variables)
    detector.use_regularization = settings.add_regularization_loss
    if settings.gradient_accumulation_steps > 1:
        count, batch = settings.gradient_accumulation_steps, settings.batch_size
        training.console.say(
            f"every step computes its {plural(batch, 'image')} in {plural(count, 'micro-batch')} "
            f"of {batch // count}"
        )


def take_steps(training: TrainingContext) -> None:
    """All steps that remain.

    Raises:
        DataError: more than half of the images cannot be read any more; they are named.
        TrainingError: a loss is not finite.
    """
    settings, progress = training.config.train_config, training.progress
    stream, done = with_kept_features(training), progress.stage_step
    remaining, micro_batches = settings.num_steps - done, settings.gradient_accumulation_steps
    batches = stream.training_batches(done, remaining)
    callbacks = OncePerStep(_callbacks(training), micro_batches)
    bar = training.console.training(progress.step, progress.step + remaining)
    with bar, unreadable_named(stream.images):
        training.detector.fit(
            batches,
            steps_per_epoch=remaining * micro_batches,
            epochs=1,
            verbose=0,
            shuffle=False,  # the batches are
            callbacks=[callbacks],
        )


def _freeze(training: TrainingContext) -> None:
    settings = training.config.train_config
    frozen = freeze(
        training.detector,
        freeze_patterns=settings.freeze_variables,
        update_patterns=settings.update_trainable_variables,
    )
    if frozen is not None:
        training.note("Frozen", frozen.summary())


def _callbacks(training: TrainingContext) -> list[keras.callbacks.Callback]:
    settings, progress = training.config.train_config, training.progress
    stream, done = training.streams[TRAIN], progress.stage_step
    numbers = StepNumbers(
        training.log,
        training.console,
        first_step=progress.step,
        batch_size=settings.batch_size,
        every=min(_LOG_EVERY, max(settings.num_steps // 10, 1)),
    )
    return [
        StopAtNonFinite(
            progress.step,
            lambda step: stream.annotations(done + step),
            training.checkpoints.writer.last_step,
            micro_batch=settings.batch_size // max(settings.gradient_accumulation_steps, 1),
            clips=settings.gradient_clipping_by_norm > 0,
        ),
        numbers,
        Evaluations(
            progress,
            training.checkpoints,
            Deployment(training.config, stream),
            _timetable(settings, saved_before=progress.step > 0),
            numbers,
        ),
    ]


def _timetable(settings: schema.TrainConfig, *, saved_before: bool) -> Timetable:
    total = settings.num_steps
    every = settings.evaluate_every_steps or max(total // 5, min(100, total))
    saves = SaveTimes(
        total,
        own_every=settings.checkpoint_every_steps,
        evaluate_every=every,
        saved_before=saved_before,
    )
    return Timetable(total, every, saves, settings.early_stopping_evaluations)
