"""TensorFlow SavedModel with the signature of the original's exporter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from detectune.data.resizers import Resizer
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, ExportError, three_part
from detectune.exporters.base import Answers, ExportedModel, Exporter, Metadata, Tolerance
from detectune.exporters.contract import INPUT, PROPOSALS
from detectune.exporters.serving import ServingFunction
from detectune.registry import exporters

_IMAGES = tf.TensorSpec([None, None, None, 3], tf.uint8, name=INPUT)
_BOXES = tf.TensorSpec([None, None, 4], tf.float32, name=PROPOSALS)


class _Served(tf.Module):
    """The object that is saved: calling it detects."""

    def __init__(self, detector: Detector, resizer: Resizer) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._serve, self._detector = ServingFunction(detector, resizer), detector
        # TensorFlow saves the variables it finds on the object.
        self.model_variables = [variable.value for variable in detector.variables]

    @tf.function(input_signature=[_IMAGES])
    def __call__(self, input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._serve(input_tensor)


class _ServedForProposals(_Served):
    """The same for a detector that looks at given boxes."""

    @tf.function(input_signature=[_IMAGES, _BOXES])
    def __call__(self, input_tensor: tf.Tensor, proposals: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._serve(input_tensor, proposals)


@exporters.register("saved_model")
class SavedModelExporter(Exporter):
    """A folder with `saved_model.pb` and `variables/`."""

    name = "saved_model"
    # TensorFlow fuses convolutions and batch norms of a loaded graph: sums in another order. That
    # moved scores by 1.8e-5 in a network that had hardly been trained; a defect moves them by far
    # more.
    tolerances: ClassVar = {"fp32": Tolerance(boxes=1e-4, scores=1e-4)}

    def write(
        self, detector: Detector, resizer: Resizer, path: Path, *,
        precision: str = "fp32", metadata: Metadata | None = None,
    ) -> None:  # fmt: skip
        """Write `detector` to the folder `path`.

        Raises:
            ExportError: Keras runs on another backend than TensorFlow, or images are not resized
                to a fixed size.
        """
        if keras.backend.backend() != "tensorflow":
            raise ExportError(
                three_part(
                    f"export: Keras runs on {keras.backend.backend()}.",
                    "A SavedModel is written with TensorFlow as the backend.",
                    "Set KERAS_BACKEND=tensorflow; checkpoints are the same on every backend.",
                )
            )
        kind = _ServedForProposals if "proposals" in detector.needs else _Served
        served = kind(detector, resizer)
        signatures = {"serving_default": served.__call__}
        tf.saved_model.save(served, os.fspath(path), signatures=signatures)

    def read(self, path: Path) -> ExportedModel:
        try:
            loaded = tf.saved_model.load(os.fspath(path))
            signature = loaded.signatures["serving_default"]
        except (
            tf.errors.OpError, OSError, ValueError, LookupError, RuntimeError, AttributeError,
        ) as error:  # fmt: skip
            raise CheckpointError(
                three_part(
                    f"{path}: the SavedModel cannot be loaded: {str(error).splitlines()[0]}",
                    "Needed is a folder with saved_model.pb and variables/, whole, with the "
                    "signature serving_default.",
                    "Export it again with `detectune export RUN -o DEST`.",
                )
            ) from error

        def answer(inputs: Mapping[str, np.ndarray]) -> Answers:
            # The closure keeps `loaded` alive: a signature alone does not.
            assert loaded is not None
            tensors = {name: tf.constant(value) for name, value in inputs.items()}
            return {name: value.numpy() for name, value in signature(**tensors).items()}

        return ExportedModel(answer, inputs=tuple(signature.structured_input_signature[1]))

    def recognises(self, path: Path) -> bool:
        return (path / "saved_model.pb").is_file()
