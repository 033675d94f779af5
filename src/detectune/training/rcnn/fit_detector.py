"""Vectors of crops → the weights of an R-CNN: margins of classes, then boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from detectune.boxes.iou import pairwise_iou
from detectune.config import schema
from detectune.detectors.base import Detector
from detectune.detectors.rcnn import CODER, RCNN
from detectune.training.rcnn.box_ridge import fit_boxes
from detectune.training.rcnn.crop_vectors import ImageCrops
from detectune.training.rcnn.hard_negatives import Mining, Vectors, mine
from detectune.wording import plural

_MEAN_LENGTH = 20.0
"""Of the vectors that machines and regressions see. Source: the published code of R-CNN."""
_UNKNOWN = -10.0
"""Margin of a class without an object to learn from: it is never found."""
_SAMPLE = 200

Say = Callable[[str], None]


def rcnn_of(detector: Detector) -> RCNN:
    """`detector`, which the stages of an R-CNN are given.

    Raises:
        TypeError: it is another one, which is a defect.
    """
    if not isinstance(detector, RCNN):
        raise TypeError(f"these stages are for RCNN, not for {type(detector).__name__}")
    return detector


def fit_margins(
    detector: RCNN,
    images: Sequence[ImageCrops],
    settings: schema.SupportVectorMachine,
    *,
    names: Sequence[str],
    seed: int,
    say: Say,
) -> None:
    """Give `detector` a support vector machine for each class.

    Args:
        names: of the classes, in the order of their indices.
    """
    mining = Mining(
        cost=settings.cost,
        positive_weight=settings.positive_weight,
        rounds=settings.mining_rounds,
        at_once=settings.negatives_at_once,
        scale=length_scale(images),
    )
    kernel = np.zeros((detector.dimension, detector.num_classes), np.float32)
    bias = np.full(detector.num_classes, _UNKNOWN, np.float32)
    for class_, name in enumerate(names):
        positives = _positives(images, class_)
        if not len(positives):
            say(f"{name}: no object to learn from; it will not be found")
            continue
        negatives = [_negatives(image, class_, settings.negative_iou) for image in images]
        found = mine(positives, negatives, mining, seed)
        kernel[:, class_], bias[class_] = found.machine.weights, found.machine.bias
        total = sum(len(image.rows) for image in negatives)
        unfinished = "" if found.machine.converged else "; the solution is not exact"
        left = f"; {found.left} hard ones were left" if found.left else ""
        say(
            f"{name}: {plural(len(positives), 'object')}, {found.learned} of "
            f"{plural(total, 'negative')} learned from after {plural(found.rounds, 'search')}"
            f"{left}{unfinished}"
        )
    detector.margins.set_weights([kernel, bias])


def fit_regression(
    detector: RCNN,
    images: Sequence[ImageCrops],
    settings: schema.BoxRidge,
    *,
    names: Sequence[str],
    say: Say,
) -> None:
    """Give `detector` a regression of boxes for each class."""
    scale = length_scale(images)
    kernel = np.zeros((detector.dimension, detector.num_classes, 4), np.float32)
    bias = np.zeros((detector.num_classes, 4), np.float32)
    for class_, name in enumerate(names):
        vectors, codes = _regression_pairs(images, class_, settings.min_iou)
        found = fit_boxes(vectors * scale, codes, settings.ridge)
        kernel[:, class_], bias[class_] = found.weights * scale, found.bias
        what = plural(len(codes), "proposal")
        say(f"{name}: boxes from {what}" if len(codes) else f"{name}: boxes stay as proposed")
    detector.box_codes.set_weights([kernel.reshape(detector.dimension, -1), bias.reshape(-1)])


def length_scale(images: Sequence[ImageCrops]) -> float:
    """What vectors are multiplied by to have a mean length of 20."""
    lengths = [np.linalg.norm(image.vectors()[:_SAMPLE], axis=1) for image in images]
    mean = float(np.mean(np.concatenate(lengths))) if lengths else 0.0
    return _MEAN_LENGTH / mean if mean > 0 else 1.0


def _positives(images: Sequence[ImageCrops], class_: int) -> np.ndarray:
    """Vectors `[n, D]` of the objects of a class."""
    found = []
    for image in images:
        chosen = np.flatnonzero(image.counts & (image.classes == class_))
        found.append(np.asarray(image.vectors()[chosen]))
    return np.concatenate(found)


def _negatives(image: ImageCrops, class_: int, negative_iou: float) -> Vectors:
    """The proposals of an image that do not show an object of a class, not even a part of it.

    Regions of many objects count here, too: nobody knows what is inside.
    """
    overlaps = pairwise_iou(image.proposals, image.objects[image.classes == class_])
    highest = overlaps.max(axis=1, initial=0.0)
    rows = len(image.objects) + np.flatnonzero(highest < negative_iou)
    return Vectors(partial(ImageCrops.vectors, image), rows)


def _regression_pairs(
    images: Sequence[ImageCrops], class_: int, min_iou: float
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors `[n, D]` of the proposals close to an object of a class, and their box codes."""
    vectors, codes = [], []
    for image in images:
        objects = image.objects[image.counts & (image.classes == class_)]
        if not len(objects) or not len(image.proposals):
            continue
        overlaps = pairwise_iou(image.proposals, objects)
        close = np.flatnonzero(overlaps.max(axis=1) > min_iou)
        nearest = objects[overlaps[close].argmax(axis=1)]
        vectors.append(np.asarray(image.vectors()[len(image.objects) + close]))
        codes.append(CODER.encode(nearest, image.proposals[close]))
    dimension = images[0].vectors().shape[1] if images else 0
    none = np.zeros((0, dimension), np.float32), np.zeros((0, 4), np.float32)
    return np.concatenate([none[0], *vectors]), np.concatenate([none[1], *codes])
