"""A frozen graph: one file with the network and its weights as constants."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from detectune.data.resizers import Resizer
from detectune.detectors.base import Detector
from detectune.errors import CheckpointError, ExportError, three_part
from detectune.exporters import contract
from detectune.exporters.base import Answers, ExportedModel, Exporter, Metadata, Tolerance
from detectune.exporters.serving import ServingFunction
from detectune.registry import exporters

_NAMES = (*contract.OUTPUTS, *contract.ANCHOR_OUTPUTS, *contract.OPTIONAL_OUTPUTS)


@exporters.register("frozen_graph")
class FrozenGraphExporter(Exporter):
    """A `GraphDef`, as TensorFlow 1 had it."""

    name = "frozen_graph"
    tolerances: ClassVar = {"fp32": Tolerance(boxes=1e-4, scores=1e-4)}
    produces, suffix = "file", ".pb"

    def write(
        self, detector: Detector, resizer: Resizer, path: Path, *,
        precision: str = "fp32", metadata: Metadata | None = None,
    ) -> None:  # fmt: skip
        if detector.needs.inputs:
            raise ExportError(
                three_part(
                    f"frozen_graph: the detector is given {', '.join(detector.needs.inputs)}.",
                    "A frozen graph takes images alone.",
                    "Export with --to saved_model.",
                )
            )
        serve = ServingFunction(detector, resizer)

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, "images")])
        def named(images: tf.Tensor) -> list[tf.Tensor]:
            return [tf.identity(value, name) for name, value in serve(images).items()]

        frozen = convert_variables_to_constants_v2(named.get_concrete_function())
        path.write_bytes(frozen.graph.as_graph_def().SerializeToString())

    def read(self, path: Path) -> ExportedModel:
        try:
            graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())
            found = {node.name for node in graph.node}.intersection(_NAMES)
            wrapped = tf.compat.v1.wrap_function(
                lambda: tf.graph_util.import_graph_def(graph, name=""), []
            )
            function = wrapped.prune("images:0", {name: f"{name}:0" for name in found})
        except (DecodeError, ValueError, KeyError) as error:
            raise CheckpointError(
                three_part(
                    f"{path}: it is no frozen graph of a detector: {error}",
                    f"Needed are the input images and outputs such as {_NAMES[0]}.",
                    "Export it again with `detectune export --to frozen_graph`.",
                )
            ) from error

        def answer(inputs: Mapping[str, np.ndarray]) -> Answers:
            answers = function(tf.constant(inputs[contract.INPUT]))
            return {name: value.numpy() for name, value in answers.items()}

        return ExportedModel(answer, inputs=(contract.INPUT,))

    def recognises(self, path: Path) -> bool:
        return path.suffix == self.suffix and path.is_file()
