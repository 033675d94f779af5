"""A checked config, folder and data → a trained detector in a run directory.

prepared ─► detector ─► checkpoint ─► stages ─┬─► best
                                              └─► last, metrics.jsonl, report.html
"""

from __future__ import annotations

from contextlib import ExitStack, closing

import keras

from detectune.checkpoints.restore import restore
from detectune.checkpoints.run_directory import Run
from detectune.config.application_names import STORED
from detectune.config.metrics import best_metric
from detectune.config.own_network import as_stored
from detectune.detectors.base import Detector
from detectune.detectors.build import build_detector
from detectune.errors import CheckpointError, three_part
from detectune.files import write_text
from detectune.training.checkpointing import Checkpointing
from detectune.training.context import TrainingContext
from detectune.training.evaluation import RunEvaluation
from detectune.training.fine_tuning import find_pretrained, fine_tune
from detectune.training.logs import RunLog
from detectune.training.prepare import PreparedRun, check_unchanged
from detectune.training.report import report_html
from detectune.training.report_facts import facts_of
from detectune.training.run_lock import run_lock
from detectune.training.run_writer import RunWriter
from detectune.training.sources import EVALUATE, EVALUATE_SOURCE, TARGET, TRAIN
from detectune.training.stages.base import Stage
from detectune.training.state import Progress
from detectune.training.streams import build_streams
from detectune.wording import plural

# Images that the last lines of a training name.
_NAMED = 3


def run_stages(prepared: PreparedRun) -> Run:
    """Go through all stages that are not done yet.

    Raises:
        CheckpointError: fine_tune_checkpoint does not hold what its type promises, or the state of
            a run that goes on does not fit.
        TrainingError: a loss is not finite.
        ConfigError: another training works in the folder.
    """
    with run_lock(prepared.path, prepared.console):
        check_unchanged(prepared)
        return _locked_stages(prepared)


def _locked_stages(prepared: PreparedRun) -> Run:
    writer = RunWriter(Run(prepared.path, as_stored(prepared.config)))
    last = writer.last_step() if prepared.resumes else None
    training = _context(prepared, writer, last)
    if last is None:
        report = fine_tune(training.detector, training.config, training.label_map)
        own = bool(training.detector.network_description)
        start = "the weights of the network that was given" if own else "random weights"
        training.note("Weights", report.summary() if report else f"training from {start}")
        notes = getattr(getattr(training.detector, "backbone", None), "notes", ())
        if notes:
            training.note("Backbone", "; ".join(notes))
    for stage in prepared.stages[: training.progress.stage + 1]:
        _prepare(stage, training)
    if last is not None:
        writer.reinstate(training.detector, last, evaluates=training.evaluation is not None)
        training.console.say(f"resumed at step {training.progress.step}")
    # Only now, when nothing in the config or the data was refused, is anything written.
    writer.remove_leftovers()
    if training.detector.network_description:
        writer.write_network(training.detector.network_description)
    writer.write_config(training.config)
    writer.write_label_map(training.label_map)
    if _go_through(prepared, training, writer):
        _write_report(training)
        _say_where(training)
    return training.run


def _context(prepared: PreparedRun, writer: RunWriter, last: int | None) -> TrainingContext:
    config, data, console = writer.run.config, prepared.data, prepared.console
    progress = Progress() if last is None else writer.progress_at(last)
    progress.keep_checkpoints = prepared.keep_checkpoints or progress.keep_checkpoints
    _check_stage(prepared, progress)
    if last is None:
        find_pretrained(config.train_config)  # refused before a network is built
    console.phase("building the detector")
    keras.utils.set_random_seed(config.train_config.seed)
    detector = _build(prepared, writer.run, is_new=last is None)
    streams = build_streams(config, data, detector.pad_value, console.say)
    evaluate, trained = streams.get(EVALUATE), streams[TRAIN].source
    beside = streams.get(EVALUATE_SOURCE)
    return TrainingContext(
        run=writer.run,
        console=console,
        progress=progress,
        detector=detector,
        streams=streams,
        label_map=data.label_map,
        evaluation=RunEvaluation(config, evaluate, data.label_map, trained) if evaluate else None,
        beside=RunEvaluation(config, beside, data.label_map, trained) if beside else None,
    )


