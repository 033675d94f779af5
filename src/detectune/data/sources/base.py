"""What every data source gives: random access to records, each an encoded image and its boxes.

    files on disk ─► Source.unrepaired(i) ─► repair ─► Source[i]: Record

`unrepaired` is what the annotation says, for `data inspect`; `Source[i]` is what training and
evaluation see: boxes clipped to the image, boxes without area left out.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from detectune.config.label_map import LabelMap
from detectune.data.defects import UNUSED, Defect
from detectune.data.sources.coordinates import Coordinates
from detectune.data.sources.record import Record, mask_problems, repair
from detectune.data.sources.surveying import Glance, Survey, Surveyor
from detectune.errors import DataError, did_you_mean, three_part
from detectune.wording import plural


class Source(abc.ABC):
    """A data set with random access; what every format gives."""

    coordinates = Coordinates()
    """How the files of the format write boxes."""
    repeats: str = ""
    """Of a part of a data set that is another part, too, by its description: which, a clause."""

    def __init__(self, name: str, label_map: LabelMap) -> None:
        self.name, self.label_map = name, label_map

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many images there are."""

    @abc.abstractmethod
    def annotation(self, index: int) -> Record:
        """What is annotated in image `index`, not repaired, with an empty `image`.

        Raises:
            AnnotationError: something in it cannot be used.
        """

    @abc.abstractmethod
    def image_bytes(self, index: int) -> bytes:
        """The encoded image `index`.

        Raises:
            DataError: the file cannot be read.
        """

    def unrepaired(self, index: int) -> Record:
        """Image `index` and its annotation exactly as it stands in the files."""
        return self.annotation(index)._replace(image=self.image_bytes(index))

    def __getitem__(self, index: int) -> Record:
        return repair(self.unrepaired(index))

    def __iter__(self) -> Iterator[Record]:
        return (self[index] for index in range(len(self)))

    def glance(self, index: int) -> Glance:
        """The annotation of image `index`, and enough of its file to see that it is whole.

        Cheaper than `unrepaired` where an image is a file of its own.
        """
        record = self.unrepaired(index)
        return Glance(record._replace(image=b""), len(record.image), record.image, record.image)

    @property
    def defects(self) -> Sequence[Defect]:
        """What was found wrong while opening: files that cannot be read or belong to no record,
        doubts about which image is meant, what is not read."""
        return ()

    @cached_property
    def survey(self) -> Survey:
        """What one quick pass over all annotations and the headers of all images finds."""
        surveyor = Surveyor(self.coordinates, self.defects)
        for index in range(len(self)):
            with surveyor.errors_kept(index):
                glance = self.glance(index)
                surveyor.add(index, glance, repair(glance.record))
                if surveyor.is_doubtful:  # its header may be long, or much may follow its end
                    surveyor.look_again(self.image_bytes(index))
        return surveyor.result()

    @cached_property
    def mask_problems(self) -> tuple[tuple[str, str], ...]:
        """(file name, object and reason) of the objects whose mask cannot be used, not decoded."""
        records = (repair(self.annotation(index)) for index in range(len(self)))
        return tuple(
            (record.file_name, text) for record in records for text in mask_problems(record)
        )

    def describe(self) -> str:
        """One line for people: where the data come from and how many images and classes."""
        classes = plural(len(self.label_map.items), "class")
        return f"{self.name}: {plural(len(self), 'image')}, {classes}"


class Subset(Source):
    """Some images of another source, in a given order."""

    def __init__(self, source: Source, indices: Iterable[int], name: str = "") -> None:
        super().__init__(name or source.name, source.label_map)
        self.coordinates, self.repeats = source.coordinates, source.repeats
        self.source, self.indices = source, tuple(int(i) for i in indices)

    def __len__(self) -> int:
        return len(self.indices)

    def annotation(self, index: int) -> Record:
        return self.source.annotation(self.indices[index])

    def image_bytes(self, index: int) -> bytes:
        return self.source.image_bytes(self.indices[index])

    def unrepaired(self, index: int) -> Record:
        return self.source.unrepaired(self.indices[index])

    def glance(self, index: int) -> Glance:
        return self.source.glance(self.indices[index])

    @property
    def defects(self) -> Sequence[Defect]:
        return [defect for defect in self.source.defects if defect.kind != UNUSED]


def label_map_of(names: Iterable[str]) -> LabelMap:
    """Ids 1, 2, … in the order of `names`; an empty map for data without a single object."""
    listed = list(names)
    return LabelMap.from_names(listed) if listed else LabelMap(())


class ClassIds:
    """Class name → id of the label map, or a `DataError` that names the file and the class."""

    def __init__(self, label_map: LabelMap) -> None:
        # Parity: the original looks a text up among names and among display names
        # (data_decoders/tf_example_decoder.py); names win where both know it.
        self._ids = {item.display_name: item.id for item in label_map.items if item.display_name}
        self._ids |= {item.name: item.id for item in label_map.items if item.name}

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def __call__(self, name: str, place: str) -> int:
        if name in self._ids:
            return self._ids[name]
        known = ", ".join(list(self._ids)[:12]) + (", …" if len(self._ids) > 12 else "")
        raise DataError(
            three_part(
                f'{place}: class "{name}" is not in the label map.',
                f"Known classes: {known or 'none'}. {did_you_mean(name, self._ids)}".rstrip(),
                "Add it to the label map or correct the file.",
            )
        )


def class_names(label_map: LabelMap) -> dict[int, str]:
    """Id → the name people read: the display name where there is one."""
    return {item.id: item.label for item in label_map.items}
