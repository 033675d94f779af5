"""Which images the trainings of a seed see: 10 of them are among its 25, every class as early as
it can be.

One order of all images for each seed; a training of n images takes its first n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np

from detectune.data.defects import AnnotationError
from detectune.data.sources.base import Source
from detectune.data.sources.record import repair
from detectune.errors import DataError

_NOTHING = 0  # stands for a class: label maps count from 1


def usable_images(source: Source) -> list[int]:
    """The positions of the images that can be read."""
    return [index for index in range(len(source)) if index not in source.survey.damaged]


def class_sets(source: Source, indices: Sequence[int]) -> list[frozenset[int]]:
    """The ids of the classes to learn in each of the images at `indices`; crowds and boxes of
    weight 0 teach nothing."""
    return [_classes(source, index) for index in indices]


def stratified_order(classes: Sequence[frozenset[int]], seed: int) -> list[int]:
    """All positions of `classes`, in an order whose every beginning stands for the whole.

    First an image for each class, rare classes first; after that always one of the class of which
    the smallest share is there; images without any object count as a class. Among equals chance
    decides.

    Args:
        classes: of each image, what is in it.
    """
    chance = np.random.default_rng(seed).permutation(len(classes)).tolist()
    sets = [classes[place] or frozenset((_NOTHING,)) for place in chance]
    queues = _places(sets)
    shares = {kind: len(places) for kind, places in queues.items()}
    there, used, order = dict.fromkeys(queues, 0), set[int](), list[int]()
    while len(order) < len(sets):
        unseen = {kind for kind in queues if not there[kind] and kind != _NOTHING}
        place = _first(queues, unseen, used, sets) if unseen else _next(queues, shares, there, used)
        used.add(place)
        order.append(place)
        for kind in sets[place]:
            there[kind] += 1
    return [chance[place] for place in order]


def _places(sets: Sequence[frozenset[int]]) -> dict[int, list[int]]:
    """Class → the places of the images that show it, the last one first."""
    found: dict[int, list[int]] = {}
    for place in reversed(range(len(sets))):
        for kind in sets[place]:
            found.setdefault(kind, []).append(place)
    return dict(sorted(found.items()))


def _first(
    queues: Mapping[int, list[int]],
    unseen: Set[int],
    used: Set[int],
    sets: Sequence[frozenset[int]],
) -> int:
    """An image of the rarest class that was not seen, with as many others of them as there are."""
    rarest = min(unseen, key=lambda kind: (len(queues[kind]), kind))
    places = [place for place in queues[rarest] if place not in used]
    return max(places, key=lambda place: (len(sets[place] & unseen), -place))


def _next(
    queues: Mapping[int, list[int]],
    shares: Mapping[int, int],
    there: Mapping[int, int],
    used: Set[int],
) -> int:
    """The next image of the class of which the smallest share is there."""
    left = (kind for kind in queues if there[kind] < shares[kind])
    kind = min(left, key=lambda kind: (there[kind] / shares[kind], kind))
    while queues[kind][-1] in used:
        queues[kind].pop()
    return queues[kind][-1]


def _classes(source: Source, index: int) -> frozenset[int]:
    try:
        record = repair(source.annotation(index))
    except AnnotationError as error:
        if error.record is None:
            return frozenset()
        record = repair(error.record)
    except DataError:
        return frozenset()
    learned = ~(record.is_crowd | record.group_of) & (record.weights > 0)
    return frozenset(record.class_ids[learned].tolist())
