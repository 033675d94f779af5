"""Gradient descent: network frozen and compiled, then all steps in one call of Keras's `fit`.

Where `unfreeze_at_step` lets more of the network train, one call ends and another begins: the step
is compiled anew, numbers and data go on. The optimizer has slots of everything that will ever train
from the beginning, so that all checkpoints of a run hold the same variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

from detectune.config import schema
from detectune.config.architectures import architecture_of
from detectune.config.freezing import PARTS
from detectune.data.domains import with_target
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
from detectune.training.domain_adaptation import adversary_paces, prepare_adaptation
from detectune.training.feature_cache import choose_kept, with_kept_features
from detectune.training.freezing import Freezing
from detectune.training.optimizers import Pace, TrainingOptimizer, build_optimizer
from detectune.training.save_times import SaveTimes
from detectune.training.sources import TARGET, TRAIN
from detectune.wording import plural

# Lines in metrics.jsonl per run, about.
_LOG_EVERY = 20


def prepare_network(training: TrainingContext) -> None:
    """Freeze what `train_config` says, and give the detector its optimizer.

    Raises:
        ConfigError: a pattern matches nothing, or no optimizer or learning rate is chosen.
    """
    settings, detector = training.config.train_config, training.detector
    freezing = _freezing(training)
    adversary = prepare_adaptation(training)
    optimizer = build_optimizer(
        settings.optimizer,
        gradient_clipping_by_norm=settings.gradient_clipping_by_norm,
        tf1=architecture_of(training.config.model).written_for_tf1,
        accumulation_steps=settings.gradient_accumulation_steps,
    )
    detector.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")
    # Left to the first step, its variables would be made inside the traced function, slowly.
    freezing.at(max(freezing.steps, default=0))
    optimizer.build(detector.trainable_variables)
    optimizer.set_paces(_paces(freezing) | adversary_paces(training, adversary))
    freezing.at(0)
    prepare_frozen(detector)
    choose_kept(training)
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
    remaining = settings.num_steps - progress.stage_step
    freezing = _freezing(training)
    times = _timetable(settings, saved_before=progress.step > 0)
    for one in freezing.unfrozen:
        if one.step < progress.stage_step:
            training.console.say(one.summary())
    freezing.at(progress.stage_step)
    prepare_frozen(training.detector)
    with_kept_features(training)  # before the bar, for it may take minutes
    bar = training.console.training(progress.step, progress.step + remaining)
    with bar, _unreadable_named(training):
        later = [step for step in freezing.steps if progress.stage_step < step < settings.num_steps]
        for end in [*later, settings.num_steps]:
            said = _unfreeze(training, freezing)
            last = end == settings.num_steps
            # What is still frozen may bring what the rest does not.
            patient = times if last else times._replace(patience=0)
            _fit(training, patient, end - progress.stage_step, said)
            if training.detector.stop_training:
                return


def _fit(training: TrainingContext, times: Timetable, steps: int, unfrozen: str) -> None:
    """`steps` steps in which the same variables train.

    Args:
        unfrozen: what begins to train with the first of them.
    """
    settings, done = training.config.train_config, training.progress.stage_step
    micro_batches = settings.gradient_accumulation_steps
    training.detector.fit(
        _batches(training, done, steps),
        steps_per_epoch=steps * micro_batches,
        epochs=1,
        verbose=0,
        shuffle=False,  # the batches are
        callbacks=[OncePerStep(_callbacks(training, times, unfrozen), micro_batches)],
    )


def _batches(training: TrainingContext, done: int, steps: int) -> Any:
    """The batches of `steps` steps after the first `done`; see `Stream.training_batches`."""
    batches = with_kept_features(training).training_batches(done, steps)
    target = training.streams.get(TARGET)
    return batches if target is None else with_target(batches, target.training_batches(done, steps))


@contextmanager
def _unreadable_named(training: TrainingContext) -> Iterator[None]:
    """Where the block ends because too many images cannot be read, the error names them."""
    read = [training.streams[name] for name in (TRAIN, TARGET) if name in training.streams]
    with ExitStack() as named:
        for stream in read:
            named.enter_context(unreadable_named(stream.images))
        yield


def _freezing(training: TrainingContext) -> Freezing:
    """What the training freezes; found, and said, the first time."""
    if training.freezing is None:
        freezing = Freezing(training.detector, training.config.train_config)
        frozen = freezing.at(0)
        if freezing.anything:
            training.note("Frozen", frozen.summary())
        if freezing.factors():
            factors = training.config.train_config.learning_rate_factors
            said = ", ".join(f"{part} {getattr(factors, part):g}" for part in PARTS)
            training.note("Factors on learning rates", f"learning rates are multiplied: {said}")
        training.freezing = freezing
    return training.freezing


def _paces(freezing: Freezing) -> dict[int, Pace]:
    factors, begins = freezing.factors(), freezing.begins()
    return {key: Pace(factors.get(key, 1.0), begins.get(key, 0)) for key in factors.keys() | begins}


def _unfreeze(training: TrainingContext, freezing: Freezing) -> str:
    """Let train what trains at the step that comes; what begins with this step, in words."""
    done, optimizer = training.progress.stage_step, training.detector.optimizer
    freezing.at(done)
    prepare_frozen(training.detector)
    training.detector.train_function = None  # it was compiled for what trained before
    begun = [one for one in freezing.unfrozen if one.step == done]
    for one in begun:
        assert isinstance(optimizer, TrainingOptimizer)
        optimizer.begin_averages(one.variables)
    if begun:
        training.progress.evaluations_without_gain = 0
    if said := "\n".join(one.summary() for one in begun):
        training.note(f"Unfrozen at step {done}", said)
    return said


def _callbacks(
    training: TrainingContext, times: Timetable, unfrozen: str
) -> list[keras.callbacks.Callback]:
    settings, progress = training.config.train_config, training.progress
    stream, done = training.streams[TRAIN], progress.stage_step
    numbers = StepNumbers(
        training.log,
        training.console,
        first_step=progress.step,
        batch_size=settings.batch_size,
        every=min(_LOG_EVERY, max(settings.num_steps // 10, 1)),
        first_line={"unfrozen": unfrozen} if unfrozen else {},
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
            times,
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
