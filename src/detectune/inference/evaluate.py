"""A run or a config → COCO metrics on its evaluation data, or on any other."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detectune.checkpoints.run import Run, image_resizer, open_run
from detectune.data.check import check_source
from detectune.data.readers import open_reader
from detectune.data.resizers import build_resizer
from detectune.data.sources.base import Source
from detectune.data.sources.recognise import open_source
from detectune.detectors.inference import DetectionModel
from detectune.errors import ConfigError, three_part
from detectune.evaluation.coco import CocoEvaluator
from detectune.evaluation.evaluate import evaluate_source


def evaluate(
    run: Run | str | os.PathLike,
    *,
    checkpoint: str | None = None,
    data: str | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """`{"metrics": …, "per_category": …, "images": n}` of a run on its evaluation data.

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
    return _collect(opened, checkpoint, data, limit, progress).report()


def _collect(
    run: Run,
    checkpoint: str | None,
    data: str | None,
    limit: int | None,
    progress: Callable[[int, int], None] | None,
) -> CocoEvaluator:
    source = _source(run, data)
    check_source(source)
    model = DetectionModel(run.detector(checkpoint))
    total = len(source) if limit is None else min(limit, len(source))
    return evaluate_source(
        model,
        source,
        build_resizer(image_resizer(run.config.model), model.detector.pad_value),
        source.label_map,
        batch_size=max(run.config.eval_config.batch_size, 8),
        limit=limit,
        progress=None if progress is None else lambda done: progress(done, total),
    )


def _source(run: Run, data: str | None) -> Source:
    label_map = run.label_map()
    if data is not None:
        return open_source(data, label_map)
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
    if reader.label_map_path and not Path(reader.label_map_path).is_file():
        reader.ClearField("label_map_path")  # the run has a copy of its own
    return open_reader(reader, "eval_input_reader", label_map)
