"""A run or a config → COCO metrics on its evaluation data, or on any other."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from detectune.checkpoints.run_directory import Run, open_run
from detectune.config.architectures import image_resizer, num_classes
from detectune.config.label_map import LabelMap
from detectune.config.needs import Needs
from detectune.config.reading import evaluation_needs
from detectune.data.check import check_source
from detectune.data.decoded_masks import has_masks
from detectune.data.readable import LeftOut, ReadableImages, unsaid
from detectune.data.readers import open_reader
from detectune.data.resizers import build_resizer
from detectune.data.sources.base import Source, Subset
from detectune.data.sources.recognise import open_source
from detectune.detectors.inference import DetectionModel
from detectune.errors import ConfigError, three_part
from detectune.evaluation.coco import CocoEvaluator
from detectune.evaluation.diagnosis import NEAR_ZERO, diagnose
from detectune.evaluation.evaluate_source import evaluate_source
from detectune.evaluation.faults.base import Finding, TrainingFacts
from detectune.wording import plural

_log = logging.getLogger("detectune")


def evaluate(
    run: Run | str | os.PathLike[str],
    *,
    checkpoint: str | None = None,
    data: str | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """`{"metrics": …, "per_category": …, "images": n}` of a run on its evaluation data.

    Images that cannot be read, or are damaged in their middle, are left out of the numbers, and
    listed with their reasons under "left_out"; without such images there is no "left_out". If more
    than half of the images are so, it is a `DataError`. Where mAP@.5 is near 0 and the boxes give a
    cause away, "findings" has a {"cause", "seen", "advice"} for each.

    Args:
        run: a run, its directory, or an unpacked zoo archive.
        checkpoint: "best", "last" or a path; the best there is if None.
        data: any data set that `data inspect` reads, instead of `eval_input_reader`.
        limit: evaluate the first `limit` images only.
        progress: called with how many images are done, and how many there are.

    Raises:
        CheckpointError, ConfigError, DataError: what is missing or wrong, by name.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    evaluator, left_out = _collect(opened, checkpoint, data, limit, progress)
    report = evaluator.report()
    if findings := _findings(evaluator, report["metrics"]):
        report["findings"] = [finding._asdict() for finding in findings]
    if left_out:
        report["left_out"] = [{"file_name": name, "reason": why} for name, why in left_out]
    return report


def _collect(
    run: Run,
    checkpoint: str | None,
    data: str | None,
    limit: int | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[CocoEvaluator, LeftOut]:
    needs = evaluation_needs(run.config)
    source = _source(run, data, needs)
    if limit is not None:
        source = Subset(source, range(min(limit, len(source))))
    check_source(source)
    if "masks" in needs and not has_masks(source):
        _log.warning("%s: it has no masks; boxes alone are measured.", source.name)
        needs = needs.without("masks")
    model = DetectionModel(run.detector(checkpoint))
    resizer = build_resizer(image_resizer(run.config.model), model.detector.pad_value)

    def done(count: int) -> None:
        if progress is not None:
            progress(count, len(source))

    images = ReadableImages(source, unsaid)
    evaluator = evaluate_source(
        model,
        source,
        resizer,
        source.label_map,
        batch_size=max(run.config.eval_config.batch_size, 8),
        progress=done,
        needs=needs,
        images=images,
    )
    return evaluator, images.left_out


def _findings(evaluator: CocoEvaluator, metrics: Mapping[str, float]) -> list[Finding]:
    """What explains that mAP is near 0; nothing where it is not."""
    if not 0 <= metrics["DetectionBoxes_Precision/mAP@.50IOU"] < NEAR_ZERO:
        return []
    return diagnose(evaluator.images, evaluator.names, TrainingFacts())


def _source(run: Run, data: str | None, needs: Needs) -> Source:
    label_map = run.known_label_map()
    if data:
        source = open_source(data, label_map, columns=needs.columns, split="val")
    else:
        source = _own_source(run, label_map, needs)
    if label_map is None:
        _check_classes(run, source)
    return source


def _own_source(run: Run, label_map: LabelMap | None, needs: Needs) -> Source:
    readers = run.config.eval_input_reader
    if not readers:
        raise ConfigError(
            three_part(
                f"{run.path}: its pipeline.config has no eval_input_reader.",
                "An evaluation needs annotated images.",
                "Name them with --data, for example --data voc:images/test.",
            )
        )
    reader = type(readers[0])()
    reader.CopyFrom(readers[0])
    if reader.label_map_path and label_map and not Path(reader.label_map_path).is_file():
        reader.ClearField("label_map_path")  # the run has a copy of its own
    return open_reader(reader, "eval_input_reader", label_map, columns=needs.columns)


def _check_classes(run: Run, source: Source) -> None:
    """Refuse to guess which class of the data is which of the model."""
    there, here = source.label_map.num_classes, num_classes(run.config.model)
    if there != here:
        raise ConfigError(
            three_part(
                f"{run.path}: there is no label map, and the model has {plural(here, 'class')}, "
                f"but {source.name} has ids up to {there}.",
                "The numbers of the classes must mean the same to the model and to the data.",
                f"Put the label map of the model at {run.path / 'label_map.pbtxt'}.",
            )
        )
