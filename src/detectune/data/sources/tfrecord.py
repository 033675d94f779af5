"""TFRecords of tf.Example, with the keys of the original's dataset tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detectune.config.label_map import LabelMap, LabelMapItem
from detectune.data.defects import Defect, Problems, wrong_annotations
from detectune.data.image_files import read_facts
from detectune.data.sources import tfrecord_masks
from detectune.data.sources.base import ClassIds, Source, label_map_of
from detectune.data.sources.coordinates import Coordinates
from detectune.data.sources.formats import SourceFormat, formats
from detectune.data.sources.record import Record, make_record
from detectune.data.sources.tfrecord_index import (
    Entry,
    find_files,
    is_tfrecord,
    read_index,
    read_record,
)
from detectune.data.sources.tfrecord_masks import WRITE_AGAIN
from detectune.errors import DataError, three_part
from detectune.wording import plural


def open_tfrecord(
    pattern: str, label_map: LabelMap | None, columns: frozenset[str] = frozenset()
) -> TFRecordSource:
    """The records of the files that `pattern` names: paths and globs, joined by commas."""
    problems = Problems()
    entries = [entry for path in find_files(pattern) for entry in read_index(path, problems)]
    if not entries and problems.errors:
        raise problems.errors[0]
    if not entries:
        raise DataError(
            three_part(
                f"{pattern}: there is no record in these files.",
                "A TFRecord holds one tf.Example per image.",
                "Check that writing the files finished.",
            )
        )
    defects = wrong_annotations(problems.errors)
    return TFRecordSource(f"tfrecord:{pattern}", entries, label_map, columns, defects)


class TFRecordSource(Source):
    """Records read one by one, at random, through their index; each is compared with its checksum.

    Args:
        defects: what was found wrong while the index was read.
    """

    coordinates = Coordinates("fractions")

    def __init__(
        self,
        name: str,
        entries: list[Entry],
        label_map: LabelMap | None,
        columns: frozenset[str] = frozenset(),
        defects: Sequence[Defect] = (),
    ) -> None:
        self._entries, self._masks = entries, "masks" in columns
        self._defects = list(defects)
        super().__init__(name, label_map or self._derived_label_map())
        self._class_id = ClassIds(self.label_map)
        self._label_ids = {item.id for item in self.label_map.items}

    def __len__(self) -> int:
        return len(self._entries)

    def annotation(self, index: int) -> Record:
        return self.unrepaired(index)._replace(image=b"")

    def image_bytes(self, index: int) -> bytes:
        return _bytes(self._features(index), "image/encoded")

    def unrepaired(self, index: int) -> Record:
        features = self._features(index)
        place = self._place(index)
        image = _bytes(features, "image/encoded")
        if not image:
            raise DataError(
                three_part(
                    f"{place}: the record has no image/encoded; it has {_key_list(features)}.",
                    "Every record holds an encoded image under image/encoded.",
                    WRITE_AGAIN,
                )
            )
        height, width = _integer(features, "image/height"), _integer(features, "image/width")
        if height < 0 or width < 0:
            raise _wrong(place, f"image/height is {height}, image/width {width}", "Pixels, from 1.")
        if not (height and width):
            height, width = _size(image)
        file_name = _bytes(features, "image/filename").decode("utf-8", "surrogateescape") or place
        named = f"{place} ({file_name})"
        boxes, masks = _boxes(features, named), []
        if self._masks and tfrecord_masks.KEY in features:
            feature = features[tfrecord_masks.KEY]
            masks = tfrecord_masks.read_masks(feature, len(boxes), height, width, named)
        return make_record(
            image=image,
            file_name=file_name,
            source_id=_bytes(features, "image/source_id").decode("utf-8", "replace"),
            height=height,
            width=width,
            boxes=boxes,
            class_ids=self._class_ids(features, named),
            **_per_box(features, len(boxes), named),
            masks=masks,
            **_proposals(features, named),
        )

    @property
    def defects(self) -> Sequence[Defect]:
        return self._defects

    def _class_ids(self, features: Features, place: str) -> list[int]:
        # Parity: the text counts where there is one, else the number; the original's
        # tf_example_decoder.py gives the number only as a backup.
        texts, labels = _texts(features), _integers(features, "image/object/class/label")
        boxes = len(_floats(features, _CORNERS[0]))
        if len(texts) == boxes:
            return [self._class_id(text, place) for text in texts]
        if len(labels) != boxes:
            raise DataError(
                three_part(
                    f"{place}: {plural(boxes, 'box')}, but {plural(len(texts), 'class text')} and "
                    f"{len(labels)} class labels.",
                    "image/object/class/text or image/object/class/label names every box.",
                    WRITE_AGAIN,
                )
            )
        for label in labels:
            if label not in self._label_ids:
                self._class_id(str(label), place)
        return labels.tolist()

    def _derived_label_map(self) -> LabelMap:
        """Names with the labels they are written with; sorted names where there are no labels."""
        pairs: dict[str, int] = {}
        for index in range(len(self)):
            with Problems().kept():  # whoever reads the record is told
                features = self._features(index)
                labels = _integers(features, "image/object/class/label").tolist()
                texts = _texts(features) or [f"class {label}" for label in labels]
                for text, label in zip(texts, labels or [0] * len(texts), strict=False):
                    pairs[text] = label
        ids = set(pairs.values())
        if not ids or min(ids) < 1 or len(ids) < len(pairs):
            return label_map_of(sorted(name for name in pairs if name.strip()))
        ordered = sorted(pairs.items(), key=lambda pair: pair[1])
        return LabelMap(tuple(LabelMapItem(label, text) for text, label in ordered))

    def _place(self, index: int) -> str:
        entry = self._entries[index]
        return f"{entry.path}: record at byte {entry.start}"

    def _features(self, index: int) -> Features:
        # Imported here: reading the index, and so `open_source`, needs no TensorFlow.
        from google.protobuf.message import DecodeError
        from tensorflow.core.example.example_pb2 import Example as Message

        data = read_record(self._entries[index])
        try:
            return Message.FromString(data).features.feature
        except DecodeError as error:
            raise DataError(
                three_part(
                    f"{self._place(index)}: not a tf.Example: {error}.",
                    "Records hold serialized tf.Example messages.",
                    WRITE_AGAIN,
                )
            ) from error


# A map from key to tf.train.Feature; the type of protobuf's map containers is not public.
Features = Mapping[str, Any]
_CORNERS = tuple(f"image/object/bbox/{corner}" for corner in ("ymin", "xmin", "ymax", "xmax"))
# Keys of our own: the original reads no proposals from records.
PROPOSAL_CORNERS = tuple(f"image/proposal/{c}" for c in ("ymin", "xmin", "ymax", "xmax"))
PROPOSAL_SCORE = "image/proposal/score"


def _bytes(features: Features, key: str) -> bytes:
    values = features[key].bytes_list.value if key in features else ()
    return values[0] if values else b""


def _integer(features: Features, key: str) -> int:
    values = features[key].int64_list.value if key in features else ()
    return values[0] if values else 0


def _integers(features: Features, key: str) -> np.ndarray:
    return np.array(features[key].int64_list.value if key in features else (), np.int64)


def _floats(features: Features, key: str) -> np.ndarray:
    return np.array(features[key].float_list.value if key in features else (), np.float32)


def _texts(features: Features) -> list[str]:
    key = "image/object/class/text"
    values = features[key].bytes_list.value if key in features else ()
    return [value.decode("utf-8", "replace") for value in values]


def _boxes(features: Features, place: str) -> np.ndarray:
    corners = [_floats(features, corner) for corner in _CORNERS]
    if len({len(corner) for corner in corners}) == 1:
        return np.stack(corners, axis=-1)
    counts = ", ".join(str(len(corner)) for corner in corners)
    raise DataError(
        three_part(
            f"{place}: ymin, xmin, ymax, xmax have {counts} values.",
            "Every box has all four corners.",
            WRITE_AGAIN,
        )
    )


def _per_box(features: Features, boxes: int, place: str) -> dict[str, np.ndarray]:
    """Flags, weights and areas: one for each box, or none at all."""
    found = {
        "difficult": _integers(features, "image/object/difficult"),
        "is_crowd": _integers(features, "image/object/is_crowd"),
        "group_of": _integers(features, "image/object/group_of"),
        "weights": _floats(features, "image/object/weight"),
        "areas": _floats(features, "image/object/area"),
    }
    for name, values in found.items():
        if len(values) not in (0, boxes):
            text = f"{plural(boxes, 'box')}, but {plural(len(values), 'value')} of {name}"
            raise _wrong(place, text, "One for each box, or none.")
    return found


def _wrong(place: str, found: str, allowed: str) -> DataError:
    return DataError(three_part(f"{place}: {found}.", allowed, WRITE_AGAIN))


def _proposals(features: Features, place: str) -> dict[str, Any]:
    """`proposals` and `proposal_scores` of a record that has them, the best first."""
    corners = [_floats(features, corner) for corner in PROPOSAL_CORNERS]
    scores = _floats(features, PROPOSAL_SCORE)
    if not any(len(corner) for corner in corners):
        return {}
    counts = [len(corner) for corner in corners]
    if len({*counts, len(scores) or counts[0]}) > 1:
        raise DataError(
            three_part(
                f"{place}: image/proposal/ymin, xmin, ymax, xmax, score have "
                f"{', '.join(str(count) for count in [*counts, len(scores)])} values.",
                "Every proposal has all four corners, and a score where one has a score.",
                WRITE_AGAIN,
            )
        )
    boxes = np.stack(corners, axis=-1)
    if not len(scores):
        return {"proposals": boxes}
    order = np.argsort(-scores, kind="stable")
    return {"proposals": boxes[order], "proposal_scores": scores[order]}


def _key_list(features: Features) -> str:
    return ", ".join(sorted(features)) or "no keys"


def _size(image: bytes) -> tuple[int, int]:
    try:
        facts = read_facts(image)
    except ValueError:
        return 0, 0  # the decoder names what is wrong
    return facts.height, facts.width


def _holds_records(path: Path) -> bool:
    if path.is_dir():
        return any(is_tfrecord(file) for file in sorted(path.iterdir()) if file.is_file())
    # Whatever it is called: if it is no TFRecord, opening it says so with the byte.
    return is_tfrecord(path) or any(part in path.name for part in (".record", ".tfrecord"))


formats.register("tfrecord")(
    SourceFormat(open_tfrecord, _holds_records, priority=60, takes_patterns=True)
)
