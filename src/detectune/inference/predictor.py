"""Load once, predict often: a run, a zoo archive or an exported model behind one call.

image [H, W, 3] uint8 ─► resize ─► detector ─► boxes and masks in pixels of the image
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from detectune.checkpoints.restore import label_map_beside
from detectune.checkpoints.run_directory import open_run
from detectune.config.architectures import image_resizer
from detectune.config.label_map import read_label_map
from detectune.config.needs import model_needs
from detectune.data.decode import read_image
from detectune.data.resizers import build_resizer
from detectune.data.selective_search import SelectiveSearch
from detectune.detectors.inference import DetectionModel, to_original
from detectune.errors import CheckpointError, DataError, three_part
from detectune.evaluation.image_masks import image_rles
from detectune.inference.results import ImageDetections
from detectune.structures import Inputs

# What can be given as an image: a path, or pixels [H, W, 3] uint8 RGB.
ImageLike = str | os.PathLike | np.ndarray


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
    def load(cls, path: str | os.PathLike, checkpoint: str | None = None) -> Predictor:
        """A predictor from a run directory, an unpacked zoo archive, or a SavedModel.

        Where the detector looks at boxes of the data, they are searched in each image.

        Args:
            checkpoint: "best", "last" or a path; the best there is if None.

        Raises:
            CheckpointError: there is nothing to load at `path`, or it is damaged.
            ConfigError: selective search is needed, and not installed.
        """
        if (Path(path) / "saved_model.pb").is_file():
            return cls(_saved_model(Path(path)), _names_beside(Path(path)))
        run = open_run(path)
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

        names = {item.id: item.label for item in run.label_map().items}
        return cls(detect, names)

    # A str is a path here, though it is a sequence of str as well.
    @overload
    def predict(self, images: ImageLike) -> ImageDetections: ...  # pyright: ignore[reportOverlappingOverload]
    @overload
    def predict(self, images: Sequence[ImageLike]) -> list[ImageDetections]: ...

    def predict(
        self, images: ImageLike | Sequence[ImageLike]
    ) -> ImageDetections | list[ImageDetections]:
        """The detections of one image, or of each of several.

        Args:
            images: paths, or pixels `[H, W, 3]` uint8 RGB. Files are turned upright as their
                EXIF orientation says, and boxes refer to the upright picture.

        Raises:
            DataError: a file is missing or no image, or an array has another shape or type.
        """
        if isinstance(images, str | os.PathLike):
            return self._one(read_image(images), os.fspath(images))
        if isinstance(images, np.ndarray):
            return self._one(_checked(images), "")
        return [self.predict(image) for image in images]

    def _one(self, image: np.ndarray, file_name: str) -> ImageDetections:
        found, rles = self._detect(image), None
        if found.masks is not None:
            rles = tuple(image_rles(found.masks, found.boxes, *image.shape[:2]))
        return ImageDetections(image, *found[:3], self.class_names, file_name, rles)


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


def _saved_model(path: Path) -> Detect:
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(os.fspath(path))
        signature = loaded.signatures["serving_default"]
    except (
        tf.errors.OpError, OSError, ValueError, LookupError, RuntimeError, AttributeError,
    ) as error:  # fmt: skip
        raise CheckpointError(
            three_part(
                f"{path}: the SavedModel cannot be loaded: {str(error).splitlines()[0]}",
                "Needed is a folder with saved_model.pb and variables/, whole, with the signature "
                "serving_default.",
                "Export it again with `detectune export`.",
            )
        ) from error

    takes_boxes = "proposals" in signature.structured_input_signature[1]
    search = SelectiveSearch() if takes_boxes else None

    def detect(image: np.ndarray) -> Found:
        inputs = {"input_tensor": tf.constant(image[None])}
        if search is not None:
            inputs["proposals"] = tf.constant(search(image)[None], tf.float32)
        outputs = signature(**inputs)
        count = int(outputs["num_detections"][0])
        height, width = image.shape[:2]
        scale = np.array([height, width, height, width], np.float32)
        masks = outputs.get("detection_masks")
        return Found(
            outputs["detection_boxes"][0, :count].numpy() * scale,
            outputs["detection_scores"][0, :count].numpy(),
            outputs["detection_classes"][0, :count].numpy().astype(np.int32),
            None if masks is None else masks[0, :count].numpy(),
        )

    detect.loaded = loaded  # type: ignore[attr-defined]  # a signature does not keep its model alive
    return detect


def _names_beside(path: Path) -> dict[int, str]:
    found = label_map_beside(os.fspath(path / "saved_model.pb"))
    if found is None:
        return {}
    return {item.id: item.label for item in read_label_map(found).items}
