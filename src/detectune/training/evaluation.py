"""Evaluation inside a run: the metrics of a model in training, on the stream "evaluate"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from detectune.config import schema
from detectune.config.label_map import LabelMap
from detectune.config.reading import evaluation_needs
from detectune.data.defects import Problems
from detectune.data.sources.base import Source
from detectune.data.sources.record import repair
from detectune.detectors.base import Detector
from detectune.detectors.inference import DetectionModel
from detectune.evaluation.coco import CocoEvaluator
from detectune.evaluation.details import details
from detectune.evaluation.diagnosis import diagnose
from detectune.evaluation.evaluate_source import evaluate_source
from detectune.evaluation.faults.base import Finding, TrainingFacts
from detectune.training.examples import find_examples
from detectune.training.report_examples import Example
from detectune.training.streams import Stream
from detectune.wording import plural


class RunEvaluation:
    """Measures a model, and finds pictures for the report; compiled once for both.

    Args:
        stream: the images to evaluate on.
        trained: the images that are trained on.
    """

    def __init__(
        self,
        config: schema.TrainEvalPipelineConfig,
        stream: Stream,
        label_map: LabelMap,
        trained: Source,
    ) -> None:
        self.config, self.stream, self.label_map = config, stream, label_map
        self.trained = trained
        self._model: DetectionModel | None = None
        self._evaluated: CocoEvaluator | None = None

    def measure(self, model: Detector) -> dict[str, float]:
        """The metrics that `eval_config` asks for, with the weights that `model` has now."""
        evaluator = self._evaluated = evaluate_source(
            self._detection_model(model),
            self.stream.source,
            self.stream.resizer,
            self.label_map,
            batch_size=self._batch_size,
            needs=evaluation_needs(self.config),
            images=self.stream.images,
        )
        results = evaluator.results()
        if self.config.eval_config.include_metrics_per_category:
            results |= evaluator.category_scalars()
        return results

    def per_category(self) -> dict[str, dict[str, float]]:
        """The numbers of each class in the evaluation just done; none before the first."""
        return self._evaluated.per_category() if self._evaluated is not None else {}

    def left_out(self) -> list[dict[str, str]]:
        """The images that did not count, because they cannot be read: file_name and reason."""
        images = self.stream.images.left_out
        return [{"file_name": name, "reason": reason} for name, reason in images]

    def details(self) -> dict[str, Any]:
        """Curves, confusion and threshold of the evaluation just done; see `evaluation.details`."""
        if self._evaluated is None:
            return {}
        found = details(self._evaluated.images, self._evaluated.names)
        gone = self.stream.images.gone
        seen = [index for index in range(len(self.stream.source)) if index not in gone]
        found["worst"] = [{**one, "index": seen[one["index"]]} for one in found["worst"]]
        return found

    def diagnose(self, facts: TrainingFacts) -> list[Finding]:
        """What explains that the mAP just measured is near 0; often nothing."""
        if self._evaluated is None:
            return []
        facts = facts._replace(trained=self._trained_boxes)
        return diagnose(self._evaluated.images, self._evaluated.names, facts)

    @cached_property
    def _trained_boxes(self) -> Mapping[int, int]:
        """Label-map id → boxes that are trained on."""
        found: Counter[int] = Counter()
        for index in range(len(self.trained)):
            with Problems().kept():  # an image that vanished is named by those who look at it
                found.update(repair(self.trained.annotation(index)).class_ids.tolist())
        return found

    def examples(self, model: Detector, found: Mapping[str, Any] | None = None) -> list[Example]:
        """Some of the images, with what `model` finds in them.

        Args:
            found: what `details` says: the worst images are shown, at the suggested threshold.
                Without it, images spread over all.
        """
        worst = found["worst"] if found else ()
        threshold = found["threshold"]["score"] if found else 0.4
        return find_examples(
            self._detection_model(model),
            self.stream.source,
            self.stream.resizer,
            batch_size=self._batch_size,
            needs=evaluation_needs(self.config),
            chosen=[(int(image["index"]), _caption(image)) for image in worst],
            threshold=threshold,
        )

    @property
    def _batch_size(self) -> int:
        return max(self.config.eval_config.batch_size, 8)

    def _detection_model(self, model: Detector) -> DetectionModel:
        if self._model is None or self._model.detector is not model:
            self._model = DetectionModel(model)
        return self._model


def _caption(image: Mapping[str, Any]) -> str:
    """What went wrong in an image."""
    missed, false = int(image["missed"]), int(image["false"])
    if not missed and not false:
        return "nothing missed, nothing false"
    return f"{missed} missed, {plural(false, 'false box')}"
