"""A pipeline.config → a trained detector in a run directory.

config ─► sources ─► detector ─► checkpoint ─► freezing ─► fit ─┬─► evaluation ─► best
                                                                └─► last, metrics.jsonl
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import keras

from detectune.checkpoints.files import find_checkpoint
from detectune.checkpoints.restore import Kind, RestoreReport, label_map_beside, restore
from detectune.checkpoints.run_directory import Run
from detectune.config import schema
from detectune.config.architectures import architecture_of, num_classes
from detectune.config.coco_classes import NUM_CLASSES, coco_label_map, is_coco
from detectune.config.conflicts import training_conflicts
from detectune.config.label_map import LabelMap, read_label_map
from detectune.config.metrics import best_metric, mask_conflicts
from detectune.config.needs import evaluation_needs
from detectune.config.problems import refuse
from detectune.config.report import report_fields
from detectune.data.check import broken_images_named
from detectune.data.pipeline import batch_file_names, train_batches
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.detectors.inference import DetectionModel
from detectune.errors import ConfigError, three_part
from detectune.evaluation.coco import CocoEvaluator
from detectune.evaluation.evaluate_source import evaluate_source
from detectune.files import write_text
from detectune.structures import GroundTruth
from detectune.training.callbacks import (
    Actions,
    Evaluations,
    OncePerStep,
    StepNumbers,
    StopAtNonFinite,
    Timetable,
)
from detectune.training.console import RunConsole
from detectune.training.data import open_data
from detectune.training.examples import find_examples
from detectune.training.freezing import freeze
from detectune.training.logs import RunLog
from detectune.training.optimizers import build_optimizer
from detectune.training.recalibration import Recalibration
from detectune.training.report import facts_of, report_html
from detectune.training.run_writer import RunWriter
from detectune.training.state import Progress, reinstate, snapshot

_log = logging.getLogger("detectune")

# Lines in metrics.jsonl per run, about; and images used to measure batch-norm statistics.
_LOG_EVERY, _RECALIBRATION_IMAGES = 20, 192


def train(
    config: schema.TrainEvalPipelineConfig,
    model_dir: str | os.PathLike,
    *,
    resume: bool = False,
    console: RunConsole | None = None,
) -> Run:
    """Fine-tune as `config` says, and leave a run directory at `model_dir`.

    Args:
        resume: go on from `checkpoints/last` if there is one.
        console: where progress is shown; standard error if None.

    Raises:
        ConfigError: a field is refused, a choice unknown, or `model_dir` holds another run.
        DataError: the data cannot be read.
        CheckpointError: fine_tune_checkpoint does not hold what its type promises.
        TrainingError: a loss is not finite.
    """
    console = console or RunConsole()
    run = Run(Path(model_dir), config)
    _report_fields(config, console)
    _check_folder(run, resume)
    session = _Session(run, console)
    session.prepare(resume)
    session.fit()
    return run


class _Session:
    """One call of `train`: the objects that its phases hand on."""

    def __init__(self, run: Run, console: RunConsole) -> None:
        self.run, self.config, self.console = run, run.config, console
        self.settings = run.config.train_config
        self.files, self.progress = RunWriter(run), Progress()
        self.started, self.seconds_before = time.monotonic(), 0.0
        self.parts = max(self.settings.gradient_accumulation_steps, 1)
        self.evaluated: CocoEvaluator | None = None

    def prepare(self, resume: bool) -> None:
        """Everything before the first step."""
        refuse(training_conflicts(self.config))
        self.console.phase("building the detector")
        keras.utils.set_random_seed(self.settings.seed)
        self.detector = build_detector(self.config.model)
        self.console.phase("reading the data")
        last = self.files.last_step() if resume else None
        own = self.run.label_map() if last is not None else None
        self.data = open_data(self.config, self.detector, self.console, own)
        if last is None:
            self._start_fresh()
        self._freeze()
        self.detector.compile(
            optimizer=build_optimizer(
                self.settings.optimizer,
                gradient_clipping_by_norm=self.settings.gradient_clipping_by_norm,
                tf1=architecture_of(self.config.model).written_for_tf1,
                parts=self.parts,
            ),
            jit_compile=keras.backend.backend() == "jax",
        )
        # Left to the first step, its variables would be made inside the traced function, slowly.
        self.detector.optimizer.build(self.detector.trainable_variables)
        if self.parts > 1:
            batch = self.settings.batch_size
            self.console.say(
                f"every step computes its {batch} images in {self.parts} parts of "
                f"{batch // self.parts}"
            )
        self.detector.use_regularization = self.settings.add_regularization_loss
        if last is not None:
            self._resume(last)
        # Only now, when nothing in the config or the data was refused, is anything written.
        self.files.remove_leftovers()
        self.files.write_config(self.config)
        self.files.write_label_map(self.data.label_map)
        self.recalibration = Recalibration(self.detector)
        self.model = DetectionModel(self.detector)

    def _start_fresh(self) -> None:
        report = fine_tune(self.detector, self.config, self.data.label_map)
        said = report.summary() if report else "training from random weights"
        self.progress.notes["Weights"] = said
        self.console.say(said)

    def _resume(self, last: int) -> None:
        evaluates = self.data.evaluate is not None
        self.progress = self.files.reinstate(self.detector, last, evaluates=evaluates)
        self.seconds_before = self.progress.seconds
        self.console.say(f"resumed at step {self.progress.step}")

    def _freeze(self) -> None:
        frozen = freeze(
            self.detector,
            freeze_patterns=self.settings.freeze_variables,
            update_patterns=self.settings.update_trainable_variables,
        )
        if frozen is not None:
            self.progress.notes["Frozen"] = frozen.summary()
            self.console.say(frozen.summary())

    def fit(self) -> None:
        """All remaining steps."""
        first, total = self.progress.step, self.settings.num_steps
        if first >= total:
            self.console.say(f"nothing to do: step {first} of {total} is reached")
            return
        if self._stopped_early():
            self.console.say(f"nothing to do: the run stopped early at step {first}")
            return
        batches = train_batches(
            self.config,
            self.data.train,
            self.data.train_resizer,
            seed=self.settings.seed,
            start_step=first,
            steps=total - first,
        )
        log = RunLog(self.run.path, first)
        try:
            with self.console.training(first, total), broken_images_named(self.data.train):
                self.detector.fit(
                    batches,
                    steps_per_epoch=(total - first) * self.parts,
                    epochs=1,
                    verbose=0,
                    shuffle=False,  # the batches are
                    callbacks=[OncePerStep(self._callbacks(log, first, total), self.parts)],
                )
        finally:
            log.close()
        self._write_report()
        self._say_where()

    def _write_report(self) -> None:
        """`report.html`, with examples of what the best weights find."""
        self.console.phase("writing report.html")
        source, examples = self.data.evaluate, []
        if source is not None:
            restore(self.detector, self.run.checkpoint("best"))
            size = self._eval_batch_size()
            needs = evaluation_needs(self.config)
            examples = find_examples(
                self.model, source, self.data.resizer, batch_size=size, needs=needs
            )
        data = [f"trained on {self.data.train.describe()}"]
        if source is not None:
            data.append(f"evaluated on {source.describe()}")
        facts = facts_of(self.run, self.progress, data=data, examples=examples)
        write_text(self.run.path / "report.html", report_html(facts))

    def _eval_batch_size(self) -> int:
        return max(self.config.eval_config.batch_size, 8)

    def _stopped_early(self) -> bool:
        patience = self.settings.early_stopping_evaluations
        return bool(patience) and self.progress.evaluations_without_gain >= patience

    def _callbacks(self, log: RunLog, first: int, total: int) -> list[keras.callbacks.Callback]:
        def file_names(step: int) -> list[str]:
            return batch_file_names(self.data.train, self.config, self.settings.seed, step)

        def evaluate_and_save(progress: Progress) -> dict[str, float]:
            with self._deployable(progress.step):
                metrics = self._evaluate()
                self.files.write_weights(self.detector, progress.step)
            log.add("eval", progress.step, metrics)
            return metrics

        def save(progress: Progress) -> None:
            with self._deployable(progress.step):
                self.files.write_weights(self.detector, progress.step)

        def commit(progress: Progress) -> None:
            log.flush()
            progress.seconds = self.seconds_before + time.monotonic() - self.started
            self.files.commit(self.detector, progress)

        numbers = StepNumbers(
            log,
            self.console,
            first_step=first,
            batch_size=self.settings.batch_size,
            every=min(_LOG_EVERY, max(total // 10, 1)),
        )
        every = self.settings.evaluate_every_steps or max(total // 5, min(100, total))
        save_every = self.settings.checkpoint_every_steps or min(every, 500)
        return [
            StopAtNonFinite(first, file_names),
            numbers,
            Evaluations(
                self.progress,
                Actions(
                    evaluate=evaluate_and_save if self.data.evaluate is not None else None,
                    per_category=self._per_category,
                    save=save,
                    commit=commit,
                    keep_best=lambda progress: self.files.keep_best(progress.step),
                ),
                Timetable(total, every, save_every, self.settings.early_stopping_evaluations),
                numbers=numbers,
                console=self.console,
                metric=best_metric(self.config),
            ),
        ]

    def _per_category(self) -> dict[str, dict[str, float]]:
        return self.evaluated.per_category() if self.evaluated is not None else {}

    @contextmanager
    def _deployable(self, step: int) -> Iterator[None]:
        """Inside, the detector has the weights to evaluate and export; afterwards its own again.

        They are averaged over steps if the config asks for it, and their batch-norm statistics
        are measured anew while the moving averages lag.
        """
        values = snapshot(self.detector)
        try:
            optimizer = self.detector.optimizer
            if optimizer.use_ema:
                optimizer.finalize_variable_values(self.detector.trainable_variables)
            if self.config.eval_config.batch_norm_recalibration:
                self._recalibrate(step)
            yield
        finally:
            reinstate(self.detector, values)

    def _recalibrate(self, step: int) -> None:
        if not self.recalibration.is_needed(step):
            return
        batch = self.settings.batch_size
        count = self.config.eval_config.recalibration_batches
        count = min(count or max(_RECALIBRATION_IMAGES // batch, 1), max(step, 1))
        recent = train_batches(
            self.config,
            self.data.train,
            self.data.train_resizer,
            seed=self.settings.seed,
            start_step=step - count,
            steps=count,
            checked=True,
        )
        self.recalibration.measure(
            (inputs, GroundTruth.from_batch(truth)) for inputs, truth in recent.as_numpy_iterator()
        )

    def _evaluate(self) -> dict[str, float]:
        assert self.data.evaluate is not None
        evaluator = evaluate_source(
            self.model,
            self.data.evaluate,
            self.data.resizer,
            self.data.label_map,
            batch_size=self._eval_batch_size(),
            needs=evaluation_needs(self.config),
        )
        self.evaluated = evaluator
        results = evaluator.results()
        if self.config.eval_config.include_metrics_per_category:
            results |= evaluator.category_scalars()
        return results

    def _say_where(self) -> None:
        progress = self.progress
        best = f" Best mAP {progress.best_metric:.3f} at step {progress.best_step}."
        self.console.say(
            f"done at step {progress.step}.{best if progress.best_step else ''} "
            f"Run directory: {self.run.path}"
        )


def fine_tune(
    detector: Detector, config: schema.TrainEvalPipelineConfig, label_map: LabelMap
) -> RestoreReport | None:
    """Restore `fine_tune_checkpoint` as its type says; None if the config names none."""
    settings = config.train_config
    if not settings.fine_tune_checkpoint:
        return None
    prefix = find_checkpoint(settings.fine_tune_checkpoint)
    source = _source_label_map(prefix)
    return restore(
        detector,
        prefix,
        kind=cast(Kind, fine_tune_type(settings)),  # `restore` refuses others
        source_classes=_class_names(source) if source else None,
        target_classes=_class_names(label_map, num_classes(config.model)),
    )


def _source_label_map(prefix: str) -> LabelMap | None:
    """The classes of a checkpoint: of the label map beside it, or COCO's for one of the zoo."""
    beside = label_map_beside(prefix)
    if beside is not None:
        return read_label_map(beside)
    # A wrong guess does no harm: rows are carried over only if their number fits.
    return coco_label_map() if is_coco(NUM_CLASSES, prefix) else None


