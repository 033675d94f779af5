"""Long work on a data set, of which a few images cannot be read: they are named, the rest is done.

Training refuses such a data set instead, see `data.check`: there it would change what is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from detectune.data.check import UnreadableImages, not_empty, undecodable
from detectune.data.defects import refused_defects
from detectune.data.sources.base import Source, Subset

Result = TypeVar("Result")
LeftOut = list[tuple[str, str]]
"""File name of an image, and why it cannot be read."""


def on_readable(source: Source, work: Callable[[Source], Result]) -> tuple[Result, LeftOut]:
    """What `work` makes of the images of `source` that can be read, and the others.

    Images that are seen to be damaged are left out at once. If `work` meets more, it begins anew
    without them.

    Raises:
        DataError: there is no image, or not one that can be read, or an annotation is wrong.
    """
    not_empty(source)
    if source.survey.refused:
        raise refused_defects(source.name, source.survey.refused, len(source))
    left_out = list(source.survey.damaged)
    part = without(source, left_out)
    while True:
        try:
            return work(part), left_out
        except UnreadableImages as error:
            left_out += error.broken
            part = without(source, left_out)


def without(source: Source, images: Sequence[tuple[str, str]]) -> Source:
    """`source` without the `images` of these names.

    Raises:
        DataError: none is left.
    """
    if not images:
        return source
    names = {name for name, _ in images}
    kept = [i for i in range(len(source)) if source.annotation(i).file_name not in names]
    if not kept:
        raise undecodable(list(images))
    return Subset(source, kept)
