"""A source with proposals: boxes in which a detector without a first stage looks for objects.

They stand in a file in or beside the data, and in TFRecords. The file knows images by their
content, so that renaming them, splitting the data set or adding to it costs no second search.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detectune.data.defects import Defect
from detectune.data.sources.base import Source
from detectune.data.sources.record import Record
from detectune.data.sources.surveying import Glance
from detectune.errors import DataError, three_part
from detectune.files import atomic_path

SUFFIX = ".proposals.npz"


class ProposalFile:
    """Boxes of images by the content of the images.

    Raises:
        DataError: there is a file at `path`, and it holds no proposals.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._boxes: dict[str, np.ndarray] = {}
        if path.exists():
            self._read()

    def _read(self) -> None:
        try:
            with np.load(self.path, allow_pickle=False) as content:
                keys, ends, boxes = content["images"], content["ends"], content["boxes"]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(
                three_part(
                    f"{self.path}: it holds no proposals: {error}.",
                    "It is written by `detectune data proposals SOURCE`.",
                    "Remove the file and compute them again.",
                )
            ) from error
        parts = np.split(boxes, ends[:-1])
        self._boxes = {str(key): part for key, part in zip(keys, parts, strict=True)}

    def __len__(self) -> int:
        return len(self._boxes)

    def get(self, image: bytes) -> np.ndarray | None:
        """`[P, 4]` float32 of the encoded `image`, or None."""
        return self._boxes.get(_key(image))

    def put(self, image: bytes, boxes: np.ndarray) -> None:
        """Keep `boxes [P, 4]` of the encoded `image`."""
        self._boxes[_key(image)] = np.asarray(boxes, np.float32).reshape(-1, 4)

    def save(self) -> None:
        """Write everything, atomically."""
        found = list(self._boxes.values())
        with atomic_path(self.path) as temporary, open(temporary, "wb") as stream:
            np.savez_compressed(
                stream,
                images=np.array(list(self._boxes), "U64"),
                ends=np.cumsum([len(boxes) for boxes in found], dtype=np.int64),
                boxes=np.concatenate(found) if found else np.zeros((0, 4), np.float32),
            )


def _key(image: bytes) -> str:
    return hashlib.sha256(image).hexdigest()


def proposal_file(spec: str) -> Path:
    """Where the proposals of the data set `spec` (without its format) lie: in it, or beside it."""
    place = Path(spec).expanduser()
    if place.is_dir():
        return place / SUFFIX.removeprefix(".")
    return place.with_name(_plain(place.name) + SUFFIX)


def _plain(name: str) -> str:
    """`name` without what a pattern has and a file name has not."""
    return "".join(letter if letter not in '*?[],:"' else "_" for letter in name)


class Proposed(Source):
    """A source with the proposals of a file; those that stand in its records come first."""

    def __init__(self, source: Source, file: ProposalFile) -> None:
        super().__init__(source.name, source.label_map)
        self.coordinates, self.repeats = source.coordinates, source.repeats
        self.source, self.file = source, file

    def __len__(self) -> int:
        return len(self.source)

    def annotation(self, index: int) -> Record:
        return self.source.annotation(index)

    def image_bytes(self, index: int) -> bytes:
        return self.source.image_bytes(index)

    def unrepaired(self, index: int) -> Record:
        record = self.source.unrepaired(index)
        if record.proposals is not None:
            return record
        return record._replace(proposals=self.file.get(record.image))

    def glance(self, index: int) -> Glance:
        return self.source.glance(index)

    @property
    def defects(self) -> Sequence[Defect]:
        return self.source.defects