def fine_tune_type(settings: schema.TrainConfig) -> str:
    """The type of restoring; older configs say it with `from_detection_checkpoint`.

    Parity: model_lib_v2.py.
    """
    if settings.fine_tune_checkpoint_type:
        return settings.fine_tune_checkpoint_type
    return "detection" if settings.from_detection_checkpoint else "classification"


def _class_names(label_map: LabelMap, count: int = 0) -> list[str]:
    """Names in the order of class indices; ids without a name get a number."""
    return [label_map.name_of_index(index) for index in range(max(count, label_map.num_classes))]


def _report_fields(config: schema.TrainEvalPipelineConfig, console: RunConsole) -> None:
    """Print what is ignored; stop at what is refused."""
    problems = [*report_fields(config), *mask_conflicts(config)]
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ConfigError("\n".join(problem.shown() for problem in errors))
    if not config.train_config.num_steps:
        raise ConfigError(
            three_part(
                "train_config.num_steps: it is 0 or missing.",
                "A run has at least one step.",
                "Set it, for example with --set train_config.num_steps=1000.",
            )
        )
    for problem in problems:
        console.say(problem.shown())


def _check_folder(run: Run, resume: bool) -> None:
    if run.path.exists() and not run.path.is_dir():
        raise ConfigError(
            three_part(
                f"{run.path}: --model-dir is a file.",
                "It is a folder, new or with a run to resume.",
                "Choose another path.",
            )
        )
    if not resume and RunWriter(run).last_step() is not None:
        raise ConfigError(
            three_part(
                f"{run.path}: there is a run here already.",
                "A new run needs a folder of its own; nothing is overwritten.",
                "Add --resume to go on with it, or choose another --model-dir.",
            )
        )
