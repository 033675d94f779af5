"""Checkpoints on the way: the weights to deploy are measured, written, and made to count.

    weights to deploy ─► metrics ─► written ─► log ─► state of training, pointer ─► best, if it is

A stage calls `evaluate` or `save` after a step; in a kill at any moment the checkpoint before stays
the last one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from detectune.detectors.base import Detector
from detectune.evaluation.diagnosis import NEAR_ZERO
from detectune.evaluation.faults.base import Finding, TrainingFacts
from detectune.training.console import RunConsole
from detectune.training.deployment import Deployment
from detectune.training.evaluation import RunEvaluation
from detectune.training.logs import RunLog
from detectune.training.run_writer import RunWriter
from detectune.training.state import Progress
from detectune.training.weights import settle

# Begins the names of what is measured beside.
_SOURCE = "Source/"


class Checkpointing:
    """Writes the checkpoints of one call of `train`.

    Args:
        progress: where the run stands; its best numbers are filled in here.
        evaluation: None for a run without evaluations: then the newest checkpoint is the best.
        metric: the number that decides which checkpoint is the best, an mAP.
        started: when the call began, in seconds of `time.monotonic`.
        left_out: the images that could not be read so far, see `Progress`.
        beside: what else is measured, under names that begin with "Source/": the domain of the
            training images, where `evaluation` looks at another.
    """

    def __init__(
        self,
        writer: RunWriter,
        progress: Progress,
        log: RunLog,
        console: RunConsole,
        evaluation: RunEvaluation | None,
        *,
        metric: str,
        started: float,
        left_out: Callable[[], dict[str, str]] = dict,
        beside: RunEvaluation | None = None,
    ) -> None:
        self.beside = beside
        self._left_out = left_out
        self.writer, self.progress, self.log, self.console = writer, progress, log, console
        self.evaluation, self.metric = evaluation, metric
        self._began = started - progress.seconds
        self._near_zero = 0  # evaluations in a row whose mAP is
        self._told: set[str] = set()  # causes of it that were said
        self._warned: set[str] = set()  # of the last report
        self.saving_seconds = 0.0
        """How long the last checkpoint took, without its evaluation."""

    def evaluate(self, model: Detector, deployment: Deployment | None = None) -> None:
        """Evaluate and save `model`, and keep it if it is the best; save only without evaluations.

        Args:
            deployment: makes the weights to deploy; None where `model` has them.
        """
        if self.evaluation is None:
            self.save(model, deployment)
            return
        self.console.phase("evaluating")
        with self._deployed(model, deployment):
            metrics = self.evaluation.measure(model)
            if self.beside is not None:
                source = self.beside.measure(model)
                metrics |= {f"{_SOURCE}{name}": value for name, value in source.items()}
            began = time.monotonic()
            self.writer.write_weights(model, self.progress.step)
        metrics |= self._extra_numbers(model)
        left_out = self.evaluation.left_out()
        more = {"left_out": left_out} if left_out else {}
        self.log.add("eval", self.progress.step, metrics, **more)
        better = self._judge(metrics, self.evaluation.per_category())
        causes = self._explain(model, deployment, self.evaluation, metrics)
        if better:
            self.progress.best_details = self.evaluation.details()
        # Without a measure the newest counts as the best, as in a run without evaluations.
        self._commit(model, best=better or not self.progress.best_step, began=began)
        self.console.say(f"step {self.progress.step}: {self._said(metrics, better)}")
        for finding in causes:
            self.console.say(f"mAP is near 0: {finding.seen}. {finding.advice}")

    def save(self, model: Detector, deployment: Deployment | None = None) -> None:
        """Save `model` without evaluating it."""
        self.console.phase("saving")
        began = time.monotonic()
        with self._deployed(model, deployment):
            self.writer.write_weights(model, self.progress.step)
        if self.evaluation is None and (numbers := self._extra_numbers(model)):
            self.log.add("train", self.progress.step, numbers)
        self._commit(model, best=self.evaluation is None, began=began)

    def _extra_numbers(self, model: Detector) -> dict[str, float]:
        """How the losses went that the training adds; what is wrong with them is said."""
        if model.extra_losses is None:
            return {}
        numbers, warnings = model.extra_losses.report()
        for what, text in warnings.items():
            if what not in self._warned:
                self.console.say(f"warning: {what}: {text}")
            self.progress.warnings[what] = f"at step {self.progress.step}: {text}"
        self._warned = set(warnings)
        return numbers

    def _deployed(
        self, model: Detector, deployment: Deployment | None
    ) -> AbstractContextManager[None]:
        settle(model)
        if deployment is None:
            return nullcontext()
        return deployment.weights(model, self.progress.stage_step)

    def _commit(self, model: Detector, *, best: bool, began: float) -> None:
        """Make the weights just written the last checkpoint, and a copy the best.

        Args:
            began: when saving began, in seconds of `time.monotonic`.
        """
        self.log.flush()
        self.progress.left_out = self._left_out()
        self.progress.seconds = time.monotonic() - self._began
        self.writer.commit(model, self.progress)
        if best:
            self.writer.keep_best(self.progress.step)
        self.saving_seconds = time.monotonic() - began

    def _explain(
        self,
        model: Detector,
        deployment: Deployment | None,
        evaluation: RunEvaluation,
        metrics: Mapping[str, float],
    ) -> list[Finding]:
        """Finds out why mAP stays near 0, for the report; what was not said before."""
        progress = self.progress
        half = metrics.get("DetectionBoxes_Precision/mAP@.50IOU", -1.0)
        progress.findings = {}
        self._near_zero = self._near_zero + 1 if 0 <= half < NEAR_ZERO else 0
        last = progress.stage_step >= evaluation.config.train_config.num_steps
        if not self._near_zero or (self._near_zero == 1 and not last):
            return []  # it may be no more than a beginning
        step = progress.stage_step
        left = deployment.statistics_left(model, step) if deployment is not None else 0.0
        facts = TrainingFacts(
            _without_penalty(self.log),
            self.log.trained("learning_rate"),
            clips=evaluation.config.train_config.gradient_clipping_by_norm > 0,
            steps=step,
            statistics_left=left,
        )
        found = evaluation.diagnose(facts)
        progress.findings = {finding.seen: finding.advice for finding in found}
        new = [finding for finding in found if finding.cause not in self._told]
        self._told |= {finding.cause for finding in found}
        return new

    def _said(self, metrics: dict[str, float], better: bool) -> str:
        if not _measured(metrics, self.metric):
            return "no mAP, because no image of the evaluation has a box"
        mark = ", the best so far" if better else f", best {self.progress.best_metric:.3f}"
        source = {
            name.removeprefix(_SOURCE): value
            for name, value in metrics.items()
            if name.startswith(_SOURCE)
        }
        seen = bool(source) and _measured(source, self.metric)
        beside = f"; of the source: {_map_line(source)}" if seen else ""
        return f"{_map_line(metrics)}{mark}{beside}"

    def _judge(self, metrics: dict[str, float], per_category: dict[str, dict[str, float]]) -> bool:
        """Whether `metrics` are the best of the run; `progress` remembers them.

        Without a single true box the mAP is −1: that is no measure, and never the best.
        """
        progress, value = self.progress, metrics[self.metric]
        if not _measured(metrics, self.metric):
            return False
        better = value > progress.best_metric or not progress.best_step
        if better:
            progress.best_metric, progress.best_step = value, progress.step
            progress.best_metrics, progress.best_per_category = metrics, per_category
        progress.evaluations_without_gain = 0 if better else progress.evaluations_without_gain + 1
        return better


def _without_penalty(log: RunLog) -> list[float]:
    """The total losses that were logged, less the penalty of L2: behind batch norms weights may
    grow for ever, and the detector be none the worse."""
    total, penalty = log.trained("Loss/total_loss"), log.trained("Loss/regularization_loss")
    if len(penalty) != len(total):
        return total
    return [one - other for one, other in zip(total, penalty, strict=True)]


def _measured(metrics: Mapping[str, float], metric: str) -> bool:
    """Whether there was anything to find."""
    return metrics[metric] >= 0


def _map_line(metrics: Mapping[str, float]) -> str:
    """mAP and mAP@.5 of boxes, and of masks where they are measured."""
    names = {"DetectionBoxes_Precision": "mAP", "DetectionMasks_Precision": "mask mAP"}
    return ", ".join(
        f"{name} {metrics[f'{kind}/mAP']:.3f}, {name}@.5 {metrics[f'{kind}/mAP@.50IOU']:.3f}"
        for kind, name in names.items()
        if f"{kind}/mAP" in metrics
    )
