"""Checkpoints on the way: the weights to deploy are measured, written, and made to count.

    weights to deploy ─► metrics ─► written ─► log ─► state of training, pointer ─► best, if it is

A stage calls `evaluate` or `save` after a step; in a kill at any moment the checkpoint before stays
the last one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from detectune.detectors.base import Detector
from detectune.training.console import RunConsole
from detectune.training.deployment import Deployment
from detectune.training.evaluation import RunEvaluation
from detectune.training.logs import RunLog
from detectune.training.run_writer import RunWriter
from detectune.training.state import Progress
from detectune.training.weights import settle


class Checkpointing:
    """Writes the checkpoints of one call of `train`.

    Args:
        progress: where the run stands; its best numbers are filled in here.
        evaluation: None for a run without evaluations: then the newest checkpoint is the best.
        metric: the number that decides which checkpoint is the best, an mAP.
        started: when the call began, in seconds of `time.monotonic`.
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
    ) -> None:
        self.writer, self.progress, self.log, self.console = writer, progress, log, console
        self.evaluation, self.metric = evaluation, metric
        self._began = started - progress.seconds

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
            self.writer.write_weights(model, self.progress.step)
        self.log.add("eval", self.progress.step, metrics)
        better = self._judge(metrics, self.evaluation.per_category())
        if better:
            self.progress.best_details = self.evaluation.details()
        self._commit(model, best=better)
        mark = ", the best so far" if better else f", best {self.progress.best_metric:.3f}"
        self.console.say(f"step {self.progress.step}: {_map_line(metrics)}{mark}")

    def save(self, model: Detector, deployment: Deployment | None = None) -> None:
        """Save `model` without evaluating it."""
        self.console.phase("saving")
        with self._deployed(model, deployment):
            self.writer.write_weights(model, self.progress.step)
        self._commit(model, best=self.evaluation is None)

    def _deployed(
        self, model: Detector, deployment: Deployment | None
    ) -> AbstractContextManager[None]:
        settle(model)
        if deployment is None:
            return nullcontext()
        return deployment.weights(model, self.progress.stage_step)

    def _commit(self, model: Detector, *, best: bool) -> None:
        """Make the weights just written the last checkpoint, and a copy the best."""
        self.log.flush()
        self.progress.seconds = time.monotonic() - self._began
        self.writer.commit(model, self.progress)
        if best:
            self.writer.keep_best(self.progress.step)

    def _judge(self, metrics: dict[str, float], per_category: dict[str, dict[str, float]]) -> bool:
        """Whether `metrics` are the best of the run; `progress` remembers them."""
        progress, value = self.progress, metrics[self.metric]
        better = value > progress.best_metric or not progress.best_step
        if better:
            progress.best_metric, progress.best_step = value, progress.step
            progress.best_metrics, progress.best_per_category = metrics, per_category
        progress.evaluations_without_gain = 0 if better else progress.evaluations_without_gain + 1
        return better


def _map_line(metrics: Mapping[str, float]) -> str:
    """mAP and mAP@.5 of boxes, and of masks where they are measured."""
    names = {"DetectionBoxes_Precision": "mAP", "DetectionMasks_Precision": "mask mAP"}
    return ", ".join(
        f"{name} {metrics[f'{kind}/mAP']:.3f}, {name}@.5 {metrics[f'{kind}/mAP@.50IOU']:.3f}"
        for kind, name in names.items()
        if f"{kind}/mAP" in metrics
    )