def _build(prepared: PreparedRun, run: Run, *, is_new: bool) -> Detector:
    """The detector, on the network that was given, that the config names, or of the run."""
    if is_new:
        return build_detector(prepared.config.model, backbone=prepared.backbone)
    network = run.network()
    if prepared.backbone is not None and network is not None:
        prepared.console.say(f"the network is that of {STORED} in the run, not the one given")
    return build_detector(run.config.model, backbone=network)


def _check_stage(prepared: PreparedRun, progress: Progress) -> None:
    """Refuse to go on with a run in a stage that the config does not have."""
    count = len(prepared.stages)
    if progress.stage < count:
        return
    raise CheckpointError(
        three_part(
            f"{prepared.path}: the run is in its stage {progress.stage + 1}, but the config has "
            f"{count}.",
            "A run goes on with the stages with which it began.",
            "Use the pipeline.config of the run, or start anew in another --model-dir.",
        )
    )


def _prepare(stage: Stage, training: TrainingContext) -> None:
    """Make the detector ready for `stage`, whatever the stage before has made of it."""
    training.detector.optimizer = None  # slots and averages belong to the stage before
    stage.prepare(training)


def _go_through(prepared: PreparedRun, training: TrainingContext, writer: RunWriter) -> bool:
    """Run every stage that is not finished; whether there was one."""
    progress, ran, reason = training.progress, False, ""
    with ExitStack() as opened:
        while True:
            stage = prepared.stages[progress.stage]
            reason = stage.finished(training)
            if not reason:
                if not ran:
                    opened.enter_context(closing(_open_log(prepared, training, writer)))
                ran = True
                stage.run(training)
            if progress.stage + 1 == len(prepared.stages):
                break
            _hand_on(prepared, training, writer)
    if not ran:
        training.console.say(f"nothing to do: {reason}")
    return ran


def _open_log(prepared: PreparedRun, training: TrainingContext, writer: RunWriter) -> RunLog:
    training.log = RunLog(training.run.path, training.progress.step)
    training.checkpoints = Checkpointing(
        writer,
        training.progress,
        training.log,
        training.console,
        training.evaluation,
        metric=best_metric(training.config),
        started=prepared.started,
        left_out=training.left_out,
        beside=training.beside,
    )
    return training.log


def _hand_on(prepared: PreparedRun, training: TrainingContext, writer: RunWriter) -> None:
    """Leave a stage: the next begins with the weights of the last checkpoint, if there is one."""
    if writer.last_step() is not None:
        restore(training.detector, training.run.checkpoint("last"), kind="full")
    training.progress.next_stage()
    _prepare(prepared.stages[training.progress.stage], training)


def _write_report(training: TrainingContext) -> None:
    """`report.html`, with examples of what the best weights find."""
    training.console.phase("writing report.html")
    examples = []
    data = [f"trained on {training.streams[TRAIN].source.describe()}"]
    if training.evaluation is not None:
        restore(training.detector, training.run.checkpoint("best"))
        examples = training.evaluation.examples(training.detector, training.progress.best_details)
        data.append(f"evaluated on {training.streams[EVALUATE].source.describe()}")
    if training.beside is not None:
        data.append(f"source beside: {training.streams[EVALUATE_SOURCE].source.describe()}")
    if TARGET in training.streams:
        data.append(f"adapted to {training.streams[TARGET].source.describe()}")
    facts = facts_of(
        training.run,
        training.progress,
        data=data,
        examples=examples,
        left_out=training.left_out(),
    )
    write_text(training.run.path / "report.html", report_html(facts))


def _say_where(training: TrainingContext) -> None:
    progress = training.progress
    best = f" Best mAP {progress.best_metric:.3f} at step {progress.best_step}."
    left_out = training.left_out()
    if left_out:
        more = ", …" if len(left_out) > _NAMED else ""
        training.console.say(
            f"{plural(len(left_out), 'image')} could not be read and did not count: "
            f"{', '.join(list(left_out)[:_NAMED])}{more}; report.html lists them"
        )
    training.console.say(
        f"done at step {progress.step}.{best if progress.best_step else ''} "
        f"Run directory: {training.run.path}"
    )
