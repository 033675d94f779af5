"""Load once, predict often: a run, a zoo archive or an exported model behind one call.

image [H, W, 3] uint8 ─► resize ─► detector ─► boxes and masks in pixels of the image
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from detectune.checkpoints.restore import label_map_beside
from detectune.checkpoints.run_directory import Run, open_run
from detectune.config.architectures import image_resizer, model_needs
from detectune.config.label_map import read_label_map
from detectune.data.decode import read_image
from detectune.data.resizers import build_resizer
from detectune.data.selective_search import SelectiveSearch
from detectune.detectors.inference import DetectionModel, to_original
from detectune.errors import DataError, PredictionError, three_part
from detectune.evaluation.image_masks import image_rles
from detectune.exporters.base import ExportedModel, Exporter
from detectune.exporters.contract import INPUT, PROPOSALS
from detectune.files import usable_path
from detectune.inference.results import ImageDetections
from detectune.registry import exporters
from detectune.structures import Inputs
from detectune.wording import first_lines, plural

# What can be given as an image: a path, or pixels [H, W, 3] uint8 RGB.
ImageLike = str | os.PathLike[str] | np.ndarray


class Found(NamedTuple):
    """What a model finds in one image."""

    boxes: np.ndarray
    """`[K, 4]` float32, yxyx in pixels of the image."""
    scores: np.ndarray
    """`[K]` float32."""
    classes: np.ndarray
    """`[K]` int32, ids of the label map."""
    masks: np.ndarray | None = None
    """`[K, h, w]` float32, probabilities over the boxes; None for boxes only."""


# Pixels [H, W, 3] uint8 → what is in them.
Detect = Callable[[np.ndarray], Found]


class Predictor:
    """Finds objects in images.

    Args:
        detect: the model.
        class_names: label-map id → name.
    """

    def __init__(self, detect: Detect, class_names: dict[int, str]) -> None:
        self._detect, self.class_names = detect, class_names

    @classmethod
    def load(cls, path: str | os.PathLike[str], checkpoint: str | None = None) -> Predictor:
        """A predictor from a run directory, an unpacked zoo archive, or an exported model.

        Where the detector looks at boxes of the data, they are searched in each image.

        Args:
            checkpoint: "best", "last" or a path; the best there is if None.

        Raises:
            CheckpointError: there is nothing to load at `path`, or it is damaged.
            ConfigError: selective search is needed, and not installed.
            ExportError: a library that the format of an export needs is not installed.
        """
        path = usable_path(path, "run or export")
        exporter = _exporter_of(path)
        if exporter is not None:
            exporter.check_installed()
            model = exporter.read(path)
            return cls(_of_export(model), _class_names(model, path))
        run = open_run(path)
        names = {item.id: item.label for item in run.label_map().items}
        return cls(_of_run(run, checkpoint), names)

    # A str is a path here, though it is a sequence of str as well.
    @overload
    def predict(self, images: ImageLike) -> ImageDetections: ...  # pyright: ignore[reportOverlappingOverload]
    @overload
    def predict(self, images: Sequence[ImageLike]) -> list[ImageDetections]: ...

    def predict(
        self, images: ImageLike | Sequence[ImageLike]
    ) -> ImageDetections | list[ImageDetections]:
        """The detections of one image, or of each of several.

        Of several images, those that cannot be read do not keep the others from being looked at:
        `PredictionError` names them and holds what was found in the others.
        `inference.batch.predict_files` writes pictures and goes on likewise.

        Args:
            images: paths, or pixels `[H, W, 3]` uint8 RGB. Files are turned upright as their
                EXIF orientation says, and boxes refer to the upright picture.

        Raises:
            DataError: a file is missing or no whole image, or an array has another shape or type.
            PredictionError: so it is with some of several images.
        """
        if isinstance(images, str | os.PathLike):
            return self._one(read_image(images), os.fspath(images))
        if isinstance(images, np.ndarray):
            return self._one(_checked(images), "")
        return self._several(images)

    def _several(self, images: Iterable[ImageLike]) -> list[ImageDetections]:
        found: list[ImageDetections | None] = []
        problems: dict[int, DataError] = {}
        for index, image in enumerate(images):
            try:
                found.append(self.predict(image))
            except DataError as error:
                found.append(None)
                problems[index] = error
        if problems:
            raise _unreadable(found, problems)
        return [one for one in found if one is not None]

    def _one(self, image: np.ndarray, file_name: str) -> ImageDetections:
        found, rles = self._detect(image), None
        if found.masks is not None:
            rles = tuple(image_rles(found.masks, found.boxes, *image.shape[:2]))
        return ImageDetections(image, *found[:3], self.class_names, file_name, rles)


def _unreadable(
    found: Sequence[ImageDetections | None], problems: Mapping[int, DataError]
) -> PredictionError:
    named = [f"{index}: {str(error).splitlines()[0]}" for index, error in problems.items()]
    message = three_part(
        f"{len(problems)} of {plural(len(found), 'image')} cannot be read, counted from 0:\n"
        f"{first_lines(named, 20)}",
        "Images are paths of whole image files, or pixels [H, W, 3] of type uint8, RGB.",
        "Leave them out, or catch this PredictionError: its `detections` hold what was found in "
        "the others.",
    )
    return PredictionError(message, found, problems)


def _checked(image: np.ndarray) -> np.ndarray:
    if image.ndim == 3 and image.shape[-1] == 3 and image.dtype == np.uint8 and image.size:
        return image
    raise DataError(
        three_part(
            f"an image is an array of shape {image.shape} and type {image.dtype}.",
            "Pixels have the shape [H, W, 3] and the type uint8, RGB.",
            "Convert it, or give the path of the file.",
        )
    )


def _of_run(run: Run, checkpoint: str | None) -> Detect:
    model = DetectionModel(run.detector(checkpoint))
    resizer = build_resizer(image_resizer(run.config.model), model.detector.pad_value)
    count = model_needs(run.config.model).size("proposals")
    search = SelectiveSearch(count) if count else None

    def detect(image: np.ndarray) -> Found:
        resized, size = resizer(image)
        sizes, images = np.asarray(size)[None], np.asarray(resized)[None]
        if search is None:
            found = model.detect(images, sizes)
        else:
            boxes = search(image) * np.tile(sizes[0], 2).astype(np.float32)
            padded = np.pad(boxes, ((0, count - len(boxes)), (0, 0)))
            found = model.detect(Inputs(images=images, proposals=padded[None]), sizes)
        boxes = to_original(found, sizes, np.array([image.shape[:2]]))[0]
        valid = found.valid[0]
        masks = None if found.masks is None else found.masks[0][valid]
        return Found(boxes[valid], found.scores[0][valid], found.classes[0][valid] + 1, masks)

    return detect


def _of_export(model: ExportedModel) -> Detect:
    search = SelectiveSearch() if PROPOSALS in model.inputs else None

    def detect(image: np.ndarray) -> Found:
        inputs = {INPUT: image[None]}
        if search is not None:
            inputs[PROPOSALS] = search(image)[None].astype(np.float32)
        answers = model(**inputs)
        count = int(answers["num_detections"][0])
        height, width = image.shape[:2]
        masks = answers.get("detection_masks")
        return Found(
            answers["detection_boxes"][0, :count] * np.array([height, width] * 2, np.float32),
            answers["detection_scores"][0, :count],
            answers["detection_classes"][0, :count].astype(np.int32),
            None if masks is None else masks[0, :count],
        )

    return detect


def _exporter_of(path: Path) -> Exporter | None:
    """The format that `path` is an export of; None if it is none."""
    found = (exporters[name] for name in exporters)
    return next((exporter for exporter in found if exporter.recognises(path)), None)


def _class_names(model: ExportedModel, path: Path) -> dict[int, str]:
    """Id → name, from the export at `path` or from a label map that lies with it."""
    label_map = model.label_map
    if label_map is None:
        beside = label_map_beside(os.fspath(path / "inside" if path.is_dir() else path))
        label_map = None if beside is None else read_label_map(beside)
    return {} if label_map is None else {item.id: item.label for item in label_map.items}
