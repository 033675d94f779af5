"""What advice is based on: counts, sizes, names and looks of a data set."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from detectune.advice.box_sizes import size_groups
from detectune.advice.known_classes import in_coco, like_imagenet
from detectune.advice.pictures import Pictures, look_at_pictures
from detectune.data.box_shapes import ImageBoxes
from detectune.data.defects import WHOLE
from detectune.data.sources.base import Source, class_names
from detectune.errors import DataError, three_part


@dataclass(frozen=True)
class DataFacts:
    """What is in a data set."""

    source: str
    images: int
    damaged: int
    """Images that are seen to be cut off, or to be no images; no training uses them."""
    refused: int
    """Annotations so wrong that no training starts with them."""
    whole_images: bool
    """Whether images have a class as a whole, and nobody said where anything is."""
    without_boxes: int
    boxes_per_class: dict[str, int]
    boxes_per_size: dict[str, int]
    """By COCO's small, medium and large, in pixels of the stored image."""
    most_boxes: int
    """In one image."""
    image_size: tuple[int, int]
    """Median height and width, pixels."""
    coco_classes: tuple[str, ...]
    """Those of the classes that COCO has, too."""
    imagenet_classes: tuple[str, ...]
    """Those that are called like a class of ImageNet."""
    pictures: Pictures | None
    digest: str
    """Another annotation, or file size of an image, makes another one."""

    @property
    def usable(self) -> int:
        """Images that can be learned from."""
        return self.images - self.damaged

    @property
    def boxes(self) -> int:
        """Of all classes."""
        return sum(self.boxes_per_class.values())

    @property
    def used_classes(self) -> dict[str, int]:
        """Boxes of the classes that have any."""
        return {name: count for name, count in self.boxes_per_class.items() if count}

    @property
    def rarest(self) -> tuple[str, int]:
        """The class with the fewest boxes, and how many."""
        return min(self.used_classes.items(), key=lambda one: one[1])

    @property
    def per_image(self) -> float:
        """Boxes in an image, on average."""
        return self.boxes / max(self.images, 1)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        pictures = None if self.pictures is None else self.pictures._asdict()
        return {**asdict(self), "pictures": pictures}


def data_facts(
    source: Source,
    images: Sequence[ImageBoxes],
    track: Callable[[range], Iterable[int]] = iter,
) -> DataFacts:
    """What is in `source`.

    Args:
        images: the boxes of `source`, see `data.box_shapes.box_sides`.
        track: passes the indices on while they are worked through, such as a progress bar.

    Raises:
        DataError: there is no image, none that can be read, or no box.
    """
    names, counts = class_names(source.label_map), Counter[int]()
    _refuse_empty(source)
    for image in images:
        counts.update(image.record.class_ids.tolist())
    per_class = {name: counts[class_id] for class_id, name in names.items()}
    used = [name for name, count in per_class.items() if count]
    pictures = look_at_pictures(source, track)
    _refuse_useless(source, len(used), pictures)
    sizes = np.concatenate([np.zeros((0, 2)), *(image.sides for image in images)])
    heights, widths = ([getattr(one, name) for one in images] for name in ("height", "width"))
    return DataFacts(
        source=source.name,
        images=len(source),
        damaged=len(source.survey.damaged),
        refused=sum(defect.kind != WHOLE for defect in source.survey.refused),
        whole_images=any(defect.kind == WHOLE for defect in source.defects),
        without_boxes=sum(not len(image.sides) for image in images),
        boxes_per_class=per_class,
        boxes_per_size={name: int(inside.sum()) for name, inside in size_groups(sizes)},
        most_boxes=max(len(image.sides) for image in images),
        image_size=(int(np.median(heights)), int(np.median(widths))),
        coco_classes=tuple(name for name in used if in_coco(name)),
        imagenet_classes=tuple(name for name in used if like_imagenet(name)),
        pictures=pictures,
        digest=data_digest(source, images),
    )


def data_digest(source: Source, images: Sequence[ImageBoxes]) -> str:
    """64 letters that are others if an annotation, a class, or the file of an image is another."""
    digest = hashlib.sha256(repr(sorted(class_names(source.label_map).items())).encode())
    for image in images:
        record = image.record
        digest.update(f"{record.file_name} {image.height} {image.width}".encode("utf-8", "replace"))
        for rows in (record.boxes, record.class_ids, record.is_crowd, record.group_of):
            digest.update(np.ascontiguousarray(rows).tobytes())
    digest.update(b"".join(source.survey.digests))
    return digest.hexdigest()


def _refuse_empty(source: Source) -> None:
    if not len(source):
        raise DataError(
            three_part(
                f"{source.name}: there is no image in it.",
                "Advice is based on images and what is annotated in them.",
                "Check the path; `detectune data inspect SOURCE` says what is there.",
            )
        )


def _refuse_useless(source: Source, classes: int, pictures: Pictures | None) -> None:
    images = "its only image" if len(source) == 1 else f"none of its {len(source):,} images"
    if pictures is None:
        can = "cannot be read" if len(source) == 1 else "can be read"
        found = f"{source.name}: {images} {can}."
        allowed = "A detector or classifier learns from images."
    elif not classes:
        has = "has no box" if len(source) == 1 else "has a box"
        found = f"{source.name}: {images} {has}."
        allowed = (
            "A detector learns from boxes; a classifier from images in folders that are called "
            "like their classes."
        )
    else:
        return
    advice = "`detectune data inspect SOURCE` says what is in the data, and what is wrong."
    raise DataError(three_part(found, allowed, advice))
