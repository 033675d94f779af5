"""What every export computes: images as they come → answers.

images [B, H, W, 3] uint8 ─► resize, pad ─► detector ─► post-processing ─► answers by name
"""

from __future__ import annotations

import tensorflow as tf

from detectune.data.resizers import Resizer
from detectune.detectors.base import Detector
from detectune.errors import ExportError, three_part
from detectune.exporters.answers import answers
from detectune.exporters.preprocessing import given_boxes, resized
from detectune.structures import Inputs


class ServingFunction:
    """A detector with all that is around it, as a TensorFlow function for a format to trace.

    Args:
        resizer: one with a fixed output size.

    Raises:
        ExportError: images are not resized to a fixed size.
    """

    def __init__(self, detector: Detector, resizer: Resizer) -> None:
        if None in resizer.output_size:
            raise ExportError(
                three_part(
                    "export: the image_resizer gives images of different sizes.",
                    "An export has one input size inside, to which it resizes.",
                    "Use fixed_shape_resizer, or keep_aspect_ratio_resizer with "
                    "pad_to_max_dimension: true.",
                )
            )
        self.detector, self.resizer = detector, resizer

    def __call__(
        self, images: tf.Tensor, proposals: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Outputs by the names of `exporters.contract`.

        Args:
            images: `[B, H, W, 3]` uint8, RGB.
            proposals: `[B, P, 4]` float32, yxyx as fractions of the image, of a detector that
                looks at boxes of the data.
        """
        pixels, sizes = resized(self.resizer, images)
        inputs = Inputs(images=pixels)
        if proposals is not None:
            count = self.detector.needs.size("proposals")
            inputs["proposals"] = given_boxes(proposals, count, sizes)
        out = self.detector(inputs, training=False)
        found, raw = self.detector.postprocess_with_raw(inputs, out, sizes)
        shape = tf.shape(images)
        # Parity: boxes that were clipped to the picture are its fractions, others the input's.
        whole = tf.constant([self.resizer.output_size], tf.int32)
        return answers(
            found,
            raw,
            sizes=sizes,
            raw_sizes=sizes if self.detector.clips_raw_boxes else whole,
            image_size=(shape[1], shape[2]),
        )
