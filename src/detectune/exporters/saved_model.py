"""TensorFlow SavedModel with the signature of the original's exporter."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from detectune.data.resizers import Resizer
from detectune.detectors.base import Detector
from detectune.errors import ExportError, three_part
from detectune.exporters.contract import INPUT, MASK_THRESHOLD, PROPOSALS
from detectune.layers.regions import paste_masks
from detectune.registry import exporters
from detectune.structures import Inputs, PaddedDetections, RawDetections

Answers = dict[str, np.ndarray]


class _Exported(tf.Module):
    """The object that is saved: calling it detects."""

    def __init__(self, detector: Detector, resizer: Resizer) -> None:
        super().__init__()
        self._detector, self._resizer = detector, resizer
        # TensorFlow saves the variables it finds on the object.
        self.model_variables = [variable.value for variable in detector.variables]

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name=INPUT)])
    def __call__(self, input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        images, sizes = self._resized(input_tensor)
        found, raw = self._detector.postprocess_with_raw(
            images, self._detector(images, training=False), sizes
        )
        return _outputs(found, raw, sizes, tf.shape(input_tensor)[1:3])

    def _resized(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        specs = (tf.TensorSpec([*self._resizer.output_size, 3]), tf.TensorSpec([2], tf.int32))
        return tf.map_fn(self._resizer, images, fn_output_signature=specs)


class _ExportedForProposals(_Exported):
    """The same for a detector that looks at given boxes."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.uint8, name=INPUT),
            tf.TensorSpec([None, None, 4], tf.float32, name=PROPOSALS),
        ]
    )
    def __call__(self, input_tensor: tf.Tensor, proposals: tf.Tensor) -> dict[str, tf.Tensor]:
        images, sizes = self._resized(input_tensor)
        count = self._detector.needs.size("proposals")
        first = tf.clip_by_value(proposals[:, :count], 0.0, 1.0)
        padded = tf.pad(first, [[0, 0], [0, count - tf.shape(first)[1]], [0, 0]])
        boxes = tf.ensure_shape(padded, [None, count, 4]) * _sides(sizes)
        inputs = Inputs(images=images, proposals=boxes)
        out = self._detector(inputs, training=False)
        found, raw = self._detector.postprocess_with_raw(inputs, out, sizes)
        return _outputs(found, raw, sizes, tf.shape(input_tensor)[1:3])


def _sides(sizes: tf.Tensor) -> tf.Tensor:
    """`[B, 1, 4]` float32: height, width, height, width of sizes `[B, 2]`."""
    return tf.cast(tf.tile(sizes, [1, 2]), tf.float32)[:, None, :]


def _outputs(
    found: PaddedDetections, raw: RawDetections | None, sizes: tf.Tensor, image_size: tf.Tensor
) -> dict[str, tf.Tensor]:
    fractions = _sides(sizes)
    valid = tf.cast(found.valid, tf.float32)
    boxes = found.boxes / fractions
    outputs = {
        "detection_boxes": boxes,
        "detection_scores": found.scores,
        "detection_classes": (tf.cast(found.classes, tf.float32) + 1.0) * valid,
        "num_detections": tf.reduce_sum(valid, axis=1),
    }
    if found.class_scores is not None:
        outputs["detection_multiclass_scores"] = found.class_scores
    if found.anchor_indices is not None:
        outputs["detection_anchor_indices"] = tf.cast(found.anchor_indices, tf.float32)
    if raw is not None:
        outputs["raw_detection_boxes"] = raw.boxes / fractions
        outputs["raw_detection_scores"] = raw.scores
    if found.masks is not None:
        outputs["detection_masks"] = found.masks * valid[..., None, None]
        outputs["detection_masks_reframed"] = _reframed(found.masks, boxes, valid, image_size)
    if found.features is not None:
        outputs["detection_features"] = found.features
    return outputs


def _reframed(
    masks: tf.Tensor, boxes: tf.Tensor, valid: tf.Tensor, image_size: tf.Tensor
) -> tf.Tensor:
    """`[B, K, H, W]` uint8: masks in the image, one image after the other to save memory."""

    def paste(one: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        pasted = paste_masks(one[0], one[1], (image_size[0], image_size[1]))
        return tf.cast((pasted > MASK_THRESHOLD) & (one[2] > 0.0)[:, None, None], tf.uint8)

    spec = tf.TensorSpec([masks.shape[1], None, None], tf.uint8)
    return tf.map_fn(paste, (masks, boxes, valid), fn_output_signature=spec)


@exporters.register("saved_model")
def write_saved_model(detector: Detector, resizer: Resizer, path: Path) -> None:
    """Write `detector` to the folder `path`.

    Raises:
        ExportError: Keras runs on another backend than TensorFlow, or images are not resized to a
            fixed size.
    """
    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            three_part(
                f"export: Keras runs on {keras.backend.backend()}.",
                "A SavedModel is written with TensorFlow as the backend.",
                "Set KERAS_BACKEND=tensorflow; checkpoints are the same on every backend.",
            )
        )
    if None in resizer.output_size:
        raise ExportError(
            three_part(
                "export: the image_resizer gives images of different sizes.",
                "A SavedModel has one input size inside, to which it resizes.",
                "Use fixed_shape_resizer, or keep_aspect_ratio_resizer with "
                "pad_to_max_dimension: true.",
            )
        )
    kind = _ExportedForProposals if "proposals" in detector.needs else _Exported
    exported = kind(detector, resizer)
    tf.saved_model.save(
        exported, os.fspath(path), signatures={"serving_default": exported.__call__}
    )


def read_saved_model(path: Path) -> Callable[..., Answers]:
    """The exported model at `path`: images `[B, H, W, 3]` uint8 → outputs by name.

    A detector of given boxes takes them as well: `[B, P, 4]` float32, fractions.
    """
    loaded = tf.saved_model.load(os.fspath(path))
    signature = loaded.signatures["serving_default"]

    def answer(images: np.ndarray, proposals: np.ndarray | None = None) -> Answers:
        # The closure keeps `loaded` alive: a signature alone does not.
        assert loaded is not None
        inputs = {INPUT: tf.constant(images)}
        if proposals is not None:
            inputs[PROPOSALS] = tf.constant(proposals)
        return {name: value.numpy() for name, value in signature(**inputs).items()}

    return answer
