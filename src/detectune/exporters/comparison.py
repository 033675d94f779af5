"""How far the answers of an export are from those of the model it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detectune.data.resizers import Resizer
from detectune.detectors.base import Detector
from detectune.detectors.inference import DetectionModel, to_original
from detectune.exporters.base import ExportedModel, Tolerance
from detectune.exporters.contract import INPUT, PROPOSALS
from detectune.structures import Inputs

_TIE = 1e-4
"""Scores that are nearer than this may change places from one run to the next."""


class Differences(NamedTuple):
    """The largest differences on some images."""

    boxes: float
    """Fractions of the image."""
    scores: float

    def within(self, tolerance: Tolerance) -> bool:
        """Whether none is larger than it may be; what is no number is larger."""
        return self.boxes <= tolerance.boxes and self.scores <= tolerance.scores


def differences(
    exported: ExportedModel, detector: Detector, resizer: Resizer, images: Sequence[np.ndarray]
) -> Differences:
    """The largest differences between `exported` and `detector` on `images` `[H, W, 3]` uint8.

    Args:
        resizer: that of the export.
    """
    model = DetectionModel(detector)
    found: list[Differences] = []
    for image in images:
        resized, size = resizer(image)
        sizes, pixels = np.asarray(size)[None], np.asarray(resized)[None]
        given = _some_boxes(detector.needs.size("proposals"))
        mine = model.detect(_inputs(pixels, given, sizes), sizes)
        inputs = {INPUT: image[None]} | ({} if given is None else {PROPOSALS: given})
        theirs = exported(**inputs)
        boxes = to_original(mine, sizes, np.ones((1, 2)))
        classes = theirs["detection_classes"][0] - 1
        found.append(
            Differences(
                box_difference(
                    (theirs["detection_boxes"][0], theirs["detection_scores"][0], classes),
                    (boxes[0], mine.scores[0], mine.classes[0]),
                ),
                _largest(theirs["detection_scores"], mine.scores),
            )
        )
    return Differences(*np.max(found, axis=0).tolist())


Detections = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Boxes `[N, 4]`, scores `[N]` and classes `[N]` of one image."""


def box_difference(theirs: Detections, mine: Detections) -> float:
    """The largest difference of two corners of the same detection, in fractions of the image.

    Where scores are equal but for rounding, the order of detections is a matter of chance: a
    detection is compared with the nearest one of its class and score that no other was compared
    with.
    """
    away = np.abs(theirs[0][:, None] - mine[0][None]).max(axis=2)
    tied = np.abs(theirs[1][:, None] - mine[1][None]) <= _TIE
    tied &= np.rint(theirs[2])[:, None] == np.rint(mine[2])[None]
    rows, columns = np.nonzero(tied)
    left = np.ones(len(theirs[1]), bool), np.ones(len(mine[1]), bool)
    found: list[float] = []
    for place in np.argsort(away[rows, columns], kind="stable"):
        row, column = rows[place], columns[place]
        if left[0][row] and left[1][column]:
            left[0][row] = left[1][column] = False
            found.append(float(away[row, column]))
    # What has no partner is compared with what stands in its place.
    alone = np.flatnonzero(left[0])
    return float(np.max([*found, *away[alone, alone].tolist()], initial=0.0))  # NaN stays NaN


def _inputs(pixels: np.ndarray, given: np.ndarray | None, sizes: np.ndarray) -> Inputs:
    """What the detector is called with: pixels, and boxes in pixels of them."""
    if given is None:
        return Inputs(images=pixels)
    return Inputs(images=pixels, proposals=given * np.tile(sizes, 2).astype(np.float32))


def _some_boxes(count: int) -> np.ndarray | None:
    """Proposals `[1, count, 4]`, fractions, to compare a detector of given boxes on."""
    if not count:
        return None
    corners = np.random.default_rng(0).random((1, count, 2, 2), np.float32)
    return np.concatenate([corners.min(axis=2), corners.max(axis=2)], axis=-1)


def _largest(theirs: np.ndarray, mine: np.ndarray) -> float:
    return float(np.max(np.abs(theirs - mine), initial=0.0))
