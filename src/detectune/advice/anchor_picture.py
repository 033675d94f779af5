"""The boxes of a data set and the anchors of a model as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detectune.advice.anchors import AnchorReport
from detectune.drawing.size_chart import Marks, Size, size_chart
from detectune.errors import ConfigError, three_part
from detectune.wording import one_line

_MOST_BOXES = 500


def check_picture(path: str) -> None:
    """Refuse a picture that does not end in .svg.

    Raises:
        ConfigError: it does not.
    """
    if Path(path).suffix.lower() != ".svg":
        raise ConfigError(
            three_part(
                f"--picture {one_line(path)}: it does not end in .svg.",
                "The picture is an SVG, which browsers and editors open.",
                f"Write --picture {one_line(Path(path).stem or 'anchors')}.svg.",
            )
        )


def anchor_picture(report: AnchorReport) -> str:
    """An `<svg>`: boxes as dots, anchors of the model as squares, those proposed as rings, clusters
    as crosses. Of more than 500 boxes, 500 are drawn."""
    boxes = report.sizes
    if len(boxes) > _MOST_BOXES:
        boxes = boxes[np.random.default_rng(0).choice(len(boxes), _MOST_BOXES, replace=False)]
    series = [
        Marks("boxes", _sizes(boxes), "dot"),
        Marks("the model's anchors", _sizes(report.given_sizes), "square"),
    ]
    if report.proposed != report.given:
        series.append(Marks("proposed anchors", _sizes(report.proposed_sizes), "ring"))
    series.append(Marks("clusters", _sizes(report.clusters.sizes), "cross"))
    return size_chart(series, title=f"{len(report.sizes):,} boxes and anchors of {report.model}")


def _sizes(rows: np.ndarray) -> Sequence[Size]:
    return [(float(height), float(width)) for height, width in rows]
